"""Adverse events: patients by worst grade, and how far the arms are apart."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cohort.toxicity import at_least
from helpers.describe.comparisons import fisher_exact
from helpers.describe.counts import COUNTED, NOBODY_KNOWN, known, share
from helpers.ledger import STATISTICS_OF, wide
from helpers.study.schema import ANY_EVENT, ANY_GRADE, OVERALL, SEVERE

METHOD = "Newcombe's hybrid score interval; Fisher's exact test"
NO_GRADE = "no patient with a known grade in one arm"


def adverse_events(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients by worst grade of each adverse event: every grade group, `any` above zero, `severe` as the study says.

    Per cent of the patients whose grade is known, overall and by arm, of `any` and `severe` also of those whose worst
    grade is not known but who are known to have reached it; variable `any event`, a name no event can have, is the
    worst grade of all events, known where every one is. Then the events the study file wants by another
    variable, in the population it names, overall and in groups keyed `variable=level`.
    """
    asked = cohort.study.adverse_events
    if asked is None:
        return wide([], COUNTED)
    groups = cohort.groups(population).items()
    records = [
        record
        for term in (*asked.terms, ANY_EVENT)
        for group, rows in groups
        for record in _graded(cohort, term, rows, {"population": population, "group": group})
    ]
    overall = {(population, term) for term in asked.terms}
    for by in asked.by:
        levels = cohort.groups_by(by.variable, by.population)
        for term in by.terms:
            whole = {} if (by.population, term) in overall else {OVERALL: cohort.rows(by.population)}
            overall.add((by.population, term))
            for group, rows in {**whole, **levels}.items():
                records += _graded(cohort, term, rows, {"population": by.population, "group": group})
    return wide(records, COUNTED)


def risk_differences(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The share of patients with each adverse event, treated minus reference, in percentage points.

    Levels `any` and `severe` of every event and of any event at all; of patients of whom it is known. Limits by
    Newcombe's hybrid score method (1998, method 10) at the study's confidence; P by Fisher's exact test.
    """
    study = cohort.study
    if study.adverse_events is None:
        return wide([], STATISTICS_OF["risk_difference"])
    groups, arms = cohort.groups(population), study.arms
    records = []
    for term in (*study.adverse_events.terms, ANY_EVENT):
        both = [groups[arm] for arm in (arms.treated, arms.reference)]
        for level, lowest in ((ANY_GRADE, 1), (SEVERE, study.adverse_events.severe)):
            found = [_reached(cohort, term, rows, lowest) for rows in both]
            key = {"population": population, "analysis": "risk_difference", "variable": term, "level": level}
            compared = _compared([n for n, _ in found], [size for _, size in found], study.confidence)
            records.append({**key, "reference": arms.reference, **compared})
    return wide(records, STATISTICS_OF["risk_difference"])


def newcombe(events: list[int], sizes: list[int], confidence: float) -> tuple[float, float, float]:
    """Difference of two independent proportions, first minus second, and its limits (Newcombe, 1998, method 10).

    Each limit joins the distances of both proportions to their score limits (Wilson, 1927).
    """
    p, n = np.array(events) / np.array(sizes), np.array(sizes)
    z = stats.norm.ppf((1 + confidence) / 2)
    centre, half = 2 * n * p + z**2, z * np.sqrt(z**2 + 4 * n * p * (1 - p))
    low, high = ((centre + side * half) / (2 * (n + z**2)) for side in (-1, 1))
    difference = p[0] - p[1]
    below = np.hypot(p[0] - low[0], high[1] - p[1])
    above = np.hypot(high[0] - p[0], p[1] - low[1])
    return float(difference), float(difference - below), float(difference + above)


def _compared(events: list[int], sizes: list[int], confidence: float) -> dict:
    names = STATISTICS_OF["risk_difference"]
    if min(sizes) == 0:
        return {"not_estimable": dict.fromkeys(names, NO_GRADE)}
    found = [100 * each for each in newcombe(events, sizes, confidence)]
    table = np.array([[n, size - n] for n, size in zip(events, sizes, strict=True)])
    return {**dict(zip(names, [*found, fisher_exact(table)], strict=True)), "method": METHOD}


def _worst(cohort: Cohort, term: str, rows: pd.DataFrame) -> pd.Series:
    """The patients' worst grades of an event, or of all events; NaN where not known."""
    terms = list(cohort.study.adverse_events.terms)
    return rows[terms].max(axis=1, skipna=False) if term == ANY_EVENT else rows[term]


def _reached(cohort: Cohort, term: str, rows: pd.DataFrame, lowest: int) -> tuple[int, int]:
    """Patients whose worst grade is `lowest` or higher, and those of whom that is known, whatever else is not."""
    terms = list(cohort.study.adverse_events.terms) if term == ANY_EVENT else [term]
    least = pd.concat([rows[at_least(each)] if at_least(each) in rows else rows[each] for each in terms], axis=1)
    inside = least.max(axis=1) >= lowest
    return int(inside.sum()), int((inside | _worst(cohort, term, rows).notna()).sum())


def _graded(cohort: Cohort, term: str, rows: pd.DataFrame, key: dict) -> Iterator[dict]:
    """One adverse event in one group: known and missing, then every grade group, any grade and the severe ones."""
    asked = cohort.study.adverse_events
    key = {**key, "analysis": "count", "variable": term, "method": "worst grade of each patient"}
    values = _worst(cohort, term, rows)
    yield {**key, **known(values)}
    found = {name: (int(values.isin(each.grades).sum()), values.notna().sum()) for name, each in asked.groups.items()}
    found |= {level: _reached(cohort, term, rows, n) for level, n in ((ANY_GRADE, 1), (SEVERE, asked.severe))}
    for level, (n, size) in found.items():
        yield {**key, "level": level, "n": n, **share(n, size, NOBODY_KNOWN)}
