"""Cox models worked by hand, against a second engine, and where nothing finite can be estimated."""

import re

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint
from scipy.optimize import brentq
from statsmodels.duration.hazard_regression import PHReg

from helpers import cox, tables, wording
from helpers.cox.kernel import NO_MAXIMUM
from helpers.ledger import melt, select, wide
from helpers.results import results

SIX = pd.DataFrame({"x": [1, 1, 1, 0, 0, 0], "time": [1, 1, 6, 6, 8, 9], "event": [1, 0, 1, 1, 0, 1]})


def six_log_likelihood(beta: float) -> float:
    """Efron's partial log likelihood of the six patients, written out by hand."""
    r = np.exp(beta)
    return 2 * beta - np.log(3 * r + 3) - np.log(r + 3) - np.log((r + 5) / 2)


def test_six_patients_by_hand():
    beta = brentq(lambda b: 2 - sum((r := np.exp(b)) / (r + k) for k in (1, 3, 5)), 0, 5, xtol=1e-14)
    information = sum(k * np.exp(beta) / (np.exp(beta) + k) ** 2 for k in (1, 3, 5))
    fitted = cox.fit(SIX[["x"]], SIX["time"].to_numpy(), SIX["event"].to_numpy())
    assert fitted.log_hr["x"] == pytest.approx(beta, abs=1e-9)
    assert beta == pytest.approx(1.676857, abs=5e-7)
    assert fitted.covariance.loc["x", "x"] == pytest.approx(1 / information, rel=1e-8)
    assert fitted.log_likelihood == pytest.approx(six_log_likelihood(beta), abs=1e-12)
    null = cox.fit(SIX[[]], SIX["time"].to_numpy(), SIX["event"].to_numpy())
    assert null.log_likelihood == pytest.approx(six_log_likelihood(0), abs=1e-12)


def test_a_second_engine_agrees_with_and_without_strata(gbsg2):
    data = gbsg2.outcome("RFS")
    x = pd.DataFrame({"yes": data["horTh"] == "yes", "age": data["age"] / 10, "nodes": data["pnodes"]}).astype(float)
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    for strata in (None, data["tgrade"].cat.codes.to_numpy()):
        theirs = PHReg(time, x.to_numpy(), event, ties="efron", strata=strata).fit()
        ours = cox.fit(x, time, event, strata)
        np.testing.assert_allclose(ours.log_hr, theirs.params, rtol=1e-6)
        np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse, rtol=1e-6)


def test_a_model_says_what_it_rests_on(stent):
    frame = select(cox.multivariable(stent), model="stratified", endpoint="OS")
    whole = select(frame, variable="").iloc[0]
    known = stent.outcome("OS").dropna(subset=["stage", "perforation"])
    assert whole[["n", "n_event", "n_missing"]].tolist() == [len(known), known["event"].sum(), 59 - len(known)]
    assert whole["n_parameter"] == 4
    assert whole["events_per_parameter"] == known["event"].sum() / 4
    reference = select(frame, variable="stage", level="2").iloc[0]
    assert reference["n"] == (known["stage"] == "2").sum()
    assert np.isnan(reference["hr"])
    assert reference["not_estimable"] == {}
    staged = select(cox.multivariable(stent), model="staged_only", variable="").iloc[0]
    assert staged["population"] == "staged"


