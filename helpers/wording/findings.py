"""The report's first page: each result in one line, what was known and asked, and what agrees with print."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.designs import conditioning
from helpers.study import Study
from helpers.study.schema import ANY_EVENT, ANY_GRADE, OVERALL, SEVERE
from helpers.study.variants import CLUSTERED, SEPARATOR, UNADJUSTED, variant
from helpers.wording.changing import over_time
from helpers.wording.matching import positivity
from helpers.wording.phrases import VERDICTS, arm_levels, arms, direction, quoted, treated_arm
from helpers.wording.primary import primary
from helpers.wording.progression import cause_specific
from helpers.wording.sensitivity import timed
from helpers.wording.simulation import null_rejections
from helpers.wording.subgroups import interactions_counted
from helpers.wording.toxicity import differences
from helpers.wording.unseen import unequal, unseen

NOT_RANDOMISED = (
    "These are associations: the comparison does not rest on randomisation, and confounding can explain it."
)


def key_findings(
    rows: pd.DataFrame, *, study: Study, population: str = "primary", interval: str | None = None
) -> Sentences:
    """The highlight box, a line a result, in the order of the report; what was not computed is not mentioned."""
    parts = [study.mark + "."] if study.mark else []
    parts += _patients(rows, study, population)
    parts += [" ".join(said)] if (said := primary(rows, study=study).sentences) else []
    missed = [*unequal(rows, study, population), *unseen(rows, study)]
    parts += [" ".join(missed)] if missed else []
    for endpoint in study.endpoints:
        own = select(rows, endpoint=endpoint)
        parts += _endpoint(own, study, endpoint, population, interval or study.survival.interval)
        counted = timed(own, study=study, endpoint=endpoint)
        parts += [" ".join(counted)] if counted else []
    if study.exposure:
        parts += conditioning(study, [study.exposure.population, *study.exposure.exclusions])
    parts += [" ".join(said)] if (said := null_rejections(rows, study)) else []
    failing = positivity(rows, study=study).sentences if len(select(rows, analysis="propensity")) else ()
    parts += [each for each in failing if each.startswith("Positivity fails")]
    parts += [*_doses(rows, study), *_splines(rows, study, population), *_interactions(rows, study)]
    parts += [*_competing(rows, study), *_toxicity(rows, study, population)]
    parts += [] if study.randomised else [NOT_RANDOMISED]
    return Sentences(tuple(parts), bullets=True)


def context(*, study: Study) -> Sentences:
    """What is known, what was asked and what an answer would mean, as the study file says; empty where it does not."""
    asked = study.reporting
    lines = (
        ("Known before", asked.background),
        ("Asked here", asked.objective),
        ("What it would mean", asked.interpretation),
        ("For whom", asked.generalisability),
    )
    return Sentences(tuple(f"{name}: {text.strip()}" for name, text in lines if text.strip()), bullets=True)


def _patients(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    flow = pivot(select(rows, analysis="flow", variable="", population=["screened", population]))
    if flow.empty:
        return
    sizes = select(flow, population=population).set_index("group")["n"].astype(int)
    screened = int(select(flow, population="screened", group=OVERALL)["n"].iloc[0])
    by_arm = ", ".join(f"{sizes[arm]} {quoted(label)}" for arm, label in study.arms.levels.items())
    yield f"{sizes[OVERALL]} of {screened} patients screened were analysed: {by_arm}."


def _endpoint(rows: pd.DataFrame, study: Study, endpoint: str, population: str, interval: str) -> Iterator[str]:
    """Medians, then the hazard ratio alone, adjusted by each model, and in pairs."""
    label, (first, second) = study.endpoints[endpoint].label, arms(study)
    medians = pivot(select(rows, analysis="kaplan_meier", model=interval, population=population, at=""))
    if len(medians):
        by_arm = medians.set_index("group")
        texts = [
            notation.median(*by_arm.loc[arm, ["median", "median_low", "median_high"]])
            for arm in arm_levels(study)
            if arm in by_arm.index
        ]
        test = pivot(select(rows, analysis="log_rank", group="", population=population))
        p = test["p_log_rank"].iloc[0] if len(test) else float("nan")
        tested = "" if p != p else f" (log-rank {notation.p_equals(p)})"
        yield f"{label}: median {texts[0]} with {first}, {texts[-1]} with {second}{tested}."
    analyses = ["cox_univariable", "cox_multivariable"]
    own = pivot(select(rows, analysis=analyses, variable=study.arms.column, level=study.arms.treated))
    shown = [row for _, row in own.iterrows() if _headline(study, row, population)]
    alone = next((row["hr"] for row in shown if row["model"] == UNADJUSTED), None)
    shown = [row for row in shown if row["model"] == UNADJUSTED or row["hr"] != alone]
    texts = [_ratio(rows, study, row) for row in shown]
    if texts:
        fixed = ", the arm taken as known at time zero" if study.exposure else ""
        yield f"{label}, hazard ratio for {treated_arm(study)} ({study.level} CI){fixed}: {'; '.join(texts)}."


def _headline(study: Study, row: pd.Series, population: str) -> bool:
    """Whether an effect belongs on the first page: the analysis cohort's models, one for each matched population."""
    if row["population"] == population:
        return SEPARATOR not in row["model"]
    matched = study.is_matched(row["population"]) and row["population"] not in study.conditioned
    return matched and row["model"] == variant(UNADJUSTED, CLUSTERED)


