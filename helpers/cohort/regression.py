"""Covariates as numbers, and the logistic regression of a yes or no on them."""

import numpy as np
import pandas as pd
from scipy import optimize, special

from helpers.study import Study

STEPS = 100
CERTAIN = 1e-8
DEPENDENT = 1e-11
DEPENDS, SEPARATES, DIVERGES = "linearly dependent", "separated", "no convergence"


def indicators(study: Study, known: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Numbers, and indicators of the levels present other than the reference; columns `variable` or `variable=level`.

    Where nobody has the reference level, the first level present stands for it.
    """
    columns = {}
    for name in names:
        levels = [level for level in study.level_labels(name) if (known[name] == level).any()]
        if not levels:
            columns[name] = known[name].astype(float)
            continue
        base = study.reference(name) if study.reference(name) in levels else levels[0]
        columns |= {f"{name}={level}": (known[name] == level).astype(float) for level in levels if level != base}
    return pd.DataFrame(columns, index=known.index)


def logistic(x: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, str]:
    """Intercept and slopes at the maximum of the likelihood, by Newton's method, or why there is none.

    No column of `x` may be constant. Why is `DEPENDS`, `SEPARATES` or `DIVERGES`, and empty where there is a maximum.
    """
    centre, scale = x.mean(axis=0), x.std(axis=0)
    z = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    if np.linalg.svd(z, compute_uv=False).min() < DEPENDENT * len(z):
        return np.zeros(0), DEPENDS
    beta = np.zeros(z.shape[1])
    value = _log_likelihood(z, outcome, beta)
    for _ in range(STEPS):
        p = special.expit(z @ beta)
        information = (z * (p * (1 - p))[:, None]).T @ z
        score = z.T @ (outcome - p)
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        ahead = _log_likelihood(z, outcome, beta + step)
        while ahead < value - 1e-12 * abs(value):
            step = step / 2
            ahead = _log_likelihood(z, outcome, beta + step)
        beta, value = beta + step, ahead
        certain = np.minimum(p, 1 - p).min() < CERTAIN
        if certain and separated(z, outcome):
            return np.zeros(0), SEPARATES
        if score @ step < 1e-18 * max(1, abs(value)):
            slopes = beta[1:] / scale
            return np.r_[beta[0] - centre @ slopes, slopes], ""
    return np.zeros(0), DIVERGES


def _log_likelihood(z: np.ndarray, outcome: np.ndarray, beta: np.ndarray) -> float:
    eta = z @ beta
    return float((outcome * eta - np.logaddexp(0, eta)).sum())


def separated(z: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether some direction never points from the yes to the no (Albert & Anderson, 1984), by Konis (2007)."""
    signed = np.where(outcome, 1.0, -1.0)[:, None] * z
    found = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(z)), bounds=[(-1, 1)] * z.shape[1])
    return found.x is not None and -found.fun > 1e-7 * len(z)