@pytest.mark.filterwarnings("ignore:Maximum Likelihood optimization failed")
def test_a_level_without_events_leaves_the_rest_at_its_limit(stent):
    frame = select(cox.multivariable(stent), model="stratified", endpoint="OS")
    perforated = select(frame, variable="perforation", level="yes").iloc[0]
    assert perforated["not_estimable"]["hr"] == "no events in this level"
    assert perforated[["n", "n_event"]].tolist() == [2, 0] or perforated["n_event"] == 0
    data = stent.outcome("OS").dropna(subset=["stage"])
    x = pd.get_dummies(data[["procedure", "stage", "perforation"]].astype(str), dtype=float)
    x = x[["procedure_stent", "stage_3", "stage_4", "perforation_yes"]]
    strata = data["centre"].cat.codes.to_numpy()
    theirs = PHReg(data["time"].to_numpy(), x.to_numpy(), data["event"].to_numpy(), ties="efron", strata=strata).fit()
    assert theirs.params[3] < -15
    ours = [
        select(frame, variable=v, level=lv)["log_hr"].iloc[0]
        for v, lv in (("procedure", "stent"), ("stage", "3"), ("stage", "4"))
    ]
    np.testing.assert_allclose(ours, theirs.params[:3], rtol=1e-4)
    whole = select(frame, variable="").iloc[0]
    assert whole["log_likelihood"] == pytest.approx(theirs.llf, rel=1e-6)
    assert 0 < select(frame, variable="perforation", level="")["p_lrt"].iloc[0] < 1


def cohort_with(folder, table, variables, covariates, **more):
    model = {"label": "A model", "endpoints": ["OS"], "covariates": covariates, **more}
    study = {"arms": arms("arm", "a", "b"), "variables": variables, "endpoints": {"OS": endpoint()}}
    return cohort_of(folder, table, **study, models={"m": model})


def table_of(n=40, seed=3):
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "b", "a")
    time = rng.exponential(10, n) * np.where(arm == "b", 1.5, 1)
    frame = pd.DataFrame({"arm": arm, "time": time.round(3) + 0.001, "event": (rng.random(n) < 0.7).astype(int)})
    return frame.assign(x=rng.normal(size=n).round(3), g=rng.choice(["u", "v", "w"], n))


def test_a_reference_without_events_leaves_no_contrast_but_the_other_covariates(tmp_path):
    table = table_of()
    table.loc[table["g"] == "u", "event"] = 0
    variables = {"x": continuous(), "g": categorical("u", "v", "w")}
    frame = cox.multivariable(cohort_with(tmp_path, table, variables, ["arm", "x", "g"]))
    for level in ("v", "w"):
        assert (
            select(frame, variable="g", level=level).iloc[0]["not_estimable"]["hr"]
            == "no events in the reference level"
        )
    assert select(frame, variable="").iloc[0]["n_parameter"] == 4
    kept = table[table["g"] != "u"]
    x = np.column_stack([kept["arm"] == "b", kept["x"], kept["g"] == "w"]).astype(float)
    theirs = PHReg(kept["time"].to_numpy(), x, kept["event"].to_numpy(), ties="efron").fit()
    assert select(frame, variable="x")["log_hr"].iloc[0] == pytest.approx(theirs.params[1], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "covariates", "reason"),
    [
        (lambda t: t.assign(x=t["time"].rank()), ["x"], "the partial likelihood has no finite maximum"),
        (lambda t: t.assign(x=1.5), ["arm", "x"], "the variable does not vary among the patients at risk"),
        (lambda t: t.assign(y=2 * t["x"] + 1), ["x", "y"], "covariates are linearly dependent"),
        (lambda t: t.assign(event=0), ["x"], "no events"),
        (
            lambda t: t.assign(event=(t["time"] == t["time"].min()).astype(int)),
            ["x", "y"],
            "more parameters than events",
        ),
    ],
    ids=["separated", "constant", "collinear", "no events", "too many parameters"],
)
def test_what_has_no_finite_estimate_is_said_so(tmp_path, change, covariates, reason):
    table = change(table_of().assign(y=np.random.default_rng(9).normal(size=40)))
    if reason == "the partial likelihood has no finite maximum":
        table["event"] = 1
    variables = {"x": continuous(), "y": continuous(), "g": categorical("u", "v", "w")}
    frame = cox.multivariable(cohort_with(tmp_path, table, variables, covariates))
    blank = frame[frame["not_estimable"].map(lambda each: each.get("hr") == reason)]
    assert len(blank) >= 1
    assert blank["hr"].isna().all()
    finite = frame["hr"].dropna()
    assert ((finite > 1e-4) & (finite < 1e4)).all()


