"""Sentences on adverse events."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.schema import ANY_GRADE, OVERALL
from helpers.wording.phrases import arm_levels, arms, quoted


def adverse_events(rows: pd.DataFrame, *, study: Study, most: int = 3) -> Sentences:
    """The commonest adverse events and the commonest severe ones by arm, and what one arm alone had, from ledger rows.

    Severe is the grade group with the highest grade.
    """
    graded = select(rows, variable=list(study.adverse_events.terms))
    population = select(graded, group=list(study.arms.levels))["population"].iloc[0]
    counted = pivot(select(graded, group=study.groups, population=population))
    groups = study.adverse_events.groups
    severe = max(groups, key=lambda name: max(groups[name].grades))
    said = [
        _commonest(study, select(counted, level=ANY_GRADE), "Most common at any grade", most),
        _commonest(study, select(counted, level=severe), f"Most common at {_graded(study, severe)}", most),
    ]
    for arm, other in (arm_levels(study), arm_levels(study)[::-1]):
        found = select(counted, level=ANY_GRADE).set_index(["variable", "group"])[["n", "percent"]]
        terms = study.adverse_events.terms
        alone = [term for term in terms if found["n"][term, arm] > 0 and found["percent"][term, other] == 0]
        names = ", ".join(notation.within(study.label(term)) for term in alone)
        said += [f"Only with {quoted(study.arms.levels[arm])}: {names}."] if alone else []
    return Sentences(tuple(each for each in said if each))


def _commonest(study: Study, counted: pd.DataFrame, start: str, most: int) -> str:
    overall = select(counted, group=OVERALL)
    first = overall[overall["n"] > 0].sort_values("n", ascending=False, kind="stable").head(most)
    texts = []
    for term in first["variable"]:
        by_arm = [select(counted, variable=term, group=arm).iloc[0] for arm in arm_levels(study)]
        shares = " and ".join(notation.share_said(row["n"], row["percent"]) for row in by_arm)
        texts.append(f"{notation.within(study.label(term))} {shares}")
    treated, reference = arms(study)
    return f"{start}, {treated} and {reference}: {'; '.join(texts)}." if texts else ""


def _graded(study: Study, group: str) -> str:
    return notation.within(study.adverse_events.groups[group].label)
