"""Firth's penalised Cox regression worked by hand and against its likelihood written out as loops over deaths."""

import numpy as np
import pandas as pd
import pytest
from public import load
from scipy import optimize, stats

from helpers.cox.firth import firth
from helpers.cox.kernel import fit

QUANTILE = stats.chi2.ppf(0.95, 1)


def written_out(data, names, ties="efron", penalty=0.5):
    """The penalised log likelihood, death by death; `data` has time, event and perhaps start, stratum and weight."""
    x, time, event = data[names].to_numpy(dtype=float), data["time"].to_numpy(), data["event"].to_numpy() == 1
    ones = pd.Series(1.0, index=data.index)
    start, stratum, weight = (
        data.get(name, ones * absent).to_numpy() for name, absent in (("start", -1), ("stratum", 0), ("weight", 1))
    )
    sets = []
    for s, t in sorted(set(zip(stratum[event], time[event], strict=True))):
        risk = (stratum == s) & (start < t) & (time >= t)
        sets.append((x[risk], weight[risk], event[risk] & (time[risk] == t)))

    def value(beta):
        log_likelihood, information = 0.0, np.zeros((len(names), len(names)))
        for z, w, dies in sets:
            eta = z @ beta
            top = eta.max()
            log_likelihood += (w * eta)[dies].sum()
            for k in range(dies.sum()):
                removed = k / dies.sum() if ties == "efron" else 0
                share = w * np.exp(eta - top) * np.where(dies, 1 - removed, 1)
                mean = share @ z / share.sum()
                log_likelihood -= w[dies].mean() * (np.log(share.sum()) + top)
                information += w[dies].mean() * ((z - mean).T * share @ (z - mean)) / share.sum()
        return log_likelihood + penalty * np.linalg.slogdet(information)[1]

    return value


def slope(value, beta, h=1e-3):
    """The gradient by central differences of two widths, extrapolated: exact to the fourth order."""
    steps = h * np.eye(len(beta))
    return np.array(
        [
            (8 * (value(beta + e) - value(beta - e)) - value(beta + 2 * e) + value(beta - 2 * e)) / (12 * h)
            for e in steps
        ]
    )


def highest(value, start, held=None):
    """Where a function is highest, one coordinate held: simplex search, then the root of the numerical gradient."""
    free = [each for each in range(len(start)) if each != held]

    def put(part):
        whole = np.array(start, dtype=float)
        whole[free] = part
        return whole

    near = optimize.minimize(
        lambda b: -value(put(b)), np.asarray(start)[free], method="Nelder-Mead", options={"xatol": 0.01, "fatol": 0.01}
    )
    return put(optimize.root(lambda b: slope(lambda c: value(put(c)), b), near.x, tol=1e-11).x)


def veteran():
    """Public data in weeks, with a level in which nobody dies: the patients of the test arm who were censored."""
    data = load("veteran").assign(event=lambda d: d["status"], time=lambda d: np.ceil(d["time"] / 7))
    spared = (data["event"] == 0) & (data["trt"] == "test")
    return data.assign(spared=spared * 1.0, prior=(data["prior"] == "yes") * 1.0, karno=data["karno"] / 10)


