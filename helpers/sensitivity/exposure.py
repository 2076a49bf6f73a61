"""Treatment as an exposure that begins: who is followed, from when each was treated, and their time in two pieces."""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import complete_cases
from helpers.study import Study
from helpers.study.schema import DAYS_PER_MONTH

HALF_DAY = 0.5 / DAYS_PER_MONTH


def exposed(
    cohort: Cohort, endpoint: str, population: str, covariates: list[str]
) -> tuple[pd.DataFrame, pd.Series, dict[str, int]]:
    """Patients with a time and every covariate, the month each one's treatment began, and how many are lost.

    The month is NaN in who was not treated before the endpoint's time; a patient in the treated arm without a start is
    lost to it (`n_missing`).
    """
    arms = cohort.study.arms
    needed = [name for name in covariates if name != arms.column]
    known, lost = complete_cases(cohort, endpoint, population, needed)
    start = cohort.start(known)
    unknown = (known[arms.column] == arms.treated) & start.isna()
    known, start = known[~unknown], start[~unknown]
    begun = begins(cohort.study, start, known["time"])
    return known, begun, {**lost, "n_missing": lost["n_missing"] + int(unknown.sum())}


def begins(study: Study, start: pd.Series, time: pd.Series) -> pd.Series:
    """The start as the study file takes one that falls on the end; NaN where treatment begins after the end."""
    together = np.isclose(start, time, rtol=1e-9, atol=1e-9)
    if study.exposure.same_time == "half_day_earlier":
        start = start.where(~together, (start - HALF_DAY).clip(lower=0))
    else:
        start = start.mask(together)
    return start.where(start < time)


def pieces(study: Study, known: pd.DataFrame, start: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Each patient's time before and after treatment began as rows from `entry` to `time`, and whose row each is.

    The arm's column says whether the piece is treated; the event belongs to the last piece.
    """
    arms = study.arms
    begun = start.notna()
    before = known[~begun | (start > 0)].assign(entry=0.0)
    cut = begun.loc[before.index]
    before["time"] = before["time"].where(~cut, start.loc[before.index])
    before["event"] = before["event"] & ~cut
    before[arms.column] = _arm(study, arms.reference, before.index)
    after = known[begun].assign(entry=start[begun])
    after[arms.column] = _arm(study, arms.treated, after.index)
    both = pd.concat([before, after])
    patient = pd.Series(both.index)
    return both.reset_index(drop=True), patient


def _arm(study: Study, level: str, rows: pd.Index) -> pd.Series:
    return pd.Series(pd.Categorical([level] * len(rows), categories=list(study.arms.levels)), index=rows)
