"""Cohorts drawn with a known effect: the generator's truth, what the estimators make of it, what is kept of it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import WeibullFitter

from helpers import simulate, tables, wording
from helpers.__main__ import main
from helpers.cohort import read_cohort
from helpers.errors import OutputError, ParameterError
from helpers.ledger import STATISTICS_OF, melt, pivot, select
from helpers.sensitivity import clone_censor_weight, fixed, landmarks, time_dependent
from helpers.sensitivity.exposure import exposed
from helpers.simulate.design import breslow, weibull
from helpers.study import read_study
from helpers.study.simulated import exclusions


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


@pytest.mark.parametrize("delay", [0.0, 4.0])
def test_the_weibull_is_that_of_maximum_likelihood(delay):
    n, draws = 4000, rng()
    time = 20 * ((delay / 20) ** 1.7 + draws.exponential(size=n)) ** (1 / 1.7)
    end = draws.uniform(delay, 60, size=n)
    event = time <= end
    stop = np.minimum(time, end)
    shape, scale = weibull(np.zeros(n), stop, event.astype(float), np.zeros(n), delay)
    other = WeibullFitter().fit(stop, event, entry=np.full(n, delay))
    assert (shape, scale) == pytest.approx((other.rho_, other.lambda_), rel=1e-4)
    assert shape == pytest.approx(1.7, abs=0.1)
    assert weibull(np.zeros(n), stop, event.astype(float), np.full(n, np.log(2)), delay) == pytest.approx(
        (shape, scale * 2 ** (1 / shape)), rel=1e-5
    )


def test_breslow_by_hand():
    times, hazard = breslow(
        np.array([3.0, 1, 1, 2, 5]), np.array([True, True, False, True, False]), np.log([1, 2, 1, 1, 1.0])
    )
    assert times.tolist() == [1, 2, 3]
    assert hazard == pytest.approx([1 / 6, 1 / 6 + 1 / 3, 1 / 6 + 1 / 3 + 1 / 2])


@pytest.mark.parametrize("name", ["invented", "paper"])
@pytest.mark.parametrize("hazard_ratio", [1, 0.6])
def test_the_hazard_ratio_put_in_comes_out(request, name, hazard_ratio):
    made = request.getfixturevalue(name)
    flat = np.zeros(len(made.patients))
    large = simulate.draw(replace(made, event_risk=flat + made.event_risk.mean()), 50_000, hazard_ratio, rng())
    log_hr, se = simulate.estimate(large, ["time_dependent"])["time_dependent"]
    assert se < 0.02
    assert abs(log_hr - np.log(hazard_ratio)) < 3 * se


@pytest.mark.parametrize("name", ["stent", "ctrt"])
def test_drawn_cohorts_are_like_the_cohort(request, name):
    cohort = request.getfixturevalue(name)
    made = simulate.design(cohort)
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
    assert (outcome.loc[outcome["event"], "time"] > made.delay).all()
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
def test_estimates_are_those_of_the_report(request, name):
    made = request.getfixturevalue(name)
    drawn = simulate.draw(made, 150, 0.6, rng(3))
    arms, found = drawn.study.arms, simulate.estimate(drawn)
    frames = [fixed(drawn), landmarks(drawn), time_dependent(drawn), clone_censor_weight(drawn, draws=0)]
    rows = pd.concat([each[(each["variable"] == arms.column) & each["log_hr"].notna()] for each in frames])
    named = {
        "naive_unadjusted": {"analysis": "cox_univariable", "population": "primary"},
        "naive_adjusted": {"analysis": "cox_multivariable", "population": "primary"},
        "time_dependent": {"analysis": "cox_time_dependent", "model": "adjusted", "population": "primary"},
        "clone_censor_weight": {"analysis": "clone_censor_weight", "model": "weighted"},
        **{
            f"excluded_{each}": {"analysis": "cox_multivariable", "population": each}
            for each in drawn.study.exposure.exclusions
        },
        **{
            f"landmark_{month:g}": {"analysis": "landmark", "model": "adjusted", "at": f"{month:g}"}
            for month in drawn.study.exposure.landmarks
        },
    }
    assert set(named) == set(found)
    for estimator, key in named.items():
        (own,) = select(rows, **key)[["log_hr", "log_hr_se"]].to_numpy()
        assert found[estimator] == pytest.approx(tuple(own), rel=1e-8), estimator


def test_immortal_time_rejects_too_often_and_proper_time_does_not(stent):
    found = simulate.simulate(stent, draws=40, rows=300, hazard_ratios=[1], seed=2).set_index("model")
    nominal = 100 * (1 - stent.study.confidence)
    assert found.loc["naive_adjusted", "percent_rejected_low"] > 2 * nominal
    assert found.loc["naive_adjusted", "bias"] < -0.15
    proper = found.loc["time_dependent"]
    assert proper["percent_rejected_low"] < nominal < proper["percent_rejected_high"]
    assert abs(proper["bias"]) < 3 * proper["bias_se"]
    assert proper["percent_covered"] == pytest.approx(100 - proper["percent_rejected"])
    assert proper["log_hr_sd"] == pytest.approx(proper["log_hr_se"], rel=0.35)


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
    none = simulate.simulate(gbsg2)
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


def test_estimands_come_from_one_large_cohort(stent):
    found = simulate.estimands(stent, hazard_ratios=[1, 0.6], rows=4_000)
    assert set(found["at"]) == {"0.6"}
    own = found.set_index("model")
    assert own.loc["time_dependent", "source"] == "one cohort of 4000 patients"
    assert own.loc["clone_censor_weight", "source"] == "4 cohorts of 1000 patients"
    value, se = own.loc["time_dependent", ["log_hr_estimand", "estimand_se"]]
    assert abs(value - np.log(0.6)) < 3 * se
    assert own.loc["naive_adjusted", "log_hr_estimand"] < value - 0.1
    rows = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[0.6], estimands=found).set_index("model")
    assert rows.loc["time_dependent", "log_hr_estimand"] == value
    assert rows.loc["time_dependent", "bias"] == pytest.approx(rows.loc["time_dependent", "log_hr"] - value)
    assert rows.loc["time_dependent", "method"].endswith("; estimand from one cohort of 4000 patients")


def test_a_stored_simulation_serves_until_the_study_changes(study_copy):
    cohort = read_cohort(read_study(study_copy()))
    assert simulate.stored(cohort).frame.empty
    assert simulate.stored(cohort).reason == ""
    made = simulate.simulate(cohort, draws=2, rows=None, hazard_ratios=[1])
    simulate.save(made, simulate.stored_path(cohort.study))
    frame, reason = simulate.stored(cohort)
    assert reason == ""
    assert set(frame["model"]) == {f"{each}:stored" for each in made["model"]}
    assert frame["log_hr"].tolist() == made["log_hr"].tolist()
    melt([made, frame], "06_sensitivity")
    other = read_cohort(read_study(study_copy({"grace = 2": "grace = 3"})))
    assert simulate.stored(other).frame.empty
    assert re.search(r"simulation.csv was made from other patients .* simulate", simulate.stored(other).reason)
    simulate.stored_path(cohort.study).write_text("not,a,ledger\n1,2,3\n")
    assert "can be read" in simulate.stored(cohort).reason


def test_the_checksum_follows_patients_and_entries(invented):
    assert simulate.digest(invented) == simulate.digest(replace(invented))
    moved = replace(invented, scale=invented.scale * 1.001)
    assert len({simulate.digest(each) for each in (invented, moved, replace(invented, rows=57))}) == 3


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
        simulate.simulate(stent, **given)


def test_a_study_without_a_simulation_has_no_design(gbsg2):
    with pytest.raises(ParameterError, match=r"has no \[simulation\]"):
        simulate.design(gbsg2)


def test_the_command(study_copy, capsys, tmp_path):
    folder = str(study_copy())
    asked = ["--draws", "2", "--rows", "40", "--workers", "1", "--estimand-rows", "1000"]
    ratios = ["--hazard-ratio", "1", "--hazard-ratio", "0.6"]
    assert main(["simulate", folder, *asked, *ratios, "--output", str(tmp_path / "out.csv")]) == 0
    said = capsys.readouterr()
    assert "True hazard ratio 0.6: 2 cohorts of 40 patients" in said.out
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
    (table,) = tables.simulation(few, study=stent.study, stored=many)
    headings = [row.cells[0] for row in table.rows if row.heading]
    assert headings[0] == "True hazard ratio 1: 2000 cohorts of 40 patients"
    assert headings[1:] == [f"True hazard ratio {at}: 4 cohorts of 40 patients" for at in ("1", "0.6")]
    assert all(len(row.cells) == len(table.header) for row in table.rows)
    assert sum(n for _, n in table.spanners) == len(table.header)
    notes = " ".join(table.notes)
    assert "90% Monte Carlo limits" in notes
    assert "Of 2000 cohorts, a share of 10% has a Monte Carlo standard error of 0.7 percentage points." in notes
    assert "`python -m helpers simulate" in notes
    assert "n.e." in table.rows[-1].cells
    assert "not shown: old" in " ".join(tables.simulation(few, study=stent.study, reason="old")[0].notes)
    assert tables.simulation(few.iloc[:0], study=stent.study) == []


def test_sentences_tell_who_rejects_too_often(stent):
    few = simulate.simulate(stent, draws=2, rows=40, hazard_ratios=[1])
    limits = {
        "naive_adjusted": (40.0, 35.0, 45.0),
        "time_dependent": (10.5, 9.0, 12.0),
        "landmark_3": (5.0, 4.0, 6.0),
    }
    names = ["percent_rejected", "percent_rejected_low", "percent_rejected_high"]
    own = few[few["model"].isin(limits)].copy()
    own[names] = [limits[each] for each in own["model"]]
    said = wording.simulation(melt([own], "06_sensitivity"), study=stent.study).sentences
    assert said == (
        "In 2 cohorts of 40 patients drawn without an effect of treatment, an interval should leave out 1 in 10% of them.",
        "More often, beyond Monte Carlo error: arm as known at time zero, adjusted 40.0% (35.0–45.0).",
        "As often, within Monte Carlo error: treatment as an exposure that begins, adjusted 10.5% (9.0–12.0).",
        "Less often, beyond Monte Carlo error: landmark at month 3, adjusted 5.0% (4.0–6.0).",
    )
    effect = own.assign(at="0.6", log_hr=np.log(0.5), log_hr_estimand=np.log(0.55))
    said = wording.simulation(melt([effect], "06_sensitivity"), study=stent.study).sentences
    assert said[0].startswith(
        "In 2 cohorts of 40 patients with a true hazard ratio of 0.6, the mean coefficients as hazard"
    )
    assert "; landmark at month 3, adjusted 0.50 (0.55); " in said[0]
    assert said[1] == (
        "With treatment as an exposure that begins, adjusted, the effect is found in 10.5% (9.0–12.0) of them."
    )
    assert wording.simulation(melt([own.iloc[:0]], "06_sensitivity"), study=stent.study).sentences == ()
