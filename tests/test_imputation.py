"""Multiple imputation: cases worked by hand, a truth that is recovered, and R's mice on the same patients."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from agreement import reference
from public import load
from scipy import stats

from helpers import cox, imputation

MULTIPLE = 3.5
ANALYSES = [(dataset, analysis) for dataset in ("pbc", "veteran") for analysis in ("drawn", "mice")]


@pytest.fixture
def frame():
    """Sixty patients; every kind of column, indexed by their names."""
    rng = np.random.default_rng(7)
    age = rng.normal(60, 9, 60)
    frame = pd.DataFrame(
        {
            "age": age,
            "ldh": np.exp(rng.normal(5, 0.5, 60) + age / 60),
            "sex": pd.Categorical(rng.choice(["m", "f"], 60), ["m", "f"]),
            "stage": pd.Categorical(rng.choice(["I", "II", "IV"], 60), ["IV", "III", "II", "I"]),
            "smoker": pd.Categorical(["yes"] * 60, ["no", "yes"]),
            "dose": rng.normal(50, 4, 60).astype("float32"),
            "cycles": rng.integers(1, 7, 60),
        },
        index=[f"patient {i}" for i in range(60)],
    )
    for position, name in enumerate(["age", "ldh", "sex", "stage", "smoker", "dose"]):
        frame.loc[rng.random(60) < 0.1 + 0.05 * position, name] = np.nan
    return frame


def drawn(frame, **options):
    return imputation.impute(frame, **{"draws": 3, "iterations": 3, "seed": 1, **options})


# ---- Rubin's rules and the cumulative hazard, by hand


def test_pooling_by_hand():
    estimates = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, -1.0]])
    covariances = np.array([[[0.5, 0.1], [0.1, 1.0]], [[0.7, 0.2], [0.2, 2.0]], [[0.6, 0.3], [0.3, 3.0]]])
    result = imputation.pooled(estimates, covariances, 10)
    assert result.estimate == pytest.approx([2, 0])
    assert result.within == pytest.approx(np.array([[0.6, 0.2], [0.2, 2.0]]))
    assert result.between == pytest.approx(np.array([[1.0, -0.5], [-0.5, 1.0]]))
    assert result.covariance == pytest.approx(np.array([[29 / 15, -7 / 15], [-7 / 15, 10 / 3]]))
    assert result.increase == pytest.approx([20 / 9, 2 / 3])
    # lambda = 20/29 and 2/5: (m - 1) / lambda^2 = 4.205 and 12.5, 11/13 * 10 * (1 - lambda) = 990/377 and 66/13
    df = np.array([1 / (1 / 4.205 + 377 / 990), 1 / (1 / 12.5 + 13 / 66)])
    assert result.df == pytest.approx(df)
    assert result.fraction_missing == pytest.approx(
        [(20 / 9 + 2 / (df[0] + 3)) * 9 / 29, (2 / 3 + 2 / (df[1] + 3)) * 0.6]
    )
    assert imputation.pooled(estimates, covariances, np.inf).df == pytest.approx([4.205, 12.5])


def test_draws_that_agree_leave_the_degrees_of_freedom_of_complete_data():
    result = imputation.pooled(np.full((4, 1), 0.3), np.full((4, 1, 1), 0.2), 30)
    assert result.covariance == pytest.approx(0.2)
    assert result.df == pytest.approx([31 / 33 * 30])
    assert result.increase == 0
    assert imputation.pooled(np.full((4, 1), 0.3), np.full((4, 1, 1), 0.2), np.inf).df == [np.inf]


@pytest.mark.parametrize(
    ("estimates", "covariances", "df", "reason"),
    [
        (np.ones((1, 2)), np.ones((1, 2, 2)), 9, "two draws"),
        (np.ones((3, 2)), np.ones((3, 2)), 9, "p x p"),
        (np.ones(3), np.ones(3), 9, "two draws"),
        (np.array([[1.0], [np.nan]]), np.ones((2, 1, 1)), 9, "positive variance"),
        (np.ones((2, 1)), np.zeros((2, 1, 1)), 9, "positive variance"),
        (np.ones((2, 1)), np.ones((2, 1, 1)), 0, "degrees of freedom"),
    ],
)
def test_what_cannot_be_pooled_is_refused(estimates, covariances, df, reason):
    with pytest.raises(ValueError, match=reason):
        imputation.pooled(estimates, covariances, df)


def test_cumulative_hazard_by_hand():
    hazard = imputation.nelson_aalen(np.array([4, 2, 2, 3, 1, 4]), np.array([1, 1, 1, 0, 1, 0]))
    at_2 = 1 / 6 + 2 / 5
    assert hazard == pytest.approx([at_2 + 1 / 2, at_2, at_2, at_2, 1 / 6, at_2 + 1 / 2])
    assert imputation.nelson_aalen(np.array([5.0, 6.0]), np.array([False, False])).tolist() == [0, 0]
    with pytest.raises(ValueError, match="known time"):
        imputation.nelson_aalen(np.array([1.0, np.nan]), np.array([1, 0]))


# ---- what is kept, and what is refused


def test_the_same_seed_gives_the_same_draws_however_many(frame):
    first, again, more = drawn(frame), drawn(frame), drawn(frame, draws=5)
    for each, same, prefix in zip(first, again, more, strict=False):
        pd.testing.assert_frame_equal(each, same)
        pd.testing.assert_frame_equal(each, prefix)
    assert not first[0].equals(first[1])
    assert not first[0].equals(drawn(frame, seed=2)[0])
    assert not first[0].equals(drawn(frame, iterations=2)[0])


def test_known_values_stay_and_drawn_ones_are_somebodys(frame):
    before = frame.copy()
    for completed in drawn(frame):
        assert completed.notna().all(axis=None)
        pd.testing.assert_frame_equal(completed.where(frame.notna()), frame)
        pd.testing.assert_series_equal(completed.dtypes, frame.dtypes)
        for name in frame:
            assert set(completed[name]) <= set(frame[name].dropna())
        assert list(completed["stage"].cat.categories) == ["IV", "III", "II", "I"]
        assert (completed["smoker"] == "yes").all()
    pd.testing.assert_frame_equal(frame, before)


def test_a_complete_frame_comes_back_as_copies(frame):
    complete = frame.dropna()
    copies = drawn(complete)
    pd.testing.assert_frame_equal(copies[2], complete)
    copies[0].iloc[0, 0] = -1
    assert complete.iloc[0, 0] != -1


@pytest.mark.parametrize(
    ("change", "fixed", "reason"),
    [
        ({"age": np.nan}, {}, "'age' has no known value"),
        ({"age": [60.0] + [np.nan] * 59}, {}, "'age' has one known value"),
        ({"sex": pd.Categorical(["m"] + [None] * 59)}, {}, "'sex' has one known value"),
        ({"age": np.inf}, {}, "'age' has an infinite value"),
        ({"age": "sixty"}, {}, "'age' is neither"),
        ({}, {"event": [np.nan] + [1.0] * 59}, "'event' has a missing value"),
        ({}, {"age": 1.0}, "different names"),
    ],
)
def test_what_cannot_be_imputed_is_refused(frame, change, fixed, reason):
    with pytest.raises(ValueError, match=reason):
        drawn(frame.assign(**change), fixed=pd.DataFrame(fixed, index=frame.index) if fixed else None)


def test_fixed_predictors_belong_to_the_same_patients(frame):
    with pytest.raises(ValueError, match="index"):
        drawn(frame, fixed=pd.DataFrame({"event": np.ones(60)}))
    with pytest.raises(ValueError, match="one draw"):
        drawn(frame, draws=0)


# ---- what is drawn


def test_a_known_truth_is_recovered_where_complete_cases_are_biased():
    """Forty cohorts of 300: y = 1 + x / 2 + 0.7 f + e, and x and f missing the more often the larger y."""
    truth, rng, estimates, complete, covered = np.array([1, 0.5, 0.7]), np.random.default_rng(1), [], [], []
    for seed in range(40):
        x, noise = rng.standard_normal((2, 300))
        f = rng.random(300) < 1 / (1 + np.exp(-0.8 * x))
        y = truth[0] + truth[1] * x + truth[2] * f + noise
        gone = rng.random((2, 300)) < 0.8 / (1 + np.exp(-1.5 * (y - 2)))
        table = pd.DataFrame({"x": x, "f": pd.Categorical(np.where(f, "b", "a"))})
        table = table.assign(x=table["x"].mask(gone[0]), f=table["f"].mask(gone[1]))
        completed = drawn(table, draws=5, iterations=2, fixed=pd.DataFrame({"y": y}), seed=seed)
        fits = [least_squares(each, y) for each in completed]
        pool = imputation.pooled(*map(np.array, zip(*fits, strict=True)), 297)
        width = stats.t.ppf(0.975, pool.df) * np.sqrt(np.diag(pool.covariance))
        estimates.append(pool.estimate)
        covered.append(np.abs(pool.estimate - truth) < width)
        known = ~gone.any(axis=0)
        complete.append(least_squares(table[known], y[known])[0])
    error = np.std(estimates, axis=0) / np.sqrt(40)
    assert (np.abs(np.mean(estimates, axis=0) - truth) < 0.02 + 3 * error).all()
    assert (np.mean(complete, axis=0) < truth - [0.3, 0.06, 0.08]).all()
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 120)


def least_squares(table, y):
    design = np.column_stack([np.ones(len(y)), table["x"], table["f"] == "b"])
    inverse = np.linalg.inv(design.T @ design)
    estimate = inverse @ design.T @ y
    return estimate, inverse * ((y - design @ estimate) ** 2).sum() / (len(y) - 3)


def test_without_a_predictor_values_come_as_often_as_they_are_known():
    """Equal predictions tie: all patients with them are donors, not the first five."""
    known = np.repeat(np.arange(10.0), 3)
    for column in (pd.Series(known), pd.Series(pd.Categorical(known.astype(int).astype(str)))):
        table = pd.DataFrame(
            {"x": pd.concat([column, column.iloc[[0] * 300].where(np.zeros(300, bool))], ignore_index=True)}
        )
        found = pd.concat([each["x"].iloc[30:].astype(float) for each in drawn(table, draws=20, iterations=1)])
        counts = np.bincount(found.astype(int), minlength=10)
        if isinstance(column.dtype, pd.CategoricalDtype):
            # The shares themselves are drawn: the mean of 20 draws, each with the error of 30 patients and 300 draws.
            assert np.abs(counts / 6000 - 0.1).max() < 4 * np.sqrt(0.09 * (1 / 30 + 1 / 300) / 20)
        else:
            assert stats.chisquare(counts).pvalue > 0.001


def test_the_five_nearest_predictions_are_the_donors():
    """On an exact line the prediction at 10.2 is certain: y of 8, 9, 10, 11 and 12, each one time in five."""
    x = np.append(np.arange(21.0), 10.2)
    table = pd.DataFrame({"x": x, "y": np.append(3 - 2 * x[:-1], np.nan)})
    found = pd.Series([each["y"].iloc[-1] for each in drawn(table, draws=500, iterations=1)]).value_counts()
    assert sorted((3 - found.index) / 2) == [8, 9, 10, 11, 12]
    assert stats.chisquare(found).pvalue > 0.001


def test_numbers_vary_between_draws_as_their_regression_is_uncertain():
    """The mean of k drawn values at x has variance s2 (1/k + 1/n + (mean x)^2 / sum x^2), s2 the residual variance."""
    x, noise = np.linspace(-2, 2, 200), 0.1 * np.random.default_rng(4).standard_normal(200)
    wanted = np.linspace(0, 1, 400)
    table = pd.DataFrame({"x": np.append(x, wanted), "y": np.append(x + noise, np.full(400, np.nan))})
    means = [each["y"].iloc[200:].mean() for each in drawn(table, draws=300, iterations=1)]
    variance = noise.var() * (1 / 400 + 1 / 200 + 0.5**2 / (x @ x))
    assert np.var(means) / variance == pytest.approx(1, abs=4 * np.sqrt(2 / 300))


def test_factors_vary_between_draws_as_their_shares_are_uncertain():
    """With the cell as predictor, a level's share among 40 drawn in one has variance p (1 - p) (1/40 + 1/40)."""
    counts = np.array([[8, 12, 20], [20, 12, 8]])
    known = np.concatenate([np.repeat(["a", "b", "c"], each) for each in counts])
    table = pd.DataFrame({"cell": np.tile(np.repeat([0.0, 1.0], 40), 2)})
    table["level"] = pd.Categorical(np.append(known, np.full(80, None)), ["a", "b", "c"])
    codes = np.array([each["level"].cat.codes.iloc[80:] for each in drawn(table, draws=300, iterations=1)])
    shares = (codes.reshape(300, 2, 40, 1) == np.arange(3)).mean(axis=2)
    expected = counts / 40
    assert shares.mean(axis=0) == pytest.approx(expected, abs=0.03)
    assert shares.var(axis=0) == pytest.approx(expected * (1 - expected) * 2 / 40, rel=4 * np.sqrt(2 / 300))


