"""What stands beside a model: less loss, imputed values, clustered errors, Firth's penalty."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint
from scipy import stats

from helpers import cox, tables, wording
from helpers.cox.companions import joint_test
from helpers.imputation import impute, nelson_aalen, pooled
from helpers.ledger import melt, select
from helpers.results import results

PAPER = ["arm", "immunotherapy_cycles", "maintenance_cycles", "t_stage", "m_stage", "ecog", "liver_metastasis"]


@pytest.fixture(scope="module")
def models(ctrt) -> list:
    return [each for each in cox.fitted_models(ctrt) if each.key["model"] == "paper"]


@pytest.fixture(scope="module")
def beside(ctrt, models) -> pd.DataFrame:
    return cox.companions(ctrt, models=models, univariable=cox.univariable(ctrt).head(0))


def whole(frame: pd.DataFrame, model: str, **key: str) -> pd.Series:
    return select(frame, model=model, variable="", **key).iloc[0]


def treatment(frame: pd.DataFrame, model: str, **key: str) -> pd.Series:
    return select(frame, model=model, variable="arm", level="ctrt", **key).iloc[0]


@pytest.mark.slow
def test_a_costly_model_is_shown_without_its_costliest_covariate_and_with_stated_values(ctrt, models, beside):
    os = {"endpoint": "OS", "population": "primary"}
    own = models[0]
    assert (own.costly, own.costliest) == (True, "maintenance_cycles")
    rows = ctrt.outcome("OS")
    without = rows.dropna(subset=[name for name in PAPER if name != "maintenance_cycles"])
    assert whole(beside, "paper:without_maintenance_cycles", **os)["n"] == len(without)
    maintained = rows["maintenance"] == "yes"
    stated = rows.assign(maintenance_cycles=rows["maintenance_cycles"].where(maintained, 0)).dropna(subset=PAPER)
    found = whole(beside, "paper:stated_values", **os)
    assert (found["n"], found["n_not_applicable"]) == (len(stated), 0)
    columns = {name: stated[name].astype(float) for name in PAPER if stated[name].dtype.kind == "f"}
    for name in ("arm", "t_stage", "m_stage", "ecog", "liver_metastasis"):
        columns[name] = (stated[name] != ctrt.study.reference(name)).astype(float)
    fit = cox.fit(pd.DataFrame(columns), stated["time"].to_numpy(), stated["event"].to_numpy())
    assert treatment(beside, "paper:stated_values", **os)["log_hr"] == pytest.approx(fit.log_hr["arm"], rel=1e-9)


@pytest.mark.slow
def test_imputed_effects_are_pooled_over_copies_that_know_the_outcome(ctrt, beside):
    """The whole way again by hand: everybody with a time, zero cycles where there are none, twenty copies, Rubin."""
    study, asked = ctrt.study, ctrt.study.imputation
    rows = ctrt.outcome("OS")
    rows = rows.assign(maintenance_cycles=rows["maintenance_cycles"].where(rows["maintenance"] == "yes", 0.0))
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy()
    fixed = pd.DataFrame({"event": event.astype(float), "hazard": nelson_aalen(time, event)}, index=rows.index)
    names = [*PAPER, *(name for name in asked.auxiliary if name not in PAPER)]
    without = rows["maintenance"] == "no"
    stated = pd.DataFrame({name: without & (name == "maintenance_cycles") for name in PAPER}, index=rows.index)
    given = {"draws": asked.draws, "iterations": asked.iterations, "seed": study.seed}
    copies = impute(rows[names], **given, fixed=fixed, stated=stated)
    assert all(copy.notna().all(axis=None) for copy in copies)
    assert all(copy.loc[~without, "maintenance_cycles"].min() > 0 for copy in copies)
    assert all((copy.loc[without, "maintenance_cycles"] == 0).all() for copy in copies)
    estimates, covariances = [], []
    for copy in copies:
        columns = {
            name: copy[name].astype(float)
            if not study.level_labels(name)
            else (copy[name] != study.reference(name)) * 1.0
            for name in PAPER
        }
        fit = cox.fit(pd.DataFrame(columns), time, event)
        estimates.append(fit.log_hr.to_numpy())
        covariances.append(fit.covariance.to_numpy())
    together = pooled(np.array(estimates), np.array(covariances), event.sum() - len(PAPER))
    row = treatment(beside, "paper:imputed", endpoint="OS", population="primary")
    se = np.sqrt(together.covariance[0, 0])
    assert row["log_hr"] == pytest.approx(together.estimate[0], rel=1e-9)
    assert row["log_hr_se"] == pytest.approx(se, rel=1e-9)
    assert row["fraction_missing"] == pytest.approx(together.fraction_missing[0], rel=1e-9)
    assert row["p_wald"] == pytest.approx(2 * stats.t.sf(abs(together.estimate[0]) / se, together.df[0]), rel=1e-9)
    limit = np.exp(together.estimate[0] - stats.t.ppf(0.975, together.df[0]) * se)
    assert row["hr_low"] == pytest.approx(limit, rel=1e-9)
    size = whole(beside, "paper:imputed", endpoint="OS", population="primary")
    assert (size["n"], size["n_event"], size["n_missing"], size["n_no_time"]) == (167, 92, 0, 4)


@pytest.mark.slow
def test_nothing_is_imputed_where_nothing_needed_is_missing(ctrt, models, beside):
    """The PFS model after matching rests on covariates that everybody matched has."""
    named = set(select(beside, endpoint="PFS", population="matched")["model"])
    assert named == {"paper:clustered"}
    none = replace(ctrt, study=ctrt.study.model_copy(update={"imputation": None}))
    found = cox.companions(none, models=models[:1], univariable=cox.univariable(ctrt).head(0))
    assert set(found["model"]) == {"paper:without_maintenance_cycles", "paper:stated_values"}


def test_the_joint_test_of_imputed_levels_by_hand():
    """Two coefficients, three copies: r = 4/3 * tr(W^-1 B) / 2 = 4/3 * (0.5 + 0.25) / 2 = 0.5, t = 4, so the other df.

    F = (4/2 + 1/4) / (2 * 1.5) = 0.75 with W = diag(2, 4) and estimates 2 and 1; df = 4 * 1.5 * 9 / 2 = 27.
    """
    within, between = np.diag([2.0, 4.0]), np.diag([1.0, 1.0])
    p = joint_test(np.array([2.0, 1.0]), within, between, 3)
    assert p == pytest.approx(stats.f.sf(0.75, 2, 27), rel=1e-12)
    nothing = joint_test(np.array([2.0, 1.0]), within, np.zeros((2, 2)), 3)
    assert nothing == pytest.approx(stats.chi2.sf(2.25, 2), rel=1e-12)
    many = joint_test(np.array([2.0, 1.0]), within, between, 10)
    r = 1.1 * 0.75 / 2
    df = 4 + 14 * (1 + (1 - 2 / 18) / r) ** 2
    assert many == pytest.approx(stats.f.sf(2.25 / (2 * (1 + r)), 2, df), rel=1e-12)


def separated(tmp_path):
    """Forty patients; nobody of level `c` dies, so that its hazard ratio has no finite maximum."""
    rng = np.random.default_rng(2)
    g = np.repeat(["a", "b", "c", "a"], 10)
    frame = pd.DataFrame({"arm": np.tile([0, 1], 20), "g": g, "x": rng.normal(size=40).round(3)})
    frame["time"] = rng.exponential(10, 40).round(2) + 0.1
    frame["event"] = ((rng.random(40) < 0.8) & (g != "c")).astype(int)
    return cohort_of(
        tmp_path,
        frame,
        arms=arms("arm", 0, 1),
        variables={"g": categorical("a", "b", "c"), "x": continuous()},
        endpoints={"OS": endpoint()},
        univariable=[{"endpoints": ["OS"], "variables": ["arm", "g", "x"]}],
        models={"adjusted": {"label": "Adjusted", "endpoints": ["OS"], "covariates": ["arm", "g", "x"]}},
    )


def test_separation_gets_firths_row(tmp_path):
    cohort = separated(tmp_path)
    models, univariable = cox.fitted_models(cohort), cox.univariable(cohort)
    assert select(univariable, level="c").iloc[0]["not_estimable"]["hr"] == "no events in this level"
    found = cox.companions(cohort, models=models, univariable=univariable)
    assert set(found["model"]) == {"unadjusted:firth", "adjusted:firth"}
    rows = cohort.outcome("OS")
    x = pd.DataFrame({"arm": (rows["arm"] == "1") * 1.0, "b": (rows["g"] == "b") * 1.0, "c": (rows["g"] == "c") * 1.0})
    direct = cox.firth(x.assign(x=rows["x"]), rows["time"].to_numpy(), rows["event"].to_numpy())
    row = select(found, model="adjusted:firth", level="c").iloc[0]
    assert row["log_hr"] == pytest.approx(direct.log_hr["c"], abs=1e-8)
    assert row["hr_high"] == pytest.approx(np.exp(direct.limits.loc["c", "high"]), rel=1e-6)
    assert row["p_lrt"] == pytest.approx(direct.p["c"], rel=1e-6)
    assert np.isfinite(row[["hr", "hr_low", "hr_high"]].astype(float)).all()
    assert melt([found], "04")["value"].notna().any()
    (table,) = tables.penalised(found, study=cohort.study)
    assert ("Survival: adjusted, Firth's penalised likelihood", "A factor: level c against level a") in {
        row.cells[:2] for row in table.rows
    }
    multivariable = cox.multivariable(cohort, models=models)
    (listed,) = tables.models(multivariable, companions=found, study=cohort.study)
    assert [row.cells[0] for row in listed.rows] == ["Survival: adjusted"]


def test_an_estimable_model_has_no_companion(gbsg2):
    models = cox.fitted_models(gbsg2)
    assert not any(model.costly for model in models)
    found = cox.companions(gbsg2, models=models, univariable=cox.univariable(gbsg2))
    assert set(found["model"]) == {"unadjusted:clustered"}
    assert tables.penalised(found, study=gbsg2.study) == []


def test_companions_are_listed_under_their_model_and_said_beside_it(ctrt, models, beside):
    study = ctrt.study
    multivariable = cox.multivariable(ctrt, models=models)
    (table,) = tables.models(multivariable, companions=beside, study=study)
    first = [row.cells[0] for row in table.rows[:4]]
    assert first == [
        "Overall survival: covariates of the published model",
        "without Immunomaintenance cycles",
        "with stated values where a variable cannot exist",
        "missing values imputed",
    ]
    assert [row.indent for row in table.rows[:4]] == [False, True, True, True]
    assert table.rows[3].cells[1:4] == ("167", "92", "4")
    assert "Stated values where a variable cannot exist: Immunomaintenance cycles 0." in table.notes
    said = wording.treatment(melt([multivariable, beside], "04"), study=study).sentences
    imputed = treatment(beside, "paper:imputed", endpoint="OS", population="primary")
    assert f"missing values imputed {imputed['hr']:.2f} (" in said[1]
    assert said[1].startswith("Beside it, by another method or in other patients: without Immunomaintenance cycles")
    assert "in 167 patients" in said[1]
    factors = wording.factors(melt([multivariable, beside], "04"), study=study).sentences
    assert len(factors) == 4


def test_a_stratum_that_costs_most_is_left_out_and_treatment_never(tmp_path):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"arm": rng.integers(0, 2, 100), "x": rng.normal(size=100).round(3)})
    frame["centre"] = pd.Series(rng.choice(["a", "b"], 100)).where(np.arange(100) >= 20)
    frame["time"], frame["event"] = rng.exponential(9, 100).round(2) + 0.1, 1
    cohort = cohort_of(
        tmp_path,
        frame,
        arms=arms("arm", 0, 1),
        variables={"x": continuous(), "centre": categorical("a", "b")},
        endpoints={"OS": endpoint()},
        models={"m": {"label": "M", "endpoints": ["OS"], "covariates": ["arm", "x"], "strata": ["centre"]}},
    )
    (model,) = cox.fitted_models(cohort)
    assert (model.costly, model.costliest) == (True, "centre")
    beside = cox.companions(cohort, models=[model], univariable=cox.univariable(cohort))
    assert set(beside["model"]) == {"m:without_centre"}
    known = cohort.outcome("OS")
    x = pd.DataFrame({"arm": (known["arm"] == "1") * 1.0, "x": known["x"]})
    fit = cox.fit(x, known["time"].to_numpy(), known["event"].to_numpy())
    row = select(beside, variable="arm", level="1").iloc[0]
    assert row["log_hr"] == pytest.approx(fit.log_hr["arm"], rel=1e-9)
    (table,) = tables.prognostic(cox.univariable(cohort), multivariable=cox.multivariable(cohort), study=cohort.study)
    assert table.lead == (
        "This model leaves out 20 of 100 patients (20%); most of them for want of a stratum (A factor)."
    )


def test_without_models_treatment_alone_is_tested(tmp_path):
    frame = pd.DataFrame({"arm": [0, 1] * 10, "time": range(1, 21), "event": 1, "x": range(20)})
    cohort = cohort_of(
        tmp_path,
        frame,
        arms=arms("arm", 0, 1),
        variables={"x": continuous()},
        endpoints={"OS": endpoint()},
        univariable=[{"endpoints": ["OS"], "variables": ["arm", "x"]}],
    )
    rows = results(cohort.study, cohort)
    assert wording.proportionality(rows, study=cohort.study).sentences == (
        "Tested in 1 hazard ratio, no effect of treatment is shown to change with time.",
    )
    assert wording.key_findings(rows, study=cohort.study).sentences


def test_restricted_means_stand_beside_every_model(ctrt, models):
    means = cox.mean_differences(ctrt, models=models)
    found = select(means, endpoint="PFS", population="matched")
    assert found["model"].tolist()[0] == "unadjusted"
    row = found.iloc[1]
    known = models[3].known
    areas, end = [], 365 / 30.4375
    for arm in ("ctrt", "non_ctrt"):
        rows = known[known["arm"] == arm].sort_values("time")
        s, last, area = 1.0, 0.0, 0.0
        for t, group in rows.groupby("time"):
            if t > end:
                break
            area += s * (t - last)
            s, last = s * (1 - group["event"].sum() / (rows["time"] >= t).sum()), t
        areas.append(area + s * (end - last))
    assert row["at"] == "12"
    assert row["rmst_difference"] == pytest.approx(areas[0] - areas[1], rel=1e-12)
    assert row["rmst_difference_low"] < row["rmst_difference"] < row["rmst_difference_high"]
