"""The effect of treatment as an exposure that begins: untreated time counts as untreated (Mantel & Byar, 1974)."""

import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import maximise
from helpers.cox.design import costs
from helpers.cox.models import FittedModel, model_rows
from helpers.ledger import fit_statistics, wide
from helpers.sensitivity.exposure import alone, exposed, models, pieces
from helpers.study.analyses import Model
from helpers.study.variants import UNADJUSTED

STATISTICS = fit_statistics("cox_time_dependent")


def fitted_exposures(cohort: Cohort, population: str | None = None) -> list[FittedModel]:
    """The models of `time_dependent` at their maximum."""
    asked = cohort.study.exposure
    if asked is None:
        return []
    return [
        _fitted(cohort, endpoint, where, name, spec)
        for where in ([population] if population else dict.fromkeys([asked.population, *asked.exclusions]))
        for endpoint in asked.endpoints
        for name, spec in models(cohort, endpoint, where).items()
    ]


def time_dependent(
    cohort: Cohort, population: str | None = None, *, fits: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Cox models in which a patient is untreated until treatment begins, alone and in the exposure's models.

    Rows as in `cox.multivariable`, in the exposure's population and its exclusions, or in `population` alone. `n` is
    patients: who is treated later counts in both levels of treatment, each event in the level it happened in. A treated
    patient without a start is missing. `fits` are those of `fitted_exposures`. No rows without [exposure].
    """
    records = []
    for each in fitted_exposures(cohort, population) if fits is None else fits:
        found = model_rows(cohort.study, each)
        records += alone(found) if each.key["model"] == UNADJUSTED else found
    return wide(records, STATISTICS)


def _fitted(cohort: Cohort, endpoint: str, population: str, name: str, spec: Model) -> FittedModel:
    study, covariates = cohort.study, spec.covariates
    known, start, lost = exposed(cohort, endpoint, population, [*covariates, *spec.strata])
    rows = pieces(study, known, start)
    lost_to = costs(cohort, endpoint, population, covariates)
    lost_to[study.arms.column] = exposed(cohort, endpoint, population, [])[2]
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_time_dependent", "model": name}
    key["method"] = "Cox regression, Efron ties, treatment as an exposure that begins"
    key["method"] += "".join(f", stratified by {each}" for each in spec.strata)
    return FittedModel(key, spec, covariates, rows, lost, lost_to, maximise(study, rows, covariates, spec.strata))
