"""The effect of treatment with the arm taken as known at time zero: what the other analyses of time are held against.

Where treatment begins later, its patients cannot have had the event before it began, and that time counts in its favour
(immortal time; Suissa, 2008). Leaving out patients by what happened after treatment began conditions on the outcome.
"""

from collections.abc import Iterable

import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import fitted_models, multivariable, univariable
from helpers.cox.models import STATISTICS, fitted, model_rows, one_variable
from helpers.ledger import select, wide
from helpers.study.variants import UNADJUSTED


def fixed(cohort: Cohort, population: str | None = None, *, known: Iterable[pd.DataFrame] = ()) -> pd.DataFrame:
    """Cox models with the arm as known at time zero, alone and in the study's models, rows as in 04.

    With [exposure] its endpoints and models, in its population, in its exclusions and in what is matched out of either;
    else every model. `population` is the only one where given. A model whose rows are `known`, results of `univariable`
    and `multivariable`, is not fitted again.
    """
    records, frames = [], list(known)
    for where, endpoint, model in asked_of(cohort, population):
        key = {"population": where, "endpoint": endpoint, "model": model or UNADJUSTED}
        own = {} if model else {"variable": cohort.study.arms.column}
        made = (select(frame, **key, **own).to_dict("records") for frame in frames)
        if found := next(filter(None, made), None):
            records += found
        elif model:
            records += model_rows(cohort.study, fitted(cohort, cohort.study.model(model, endpoint, where), key))
        else:
            records += one_variable(cohort, endpoint, cohort.study.arms.column, where)
    return wide(records, STATISTICS)


def conditioned(cohort: Cohort) -> dict[str, pd.DataFrame]:
    """`univariable` and `multivariable` Cox results in the populations conditioned on what happened to them later."""
    models = fitted_models(cohort, conditioned=True)
    frames = univariable(cohort, conditioned=True), multivariable(cohort, models=models)
    return dict(zip(("univariable", "multivariable"), frames, strict=True))


def populations(cohort: Cohort) -> list[str]:
    """Where treatment is examined: the exposure's population and exclusions and what is matched out of them."""
    asked = cohort.study.exposure
    if asked is None:
        return [name for name in cohort.members if name not in {"screened", *cohort.study.conditioned}]
    own = [asked.population, *asked.exclusions]
    found = [each for name in own for each in (name, *_matched_out_of(cohort, name))]
    return list(dict.fromkeys(found))


def asked_of(cohort: Cohort, population: str | None) -> list[tuple[str, str, str]]:
    """Population, endpoint and model, which is empty for treatment alone; a matched one has models of its own only."""
    study, asked = cohort.study, cohort.study.exposure
    arm, found = study.arms.column, []
    names = list(study.models) if asked is None else asked.models
    for where in [population] if population else populations(cohort):
        lists = [each for each in study.univariable if each.population == where and arm in each.variables]
        own = [endpoint for each in lists for endpoint in each.endpoints]
        wanted = list(study.endpoints) if asked is None else asked.endpoints
        alone = own if study.is_matched(where) or asked is None else wanted
        found += [(where, endpoint, "") for endpoint in wanted if endpoint in alone]
        within = {each.name for each in study.within_arm if each.population == where}
        for name in [each for each in names if each not in within]:
            specs = [each for each in study.models[name] if arm in [*(each.covariates or []), *(each.candidates or [])]]
            given = {endpoint for each in specs if each.population == where for endpoint in each.endpoints}
            lent = {endpoint for each in specs for endpoint in each.endpoints}
            fits = given if asked is None or study.is_matched(where) else lent
            found += [(where, endpoint, name) for endpoint in wanted if endpoint in fits]
    return found


def _matched_out_of(cohort: Cohort, population: str) -> list[str]:
    return [name for name in cohort.pairs if cohort.study.all_populations[name].of == population]