def _ratio(rows: pd.DataFrame, study: Study, row: pd.Series) -> str:
    name = notation.within(study.model_label(row["model"].split(SEPARATOR)[0], row["endpoint"], row["population"]))
    if row["population"] != "primary":
        name = f"{name} in {notation.within(study.all_populations[row['population']].label)}"
    name += ", errors clustered on pairs" * row["model"].endswith(CLUSTERED)
    if row["hr"] != row["hr"]:
        return f"{name} not estimable ({next(iter(row['not_estimable'].values()), '')})"
    verdict = VERDICTS[direction(row["hr_low"], row["hr_high"], 1)]
    changing = over_time(rows, study, row)
    averaged = f"{changing}; on average " if changing else ""
    ratio = notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]])
    return f"{name} {averaged}{ratio}" + ("" if changing else f", {verdict}")


def _doses(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """Levels within an arm whose adjusted interval leaves out one; that none does is said."""
    for asked in study.within_arm:
        own = {"population": asked.population, "variable": asked.variable, "model": asked.name}
        wide = pivot(select(rows, analysis="cox_multivariable", **own))
        levels = study.level_labels(asked.variable)
        effects = wide[wide["hr"].notna()] if len(wide) else wide
        clear = [
            f"{notation.within(study.endpoints[row['endpoint']].label)}, {notation.within(levels[row['level']])} "
            f"{notation.hazard_ratio(*row[['hr', 'hr_low', 'hr_high']])}"
            for _, row in effects.iterrows()
            if direction(row["hr_low"], row["hr_high"], 1) != "unclear"
        ]
        what = notation.within(study.variables[asked.variable].label)
        against = notation.within(levels[study.reference(asked.variable)])
        found = f"adjusted hazard ratios clear of 1: {'; '.join(clear)}" if clear else "no adjusted difference shown"
        if len(effects):
            asked_for = len(wide[wide["level"] != ""]) - len(select(wide, level=study.reference(asked.variable)))
            n = f"{len(effects)} of {notation.counted(asked_for, 'comparison')} estimable, not corrected"
            yield f"By {what}, against {against}: {found} ({n})."


def _splines(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    """Continuous variables whose association bends, with the value at which the hazard ratio is one."""
    wide = pivot(select(rows, analysis="spline", at="", population=population))
    tested = wide[wide["p_nonlinear"].notna()] if len(wide) else wide
    if tested.empty:
        return
    bent = [
        f"{study.variables[row['variable']].label} for {notation.within(study.endpoints[row['endpoint']].label)} "
        f"(nonlinear {notation.p_equals(row['p_nonlinear'])}, overall {notation.p_equals(row['p_overall'])}; reference "
        f"{row['turning_point']:g}{_crossings(rows, row)})"
        for _, row in tested.iterrows()
        if row["p_nonlinear"] < 1 - study.confidence
    ]
    found = f"{'; '.join(bent)}" if bent else "none was shown to be nonlinear"
    tests = notation.counted(len(tested), "test") + study.of_population(population)
    line = f"P below {1 - study.confidence:.2g}"
    yield f"{tests} of whether a continuous variable's log hazard bends; {line}: {found}."


def _crossings(rows: pd.DataFrame, row: pd.Series) -> str:
    """Where else than at the reference a curve's hazard ratio is 1."""
    key = {name: row[name] for name in ("population", "endpoint", "model", "variable")}
    found = select(rows, analysis="spline", statistic="crossing", **key)["value"].dropna()
    return f", hazard ratio 1 again at {' and '.join(notation.number(each, 1) for each in found)}" if len(found) else ""


def _interactions(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    for population in study.subgroups.populations if study.subgroups else ():
        said = interactions_counted(rows, study, population)
        yield from [said] if said else []


def _competing(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    asked = study.progression.competing if study.progression else None
    wide = pivot(select(rows, analysis="competing_risks", variable=asked.variable)) if asked else pd.DataFrame()
    if wide.empty:
        return
    own = select(wide, level=asked.interest)
    known = own[own["incidence"].notna() & own["group"].isin(list(study.arms.levels))]
    both = [at for at in dict.fromkeys(known["at"]) if at and (known["at"] == at).sum() == len(study.arms.levels)]
    if not both:
        return
    last = select(known, at=both[-1]).set_index("group")
    texts = [
        f"{notation.rate(*last.loc[arm, ['incidence', 'incidence_low', 'incidence_high']])} with {name}"
        for arm, name in zip(arm_levels(study), arms(study), strict=True)
    ]
    test = select(own, model="gray")
    p = test["p_gray"].iloc[0] if len(test) else float("nan")
    tested = "" if p != p else f" (Gray's test {notation.p_equals(p)})"
    label = asked.causes[asked.interest].label
    yield f"{label}, cumulative incidence at {notation.months(both[-1])}: {' and '.join(texts)}{tested}."
    yield from cause_specific(rows, study)


def _toxicity(rows: pd.DataFrame, study: Study, population: str) -> Iterator[str]:
    """The commonest event and the commonest severe one by arm."""
    asked = study.adverse_events
    graded = select(rows, variable=list(asked.terms), population=population, analysis="count") if asked else rows[:0]
    if graded.empty:
        return
    wide = pivot(select(graded, group=study.groups, level=[ANY_GRADE, SEVERE]))
    texts = []
    labels = study.level_labels(next(iter(asked.terms)))
    for level in (ANY_GRADE, SEVERE):
        name = notation.within(labels.get(level, level))
        overall = select(wide, level=level, group=OVERALL).sort_values("n", ascending=False, kind="stable")
        if len(overall) and overall["n"].iloc[0] > 0:
            term = overall["variable"].iloc[0]
            pair = [select(wide, level=level, variable=term, group=arm).iloc[0] for arm in arm_levels(study)]
            shares = " and ".join(notation.share_said(row["n"], row["percent"]) for row in pair)
            texts.append(f"{name} {notation.within(study.label(term))}, {shares}")
    first, second = arms(study)
    if texts:
        common = f"Most common adverse events, {first} and {second}: {'; '.join(texts)}."
        compared = select(rows, analysis="risk_difference", population=population, variable=[*asked.counted, ANY_EVENT])
        yield " ".join(filter(None, [common, differences(study, compared)]))


def scorecard(by_place: pd.DataFrame, *, study: Study) -> Sentences:
    """How many printed numbers are computed here and agree, and what that is worth."""
    row = by_place.iloc[-1]
    said = (
        f"The paper prints {row['printed']} numbers, {row['different']} different ones; {row['computed']} of the "
        f"{row['printed']} have a computed partner. Of these {row['agrees']} agree to the printed digit, "
        f"{row['differs']} differ and {row['not estimable']} cannot be estimated."
    )
    return Sentences(tuple(each for each in (study.caution, said) if each))