def test_perfect_prediction_neither_diverges_nor_misleads():
    """All of the ten with the marker respond; the four whose response is missing mostly do, the others do not."""
    rng = np.random.default_rng(3)
    marker = np.repeat([1.0, 0.0], [14, 86])
    response = np.where(marker == 1, "complete", rng.choice(["none", "partial"], 100, p=[0.8, 0.2]))
    table = pd.DataFrame({"response": pd.Categorical(response, ["none", "partial", "complete"]), "marker": marker})
    table.loc[[*range(10, 14), *range(80, 100)], "response"] = np.nan
    found = pd.concat([each["response"] for each in drawn(table, draws=50)])
    shares = pd.crosstab(np.tile(marker, 50), found, normalize="index")
    assert shares.loc[1.0, "complete"] > 0.9
    assert shares.loc[0.0, "complete"] < 0.05
    assert shares.loc[0.0, "partial"] == pytest.approx(0.2, abs=0.1)


def test_a_rare_level_stays_rare():
    """Fifteen predictors of a level that one in twenty has: fitting noise must not make it one in six."""
    rng, shares = np.random.default_rng(5), []
    for seed in range(15):
        x = rng.standard_normal((171, 15))
        rare = np.where(rng.random(171) < 0.05, "yes", "no")
        table = pd.DataFrame(x).assign(rare=pd.Categorical(rare)).rename(columns=str)
        table.loc[rng.random(171) < 0.3, "rare"] = np.nan
        missing = table["rare"].isna()
        known = (table["rare"].dropna() == "yes").mean()
        shares += [
            (each.loc[missing, "rare"] == "yes").mean() - known for each in drawn(table, iterations=1, seed=seed)
        ]
    assert -0.01 < np.mean(shares) < 0.04


