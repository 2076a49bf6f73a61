"""Survival of a cohort's patients by arm, or by the levels of a variable, for every endpoint."""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.errors import ParameterError, listed
from helpers.ledger import NOBODY_LEFT, NOT_REACHED, STATISTICS_OF, at_label, wide
from helpers.study.schema import INTERVALS, OVERALL
from helpers.survival.estimators import (
    NO_LIMIT,
    NO_TIMES,
    last_whole_day,
    limits,
    log_rank_test,
    mean_difference,
    number_at_risk,
    product_limit,
    quantile,
    rate_at,
    restricted_mean,
    with_limits,
)


def follow_up(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Median follow-up by reverse Kaplan-Meier (Schemper & Smith, 1996) with limits, overall and by arm."""
    return _medians(cohort, population, "follow_up")


def medians(cohort: Cohort, population: str = "primary", *, by: str | None = None) -> pd.DataFrame:
    """Median time to event with limits (Brookmeyer & Crowley, 1982), under both intervals, overall and by arm.

    With `by`, in groups keyed `variable=level` of another variable instead.
    """
    return _medians(cohort, population, "kaplan_meier", by)


def rates(cohort: Cohort, population: str = "primary", *, months: list[float] | None = None) -> pd.DataFrame:
    """Share without the event at the study's months, 0 to 100, under both intervals, overall and by arm."""
    records = []
    for endpoint, group, table in _tables(cohort, population):
        for model in INTERVALS:
            for at in cohort.study.survival.months if months is None else months:
                estimate = rate_at(table, at, model, cohort.study.confidence, day=last_whole_day(at))
                shown = {name: 100 * estimate[name] for name in ("rate", "rate_low", "rate_high")}
                reason = NOBODY_LEFT if np.isnan(shown["rate"]) else "no interval where the rate is zero"
                blank = {name: reason for name, value in shown.items() if np.isnan(value)}
                key = _key(population, endpoint, "kaplan_meier", model, group)
                records.append({**key, "at": at_label(at), **shown, "not_estimable": blank})
    return wide(records, ["rate", "rate_low", "rate_high"])


def at_risk(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """At risk just before the last whole day of each time of the risk table, events and censorings up to it."""
    records = []
    for endpoint, group, table in _tables(cohort, population):
        for at in cohort.study.survival.risk_table_months:
            past = table[table["time"] <= at]
            left = {"n_event": past["n_event"].sum(), "n_censored": past["n_censored"].sum()}
            key = _key(population, endpoint, "kaplan_meier", "product_limit", group)
            records.append({**key, "at": at_label(at), "n_risk": number_at_risk(table, last_whole_day(at)), **left})
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

    It ends with tau's last whole day; not estimable where an arm's follow-up ends before it. Royston & Parmar (2013).
    """
    study, records = cohort.study, []
    asked = _months(tau_months, "tau_months")
    values: dict[str, dict[str, tuple[float, float]]] = {endpoint: {} for endpoint in study.endpoints}
    for endpoint, group, table in _tables(cohort, population):
        if group == OVERALL:
            continue
        tau = asked or study.survival.tau[endpoint]
        mean, se = values[endpoint][group] = (
            restricted_mean(table, last_whole_day(tau)) if len(table) else (np.nan, np.nan)
        )
        key = {**_key(population, endpoint, "rmst", "area", group), "at": at_label(tau), "rmst_se": se}
        blank = {"rmst_se": NOBODY_LEFT} if np.isnan(se) else {}
        records.append(with_limits(key, "rmst", mean, se, study.confidence, blank))
    for endpoint, by_arm in values.items():
        key = {**_key(population, endpoint, "rmst", "area", ""), "variable": study.arms.column}
        key |= {"level": study.arms.treated, "reference": study.arms.reference}
        key["at"] = at_label(asked or study.survival.tau[endpoint])
        both = [by_arm[arm] for arm in (study.arms.treated, study.arms.reference)]
        records.append({**key, **mean_difference(*both, study.confidence)})
    return wide(records, STATISTICS_OF["rmst"])


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


def _tables(
    cohort: Cohort, population: str, *, reverse: bool = False, by: str | None = None
) -> list[tuple[str, str, pd.DataFrame]]:
    """Endpoint, group and product-limit table; `reverse` swaps events and censorings."""
    tables = []
    groups = cohort.groups_by(by, population) if by else cohort.groups(population)
    for endpoint in cohort.study.endpoints:
        data = cohort.outcome(endpoint, population)[["time", "event"]]
        for group, members in groups.items():
            rows = data[data.index.isin(members.index)]
            event = rows["event"].to_numpy()
            tables.append((endpoint, group, product_limit(rows["time"].to_numpy(), ~event if reverse else event)))
    return tables


def _medians(cohort: Cohort, population: str, analysis: str, by: str | None = None) -> pd.DataFrame:
    records = []
    for endpoint, group, table in _tables(cohort, population, reverse=analysis == "follow_up", by=by):
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
