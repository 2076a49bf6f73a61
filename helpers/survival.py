"""How long patients live, and how sure that is: product-limit curves, medians, rates, log-rank and restricted means.

Conventions are R's (survival 3.5): at risk means just before the time, a median at S(t) = 0.5 exactly is the middle of
that stretch, the same rule serves the limits, and intervals come from the Greenwood (1926) variance on the log or the
complementary log-log scale. lifelines differs in the median, in its intervals and in the variance of restricted means.
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.errors import ParameterError, listed
from helpers.ledger import STATISTICS_OF, at_label, wide
from helpers.study.schema import INTERVALS, OVERALL

NOT_REACHED = "not reached"
NOBODY_LEFT = "nobody is followed this long"
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


def number_at_risk(table: pd.DataFrame, time: float) -> int:
    """Patients neither dead nor censored just before `time`."""
    return int(table.loc[table["time"] >= time, "n_risk"].max()) if (table["time"] >= time).any() else 0


def rate_at(table: pd.DataFrame, time: float, interval: str, confidence: float) -> dict[str, float]:
    """S(time) with limits and the number at risk, as shares; NaN once nobody is left and the last was censored."""
    at_risk = number_at_risk(table, time)
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
        member = (group[inside][:, None] == groups).astype(float)
        times = np.unique(t[d])
        at_risk = np.array([member[t >= each].sum(axis=0) for each in times]).reshape(-1, len(groups))
        deaths = np.array([member[(t == each) & d].sum(axis=0) for each in times]).reshape(-1, len(groups))
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


def follow_up(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Median follow-up by reverse Kaplan-Meier (Schemper & Smith, 1996) with limits, overall and by arm."""
    return _medians(cohort, population, "follow_up")


