"""How the paper's cohort is made: the search computes what the package computes, and no move breaks a rule."""

import sys

import numpy as np
import pandas as pd
import pytest

from helpers import cox, describe, sensitivity, splines, survival
from helpers.ledger import select
from helpers.study import read_study

LAYERS = (
    "kernels", "assumed", "targets", "patients", "aims", "curves", "moves", "matcher", "search", "pairing", "margins",
    "measurements", "times", "courses", "prognosis", "beginning", "laboratory", "toxicity", "screening",
)  # fmt: skip


@pytest.fixture(scope="module")
def layers():
    """The modules that make the cohort."""
    sys.path.insert(0, "data/ctrt/build")
    yield {name: __import__(name) for name in LAYERS}
    sys.path.remove("data/ctrt/build")
    for name in LAYERS:
        sys.modules.pop(name)


@pytest.fixture(scope="module")
def people(layers, ctrt):
    """The bundled cohort as the search sees it, in its four populations."""
    made = layers["patients"]
    rows = ctrt.rows()
    frame = rows.astype({name: object for name in rows.select_dtypes("category")}).fillna(
        {name: "" for name in rows.select_dtypes("category")}
    )
    for endpoint, stem in (("OS", "os"), ("PFS", "pfs")):
        outcome = ctrt.with_outcome(endpoint)
        frame[f"{stem}_months"], frame[f"{stem}_event"] = outcome["time"], outcome["event"].astype(int)
    places = layers["prognosis"].POPULATIONS
    found = made.patients(ctrt.study, frame.reset_index(drop=True), len(places), np.zeros(len(frame), bool))
    for row, name in zip(found.use, places, strict=True):
        row[:] = rows.index.isin(ctrt.rows(name).index)
    return found, frame.reset_index(drop=True)


def columns(layers, study, names) -> np.ndarray:
    return np.array([c for name in names for c in layers["patients"].columns_of(study, name)])


@pytest.mark.parametrize(("endpoint", "population"), [("OS", "primary"), ("PFS", "matched"), ("OS", "post_ctrt")])
def test_the_search_fits_the_models_of_the_report(layers, people, ctrt, endpoint, population):
    found, _ = people
    model = ctrt.study.model("paper", endpoint, population)
    cols = columns(layers, ctrt.study, model.covariates)
    beta, error, e = np.zeros(len(cols)), np.zeros(len(cols)), ("OS", "PFS").index(endpoint)
    where = layers["prognosis"].POPULATIONS.index(population)
    layers["kernels"].cox(
        found.order[e], found.time[e], found.event[e], found.use[where], found.x, cols, len(cols), beta, error
    )
    frames = sensitivity.conditioned(ctrt)["multivariable"] if population == "post_ctrt" else cox.multivariable(ctrt)
    rows = select(frames, model="paper", endpoint=endpoint, population=population)
    effect = rows[(rows["variable"] == "arm") & (rows["level"] == "ctrt")].iloc[0]
    assert beta[0] == pytest.approx(effect["log_hr"], rel=1e-8)
    assert error[0] == pytest.approx(effect["log_hr_se"], rel=1e-5)


def test_the_search_fits_the_time_dependent_model_of_the_report(layers, people, ctrt):
    found, frame = people
    cols = columns(layers, ctrt.study, ctrt.study.model("timed", "OS", "primary").covariates)
    start = np.where(found.x[:, 0] == 1, frame["ctrt_start"].astype(float), np.inf)
    beta, error = np.zeros(len(cols)), np.zeros(len(cols))
    layers["kernels"].cox_of_time(
        found.order[0], found.time[0], found.event[0], found.use[0], found.x, cols, start, beta, error
    )
    rows = select(sensitivity.time_dependent(ctrt), model="timed", endpoint="OS", variable="arm", level="ctrt")
    assert beta[0] == pytest.approx(rows["log_hr"].iloc[0], rel=1e-8)
    assert error[0] == pytest.approx(rows["log_hr_se"].iloc[0], rel=1e-5)


