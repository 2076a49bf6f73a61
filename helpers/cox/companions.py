"""What stands beside a model where it needs it: the same question asked with less loss, or with a safer method.

A companion is keyed `model:what`. Where a model loses more than a tenth of its patients it is shown without its
costliest covariate, with a stated value where a covariate cannot exist, and with what is missing imputed; where an
effect has no finite estimate, by Firth's penalised likelihood; on matched patients, with errors clustered on pairs.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import NO_EVENTS, NOBODY, Maximum, able, columns, complete_cases, maximise, strata_of
from helpers.cox.firth import PenalisedFit, firth
from helpers.cox.kernel import NO_MAXIMUM, Fit
from helpers.cox.models import (
    EFFECT,
    FARTHEST,
    READABLE,
    TOO_WIDE,
    UNREADABLE,
    FittedModel,
    effects,
    fitted,
    model_rows,
    size,
)
from helpers.imputation import Pooled, impute, nelson_aalen, pooled
from helpers.ledger import fit_statistics, wide
from helpers.study import Study
from helpers.study.variants import CLUSTERED, FIRTH, IMPUTED, OTHERWISE, WITHOUT, variant

STATISTICS = fit_statistics("cox_multivariable")
INFINITE = {NO_MAXIMUM, NO_EVENTS, NO_EVENTS.replace("this", "the reference")}


def companions(cohort: Cohort, *, models: list[FittedModel], univariable: pd.DataFrame) -> pd.DataFrame:
    """The companions of fitted models and of univariable results, as rows of the analyses they belong to."""
    records = [row for model in models for row in _of_model(cohort, model)]
    for row in univariable[univariable["level"] == ""].to_dict("records"):
        where = row["population"], row["endpoint"]
        same = (univariable["variable"] == row["variable"]) & (univariable["endpoint"] == where[1])
        beside = univariable[same & (univariable["population"] == where[0])]
        infinite = any(reasons.get("hr") in INFINITE for reasons in beside["not_estimable"])
        treatment = row["variable"] == cohort.study.arms.column
        if infinite or (treatment and cohort.clusters(where[0]) is not None):
            records += _of_variable(cohort, row, infinite=infinite)
    return wide(records, STATISTICS)


def _of_model(cohort: Cohort, model: FittedModel) -> Iterator[dict]:
    study = cohort.study
    if model.costly:
        yield from _less_costly(cohort, model)
    clusters = cohort.clusters(model.key["population"])
    if clusters is not None:
        yield from _clustered(study, model, clusters)
    if INFINITE & set(model.maximum.blank.values()):
        yield from _penalised(study, model)


def _less_costly(cohort: Cohort, model: FittedModel) -> Iterator[dict]:
    """Without the costliest covariate, with stated values, and imputed; what would be the same model is left out."""
    study, worst = cohort.study, model.costliest
    others = [name for name in model.covariates if name != worst]
    if worst and others and worst != study.arms.column:
        spec = model.spec.model_copy(update={"strata": [name for name in model.spec.strata if name != worst]})
        without = fitted(cohort, spec, _key(model, f"{WITHOUT}{worst}"), covariates=others)
        yield from model_rows(study, without) if len(without.known) > len(model.known) else ()
    stated = any(name in study.variables and study.variables[name].otherwise is not None for name in model.covariates)
    if stated and model.lost["n_not_applicable"]:
        key = _key(model, OTHERWISE)
        yield from model_rows(study, fitted(cohort, model.spec, key, covariates=model.covariates, otherwise=True))
    if study.imputation:
        yield from _imputed(cohort, model)


def _clustered(study: Study, model: FittedModel, clusters: pd.Series) -> Iterator[dict]:
    """The model with Lin & Wei's (1989) covariance, pairs as clusters; a likelihood-ratio test would know no pairs."""
    maximum = maximise(study, model.known, model.covariates, model.spec.strata, clusters)
    rows = model_rows(study, replace(model, key=_key(model, CLUSTERED), maximum=maximum))
    for row in rows:
        kept = {name: value for name, value in row.items() if name != "p_lrt"}
        yield {**kept, "method": f"{model.method}, pairs as clusters"}


