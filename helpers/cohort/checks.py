"""Each column of the patients' table read as what the study file says it is."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.cells import plain
from helpers.cohort.table import Table
from helpers.errors import nearest
from helpers.study import Study
from helpers.study.schema import LAST_DAY, UNIT_DAYS, Condition, Endpoint, Variable

YEARS_RECORDED = 20


@dataclass(frozen=True)
class Finding:
    """One line of the check: an entry of the study file against its column; `problem` is None when they fit."""

    entry: str
    column: str
    expected: str
    found: str
    problem: str | None = None


@dataclass
class Typed:
    """The table's columns typed: `data` the arms and variables, `raw` what endpoints are made from, by both names."""

    data: pd.DataFrame
    raw: dict[tuple[str, str], pd.Series] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def type_columns(study: Study, table: Table) -> Typed:
    """Type every column the study names; what does not fit becomes a finding and is left empty."""
    typed = Typed(pd.DataFrame(index=table.cells.index))
    if not set(table.cells.columns) & set(_columns(study)):
        problem = f"{table.name}: none of the study's columns is here; the first row must hold the column names"
        typed.findings.append(Finding("cohort.source", "", "the study's columns", "none of them", problem))
        return typed
    typed.findings.append(Finding("cohort.source", "", "a patient a row", table.counted))
    _identifiers(study, table, typed)
    arms = study.arms
    own = table.without(arms.missing, [arms.column])
    typed.data[arms.column] = _levels(own, typed, "arms", arms.column, list(arms.levels))
    for name, variable in study.variables.items():
        if variable.cut:
            continue
        entry, column = f"variables.{name}", variable.column or name
        own = table.without(variable.missing, variable.between or [column])
        if variable.between:
            typed.data[name] = _interval(study, own, typed, entry, variable)
        elif variable.levels:
            typed.data[name] = _levels(own, typed, entry, column, list(variable.levels))
        else:
            typed.data[name] = _numbers(own, typed, entry, column)
    for name, variable in study.variables.items():
        if variable.cut:
            edges = [-np.inf, *variable.cut.at, np.inf]
            values = typed.data[variable.cut.variable]
            typed.data[name] = pd.cut(
                values, edges, right=variable.cut.right_closed, labels=list(variable.levels), ordered=False
            )
    _impossible(study, table, typed)
    for term in _terms(study):
        typed.data[term] = _grades(study, table, typed, term)
    for name, endpoint in study.endpoints.items():
        _endpoint_columns(study, table, typed, name, endpoint)
    return typed


def _impossible(study: Study, table: Table, typed: Typed) -> None:
    """Values given where the study says none can be."""
    for name, variable in study.variables.items():
        if variable.applies_when:
            impossible = typed.data[name].notna() & (meets(variable.applies_when, typed.data) == False)  # noqa: E712
            column = variable.pointed_at(name)
            problem = table.problem(column, impossible, lambda value: f"{value} is given where it cannot apply")
            if problem:
                typed.findings.append(Finding(f"variables.{name}.applies_when", column, "empty", "a value", problem))


def _columns(study: Study) -> list[str]:
    """Every column the study file names."""
    variables = [entry.pointed_at(name) for name, entry in study.variables.items() if not entry.cut]
    named = [study.cohort.id, study.arms.column, *variables, *_terms(study)]
    for entry in study.endpoints.values():
        named += [entry.time, entry.event, entry.index_date, entry.last_contact, *(entry.event_dates or [])]
    return [each for each in named if each]


def _terms(study: Study) -> list[str]:
    """The adverse events that are columns of the patients' table."""
    asked = study.adverse_events
    return list(asked.terms) if asked and not asked.table else []