def test_per_scales_the_hazard_ratio(tmp_path):
    table = table_of()
    one = cox.multivariable(cohort_with(tmp_path / "1", table, {"x": continuous(unit="cycles")}, ["x"]))
    ten = cox.multivariable(cohort_with(tmp_path / "10", table, {"x": continuous(unit="cycles", per=10)}, ["x"]))
    rows = [select(frame, variable="x").iloc[0] for frame in (one, ten)]
    assert rows[1]["log_hr"] == pytest.approx(10 * rows[0]["log_hr"], rel=1e-8)
    assert [row["reference"] for row in rows] == ["per cycle", "per 10 cycles"]


def test_two_steps_admit_by_the_rule_the_study_chose(tmp_path):
    table = table_of(60, seed=8)
    variables = {"x": continuous(), "g": categorical("u", "v", "w")}
    study = {"arms": arms("arm", "a", "b"), "variables": variables, "endpoints": {"OS": endpoint()}}
    names = ["arm", "x", "g"]
    alone = cox.univariable(
        cohort_of(tmp_path / "alone", table, **study, univariable=[{"endpoints": ["OS"], "variables": names}])
    )
    level_p = select(alone, variable="g")["p_wald"].min()
    global_p = select(alone, variable="g", level="")[["p_lrt", "p_overall"]].iloc[0]
    assert level_p < global_p.min(), "the case must tell the rules apart"
    between = (level_p + global_p.min()) / 2
    kept = {}
    for by in ("any_level", "likelihood_ratio", "wald"):
        model = {
            "label": "Two steps",
            "endpoints": ["OS"],
            "candidates": names,
            "selection": {"by": by, "p_below": float(between)},
        }
        frame = cox.multivariable(cohort_of(tmp_path / by, table, **study, models={"two_step": model}))
        kept[by] = [each for each in dict.fromkeys(frame["variable"]) if each]
    assert "g" in kept["any_level"]
    assert "g" not in kept["likelihood_ratio"] + kept["wald"]
    model = {
        "label": "x",
        "endpoints": ["OS"],
        "candidates": names,
        "selection": {"by": "wald", "p_below": 1e-9, "always": ["x"]},
    }
    forced = cox.multivariable(cohort_of(tmp_path / "forced", table, **study, models={"two_step": model}))
    assert [each for each in dict.fromkeys(forced["variable"]) if each] == ["x"]
    model["selection"] = {"by": "wald", "p_below": 1e-9}
    empty = cox.multivariable(cohort_of(tmp_path / "empty", table, **study, models={"two_step": model}))
    assert empty.iloc[0]["not_estimable"] == {
        "p_lrt": "no candidate entered",
        "events_per_parameter": "no parameter can be estimated",
    }


def test_intervals_cover_a_known_hazard_ratio():
    rng = np.random.default_rng(20)
    truth, covered, estimates = np.log(0.6), 0, []
    x = (np.arange(150) % 2).astype(float)
    for _ in range(200):
        death = rng.exponential(1 / np.exp(truth * x))
        censored = rng.uniform(0.3, 3, 150)
        fitted = cox.fit(pd.DataFrame({"x": x}), np.minimum(death, censored), death <= censored)
        estimate, se = fitted.log_hr["x"], np.sqrt(fitted.covariance.loc["x", "x"])
        covered += abs(estimate - truth) < 1.959964 * se
        estimates.append(estimate)
    assert 0.91 < covered / 200 < 0.985
    assert abs(np.mean(estimates) - truth) < 3 * np.std(estimates) / np.sqrt(200)


