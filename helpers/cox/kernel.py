"""The Cox partial likelihood and its maximum: vectorised Newton-Raphson with Efron's ties and strata.

Cox (1972), Efron (1977). The information needs no sum of outer products over risk sets: every patient's outer product
is weighted once by the hazard the patient has lived through, so a step costs patients times squared parameters.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import linalg

MAX_STEPS = 200
TOLERANCE = 1e-16
CONSTANT = 1e-10
DEPENDENT = 1e-11
FLAT = 1e-8
NO_VARIATION = "the variable does not vary among the patients at risk"
NO_MAXIMUM = "the partial likelihood has no finite maximum"


@dataclass(frozen=True)
class Fit:
    """A maximised partial likelihood: coefficients and their covariance by column of the design.

    `blank` names columns without an estimate and why: they do not vary, or their coefficient runs to infinity and the
    others stand at their limit. `problem` says why there is no fit at all.
    """

    log_hr: pd.Series
    covariance: pd.DataFrame
    log_likelihood: float
    blank: dict = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class RiskSets:
    """Patients sorted by stratum and falling time, and where each risk set ends.

    A block is the patients of one stratum who share a time; `strata` and `blocks` are each stratum's patients and
    blocks. `owner` and `fraction` hold one entry a death: its block, and the share of the block's deaths that Efron
    takes out of the risk set before it.
    """

    order: np.ndarray
    death: np.ndarray
    block: np.ndarray
    first: np.ndarray
    last: np.ndarray
    strata: list[slice]
    blocks: list[slice]
    owner: np.ndarray
    fraction: np.ndarray


def risk_sets(time: np.ndarray, event: np.ndarray, strata: np.ndarray | None = None) -> RiskSets:
    """Sort once what every step of the maximisation needs."""
    stratum = np.zeros(len(time)) if strata is None else np.asarray(strata)
    order = np.lexsort((-np.asarray(time), stratum))
    s, t, death = stratum[order], np.asarray(time)[order], np.asarray(event)[order].astype(bool)
    new = np.r_[True, (s[1:] != s[:-1]) | (t[1:] != t[:-1])]
    block = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    last = np.r_[first[1:] - 1, len(t) - 1]
    edges = np.flatnonzero(np.r_[True, s[1:] != s[:-1], True])
    deaths = np.bincount(block, death).astype(int)
    owner = np.repeat(np.arange(len(first)), deaths)
    fraction = np.concatenate([np.arange(d) / d for d in deaths[deaths > 0]]) if deaths.any() else np.zeros(0)
    slices = [slice(a, b) for a, b in pairwise(edges)]
    blocks = [slice(block[each.start], block[each.stop - 1] + 1) for each in slices]
    return RiskSets(order, death, block, first, last, slices, blocks, owner, fraction)


def evaluate(sets: RiskSets, x: np.ndarray, beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Log partial likelihood, score and information at `beta`; `x` is sorted like the risk sets.

    Weights are relative to a level that rises with the largest linear predictor so far, so that an extreme patient
    neither overflows nor silences the risk sets the patient is not in.
    """
    eta = x @ beta
    level = _levels(sets, eta)
    at_end = level[sets.last]
    relative = np.exp(eta - at_end[sets.block])
    dead0 = np.add.reduceat(relative * sets.death, sets.first)
    dead1 = np.add.reduceat((relative * sets.death)[:, None] * x, sets.first)
    weights = np.column_stack([np.ones(len(x)), x]) * np.exp(eta - level)[:, None]
    whole = _accumulated(sets, weights, level)[sets.last]
    owner, fraction = sets.owner, sets.fraction
    size = whole[owner, 0] - fraction * dead0[owner]
    mean = (whole[owner, 1:] - fraction[:, None] * dead1[owner]) / size[:, None]
    log_likelihood = float(eta[sets.death].sum() - (np.log(size) + at_end[owner]).sum())
    score = x[sets.death].sum(axis=0) - mean.sum(axis=0)
    with np.errstate(divide="ignore"):
        log_hazard = np.log(np.bincount(owner, 1 / size, minlength=len(sets.first))) - at_end
    share = np.bincount(owner, fraction / size, minlength=len(sets.first))[sets.block]
    for part in sets.blocks:
        log_hazard[part] = np.logaddexp.accumulate(log_hazard[part][::-1])[::-1]
    lived = np.exp(eta + log_hazard[sets.block]) - sets.death * relative * share
    return log_likelihood, score, (x * lived[:, None]).T @ x - mean.T @ mean


