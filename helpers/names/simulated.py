"""The ways of analysing that are tried on drawn cohorts: their names in the ledger and what a reader calls them."""

from helpers.study import Study
from helpers.study.schema import EarlyEvent, Population
from helpers.study.variants import SEPARATOR

UNADJUSTED, ADJUSTED = "_unadjusted", "_adjusted"
NAIVE, EXCLUDED, LANDMARK, TIME_DEPENDENT = "naive", "excluded_", "landmark_", "time_dependent"
WEIGHTED, UNWEIGHTED = "clone_censor_weight", "clone_censor_unweighted"
CLONES = (UNWEIGHTED, WEIGHTED)
STORED = "stored"
FIXED = "Arm as known at time zero"


def is_adjusted(name: str) -> bool:
    """Whether a way of analysing takes the covariates into account, weights by them included."""
    name = name.partition(SEPARATOR)[0]
    return name == WEIGHTED or name.endswith(ADJUSTED)


def way(study: Study, name: str) -> str:
    """What a reader calls a way of analysing, whether adjusted or not."""
    name = name.partition(SEPARATOR)[0]
    if name in CLONES:
        return f"Treated within {study.exposure.grace:g} months or not: cloned, censored"
    name = name.removesuffix(UNADJUSTED).removesuffix(ADJUSTED)
    if name.startswith(EXCLUDED):
        return f"{FIXED}, “{study.all_populations[name.removeprefix(EXCLUDED)].label}”"
    if name.startswith(LANDMARK):
        return f"Landmark at month {name.removeprefix(LANDMARK)}"
    return {NAIVE: FIXED, TIME_DEPENDENT: "Treatment as an exposure that begins"}[name]


def adjustment(name: str) -> str:
    """What a reader calls a way of analysing's adjustment."""
    words = ("unweighted", "weighted") if name.partition(SEPARATOR)[0] in CLONES else ("unadjusted", "adjusted")
    return words[is_adjusted(name)]


def label(study: Study, name: str) -> str:
    """What a reader calls a way of analysing, and whether it is adjusted."""
    return f"{way(study, name)}, {adjustment(name)}"


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