def medians(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Median time to event with limits (Brookmeyer & Crowley, 1982), under both intervals, overall and by arm."""
    return _medians(cohort, population, "kaplan_meier")


def rates(cohort: Cohort, population: str = "primary", *, months: list[float] | None = None) -> pd.DataFrame:
    """Share without the event at the study's months, 0 to 100, under both intervals, overall and by arm."""
    records = []
    for endpoint, group, table in _tables(cohort, population):
        for model in INTERVALS:
            for at in cohort.study.survival.months if months is None else months:
                estimate = rate_at(table, at, model, cohort.study.confidence)
                shown = {name: 100 * estimate[name] for name in ("rate", "rate_low", "rate_high")}
                reason = NOBODY_LEFT if np.isnan(shown["rate"]) else "no interval where the rate is zero"
                blank = {name: reason for name, value in shown.items() if np.isnan(value)}
                key = _key(population, endpoint, "kaplan_meier", model, group)
                records.append({**key, "at": at_label(at), **shown, "not_estimable": blank})
    return wide(records, ["rate", "rate_low", "rate_high"])


def at_risk(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients at risk just before, and events and censorings up to, each time of the risk table."""
    records = []
    for endpoint, group, table in _tables(cohort, population):
        for at in cohort.study.survival.risk_table_months:
            past = table[table["time"] <= at]
            left = {"n_event": past["n_event"].sum(), "n_censored": past["n_censored"].sum()}
            key = _key(population, endpoint, "kaplan_meier", "product_limit", group)
            records.append({**key, "at": at_label(at), "n_risk": number_at_risk(table, at), **left})
    return wide(records, ["n_risk", "n_event", "n_censored"])


def curves(cohort: Cohort, population: str = "primary", *, interval: str | None = None) -> pd.DataFrame:
    """The whole curve of each arm for drawing: S and its limits at time zero and at every distinct time, 0 to 100."""
    chosen = interval_of(cohort, interval)
    records = []
    for endpoint, group, table in _tables(cohort, population):
        if group == OVERALL:
            continue
        low, high = limits(table["survival"].to_numpy(), table["greenwood"].to_numpy(), chosen, cohort.study.confidence)
        shown = table.assign(rate=100 * table["survival"], rate_low=100 * low, rate_high=100 * high)
        start = {"time": 0.0, "rate": 100.0, "rate_low": 100.0, "rate_high": 100.0, "n_event": 0.0, "n_censored": 0.0}
        for row in [start, *shown.to_dict("records")]:
            key = _key(population, endpoint, "kaplan_meier", chosen, group)
            records.append({**key, **row, "at": at_label(round(row["time"], 6))})
    return wide(records, ["rate", "rate_low", "rate_high", "n_event", "n_censored"])


def log_rank(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Log-rank test between the arms: chi-square, df and P, and observed and expected events of each arm."""
    records = []
    arms = cohort.study.arms
    for endpoint in cohort.study.endpoints:
        data = cohort.outcome(endpoint, population)
        group = data[arms.column].astype(object).to_numpy()
        test = log_rank_test(data["time"].to_numpy(), data["event"].to_numpy(), group)
        key = _key(population, endpoint, "log_rank", "unstratified", "")
        blank = dict.fromkeys(("chi_square", "p_log_rank"), test["reason"]) if test["reason"] else {}
        overall = {"chi_square": test["chi_square"], "df": test["df"], "p_log_rank": test["p"], "not_estimable": blank}
        records.append({**key, "variable": arms.column, "reference": arms.reference, **overall})
        for arm, observed, expected in zip(test["groups"], test["observed"], test["expected"], strict=True):
            records.append({**key, "group": arm, "n_event": observed, "n_expected": expected})
    return wide(records, STATISTICS_OF["log_rank"])


def restricted_means(cohort: Cohort, population: str = "primary", *, tau_months: float | None = None) -> pd.DataFrame:
    """Restricted mean survival of each arm up to the study's tau, and its difference with limits and P (normal).

    Not estimable where an arm's follow-up ends before tau. Royston & Parmar (2013).
    """
    study, records = cohort.study, []
    asked = _months(tau_months, "tau_months")
    values: dict[str, dict[str, tuple[float, float]]] = {endpoint: {} for endpoint in study.endpoints}
    for endpoint, group, table in _tables(cohort, population):
        if group == OVERALL:
            continue
        tau = asked or study.survival.tau[endpoint]
        mean, se = values[endpoint][group] = restricted_mean(table, tau) if len(table) else (np.nan, np.nan)
        key = {**_key(population, endpoint, "rmst", "area", group), "at": at_label(tau), "rmst_se": se}
        blank = {"rmst_se": NOBODY_LEFT} if np.isnan(se) else {}
        records.append(_with_limits(key, "rmst", mean, se, study.confidence, blank))
    for endpoint, by_arm in values.items():
        means, errors = zip(*(by_arm[arm] for arm in (study.arms.treated, study.arms.reference)), strict=True)
        difference, se = means[0] - means[1], float(np.hypot(*errors))
        key = {**_key(population, endpoint, "rmst", "area", ""), "variable": study.arms.column}
        key |= {"level": study.arms.treated, "reference": study.arms.reference}
        key["at"] = at_label(asked or study.survival.tau[endpoint])
        key["p_test"] = 2 * stats.norm.sf(abs(difference) / se) if se > 0 else np.nan
        blank = {} if se > 0 else {"p_test": NOBODY_LEFT if np.isnan(difference) else NO_VARIANCE}
        records.append(_with_limits(key, "rmst_difference", difference, se, study.confidence, blank))
    return wide(records, STATISTICS_OF["rmst"])


def _with_limits(key: dict, name: str, value: float, se: float, confidence: float, blank: dict[str, str]) -> dict:
    """A row with a normal interval around its value; none where nothing is known or nothing varied."""
    width = stats.norm.ppf((1 + confidence) / 2) * se if se > 0 else np.nan
    shown = {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    reason = NOBODY_LEFT if np.isnan(value) else NO_VARIANCE
    missing = {each: reason for each, number in shown.items() if np.isnan(number)}
    return {**key, **shown, "not_estimable": {**blank, **missing}}


def interval_of(cohort: Cohort, interval: str | None) -> str:
    """The interval asked for, or the study's. Raises ParameterError for one that does not exist."""
    if interval is not None and interval not in INTERVALS:
        raise ParameterError(f"interval '{interval}' is unknown; allowed: {listed(INTERVALS)}")
    return interval or cohort.study.survival.interval


def _months(value: float | None, name: str) -> float | None:
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1200):
        raise ParameterError(f"{name} = {value!r}: give a number of months above zero, or None for the study's own")
    return value


def _key(population: str, endpoint: str, analysis: str, model: str, group: str) -> dict[str, str]:
    method = {
        "follow_up": f"reverse Kaplan-Meier, {INTERVALS.get(model)} interval",
        "kaplan_meier": f"Kaplan-Meier, {INTERVALS[model]} interval" if model in INTERVALS else "Kaplan-Meier",
        "log_rank": "log-rank test",
        "rmst": "area under the Kaplan-Meier curve",
    }[analysis]
    described = {"population": population, "endpoint": endpoint, "analysis": analysis, "model": model}
    return {**described, "group": group, "method": method}


def _tables(cohort: Cohort, population: str, *, reverse: bool = False) -> list[tuple[str, str, pd.DataFrame]]:
    """Endpoint, group and product-limit table, overall and by arm; `reverse` swaps events and censorings."""
    tables = []
    for endpoint in cohort.study.endpoints:
        data = cohort.outcome(endpoint, population)
        for group in cohort.study.groups:
            rows = data if group == OVERALL else data[data[cohort.study.arms.column] == group]
            event = rows["event"].to_numpy()
            tables.append((endpoint, group, product_limit(rows["time"].to_numpy(), ~event if reverse else event)))
    return tables


def _medians(cohort: Cohort, population: str, analysis: str) -> pd.DataFrame:
    records = []
    for endpoint, group, table in _tables(cohort, population, reverse=analysis == "follow_up"):
        times, survival = table["time"].to_numpy(), table["survival"].to_numpy()
        for model in INTERVALS:
            low, high = limits(survival, table["greenwood"].to_numpy(), model, cohort.study.confidence)
            ends = (quantile(times, each) for each in (survival, low, high))
            shown = dict(zip(("median", "median_low", "median_high"), ends, strict=True))
            blank = {name: NOT_REACHED for name, value in shown.items() if np.isnan(value)}
            if "median_low" in blank and "median" not in blank:
                blank["median_low"] = NO_LIMIT
            if not len(times):
                blank = dict.fromkeys(shown, NO_TIMES)
            records.append({**_key(population, endpoint, analysis, model, group), **shown, "not_estimable": blank})
    return wide(records, STATISTICS_OF["follow_up"])
