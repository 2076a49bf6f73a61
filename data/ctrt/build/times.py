"""Survival times: where deaths and censorings must lie is read off the printed rates, the rest is found by annealing.

The printed rates with their intervals are those of samples without censoring (15/40, 36/55, 7/55), so in each arm the
censored leave before the first death, save a few at the end. What moves: times within those stretches, progressions
within a life, and which patient got which dose. The cohort keeps who was lost, died and progressed.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import isnan, log

import numpy as np
import pandas as pd
from assumed import EARLY_DEATHS_FROM, INDUCTION, LAST_SEEN, WITHOUT_OS_TIME
from scipy import stats
from targets import ARMS, Targets

from helpers.survival import limits, quantile

LANDMARK = 3.0
MOVES = 80_000
Z = stats.norm.ppf(0.975)


@dataclass(frozen=True)
class Times:
    """Times in months and events of every patient; NaN where the time of death is not known."""

    os: np.ndarray
    died: np.ndarray
    share: np.ndarray
    progressed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dose: np.ndarray
    treated: np.ndarray

    @property
    def pfs(self) -> np.ndarray:
        """Progression at a share of the time lived after induction; the last contact where there was none."""
        lived = np.where(np.isnan(self.os), self.high, self.os)
        return np.where(self.progressed, np.round(INDUCTION + self.share * (lived - INDUCTION), 2), lived)


def times(frame: pd.DataFrame, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with `os_months, os_event, pfs_months, pfs_event`, its doses dealt anew within the treated arm."""
    wanted = printed(targets)
    now = start(frame, targets, random)
    far = {endpoint: distance(now, wanted, endpoint) for endpoint in ("OS", "PFS")}
    for heat in np.linspace(0.01, 0, MOVES):
        if sum(far.values()) == 0:
            break
        then = moved(now, random)
        same = then.os is now.os and then.dose is now.dose
        reached = {"OS": far["OS"] if same else distance(then, wanted, "OS"), "PFS": distance(then, wanted, "PFS")}
        change = sum(reached.values()) - sum(far.values())
        if change <= 0 or random.random() < np.exp(-change / max(heat, 1e-9)):
            now, far = then, reached
    columns = {"os_months": now.os, "os_event": now.died, "pfs_months": now.pfs, "pfs_event": now.progressed}
    return frame.assign(**columns, rt_dose=now.dose).astype({"os_event": int, "pfs_event": int})


def printed(targets: Targets) -> dict[tuple, tuple[float, float]]:
    """Medians, limits, hazard ratios and P values to come near to, each as the values that round to it."""
    found = {}
    for population, endpoint, groups in (
        ("primary", "OS", ("overall", *ARMS)),
        ("primary", "PFS", ARMS),
        *(("treated", endpoint, ("rt_dose=standard", "rt_dose=low")) for endpoint in ("OS", "PFS")),
    ):
        variable, level = ("arm", "ctrt") if population == "primary" else ("rt_dose", "standard")
        key = {"population": population, "endpoint": endpoint}
        for group, name in [(group, name) for group in groups for name in ("median", "median_low", "median_high")]:
            try:
                window = targets.window("kaplan_meier", name, **key, model="log", group=group)
                found[endpoint, group, name] = window[0] + 0.005, window[1] - 0.005
            except KeyError:
                continue
        for name in ("hr", "hr_low", "hr_high"):
            key |= {"model": "unadjusted", "variable": variable, "level": level}
            found[endpoint, variable, name] = targets.window("cox_univariable", name, **key)
    return found


def start(frame: pd.DataFrame, targets: Targets, random: np.random.Generator) -> Times:
    """Who was lost early, who died when, and who was seen alive last, as the printed rates demand."""
    n = len(frame)
    os, low, high = np.full(n, np.nan), np.full(n, LANDMARK), np.full(n, np.nan)
    died, share = np.zeros(n, dtype=bool), 0.6 + 0.4 * random.random(n)
    progressed = (frame["progression"] == "yes").to_numpy()
    treated = (frame["arm"] == "ctrt").to_numpy()
    for arm in ARMS:
        rows = random.permutation(np.flatnonzero(frame["arm"] == arm))
        rows = rows[np.argsort(~progressed[rows], kind="stable")]
        deaths = int(targets.printed("count", "n_event", endpoint="OS", group=arm))
        timed = deaths - (WITHOUT_OS_TIME if arm == "ctrt" else 0)
        died[rows[:deaths]] = True
        stretches = _stretches(targets, arm, timed, len(rows) - deaths)
        order = np.concatenate([rows[:timed], rows[deaths:]])
        place = 0
        for count, first, last in stretches:
            members = order[place : place + count]
            place += count
            os[members] = first + (last - first) * (np.arange(count) + 0.5) / count
            low[members], high[members] = first, last
        unknown = rows[timed:deaths]
        high[unknown] = 14.0
    return Times(np.round(os, 2), died, share, progressed, low, high, frame["rt_dose"].to_numpy(), treated)


