"""The maximum of a Cox partial likelihood, and what is left of it where it lies at infinity.

Newton's method on `helpers.cox.likelihood`. A coefficient without a finite maximum is found by linear programming
(`helpers.cox.separation`), never by its size; everything else keeps its estimate in the limit.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import linalg

from helpers.cox.likelihood import Likelihood, RiskSets, at, risk_sets
from helpers.cox.separation import monotone_direction

MAX_STEPS = 500
TOLERANCE = 1e-16
CONSTANT = 1e-10
DEPENDENT = 1e-11
FLAT = 1e-5
FAR = 15.0
SAME = 1e-7
NO_VARIATION = "the variable does not vary among the patients at risk"
NO_MAXIMUM = "the partial likelihood has no finite maximum"


@dataclass(frozen=True)
class Fit:
    """A maximised partial likelihood: coefficients and their covariance by column of the design.

    `robust` is the sandwich covariance where clusters were given (Lin & Wei, 1989). `blank` names columns without an
    estimate and why: they do not vary, or their coefficient runs to infinity and the others stand at their limit.
    `problem` says why there is no fit at all.
    """

    log_hr: pd.Series
    covariance: pd.DataFrame
    log_likelihood: float
    blank: dict = field(default_factory=dict)
    problem: str = ""
    robust: pd.DataFrame | None = None


@dataclass(frozen=True)
class Rows:
    """What is at risk at one death or more: covariates in standard deviations, intervals, events, strata, weights."""

    x: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    event: np.ndarray
    stratum: np.ndarray
    weight: np.ndarray
    cluster: np.ndarray
    ties: str

    def sets(self, level: np.ndarray | None = None) -> RiskSets:
        """The risk sets, within levels of a value where one is given."""
        stratum = self.stratum if level is None else _joined(self.stratum, level)
        data = {"start": self.start, "strata": stratum, "weights": self.weight, "ties": self.ties}
        return risk_sets(self.stop, self.event, **data)


def fit(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    start: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    ties: str = "efron",
) -> Fit:
    """Maximise the partial likelihood of numeric `columns`, baseline hazards free by stratum.

    A row is at risk after `start` (always, where none is given) up to and including `time`; at risk at no death, it
    changes nothing. There is no fit, and `problem` says why, without events, with more parameters than events, with
    dependent columns and where the steps do not converge.
    """
    names = list(columns.columns)
    rows, scale = prepared(columns, time, event, strata, start, weights, clusters, ties)
    blank = {name: NO_VARIATION for name, each in zip(names, scale, strict=True) if each == 0}
    kept = np.flatnonzero(scale)
    reached, problem = None, "" if rows.event.any() else "no events"
    if len(kept) > rows.event.sum() > 0:
        problem = "more parameters than events"
    if not problem:
        reached, problem = _reached(rows, rows.x[:, kept])
    if problem:
        return Fit(*_tables(names, kept, scale, None, None), np.nan, problem=problem)
    blank |= {names[kept[position]]: NO_MAXIMUM for position in np.flatnonzero(reached.lost)}
    inverse = reached.basis @ linalg.pinvh(reached.likelihood.information) @ reached.basis.T
    log_hr, covariance = _tables(names, kept, scale, reached, inverse)
    robust = None
    if clusters is not None and reached.basis.shape[1]:
        robust = _tables(names, kept, scale, reached, _sandwich(rows, reached, inverse))[1]
    if clusters is not None and robust is None:
        robust = covariance
    return Fit(log_hr, covariance, reached.likelihood.value, blank, robust=robust)


@dataclass(frozen=True)
class Reached:
    """Where Newton's steps ended: coefficients of `basis`, whose columns span what has a finite maximum."""

    likelihood: Likelihood
    beta: np.ndarray
    basis: np.ndarray
    converged: bool

    @property
    def lost(self) -> np.ndarray:
        """Covariates whose coefficient has no finite estimate."""
        left = np.eye(len(self.basis)) - self.basis @ self.basis.T
        return np.abs(left).max(axis=0, initial=0) > SAME


def _reached(rows: Rows, x: np.ndarray) -> tuple[Reached, str]:
    """The maximum, or its limit within the levels of every direction that runs to infinity, or why there is neither."""
    sets = rows.sets()
    at_zero = at(sets, x[sets.row], np.zeros(x.shape[1])).information
    size = np.linalg.eigvalsh(at_zero)
    if len(size) and size.min() < DEPENDENT * max(size.max(), 1):
        return None, "covariates are linearly dependent"
    found = _maximum(sets, x, np.eye(len(size)))
    if len(size) and _suspicious(found, at_zero):
        level = _limit(rows, x, sets)
        if level is not None:
            sets = rows.sets(level)
            size, directions = np.linalg.eigh(at(sets, x[sets.row], np.zeros(x.shape[1])).information)
            found = _maximum(sets, x, directions[:, size > DEPENDENT * max(size.max(), 1)])
    return found, "" if found.converged else "the maximisation did not converge; look for an extreme value"


def _suspicious(found: Reached, at_zero: np.ndarray) -> bool:
    """Whether a maximum may lie at infinity: no convergence, hazards far apart, or a direction without information."""
    if not found.converged or np.ptp(found.likelihood.eta) > FAR:
        return True
    return float(linalg.eigh(found.likelihood.information, at_zero, eigvals_only=True).min()) < FLAT


