"""Cox regression (Cox, 1972; Efron, 1977 for ties): univariable, fixed covariate lists and the two-step selection.

Every fit says on how many patients, events and parameters it rests and how many patients missing values cost. A level
without events has no finite hazard ratio: its patients leave the fit, which is the limit of the partial likelihood as
the coefficient goes to minus infinity, so everything else keeps its maximum likelihood estimate.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.kernel import NO_VARIATION, Fit, fit
from helpers.ledger import STATISTICS_OF, wide
from helpers.study import Study
from helpers.study.analyses import Model

EFFECT = ["hr", "hr_low", "hr_high", "log_hr", "log_hr_se", "p_wald"]
FIT = ["n", "n_event", "n_parameter", "events_per_parameter", "log_likelihood"]
LOST = ["n_missing", "n_not_applicable", "n_no_time"]
STATISTICS = STATISTICS_OF["cox_univariable"]
NOBODY = "no patients in this level"
READABLE = 30.0
SMALL = 1e-5
UNREADABLE = "too far from 1, or too near, for a hazard ratio per unit; set `per` for this variable"


@dataclass(frozen=True)
class Maximum:
    """A model at its maximum, effects keyed (variable, level): the fit, why some effects are none, all parameters.

    `design` and `stratum` are what was fitted, a row a patient.
    """

    fit: Fit
    blank: dict[tuple[str, str], str]
    parameters: int
    design: pd.DataFrame
    stratum: np.ndarray | None


@dataclass(frozen=True)
class FittedModel:
    """A model of the study file: its part of the ledger's key, what it asks for, its patients, those lost, its fit.

    `lost_to` counts the patients each covariate alone would cost.
    """

    key: dict[str, str]
    spec: Model
    covariates: list[str]
    known: pd.DataFrame
    lost: dict[str, int]
    lost_to: dict[str, dict[str, int]]
    maximum: Maximum


def wald(fitted: Fit, names: list) -> tuple[float, float]:
    """Wald chi-square of several coefficients together and its P."""
    log_hr, covariance = fitted.log_hr[names].to_numpy(), fitted.covariance.loc[names, names].to_numpy()
    chi_square = float(log_hr @ np.linalg.solve(covariance, log_hr))
    return chi_square, float(stats.chi2.sf(chi_square, len(names)))


def univariable(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """One Cox model a variable, endpoint and population, as the study's [[univariable]] lists them.

    `model` is `unadjusted`; `population` replaces the study's own.
    """
    asked = [
        (population or each.population, endpoint, variable)
        for each in cohort.study.univariable
        for endpoint in each.endpoints
        for variable in each.variables
    ]
    rows = [_one_variable(cohort, endpoint, variable, where) for where, endpoint, variable in dict.fromkeys(asked)]
    return wide([row for each in rows for row in each], STATISTICS)


def multivariable(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Every model of the study file on its complete cases; `population` replaces the models' own.

    `models` are those of `fitted_models` where they have been fitted already.

    The row without variable is the model: patients, events, patients lost to missing values, parameters, events per
    parameter, global likelihood-ratio test. A variable's P overall is Wald's, its P LRT that of leaving it out; the
    patients beside it are those it would cost alone.
    """
    fitted = fitted_models(cohort, population) if models is None else models
    return wide([row for model in fitted for row in _model(cohort.study, model)], STATISTICS)


def fitted_models(cohort: Cohort, population: str | None = None) -> list[FittedModel]:
    """Every model of the study file at its maximum; `population` replaces the models' own."""
    study, fitted = cohort.study, []
    fits = [
        (name, endpoint, population or model.population)
        for name, models in study.models.items()
        for model in models
        for endpoint in model.endpoints
    ]
    for name, endpoint, where in dict.fromkeys(fits):
        spec = study.model(name, endpoint, where)
        covariates = spec.covariates or selected(cohort, spec, endpoint, where)
        known, lost = _known(cohort, endpoint, where, [*covariates, *spec.strata])
        lost_to = {each: _known(cohort, endpoint, where, [each])[1] for each in covariates}
        key = {"population": where, "endpoint": endpoint, "model": name}
        maximum = _maximise(study, known, covariates, spec.strata)
        fitted.append(FittedModel(key, spec, covariates, known, lost, lost_to, maximum))
    return fitted