def test_constant_and_dependent_predictors_change_nothing(frame):
    """A column that never varies, and one that others determine, are left out of the regressions."""
    table = frame[["age", "ldh", "sex"]]
    added = table.assign(one=1.0, double=2e6 * frame["cycles"])
    fixed = frame[["cycles"]].astype(float)
    plain = drawn(table.assign(one=1.0), fixed=fixed)
    for each, same in zip(drawn(added, fixed=fixed), plain, strict=True):
        pd.testing.assert_frame_equal(each[list(table)], same[list(table)])


def test_fewer_patients_than_predictors_are_still_completed():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.standard_normal((12, 20))).rename(columns=str)
    table["group"] = pd.Categorical(rng.choice(list("abc"), 12))
    table.loc[[0, 5], ["0", "group"]] = np.nan
    assert all(each.notna().all(axis=None) for each in drawn(table))


# ---- agreement with R


def test_cumulative_hazard_in_r(record_property):
    events = {"pbc": 2, "veteran": 1, "lung": 2}
    expected = {key: value for key, value in reference("imputation.csv").items() if key[1] == "nelson_aalen"}
    for name, code in events.items():
        time, event = load(name)["time"].to_numpy(), (load(name)["status"] == code).to_numpy()
        hazard = imputation.nelson_aalen(time, event)
        sums = {"sum": hazard.sum(), "sum_squares": (hazard**2).sum(), "sum_by_time": (hazard * time).sum()}
        for statistic, value in sums.items():
            assert value == pytest.approx(expected[name, "nelson_aalen", "", statistic], rel=1e-8)
    record_property("agreement", f"imputation.csv: {len(expected)} sums of cumulative hazards equal R's")
    assert len(expected) == 9