def test_a_patient_in_no_risk_set_changes_nothing_however_extreme(gbsg2):
    data = gbsg2.outcome("RFS")
    x = pd.DataFrame(
        {"yes": (data["horTh"] == "yes").astype(float), "nodes": data["pnodes"], "progrec": data["progrec"]}
    )
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    expected = cox.fit(x, time, event)
    earliest = int(np.argmin(time))
    assert not event[earliest]
    x.iloc[earliest, 1] = 99999
    fitted = cox.fit(x, time, event)
    np.testing.assert_allclose(fitted.log_hr, expected.log_hr, rtol=1e-9)
    assert fitted.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-9)
    assert fitted.blank == {}


def test_an_extreme_patient_who_dies_first_leaves_the_others_their_hazards():
    rng = np.random.default_rng(8)
    n = 120
    arm, z = (np.arange(n) % 2).astype(float), rng.normal(size=n)
    time = rng.exponential(np.exp(-0.4 * arm - 1.5 * z))
    event = rng.random(n) < 0.7
    first = int(np.argmin(time))
    event[first] = True
    others = np.arange(n) != first
    truth = cox.fit(pd.DataFrame({"arm": arm, "z": z})[others], time[others], event[others])
    z[first] = 1e6
    fitted = cox.fit(pd.DataFrame({"arm": arm, "z": z}), time, event)
    np.testing.assert_allclose(fitted.log_hr, truth.log_hr, rtol=1e-6)
    assert fitted.log_likelihood == pytest.approx(truth.log_likelihood, abs=1e-6)


def test_a_covariate_constant_within_strata_is_left_out_and_said(tmp_path):
    table = table_of(36)
    table["k"] = np.repeat(["p", "q", "r"], 12)
    table["vol"] = table["k"].map({"p": 0.1, "q": 0.2, "r": 0.7})
    variables = {"vol": continuous(), "k": categorical("p", "q", "r")}
    both = cox.multivariable(cohort_with(tmp_path / "1", table, variables, ["arm", "vol"], strata=["k"]))
    alone = cox.multivariable(cohort_with(tmp_path / "2", table, variables, ["arm"], strata=["k"]))
    rows = [select(frame, variable="arm", level="b").iloc[0] for frame in (both, alone)]
    assert rows[0]["log_hr"] == pytest.approx(rows[1]["log_hr"], rel=1e-9)
    assert "does not vary" in select(both, variable="vol").iloc[0]["not_estimable"]["hr"]
    assert [select(frame, variable="").iloc[0]["n_parameter"] for frame in (both, alone)] == [1, 1]


def test_near_collinear_covariates_keep_their_wide_intervals():
    rng = np.random.default_rng(2)
    x = rng.normal(size=80)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(0, 0.02, 80), "arm": np.arange(80) % 2.0})
    time, event = rng.exponential(np.exp(-0.3 * x)), rng.random(80) < 0.8
    fitted = cox.fit(frame, time, event)
    theirs = PHReg(time, frame.to_numpy(), event.astype(int), ties="efron").fit()
    assert fitted.blank == {}
    np.testing.assert_allclose(fitted.log_hr, theirs.params, rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.covariance)), theirs.bse, rtol=1e-5)


def test_a_ratio_no_reader_can_use_asks_for_a_scale(tmp_path):
    table = table_of(60)
    table["x"] = 6e-5 * (table["time"] + np.random.default_rng(4).normal(0, 9, 60))
    tiny = cox.multivariable(cohort_with(tmp_path / "1", table, {"x": continuous()}, ["x"]))
    assert "set `per`" in select(tiny, variable="x").iloc[0]["not_estimable"]["hr"]
    scaled = cox.multivariable(cohort_with(tmp_path / "2", table, {"x": continuous(per=1e-5)}, ["x"]))
    assert 0.5 < select(scaled, variable="x").iloc[0]["hr"] < 1