def selected(cohort: Cohort, model: Model, endpoint: str, population: str) -> list[str]:
    """The candidates whose univariable P is below the rule's, in the study's order, and those always kept.

    The first step is not stratified. A variable with an effect that cannot be estimated (a level without events) is
    judged by its likelihood-ratio test, whatever the rule: its Wald tests leave that effect out.
    """
    rule = model.selection
    entering = []
    for variable in model.candidates:
        rows = wide(_one_variable(cohort, endpoint, variable, population), STATISTICS)
        overall = "p_overall" if cohort.study.level_labels(variable) else "p_wald"
        statistic = {"likelihood_ratio": "p_lrt", "wald": overall, "any_level": "p_wald"}[rule.by]
        if any(reasons.get("hr", NOBODY) != NOBODY for reasons in rows["not_estimable"]):
            statistic = "p_lrt"
        if variable in rule.always or rows[statistic].min() < rule.p_below:
            entering.append(variable)
    return [*[each for each in rule.always if each not in entering], *entering]


def _one_variable(cohort: Cohort, endpoint: str, variable: str, population: str) -> list[dict]:
    known, lost = _known(cohort, endpoint, population, [variable])
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_univariable", "model": "unadjusted"}
    key["method"] = "Cox regression, Efron ties"
    model, null = _maximise(cohort.study, known, [variable]), _maximise(cohort.study, known, [])
    rows = _effects(cohort.study, model, known, variable, key)
    rows[0] = _joined(rows[0], _size(model, known), lost, _likelihood_ratio(model, null))
    return rows


def treatment_effect(study: Study, model: FittedModel, known: pd.DataFrame) -> dict:
    """The effect of treatment as a part of a row, the model fitted to other patients or other outcomes."""
    maximum, arms = _maximise(study, known, model.covariates, model.spec.strata), study.arms
    return _effect(study, maximum, (arms.column, arms.treated))


def _model(study: Study, model: FittedModel) -> list[dict]:
    strata = ", ".join(study.variables[each].label for each in model.spec.strata)
    method = "Cox regression, Efron ties" + (f", stratified by {strata}" if strata else "")
    key = {**model.key, "analysis": "cox_multivariable", "method": method}
    null = _maximise(study, model.known, [], model.spec.strata)
    tested = {"not_estimable": {"p_lrt": "no candidate entered"}}
    if model.covariates:
        tested = _likelihood_ratio(model.maximum, null)
    rows = [_joined(key, _size(model.maximum, model.known), model.lost, tested)]
    for variable in model.covariates:
        effects = _effects(study, model.maximum, model.known, variable, key)
        others = [each for each in model.covariates if each != variable]
        without = _maximise(study, model.known, others, model.spec.strata)
        cost = {name: n for name, n in model.lost_to[variable].items() if name != "n_no_time"}
        effects[0] = _joined(effects[0], cost, _likelihood_ratio(model.maximum, without))
        rows += effects
    return rows


def _maximise(study: Study, known: pd.DataFrame, covariates: list[str], strata: list[str] | None = None) -> Maximum:
    """Fit what can be estimated: indicators of levels with events, numbers that vary, on the patients that are left."""
    factors = {name: list(study.level_labels(name)) for name in covariates if study.level_labels(name)}
    empty = {(name, level): _empty(known, name, level) for name, levels in factors.items() for level in levels}
    without = pd.Series(False, index=known.index)
    for (name, level), reason in empty.items():
        without |= (known[name] == level) & (reason != "")
    used = known[~without]
    columns: dict[tuple[str, str], pd.Series] = {}
    blank: dict[tuple[str, str], str] = {}
    parameters = 0
    for name in covariates:
        if name not in factors:
            columns[name, ""] = used[name] / study.variables[name].per
            parameters += 1
            continue
        reference = study.reference(name)
        estimable = [level for level in factors[name] if not empty[name, level]]
        base = reference if reference in estimable else next(iter(estimable), None)
        columns |= {(name, level): (used[name] == level).astype(float) for level in estimable if level != base}
        parameters += max(0, sum(empty[name, level] != NOBODY for level in factors[name]) - 1)
        for level in factors[name]:
            reason = empty[name, level] or empty[name, reference].replace("this", "the reference")
            if reason and level != reference:
                blank[name, level] = reason
    design = pd.DataFrame(columns, index=used.index)
    design.columns = list(columns)
    stratum = used.groupby(strata, observed=True).ngroup().to_numpy() if strata else None
    fitted = fit(design, used["time"].to_numpy(), used["event"].to_numpy(), stratum)
    parameters -= sum(reason == NO_VARIATION for reason in fitted.blank.values())
    return Maximum(fitted, blank | fitted.blank, parameters, design, stratum)


