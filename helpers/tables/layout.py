"""What every table shares: its last notes and how its labels are written."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.study import Study
from helpers.thresholds import COSTLY, FEW_EVENTS


def finished(table: Table, study: Study) -> Table:
    """The table with the abbreviations it uses as its last note and the warning a synthetic cohort needs."""
    cells = [cell for row in table.rows for cell in row.cells]
    spelt = study.spelt([table.title, *table.header, *cells, *table.notes])
    return replace(table, notes=(*table.notes, *spelt), mark=study.mark)


POST_BASELINE = "† Known only after time zero, so not a cause at time zero."
INDEPENDENT = "Errors take paired patients as independent."


def marks(study: Study, rows: Iterable[Row], population: str) -> list[str]:
    """Notes on rows with a dagger, and on errors among matched patients."""
    daggers = any("†" in cell for row in rows for cell in row.cells)
    return [POST_BASELINE] * daggers + [INDEPENDENT] * study.is_matched(population)


def heading(label: str, columns: int) -> Row:
    """A row that names what the rows under it belong to."""
    return Row((label, *[""] * (columns - 1)), heading=True)


def reasons(*frames: pd.DataFrame) -> list[str]:
    """One note on everything in the frames that could not be estimated, and why."""
    found = sorted({reason for frame in frames for each in frame["not_estimable"] for reason in each.values()})
    return [f"{notation.NOT_ESTIMABLE}, not estimable: {'; '.join(found)}."] if found else []


def endpoints(frame: pd.DataFrame) -> Iterable[str]:
    """The endpoints of a frame in their order."""
    return dict.fromkeys(frame["endpoint"])


def cautions(study: Study, adjusted: pd.DataFrame) -> str:
    """What a reader must know before a model's numbers: what its complete cases cost, and too few events."""
    fitted = adjusted[adjusted["variable"] == ""].iloc[0]
    said = [_costly(study, adjusted, fitted)]
    if fitted["events_per_parameter"] < FEW_EVENTS:
        ratio = notation.number(fitted["events_per_parameter"], 1)
        said.append(
            f"This model has {ratio} events per parameter, fewer than {FEW_EVENTS}: its estimates are unstable."
        )
    return " ".join(each for each in said if each)


def _costly(study: Study, adjusted: pd.DataFrame, fitted: pd.Series) -> str:
    """Told where a model's complete cases are fewer than nine in ten: how many, and the variable that costs most."""
    lost = int(fitted["n_missing"] + fitted["n_not_applicable"])
    everybody = lost + int(fitted["n"])
    if lost <= COSTLY * everybody:
        return ""
    share = notation.number(100 * lost / everybody, 0)
    said = f"This model leaves out {lost} of {everybody} patients ({share}%)"
    whole = adjusted[(adjusted["level"] == "") & ~adjusted["variable"].isin(["", study.arms.column])]
    whole = whole.set_index("variable")
    costs = whole["n_missing"] + whole["n_not_applicable"]
    strata = study.model(*fitted[["model", "endpoint", "population"]]).strata
    worst = costs.idxmax() if costs.max() > 0 else ""
    if strata and (not worst or costs[worst] < lost / 2):
        return f"{said}; most of them for want of a stratum ({', '.join(study.label(name) for name in strata)})."
    if not worst:
        return f"{said}."
    absent, missing = (int(whole.loc[worst, name]) for name in ("n_not_applicable", "n_missing"))
    why = [f"{absent} cannot have it"] * (absent > 0) + [f"{missing} have no value"] * (missing > 0)
    return f"{said}; most for {notation.within(study.label(worst))} ({', '.join(why)})."
