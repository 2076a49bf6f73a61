"""Methods: matching, weights, treatment that begins, confounding not measured, simulation."""

from helpers import notation
from helpers.exhibits import refer
from helpers.names.weights import WEIGHTS
from helpers.notation import counted, within
from helpers.sections import SENSITIVITY
from helpers.study import Study
from helpers.study.analyses import Matching
from helpers.study.hindsight import late
from helpers.thresholds import COMMON
from helpers.wording.methods.names import among, endpoints, months, populations, series, variables
from helpers.wording.methods.works import cite
from helpers.wording.phrases import quoted

ORDERS = {
    "largest": "the treated patient with the largest score choosing first",
    "smallest": "the treated patient with the smallest score choosing first",
    "data": "treated patients choosing in the order of the table",
    "closest": "the nearest pair of all made first",
    "random": "treated patients choosing in random order",
}
SCALES = {"score": "the score", "logit": "the logit of the score"}
SPREADS = {"whole": "of the whole sample", "pooled": "pooled within the arms"}
SOURCES = {"overlap": "li", "iptw": "rosenbaum_weights"}
SAME_TIME = {
    "half_day_earlier": "was taken half a day earlier",
    "unexposed": "was taken as never having begun",
}


def propensity(study: Study) -> str:
    """Score, pairs and weights; none where none are asked."""
    asked = study.propensity
    if asked is None:
        return ""
    treated = quoted(study.arms.levels[study.arms.treated])
    said = [
        f"The propensity score, the probability of {treated}, was estimated by logistic regression on "
        f"{variables(study, asked.covariates)}{cite('rosenbaum')}; patients without one of these have no score."
    ]
    known_later = late(study, asked.covariates)
    if known_later:
        said.append(f"Of these, {variables(study, known_later)} are known only after time zero.")
    said += _matching(study)
    said.append(
        f"Patients were also weighted, and treatment alone examined for {endpoints(study, asked.endpoints)}"
        f"{among(study, asked.populations)} under {series(_weight(name) for name in WEIGHTS)}, with robust errors that "
        f"take the weights as known{cite('lin')} and Kish's effective number of patients by arm{cite('kish')}."
    )
    return " ".join(said)


def _weight(name: str) -> str:
    known = WEIGHTS[name]
    source = cite(SOURCES[name]) if name in SOURCES else ""
    return f"{within(known.label)} (effect in {known.patients}){source}"


def _matching(study: Study) -> list[str]:
    rules: dict[Matching, list[str]] = {}
    for name, population in study.populations.items():
        if population.matching:
            rules.setdefault(population.matching, []).append(name)
    source = {"logit": cite("austin_caliper"), "score": ""}
    said = [f"{_sets(study, names)} {_pairs(rule)}{source[rule.scale]}." for rule, names in rules.items()]
    if not said:
        return []
    said.append(
        "Balance is judged by standardised differences in standard deviations of before matching; the effect is that "
        "in the treated who found a partner. Standard errors take paired patients as independent; those clustered on "
        f"pairs{cite('lin')} stand beside."
    )
    asked = study.propensity
    if asked.orders:
        calipers = series(f"{each:g}" if each != "none" else "none" for each in asked.calipers)
        said.append(
            f"How much the hazard ratio depends on the making of pairs was examined under "
            f"{counted(len(asked.orders), 'order')} and calipers of {calipers}."
        )
    return said


def _sets(study: Study, names: list[str]) -> str:
    texts = (
        f"{quoted(study.populations[name].label)} (out of {populations(study, [study.populations[name].of])})"
        for name in names
    )
    return f"{series(texts)} {'is' if len(names) == 1 else 'are'}"


def _pairs(rule: Matching) -> str:
    caliper = (
        "without a caliper"
        if rule.caliper == "none"
        else f"within a caliper of {rule.caliper:g} standard deviations of {SCALES[rule.scale]}, "
        f"{SPREADS[rule.caliper_sd]}"
    )
    return (
        f"made of pairs of one treated and one reference patient, nearest in {SCALES[rule.scale]}, each patient used "
        f"once, {caliper}, {ORDERS[rule.order]}"
    )


