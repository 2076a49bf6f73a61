"""Cumulative incidence of one event among others that preclude it, and Gray's test, on arrays.

Competing events are no censorings: one minus Kaplan-Meier would treat them so, and overstate the incidence. Each
patient's `cause` is the name of the event that came first, `CENSORED` where none did.
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.survival import limits

CENSORED = ""
TOLERANCE = 1e-10
NO_EVENTS = "no event of this cause"
ONE_GROUP = "only one group has patients"
NO_COMPARISON = "at no event of this cause were patients of more than one group left to compare"


def cumulative_incidence(time: np.ndarray, cause: np.ndarray, *, of: str) -> pd.DataFrame:
    """Aalen & Johansen (1978): a row a distinct time, `time, n_risk, n_event, n_other, survival, incidence, variance`.

    `survival` is the share without any event. The variance is Aalen's (1978): the increments of both hazards, that of
    the cause and that of the others, carried on to each time, d(n - d) / n²(n - 1) at a time of d events among n.
    """
    times, position = np.unique(time, return_inverse=True)
    leaving = np.bincount(position, minlength=len(times))
    n = len(time) - np.concatenate([[0], np.cumsum(leaving)])[:-1]
    d = np.bincount(position, weights=cause == of, minlength=len(times))
    other = np.bincount(position, weights=(cause != of) & (cause != CENSORED), minlength=len(times))
    survival = np.cumprod(1 - (d + other) / n)
    before = np.concatenate([[1.0], survival[:-1]])[: len(times)]
    incidence = np.cumsum(before * d / n)
    staying = n - d - other
    ratio = np.where(staying > 0, n / np.maximum(staying, 1), 0)
    own, others = _increment_variance(n, d), _increment_variance(n, other)
    lost = incidence * ratio
    squared = np.cumsum(own * (before + lost) ** 2 + others * lost**2)
    crossed = np.cumsum((own * (before + lost) + others * lost) * ratio)
    carried = np.cumsum((own + others) * ratio**2)
    variance = np.maximum(squared - 2 * incidence * crossed + incidence**2 * carried, 0)
    columns = {"time": times, "n_risk": n, "n_event": d, "n_other": other, "survival": survival}
    return pd.DataFrame({**columns, "incidence": incidence, "variance": variance})


def incidence_limits(table: pd.DataFrame, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise limits of a cumulative incidence on the log(-log F) scale (Choudhury, 2002).

    NaN where it is zero or one, or has no variance.
    """
    f, variance = table["incidence"].to_numpy(), table["variance"].to_numpy()
    known = (f > 0) & (f < 1 - TOLERANCE) & (variance > 0)
    share = np.where(known, f, 0.0)
    return limits(share, np.where(known, variance / np.where(known, f, 1) ** 2, 0), "log_log", confidence)


def gray_test(
    time: np.ndarray, cause: np.ndarray, group: np.ndarray, *, of: str, strata: np.ndarray | None = None
) -> dict:
    """Whether the cumulative incidence of a cause differs between groups (Gray, 1988, rho = 0), within strata if given.

    Returns `groups`, `observed`, `expected` (arrays), `chi_square`, `df`, `p`, and `reason` where there is no test.
    """
    groups = np.unique(group)
    strata = np.zeros(len(time)) if strata is None else strata
    parts = [_score(time[i], cause[i], group[i], groups, of) for each in np.unique(strata) for i in [strata == each]]
    observed, expected = (sum((part[side] for part in parts), np.zeros(len(groups))) for side in (0, 1))
    variance = sum((part[2] for part in parts), np.zeros((len(groups), len(groups))))
    free = np.flatnonzero(expected > 0)[1:]
    inside = variance[np.ix_(free, free)]
    result = {"groups": groups, "observed": observed, "expected": expected, "df": len(free), "reason": ""}
    reason = ""
    if len(groups) < 2:
        reason = ONE_GROUP
    elif observed.sum() == 0:
        reason = NO_EVENTS
    elif len(free) < 1 or np.linalg.matrix_rank(inside, tol=TOLERANCE) < len(free):
        reason = NO_COMPARISON
    if reason:
        return {**result, "chi_square": np.nan, "p": np.nan, "reason": reason}
    difference = (observed - expected)[free]
    chi_square = float(difference @ np.linalg.solve(inside, difference))
    return {**result, "chi_square": chi_square, "p": float(stats.chi2.sf(chi_square, len(free)))}


def _increment_variance(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.where(n > 1, d * (n - d) / (n**2 * np.maximum(n - 1, 1)), d / n**2)


def _score(
    time: np.ndarray, cause: np.ndarray, group: np.ndarray, groups: np.ndarray, of: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events of the cause by group, those expected under equal incidences, and the variance of their difference.

    `h` weighs a group by its patients at risk over its survival, which makes the pooled incidence that of the cause; a
    score is a sum over groups of martingales of the cause and of the others, integrated as Gray's section 3 does.
    """
    times = np.unique(time[cause != CENSORED])
    events = (None, cause == of, (cause != of) & (cause != CENSORED))
    n, d, other = (_counted(time, group, groups, times, each) for each in events)
    at_risk = np.maximum(n, 1)
    left = np.cumprod(1 - (d + other) / at_risk, axis=0)
    before = np.vstack([np.ones(len(groups)), left])[:-1]
    h = np.divide(n, before, out=np.zeros_like(n), where=n > 0)
    total, weight = d.sum(axis=1), h.sum(axis=1)
    incidence = np.cumsum(before * d / at_risk, axis=0)
    free = h * (1 - np.vstack([np.zeros(len(groups)), incidence])[:-1])
    expected = (total / free.sum(axis=1))[:, None] * free
    step = total / weight
    pooled = np.cumsum(step)
    unmet = 1 - pooled + step
    hazard = np.divide(step, unmet, out=np.zeros_like(step), where=unmet > TOLERANCE)
    direct = (np.eye(len(groups)) - (h / weight[:, None])[:, :, None]) * h[:, None, :]
    drift = np.cumsum((direct * hazard[:, None, None])[::-1], axis=0)[::-1] - direct * hazard[:, None, None]
    ratio = np.divide((1 - pooled)[:, None], left, out=np.zeros_like(left), where=left > 0)
    size = np.divide(1, h, out=np.zeros_like(h), where=h > 0)
    own = step[:, None] * size * _ties(weight[:, None] * before, total[:, None])
    others = before * other / at_risk * size * _ties(n, other)
    variance = sum(
        np.einsum("tkr,tlr,tr->kl", each, each, spread)
        for each, spread in ((direct + (1 - ratio)[:, None, :] * drift, own), (ratio[:, None, :] * drift, others))
    )
    return d.sum(axis=0), expected.sum(axis=0), variance


def _counted(
    time: np.ndarray, group: np.ndarray, groups: np.ndarray, times: np.ndarray, event: np.ndarray | None
) -> np.ndarray:
    """By time and group: the patients at risk, or the events."""
    columns = []
    for each in groups:
        if event is None:
            columns.append(np.sum(group == each) - np.searchsorted(np.sort(time[group == each]), times))
        else:
            had = np.sort(time[(group == each) & event])
            columns.append(np.searchsorted(had, times, side="right") - np.searchsorted(had, times))
    return np.array(columns, dtype=float).T.reshape(len(times), len(groups))


def _ties(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The factor by which the variance of d events at once among n is smaller than that of d one by one."""
    return np.where((n > 1) & (d > 1), (n - d) / np.where(n > 1, n - 1, 1), 1.0)
