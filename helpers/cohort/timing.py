"""When treatment began and which event came first, checked patient by patient against the outcomes."""

from collections.abc import Iterator

import pandas as pd

from helpers.cohort.checks import Finding
from helpers.cohort.table import Table
from helpers.study import Study, relative
from helpers.study.schema import DAYS_PER_MONTH, UNIT_DAYS


def timing(
    study: Study,
    table: Table,
    data: pd.DataFrame,
    outcomes: dict[str, pd.DataFrame],
    members: dict[str, pd.Index],
    later: dict[str, pd.Series],
) -> list[Finding]:
    """A finding for each fault of the exposure's start and of competing events; none where they fit.

    `later` says who had an endpoint's event after the cut-off, and so may have its cause without it.
    """
    found, given = [], (study, table, data, outcomes, members)
    if study.exposure:
        expected = "a start between time zero and the end"
        for problem in [*_starts(*given), *_horizons(study, outcomes, members)]:
            found.append(Finding("exposure", study.exposure.start, expected, "", problem))
    if study.progression and study.progression.competing:
        asked, rows = study.progression.competing, members["primary"]
        censored = ~outcomes[asked.endpoint].loc[rows, "event"] & ~later[asked.endpoint].loc[rows]
        for problem in _causes(study, table, data.loc[rows, asked.variable], censored):
            found.append(Finding("progression.competing", asked.variable, "one event a patient", "", problem))
    return found


def start_months(study: Study, data: pd.DataFrame) -> pd.Series:
    """The month in which treatment began, NaN in the reference arm and where it is not known."""
    name = study.exposure.start
    return data[name] * (UNIT_DAYS[study.variables[name].unit] / DAYS_PER_MONTH)


def _starts(
    study: Study, table: Table, data: pd.DataFrame, outcomes: dict[str, pd.DataFrame], members: dict[str, pd.Index]
) -> Iterator[str]:
    asked = study.exposure
    rows = members[asked.population]
    start, time = start_months(study, data).loc[rows], outcomes[asked.before]["time"].loc[rows]
    column = study.variables[asked.start].pointed_at(asked.start)
    treated = data.loc[rows, study.arms.column] == study.arms.treated
    ended = f"the patient's {asked.before} ends"
    faults = [
        (start < 0, "treatment begins before time zero"),
        (start > time * (1 + 1e-9), f"treatment begins after {ended}"),
    ]
    if asked.missing_start == "error":
        faults.append((treated & start.isna(), "a treated patient has no start; say missing_start = 'exclude'"))
    for bad, text in faults:
        problem = table.problem(column, bad, lambda value, text=text: text if value == "''" else f"{text} ({value})")
        if problem:
            yield problem


def _horizons(study: Study, outcomes: dict[str, pd.DataFrame], members: dict[str, pd.Index]) -> Iterator[str]:
    asked = study.exposure
    for endpoint in asked.endpoints:
        known = outcomes[endpoint].loc[members[asked.population]]
        last = known.loc[known["event"], "time"].max()
        for entry, month in [("grace", asked.grace), *(("landmarks", each) for each in asked.landmarks)]:
            if not last > month:
                yield (
                    f"{relative(study.file)}, entry 'exposure.{entry}': month {month:g} lies after the last event of "
                    f"'{endpoint}' in population '{asked.population}'"
                )


def _causes(study: Study, table: Table, level: pd.Series, censored: pd.Series) -> Iterator[str]:
    """Who is censored, and not because the event came after the cut-off, but has the level of an event."""
    asked = study.progression.competing
    causes = [level for cause in asked.causes.values() for level in cause.levels]
    named = level.isin(causes) & ~level.isin(study.progression.no_site)
    problem = table.problem(
        study.variables[asked.variable].pointed_at(asked.variable),
        named & censored,
        lambda value: f"{value} is an event, but endpoint '{asked.endpoint}' is censored: one event is coded twice",
    )
    if problem:
        yield problem
