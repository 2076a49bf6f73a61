"""Whether hazards are proportional: the score test for an effect that changes with time, term by term and globally.

Grambsch & Therneau (1994) in the form of R's cox.zph since survival 3.0: the score test of adding covariate times g(t)
to the model, with Efron's information. g(t) is one minus the Kaplan-Meier estimate just before t, all strata together.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import Maximum, maximise
from helpers.cox.kernel import fit
from helpers.cox.likelihood import RiskSets, at, risk_sets
from helpers.cox.models import FittedModel, effect, fitted, fitted_models, patients, wanted
from helpers.ledger import at_label, wide
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.study.schema import DAYS_PER_MONTH
from helpers.study.variants import CLUSTERED, UNADJUSTED, variant
from helpers.survival import last_whole_day, mean_difference, product_limit, restricted_mean

PROPORTIONALITY = ["chi_square", "df", "p_proportional"]
MEANS = ["rmst_difference", "rmst_difference_low", "rmst_difference_high", "p_test"]
SINGULAR = 1e-10
NO_EFFECT = "no effect can be estimated"
ONE_TIME = "all events happened at one time"
NO_CHANGE = "no variance: too few events to tell an effect that changes with time"
MOST = 1_000_000
EDGE = 1e-9
SHORTEST = 0.5 / DAYS_PER_MONTH
PERIOD = ["hr", "hr_low", "hr_high", "n", "n_event"]


def proportionality(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Every model's test of proportional hazards, treatment alone among them.

    A row a variable and one, without variable, global. A variable none of whose effects can be estimated has no test.
    """
    models = fitted_models(cohort, population) if models is None else models
    tested = [row for model in [*treatment_alone(cohort, population), *models] for row in zph_rows(model)]
    return wide(tested, PROPORTIONALITY)


def zph_rows(model: FittedModel) -> list[dict]:
    """The tests of a model, a row a variable and one, without variable, of all."""
    key = {**model.key, "analysis": "diagnostics", "method": "score test for covariate times 1 - Kaplan-Meier(t)"}
    found = _tests(model.maximum, model.known)
    none = {"not_estimable": {"p_proportional": NO_EFFECT}}
    return [{**key, "variable": name, **found.get(name, none)} for name in ["", *model.covariates]]


def treatment_alone(cohort: Cohort, population: str | None = None, *, conditioned: bool = False) -> list[FittedModel]:
    """The model of treatment alone wherever the study asks for it univariably, as in `univariable`."""
    alone = Model(label="Unadjusted", endpoints=list(cohort.study.endpoints), covariates=[cohort.study.arms.column])
    asked = [
        (endpoint, population or each.population)
        for each in cohort.study.univariable
        for endpoint in each.endpoints
        if wanted(cohort, population, each.population, conditioned)
    ]
    return [
        fitted(cohort, alone, {"population": where, "endpoint": endpoint, "model": UNADJUSTED})
        for endpoint, where in dict.fromkeys(asked)
    ]


def periods(cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None) -> pd.DataFrame:
    """The hazard ratio for treatment in each stretch between the study's months, a row a model and stretch.

    Every coefficient is free in every stretch; `at` is the month a stretch begins, `n` who is at risk after it. Of
    matched patients treatment alone is given also with errors clustered on pairs.
    """
    models = fitted_models(cohort, population) if models is None else models
    models = [each for each in models if cohort.study.arms.column in each.covariates]
    alone = treatment_alone(cohort, population)
    rows = [row for model in [*alone, *models] for row in period_rows(cohort.study, model)]
    for model in alone:
        pairs = cohort.clusters(model.key["population"])
        if pairs is not None:
            clustered = replace(model, key={**model.key, "model": variant(UNADJUSTED, CLUSTERED)})
            rows += period_rows(cohort.study, clustered, pairs.loc[model.known.index])
    return wide(rows, PERIOD)


