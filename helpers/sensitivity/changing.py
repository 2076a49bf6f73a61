"""Whether the hazards are proportional in the analyses of time, and the effect of treatment by period where not."""

import pandas as pd

from helpers.cohort import Cohort
from helpers.cox.diagnostics import PERIOD, PROPORTIONALITY, log_time_test, period_rows, zph_rows
from helpers.cox.models import FittedModel, fitted
from helpers.ledger import wide
from helpers.names.designs import LOG_TIME
from helpers.sensitivity.cloning import cloned_models
from helpers.sensitivity.fixed import asked_of
from helpers.sensitivity.landmarks import AtLandmark, fitted_landmarks
from helpers.sensitivity.time_dependent import fitted_exposures
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.study.variants import UNADJUSTED, variant

STATISTICS = list(dict.fromkeys([*PROPORTIONALITY, *PERIOD]))


def changing(
    cohort: Cohort,
    population: str | None = None,
    *,
    months: list[float] | None = None,
    grace: float | None = None,
    landmarks: list[AtLandmark] | None = None,
    exposures: list[FittedModel] | None = None,
) -> pd.DataFrame:
    """The test of proportional hazards for treatment in every analysis of time, model `name:analysis`.

    Landmarks (`name:landmark_3`, time counted from there) and populations conditioned on the later by the score test,
    exposures that begin and clones by the Wald test of treatment times the logarithm of time with patients as
    clusters. Where P is below the study's level the effect by period follows, as in `cox.periods`. `landmarks` and
    `exposures` are those of `fitted_landmarks` and `fitted_exposures`.
    """
    study, rows = cohort.study, []
    landmarks = fitted_landmarks(cohort, population, months=months) if landmarks is None else landmarks
    exposures = fitted_exposures(cohort, population) if exposures is None else exposures
    for each in landmarks:
        rows += _scored(study, each.model, f"landmark_{each.model.key['at']}")
    if population is None:
        for where, endpoint, name in [each for each in asked_of(cohort, None) if each[0] in study.conditioned]:
            key = {"population": where, "endpoint": endpoint, "model": name or UNADJUSTED}
            spec = study.model(name, endpoint, where) if name else _alone(study, endpoint)
            rows += _scored(study, fitted(cohort, spec, key), "")
    for model in exposures:
        patients = pd.Series(model.known.index.get_level_values(0), index=model.known.index)
        rows += _by_log_time(study, model, patients)
    for model, clusters, weights in cloned_models(cohort, population, grace=grace):
        rows += _by_log_time(study, model, clusters, weights)
    return wide(rows, STATISTICS)


def _alone(study: Study, endpoint: str) -> Model:
    return Model(label="Treatment alone", endpoints=[endpoint], covariates=[study.arms.column])


def _named(model: FittedModel, what: str) -> dict[str, str]:
    key = {name: value for name, value in model.key.items() if name in {"population", "endpoint", "model"}}
    return {**key, "model": variant(key["model"], what) if what else key["model"]}


def _scored(study: Study, model: FittedModel, what: str) -> list[dict]:
    """The score test for treatment, and the effect by period where it fails."""
    found = [row for row in zph_rows(model) if row["variable"] == study.arms.column]
    own = _named(model, what)
    rows = [{**row, **own, "at": ""} for row in found]
    failing = any(row.get("p_proportional", 1) < 1 - study.confidence for row in rows)
    return rows + [{**row, **own} for row in (period_rows(study, model) if failing else [])]


def _by_log_time(study: Study, model: FittedModel, clusters: pd.Series, weights: pd.Series | None = None) -> list[dict]:
    """The robust test for treatment, and the effect by period where it fails."""
    own = _named(model, model.key["analysis"])
    tested = log_time_test(study, model, clusters, weights)
    row = {**own, "analysis": "diagnostics", "variable": study.arms.column, "method": LOG_TIME, **tested}
    failing = tested.get("p_proportional", 1) < 1 - study.confidence
    periods = period_rows(study, model, clusters, weights) if failing else []
    return [row, *({**each, **own} for each in periods)]
