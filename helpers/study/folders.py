"""Where studies are, and how a path is told."""

import contextlib
from pathlib import Path

from helpers import PROJECT
from helpers.errors import StudyError, listed, nearest

LONGEST = 200


def relative(path: Path) -> str:
    """A path as the user knows it: relative to the project, or to where they stand, else its last two parts."""
    for base in (PROJECT, Path.cwd()):
        if path.resolve().is_relative_to(base):
            return path.resolve().relative_to(base).as_posix()
    return "/".join(path.parts[-2:])


def find_folder(study_dir: str | Path) -> Path:
    """A study's folder, sought from where the caller stands and then from the project."""
    for base in (Path.cwd(), PROJECT):
        with contextlib.suppress(OSError, ValueError):
            folder = (base / study_dir).resolve()
            if folder.is_dir():
                return folder
    data = PROJECT / "data"
    known = (
        sorted(f"data/{each.name}" for each in data.iterdir() if (each / "study.toml").is_file())
        if data.is_dir()
        else []
    )
    asked = str(study_dir)[:LONGEST]
    raise StudyError(f"there is no folder '{asked}'{nearest(asked, known)} (studies here: {listed(known)})")
