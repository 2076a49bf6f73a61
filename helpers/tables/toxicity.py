"""Adverse events by worst grade."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.tables.layout import finished, reasons


def adverse_events(frame: pd.DataFrame, *, study: Study) -> list[Table]:
    """Every adverse event by arm, then one table for each variable the study file wants some of them by."""
    asked = study.adverse_events
    arms = select(frame, group=study.groups)
    where = study.of_population(arms["population"].iloc[0])
    tables = [_table(study, "adverse_events", f"Adverse events{where}", arms, list(asked.terms))]
    for position, by in enumerate(asked.by, start=1):
        groups = [f"{by.variable}={level}" for level in study.level_labels(by.variable)]
        label = notation.within(study.variables[by.variable].label)
        title = f"Adverse events by {label}{study.of_population(by.population)}"
        tables.append(_table(study, f"adverse_events_by_{position}", title, select(frame, group=groups), by.terms))
    return tables


def _table(study: Study, name: str, title: str, frame: pd.DataFrame, terms: list[str]) -> Table:
    groups = list(dict.fromkeys(frame["group"]))
    first = select(frame, variable=terms[0], level="")
    sizes = [int(row["n"] + row["n_missing"]) for _, row in first.iterrows()]
    heads = [f"{study.group_label(group)} (n\u00a0=\u00a0{n})" for group, n in zip(groups, sizes, strict=True)]
    rows: list[Row] = []
    for term in terms:
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
    return finished(Table(name, title, header, tuple(rows), (note, *reasons(frame))), study)
