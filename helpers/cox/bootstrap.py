"""Many weighted Cox fits at once: the bootstrap by frequency weights on one and the same set of risk sets.

A patient drawn twice has weight two and is no tie of his own (Davison & Hinkley, 1997), with Efron's weights for ties
as in `helpers.cox.likelihood`. Rows may be at risk from a start on; no strata.

Beyond `MANY` patients and `EVENTS` events a sample's coefficients are taken to the first order, the estimate and the
sum of the influences of those drawn (Davison & Hinkley, 1997, 2.7; Reid & Crépeau, 1985, for Cox's). Of few events the
curvature that is left out would not be small, however many the patients.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.cox.kernel import NO_VARIATION, Fit
from helpers.cox.likelihood import at, risk_sets
from helpers.thresholds import MANY

ELEMENTS = 400_000
EVENTS = 1000
MAX_STEPS = 50
TOLERANCE = 1e-12
RIDGE = 1e-12
FLAT = 1e-5


def resampled(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    *,
    fitted: Fit,
    names: list,
    draws: int,
    rng: np.random.Generator,
    clusters: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients of `names` in `draws` bootstrap samples of the rows, or of `clusters` of rows, a row a sample.

    See `weighted_fits`, which they come from, for `fitted` and for rows that are NaN; where `to_first_order` says so
    they come from `influences`.
    """
    unit = np.arange(len(columns)) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    units, found = unit.max() + 1, [np.zeros((0, len(names)))]
    if to_first_order(event, fitted):
        each = influences(columns, time, event, fitted=fitted, names=names, start=start)
        own = np.column_stack([np.bincount(unit, one) for one in each.T])
        drawn = (rng.multinomial(units, np.full(units, 1 / units)) @ own for _ in range(draws))
        return fitted.log_hr[names].to_numpy() + np.array(list(drawn)).reshape(draws, len(names))
    at_once = max(1, ELEMENTS // (len(columns) * (1 + columns.shape[1])))
    for begin in range(0, draws, at_once):
        counts = rng.multinomial(units, np.full(units, 1 / units), size=min(at_once, draws - begin))
        found.append(weighted_fits(columns, time, event, counts[:, unit], fitted=fitted, names=names, start=start))
    return np.concatenate(found)


def to_first_order(event: np.ndarray, fitted: Fit) -> bool:
    """Whether samples of so many patients and events are taken to the first order; every column needs an estimate."""
    return len(event) > MANY and np.sum(event) > EVENTS and bool(fitted.log_hr.notna().all())


def influences(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    *,
    fitted: Fit,
    names: list,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """What each row adds to the coefficients of `names`, a row a row: its score residual times the covariance."""
    x, sets = columns.to_numpy(dtype=float), risk_sets(time, event, start=start)
    x = x - x.mean(axis=0)
    reached = at(sets, x[sets.row], fitted.log_hr.to_numpy())
    return reached.score_residuals(len(x)) @ fitted.covariance[names].to_numpy()


def weighted_fits(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray,
    *,
    fitted: Fit,
    names: list,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients of `names` as `cox.fit` finds them with each row of `weights`, all by one Newton iteration.

    `fitted` is the fit of the same columns without weights. A row is NaN where the steps do not converge, and where its
    information on `names`, the other columns adjusted for, is in some direction below 1e-5 of `fitted`'s: that is what
    separation and dependent columns leave.
    """
    others = [name for name in columns.columns if name not in names and fitted.blank.get(name) != NO_VARIATION]
    spread = columns[others].to_numpy().std(axis=0)
    whitening = np.linalg.cholesky(fitted.covariance.loc[names, names].to_numpy())
    x = np.column_stack([columns[others].to_numpy() / spread, columns[names].to_numpy() @ whitening])
    first = np.concatenate(
        [
            fitted.log_hr[others].fillna(0).to_numpy() * spread,
            np.linalg.solve(whitening, fitted.log_hr[names].to_numpy()),
        ]
    )
    c, s = slice(0, len(others)), slice(len(others), None)
    with np.errstate(all="ignore"):
        beta, information = _maxima(Draws.of(x - x.mean(axis=0), time, event, weights, start), first)
        ridge = RIDGE * (1 + np.trace(information, axis1=1, axis2=2))[:, None, None] * np.eye(len(others))
        inner = np.linalg.solve(information[:, c, c] + ridge, information[:, c, s])
        left = np.linalg.eigvalsh(np.nan_to_num(information[:, s, s] - information[:, s, c] @ inner))
    beta[left[:, 0] < FLAT] = np.nan
    return beta[:, s] @ whitening.T


@dataclass(frozen=True)
class Draws:
    """Draws as weights, a row each, on the same risk sets: patients by falling time, deaths in the same order.

    Who is at risk only from a start on is here twice, with `sign` -1 where the start takes him out again. `dying` are
    the deaths' places, `first` where each time's deaths begin among them, `group` each death's time, `last` the last
    place at risk at it, `since` the first time that a place lives through. Efron's terms of a death are `fraction`, the
    part of its time's deaths that is taken out of the risk set before it, and `share`, their mean weight, 0 where it
    was not drawn; `tied` are the deaths that others share the time of.
    """

    x: np.ndarray
    sign: np.ndarray
    weight: np.ndarray
    dying: np.ndarray
    first: np.ndarray
    group: np.ndarray
    last: np.ndarray
    since: np.ndarray
    tied: np.ndarray
    fraction: np.ndarray
    share: np.ndarray

    @staticmethod
    def of(
        x: np.ndarray, time: np.ndarray, event: np.ndarray, weights: np.ndarray, start: np.ndarray | None = None
    ) -> "Draws":
        """Sort patients once for all draws."""
        sets = risk_sets(time, event, start=start)
        times, first, group, size = np.unique(sets.owner, return_index=True, return_inverse=True, return_counts=True)
        dying, weight = np.flatnonzero(sets.death), np.asarray(weights, dtype=float)[:, sets.row]
        drawn = weight[:, dying] > 0
        before = np.cumsum(drawn, axis=1) - drawn
        count = np.maximum(np.add.reduceat(drawn, first, axis=1, dtype=float), 1)[:, group]
        fraction = drawn * (before - before[:, first][:, group]) / count
        share = drawn * np.add.reduceat(weight[:, dying], first, axis=1)[:, group] / count
        places = (dying, first, group, sets.last[sets.owner], np.searchsorted(times, sets.block))
        return Draws(x[sets.row], sets.sign, weight, *places, np.flatnonzero(size[group] > 1), fraction, share)

    def at(self, beta: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The log partial likelihood of some `draws`, each at its row of `beta`, with gradient and information."""
        x, dying, tied = self.x, self.dying, self.tied
        weight, fraction, share = self.weight[draws], self.fraction[draws], self.share[draws]
        eta = beta @ x.T
        level = eta.max(axis=1, keepdims=True)
        risk = weight * self.sign * np.exp(eta - level)
        moments = np.concatenate([risk[None], risk * x.T[:, None]])
        sums = np.cumsum(moments, axis=-1)[..., self.last]
        sums[..., tied] -= fraction[:, tied] * self._gathered(moments[..., dying[tied]], self.group[tied])
        size = np.where(share > 0, sums[0], 1)
        mean = sums[1:] / size
        value = (weight * eta)[:, dying].sum(axis=1) - (share * (np.log(size) + level)).sum(axis=1)
        score = weight[:, dying] @ x[dying] - np.einsum("bd,pbd->bp", share, mean)
        step = share / size
        hazard = np.cumsum(np.add.reduceat(step, self.first, axis=1)[:, ::-1], axis=1)[:, ::-1]
        lived = risk * np.pad(hazard, ((0, 0), (0, 1)))[:, self.since]
        spared = self._gathered((step * fraction)[:, tied], self.group[tied])
        lived[:, dying[tied]] -= risk[:, dying[tied]] * spared
        squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        whole = (lived @ squares).reshape(len(draws), x.shape[1], -1)
        return value, score, whole - np.einsum("pbd,qbd->bpq", mean * share, mean)

    @staticmethod
    def _gathered(values: np.ndarray, group: np.ndarray) -> np.ndarray:
        """For each death the sum over all of its time's, along the last axis."""
        first = np.flatnonzero(np.diff(group, prepend=-1))
        return np.add.reduceat(values, first, axis=-1)[..., np.cumsum(np.diff(group, prepend=-1) > 0) - 1]


def _maxima(drawn: Draws, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each draw's maximum from `start` by Newton's steps, halved where they overshoot, and its information there.

    The ridge shortens steps in directions without information; it does not move a maximum.
    """
    n, p = len(drawn.weight), len(start)
    beta, step, before = np.tile(start, (n, 1)), np.zeros((n, p)), np.full(n, -np.inf)
    information, going = np.zeros((n, p, p)), np.arange(n)
    for _ in range(MAX_STEPS):
        ahead = beta[going] + step[going]
        value, score, there = drawn.at(ahead, going)
        better = value >= before[going] - 1e-12 * (1 + np.abs(before[going]))
        step[going[~better]] /= 2
        moved, there, score = going[better], there[better], score[better]
        beta[moved], before[moved], information[moved] = ahead[better], value[better], there
        ridge = RIDGE * (1 + np.trace(there, axis1=1, axis2=2))[:, None, None] * np.eye(p)
        step[moved] = np.linalg.solve(there + ridge, score[..., None])[..., 0]
        ended = moved[(score * step[moved]).sum(axis=1) < TOLERANCE * (1 + np.abs(before[moved]))]
        beta[ended] += step[ended]
        going = np.setdiff1d(going, ended, assume_unique=True)
        if not len(going):
            break
    beta[going] = np.nan
    return beta, information
