"""The simulation that a study keeps beside its cohort, as long as both are what it was made from."""

from pathlib import Path

import pandas as pd

from helpers.cohort import Cohort
from helpers.errors import OutputError
from helpers.ledger import STATISTICS_OF, melt, pivot, read, wide, write
from helpers.names.simulated import STORED
from helpers.sections import SENSITIVITY
from helpers.simulate.design import designs, digest
from helpers.simulate.runs import DESIGN
from helpers.study import relative
from helpers.study.variants import variant


def save(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Write a simulation as ledger rows, and return them. Raises OutputError where the file cannot be written."""
    rows = melt([frame], SENSITIVITY.name)
    try:
        write(rows, path)
    except OSError as error:
        raise OutputError(f"{relative(path)} cannot be written: {error.strerror}") from None
    return rows


def check_output(path: Path) -> None:
    """Raise OutputError where `save` could not put a file there."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise OutputError(f"--output: {relative(path)} is no place for a file")


def stored(cohort: Cohort) -> pd.DataFrame:
    """The study's stored simulation in the shape of `simulate`, models named `name:stored`.

    Empty without one, where the study file or the patients have changed since, and where an endpoint cannot be drawn;
    `attrs["reason"]` says why.
    """
    path = cohort.study.simulation_path
    if cohort.study.simulation is None:
        return _none("")
    drawn, reasons = designs(cohort)
    if reasons:
        return _none("; ".join(reasons))
    if not path.is_file():
        command = f"`python -m helpers simulate {relative(cohort.study.folder)}`"
        return _none(f"no cohorts have been drawn; {command} draws them")
    anew = f"`python -m helpers simulate {relative(cohort.study.folder)}` makes it anew"
    try:
        frame = pivot(read(path))
    except (ValueError, KeyError):
        return _none(f"{relative(path)} is no simulation that can be read; {anew}")
    made = set(zip(frame["endpoint"], frame["method"].str.partition(";")[0], strict=True))
    if made != {(endpoint, f"{DESIGN}{digest(own)}") for endpoint, own in drawn.items()}:
        return _none(f"{relative(path)} was made from other patients or other entries of the study file; {anew}")
    found = frame.assign(model=[variant(each, STORED) for each in frame["model"]])
    found.attrs["reason"] = ""
    return found


def _none(reason: str) -> pd.DataFrame:
    found = wide([], STATISTICS_OF["simulation"])
    found.attrs["reason"] = reason
    return found
