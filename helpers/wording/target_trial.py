"""The trial a cohort imitates, part by part: what it would be, how the cohort stands in for it, where it falls short.

Hernán & Robins (2016) for the parts; the TARGET statement (Cashin et al., 2025) asks that they be laid side by side.
"""

from typing import NamedTuple

from helpers import notation
from helpers.exhibits import Sentences, refer
from helpers.names.designs import conditioning
from helpers.notation import counted
from helpers.sections import METHODS
from helpers.study import Study
from helpers.study.hindsight import hindsight, is_hindsight, late
from helpers.wording.methods.names import endpoints, months, populations, sentence, series, variables
from helpers.wording.phrases import quoted

NOTHING = "Nothing that the study file names."


class Part(NamedTuple):
    """A part of the protocol: of the trial, in this cohort, and where the two differ."""

    name: str
    trial: str
    cohort: str
    shortfall: str


def target_trial(study: Study) -> tuple[Part, ...]:
    """Eligibility, strategies, assignment, time zero, follow-up, outcome, contrast and analysis."""
    parts = (_eligibility, _strategies, _assignment, _time_zero, _follow_up, _outcome, _contrast, _analysis)
    return tuple(part(study) for part in parts)


def hindsights(study: Study) -> Sentences:
    """Which populations are chosen by what happened after time zero, and how; that none is."""
    names = [name for name in study.all_populations if name != "screened"]
    chosen = [name for name in names if is_hindsight(study, name)]
    if not chosen:
        return Sentences(("No population is chosen by what happened after time zero.",))
    said = [
        f"Who belongs to {populations(study, chosen)} is known only after time zero: comparisons there are conditioned "
        "on what happened later."
    ]
    said += conditioning(study, chosen)
    return Sentences(tuple(said))


def _eligibility(study: Study) -> Part:
    trial = "Patients who meet all criteria when they are enrolled, before anything is known of their course."
    steps = study.eligibility
    cohort = (
        f"{sentence(counted(len(steps), 'criterion', 'criteria'))}, applied to the table of patients afterwards"
        if steps
        else "All patients of the table"
    )
    own = [quoted(step.reason) for _, step in hindsight(study, "primary")]
    others = [name for name in study.populations if any(at != "primary" for at, _ in hindsight(study, name))]
    said = [f"Judged by what happened after time zero: {series(own)}."] if own else []
    said += [f"So chosen, too: {populations(study, others)}."] if others else []
    where = refer("Table", "populations", f"populations, {METHODS.words}")
    return Part("Eligibility", trial, f"{cohort} ({where}).", " ".join(said) or NOTHING)


def _strategies(study: Study) -> Part:
    treated, reference = (quoted(study.arms.levels[each]) for each in (study.arms.treated, study.arms.reference))
    asked = study.exposure
    if asked is None:
        return Part(
            "Treatment strategies",
            f"{treated} or {reference}, begun at time zero.",
            f"The arm as recorded in the table ({notation.within(study.arms.label)}).",
            "When treatment began is not in the study file ([exposure]); it is assumed to begin at time zero, and to "
            "be one treatment in all who have it.",
        )
    return Part(
        "Treatment strategies",
        f"{treated} begun within {asked.grace:g} months of time zero, or not begun within them.",
        f"Who began, and when ({notation.within(study.variables[asked.start].label)}); a grace period of "
        f"{asked.grace:g} months in the analysis of clones.",
        "Where the arm is fixed at time zero it is whoever ever began, however late; a grace period lets early events "
        "count for both strategies.",
    )


def _assignment(study: Study) -> Part:
    held = list(study.propensity.covariates) if study.propensity else []
    for models in study.models.values():
        held += [name for each in models for name in [*(each.covariates or []), *each.strata]]
    held += study.exposure.covariates if study.exposure else []
    held = [name for name in dict.fromkeys(held) if name != study.arms.column]
    known_later = late(study, held)
    before = [name for name in held if name not in known_later]
    how = "At random." if study.randomised else "As decided in practice."
    cohort = f"{how} Adjusted for: {variables(study, before)}." if before else how
    said = [] if study.randomised else ["Confounding by anything else remains."]
    if known_later:
        said.append(
            f"Some models or the score hold what is known only after time zero ({variables(study, known_later)}), "
            "which a trial could not adjust for without bias."
        )
    return Part("Assignment", "At random at time zero, known to all.", cohort, " ".join(said) or NOTHING)


