"""The primary analysis: named without a default, put first, told with whom it rests on and the same asked otherwise."""

import pytest

from helpers import notation, wording
from helpers.errors import StudyError
from helpers.ledger import pivot, select
from helpers.study import read_study

GIVEN = """[primary_analysis]
endpoint = "PFS"
population = "primary"
model = "stratified"
time = "time_dependent"
"""


def given(**entries: str) -> str:
    lines = {"endpoint": "PFS", "population": "primary", "model": "stratified", "time": "time_dependent", **entries}
    told = [f"{name} = {value if name == 'month' else repr(value)}" for name, value in lines.items()]
    return "\n".join(["[primary_analysis]", *told, ""]).replace("'", '"')


REFUSED = {
    "not named": ("", "entry 'primary_analysis' is missing"),
    "unknown endpoint": (given(endpoint="DFS"), "'primary_analysis.endpoint': no endpoint 'DFS'"),
    "unknown model": (given(model="stratifed"), "no model 'stratifed'; did you mean 'stratified'"),
    "a model of others": (given(model="staged_only", time="fixed"), "no entry of [[models.staged_only]] is for endpoint"),
    "no landmark": (given(time="landmark"), "'primary_analysis.month' belongs to time 'landmark'"),
    "another landmark": (given(time="landmark", month="7"), "'primary_analysis.month': 7 is none of"),
    "clones in a model": (given(time="clone_censor_weight"), "clones are weighted and hold treatment alone"),
    "counted elsewhere": (given(population="staged"), "with time 'time_dependent' it is the exposure's, 'primary'"),
    "no such way": (given(time="intention"), "'primary_analysis.time'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(study_copy, name):
    text, said = REFUSED[name]
    folder = study_copy()
    path = folder / "study.toml"
    whole = path.read_text()
    assert GIVEN in whole
    path.write_text(whole.replace(GIVEN, text))
    with pytest.raises(StudyError) as caught:
        read_study(folder)
    assert said in str(caught.value)


def test_the_adjusted_model_of_the_maintained_is_told_with_whom_it_leaves_out(ctrt, ctrt_ledger):
    said = wording.primary(ctrt_ledger, study=ctrt.study).sentences
    own = pivot(select(ctrt_ledger, **ctrt.study.primary_key))
    effect = select(own, variable="arm", level="ctrt").iloc[0]
    assert said[0].startswith("Primary analysis (overall survival, covariates of the published model, arm as if known")
    assert notation.hazard_ratio_said(*effect[["hr", "hr_low", "hr_high"]], "95%") in said[0]
    for arm, label in ctrt.study.arms.levels.items():
        n, events = (int(select(own, variable="arm", level=arm)[name].iloc[0]) for name in ("n", "n_event"))
        assert f"“{label}” {n} patients, {events} events" in said[0]
    whole = select(own, variable="").iloc[0]
    assert said[1].startswith(f"It rests on {int(whole['n'])} of the 171; immunomaintenance cycles can exist only in")
    assert "they were selected by what happened later" in said[1]
    alone = select(ctrt_ledger, analysis="cox_univariable", population="primary", endpoint="OS", variable="arm")
    alone = pivot(select(alone, level="ctrt", model="unadjusted")).iloc[0]
    assert f"unadjusted, {notation.hazard_ratio(*alone[['hr', 'hr_low', 'hr_high']])} in 167 patients" in said[3]
    assert "the same model without Immunomaintenance cycles, " in said[3]
    assert said[2] == f"It has {whole['events_per_parameter']:.1f} events per parameter, fewer than 10: it is unstable."
    assert said[5].startswith("With the same covariates and patients, treatment counted from its beginning")
    assert wording.key_findings(ctrt_ledger, study=ctrt.study).sentences[2].startswith(said[0])


def test_what_the_clock_leaves_is_of_the_same_patients(ctrt_ledger):
    key = {"population": "primary", "endpoint": "OS", "model": "paper", "variable": "", "statistic": "n"}
    sizes = {select(ctrt_ledger, analysis=each, **key)["value"].iloc[0] for each in TIMED}
    clock = select(ctrt_ledger, **{**key, "analysis": "clock", "variable": "arm"})["value"].iloc[0]
    assert sizes == {clock}


TIMED = ("cox_multivariable", "cox_time_dependent")


def test_a_primary_analysis_that_counts_time_as_it_passed(stent, stent_ledger):
    said = wording.primary(stent_ledger, study=stent.study).sentences
    assert said[0].startswith("Primary analysis (progression-free survival, stratified by centre, time-dependent Cox): ")
    own = pivot(select(stent_ledger, **stent.study.primary_key, variable="procedure", level="stent"))
    assert notation.number(own["hr"].iloc[0], 2) in said[0]
    assert any(each.startswith("“Self-expanding stent” began a median of") for each in said)


def test_a_study_without_a_start_has_its_number_and_the_unadjusted_one(gbsg2, gbsg2_ledger):
    said = wording.primary(gbsg2_ledger, study=gbsg2.study).sentences
    assert said[0].startswith("Primary analysis (recurrence-free survival, adjusted for all baseline factors): HR 0.71")
    assert said[1:] == ("Beside it: unadjusted, 0.69 (0.54–0.89) in 686 patients.",)


def test_the_first_page_tells_landmarks_together_and_when_treatment_began_once(ctrt, ctrt_ledger):
    said = " ".join(wording.key_findings(ctrt_ledger, study=ctrt.study).sentences)
    assert said.count("began a median of") == 1
    for endpoint in ctrt.study.exposure.endpoints:
        key = {"analysis": "landmark", "population": "primary", "endpoint": endpoint, "model": "unadjusted"}
        found = pivot(select(ctrt_ledger, **key, variable="arm", level="ctrt"))
        ratios = ", ".join(notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]]) for _, row in found.iterrows())
        assert f"from landmarks at months {', '.join(found['at'])}: {ratios}" in said
    lost = pivot(select(ctrt_ledger, analysis="loss", population="primary", endpoint="OS"))
    own = select(lost, model="followed", at="24").set_index("group")["percent_complete"]
    shares = f"{own['non_ctrt']:.0f}% with “Non-cTRT” and {own['ctrt']:.0f}% with “cTRT”"
    assert f"follow-up to month 24 complete in {shares}" in said
