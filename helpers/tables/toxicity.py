"""Adverse events by worst grade."""

from dataclasses import replace

import pandas as pd

from helpers import notation
from helpers.exhibits import Block, Filters, Row, Table
from helpers.ledger import CANNOT_HAVE_IT, NOBODY_HAS_IT, select
from helpers.study import Study
from helpers.study.schema import ANY_EVENT, ANY_GRADE, OVERALL, SEVERE
from helpers.study.timing import EventsBy
from helpers.tables.layout import INDEPENDENT, finished, heading, reasons


def adverse_events(
    frame: pd.DataFrame, *, differences: pd.DataFrame, trends: pd.DataFrame, study: Study
) -> list[Table]:
    """Every adverse event by arm with the differences between them, which the report can filter.

    Then one table for each variable the study file wants some of them by, with the test for trend where it is ordered.
    """
    asked = study.adverse_events.by
    by = [_by(study, frame, trends, each, position) for position, each in enumerate(asked, start=1)]
    return [_by_arm(study, frame, differences), *by]


def _by_arm(study: Study, frame: pd.DataFrame, differences: pd.DataFrame) -> Table:
    population = differences["population"].iloc[0]
    frame = select(frame, group=study.groups, population=population)
    table = _table(study, "adverse_events", f"Adverse events{study.of_population(population)}", frame, differences)
    treated, reference = (study.arms.levels[arm] for arm in (study.arms.treated, study.arms.reference))
    notes = [
        f"Difference, {treated} minus {reference} in percentage points, with Newcombe's interval; P by Fisher's exact "
        f"test, {notation.counted(differences['p_test'].notna().sum(), 'test')}, not corrected for their number. None "
        "where nobody has it; where one arm cannot have it, the other's share with Wilson's interval (§).",
        "The interval and the exact test rest on different approximations and can part near the level of the test.",
        f"{study.label(ANY_EVENT)}: the worst grade of all of them, in patients whose grade of each is known; at any "
        f"grade and at {notation.within(study.adverse_events.severe_label)} also in whom a known grade settles it.",
    ]
    told = differences["not_estimable"].map(lambda why: not {NOBODY_HAS_IT, CANNOT_HAVE_IT} & set(why.values()))
    notes += [*[INDEPENDENT] * study.is_matched(population), *reasons(frame, differences[told.astype(bool)])]
    blocks = tuple(_block(study, select(frame, variable=term), term) for term in dict.fromkeys(frame["variable"]))
    filters = Filters("adverse events", study.adverse_events.severe_label, blocks)
    return finished(replace(table, filters=filters, notes=(*table.notes, *notes)), study)


def _difference(beside: pd.DataFrame, level: str) -> tuple[str, str]:
    """A difference with its interval and its P value; empty where a level has none."""
    if level not in beside.index:
        return "", ""
    found = beside.loc[level]
    if found["risk"] == found["risk"]:
        return f"§ {notation.estimate(*found[['risk', 'risk_low', 'risk_high']], 1)}", notation.DASH
    if NOBODY_HAS_IT in found["not_estimable"].values():
        return notation.DASH, notation.DASH
    names = ["risk_difference", "risk_difference_low", "risk_difference_high"]
    return notation.difference(*found[names]), notation.p_value(found["p_test"])


def _block(study: Study, events: pd.DataFrame, term: str) -> Block:
    """The rows of an event; any event at all stays when others are filtered out."""
    rows = len(_event(study, events, term))
    if term == ANY_EVENT:
        return Block(rows)
    kinds = study.adverse_events.kinds.values()
    kind = next((each.label for each in kinds if term in each.terms), "")
    arms = select(events, group=list(study.arms.levels))
    any_grade, severe = (select(arms, level=level)["percent"].fillna(0).max() for level in (ANY_GRADE, SEVERE))
    return Block(rows, kind, float(any_grade), float(severe))


