"""Adverse events by worst grade."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import OVERALL
from helpers.tables.layout import finished, reasons


def adverse_events(frame: pd.DataFrame, *, study: Study) -> list[Table]:
    """Every adverse event by arm, then one table for each variable the study file wants some of them by."""
    asked, arms = study.adverse_events, select(frame, group=study.groups)
    population = arms["population"].iloc[0]
    arms = select(arms, population=population)
    tables = [_table(study, "adverse_events", f"Adverse events{study.of_population(population)}", arms)]
    for position, by in enumerate(asked.by, start=1):
        groups = [f"{by.variable}={level}" for level in study.level_labels(by.variable)]
        label = notation.within(study.variables[by.variable].label)
        title = f"Adverse events by {label}{study.of_population(by.population)}"
        inside = select(frame, population=by.population, variable=by.terms)
        lost = _sizes(select(inside, group=OVERALL))[0] - sum(_sizes(select(inside, group=groups)))
        notes = (f"Patients in no column, their {label} not known: {lost}.",) if lost else ()
        tables.append(_table(study, f"adverse_events_by_{position}", title, select(inside, group=groups), notes))
    return tables


def _sizes(frame: pd.DataFrame) -> list[int]:
    """Patients of each group, known grade or not."""
    first = select(frame, variable=frame["variable"].iloc[0], level="")
    return [int(row["n"] + row["n_missing"]) for _, row in first.iterrows()]


def _table(study: Study, name: str, title: str, frame: pd.DataFrame, notes: tuple[str, ...] = ()) -> Table:
    groups = list(dict.fromkeys(frame["group"]))
    sizes = zip(groups, _sizes(frame), strict=True)
    heads = [f"{study.group_label(group)} (n\u00a0=\u00a0{n})" for group, n in sizes]
    rows: list[Row] = []
    for term in dict.fromkeys(frame["variable"]):
        rows.append(Row((study.label(term), *[""] * len(groups))))
        events = select(frame, variable=term)
        for level, label in study.level_labels(term).items():
            cells = (notation.share(row["n"], row["percent"]) for _, row in select(events, level=level).iterrows())
            rows.append(Row((label, *cells), indent=True))
        missing = select(events, level="")
        if missing["n_missing"].any():
            cells = (notation.share(row["n_missing"], row["percent_missing"]) for _, row in missing.iterrows())
            rows.append(Row(("Missing", *cells), indent=True))
    grading = study.adverse_events.grading
    note = f"Patients by their worst grade, n (% of patients with a known grade); {grading}."
    header = ("Adverse event", *heads)
    return finished(Table(name, title, header, tuple(rows), (note, *notes, *reasons(frame))), study)