def test_the_search_matches_the_pairs_of_the_report(layers, people, ctrt):
    found, _ = people
    cols = columns(layers, ctrt.study, ctrt.study.propensity.covariates)
    for inside, population in ((0, 1), (2, 3)):
        chosen = np.zeros(len(found.x), bool)
        beta = np.zeros(len(cols) + 1)
        layers["matcher"].paired(found, found.use[inside], cols, 0.2, beta, chosen)
        assert (chosen == found.use[population]).all()


def test_the_search_tests_cycles_splines_and_interactions_as_the_report_does(layers, people, ctrt):
    found, frame = people
    cycles = [frame.loc[frame["arm"] == arm, "immunotherapy_cycles"].dropna() for arm in ("non_ctrt", "ctrt")]
    counts = np.array([np.bincount(each.astype(int), minlength=64) for each in cycles], dtype=float)
    expected = describe.continuous_test(*cycles, "rank_sum")["p_test"]
    assert layers["kernels"].rank_sum(counts) == pytest.approx(expected, rel=1e-10)
    tests = layers["laboratory"].tests(frame, frame["glr"].to_numpy(float), found.use[1], "OS")
    spline = select(splines.splines(ctrt, "matched", draws=2), variable="glr", endpoint="OS")
    whole = spline[spline["p_overall"].notna()].iloc[0]
    assert tests["p_overall"] == pytest.approx(whole["p_overall"], rel=1e-8)
    assert tests["p_nonlinear"] == pytest.approx(whole["p_nonlinear"], rel=1e-8)
    assert tests["turning_point"] == pytest.approx(spline["turning_point"].max())


def test_patients_go_into_numbers_and_back(layers, people, ctrt):
    found, frame = people
    back = layers["patients"].decoded(ctrt.study, frame, found.x)
    names = [name for name in layers["patients"].COLUMNS if name in frame and name != "arm"]
    for name in [*names, "agent"]:
        pd.testing.assert_series_equal(back[name], frame[name], check_dtype=False, check_names=False)


def test_nobody_contradicts_himself_and_a_search_keeps_it_so(layers, people, ctrt):
    """Two hundred moves of every kind: margins, means and rules stay; a few models are enough to judge by."""
    found, _ = people
    prognosis, moves, aims = layers["prognosis"], layers["moves"], layers["aims"]
    targets = layers["targets"].Targets()
    made = aims.Plan(ctrt.study, prognosis.POPULATIONS)
    aims.not_shown(made, "primary", "OS", ["t_stage"])
    models, windows = made.arrays()
    kept = found._replace(x=found.x.copy(), use=found.use.copy())
    before = np.nansum(kept.x, axis=0)
    offered = prognosis.moves_of(made, targets, ctrt.study, "free")
    assert sum(moves.misfits(kept, i) for i in range(len(kept.x))) == 0
    layers["search"].anneal(kept, models, windows, offered, np.full(200, 10.0), 0.1, 0.1, np.random.default_rng(1))
    assert (kept.x != found.x).any()
    assert np.nansum(kept.x, axis=0) == pytest.approx(before)
    for arm in (0, 1):
        inside = found.x[:, 0] == arm
        spread, expected = (pd.DataFrame(each[inside]).std().to_numpy() for each in (kept.x, found.x))
        assert spread == pytest.approx(expected, nan_ok=True)
        assert kept.use[1, inside].sum() == found.use[1, inside].sum()
    assert sum(moves.misfits(kept, i) for i in range(len(kept.x))) == 0


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"m_stage": 0}, False),
        ({"bone_metastasis": 1, "metastatic_number": 0}, False),
        ({"ajcc_stage": 0}, False),
        ({"pci": 1, "brain_metastasis": 1}, False),
        ({"maintenance": 0}, False),
        ({"maintenance_cycles": 7}, False),
        ({"chemotherapy_cycles": 16}, False),
    ],
)
def test_what_may_stand_in_one_row(layers, changes, allowed):
    """Lived ten months with six cycles, liver metastases, four cycles of maintenance."""
    made = layers["patients"]
    values = {"m_stage": 1, "liver_metastasis": 1, "metastatic_number": 1, "ajcc_stage": 1, "maintenance": 1}
    values |= {"immunotherapy_cycles": 6, "maintenance_cycles": 4, "chemotherapy_cycles": 4, **changes}
    x = np.zeros((1, len(made.COLUMNS)))
    for name, value in values.items():
        x[0, made.AT[name]] = value
    assert made.fits(x, 0, 10.0) == allowed


