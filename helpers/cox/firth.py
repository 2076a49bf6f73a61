"""Cox regression with Firth's penalty: estimates and intervals that are finite where a level has no events.

Firth (1993); Heinze & Schemper (2001). Half the log determinant of the information is added to the partial likelihood.
Its gradient is analytic: where the information is the identity, half the covariance of the covariates with their
squared length, summed over the risk sets, less their covariances with every death weighted by its risk set's mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import linalg, stats

from helpers.cox.kernel import DEPENDENT, NO_VARIATION, Rows, prepared
from helpers.cox.likelihood import Likelihood, RiskSets, at

MAX_STEPS = 100
MAX_TRIALS = 30
TOLERANCE = 1e-20
ROUGH = 1e-9
STALLED = 3
ROUNDING = 1e-12
FARTHEST = 5.0
CROSSED = 1e-7


@dataclass(frozen=True)
class PenalisedFit:
    """A maximised penalised partial likelihood, by column of the design, log hazard ratios per unit of the column.

    `covariance` is the inverse information at the maximum. `limits` (low, high) and `p` are the profile's, NaN where
    not asked for or not found, as where it meets a higher maximum; `log_likelihood` is penalised, so that it depends on
    the units of the columns. `problem` says why there is no fit.
    """

    log_hr: pd.Series
    covariance: pd.DataFrame
    limits: pd.DataFrame
    p: pd.Series
    log_likelihood: float
    problem: str = ""


def firth(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    start: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    ties: str = "efron",
    confidence: float = 0.95,
    profile: list | None = None,
) -> PenalisedFit:
    """Maximise the penalised partial likelihood of numeric `columns`, a row at risk as `helpers.cox.fit` has it.

    P and limits compare the maximum with that at one coefficient's fixed value, by chi-square with one degree of
    freedom; the determinant is that of the full model's information at both, as Heinze & Schemper have it. `profile`
    names the coefficients that get them, all where None. No fit: no events, more parameters than events, a column that
    does not vary, dependent columns, no convergence. Raises ValueError for other `ties` than `efron` and `breslow` and
    an unknown `profile`.
    """
    names = list(columns.columns)
    asked = [names.index(name) for name in (names if profile is None else profile)]
    rows, scale = prepared(columns, time, event, strata, start, weights, None, ties)
    log_hr, p = np.full((2, len(names)), np.nan)
    limits, covariance, value = np.full((len(names), 2), np.nan), np.full((len(names), len(names)), np.nan), np.nan
    top, problem = _top(rows, names, scale)
    if top is not None:
        log_hr, covariance = top.beta / scale, top.covariance / np.outer(scale, scale)
        value = top.value + float(np.log(scale).sum())
        for which in asked:
            limits[which] = [_limit(top, which, side, confidence) / scale[which] for side in (-1, 1)]
            p[which] = stats.chi2.sf(_profile(top, top, which, 0.0)[1], 1)
    tables = pd.DataFrame(covariance, names, names), pd.DataFrame(limits, names, ["low", "high"])
    return PenalisedFit(pd.Series(log_hr, names), *tables, pd.Series(p, names), value, problem)


def penalised_test(
    columns: pd.DataFrame, time: np.ndarray, event: np.ndarray, strata: np.ndarray | None = None, *, names: list
) -> float:
    """P of several coefficients being zero together, by the ratio of penalised likelihoods; NaN without a maximum.

    As `firth` tests one: the determinant is that of the full model's information under both hypotheses.
    """
    rows, scale = prepared(columns, time, event, strata, None, None, None, "efron")
    top, _ = _top(rows, list(columns.columns), scale)
    held = [list(columns.columns).index(name) for name in names]
    without = top and _maximum(replace(top, beta=np.where(np.isin(np.arange(len(top.beta)), held), 0, top.beta)), held)
    if not without or not top.value >= without.value - ROUGH:
        return np.nan
    return float(stats.chi2.sf(2 * max(0.0, top.value - without.value), len(held)))


@dataclass(frozen=True)
class Penalised:
    """The penalised partial likelihood at one vector of coefficients; `x` are the entries of the risk sets."""

    sets: RiskSets
    x: np.ndarray
    beta: np.ndarray

    @cached_property
    def likelihood(self) -> Likelihood:
        return at(self.sets, self.x, self.beta)

    @cached_property
    def root(self) -> np.ndarray:
        """The information's lower Cholesky factor, NaN where it has none."""
        try:
            return np.linalg.cholesky(self.likelihood.information)
        except np.linalg.LinAlgError:
            return np.full_like(self.likelihood.information, np.nan)

    @cached_property
    def value(self) -> float:
        """Log partial likelihood plus half the log determinant of the information, or minus infinity."""
        value = self.likelihood.value + float(np.log(np.diag(self.root)).sum())
        return value if np.isfinite(value) else -np.inf

    @cached_property
    def score(self) -> np.ndarray:
        """Its gradient."""
        p, unit = len(self.beta), linalg.solve_triangular(self.root, np.eye(len(self.beta)), lower=True).T
        mean = self.likelihood.mean @ unit
        x, mean = self.x @ unit - mean.min(axis=0), mean - mean.min(axis=0)
        moments = Likelihood(self.sets, np.column_stack([x, (x**2).sum(axis=1)]), self.likelihood.eta)
        weighted = sum(moments.weighted_information(by)[:p, k] for k, by in enumerate(mean.T))
        return self.likelihood.score + self.root @ (moments.information[:p, p] / 2 - weighted)

    @cached_property
    def covariance(self) -> np.ndarray:
        return linalg.cho_solve((self.root, True), np.eye(len(self.beta)))