def _imputed(cohort: Cohort, model: FittedModel) -> Iterator[dict]:
    """Effects pooled over imputed copies of everybody in whom every covariate can exist or has a stated value."""
    study, spec = cohort.study, model.spec
    needed = [*model.covariates, *spec.strata]
    others = [name for name in study.imputation.auxiliary if name not in needed]
    where = model.key["endpoint"], model.key["population"]
    rows, counts = able(cohort, *where, needed, otherwise=True, beside=others)
    auxiliary = [name for name in others if cohort.applies(name, rows).all() and rows[name].count() > 1]
    incomplete = [name for name in needed if rows[name].isna().any()]
    stated = pd.DataFrame({name: ~cohort.applies(name, rows) for name in needed}, index=rows.index)
    if not incomplete or any((rows[name].notna() & ~stated[name]).sum() < 2 for name in incomplete):
        return
    copies = _copies(study, rows, [*needed, *auxiliary], stated)
    maxima = [maximise(study, copy, model.covariates, spec.strata) for copy in copies]
    maximum, together = _pooled(maxima, rows)
    method = f"{model.method}, pooled over {len(copies)} imputations by Rubin's rules"
    key = {**_key(model, IMPUTED), "analysis": "cox_multivariable", "method": method}
    counted = {**size(maximum, rows), **counts}
    counted.pop("not_estimable")
    yield {**key, **counted, "log_likelihood": np.nan}
    shares = {} if together is None else dict(zip(maximum.fit.log_hr.index, together.fraction_missing, strict=True))
    for variable in model.covariates:
        found = effects(study, maximum, rows, variable, key)
        for row in found:
            row["fraction_missing"] = shares.get((variable, row.get("level", "")), np.nan)
            if variable in incomplete and row.get("level"):
                row |= {"n": np.nan, "n_event": np.nan}
        if study.level_labels(variable):
            found[0] = {**found[0], **_pooled_wald(maximum, together, variable, len(copies), found)}
        yield from found


def _copies(study: Study, rows: pd.DataFrame, names: list[str], stated: pd.DataFrame) -> list[pd.DataFrame]:
    """Imputed copies, the outcome among the predictors as event and cumulative hazard (White & Royston, 2009)."""
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy()
    fixed = pd.DataFrame({"event": event.astype(float), "hazard": nelson_aalen(time, event)}, index=rows.index)
    asked = study.imputation
    given = {"draws": asked.draws, "iterations": asked.iterations, "seed": study.seed}
    drawn = impute(rows[names], **given, fixed=fixed, stated=stated)
    return [rows.assign(**{name: copy[name] for name in names}) for copy in drawn]


def _pooled(maxima: list[Maximum], rows: pd.DataFrame) -> tuple[Maximum, Pooled | None]:
    """All copies' fits as one; an effect that one of them has no estimate of is none."""
    first = maxima[0]
    names = dict.fromkeys(name for each in maxima for name in each.fit.log_hr.index)
    blank = {name: reason for each in maxima for name, reason in each.blank.items()}
    some = [name for name in names if not all(name in each.fit.log_hr.index for each in maxima)]
    blank |= dict.fromkeys(some, "not estimable in every imputed copy")
    kept = [name for name in names if name not in blank]
    problem = next((each.fit.problem for each in maxima if each.fit.problem), "")
    if problem or not kept:
        failed = replace(first.fit, problem=problem or "not estimable in every imputed copy")
        return replace(first, fit=failed), None
    estimates = np.array([each.fit.log_hr[kept].to_numpy() for each in maxima])
    covariances = np.array([each.fit.covariance.loc[kept, kept].to_numpy() for each in maxima])
    together = pooled(estimates, covariances, max(float(rows["event"].sum()) - first.parameters, 1.0))
    index = pd.Index(kept, tupleize_cols=False)
    covariance = pd.DataFrame(together.covariance, index=index, columns=index)
    fit = Fit(pd.Series(together.estimate, index=index), covariance, np.nan)
    return replace(first, fit=fit, blank=blank, df=pd.Series(together.df, index=index)), together


def _pooled_wald(
    maximum: Maximum, together: Pooled | None, variable: str, draws: int, rows: list[dict]
) -> dict[str, float]:
    """P of all levels of a variable together, where each level that somebody is in has an estimate."""
    places = [i for i, name in enumerate(maximum.fit.log_hr.index) if name[0] == variable and together is not None]
    if not places or any(name[0] == variable and why != NOBODY for name, why in maximum.blank.items()):
        return {}
    if len(places) == 1:
        level = maximum.fit.log_hr.index[places[0]][1]
        alone = next(row for row in rows if row.get("level", "") == level)
        why = alone.get("not_estimable", {}).get("p_wald")
        return {"p_overall": alone["p_wald"], **({"not_estimable": {"p_overall": why}} if why else {})}
    inside = np.ix_(places, places)
    parts = together.estimate[places], together.within[inside], together.between[inside]
    return {"p_overall": joint_test(*parts, draws)}


