"""What an analysis of the effect of treatment does with time: the heading it stands under and what it is called."""

from collections.abc import Mapping
from typing import NamedTuple

from helpers.study import Study
from helpers.study.schema import EarlyEvent, Step
from helpers.study.variants import UNADJUSTED

FIXED, BEGINS, LANDMARK, CLONES = "fixed", "begins", "landmark", "clones"
ANALYSES = {
    "cox_univariable": FIXED,
    "cox_multivariable": FIXED,
    "landmark": LANDMARK,
    "cox_time_dependent": BEGINS,
    "clone_censor_weight": CLONES,
}
HEADINGS = {
    FIXED: "Arm as if known at time zero",
    LANDMARK: "Treated by a landmark or not, among those at risk there",
    BEGINS: "Treatment as an exposure that begins",
    CLONES: "Patients cloned into both strategies, censored and weighted",
}
WEIGHTED, UNWEIGHTED = "weighted", "unweighted"


class Design(NamedTuple):
    """The kind of analysis, the name it has there without its adjustment, and its adjustment."""

    kind: str
    name: str
    adjustment: str


def design(study: Study, row: Mapping[str, str]) -> Design:
    """How the effect in a ledger row was estimated, in a reader's words."""
    population, endpoint, model, at = (row[name] for name in ("population", "endpoint", "model", "at"))
    kind = ANALYSES[row["analysis"]]
    label = study.all_populations[population].label
    if kind == CLONES:
        name = f"Within {months(at)} of {study.endpoints[endpoint].origin}, or not"
        return Design(kind, name, "weighted" if model == WEIGHTED else "without weights")
    name = f"Month {at}" if kind == LANDMARK else label
    if kind != LANDMARK and _steps(study, population):
        name += " ‡"
    return Design(kind, name, study.model_label(model, endpoint, population))


def months(at: str) -> str:
    """`1 month`, `6 months`."""
    return f"{at} month{'' if at == '1' else 's'}"


def heading(study: Study, kind: str) -> str:
    """What stands above analyses of a kind."""
    return HEADINGS[kind] if study.exposure else "Cox regression"


def conditioning(study: Study, populations: list[str]) -> list[str]:
    """A sentence for each population that leaves out patients by what happened to them later."""
    steps = [each for name in dict.fromkeys(populations) for each in _steps(study, name)]
    return list(dict.fromkeys(_sentence(study, name, step.exclude_event, step.reason) for name, step in steps))


def _steps(study: Study, population: str) -> list[tuple[str, Step]]:
    """The steps on the way to a population that exclude by an event, each with the population it belongs to."""
    line = study.lineage(population)
    return [(name, step) for name in line for step in study.all_populations[name].steps if step.exclude_event]


def _sentence(study: Study, population: str, early: EarlyEvent, reason: str) -> str:
    label = study.all_populations[population].label
    if early.after is None:
        what = (
            "whoever is in it had lived that long, so months before count for nobody, and treatment that began before "
            "is judged by its survivors"
        )
    else:
        what = "it takes early events away from one arm alone, and so favours it"
    return f"“{label}” leaves patients out by what happened later ({reason}): {what}."


def is_alone(model: str) -> bool:
    """Whether a model holds treatment alone."""
    return model in {UNADJUSTED, UNWEIGHTED}
