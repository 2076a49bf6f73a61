"""How much of an effect is the clock's: what goes when treatment counts from its beginning instead of from time zero.

With the arm taken as known at time zero the months before treatment count as treated, and nobody treated can have had
the event in them (Suissa, 2008). As an exposure that begins (Mantel & Byar, 1974), with the same covariates in the same
patients, they count as untreated. The share of the log hazard ratio that goes is one minus the ratio of the two.
"""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import effect, maximise
from helpers.cox.bootstrap import resampled
from helpers.cox.design import Maximum
from helpers.ledger import STATISTICS_OF, wide
from helpers.sensitivity.exposure import exposed, models, pieces
from helpers.study.analyses import Model
from helpers.study.variants import UNADJUSTED
from helpers.thresholds import MANY, shortened

CLEAR_ONLY = "the naive interval includes 1"
ROUNDING = 9
STRATIFIED = "no bootstrap samples of a stratified model are drawn"
NO_DRAWS = "no bootstrap samples were asked for"
FEW_SAMPLES = "too few bootstrap samples have an estimate"
ENOUGH = 0.9
LIMITS = ["percent_clock_low", "percent_clock_high"]


def clock(cohort: Cohort, population: str | None = None, *, draws: int | None = None) -> pd.DataFrame:
    """When treatment began in the treated, and the share of each effect that counting from then takes away.

    Rows of analysis `clock`, per endpoint: of the variable that holds the start its quartiles and range among those who
    began before the endpoint's time; for treatment alone and the exposure's models `percent_clock`, in per cent of the
    naive log hazard ratio; for treatment alone and the primary analysis's model with percentile limits over bootstrap
    samples of the patients, both models fitted to each. No share where the naive interval includes 1. No rows
    without [exposure].
    """
    study, records = cohort.study, []
    if study.exposure is None:
        return wide([], STATISTICS_OF["clock"])
    where = study.exposure.population if population is None else population
    asked = study.exposure.draws if draws is None else draws
    for endpoint in study.exposure.endpoints:
        key = {"population": where, "endpoint": endpoint, "analysis": "clock"}
        records.append({**key, **_beginnings(cohort, endpoint, where)})
        for name, spec in models(cohort, endpoint, where).items():
            drawn = asked if name in {UNADJUSTED, study.primary_analysis.model} else 0
            records.append({**key, "model": name, **_share(cohort, endpoint, where, spec, drawn)})
    return wide(records, STATISTICS_OF["clock"])


def _beginnings(cohort: Cohort, endpoint: str, population: str) -> dict:
    """Months from the origin to the beginning of treatment."""
    _, start, lost = exposed(cohort, endpoint, population, [])
    begun = start.dropna()
    names = ["minimum", "q1", "median", "q3", "maximum"]
    found = dict(zip(names, np.quantile(begun, [0, 0.25, 0.5, 0.75, 1]), strict=True)) if len(begun) else {}
    why = {} if len(begun) else {"not_estimable": dict.fromkeys(names, "treatment began in nobody")}
    counts = {"n": len(begun), "n_missing": lost["n_missing"]}
    return {"variable": cohort.study.exposure.start, "group": cohort.study.arms.treated, **counts, **found, **why}


def _share(cohort: Cohort, endpoint: str, population: str, spec: Model, asked: int) -> dict:
    """The share for one model, with its limits or why there are none."""
    study, arms, covariates = cohort.study, cohort.study.arms, spec.covariates
    known, start, _ = exposed(cohort, endpoint, population, [*covariates, *spec.strata])
    known, start = known.sort_index(), start.sort_index()
    frames = known, pieces(study, known, start).sort_index()
    row = {"variable": arms.column, "level": arms.treated, "reference": arms.reference, "n": len(known)}
    fitted = [maximise(study, frame, covariates, spec.strata) for frame in frames]
    naive, counted = (effect(study, each, (arms.column, arms.treated)) for each in fitted)
    names = ["percent_clock", *LIMITS]
    reason = "" if naive["hr_high"] < 1 or naive["hr_low"] > 1 else CLEAR_ONLY
    reason = next((each for one in (naive, counted) for each in one.get("not_estimable", {}).values()), reason)
    if reason:
        return {**row, "not_estimable": dict.fromkeys(names, reason)}
    row["percent_clock"] = round(100 * (1 - counted["log_hr"] / naive["log_hr"]), ROUNDING)
    draws = shortened(asked, len(known))
    if spec.strata or not draws:
        return {**row, "not_estimable": dict.fromkeys(LIMITS, STRATIFIED if spec.strata else NO_DRAWS)}
    samples = [
        _resampled(frame, model, (arms.column, arms.treated), draws, study.seed)
        for frame, model in zip(frames, fitted, strict=True)
    ]
    shares = 100 * (1 - samples[1] / samples[0])
    shares = shares[np.isfinite(shares)].round(ROUNDING)
    row["method"] = f"percentile limits of {draws} bootstrap samples of the patients"
    row["method"] += f", not {asked}, as there are more than {MANY}" if draws < asked else ""
    if len(shares) < ENOUGH * draws:
        return {**row, "not_estimable": dict.fromkeys(LIMITS, FEW_SAMPLES)}
    ends = np.quantile(shares, [(1 - study.confidence) / 2, (1 + study.confidence) / 2])
    return {**row, **dict(zip(LIMITS, ends, strict=True))}


def _resampled(frame: pd.DataFrame, model: Maximum, name: tuple[str, str], draws: int, seed: int) -> np.ndarray:
    """The coefficient in bootstrap samples of the patients, the same samples for the same seed and patients."""
    used = frame.loc[model.design.index]
    given = {"start": used["entry"].to_numpy()} if "entry" in used else {}
    found = resampled(
        model.design,
        used["time"].to_numpy(),
        used["event"].to_numpy(),
        fitted=model.fit,
        names=[name],
        draws=draws,
        rng=np.random.default_rng(seed),
        clusters=used.index.get_level_values(0).to_numpy(),
        **given,
    )
    return found[:, 0]
