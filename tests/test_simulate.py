"""Cohorts drawn with a known effect: the generator's truth, what the estimators make of it, what is kept of it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers import simulate, tables, wording
from helpers.__main__ import main
from helpers.cohort import read_cohort
from helpers.errors import OutputError, ParameterError
from helpers.ledger import STATISTICS_OF, melt, pivot, select
from helpers.names.simulated import exclusions
from helpers.sensitivity import clone_censor_weight, fixed, landmarks, time_dependent
from helpers.sensitivity.exposure import exposed
from helpers.simulate.design import breslow
from helpers.study import read_study
from helpers.survival import product_limit


@pytest.fixture(scope="module")
def invented(stent):
    """The design of the invented study: progression-free survival, nobody excluded."""
    return simulate.design(stent)


@pytest.fixture(scope="module")
def paper(ctrt):
    """The design of the paper's study: overall survival, deaths soon after the start of treatment excluded."""
    return simulate.design(ctrt)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_breslow_by_hand():
    times, hazard = breslow(
        np.array([3.0, 1, 1, 2, 5]), np.array([True, True, False, True, False]), np.log([1, 2, 1, 1, 1.0])
    )
    assert times.tolist() == [1, 2, 3]
    assert hazard == pytest.approx([1 / 6, 1 / 6 + 1 / 3, 1 / 6 + 1 / 3 + 1 / 2])


def test_breslow_counts_nobody_before_entry():
    entry = np.array([-np.inf, -np.inf, 2, 1])
    times, hazard = breslow(
        np.array([2.0, 3, 5, 4]), np.array([True, True, False, True]), np.log([1, 1, 2, 3.0]), entry
    )
    assert times.tolist() == [2, 3, 4]
    assert np.diff(hazard, prepend=0) == pytest.approx([1 / 5, 1 / 6, 1 / 5])


def test_the_hazard_changes_when_treatment_begins(invented):
    one = {name: getattr(invented, name)[:1] for name in ("patients", "event_risk", "start_risk")}
    never = (np.array([0.0, 30, 30]), np.array([0.0, 0, 1]))
    made = replace(
        invented,
        **{**one, "event_risk": np.zeros(1), "start_risk": np.zeros(1)},
        hazard=(np.array([0.0, 10, 20]), np.array([0.0, 1, 3])),
        starting=(np.array([4.0, 4]), np.array([0.0, 1000])),
        censoring=never,
    )
    drawn = simulate.draw(made, 200_000, 0.5, rng()).outcomes["PFS"]
    for month, hazard in ((2, 0.2), (4, 0.4), (8, 0.6), (10, 0.7), (15, 1.2), (20, 1.7), (29, 1.7)):
        assert (drawn["time"] > month).mean() == pytest.approx(np.exp(-hazard), abs=0.004)
    assert (drawn.loc[~drawn["event"], "time"] == 30).all()


@pytest.mark.parametrize("name", ["invented", "paper"])
@pytest.mark.parametrize("hazard_ratio", [1, 0.6])
@pytest.mark.slow
def test_the_hazard_ratio_put_in_comes_out(request, name, hazard_ratio):
    made = request.getfixturevalue(name)
    flat = np.zeros(len(made.patients))
    large = simulate.draw(replace(made, event_risk=flat + made.event_risk.mean()), 50_000, hazard_ratio, rng())
    log_hr, se = simulate.estimate(large, ["time_dependent_adjusted"])["time_dependent_adjusted"]
    assert se < 0.02
    assert abs(log_hr - np.log(hazard_ratio)) < 3 * se


def free_of_events(time: pd.Series, event: pd.Series, months: list[float]) -> list[float]:
    curve = product_limit(time.to_numpy(), event.to_numpy())
    left = np.append(1, curve["survival"])
    return [100 * left[(curve["time"] <= month).sum()] for month in months]


