"""Sentences on patients and their survival."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.schema import OVERALL
from helpers.wording.phrases import arm_levels, arms, direction, quoted, treated_arm


def cohort(flow: pd.DataFrame, *, study: Study, population: str = "primary") -> Sentences:
    """How many patients were screened, excluded and analysed, and in which arm."""
    sizes = select(flow, variable="", population=population).set_index("group")["n"].astype(int)
    screened = int(select(flow, variable="", population="screened", group=OVERALL)["n"].iloc[0])
    steps = select(flow, population=study.lineage(population), group=OVERALL)
    gone = steps[(steps["variable"] != "") & (steps["n_excluded"] > 0)]
    told = {(where, name): why for where in study.lineage(population) for name, why in study.reasons(where).items()}
    named = [told.get((row["population"], row["variable"]), row["method"]) for _, row in gone.iterrows()]
    reasons = ", ".join(f"{notation.within(why)} ({int(n)})" for why, n in zip(named, gone["n_excluded"], strict=True))
    were = "was" if screened - sizes[OVERALL] == 1 else "were"
    left = f"; {screened - sizes[OVERALL]} {were} excluded: {reasons}" if reasons else "; none was excluded"
    named = "" if population == "primary" else f" in the population {quoted(study.all_populations[population].label)}"
    arms = ", ".join(f"{sizes[arm]} {quoted(label)}" for arm, label in study.arms.levels.items())
    all_steps = [step for each in study.lineage(population) for step in study.all_populations[each].steps]
    assumed = {step.name for step in all_steps if step.assumed} & set(gone["variable"])
    said = [f"Of {screened} patients screened, {sizes[OVERALL]} were analysed{named}{left}.", f"By arm: {arms}."]
    said += ["How the exclusions divide among the criteria is assumed, not published."] if assumed else []
    return Sentences(tuple(said))


def survival(rows: pd.DataFrame, *, study: Study, interval: str | None = None) -> Sentences:
    """Follow-up, medians, rates, log-rank test and restricted means of every endpoint, from ledger rows."""
    model = interval or study.survival.interval
    sentences: list[str] = []
    for endpoint in study.endpoints:
        sentences += _survival(select(rows, endpoint=endpoint), study, endpoint, model)
    said = " ".join(sentences)
    legend = [f"{study.level} CI in brackets"] + (["NR, not reached"] if "NR" in said else [])
    return Sentences((*sentences, *([f"({'; '.join(legend)}.)"] if sentences else [])))


def _survival(rows: pd.DataFrame, study: Study, endpoint: str, model: str) -> Iterator[str]:
    entry, (first, second) = study.endpoints[endpoint], arms(study)
    follow_up = pivot(select(rows, analysis="follow_up", group=list(arm_levels(study)), model=model))
    counted = pivot(select(rows, analysis="count", group=OVERALL))
    if len(follow_up) and len(counted):
        count = counted.iloc[0]
        lost = f" ({int(count['n_missing'])} without a usable time)" if count["n_missing"] else ""
        by_arm = follow_up.set_index("group")[["median", "median_low", "median_high"]]
        followed = [notation.median(*by_arm.loc[arm]) for arm in arm_levels(study) if arm in by_arm.index]
        median = " and ".join(f"{each} with {name}" for each, name in zip(followed, arms(study), strict=False))
        size = f"{int(count['n_event'])} events in {int(count['n'])} patients{lost}"
        yield f"{entry.label}: {size}, median follow-up {median}."
        yield from _extended(select(rows, analysis="count", statistic="n_extended"), study)
    curves = pivot(select(rows, analysis="kaplan_meier", model=model))
    medians = [select(curves, group=arm, at="") for arm in arm_levels(study)] if len(curves) else []
    sizes = pivot(select(rows, analysis="count", group=list(arm_levels(study)), endpoint=endpoint)).set_index("group")
    empty = [arm for arm in arm_levels(study) if len(sizes) and sizes["n"].get(arm) == 0]
    if empty:
        yield from (f"No patient of {quoted(study.arms.levels[arm])} is here to compare with." for arm in empty)
        return
    test = pivot(select(rows, analysis="log_rank", group=""))
    if len(test) and medians:
        texts = [notation.median(*each.iloc[0][["median", "median_low", "median_high"]]) for each in medians]
        p = test["p_log_rank"].iloc[0]
        tested = "log-rank test not estimable" if p != p else f"log-rank {notation.p_equals(p)}"
        label = notation.within(entry.label)
        yield f"Median {label} was {texts[0]} with {first} and {texts[1]} with {second} ({tested})."
    said = [text for at in dict.fromkeys(curves["at"] if len(curves) else []) if (text := _rates(study, curves, at))]
    if said:
        yield f"Free of {entry.event_label}, {first} and {second}: {'; '.join(said)}."
    means = pivot(select(rows, analysis="rmst", model="area", group=""))
    yield from _restricted_mean(means, treated_arm(study), entry.event_label)


def _extended(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    n = rows.set_index("group")["value"].astype(int)
    if n.get(OVERALL, 0):
        by_arm = ", ".join(f"{n[arm]} {quoted(label)}" for arm, label in study.arms.levels.items())
        yield (
            f"{n[OVERALL]} without the event at the data cut-off ({by_arm}) {'is' if n[OVERALL] == 1 else 'are'} "
            "censored there by a date that lies after it, the last contact being earlier or not recorded."
        )


def _rates(study: Study, curves: pd.DataFrame, at: str) -> str:
    """The two arms' rates at a time, or nothing where neither is known."""
    pair = [select(curves, group=arm, at=at).iloc[0] for arm in arm_levels(study)]
    if all(row["rate"] != row["rate"] for row in pair):
        return ""
    first, second = (notation.rate(*row[["rate", "rate_low", "rate_high"]]) for row in pair)
    return f"at {notation.months(at)} {first} and {second}"


def _restricted_mean(means: pd.DataFrame, treated: str, event: str) -> Iterator[str]:
    """What the restricted means say; nothing is claimed of a difference whose interval covers zero."""
    for _, row in means.iterrows():
        ends = row[["rmst_difference", "rmst_difference_low", "rmst_difference_high"]]
        mean = f"Over {notation.months(row['at'])} the mean time without {event}"
        if any(each != each for each in ends):
            yield f"{mean} could not be compared ({next(iter(row['not_estimable'].values()))})."
            continue
        verdicts = {"higher": "was longer", "lower": "was shorter", "unclear": "was not shown to differ"}
        verdict = verdicts[direction(ends.iloc[1], ends.iloc[2], 0)]
        text = f"difference {notation.difference(*ends)} months, {notation.p_equals(row['p_test'])}"
        yield f"{mean} {verdict} with {treated} ({text})."
