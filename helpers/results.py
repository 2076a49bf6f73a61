"""The whole ledger of a study without a notebook or a file: each section as the list of its estimates."""

from collections.abc import Callable

import pandas as pd

from helpers import (
    cox,
    describe,
    incidence,
    matching,
    sensitivity,
    simulate,
    splines,
    subgroups,
    survival,
    weighting,
    within_arm,
)
from helpers.cohort import Cohort
from helpers.errors import ParameterError
from helpers.ledger import joined, melt, merged
from helpers.study import Study


def _methods(cohort: Cohort) -> list[pd.DataFrame]:
    return [describe.flow(cohort), describe.missing(cohort)]


def _cohort(cohort: Cohort) -> list[pd.DataFrame]:
    return [
        describe.flow(cohort),
        describe.counts(cohort),
        describe.summaries(cohort),
        describe.comparisons(cohort),
        describe.balance(cohort),
    ]


def _survival(cohort: Cohort) -> list[pd.DataFrame]:
    return [
        describe.events(cohort),
        describe.course(cohort),
        survival.follow_up(cohort),
        survival.medians(cohort),
        survival.rates(cohort),
        survival.at_risk(cohort),
        survival.log_rank(cohort),
        survival.restricted_means(cohort),
    ]


def _prognostic_factors(cohort: Cohort) -> list[pd.DataFrame]:
    models = cox.fitted_models(cohort)
    univariable = cox.univariable(cohort)
    diagnostics = (cox.proportionality, cox.mean_differences, cox.periods)
    return [
        describe.flow(cohort),
        *matching.baselines(cohort).values(),
        weighting.weighted_balance(cohort),
        matching.scores(cohort),
        matching.positivity(cohort),
        matching.stability(cohort),
        weighting.weighted(cohort),
        univariable,
        cox.multivariable(cohort, models=models),
        cox.companions(cohort, models=models, univariable=univariable),
        *(table(cohort, models=models) for table in diagnostics),
        splines.splines(cohort),
    ]


def _subgroups(cohort: Cohort) -> list[pd.DataFrame]:
    compared = (within_arm.events, within_arm.medians, within_arm.univariable, within_arm.multivariable)
    return [subgroups.subgroups(cohort), subgroups.interactions(cohort), *(each(cohort) for each in compared)]


def _sensitivity(cohort: Cohort) -> list[pd.DataFrame]:
    frames = [
        sensitivity.fixed(cohort),
        sensitivity.landmarks(cohort),
        sensitivity.time_dependent(cohort),
        sensitivity.clone_censor_weight(cohort),
    ]
    beside = [*sensitivity.conditioned(cohort).values(), simulate.stored(cohort).frame]
    return [*frames, sensitivity.e_values(cohort.study, frames), *beside]


def _progression(cohort: Cohort) -> list[pd.DataFrame]:
    counted = (describe.progression, describe.progression_tests, describe.progression_differences)
    return [each(cohort) for each in (*counted, incidence.incidences, incidence.gray_tests)]


def _adverse_events(cohort: Cohort) -> list[pd.DataFrame]:
    return [describe.adverse_events(cohort), describe.risk_differences(cohort)]


SECTIONS: dict[str, Callable[[Cohort], list[pd.DataFrame]]] = {
    "01_methods": _methods,
    "02_cohort": _cohort,
    "03_survival": _survival,
    "04_prognostic_factors": _prognostic_factors,
    "05_subgroups": _subgroups,
    "06_sensitivity": _sensitivity,
    "07_progression": _progression,
    "08_adverse_events": _adverse_events,
}


def results(study: Study, cohort: Cohort, results_dir: str | None = None) -> pd.DataFrame:
    """Every row of the study's ledger, section by section; read from `results_dir` where sections left theirs there.

    Raises ParameterError where no section left any.
    """
    if results_dir is not None:
        rows = merged(results_dir)
        if rows.empty:
            raise ParameterError("no section has left its results to read")
        return rows
    parts = [melt(frames(cohort), name) for name, frames in SECTIONS.items() if name not in study.left_out()]
    return joined(parts)