def _stretches(targets: Targets, arm: str, deaths: int, alive: int) -> list[tuple[int, float, float]]:
    """Patients and the months between which they die, one stretch after the other, then where the others are censored.

    `k` deaths by a printed rate are those of `m` uncensored patients whose rate and interval are printed so.
    """
    begin, last = EARLY_DEATHS_FROM[arm], LAST_SEEN[arm]
    months = [12] if arm == "non_ctrt" else [12, 24]
    size = next(m for m in range(deaths, deaths + alive + 1) if all(_survivors(targets, arm, m, at) for at in months))
    left = [size, *(_survivors(targets, arm, size, at) for at in months)]
    late = size - deaths
    edges = [begin, *(float(at) for at in months), 0.8 * last if late else last]
    by_stretch = [before - after for before, after in pairwise(left)] + [left[-1] - late]
    stretches = list(zip(by_stretch, edges, edges[1:], strict=False))
    return [*stretches, (late, edges[-1], last), (alive - late, LANDMARK, begin)]


def _survivors(targets: Targets, arm: str, size: int, at: int) -> int:
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


def moved(now: Times, random: np.random.Generator) -> Times:
    """One patient's death or progression at another time, or two patients' doses exchanged."""
    kind = random.random()
    if kind < 0.45:
        os = now.os.copy()
        at = random.choice(np.flatnonzero(~np.isnan(os)))
        os[at] = round(_step(os[at], (0.05, 0.5, 5), now.low[at] + 0.01, now.high[at], random), 2)
        return replace(now, os=os)
    if kind < 0.85:
        share = now.share.copy()
        at = random.choice(np.flatnonzero(now.progressed))
        share[at] = _step(share[at], (0.01, 0.1, 1), 0.02, 1, random)
        return replace(now, share=share)
    dose = now.dose.copy()
    first, second = random.choice(np.flatnonzero(now.treated), 2, replace=False)
    dose[first], dose[second] = dose[second], dose[first]
    return replace(now, dose=dose)


def _step(value: float, reach: tuple[float, ...], low: float, high: float, random: np.random.Generator) -> float:
    """A step near or far; where it would leave the stretch, anywhere in it."""
    there = value + random.normal(0, random.choice(reach))
    return there if low <= there <= high else random.uniform(low, high)


def distance(now: Times, wanted: dict, endpoint: str) -> float:
    """Log distances of an endpoint from its printed numbers, beyond half of their last digit, added up."""
    time, event = (now.os, now.died) if endpoint == "OS" else (now.pfs, now.progressed)
    use = ~np.isnan(time)
    groups = {"overall": use, "ctrt": use & now.treated, "non_ctrt": use & ~now.treated}
    groups |= {f"rt_dose={level}": use & (now.dose == level) for level in ("standard", "low")}
    found = {}
    for group in dict.fromkeys(group for which, group, _ in wanted if which == endpoint and group in groups):
        inside = groups[group]
        found |= {(endpoint, group, name): value for name, value in _median(time[inside], event[inside]).items()}
    pairs = {"arm": ("ctrt", "non_ctrt"), "rt_dose": ("rt_dose=standard", "rt_dose=low")}
    for variable, (first, second) in pairs.items():
        both = groups[first] | groups[second]
        ratio = _hazard_ratio(time[both], event[both], groups[first][both])
        found |= {(endpoint, variable, name): value for name, value in ratio.items()}
    return sum(_beyond(value, wanted[key]) for key, value in found.items() if key in wanted)


def _beyond(value: float, window: tuple[float, float]) -> float:
    if isnan(value) or value <= 0:
        return 2.0
    return max(0.0, log(window[0] / value), log(value / window[1]))


def _median(time: np.ndarray, event: np.ndarray) -> dict[str, float]:
    order = np.argsort(time, kind="stable")
    t, d = time[order], event[order]
    n = len(t) - np.arange(len(t))
    survival = np.cumprod(1 - d / n)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(d, 1 / (n * np.maximum(n - 1, 0)), 0))
        low, high = limits(survival, greenwood, "log", 0.95)
    names = ("median", "median_low", "median_high")
    curves = (survival, np.where(survival > 0, np.nan_to_num(low), 0), np.where(survival > 0, high, np.nan))
    return {name: quantile(t, curve) for name, curve in zip(names, curves, strict=True)}


def _hazard_ratio(time: np.ndarray, event: np.ndarray, exposed: np.ndarray) -> dict[str, float]:
    """Cox hazard ratio of one two-level variable by Newton's method; ties in their order."""
    order = np.argsort(-time, kind="stable")
    x, d = exposed[order].astype(float), event[order]
    ones, all_at_risk = np.cumsum(x)[d], (np.arange(len(x)) + 1.0)[d]
    beta = 0.0
    for _ in range(8):
        share = ones * np.exp(beta) / (ones * np.exp(beta) + all_at_risk - ones)
        information = (share * (1 - share)).sum()
        beta += (x[d].sum() - share.sum()) / max(information, 1e-6)
        beta = min(max(beta, -5.0), 5.0)
    se = 1 / np.sqrt(max(information, 1e-6))
    return {"hr": np.exp(beta), "hr_low": np.exp(beta - Z * se), "hr_high": np.exp(beta + Z * se)}