def _empty(known: pd.DataFrame, variable: str, level: str) -> str:
    inside = known[known[variable] == level]
    return NOBODY if inside.empty else "" if inside["event"].any() else "no events in this level"


def _effects(study: Study, model: Maximum, known: pd.DataFrame, variable: str, key: dict) -> list[dict]:
    """A continuous variable's effect, or a row for the variable followed by one a level, reference included."""
    levels = study.level_labels(variable)
    if not levels:
        entry = study.variables[variable]
        unit = entry.unit or "unit"
        scale = f"per {unit.removesuffix('s') or unit}" if entry.per == 1 else f"per {entry.per:g} {unit}"
        return [{**key, "variable": variable, "reference": scale, **_effect(study, model, (variable, ""))}]
    whole = {**key, "variable": variable, "p_overall": np.nan}
    named = [name for name in model.fit.log_hr.index if name[0] == variable and name not in model.fit.blank]
    absent = [reason for name, reason in model.blank.items() if name[0] == variable and reason != NOBODY]
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
    reason = model.fit.problem or model.blank.get(name, "")
    if reason:
        return {**dict.fromkeys(EFFECT, np.nan), "not_estimable": dict.fromkeys(EFFECT, reason)}
    z = stats.norm.ppf((1 + study.confidence) / 2)
    log_hr, se = model.fit.log_hr[name], np.sqrt(model.fit.covariance.loc[[name], [name]].to_numpy().item())
    widest = abs(log_hr) + z * se
    if abs(log_hr) > READABLE or widest > 20 * READABLE or widest < SMALL:
        return {**dict.fromkeys(EFFECT, np.nan), "not_estimable": dict.fromkeys(EFFECT, UNREADABLE)}
    hr = np.exp([log_hr, log_hr - z * se, log_hr + z * se])
    return dict(zip(EFFECT, [*hr, log_hr, se, 2 * stats.norm.sf(abs(log_hr) / se)], strict=True))


def _known(cohort: Cohort, endpoint: str, population: str, needed: list[str]) -> tuple[pd.DataFrame, dict]:
    """The complete cases, and why each of the others is not one: no time, a covariate that cannot exist, or missing."""
    everybody = cohort.with_outcome(endpoint, population)
    data = everybody[everybody["time"].notna()]
    applies = (
        pd.concat([cohort.applies(name, data) for name in needed], axis=1).all(axis=1)
        if needed
        else data["event"] | True
    )
    complete = data[needed].notna().all(axis=1)
    lost = [(applies & ~complete).sum(), (~applies).sum(), len(everybody) - len(data)]
    return data[complete & applies], dict(zip(LOST, lost, strict=True))


def _size(model: Maximum, known: pd.DataFrame) -> dict:
    n_event = int(known["event"].sum())
    ratio = n_event / model.parameters if model.parameters else np.nan
    sizes = [len(known), n_event, model.parameters, ratio, model.fit.log_likelihood]
    blank = {"log_likelihood": model.fit.problem} if model.fit.problem else {}
    blank |= {} if model.parameters else {"events_per_parameter": "no parameter can be estimated"}
    return {**dict(zip(FIT, sizes, strict=True)), "not_estimable": blank}


def _joined(*records: dict) -> dict:
    """Parts of one row as a row, with all their reasons."""
    reasons = {name: reason for record in records for name, reason in record.get("not_estimable", {}).items()}
    return {**{name: value for record in records for name, value in record.items()}, "not_estimable": reasons}


def _likelihood_ratio(full: Maximum, reduced: Maximum) -> dict:
    """P of the test of two nested models, or why there is none."""
    df = full.parameters - reduced.parameters
    reason = full.fit.problem or reduced.fit.problem or ("no parameter to test" if df < 1 else "")
    if reason:
        return {"p_lrt": np.nan, "not_estimable": {"p_lrt": reason}}
    return {"p_lrt": float(stats.chi2.sf(2 * (full.fit.log_likelihood - reduced.fit.log_likelihood), df))}
