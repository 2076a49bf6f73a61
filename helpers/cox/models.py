"""Cox regression (Cox, 1972; Efron, 1977 for ties): univariable, fixed covariate lists and the two-step selection.

Every fit says on how many patients, events and parameters it rests and how many patients missing values cost. A level
without events has no finite hazard ratio: its patients leave the fit, which is the limit of the partial likelihood as
the coefficient goes to minus infinity, so everything else keeps its maximum likelihood estimate.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.kernel import Fit, fit
from helpers.ledger import STATISTICS_OF, wide
from helpers.study import Study
from helpers.study.schema import Model

EFFECT = ["hr", "hr_low", "hr_high", "log_hr", "log_hr_se", "p_wald"]
FIT = ["n", "n_event", "n_missing", "n_parameter", "events_per_parameter", "log_likelihood"]
STATISTICS = STATISTICS_OF["cox_multivariable"]
NO_MAXIMUM = "the partial likelihood has no finite maximum"


@dataclass
class Design:
    """Columns of a model keyed (variable, level), the patients they are fitted on, and what cannot be estimated."""

    columns: pd.DataFrame
    blank: dict[tuple[str, str], str] = field(default_factory=dict)


def wald(fitted: Fit, names: list) -> tuple[float, float]:
    """Wald chi-square of several coefficients together and its P."""
    log_hr, covariance = fitted.log_hr[names].to_numpy(), fitted.covariance.loc[names, names].to_numpy()
    chi_square = float(log_hr @ np.linalg.solve(covariance, log_hr))
    return chi_square, float(stats.chi2.sf(chi_square, len(names)))


def univariable(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """One Cox model a variable and endpoint, as the study's [univariable] lists them; `model` is `unadjusted`."""
    asked = cohort.study.univariable
    records = []
    for endpoint in asked.endpoints if asked else []:
        for variable in asked.variables:
            records += _one_variable(cohort, endpoint, variable, population or "primary")
    return wide(records, STATISTICS)


