"""Sentences on which ways of analysing keep their error rate in cohorts drawn with a known effect."""

import math
from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.simulated import STORED, TIME_DEPENDENT, label
from helpers.study.variants import split

NULL = "1"
WORDS = {
    "more": "More often, beyond Monte Carlo error",
    "kept": "As often, within Monte Carlo error",
    "fewer": "Less often, beyond Monte Carlo error",
}


def simulation(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Who rejects too often where treatment does nothing, and what is made of an effect, from ledger rows.

    The stored cohorts where there are any, else those drawn with the report.
    """
    frame = pivot(select(rows, analysis="simulation"))
    if frame.empty:
        return Sentences(())
    kept = frame[[split(each)[1] == STORED for each in frame["model"]]]
    frame = kept if len(kept) else frame
    said = []
    for at in dict.fromkeys(frame["at"]):
        own = select(frame, at=at)
        own = own[own["percent_rejected"].notna()]
        if len(own):
            said += _null(own, study) if at == NULL else _effect(own, study)
    return Sentences(tuple(said))


def _null(own: pd.DataFrame, study: Study) -> Iterator[str]:
    nominal = 100 * (1 - study.confidence)
    found: dict[str, list[str]] = {name: [] for name in WORDS}
    for _, row in own.iterrows():
        verdict = "more" if row["percent_rejected_low"] > nominal else "kept"
        verdict = "fewer" if row["percent_rejected_high"] < nominal else verdict
        found[verdict].append(f"{notation.within(label(study, row['model']))} {_share(row)}")
    yield (
        f"In {_cohorts(own)} drawn without an effect of treatment, an interval should leave out 1 in "
        f"{notation.number(nominal, 0)}% of them."
    )
    for verdict, each in found.items():
        if each:
            yield f"{WORDS[verdict]}: {'; '.join(each)}."


def _effect(own: pd.DataFrame, study: Study) -> Iterator[str]:
    """How far every way of analysing is from the effect, and what power treatment as an exposure that begins has."""
    true = own["at"].iloc[0]
    texts = []
    for _, row in own.iterrows():
        mean, tends = (notation.number(math.exp(row[name]), 2) for name in ("log_hr", "log_hr_estimand"))
        beside = "" if math.isnan(row["log_hr_estimand"]) else f" ({tends})"
        texts.append(f"{notation.within(label(study, row['model']))} {mean}{beside}")
    known = own["log_hr_estimand"].notna().any()
    bracket = ", and in brackets what each tends to in very many patients" if known else ""
    yield (
        f"In {_cohorts(own)} with a true hazard ratio of {true}, the mean coefficients as hazard ratios{bracket}: "
        f"{'; '.join(texts)}."
    )
    timed = own[[split(each)[0] == TIME_DEPENDENT for each in own["model"]]]
    for _, row in timed.iterrows():
        yield f"With {notation.within(label(study, row['model']))}, the effect is found in {_share(row)} of them."


def _cohorts(own: pd.DataFrame) -> str:
    return f"{notation.count(own['n_draw'].iloc[0])} cohorts of {notation.count(own['n'].iloc[0])} patients"


def _share(row: pd.Series) -> str:
    return notation.rate(*(row[f"percent_rejected{end}"] for end in ("", "_low", "_high")))
