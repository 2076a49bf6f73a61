"""Survival of two groups in whole hundredths of a month, and annealing of the times; compiled where numba is there.

Conventions are those of `helpers.survival` and `helpers.cox`: medians and log limits as in R, Efron's method for ties.
Without numba the same arithmetic gives the same times, some hundred times as slowly.
"""

from math import exp, isnan, sqrt

import numpy as np
from kernels import njit

Z = 1.959963984540054
TOLERANCE = 1e-8
STEPS = 25
FURTHEST = 5.0
NEVER = 100.0
REACH = np.array([3.0, 30.0, 300.0])
GROUPS = 3
NUMBERS = 3 * GROUPS + 4


@njit
def medians(time: np.ndarray, event: np.ndarray, inside: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Median time to event and its limits of the patients `inside`; NaN for one that is not reached."""
    curves = np.ones((3, len(order)))
    times = np.zeros(len(order))
    left, survival, greenwood, rows, at = inside.sum(), 1.0, 0.0, 0, 0
    while at < len(order):
        now, leaving, deaths = time[order[at]], 0, 0
        while at < len(order) and time[order[at]] == now:
            leaving += inside[order[at]]
            deaths += inside[order[at]] and event[order[at]]
            at += 1
        if deaths and deaths < left:
            survival *= 1 - deaths / left
            greenwood += deaths / (left * (left - deaths))
        elif deaths:
            survival = 0.0
        left -= leaving
        if leaving:
            width = exp(Z * sqrt(greenwood))
            times[rows], curves[0, rows] = now, survival
            curves[1, rows] = survival / width if survival > 0 else np.nan
            curves[2, rows] = min(1.0, survival * width) if survival > 0 else np.nan
            rows += 1
    found = np.empty(3)
    for which in range(3):
        found[which] = halfway(times[:rows], curves[which, :rows])
    return found


@njit
def halfway(times: np.ndarray, curve: np.ndarray) -> float:
    """First time a curve falls to one half; the middle of the stretch where it equals one half."""
    for first in range(len(times)):
        if curve[first] < 0.5 + TOLERANCE:
            if abs(curve[first] - 0.5) < TOLERANCE:
                for after in range(first + 1, len(times)):
                    if curve[after] < curve[first] - TOLERANCE:
                        return (times[first] + times[after]) / 2
            return times[first]
    return np.nan


@njit
def log_hazard_ratio(time: np.ndarray, event: np.ndarray, code: np.ndarray, order: np.ndarray) -> tuple[float, float]:
    """Cox log hazard ratio of code 1 against code 0 with its standard error; other codes are left out."""
    counts = np.zeros((len(order), 4))
    rows, at = 0, len(order) - 1
    risk = np.zeros(2)
    while at >= 0:
        now = time[order[at]]
        deaths = np.zeros(2)
        while at >= 0 and time[order[at]] == now:
            which = code[order[at]]
            if which >= 0:
                risk[which] += 1
                deaths[which] += event[order[at]]
            at -= 1
        if deaths[0] + deaths[1]:
            counts[rows, 0], counts[rows, 1] = risk[0], risk[1]
            counts[rows, 2], counts[rows, 3] = deaths[0], deaths[1]
            rows += 1
    beta, information = 0.0, 1.0
    for _ in range(STEPS):
        score, information = derivatives(counts[:rows], exp(beta))
        step = score / max(information, 1e-6)
        beta = min(max(beta + step, -FURTHEST), FURTHEST)
        if abs(step) < 1e-9:
            break
    return beta, 1 / sqrt(max(information, 1e-6))


@njit
def derivatives(counts: np.ndarray, ratio: float) -> tuple[float, float]:
    """Score and information of Efron's partial likelihood; a row is at risk and dead at a time, by group."""
    score, information = 0.0, 0.0
    for row in range(len(counts)):
        score += counts[row, 3]
        tied = int(counts[row, 2] + counts[row, 3])
        for nth in range(tied):
            ones = ratio * (counts[row, 1] - nth / tied * counts[row, 3])
            share = ones / (ones + counts[row, 0] - nth / tied * counts[row, 2])
            score -= share
            information += share * (1 - share)
    return score, information


@njit
def compared(time: np.ndarray, event: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Medians with limits of both groups together, code 1 and code 0; hazard ratio with limits, and Wald's |z|."""
    order = np.argsort(time)
    found = np.empty(NUMBERS)
    found[0:3] = medians(time, event, code >= 0, order) / 100
    found[3:6] = medians(time, event, code == 1, order) / 100
    found[6:9] = medians(time, event, code == 0, order) / 100
    beta, error = log_hazard_ratio(time, event, code, order)
    found[9], found[10], found[11] = exp(beta), exp(beta - Z * error), exp(beta + Z * error)
    found[12] = abs(beta) / error
    return found


@njit
def loss(found: np.ndarray, wanted: np.ndarray) -> float:
    """How far the numbers found lie beyond the rounding of the printed ones, in units of the print, added up.

    A row of `wanted` is the lowest and the highest value that is printed so and the unit; NaN where none is printed.
    """
    total = 0.0
    for at in range(len(found)):
        low, high, unit = wanted[at]
        if not isnan(low):
            total += NEVER if isnan(found[at]) else max(low - found[at], found[at] - high, 0.0) / unit
    return total


@njit
def anneal(
    times: np.ndarray,
    events: np.ndarray,
    bounds: np.ndarray,
    gap: int,
    codes: np.ndarray,
    wanted: np.ndarray,
    draws: np.ndarray,
    heats: np.ndarray,
) -> float:
    """Move times and codes, in place, towards the printed numbers; one row of `draws`, uniform, for every move.

    By endpoint, overall survival first: `times`, negative where not known, and `events`. `bounds` are the first and
    last possible time by endpoint and patient, `codes` the groups by comparison. A progression precedes the last
    contact by `gap`, or is the last contact where nobody progressed. Returns the loss that is left.
    """
    losses = np.empty((2, len(codes)))
    for endpoint in range(2):
        for which in range(len(codes)):
            losses[endpoint, which] = judged(times, events, codes, wanted, endpoint, which)
    for nth in range(len(heats)):
        if losses.sum() == 0:
            break
        before_times, before_codes, before = times.copy(), codes.copy(), losses.copy()
        move(times, events, bounds, gap, codes, draws[nth])
        for endpoint in range(2):
            moved = not np.array_equal(times[endpoint], before_times[endpoint])
            for which in range(len(codes)):
                if moved or not np.array_equal(codes[which], before_codes[which]):
                    losses[endpoint, which] = judged(times, events, codes, wanted, endpoint, which)
        worse = losses.sum() - before.sum()
        if worse > 0 and draws[nth, 5] >= exp(-worse / heats[nth]):
            times[:], codes[:], losses = before_times, before_codes, before
    return losses.sum()


@njit
def judged(
    times: np.ndarray, events: np.ndarray, codes: np.ndarray, wanted: np.ndarray, endpoint: int, which: int
) -> float:
    """The loss of one comparison, patients without a time left out."""
    code = np.where(times[endpoint] < 0, -1, codes[which])
    return loss(compared(times[endpoint], events[endpoint], code), wanted[endpoint, which])


@njit
def move(
    times: np.ndarray, events: np.ndarray, bounds: np.ndarray, gap: int, codes: np.ndarray, draw: np.ndarray
) -> None:
    """Another last contact or another progression for one patient, or two treated patients' doses exchanged."""
    n = times.shape[1]
    one = int(draw[1] * n)
    contact, progression = times[0, one], times[1, one]
    if draw[0] < 0.4 and contact >= 0:
        first = max(bounds[0, one, 0], progression + gap) if events[1, one] else bounds[0, one, 0]
        times[0, one] = stepped(contact, first, bounds[0, one, 1], draw)
        if not events[1, one]:
            times[1, one] = times[0, one]
    elif draw[0] < 0.85 and events[1, one]:
        last = min(bounds[1, one, 1], contact - gap) if contact >= 0 else bounds[1, one, 1]
        times[1, one] = stepped(progression, bounds[1, one, 0], last, draw)
    elif draw[0] >= 0.85:
        other = int(draw[2] * n)
        if codes[0, one] == 1 and codes[0, other] == 1:
            codes[1, one], codes[1, other] = codes[1, other], codes[1, one]


@njit
def stepped(value: int, first: int, last: int, draw: np.ndarray) -> int:
    """A step near or far; where it would leave the stretch, anywhere in it."""
    there = value + round((2 * draw[3] - 1) * REACH[int(draw[2] * 3)])
    if first <= there <= last:
        return there
    return first + int(draw[4] * (last - first + 1))
