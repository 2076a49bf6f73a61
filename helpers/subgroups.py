"""The effect of treatment in each level of other variables, and whether it differs between the levels.

Exploratory: whether effects differ is told by the test of interaction, not by one level's P beside another's (Altman &
Bland, 2003), and the tests of one endpoint and population are many (Holm, 1979).
"""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox.design import Maximum, columns, complete_cases
from helpers.cox.kernel import NO_MAXIMUM, NO_VARIATION, fit
from helpers.cox.models import EFFECT, effect, likelihood_ratio, wald
from helpers.ledger import STATISTICS_OF, wide
from helpers.study import Study

TESTS = ["df", "p_overall", "p_lrt", "p_holm"]
ONE_ARM = "no patients in one arm"
ONE_ARM_WITHOUT = "no events in one arm"
TOO_FEW = "fewer than two levels have patients in both arms and events"
DEPENDENT = 1e-5


def subgroups(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Hazard ratio of treatment in every level of the study's subgroup variables, one Cox model a level.

    The row without variable is all patients. Under each row two with `group` hold an arm's patients and events.
    `population` replaces the study's own; a study without [subgroups] has no rows. Raises ParameterError for a
    population the study does not name.
    """
    rows = [row for key in _asked(cohort, population) for row in _every_level(cohort, key)]
    return wide(rows, STATISTICS_OF["subgroup"])


def interactions(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Tests of whether the effect of treatment differs between the levels of each subgroup variable.

    One model with the products of treatment and levels against the one without: likelihood-ratio test, Wald test of the
    products together, and the former's P by Holm's (1979) method over the variables tested in that endpoint and
    population. A level without events or with patients of one arm alone stays in both models and has no product. Where
    only one arm of a level has events the likelihood-ratio test is its limit, and there is no Wald test.
    """
    rows = []
    for key in _asked(cohort, population):
        tested = [_interaction(cohort, key, variable) for variable in cohort.study.subgroups.variables]
        adjusted = holm(np.array([row["p_lrt"] for row in tested]))
        n_tested = np.count_nonzero(~np.isnan(adjusted))
        rows += [{**row, "p_holm": p, "n_tested": n_tested} for row, p in zip(tested, adjusted, strict=True)]
    return wide(rows, STATISTICS_OF["interaction"])


def holm(p: np.ndarray) -> np.ndarray:
    """P values adjusted for their number by the step-down method of Holm (1979); NaN is no test and stays NaN."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def _asked(cohort: Cohort, population: str | None) -> list[dict[str, str]]:
    """What the study file asks for: population, endpoint and model of the ledger's key."""
    asked = cohort.study.subgroups
    if asked is None:
        return []
    model = "adjusted" if asked.covariates else "unadjusted"
    return [
        {"population": where, "endpoint": endpoint, "model": model}
        for where in ([population] if population else asked.populations)
        for endpoint in dict.fromkeys(asked.endpoints)
    ]


def _every_level(cohort: Cohort, key: dict[str, str]) -> list[dict]:
    study, covariates = cohort.study, cohort.study.subgroups.covariates
    rows = _level(study, key, _known(cohort, key, covariates)[0], covariates)
    for variable in study.subgroups.variables:
        others = _others(study, variable)
        known, _ = _known(cohort, key, [variable, *others])
        for level in study.level_labels(variable):
            inside = known[known[variable] == level]
            rows += _level(study, {**key, "variable": variable, "level": level}, inside, others)
    return rows


def _level(study: Study, key: dict[str, str], inside: pd.DataFrame, covariates: list[str]) -> list[dict]:
    """The effect of treatment among some patients, and under it each arm's patients and events."""
    arms, within = study.arms, " within the level" if "level" in key else ""
    method = f"Cox regression of treatment{within}, Efron ties{_beside(covariates)}"
    key = {**key, "analysis": "subgroup", "method": method}
    reason = _no_contrast(study, inside)
    if reason:
        found = _blank(EFFECT, reason)
    else:
        found = effect(study, _maximum(study, inside, covariates), (arms.column, arms.treated))
    by_arm = [{**key, "group": arm, **_size(inside[inside[arms.column] == arm])} for arm in arms.levels]
    return [{**key, "reference": arms.reference, **_size(inside), **found}, *by_arm]


def _interaction(cohort: Cohort, key: dict[str, str], variable: str) -> dict:
    """The tests of one variable, all but the adjustment for their number."""
    study, covariates = cohort.study, _others(cohort.study, variable)
    known, lost = _known(cohort, key, [variable, *covariates])
    method = "Cox regression with and without products of treatment and levels, Efron ties"
    row = {**key, "analysis": "interaction", "variable": variable, "method": method + _beside(covariates)}
    reason = _no_contrast(study, known)
    tests = _blank(TESTS, reason) if reason else _tests(study, known, variable, covariates)
    return {**row, **_size(known), **lost, **tests}


def _tests(study: Study, known: pd.DataFrame, variable: str, covariates: list[str]) -> dict:
    """Degrees of freedom and P values of the products of treatment and the levels that allow them."""
    arms, reduced = study.arms, _maximum(study, known, [variable, *covariates])
    used = known.loc[reduced.design.index]
    levels = _both_arms(study, used, variable)
    if len(levels) < 2:
        return _blank(TESTS, TOO_FEW)
    treated = reduced.design[arms.column, arms.treated]
    names = [(f"{arms.column}:{variable}", level) for level in levels[1:]]
    products = pd.DataFrame({name: treated * (used[variable] == name[1]) for name in names})
    full = _fitted(used, pd.concat([reduced.design, products], axis=1))
    names = [name for name in names if full.blank.get(name) != NO_VARIATION]
    tested = likelihood_ratio(full, reduced)
    if "not_estimable" in tested:
        return _blank(TESTS, tested["not_estimable"]["p_lrt"])
    tested["df"] = len(names)
    if any(name in full.blank for name in names):
        return {**tested, **_blank(["p_overall"], _infinite(study, used, variable, levels))}
    return {**tested, "p_overall": wald(full.fit, names)[1]}


def _known(cohort: Cohort, key: dict[str, str], needed: list[str]) -> tuple[pd.DataFrame, dict]:
    """The patients complete in what a model needs, and who else was lost."""
    known, lost = complete_cases(cohort, key["endpoint"], key["population"], needed)
    return known[[cohort.study.arms.column, *needed, "time", "event"]], lost


def _maximum(study: Study, known: pd.DataFrame, covariates: list[str]) -> Maximum:
    """The model of treatment beside covariates, without the columns of these that those before them determine."""
    design, _, _ = columns(study, known, [*covariates, study.arms.column])
    used = known.loc[design.index]
    x = design[_at_risk(used)].to_numpy()
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    kept: list[int] = []
    for position in range(x.shape[1] - 1):
        if np.linalg.matrix_rank(x[:, [*kept, position]], rtol=DEPENDENT) > len(kept):
            kept.append(position)
    return _fitted(used, design.iloc[:, [*kept, x.shape[1] - 1]])


def _fitted(used: pd.DataFrame, design: pd.DataFrame) -> Maximum:
    """The maximum of a design; a column that does not vary is no parameter."""
    fitted = fit(design, used["time"].to_numpy(), used["event"].to_numpy())
    parameters = design.shape[1] - sum(reason == NO_VARIATION for reason in fitted.blank.values())
    return Maximum(fitted, fitted.blank, parameters, design, None)


def _both_arms(study: Study, used: pd.DataFrame, variable: str) -> list[str]:
    """The levels in which patients of both arms are at risk at a death."""
    found = used[_at_risk(used)].groupby(variable, observed=False)[study.arms.column].nunique()
    return [level for level in study.level_labels(variable) if found.get(level, 0) == 2]


def _at_risk(known: pd.DataFrame) -> pd.Series:
    """Who is at risk at one death or more."""
    return known["time"] >= known.loc[known["event"], "time"].min()


def _infinite(study: Study, used: pd.DataFrame, variable: str, levels: list[str]) -> str:
    """Why a product has no finite coefficient."""
    dead = used[used["event"]].groupby(variable, observed=False)[study.arms.column].nunique()
    return f"{ONE_ARM_WITHOUT} of a level" if any(dead[level] < 2 for level in levels) else NO_MAXIMUM


def _no_contrast(study: Study, inside: pd.DataFrame) -> str:
    """Why the arms cannot be compared among some patients; empty where they can."""
    by_arm = [inside.loc[inside[study.arms.column] == arm, "event"] for arm in study.arms.levels]
    if inside.empty:
        return "no patients"
    if any(each.empty for each in by_arm):
        return ONE_ARM
    if not inside["event"].any():
        return "no events"
    return "" if all(each.any() for each in by_arm) else ONE_ARM_WITHOUT


def _others(study: Study, variable: str) -> list[str]:
    """The covariates beside a subgroup variable, which is none of them."""
    return [each for each in study.subgroups.covariates if each != variable]


def _beside(covariates: list[str]) -> str:
    return f", adjusted for {', '.join(covariates)}" if covariates else ""


def _size(inside: pd.DataFrame) -> dict[str, int]:
    return {"n": len(inside), "n_event": int(inside["event"].sum())}


def _blank(statistics: list[str], reason: str) -> dict:
    return {**dict.fromkeys(statistics, np.nan), "not_estimable": dict.fromkeys(statistics, reason)}
