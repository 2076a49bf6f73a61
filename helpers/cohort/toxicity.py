"""Adverse events from a table of their own, several rows a patient, as each patient's worst grade of each event."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.cells import as_keys, normal, plain
from helpers.cohort.checks import Finding, Typed, emptied
from helpers.cohort.table import HIDDEN, Table, table_of
from helpers.errors import CohortError, nearest
from helpers.study import Study, relative

ENTRY = "adverse_events.table"


def at_least(term: str) -> str:
    """The column of the grade a patient's worst one cannot lie below: 1 where an event's own grade is not known."""
    return f"{term}|least"


def worst_grades(study: Study, patients: Table, typed: Typed) -> None:
    """Add each patient's worst grade of every adverse event to the typed data, and what does not fit to its findings.

    A patient without a row of an event has grade 0; one whose grade of it is not known in some row has none, but had
    the event, and the column `at_least` says how bad it was at least.
    """
    asked = study.adverse_events
    if asked is None or asked.table is None:
        return
    for term in asked.terms:
        typed.data[term] = np.nan
    try:
        path = study.events_path
        events = table_of(path, relative(path), missing=_missing(study), id_column=asked.table.id)
    except CohortError as error:
        typed.findings.append(Finding(f"{ENTRY}.source", "", "a table, a row an event", "no such table", str(error)))
        return
    typed.findings.append(Finding(f"{ENTRY}.source", "", "an adverse event a row", events.counted))
    problems = [*_columns(study, events)]
    if not problems:
        term, grade = asked.table.term, asked.table.grade
        coded = {term: as_keys(events.cells[term], asked.terms), grade: normal(events.cells[grade])}
        events = replace(events, cells=events.cells.assign(**coded))
        problems = [*_problems(study, patients, events)]
    for problem in problems:
        typed.findings.append(Finding(ENTRY, "", "a patient, an adverse event and a grade in each row", "", problem))
    if not problems and patients.id_column is not None:
        _enter(study, patients, events, typed)


def _missing(study: Study) -> list[str]:
    """Cells that mean `empty`, less the word for a grade that is not known."""
    return [code for code in map(plain, study.cohort.missing) if code != _unknown(study)]


def _unknown(study: Study) -> str | None:
    """The word for a grade that is not known, as it stands in a cell."""
    word = study.adverse_events.table.unknown
    return None if word is None else plain(word)


def _columns(study: Study, events: Table) -> Iterator[str]:
    asked = study.adverse_events.table
    for entry, column in (("id", asked.id), ("term", asked.term), ("grade", asked.grade)):
        if column not in events.cells:
            near = nearest(column, events.cells.columns) if entry != "id" else ""
            yield f"{events.name}: there is no column '{column}' (entry '{ENTRY}.{entry}'){near}"


def _problems(study: Study, patients: Table, events: Table) -> Iterator[str]:
    """A sentence on the first row of each fault."""
    asked, cells = study.adverse_events, events.cells
    ids, terms, grades = (cells[column] for column in (asked.table.id, asked.table.term, asked.table.grade))
    known = patients.cells[patients.id_column] if patients.id_column else ids
    unnamed = (terms != "") & ~terms.isin(list(asked.terms))
    near = nearest(terms[unnamed].iloc[0], asked.terms) if unnamed.any() else ""
    allowed = ", ".join(map(str, asked.grades))
    word = _unknown(study)
    said = f"write '{word}' where it is not known" if word else f"entry '{ENTRY}.unknown' is the word for not known"
    stray = (grades != "") & (grades != word) & ~grades.isin([str(grade) for grade in asked.grades])
    faults = [
        (asked.table.id, ids == "", lambda _: f"the identifier is missing{emptied(events, asked.table.id)}"),
        (
            asked.table.id,
            (ids != "") & ~ids.isin(known),
            lambda _: f"no patient of {study.cohort.source} has this identifier",
        ),
        (asked.table.term, terms == "", lambda _: "the adverse event is missing"),
        (asked.table.term, unnamed, lambda value: f"{value} is no adverse event of the study file{near}"),
        (asked.table.grade, grades == "", lambda _: f"the grade is missing; {said}"),
        (asked.table.grade, stray, lambda value: f"{value} is no grade of the study file's groups ({allowed})"),
    ]
    for column, bad, saying in faults:
        hidden = {each[:30] for each in known if column == asked.table.term or len(each) > 3}
        problem = events.problem(
            column, bad, lambda value, say=saying, ids=hidden: say(HIDDEN if value.strip("'") in ids else value)
        )
        if problem:
            yield problem


def _enter(study: Study, patients: Table, events: Table, typed: Typed) -> None:
    """Worst grades by patient, and a finding for each adverse event."""
    asked = study.adverse_events
    ids, cells = patients.cells[patients.id_column], events.cells
    rows = pd.DataFrame(
        {
            "patient": cells[asked.table.id],
            "term": cells[asked.table.term],
            "grade": pd.to_numeric(cells[asked.table.grade].where(cells[asked.table.grade] != _unknown(study))),
        }
    )
    for term in asked.terms:
        own = rows[rows["term"] == term]
        worst = own.groupby("patient")["grade"].agg(lambda grades: grades.max(skipna=False))
        least = own.groupby("patient")["grade"].agg(lambda grades: max(grades.max(), float(grades.isna().any())))
        typed.data[term] = ids.map(worst).where(ids.isin(worst.index), 0.0).astype(float)
        typed.data[at_least(term)] = ids.map(least.fillna(1)).fillna(0.0).astype(float)
        missing = int(typed.data[term].isna().sum())
        found = f"{len(own)} rows, {int((typed.data[term] > 0).sum())} patients with it, {missing} missing"
        expected = f"grades {', '.join(map(str, asked.grades))}"
        typed.findings.append(Finding(f"adverse_events.terms.{term}", asked.table.term, expected, found))
