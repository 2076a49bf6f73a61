"""Adverse events: patients by worst grade, and how far the arms are apart."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cohort.toxicity import at_least
from helpers.describe.comparisons import fisher_exact
from helpers.describe.counts import COUNTED, NOBODY_KNOWN, known, share
from helpers.ledger import CANNOT_HAVE_IT, NOBODY_HAS_IT, STATISTICS_OF, wide
from helpers.study.schema import ANY_EVENT, ANY_GRADE, OVERALL, SEVERE
from helpers.study.timing import AdverseEvents

METHOD = "Newcombe's hybrid score interval; Fisher's exact test"
DIFFERENCE = ["risk_difference", "risk_difference_low", "risk_difference_high", "p_test"]
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
        for term in (*asked.counted, ANY_EVENT)
        for group, rows in groups
        for record in _graded(cohort, term, rows, {"population": population, "group": group})
    ]
    overall = {(population, term) for term in asked.counted}
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

    Levels `any` and `severe` of every event, of unions and of any event at all; of patients of whom it is known. Limits
    by Newcombe's hybrid score method (1998, method 10) at the study's confidence; P by Fisher's exact test. An event
    that nobody has is not tested. One that an arm cannot have is not compared, nor any event where an arm cannot have
    all; `risk` is then the other arm's share with its score limits (Wilson, 1927).
    """
    study = cohort.study
    if study.adverse_events is None:
        return wide([], STATISTICS_OF["risk_difference"])
    groups, arms = cohort.groups(population), study.arms
    records = []
    asked = study.adverse_events
    for term in (*asked.counted, ANY_EVENT):
        able = [_able(asked, term, arm) for arm in (arms.treated, arms.reference)]
        both = [groups[arm] for arm in (arms.treated, arms.reference)]
        for level, lowest in ((ANY_GRADE, 1), (SEVERE, study.adverse_events.severe)):
            found = [reached(cohort, term, rows, lowest) for rows in both]
            key = {"population": population, "analysis": "risk_difference", "variable": term, "level": level}
            counts = [n for n, _ in found], [size for _, size in found]
            compared = _compared(*counts, study.confidence) if all(able) else _alone(*counts, able, study.confidence)
            records.append({**key, "reference": arms.reference, **compared})
    return wide(records, STATISTICS_OF["risk_difference"])


def _able(asked: AdverseEvents, term: str, arm: str) -> bool:
    """Whether an arm can have an event; of all events together, every one of them."""
    return not asked.cannot_have.get(arm) if term == ANY_EVENT else asked.possible(term, arm)


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
    if min(sizes) == 0:
        return {"not_estimable": dict.fromkeys(DIFFERENCE, NO_GRADE)}
    found = [100 * each for each in newcombe(events, sizes, confidence)]
    if not any(events):
        return {
            **dict(zip(DIFFERENCE, found, strict=False)),
            "not_estimable": {"p_test": NOBODY_HAS_IT},
            "method": METHOD,
        }
    table = np.array([[n, size - n] for n, size in zip(events, sizes, strict=True)])
    return {**dict(zip(DIFFERENCE, [*found, fisher_exact(table)], strict=True)), "method": METHOD}


def _alone(events: list[int], sizes: list[int], able: list[bool], confidence: float) -> dict:
    """The share in the arm that can have the event, where the other cannot."""
    found = {"not_estimable": dict.fromkeys(DIFFERENCE, CANNOT_HAVE_IT), "method": "Wilson's score interval"}
    which = able.index(True) if any(able) else None
    if which is None or not sizes[which]:
        return found
    low, high = wilson(events[which], sizes[which], confidence)
    return {**found, "risk": 100 * events[which] / sizes[which], "risk_low": 100 * low, "risk_high": 100 * high}


def wilson(events: int, size: int, confidence: float) -> tuple[float, float]:
    """The score limits of a proportion (Wilson, 1927)."""
    z, p = stats.norm.ppf((1 + confidence) / 2), events / size
    centre, half = 2 * size * p + z**2, z * np.sqrt(z**2 + 4 * size * p * (1 - p))
    return float((centre - half) / (2 * (size + z**2))), float((centre + half) / (2 * (size + z**2)))


def _worst(cohort: Cohort, term: str, rows: pd.DataFrame) -> pd.Series:
    """The patients' worst grades of an event, or of all events; NaN where not known."""
    return rows[_parts(cohort, term)].max(axis=1, skipna=False)


def _parts(cohort: Cohort, term: str) -> list[str]:
    asked = cohort.study.adverse_events
    return list(asked.terms) if term == ANY_EVENT else asked.parts(term)


def reached(cohort: Cohort, term: str, rows: pd.DataFrame, lowest: int) -> tuple[int, int]:
    """Patients whose worst grade is `lowest` or higher, and those of whom that is known, whatever else is not."""
    parts = _parts(cohort, term)
    least = pd.concat([rows[at_least(each)] if at_least(each) in rows else rows[each] for each in parts], axis=1)
    inside = least.max(axis=1) >= lowest
    return int(inside.sum()), int((inside | _worst(cohort, term, rows).notna()).sum())


def _graded(cohort: Cohort, term: str, rows: pd.DataFrame, key: dict) -> Iterator[dict]:
    """One adverse event in one group: known and missing, then every grade group, any grade and the severe ones."""
    asked = cohort.study.adverse_events
    key = {**key, "analysis": "count", "variable": term, "method": "worst grade of each patient"}
    values = _worst(cohort, term, rows)
    yield {**key, **known(values)}
    found = {name: (int(values.isin(each.grades).sum()), values.notna().sum()) for name, each in asked.groups.items()}
    found |= {level: reached(cohort, term, rows, n) for level, n in ((ANY_GRADE, 1), (SEVERE, asked.severe))}
    for level, (n, size) in found.items():
        yield {**key, "level": level, "n": n, **share(n, size, NOBODY_KNOWN)}
