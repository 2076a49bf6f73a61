"""Sentences on what was not seen: loss to follow-up by arm, and events whose time is not known."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.wording.phrases import arms_in_order, quoted

RATIO = ["hr", "hr_low", "hr_high"]


def lost(rows: pd.DataFrame, *, study: Study, population: str = "primary") -> Sentences:
    """Loss to follow-up of every endpoint by arm, then events of unknown time, from ledger rows."""
    own = select(rows, analysis="loss", population=population)
    told = (_lost, _ended)
    parts = [(each, select(own, endpoint=endpoint), endpoint) for endpoint in study.endpoints for each in told]
    said = [sentence for tell, part, endpoint in parts for sentence in tell(part, study, endpoint)]
    return Sentences((*said, *unseen(own, study, population=population)))


def unseen(rows: pd.DataFrame, study: Study, *, population: str = "primary") -> list[str]:
    """Events whose time is not known: whose they are, and how far the ratio could be from what is printed."""
    own = select(rows, analysis="loss", population=population)
    found = (_untimed(select(own, endpoint=endpoint), study, endpoint) for endpoint in study.endpoints)
    return [each for each in found if each]


def unequal(rows: pd.DataFrame, study: Study, population: str) -> list[str]:
    """The endpoints of which one arm lost more patients than the other, by the reverse log-rank test."""
    said = []
    for endpoint in study.endpoints:
        own = select(rows, analysis="loss", population=population, endpoint=endpoint)
        test = pivot(select(own, model="reverse"))
        if len(test) and test["p_log_rank"].iloc[0] < 1 - study.confidence:
            tested = f"{notation.p_equals(test['p_log_rank'].iloc[0])}, {study.ratio_label} of being censored"
            ratio = notation.hazard_ratio(*test.iloc[0][RATIO])
            said.append(
                f"{study.endpoints[endpoint].label}: the arms were not lost alike (reverse log-rank {tested} {ratio}"
                f"{_complete(own, study)})."
            )
    return said


def _complete(rows: pd.DataFrame, study: Study) -> str:
    """Clark's completeness of follow-up to the last month of the study's, by arm."""
    followed = pivot(select(rows, model="followed"))
    if followed.empty:
        return ""
    by_arm = select(followed, at=followed["at"].iloc[-1]).set_index("group")
    texts = [
        f"{notation.number(by_arm['percent_complete'][arm], 0)}% with {quoted(name)}"
        for arm, name in arms_in_order(study)
    ]
    return f"; follow-up to month {by_arm['at'].iloc[0]} complete in {' and '.join(texts)}"


def _lost(rows: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    label, followed = study.endpoints[endpoint].label, pivot(select(rows, model="followed"))
    texts = []
    for at in dict.fromkeys(followed["at"]) if len(followed) else ():
        by_arm = select(followed, at=at).set_index("group")
        shares = " and ".join(
            f"{notation.number(by_arm['percent_followed'][arm], 0)}%" for arm, _ in arms_in_order(study)
        )
        clark = " and ".join(notation.number(by_arm["percent_complete"][arm], 0) for arm, _ in arms_in_order(study))
        texts.append(f"to month {at} {shares} (completeness {clark}%)")
    if not texts:
        return
    named = " and ".join(quoted(name) for _, name in arms_in_order(study))
    test = pivot(select(rows, model="reverse")).iloc[0]
    ratio = notation.hazard_ratio(*test[RATIO])
    tested = f"being censored, reverse log-rank {notation.p_equals(test['p_log_rank'])}, hazard ratio {ratio}"
    alike = "" if not test["p_log_rank"] < 1 - study.confidence else "; the arms were not lost alike"
    dated = study.endpoints[endpoint].index_date is not None
    apart = "" if dated else "; without dates loss and the end of the study cannot be told apart"
    yield f"{label}, followed with {named}: {', '.join(texts)}; {tested}{alike}{apart}."


def _ended(rows: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    """What ends the follow-up of an endpoint that is no censoring in truth."""
    for _, row in select(rows, model="ended", statistic="n_censored").iterrows():
        entry, other = study.endpoints[endpoint], study.endpoints[row["level"]]
        n = notation.counted(row["value"], "patient")
        yield (
            f"In {n} the follow-up of {notation.within(entry.label)} ends with {other.event_label}, taken as a "
            "censoring: median follow-up is shorter for it, and one minus the curve overstates how many have "
            f"{entry.event_label}."
        )


def _untimed(rows: pd.DataFrame, study: Study, endpoint: str) -> str:
    counts = select(rows, model="untimed", statistic="n_event").set_index("group")["value"]
    if counts.empty:
        return ""
    by_arm = ", ".join(f"{int(counts[arm])} {quoted(name)}" for arm, name in arms_in_order(study))
    bounds = [pivot(select(rows, model=model)).iloc[0] for model in ("early", "late")]
    early, late = (notation.hazard_ratio(*each[RATIO]) for each in bounds)
    entry, n = study.endpoints[endpoint], int(counts["overall"])
    end = "to the data cut-off" if entry.index_date is not None else "as long as anybody was followed"
    return (
        f"{entry.label}: {notation.counted(n, 'patient')} had the event at a time not known ({by_arm}) and "
        f"{'is' if n == 1 else 'are'} in no curve, test or model. Unadjusted, the hazard ratio would be {early} had "
        f"they had it when last known to be free of it, and {late} had they lived without it {end}."
    )