def meets(condition: Condition, data: pd.DataFrame) -> pd.Series:
    """Whether each patient meets a condition: True, False, or NA where the variable is missing."""
    values = data[condition.column]
    if condition.op == "missing":
        return values.isna().astype("boolean")
    numeric = pd.api.types.is_numeric_dtype(values)
    given = condition.value if isinstance(condition.value, list) else [condition.value]
    wanted = [float(each) for each in given] if numeric else [plain(each) for each in given]
    plainly = values if numeric else values.astype(object).map(plain, na_action="ignore")
    result = {
        "==": lambda: plainly == wanted[0],
        "!=": lambda: plainly != wanted[0],
        "<": lambda: plainly < wanted[0],
        "<=": lambda: plainly <= wanted[0],
        ">": lambda: plainly > wanted[0],
        ">=": lambda: plainly >= wanted[0],
        "in": lambda: plainly.isin(wanted),
        "not in": lambda: ~plainly.isin(wanted),
    }[condition.op]()
    return result.astype("boolean").mask(values.isna())


def applies(study: Study, variable: str, data: pd.DataFrame) -> pd.Series:
    """Whether each patient can have a value of the variable; True where that is not known."""
    condition = study.applies_when(variable)
    if condition is None:
        return pd.Series(True, index=data.index)
    return meets(condition, data).fillna(True).astype(bool)


def _identifiers(study: Study, table: Table, typed: Typed) -> None:
    column = study.cohort.id
    if column is None or not _present(table, typed, "cohort.id", column, "an identifier a patient"):
        return
    ids = table.cells[column]
    problem = table.problem(column, ids == "", lambda _: f"the identifier is missing{emptied(table, column)}")
    repeated = ids.duplicated(keep=False) & (ids != "")
    if repeated.any():
        first, second = ids.index[ids == ids[repeated].iloc[0]][:2]
        problem = problem or f"{table.name}, column '{column}': rows {first} and {second} have the same identifier"
    typed.findings.append(Finding("cohort.id", column, "one a patient", f"{ids.nunique()} of {len(ids)}", problem))


def emptied(table: Table, column: str) -> str:
    """The end of a sentence on a cell that is empty, where codes of the whole table were found in its column."""
    return "; what stands there may mean empty (entry 'cohort.missing')" if table.emptied.get(column) else ""


def _present(table: Table, typed: Typed, entry: str, column: str, expected: str) -> bool:
    if column in table.cells:
        return True
    near = nearest(column, table.cells.columns) if entry != "cohort.id" else ""
    problem = f"{table.name}: there is no column '{column}' (entry '{entry}'){near}"
    typed.findings.append(Finding(entry, column, expected, "no such column", problem))
    return False


def _numbers(table: Table, typed: Typed, entry: str, column: str) -> pd.Series:
    if not _present(table, typed, entry, column, "numbers"):
        return pd.Series(np.nan, index=table.cells.index)
    values, problem = table.numbers(column)
    known = values.dropna()
    found = f"{known.min():g} to {known.max():g}, {values.isna().sum()} missing" if len(known) else "all missing"
    typed.findings.append(Finding(entry, column, "numbers", found, problem))
    return values


def _grades(study: Study, table: Table, typed: Typed, term: str) -> pd.Series:
    """The worst grade of an adverse event; a grade that no group of the study file holds is a fault."""
    own = table.without(study.adverse_events.missing, [term])
    values = _numbers(own, typed, f"adverse_events.terms.{term}", term)
    grades = study.adverse_events.grades
    allowed = ", ".join(str(grade) for grade in grades)
    bad = values.notna() & ~values.isin(grades)
    problem = table.problem(term, bad, lambda value: f"{value} is no grade of the study file's groups ({allowed})")
    if problem:
        typed.findings.append(Finding(f"adverse_events.terms.{term}", term, f"grades {allowed}", "another", problem))
    return values