def test_a_printed_p_and_e_value_are_windows_of_the_ratio(layers, ctrt):
    """0.37 (0.15 to 0.91), P .03, E-value 4.85: the ratio is between .3695 and .3702 (worked out by hand)."""
    aims = layers["aims"]
    made = aims.Plan(ctrt.study, ("primary",))
    aims.printed_ratios(made, layers["targets"].Targets(), ("cox_multivariable",))
    _, windows = made.arrays()
    model = list(made.models).index(("primary", "OS", "cox_multivariable", "paper", ""))
    own = (windows.model == model) & (windows.place == 0) & (windows.kind == aims.BETA)
    low, high = np.exp(windows.low[own].max()), np.exp(windows.high[own].min())
    assert (round(low, 4), round(high, 4)) == (0.3695, 0.3702)


def test_layers_repeat_themselves(layers, monkeypatch):
    study, targets = read_study("data/ctrt"), layers["targets"].Targets()
    monkeypatch.setattr(layers["times"], "MOVES", 20)
    monkeypatch.setattr(layers["times"], "HEATS", [(1.0, 0.02, 1)])

    def made() -> pd.DataFrame:
        frame = layers["margins"].margins(study, targets, np.random.default_rng(1))
        frame = layers["times"].times(frame, targets, np.random.default_rng(2))
        frame = frame.assign(immunotherapy_cycles=4.0, chemotherapy_cycles=5.0, maintenance_cycles=np.nan)
        frame = layers["courses"].courses(frame, np.random.default_rng(5))
        frame = layers["toxicity"].toxicity(frame, study, targets, np.random.default_rng(3))
        return layers["screening"].screening(frame, study, targets, np.random.default_rng(4))

    pd.testing.assert_frame_equal(made(), made(), check_exact=True)


def test_the_layers_reach_what_the_printed_numbers_imply(layers):
    """Known values and stretches of deaths, derived from the printed numbers, against those worked out by search."""
    targets, measured, times = layers["targets"].Targets(), layers["measurements"], layers["times"]
    assert measured.sizes("ldh", targets, [80, 91]) == (54, 49)
    assert measured.sizes("immunotherapy_cycles", targets, [80, 91]) == (79, 90)
    assert measured.sizes("maintenance_cycles", targets, [39, 55]) == (37, 55)
    assert [n for n, _, _ in times.stretches(targets, "non_ctrt", 37, 43)] == [25, 12, 2, 1, 40]
    assert [n for n, _, _ in times.stretches(targets, "ctrt", 55, 32)] == [2, 17, 29, *[1] * 7, 32]


def test_the_search_of_times_measures_what_the_report_does(layers, ctrt):
    os = ctrt.outcome("OS")
    time, arm = (100 * os["time"]).round().astype(int).to_numpy(), (os["arm"] == "ctrt").astype(int).to_numpy()
    found = layers["curves"].compared(time, os["event"].to_numpy(), arm)
    effect = select(cox.univariable(ctrt), variable="arm", level="ctrt", endpoint="OS").iloc[0]
    assert found[9:12] == pytest.approx(effect[["hr", "hr_low", "hr_high"]].astype(float).tolist(), rel=1e-8)
    for group, numbers in (("overall", found[:3]), ("ctrt", found[3:6]), ("non_ctrt", found[6:9])):
        row = select(survival.medians(ctrt), endpoint="OS", group=group, model="log").iloc[0]
        expected = row[["median", "median_low", "median_high"]].astype(float).tolist()
        assert list(numbers) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_values_with_a_printed_mean_and_sd_are_found(layers):
    targets, measured = layers["targets"].Targets(), layers["measurements"]
    first, second = measured.samples("bmi", targets, (80, 91), np.random.default_rng(5))
    assert [f"{each.mean():.2f}±{each.std(ddof=1):.2f}" for each in (first, second)] == ["23.20±3.67", "23.35±3.18"]
    both = np.concatenate([first, second])
    assert f"{both.mean():.2f}±{both.std(ddof=1):.2f}" == "23.28±3.41"
    p = describe.continuous_test(first, second, "rank_sum")["p_test"]
    assert 0.775 <= p <= 0.785
