"""The paper's study: what is printed, and what the synthetic cohort reproduces of it."""

import numpy as np
import pandas as pd
import pytest

from helpers import cox, describe, figures, scorecard, survival, tables, wording
from helpers.describe.toxicity import NO_GRADE
from helpers.ledger import KEY, melt, pivot, select
from helpers.sensitivity import e_value

IN_CELLS = {"Table 1": 383, "Table 2": 208, "Table 3": 30, "Table 4": 234}
ROUNDED_TWICE = {"Table 1, ≤1, P value", "Table 1, Non-PCI, P value"}


@pytest.fixture(scope="module")
def printed(ctrt):
    return scorecard.published(ctrt.study)


@pytest.fixture(scope="module")
def scored(printed, ctrt_ledger):
    return scorecard.scorecard(printed, ctrt_ledger)


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


def test_the_cohort_gives_the_numbers_back_that_it_was_made_to(scored):
    """By place, and no ratio outside its printed interval; a number that moves is a change of cohort or of method."""
    agree = scored[scored["verdict"] == "agrees"]["place"].value_counts().to_dict()
    assert agree == {"Table 1": 368, "Table 2": 139, "Table 3": 21, "Table 4": 237, "Text": 177}
    ratios = scored[scored["analysis"].str.startswith("cox_") & scored["printed"].str.fullmatch(r"[\d.]+")]
    wide = ratios.drop_duplicates([*KEY]).pivot(
        index=["population", "endpoint", "analysis", "model", "variable", "level"],
        columns="statistic",
        values=["printed", "value"],
    )
    low, high = (wide["printed", name].astype(float) for name in ("hr_low", "hr_high"))
    assert len(wide) == 61
    assert wide["value", "hr"].between(low, high).all()


def test_the_three_interactions_that_are_named_and_no_others(ctrt_ledger):
    tests = select(ctrt_ledger, analysis="interaction", model="unadjusted", statistic="p_lrt", population="primary")
    below = tests[tests["value"] < 0.05]
    assert sorted(zip(below["endpoint"], below["variable"], strict=True)) == [
        ("OS", "chemotherapy_group"),
        ("PFS", "drinking"),
        ("PFS", "liver_metastasis"),
    ]
    ratios = select(ctrt_ledger, analysis="subgroup", model="unadjusted", statistic="hr", population="primary")
    for endpoint, variable in zip(below["endpoint"], below["variable"], strict=True):
        reference, other = select(ratios, endpoint=endpoint, variable=variable)["value"]
        assert reference < other, "treatment does more in the reference level, as the paper tells"


def test_factors_that_the_paper_leaves_out_are_not_significant(ctrt_ledger, printed):
    key = ["population", "endpoint", "variable"]
    shown = set(map(tuple, select(printed, analysis="cox_univariable")[key].to_numpy()))
    alone = select(ctrt_ledger, analysis="cox_univariable", statistic="p_wald", population=["primary", "matched"])
    others = alone[[tuple(row) not in shown for row in alone[key].to_numpy()]]
    assert len(others) == 86
    assert (others["value"] >= 0.05).all()


def test_deaths_progressions_and_toxicity_by_dose_agree(scored):
    counted = scored[(scored["place"] == "Text") & (scored["analysis"] == "count")]
    assert set(counted.loc[counted["verdict"] == "differs", "printed"]) == {"37.4", "<5"}
    assert (counted["verdict"] != "not computed").all()
    assert len(select(counted, population="treated")) == 8
    assert len(select(counted, variable="progression")) == 4
    assert len(select(counted, endpoint="OS")) == 4


def test_crude_survival_agrees_but_for_the_follow_up(scored):
    crude = scored[scored["analysis"].isin(["kaplan_meier", "log_rank", "follow_up"])]
    alone = scored[(scored["analysis"] == "cox_univariable") & scored["variable"].isin(["arm", "rt_dose"])]
    unmatched = pd.concat([crude, alone])[lambda rows: rows["population"].isin(["primary", "treated"])]
    differ = unmatched[unmatched["verdict"] != "agrees"]
    assert differ["analysis"].tolist() == ["follow_up"] * 3
    assert len(unmatched) > 40


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