@pytest.mark.parametrize(("name", "endpoint"), [("stent", "PFS"), ("ctrt", "OS"), ("ctrt", "PFS")])
def test_drawn_cohorts_are_like_the_cohort(request, name, endpoint):
    cohort = request.getfixturevalue(name)
    made = simulate.design(cohort, endpoint)
    asked = cohort.study.exposure
    known, start, _ = exposed(cohort, made.endpoint, asked.population, asked.covariates)
    drawn = simulate.draw(made, 50_000, np.exp(made.log_hr), rng())
    outcome = drawn.outcomes[made.endpoint]
    begun = drawn.start(drawn.data)
    assert begun.notna().mean() == pytest.approx(start.notna().mean(), abs=0.03)
    assert begun.median() == pytest.approx(start.median(), rel=0.15)
    assert outcome["event"].mean() == pytest.approx(known["event"].mean(), abs=0.03)
    assert outcome["time"].median() == pytest.approx(known["time"].median(), rel=0.15)
    assert outcome["time"].max() <= known["time"].max()
    free = [free_of_events(each["time"], each["event"], [6, 12, 24]) for each in (known, outcome)]
    assert free[1] == pytest.approx(free[0], abs=3)
    first, last = made.hazard[0][[0, -1]]
    assert outcome.loc[outcome["event"], "time"].between(first, last).all()
    assert ((drawn.data[drawn.study.arms.column] == drawn.study.arms.treated) == begun.notna()).all()
    assert not (begun >= outcome["time"]).any()
    for each in asked.covariates:
        share = drawn.data[each].value_counts(normalize=True)
        assert (share - known[each].value_counts(normalize=True)).abs().max() < 0.02


def test_exclusions_are_taken_on_drawn_patients(paper, ctrt):
    drawn = simulate.draw(paper, 20_000, 1, rng())
    (name,) = ctrt.study.exposure.exclusions
    (step,) = ctrt.study.populations[name].steps
    early = drawn.data.index.difference(drawn.members[name])
    since = drawn.outcomes["OS"]["time"] - drawn.start(drawn.data)
    assert len(early) > 50
    assert (since[early] < step.exclude_event.before_months).all()
    left = drawn.outcomes["OS"].loc[drawn.members[name]]
    assert not (left["event"] & (since[left.index] < step.exclude_event.before_months)).any()
    assert drawn.flow.set_index("group").loc["overall", "n_excluded"] == len(early)


def test_a_step_after_the_start_makes_drawn_patients_ineligible(paper, ctrt):
    early = [ctrt.study.populations["post_ctrt"].steps[0].exclude_event]
    drawn = simulate.draw(replace(paper, early=early), 3_000, 1, rng())
    assert len(drawn.data) == len(drawn.members["post_ctrt"]) == 3_000


def test_an_exclusion_by_another_endpoint_is_not_drawn(stent, invented):
    assert stent.study.exposure.exclusions == ["alive_at_12"]
    assert exclusions(stent.study, "PFS") == {}
    assert list(exclusions(stent.study, "OS")) == ["alive_at_12"]
    assert not [name for name in simulate.estimators(invented.drawn) if name.startswith("excluded")]


@pytest.mark.parametrize("name", ["invented", "paper"])
@pytest.mark.slow
def test_estimates_are_those_of_the_report(request, name):
    made = request.getfixturevalue(name)
    drawn = simulate.draw(made, 150, 0.6, rng(3))
    arms, found = drawn.study.arms, simulate.estimate(drawn)
    frames = [fixed(drawn), landmarks(drawn), time_dependent(drawn), clone_censor_weight(drawn, draws=0)]
    rows = pd.concat([each[(each["variable"] == arms.column) & each["log_hr"].notna()] for each in frames])
    asked = drawn.study.exposure
    uni, multi = {"analysis": "cox_univariable"}, {"analysis": "cox_multivariable"}
    named = {
        "clone_censor_weight": {"analysis": "clone_censor_weight", "model": "weighted"},
        "clone_censor_unweighted": {"analysis": "clone_censor_weight", "model": "unweighted"},
        **{
            f"{way}_{how}": {**analysis, "population": where}
            for way, where in {"naive": "primary", **{f"excluded_{each}": each for each in asked.exclusions}}.items()
            for how, analysis in {"unadjusted": uni, "adjusted": multi}.items()
        },
        **{
            f"{way}_{how}": {**analysis, "model": how}
            for how in ("unadjusted", "adjusted")
            for way, analysis in {
                "time_dependent": {"analysis": "cox_time_dependent", "population": "primary"},
                **{f"landmark_{at:g}": {"analysis": "landmark", "at": f"{at:g}"} for at in asked.landmarks},
            }.items()
        },
    }
    assert set(named) == set(found)
    for estimator, key in named.items():
        (own,) = select(rows, **key)[["log_hr", "log_hr_se"]].to_numpy()
        assert found[estimator] == pytest.approx(tuple(own), rel=1e-8), estimator


