"""Methods: who was studied, what was measured, how it is described and how survival is estimated."""

from helpers import notation
from helpers.exhibits import refer
from helpers.study import Study
from helpers.study.hindsight import hindsight, late
from helpers.study.schema import DAYS_PER_MONTH, INTERVALS
from helpers.thresholds import UNBALANCED
from helpers.wording.methods.names import endpoints, months, populations, sentence, series, variables
from helpers.wording.methods.works import cite
from helpers.wording.phrases import quoted

TESTS = {
    "yates": "the chi-square test with Yates' correction",
    "pearson": "Pearson's chi-square test",
    "fisher": "Fisher's exact test",
    "student": "Student's t test",
    "welch": "Welch's t test",
    "rank_sum": "the Wilcoxon rank-sum test (exact without ties in small samples, else with continuity correction)",
}
SHAPES = {"mean_sd": "mean and standard deviation", "median_iqr": "median and interquartile range"}


def design(study: Study) -> str:
    """Design, setting, eligibility, further populations, ethics."""
    arms, kind = study.arms, "randomised trial" if study.randomised else "retrospective cohort study"
    treated, reference = (quoted(arms.levels[each]) for each in (arms.treated, arms.reference))
    how = "patients were allocated at random" if study.randomised else "treatment was not randomised"
    said = [f"This is a {kind} of two treatment arms, {treated} and {reference} (the reference); {how}."]
    said += [f"{study.mark}."] if study.mark else []
    said += [study.reporting.setting.strip()] if study.reporting.setting else []
    said.append(_eligibility(study))
    known_later = [quoted(step.reason) for _, step in hindsight(study, "primary")]
    if known_later:
        said.append(
            f"Of these, {series(known_later)} can be judged only after time zero: whoever is analysed is selected by "
            "what happened later."
        )
    if study.populations:
        sets = populations(study, study.populations)
        where = refer("Table", "populations", "the table of populations")
        said.append(f"Analyses were also made in {sets} ({where} says how each was made).")
    said += (
        [f"Study size: {notation.within(study.reporting.sample_size.strip())}"] if study.reporting.sample_size else []
    )
    said += [f"Ethics: {notation.within(study.reporting.ethics.strip())}"] if study.reporting.ethics else []
    return " ".join(said)


def _eligibility(study: Study) -> str:
    reasons = [notation.within(step.reason) for step in study.eligibility]
    if not reasons:
        return "All patients of the table were analysed; the study file names no criterion that excludes any."
    if len(reasons) == 1:
        return f"Patients were excluded for one criterion: {reasons[0]}."
    return f"Patients were excluded by {len(reasons)} criteria, applied in this order: {'; '.join(reasons)}."


def outcomes(study: Study) -> str:
    """Endpoints with origin and event, censoring, times that are missing or zero, follow-up."""
    said = [
        f"{entry.label} was the time from {entry.origin} to {entry.event_label}." for entry in study.endpoints.values()
    ]
    said += _censoring(study)
    said.append(
        f"Times are in months of {DAYS_PER_MONTH:g} days; who is followed to a month, and how far a restricted mean "
        f"reaches, goes by the last whole day of that month (month 12: day {int(12 * DAYS_PER_MONTH)})."
    )
    excluded = [name for name, entry in study.endpoints.items() if entry.missing_time == "exclude"]
    if excluded:
        said.append(
            f"Patients without a usable time were left out of the analyses of {endpoints(study, excluded)}; an event "
            "known to have happened in them was still counted."
        )
    zero = {
        "half_day": "A time of zero was taken as half a day",
        "exclude": "A time of zero was taken as not usable",
        "keep": "A time of zero was kept",
    }
    for rule, text in zero.items():
        named = [name for name, entry in study.endpoints.items() if entry.zero_time == rule]
        said += [f"{text} for {endpoints(study, named)}."] if named else []
    said.append(f"Follow-up is the median by the reverse Kaplan-Meier method{cite('schemper')}.")
    said += [study.reporting.assessment.strip()] if study.reporting.assessment else []
    return " ".join(said)


