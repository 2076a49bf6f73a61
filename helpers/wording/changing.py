"""Hazard ratios that do not stay the same: what is told before one number that averages over time."""

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd

from helpers import notation
from helpers.ledger import pivot, select
from helpers.names.designs import AT_LANDMARK, test_of, tested
from helpers.study import Study
from helpers.study.variants import CLUSTERED, split

RATIO = ["hr", "hr_low", "hr_high"]


def over_time(rows: pd.DataFrame, study: Study, row: Mapping[str, str]) -> str:
    """The effect by period with the P of the test, to stand before an average; empty where it was not shown to change.

    `row` is the effect's, of any analysis; `rows` are the ledger's.
    """
    key = {"model": test_of(row), "endpoint": row["endpoint"], "population": row["population"]}
    whole = select(rows, analysis="diagnostics", variable=study.arms.column)
    found, own = select(whole, **key), select(whole, **{**key, "model": row["model"]})
    p = select(found, statistic="p_proportional", level="")["value"]
    if p.empty or not p.iloc[0] < 1 - study.confidence:
        return ""
    periods = own if split(row["model"])[1] == CLUSTERED and len(own) else found
    texts = by_period(pivot(select(periods, level=study.arms.treated)), key["model"])
    return f"{', '.join(texts)} (hazards not proportional, {notation.p_equals(p.iloc[0])})" if texts else ""


def by_period(periods: pd.DataFrame, model: str) -> list[str]:
    """The hazard ratio of each period that has one, in order: `0.37 (0.20–0.67) in months 0–12`."""
    if periods.empty:
        return []
    since = " from the landmark" if split(model)[1].startswith(AT_LANDMARK) else ""
    starts = sorted(map(float, periods["at"]))
    ends = {begin: f"months {notation.month(begin)}–{notation.month(end)}" for begin, end in pairwise(starts)}
    ends[starts[-1]] = f"months {notation.month(starts[-1])} on"
    shown = periods[periods["hr"].notna() | (periods["n_event"] > 0)]
    if shown["hr"].isna().all():
        return []
    texts = [notation.hazard_ratio(*row[RATIO]) for _, row in shown.iterrows()]
    named = [ends[float(at)] for at in shown["at"]]
    return [
        f"{'not estimable' if text == notation.NOT_ESTIMABLE else text} in {when}{since if position == 0 else ''}"
        for position, (text, when) in enumerate(zip(texts, named, strict=True))
    ]


def failing(rows: pd.DataFrame, study: Study) -> list[str]:
    """Every ratio for treatment whose hazards are not proportional: which, its effect by period, the P of the test."""
    found = select(rows, analysis="diagnostics", variable=study.arms.column)
    tests = pivot(select(found, statistic="p_proportional", level=""))
    periods, said = pivot(select(found, level=study.arms.treated)), []
    for _, row in tests[tests["p_proportional"] < 1 - study.confidence].iterrows() if len(tests) else ():
        key = row[["model", "endpoint", "population"]]
        name = notation.within(tested(study, *key)) + study.of_population(row["population"])
        own = select(periods, **key) if len(periods) else periods
        texts = [*by_period(own, row["model"]), notation.p_equals(row["p_proportional"])]
        said.append(f"{study.endpoints[row['endpoint']].label}, {name}: {', '.join(texts)}")
    return said
