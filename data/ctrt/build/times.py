"""Survival times: where deaths and censorings must lie is read off the printed rates, the rest is found by annealing.

The printed rates with their intervals are those of samples without censoring (15/40, 36/55, 7/55), so in each arm the
censored leave before the first death, save a few at the end. What moves: times within those stretches, progressions
within a life, and which patient got which dose. The cohort keeps who was lost, died and progressed.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from assumed import (
    BEFORE_DEATH,
    DIED_SOON,
    EARLIEST_PROGRESSION,
    EARLY_DEATHS_FROM,
    FOLLOWED_FOR,
    LAST_SEEN,
    LATEST_START,
    PROGRESSED_BEFORE,
    UNKNOWN_DEATHS_BY,
    WITHOUT_OS_TIME,
)
from curves import NUMBERS, anneal
from scipy import stats
from targets import ARMS, Targets

from helpers.survival import limits

ENDPOINTS = ("OS", "PFS")
COMPARISONS = {
    ("primary", "arm", "ctrt"): ("overall", "ctrt", "non_ctrt"),
    ("treated", "rt_dose", "standard"): ("overall", "rt_dose=standard", "rt_dose=low"),
}
MEDIANS, RATIOS = ("median", "median_low", "median_high"), ("hr", "hr_low", "hr_high")
DOSES = {"standard": 1, "low": 0, "moderate": -1, "high": -2, "individualised": -3, "": -4}
MOVES = 100_000
HEATS = [(1.0, 0.02, 10), *[(0.2, 0.02, 5)] * 8]
INWARDS = 0.02
UNKNOWN = -1


def times(frame: pd.DataFrame, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with `os_months, os_event, pfs_months, pfs_event`, its doses dealt anew within the treated arm.

    Warmed up again, and cooled, as long as a printed number is missed and moves are left.
    """
    found, events, bounds = start(frame, targets, random)
    codes = np.array([frame["arm"] == "ctrt", frame["rt_dose"].map(DOSES)]).astype(int)
    gap, windows = hundredths(PROGRESSED_BEFORE), wanted(targets)
    heated = np.concatenate([np.geomspace(first, last, pieces * MOVES) for first, last, pieces in HEATS])
    for heats in heated.reshape(-1, MOVES):
        if anneal(found, events, bounds, gap, codes, windows, random.random((MOVES, 6)), heats) == 0:
            break
    os, pfs = np.where(found == UNKNOWN, np.nan, found / 100)
    died, progressed = events.astype(int)
    dose = [list(DOSES)[list(DOSES.values()).index(code)] for code in codes[1]]
    return frame.assign(os_months=os, os_event=died, pfs_months=pfs, pfs_event=progressed, rt_dose=dose)


def hundredths(months: float) -> int:
    """Months as they are counted here."""
    return round(100 * months)


def wanted(targets: Targets) -> np.ndarray:
    """Lowest and highest value that is printed so, and the unit, of all that `compared` finds; NaN if not printed.

    By endpoint and comparison. A little inside the rounding; a P value as Wald's |z|.
    """
    windows = np.full((len(ENDPOINTS), len(COMPARISONS), NUMBERS, 2), np.nan)
    for first, endpoint in enumerate(ENDPOINTS):
        for second, ((population, variable, level), groups) in enumerate(COMPARISONS.items()):
            key = {"population": population, "endpoint": endpoint}
            ratio = {**key, "analysis": "cox_univariable", "model": "unadjusted", "variable": variable, "level": level}
            curves = {**key, "analysis": "kaplan_meier", "model": "log"}
            asked = [{**curves, "group": group, "statistic": name} for group in groups for name in MEDIANS]
            asked += [{**ratio, "statistic": name} for name in (*RATIOS, "p_wald")]
            for at, number in enumerate(asked):
                try:
                    windows[first, second, at] = targets.window(**number)
                except KeyError:
                    continue
            windows[first, second, -1] = stats.norm.isf(windows[first, second, -1, ::-1] / 2)
    low, high = windows[..., 0], windows[..., 1]
    unit = np.where(np.isinf(high), 0.1, (high - low) / 2)
    return np.stack([low + INWARDS * unit, high - INWARDS * unit, unit], axis=-1)


