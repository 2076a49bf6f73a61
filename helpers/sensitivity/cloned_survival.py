"""Weighted Kaplan-Meier estimates of both strategies, in the patients and in bootstrap samples of them.

A sample is a frequency weight: a row of `counts` says how often each patient is in it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.sensitivity.beginning import Beginning, Course, Models, beginning
from helpers.sensitivity.strategies import ends
from helpers.survival import last_whole_day

ELEMENTS = 200_000
ROUNDING = 1e-12


@dataclass(frozen=True)
class Horizons:
    """What is read off a curve: the share without the event at `months`, and the restricted mean up to month `tau`.

    Who is followed so far, and where the mean ends, goes by the last whole day, as in `survival`.
    """

    months: list[float]
    tau: float

    def __len__(self) -> int:
        return len(self.months) + 1


def bootstrap(course: Course, found: Models | None, horizons: Horizons, *, draws: int, seed: int) -> np.ndarray:
    """`estimates` in samples of the patients drawn with replacement, who begins estimated anew in each of them.

    The order of the patients changes nothing.
    """
    n, rng = len(course.time), np.random.default_rng(seed)
    parts = [np.zeros((0, 2, len(horizons)))]
    at_once = max(1, ELEMENTS // (n * (2 + course.x.shape[1])))
    order = np.lexsort((*course.x.T, course.start, course.event, course.time))
    for begin in range(0, draws, at_once):
        counts = np.empty((min(at_once, draws - begin), n))
        counts[:, order] = rng.multinomial(n, np.full(n, 1 / n), size=len(counts))
        parts.append(estimates(course, beginning(course, found, counts) if found else None, horizons, counts))
    return np.concatenate(parts)


def estimates(
    course: Course, own: Beginning | None, horizons: Horizons, counts: np.ndarray | None = None
) -> np.ndarray:
    """By sample and strategy what `horizons` asks; in the patients themselves without `counts`."""
    counts = np.ones((1, len(course.time))) if counts is None else counts
    times, curves, last = survival(course, own, counts)
    parts = []
    for curve, end in zip(curves, last, strict=True):
        rates = [rate_at(times, curve, end, month) for month in horizons.months]
        parts.append(np.column_stack([*rates, restricted_mean(times, curve, end, last_whole_day(horizons.tau))]))
    return np.stack(parts, axis=1)


def survival(
    course: Course, beginning: Beginning | None, counts: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Weighted Kaplan-Meier estimates: the distinct months of events; of each strategy S there, a row a sample, and
    the month its follow-up ends.

    `counts`, a row a sample, says how often each patient is in it.
    """
    times = np.unique(course.time[course.event])
    curves, last = [], []
    with np.errstate(all="ignore"):
        for strategy in (0, 1):
            end = ends(course, strategy)[0]
            at_risk, dying = _sums(course, beginning, strategy, counts, times)
            share = np.where(dying > at_risk * (1 - ROUNDING), 1, dying / at_risk)
            curves.append(np.cumprod(1 - np.where(dying > 0, share, 0), axis=1))
            last.append(np.where(counts > 0, end, 0).max(axis=1, initial=0))
    return times, curves, last


def _sums(
    course: Course, beginning: Beginning | None, strategy: int, counts: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weight at risk just before, and dying at, each time, a row a sample."""
    end, left = ends(course, strategy)
    order = np.argsort(-end, kind="stable")
    end, drawn, died = end[order], counts[:, order], (course.event & ~left)[order]
    place = np.searchsorted(-end, -times, side="right")
    early = np.searchsorted(times, course.grace, side="right")
    if beginning is None:
        return _total(drawn, place), _dying(drawn, end, died, times)
    if strategy == 1:
        late = drawn / beginning.share[:, order]
        parts = (_total(drawn, place[:early]), _total(late, place[early:]))
        dying = np.where(times <= course.grace, _dying(drawn, end, died, times), _dying(late, end, died, times))
        return np.concatenate(parts, axis=1), dying
    relative = beginning.relative[:, order]
    hazard = np.pad(beginning.hazard, ((0, 0), (1, 0)))
    at_risk, dying = np.zeros((len(counts), len(times))), np.zeros((len(counts), len(times)))
    where = np.searchsorted(course.times, times[:early], side="left")
    edges = np.r_[np.flatnonzero(np.diff(where, prepend=-1)), early]
    for first, beyond in [*pairwise(edges), (early, len(times))]:
        if first == beyond:
            continue
        now = hazard[:, where[first]] if first < early else hazard[:, -1]
        inside = slice(first, beyond)
        weight = drawn[:, : place[first]] * np.exp(now[:, None] * relative[:, : place[first]])
        at_risk[:, inside] = _total(weight, place[inside])
        dying[:, inside] = _dying(weight, end[: place[first]], died[: place[first]], times[inside])
    return at_risk, dying


def _total(weight: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Sums over the first so many columns."""
    return np.pad(np.cumsum(weight, axis=1), ((0, 0), (1, 0)))[:, place]


def _dying(weight: np.ndarray, end: np.ndarray, died: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sums over who dies at each of the times."""
    inside = np.flatnonzero(died & np.isin(end, times))
    found = np.zeros((len(times), len(weight)))
    np.add.at(found, np.searchsorted(times, end[inside]), weight[:, inside].T)
    return found.T


def rate_at(times: np.ndarray, curve: np.ndarray, last: np.ndarray, month: float) -> np.ndarray:
    """S(month) of each sample; NaN once nobody is followed and the curve has not reached zero."""
    place = np.searchsorted(times, month, side="right")
    now = curve[:, place - 1] if place else np.ones(len(curve))
    return np.where((last_whole_day(month) > last) & ~(now <= 0), np.nan, now)


def restricted_mean(times: np.ndarray, curve: np.ndarray, last: np.ndarray, tau: float) -> np.ndarray:
    """The area under each sample's curve up to tau; NaN where follow-up ends before with patients still alive."""
    inside = times < tau
    heights = np.column_stack([np.ones(len(curve)), curve[:, inside]])
    area = heights @ np.diff(np.r_[0.0, times[inside], tau])
    return np.where((tau > last) & ~(heights[:, -1] <= 0), np.nan, area)
