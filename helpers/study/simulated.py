"""The ways of analysing that are tried on drawn cohorts: their names in the ledger and what a reader calls them."""

from helpers.study import Study
from helpers.study.schema import EarlyEvent, Population
from helpers.study.variants import SEPARATOR

UNADJUSTED, ADJUSTED = "naive_unadjusted", "naive_adjusted"
EXCLUDED, LANDMARK = "excluded_", "landmark_"
TIME_DEPENDENT, CLONES = "time_dependent", "clone_censor_weight"
STORED = "stored"
FIXED = "Arm as known at time zero"


def label(study: Study, name: str) -> str:
    """What a reader calls a way of analysing."""
    name = name.partition(SEPARATOR)[0]
    if name.startswith(EXCLUDED):
        return f"{FIXED}, adjusted, “{study.all_populations[name.removeprefix(EXCLUDED)].label}”"
    if name.startswith(LANDMARK):
        return f"Landmark at month {name.removeprefix(LANDMARK)}, adjusted"
    grace = f"{study.exposure.grace:g}"
    return {
        UNADJUSTED: f"{FIXED}, unadjusted",
        ADJUSTED: f"{FIXED}, adjusted",
        TIME_DEPENDENT: "Treatment as an exposure that begins, adjusted",
        CLONES: f"Treated within {grace} months or not: cloned, censored, weighted",
    }[name]


def drawable(study: Study, endpoint: str, early: EarlyEvent) -> bool:
    """Whether a step can be taken on drawn patients: they have this endpoint alone, and the start of treatment."""
    return early.endpoint == endpoint and early.after in {None, study.exposure.start}


def exclusions(study: Study, endpoint: str) -> dict[str, list[EarlyEvent]]:
    """The study's exclusions that can be drawn, each with every early event it leaves out.

    One whose events are another endpoint's, or that is matched, or that asks for anything else of a patient, is none.
    """
    return {
        name: [step.exclude_event for each in _line(study, name) for step in each.steps]
        for name in study.exposure.exclusions
        if all(_is_drawable(study, endpoint, each) for each in _line(study, name))
    }


def _line(study: Study, name: str) -> list[Population]:
    """The populations a patient passes from the one in which treatment is examined to this one."""
    before = study.lineage(study.exposure.population)
    return [study.all_populations[each] for each in study.lineage(name) if each not in before]


def _is_drawable(study: Study, endpoint: str, population: Population) -> bool:
    early = [step.exclude_event for step in population.steps]
    return not population.matching and all(each and drawable(study, endpoint, each) for each in early)
