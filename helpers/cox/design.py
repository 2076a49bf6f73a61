"""Who a Cox model is fitted to and the numbers it is fitted on.

A level without events has no finite hazard ratio: its patients leave the fit, which is the limit of the partial
likelihood as the coefficient goes to minus infinity, so everything else keeps its maximum likelihood estimate.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox.kernel import NO_VARIATION, Fit, fit
from helpers.study import Study

LOST = ["n_missing", "n_not_applicable", "n_no_time"]
NOBODY = "no patients in this level"
NO_EVENTS = "no events in this level"


@dataclass(frozen=True)
class Maximum:
    """A model at its maximum, effects keyed (variable, level): the fit, why some effects are none, all parameters.

    `design` and `stratum` are what was fitted, a row a patient. `df` are the degrees of freedom of each effect where
    its reference distribution is a t.
    """

    fit: Fit
    blank: dict[tuple[str, str], str]
    parameters: int
    design: pd.DataFrame
    stratum: np.ndarray | None
    df: pd.Series | None = None


def able(
    cohort: Cohort,
    endpoint: str,
    population: str,
    needed: list[str],
    *,
    otherwise: bool = False,
    beside: list[str] | None = None,
) -> tuple[pd.DataFrame, dict]:
    """Patients with a time in whom every covariate can exist, known or not, and how many are not among them.

    With `otherwise` a covariate that cannot exist in a patient takes the value the study file gives it there, if any.
    `beside` are further variables to have in the frame.
    """
    everybody = cohort.with_outcome(endpoint, population, variables=[*needed, *(beside or [])])
    data = everybody[everybody["time"].notna()].copy()
    applies = pd.Series(True, index=data.index)
    for name in needed:
        here = cohort.applies(name, data)
        value = cohort.study.variables[name].otherwise if otherwise and name in cohort.study.variables else None
        if value is None:
            applies &= here
        else:
            data[name] = data[name].where(here, value)
    return data[applies], dict(zip(LOST, (0, int((~applies).sum()), len(everybody) - len(data)), strict=True))


def complete_cases(
    cohort: Cohort, endpoint: str, population: str, needed: list[str], *, otherwise: bool = False
) -> tuple[pd.DataFrame, dict]:
    """The complete cases, and why each of the others is not one: no time, a covariate that cannot exist, or missing."""
    data, lost = able(cohort, endpoint, population, needed, otherwise=otherwise)
    complete = data[needed].notna().all(axis=1)
    return data[complete], {**lost, "n_missing": int((~complete).sum())}


def costs(
    cohort: Cohort, endpoint: str, population: str, needed: list[str], *, otherwise: bool = False
) -> dict[str, dict[str, int]]:
    """The patients that each of some covariates would cost alone, as `complete_cases` counts them."""
    everybody = cohort.with_outcome(endpoint, population, variables=needed)
    data, found = everybody[everybody["time"].notna()], {}
    for name in needed:
        here, value = cohort.applies(name, data), None
        if otherwise and name in cohort.study.variables:
            value = cohort.study.variables[name].otherwise
        absent = 0 if value is not None else int((~here).sum())
        missing = int((data[name].isna() & here).sum())
        found[name] = dict(zip(LOST, (missing, absent, len(everybody) - len(data)), strict=True))
    return found


def columns(
    study: Study, known: pd.DataFrame, covariates: list[str], *, penalised: bool = False
) -> tuple[pd.DataFrame, dict[tuple[str, str], str], int]:
    """Indicators of levels and numbers per unit, a row a patient who stays; why effects are none; the parameters.

    A level without events leaves, with its patients, unless the fit is `penalised` and has an estimate of it.
    """
    factors = {name: list(study.level_labels(name)) for name in covariates if study.level_labels(name)}
    inside = {(name, level): (known[name] == level).to_numpy() for name, levels in factors.items() for level in levels}
    event = known["event"].to_numpy()
    empty = {each: _empty(where, event, penalised) for each, where in inside.items()}
    kept = np.ones(len(known), dtype=bool)
    for each in [each for each, reason in empty.items() if reason]:
        kept &= ~inside[each]
    found: dict[tuple[str, str], np.ndarray] = {}
    blank: dict[tuple[str, str], str] = {}
    parameters = 0
    for name in covariates:
        if name not in factors:
            found[name, ""] = known[name].to_numpy(dtype=float)[kept] / study.variables[name].per
            parameters += 1
            continue
        reference = study.reference(name)
        estimable = [level for level in factors[name] if not empty[name, level]]
        base = reference if reference in estimable else next(iter(estimable), None)
        found |= {(name, level): inside[name, level][kept].astype(float) for level in estimable if level != base}
        parameters += max(0, sum(empty[name, level] != NOBODY for level in factors[name]) - 1)
        for level in factors[name]:
            reason = empty[name, level] or empty[name, reference].replace("this", "the reference")
            if reason and level != reference:
                blank[name, level] = reason
    values = np.array(list(found.values()), dtype=float).reshape(len(found), kept.sum()).T
    design = pd.DataFrame(values, index=known.index[kept])
    design.columns = list(found)
    return design, blank, parameters


def maximise(
    study: Study,
    known: pd.DataFrame,
    covariates: list[str],
    strata: list[str] | None = None,
    clusters: pd.Series | None = None,
    weights: pd.Series | None = None,
) -> Maximum:
    """Fit what can be estimated to the patients that are left, weighted where `weights` by row are given.

    A row is at risk from its `entry` on where `known` has one. With `clusters` by row the covariance is the robust one.
    """
    design, blank, parameters = columns(study, known, covariates)
    used = known.loc[design.index]
    stratum = strata_of(used, strata)
    given = {
        name: values.loc[used.index].to_numpy()
        for name, values in (("clusters", clusters), ("weights", weights))
        if values is not None
    }
    if "entry" in used:
        given["start"] = used["entry"].to_numpy()
    fitted = fit(design, used["time"].to_numpy(), used["event"].to_numpy(), stratum, **given)
    fitted = fitted if fitted.robust is None else replace(fitted, covariance=fitted.robust)
    parameters -= sum(reason == NO_VARIATION for reason in fitted.blank.values())
    return Maximum(fitted, blank | fitted.blank, parameters, design, stratum)


def strata_of(used: pd.DataFrame, strata: list[str] | None) -> np.ndarray | None:
    """One number for each combination of the strata's levels, a row a patient."""
    return used.groupby(strata, observed=True).ngroup().to_numpy() if strata else None


def _empty(inside: np.ndarray, event: np.ndarray, penalised: bool) -> str:
    return NOBODY if not inside.any() else "" if penalised or event[inside].any() else NO_EVENTS