def fit(columns: pd.DataFrame, time: np.ndarray, event: np.ndarray, strata: np.ndarray | None = None) -> Fit:
    """Maximise the partial likelihood of numeric `columns`, baseline hazards free by stratum.

    Patients who left before the first death of their stratum are in no risk set and change nothing. There is no fit,
    and `problem` says why, without events, with more parameters than events, with dependent columns and where the
    steps do not converge.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event).astype(bool)
    stratum = np.zeros(len(time), dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    names = list(columns.columns)
    x = columns.to_numpy(dtype=float).reshape(len(columns), len(names))
    empty = pd.Series(np.nan, index=names, dtype=float), pd.DataFrame(np.nan, index=names, columns=names, dtype=float)
    if not event.any():
        return Fit(*empty, np.nan, problem="no events")
    x, time, event, stratum = _at_risk(x, time, event, stratum)
    x, scale = _standardised(x, stratum)
    blank = {name: NO_VARIATION for name, each in zip(names, scale, strict=True) if each == 0}
    kept = np.flatnonzero(scale)
    if len(kept) > event.sum():
        return Fit(*empty, np.nan, problem="more parameters than events")
    sets = risk_sets(time, event, stratum)
    x = x[sets.order][:, kept]
    at_zero = evaluate(sets, x, np.zeros(len(kept)))
    spread = np.linalg.eigvalsh(at_zero[2])
    if len(kept) and spread.min() < DEPENDENT * max(spread.max(), 1):
        return Fit(*empty, np.nan, problem="covariates are linearly dependent")
    beta, log_likelihood, information, converged = _maximum(sets, x, at_zero)
    if not converged:
        return Fit(*empty, np.nan, problem="the maximisation did not converge; look for an extreme value")
    covariance, runaway = _inverse(information, at_zero[2])
    blank |= {names[kept[position]]: NO_MAXIMUM for position in np.flatnonzero(runaway)}
    log_hr, whole = empty
    log_hr.iloc[kept] = beta / scale[kept]
    whole.iloc[kept, kept] = covariance / np.outer(scale[kept], scale[kept])
    return Fit(log_hr, whole, log_likelihood, blank)


def _at_risk(x: np.ndarray, time: np.ndarray, event: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, ...]:
    """The patients who are at risk at one death or more."""
    first = np.full(stratum.max() + 1, np.inf)
    np.minimum.at(first, stratum[event], time[event])
    kept = time >= first[stratum]
    return x[kept], time[kept], event[kept], stratum[kept]


def _standardised(x: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns less their stratum's mean in units of the standard deviation left; scale 0 where none is left."""
    if not x.shape[1]:
        return x, np.zeros(0)
    size = np.bincount(stratum)
    means = np.column_stack([np.bincount(stratum, column) for column in x.T]) / np.maximum(size, 1)[:, None]
    centred = x - means[stratum]
    scale = centred.std(axis=0)
    scale[scale <= CONSTANT * np.abs(x).max(axis=0)] = 0
    return centred / np.where(scale > 0, scale, 1), scale


def _maximum(sets: RiskSets, x: np.ndarray, at_zero: tuple) -> tuple[np.ndarray, float, np.ndarray, bool]:
    """Newton's steps, halved where they overshoot, until one more would change nothing."""
    beta = np.zeros(x.shape[1])
    value, score, information = at_zero
    for _ in range(MAX_STEPS):
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        gain = float(score @ step)
        ahead = evaluate(sets, x, beta + step)
        while not (np.isfinite(ahead[0]) and ahead[0] >= value - 1e-12 * (1 + abs(value))):
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return beta, value, information, False
            ahead = evaluate(sets, x, beta + step)
        beta, (value, score, information) = beta + step, ahead
        if gain < TOLERANCE * (1 + abs(value)):
            return beta, value, information, True
    return beta, value, information, False


def _inverse(information: np.ndarray, at_zero: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of the coefficients, and which of them run to infinity.

    Where the maximum is finite a direction keeps a share of the information it had at zero; along a coefficient that
    runs away it keeps none.
    """
    if not len(information):
        return information, np.zeros(0, dtype=bool)
    share, directions = linalg.eigh(information, at_zero)
    flat = share < FLAT
    length = directions[:, flat] / np.maximum(np.abs(directions[:, flat]).max(axis=0, initial=0), 1e-300)
    runaway = (np.abs(length) > 1e-3).any(axis=1)
    steep = directions[:, ~flat]
    covariance = (steep / share[~flat]) @ steep.T
    covariance[runaway, :] = covariance[:, runaway] = np.nan
    return covariance, runaway


def _levels(sets: RiskSets, eta: np.ndarray) -> np.ndarray:
    """For every patient a level within 200 of the largest linear predictor from the stratum's longest time down."""
    level = np.empty_like(eta)
    for part in sets.strata:
        largest = np.maximum.accumulate(eta[part])
        level[part] = largest[0] + 200 * np.floor((largest - largest[0]) / 200)
    return level


def _accumulated(sets: RiskSets, values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Running sums from the longest time down, anew in each stratum, each in units of exp(its patient's level)."""
    sums = np.empty_like(values)
    for part in sets.strata:
        steps = np.flatnonzero(np.diff(level[part])) + 1
        edges = [part.start, *(part.start + steps), part.stop]
        carried = np.zeros(values.shape[1])
        for start, stop in pairwise(edges):
            if start > part.start:
                carried = sums[start - 1] * np.exp(level[start - 1] - level[start])
            sums[start:stop] = np.cumsum(values[start:stop], axis=0) + carried
    return sums