def period_rows(
    study: Study, model: FittedModel, clusters: pd.Series | None = None, weights: pd.Series | None = None
) -> list[dict]:
    """The effect of treatment in each period, a row each; rows of the model may be at risk from an `entry` on."""
    records, known = [], model.known
    for begin, end in pairwise([0.0, *study.survival.months, np.inf]):
        rows = known[known["time"] > begin] if begin else known
        inside = rows.assign(event=rows["event"] & (rows["time"] <= end), time=rows["time"].clip(upper=end))
        if "entry" in inside:
            inside = inside[inside["entry"] < end]
        key = {**model.key, "analysis": "diagnostics", "at": at_label(begin), "reference": study.arms.reference}
        key |= {"variable": study.arms.column, "level": study.arms.treated, "method": "Cox regression by period"}
        sizes = {"n": patients(inside), "n_event": inside["event"].sum()}
        maximum = maximise(study, inside, model.covariates, model.spec.strata, clusters, weights)
        found = effect(study, maximum, (study.arms.column, study.arms.treated))
        kept = {name: found[name] for name in ("hr", "hr_low", "hr_high")}
        reasons = {name: reason for name, reason in found.get("not_estimable", {}).items() if name in kept}
        records.append({**key, **sizes, **kept, "not_estimable": reasons})
    return records


def log_time_test(
    study: Study, model: FittedModel, clusters: pd.Series, weights: pd.Series | None = None
) -> dict[str, object]:
    """Whether the effect of treatment changes with the logarithm of time: the Wald test of their product.

    For models whose weights or repeated rows the score test does not know: rows are cut at every time of an event, the
    covariance is Lin & Wei's (1989) with `clusters` by row, patients or rows as they came. Beyond `MOST` cut rows they
    are cut at even distances of the logarithm, and a row's logarithm is the mean over the events in it.
    """
    name, fitted = (study.arms.column, study.arms.treated), model.maximum.fit
    names = [each for each in fitted.log_hr.index if each not in fitted.blank]
    if fitted.problem or name not in names:
        return {"not_estimable": {"p_proportional": NO_EFFECT}}
    used = model.known.loc[model.maximum.design.index]
    died = used.loc[used["event"], "time"].to_numpy()
    times = np.unique(died)
    if len(times) < 2:
        return {"not_estimable": {"p_proportional": ONE_TIME}}
    cuts = times
    if len(times) * len(used) > MOST:
        even = np.geomspace(max(times[0], SHORTEST), times[-1], max(2, MOST // len(used)))
        cuts = times[np.unique(np.searchsorted(times, even[:-1] * (1 - EDGE)).clip(max=len(times) - 1))]
        cuts = np.unique(np.append(cuts, times[-1]))
    place = np.searchsorted(cuts, died)
    logs = np.bincount(place, np.log(np.maximum(died, SHORTEST))) / np.maximum(np.bincount(place), 1)
    entry = used["entry"].to_numpy() if "entry" in used else np.full(len(used), -np.inf)
    first = np.searchsorted(cuts, entry, side="right")
    pieces = np.maximum(np.searchsorted(cuts, used["time"].to_numpy(), side="left") + 1 - first, 1)
    row = np.repeat(np.arange(len(used)), pieces)
    piece = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    last, cut = piece == pieces[row] - 1, first[row] + piece
    reached = np.minimum(cut, len(cuts) - 1)
    columns = model.maximum.design[names].iloc[row].reset_index(drop=True)
    columns.columns = pd.Index(names, tupleize_cols=False)
    log_time = logs[reached]
    columns["changing"] = columns[[name]].to_numpy()[:, 0] * (log_time - log_time.mean())
    own = [each.loc[used.index].to_numpy()[row] for each in (clusters, weights) if each is not None]
    found = fit(
        columns,
        np.where(last, used["time"].to_numpy()[row], cuts[reached]),
        used["event"].to_numpy()[row] & last,
        None if model.maximum.stratum is None else model.maximum.stratum[row],
        start=np.where(piece == 0, entry[row], cuts[np.maximum(cut - 1, 0)]),
        clusters=own[0],
        weights=own[1] if weights is not None else None,
    )
    if found.problem or "changing" in found.blank:
        return {"not_estimable": {"p_proportional": found.problem or NO_CHANGE}}
    chi_square = float(found.log_hr["changing"] ** 2 / found.robust.loc["changing", "changing"])
    return dict(zip(PROPORTIONALITY, (chi_square, 1, float(stats.chi2.sf(chi_square, 1))), strict=True))


def mean_differences(
    cohort: Cohort, population: str | None = None, *, models: list[FittedModel] | None = None
) -> pd.DataFrame:
    """Beside every model's hazard ratio what needs no proportional hazards: the difference of restricted means.

    Treated minus reference, in months up to the last whole day of the study's tau (`at`), of the patients of the model,
    without covariates.
    """
    study, records = cohort.study, []
    models = fitted_models(cohort, population) if models is None else models
    for model in [*treatment_alone(cohort, population), *models]:
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
    models = fitted_models(cohort, population) if models is None else models
    for model in [*treatment_alone(cohort, population), *models]:
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
