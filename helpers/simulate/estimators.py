"""The effect of treatment on one cohort by every way of analysing that is compared, each a coefficient and its error.

Each is the estimate that the report makes, without what else its tables hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import effect, fit, maximise
from helpers.cox.design import Maximum, columns
from helpers.errors import ParameterError
from helpers.ledger import at_label
from helpers.names import simulated as names
from helpers.sensitivity.cloning import clones
from helpers.sensitivity.exposure import SAME, exposed, pieces
from helpers.study import Study

PRIMARY = "primary"
NONE = (np.nan, np.nan)


@dataclass(frozen=True)
class Analysed:
    """A cohort and what several estimators need of it: its complete cases, when each began, their covariates."""

    cohort: Cohort
    endpoint: str
    known: pd.DataFrame
    start: pd.Series
    table: pd.DataFrame

    @property
    def study(self) -> Study:
        """The cohort's study."""
        return self.cohort.study

    @cached_property
    def clones(self) -> pd.DataFrame | None:
        """Its patients cloned into both strategies; None where the strategies cannot be compared."""
        try:
            return clones(self.cohort, self.endpoint, PRIMARY)
        except ParameterError:
            return None


def analysed(cohort: Cohort) -> Analysed:
    """What every estimator begins with."""
    asked = cohort.study.exposure
    known, start, _ = exposed(cohort, asked.before, PRIMARY, asked.covariates)
    table = columns(cohort.study, known, asked.covariates, penalised=True)[0]
    return Analysed(cohort, asked.before, known, start, table)


Estimator = Callable[[Analysed], tuple[float, float]]


def estimators(study: Study) -> dict[str, Estimator]:
    """Every way of analysing the drawn cohorts of a study, by its name in the ledger; `label` says it in words."""
    asked = study.exposure
    ways = {
        names.NAIVE: partial(_fixed, population=PRIMARY),
        **{f"{names.EXCLUDED}{each}": partial(_fixed, population=each) for each in asked.exclusions},
        **{f"{names.LANDMARK}{at_label(each)}": partial(_landmark, month=each) for each in asked.landmarks},
        names.TIME_DEPENDENT: _time_dependent,
    }
    suffixes = {names.UNADJUSTED: False, names.ADJUSTED: True}
    return {
        **{
            f"{name}{suffix}": partial(made, adjusted=adjusted)
            for name, made in ways.items()
            for suffix, adjusted in suffixes.items()
        },
        names.UNWEIGHTED: partial(_clones, weighted=False),
        names.WEIGHTED: partial(_clones, weighted=True),
    }


def estimate(cohort: Cohort, chosen: list[str] | None = None) -> dict[str, tuple[float, float]]:
    """Coefficient of treatment and standard error by way of analysing, NaN where there is no estimate."""
    given = analysed(cohort)
    every = estimators(cohort.study)
    return {name: every[name](given) for name in (every if chosen is None else chosen)}


def _fixed(given: Analysed, *, population: str, adjusted: bool) -> tuple[float, float]:
    """The arm as if known at time zero, in a population."""
    inside = given.known.index.isin(given.cohort.members[population])
    return _effect(given, given.known[inside], adjusted=adjusted)


def _landmark(given: Analysed, *, month: float, adjusted: bool) -> tuple[float, float]:
    """Who is at risk at a landmark, treated by then or not."""
    later = month * (1 + SAME["rtol"])
    there = given.known[given.known["time"] > later]
    treated = (given.start.loc[there.index] <= later).to_numpy()
    arms = given.study.arms
    code = np.where(treated, list(arms.levels).index(arms.treated), list(arms.levels).index(arms.reference))
    arm = pd.Categorical.from_codes(code, categories=list(arms.levels))
    return _effect(given, there.assign(**{arms.column: arm, "time": there["time"] - month}), adjusted=adjusted)


def _time_dependent(given: Analysed, *, adjusted: bool) -> tuple[float, float]:
    """Treatment as an exposure that begins."""
    return _effect(given, pieces(given.study, given.known, given.start), adjusted=adjusted)


def _clones(given: Analysed, *, weighted: bool) -> tuple[float, float]:
    """Beginning within the grace period or not: patients cloned and censored, errors clustered on them."""
    rows = given.clones
    if rows is None or (weighted and rows["weight"].isna().all()):
        return NONE
    arms, patient = given.study.arms, rows.index
    first = ~pd.MultiIndex.from_arrays([patient, rows["strategy"]]).duplicated()
    rows = rows.assign(**{arms.column: rows["strategy"], "entry": rows["entry"].mask(first, -np.inf)})
    weights = rows["weight"].to_numpy() if weighted else np.ones(len(rows))
    return _effect(given, rows, adjusted=False, weights=weights, clusters=patient.to_numpy())


def _effect(given: Analysed, rows: pd.DataFrame, *, adjusted: bool, **how: np.ndarray) -> tuple[float, float]:
    """The arm's coefficient in a Cox model of rows, beside the covariates of the patients they are of."""
    study, arms = given.study, given.study.arms
    patient = given.table.index.get_indexer(rows.index.get_level_values(0))
    own, name = (rows[arms.column] == arms.treated).to_numpy(dtype=float), (arms.column, arms.treated)
    beside = given.table.to_numpy()[patient] if adjusted else np.zeros((len(rows), 0))
    design = pd.DataFrame(np.column_stack([own, beside]))
    design.columns = [name, *(given.table.columns if adjusted else [])]
    how |= {"start": rows["entry"].to_numpy()} if "entry" in rows else {}
    fitted = fit(design, rows["time"].to_numpy(), rows["event"].to_numpy(), **how)
    fitted = fitted if fitted.robust is None else replace(fitted, covariance=fitted.robust)
    found = Maximum(fitted, fitted.blank, design.shape[1], design, None)
    if fitted.problem and not how.keys() & {"weights"}:
        found = maximise(study, rows, [arms.column, *(study.exposure.covariates if adjusted else [])])
    row = effect(study, found, name)
    return row["log_hr"], row["log_hr_se"]
