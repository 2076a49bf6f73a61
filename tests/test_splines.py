"""Restricted cubic splines: by hand, against R, and what is drawn and said of them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from agreement import Key, analyses, compare
from building import arms, categorical, cohort_of, continuous, endpoint
from matplotlib.backends.backend_agg import FigureCanvasAgg
from public import load, order
from scipy import stats

from helpers import cox, notation, splines
from helpers.cohort import Cohort
from helpers.cox import bootstrap
from helpers.errors import ParameterError
from helpers.exhibits import rendered
from helpers.figures.splines import splines as draw
from helpers.ledger import STATISTICS_OF, melt, pivot, select
from helpers.study.analyses import Splines
from helpers.tables.splines import splines as tabulate

CUBE = np.array([[-0.75, 4.0]])
UNIT = np.array([0.0, 1.0, 2.0])
ASKED = {"endpoints": ["OS"], "populations": ["primary"], "knots": 4, "reference": "median", "draws": 50}


def study_of(folder, frame: pd.DataFrame, described: dict, **asked) -> Cohort:
    """A cohort with columns `time`, `event`, `arm` and the variables, and its splines."""
    return cohort_of(
        folder,
        frame.assign(arm=["a", "b"] * (len(frame) // 2) + ["a"] * (len(frame) % 2)),
        arms=arms("arm", "a", "b"),
        variables=described,
        endpoints={"OS": endpoint(**asked.pop("outcome", {}))},
        splines={**ASKED, **asked},
    )


def asking(cohort: Cohort, **asked) -> Cohort:
    """The cohort with other splines in its study."""
    return replace(cohort, study=cohort.study.model_copy(update={"splines": Splines(**{**ASKED, **asked})}))


def patients(n: int = 90, seed: int = 5) -> pd.DataFrame:
    """Invented patients whose hazard is lowest near x = 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {"x": x, "time": rng.exponential(20, n) * np.exp(-(x**2)), "event": rng.random(n) < 0.7}
    ).assign(event=lambda frame: frame["event"].astype(int))


@cache
def veteran() -> dict:
    """A fitted spline of three terms beside a factor, on real times with ties."""
    frame = load("veteran")
    knots = splines.default_knots(frame["age"].to_numpy(dtype=float), 4)
    names = [("age", f"spline_{term}") for term in (1, 2, 3)]
    cells = pd.get_dummies(frame["celltype"], dtype=float)[["adeno", "large", "smallcell"]]
    design = pd.DataFrame(np.column_stack([cells, splines.basis(frame["age"].to_numpy(), knots)]))
    design.columns = [*(("celltype", level) for level in cells), *names]
    time, event = frame["OS_time"].to_numpy(dtype=float), frame["OS_event"].to_numpy()
    fitted = cox.fit(design, time, event)
    return {"columns": design, "time": time, "event": event, "fitted": fitted, "names": names}


# ---- the curve


