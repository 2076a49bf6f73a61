"""When treatment began, checked at reading: every mistake gets its sentence, and no patient is named."""

import pytest

from helpers.cohort import examine, read_cohort
from helpers.errors import CohortError, StudyError
from helpers.study import read_study

ENTRY = {
    "start that is no variable": ({'start = "wait"': 'start = "weight"'}, "'exposure.start': no variable 'weight'"),
    "start without a unit of time": ({'start = "wait"': 'start = "albumin"'}, "'exposure.start': 'albumin' must be continuous, in one of the units 'days', 'weeks', 'months', 'years'"),
    "start of everybody": ({'unit = "days"\napplies_when = { column = "procedure", op = "==", value = "stent" }': 'unit = "days"'}, "'exposure.start': only the treated have a start, so 'wait' needs applies_when = { column = 'procedure', op = '==', value = 'stent' }"),
    "an end that is none": ({'before = "OS"': 'before = "SO"'}, "'exposure.before': no endpoint 'SO' (endpoints: 'OS', 'PFS')"),
    "landmarks back": ({"landmarks = [1, 3]": "landmarks = [3, 1]"}, "'exposure.landmarks': months must increase"),
    "model unknown": ({'models = ["stratified"]': 'models = ["stratifed"]'}, "'exposure.models': no model 'stratifed'; did you mean 'stratified'?"),
    "treatment explains itself": ({'grace = 2\ncovariates = ["years"]': 'grace = 2\ncovariates = ["wait"]'}, "'exposure.covariates': 'wait' is the treatment itself; its beginning is what they explain"),
    "a covariate of some": ({'grace = 2\ncovariates = ["years"]': 'grace = 2\ncovariates = ["diameter"]'}, "'exposure.covariates': 'diameter' cannot exist in every patient"),
    "the population excluded": ({'exclusions = ["alive_at_12"]': 'exclusions = ["primary"]'}, "'exposure.exclusions': 'primary' is the population the proper analyses are made in"),
    "populations that overlap": ({'endpoints = ["OS", "PFS"]\nexclusions = ["alive_at_12"]': 'endpoints = ["OS", "PFS"]\npopulation = "staged"\nexclusions = ["alive_at_12"]'}, "'exposure.exclusions': 'alive_at_12' is not made of 'staged', so the two only overlap"),
    "populations in a circle": ({'label = "Patients who lived a year"': 'label = "Patients who lived a year"\nof = "stented"', 'label = "Patients with a stent"': 'label = "Patients with a stent"\nof = "alive_at_12"'}, "'populations.alive_at_12.of': 'stented' is itself or comes after it; populations are made in their order, so that none goes round in a circle"),
    "a population of itself": ({'label = "Patients with a stent"': 'label = "Patients with a stent"\nof = "stented"'}, "'populations.stented.of': 'stented' is itself or comes after it"),
    "drawn without a start": ({"[exposure]": "[exposuer]"}, "entry 'exposuer' is unknown; did you mean 'exposure'?"),
    "drawn for another endpoint": ({'endpoints = ["OS", "PFS"]\nexclusions': 'endpoints = ["OS"]\nexclusions'}, "'simulation.endpoints': 'PFS' is none of 'exposure.endpoints'"),
    "a ratio twice": ({"hazard_ratios = [1]": "hazard_ratios = [1, 1]"}, "'simulation.hazard_ratios': a hazard ratio is given twice"),
    "two ways to a value": ({'between = ["started", "placed"]': 'between = ["started", "placed"]\ncolumn = "w"'}, "'variables.wait': give either a column, a cut of another variable, or two columns of dates (between)"),
    "three dates": ({'between = ["started", "placed"]': 'between = ["started", "placed", "died"]'}, "entry 'variables.wait.between'"),
    "time between in no unit of time": ({'between = ["started", "placed"]\nunit = "days"': 'between = ["started", "placed"]\nunit = "g/L"'}, "'variables.wait.between' makes a continuous variable in one of the units 'days'"),
    "a name of the outcome": ({"[variables.centre]": "[variables.entry]"}, "'variables.entry': 'entry' names the outcome"),
    "severe beyond every group": ({"severe = 4": "severe = 5", "grades = [3, 4, 5]": "grades = [3, 4]"}, "'adverse_events.severe': no group holds a grade of 5 or higher"),
    "reporting unknown": ({"[abbreviations]": "[reporting]\nfundng = \"None.\"\n\n[abbreviations]"}, "entry 'reporting.fundng' is unknown; did you mean 'funding'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENTRY, ids=list(ENTRY))
def test_a_mistake_gets_its_sentence(study_copy, case):
    replace, sentence = ENTRY[case]
    with pytest.raises(StudyError) as caught:
        read_study(study_copy(replace))
    assert sentence in str(caught.value)


HORIZONS = {
    "landmark": ({"landmarks = [1, 3]": "landmarks = [1, 60]"}, "entry 'exposure.landmarks': month 60 lies after the last event of 'OS' in population 'primary'"),
    "grace": ({"grace = 2": "grace = 70"}, "entry 'exposure.grace': month 70 lies after the last event of 'OS' in population 'primary'"),
}  # fmt: skip


@pytest.mark.parametrize("case", HORIZONS, ids=list(HORIZONS))
def test_a_month_after_the_last_event_is_refused(study_copy, case):
    replace, sentence = HORIZONS[case]
    with pytest.raises(CohortError) as caught:
        read_cohort(read_study(study_copy(replace)))
    assert sentence in str(caught.value)


def with_date(folder, row, column, date):
    """The cohort's file with one cell changed; the row is the file's own number."""
    path = folder / "cohort.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[row - 1][lines[0].index(column)] = date
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    return folder


STARTS = {
    "before time zero": ("2018-01-26", "column 'placed', row 2: treatment begins before time zero ('2018-01-26')"),
    "after the end": ("2020-12-19", "column 'placed', row 2: treatment begins after the patient's OS ends ('2020-12-19')"),
    "no date": ("26.1.2019", "column 'placed', row 2: '26.1.2019' is not a date written YYYY-MM-DD"),
}  # fmt: skip


@pytest.mark.parametrize("case", STARTS, ids=list(STARTS))
def test_a_start_that_cannot_be_is_pointed_at(study_copy, case):
    date, sentence = STARTS[case]
    study = read_study(with_date(study_copy(), 2, "placed", date))
    with pytest.raises(CohortError) as caught:
        read_cohort(study)
    assert sentence in str(caught.value)
    assert "P1000" not in str(caught.value)
    assert [finding.problem for finding in examine(study) if finding.problem]


def test_a_start_in_the_reference_arm_cannot_apply(study_copy):
    study = read_study(with_date(study_copy(), 3, "placed", "2019-03-10"))
    with pytest.raises(CohortError, match="column 'placed', row 3: '2019-03-10' is given where it cannot apply"):
        read_cohort(study)


def test_a_missing_start_is_an_error_unless_the_study_says_otherwise(study_copy, stent):
    study = read_study(study_copy({'missing_start = "exclude"': 'missing_start = "error"'}))
    with pytest.raises(
        CohortError, match=r"column 'placed', row .*: a treated patient has no start; say missing_start"
    ):
        read_cohort(study)
    start = stent.start(stent.rows())
    treated = stent.rows()["procedure"] == "stent"
    assert start[treated].isna().sum() == 1
    assert start[~treated].isna().all()


def test_a_time_between_two_dates_is_in_its_unit(stent):
    """P1000: 2018-02-26 to its date in the column, days."""
    waits = stent.data["wait"].dropna()
    assert (waits == waits.round()).all()
    months = stent.start(stent.rows()).dropna()
    assert months.iloc[0] == pytest.approx(stent.data.loc[months.index[0], "wait"] / 30.4375, rel=1e-12)
