"""The statistical methods of a study in prose, only those it asks for, with the works they come from."""

from helpers.exhibits import Prose
from helpers.sections import SECTIONS
from helpers.study import Study
from helpers.wording.methods import closing, patients, regression, treatment
from helpers.wording.methods.works import numbered

CLOSING = "closing"
PARAGRAPHS = {
    "design": ("Design and patients", patients.design),
    "outcomes": ("Endpoints and follow-up", patients.outcomes),
    "description": ("Description of the arms", patients.description),
    "survival": ("Survival", patients.survival),
    "regression": ("Regression", regression.regression),
    "missing": ("Missing values", regression.missing),
    "proportionality": ("Proportional hazards", regression.proportionality),
    "propensity": ("Propensity score", treatment.propensity),
    "splines": ("Continuous variables as curves", regression.splines),
    "subgroups": ("Subgroups", regression.subgroups),
    "within_arm": ("Comparisons within an arm", regression.within_arm),
    "exposure": ("When treatment began", treatment.exposure),
    "confounding": ("Confounding not measured", treatment.confounding),
    "simulation": ("Simulation", treatment.simulation),
    "progression": ("Response and competing events", closing.progression),
    "adverse_events": ("Adverse events", closing.adverse_events),
    CLOSING: ("Level and software", closing.closing),
}


def methods(study: Study) -> Prose:
    """The Methods section: a paragraph for each kind of analysis the study file asks for, works cited by number."""
    names = [*(name for section in SECTIONS for name in section.methods), CLOSING]
    said = ((name, PARAGRAPHS[name][0], PARAGRAPHS[name][1](study)) for name in names)
    return numbered((name, head, text) for name, head, text in said if text)
