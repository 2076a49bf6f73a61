"""Cox regression (Cox, 1972; Efron, 1977 for ties): univariable, fixed covariate lists and the two-step selection.

Every fit says on how many patients, events and parameters it rests and how many patients missing values cost.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import NOBODY, Maximum, complete_cases, costs, maximise
from helpers.cox.kernel import Fit
from helpers.ledger import fit_statistics, wide
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.thresholds import COSTLY

EFFECT = ["hr", "hr_low", "hr_high", "log_hr", "log_hr_se", "p_wald"]
FIT = ["n", "n_event", "n_parameter", "events_per_parameter", "log_likelihood"]
STATISTICS = fit_statistics("cox_univariable")
READABLE = 30.0
FARTHEST = 20 * READABLE
SMALL = 1e-5
TOO_WIDE = "its limits are too far from 1 to be told"
UNREADABLE = "too far from 1, or too near, for a hazard ratio per unit; set `per` for this variable"


@dataclass(frozen=True)
class FittedModel:
    """A model of the study file: its part of the ledger's key, what it asks for, its patients, those lost, its fit.

    `lost_to` counts the patients each covariate or stratum alone would cost.
    """

    key: dict[str, str]
    spec: Model
    covariates: list[str]
    known: pd.DataFrame
    lost: dict[str, int]
    lost_to: dict[str, dict[str, int]]
    maximum: Maximum

    @property
    def costly(self) -> bool:
        """Whether its covariates cost more than a tenth of the patients who have a time."""
        lost = self.lost["n_missing"] + self.lost["n_not_applicable"]
        return lost > COSTLY * (lost + len(self.known))

    @property
    def costliest(self) -> str:
        """The covariate or stratum, other than treatment, that costs most patients by itself; empty if none does."""
        costs = {name: lost["n_missing"] + lost["n_not_applicable"] for name, lost in self.lost_to.items()}
        worst = max(costs, key=costs.get, default="")
        return worst if costs.get(worst) else ""

    @property
    def method(self) -> str:
        """How it is fitted, its strata named."""
        return "Cox regression, Efron ties" + "".join(f", stratified by {name}" for name in self.spec.strata)


def wald(fitted: Fit, names: list) -> tuple[float, float]:
    """Wald chi-square of several coefficients together and its P."""
    log_hr, covariance = fitted.log_hr[names].to_numpy(), fitted.covariance.loc[names, names].to_numpy()
    chi_square = float(log_hr @ np.linalg.solve(covariance, log_hr))
    return chi_square, float(stats.chi2.sf(chi_square, len(names)))


def univariable(cohort: Cohort, population: str | None = None, *, conditioned: bool = False) -> pd.DataFrame:
    """One Cox model a variable, endpoint and population, as the study's [[univariable]] lists them.

    `model` is `unadjusted`; `population` replaces the study's own. Populations conditioned on what happened after
    treatment began are left out, or with `conditioned` are the only ones.
    """
    asked = [
        (population or each.population, endpoint, variable)
        for each in cohort.study.univariable
        for endpoint in each.endpoints
        for variable in each.variables
        if wanted(cohort, population, each.population, conditioned)
    ]
    rows = [one_variable(cohort, endpoint, variable, where) for where, endpoint, variable in dict.fromkeys(asked)]
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
    return wide([row for model in fitted for row in model_rows(cohort.study, model)], STATISTICS)


def fitted_models(cohort: Cohort, population: str | None = None, *, conditioned: bool = False) -> list[FittedModel]:
    """Every model of the study file at its maximum; `population` and `conditioned` as in `univariable`.

    A name that a comparison within an arm has in that population is left to it.
    """
    study = cohort.study
    fits = [
        (name, endpoint, population or model.population)
        for name, models in study.models.items()
        for model in models
        for endpoint in model.endpoints
        if wanted(cohort, population, model.population, conditioned)
    ]
    taken = {(each.name, each.population) for each in study.within_arm}
    return [
        fitted(cohort, study.model(*each), {"population": each[2], "endpoint": each[1], "model": each[0]})
        for each in dict.fromkeys(fits)
        if (each[0], each[2]) not in taken
    ]


def wanted(cohort: Cohort, replacing: str | None, own: str, conditioned: bool) -> bool:
    """Whether an analysis of a population belongs here."""
    return replacing is not None or (own in cohort.study.conditioned) == conditioned


def fitted(
    cohort: Cohort, spec: Model, key: dict[str, str], *, covariates: list[str] | None = None, otherwise: bool = False
) -> FittedModel:
    """A specification at its maximum in the population and endpoint of `key`; `covariates` replace its own.

    With `otherwise` a covariate takes the value the study file gives it in patients in whom it cannot exist.
    """
    where = key["endpoint"], key["population"]
    chosen = covariates or spec.covariates or selected(cohort, spec, *where)
    known, lost = complete_cases(cohort, *where, [*chosen, *spec.strata], otherwise=otherwise)
    needed = [*chosen, *spec.strata]
    lost_to = costs(cohort, *where, needed, otherwise=otherwise)
    maximum = maximise(cohort.study, known, chosen, spec.strata)
    return FittedModel(key, spec, chosen, known, lost, lost_to, maximum)


def selected(cohort: Cohort, model: Model, endpoint: str, population: str) -> list[str]:
    """The candidates whose univariable P is below the rule's, in the study's order, and those always kept.

    The first step is not stratified. A variable with an effect that cannot be estimated (a level without events) is
    judged by its likelihood-ratio test, whatever the rule: its Wald tests leave that effect out.
    """
    rule = model.selection
    entering = []
    for variable in model.candidates:
        rows = wide(one_variable(cohort, endpoint, variable, population), STATISTICS)
        overall = "p_overall" if cohort.study.level_labels(variable) else "p_wald"
        statistic = {"likelihood_ratio": "p_lrt", "wald": overall, "any_level": "p_wald"}[rule.by]
        if any(reasons.get("hr", NOBODY) != NOBODY for reasons in rows["not_estimable"]):
            statistic = "p_lrt"
        if variable in rule.always or rows[statistic].min() < rule.p_below:
            entering.append(variable)
    return [*[each for each in rule.always if each not in entering], *entering]


def one_variable(cohort: Cohort, endpoint: str, variable: str, population: str) -> list[dict]:
    """The rows of a model of one variable on its complete cases."""
    known, lost = complete_cases(cohort, endpoint, population, [variable])
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_univariable", "model": "unadjusted"}
    key["method"] = "Cox regression, Efron ties"
    model, null = maximise(cohort.study, known, [variable]), maximise(cohort.study, known, [])
    rows = effects(cohort.study, model, known, variable, key)
    rows[0] = joined(rows[0], size(model, known), lost, likelihood_ratio(model, null))
    return rows


def model_rows(study: Study, model: FittedModel) -> list[dict]:
    """The rows of a model: its own, and those of every covariate's effects."""
    key = {"analysis": "cox_multivariable", "method": model.method, **model.key}
    null = maximise(study, model.known, [], model.spec.strata)
    tested = {"not_estimable": {"p_lrt": "no candidate entered"}}
    if model.covariates:
        tested = likelihood_ratio(model.maximum, null)
    rows = [joined(key, size(model.maximum, model.known), model.lost, tested)]
    for variable in model.covariates:
        found = effects(study, model.maximum, model.known, variable, key)
        others = [each for each in model.covariates if each != variable]
        without = maximise(study, model.known, others, model.spec.strata)
        cost = {name: n for name, n in model.lost_to[variable].items() if name != "n_no_time"}
        found[0] = joined(found[0], cost, likelihood_ratio(model.maximum, without))
        rows += found
    return rows


