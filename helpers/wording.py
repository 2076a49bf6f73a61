"""Ledger rows as sentences; no number is typed, and no effect is claimed whose interval covers no effect."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.schema import ANY_GRADE, OVERALL

NO_CONTRAST = ("no patients in the reference level", "no patients in this level")


def direction(low: float, high: float, null: float) -> str:
    """`lower`, `higher`, or `unclear` where the interval covers the null value or is not known."""
    if high < null:
        return "lower"
    return "higher" if low > null else "unclear"


def cohort(flow: pd.DataFrame, *, study: Study, population: str = "primary") -> Sentences:
    """How many patients were screened, excluded and analysed, and in which arm."""
    sizes = select(flow, variable="", population=population).set_index("group")["n"].astype(int)
    screened = int(select(flow, variable="", population="screened", group=OVERALL)["n"].iloc[0])
    steps = select(flow, population=study.lineage(population), group=OVERALL)
    gone = steps[(steps["variable"] != "") & (steps["n_excluded"] > 0)]
    reasons = ", ".join(f"{notation.within(row['method'])} ({int(row['n_excluded'])})" for _, row in gone.iterrows())
    left = f"; {screened - sizes[OVERALL]} were excluded: {reasons}" if reasons else "; none was excluded"
    named = "" if population == "primary" else f" in the population {_quoted(study.all_populations[population].label)}"
    arms = ", ".join(f"{sizes[arm]} {_quoted(label)}" for arm, label in study.arms.levels.items())
    all_steps = [step for each in study.lineage(population) for step in study.all_populations[each].steps]
    assumed = {step.reason for step in all_steps if step.assumed} & set(gone["method"])
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


def treatment(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """The hazard ratio for treatment, unadjusted and in every model, each with what it rests on, from ledger rows."""
    analyses = ["cox_univariable", "cox_multivariable"]
    wide = pivot(select(rows, analysis=analyses))
    effects = _treatment_rows(study, wide)
    if effects and all(row["not_estimable"].get("hr") in NO_CONTRAST for row in effects):
        return Sentences(("The effect of treatment cannot be estimated: one arm has no patients here.",))
    return Sentences(tuple(_hazard(study, wide, row) for row in effects))


def factors(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Which other factors carry an adjusted interval that leaves out one, model by model, from ledger rows."""
    wide = pivot(select(rows, analysis="cox_multivariable"))
    sentences = []
    fitted = wide[["model", "endpoint", "population"]].drop_duplicates()
    for model, endpoint, population in fitted.itertuples(index=False):
        frame = select(wide, model=model, endpoint=endpoint, population=population)
        effects = frame[(frame["variable"] != study.arms.column) & (frame["variable"] != "")]
        found = _found(study, effects)
        label = study.endpoints[endpoint].label
        sentences.append(f"{label}, {_model_named(study, frame.iloc[0])}: {found}.")
    return Sentences(tuple(sentences), bullets=True)