def test_no_patient_is_implausible(ctrt):
    """What a check of any study looks for: treatment, sites and toxicity where they can be, no value out of all reach."""
    rows, os = ctrt.rows(), ctrt.with_outcome("OS")
    kept = rows["maintenance_cycles"]
    assert (rows.loc[kept.notna(), "maintenance"] == "yes").all()
    assert not (kept > rows["immunotherapy_cycles"]).any()
    sites = (rows[["liver_metastasis", "brain_metastasis", "bone_metastasis"]] == "yes").sum(axis=1)
    assert (rows.loc[sites >= 2, "metastatic_number"] == "2_or_more").all()
    assert (rows.loc[rows["metastatic_number"] == "2_or_more", "m_stage"] == "m1").all()
    staged = rows.dropna(subset=["ajcc_stage"])
    assert (staged["ajcc_stage"].eq("iv") == staged["m_stage"].eq("m1")).all()
    radiation = rows[["radiation_pneumonitis", "radiation_esophagitis"]]
    assert (radiation[rows["arm"] == "non_ctrt"] == 0).all(axis=None)
    started = rows["ctrt_start"].dropna()
    assert (started < os.loc[started.index, "time"].fillna(np.inf)).all()
    assert (rows.loc[rows["progression"] == "no", "thoracic_relapse"] != "yes").all()
    for name in ("age", "bmi", "immunotherapy_cycles", "chemotherapy_cycles", "maintenance_cycles", "glr", "nlr"):
        assert rows[name].max() < 8 * rows[name].median(), name
    assert rows["ldh"].nlargest(2).pipe(lambda top: top.iloc[0] / top.iloc[1]) < 1.5, "the printed SD needs large values"
    deaths = os.loc[os["event"] & os["time"].notna() & (rows["arm"] == "ctrt"), "time"]
    assert (deaths > 24).sum() == 7
    assert deaths[deaths > 24].sort_values().diff().max() < 8


def test_two_patients_died_soon_after_radiotherapy_began(ctrt):
    out = ctrt.rows().index.difference(ctrt.rows("post_ctrt").index)
    os, start = ctrt.with_outcome("OS").loc[out], ctrt.data.loc[out, "ctrt_start"]
    assert os["event"].tolist() == [True, True]
    assert (os["time"] - start).between(0, 2, inclusive="left").all()
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
    assert table.rows[2].cells == ("Non-cTRT", "0", "0", "n.e.", "n.e.")
    rows = melt([medians, follow_up, events, *frames.values()], "x")
    said = wording.survival(rows, study=study).sentences
    assert said[1] == "No patient of “Non-cTRT” is here to compare with."
    effects = wording.treatment(melt([cox.univariable(ctrt, "treated")], "x"), study=study).sentences
    assert effects == ("The effect of treatment cannot be estimated: one arm has no patients here.",)
    graded, differences = describe.adverse_events(ctrt, "treated"), describe.risk_differences(ctrt, "treated")
    why = differences.set_index("variable")["not_estimable"].map(lambda each: each["p_test"])
    barred = ["radiation_pneumonitis", "radiation_esophagitis", "any event"]
    assert set(why.drop(barred)) == {NO_GRADE}
    assert set(why[barred]) == {"one arm cannot have it"}
    trends = describe.toxicity_trends(ctrt)
    first, second, _ = tables.adverse_events(graded, differences=differences, trends=trends, study=study)
    cells = {row.cells[0]: row.cells for row in second.rows[:5]}
    assert cells["Grade III/IV"][1] == "1 (2.9)"
    assert cells["Grade III/IV"][3] == "2 (8.3)"
    assert first.rows[4].cells[2:] == ("0 (n.e.)", "32 (35.2)", "n.e.", "n.e.")


def test_the_paper_model_rests_on_the_maintained(ctrt, ctrt_ledger):
    rows = pivot(select(ctrt_ledger, analysis="cox_multivariable", population="primary"))
    frame = select(rows, model="paper", endpoint="OS", variable="").iloc[0]
    whole = select(rows, model="paper:without_maintenance_cycles", endpoint="OS", variable="").iloc[0]
    absent = int((ctrt.outcome("OS")["maintenance"] == "no").sum())
    assert frame["n_not_applicable"] == absent
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
        f"The primary analysis. This model leaves out {lost} of 167 patients ({100 * lost / 167:.0f}%); most for "
        f"immunomaintenance cycles ({int(cycles['n_not_applicable'])} cannot have it, {int(cycles['n_missing'])} have no value). "
        f"This model has {frame['n_event'] / 7:.1f} events per parameter, fewer than 10: its estimates are unstable."
    )
    assert (cycles["n_not_applicable"], table.lead in table.body(), table.lead in table.csv()) == (absent, True, True)
    said = wording.treatment(melt([cost], "x"), study=ctrt.study).sentences
    assert f"{lost} patients left out for want of a covariate" in said[0]


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