def test_a_value_that_cannot_be_is_not_lost_to_missing(stent, tmp_path):
    table = table_of(40)
    table["d"] = np.where(table["arm"] == "b", table["x"], np.nan)
    table.loc[table.index[table["arm"] == "b"][:3], "d"] = np.nan
    table.loc[0, "time"] = np.nan
    variables = {"d": continuous(applies_when={"column": "arm", "op": "==", "value": "b"}), "x": continuous()}
    study = {
        "arms": arms("arm", "a", "b"),
        "variables": variables,
        "endpoints": {"OS": endpoint(missing_time="exclude")},
    }
    models = {"m": {"label": "m", "endpoints": ["OS"], "covariates": ["x", "d"]}}
    whole = select(cox.multivariable(cohort_of(tmp_path, table, **study, models=models)), variable="").iloc[0]
    assert whole[["n", "n_missing", "n_not_applicable", "n_no_time"]].tolist() == [17, 3, 19, 1]


def test_a_strong_factor_with_an_empty_or_eventless_level_is_selected_by_every_rule(tmp_path):
    rng = np.random.default_rng(6)
    g = rng.choice(["p", "q", "r"], 90)
    table = pd.DataFrame({"arm": ["a", "b"] * 45, "g": g, "event": 1})
    table["time"] = (rng.exponential(10, 90) * np.where(g == "r", 0.15, 1)).round(4) + 0.001
    table.loc[table["g"] == "q", "event"] = 0
    study = {
        "arms": arms("arm", "a", "b"),
        "variables": {"g": categorical("p", "q", "r", "s")},
        "endpoints": {"OS": endpoint()},
    }
    for by in ("wald", "any_level", "likelihood_ratio"):
        model = {
            "label": "x",
            "endpoints": ["OS"],
            "candidates": ["arm", "g"],
            "selection": {"by": by, "p_below": 0.001},
        }
        frame = cox.multivariable(cohort_of(tmp_path / by, table, **study, models={"m": model}))
        assert "g" in set(frame["variable"]), by


def test_a_number_that_stops_varying_with_an_eventless_level_costs_only_itself(tmp_path):
    table = table_of(40)
    table["g"] = np.where(np.arange(40) < 8, "w", "u")
    table.loc[table["g"] == "w", "event"] = 0
    table["x"] = np.where(table["g"] == "w", table["x"], 1.5)
    variables = {"x": continuous(), "g": categorical("u", "w")}
    frame = cox.multivariable(cohort_with(tmp_path, table, variables, ["arm", "x", "g"]))
    assert np.isfinite(select(frame, variable="arm", level="b").iloc[0]["hr"])
    assert "does not vary" in select(frame, variable="x").iloc[0]["not_estimable"]["hr"]


def test_an_outlier_censored_late_leaves_a_finite_coefficient():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=60), "time": rng.exponential(10, 60).round(2) + 0.01, "event": 1})
    table.loc[60] = [1e5, table["time"].max() + 5, 0]
    fitted = cox.fit(table[["x"]], table["time"].to_numpy(), table["event"].to_numpy())
    assert fitted.blank == {}
    assert fitted.log_hr["x"] == pytest.approx(-0.000155095761564, rel=1e-9)
    assert np.sqrt(fitted.covariance.loc["x", "x"]) == pytest.approx(0.010756624177119, rel=1e-9)


