"""Whether hazards are proportional: the score test for an effect that changes with time, term by term and globally.

Grambsch & Therneau (1994) in the form of R's cox.zph since survival 3.0: the score test of adding covariate times g(t)
to the model, with Efron's information. g(t) is one minus the Kaplan-Meier estimate just before t, all strata together.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import Maximum
from helpers.cox.likelihood import RiskSets, at, risk_sets
from helpers.cox.models import FittedModel, fitted_models, treatment_effect
from helpers.ledger import at_label, wide
from helpers.survival import last_whole_day, mean_difference, product_limit, restricted_mean

PROPORTIONALITY = ["chi_square", "df", "p_proportional"]
MEANS = ["rmst_difference", "rmst_difference_low", "rmst_difference_high", "p_test"]
SINGULAR = 1e-10
NO_EFFECT = "no effect can be estimated"
ONE_TIME = "all events happened at one time"
NO_CHANGE = "no variance: too few events to tell an effect that changes with time"
PERIOD = ["hr", "hr_low", "hr_high", "n", "n_event"]


def proportionality(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Every multivariable model's test of proportional hazards, a row a variable and one, without variable, global.

    A variable none of whose effects can be estimated has no test.
    """
    records = []
    for model in fitted_models(cohort, population) if models is None else models:
        method = "score test for covariate times 1 - Kaplan-Meier(t)"
        key = {**model.key, "analysis": "diagnostics", "method": method}
        found = _tests(model.maximum, model.known)
        for variable in ["", *model.covariates]:
            row = found.get(variable, {"not_estimable": {"p_proportional": NO_EFFECT}})
            records.append({**key, "variable": variable, **row})
    return wide(records, PROPORTIONALITY)


def periods(cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None) -> pd.DataFrame:
    """The hazard ratio for treatment in each stretch between the study's months, a row a model and stretch.

    Every coefficient is free in every stretch; `at` is the month a stretch begins, `n` who is at risk after it.
    """
    study, records = cohort.study, []
    starts = [0.0, *study.survival.months]
    for model in fitted_models(cohort, population) if models is None else models:
        if study.arms.column not in model.covariates:
            continue
        for begin, end in pairwise([*starts, np.inf]):
            rows = model.known[model.known["time"] > begin] if begin else model.known
            inside = rows.assign(event=rows["event"] & (rows["time"] <= end), time=rows["time"].clip(upper=end))
            key = {**model.key, "analysis": "diagnostics", "at": at_label(begin), "reference": study.arms.reference}
            key |= {"variable": study.arms.column, "level": study.arms.treated, "method": "Cox regression by period"}
            sizes = {"n": len(inside), "n_event": inside["event"].sum()}
            effect = treatment_effect(study, model, inside)
            kept = {name: effect[name] for name in ("hr", "hr_low", "hr_high")}
            reasons = {name: reason for name, reason in effect.get("not_estimable", {}).items() if name in kept}
            records.append({**key, **sizes, **kept, "not_estimable": reasons})
    return wide(records, PERIOD)


