"""Time and event of each endpoint, from a duration or from the dates of a patient."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from helpers.cohort.checks import Typed
from helpers.cohort.table import Table
from helpers.study import Study
from helpers.study.schema import DAYS_PER_MONTH, UNIT_DAYS, Endpoint

LONGEST = 36525
SAME = 1e-14


def outcome(study: Study, table: Table, typed: Typed, name: str, rows: pd.Index) -> tuple[pd.DataFrame, list[str]]:
    """`time` in months, `event`, `extended`, `later` and `potential` of one endpoint, a sentence for each fault.

    A time that is missing where the study excludes missing times is NaN; the patient's event still counts. `extended`
    are the patients without the event at the cut-off whose last contact does not reach it, but of whom a later date
    tells that they were at risk until then: they are censored at the cut-off. `later` had the event after it.
    `potential` are the months from the index date to the cut-off, NaN where the study has no dates.
    """
    endpoint, problems = study.endpoints[name], []
    potential = pd.Series(np.nan, index=rows)
    if endpoint.time is not None:
        days = typed.raw[name, endpoint.time].loc[rows] * UNIT_DAYS[endpoint.unit]
        event = typed.raw[name, endpoint.event].loc[rows]
        extended = later = pd.Series(False, index=rows)
        unknown = event.isna() & ~(days.isna() & (endpoint.missing_time == "exclude"))
        said = f"endpoint '{name}' needs to know whether the event happened"
        problems.append(table.problem(endpoint.event, unknown, lambda _: said))
    else:
        days, event, extended, later = _from_dates(study, typed, name, rows)
        starts, cut_off = typed.raw[name, endpoint.index_date].loc[rows], study.cohort.data_cut_off
        said = f"endpoint '{name}' begins after the data cut-off, {cut_off}; exclude such patients, or correct the date"
        potential = (pd.Timestamp(cut_off) - starts).dt.days / DAYS_PER_MONTH
        begun = table.problem(endpoint.index_date, starts > pd.Timestamp(cut_off), lambda _: said)
        if begun:
            return _frame(days, event, extended, later, potential), [begun]
    problems += _faults(table, name, endpoint, days)
    if endpoint.zero_time in {"half_day", "exclude"}:
        days = days.mask(days == 0, 0.5 if endpoint.zero_time == "half_day" else np.nan)
    found = _frame(days, event, extended, later, potential)
    if endpoint.unit == "months":
        given = _tied(typed.raw[name, endpoint.time].loc[rows])
        found["time"] = found["time"].mask(np.isclose(found["time"], given, rtol=SAME, atol=0), given)
    return found, [problem for problem in problems if problem]


def _frame(
    days: pd.Series, event: pd.Series, extended: pd.Series, later: pd.Series, potential: pd.Series
) -> pd.DataFrame:
    happened = {"time": _tied(days) / DAYS_PER_MONTH, "event": event.fillna(False).astype(bool)}
    return pd.DataFrame({**happened, "extended": extended, "later": later, "potential": potential})


def _from_dates(
    study: Study, typed: Typed, name: str, rows: pd.Index
) -> tuple[pd.Series, pd.Series, pd.Series, pd.Series]:
    """Days from the index date, event by the cut-off, who was at risk until it by a later date alone, event after it.

    A patient without the event by the cut-off was at risk until it where an event of this endpoint, or any date of an
    endpoint that counts all its events, lies after it.
    """
    endpoint, cut_off = study.endpoints[name], pd.Timestamp(study.cohort.data_cut_off)
    columns = [endpoint.index_date, *endpoint.event_dates, endpoint.last_contact]
    dates = pd.DataFrame({column: typed.raw[name, column].loc[rows] for column in columns})
    first = dates[endpoint.event_dates].min(axis=1)
    event, contact = first <= cut_off, dates[endpoint.last_contact].clip(upper=cut_off)
    telling = [
        typed.raw[other, column].loc[rows] > cut_off
        for other, wider in study.endpoints.items()
        if set(endpoint.event_dates) <= set(wider.event_dates or [])
        for column in [*wider.event_dates, wider.last_contact]
    ]
    later = ~event & pd.concat(telling, axis=1).any(axis=1)
    last = first.where(event, contact.mask(later, cut_off))
    days = (last - dates[endpoint.index_date]).dt.days
    return days, event.astype("boolean"), later & ~(contact >= cut_off), first > cut_off


def _faults(table: Table, name: str, endpoint: Endpoint, days: pd.Series) -> Iterator[str | None]:
    entry, column = f"endpoint '{name}'", endpoint.time or endpoint.index_date
    below = "" if endpoint.time is not None else f": it ends before its '{column}'"
    yield table.problem(column, days < 0, lambda _: f"{entry} has a time below zero{below}")
    yield table.problem(column, days > LONGEST, lambda _: f"{entry} has a time of more than a hundred years")
    if endpoint.missing_time == "error":
        said = f"{entry} has no time, and the study file does not exclude such patients"
        yield table.problem(column, days.isna(), lambda _: said)
    if endpoint.zero_time == "error":
        allowed = "say zero_time = 'keep', 'half_day' or 'exclude'"
        yield table.problem(column, days == 0, lambda _: f"{entry} has a time of zero; {allowed}")


def _tied(days: pd.Series) -> pd.Series:
    """Times that differ by rounding only made equal, as R does, so that ties stay ties."""
    known = np.sort(days.dropna().unique())
    new = np.diff(known, prepend=-np.inf) > 1e-8 * np.abs(known).max(initial=0)
    first = known[new]
    return days.map(lambda each: first[np.searchsorted(first, each, side="right") - 1], na_action="ignore")