def _top(rows: Rows, names: list, scale: np.ndarray) -> tuple[Penalised | None, str]:
    """The maximum, or why there is none."""
    if not rows.event.any():
        return None, "no events"
    if len(names) > rows.event.sum():
        return None, "more parameters than events"
    constant = [str(name) for name, each in zip(names, scale, strict=True) if each == 0]
    if constant:
        return None, f"{NO_VARIATION}: {', '.join(constant)}"
    sets = rows.sets()
    zero = Penalised(sets, rows.x[sets.row], np.zeros(len(names)))
    size = np.linalg.eigvalsh(zero.likelihood.information)
    if len(size) and size.min() < DEPENDENT * max(size.max(), 1):
        return None, "covariates are linearly dependent"
    top = _maximum(zero)
    return top, "the maximisation did not converge; look for an extreme value" if top is None else ""


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def _maximum(now: Penalised, held: Iterable[int] = ()) -> Penalised | None:
    """The maximum reached from a point, coefficients in places `held` fixed; None where the steps do not converge.

    BFGS from the inverse information, until the score is within 1e-10 standard errors of zero or rounding is all of it.
    """
    free = ~np.isin(np.arange(len(now.beta)), list(held)) * 1.0
    best, least, stalled, inverse = now, np.inf, 0, None
    for _ in range(MAX_STEPS if np.isfinite(now.value) else 0):
        score = now.score * free
        covariance = np.linalg.inv(now.likelihood.information * np.outer(free, free) + np.diag(1 - free))
        inverse, left = covariance if inverse is None else inverse, score @ covariance @ score
        stalled = 0 if left < least else stalled + 1
        best, least = (now, left) if left < least else (best, least)
        ahead = None if least < TOLERANCE else _ahead(now, inverse @ score)
        if ahead is None or (least < ROUGH and stalled == STALLED):
            break
        step, change = ahead.beta - now.beta, score - ahead.score * free
        if change @ step > 0:
            keep = np.eye(len(free)) - np.outer(step, change) / (change @ step)
            inverse = keep @ inverse @ keep.T + np.outer(step, step) / (change @ step)
        now = ahead
    return best if least < ROUGH else None


def _ahead(now: Penalised, step: np.ndarray) -> Penalised | None:
    """Where the step leads, shortened until the likelihood does not fall by more than rounding."""
    step = step / max(1.0, np.abs(now.x @ step).max() / (FARTHEST + np.ptp(now.likelihood.eta)))
    for share in 0.5 ** np.arange(MAX_TRIALS):
        ahead = replace(now, beta=now.beta + share * step)
        if ahead.value >= now.value - ROUNDING * (1 + abs(now.value)):
            return ahead
    return None


def _profile(top: Penalised, near: Penalised, which: int, value: float) -> tuple[Penalised | None, float]:
    """The maximum at a coefficient's value, by the tangent from `near`; its deviance, NaN if none or above `top`."""
    beta = near.beta + near.covariance[which] * ((value - near.beta[which]) / near.covariance[which, which])
    beta[which] = value
    found = _maximum(replace(near, beta=beta), [which])
    deviance = np.nan if found is None else 2 * (top.value - found.value)
    return found, max(0.0, deviance) if deviance >= -ROUGH else np.nan


def _limit(top: Penalised, which: int, side: int, confidence: float) -> float:
    """Where the profile's deviance is the quantile: Newton's steps on its root, nearly straight, inside a bracket."""
    goal = np.sqrt(stats.chi2.ppf(confidence, 1))
    distance, inside, outside, near = goal * np.sqrt(top.covariance[which, which]), 0.0, np.inf, top
    for _ in range(MAX_TRIALS):
        found, deviance = _profile(top, near, which, top.beta[which] + side * distance)
        if found is None:
            distance = (inside + distance) / 2
            continue
        if np.isnan(deviance):
            break
        depth, ahead = np.sqrt(deviance), np.inf
        inside, outside = (distance, outside) if depth < goal else (inside, distance)
        if side * found.score[which] < 0:
            near, ahead = found, distance - side * depth * (goal - depth) / found.score[which]
            if abs(depth - goal) < CROSSED:
                return top.beta[which] + side * ahead
        most = min(outside, 5 * distance)
        distance = ahead if inside < ahead < most else (inside + most) / 2
    return np.nan
