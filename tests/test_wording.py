"""Sentences say what the numbers say, and no more."""

import re

import numpy as np
import pytest
import rotterdam

from helpers import cox, describe, notation, wording
from helpers.cohort import read_cohort
from helpers.ledger import melt, select
from helpers.loss import loss
from helpers.study import read_study
from helpers.subgroups import interactions


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.5, 0.9, "lower"), (0.5, 1.0, "unclear"), (0.9, 1.1, "unclear"), (1.0, 2.0, "unclear"), (1.01, 3.0, "higher")]
    + [(np.nan, np.nan, "unclear"), (np.nan, 0.9, "lower")],
)
def test_direction(low, high, expected):
    assert wording.direction(low, high, 1) == expected


def test_an_interval_that_covers_one_is_no_benefit(gbsg2):
    frame = cox.univariable(gbsg2)
    arm = (frame["variable"] == "horTh") & (frame["level"] == "yes")
    for high, phrase in ((0.999, "associated with a lower hazard"), (1.0, "no association"), (1.2, "no association")):
        frame.loc[arm, "hr_high"] = high
        said = repr(wording.treatment(melt([frame], "x"), study=gbsg2.study))
        assert phrase in said
        assert ("lower" in said) == (high < 1)
    frame.loc[arm, ["hr", "hr_low", "hr_high"]] = [2.0, 1.5, 2.5]
    assert "associated with a higher hazard" in repr(wording.treatment(melt([frame], "x"), study=gbsg2.study))


@pytest.mark.slow
def test_the_sentences_of_the_real_study(gbsg2, gbsg2_ledger):
    rows = gbsg2_ledger
    said = wording.cohort(describe.flow(gbsg2), study=gbsg2.study).sentences
    assert said[0] == "Of 686 patients screened, 686 were analysed; none was excluded."
    said = wording.survival(rows, study=gbsg2.study).sentences
    assert "299 events in 686 patients, median follow-up 52.0 (47.9–55.2) months with “No horm" in said[0]
    assert (
        "Median recurrence-free survival was 50.2 (42.6–59.6) months with “No hormonal therapy” and 66.3 (63.0–NR) "
        "months with “Hormonal therapy” (log-rank P = 0.003)." in said
    )
    said = wording.treatment(rows, study=gbsg2.study).sentences
    assert any("HR 0.71, 95% CI 0.55–0.91, P = 0.007; 686 patients, 299 events" in each for each in said)


def test_the_first_page_holds_a_line_a_result(gbsg2, gbsg2_ledger):
    said = wording.key_findings(gbsg2_ledger, study=gbsg2.study).sentences
    assert said[0] == "686 of 686 patients screened were analysed: 440 “No hormonal therapy”, 246 “Hormonal therapy”."
    assert (
        "Recurrence-free survival: median 50.2 (42.6–59.6) months with “No hormonal therapy”, 66.3 (63.0–NR) months "
        "with “Hormonal therapy” (log-rank P = 0.003)." in said
    )
    ratios = next(each for each in said if "hazard ratio for “Hormonal therapy”" in each)
    assert "unadjusted 0.69 (0.54–0.89), lower hazard; adjusted for all baseline factors 0.71 (0.55–0.91)" in ratios
    bent = next(each for each in said if each.startswith("5 tests of whether a continuous variable's log hazard bends"))
    assert "Age for recurrence-free survival (nonlinear P < 0.001" in bent
    assert "confounding can explain it" in said[-1]
    assert said[1].startswith("Primary analysis (recurrence-free survival, adjusted for all baseline factors): HR 0.71")
    assert len(said) <= 12


def test_a_randomised_study_is_not_said_to_be_open_to_confounding(gbsg2, gbsg2_ledger):
    drawn = gbsg2.study.model_copy(update={"design": "randomised"})
    said = wording.key_findings(gbsg2_ledger, study=drawn).sentences
    assert not any("randomis" in each for each in said)
    methods = repr(wording.methods(drawn))
    assert "patients were allocated at random" in methods
    assert "not randomised" not in methods


def test_the_first_page_counts_time_as_it_passed(ctrt, ctrt_ledger):
    said = wording.key_findings(ctrt_ledger, study=ctrt.study).sentences
    timed = next(each for each in said if "Progression-free survival, time counted as it passed" in each)
    rows = select(ctrt_ledger, endpoint="PFS", population="primary", variable="arm", level="ctrt")
    begins = select(rows, analysis="cox_time_dependent", model="unadjusted").set_index("statistic")["value"]
    text = notation.hazard_ratio(*begins[["hr", "hr_low", "hr_high"]])
    assert f"time-dependent Cox {text}, no difference shown" in timed
    assert begins["hr_high"] > 1
    clock = select(ctrt_ledger, analysis="clock", endpoint="PFS", model="unadjusted").set_index("statistic")["value"]
    assert f"the months before treatment explain {clock['percent_clock']:.0f}% (95% CI" in timed
    overall = next(each for each in said if "Overall survival, time counted as it passed" in each)
    assert "no event came before treatment had begun, so the clock explains none of it" in overall
    assert not any("immortal" in each for each in said), "the warning follows from the number instead"
    assert sum("leaves patients out by what happened later" in each for each in said) == 2
    assert len(said) <= 20


