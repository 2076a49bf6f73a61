"""The paper's study: what is printed, what the synthetic cohort reproduces of it, and how the cohort is made."""

import sys

import numpy as np
import pandas as pd
import pytest

from helpers import cox, describe, figures, scorecard, survival, tables, wording
from helpers.describe.toxicity import NO_GRADE
from helpers.ledger import KEY, melt, pivot, select
from helpers.sensitivity import e_value
from helpers.study import read_study

IN_CELLS = {"Table 1": 383, "Table 2": 208, "Table 3": 30, "Table 4": 234}
ROUNDED_TWICE = {"Table 1, ≤1, P value", "Table 1, Non-PCI, P value"}
LAYERS = ("assumed", "targets", "margins", "measurements", "times", "courses", "toxicity", "screening")


@pytest.fixture(scope="module")
def printed(ctrt):
    return scorecard.published(ctrt.study)


@pytest.fixture(scope="module")
def scored(printed, ctrt_ledger):
    return scorecard.scorecard(printed, ctrt_ledger)


@pytest.fixture
def layers(monkeypatch):
    """The modules that make the cohort."""
    monkeypatch.syspath_prepend("data/ctrt/build")
    yield {name: __import__(name) for name in LAYERS}
    for name in LAYERS:
        sys.modules.pop(name)


def test_every_printed_number_is_there(printed):
    cells = printed[~printed["where"].str.contains(", header, ")]
    places = cells["where"].str.extract(r"^(Table \d)")[0]
    assert places.value_counts().to_dict() == IN_CELLS
    assert places.isna().sum() == 197
    assert len(printed) - len(cells) == 6
    assert not cells[places.notna()].duplicated(["where", "statistic"]).any()
    several = printed.groupby(KEY)["printed"].agg(set)
    assert several[several.map(len) > 1].empty


def test_tables_1_and_4_agree_but_for_what_cannot(scored):
    tables_1_4 = scored[scored["place"].isin(["Table 1", "Table 4"])]
    verdicts = tables_1_4["verdict"].value_counts().to_dict()
    assert verdicts == {"agrees": 605, "not estimable": 16, "differs": 2}
    assert set(tables_1_4.loc[tables_1_4["verdict"] == "differs", "where"]) == ROUNDED_TWICE
    impossible = tables_1_4[tables_1_4["verdict"] == "not estimable"]
    assert impossible["printed"].value_counts().to_dict() == {"0.0": 13, ">0.99": 3}
    assert set(impossible["variable"]) == {"rt_dose", "rt_technique", "rt_initial_cycle"}


def test_deaths_progressions_and_toxicity_by_dose_agree(scored):
    counted = scored[(scored["place"] == "Text") & (scored["analysis"] == "count")]
    assert set(counted.loc[counted["verdict"] == "differs", "printed"]) == {"37.4", "<5"}
    assert (counted["verdict"] != "not computed").all()
    assert len(select(counted, population="treated")) == 8
    assert len(select(counted, variable="progression")) == 4
    assert len(select(counted, endpoint="OS")) == 4


def test_survival_comes_near(scored):
    curves = scored[scored["analysis"].isin(["kaplan_meier", "log_rank"]) & (scored["population"] == "primary")]
    assert len(curves) == 22
    assert (curves["verdict"] == "agrees").all()
    alone = select(scored, analysis="cox_univariable", variable="arm", population="primary")
    numbers = alone[alone["statistic"] != "p_wald"]
    np.testing.assert_allclose(numbers["value"], numbers["printed"].astype(float), atol=0.0101)


def test_no_patient_contradicts_himself_where_the_printed_numbers_allow(ctrt):
    rows = ctrt.rows()
    assert len(ctrt.data) == 838
    metastatic = (rows[["liver_metastasis", "brain_metastasis", "bone_metastasis"]] == "yes").any(axis=1)
    assert (rows.loc[metastatic, "m_stage"] == "m1").all()
    assert (rows.loc[rows["brain_metastasis"] == "yes", "pci"] == "no").all()
    assert (rows["thoracic_relapse"].eq("yes") == rows["first_site"].eq("thorax")).all()
    os, pfs = (ctrt.with_outcome(endpoint) for endpoint in ("OS", "PFS"))
    seen = os["time"].fillna(np.inf)
    assert (pfs["time"] <= seen + 1e-9).all()
    assert pfs.loc[os["event"], "event"].all()
    assert (pfs["event"] == rows["progression"].eq("yes")).all()
    assert pfs["time"].min() >= 2.1
    assert os["time"].min() >= 3
    assert not (rows["pci_interval"] > seen).any()
    treated = ctrt.rows("treated")
    assert (treated["ctrt_start"] < pfs.loc[treated.index, "time"]).all()
    cycles = rows[["immunotherapy_cycles", "chemotherapy_cycles"]].max(axis=1)
    assert (cycles[rows["rt_initial_cycle"] == "5_or_more"] > 4).all()
    late = rows.loc[rows["rt_initial_cycle"] == "5_or_more", "ctrt_start"]
    assert late.min() > rows.loc[rows["rt_initial_cycle"] == "4_or_fewer", "ctrt_start"].max()
    assert ((cycles - 1) * 21 / 30.4375 <= seen).all()