def _censoring(study: Study) -> list[str]:
    dated = [name for name, entry in study.endpoints.items() if entry.time is None]
    given = [name for name in study.endpoints if name not in dated]
    whose = f" for {endpoints(study, given)}" if dated and given else ""
    said = [f"Patients without the event were censored at the time recorded for them{whose}."] if given else []
    if dated:
        whose = f" for {endpoints(study, dated)}" if given else ""
        said.append(
            f"Patients without the event were censored at their last contact{whose}, and nobody was followed beyond "
            f"the data cut-off ({study.cohort.data_cut_off}). Who had the event after it, or of whom a date after it "
            "tells that they were at risk until then, was censored at it."
        )
    return [*said, "Censoring was assumed to be independent of the event, given the covariates of each analysis."]


def description(study: Study) -> str:
    """How Table 1 describes the arms, and which tests and differences stand beside."""
    asked = study.table_one
    entries = {name: study.variables[name] for name in asked.variables}
    numbers = {name: entry for name, entry in entries.items() if entry.type == "continuous"}
    said = []
    if numbers:
        other = {name: e.summary for name, e in numbers.items() if e.summary and e.summary != asked.summary}
        text = f"Continuous variables are given as {SHAPES[asked.summary]}"
        if len(other) == len(numbers):
            text = f"Continuous variables are given as {SHAPES[next(iter(other.values()))]}"
        elif other:
            text += f", {variables(study, other)} as {SHAPES[next(iter(other.values()))]}"
        said.append(f"{text}.")
    if len(numbers) < len(entries):
        said.append("Categorical variables are given as number and percentage of the patients with a known value.")
    said.append(f"The arms were compared by {series(_tests(study))}. Missing values are counted and take no part.")
    said += [
        f"{sentence(variables(study, [name]))} was compared by {TESTS[entry.test]}."
        for name, entry in entries.items()
        if entry.test
    ]
    said.append(
        "Beside each test stands the standardised mean difference, in pooled standard deviations; an absolute value "
        f"above {UNBALANCED:g} counts as out of balance{cite('austin_balance')}."
    )
    known_later = late(study, asked.variables)
    if known_later:
        which = f"Of the {len(entries)} variables {len(known_later)}"
        said.append(
            f"{which} (marked †) are known only after time zero: they tell what became of the arms, not how they were "
            "at the start."
        )
    return " ".join(said)


def _tests(study: Study) -> list[str]:
    """The tests that the variables of Table 1 can get, each with where it is used."""
    rule = study.table_one.tests
    entries = [study.variables[name] for name in study.table_one.variables]
    levels = [len(entry.levels or {}) for entry in entries if not entry.test]
    found = []
    if rule.two_by_two == rule.larger and any(levels):
        found.append(f"{TESTS[rule.larger]} for categorical variables")
    elif any(levels):
        found += [f"{TESTS[rule.two_by_two]} for variables of two levels"] if 2 in levels else []
        found += [f"{TESTS[rule.larger]} for those of more levels"] if max(levels) > 2 else []
    if any(levels) and rule.small_expected == "fisher":
        found.append("Fisher's exact test where an expected count was below five")
    if any(entry.type == "continuous" and not entry.test for entry in entries):
        found.append(f"{TESTS[rule.continuous]} for continuous variables")
    return found or ["the tests named in the table"]


def survival(study: Study) -> str:
    """Curves, medians, rates, log-rank test, restricted means, what is counted of the course."""
    asked = study.survival
    by_horizon = {tau: [name for name, each in asked.tau.items() if each == tau] for tau in asked.tau.values()}
    horizons = series(f"{notation.months(tau)} for {endpoints(study, names)}" for tau, names in by_horizon.items())
    said = [
        f"Survival was estimated by the Kaplan-Meier method{cite('kaplan')}, with pointwise {study.level} confidence "
        f"intervals from Greenwood's variance{cite('greenwood')} on the {INTERVALS[asked.interval]} scale.",
        f"Medians are given with the interval that inverts these limits{cite('brookmeyer')}, and rates at "
        f"{months(asked.months)}.",
        f"The arms were compared by the log-rank test{cite('mantel')} and by the difference of restricted mean "
        f"survival times up to {horizons}{cite('royston')}, which needs no proportional hazards.",
        "Loss to follow-up is given by arm as the share followed and as the months seen over those there would have "
        f"been without loss{cite('clark')}, and compared by the log-rank test with events taken as censorings.",
    ]
    if asked.course:
        said.append(f"The course of the disease ({variables(study, asked.course)}) was counted by arm.")
    return " ".join(said)
