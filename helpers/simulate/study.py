"""The study of drawn cohorts: what the analyses of treatment need of a study's own, and nothing else."""

from helpers.names.simulated import exclusions
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.study.schema import Population

MODEL = "adjusted"


def drawn_study(study: Study, endpoint: str) -> Study:
    """One endpoint, the covariates, the start of treatment, the exclusions that can be drawn, one adjusted model.

    Eligibility and exclusions are taken while patients are drawn, so no step is left.
    """
    asked = study.exposure
    own = {name: getattr(study, name) for name in type(study).model_fields}
    excluded = exclusions(study, endpoint)
    covariates = [study.arms.column, *asked.covariates]
    exposure = {"before": endpoint, "endpoints": [endpoint], "population": "primary", "models": [MODEL]}
    drawn = {
        "endpoints": {endpoint: study.endpoints[endpoint]},
        "variables": {
            name: study.variables[name].model_copy(update={"cut": None}) for name in [asked.start, *asked.covariates]
        },
        "populations": {name: Population(label=study.all_populations[name].label) for name in excluded},
        "models": {MODEL: [Model(label="Adjusted", endpoints=[endpoint], covariates=covariates)]},
        "exposure": asked.model_copy(update={**exposure, "exclusions": list(excluded)}),
    }
    none = dict.fromkeys(("imputation", "propensity", "splines", "subgroups", "progression", "adverse_events"))
    empty = {name: [] for name in ("eligibility", "univariable", "within_arm", "published_populations")}
    return type(study).model_construct(**{**own, **none, **empty, **drawn})