def separated():
    """Sixteen patients, the tied deaths in the order of one covariate but for strata and late entry."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"time": [1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9.0], "event": [1] * 14 + [0, 0]})
    return data.assign(x=-data["time"], z=rng.normal(size=16), start=[0, 0, 1] * 5 + [0], stratum=[0, 1] * 8)


def fitted(data, names, **more):
    given = {"start": "start", "weights": "weight", "strata": "stratum"}
    more |= {name: data[column].to_numpy() for name, column in given.items() if column in data}
    return firth(data[names], data["time"].to_numpy(), data["event"].to_numpy(), **more)


@pytest.mark.parametrize("others", [1, 2, 10])
def test_one_death_by_hand(others):
    """One patient with x = 1 dies while `others` with x = 0 are at risk.

    With q = exp(b) / (exp(b) + others) the likelihood is q and the information q (1 - q). So the penalised likelihood
    is q^(3/2) (1 - q)^(1/2), highest at q = 3/4: b = log(3 others), where the maximum likelihood estimate is infinite.
    """
    x = pd.DataFrame({"x": [1.0] + [0.0] * others})
    found = firth(x, np.r_[1.0, np.full(others, 2.0)], np.r_[1, np.zeros(others)])

    def deviance(b):
        q = 1 / (1 + others * np.exp(-b))
        return 3 * np.log(0.75 / q) + np.log(0.25 / (1 - q))

    top = np.log(3 * others)
    assert found.log_hr["x"] == pytest.approx(top, abs=1e-9)
    assert found.covariance.loc["x", "x"] == pytest.approx(16 / 3, rel=1e-9)
    assert found.log_likelihood == pytest.approx(1.5 * np.log(0.75) + 0.5 * np.log(0.25), abs=1e-12)
    assert found.p["x"] == pytest.approx(stats.chi2.sf(deviance(0), 1), rel=1e-9)
    sides = [optimize.brentq(lambda b: deviance(b) - QUANTILE, *each, xtol=1e-13) for each in ((-9, top), (top, 20))]
    np.testing.assert_allclose(found.limits.loc["x"], sides, rtol=1e-9)


def test_a_level_without_events_by_hand():
    """The mirror image: the patient with x = 1 outlives a death among two without, q = 2 / (exp(b) + 2) = 3/4."""
    found = firth(pd.DataFrame({"x": [1, 0, 0]}), np.array([3, 1, 2]), np.array([0, 1, 0]))
    assert found.log_hr["x"] == pytest.approx(np.log(2 / 3), abs=1e-9)
    assert found.limits.loc["x", "low"] < -5


@pytest.mark.parametrize(
    ("data", "names", "ties"),
    [
        (veteran().iloc[1::3], ["karno", "prior"], "efron"),
        (veteran().iloc[1::3], ["karno", "spared"], "breslow"),
        (separated().drop(columns=["start", "stratum"]), ["x", "z"], "efron"),
        (separated().drop(columns=["start", "stratum"]), ["x", "z"], "breslow"),
        (separated().assign(weight=[1, 3, 0.5, 2] * 4), ["x", "z"], "efron"),
    ],
    ids=["public", "public without events", "separated", "separated, breslow", "strata, late entry and weights"],
)
@pytest.mark.slow
def test_the_maximum_and_its_profile_are_those_of_the_likelihood_written_out(data, names, ties):
    found, value = fitted(data, names, ties=ties), written_out(data, names, ties)
    top = highest(value, np.zeros(2))
    np.testing.assert_allclose(found.log_hr, top, rtol=1e-9, atol=1e-9)
    assert found.log_likelihood == pytest.approx(value(top), abs=1e-9)
    for k, name in enumerate(names):
        deviances = []
        for fixed in (0.0, *found.limits.loc[name]):
            along = found.log_hr + found.covariance[name] / found.covariance.loc[name, name] * (
                fixed - found.log_hr[name]
            )
            along[name] = fixed
            deviances.append(2 * (value(top) - value(highest(value, along.to_numpy(), held=k))))
        np.testing.assert_allclose(deviances[1:], QUANTILE, atol=1e-8)
        assert found.p[name] == pytest.approx(stats.chi2.sf(deviances[0], 1), rel=1e-8)
    assert (found.limits["low"] < found.log_hr).all()
    assert (found.limits["high"] > found.log_hr).all()


def test_the_covariance_is_the_inverse_information_of_the_likelihood_without_penalty():
    data, names = veteran().iloc[1::3], ["karno", "spared"]
    found, value = fitted(data, names, profile=[]), written_out(data, names, penalty=0)

    def part(k):
        return lambda beta: slope(value, beta)[k]

    information = -np.array([slope(part(k), found.log_hr.to_numpy()) for k in range(2)])
    np.testing.assert_allclose(found.covariance, np.linalg.inv(information), rtol=1e-5)


def test_a_change_of_units_changes_the_units_alone():
    data = veteran()
    names, scale = ["karno", "spared"], np.array([250.0, -0.01])
    one, other = fitted(data, names), fitted(data.assign(**(data[names] * scale + [7, 3])), names)
    np.testing.assert_allclose(other.log_hr * scale, one.log_hr, rtol=1e-9)
    np.testing.assert_allclose(other.covariance * np.outer(scale, scale), one.covariance, rtol=1e-8)
    np.testing.assert_allclose(other.limits.loc["karno"] * 250, one.limits.loc["karno"], rtol=1e-8)
    np.testing.assert_allclose(other.limits.loc["spared"] * -0.01, one.limits.loc["spared", ["high", "low"]], rtol=1e-8)
    np.testing.assert_allclose(other.p, one.p, rtol=1e-8)
    shift = np.log(np.abs(scale)).sum()
    assert other.log_likelihood == pytest.approx(one.log_likelihood + shift, abs=1e-9)


def test_a_patient_cut_into_intervals_is_the_same_patient():
    data, names = veteran(), ["karno", "spared"]
    cut = data["time"] / 3
    pieces = [data.assign(time=cut, event=0, start=-np.inf), data.assign(start=cut)]
    whole, parts = fitted(data, names), fitted(pd.concat(pieces, ignore_index=True), names)
    np.testing.assert_allclose(parts.log_hr, whole.log_hr, rtol=1e-9)
    np.testing.assert_allclose(parts.limits, whole.limits, rtol=1e-8)
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-9)


def test_a_weight_of_two_is_the_patient_twice_under_breslow():
    """Likelihood and information are those of the doubled rows; without weights the penalty is another share of it."""
    data, names = veteran(), ["karno", "spared"]
    twice = data.iloc[np.repeat(np.arange(len(data)), 2)].reset_index(drop=True)
    one, two = (fitted(each, names, ties="breslow") for each in (data.assign(weight=2.0), twice))
    np.testing.assert_allclose(one.log_hr, two.log_hr, rtol=1e-9)
    np.testing.assert_allclose(one.limits, two.limits, rtol=1e-8)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-8)
    assert abs(fitted(data, names, ties="breslow").log_hr["spared"] - two.log_hr["spared"]) > 0.1


def test_with_more_data_the_estimate_approaches_maximum_likelihood():
    """The distance falls with the number of times the data are observed, as a bias of the first order does."""
    data, names = veteran(), ["karno", "prior"]
    likely = fit(data[names], data["time"].to_numpy(), data["event"].to_numpy())
    distance = [
        times * (fitted(data.assign(weight=times), names, profile=[]).log_hr - likely.log_hr) for times in (1, 100, 1e4)
    ]
    np.testing.assert_allclose(distance[0], distance[2], rtol=0.1)
    np.testing.assert_allclose(distance[1], distance[2], rtol=1e-3)


def test_deaths_wholly_in_the_order_of_a_covariate_have_a_finite_estimate():
    """A hundred patients, hazards up to exp(520) apart: rounding leaves the estimate 1e-5 standard errors, no more."""
    data = pd.DataFrame({"time": np.arange(1, 101.0), "event": 1, "x": np.arange(100.0)[::-1]})
    found, value = fitted(data, ["x"]), written_out(data, ["x"])
    error = slope(value, found.log_hr.to_numpy())[0] * np.sqrt(found.covariance.loc["x", "x"])
    assert abs(error) < 1e-5
    for limit in found.limits.loc["x"]:
        assert 2 * (found.log_likelihood - value(np.array([limit]))) == pytest.approx(QUANTILE, abs=1e-6)


def test_only_the_profiles_asked_for_are_sought():
    data, names = veteran(), ["karno", "spared"]
    some, whole = fitted(data, names, profile=["spared"]), fitted(data, names)
    pd.testing.assert_series_equal(some.log_hr, whole.log_hr)
    pd.testing.assert_series_equal(some.limits.loc["spared"], whole.limits.loc["spared"])
    assert some.limits.loc["karno"].isna().all()
    assert some.p.isna().tolist() == [True, False]
    wide = fitted(data, names, profile=["spared"], confidence=0.99).limits.loc["spared"]
    assert wide["low"] < whole.limits.loc["spared", "low"] < whole.limits.loc["spared", "high"] < wide["high"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"event": 0}, "no events"),
        ({"z": 1.5}, "the variable does not vary among the patients at risk: z"),
        ({"z": lambda d: 2 * d["x"] + 1}, "covariates are linearly dependent"),
    ],
)
def test_what_cannot_be_fitted_is_said_so(change, problem):
    found = fitted(separated().drop(columns=["start", "stratum"]).assign(**change), ["x", "z"])
    assert found.problem == problem
    assert found.log_hr.isna().all()
    assert found.limits.isna().to_numpy().all()


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="ties 'exact': efron or breslow"):
        fitted(separated(), ["x"], ties="exact")
    with pytest.raises(ValueError, match="'y' is not in list"):
        fitted(separated(), ["x"], profile=["y"])


def test_without_covariates_it_is_the_partial_likelihood():
    data = separated()[["time", "event"]]
    null = fit(data[[]], data["time"].to_numpy(), data["event"].to_numpy())
    assert fitted(data, []).log_likelihood == pytest.approx(null.log_likelihood, abs=1e-12)