def _levels(table: Table, typed: Typed, entry: str, column: str, allowed: list[str]) -> pd.Series:
    if not _present(table, typed, entry, column, ", ".join(allowed)):
        return pd.Series(pd.Categorical([np.nan] * len(table.cells), categories=allowed), index=table.cells.index)
    values, problem = table.levels(column, allowed)
    counts = ", ".join(f"{level} {count}" for level, count in values.value_counts(sort=False).items())
    found = f"{counts}, {values.isna().sum()} missing"
    typed.findings.append(Finding(entry, column, ", ".join(allowed), found, problem))
    return values


def _endpoint_columns(study: Study, table: Table, typed: Typed, name: str, endpoint: Endpoint) -> None:
    entry = f"endpoints.{name}"
    if endpoint.time is not None:
        own = _emptied(table, endpoint, {"time": [endpoint.time], "event": [endpoint.event]})
        typed.raw[name, endpoint.time] = _numbers(own, typed, f"{entry}.time", endpoint.time)
        typed.raw[name, endpoint.event] = _events(own, typed, f"{entry}.event", endpoint)
        return
    dates = {"index_date": [endpoint.index_date], "last_contact": [endpoint.last_contact]}
    dates["event_dates"] = endpoint.event_dates
    own = _emptied(table, endpoint, dates)
    for column in dict.fromkeys([endpoint.index_date, *endpoint.event_dates, endpoint.last_contact]):
        typed.raw[name, column] = _dates(study, own, typed, entry, column)


def _emptied(table: Table, endpoint: Endpoint, columns: dict[str, list[str]]) -> Table:
    """The table without what the endpoint says means `empty` in its columns, by the entry that names them."""
    for entry, named in columns.items():
        table = table.without(endpoint.missing.get(entry, []), named)
    return table


def _dates(study: Study, table: Table, typed: Typed, entry: str, column: str) -> pd.Series:
    if not _present(table, typed, entry, column, "dates"):
        return pd.Series(pd.NaT, index=table.cells.index)
    values, problem = table.dates(column, latest=_latest(study))
    known = values.dropna()
    span = f"{known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}, " if len(known) else ""
    found = f"{span}{len(table.cells) - len(known)} missing"
    typed.findings.append(Finding(entry, column, "dates YYYY-MM-DD", found, problem))
    return values


def _latest(study: Study) -> date:
    """The last day on which something can have been recorded: some years after the cut-off, where there is one."""
    cut_off = study.cohort.data_cut_off
    return LAST_DAY if cut_off is None else min(LAST_DAY, date(cut_off.year + YEARS_RECORDED, 12, 31))


def _interval(study: Study, table: Table, typed: Typed, entry: str, variable: Variable) -> pd.Series:
    """The time between two dates in the variable's unit, empty where one of them is."""
    first, second = (_dates(study, table, typed, entry, column) for column in variable.between)
    return (second - first).dt.days / UNIT_DAYS[variable.unit]


def _events(table: Table, typed: Typed, entry: str, endpoint: Endpoint) -> pd.Series:
    happened, censored = (
        [plain(value) for value in values] for values in (endpoint.event_values, endpoint.censored_values)
    )
    expected = f"event {', '.join(happened)}; censored {', '.join(censored)}"
    if not _present(table, typed, entry, endpoint.event, expected):
        return pd.Series(pd.NA, index=table.cells.index, dtype="boolean")
    text = table.cells[endpoint.event]
    coded = text.map(plain)
    bad = (text != "") & ~coded.isin([*happened, *censored])
    problem = table.problem(
        endpoint.event,
        bad,
        lambda value: (
            f"{value} is neither an event ({', '.join(happened)}) nor censored ({', '.join(censored)}); "
            "the study file's event_values and censored_values say how events are coded"
        ),
    )
    values = coded.isin(happened).astype("boolean").mask((text == "") | bad)
    found = f"{int(values.sum())} events, {int((values == False).sum())} censored, {int((text == '').sum())} missing"  # noqa: E712
    typed.findings.append(Finding(entry, endpoint.event, expected, found, problem))
    return values
