"""The Cox partial likelihood and its maximum: vectorised Newton-Raphson with Efron's ties and strata.

Cox (1972), Efron (1977). The information needs no sum of outer products over risk sets: every patient's outer product
is weighted once by the hazard the patient has lived through, so a step costs patients times squared parameters.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

MAX_STEPS = 100
TOLERANCE = 1e-16
UNBOUNDED = 50.0


@dataclass(frozen=True)
class Fit:
    """A maximised partial likelihood: coefficients and their covariance by column of the design.

    `unbounded` names columns whose coefficient runs to infinity; the others then stand at their limit. `problem` says
    why there is no fit at all.
    """

    log_hr: pd.Series
    covariance: pd.DataFrame
    log_likelihood: float
    unbounded: frozenset = frozenset()
    problem: str = ""


@dataclass(frozen=True)
class RiskSets:
    """Patients sorted by stratum and falling time, and where each risk set ends.

    A block is the patients of one stratum who share a time. `owner` and `fraction` hold one entry a death: its block,
    and the share of the block's deaths that Efron takes out of the risk set before it.
    """

    order: np.ndarray
    death: np.ndarray
    block: np.ndarray
    first: np.ndarray
    last: np.ndarray
    strata: list[slice]
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
    return RiskSets(order, death, block, first, last, slices, owner, fraction)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def evaluate(sets: RiskSets, x: np.ndarray, beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Log partial likelihood, score and information at `beta`; `x` is sorted like the risk sets."""
    eta = x @ beta
    eta = eta - eta.max(initial=0)
    weight = np.exp(eta)
    weighted = weight[:, None] * x
    whole0, whole1 = _accumulated(sets, weight)[sets.last], _accumulated(sets, weighted)[sets.last]
    dead0 = np.add.reduceat(weight * sets.death, sets.first)
    dead1 = np.add.reduceat(weighted * sets.death[:, None], sets.first)
    owner, fraction = sets.owner, sets.fraction
    size = whole0[owner] - fraction * dead0[owner]
    if size.min(initial=1) <= 0:
        return -np.inf, np.zeros(len(beta)), np.full((len(beta), len(beta)), np.nan)
    mean = (whole1[owner] - fraction[:, None] * dead1[owner]) / size[:, None]
    log_likelihood = float(eta[sets.death].sum() - np.log(size).sum())
    score = x[sets.death].sum(axis=0) - mean.sum(axis=0)
    hazard = np.bincount(owner, 1 / size, minlength=len(sets.first))[sets.block]
    share = np.bincount(owner, fraction / size, minlength=len(sets.first))[sets.block]
    once = np.zeros(len(x))
    once[sets.first] = hazard[sets.first]
    lived = np.empty(len(x))
    for part in sets.strata:
        lived[part] = np.cumsum(once[part][::-1])[::-1]
    lived = lived[sets.first][sets.block]
    information = (x * (weight * (lived - sets.death * share))[:, None]).T @ x - mean.T @ mean
    return log_likelihood, score, information


def fit(columns: pd.DataFrame, time: np.ndarray, event: np.ndarray, strata: np.ndarray | None = None) -> Fit:
    """Maximise the partial likelihood of numeric `columns`, baseline hazards free by stratum.

    Without events, with more parameters than events or with dependent columns there is no fit, and `problem` says so.
    """
    names = list(columns.columns)
    x = columns.to_numpy(dtype=float).reshape(len(columns), len(names))
    events = int(np.sum(event))
    problem = "no events" if events == 0 else "more parameters than events" if len(names) > events else ""
    centre, scale = _standard(x, strata)
    if not problem and np.linalg.matrix_rank(centre / scale) < len(names):
        problem = "covariates are linearly dependent"
    if problem:
        empty = pd.DataFrame(np.nan, index=names, columns=names)
        return Fit(pd.Series(np.nan, index=names, dtype=float), empty, np.nan, problem=problem)
    sets = risk_sets(time, event, strata)
    x = ((x - x.mean(axis=0)) / scale)[sets.order]
    beta, log_likelihood, information = _maximum(sets, x)
    covariance, runaway = _inverse(information)
    unbounded = frozenset(name for name, each in zip(names, runaway, strict=True) if each)
    scaled = pd.DataFrame(covariance / np.outer(scale, scale), index=names, columns=names)
    return Fit(pd.Series(beta / scale, index=names, dtype=float), scaled, log_likelihood, unbounded)


def _maximum(sets: RiskSets, x: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Newton's steps, halved where they overshoot, until one more would change nothing."""
    beta = np.zeros(x.shape[1])
    value, score, information = evaluate(sets, x, beta)
    for _ in range(MAX_STEPS):
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        gain = float(score @ step)
        ahead = evaluate(sets, x, beta + step)
        while not (
            np.isfinite(ahead[0]) and np.isfinite(ahead[2]).all() and ahead[0] >= value - 1e-12 * (1 + abs(value))
        ):
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return beta, value, information
            ahead = evaluate(sets, x, beta + step)
        beta, (value, score, information) = beta + step, ahead
        if gain < TOLERANCE * (1 + abs(value)):
            break
    return beta, value, information


def _inverse(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of the coefficients, and which of them lie in a direction along which the likelihood is flat."""
    values, vectors = np.linalg.eigh(information)
    flat = values < UNBOUNDED**-2
    runaway = (vectors[:, flat] ** 2).sum(axis=1) > 1e-4
    steep = vectors[:, ~flat]
    covariance = (steep / values[~flat]) @ steep.T
    covariance[runaway, :] = covariance[:, runaway] = np.nan
    return covariance, runaway


def _standard(x: np.ndarray, strata: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Columns centred within strata, and the standard deviations that make them comparable."""
    groups = np.zeros(len(x)) if strata is None else strata
    centred = x - pd.DataFrame(x).groupby(groups).transform("mean").to_numpy() if x.size else x
    scale = centred.std(axis=0) if len(x) else np.ones(x.shape[1])
    return centred, np.where(scale > 0, scale, 1.0)


def _accumulated(sets: RiskSets, values: np.ndarray) -> np.ndarray:
    """Running sums from the longest time down, begun anew in each stratum."""
    sums = np.empty_like(values)
    for part in sets.strata:
        np.cumsum(values[part], axis=0, out=sums[part])
    return sums
