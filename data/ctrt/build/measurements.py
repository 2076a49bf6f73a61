"""Continuous variables: means and standard deviations to the printed digit, rank-sum P where it can be had."""

from itertools import product

import numpy as np
import pandas as pd
from assumed import KNOWN, SHAPES
from scipy import stats
from targets import ARMS, Targets

MOVES, TRIES = 60_000, 5
EXTREME = 1.0
REFERENCE = {"endpoint": "OS", "model": "knots_4", "variable": "glr"}
TAIL, FALLING = 3, 0.8


def measurements(frame: pd.DataFrame, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with its continuous variables; maintenance cycles in the maintained only.

    As many values are known as the printed means and SDs allow. Of maintenance cycles fewer are: the adjusted model's
    printed standard error is twice the unadjusted one, so it rests on far fewer than 171 patients.
    """
    frame = frame.copy()
    for name in SHAPES:
        possible = frame["maintenance"] == "yes" if name == "maintenance_cycles" else pd.Series(True, frame.index)
        rows = [frame.index[possible & (frame["arm"] == arm)] for arm in ARMS]
        known = KNOWN.get(name) or sizes(name, targets, [len(each) for each in rows])
        frame[name] = np.nan
        for arm_rows, values in zip(rows, samples(name, targets, known, random), strict=True):
            frame.loc[random.choice(arm_rows, len(values), replace=False), name] = values
    _paired(frame, "glr", "nlr")
    _paired(frame, "maintenance_cycles", "immunotherapy_cycles")
    return frame


def windows(name: str, targets: Targets) -> dict[tuple[str, str], tuple[float, float]]:
    """Printed mean and SD of each arm and of all patients, as the values that round to them."""
    groups = (*ARMS, "overall")
    return {
        (group, statistic): targets.window("summary", statistic, variable=name, group=group)
        for group, statistic in product(groups, ("mean", "sd"))
    }


def sizes(name: str, targets: Targets, most: list[int]) -> tuple[int, int]:
    """The largest numbers of known values, in both arms, under which the printed means and SDs are compatible."""
    whole = SHAPES[name][1] == 1 and name != "ldh"
    inside = windows(name, targets)
    candidates = sorted(product(range(2, most[0] + 1), range(2, most[1] + 1)), key=lambda pair: -sum(pair))
    return next(pair for pair in candidates if _compatible(pair, inside, whole))


def _compatible(known: tuple[int, int], inside: dict, whole: bool) -> bool:
    n = sum(known)
    ends = [[known[i] * edge for edge in inside[arm, "mean"]] for i, arm in enumerate(ARMS)]
    total = [n * edge for edge in inside["overall", "mean"]]
    if whole:
        ends = [[np.ceil(low), np.floor(high)] for low, high in ends]
        if any(low > high for low, high in ends):
            return False
        total = [np.ceil(total[0]), np.floor(total[1])]
    sums = [max(ends[0][0] + ends[1][0], total[0]), min(ends[0][1] + ends[1][1], total[1])]
    if sums[0] > sums[1]:
        return False
    first, second = (np.mean(inside[arm, "mean"]) for arm in ARMS)
    between = known[0] * known[1] / n * (first - second) ** 2
    within = [sum((known[i] - 1) * inside[arm, "sd"][end] ** 2 for i, arm in enumerate(ARMS)) for end in (0, 1)]
    low, high = (((w + between) / (n - 1)) ** 0.5 for w in within)
    return low <= inside["overall", "sd"][1] and high >= inside["overall", "sd"][0]


def samples(name: str, targets: Targets, known: tuple[int, int], random: np.random.Generator) -> list[np.ndarray]:
    """Values of both arms found by simulated annealing: one or two are moved, and less often the wrong way.

    Raises ValueError where means and standard deviations are not reached.
    """
    shape, scale, lowest, highest = SHAPES[name]
    inside = windows(name, targets)
    if name == REFERENCE["variable"]:
        inside["overall", "median"] = targets.window("spline", "turning_point", **REFERENCE)
    p_range = targets.window("comparison", "p_test", variable=name)
    values = [_start(shape, inside, arm, n, random) for arm, n in zip(ARMS, known, strict=True)]
    values = [np.round(np.clip(each, lowest, highest) * scale) for each in values]
    reach = max(1.0, 0.5 * np.std(np.concatenate(values)))
    now = _distance(values, inside, p_range, scale)
    for heat in np.tile(np.linspace(1, 0, MOVES), TRIES):
        if now == 0:
            break
        arm = random.integers(2)
        at = random.integers(len(values[arm]), size=random.integers(1, 3))
        step = np.round(random.normal(0, reach ** random.random(), len(at)))
        moved = [each.copy() for each in values]
        moved[arm][at] = np.clip(moved[arm][at] + step, lowest * scale, highest * scale)
        then = _distance(moved, inside, p_range, scale)
        if then <= now or random.random() < np.exp((now - then) / max(heat, 1e-9)):
            values, now = moved, then
    if _distance(values, inside, (0, 1), scale):
        raise ValueError(f"no values of {name} with the printed means and standard deviations were found")
    return [each / scale for each in values]


def _start(shape: str, inside: dict, arm: str, n: int, random: np.random.Generator) -> np.ndarray:
    """A normal or log-normal sample; where the SD is beyond the mean, a few large values stand for it."""
    mean, sd = np.mean(inside[arm, "mean"]), np.mean(inside[arm, "sd"])
    spread = np.sort(stats.norm.ppf((np.arange(n) + 0.5) / n))
    if shape == "normal":
        return mean + sd * spread
    sigma = np.sqrt(np.log1p((sd / mean) ** 2))
    if sigma < EXTREME:
        return mean * np.exp(sigma * spread - sigma**2 / 2) * np.exp(random.normal(0, 0.02, n))
    tail = FALLING ** np.arange(TAIL)
    square, linear = (tail**2).sum(), mean * tail.sum()
    rest = TAIL * mean**2 - 0.95 * (n - 1) * sd**2
    tail *= (linear + np.sqrt(linear**2 - square * rest)) / square
    others = np.exp(0.5 * spread[:-TAIL])
    return np.append(others * (n * mean - tail.sum()) / others.sum(), tail)


def _distance(values: list[np.ndarray], inside: dict, p_range: tuple[float, float], scale: float) -> float:
    """How far means, standard deviations and P are from what is printed, in halves of a printed unit."""
    both = np.concatenate(values)
    far = 0.0
    for group, each in zip((*ARMS, "overall"), (*values, both), strict=True):
        for statistic, found in (("mean", each.mean() / scale), ("sd", each.std(ddof=1) / scale)):
            far += _beyond(found, inside[group, statistic])
    if ("overall", "median") in inside:
        far += _beyond(float(np.median(both)) / scale, inside["overall", "median"])
    return far + 0.5 * _beyond(_rank_sum_p(values, both), p_range)


def _beyond(value: float, window: tuple[float, float]) -> float:
    """Distance outside a window in halves of it; its edges, which may round either way, are inside."""
    half = (window[1] - window[0]) / 2
    outside = abs(value - sum(window) / 2) / half - 1
    return outside if outside > 1e-9 else 0.0


def _rank_sum_p(values: list[np.ndarray], both: np.ndarray) -> float:
    n, m = len(values[0]), len(values[1])
    ordered, ties = np.unique(both, return_counts=True)
    ranks = np.cumsum(ties) - (ties - 1) / 2
    u = ranks[np.searchsorted(ordered, values[0])].sum() - n * (n + 1) / 2
    variance = n * m / 12 * ((n + m + 1) - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return 2 * stats.norm.sf(max(0.0, abs(u - n * m / 2) - 0.5) / np.sqrt(variance))


def _paired(frame: pd.DataFrame, small: str, large: str) -> None:
    """Let two variables rise together within an arm, so that neither contradicts the other."""
    for arm in ARMS:
        rows = frame.index[(frame["arm"] == arm) & frame[small].notna() & frame[large].notna()]
        order = rows[np.argsort(frame.loc[rows, small].to_numpy(), kind="stable")]
        frame.loc[order, large] = np.sort(frame.loc[rows, large].to_numpy())
