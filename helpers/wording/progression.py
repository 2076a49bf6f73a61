"""Sentences on response, the first site of progression and competing events."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.causes import SITES, cause_labels, sites
from helpers.study import Study
from helpers.study.schema import UNRECORDED
from helpers.study.variants import split
from helpers.wording.phrases import VERDICTS, arm_levels, arms, direction

RATE = ["incidence", "incidence_low", "incidence_high"]


def progression(rows: pd.DataFrame, *, study: Study, population: str = "primary") -> Sentences:
    """Response, first sites and competing events of a population by arm, from ledger rows.

    A difference is claimed only where its test is significant at the study's level.
    """
    asked, own = study.progression, select(rows, population=population)
    if asked is None:
        return Sentences(())
    said = [*_response(own, study), *_sites(own, study), *_competing(own, study)]
    return Sentences(tuple(said))


def _response(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    name = study.progression.response
    if not name:
        return
    counted = pivot(select(rows, analysis="count", variable=name, model=""))
    if counted.empty:
        return
    labels = study.level_labels(name)
    texts = [f"{labels[level]} {_pair(counted, study, level)}" for level in labels]
    treated, reference = arms(study)
    verdict = _verdict(rows, study, "comparison", "p_test", variable=name, model="")
    yield f"{study.variables[name].label}, {treated} and {reference}: {'; '.join(texts)}{verdict}."


def _sites(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    name = study.progression.first_site
    counted = pivot(select(rows, analysis="count", variable=name)) if name else pd.DataFrame()
    if counted.empty:
        return
    (treated, reference), labels = arms(study), study.level_labels(name)
    whole, sited = select(counted, model="", level=""), select(counted, model=SITES)
    known = {arm: int(select(sited, group=arm, level="")["n"].iloc[0]) for arm in arm_levels(study)}
    sizes = {arm: _size(whole, arm) for arm in arm_levels(study)}
    recorded = " and ".join(f"{known[arm]} of {sizes[arm]}" for arm in arm_levels(study))
    texts = [f"{notation.within(labels[site])} {_pair(sited, study, site)}" for site in sites(study)]
    verdict = _verdict(rows, study, "comparison", "p_test", variable=name, model=SITES)
    label = study.variables[name].label
    yield f"{label}, recorded in {recorded} patients with {treated} and {reference}: {'; '.join(texts)}{verdict}."
    apart = [f"{notation.within(labels[each])} {_pair(counted, study, each)}" for each in study.progression.no_site]
    missing = [select(whole, group=arm)["n_missing"].iloc[0] for arm in arm_levels(study)]
    apart += [f"not recorded at all {int(missing[0])} and {int(missing[1])}"] if any(missing) else []
    if apart:
        yield f"Without a site, each counted apart, {treated} and {reference}: {'; '.join(apart)}."


def _competing(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    asked = study.progression.competing
    wide = pivot(select(rows, analysis="competing_risks", variable=asked.variable)) if asked else pd.DataFrame()
    if wide.empty:
        return
    labels = cause_labels(study)
    yield _incidence(rows, study, wide)
    yield from cause_specific(rows, study)
    others = select(
        wide, level=[name for name in labels if name != asked.interest], group=list(study.arms.levels), at=""
    )
    total = others.groupby("level", sort=False)["n_event"].sum()
    named = total[[name for name in total.index if name != UNRECORDED]]
    if total.sum() == 0:
        yield "No competing event was recorded, so one minus the Kaplan-Meier estimate would be the same."
        return
    if named.sum() > 0:
        first = named.idxmax()
        n = [int(select(others, level=first, group=arm)["n_event"].iloc[0]) for arm in arm_levels(study)]
        (treated, reference), label = arms(study), notation.within(labels[first])
        verdict = _verdict(rows, study, "competing_risks", "p_gray", level=first)
        yield f"The commonest competing event was {label}: {n[0]} with {treated} and {n[1]} with {reference}{verdict}."
    yield (
        "One minus the Kaplan-Meier estimate would overstate these incidences: it takes competing events for "
        "censorings, as if the patients could still have the event."
    )


def _incidence(rows: pd.DataFrame, study: Study, wide: pd.DataFrame) -> str:
    """The cause of interest at the last month at which both arms have an estimate."""
    asked = study.progression.competing
    own = select(wide, level=asked.interest, group=list(study.arms.levels))
    known = own[own["incidence"].notna()]
    both = [at for at in dict.fromkeys(known["at"]) if len(select(known, at=at)) == len(study.arms.levels)]
    label = asked.causes[asked.interest].label
    if not both:
        reasons = sorted({reason for each in own["not_estimable"] for reason in each.values()})
        return f"{label}: the cumulative incidence cannot be estimated in both arms ({'; '.join(reasons)})."
    last = max(both, key=float)
    texts = [
        f"{notation.rate(*select(known, group=arm, at=last)[RATE].iloc[0])} with {name}"
        for arm, name in zip(arm_levels(study), arms(study), strict=True)
    ]
    verdict = _verdict(rows, study, "competing_risks", "p_gray", level=asked.interest)
    return (
        f"{label}, cumulative incidence at {notation.months(last)} ({study.level} CI): {' and '.join(texts)}{verdict}."
    )


def cause_specific(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """The cause-specific hazard ratio of the cause of interest, and what it asks beside Gray's test."""
    asked = study.progression.competing
    wide = pivot(select(rows, analysis="cause_specific", variable=asked.variable, level=asked.interest))
    wide = wide[wide["hr"].notna()] if len(wide) else wide
    if wide.empty:
        return
    texts = []
    for _, row in wide.iterrows():
        ratio = notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]])
        way = ", the arms as if known at time zero" if study.exposure else ""
        way = ", treatment counted from its beginning" if split(row["model"])[1] else way
        verdict = VERDICTS[direction(row["hr_low"], row["hr_high"], 1)]
        texts.append(f"{ratio}{way} ({notation.p_equals(row['p_wald'])}, {verdict})")
    label = asked.causes[asked.interest].label
    yield (
        f"{label}, cause-specific hazard ratio ({study.level} CI): {'; '.join(texts)}. Gray's test asks how many have "
        "had it by when, whatever else happened to the others; the cause-specific ratio, how fast those still free of "
        "every event have it."
    )


def _pair(counted: pd.DataFrame, study: Study, level: str) -> str:
    found = [select(counted, level=level, group=arm).iloc[0] for arm in arm_levels(study)]
    return " and ".join(notation.share_said(each["n"], each["percent"]) for each in found)


def _size(whole: pd.DataFrame, arm: str) -> int:
    row = select(whole, group=arm).iloc[0]
    return int(row["n"] + row["n_missing"])


def _verdict(rows: pd.DataFrame, study: Study, analysis: str, statistic: str, **key: str) -> str:
    """The P of a test and whether it shows a difference, or why there is none."""
    found = select(rows, analysis=analysis, statistic=statistic, **key)
    if found.empty:
        return ""
    p, method = found[["value", "method"]].iloc[0]
    if p != p:
        return f" (not compared: {method})"
    differ = "the cumulative incidences" if statistic == "p_gray" else "the arms"
    verdict = f"{differ} differ" if p < 1 - study.confidence else f"no difference between {differ} shown"
    return f" ({method}, {notation.p_equals(p)}: {verdict})"
