"""Sentences on matching and weighting."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.weights import WEIGHTS
from helpers.study import Study
from helpers.study.schema import OVERALL
from helpers.study.variants import CLUSTERED, UNADJUSTED, variant
from helpers.thresholds import UNBALANCED
from helpers.wording.phrases import quoted


def positivity(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where one arm has nobody to compare with, or that every level of every covariate holds both arms."""
    said = []
    for population in dict.fromkeys(rows["population"]):
        wide = pivot(select(rows, analysis="propensity", population=population))
        failing = [*_one_armed(study, wide), *_beyond(study, wide)]
        where = study.all_populations[population].label
        if failing:
            said.append(
                f"Positivity fails in the population {quoted(where)}: {'; '.join(failing)}. There the arms cannot be "
                "compared by matching, weighting or a model, and an effect in all patients is extrapolated."
            )
        elif len(wide):
            said.append(
                f"In the population {quoted(where)} every level of every covariate holds patients of both arms."
            )
    return Sentences(tuple(said))


def _one_armed(study: Study, wide: pd.DataFrame) -> Iterator[str]:
    levels = wide[wide["level"] != ""]
    for (variable, level), frame in levels.groupby(["variable", "level"], sort=False):
        here = frame[frame["n"] > 0].iloc[0]
        label = f"{study.label(variable)}, {study.level_labels(variable)[level]}"
        yield f"{label}: all {int(here['n'])} patients are in the arm {quoted(study.arms.levels[here['group']])}"


def _beyond(study: Study, wide: pd.DataFrame) -> Iterator[str]:
    numbers = wide[(wide["level"] == "") & (wide["variable"] != "")]
    for _, row in numbers.iterrows():
        arm = quoted(study.arms.levels[row["group"]])
        many = f"{int(row['n_outside'])} of {int(row['n'])} patients of the arm {arm}"
        side = next((each for each in ("below", "above") if row["method"].startswith(each)), "")
        lie = f"{side} {row['at']}, where the other arm has nobody"
        lie = lie if side else f"on either side of {row['at']}, the only value in the other arm"
        yield f"{study.label(row['variable'])}: {many} lie {lie}"