@pytest.mark.slow
def test_immortal_time_rejects_too_often_and_proper_time_does_not(stent):
    found = simulate.simulate(stent, draws=40, rows=300, hazard_ratios=[1], seed=2).set_index("model")
    nominal = 100 * (1 - stent.study.confidence)
    assert found.loc["naive_adjusted", "percent_rejected_low"] > 2 * nominal
    assert found.loc["naive_adjusted", "bias"] < -0.15
    proper = found.loc["time_dependent_adjusted"]
    assert proper["percent_rejected_low"] < nominal < proper["percent_rejected_high"]
    assert abs(proper["bias"]) < 3 * proper["bias_se"]
    assert proper["percent_covered"] == pytest.approx(100 - proper["percent_rejected"])
    assert proper["log_hr_sd"] == pytest.approx(proper["log_hr_se"], rel=0.35)


@pytest.mark.slow
def test_cohorts_do_not_depend_on_workers_and_follow_the_seed(stent):
    asked = {"draws": 3, "rows": 60, "hazard_ratios": [1, 0.5]}
    done = []
    alone = simulate.simulate(stent, **asked, progress=lambda *each: done.append(each))
    assert done == [(number, 6) for number in range(1, 7)]
    pd.testing.assert_frame_equal(simulate.simulate(stent, **asked, workers=2), alone)
    one = simulate.simulate(stent, **{**asked, "hazard_ratios": [0.5]})
    pd.testing.assert_frame_equal(one, alone[alone["at"] == "0.5"].reset_index(drop=True))
    assert not simulate.simulate(stent, **asked, seed=8)["log_hr"].equals(alone["log_hr"])


def test_rows_of_the_ledger(stent, gbsg2):
    found = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[1, 0.6])
    rows = melt([found], "06_sensitivity")
    pd.testing.assert_frame_equal(pivot(rows), found, check_like=True)
    assert list(found["at"].unique()) == ["1", "0.6"]
    assert set(found["endpoint"]) == {"PFS"}
    other = found[found["at"] == "0.6"]
    assert other["bias"].isna().all()
    assert all("command simulate" in each["bias"] for each in other["not_estimable"])
    none = simulate.simulate(gbsg2, draws=2)
    assert none.empty
    assert list(none.columns) == list(found.columns)
    assert set(STATISTICS_OF["simulation"]) <= set(found.columns)


def test_a_cohort_without_an_estimate_is_counted(stent):
    found = simulate.simulate(stent, draws=3, rows=20, hazard_ratios=[100], seed=1).set_index("model")
    lost = found[found["n_failed"] == 3]
    for _, row in found.iterrows():
        assert row["n_draw"] == 3
    for _, row in lost.iterrows():
        assert np.isnan(row["log_hr"])
        assert row["not_estimable"]["percent_rejected"] == "no cohort drawn has an estimate"


