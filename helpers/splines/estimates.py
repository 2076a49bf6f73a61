"""What is said of a spline: its tests, its curve against a reference, and where that crosses 1 and turns.

What is said of a crossing or an extremum is said with a percentile bootstrap interval, knots and reference as in all
patients. Matched patients are drawn in pairs: as Austin & Small (2014) advise.
"""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox.bootstrap import EVENTS, resampled, to_first_order
from helpers.cox.models import likelihood_ratio, wald
from helpers.errors import ParameterError
from helpers.ledger import STATISTICS_OF, at_label, percent, wide
from helpers.splines.curve import FEW, crossings, extrema, tidy
from helpers.splines.models import FittedSpline, fitted_splines
from helpers.study import Study
from helpers.thresholds import MANY, shortened

GRID = 201
SHOWN = (0.01, 0.99)
BINS = 30
RATIO = ["hr", "hr_low", "hr_high"]
TESTED = ["p_overall", "p_nonlinear", "p_lrt", "turning_point"]
BY_CONSTRUCTION = "the reference value: the hazard ratio is 1 there by construction"
ENOUGH = 50.0
FIRST_ORDER = f", each to the first order, as there are more than {MANY} and {EVENTS} events"
NO_SAMPLE = "fewer than half of the bootstrap samples have such a point"


def splines(
    cohort: Cohort,
    population: str | None = None,
    *,
    draws: int | None = None,
    knots: int | None = None,
    fits: list[FittedSpline] | None = None,
) -> pd.DataFrame:
    """Tests, knots, hazard ratios at knots and quartiles, crossings and extrema of every spline, wide.

    `fits` are those of `fitted_splines` where they have been fitted already; `draws` replaces the study's number of
    bootstrap samples, none of which depends on what other splines are asked for. A spline's first two rows, without
    level, hold its `turning_point`, which is the reference, and its tests. Levels number the others: `knot_1`,
    `crossing_1`, `maximum_1`, `minimum_1`. `percent_found` is the share of samples with a crossing in the same
    direction, or an extremum of the same kind, on the same side of the reference and among the patients' values.
    """
    asked = cohort.study.splines
    if draws is not None and (not isinstance(draws, int) or isinstance(draws, bool) or draws < 0):
        raise ParameterError(f"draws = {draws!r}: give a whole number of bootstrap samples, 0 or more")
    rows = []
    for spline in fitted_splines(cohort, population, knots=knots) if fits is None else fits:
        rows += _tests(spline)
        if not spline.problem:
            rows += _shape(cohort.study, spline)
            rows += _points(cohort, spline, asked.draws if draws is None else draws)
    return wide(rows, STATISTICS_OF["spline"])


def curves(
    cohort: Cohort,
    population: str | None = None,
    *,
    knots: int | None = None,
    fits: list[FittedSpline] | None = None,
) -> pd.DataFrame:
    """Each spline's hazard ratio with pointwise limits for drawing, wide: 201 values of the variable and the reference.

    `at` runs from the 1st to the 99th percentile of the patients analysed. A spline that is not estimable has no rows.
    """
    rows = []
    for spline in fitted_splines(cohort, population, knots=knots) if fits is None else fits:
        if not spline.problem:
            low, high = np.quantile(spline.values, SHOWN)
            within = [spline.reference] if low <= spline.reference <= high else []
            rows += _ratios(cohort.study, spline, np.concatenate([np.linspace(low, high, GRID), within]))
    return wide(rows, RATIO)


def histogram(
    cohort: Cohort,
    population: str | None = None,
    *,
    knots: int | None = None,
    fits: list[FittedSpline] | None = None,
) -> pd.DataFrame:
    """Where each curve's patients are, for drawing, wide: `n` patients in each of 30 equal bins, `at` their left ends.

    The bins span what `curves` spans. Counts, because a tick a patient would publish every patient's value.
    """
    rows = []
    for spline in fitted_splines(cohort, population, knots=knots) if fits is None else fits:
        if not spline.problem:
            counts, edges = np.histogram(spline.values, BINS, range=tuple(np.quantile(spline.values, SHOWN)))
            at = [at_label(edge) for edge in tidy(edges[:-1])]
            rows += [{**spline.key, "at": each, "n": n} for each, n in zip(at, counts, strict=True)]
    return wide(rows, ["n"])


def _tests(spline: FittedSpline) -> list[dict]:
    """The reference and the tests, in this order: what reads both as one row keeps the method of the tests."""
    sizes = {"n": len(spline.known), "n_event": int(spline.known["event"].sum()), **spline.lost}
    row = {**spline.key, **sizes, "method": spline.method}
    if spline.problem:
        return [{**row, "not_estimable": dict.fromkeys(TESTED, spline.problem)}]
    turning = {**spline.key, "turning_point": spline.reference, "method": BY_CONSTRUCTION}
    overall, nonlinear = (wald(spline.full.fit, names)[1] for names in (spline.names, spline.names[1:]))
    ratio = likelihood_ratio(spline.full, spline.reduced)
    return [turning, {**row, "p_overall": overall, "p_nonlinear": nonlinear, **ratio}]


