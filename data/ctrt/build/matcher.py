"""The pairs of `helpers.cohort.pairing`: logistic regression, largest score first, the nearest within a caliper."""

from math import exp, sqrt

import numpy as np
from kernels import njit, solve
from patients import Patients

ROUND, NEWTON = 1e10, 30


@njit
def slopes(
    x: np.ndarray, inside: np.ndarray, cols: np.ndarray, beta: np.ndarray, slope: np.ndarray, info: np.ndarray
) -> None:
    """First and second derivatives of the logistic likelihood of treatment, the intercept first."""
    p = len(cols) + 1
    z = np.ones(p)
    slope[:] = 0.0
    info[:] = 0.0
    for i in range(len(x)):
        if not inside[i]:
            continue
        eta = beta[0]
        for k in range(1, p):
            z[k] = x[i, cols[k - 1]]
            eta += beta[k] * z[k]
        chance = 1 / (1 + exp(-eta))
        for a in range(p):
            slope[a] += z[a] * (x[i, 0] - chance)
            for b in range(a + 1):
                info[a, b] += chance * (1 - chance) * z[a] * z[b]


@njit
def scored(people: Patients, inside: np.ndarray, cols: np.ndarray, beta: np.ndarray, score: np.ndarray) -> None:
    """The propensity score of those `inside`; `beta` begins the search, the intercept first."""
    p = len(cols) + 1
    slope, info, spare = np.zeros(p), np.zeros((p, p)), np.zeros(p)
    for _ in range(NEWTON):
        slopes(people.x, inside, cols, beta, slope, info)
        if not solve(info, slope, p, spare):
            beta[:] = 0.0
            continue
        beta += slope
        if np.abs(slope).max() < 1e-9:
            break
    for i in range(len(people.x)):
        eta = beta[0]
        for k in range(1, p):
            eta += beta[k] * people.x[i, cols[k - 1]]
        score[i] = 1 / (1 + exp(-round(eta * ROUND) / ROUND))


@njit
def width_of(score: np.ndarray, inside: np.ndarray, caliper: float) -> float:
    """The caliper in standard deviations of the score over everybody `inside`."""
    known = score[inside]
    return caliper * sqrt(((known - known.mean()) ** 2).sum() / (len(known) - 1)) * (1 + 1e-12)


@njit
def paired(
    people: Patients, inside: np.ndarray, cols: np.ndarray, caliper: float, beta: np.ndarray, chosen: np.ndarray
) -> None:
    """Who of those `inside` is in a pair, as `chosen`: score, caliper and pairs anew; `beta` begins the search.

    Patients without one of the score's covariates are in none.
    """
    n = len(people.x)
    score, known = np.empty(n), inside.copy()
    for i in range(n):
        for c in cols:
            known[i] = known[i] and people.x[i, c] == people.x[i, c]
    scored(people, known, cols, beta, score)
    width = width_of(score, known, caliper)
    chosen[:] = False
    for i in np.argsort(-np.where(known, score, -1.0)):
        if not known[i] or people.x[i, 0] == 0:
            continue
        best, nearest = -1, np.inf
        for j in range(n):
            if known[j] and people.x[j, 0] == 0 and not chosen[j] and abs(score[i] - score[j]) < nearest:
                best, nearest = j, abs(score[i] - score[j])
        if best >= 0 and nearest <= width:
            chosen[i] = True
            chosen[best] = True