def proportionality(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where the effect of treatment changes with time, model by model, or that no model shows it, from ledger rows."""
    tests = pivot(select(rows, analysis="diagnostics", variable=study.arms.column, level=""))
    failing = tests[tests["p_proportional"] < 1 - study.confidence]
    if failing.empty:
        said = "No model shows an effect of treatment that changes with time." if len(tests) else ""
        return Sentences((said,) if said else ())
    named = []
    for _, row in failing.iterrows():
        label, p = study.endpoints[row["endpoint"]].label, notation.p_equals(row["p_proportional"])
        named.append(f"{label}, {_model_named(study, row)} ({p})")
    caution = "There the hazard ratio is an average over time; read the curves and the restricted means first."
    return Sentences((f"Hazards are not proportional between the arms: {'; '.join(named)}.", caution))


def _model_named(study: Study, row: pd.Series) -> str:
    label = study.model(row["model"], row["endpoint"], row["population"]).label
    return notation.within(label) + study.of_population(row["population"])


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
    for arm, other in (_arm_levels(study), _arm_levels(study)[::-1]):
        found = select(counted, level=ANY_GRADE).set_index(["variable", "group"])[["n", "percent"]]
        terms = study.adverse_events.terms
        alone = [term for term in terms if found["n"][term, arm] > 0 and found["percent"][term, other] == 0]
        names = ", ".join(notation.within(study.label(term)) for term in alone)
        said += [f"Only with {_quoted(study.arms.levels[arm])}: {names}."] if alone else []
    return Sentences(tuple(each for each in said if each))


def _commonest(study: Study, counted: pd.DataFrame, start: str, most: int) -> str:
    overall = select(counted, group=OVERALL)
    first = overall[overall["n"] > 0].sort_values("n", ascending=False, kind="stable").head(most)
    texts = []
    for term in first["variable"]:
        by_arm = [select(counted, variable=term, group=arm).iloc[0] for arm in _arm_levels(study)]
        shares = " and ".join(notation.share_said(row["n"], row["percent"]) for row in by_arm)
        texts.append(f"{notation.within(study.label(term))} {shares}")
    treated, reference = _arms(study)
    return f"{start}, {treated} and {reference}: {'; '.join(texts)}." if texts else ""


def _graded(study: Study, group: str) -> str:
    return notation.within(study.adverse_events.groups[group].label)


def scorecard(by_place: pd.DataFrame, *, study: Study) -> Sentences:
    """How many printed numbers are computed here and agree, and what that is worth."""
    row = by_place.iloc[-1]
    said = (
        f"The paper prints {row['printed']} numbers, {row['different']} different ones; {row['computed']} of the "
        f"{row['printed']} have a computed partner. Of these {row['agrees']} agree to the printed digit, "
        f"{row['differs']} differ and {row['not estimable']} cannot be estimated."
    )
    return Sentences(tuple(each for each in (study.caution, said) if each))


def key_findings(
    rows: pd.DataFrame, *, study: Study, population: str = "primary", interval: str | None = None
) -> Sentences:
    """The results on one page, a sentence each, in the order of the report; what was not computed is not mentioned."""
    parts: list[str] = [study.mark + "."] if study.mark else []
    flow = select(rows, analysis="flow")
    if len(flow):
        parts += cohort(pivot(flow), study=study, population=population).sentences
    if len(select(rows, analysis="kaplan_meier")):
        parts += survival(rows, study=study, interval=interval).sentences
    if len(select(rows, analysis=["cox_univariable", "cox_multivariable"])):
        parts += proportionality(rows, study=study).sentences
        parts += treatment(rows, study=study).sentences
        parts += factors(rows, study=study).sentences
    if study.adverse_events and len(select(rows, variable=list(study.adverse_events.terms))):
        parts += adverse_events(rows, study=study).sentences
    parts.append(
        "These are associations: the comparison does not rest on randomisation, and confounding can explain it."
    )
    return Sentences(tuple(parts), bullets=True)


def _survival(rows: pd.DataFrame, study: Study, endpoint: str, model: str) -> Iterator[str]:
    entry, (treated, reference) = study.endpoints[endpoint], _arms(study)
    follow_up = pivot(select(rows, analysis="follow_up", group=OVERALL, model=model))
    counted = pivot(select(rows, analysis="count", group=OVERALL))
    if len(follow_up) and len(counted):
        count = counted.iloc[0]
        lost = f" ({int(count['n_missing'])} without a usable time)" if count["n_missing"] else ""
        times = follow_up.iloc[0][["median", "median_low", "median_high"]]
        median = "not reached" if times.isna().all() else f"{notation.time(*times)} months"
        size = f"{int(count['n_event'])} events in {int(count['n'])} patients{lost}"
        yield f"{entry.label}: {size}, median follow-up {median}."
    curves = pivot(select(rows, analysis="kaplan_meier", model=model))
    medians = [select(curves, group=arm, at="") for arm in _arm_levels(study)] if len(curves) else []
    sizes = pivot(select(rows, analysis="count", group=list(_arm_levels(study)), endpoint=endpoint)).set_index("group")
    empty = [arm for arm in _arm_levels(study) if len(sizes) and sizes["n"].get(arm) == 0]
    if empty:
        yield from (f"No patient of {_quoted(study.arms.levels[arm])} is here to compare with." for arm in empty)
        return
    test = pivot(select(rows, analysis="log_rank", group=""))
    if len(test) and medians:
        texts = [notation.time(*each.iloc[0][["median", "median_low", "median_high"]]) for each in medians]
        p = test["p_log_rank"].iloc[0]
        tested = "log-rank test not estimable" if p != p else f"log-rank {notation.p_equals(p)}"
        label = notation.within(entry.label)
        yield f"Median {label} was {texts[0]} months with {treated} and {texts[1]} months with {reference} ({tested})."
    said = [text for at in dict.fromkeys(curves["at"] if len(curves) else []) if (text := _rates(study, curves, at))]
    if said:
        yield f"Free of {entry.event_label}, {treated} and {reference}: {'; '.join(said)}."
    yield from _restricted_mean(pivot(select(rows, analysis="rmst", group="")), treated, entry.event_label)


def _rates(study: Study, curves: pd.DataFrame, at: str) -> str:
    """The two arms' rates at a time, or nothing where neither is known."""
    pair = [select(curves, group=arm, at=at).iloc[0] for arm in _arm_levels(study)]
    if all(row["rate"] != row["rate"] for row in pair):
        return ""
    treated, reference = (notation.rate(*row[["rate", "rate_low", "rate_high"]]) for row in pair)
    return f"at {at} months {treated} and {reference}"


def _restricted_mean(means: pd.DataFrame, treated: str, event: str) -> Iterator[str]:
    """What the restricted means say; nothing is claimed of a difference whose interval covers zero."""
    for _, row in means.iterrows():
        ends = row[["rmst_difference", "rmst_difference_low", "rmst_difference_high"]]
        mean = f"Over {row['at']} months the mean time without {event}"
        if any(each != each for each in ends):
            yield f"{mean} could not be compared ({next(iter(row['not_estimable'].values()))})."
            continue
        verdicts = {"higher": "was longer", "lower": "was shorter", "unclear": "was not shown to differ"}
        verdict = verdicts[direction(ends.iloc[1], ends.iloc[2], 0)]
        text = f"difference {notation.difference(*ends)} months, {notation.p_equals(row['p_test'])}"
        yield f"{mean} {verdict} with {treated} ({text})."


def _arm_levels(study: Study) -> tuple[str, str]:
    return study.arms.treated, study.arms.reference


def _arms(study: Study) -> list[str]:
    return [_quoted(study.arms.levels[arm]) for arm in _arm_levels(study)]


def _treatment_rows(study: Study, wide: pd.DataFrame) -> list[pd.Series]:
    frame = select(wide, variable=study.arms.column, level=study.arms.treated)
    return [row for _, row in frame.iterrows()]


def _hazard(study: Study, wide: pd.DataFrame, row: pd.Series) -> str:
    endpoint = study.endpoints[row["endpoint"]]
    which = row["model"], row["endpoint"], row["population"]
    model = study.model(*which).label if row["model"] in study.models else "Unadjusted"
    model += study.of_population(row["population"])
    same = select(wide, level="", **row[["analysis", "model", "endpoint", "population"]])
    size = select(same, variable="" if row["analysis"] == "cox_multivariable" else row["variable"]).iloc[0]
    rests = f"{int(size['n'])} patients, {int(size['n_event'])} events"
    lost = int(size[["n_missing", "n_not_applicable"]].sum())
    rests += (
        f", {lost} patients left out for want of a covariate" if lost > notation.COSTLY * (lost + size["n"]) else ""
    )
    treated = _quoted(study.arms.levels[study.arms.treated])
    text = notation.hazard_ratio_said(row["hr"], row["hr_low"], row["hr_high"], study.level)
    if row["hr"] != row["hr"]:
        reason = next(iter(row["not_estimable"].values()), "")
        quantity = f"the hazard ratio for {notation.within(endpoint.label)}"
        return f"{model}: {quantity} could not be estimated ({reason}; {rests})."
    verdict = {
        "lower": f"{treated} was associated with a lower hazard of {endpoint.event_label}",
        "higher": f"{treated} was associated with a higher hazard of {endpoint.event_label}",
        "unclear": f"no association of {treated} with the hazard of {endpoint.event_label} was shown",
    }[direction(row["hr_low"], row["hr_high"], 1)]
    return f"{model}: {verdict} ({text}, {notation.p_equals(row['p_wald'])}; {rests})."


def _found(study: Study, effects: pd.DataFrame) -> str:
    """What a model says of the factors beside treatment, those it cannot estimate named.

    A level of a factor with more than two is mentioned only where the test of all its levels is significant: Wald's,
    or the likelihood-ratio test where a level without events leaves no Wald test.
    """
    if effects.empty:
        return "the model holds no other factor"
    whole = effects[effects["level"] == ""].set_index("variable")
    overall = whole["p_overall"].fillna(whole["p_lrt"])
    estimated = effects[effects["hr"].notna()]
    clear = [
        _factor(study, row)
        for _, row in estimated.iterrows()
        if direction(row["hr_low"], row["hr_high"], 1) != "unclear"
        and (len(study.level_labels(row["variable"])) < 3 or overall[row["variable"]] < 1 - study.confidence)
    ]
    lost = effects[effects["not_estimable"].map(lambda reasons: "hr" in reasons).astype(bool) & (effects["n"] != 0)]
    reasons = dict.fromkeys(
        f"{study.variables[row['variable']].label} ({row['not_estimable']['hr']})" for _, row in lost.iterrows()
    )
    parts = [f"independently associated: {'; '.join(clear)}"] if clear else []
    if not clear and len(estimated):
        parts.append("no other factor had an effect whose interval leaves out 1")
    parts += [f"not estimable: {'; '.join(reasons)}"] if reasons else []
    return "; ".join(parts)


def _factor(study: Study, row: pd.Series) -> str:
    levels = study.level_labels(row["variable"])
    against = f"{levels[row['level']]} against {levels[row['reference']]}" if row["level"] else row["reference"]
    said = notation.hazard_ratio_said(row["hr"], row["hr_low"], row["hr_high"], study.level)
    return f"{study.variables[row['variable']].label} ({against}: {said})"


def _quoted(label: str) -> str:
    return f"“{label}”"