def _tables(
    names: list, kept: np.ndarray, scale: np.ndarray, reached: Reached | None, covariance: np.ndarray | None
) -> tuple[pd.Series, pd.DataFrame]:
    """Coefficients and covariance per unit of each column, empty where there is no estimate."""
    log_hr = pd.Series(np.nan, index=names, dtype=float)
    whole = pd.DataFrame(np.nan, index=names, columns=names, dtype=float)
    if reached is not None:
        lost = reached.lost
        log_hr.iloc[kept] = np.where(lost, np.nan, reached.basis @ reached.beta) / scale[kept]
        covariance = np.where(lost | lost[:, None], np.nan, covariance)
        whole.iloc[kept, kept] = covariance / np.outer(scale[kept], scale[kept])
    return log_hr, whole


def prepared(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    start: np.ndarray | None,
    weights: np.ndarray | None,
    clusters: np.ndarray | None,
    ties: str,
) -> tuple[Rows, np.ndarray]:
    """The rows that matter and the standard deviation each column was divided by."""
    n = len(columns)
    stop, dead = np.asarray(time, dtype=float), np.asarray(event).astype(bool)
    begin = np.full(n, -np.inf) if start is None else np.asarray(start, dtype=float)
    stratum = np.zeros(n, dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    cluster = np.arange(n) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    kept = (weight > 0) & _at_risk(begin, stop, dead & (weight > 0), stratum)
    x, scale = _standardised(columns.to_numpy(dtype=float).reshape(n, columns.shape[1])[kept], stratum[kept])
    parts = (begin[kept], stop[kept], dead[kept], stratum[kept], weight[kept], cluster[kept])
    return Rows(x, *parts, ties), scale


def _at_risk(start: np.ndarray, stop: np.ndarray, event: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Rows at risk at one death or more."""
    inside = np.zeros(len(stop), dtype=bool)
    for each in np.unique(stratum):
        rows = np.flatnonzero(stratum == each)
        deaths = np.sort(stop[rows][event[rows]])
        inside[rows] = np.searchsorted(deaths, stop[rows], "right") > np.searchsorted(deaths, start[rows], "right")
    return inside


def _standardised(x: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns less their stratum's mean in units of the standard deviation left; scale 0 where none is left."""
    if not x.size:
        return x, np.zeros(x.shape[1])
    size = np.bincount(stratum)
    means = np.column_stack([np.bincount(stratum, column) for column in x.T]) / np.maximum(size, 1)[:, None]
    centred = x - means[stratum]
    scale = centred.std(axis=0)
    scale[scale <= CONSTANT * np.abs(x).max(axis=0)] = 0
    return centred / np.where(scale > 0, scale, 1), scale


def _maximum(sets: RiskSets, x: np.ndarray, basis: np.ndarray) -> Reached:
    """Newton's steps from zero, halved where they overshoot, until one more would change nothing."""
    entries = (x @ basis)[sets.row]
    beta = np.zeros(basis.shape[1])
    now = at(sets, entries, beta)
    for _ in range(MAX_STEPS):
        step = np.linalg.lstsq(now.information, now.score, rcond=None)[0]
        gain = float(now.score @ step)
        ahead = at(sets, entries, beta + step)
        while not (np.isfinite(ahead.value) and ahead.value >= now.value - 1e-12 * (1 + abs(now.value))):
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return Reached(now, beta, basis, converged=False)
            ahead = at(sets, entries, beta + step)
        beta, now = beta + step, ahead
        if gain < TOLERANCE * (1 + abs(now.value)):
            return Reached(now, beta, basis, converged=True)
    return Reached(now, beta, basis, converged=False)


def _limit(rows: Rows, x: np.ndarray, sets: RiskSets) -> np.ndarray | None:
    """A value a row along every direction without a finite maximum, one after the other; None where all are finite."""
    level = None
    while True:
        entries = x[sets.row]
        direction = monotone_direction(entries, sets, at(sets, entries, np.zeros(x.shape[1])).score)
        if direction is None:
            return level
        value = _grouped(x @ direction)
        level = value if level is None else _joined(level, value)
        sets = rows.sets(level)


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for each pair of values that occurs."""
    return pd.factorize(pd.MultiIndex.from_arrays([first, second]))[0]


def _grouped(value: np.ndarray) -> np.ndarray:
    """Values as whole numbers, those that differ by rounding only the same."""
    order = np.argsort(value)
    group = np.cumsum(np.r_[0, np.diff(value[order]) > SAME])
    found = np.empty(len(value), dtype=int)
    found[order] = group
    return found


def _sandwich(rows: Rows, reached: Reached, inverse: np.ndarray) -> np.ndarray:
    """Covariance from the scores of independent clusters: Lin & Wei (1989), as in R, without a small-sample factor."""
    scores = rows.weight[:, None] * reached.likelihood.score_residuals(len(rows.x)) @ reached.basis.T
    sums = np.zeros((rows.cluster.max() + 1, scores.shape[1]))
    np.add.at(sums, rows.cluster, scores)
    return inverse @ (sums.T @ sums) @ inverse