@pytest.mark.slow
def test_estimands_come_from_one_large_cohort(stent):
    found = simulate.estimands(stent, hazard_ratios=[1, 0.6], rows=4_000)
    assert list(found["at"].unique()) == ["1", "0.6"]
    assert set(found["endpoint"]) == {"PFS"}
    null, own = (found[found["at"] == at].set_index("model") for at in ("1", "0.6"))
    assert null.loc["naive_adjusted", "log_hr_limit"] < -3 * null.loc["naive_adjusted", "log_hr_limit_se"]
    assert (
        abs(null.loc["time_dependent_adjusted", "log_hr_limit"])
        < 3 * null.loc["time_dependent_adjusted", "log_hr_limit_se"]
    )
    assert own.loc["time_dependent_adjusted", "source"] == "one cohort of 4000 patients"
    assert own.loc["clone_censor_weight", "source"] == "the mean of 4 cohorts of 1000 patients"
    value, se = own.loc["time_dependent_adjusted", ["log_hr_limit", "log_hr_limit_se"]]
    assert abs(value - np.log(0.6)) < 3 * se
    assert own.loc["naive_adjusted", "log_hr_limit"] < value - 0.1
    rows = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[0.6], estimands=found).set_index("model")
    assert rows.loc["time_dependent_adjusted", "log_hr_estimand"] == value
    assert rows.loc["time_dependent_adjusted", "bias"] == pytest.approx(
        rows.loc["time_dependent_adjusted", "log_hr"] - value
    )
    assert rows.loc["time_dependent_adjusted", "method"].endswith("; limit from one cohort of 4000 patients")
    nothing = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[1], estimands=found).set_index("model")
    naive = nothing.loc["naive_adjusted"]
    assert naive["log_hr_limit"] == null.loc["naive_adjusted", "log_hr_limit"]
    assert (naive["log_hr_estimand"], naive["bias"]) == (0, naive["log_hr"])


def test_a_stored_simulation_serves_until_the_study_changes(study_copy):
    cohort = read_cohort(read_study(study_copy()))
    assert simulate.stored(cohort).empty
    assert simulate.stored(cohort).attrs["reason"].startswith("no cohorts have been drawn; `python -m helpers simulate ")
    made = simulate.simulate(cohort, draws=2, rows=None, hazard_ratios=[1])
    simulate.save(made, cohort.study.simulation_path)
    frame = simulate.stored(cohort)
    assert frame.attrs["reason"] == ""
    assert set(frame["model"]) == {f"{each}:stored" for each in made["model"]}
    assert frame["log_hr"].tolist() == made["log_hr"].tolist()
    melt([made, frame], "06_sensitivity")
    other = read_cohort(read_study(study_copy({"grace = 2": "grace = 3"})))
    assert simulate.stored(other).empty
    assert re.search(r"simulation.csv was made from other patients .* simulate", simulate.stored(other).attrs["reason"])
    cohort.study.simulation_path.write_text("not,a,ledger\n1,2,3\n")
    assert "can be read" in simulate.stored(cohort).attrs["reason"]


def test_the_checksum_follows_patients_and_entries(invented):
    assert simulate.digest(invented) == simulate.digest(replace(invented))
    moved = replace(invented, hazard=(invented.hazard[0], invented.hazard[1] * 1.001))
    assert len({simulate.digest(each) for each in (invented, moved, replace(invented, rows=57))}) == 3
    study = invented.study
    words = study.model_copy(update={"arms": study.arms.model_copy(update={"label": "Other words"})})
    assert simulate.digest(replace(invented, study=words)) == simulate.digest(invented), "a label is no decision"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"draws": 0}, "draws = 0: give a whole number from 1 to 100000"),
        ({"draws": True}, "draws = True"),
        ({"rows": 5}, "rows = 5: give a whole number from 20"),
        ({"seed": -1}, "seed = -1"),
        ({"workers": 0}, "workers = 0"),
        ({"hazard_ratios": []}, "give one or more"),
        ({"hazard_ratios": [0]}, "0 is none"),
        ({"hazard_ratios": ["1"]}, "'1' is none"),
    ],
)
def test_mistakes_end_in_a_sentence(stent, given, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        simulate.simulate(stent, **{"draws": 2, **given})


def test_a_study_without_a_simulation_has_no_design(gbsg2):
    with pytest.raises(ParameterError, match=r"has no \[simulation\]"):
        simulate.design(gbsg2)


@pytest.mark.slow
def test_the_command(study_copy, capsys, tmp_path):
    folder = str(study_copy())
    asked = ["--draws", "2", "--rows", "40", "--workers", "1", "--estimand-rows", "1000"]
    ratios = ["--hazard-ratio", "1", "--hazard-ratio", "0.6"]
    assert main(["simulate", folder, *asked, *ratios, "--output", str(tmp_path / "out.csv")]) == 0
    said = capsys.readouterr()
    assert "true hazard ratio 0.6: 2 cohorts of 40 patients" in said.out
    assert "Cohorts: 4 of 4" in said.err
    assert (tmp_path / "out.csv").is_file()
    assert main(["simulate", folder, "--draws", "0"]) == 1
    assert capsys.readouterr().err == "Error: draws = 0: give a whole number from 1 to 100000\n"
    assert main(["simulate", folder, "--output", str(tmp_path / "nowhere" / "out.csv")]) == 1
    assert "is no place for a file" in capsys.readouterr().err
    assert main(["simulate", "data/gbsg2"]) == 1
    assert "has no [simulation]" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["simulate", folder, "--drawn", "3"])
    with pytest.raises(OutputError):
        simulate.check_output(tmp_path)


