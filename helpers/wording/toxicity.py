"""Sentences on adverse events."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.schema import ANY_EVENT, ANY_GRADE, OVERALL, SEVERE
from helpers.wording.phrases import arm_levels, arms, direction, quoted, treated_arm


def adverse_events(rows: pd.DataFrame, *, study: Study, most: int = 3) -> Sentences:
    """The commonest adverse events and the commonest severe ones by arm, what one arm alone had, and which differ.

    An event differs where the interval of its difference leaves out zero. From ledger rows.
    """
    graded = select(rows, variable=list(study.adverse_events.terms), analysis="count")
    population = select(graded, group=list(study.arms.levels))["population"].iloc[0]
    counted = pivot(select(graded, group=study.groups, population=population))
    said = [
        _commonest(study, select(counted, level=ANY_GRADE), "Most common at any grade", most),
        _commonest(study, select(counted, level=SEVERE), f"Most common at {_severe(study)}", most),
    ]
    for arm, other in (arm_levels(study), arm_levels(study)[::-1]):
        found = select(counted, level=ANY_GRADE).set_index(["variable", "group"])[["n", "percent"]]
        terms = study.adverse_events.terms
        alone = [term for term in terms if found["n"][term, arm] > 0 and found["percent"][term, other] == 0]
        able = [term for term in alone if study.adverse_events.possible(term, other)]
        able.sort(key=lambda term, arm=arm: -found["n"][term, arm])
        names = "; ".join(notation.within(study.label(term)) for term in able[:most])
        more = f"; and {notation.counted(len(able) - most, 'other')}" if len(able) > most else ""
        said += [f"Only with {quoted(study.arms.levels[arm])}: {names}{more}."] if able else []
    compared = [*study.adverse_events.counted, ANY_EVENT]
    own = select(rows, analysis="risk_difference", population=population, variable=compared)
    said += [differences(study, own), *_impossible(study, own), *_trends(study, rows)]
    return Sentences(tuple(each for each in said if each))


def _commonest(study: Study, counted: pd.DataFrame, start: str, most: int) -> str:
    overall = select(counted, group=OVERALL)
    first = overall[overall["n"] > 0].sort_values("n", ascending=False, kind="stable").head(most)
    texts = []
    for term in first["variable"]:
        by_arm = [select(counted, variable=term, group=arm).iloc[0] for arm in arm_levels(study)]
        shares = " and ".join(notation.share_said(row["n"], row["percent"]) for row in by_arm)
        texts.append(f"{notation.within(study.label(term))} {shares}")
    one, other = arms(study)
    return f"{start}, {one} and {other}: {'; '.join(texts)}." if texts else ""


def differences(study: Study, rows: pd.DataFrame) -> str:
    """How many differences were looked at, and those whose interval leaves out zero, the largest first."""
    if rows.empty:
        return ""
    found = pivot(rows)
    found = found[found["p_test"].notna()]
    if found.empty:
        return f"The arms cannot be compared: {rows['method'].iloc[0]}."
    apart = [direction(*limits, 0) for limits in found[["risk_difference_low", "risk_difference_high"]].to_numpy()]
    clear = found[[each != "unclear" for each in apart]]
    clear = clear.iloc[(-clear["risk_difference"].abs()).argsort(kind="stable")]
    treated, reference = treated_arm(study), quoted(study.arms.levels[study.arms.reference])
    start = f"Of {len(found)} differences between the arms, at any grade and at {_severe(study)}, not corrected for"
    counted = {0: "none has", 1: "one has"}.get(len(clear), f"{len(clear)} have")
    start = f"{start} their number, {counted} a {study.level} interval without zero"
    texts = [f"{_event(study, row)} {_points(row)}" for _, row in clear.iterrows()]
    return f"{start}; {treated} minus {reference} in percentage points: {'; '.join(texts)}." if texts else f"{start}."


def _impossible(study: Study, rows: pd.DataFrame) -> list[str]:
    """Events that one arm cannot have: their share in the other, not compared."""
    if rows.empty:
        return []
    found, asked = pivot(rows), study.adverse_events
    found = found[found["risk"].notna()] if "risk" in found else found[:0]
    texts = [
        f"{_event(study, row)} {notation.rate(*row[['risk', 'risk_low', 'risk_high']])}" for _, row in found.iterrows()
    ]
    able = [arm for arm in study.arms.levels if any(not asked.possible(term, arm) for term in asked.counted)]
    others = " and ".join(quoted(study.arms.levels[arm]) for arm in study.arms.levels if arm not in able)
    return (
        [f"Possible with {others} alone, and so not compared ({study.level} CI): {'; '.join(texts)}."] if texts else []
    )


def _trends(study: Study, rows: pd.DataFrame) -> list[str]:
    """What the exact tests for trend across ordered levels show."""
    found = pivot(select(rows, analysis="trend", model="cochran_armitage"))
    found = found[found["p_test"].notna()] if len(found) else found
    if found.empty:
        return []
    below = found[found["p_test"] < 1 - study.confidence]
    texts = [f"{_event(study, row)} ({notation.p_equals(row['p_test'])})" for _, row in below.iterrows()]
    over = notation.within(study.variables[found["group"].iloc[0]].label)
    shown = f"a trend is shown in {'; '.join(texts)}" if texts else "no trend is shown"
    tests = notation.counted(len(found), "exact test")
    return [f"Across ordered levels of {over}, {tests} for trend, not corrected for their number: {shown}."]


def _event(study: Study, row: pd.Series) -> str:
    name = notation.within(study.label(row["variable"])) + _in_part(study, row["variable"])
    return name if row["level"] == ANY_GRADE else f"{name} at {_severe(study)}"


def _in_part(study: Study, term: str) -> str:
    """What of a union an arm can have, where that is not all of it."""
    asked, texts = study.adverse_events, []
    for arm, label in study.arms.levels.items() if term in asked.unions else ():
        can = [each for each in asked.parts(term) if asked.possible(each, arm)]
        if 0 < len(can) < len(asked.parts(term)):
            named = " and ".join(notation.within(study.label(each)) for each in can)
            texts.append(f"{quoted(label)} can have {named} alone")
    return f" ({'; '.join(texts)})" if texts else ""


def _points(row: pd.Series) -> str:
    return notation.difference(*row[["risk_difference", "risk_difference_low", "risk_difference_high"]])


def _severe(study: Study) -> str:
    return notation.within(study.adverse_events.severe_label)