def matching(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """How many pairs there are, who has no partner, and the largest difference left, from ledger rows."""
    said = []
    for name, population in study.all_populations.items():
        flow = pivot(select(rows, analysis="flow", population=name, group=OVERALL))
        counted = select(
            rows, analysis="count", population=name, endpoint="", group=OVERALL, variable="", statistic="n"
        )
        if population.matching is None or counted.empty:
            continue
        pairs = int(counted["value"].iloc[0]) // 2
        gone = flow[(flow["variable"] != "") & (flow["n_excluded"] > 0)]
        reasons = "; ".join(f"{notation.within(row['method'])} {int(row['n_excluded'])}" for _, row in gone.iterrows())
        left = f"; left out: {reasons}" if reasons else ""
        source = quoted(study.all_populations[population.of].label)
        said.append(f"{population.label}: {pairs} pairs out of the population {source}{left}.")
        said += _balance(rows, study, name)
    return Sentences(tuple(said))


def _balance(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    """The largest standardised difference of the propensity score's covariates, named; those known too late."""
    names = study.propensity.covariates
    late = [study.variables[name].label for name in names if study.mark_of(name)]
    if late:
        known = "what is known only after time zero, and may be an effect of treatment"
        yield f"The propensity score uses {known}: {', '.join(late)}."
    frame = pivot(select(rows, analysis="balance", population=population, model="", variable=names))
    frame = frame.dropna(subset="smd_att")
    if len(frame):
        worst = frame.loc[frame["smd_att"].abs().idxmax()]
        size = notation.number(abs(worst["smd_att"]), 2)
        many = frame.loc[frame["smd_att"].abs() > UNBALANCED, "variable"].nunique()
        above = (
            f"of its {len(names)} covariates {many} {'exceeds' if many == 1 else 'exceed'} {UNBALANCED}"
            if many
            else f"none of its {len(names)} covariates exceeds {UNBALANCED}"
        )
        yield (
            "The largest difference left of the score's covariates, in standard deviations of the treated before "
            f"matching, is {size} ({study.variables[worst['variable']].label}); {above}."
        )
    yield from _outside(rows, study, population)


def _outside(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    """What is known at time zero, stands outside the score and differs between the matched arms."""
    source = study.all_populations[population].of
    others = [name for name in study.table_one.variables if name not in study.propensity.covariates]
    names = [name for name in others if not study.mark_of(name)]
    after, before = (
        pivot(select(rows, analysis="balance", population=each, model="", variable=names, statistic="smd_att"))
        for each in (population, source)
    )
    if not len(after):
        return
    found = after.dropna(subset="smd_att").assign(size=lambda frame: frame["smd_att"].abs())
    worst = found.groupby("variable", sort=False)["size"].max()
    first = before.assign(size=before["smd_att"].abs()).groupby("variable")["size"].max() if len(before) else worst
    apart = worst[worst > UNBALANCED].sort_values(ascending=False, kind="stable")
    texts = [
        f"{study.variables[name].label} {notation.number(size, 2)}"
        + (f", grown from {notation.number(first[name], 2)}" if first.get(name, size) < size else "")
        for name, size in apart.items()
    ]
    differ = f"these exceed {UNBALANCED}: {'; '.join(texts)}" if texts else f"none exceeds {UNBALANCED}"
    yield f"Outside the score, of what is known at time zero, in standard deviations of the treated, {differ}."
    yield from _under_weights(rows, study, source)


def _under_weights(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    """How many of the score's covariates each weight leaves out of balance, where it leaves any."""
    names, texts = study.propensity.covariates, []
    for name, weight in WEIGHTS.items():
        key = {"population": population, "model": name, "variable": names, "statistic": "smd_pooled"}
        sizes = select(rows, analysis="balance", **key).set_index("variable")["value"].abs().dropna()
        worst = sizes.groupby(level=0).max()
        if (worst > UNBALANCED).any():
            largest = f"{study.variables[worst.idxmax()].label} {notation.number(worst.max(), 2)}"
            texts.append(f"{int((worst > UNBALANCED).sum())} under {notation.within(weight.label)} ({largest})")
    if texts:
        yield f"Weighting leaves covariates of the score beyond {UNBALANCED}: {'; '.join(texts)}."


def stability(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """How far the matched hazard ratio depends on the making of pairs, an endpoint a sentence, from ledger rows."""
    found, said = pivot(select(rows, analysis="stability")), []
    for population in dict.fromkeys(found["population"] if len(found) else ()):
        own = select(found, population=population)
        for endpoint in dict.fromkeys(own["endpoint"]):
            ways = select(own, endpoint=endpoint, group="")
            known = ways[ways["hr"].notna()]
            if known.empty:
                continue
            clear = int(((known["hr_high"] < 1) | (known["hr_low"] > 1)).sum())
            low, high = (notation.ratio(each) for each in (known["hr"].min(), known["hr"].max()))
            label = study.endpoints[endpoint].label + study.of_population(population)
            ways = notation.counted(len(known), "way")
            text = f"{label}: over {ways} of making pairs the hazard ratio runs from {low} to {high}"
            said.append(f"{text}, and {clear} of {len(known)} intervals leave out 1{_drawn(study, own, endpoint)}.")
    return Sentences(tuple(said))


def _drawn(study: Study, own: pd.DataFrame, endpoint: str) -> str:
    """The spread over random orders within the study's own caliper."""
    drawn = select(own, endpoint=endpoint, group="draws")
    drawn = drawn[drawn["hr_least"].notna()]
    if drawn.empty:
        return ""
    row = drawn.iloc[0]
    within = f"within a caliper of {row['at']}" if row["at"] else "without a caliper"
    ends = f"{notation.ratio(row['hr_least'])} to {notation.ratio(row['hr_most'])}"
    return f"; {within}, in {int(row['n_draw'])} random orders, from {ends}"


def designs(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """The hazard ratio for treatment by design, each with whose effect it is, an endpoint a sentence."""
    weighted = pivot(select(rows, analysis="cox_weighted", group=""))
    treated = {"variable": study.arms.column, "level": study.arms.treated}
    alone = pivot(
        select(rows, analysis="cox_univariable", model=[UNADJUSTED, variant(UNADJUSTED, CLUSTERED)], **treated)
    )
    said = []
    for endpoint in dict.fromkeys(weighted["endpoint"] if len(weighted) else []):
        texts = []
        for _, row in select(alone, endpoint=endpoint).iterrows():
            matched = study.is_matched(row["population"])
            if matched == row["model"].endswith(CLUSTERED):
                label = notation.within(study.all_populations[row["population"]].label)
                texts.append(f"{label} {_ratio(row)}")
        for _, row in select(weighted, endpoint=endpoint).iterrows():
            texts.append(f"{WEIGHTS[row['model']].method}{study.of_population(row['population'])} {_ratio(row)}")
        said.append(f"{study.endpoints[endpoint].label}, hazard ratio for treatment by design: {'; '.join(texts)}.")
    return Sentences(tuple(said))


def _ratio(row: pd.Series) -> str:
    return notation.hazard_ratio(row["hr"], row["hr_low"], row["hr_high"])
