"""How long patients live, and how sure that is: product-limit curves, medians, rates, log-rank and restricted means.

Conventions are R's (survival 3.5): at risk means just before the time, a median at S(t) = 0.5 exactly is the middle of
that stretch, the same rule serves the limits, and intervals come from the Greenwood (1926) variance on the log or the
complementary log-log scale. lifelines differs in the median, in its intervals and in the variance of restricted means.
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.ledger import NOBODY_LEFT
from helpers.study.schema import DAYS_PER_MONTH

NO_VARIANCE = "no variance: nobody, or everybody at once, has the event by then"
NO_LIMIT = "no limit where the curve falls to zero at once"
NO_TIMES = "no patient has a known time"
TOLERANCE = 1e-8


def product_limit(time: np.ndarray, event: np.ndarray) -> pd.DataFrame:
    """Kaplan & Meier (1958): one row a distinct time with `time, n_risk, n_event, n_censored, survival, greenwood`.

    `greenwood` is the variance of log S, infinite once S is zero. `time` is in any unit, `event` true or false.
    """
    times, position = np.unique(time, return_inverse=True)
    events = np.bincount(position, weights=event, minlength=len(times))
    leaving = np.bincount(position, minlength=len(times))
    at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)])[:-1]
    with np.errstate(divide="ignore"):
        survival = np.cumprod(1 - events / at_risk)
        greenwood = np.cumsum(events / (at_risk * (at_risk - events))) if len(times) else np.zeros(0)
    columns = {"time": times, "n_risk": at_risk, "n_event": events, "n_censored": leaving - events}
    return pd.DataFrame({**columns, "survival": survival, "greenwood": greenwood})


def limits(
    survival: np.ndarray, greenwood: np.ndarray, interval: str, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise limits of S(t), the upper at most one; undefined (NaN) where S is zero, and S itself where S is one.

    `interval` is `log` (R's default) or `log_log` (Kalbfleisch & Prentice, 1980).
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    s = np.where((survival > 0) & (survival < 1), survival, np.nan)
    error = np.sqrt(np.where(np.isnan(s), np.nan, greenwood))
    if interval == "log":
        low, high = s * np.exp(-z * error), np.minimum(1, s * np.exp(z * error))
    else:
        low, high = s ** np.exp(z * error / -np.log(s)), s ** np.exp(-z * error / -np.log(s))
    return np.where(survival == 1, 1.0, low), np.where(survival == 1, 1.0, high)


def quantile(times: np.ndarray, curve: np.ndarray, share: float = 0.5) -> float:
    """First time a curve falls to `share`; the middle of the stretch where it equals `share`; NaN if never reached."""
    reached = np.flatnonzero(curve < share + TOLERANCE)
    if len(reached) == 0:
        return np.nan
    first = reached[0]
    below = np.flatnonzero(curve < curve[first] - TOLERANCE)
    below = below[below > first]
    if abs(curve[first] - share) < TOLERANCE and len(below):
        return float((times[first] + times[below[0]]) / 2)
    return float(times[first])


def last_whole_day(months: float) -> float:
    """The last whole day of a horizon, in months: month 12 is day 365.25 of 30.4375 a month, its last whole day 365.

    Who is followed to day 365 is followed for a year.
    """
    return float(np.floor(months * DAYS_PER_MONTH + TOLERANCE) / DAYS_PER_MONTH)


def number_at_risk(table: pd.DataFrame, time: float) -> int:
    """Patients neither dead nor censored just before `time`."""
    return int(table.loc[table["time"] >= time, "n_risk"].max()) if (table["time"] >= time).any() else 0


def rate_at(
    table: pd.DataFrame, time: float, interval: str, confidence: float, *, day: float | None = None
) -> dict[str, float]:
    """S(time) with limits and the number at risk, as shares; NaN once nobody is left and the last was censored.

    Who is at risk goes by the `day` where one is given, else by `time` itself.
    """
    at_risk = number_at_risk(table, time if day is None else day)
    before = table[table["time"] <= time]
    survival = before["survival"].iloc[-1] if len(before) else 1.0
    greenwood = before["greenwood"].iloc[-1] if len(before) else 0.0
    if at_risk == 0 and survival > 0:
        survival = np.nan
    low, high = limits(np.array([survival]), np.array([greenwood]), interval, confidence)
    return {"rate": survival, "rate_low": low[0], "rate_high": high[0], "n_risk": at_risk}


def restricted_mean(table: pd.DataFrame, tau: float) -> tuple[float, float]:
    """Area under S up to tau and its standard error; NaN where follow-up ends before tau with patients still alive.

    Variance from the area right of each event time (Klein & Moeschberger, 2003, section 4.5).
    """
    last, alive = table["time"].iloc[-1], table["survival"].iloc[-1]
    if tau > last and alive > 0:
        return np.nan, np.nan
    inside = table[table["time"] < tau]
    times = np.concatenate([[0.0], inside["time"], [tau]])
    heights = np.concatenate([[1.0], inside["survival"]])
    pieces = heights * np.diff(times)
    area = np.cumsum(pieces)
    d, n = inside["n_event"].to_numpy(), inside["n_risk"].to_numpy()
    left = np.maximum(n - d, 1)
    terms = np.where(n > d, (area[-1] - area[:-1]) ** 2 * d / (n * left), 0.0)
    return float(area[-1]), float(np.sqrt(terms.sum()))


def log_rank_test(time: np.ndarray, event: np.ndarray, group: np.ndarray, strata: np.ndarray | None = None) -> dict:
    """Log-rank test of two or more groups (Mantel, 1966; Peto & Peto, 1972), within strata where given.

    Returns `groups`, `observed`, `expected` (arrays), `chi_square`, `df`, `p`, and `reason` where there is no test: no
    events, or no variance because every death found all at risk in one group or took all of them.
    """
    groups = np.unique(group)
    strata = np.zeros(len(time)) if strata is None else strata
    observed, expected = np.zeros(len(groups)), np.zeros(len(groups))
    variance = np.zeros((len(groups), len(groups)))
    for stratum in np.unique(strata):
        inside = strata == stratum
        t, d = time[inside], event[inside].astype(bool)
        members = [group[inside] == each for each in groups]
        times = np.unique(t[d])
        at_risk = np.column_stack([_still(np.sort(t[each]), times) for each in members])
        dying = [np.searchsorted(times, t[each & d]) for each in members]
        deaths = np.column_stack([np.bincount(each, minlength=len(times)) for each in dying]).astype(float)
        n, dead = at_risk.sum(axis=1), deaths.sum(axis=1)
        share = at_risk / n[:, None]
        observed += deaths.sum(axis=0)
        expected += (dead[:, None] * share).sum(axis=0)
        factor = np.where(n > 1, dead * (n - dead) / np.maximum(n - 1, 1), 0)
        variance += np.diag((factor[:, None] * share).sum(axis=0)) - (factor[:, None] * share).T @ share
    used = expected > 0
    df = max(int(used.sum()) - 1, 0)
    free = np.flatnonzero(used)[1:]
    inside = variance[np.ix_(free, free)]
    result = {"groups": groups, "observed": observed, "expected": expected, "df": df, "reason": ""}
    if observed.sum() == 0 or df < 1 or np.linalg.matrix_rank(inside, tol=1e-10) < df:
        reason = "no events" if observed.sum() == 0 else "at no event were patients of both groups left to compare"
        return {**result, "chi_square": np.nan, "p": np.nan, "reason": reason}
    difference = (observed - expected)[free]
    chi_square = float(difference @ np.linalg.solve(inside, difference))
    return {**result, "chi_square": chi_square, "p": float(stats.chi2.sf(chi_square, df))}


def _still(time: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many of some sorted times are not before each of `times`."""
    return (len(time) - np.searchsorted(time, times, side="left")).astype(float)


def mean_difference(treated: tuple[float, float], reference: tuple[float, float], confidence: float) -> dict:
    """The difference of two restricted means, each given with its standard error, with normal limits and P."""
    difference, se = treated[0] - reference[0], float(np.hypot(treated[1], reference[1]))
    p = 2 * stats.norm.sf(abs(difference) / se) if se > 0 else np.nan
    blank = {} if se > 0 else {"p_test": NOBODY_LEFT if np.isnan(difference) else NO_VARIANCE}
    return with_limits({"p_test": p}, "rmst_difference", difference, se, confidence, blank)


def with_limits(key: dict, name: str, value: float, se: float, confidence: float, blank: dict[str, str]) -> dict:
    """A row with a normal interval around its value; none where nothing is known or nothing varied."""
    width = stats.norm.ppf((1 + confidence) / 2) * se if se > 0 else np.nan
    shown = {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    reason = NOBODY_LEFT if np.isnan(value) else NO_VARIANCE
    missing = {each: reason for each, number in shown.items() if np.isnan(number)}
    return {**key, **shown, "not_estimable": {**blank, **missing}}