def test_table_and_sentences(stent):
    few = simulate.simulate(stent, draws=4, rows=40, hazard_ratios=[1, 0.6])
    many = few[few["at"] == "1"].assign(
        model=[f"{each}:stored" for each in few["model"][few["at"] == "1"]], n_draw=2000
    )
    (table,), (drawn,) = (tables.simulation(each, study=stent.study) for each in (many, few))
    headings = [row.cells[0] for row in table.rows if row.heading]
    assert headings == ["Progression-free survival, true hazard ratio 1: 2000 cohorts of 40 patients"]
    assert [row.cells[0] for row in drawn.rows if row.heading] == [
        f"Progression-free survival, true hazard ratio {at}: 4 cohorts of 40 patients" for at in ("1", "0.6")
    ]
    assert all(len(row.cells) == len(table.header) for row in table.rows)
    assert sum(n for _, n in table.spanners) == len(table.header)
    notes = " ".join(table.notes)
    assert "90% Monte Carlo limits" in notes
    assert "Of 2000 cohorts, a share of 10% has a Monte Carlo standard error of 0.7 percentage points." in notes
    assert "stored beside them" in notes
    assert "stored beside them" not in " ".join(drawn.notes)
    assert "n.e." in drawn.rows[-1].cells
    assert table.header[1:3] == ("Mean HR", "Limit (HR)")
    assert "compare its limit with the true hazard ratio" in notes
    assert tables.simulation(few.iloc[:0], study=stent.study) == []


def test_the_order_of_the_patients_does_not_matter(ctrt):
    data = ctrt.data.sample(frac=1, random_state=3)
    moved = replace(
        ctrt,
        data=data,
        outcomes={name: each.loc[data.index[data.index.isin(each.index)]] for name, each in ctrt.outcomes.items()},
        members={name: data.index[data.index.isin(each)] for name, each in ctrt.members.items()},
    )
    for endpoint in ctrt.study.simulation.endpoints:
        first, other = (simulate.design(each, endpoint) for each in (ctrt, moved))
        assert simulate.digest(first) == simulate.digest(other)
        pd.testing.assert_frame_equal(first.patients, other.patients)
        drawn = [simulate.draw(each, 200, 0.6, rng()).outcomes[endpoint] for each in (first, other)]
        pd.testing.assert_frame_equal(*drawn)


def test_every_endpoint_has_its_rows(ctrt):
    asked = {"draws": 2, "rows": 80, "hazard_ratios": [1]}
    found = simulate.simulate(ctrt, **asked)
    assert list(found["endpoint"].unique()) == ["OS", "PFS"]
    assert set(found.groupby("endpoint")["method"].nunique()) == {1}
    assert found["method"].nunique() == 2
    own = {name: set(each["model"]) for name, each in found.groupby("endpoint")}
    assert own["OS"] - own["PFS"] == {"excluded_post_ctrt_unadjusted", "excluded_post_ctrt_adjusted"}
    said = wording.simulation(melt([found], "06_sensitivity"), study=ctrt.study).sentences
    for label in ("Overall survival", "Progression-free survival"):
        assert [each for each in said if each.startswith(f"{label}, no effect of treatment, ")]


