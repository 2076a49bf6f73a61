"""Survival by hand: ten patients with ties and a censored last time, and the conventions R follows."""

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from scipy import stats

from helpers import describe, figures, survival, wording
from helpers.errors import ParameterError
from helpers.ledger import NOBODY_LEFT, select
from helpers.results import results

TIME = np.array([2, 3, 3, 5, 6, 6, 8, 8, 9, 12], dtype=float)
EVENT = np.array([1, 1, 1, 1, 0, 1, 1, 0, 1, 0], dtype=bool)
ARM = np.array(["a", "a", "b", "b", "a", "b", "a", "b", "b", "a"])
S = [0.9, 0.7, 0.6, 0.5, 0.375, 0.1875, 0.1875]
GREENWOOD = np.cumsum([1 / 90, 2 / 63, 1 / 42, 1 / 30, 1 / 12, 1 / 2, 0])


@pytest.fixture
def ten(tmp_path):
    """The ten patients as a cohort; an eleventh and twelfth in neither event nor risk keep nothing back."""
    table = pd.DataFrame({"arm": ARM, "g": "u", "time": TIME, "event": EVENT.astype(int)})
    study = {"arms": arms("arm", "a", "b"), "variables": {"g": categorical("u", "v")}, "endpoints": {"OS": endpoint()}}
    horizon = {"months": [1, 6, 9, 12, 13], "risk_table_months": [0, 6, 12], "tau": {"OS": 10}}
    return cohort_of(tmp_path, table, **study, survival=horizon)


def test_product_limit_by_hand():
    table = survival.product_limit(TIME, EVENT)
    assert table["time"].tolist() == [2, 3, 5, 6, 8, 9, 12]
    assert table["n_risk"].tolist() == [10, 9, 7, 6, 4, 2, 1]
    assert table["n_event"].tolist() == [1, 2, 1, 1, 1, 1, 0]
    assert table["n_censored"].tolist() == [0, 0, 0, 1, 1, 0, 1]
    np.testing.assert_allclose(table["survival"], S, rtol=1e-14)
    np.testing.assert_allclose(table["greenwood"], GREENWOOD, rtol=1e-14)


@pytest.mark.parametrize("interval", ["log", "log_log"])
def test_limits_by_hand(interval):
    z = stats.norm.ppf(0.975)
    low, high = survival.limits(np.array(S), GREENWOOD, interval, 0.95)
    s, v = 0.7, GREENWOOD[1]
    if interval == "log":
        expected = (np.exp(np.log(s) - z * np.sqrt(v)), min(1, np.exp(np.log(s) + z * np.sqrt(v))))
    else:
        spread = z * np.sqrt(v) / abs(np.log(s))
        expected = (s ** np.exp(spread), s ** np.exp(-spread))
    assert (low[1], high[1]) == pytest.approx(expected, rel=1e-13)


def test_the_median_at_exactly_one_half_is_the_middle(ten):
    row = select(survival.medians(ten), group="overall", model="log").iloc[0]
    assert row["median"] == pytest.approx(7, rel=1e-12)
    times = np.array([2, 3, 5, 6, 8, 9, 12.0])
    low, high = survival.limits(np.array(S), GREENWOOD, "log", 0.95)
    assert row["median_low"] == pytest.approx(times[np.flatnonzero(low <= 0.5)[0]])
    assert np.isnan(row["median_high"]) == bool((high > 0.5).all())
    assert survival.quantile(np.array([1.0, 2]), np.array([0.5, 0.5])) == 1
    assert np.isnan(survival.quantile(np.array([1.0, 2]), np.array([0.9, 0.8])))


def test_rates_before_the_first_event_and_beyond_the_last_time(ten):
    frame = select(survival.rates(ten), group="overall", model="log").set_index("at")
    assert frame.loc["1", ["rate", "rate_low", "rate_high"]].tolist() == [100, 100, 100]
    assert frame.loc["6", "rate"] == pytest.approx(50)
    assert frame.loc["12", "rate"] == pytest.approx(18.75)
    assert np.isnan(frame.loc["13", "rate"])
    assert frame.loc["13", "not_estimable"] == dict.fromkeys(["rate", "rate_low", "rate_high"], NOBODY_LEFT)
    b = select(survival.rates(ten), group="b", model="log").set_index("at")
    assert b.loc["12", "rate"] == 0, "after a final event S is zero, and known"
    assert b.loc["12", "not_estimable"] == {
        "rate_low": "no interval where the rate is zero",
        "rate_high": "no interval where the rate is zero",
    }


def test_at_risk_means_just_before(ten):
    frame = select(survival.at_risk(ten), group="overall").set_index("at")
    assert frame.loc["6", ["n_risk", "n_event", "n_censored"]].tolist() == [6, 5, 1]
    assert frame.loc["12", ["n_risk", "n_event", "n_censored"]].tolist() == [1, 7, 3]
    assert describe.events(ten).set_index("group").loc["overall", ["n", "n_event"]].tolist() == [10, 7]