def joint_test(estimate: np.ndarray, within: np.ndarray, between: np.ndarray, draws: int) -> float:
    """P of k pooled coefficients all being zero: the F test of Li, Raghunathan & Rubin (1991).

    `within` and `between` are the k x k covariances inside and between the imputed copies.
    """
    k = len(estimate)
    r = (1 + 1 / draws) * np.trace(np.linalg.solve(within, between)) / k
    statistic = estimate @ np.linalg.solve(within, estimate) / (k * (1 + r))
    if r <= 0:
        return float(stats.chi2.sf(k * statistic, k))
    t = k * (draws - 1)
    df = 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2 if t > 4 else t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    return float(stats.f.sf(statistic, k, df))


def _penalised(study: Study, model: FittedModel) -> Iterator[dict]:
    """The model by Firth's penalised likelihood, for the effects that have no finite estimate without it."""
    lost = [name for name, reason in model.maximum.blank.items() if reason in INFINITE]
    key = {**_key(model, FIRTH), "analysis": "cox_multivariable"}
    yield from _firth_rows(study, model.known, model.covariates, key, lost, model.spec.strata, model.lost)


def _of_variable(cohort: Cohort, row: dict, *, infinite: bool) -> Iterator[dict]:
    """The companions of one variable alone."""
    study, variable = cohort.study, row["variable"]
    known, lost = complete_cases(cohort, row["endpoint"], row["population"], [variable])
    key = {name: row[name] for name in ("population", "endpoint", "analysis", "variable")}
    clusters = cohort.clusters(row["population"])
    if clusters is not None and variable == study.arms.column:
        maximum = maximise(study, known, [variable], clusters=clusters)
        text = {"model": variant("unadjusted", CLUSTERED), "method": "Cox regression, Efron ties, pairs as clusters"}
        found = effects(study, maximum, known, variable, {**key, **text})
        yield {**found[0], **{name: row[name] for name in ("n", "n_event")}, **lost}
        yield from found[1:]
    if infinite:
        maximum = maximise(study, known, [variable])
        names = [name for name, reason in maximum.blank.items() if reason in INFINITE]
        key["model"] = variant("unadjusted", FIRTH)
        yield from _firth_rows(study, known, [variable], key, names, None, lost)


def _firth_rows(
    study: Study,
    known: pd.DataFrame,
    covariates: list[str],
    key: dict,
    profile: list[tuple[str, str]],
    strata: list[str] | None,
    lost: dict[str, int],
) -> Iterator[dict]:
    design, _, parameters = columns(study, known, covariates, penalised=True)
    used = known.loc[design.index]
    time, event = used["time"].to_numpy(), used["event"].to_numpy()
    asked = [name for name in design.columns if any(name[0] == variable for variable, _ in profile)]
    fit = firth(design, time, event, strata_of(used, strata), confidence=study.confidence, profile=asked)
    counts = {"n": len(known), "n_event": int(known["event"].sum()), "n_parameter": parameters, **lost}
    within = "".join(f", stratified by {name}" for name in strata or [])
    method = f"Cox regression with Firth's penalty, Efron ties{within}; limits and P by profile penalised likelihood"
    yield {**key, "variable": key.get("variable", ""), "method": method, **counts}
    for variable, level in asked:
        text = {"variable": variable, "level": level, "method": method}
        text["reference"] = study.reference(variable) if level else f"per {study.variables[variable].per:g}"
        yield {**key, **text, **_firth_effect(fit, (variable, level))}


def _firth_effect(fit: PenalisedFit, name: tuple[str, str]) -> dict:
    if fit.problem:
        return {"not_estimable": dict.fromkeys(("hr", "hr_low", "hr_high", "p_lrt"), fit.problem)}
    log_hr, limits = fit.log_hr[name], fit.limits.loc[[name]].to_numpy()[0]
    if abs(log_hr) > READABLE:
        return {"not_estimable": dict.fromkeys((*EFFECT[:4], "p_lrt"), UNREADABLE)}
    far = {key: TOO_WIDE for key, limit in zip(EFFECT[1:3], limits, strict=True) if abs(limit) > FARTHEST}
    shown = np.where(np.abs(limits) > FARTHEST, np.nan, limits)
    hr = dict(zip(EFFECT[:3], np.exp([log_hr, *shown]), strict=True))
    found = {**hr, "log_hr": log_hr, "p_lrt": fit.p[name]}
    missing = {key: "the profile likelihood was not found" for key, value in found.items() if np.isnan(value)}
    return {**found, "not_estimable": missing | far}


def _key(model: FittedModel, what: str) -> dict[str, str]:
    return {**model.key, "model": variant(model.key["model"], what)}