def test_pooling_in_r(record_property):
    """Rubin's rules on given numbers, and on the draws of R: their means and variances make up stand-ins for them."""
    compared, worst = 0, 0.0
    for name, values in terms("given", "pool_scalar").items():
        of = {kind: [v for key, v in values.items() if key.startswith(f"{kind}_")] for kind in ("estimate", "variance")}
        result = imputation.pooled(
            np.array(of["estimate"])[:, None], np.array(of["variance"])[:, None, None], values["df_complete"]
        )
        found = {"estimate": result.estimate, "within": result.within, "between": result.between}
        found |= {"total": result.covariance, "increase": result.increase}
        found |= {"df": result.df, "fmi": result.fraction_missing}
        for statistic, value in found.items():
            assert value.item() == pytest.approx(values[statistic], rel=1e-8), (name, statistic)
            compared += 1
    for dataset, analysis in ANALYSES:
        model = terms(dataset, analysis)["model"]
        for values in coefficients(dataset, analysis).values():
            half = np.sqrt(values["between"] * (model["draws"] - 1) / model["draws"])
            stand_ins = values["estimate"] + half * (-1) ** np.arange(model["draws"])
            within = np.full((int(model["draws"]), 1, 1), values["within"])
            result = imputation.pooled(stand_ins[:, None], within, model["n"] - model["parameters"])
            found = {"estimate": result.estimate, "se": np.sqrt(result.covariance)}
            for statistic, value in (found | {"df": result.df, "fmi": result.fraction_missing}).items():
                assert value.item() == pytest.approx(values[statistic], rel=1e-8)
                worst = max(worst, abs(value.item() / values[statistic] - 1))
                compared += 1
    record_property("agreement", f"imputation.csv: {compared} pooled values equal R's, worst {worst:.1e}")
    assert compared == 28 + 4 * 2 * (12 + 8)