def _shape(study: Study, spline: FittedSpline) -> list[dict]:
    """The knots, and the hazard ratio at them and at the quartiles."""
    ends = ", the outer ones the fifth from either end" if len(spline.known) < FEW else ""
    method = f"Harrell's quantiles of the {len(spline.known)} values analysed{ends}"
    places = [
        {**spline.key, "level": f"knot_{number}", "knot": knot, "method": method}
        for number, knot in enumerate(spline.knots, 1)
    ]
    at = [*spline.knots, *np.quantile(spline.values, [0.25, 0.5, 0.75])]
    return places + [row for row in _ratios(study, spline, at) if row["at"] != at_label(spline.reference)]


def _ratios(study: Study, spline: FittedSpline, at: list[float] | np.ndarray) -> list[dict]:
    """The hazard ratio at each of some values, rising."""
    x = np.unique(tidy(at))
    method = f"{spline.method}; pointwise {study.level} limits"
    key = {**spline.key, "method": method, "reference": at_label(spline.reference)}
    found = spline.ratios(x, study.confidence)
    rows = zip(x, found, strict=True)
    return [{**key, "at": at_label(value), **dict(zip(RATIO, row, strict=True))} for value, row in rows]


def _points(cohort: Cohort, spline: FittedSpline, draws: int) -> list[dict]:
    """Crossings of 1 and extrema, each with what the bootstrap samples say of it."""
    ends = float(spline.values.min()), float(spline.values.max())
    finders = {
        "crossing": lambda coefficients: crossings(coefficients, spline.knots, spline.reference, ends),
        "extremum": lambda coefficients: extrema(coefficients, spline.knots),
    }
    points = [
        (statistic, value, rises)
        for statistic, found in finders.items()
        for value, rises in zip(*(each[0] for each in found(spline.coefficients[None])), strict=True)
        if not np.isnan(value)
    ]
    if not points:
        return []
    drawn, of = _samples(cohort, spline, draws)
    draws = len(drawn)
    again = {statistic: found(drawn) for statistic, found in finders.items()}
    rows, numbers = [], {}
    for statistic, value, rises in points:
        level, said = _kind(statistic, rises)
        numbers[level] = numbers.get(level, 0) + 1
        key = {**spline.key, "level": f"{level}_{numbers[level]}", statistic: value}
        key["reference"] = at_label(spline.reference) if statistic == "crossing" else ""
        said += f"; {cohort.study.level} percentile interval of {draws} bootstrap samples of {of}" if draws else ""
        found = _nearest(*again[statistic], value, rises, spline.reference)
        limits = _interval(found, statistic, draws, cohort.study.confidence)
        rows.append({**key, "method": said, **limits})
    return rows


def _kind(statistic: str, rises: bool) -> tuple[str, str]:
    """What the level of a point is called and what its method says."""
    if statistic == "crossing":
        return "crossing", f"the hazard ratio {'rises' if rises else 'falls'} through 1"
    return ("minimum", "minimum of the curve") if rises else ("maximum", "maximum of the curve")


def _samples(cohort: Cohort, spline: FittedSpline, asked: int) -> tuple[np.ndarray, str]:
    """The spline's coefficients in bootstrap samples that it shares with no other spline; what is drawn, and how."""
    population = spline.key["population"]
    pairs = cohort.clusters(population)
    rows = spline.full.design.index
    named = "|".join(spline.key[part] for part in ("population", "endpoint", "model", "variable"))
    event = spline.known.loc[rows, "event"].to_numpy()
    quick = to_first_order(event, spline.full.fit)
    draws = asked if quick else shortened(asked, len(rows))
    coefficients = resampled(
        spline.full.design,
        spline.known.loc[rows, "time"].to_numpy(),
        event,
        fitted=spline.full.fit,
        names=spline.names,
        draws=draws,
        rng=np.random.default_rng([cohort.study.seed, *named.encode()]),
        clusters=None if pairs is None else pairs.loc[rows].to_numpy(),
    )
    of = "patients" if pairs is None else "matched pairs"
    of += FIRST_ORDER if quick else f", not {asked}, as there are more than {MANY}" if draws < asked else ""
    return coefficients @ spline.mixing.T, of


def _nearest(found: np.ndarray, rising: np.ndarray, value: float, rises: bool, reference: float) -> np.ndarray:
    """Of each sample the point of the same kind, on the same side of the reference, nearest to `value`; NaN if none."""
    same = (rising == rises) & ((found > reference) == (value > reference)) & ~np.isnan(found)
    away = np.where(same, np.abs(found - value), np.inf)
    nearest = np.take_along_axis(found, away.argmin(axis=1)[:, None], axis=1)[:, 0]
    return np.where(np.isfinite(away.min(axis=1, initial=np.inf)), nearest, np.nan)


def _interval(found: np.ndarray, statistic: str, draws: int, confidence: float) -> dict:
    """Percentile limits of a point where half of the samples or more have it, and the share that do."""
    if not draws:
        return {}
    limits = [f"{statistic}_low", f"{statistic}_high"]
    kept = found[~np.isnan(found)]
    share = {"percent_found": percent(len(kept), draws)}
    if share["percent_found"] < ENOUGH:
        return {**share, "not_estimable": dict.fromkeys(limits, NO_SAMPLE)}
    return {**share, **dict(zip(limits, np.quantile(kept, [(1 - confidence) / 2, (1 + confidence) / 2]), strict=True))}
