"""The study file: every decision a clinician would call one, read into a frozen object and checked against itself."""

import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from helpers.errors import StudyError
from helpers.study.consistency import contradictions
from helpers.study.faults import control_character, sentence
from helpers.study.folders import find_folder, relative
from helpers.study.frozen import Study
from helpers.study.places import places

__all__ = ["Study", "find_folder", "read_study", "relative"]


def read_study(study_dir: str | Path) -> Study:
    """Read `study_dir/study.toml`.

    Raises StudyError, naming the entry and what is allowed, for a missing folder or file, broken TOML, an unknown or
    missing entry, a wrong type, text that cannot be shown, and entries that contradict each other.
    """
    folder = find_folder(study_dir)
    path = folder / "study.toml"
    name = relative(path)
    if not path.is_file():
        raise StudyError(f"{relative(folder)}: there is no study.toml in this folder")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise StudyError(f"{name}: this is not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{name}: this is not valid TOML: {error}") from None
    hidden = control_character(content)
    if hidden:
        raise StudyError(f"{name}: {hidden}")
    try:
        study = TypeAdapter(Study).validate_python({**content, "folder": folder})
    except ValidationError as error:
        raise StudyError(f"{name}: {sentence(error)}") from None
    problems = [*places(study), *contradictions(study)]
    if problems:
        more = f" ({len(problems) - 1} more in this file)" if len(problems) > 1 else ""
        raise StudyError(f"{name}: {problems[0]}{more}")
    return _with_treatment(study)


def _with_treatment(study: Study) -> Study:
    """The study with treatment first among the variables examined one at a time, where the file forgets it."""
    arm = study.arms.column
    lists = [
        each if arm in each.variables else each.model_copy(update={"variables": [arm, *each.variables]})
        for each in study.univariable
    ]
    return study.model_copy(update={"univariable": lists})
