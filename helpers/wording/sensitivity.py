"""Sentences on what becomes of the effect of treatment when time is counted as it passed, and on confounding."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.designs import (
    ANALYSES,
    BEGINS,
    CLONES,
    FIXED,
    LANDMARK,
    NAMES,
    WEIGHTED,
    conditioning,
    is_alone,
)
from helpers.sections import SENSITIVITY
from helpers.study import Study
from helpers.study.variants import SEPARATOR, UNADJUSTED
from helpers.thresholds import COMMON
from helpers.wording.changing import over_time
from helpers.wording.clock import began, explained
from helpers.wording.phrases import VERDICTS, direction


def sensitivity(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where survivors are compared with all, then each proper way of counting time, then E-values, from ledger rows."""
    if study.exposure is None:
        return Sentences(tuple(_e_values(rows, study)))
    effects = _effects(rows, study)
    populations = [study.exposure.population, *study.exposure.exclusions]
    said = conditioning(study, populations)
    for endpoint in study.exposure.endpoints:
        own = select(effects, endpoint=endpoint)
        said += [*began(rows, study, endpoint), *_clock(own, rows, study, endpoint)]
        said += [*_as_it_passed(own, rows, study, endpoint)]
        said += _clones_by_mean(select(rows, endpoint=endpoint), study)
    return Sentences((*said, *_e_values(rows, study)))


def timed(rows: pd.DataFrame, *, study: Study, endpoint: str) -> list[str]:
    """What the first page says of an endpoint whose time is counted as it passed; nothing without [exposure].

    Landmarks are told together; when treatment began is left to the primary analysis where that tells it.
    """
    if study.exposure is None:
        return []
    effects = select(_effects(rows, study), endpoint=endpoint)
    started = [] if study.primary_key["endpoint"] in study.exposure.endpoints else began(rows, study, endpoint)
    passed = _as_it_passed(effects, rows, study, endpoint, together=True)
    return [*started, *_clock(effects, rows, study, endpoint), *passed]


def _effects(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The effect of treatment in every analysis of time, companions left out."""
    arms = study.arms
    own = select(rows, analysis=list(ANALYSES), variable=arms.column, level=arms.treated, group="")
    wide = pivot(own)
    return wide[~wide["model"].str.contains(SEPARATOR)] if len(wide) else wide


def _clock(effects: pd.DataFrame, rows: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    """What counting treatment from its beginning makes of the unadjusted ratio."""
    pair = [_kinds(effects, study, [kind]) for kind in (FIXED, BEGINS)]
    if all(len(each) and each["hr"].notna().all() for each in pair):
        ratios = [notation.hazard_ratio(*each.iloc[0][["hr", "hr_low", "hr_high"]]) for each in pair]
        yield explained(rows, study, endpoint, *ratios)


def _as_it_passed(
    effects: pd.DataFrame, rows: pd.DataFrame, study: Study, endpoint: str, *, together: bool = False
) -> Iterator[str]:
    """Every way that counts a patient as treated only once treatment has begun, without covariates."""
    texts = []
    for _, row in _kinds(effects, study, [BEGINS, CLONES] if together else [BEGINS, LANDMARK, CLONES]).iterrows():
        kind, name = ANALYSES[row["analysis"]], NAMES[ANALYSES[row["analysis"]]]
        name += f" at month {row['at']}{_treated(rows, study, row)}" if kind == LANDMARK else ""
        name += f" (grace {notation.months(row['at'])})" if kind == CLONES else ""
        if row["hr"] != row["hr"]:
            texts.append(f"{name} not estimable ({next(iter(row['not_estimable'].values()), '')})")
            continue
        changing = over_time(rows, study, row)
        averaged = f"{changing}; on average " if changing else ""
        verdict = VERDICTS[direction(row["hr_low"], row["hr_high"], 1)]
        ratio = notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]])
        texts.append(f"{name} {averaged}{ratio}" + ("" if changing else f", {verdict}"))
    texts += _landmarks(effects, rows, study) if together else []
    if texts:
        label, level = study.endpoints[endpoint].label, study.level
        yield f"{label}, time counted as it passed, hazard ratios ({level} CI): {'; '.join(texts)}."


def _landmarks(effects: pd.DataFrame, rows: pd.DataFrame, study: Study) -> list[str]:
    """The ratios from all landmarks, and from which of them hazards are not proportional."""
    found = _kinds(effects, study, [LANDMARK])
    found = found[found["hr"].notna()]
    if found.empty:
        return []
    ratios = [notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]]) for _, row in found.iterrows()]
    changing = [row["at"] for _, row in found.iterrows() if over_time(rows, study, row)]
    of = "all" if len(changing) == len(found) else f"{', '.join(changing)}"
    averages = f" (averages from {of}, hazards not proportional: by period under “{SENSITIVITY.title}”)"
    return [f"from landmarks at months {', '.join(found['at'])}: {', '.join(ratios)}" + averages * bool(changing)]


def _treated(rows: pd.DataFrame, study: Study, row: pd.Series) -> str:
    """How many of those at risk at a landmark had begun by then."""
    key = {name: row[name] for name in ("population", "endpoint", "analysis", "at")}
    sizes = select(rows, **key, model=UNADJUSTED, statistic="n", group=list(study.arms.levels)).set_index("group")
    if sizes.empty:
        return ""
    n = sizes["value"].astype(int)
    return f" ({n[study.arms.treated]} of {n.sum()} treated)"


def _clones_by_mean(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """The difference of the strategies' restricted means, which needs no proportional hazards."""
    wide = pivot(select(rows, analysis="clone_censor_weight", model=WEIGHTED, variable="", group=""))
    for _, row in (wide[wide["rmst_difference"].notna()] if len(wide) else wide).iterrows():
        ends = row[["rmst_difference", "rmst_difference_low", "rmst_difference_high"]]
        if not ends.isna().any():
            verdict = {"unclear": "no difference shown", "higher": "longer", "lower": "shorter"}
            found = verdict[direction(ends.iloc[1], ends.iloc[2], 0)]
            over = notation.months(row["at"])
            event = study.endpoints[row["endpoint"]].event_label
            yield (
                f"Over {over} the mean time without {event} of those who begin in time, less that of those who do not, "
                f"is {notation.difference(*ends)} months ({found}; weighted clones, whose hazard ratio averages over "
                "time in which the strategies hardly differ)."
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
        share = notation.number(own["percent"].max(), 0)
        what = "adjusted estimate" + "s" * (len(own) > 1)
        limit = "limit" + "s" * (len(own) > 1)
        yield (
            f"{study.endpoints[endpoint].label}: E-value of the {what} {_span(estimates)}, of the {limit} nearer to "
            f"no effect {_span(limits)} (formula for a {which} outcome; up to {share}% have the event): at least so "
            "strongly, beyond what is adjusted for, would something not measured have to go with both treatment and "
            "outcome to explain it; at 1 there is nothing to explain. An E-value speaks of confounding alone, not of "
            "time counted wrongly."
        )


def _span(values: pd.Series) -> str:
    """`2.10`, or `1.20 to 2.10`."""
    low, high = (notation.number(each, 2) for each in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