def test_log_rank_by_hand(ten):
    expected = 1 / 2 + 2 * 4 / 9 + 3 / 7 + 1 / 2 + 1 / 2 + 1 / 2
    variance = 1 / 4 + 2 * (4 / 9) * (5 / 9) * (7 / 8) + (3 / 7) * (4 / 7) + 3 / 4
    frame = survival.log_rank(ten)
    a = select(frame, group="a").iloc[0]
    assert (a["n_event"], a["n_expected"]) == (3, pytest.approx(expected, rel=1e-14))
    contrast = select(frame, group="").iloc[0]
    assert contrast["chi_square"] == pytest.approx((3 - expected) ** 2 / variance, rel=1e-13)
    assert contrast["p_log_rank"] == pytest.approx(stats.chi2.sf((3 - expected) ** 2 / variance, 1), rel=1e-12)


def test_log_rank_in_strata_adds_their_parts():
    strata = np.array([0, 1] * 5)
    whole = survival.log_rank_test(TIME, EVENT, ARM, strata)
    parts = [survival.log_rank_test(TIME[strata == s], EVENT[strata == s], ARM[strata == s]) for s in (0, 1)]
    np.testing.assert_allclose(whole["expected"], parts[0]["expected"] + parts[1]["expected"], rtol=1e-14)
    none = survival.log_rank_test(TIME, np.zeros(10, dtype=bool), ARM)
    assert np.isnan(none["p"])


def test_restricted_mean_by_hand(ten):
    row = select(survival.restricted_means(ten), group=["a", "b"])
    mean, se = survival.restricted_mean(survival.product_limit(TIME, EVENT), 10)
    assert mean == pytest.approx(2 + 0.9 + 2 * 0.7 + 0.6 + 2 * 0.5 + 0.375 + 0.1875, rel=1e-14)
    right = np.array([4.4625, 3.5625, 2.1625, 1.5625, 0.5625, 0.1875])
    d, n = np.array([1, 2, 1, 1, 1, 1]), np.array([10, 9, 7, 6, 4, 2])
    assert se == pytest.approx(np.sqrt((right**2 * d / (n * (n - d))).sum()), rel=1e-12)
    contrast = select(survival.restricted_means(ten), group="").iloc[0]
    assert contrast["rmst_difference"] == pytest.approx(row["rmst"].iloc[1] - row["rmst"].iloc[0], rel=1e-13)
    se = np.hypot(*row["rmst_se"])
    assert contrast["p_test"] == pytest.approx(2 * stats.norm.sf(abs(contrast["rmst_difference"]) / se), rel=1e-12)


def test_a_restricted_mean_needs_follow_up_to_its_horizon(ten):
    beyond = survival.restricted_means(ten, tau_months=13)
    a = select(beyond, group="a").iloc[0]
    assert a["not_estimable"]["rmst"] == NOBODY_LEFT
    b = select(beyond, group="b").iloc[0]
    assert b["rmst"] == pytest.approx(select(survival.restricted_means(ten), group="b")["rmst"].iloc[0]), "S is zero"
    contrast = select(beyond, group="").iloc[0]
    assert contrast["not_estimable"]["rmst_difference"] == NOBODY_LEFT


def test_follow_up_swaps_events_and_censorings(ten):
    row = select(survival.follow_up(ten), group="overall", model="log").iloc[0]
    table = survival.product_limit(TIME, ~EVENT)
    assert row["median"] == pytest.approx(survival.quantile(table["time"].to_numpy(), table["survival"].to_numpy()))


def test_curves_hold_what_the_table_holds(gbsg2):
    fitter = KaplanMeierFitter()
    data = gbsg2.outcome("RFS")
    for arm in ("no", "yes"):
        rows = data[data["horTh"] == arm]
        fitter.fit(rows["time"], rows["event"])
        curve = select(survival.curves(gbsg2), group=arm)
        theirs = fitter.survival_function_["KM_estimate"].to_numpy()
        np.testing.assert_allclose(curve["rate"] / 100, theirs, rtol=1e-12)
    test = multivariate_logrank_test(data["time"], data["horTh"].astype(str), data["event"])
    ours = select(survival.log_rank(gbsg2), group="").iloc[0]
    assert ours["chi_square"] == pytest.approx(test.test_statistic, rel=1e-10)


@pytest.mark.parametrize("tau", ["hello", -3, 0, True, [12]])
def test_a_horizon_that_is_none_is_refused(ten, tau):
    with pytest.raises(ParameterError, match="give a number of months above zero"):
        survival.restricted_means(ten, tau_months=tau)


def test_an_interval_that_is_none_is_refused(ten):
    with pytest.raises(ParameterError, match="interval 'plain' is unknown; allowed: 'log', 'log_log'"):
        survival.curves(ten, interval="plain")