def _by(study: Study, frame: pd.DataFrame, trends: pd.DataFrame, by: EventsBy, position: int) -> Table:
    """Some events in the levels of another variable; the notes say whom the per cents are of."""
    groups = [f"{by.variable}={level}" for level in study.level_labels(by.variable)]
    label = notation.within(study.variables[by.variable].label)
    inside = select(frame, population=by.population, variable=by.terms)
    whole, levels = _sizes(select(inside, group=OVERALL))[0], select(inside, group=groups)
    known = sum(_sizes(levels))
    title = f"Adverse events by {label}{study.of_population(by.population)}"
    table = _table(study, f"adverse_events_by_{position}", title, levels)
    lost = f"; in no column, their {label} not known: {whole - known}" if known < whole else ", all in a column"
    own = select(trends, population=by.population, group=by.variable)
    compared = "compared by the test for trend alone" if len(own) else "described, not compared"
    note = f"{study.all_populations[by.population].label}: {whole}{lost}. The columns are {compared}."
    return finished(replace(table, notes=(*table.notes, note, *_trends(study, own, by), *reasons(levels))), study)


def _trends(study: Study, trends: pd.DataFrame, by: EventsBy) -> list[str]:
    """The P of the test for trend of every event and grade."""
    if trends.empty:
        return []
    labels, order = study.level_labels(by.variable), study.variables[by.variable].order
    texts = [
        f"{notation.within(study.label(row['variable']))}, {notation.within(_grade(study, row['level']))} "
        f"{notation.p_equals(row['p_test']) if row['p_test'] == row['p_test'] else notation.NOT_ESTIMABLE}"
        for _, row in trends.iterrows()
    ]
    steps = " < ".join(labels[each] for each in order)
    return [f"Trend over {steps} by the exact Cochran-Armitage test: {'; '.join(texts)}."]


def _grade(study: Study, level: str) -> str:
    return study.level_labels(next(iter(study.adverse_events.terms)))[level]


def _sizes(frame: pd.DataFrame) -> list[int]:
    """Patients of each group, known grade or not."""
    first = select(frame, variable=frame["variable"].iloc[0], level="")
    return [int(row["n"] + row["n_missing"]) for _, row in first.iterrows()]


def _table(study: Study, name: str, title: str, frame: pd.DataFrame, differences: pd.DataFrame | None = None) -> Table:
    groups = list(dict.fromkeys(frame["group"]))
    sizes = zip(groups, _sizes(frame), strict=True)
    heads = [f"{study.group_label(group)} (n\u00a0=\u00a0{n})" for group, n in sizes]
    heads += [] if differences is None else [f"Difference ({study.level}\u00a0CI)", "P"]
    rows: list[Row] = []
    for term in dict.fromkeys(frame["variable"]):
        beside = None if differences is None else select(differences, variable=term).set_index("level")
        rows += _event(study, select(frame, variable=term), term, beside)
    grading = study.adverse_events.grading
    note = f"Patients by their worst grade, n (% of the column's patients whose grade is known); {grading}."
    return Table(name, title, ("Adverse event", *heads), tuple(rows), (note,))


def _event(study: Study, events: pd.DataFrame, term: str, beside: pd.DataFrame | None = None) -> list[Row]:
    """An event and a row for each of its grades, differences `beside` them by level.

    The severe grades have a row of their own where no group holds just them.
    """
    blank = [""] * (0 if beside is None else 2)
    as_group = study.adverse_events.severe_group
    rows = [heading(study.label(term), 1 + events["group"].nunique() + len(blank))]
    for level, label in study.level_labels(term).items():
        if level == SEVERE and as_group:
            continue
        cells = [notation.share(row["n"], row["percent"]) for _, row in select(events, level=level).iterrows()]
        compared = SEVERE if level == as_group else level
        cells += [] if beside is None else _difference(beside, compared)
        rows.append(Row((label, *cells), indent=True))
    missing = select(events, level="")
    if missing["n_missing"].any():
        cells = [notation.share(row["n_missing"], row["percent_missing"]) for _, row in missing.iterrows()]
        rows.append(Row(("Missing", *cells, *blank), indent=True))
    return rows
