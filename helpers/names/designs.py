"""What an analysis of the effect of treatment does with time: the heading it stands under and what it is called."""

from collections.abc import Mapping
from typing import NamedTuple

from helpers import notation
from helpers.names.weights import WEIGHTS
from helpers.study import Study
from helpers.study.schema import EarlyEvent, Step
from helpers.study.variants import CLUSTERED, UNADJUSTED, split, variant

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
    LANDMARK: "Landmark: treated by then or not, among those at risk there",
    BEGINS: "Time-dependent Cox: treatment as an exposure that begins",
    CLONES: "Clone-censor-weight: patients cloned into both strategies",
}
NAMES = {
    FIXED: "arm as if known at time zero",
    LANDMARK: "landmark",
    BEGINS: "time-dependent Cox",
    CLONES: "clone-censor-weight",
}
AT_LANDMARK = "landmark_"
LOG_TIME = "Wald test of treatment times the logarithm of time, robust errors"
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
        name = f"Within {notation.months(at)} of {study.endpoints[endpoint].origin}, or not"
        return Design(kind, name, "weighted" if model == WEIGHTED else "without weights")
    name = f"Month {notation.month(at)}" if kind == LANDMARK else label
    if kind != LANDMARK and _steps(study, population):
        name += " ‡"
    return Design(kind, name, study.model_label(model, endpoint, population))


def tested(study: Study, model: str, endpoint: str, population: str) -> str:
    """The model a test of proportional hazards is of, such as `paper`, `overlap:cox_weighted`, `paper:landmark_3`."""
    base, what = split(model)
    if what == "cox_weighted":
        return WEIGHTS[base].label
    if what == "clone_censor_weight":
        return f"{_sentence_case(NAMES[CLONES])}, {'weighted' if base == WEIGHTED else 'without weights'}"
    if what.startswith(AT_LANDMARK):
        way = f"landmark at month {what.removeprefix(AT_LANDMARK)}"
    else:
        way = NAMES[BEGINS] if what == "cox_time_dependent" else ""
    label = study.model_label(base if way else model, endpoint, population)
    return f"{label}, {way}" if way else label


def test_of(row: Mapping[str, str]) -> str:
    """The model under which a ratio's test of proportional hazards stands."""
    base, what = split(row["model"])
    if row["analysis"] == "landmark":
        what = f"{AT_LANDMARK}{row['at']}"
    elif row["analysis"] in {"cox_weighted", "cox_time_dependent", "clone_censor_weight"}:
        what = row["analysis"]
    elif what == CLUSTERED:
        what = ""
    return variant(base, what) if what else base


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]


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
        event, month = study.endpoints[early.endpoint].event_label, f"{early.before_months:g}"
        what = (
            f"it can hold no {event} before month {month}, those months count as lived through, and treatment "
            "that began before is judged by its survivors"
        )
    else:
        what = "it takes early events away from one arm alone, and so favours it"
    return f"“{label}” leaves patients out by what happened later ({reason}): {what}."


def is_alone(model: str) -> bool:
    """Whether a model holds treatment alone."""
    return model in {UNADJUSTED, UNWEIGHTED}