def exposure(study: Study) -> str:
    """Treatment as an exposure that begins; none where the study file says nothing of it."""
    asked = study.exposure
    if asked is None:
        return ""
    treated = quoted(study.arms.levels[study.arms.treated])
    start = study.variables[asked.start]
    lost = (
        "Treated patients without a known start were left out of these analyses."
        if asked.missing_start == "exclude"
        else "The start is known of every treated patient."
    )
    said = [
        f"{treated} began after time zero ({notation.within(start.label)}), so none of its patients can have had "
        f"the event of {notation.within(study.endpoints[asked.before].label)} before it began; an analysis that takes "
        f"the arm as known at time zero counts that time in its favour (immortal-time bias){cite('suissa')}.",
        f"Therefore treatment was also examined, for {endpoints(study, asked.endpoints)}"
        f"{among(study, [asked.population])}, as a covariate of the Cox model that changes when it "
        f"begins (time-dependent Cox){cite('mantel_byar')}; what of the log hazard ratio with the arm as known at time "
        "zero goes with it, with the same covariates in the same patients, is given in per cent"
        f"{f' with percentile intervals from {asked.draws} bootstrap samples of patients' if asked.draws else ''}.",
        f"A start at the very time of an event or of censoring {SAME_TIME[asked.same_time]}. {lost}",
        f"Landmark analyses at {months(asked.landmarks)} compare the patients still at risk there by whether treatment "
        f"had begun by then, time counted from the landmark{cite('anderson')}.",
    ]
    if asked.models:
        labels = series(quoted(study.models[name][0].label) for name in asked.models)
        noun = "model" if len(asked.models) == 1 else "models"
        said.append(f"All of these are given unadjusted and in the {noun} {labels}.")
    said.append(_clones(study))
    if asked.exclusions:
        said.append(
            "What it does to leave patients out by later events is shown beside it "
            f"({populations(study, asked.exclusions)})."
        )
    return " ".join(said)


def _clones(study: Study) -> str:
    asked = study.exposure
    text = (
        f"Last, two strategies were compared, beginning within {asked.grace:g} months and not beginning within them: "
        "each patient was cloned into both, a clone censored when its patient departs from its strategy, and the "
        "censoring made good by weights (clone-censor-weight), the inverse of the probability of not having departed "
        f"given {variables(study, asked.covariates)}{cite('hernan_duration', 'maringe')}: for not beginning from a Cox "
        f"model of beginning, for beginning from a logistic model at {asked.grace:g} months of who has begun, since "
        "until then that strategy lets everybody do as they did; weights are neither stabilised nor cut. They hold "
        "if these covariates explain who begins when and if it does not matter later how early treatment began. The "
        "hazard ratio averages over time in which the strategies hardly differ and has robust errors, the clones of a "
        "patient as one cluster, that take the weights as known"
    )
    drawn = f"; rates and restricted means have percentile intervals from {asked.draws} bootstrap samples of patients"
    return f"{text}{drawn if asked.draws else ''}."


def confounding(study: Study) -> str:
    """E-values; none where no effect of treatment is modelled."""
    if SENSITIVITY.lacking(study):
        return ""
    return (
        "E-values say how strongly a confounder that was not measured would have to be associated with both treatment "
        "and outcome to explain away the hazard ratio for treatment, and its confidence limit nearer to "
        f"1{cite('vanderweele')}; they are given by the formula for rare outcomes and by that for common "
        f"ones{cite('vanderweele_ratios')}, which applies where more than {100 * COMMON:g}% have the event."
    )


def simulation(study: Study) -> str:
    """Drawn cohorts; none where none are asked, or none are stored."""
    asked = study.simulation
    if asked is None or not study.simulation_path.is_file():
        return ""
    rows = f"of {asked.rows} patients each" if asked.rows else "as large as the one analysed"
    truths = series(f"{value:g}" for value in asked.hazard_ratios)
    return (
        f"To see how each way of analysing treatment errs, cohorts {rows} were drawn before this report for each true "
        f"hazard ratio ({truths}), as many as their table says, on {endpoints(study, asked.endpoints)}, with "
        "covariates, starts of treatment and censoring like those seen; bias, rejections and coverage are given with "
        f"their Monte Carlo error{cite('morris')}; see {refer('section', SENSITIVITY.name, SENSITIVITY.words)}."
    )
