"""The effect of treatment from a landmark on: who is at risk there, treated by then or not (Anderson et al., 1983)."""

from dataclasses import dataclass, replace

import pandas as pd

from helpers.cohort import Cohort
from helpers.cox.models import FittedModel, fitted, model_rows
from helpers.errors import ParameterError
from helpers.ledger import at_label, fit_statistics, wide
from helpers.sensitivity.exposure import SAME, alone, begins, models
from helpers.study.variants import UNADJUSTED

STATISTICS = fit_statistics("landmark")
LONGEST = 1200


@dataclass(frozen=True)
class AtLandmark:
    """A model from a landmark on, its key with the month `at`, and what its rows say beside those of a model."""

    model: FittedModel
    beside: list[dict]
    n_excluded: int


def fitted_landmarks(
    cohort: Cohort, population: str | None = None, *, months: list[float] | None = None
) -> list[AtLandmark]:
    """The models of `landmarks` at their maximum; raises ParameterError as it does."""
    asked = cohort.study.exposure
    if asked is None:
        return []
    where = population or asked.population
    if months is not None:
        _check(cohort, where, months)
    found = []
    for endpoint in asked.endpoints:
        specs = models(cohort, endpoint, where)
        for month in asked.landmarks if months is None else dict.fromkeys(months):
            there = at_landmark(cohort, endpoint, where, month)
            key = {"population": where, "endpoint": endpoint, "analysis": "landmark", "at": at_label(month)}
            key["method"] = f"Cox regression, Efron ties, treated by month {key['at']} or not, time counted from there"
            beside, left = _groups(there, key), len(cohort.rows(where)) - len(there.rows(where))
            for name, spec in specs.items():
                strata = "".join(f", stratified by {each}" for each in spec.strata)
                named = {**key, "model": name, "method": key["method"] + strata}
                found.append(AtLandmark(fitted(there, spec, named), beside, left))
                beside = []
    return found


def landmarks(
    cohort: Cohort,
    population: str | None = None,
    *,
    months: list[float] | None = None,
    fits: list[AtLandmark] | None = None,
) -> pd.DataFrame:
    """Cox models from each landmark `at` (months) on, alone and in the exposure's models.

    At risk is whose time is longer, treated who began by then; a later start counts as untreated, and time runs from
    the landmark. Rows as in `cox.multivariable`, with who is no longer at risk (`n_excluded`), and one an arm (`group`)
    with its patients and events. `population` and `months` replace the study's own, `fits` are those of
    `fitted_landmarks`; no rows without [exposure]. Raises ParameterError for months that cannot be landmarks or lie
    after the last event.
    """
    records = []
    for each in fitted_landmarks(cohort, population, months=months) if fits is None else fits:
        found = model_rows(cohort.study, each.model)
        found[0]["n_excluded"] = each.n_excluded
        records += [*each.beside, *(alone(found) if each.model.key["model"] == UNADJUSTED else found)]
    return wide(records, STATISTICS)


def at_landmark(cohort: Cohort, endpoint: str, population: str, month: float) -> Cohort:
    """The cohort as it stands at a landmark: the population's patients at risk there, and those without a time.

    Their arm says whether they were treated by then, missing where that is not known; their time runs from there.
    """
    arms = cohort.study.arms
    rows = cohort.with_outcome(endpoint, population, variables=[])
    rows = rows[(rows["time"] > month * (1 + SAME["rtol"])) | rows["time"].isna()]
    start = cohort.start(rows)
    unknown = (rows[arms.column] == arms.treated) & start.isna()
    by_then = begins(cohort.study, start, rows["time"]) <= month * (1 + SAME["rtol"])
    arm = pd.Series(arms.reference, index=rows.index).mask(by_then, arms.treated).mask(unknown)
    data = cohort.data.loc[rows.index].assign(
        **{arms.column: pd.Series(pd.Categorical(arm, categories=list(arms.levels)), index=rows.index)}
    )
    outcome = rows[["time", "event"]].assign(time=rows["time"] - month)
    return replace(
        cohort,
        data=data,
        outcomes={**cohort.outcomes, endpoint: outcome},
        members={**cohort.members, population: rows.index},
    )


def _groups(there: Cohort, key: dict) -> list[dict]:
    """A row an arm with its patients at the landmark and their events."""
    arms, rows = there.study.arms, there.outcome(key["endpoint"], key["population"])
    found = []
    for group in arms.levels:
        inside = rows[rows[arms.column] == group]
        counts = {"n": len(inside), "n_event": int(inside["event"].sum())}
        found.append({**key, "model": UNADJUSTED, "group": group, **counts})
    return found


def _check(cohort: Cohort, population: str, months: list[float]) -> None:
    numbers = isinstance(months, list) and all(
        isinstance(each, int | float) and not isinstance(each, bool) and 0 < each <= LONGEST for each in months
    )
    if not numbers or not months:
        raise ParameterError(
            f"landmark_months = {months!r}: give a list of months above zero, or None for the study's own"
        )
    for endpoint in cohort.study.exposure.endpoints:
        known = cohort.outcome(endpoint, population)
        last = known.loc[known["event"], "time"].max()
        for month in months:
            if not last > month * (1 + SAME["rtol"]):
                raise ParameterError(
                    f"landmark_months: month {at_label(month)} lies after the last event of '{endpoint}' in "
                    f"population '{population}'"
                )
