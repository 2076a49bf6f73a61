"""The GLR dealt within the arms so that its splines have the printed P values and turn at the printed value."""

from math import inf, log

import numpy as np
import pandas as pd
from search import schedule
from targets import ARMS, Targets

from helpers.cox import fit
from helpers.cox.models import wald
from helpers.splines import basis, default_knots

KNOTS = 4
CLEAR = (0.055, 1.0)
MOVES = 12_000
HOT, COLD = 0.5, 0.005


def splines(
    frame: pd.DataFrame, use: dict[str, np.ndarray], targets: Targets, random: np.random.Generator
) -> pd.DataFrame:
    """The cohort with its GLR exchanged between patients of an arm; no more than before have an NLR above the GLR."""
    windows = wanted(targets)
    value, nlr = frame["glr"].to_numpy(float).copy(), frame["nlr"].to_numpy(float)
    arms = [np.flatnonzero(frame["arm"] == arm) for arm in ARMS]
    contrary, now = (nlr > value).sum(), inf
    for t in schedule(HOT, COLD, MOVES):
        i, j = random.choice(arms[random.integers(2)], 2, replace=False)
        value[[i, j]] = value[[j, i]]
        allowed = now - t * log(max(random.random(), 1e-300))
        then = distance(frame, value, use, windows, allowed) if (nlr > value).sum() <= contrary else inf
        if then <= allowed:
            now = then
        else:
            value[[i, j]] = value[[j, i]]
        if now == 0:
            break
    return frame.assign(glr=value)


def wanted(targets: Targets) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """The windows of each spline; where nothing is printed the P values are not significant, as the text says."""
    found = {}
    for endpoint in ("OS", "PFS"):
        for population in ("primary", "matched"):
            key = {"population": population, "endpoint": endpoint, "model": f"knots_{KNOTS}", "variable": "glr"}
            windows = {"p_linear": CLEAR}
            for name in ("p_overall", "p_nonlinear", "turning_point"):
                try:
                    windows[name] = targets.window("spline", name, **key)
                except KeyError:
                    windows |= {} if name == "turning_point" else {name: CLEAR}
            found[endpoint, population] = windows
    return found


def distance(frame: pd.DataFrame, value: np.ndarray, use: dict, windows: dict, enough: float) -> float:
    """How far the splines are from their windows, P values by their logarithm; not further looked at than `enough`."""
    total = 0.0
    for (endpoint, population), inside in windows.items():
        for name, found in tests(frame, value, use[population], endpoint).items():
            if name in inside:
                low, high = inside[name]
                if name == "turning_point":
                    total += 5 * max(0.0, low - found, found - high)
                else:
                    total += max(0.0, log(max(low, 1e-9) / max(found, 1e-9)), log(max(found, 1e-9) / high))
        if total > enough:
            return inf
    return total


def tests(frame: pd.DataFrame, value: np.ndarray, use: np.ndarray, endpoint: str) -> dict[str, float]:
    """P of the spline as a whole, of its nonlinear part and of the line alone; the reference it turns at."""
    time = frame[f"{endpoint.lower()}_months"].to_numpy(float)
    known = use & np.isfinite(time) & np.isfinite(value)
    x, event = value[known], frame.loc[known, f"{endpoint.lower()}_event"].to_numpy(bool)
    knots = default_knots(x, KNOTS)
    design = pd.DataFrame(basis(x, knots)).rename(columns=str)
    curved, line = (fit(design[names], time[known], event) for names in (list(design), ["0"]))
    return {
        "p_overall": wald(curved, list(design))[1],
        "p_nonlinear": wald(curved, list(design)[1:])[1],
        "p_linear": wald(line, ["0"])[1],
        "turning_point": float(np.median(x)),
    }
