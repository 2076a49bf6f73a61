"""Treatment as an exposure that begins: who is followed, from when each was treated, and their time in two pieces."""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import complete_cases, selected
from helpers.cox.models import joined
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.study.schema import DAYS_PER_MONTH
from helpers.study.variants import UNADJUSTED

HALF_DAY = 0.5 / DAYS_PER_MONTH
SAME = {"rtol": 1e-9, "atol": 1e-9}


def exposed(
    cohort: Cohort, endpoint: str, population: str, covariates: list[str]
) -> tuple[pd.DataFrame, pd.Series, dict[str, int]]:
    """Patients with a time and every covariate, the month each one's treatment began, and how many are lost.

    The month is NaN in who was not treated before the endpoint's time; a patient in the treated arm without a start is
    lost to it (`n_missing`). Where a time of zero is taken as half a day, so is a start at zero: neither comes first.
    """
    arms = cohort.study.arms
    needed = [name for name in covariates if name != arms.column]
    known, lost = complete_cases(cohort, endpoint, population, needed)
    start = cohort.start(known)
    if cohort.study.endpoints[endpoint].zero_time == "half_day":
        start = start.mask(start == 0, HALF_DAY)
    unknown = (known[arms.column] == arms.treated) & start.isna()
    known, start = known[~unknown], start[~unknown]
    begun = begins(cohort.study, start, known["time"])
    return known, begun, {**lost, "n_missing": lost["n_missing"] + int(unknown.sum())}


def begins(study: Study, start: pd.Series, time: pd.Series) -> pd.Series:
    """The start as the study file takes one that falls on the end; NaN where treatment begins after the end.

    A start that differs by rounding only from somebody's time is made equal to it.
    """
    times = np.sort(time.dropna().unique())
    if len(times):
        after = np.clip(np.searchsorted(times, start), 1, max(len(times) - 1, 1))
        for nearest in (times[after - 1], times[np.minimum(after, len(times) - 1)]):
            start = start.mask(np.isclose(start, nearest, **SAME), nearest)
    together = start == time
    moved = start - HALF_DAY if study.exposure.same_time == "half_day_earlier" else np.nan
    start = start.mask(together, moved)
    return start.where(start < time)


def pieces(study: Study, known: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """Each patient's time before and after treatment began, a row from `entry` to `time`, indexed by patient and piece.

    The arm's column says whether the piece is treated; the event belongs to the last piece. A first piece is at risk
    from before time zero on, so that an event at zero counts.
    """
    arms, begun = study.arms, start.notna()
    at_zero = bool((known["time"] == 0).any())
    before = known[~begun | (start > 0) | (at_zero & (start == 0))].assign(entry=-np.inf)
    cut = begun.loc[before.index]
    before["time"] = before["time"].mask(cut, start.loc[before.index])
    before["event"] = before["event"] & ~cut
    after = known[begun].assign(entry=start[begun])
    for piece, level in ((before, arms.reference), (after, arms.treated)):
        piece[arms.column] = pd.Categorical([level] * len(piece), categories=list(arms.levels))
    return pd.concat({1: before, 2: after}, names=["piece", "patient"]).swaplevel()


def models(cohort: Cohort, endpoint: str, population: str) -> dict[str, Model]:
    """Treatment alone, and the exposure's models that hold treatment and have this endpoint, covariates chosen.

    A selection is the one made with the arm as known at time zero; treatment stays in whatever its P was there.
    """
    study, arm = cohort.study, cohort.study.arms.column
    found = {UNADJUSTED: Model(label="Unadjusted", endpoints=[endpoint], covariates=[arm])}
    within = {each.name for each in study.within_arm if each.population == population}
    for name in study.exposure.models:
        if name in within or not any(endpoint in each.endpoints for each in study.models[name]):
            continue
        spec = study.model(name, endpoint, population)
        if arm in [*(spec.covariates or []), *(spec.candidates or [])]:
            chosen = spec.covariates or selected(cohort, spec, endpoint, population)
            chosen = chosen if arm in chosen else [arm, *chosen]
            found[name] = spec.model_copy(update={"covariates": chosen})
    return found


def alone(rows: list[dict]) -> list[dict]:
    """The rows of a model of treatment alone, the variable's own saying what the model's says, as in `univariable`."""
    return [rows[0], joined(rows[0], rows[1]), *rows[2:]]