def two_arms(folder, a, b, **entries):
    """Two lists of (time, event) as a cohort."""
    rows = [("a", *each) for each in a] + [("b", *each) for each in b]
    table = pd.DataFrame(rows, columns=["arm", "time", "event"]).assign(g="u")
    rule = endpoint(missing_time="exclude")
    study = {"arms": arms("arm", "a", "b"), "variables": {"g": categorical("u", "v")}, "endpoints": {"OS": rule}}
    return cohort_of(folder, table, **study, **entries)


def test_the_error_of_a_restricted_mean_is_finite_when_everybody_dies():
    rng = np.random.default_rng(11)
    for _ in range(200):
        time = rng.exponential(5, 30)
        mean, se = survival.restricted_mean(survival.product_limit(time, np.ones(30, dtype=bool)), 100)
        assert mean == pytest.approx(time.mean(), rel=1e-12)
        assert se == pytest.approx(time.std() / np.sqrt(30), rel=1e-10), "without censoring it is that of a mean"


def test_means_without_variance_have_no_interval_and_no_claim(tmp_path):
    cohort = two_arms(tmp_path, [(5, 1)], [(10, 1)])
    contrast = select(survival.restricted_means(cohort), group="").iloc[0]
    assert contrast["rmst_difference"] == 5
    assert set(contrast["not_estimable"].values()) == {survival.NO_VARIANCE}
    said = repr(wording.survival(results(cohort.study, cohort), study=cohort.study))
    assert "could not be compared (no variance" in said
    assert "longer" not in said


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([(5, 1)] * 3, [(5, 1)] * 3, "at no event were patients of both groups left to compare"),
        ([(5, 1), (6, 1)], [(1, 0), (2, 0)], "at no event were patients of both groups left to compare"),
        ([(5, 0), (6, 0)], [(1, 0), (2, 0)], "no events"),
    ],
)
def test_a_log_rank_test_without_variance_is_said(tmp_path, a, b, reason):
    contrast = select(survival.log_rank(two_arms(tmp_path, a, b)), group="").iloc[0]
    assert np.isnan(contrast["p_log_rank"])
    assert contrast["not_estimable"]["p_log_rank"] == reason


def test_an_arm_without_any_time_is_said(tmp_path):
    cohort = two_arms(tmp_path, [(None, 1), (None, 0)], [(5, 1), (6, 0)])
    row = select(survival.medians(cohort), group="a", model="log").iloc[0]
    assert row["not_estimable"]["median"] == survival.NO_TIMES
    assert select(describe.events(cohort), group="a").iloc[0][["n", "n_event", "n_missing"]].tolist() == [2, 1, 2]
    assert len(results(cohort.study, cohort)) > 50
    figures.kaplan_meier(
        survival.curves(cohort),
        at_risk=survival.at_risk(cohort),
        log_rank=survival.log_rank(cohort),
        events=describe.events(cohort),
        study=cohort.study,
    )


def test_times_apart_by_rounding_are_ties(tmp_path):
    cohort = two_arms(tmp_path, [(0.1 + 0.2, 1), (1, 0)], [(0.3, 1), (2, 0)])
    assert cohort.outcomes["OS"]["time"].nunique() == 3


def test_a_year_ends_with_day_365(tmp_path):
    """Seven of twenty die, thirteen are followed to day 365: one-year rates 13/20, 6/10 and 7/10, means 282 and 336.9 days."""
    deaths = {0: 40, 3: 100, 4: 200, 8: 300, 9: 350, 13: 364, 16: 90}
    frame = pd.DataFrame(
        {
            "arm": ["a", "b"] * 10,
            "age": range(50, 70),
            "time": [deaths.get(each, 365) for each in range(20)],
            "event": [int(each in deaths) for each in range(20)],
        }
    )
    asked = {"arms": arms("arm", "a", "b"), "variables": {"age": continuous()}}
    horizons = {"months": [12], "risk_table_months": [0, 12], "tau": {"OS": 12}}
    asked |= {"endpoints": {"OS": endpoint(unit="days")}, "survival": horizons}
    cohort = cohort_of(tmp_path / "year", frame, **asked)
    rates = select(survival.rates(cohort), model="log").set_index("group")
    assert rates["rate"].tolist() == pytest.approx([65, 60, 70], rel=1e-14)
    assert rates.loc["overall", ["rate_low", "rate_high"]].tolist() == pytest.approx([47.1, 89.7], abs=0.05)
    assert select(survival.at_risk(cohort), at="12")["n_risk"].tolist() == [13, 6, 7]
    means = survival.restricted_means(cohort).set_index("group")["rmst"]
    assert means[["a", "b"]].tolist() == pytest.approx([282 / 30.4375, 336.9 / 30.4375], rel=1e-12)
    short = cohort_of(tmp_path / "short", frame.assign(time=frame["time"].clip(upper=364)), **asked)
    assert survival.rates(short)["rate"].isna().all()
    assert select(survival.at_risk(short), at="12")["n_risk"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("months", "day"), [(12, 365), (16, 487), (20, 608), (24, 730), (60, 1826), (0, 0), (0.5, 15)])
def test_the_last_whole_day_of_a_horizon(months, day):
    assert survival.last_whole_day(months) == day / 30.4375