def test_where_one_covariate_orders_all_deaths_the_others_stand_at_their_limit():
    rng = np.random.default_rng(3)
    time, event = np.arange(1, 41), np.ones(40)
    table = pd.DataFrame({"x": np.arange(40)[::-1] * 1.0, "b": (rng.random(40) < 0.5) * 1.0})
    fitted = cox.fit(table, time, event)
    assert set(fitted.blank) == {"x", "b"}
    assert fitted.log_likelihood == 0
    table["x"] = np.floor(table["x"] / 4)
    fitted, limit = cox.fit(table, time, event), cox.fit(table[["b"]], time, event, table["x"].to_numpy())
    assert set(fitted.blank) == {"x"}
    assert fitted.log_hr["b"] == pytest.approx(limit.log_hr["b"], rel=1e-10)
    assert fitted.covariance.loc["b", "b"] == pytest.approx(limit.covariance.loc["b", "b"], rel=1e-10)
    assert fitted.log_likelihood == pytest.approx(limit.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("n", [50, 200, 500])
def test_one_pair_out_of_order_makes_the_maximum_finite(n):
    """Two neighbours of n ordered deaths exchanged: the derivative of the log likelihood is zero near log(n - 1)."""
    x = np.arange(n)[::-1] * 1.0
    x[[n // 2, n // 2 + 1]] = x[[n // 2 + 1, n // 2]]
    fitted = cox.fit(pd.DataFrame({"x": x}), np.arange(1, n + 1), np.ones(n))

    def slope(beta):
        at_risk = [np.exp(beta * (x[k:] - x[k:].max())) for k in range(n)]
        return sum(x[k] - (r @ x[k:]) / r.sum() for k, r in enumerate(at_risk))

    assert fitted.blank == {}
    assert fitted.log_hr["x"] == pytest.approx(brentq(slope, 0.1, 20, xtol=1e-14), rel=1e-9)
    assert fitted.log_hr["x"] == pytest.approx(np.log(n - 1), abs=0.01)


def test_a_separated_combination_costs_both_its_covariates_and_no_third():
    rng = np.random.default_rng(8)
    n = 60
    table = pd.DataFrame({"a": rng.normal(size=n), "z": rng.normal(size=n)})
    time = rng.exponential(10, n)
    table["b"] = np.round(-np.argsort(np.argsort(time)) / 12) - table["a"]
    fitted = cox.fit(table, time, np.ones(n))
    level = (table["a"] + table["b"]).round(6).to_numpy()
    limit = cox.fit(table[["a", "z"]], time, np.ones(n), level)
    assert set(fitted.blank) == {"a", "b"}
    assert fitted.log_hr["z"] == pytest.approx(limit.log_hr["z"], rel=1e-8)
    assert fitted.log_likelihood == pytest.approx(limit.log_likelihood, rel=1e-10)


def test_separation_among_those_who_come_and_go():
    start = np.array([0, 0, 0, 2, 2, 4.0])
    stop = np.array([1, 3, 5, 3, 6, 7.0])
    x = pd.DataFrame({"x": [3.0, 2, 1, 5, 0, 4]})
    assert cox.fit(x, stop, np.array([1, 0, 1, 1, 0, 0]), start=start).blank == {}
    event = np.array([1, 0, 0, 1, 0, 1])
    assert set(cox.fit(x, stop, event, start=start).blank) == {"x"}


def test_splitting_a_life_into_intervals_changes_nothing(gbsg2):
    data = gbsg2.outcome("RFS")
    x, time, event = data[["age", "pnodes"]], data["time"].to_numpy(), data["event"].to_numpy()
    whole = cox.fit(x, time, event)
    cut = time / 3
    parts = [
        cox.fit(
            pd.concat([x, x], ignore_index=True),
            np.concatenate([cut, time]),
            np.concatenate([np.zeros(len(time)), event]),
            start=np.concatenate([np.full(len(time), -np.inf), cut]),
            clusters=np.tile(np.arange(len(time)), 2),
        ),
        cox.fit(x, time, event, clusters=np.arange(len(time))),
    ]
    for fitted in parts:
        np.testing.assert_allclose(fitted.log_hr, whole.log_hr, rtol=1e-10)
        np.testing.assert_allclose(fitted.robust, parts[1].robust, rtol=1e-9)


def test_a_weight_of_two_is_the_patient_twice_under_breslow(gbsg2):
    data = gbsg2.outcome("RFS")
    x, time, event = data[["age", "pnodes"]], data["time"].to_numpy(), data["event"].to_numpy()
    weights = 1 + (np.arange(len(time)) % 3 == 0)
    twice = np.repeat(np.arange(len(time)), weights)
    one = cox.fit(x, time, event, weights=weights, ties="breslow")
    two = cox.fit(x.iloc[twice].reset_index(drop=True), time[twice], event[twice], ties="breslow")
    np.testing.assert_allclose(one.log_hr, two.log_hr, rtol=1e-10)
    np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-9)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-12)


def changing_log_likelihood(beta: float, gamma: float) -> float:
    """The six patients' log likelihood with the effect beta + gamma g(t), g = 1 - S(t-), written out by hand."""
    x, time, event = (SIX[name].to_numpy() for name in ("x", "time", "event"))
    value = 0.0
    for t, g in ((1, 0.0), (6, 1 / 6), (9, 1 - 5 / 6 * 2 / 4)):
        risk, dead = time >= t, (time == t) & (event == 1)
        eta = (beta + gamma * g) * x
        value += eta[dead].sum()
        for k in range(dead.sum()):
            value -= np.log(np.exp(eta[risk]).sum() - k / dead.sum() * np.exp(eta[dead]).sum())
    return value


def test_six_patients_proportional_hazards_by_hand():
    """The score test from numerical derivatives of the likelihood written out."""
    x, time, event = SIX[["x"]], SIX["time"].to_numpy(), SIX["event"].to_numpy()
    fitted = cox.fit(x, time, event)
    beta, h = fitted.log_hr["x"], 1e-4
    assert changing_log_likelihood(beta, 0) == pytest.approx(fitted.log_likelihood, abs=1e-12)

    def second(i, j):
        step = np.eye(2) * h
        corners = [(s * step[i] + t * step[j], s * t) for s in (1, -1) for t in (1, -1)]
        return sum(sign * changing_log_likelihood(beta + d[0], d[1]) for d, sign in corners) / (4 * h * h)

    information = -np.array([[second(0, 0), second(0, 1)], [second(1, 0), second(1, 1)]])
    score = (changing_log_likelihood(beta, h) - changing_log_likelihood(beta, -h)) / (2 * h)
    left = information[1, 1] - information[0, 1] ** 2 / information[0, 0]
    found = cox.score_tests(x, time, event, fitted.log_hr.to_numpy(), terms={"x": [0]})
    assert found["x"][0] == pytest.approx(score**2 / left, rel=1e-5)
    assert found["x"] == found[""]
    assert found["x"][1] == 1


def test_hazards_that_cross_are_told_first_and_those_that_do_not_are_not(tmp_path):
    """Two arms, one dying early and one late: the effect changes with time, a second variable's does not."""
    rng = np.random.default_rng(4)
    n = 400
    arm = np.where(np.arange(n) % 2, "b", "a")
    time = np.where(arm == "b", rng.weibull(3, n) * 12, rng.weibull(0.8, n) * 12).round(3) + 0.001
    table = pd.DataFrame({"arm": arm, "time": time, "event": 1, "x": rng.normal(size=n).round(3)})
    cohort = cohort_with(tmp_path, table, {"x": continuous()}, ["arm", "x"])
    tests = cox.proportionality(cohort)
    assert select(tests, variable="arm")["p_proportional"].iloc[0] < 1e-6
    assert select(tests, variable="x")["p_proportional"].iloc[0] > 0.05
    assert select(tests, variable="")["df"].iloc[0] == 2
    none = wide([], ["p_proportional"])
    (table,) = tables.proportionality(tests, weighted=none, means=cox.mean_differences(cohort), study=cohort.study)
    assert table.rows[0].cells[:3] == ("Survival: A model", "<0.001", "<0.001")
    rows = results(cohort.study, cohort)
    said = list(wording.key_findings(rows, study=cohort.study).sentences)
    headline = next(each for each in said if "hazard ratio for" in each and "A model" in each)
    early, average = re.search(r"A model ([\d.]+) \([^)]*\) in months 0–12.*on average ([\d.]+)", headline).groups()
    assert "hazards not proportional, P < 0.001" in headline, "the early ratio stands before the average"
    assert float(early) != float(average)
    told = wording.proportionality(rows, study=cohort.study).sentences
    assert told[0].startswith("Hazards are not proportional between the arms: Survival, A model: ")


def test_proportionality_of_the_shipped_study(gbsg2):
    tests = cox.proportionality(gbsg2)
    adjusted = select(tests, model="adjusted").set_index("variable")
    assert adjusted["df"].to_dict()["tgrade"] == 2
    assert adjusted.loc["horTh", "p_proportional"] > 0.5
    said = wording.proportionality(melt([tests], "x"), study=gbsg2.study).sentences
    assert said[0] == "Tested in 5 hazard ratios, no effect of treatment is shown to change with time."
    assert said[1].startswith(
        "Some effect changes with time, by the test of the whole model: Recurrence-free survival, "
    )
    assert "adjusted for all baseline factors (P = 0.004)" in said[1]


def test_a_ratio_too_near_one_asks_for_a_scale(tmp_path):
    table = table_of()
    table["x"] *= 1e7
    rows = cox.multivariable(cohort_with(tmp_path, table, {"x": continuous(), "g": categorical("u", "v", "w")}, ["x"]))
    assert "set `per`" in select(rows, variable="x").iloc[0]["not_estimable"]["hr"]


def test_a_period_is_the_model_on_its_own_events(gbsg2):
    """Follow-up cut into start-stop pieces must give each period's hazard ratio too."""
    frame = select(cox.periods(gbsg2), model="strict").set_index("at")
    assert frame["n_event"].sum() == 299
    data = gbsg2.outcome("RFS")
    x = pd.DataFrame({"yes": (data["horTh"] == "yes") * 1.0, "post": (data["menostat"] == "Post") * 1.0})
    x[["age", "tsize", "pnodes", "progrec", "estrec"]] = data[["age", "tsize", "pnodes", "progrec", "estrec"]]
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    inside = time > 24
    piece = {"start": np.full(inside.sum(), 24.0), "strata": data["tgrade"].cat.codes.to_numpy()[inside]}
    within = event[inside] & (time[inside] <= 36)
    fitted = cox.fit(x[inside], np.minimum(time[inside], 36), within, **piece)
    assert frame.loc["24", "hr"] == pytest.approx(np.exp(fitted.log_hr["yes"]), rel=1e-9)
    assert frame.loc["24", ["n", "n_event"]].tolist() == [inside.sum(), within.sum()]
    (table,) = tables.periods(cox.periods(gbsg2), study=gbsg2.study)
    assert table.header == ("Model", *(f"{a}–{a + 12} months" for a in range(0, 60, 12)), "After 60 months")
    strict = next(row for row in table.rows if row.cells[3] == "0.50 (0.27–0.90); 59")
    assert "stratified" in strict.cells[0]


def test_a_method_that_does_not_exist_is_refused_and_not_taken_for_another():
    x, time, event = SIX[["x"]], SIX["time"].to_numpy(), SIX["event"].to_numpy()
    with pytest.raises(ValueError, match="ties 'Efron': efron or breslow"):
        cox.fit(x, time, event, ties="Efron")
    with pytest.raises(ValueError, match="transform 'KM': km, identity, log or rank"):
        cox.score_tests(x, time, event, np.zeros(1), terms={"x": [0]}, transform="KM")


def test_robust_errors_of_a_coefficient_at_infinity_are_none():
    """Every death of the one arm comes before every death of the other; no direction is left to have an error."""
    columns = pd.DataFrame({"a": [0, 0, 1, 1.0]})
    found = cox.fit(columns, np.array([5, 6, 7, 8.0]), np.ones(4, dtype=bool), clusters=np.arange(4))
    assert found.blank == {"a": NO_MAXIMUM}
    assert found.robust.isna().all(axis=None)


def test_events_at_one_time_cannot_tell_whether_an_effect_lasts(tmp_path):
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"arm": ["a", "b"] * 5, "time": 5, "event": 1, "x": rng.normal(size=10).round(3)})
    tests = cox.proportionality(cohort_with(tmp_path, table, {"x": continuous()}, ["arm", "x"]))
    assert tests["p_proportional"].isna().all()
    assert all(each["p_proportional"] == "all events happened at one time" for each in tests["not_estimable"])
