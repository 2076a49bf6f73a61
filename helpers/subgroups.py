"""The effect of treatment in each level of other variables, and whether it differs between the levels.

Exploratory: whether effects differ is told by the test of interaction, not by one level's P beside another's (Altman &
Bland, 2003), and the tests of one population are many (Holm, 1979). Ratios and test come from one model whose baseline
hazard is free in each level; beside it stands the test with one baseline hazard for all, which most papers print.
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import Maximum, columns, complete_cases, strata_of
from helpers.cox.firth import penalised_test
from helpers.cox.kernel import NO_MAXIMUM, NO_VARIATION, Fit, fit
from helpers.cox.models import EFFECT, effect, likelihood_ratio, wald
from helpers.ledger import STATISTICS_OF, wide
from helpers.study import Study
from helpers.study.variants import STRATIFIED, variant

TESTS = ["df", "p_overall", "p_lrt", "p_holm"]
ONE_ARM = "no patients in one arm"
ONE_ARM_WITHOUT = "no events in one arm"
TOO_FEW = "fewer than two levels have patients in both arms and events"
DEPENDENT = 1e-5
POWER = 0.8
COMMON = "Cox regression with and without products of treatment and levels, Efron ties"
FREE = "Cox regression with and without an effect of treatment in each level, baseline hazards free in each, Efron ties"
PENALISED = "Firth's penalty, as an effect is infinite"


def subgroups(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Hazard ratio of treatment in every level of the study's subgroup variables, one Cox model a variable.

    The baseline hazard is free in each level and covariates have one effect in all: without covariates the ratios are
    those of a model a level. The row without variable is all patients. Under each row two with `group` hold an arm's
    patients and events. `population` replaces the study's own; a study without [subgroups] has no rows. Raises
    ParameterError for a population the study does not name.
    """
    rows = [row for key in _asked(cohort, population) for row in _every_level(cohort, key)]
    return wide(rows, STATISTICS_OF["subgroup"])