def test_two_patients_died_soon_after_radiotherapy_began(ctrt):
    out = ctrt.rows().index.difference(ctrt.rows("post_ctrt").index)
    os, start = ctrt.with_outcome("OS").loc[out], ctrt.data.loc[out, "ctrt_start"]
    assert os["event"].tolist() == [True, True]
    assert (os["time"] - start).tolist() == pytest.approx([1.9, 1.9])
    assert (ctrt.data.loc[out, "rt_initial_cycle"] == "5_or_more").all()


def test_fractionation_follows_dose_and_technique(ctrt):
    rows = ctrt.rows("treated")
    assert rows["rt_fractionation"].value_counts().to_dict() == {
        "conventional": 46,
        "hypofractionated": 35,
        "individualised": 9,
        "stereotactic": 1,
    }
    assert (rows.loc[rows["rt_fractionation"] == "hypofractionated", "rt_dose"] == "low").all()
    assert (rows.loc[rows["rt_fractionation"] == "stereotactic", "rt_technique"] == "sbrt").all()
    assert ctrt.rows()["rt_fractionation"].isna().sum() == 80


@pytest.mark.slow
def test_a_population_of_one_arm_has_no_contrast_and_no_traceback(ctrt):
    study = ctrt.study
    test = select(survival.log_rank(ctrt, "treated"), group="").iloc[0]
    assert np.isnan(test["p_log_rank"])
    effect = select(cox.univariable(ctrt, "treated"), variable="arm", level="ctrt", endpoint="OS").iloc[0]
    assert effect["not_estimable"]["hr"] == "no patients in the reference level"
    frames = {name: getattr(survival, name)(ctrt, "treated") for name in ("at_risk", "log_rank")}
    events = describe.events(ctrt, "treated")
    drawn = figures.kaplan_meier(survival.curves(ctrt, "treated"), **frames, events=events, study=study)
    assert "Not shown: 4 patients without a usable time." in drawn[0].notes
    assert "Not shown" not in " ".join(drawn[1].notes)
    medians, follow_up = survival.medians(ctrt, "treated"), survival.follow_up(ctrt, "treated")
    table = tables.medians(medians, events=events, follow_up=follow_up, log_rank=frames["log_rank"], study=study)
    assert table.rows[2].cells == ("Non-cTRT", "0", "0", "n.e.", "n.e.", "")
    rows = melt([medians, follow_up, events, *frames.values()], "x")
    said = wording.survival(rows, study=study).sentences
    assert said[1] == "No patient of “Non-cTRT” is here to compare with."
    effects = wording.treatment(melt([cox.univariable(ctrt, "treated")], "x"), study=study).sentences
    assert effects == ("The effect of treatment cannot be estimated: one arm has no patients here.",)
    graded, differences = describe.adverse_events(ctrt, "treated"), describe.risk_differences(ctrt, "treated")
    assert set(differences["not_estimable"].map(lambda each: each["p_test"])) == {NO_GRADE}
    first, second, _ = tables.adverse_events(graded, differences=differences, study=study)
    cells = {row.cells[0]: row.cells for row in second.rows[:5]}
    assert cells["Grade III/IV"][1] == "1 (2.9)"
    assert cells["Grade III/IV"][3] == "2 (8.3)"
    assert first.rows[4].cells[2:] == ("0 (n.e.)", "32 (35.2)", "n.e.", "n.e.")


