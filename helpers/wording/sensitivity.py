"""Sentences on what becomes of the effect of treatment when time is counted as it passed, and on confounding."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import COMMON, pivot, select
from helpers.study import Study
from helpers.study.designs import (
    ANALYSES,
    BEGINS,
    CLONES,
    FIXED,
    HEADINGS,
    LANDMARK,
    WEIGHTED,
    conditioning,
    is_alone,
    months,
)
from helpers.study.variants import SEPARATOR, UNADJUSTED
from helpers.wording.phrases import VERDICTS, direction, quoted


def sensitivity(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where survivors are compared with all, then each proper way of counting time, then E-values, from ledger rows."""
    if study.exposure is None:
        return Sentences(tuple(_e_values(rows, study)))
    effects = _effects(rows, study)
    populations = [study.exposure.population, *study.exposure.exclusions]
    said = conditioning(study, populations)
    for endpoint in study.exposure.endpoints:
        own = select(effects, endpoint=endpoint)
        said += [*_as_if_known(own, study, endpoint), *_as_it_passed(own, study, endpoint)]
        said += _clones_by_mean(select(rows, endpoint=endpoint), study)
    return Sentences((*said, *_e_values(rows, study)))


def timed(rows: pd.DataFrame, *, study: Study, endpoint: str) -> list[str]:
    """The one sentence on an endpoint whose time is counted as it passed, from ledger rows; none without [exposure]."""
    if study.exposure is None:
        return []
    return list(_as_it_passed(select(_effects(rows, study), endpoint=endpoint), study, endpoint))


def _effects(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The effect of treatment in every analysis of time, companions left out."""
    arms = study.arms
    own = select(rows, analysis=list(ANALYSES), variable=arms.column, level=arms.treated, group="")
    wide = pivot(own)
    return wide[~wide["model"].str.contains(SEPARATOR)] if len(wide) else wide


def _as_if_known(effects: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    label, treated = study.endpoints[endpoint].label, quoted(study.arms.levels[study.arms.treated])
    naive = _kinds(effects, study, [FIXED])
    for _, row in naive[naive["hr"].notna()].iterrows():
        text = notation.hazard_ratio_said(*row[["hr", "hr_low", "hr_high"]], study.level)
        before = "which no patient with an early event could reach"
        if endpoint != study.exposure.before:
            before = "and so does who began only after the event"
        yield (
            f"{label}, with the arm as if known at time zero: {text} for {treated}; the time before treatment began "
            f"counts as treated, {before}."
        )


def _as_it_passed(effects: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    """Every way that counts a patient as treated only once treatment has begun, without covariates."""
    texts = []
    for _, row in _kinds(effects, study, [BEGINS, LANDMARK, CLONES]).iterrows():
        kind = ANALYSES[row["analysis"]]
        name = f"landmark at month {row['at']}" if kind == LANDMARK else notation.within(HEADINGS[kind])
        name += f" (grace {months(row['at'])})" if kind == CLONES else ""
        verdict = VERDICTS[direction(row["hr_low"], row["hr_high"], 1)]
        found = f"{notation.hazard_ratio(*row[['hr', 'hr_low', 'hr_high']])}, {verdict}"
        reason = next(iter(row["not_estimable"].values()), "")
        texts.append(f"{name} {found}" if row["hr"] == row["hr"] else f"{name} not estimable ({reason})")
    if texts:
        label, level = study.endpoints[endpoint].label, study.level
        yield f"{label}, time counted as it passed, hazard ratios ({level} CI): {'; '.join(texts)}."


def _clones_by_mean(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """The difference of the strategies' restricted means, which needs no proportional hazards."""
    wide = pivot(select(rows, analysis="clone_censor_weight", model=WEIGHTED, variable="", group=""))
    for _, row in (wide[wide["rmst_difference"].notna()] if len(wide) else wide).iterrows():
        ends = row[["rmst_difference", "rmst_difference_low", "rmst_difference_high"]]
        if not ends.isna().any():
            verdict = {"unclear": "no difference shown", "higher": "longer", "lower": "shorter"}
            found = verdict[direction(ends.iloc[1], ends.iloc[2], 0)]
            yield (
                f"Over {row['at']} months those who begin in time would live {notation.difference(*ends)} months "
                f"without {study.endpoints[row['endpoint']].event_label} more than those who do not ({found}; weighted "
                "clones, restricted mean; their hazard ratio averages over time in which the strategies hardly differ)."
            )


def _kinds(effects: pd.DataFrame, study: Study, kinds: list[str]) -> pd.DataFrame:
    """Estimated effects of treatment alone, or of weighted clones, in the population of the exposure."""
    own = select(effects, population=study.exposure.population, model=[UNADJUSTED, WEIGHTED])
    own = own[own["analysis"].map(ANALYSES).isin(kinds)]
    return own.sort_values("analysis", key=lambda each: each.map(ANALYSES).map(kinds.index), kind="stable")


def _e_values(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """The weakest confounding that would explain the adjusted effects away, by the formula the share of events asks."""
    effects = _effects(rows, study)
    if effects.empty or "e_value_rare" not in effects:
        return
    adjusted = effects[~effects["model"].map(is_alone).astype(bool) & effects["e_value_rare"].notna()]
    for endpoint in dict.fromkeys(adjusted["endpoint"]):
        own = select(adjusted, endpoint=endpoint)
        common = own["percent"] > 100 * COMMON
        which = "common" if common.all() else "rare" if not common.any() else "common or a rare"
        estimates, limits = (
            own[f"e_value_{part}common"].where(common, own[f"e_value_{part}rare"]) for part in ("", "limit_")
        )
        ends = [notation.number(each, 2) for each in (estimates.min(), estimates.max(), limits.min(), limits.max())]
        share = notation.number(own["percent"].max(), 0)
        yield (
            f"{study.endpoints[endpoint].label}: E-values of the adjusted estimates run from {ends[0]} to {ends[1]}, "
            f"of the limits nearer to 1 from {ends[2]} to {ends[3]} (formula for a {which} outcome; up to {share}% "
            "have the event). An E-value speaks of confounding alone, not of time counted wrongly."
        )