def test_a_synthetic_cohort_is_named_first_and_exclusions_are_told(stent, stent_ledger):
    said = wording.key_findings(stent_ledger, study=stent.study).sentences
    assert said[0].startswith("Synthetic cohort")
    assert said[1] == "60 of 64 patients screened were analysed: 30 “Surgery”, 30 “Self-expanding stent”."
    told = wording.cohort(describe.flow(stent), study=stent.study).sentences[0]
    assert "60 were analysed; 4 were excluded: neither procedure (2), younger than 18 years (2)" in told
    assert not any("48 months" in each for each in said)


def test_the_reasons_told_add_up_for_populations_of_populations(study_copy):
    more = """
[populations.treated]
label = "Treated"
of = "screened"
[[populations.treated.steps]]
name = "none"
reason = "No procedure"
exclude = { column = "procedure", op = "missing" }
[populations.old]
label = "Older"
of = "staged"
[[populations.old.steps]]
name = "young"
reason = "Younger than 60"
exclude = { column = "years", op = "<", value = 60 }
"""
    cohort = read_cohort(read_study(study_copy(append=more)))
    for population in ("primary", "staged", "treated", "old"):
        said = wording.cohort(describe.flow(cohort), study=cohort.study, population=population).sentences[0]
        excluded, reasons = re.search(r"; (\d+) were excluded: (.*)\.$", said).groups()
        assert sum(int(n) for n in re.findall(r"\((\d+)\)", reasons)) == int(excluded)
        assert int(excluded) == 64 - len(cohort.rows(population))


def test_nothing_is_said_of_what_was_not_computed(gbsg2, gbsg2_ledger):
    rows = gbsg2_ledger
    said = wording.key_findings(rows[rows["section"].isin(["01_methods", "02_cohort"])], study=gbsg2.study).sentences
    assert len(said) == 2


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0004, "<0.001"), (0.0012, "0.001"), (0.0094, "0.009"), (0.012, "0.01"), (0.0451, "0.045"), (0.0504, "0.0504")]
    + [(0.0496, "0.0496"), (0.05, "0.050"), (0.04999, "0.04999"), (0.0549, "0.055"), (0.055, "0.06"), (0.31, "0.31"), (0.995, ">0.99"), (np.nan, "n.e.")],
)
def test_p_values(p, text):
    assert notation.p_value(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((0.37, 0.15, 0.91), "0.37 (0.15–0.91)"),
        ((0.6, 0.36, 0.9986), "0.600 (0.360–0.999)"),
        ((0.6, 0.36, 1.0), "0.60 (0.36–1.00)"),
        ((12.0, 0.9, 4000.0), "12.00 (0.90–>999)"),
        ((0.002, 0.0001, 0.04), "<0.01 (<0.01–0.04)"),
        ((np.nan, np.nan, np.nan), "n.e."),
    ],
)
def test_hazard_ratios(value, text):
    assert notation.hazard_ratio(*value) == text


def test_other_numbers():
    assert notation.number(-0.001, 1) == "0.0"
    assert notation.estimate(-2.25, -4.1, 0.6, 1) == "−2.2 (−4.1 to 0.6)"
    assert notation.time(9.9, 7.6, np.nan) == "9.9 (7.6–NR)"
    assert notation.share(0, np.nan) == "0 (n.e.)"
    assert [notation.within(each) for each in ("Overall survival", "AJCC stage", "T stage")] == [
        "overall survival",
        "AJCC stage",
        "T stage",
    ]


def test_a_clear_level_is_told_beside_one_without_events(gbsg2):
    frame = cox.multivariable(gbsg2)
    grade = (frame["variable"] == "tgrade") & (frame["model"] == "adjusted")
    reasons = dict.fromkeys(["hr", "hr_low", "hr_high"], "no events in this level")
    for index in frame.index[grade & (frame["level"] == "II")]:
        frame.loc[index, list(reasons)] = np.nan
        frame.at[index, "not_estimable"] = reasons
    for index in frame.index[grade & (frame["level"] == "")]:
        frame.loc[index, "p_overall"] = np.nan
        frame.at[index, "not_estimable"] = {"p_overall": "no events in this level"}
    said = wording.factors(melt([frame], "x"), study=gbsg2.study).sentences[0]
    assert "Tumour grade (III against I: HR 2.18" in said
    assert "not estimable: Tumour grade (no events in this level)" in said


def test_the_women_of_rotterdam_are_told_by_another_study_file(tmp_path):
    """Published patients in other columns, two endpoints, no start of treatment: interactions, changing effects, loss."""
    study = read_study(rotterdam.write(tmp_path / "rotterdam"))
    cohort = read_cohort(study)
    tests = select(interactions(cohort), model="unadjusted:stratified", level="")
    frames = [interactions(cohort), loss(cohort), cox.proportionality(cohort, models=[]), cox.periods(cohort, models=[])]
    rows = melt(frames, "x")
    said = wording.subgroups(rows, study=study).sentences
    below = int((tests["p_lrt"] < 0.05).sum())
    assert said[0].startswith("8 interactions with treatment were tested, all endpoints together, of which 0.40 would")
    assert ("none has" in said[0]) == (below == 0)
    changing = wording.proportionality(rows, study=study).sentences[0]
    assert "Overall survival, unadjusted (Matched women): 0.41 (0.27–0.63) in months 0–24, 0.84 (0.63–1.13)" in changing
    followed = wording.lost(rows, study=study).sentences[0]
    assert "the arms were not lost alike" in followed
    assert "without dates loss and the end of the study cannot be told apart" in followed