@pytest.mark.parametrize(("dataset", "analysis"), ANALYSES)
@pytest.mark.slow
def test_imputed_cox_models_in_r(dataset, analysis, record_property):
    """Pooled estimates, variances and fmi, within 3.5 Monte Carlo standard errors of both programs.

    An estimate of m draws has error sqrt(between / m). Those of the variance and of fmi are estimated from R's 400 draws
    for both, because they are skewed and ours are thirty. Not compared are the variances of a factor's terms in the
    analysis `mice` where polyreg, which takes its parameters for certain, makes them too small; `drawn` has them.
    """
    result, draws = pooled_cox(dataset)
    found = {"estimate": result.estimate, "total": np.diag(result.covariance), "fmi": result.fraction_missing}
    known, in_r = terms(dataset, analysis), coefficients(dataset, analysis)
    more, worst, compared = known["model"]["draws"] / draws, 0.0, 0
    assert list(in_r) == list(design(cohort(dataset)[0]))
    for position, (term, values) in enumerate(in_r.items()):
        expected = {**values, "total": values["se"] ** 2}
        errors = {name: values[f"{name}_mc"] * np.sqrt(1 + more) for name in ("total", "fmi")}
        errors["estimate"] = np.sqrt(values["estimate_mc"] ** 2 + result.between[position, position] / draws)
        too_small = analysis == "mice" and term.startswith(("stage", "celltype"))
        for statistic in ["estimate"] if too_small else found:
            distance = abs(found[statistic][position] - expected[statistic]) / errors[statistic]
            assert distance < MULTIPLE, (term, statistic)
            worst, compared = max(worst, distance), compared + 1
    note = f"{compared} of {dataset} ({analysis}) equal R's, the worst off by {worst:.1f} Monte Carlo standard errors"
    record_property("agreement", f"imputation.csv: {note}")
    assert known["n_missing"] == cohort(dataset)[0].isna().sum().to_dict()