def interactions(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Tests of whether the effect of treatment differs between the levels of each subgroup variable.

    Model `...:stratified` tests the ratios of `subgroups`: an effect in each level against one for all, baseline
    hazards free in each level; under it a row a level with the ratio of its hazard ratio to the first level's and the
    ratios of ratios, below and above 1, that the data would show with 80% power at the study's level. Where an effect
    is infinite the likelihood-ratio test is Firth's penalised one (Heinze & Schemper, 2001). The other model has one
    baseline hazard: the products of treatment and levels beside both. A level without events or with patients of one
    arm alone stays and is not compared. Holm's (1979) method is over all tests of a model in a population.
    """
    rows = []
    for own in _by_population(_asked(cohort, population)):
        for test in (_interaction, _stratified):
            tested = [test(cohort, key, variable) for key in own for variable in cohort.study.subgroups.variables]
            adjusted = holm(np.array([found[0]["p_lrt"] for found in tested]))
            n_tested = np.count_nonzero(~np.isnan(adjusted))
            for found, p in zip(tested, adjusted, strict=True):
                rows += [{**found[0], "p_holm": p, "n_tested": n_tested}, *found[1:]]
    return wide(rows, STATISTICS_OF["interaction"])


def _by_population(keys: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    names = dict.fromkeys(key["population"] for key in keys)
    return [[key for key in keys if key["population"] == name] for name in names]


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
    known, _ = _known(cohort, key, covariates)
    reason = _no_contrast(study, known)
    found = _blank(EFFECT, reason) if reason else None
    method = f"Cox regression of treatment, Efron ties{_beside(covariates)}"
    if found is None:
        found = effect(study, _maximum(study, known, covariates), (study.arms.column, study.arms.treated))
    rows = _level(study, {**key, "method": method}, known, found)
    for variable in study.subgroups.variables:
        others = _others(study, variable)
        known, _ = _known(cohort, key, [variable, *others])
        method = f"Cox regression, baseline hazards free in each level, Efron ties{_beside(others)}"
        fitted = _by_level(study, known, variable, others)
        for level in study.level_labels(variable):
            inside, name = known[known[variable] == level], (variable, level)
            reason = _no_contrast(study, inside)
            if not reason and name not in fitted.fit.log_hr.index:
                reason = fitted.fit.problem or ONE_ARM
            found = _blank(EFFECT, reason) if reason else effect(study, fitted, name)
            rows += _level(study, {**key, "variable": variable, "level": level, "method": method}, inside, found)
    return rows


def _level(study: Study, key: dict[str, str], inside: pd.DataFrame, found: dict) -> list[dict]:
    """The effect of treatment among some patients, and under it each arm's patients and events."""
    arms, key = study.arms, {**key, "analysis": "subgroup"}
    by_arm = [{**key, "group": arm, **_size(inside[inside[arms.column] == arm])} for arm in arms.levels]
    return [{**key, "reference": arms.reference, **_size(inside), **found}, *by_arm]


def _interaction(cohort: Cohort, key: dict[str, str], variable: str) -> list[dict]:
    """The tests of one variable with one baseline hazard, all but the adjustment for their number."""
    study, covariates = cohort.study, _others(cohort.study, variable)
    known, lost = _known(cohort, key, [variable, *covariates])
    row = {**key, "analysis": "interaction", "variable": variable, "method": COMMON + _beside(covariates)}
    reason = _no_contrast(study, known)
    tests = _blank(TESTS, reason) if reason else _tests(study, known, variable, covariates)
    return [{**row, **_size(known), **lost, **tests}]


def _stratified(cohort: Cohort, key: dict[str, str], variable: str) -> list[dict]:
    """The tests of one variable with baseline hazards free in each level, then each level against the first."""
    study, covariates = cohort.study, _others(cohort.study, variable)
    known, lost = _known(cohort, key, [variable, *covariates])
    key = {**key, "analysis": "interaction", "model": variant(key["model"], STRATIFIED), "variable": variable}
    row = {**key, "method": FREE + _beside(covariates), **_size(known), **lost}
    reason = _no_contrast(study, known)
    full = None if reason else _by_level(study, known, variable, covariates)
    levels = [] if full is None else [name for name in full.design.columns if name[0] == variable]
    if len(levels) < 2 or full.fit.problem:
        return [{**row, **_blank(TESTS, reason or full.fit.problem or TOO_FEW)}]
    infinite = [name for name in levels if name in full.fit.blank]
    used = known.loc[full.design.index]
    others = full.design.drop(columns=levels)
    common = others.assign(treated=full.design[levels].sum(axis=1))
    if infinite:
        products = full.design[levels[1:]]
        given = (used["time"].to_numpy(), used["event"].to_numpy(), full.stratum)
        p = penalised_test(pd.concat([common, products], axis=1), *given, names=levels[1:])
        tested = {"p_lrt": p} if p == p else _blank(["p_lrt"], NO_MAXIMUM)
        tested |= {"method": row["method"].replace("Efron ties", f"Efron ties; {PENALISED}")}
        why = {"p_overall": _infinite(study, used, variable, [level for _, level in levels])}
        return [{**row, **tested, "df": len(levels) - 1, "not_estimable": why | tested.get("not_estimable", {})}]
    reduced = _fitted(used, common, full.stratum)
    ratios = _ratios(full, levels)
    tested = {**likelihood_ratio(full, reduced), "df": len(levels) - 1}
    tested |= {"p_overall": wald(ratios.fit, list(ratios.fit.log_hr.index))[1]}
    first = levels[0][1]
    text = {"method": "ratio of hazard ratios, both of the model with baseline hazards free in each level"}
    against = [
        {**key, **text, "level": level, "reference": first, **_ratio_of_ratios(study, ratios, level)}
        for level in ratios.fit.log_hr.index
    ]
    return [{**row, **tested}, *against]


def _by_level(study: Study, known: pd.DataFrame, variable: str, covariates: list[str]) -> Maximum:
    """The model with an effect of treatment, keyed (variable, level), in each level that has both arms at risk.

    Baseline hazards are free in each level; covariates that others determine within the levels are left out.
    """
    design, _, _ = columns(study, known, covariates)
    used, arms = known.loc[design.index], study.arms
    stratum = strata_of(used, [variable])
    at_risk = _at_risk(used, used[variable])
    kept = _independent(design[at_risk], used.loc[at_risk, variable])
    both = used[at_risk].groupby(variable, observed=False)[arms.column].nunique()
    reference = study.reference(variable)
    levels = sorted(study.level_labels(variable), key=lambda level: level != reference)
    treated = (used[arms.column] == arms.treated).astype(float)
    effects = {(variable, each): treated * (used[variable] == each) for each in levels if both.get(each, 0) == 2}
    whole = pd.concat([design.iloc[:, kept], pd.DataFrame(effects, index=used.index)], axis=1)
    whole.columns = pd.Index([*design.columns[kept], *effects], tupleize_cols=False)
    return _fitted(used, whole, stratum)


def _ratios(full: Maximum, levels: list[tuple[str, str]]) -> Maximum:
    """Each level's log hazard ratio less the first level's, by level."""
    contrasts = np.column_stack([-np.ones(len(levels) - 1), np.eye(len(levels) - 1)])
    log_hr = contrasts @ full.fit.log_hr[levels].to_numpy()
    covariance = contrasts @ full.fit.covariance.loc[levels, levels].to_numpy() @ contrasts.T
    names = pd.Index([level for _, level in levels[1:]])
    fitted = Fit(pd.Series(log_hr, names), pd.DataFrame(covariance, names, names), full.fit.log_likelihood)
    return Maximum(fitted, {}, full.parameters, full.design, full.stratum)


def _ratio_of_ratios(study: Study, ratios: Maximum, level: str) -> dict:
    """A level's hazard ratio over the first level's, and what ratio of ratios the data could have shown.

    With standard error SE a true log ratio of (z of the two-sided level + z of the power) SE is found with that power.
    """
    found = effect(study, ratios, level)
    far = (stats.norm.ppf((1 + study.confidence) / 2) + stats.norm.ppf(POWER)) * found["log_hr_se"]
    return {**found, "detectable_low": np.exp(-far), "detectable_high": np.exp(far)}


def _tests(study: Study, known: pd.DataFrame, variable: str, covariates: list[str]) -> dict:
    """Degrees of freedom and P values of the products of treatment and the levels that allow them."""
    arms, reduced = study.arms, _maximum(study, known, [variable, *covariates])
    used = known.loc[reduced.design.index]
    both = used[_at_risk(used)].groupby(variable, observed=False)[arms.column].nunique()
    levels = [level for level in study.level_labels(variable) if both.get(level, 0) == 2]
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
    at_risk = _at_risk(used)
    kept = _independent(design.iloc[:, :-1][at_risk], pd.Series(0, index=used.index[at_risk]))
    return _fitted(used, design.iloc[:, [*kept, design.shape[1] - 1]])


def _independent(design: pd.DataFrame, within: pd.Series) -> list[int]:
    """The places of columns that those before them do not determine within groups."""
    x = (design - design.groupby(within, observed=True).transform("mean")).to_numpy() if design.shape[1] else design
    kept: list[int] = []
    for position in range(design.shape[1]):
        spread = x[:, [*kept, position]].std(axis=0)
        scaled = x[:, [*kept, position]] / np.where(spread > 0, spread, 1)
        if np.linalg.matrix_rank(scaled, rtol=DEPENDENT) > len(kept):
            kept.append(position)
    return kept


def _fitted(used: pd.DataFrame, design: pd.DataFrame, stratum: np.ndarray | None = None) -> Maximum:
    """The maximum of a design; a column that does not vary is no parameter."""
    fitted = fit(design, used["time"].to_numpy(), used["event"].to_numpy(), stratum)
    parameters = design.shape[1] - sum(reason == NO_VARIATION for reason in fitted.blank.values())
    return Maximum(fitted, fitted.blank, parameters, design, stratum)


def _at_risk(known: pd.DataFrame, within: pd.Series | None = None) -> pd.Series:
    """Who is at risk at one death or more, of the same level where levels are given."""
    deaths = known["time"].where(known["event"])
    first = deaths.min() if within is None else deaths.groupby(within, observed=True).transform("min")
    return known["time"] >= first


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