def start(
    frame: pd.DataFrame, targets: Targets, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, events and bounds of the times by endpoint: who was lost early, who died when and who was seen last.

    The first deaths of the treated progress late enough for cTRT to have begun within two months of them.
    """
    n = len(frame)
    os, died, bounds = np.full(n, UNKNOWN), np.zeros(n, dtype=bool), np.zeros((2, n, 2), dtype=int)
    bounds[1] = hundredths(EARLIEST_PROGRESSION), hundredths(max(LAST_SEEN.values()))
    progressed = (frame["progression"] == "yes").to_numpy()
    for arm in ARMS:
        rows = random.permutation(np.flatnonzero(frame["arm"] == arm))
        rows = rows[np.argsort(~progressed[rows], kind="stable")]
        deaths = int(targets.printed("count", "n_event", endpoint="OS", group=arm))
        timed = deaths - (WITHOUT_OS_TIME if arm == "ctrt" else 0)
        died[rows[:deaths]] = True
        order = np.concatenate([rows[:timed], rows[deaths:]])
        for count, first, last in stretches(targets, arm, timed, len(rows) - deaths):
            members, order = order[:count], order[count:]
            bounds[0, members] = hundredths(first) + 1, hundredths(last)
            os[members] = np.linspace(*bounds[0, members[0]], count + 2)[1:-1]
        bounds[1, rows[timed:deaths], 1] = hundredths(UNKNOWN_DEATHS_BY)
        if arm == "ctrt":
            bounds[1, rows[:DIED_SOON], 0] = hundredths(LATEST_START)
    last = np.where(os == UNKNOWN, bounds[1, :, 1], os - hundredths(PROGRESSED_BEFORE))
    share = 0.4 + 0.6 * random.random(n)
    pfs = np.where(progressed, bounds[1, :, 0] + share * (last - bounds[1, :, 0]), os).astype(int)
    return np.array([os, pfs]), np.array([died, progressed]), bounds


def stretches(targets: Targets, arm: str, deaths: int, alive: int) -> list[tuple[int, float, float]]:
    """Patients and the months after and up to which they die, then where the others are censored.

    `k` deaths by a printed rate are those of `m` uncensored patients whose rate and interval are printed so. Of those
    censored late one is the last who is seen. Where nobody is, the last deaths lie apart, a stretch each.
    """
    begin, last = EARLY_DEATHS_FROM[arm], LAST_SEEN[arm]
    months = [12] if arm == "non_ctrt" else [12, 24]
    size = next(m for m in range(deaths, deaths + alive + 1) if all(survivors(targets, arm, m, at) for at in months))
    left = [size, *(survivors(targets, arm, size, at) for at in months)]
    late = size - deaths
    soon = DIED_SOON if arm == "ctrt" else 0
    edges = [begin, *months, 0.95 * last if late else last]
    dying = [before - after for before, after in pairwise([*left, late])]
    found = [(soon, begin, 0.95 * LATEST_START + BEFORE_DEATH), (dying[0] - soon, begin, edges[1])]
    found += zip(dying[1:], edges[1:], edges[2:], strict=False)
    if not late:
        alone = np.linspace(*edges[-2:], dying[-1] + 1)
        found[-1:] = [(1, first, last) for first, last in pairwise(alone)]
    found += [(max(late - 1, 0), edges[-2], last), (min(late, 1), edges[-1], last), (alive - late, FOLLOWED_FOR, begin)]
    return [stretch for stretch in found if stretch[0]]


def survivors(targets: Targets, arm: str, size: int, at: int) -> int:
    """How many of `size` uncensored patients live at a month so that rate and interval print as they do; 0 if none."""
    key = {"endpoint": "OS", "model": "log", "group": arm, "at": str(at)}
    inside = [targets.window("kaplan_meier", name, **key) for name in ("rate", "rate_low", "rate_high")]
    for alive in range(1, size):
        s = np.array([alive / size])
        low, high = limits(s, np.array([(size - alive) / (size * alive)]), "log", 0.95)
        found = (100 * s[0], 100 * low[0], 100 * high[0])
        if all(first - 1e-9 <= value <= last + 1e-9 for value, (first, last) in zip(found, inside, strict=True)):
            return alive
    return 0