def multivariable(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Every model of the study file on its complete cases; `population` replaces the models' own.

    The row without variable is the model: patients, events, patients lost to missing values, parameters, events per
    parameter, global likelihood-ratio test. A variable's P overall is Wald's, its P LRT that of leaving it out.
    """
    records = []
    for name, model in cohort.study.models.items():
        where = population or model.population
        for endpoint in model.endpoints:
            covariates = model.covariates or selected(cohort, model, endpoint, where)
            records += _model(cohort, name, model, endpoint, covariates, where)
    return wide(records, STATISTICS)


def selected(cohort: Cohort, model: Model, endpoint: str, population: str) -> list[str]:
    """The candidates whose univariable P is below the rule's, in the study's order, and those always kept."""
    rule = model.selection
    entering = []
    for variable in model.candidates:
        overall = "p_overall" if cohort.study.level_labels(variable) else "p_wald"
        statistic = {"likelihood_ratio": "p_lrt", "wald": overall, "any_level": "p_wald"}[rule.by]
        rows = wide(_one_variable(cohort, endpoint, variable, population), STATISTICS)
        if variable in rule.always or rows[statistic].min() < rule.p_below:
            entering.append(variable)
    return [*[each for each in rule.always if each not in entering], *entering]


def _one_variable(cohort: Cohort, endpoint: str, variable: str, population: str) -> list[dict]:
    data = cohort.outcome(endpoint, population)
    known = data[data[variable].notna()]
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_univariable", "model": "unadjusted"}
    key["method"] = "Cox regression, Efron ties"
    model, null = _maximise(cohort.study, known, [variable]), _maximise(cohort.study, known, [])
    whole = {**_size(model, known, len(data)), "p_lrt": _lrt(model, null)}
    rows = _effects(cohort.study, model, known, variable, key)
    rows[0] |= {**whole, "not_estimable": {**rows[0].get("not_estimable", {}), **_failed(model)}}
    return rows


def _model(
    cohort: Cohort, name: str, model: Model, endpoint: str, covariates: list[str], population: str
) -> list[dict]:
    study, data = cohort.study, cohort.outcome(endpoint, population)
    known = data.dropna(subset=[*covariates, *model.strata])
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_multivariable", "model": name}
    strata = ", ".join(study.variables[each].label for each in model.strata)
    key["method"] = "Cox regression, Efron ties" + (f", stratified by {strata}" if strata else "")
    full, null = (_maximise(study, known, each, model.strata) for each in (covariates, []))
    blank = _failed(full) if covariates else {"p_lrt": "no candidate entered the model"}
    rows = [{**key, **_size(full, known, len(data)), "p_lrt": _lrt(full, null), "not_estimable": blank}]
    for variable in covariates:
        effects = _effects(study, full, known, variable, key)
        without = _maximise(study, known, [each for each in covariates if each != variable], model.strata)
        effects[0] |= {"p_lrt": _lrt(full, without)}
        effects[0]["not_estimable"] = {**effects[0].get("not_estimable", {}), **_failed(full)}
        rows += effects
    return rows


@dataclass(frozen=True)
class Maximum:
    """A model at its maximum: the fit, its design, and how many parameters it has, estimable or not."""

    fit: Fit
    design: Design
    parameters: int


def _maximise(study: Study, known: pd.DataFrame, covariates: list[str], strata: list[str] | None = None) -> Maximum:
    design, rows = _design(study, known, covariates)
    used = known.loc[rows]
    stratum = used.groupby(strata, observed=True).ngroup().to_numpy() if strata else None
    fitted = fit(design.columns, used["time"].to_numpy(), used["event"].to_numpy(), stratum)
    parameters = len(design.columns.columns) + sum("no events" in reason for reason in design.blank.values())
    return Maximum(fitted, design, parameters)


def _design(study: Study, known: pd.DataFrame, covariates: list[str]) -> tuple[Design, pd.Series]:
    """Indicator and scaled columns of the estimable effects, and which patients stay in the fit."""
    rows = pd.Series(True, index=known.index)
    chosen: dict[tuple[str, str], pd.Series] = {}
    blank: dict[tuple[str, str], str] = {}
    for variable in covariates:
        levels = list(study.level_labels(variable))
        if not levels:
            column = known[variable] / study.variables[variable].per
            if column.nunique() < 2:
                blank[variable, ""] = "the variable does not vary"
            else:
                chosen[variable, ""] = column
            continue
        empty = {level: _empty(known, variable, level) for level in levels}
        rows &= ~known[variable].isin([level for level, reason in empty.items() if reason])
        estimable = [level for level in levels if not empty[level]]
        reference = study.reference(variable)
        base = reference if reference in estimable else next(iter(estimable), None)
        chosen |= {(variable, each): (known[variable] == each).astype(float) for each in estimable if each != base}
        for level in [each for each in levels if each != reference]:
            if empty[level] or empty[reference]:
                blank[variable, level] = empty[level] or empty[reference].replace("this", "the reference")
    columns = pd.DataFrame(chosen, index=known.index)
    columns.columns = list(chosen)
    return Design(columns[rows], blank), rows


def _empty(known: pd.DataFrame, variable: str, level: str) -> str:
    inside = known[known[variable] == level]
    return "no patients in this level" if inside.empty else "" if inside["event"].any() else "no events in this level"


def _effects(study: Study, model: Maximum, known: pd.DataFrame, variable: str, key: dict) -> list[dict]:
    """A continuous variable's effect, or a row for the variable followed by one a level, reference included."""
    levels = study.level_labels(variable)
    if not levels:
        entry = study.variables[variable]
        unit = entry.unit or "unit"
        scale = f"per {unit.removesuffix('s')}" if entry.per == 1 else f"per {entry.per:g} {unit}"
        return [{**key, "variable": variable, "reference": scale, **_effect(study, model, (variable, ""))}]
    named = [name for name in model.fit.log_hr.index if name[0] == variable]
    whole = {**key, "variable": variable, "p_overall": np.nan}
    absent = [reason for name, reason in model.design.blank.items() if name[0] == variable]
    absent += [NO_MAXIMUM for name in model.fit.unbounded if name[0] == variable]
    missing = next(iter(absent), model.fit.problem)
    if missing or not named:
        whole["not_estimable"] = {"p_overall": missing or "all patients are in one level"}
    else:
        whole["p_overall"] = wald(model.fit, named)[1]
    rows = [whole]
    for level in levels:
        inside = known[known[variable] == level]
        row = {**key, "variable": variable, "level": level, "n": len(inside), "n_event": int(inside["event"].sum())}
        if level != study.reference(variable):
            row |= {"reference": study.reference(variable), **_effect(study, model, (variable, level))}
        rows.append(row)
    return rows


def _effect(study: Study, model: Maximum, name: tuple[str, str]) -> dict:
    reason = model.fit.problem or model.design.blank.get(name, "")
    reason = NO_MAXIMUM if name in model.fit.unbounded else reason
    if reason:
        return {**dict.fromkeys(EFFECT, np.nan), "not_estimable": dict.fromkeys(EFFECT, reason)}
    z = stats.norm.ppf((1 + study.confidence) / 2)
    log_hr, se = model.fit.log_hr[name], np.sqrt(model.fit.covariance.loc[[name], [name]].to_numpy().item())
    hr = np.exp([log_hr, log_hr - z * se, log_hr + z * se])
    return dict(zip(EFFECT, [*hr, log_hr, se, 2 * stats.norm.sf(abs(log_hr) / se)], strict=True))


def _size(model: Maximum, known: pd.DataFrame, before: int) -> dict:
    n_event = int(known["event"].sum())
    ratio = n_event / model.parameters if model.parameters else np.nan
    sizes = [len(known), n_event, before - len(known), model.parameters, ratio, model.fit.log_likelihood]
    return dict(zip(FIT, sizes, strict=True))


def _failed(model: Maximum) -> dict[str, str]:
    return {"log_likelihood": model.fit.problem, "p_lrt": model.fit.problem} if model.fit.problem else {}


def _lrt(full: Maximum, reduced: Maximum) -> float:
    """P of the likelihood-ratio test of two nested models; NaN where either has no maximum or none has more."""
    df = full.parameters - reduced.parameters
    if full.fit.problem or reduced.fit.problem or df < 1:
        return np.nan
    return float(stats.chi2.sf(2 * (full.fit.log_likelihood - reduced.fit.log_likelihood), df))