def mean_differences(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Beside every model's hazard ratio what needs no proportional hazards: the difference of restricted means.

    Treated minus reference, in months up to the last whole day of the study's tau (`at`), of the patients of the model,
    without covariates.
    """
    study, records = cohort.study, []
    for model in fitted_models(cohort, population) if models is None else models:
        if study.arms.column not in model.covariates:
            continue
        tau, means = study.survival.tau[model.key["endpoint"]], []
        for arm in (study.arms.treated, study.arms.reference):
            rows = model.known[model.known[study.arms.column] == arm]
            table = product_limit(rows["time"].to_numpy(), rows["event"].to_numpy())
            means.append(restricted_mean(table, last_whole_day(tau)) if len(table) else (np.nan, np.nan))
        key = {**model.key, "analysis": "rmst", "at": at_label(tau), "reference": study.arms.reference}
        text = "difference of restricted means, patients of the model, no covariates"
        key |= {"variable": study.arms.column, "level": study.arms.treated, "method": text}
        records.append({**key, **mean_difference(*means, study.confidence)})
    return wide(records, MEANS)


def scaled_residuals(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Scaled Schoenfeld residuals of treatment for drawing: at each death the log hazard ratio it speaks for.

    Grambsch & Therneau (1994): the coefficient plus deaths times covariance times the death's covariates less their
    mean in its risk set. `at` is the month, `log_hr` the value.
    """
    arms, records = cohort.study.arms, []
    for model in fitted_models(cohort, population) if models is None else models:
        effect = arms.column, arms.treated
        fitted = model.maximum.fit
        names = [name for name in fitted.log_hr.index if name not in fitted.blank]
        if fitted.problem or effect not in names:
            continue
        used = model.known.loc[model.maximum.design.index]
        x = model.maximum.design[names].to_numpy()
        sets = risk_sets(used["time"].to_numpy(), used["event"].to_numpy(), strata=model.maximum.stratum)
        residuals = _schoenfeld(sets, x, fitted.log_hr[names].to_numpy())
        row = fitted.covariance.loc[[effect], names].to_numpy()[0]
        values = fitted.log_hr[effect] + len(residuals) * residuals @ row
        key = {**model.key, "analysis": "diagnostics", "variable": arms.column, "level": arms.treated}
        times = sets.time[sets.owner]
        records += [{**key, "at": at_label(round(t, 6)), "log_hr": v} for t, v in zip(times, values, strict=True)]
    return wide(records, ["log_hr"])


def score_tests(
    columns: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    log_hr: np.ndarray,
    *,
    terms: dict[str, list[int]],
    strata: np.ndarray | None = None,
    transform: str = "km",
) -> dict[str, tuple[float, int, float]]:
    """Chi-square, degrees of freedom and P of each term (a name and its columns' places) and, under ``""``, of all.

    NaN where the score has no variance: at every death but those at one time all at risk were alike. `transform` is
    g(t): `km`, `identity`, `log` or `rank`. Raises ValueError for another.
    """
    x = columns.to_numpy(dtype=float)
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    x = (x - x.mean(axis=0)) / scale
    sets = risk_sets(time, event, strata=strata)
    likelihood = at(sets, x[sets.row], np.asarray(log_hr) * scale)
    g = _at_deaths(sets, time, np.asarray(event).astype(bool), transform)
    whole, mixed, square = (likelihood.weighted_information(by) for by in (np.ones(len(g)), g, g**2))
    score = g @ _schoenfeld(sets, x, np.asarray(log_hr) * scale)
    left = square - mixed.T @ np.linalg.solve(whole, mixed)
    found = {}
    for name, places in [*terms.items(), ("", list(range(x.shape[1])))]:
        variance, chi_square = left[np.ix_(places, places)], np.nan
        if np.linalg.matrix_rank(variance, tol=SINGULAR * max(np.trace(square), 1), hermitian=True) == len(places):
            chi_square = float(score[places] @ np.linalg.solve(variance, score[places]))
        found[name] = chi_square, len(places), float(stats.chi2.sf(chi_square, len(places)))
    return found


def _tests(model: Maximum, known: pd.DataFrame) -> dict[str, dict]:
    """The tests of a model's variables that have an estimate."""
    names = [name for name in model.fit.log_hr.index if name not in model.fit.blank]
    if model.fit.problem or not names:
        return {}
    used = known.loc[model.design.index]
    variables = dict.fromkeys(variable for variable, _ in names)
    if used.loc[used["event"], "time"].nunique() < 2:
        return {variable: {"not_estimable": {"p_proportional": ONE_TIME}} for variable in ["", *variables]}
    found = score_tests(
        model.design[names],
        used["time"].to_numpy(),
        used["event"].to_numpy(),
        model.fit.log_hr[names].to_numpy(),
        terms={each: [place for place, (variable, _) in enumerate(names) if variable == each] for each in variables},
        strata=model.stratum,
    )
    return {
        variable: {**dict(zip(PROPORTIONALITY, values, strict=True)), "not_estimable": _reasons(values)}
        for variable, values in found.items()
    }


def _reasons(values: tuple[float, int, float]) -> dict[str, str]:
    return {} if values[0] == values[0] else dict.fromkeys(("chi_square", "p_proportional"), NO_CHANGE)


def _schoenfeld(sets: RiskSets, x: np.ndarray, log_hr: np.ndarray) -> np.ndarray:
    """Each death's covariates less the mean of its risk set, averaged over Efron's terms where deaths tie."""
    likelihood = at(sets, x[sets.row], log_hr)
    deaths = np.bincount(sets.owner, minlength=len(sets.first))
    means = np.column_stack(
        [np.bincount(sets.owner, column, minlength=len(sets.first)) for column in likelihood.mean.T]
    )
    dying = np.flatnonzero(sets.death)
    dying = dying[np.argsort(sets.block[dying], kind="stable")]
    return x[sets.row][dying] - (means / np.maximum(deaths, 1)[:, None])[sets.owner]


def _at_deaths(sets: RiskSets, time: np.ndarray, event: np.ndarray, transform: str) -> np.ndarray:
    """g at each death, from zero up: adding a constant to g changes no test."""
    at_death = sets.time[sets.owner]
    if transform == "km":
        times, counts = np.unique(time[event], return_counts=True)
        survival = np.cumprod(1 - counts / _at_risk(time, times))
        g = 1 - np.r_[1, survival[:-1]][np.searchsorted(times, at_death)]
    elif transform == "rank":
        ranks = stats.rankdata(time)
        g = ranks[np.argsort(time)][np.searchsorted(np.sort(time), at_death)]
    elif transform in {"log", "identity"}:
        g = np.log(at_death) if transform == "log" else at_death
    else:
        raise ValueError(f"transform '{transform}': km, identity, log or rank")
    return g - g.min()


def _at_risk(time: np.ndarray, times: Iterable[float]) -> np.ndarray:
    """Patients followed at least to each of `times`."""
    return len(time) - np.searchsorted(np.sort(time), np.asarray(times), "left")