def test_the_paper_model_rests_on_the_maintained(ctrt, ctrt_ledger):
    rows = pivot(select(ctrt_ledger, analysis="cox_multivariable", population="primary"))
    frame = select(rows, model="paper", endpoint="OS", variable="").iloc[0]
    whole = select(rows, model="paper:without_maintenance_cycles", endpoint="OS", variable="").iloc[0]
    assert frame["n_not_applicable"] == 75
    assert frame["n"] + frame["n_missing"] + frame["n_not_applicable"] + frame["n_no_time"] == 171
    assert whole["n"] > 1.8 * frame["n"]
    table = next(
        table
        for table in tables.prognostic(rows.head(0), multivariable=select(rows, model="paper"), study=ctrt.study)
        if table.name == "prognostic_OS_paper"
    )
    lost, cost = 171 - 4 - int(frame["n"]), select(rows, model="paper", endpoint="OS")
    cycles = select(cost, variable="maintenance_cycles").iloc[0]
    assert table.lead == (
        f"This model leaves out {lost} of 167 patients ({100 * lost / 167:.0f}%); immunomaintenance cycles costs most "
        f"({int(cycles['n_not_applicable'])} cannot have it, {int(cycles['n_missing'])} have no value). It has "
        f"{frame['n_event'] / 7:.1f} events per parameter, fewer than 10: its estimates are unstable."
    )
    assert (cycles["n_not_applicable"], table.lead in table.body(), table.lead in table.csv()) == (75, True, True)
    said = wording.treatment(melt([cost], "x"), study=ctrt.study).sentences
    assert f"{lost} patients left out for want of a covariate" in said[0]


def test_layers_repeat_themselves(layers, monkeypatch):
    study, targets = read_study("data/ctrt"), layers["targets"].Targets()
    monkeypatch.setattr(layers["times"], "MOVES", 50)

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
    stretches = times._stretches(targets, "non_ctrt", 37, 43)
    assert [n for n, _, _ in stretches] == [25, 12, 3, 40]
    assert [n for n, _, _ in times._stretches(targets, "ctrt", 55, 32)] == [19, 29, 7, 0, 32]


@pytest.mark.slow
def test_the_annealing_measures_what_the_package_does(layers, ctrt):
    times, os = layers["times"], ctrt.outcome("OS")
    exposed = (os["arm"] == "ctrt").to_numpy()
    time, event = os["time"].to_numpy(), os["event"].to_numpy()
    ratio = times._hazard_ratio(time, event, exposed)
    effect = select(cox.univariable(ctrt), variable="arm", level="ctrt", endpoint="OS").iloc[0]
    assert [ratio[name] for name in ("hr", "hr_low", "hr_high")] == pytest.approx(
        effect[["hr", "hr_low", "hr_high"]].tolist(), rel=5e-3
    )
    median = times._median(time[exposed], event[exposed])
    row = select(survival.medians(ctrt), endpoint="OS", group="ctrt", model="log").iloc[0]
    assert list(median.values()) == pytest.approx(row[["median", "median_low", "median_high"]].tolist(), abs=1e-9)


def test_values_with_a_printed_mean_and_sd_are_found(layers):
    targets, measured = layers["targets"].Targets(), layers["measurements"]
    first, second = measured.samples("bmi", targets, (80, 91), np.random.default_rng(5))
    assert [f"{each.mean():.2f}±{each.std(ddof=1):.2f}" for each in (first, second)] == ["23.20±3.67", "23.35±3.18"]
    both = np.concatenate([first, second])
    assert f"{both.mean():.2f}±{both.std(ddof=1):.2f}" == "23.28±3.41"
    p = describe.continuous_test(first, second, "rank_sum")["p_test"]
    assert 0.775 <= p <= 0.785


def test_the_printed_e_values_follow_from_the_printed_hazard_ratios(ctrt):
    """The rare-outcome formula; a printed ratio stands for all that round to it, and so does a printed E-value."""
    printed = scorecard.published(ctrt.study)
    rows = printed[(printed["analysis"].isin(["cox_multivariable", "cox_time_dependent"])) & (printed["level"] == "ctrt")]
    key = ["population", "endpoint", "analysis", "model"]
    ratios = rows[rows["statistic"] == "hr"].drop_duplicates(key).set_index(key)["printed"]
    values = rows[rows["statistic"] == "e_value_rare"]
    assert len(values) == 8
    for row in values.to_dict("records"):
        ratio, value = float(ratios[tuple(row[name] for name in key)]), float(row["printed"])
        assert e_value(ratio + 0.005) - 0.005 <= value <= e_value(ratio - 0.005) + 0.005