def _time_zero(study: Study) -> Part:
    origins = series(dict.fromkeys(entry.origin for entry in study.endpoints.values()))
    trial = "The moment at which a patient is eligible, is assigned a strategy and begins to be followed."
    asked = study.exposure
    if asked is None:
        return Part(
            "Time zero",
            trial,
            f"{sentence(origins)}, in both arms.",
            "It is assumed that treatment was decided by then; if it began later, its patients had to live until it "
            "did (immortal time), and no analysis here allows for it.",
        )
    landmarks = series(f"{each:g}" for each in asked.landmarks)
    return Part(
        "Time zero",
        trial,
        f"{sentence(origins)}; in landmark analyses month {landmarks} after it.",
        f"Treatment begins later ({notation.within(study.variables[asked.start].label)}): where the arm is taken as "
        f"known at time zero, the treated cannot have had the event of {endpoints(study, [asked.before])} before they "
        "began (immortal time).",
    )


def _follow_up(study: Study) -> Part:
    cut_off = study.cohort.data_cut_off
    dated = any(entry.time is None for entry in study.endpoints.values())
    until = f"last contact or the data cut-off ({cut_off})" if dated and cut_off else "the time recorded"
    losing = [name for name, entry in study.endpoints.items() if entry.missing_time == "exclude"]
    said = ["Visits were not scheduled alike by protocol; who leaves is assumed to be like who stays."]
    said += [f"Patients without a usable time are left out ({endpoints(study, losing)})."] if losing else []
    trial = "From time zero to the event, loss to follow-up or the end of the study, alike in both arms."
    return Part("Follow-up", trial, f"From time zero to the event or {until}.", " ".join(said))


def _outcome(study: Study) -> Part:
    trial = "The same outcomes, judged without knowledge of the arm."
    assessed = (
        refer("Text", "outcomes", "Methods, Endpoints and follow-up") if study.reporting.assessment else "as recorded"
    )
    shortfall = (
        "Whether the judges knew the arm is not in the data; an event that must be looked for is dated when found."
    )
    return Part("Outcome", trial, f"{sentence(endpoints(study, study.endpoints))} ({assessed}).", shortfall)


def _contrast(study: Study) -> Part:
    trial = "Effect of being assigned to a strategy, and of keeping to it, in all who are eligible."
    cohort = ["Association of the treatment received with the outcome"]
    if any(each.matching for each in study.populations.values()):
        cohort.append("among matched patients the effect in the treated who found a partner")
    if study.propensity:
        cohort.append("under weights the effect in those whom each weight stands for")
    if study.exposure:
        cohort.append("among clones the effect of keeping to a strategy")
    shortfall = "Who would have been assigned is not known, so there is no effect of assignment."
    if study.randomised:
        cohort[0], shortfall = "Effect of the arm recorded", "Who departed from the arm is not in the study file."
    return Part("Causal contrast", trial, f"{'; '.join(cohort)}.", shortfall)


def _analysis(study: Study) -> Part:
    methods = refer("section", METHODS.name, METHODS.words)
    cohort = ["Kaplan-Meier curves"]
    cohort += ["Cox models"] if study.models or study.univariable else []
    cohort += ["matching and weighting by the propensity score"] if study.propensity else []
    asked = study.exposure
    if asked is None:
        shortfall = "Rests on there being no confounder but those held, and on treatment at time zero."
    else:
        cohort += [
            "treatment as a covariate that changes",
            f"landmarks at {months(asked.landmarks)}",
            "weighted clones",
        ]
        shortfall = (
            "Analyses with the arm fixed at time zero are shown to be compared, not believed; the others rest on there "
            "being no confounder but those held, and speak of the patients who were chosen as Eligibility says."
        )
    return Part(
        "Analysis",
        "Compare everybody as assigned; then as treated, weighted for who departs.",
        f"{sentence(series(cohort))} ({methods}).",
        shortfall,
    )