def test_sentences_tell_what_ways_tend_to_and_who_rejects(stent):
    few = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[1])
    known = {
        "naive_unadjusted": (-0.3, 40.0, 35.0, 45.0, 0.2, 0),
        "naive_adjusted": (-0.2, 30.0, 25.0, 35.0, 0.22, 0),
        "time_dependent_adjusted": (0.002, 10.5, 9.0, 12.0, 0.2, 0),
        "clone_censor_weight": (0.001, 5.0, 4.0, 6.0, 0.2, 7),
    }
    names = [
        "log_hr_limit",
        "percent_rejected",
        "percent_rejected_low",
        "percent_rejected_high",
        "log_hr_sd",
        "n_failed",
    ]
    own = few.set_index("model").loc[list(known)].reset_index()[few.columns]
    own[names] = list(known.values())
    own = own.assign(n_draw=2000, log_hr_limit_se=0.002, log_hr_se=0.2, log_hr=-0.25)
    said = wording.simulation(melt([own], "06_sensitivity"), study=stent.study).sentences
    assert said == (
        "Progression-free survival, no effect of treatment, 1993 to 2000 of 2000 cohorts of 40 patients: as patients grow "
        "many, estimates tend to a hazard ratio other than 1 (by more than three Monte Carlo standard errors) with arm as "
        "known at time zero 0.741 unadjusted and 0.819 adjusted.",
        "Where nothing is adjusted for, confounding by the covariates adds to what is done with time.",
        "An interval leaves out 1, nominally in 10% of the cohorts, with arm as known at time zero 40.0% (35.0–45.0) "
        "unadjusted and 30.0% (25.0–35.0) adjusted; treatment as an exposure that begins 10.5% (9.0–12.0) adjusted; "
        "treated within 2 months or not: cloned, censored 5.0% (4.0–6.0) weighted.",
        "The coefficients' standard deviation exceeds their mean standard error with arm as known at time zero 10% "
        "adjusted: in so few patients, above all with many covariates for the events, standard errors are too small, "
        "which raises rejections whatever is done with time.",
        "For 1 of these 4 shares some cohorts had no estimate, at most 7 of 2000 (treated within 2 months or not: cloned, "
        "censored, weighted, hazard ratio 1); they are left out, and not at random, for in them the event, or who begins, "
        "separates the arms or the levels of a covariate.",
    )
    bare = own.assign(log_hr_limit=np.nan, log_hr_limit_se=np.nan, log_hr=[-0.25, 0.001, 0.001, 0.001], n_failed=0)
    said = wording.simulation(melt([bare], "06_sensitivity"), study=stent.study).sentences
    assert "mean estimates come to a hazard ratio other than 1" in said[0]
    assert said[0].endswith("with arm as known at time zero 0.779 unadjusted.")
    effect = own.assign(at="0.6", log_hr_limit=np.log([0.45, 0.5, 0.601, 0.7]), n_failed=0)
    said = wording.simulation(melt([effect], "06_sensitivity"), study=stent.study).sentences
    assert said[0] == (
        "Progression-free survival, true hazard ratio 0.6, 2000 cohorts of 40 patients: as patients grow many, estimates "
        "tend to that ratio with treatment as an exposure that begins 0.601 adjusted; to another (by more than three "
        "Monte Carlo standard errors) with arm as known at time zero 0.450 unadjusted and 0.500 adjusted; treated within "
        "2 months or not: cloned, censored 0.700 weighted."
    )
    assert said[2].startswith(
        "The interval then leaves out 1 with arm as known at time zero 30.0% (25.0–35.0) adjusted; "
    )
    assert wording.simulation(melt([own.iloc[:0]], "06_sensitivity"), study=stent.study).sentences == ()
