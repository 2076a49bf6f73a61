"""Competing events and sites of progression by the names a study gives them."""

from helpers.study import Study
from helpers.study.schema import UNRECORDED

SITES = "sites"
AS_KNOWN = "The arms are taken as known at time zero; cause-specific ratios are given also with treatment as it begins."


def cause_labels(study: Study) -> dict[str, str]:
    """Cause to label: that of interest first, the others as in the file, then events whose cause is not recorded."""
    asked = study.progression.competing
    names = [asked.interest, *(name for name in asked.causes if name != asked.interest)]
    return {**{name: asked.causes[name].label for name in names}, UNRECORDED: asked.unrecorded}


def cause_of(study: Study) -> dict[str, str]:
    """Level of the variable that names events to cause."""
    return {level: name for name, cause in study.progression.competing.causes.items() for level in cause.levels}


def sites(study: Study) -> list[str]:
    """The levels of the first site of progression that are sites."""
    asked = study.progression
    return [level for level in study.variables[asked.first_site].levels if level not in asked.no_site]
