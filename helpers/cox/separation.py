"""Directions along which a Cox partial likelihood rises for ever, and the strata of its limit.

The likelihood never falls along a direction if and only if every death has the largest value in that direction of all
who are at risk with it (Bryson & Johnson, 1981). In the limit a death competes only with those who share its value, so
the limit is the partial likelihood with that value as one more stratum.
"""

import numpy as np
from scipy import optimize

from helpers.cox.likelihood import RiskSets

TOLERANCE = 1e-7
MOST_CUTS = 200
PER_CUT = 50


def monotone_direction(x: np.ndarray, sets: RiskSets, gain: np.ndarray) -> np.ndarray | None:
    """A direction along which the likelihood rises without end, or None. `gain` is the score at zero.

    A linear programme over the pairs of a death and one at risk with it, added as they are violated; `x` holds the
    entries of the risk sets in units of their standard deviations.
    """
    scale = np.abs(gain).max(initial=0)
    if scale < TOLERANCE:
        return None
    cuts = np.zeros((0, x.shape[1]))
    for _ in range(MOST_CUTS):
        limits = {"A_ub": -cuts, "b_ub": np.zeros(len(cuts))} if len(cuts) else {}
        found = optimize.linprog(-gain / scale, **limits, bounds=[(-1, 1)] * x.shape[1], method="highs")
        if found.x is None or gain @ found.x < TOLERANCE * scale:
            return None
        worse = _violations(x, sets, found.x)
        if not len(worse):
            return found.x
        cuts = np.vstack([cuts, worse])
    return None


def _violations(x: np.ndarray, sets: RiskSets, direction: np.ndarray) -> np.ndarray:
    """Covariates of a death minus those of one at risk with it who exceeds it, where that is most; none is none."""
    value = x @ direction
    lowest = np.full(len(sets.first), np.inf)
    np.minimum.at(lowest, sets.block[sets.death], value[sets.death])
    who = _largest_at_risk(value, sets)
    excess = np.where(np.isfinite(lowest), value[who] - lowest, -np.inf)
    bad = [block for block in np.argsort(-excess)[:PER_CUT] if excess[block] > TOLERANCE]
    first = [np.flatnonzero((sets.block == block) & sets.death & (value == lowest[block]))[0] for block in bad]
    return x[first] - x[who[bad]] if bad else np.zeros((0, x.shape[1]))


def _largest_at_risk(value: np.ndarray, sets: RiskSets) -> np.ndarray:
    """Per block the entry at risk whose value is largest."""
    best = np.zeros(len(sets.first), dtype=int)
    for part, blocks in zip(sets.strata, sets.blocks, strict=True):
        if (sets.sign[part] > 0).all():
            top = np.maximum.accumulate(value[part])
            new = np.where(np.r_[True, top[1:] > top[:-1]], np.arange(part.start, part.stop), 0)
            best[blocks] = np.maximum.accumulate(new)[sets.last[blocks] - part.start]
        else:
            best[blocks] = _largest_of_intervals(value, sets, part, blocks)
    return best


def _largest_of_intervals(value: np.ndarray, sets: RiskSets, part: slice, blocks: slice) -> list[int]:
    """The same where rows leave risk sets again, block by block."""
    entries = np.arange(part.start, part.stop)
    leaving, entering = entries[sets.sign[part] < 0], entries[sets.sign[part] > 0]
    start = np.full(sets.row.max() + 1, -np.inf)
    start[sets.row[leaving]] = sets.time[sets.block[leaving]]
    begin, stop = start[sets.row[entering]], sets.time[sets.block[entering]]
    best = []
    for time in sets.time[blocks]:
        inside = entering[(begin < time) & (stop >= time)]
        best.append(int(inside[np.argmax(value[inside])]) if len(inside) else part.start)
    return best
