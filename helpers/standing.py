"""Whether a report that stands is the one its inputs give: what it was made of, and that no file of it was touched."""

import hashlib
import json
import platform
from pathlib import Path

from helpers import PROJECT, sources
from helpers.store import key_of
from helpers.study import Study, relative
from helpers.versions import versions

RECORD = "run.json"
NOTEBOOKS, REPORTS = PROJECT / "notebooks", PROJECT / "reports"


def identity(study: Study) -> str:
    """What tells a study from another whose folder has the same name, without saying where it lies."""
    inside = study.folder.is_relative_to(PROJECT)
    return relative(study.folder) if inside else hashlib.sha256(str(study.folder).encode()).hexdigest()


def made_of(study: Study, parameters: dict, notebooks: Path = NOTEBOOKS) -> str:
    """All that a report follows from, as one checksum: study, patients, parameters, notebooks, code and versions."""
    code = tuple(path for path in sorted(sources.PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    books = tuple(sorted(notebooks.glob("*.ipynb")))
    read = [study.model_dump_json(exclude={"folder"}), study.digests(), parameters, sources.of(code), sources.of(books)]
    return key_of(identity(study), *read, platform.python_version(), versions())


def files(place: Path) -> dict[str, str]:
    """SHA-256 of each file of a report but its record."""
    paths = [path for path in sorted(place.rglob("*")) if path.is_file() and path.name != RECORD]
    return {path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def sealed(record: dict) -> dict:
    """A record with a checksum of itself."""
    told = {name: value for name, value in record.items() if name != "seal"}
    return {**told, "seal": key_of(told)}


def recorded(place: Path) -> dict:
    """The record of a report, empty where there is none that can be read."""
    try:
        told = json.loads((place / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def since(study: Study, parameters: dict, place: Path) -> str | None:
    """When the report in a place was made, if it is what these inputs give and stands untouched; else None."""
    told = recorded(place)
    if told != sealed(told):
        return None
    if told.get("made_of") != made_of(study, parameters) or told.get("files") != files(place):
        return None
    return told.get("started")
