"""Which of several events comes first in a cohort's patients: cumulative incidence by cause, and Gray's test."""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.incidence.estimators import (
    CENSORED,
    NO_EVENTS,
    TOLERANCE,
    cumulative_incidence,
    gray_test,
    incidence_limits,
)
from helpers.ledger import NOBODY_LEFT, STATISTICS_OF, at_label, wide
from helpers.names.causes import cause_labels, cause_of
from helpers.study.schema import OVERALL, UNRECORDED
from helpers.survival import NO_TIMES, last_whole_day, number_at_risk

NOT_YET = "no event of this cause by then, so no interval"
ALL_HAD_IT = "no interval where all patients have had the event"
NO_VARIANCE = "no variance"
NAMES = STATISTICS_OF["competing_risks"]
SHOWN = ["incidence", "incidence_low", "incidence_high"]
MODEL, TEST = "aalen_johansen", "gray"


def first_events(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The arm, `time` and `cause` of each patient with a known time; cause `CENSORED` where no event is recorded."""
    asked, arms = cohort.study.progression.competing, cohort.study.arms
    data = cohort.outcome(asked.endpoint, population)
    causes = data[asked.variable].astype(object).map(cause_of(cohort.study)).fillna(UNRECORDED)
    return data[[arms.column, "time"]].assign(cause=causes.where(data["event"], CENSORED).astype(object))


def incidences(cohort: Cohort, population: str = "primary", *, months: list[float] | None = None) -> pd.DataFrame:
    """Cumulative incidence of each cause, 0 to 100, at the study's months, overall and by arm; limits by log(-log).

    With the patients at risk just before and the events of the cause up to then; a row without `at` holds its events,
    one without level all patients with a known time and all events. Aalen & Johansen (1978).
    """
    asked = cohort.study.progression.competing if cohort.study.progression else None
    if asked is None:
        return wide([], NAMES)
    data, records = first_events(cohort, population), []
    for group, rows in _groups(cohort, data).items():
        sizes = {"n": len(rows), "n_event": (rows["cause"] != CENSORED).sum()}
        records.append({**_key(cohort, population, "", group), **sizes})
    for cause in causes(cohort, population):
        for group, rows in _groups(cohort, data).items():
            key = _key(cohort, population, cause, group)
            table = cumulative_incidence(rows["time"].to_numpy(), rows["cause"].to_numpy(), of=cause)
            records.append({**key, "n_event": table["n_event"].sum()})
            for at in asked.months if months is None else months:
                records.append({**key, "at": at_label(at), **_incidence_at(table, at, cohort.study.confidence)})
    return wide(records, NAMES)


def gray_tests(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Gray's test (1988) of each cause between the arms: chi-square, df and P."""
    arms = cohort.study.arms
    if not (cohort.study.progression and cohort.study.progression.competing):
        return wide([], NAMES)
    data, records = first_events(cohort, population), []
    values = [data[name].astype(object).to_numpy() for name in ("time", "cause", arms.column)]
    time, cause, arm = values[0].astype(float), *values[1:]
    for name in causes(cohort, population):
        test = gray_test(time, cause, arm, of=name)
        blank = dict.fromkeys(("chi_square", "p_gray"), test["reason"]) if test["reason"] else {}
        key = {**_key(cohort, population, name, ""), "model": TEST, "reference": arms.reference}
        found = {"chi_square": test["chi_square"], "df": test["df"], "p_gray": test["p"], "not_estimable": blank}
        records.append({**key, "method": "Gray's test", **found})
    return wide(records, NAMES)


def curves(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The whole curve of each cause and arm for drawing: incidence and limits at time zero and every distinct time."""
    names = [*SHOWN, "n_event"]
    if not (cohort.study.progression and cohort.study.progression.competing):
        return wide([], names)
    data, records = first_events(cohort, population), []
    for cause in causes(cohort, population):
        for group, rows in _groups(cohort, data).items():
            if group == OVERALL:
                continue
            table = cumulative_incidence(rows["time"].to_numpy(), rows["cause"].to_numpy(), of=cause)
            low, high = incidence_limits(table, cohort.study.confidence)
            shown = [100 * each for each in (table["incidence"].to_numpy(), low, high)]
            drawn = table[["time", "n_event"]].assign(**dict(zip(SHOWN, shown, strict=True)))
            for row in [{"time": 0.0, "incidence": 0.0, "n_event": 0.0}, *drawn.to_dict("records")]:
                records.append({**_key(cohort, population, cause, group), **row, "at": at_label(round(row["time"], 6))})
    return wide(records, names)


def causes(cohort: Cohort, population: str = "primary") -> list[str]:
    """The causes, that of interest first, and at the end the unrecorded where an event's cause is not recorded."""
    found = set(first_events(cohort, population)["cause"])
    return [name for name in cause_labels(cohort.study) if name != UNRECORDED or name in found]


def _groups(cohort: Cohort, data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    column = cohort.study.arms.column
    return {group: data if group == OVERALL else data[data[column] == group] for group in cohort.study.groups}


def _key(cohort: Cohort, population: str, cause: str, group: str) -> dict[str, str]:
    asked = cohort.study.progression.competing
    described = {"population": population, "endpoint": asked.endpoint, "analysis": "competing_risks", "model": MODEL}
    method = "Aalen-Johansen, log(-log) interval" if cause else "first events"
    return {**described, "variable": asked.variable, "level": cause, "group": group, "method": method}


def _incidence_at(table: pd.DataFrame, at: float, confidence: float) -> dict:
    """Incidence with limits and events up to a time, at risk before its last whole day; none once nobody is left."""
    if table.empty:
        return {"n_risk": 0, "n_event": 0, "not_estimable": dict.fromkeys(SHOWN, NO_TIMES)}
    past = table[table["time"] <= at]
    found = {"n_risk": number_at_risk(table, last_whole_day(at)), "n_event": past["n_event"].sum()}
    if found["n_risk"] == 0 and table["survival"].iloc[-1] > 0:
        return {**found, "not_estimable": dict.fromkeys(SHOWN, NOBODY_LEFT)}
    if not found["n_event"]:
        reason = NOT_YET if table["n_event"].any() else NO_EVENTS
        return {**found, "incidence": 0.0, "not_estimable": dict.fromkeys(SHOWN[1:], reason)}
    low, high = incidence_limits(past.tail(1), confidence)
    value = past["incidence"].iloc[-1]
    found |= dict(zip(SHOWN, (100 * value, 100 * low[0], 100 * high[0]), strict=True))
    if np.isnan(low[0]):
        found["not_estimable"] = dict.fromkeys(SHOWN[1:], ALL_HAD_IT if value > 1 - TOLERANCE else NO_VARIANCE)
    return found