def test_the_terms_by_hand():
    np.testing.assert_allclose(
        splines.basis(np.array([-1, 0, 0.5, 1, 2, 3, 4]), UNIT),
        [[-1, 0], [0, 0], [0.5, 0.125 / 4], [1, 0.25], [2, 1.5], [3, 3], [4, 4.5]],
        atol=1e-15,
    )
    knots = np.array([0.0, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(
        splines.basis(np.array([3, 6]), knots), [[3, 25 / 16, 6.5 / 16], [6, 6, 33 / 16]], rtol=1e-14
    )
    x, step = np.linspace(-0.9, 4.9, 30), 1e-5
    for derivative in (1, 2):
        ends = [splines.basis(x + side * step, knots, derivative - 1) for side in (1, -1)]
        np.testing.assert_allclose(
            splines.basis(x, knots, derivative), (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("knots", [[1, 2, 5], [-3, 0, 0.5, 9], [1, 3, 7, 20, 90]])
def test_the_curve_is_a_line_beyond_the_outer_knots(knots):
    knots = np.array(knots, dtype=float)
    for outside in (knots[0] - np.arange(4.0), knots[-1] + np.arange(4.0)):
        rises = np.diff(splines.basis(outside, knots), axis=0)
        np.testing.assert_allclose(rises, np.broadcast_to(rises[:1], rises.shape), rtol=1e-9, atol=1e-9)
        assert np.abs(splines.basis(outside, knots, 2)).max() < 1e-9
    assert (splines.basis(knots[0] - np.arange(3.0), knots)[:, 1:] == 0).all()


def test_knots_are_harrells_quantiles():
    assert splines.default_knots(np.arange(101.0), 4).tolist() == [5, 35, 65, 95]
    assert splines.default_knots(np.arange(101.0), 5).tolist() == [5, 27.5, 50, 72.5, 95]
    assert splines.default_knots(np.arange(1.0, 61), 3).tolist() == [5, 30.5, 56]
    assert splines.default_knots(np.arange(1.0, 101), 3).tolist() == [10.9, 50.5, 90.1]
    assert splines.default_knots(np.repeat([0.0, 1, 2, 9], [60, 20, 15, 25]), 4).tolist() == [0, 1, 9]
    assert splines.default_knots(np.arange(4.0), 3).size == 0


def test_crossings_and_extrema_of_a_cubic_worked_by_hand():
    turns, lowest = splines.extrema(CUBE, UNIT)
    assert turns[~np.isnan(turns)].tolist() == pytest.approx([0.5], abs=1e-14)
    assert lowest[~np.isnan(turns)].tolist() == [True]
    for reference, ends, expected in (
        (0.0, (-1, 3), {np.sqrt(0.75): True}),
        (0.6, (-1, 3), {(np.sqrt(1.92) - 0.6) / 2: False}),
        (1.5, (-3, 3), {-8 / 3: False}),
        (1.5, (-2, 3), {}),
        (0.5, (-2, 3), {}),
    ):
        roots, rising = splines.crossings(CUBE, UNIT, reference, ends)
        inside = ~np.isnan(roots)
        assert roots[inside].tolist() == pytest.approx(list(expected), abs=1e-12)
        assert rising[inside].tolist() == list(expected.values())
    upside_down = splines.extrema(-CUBE, UNIT)
    assert not upside_down[1][~np.isnan(upside_down[0])].any(), "a maximum"


def test_a_crossing_at_a_knot_is_found_once():
    roots, rising = splines.crossings(np.array([[-1.0, 4.0]]), UNIT, 0.0, (-1, 3))
    assert roots[~np.isnan(roots)].tolist() == pytest.approx([1])
    assert rising[~np.isnan(roots)].tolist() == [True]


def test_points_of_many_curves_are_where_the_curves_say():
    rng = np.random.default_rng(1)
    knots = np.array([0.0, 1.0, 2.5, 4.0, 8.0])
    curves, reference, ends = rng.normal(size=(200, 4)) * [1, 2, 4, 4], 2.0, (-1.0, 10.0)
    grid = np.linspace(*ends, 20_001)
    values = curves @ (splines.basis(grid, knots) - splines.basis(np.array(reference), knots)).T
    near = np.abs(grid[:-1] - reference) < 1e-3
    changes = ((np.sign(values[:, 1:]) != np.sign(values[:, :-1])) & ~near).sum(axis=1)
    roots, rising = splines.crossings(curves, knots, reference, ends)
    found = ~np.isnan(roots)
    assert found.sum() > 50
    assert (found.sum(axis=1) == changes).mean() > 0.98
    rows, places = np.nonzero(found)
    terms = splines.basis(roots[rows, places], knots) - splines.basis(np.array(reference), knots)
    np.testing.assert_allclose((curves[rows] * terms).sum(axis=1), 0, atol=1e-10)
    slope = (curves[rows] * splines.basis(roots[rows, places], knots, 1)).sum(axis=1)
    assert ((slope > 0) == rising[rows, places]).all()
    turns, lowest = splines.extrema(curves, knots)
    rows, places = np.nonzero(~np.isnan(turns))
    flat, bend = ((curves[rows] * splines.basis(turns[rows, places], knots, order)).sum(axis=1) for order in (1, 2))
    np.testing.assert_allclose(flat, 0, atol=1e-10)
    assert ((bend > 0) == lowest[rows, places]).all()
    signs = np.sign(curves @ splines.basis(grid, knots, 1).T)
    assert ((~np.isnan(turns)).sum(axis=1) == (signs[:, 1:] != signs[:, :-1]).sum(axis=1)).mean() > 0.98


# ---- the bootstrap


def test_weighted_fits_are_the_kernels_draw_by_draw():
    model = veteran()
    weights = np.random.default_rng(0).multinomial(137, np.full(137, 1 / 137), size=40)
    weights[0] = 1
    found = splines.weighted_fits(**{**model, "weights": weights})
    for row, weight in zip(found, weights, strict=True):
        one = cox.fit(model["columns"], model["time"], model["event"], weights=weight)
        np.testing.assert_allclose(row, one.log_hr[model["names"]], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found[0], model["fitted"].log_hr[model["names"]], rtol=1e-8)


def test_a_covariate_without_maximum_leaves_the_spline_its_limit():
    model = veteran()
    rare = pd.Series(0.0, index=model["columns"].index)
    rare.iloc[[3, 60, 100]] = 1
    event = model["event"].copy()
    event[[60, 100]] = 0
    columns = model["columns"][model["names"]].copy()
    columns.insert(0, "rare", rare)
    columns.columns = [("rare", ""), *model["names"]]
    fitted = cox.fit(columns, model["time"], event)
    weights = np.random.default_rng(0).multinomial(137, np.full(137, 1 / 137), size=60)
    found = splines.weighted_fits(columns, model["time"], event, weights, fitted=fitted, names=model["names"])
    limits = 0
    for row, weight in zip(found, weights, strict=True):
        one = cox.fit(columns, model["time"], event, weights=weight)
        np.testing.assert_allclose(row, one.log_hr[model["names"]], rtol=1e-7, atol=1e-7)
        limits += bool(one.blank)
    assert limits > 5


def test_draws_without_an_estimate_are_no_numbers():
    frame = patients(12)
    knots = splines.default_knots(frame["x"].to_numpy(), 3)
    columns = pd.DataFrame(splines.basis(frame["x"].to_numpy(), knots), columns=["one", "two"])
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    fitted = cox.fit(columns, time, event)
    weights = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=200)
    weights[0] = event == 0
    weights[1] = np.eye(12)[0] * 12
    found = splines.weighted_fits(columns, time, event, weights, fitted=fitted, names=["one", "two"])
    assert np.isnan(found[:2]).all()
    for row, weight in zip(found[2:], weights[2:], strict=True):
        one = cox.fit(columns, time, event, weights=weight)
        assert np.isnan(row).any() == bool(one.problem or one.blank)


def test_clusters_are_drawn_whole_and_samples_do_not_depend_on_their_number():
    model = veteran()
    clusters = np.r_[np.arange(68), np.arange(68), 200]
    found = splines.resampled(**model, draws=300, rng=np.random.default_rng(9), clusters=clusters)
    counts = np.random.default_rng(9).multinomial(69, np.full(69, 1 / 69), size=300)
    by_hand = splines.weighted_fits(**model, weights=counts[:, np.r_[np.arange(68), np.arange(68), 68]])
    np.testing.assert_allclose(found, by_hand, rtol=1e-9)
    fewer = splines.resampled(**model, draws=7, rng=np.random.default_rng(9), clusters=clusters)
    np.testing.assert_allclose(found[:7], fewer, rtol=1e-9)
    alone = splines.resampled(**model, draws=300, rng=np.random.default_rng(9))
    assert np.abs(alone - found).max() > 0.01


def test_beyond_many_patients_a_sample_is_taken_to_the_first_order(monkeypatch):
    """7,874 people of Olmsted County: the same samples, fitted and to the first order."""
    frame = load("flchain")
    age = frame["age"].to_numpy(dtype=float)
    columns = pd.DataFrame(splines.basis(age, splines.default_knots(age, 4)), columns=["a", "b", "c"])
    columns.insert(0, "male", (frame["sex"] == "M").to_numpy(dtype=float))
    time, event = frame["futime"].to_numpy() + 1.0, frame["death"].to_numpy()
    fitted = cox.fit(columns, time, event)
    asked = {"fitted": fitted, "names": ["a", "b", "c"], "draws": 60}
    quick = splines.resampled(columns, time, event, **asked, rng=np.random.default_rng(4))
    robust = cox.fit(columns, time, event, clusters=np.arange(len(time)))
    added = bootstrap.influences(columns, time, event, fitted=fitted, names=["a", "b", "c"])
    np.testing.assert_allclose(added.T @ added, robust.robust.loc[["a", "b", "c"], ["a", "b", "c"]], rtol=1e-8)
    assert bootstrap.to_first_order(event, fitted)
    few = np.zeros(len(event))
    few[np.flatnonzero(event)[:1000]] = 1
    assert not bootstrap.to_first_order(few, fitted), "the error goes by the events"
    assert not bootstrap.to_first_order(event[:5000], fitted)
    monkeypatch.setattr(bootstrap, "MANY", 10_000)
    whole = splines.resampled(columns, time, event, **asked, rng=np.random.default_rng(4))
    spread = whole.std(axis=0)
    assert np.abs(quick.mean(axis=0) - whole.mean(axis=0)).max() < 0.1 * spread.max()
    np.testing.assert_allclose(quick.std(axis=0), spread, rtol=0.05)
    assert min(np.corrcoef(one, other)[0, 1] for one, other in zip(quick.T, whole.T, strict=True)) > 0.99


# ---- against R


def agreement_of(folder, dataset: str, analysis: str) -> dict[Key, float]:
    parts = dict(part.partition("=")[::2] for part in analysis.split("|")[1:])
    x, k = parts["x"], int(parts["k"])
    factors = [each.removeprefix("factor(").removesuffix(")") for each in parts["adj"].split("+") if each]
    outcome = analysis.partition("|")[0]
    frame = load(dataset)[[x, *factors, f"{outcome}_time", f"{outcome}_event"]]
    frame = frame.rename(columns={f"{outcome}_time": "time", f"{outcome}_event": "event"})
    variables = {x: continuous()}
    for name in factors:
        numeric = f"factor({name})" not in parts["adj"] and pd.api.types.is_numeric_dtype(frame[name])
        variables[name] = continuous() if numeric else categorical(*order(name, frame[name]))
    cohort = study_of(
        folder, frame, variables, variables=[x], covariates=factors, knots=k, draws=0, outcome={"unit": "days"}
    )
    (spline,) = fits = splines.fitted_splines(cohort)
    found = splines.splines(cohort, fits=fits)
    fitted, names, basis = spline.full.fit, spline.names, spline.mixing
    linear = [name for name in spline.full.design.columns if name not in names[1:]]
    less = cox.fit(spline.full.design[linear], spline.known["time"].to_numpy(), spline.known["event"].to_numpy())
    values: dict[tuple[str, str], float] = {}
    for level, knot in select(found, level=[f"knot_{n}" for n in range(1, 6)])[["level", "knot"]].to_numpy():
        values[level.replace("_", ""), "value"] = knot
    errors = np.sqrt(np.diag(basis @ fitted.covariance.loc[names, names].to_numpy() @ basis.T))
    for number, (value, error) in enumerate(zip(spline.coefficients, errors, strict=True), 1):
        values |= {(f"basis{number}", "coef"): value, (f"basis{number}", "se"): error}
    whole = found[found["n"].notna()].iloc[0]
    for term, which, nested in (("overall", names, spline.reduced.fit), ("nonlinear", names[1:], less)):
        ratio = 2 * (fitted.log_likelihood - nested.log_likelihood)
        values |= {(term, "wald_chisq"): cox.wald(fitted, which)[0], (term, "df"): len(which)}
        values |= {(term, "wald_p"): whole[f"p_{term}"], (term, "lrt_chisq"): ratio}
        values[term, "lrt_p"] = whole["p_lrt"] if term == "overall" else stats.chi2.sf(ratio, len(which))
    values |= {("model", "n"): whole["n"], ("model", "n_event"): whole["n_event"]}
    values |= {("model", "loglik"): fitted.log_likelihood, ("model", "median"): found["turning_point"].max()}
    for row in found[found["hr"].notna()].to_dict("records"):
        values |= {(f"x={row['at']}", name): row[name] for name in ("hr", "hr_low", "hr_high")}
    return {(dataset, analysis, *key): value for key, value in values.items()}


@pytest.mark.slow
def test_splines_agree_with_r(tmp_path, record_property):
    computed: dict[Key, float] = {}
    for number, (dataset, analysis) in enumerate(analyses("splines.csv")):
        computed |= agreement_of(tmp_path / str(number), dataset, analysis)
    compare("splines.csv", computed, record_property)


# ---- the models of a study


@pytest.fixture(scope="module")
def cubic(tmp_path_factory):
    """Ninety patients, a variable with a least hazard, one with a covariate to adjust for."""
    frame = patients().assign(z=lambda each: np.where(each["x"] > 0.3, "high", "low"))
    variables = {"x": continuous(unit="U/L"), "z": categorical("low", "high")}
    return study_of(tmp_path_factory.mktemp("cubic"), frame, variables, variables=["x"], draws=200)


def test_rows_are_the_curve_and_its_points(cubic):
    (spline,) = fits = splines.fitted_splines(cubic)
    found = splines.splines(cubic, fits=fits)
    assert (found["model"] == "knots_4").all()
    reference = found["turning_point"].max()
    assert reference == pytest.approx(np.median(patients()["x"]))
    method = found.loc[found["turning_point"].notna(), "method"].item()
    assert method == "the reference value: the hazard ratio is 1 there by construction"
    ordered = np.sort(patients()["x"])
    knots = found["knot"].dropna().to_numpy()
    assert knots[[0, -1]].tolist() == pytest.approx(ordered[[4, -5]].tolist())
    assert found["level"].tolist()[2:6] == ["knot_1", "knot_2", "knot_3", "knot_4"]
    drawn = found[found["hr"].notna()]
    assert set(drawn["reference"]) == {f"{reference}"}
    assert f"{reference}" not in set(drawn["at"])
    assert (drawn["hr_low"] < drawn["hr"]).all()
    point = select(found, level="minimum_1").iloc[0]
    nearby = spline.ratios(np.array([point["extremum"] + side for side in (-0.01, 0, 0.01)]), 0.95)[:, 0]
    assert nearby.argmin() == 1
    assert point["extremum_low"] < point["extremum"] < point["extremum_high"]
    assert point["method"].startswith(
        "minimum of the curve; 95% percentile interval of 200 bootstrap samples of patients"
    )
    crossing = select(found, level="crossing_1").iloc[0]
    assert spline.ratios(np.array([crossing["crossing"]]), 0.95)[0, 0] == pytest.approx(1, abs=1e-10)
    assert 0 < crossing["percent_found"] <= 100
    assert list(found.columns[8:-3]) == STATISTICS_OF["spline"]
    assert len(pivot(melt([found], "04_prognostic_factors"))) == len(found) - 1


def test_the_interval_is_the_percentiles_of_the_nearest_points(cubic):
    (spline,) = splines.fitted_splines(cubic)
    point = select(splines.splines(cubic, draws=100), level="minimum_1").iloc[0]
    rng = np.random.default_rng([1, *b"primary|OS|knots_4|x"])
    known = spline.known
    draws = splines.resampled(
        spline.full.design,
        known["time"].to_numpy(),
        known["event"].to_numpy(),
        fitted=spline.full.fit,
        names=spline.names,
        draws=100,
        rng=rng,
    )
    nearest = []
    for turns, lowest in zip(*splines.extrema(draws @ spline.mixing.T, spline.knots), strict=True):
        same_side = (turns > spline.reference) == (point["extremum"] > spline.reference)
        minima = turns[lowest & same_side & ~np.isnan(turns)]
        nearest += [minima[np.abs(minima - point["extremum"]).argmin()]] if len(minima) else []
    assert point["percent_found"] == len(nearest)
    assert point[["extremum_low", "extremum_high"]].tolist() == pytest.approx(
        np.quantile(nearest, [0.025, 0.975]).tolist()
    )


def test_a_splines_samples_do_not_depend_on_the_other_splines(gbsg2):
    both = splines.splines(asking(gbsg2, endpoints=["RFS"], variables=["age", "tsize"]))
    alone = splines.splines(asking(gbsg2, endpoints=["RFS"], variables=["tsize"]))
    pd.testing.assert_frame_equal(select(both, variable="tsize").reset_index(drop=True), alone)
    again = splines.splines(asking(gbsg2, endpoints=["RFS"], variables=["tsize"]))
    pd.testing.assert_frame_equal(again, alone)


def test_matched_patients_are_drawn_in_pairs(ctrt):
    cohort = asking(ctrt, populations=["primary", "matched"], variables=["glr"])
    found = splines.splines(cohort)
    points = found[found["percent_found"].notna()]
    for population, unit in (("primary", "patients"), ("matched", "matched pairs")):
        inside = select(points, population=population)
        assert len(inside)
        assert inside["method"].str.endswith(f"50 bootstrap samples of {unit}").all()
    alone = splines.splines(replace(cohort, pairs={}), "matched")
    limits = [f"{name}_{end}" for name in ("crossing", "extremum") for end in ("low", "high")]
    matched = select(points, population="matched")[limits].to_numpy()
    assert not np.allclose(matched, alone.loc[alone["percent_found"].notna(), limits], equal_nan=True)


def test_none_are_drawn_where_none_are_asked_for(cubic):
    found = splines.splines(cubic, draws=0)
    assert found[["percent_found", "crossing_low", "extremum_low"]].isna().all().all()
    assert found["extremum"].notna().any()
    assert not any(found["not_estimable"])


def test_an_adjusted_spline_says_what_it_lost(tmp_path):
    frame = patients(160).assign(
        dose=np.where(np.arange(160) % 2, np.nan, 3.0 * np.arange(160) % 17), z=["u", "v"] * 80
    )
    frame.loc[[0, 2, 4], "dose"] = np.nan
    frame["z"] = ["u", "u", "v", "v"] * 40
    frame.loc[[6], "time"] = np.nan
    where = {"column": "arm", "op": "==", "value": "a"}
    variables = {"dose": continuous(applies_when=where), "x": continuous(), "z": categorical("u", "v")}
    outcome = {"missing_time": "exclude"}
    cohort = study_of(
        tmp_path, frame, variables, variables=["dose"], covariates=["z", "x"], knots=3, draws=0, outcome=outcome
    )
    whole = splines.splines(cohort).query("n == n").iloc[0]
    assert whole["model"] == "knots_3:adjusted"
    assert whole[["n", "n_missing", "n_not_applicable", "n_no_time"]].tolist() == [76, 3, 80, 1]
    assert 0 < whole["p_overall"] < 1


@pytest.mark.parametrize(
    ("values", "asked", "reason"),
    [
        (np.arange(90) % 3, {}, "too few different values for a spline with 4 knots"),
        (np.ones(90), {}, "too few different values for a spline with 4 knots"),
        (np.repeat([0.0, 1, 2, 3], [85, 1, 2, 2]), {}, "too few different values for a spline with 4 knots"),
        (np.full(90, np.nan), {}, "too few different values for a spline with 4 knots"),
        (np.r_[np.arange(4.0), np.full(86, np.nan)], {}, "too few different values for a spline with 4 knots"),
        (np.arange(90.0), {"references": {"v": 99}}, "the reference 99 is not among the values analysed, 0 to 89"),
        (np.r_[np.arange(6.0), np.full(84, np.nan)], {"knots": 3, "references": {"v": 2}}, "no events"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_a_spline_is_not_estimable(tmp_path, values, asked, reason):
    frame = patients().assign(v=values)
    frame.loc[:6, "event"] = 0
    variables = {"v": continuous(), "x": continuous()}
    cohort = study_of(tmp_path, frame, variables, variables=["v", "x"], **asked)
    fits = splines.fitted_splines(cohort)
    found = splines.splines(cohort, fits=fits)
    (row,) = select(found, variable="v").to_dict("records")
    assert row["not_estimable"] == dict.fromkeys(["p_overall", "p_nonlinear", "p_lrt", "turning_point"], reason)
    assert row["n"] == np.isfinite(values).sum()
    melt([found], "04_prognostic_factors")
    curves, histogram = splines.curves(cohort, fits=fits), splines.histogram(cohort, fits=fits)
    assert set(curves["variable"]) == set(histogram["variable"]) == {"x"}
    (figure,) = draw(curves, histogram=histogram, estimates=found, study=cohort.study)
    assert any(note == f"Not estimable: A number ({reason})." for note in figure.notes)
    (table,) = tabulate(found, study=cohort.study)
    assert table.rows[1].cells[2:] == ("n.e.",) * 5


def test_nobody_with_an_event_is_no_spline(tmp_path):
    frame = patients().assign(event=0, z=["u", "v"] * 45)
    frame.loc[0, ["x", "event"]] = np.nan, 1
    variables = {"x": continuous(), "z": categorical("u", "v")}
    for covariates in ([], ["z"]):
        cohort = study_of(tmp_path, frame, variables, variables=["x"], covariates=covariates)
        (row,) = splines.splines(cohort).to_dict("records")
        assert row["not_estimable"]["p_overall"] == "no events"
        assert row["n"] == 89


def test_knots_that_coincide_are_one(gbsg2):
    found = splines.splines(asking(gbsg2, endpoints=["RFS"], variables=["pnodes"], draws=0))
    assert found["knot"].dropna().tolist() == [1, 2, 5, 16]
    fewer = gbsg2.data.assign(pnodes=gbsg2.data["pnodes"].where(gbsg2.data["pnodes"] > 2, 2))
    cohort = replace(asking(gbsg2, endpoints=["RFS"], variables=["pnodes"], draws=0), data=fewer)
    found = splines.splines(cohort)
    assert found["knot"].dropna().tolist() == [2, 5, 16]
    whole = found[found["n"].notna()].iloc[0]
    assert whole["model"] == "knots_4"
    assert "with 3 knots (4 asked for, some coincide)" in whole["method"]
    (table,) = tabulate(found, study=cohort.study)
    assert "Fewer knots, as some coincide: Positive lymph nodes 3." in table.notes


def test_skewed_values_have_a_spline(tmp_path):
    frame = patients(171).assign(x=lambda each: np.exp(3 * each["x"]))
    cohort = study_of(tmp_path, frame, {"x": continuous()}, variables=["x"], knots=5)
    found = splines.splines(cohort)
    assert 0 < found["p_nonlinear"].max() < 0.05
    assert found["hr"].notna().sum() >= 5


def test_a_public_cohort(gbsg2):
    cohort = asking(gbsg2, endpoints=["RFS"], variables=["age", "progrec"], covariates=["horTh", "tgrade"])
    found = splines.splines(cohort)
    age = select(found, variable="age")
    assert age["n"].max() == 686
    assert age["p_nonlinear"].max() < 0.01
    assert age["reference"].max() == "53"
    melt([found], "04_prognostic_factors")


def test_without_splines_there_are_no_rows(stent, cubic):
    stent = replace(stent, study=stent.study.model_copy(update={"splines": None}))
    for frame in (splines.splines(stent), splines.curves(stent), splines.histogram(stent)):
        assert frame.empty
    assert (
        draw(
            splines.curves(stent),
            histogram=splines.histogram(stent),
            estimates=splines.splines(stent),
            study=stent.study,
        )
        == []
    )
    assert tabulate(splines.splines(stent), study=stent.study) == []
    with pytest.raises(ParameterError, match="knots 6"):
        splines.splines(cubic, knots=6)
    with pytest.raises(ParameterError, match="draws = -1"):
        splines.splines(cubic, draws=-1)
    with pytest.raises(ParameterError, match="there is no population 'primry'"):
        splines.curves(cubic, "primry")


# ---- what is shown


@pytest.fixture(scope="module")
def shown(ctrt):
    """The paper's splines: estimates and what is drawn of them, one population."""
    fits = splines.fitted_splines(ctrt, "primary")
    estimates = splines.splines(ctrt, fits=fits, draws=20)
    return estimates, splines.curves(ctrt, fits=fits), splines.histogram(ctrt, fits=fits)


@pytest.mark.slow
def test_the_figure_draws_the_curves(shown, ctrt):
    estimates, curves, histogram = shown
    figures = draw(curves, histogram=histogram, estimates=estimates, study=ctrt.study)
    assert [figure.name for figure in figures] == ["splines_OS_primary_knots_4", "splines_PFS_primary_knots_4"]
    panels = figures[0].drawing.axes
    variables = ctrt.study.splines.variables
    assert len(panels) == len(variables)
    for axes, variable in zip(panels, variables, strict=True):
        key = {"endpoint": "OS", "variable": variable}
        curve, counted, found = (select(frame, **key) for frame in (curves, histogram, estimates))
        one, reference, line, circles = axes.lines
        assert one.get_ydata() == [1, 1]
        assert reference.get_xdata() == [found["turning_point"].max()] * 2
        np.testing.assert_allclose(line.get_xdata(), curve["at"].astype(float))
        np.testing.assert_allclose(line.get_ydata(), curve["hr"])
        assert curve["hr"].sub(1).abs().min() < 1e-12, "the reference is on the grid"
        assert circles.get_xdata().tolist() == found["crossing"].dropna().tolist()
        assert axes.get_yscale() == "log"
        (heights, *_), = (patch.get_data() for patch in axes.patches)
        np.testing.assert_allclose(heights / heights.max(), counted["n"] / counted["n"].max())
        tests = found[found["n"].notna()].iloc[0]
        assert f"P nonlinear {notation.p_equals(tests['p_nonlinear']).removeprefix('P ')}" in axes.get_title(loc="left")
        assert ctrt.study.label(variable) in figures[0].alt
    assert any("knots" in note and "Age (years)" in note for note in figures[0].notes)
    one, two = (rendered(figures[0].drawing, "svg") for _ in range(2))
    assert one == two


def test_no_patient_can_be_read_from_the_figure(shown, ctrt):
    values = ctrt.outcome("OS")["ldh"].dropna()
    histogram = select(shown[2], variable="ldh", endpoint="OS")
    assert len(histogram) == 30
    assert histogram["n"].sum() == values.between(*values.quantile([0.01, 0.99])).sum()
    assert np.ptp(np.diff(histogram["at"].astype(float))) < 1e-8 * values.max()


@pytest.mark.slow
def test_no_text_is_cut_and_none_overlaps(shown, ctrt, tmp_path):
    frame = patients().assign(y=lambda each: each["x"] ** 3 - 40)
    long = "Number of positive axillary lymph nodes found by the pathologist at the operation"
    wordy = study_of(tmp_path, frame, {"x": continuous(label=long), "y": continuous(label=long)}, variables=["x", "y"])
    fits = splines.fitted_splines(wordy)
    parts = splines.splines(wordy, fits=fits), splines.curves(wordy, fits=fits), splines.histogram(wordy, fits=fits)
    for cohort, (estimates, curves, histogram) in ((ctrt, shown), (wordy, parts)):
        for figure in draw(curves, histogram=histogram, estimates=estimates, study=cohort.study):
            drawing = figure.drawing
            renderer = FigureCanvasAgg(drawing).get_renderer()
            drawing.draw(renderer)
            width, height = drawing.canvas.get_width_height()
            titles = [axes._left_title.get_window_extent(renderer) for axes in drawing.axes]
            for box in [*titles, *(axes.get_tightbbox(renderer) for axes in drawing.axes)]:
                assert box.x0 >= 0
                assert box.y0 >= 0
                assert box.x1 <= width
                assert box.y1 <= height
            boxes = [axes.get_window_extent(renderer) for axes in drawing.axes]
            assert not any(title.overlaps(box) for title in titles for box in [*boxes, *titles] if title is not box)
            assert (cohort.study.mark in [text.get_text() for text in drawing.texts]) == cohort.study.synthetic


def test_the_table_says_every_spline(shown, ctrt):
    estimates = shown[0]
    (table,) = tabulate(estimates, study=ctrt.study)
    assert table.name == "splines_primary_knots_4"
    assert [row.cells[0] for row in table.rows if row.heading] == ["Overall survival", "Progression-free survival"]
    cells = next(row.cells for row in table.rows if row.cells[0] == "GLR")
    found = select(estimates, endpoint="OS", variable="glr")
    tests = found[found["n"].notna()].iloc[0]
    assert cells[1] == f"{tests['n']:.0f} / {tests['n_event']:.0f}"
    assert cells[2:4] == tuple(notation.p_value(tests[name]) for name in ("p_overall", "p_nonlinear"))
    assert cells[4] == f"{found['turning_point'].max():.4g}"
    for text, name in zip(cells[5:], ("crossing", "extremum"), strict=True):
        for value, share in found.loc[found[name].notna(), [name, "percent_found"]].to_numpy():
            assert f"{value:.3g} (" in text
            assert f"{share:.0f}%)" in text
    assert any("20 bootstrap samples of patients" in note for note in table.notes)
    assert table.mark == ctrt.study.mark


@pytest.mark.slow
def test_estimates_and_ledger_rows_show_the_same(shown, ctrt):
    estimates, curves, histogram = shown
    again = pivot(melt([estimates], "04_prognostic_factors"))
    assert tabulate(again, study=ctrt.study) == tabulate(estimates, study=ctrt.study)
    one, two = (draw(curves, histogram=histogram, estimates=each, study=ctrt.study)[0] for each in (estimates, again))
    assert (one.alt, one.notes) == (two.alt, two.notes)