def effects(study: Study, model: Maximum, known: pd.DataFrame, variable: str, key: dict) -> list[dict]:
    """A continuous variable's effect, or a row for the variable followed by one a level, reference included."""
    levels = study.level_labels(variable)
    if not levels:
        entry = study.variables[variable]
        unit = entry.unit or "unit"
        scale = f"per {unit.removesuffix('s') or unit}" if entry.per == 1 else f"per {entry.per:g} {unit}"
        return [{**key, "variable": variable, "reference": scale, **effect(study, model, (variable, ""))}]
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
        inside = known[variable] == level
        counts = {"n": patients(known[inside]), "n_event": int(known["event"][inside].sum())}
        row = {**key, "variable": variable, "level": level, **counts}
        if level != study.reference(variable):
            row |= {"reference": study.reference(variable), **effect(study, model, (variable, level))}
        rows.append(row)
    return rows


def effect(study: Study, model: Maximum, name: tuple[str, str]) -> dict:
    """A hazard ratio with its limits, coefficient, standard error and Wald P, or why there is none."""
    reason = model.fit.problem or model.blank.get(name, "")
    if reason:
        return {**dict.fromkeys(EFFECT, np.nan), "not_estimable": dict.fromkeys(EFFECT, reason)}
    spread = stats.norm if model.df is None else stats.t(model.df[name])
    z = spread.ppf((1 + study.confidence) / 2)
    log_hr, se = model.fit.log_hr[name], np.sqrt(model.fit.covariance.loc[[name], [name]].to_numpy().item())
    widest = abs(log_hr) + z * se
    if abs(log_hr) > READABLE or widest > FARTHEST or widest < SMALL:
        reason = TOO_WIDE if SMALL < abs(log_hr) < READABLE else UNREADABLE
        return {**dict.fromkeys(EFFECT, np.nan), "not_estimable": dict.fromkeys(EFFECT, reason)}
    hr = np.exp([log_hr, log_hr - z * se, log_hr + z * se])
    return dict(zip(EFFECT, [*hr, log_hr, se, 2 * spread.sf(abs(log_hr) / se)], strict=True))


def size(model: Maximum, known: pd.DataFrame) -> dict:
    """What a model rests on: patients, events, parameters, their ratio, log likelihood."""
    n, n_event = patients(known), int(known["event"].sum())
    ratio = n_event / model.parameters if model.parameters else np.nan
    sizes = [n, n_event, model.parameters, ratio, model.fit.log_likelihood]
    blank = {"log_likelihood": model.fit.problem} if model.fit.problem else {}
    blank |= {} if model.parameters else {"events_per_parameter": "no parameter can be estimated"}
    return {**dict(zip(FIT, sizes, strict=True)), "not_estimable": blank}


def patients(known: pd.DataFrame) -> int:
    """How many patients rows are: a patient's rows share the first level of the index."""
    return known.index.get_level_values(0).nunique()


def joined(*records: dict) -> dict:
    """Parts of one row as a row, with all their reasons."""
    reasons = {name: reason for record in records for name, reason in record.get("not_estimable", {}).items()}
    return {**{name: value for record in records for name, value in record.items()}, "not_estimable": reasons}


def likelihood_ratio(full: Maximum, reduced: Maximum) -> dict:
    """P of the test of two nested models, or why there is none."""
    df = full.parameters - reduced.parameters
    reason = full.fit.problem or reduced.fit.problem or ("no parameter to test" if df < 1 else "")
    if reason:
        return {"p_lrt": np.nan, "not_estimable": {"p_lrt": reason}}
    return {"p_lrt": float(stats.chi2.sf(2 * (full.fit.log_likelihood - reduced.fit.log_likelihood), df))}