def terms(dataset: str, analysis: str) -> dict[str, dict[str, float]]:
    """The rows of a reference analysis: term to statistic to value."""
    found: dict[str, dict[str, float]] = {}
    for (name, of, term, statistic), value in reference("imputation.csv").items():
        if (name, of) == (dataset, analysis):
            found.setdefault(term, {})[statistic] = value
    return found


def coefficients(dataset: str, analysis: str) -> dict[str, dict[str, float]]:
    return {term: values for term, values in terms(dataset, analysis).items() if "estimate" in values}


@cache
def pooled_cox(dataset: str) -> tuple[imputation.Pooled, int]:
    """Cox models of completed data pooled, and of how many draws."""
    table, time, event = cohort(dataset)
    fixed = pd.DataFrame({"event": event, "hazard": imputation.nelson_aalen(time, event)})
    completed = imputation.impute(table, draws=30, iterations=10, seed=1, fixed=fixed)
    fits = [cox.fit(design(each), time, event) for each in completed]
    estimates, covariances = (np.array([getattr(fit, name) for fit in fits]) for name in ("log_hr", "covariance"))
    return imputation.pooled(estimates, covariances, len(table) - estimates.shape[1]), len(fits)


def design(table: pd.DataFrame) -> pd.DataFrame:
    """Covariates in the order of the table, a factor as indicators of all levels but the first, as R names them."""
    columns = {}
    for name, values in table.items():
        levels = values.cat.categories[1:] if isinstance(values.dtype, pd.CategoricalDtype) else None
        columns |= {name: values} if levels is None else {f"{name}{level}": values == level for level in levels}
    return pd.DataFrame(columns).astype(float)


def cohort(dataset: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Covariates, time and event, with the values that reference/imputation.R removes removed by the same rules."""
    data = load(dataset).reset_index(drop=True)
    if dataset == "pbc":
        event = (data["status"] == 2).to_numpy(dtype=float)
        table = data[["trt", "age", "sex", "edema", "stage", "bili", "albumin", "chol", "copper", "trig", "platelet"]]
        edema = pd.Series(np.where(data["edema"] > 0, "yes", "no"))
        stage = data["stage"].map({1: "early", 2: "early", 3: "3", 4: "4"})
        table = table.assign(
            bili=np.log(data["bili"]),
            sex=pd.Categorical(data["sex"], ["m", "f"]),
            edema=pd.Categorical(edema.mask((61 * data["id"]) % 100 < 10 + 25 * (data["age"] >= 50)), ["no", "yes"]),
            stage=pd.Categorical(stage.mask((37 * data["id"]) % 100 < 15 + 20 * event), ["early", "3", "4"]),
        )
        return table.rename(columns={"bili": "log_bili"}), data["time"].to_numpy(dtype=float), event
    number, low = np.arange(1, len(data) + 1), data["karno"] < 60
    cell = data["celltype"].mask((41 * number) % 100 < 15 + 20 * low)
    table = data[["karno", "diagtime", "age"]].astype(float)
    table = table.assign(
        trt=(data["trt"] == "test") + 1.0,
        celltype=pd.Categorical(cell, ["squamous", "smallcell", "adeno", "large"]),
        diagtime=table["diagtime"].mask((29 * number) % 100 < 25),
        prior=pd.Categorical(data["prior"].mask((67 * number) % 100 < 10 + 20 * low), ["no", "yes"]),
    )
    order = ["trt", "celltype", "karno", "diagtime", "age", "prior"]
    return table[order], data["time"].to_numpy(dtype=float), data["status"].to_numpy(dtype=float)
