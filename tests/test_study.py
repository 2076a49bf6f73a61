"""A study file that cannot be meant gets one sentence with its entry and what is allowed."""

import pytest

from helpers.errors import StudyError
from helpers.sections import left_out
from helpers.study import read_study

ENTRY = {
    "unknown and missing": ({"reference = \"surgery\"": "referense = \"surgery\""}, "entry 'arms.referense' is unknown; did you mean 'reference'? (1 more in this file)"),
    "unknown entry alone": ({"seed = 7": "seed = 7\nseeed = 8"}, "entry 'seeed' is unknown; did you mean 'seed'?"),
    "unknown entry deep": ({"origin = \"admission\"": "origin = \"a\"\nevnt = \"x\""}, "'endpoints.OS.evnt' is unknown; did you mean 'event'?"),
    "missing entry": ({"seed = 7\n": ""}, "entry 'seed' is missing"),
    "wrong type": ({"seed = 7": "seed = \"seven\""}, "entry 'seed': input should be a valid integer, not 'seven'"),
    "broken TOML": ({"seed = 7": "seed = = 7"}, "this is not valid TOML: Invalid value (at line 7, column 8)"),
    "three arms": ({"stent = \"Self-expanding stent\" }": "stent = \"S\", tube = \"T\" }"}, "names 3 levels ('surgery', 'stent', 'tube'); exactly two arms"),
    "reference of the arms": ({"reference = \"surgery\"": "reference = \"surgry\""}, "'arms.reference': 'surgry' is no level of the arms ('surgery', 'stent')"),
    "reference of a variable": ({"reference = \"south\"": "reference = \"sauth\""}, "'variables.centre.reference': 'sauth' is no level ('north', 'south'); did you mean 'south'?"),
    "reference not said": ({"reference = \"south\"\n": ""}, "'variables.centre.reference' is missing: say which of 'north', 'south'"),
    "variable not described": ({"variables = [\"years\", \"stage\", \"albumin\", \"diameter\"": "variables = [\"years\", \"staje\""}, "'table_one.variables': no variable 'staje'; did you mean 'stage'?"),
    "twice in a list": ({"variables = [\"years\", \"stage\", \"albumin\", \"diameter\"": "variables = [\"years\", \"years\""}, "'table_one.variables': 'years' is given twice"),
    "event coding not said": ({"index_date = \"started\"\nevent_dates = [\"died\"]\nlast_contact = \"last_seen\"": "time = \"t\"\nunit = \"days\"\nevent = \"d\""}, "'endpoints.OS.event_values' is missing: the coding of events must be said"),
    "no cut-off for dates": ({"data_cut_off = 2021-12-31\n": ""}, "'cohort.data_cut_off' is missing: endpoint 'OS' is made from dates"),
    "time origin not said": ({"origin = \"admission\"\n": ""}, "'endpoints.OS.origin' is missing"),
    "level in a condition": ({"value = \"stent\" }": "value = \"stint\" }"}, "'stint' is no level of 'procedure' ('surgery', 'stent'); did you mean 'stent'?"),
    "text for a number": ({"op = \"<\", value = 18": "op = \"<\", value = \"young\""}, "'eligibility.1.exclude.value': 'years' is continuous, so the value is a number"),
    "order of levels": ({"op = \"in\", value = [4]": "op = \">\", value = 3"}, "'>' needs a continuous variable; 'stage' has levels"),
    "operator": ({"op = \"<\"": "op = \"smaller\""}, "entry 'eligibility.1.exclude.op': input should be"),
    "horizon missing": ({"tau = { OS = 18, PFS = 12 }": "tau = { OS = 18 }"}, "'survival.tau.PFS' is missing"),
    "endpoint of a model": ({"endpoints = [\"PFS\"]": "endpoints = [\"PSF\"]"}, "no endpoint 'PSF'; did you mean 'PFS'?"),
    "selection without candidates": ({"candidates = [\"procedure\", \"years\", \"stage\", \"albumin\"]": "covariates = [\"procedure\"]"}, "'models.any_level.0.selection' belongs to candidates"),
    "stratum that is a number": ({"strata = [\"centre\"]": "strata = [\"years\"]"}, "'models.stratified.0.strata': 'years' is not categorical"),
    "population unknown": ({"population = \"staged\"": "population = \"stagged\""}, "no population 'stagged'; did you mean 'staged'?"),
    "times out of order": ({"months = [6, 12, 48]": "months = [12, 6, 48]"}, "'survival.months': times must increase"),
    "test of the wrong kind": ({"test = \"welch\"": "test = \"fisher\""}, "'fisher' is not for continuous variables; allowed here: 'student', 'welch', 'rank_sum'"),
    "a name of the outcome": ({"[variables.years]": "[variables.time]"}, "'variables.time': 'time' names the outcome"),
    "one level": ({"levels = { north = \"North\", south = \"South\" }": "levels = { south = \"South\" }"}, "'variables.centre.levels': a categorical variable lists its levels, two or more"),
    "no covariates": ({"covariates = [\"procedure\", \"stage\"]": "covariates = []"}, "entry 'models.staged_only.0.covariates': give one entry or more"),
    "a name no file can have": ({"[[models.any_level]]": "[[models.'../x']]"}, "a name holds letters, digits and _ . + - only"),
    "the same label twice": ({"stent = \"Self-expanding stent\"": "stent = \"Surgery\""}, "'arms.levels': both arms have the same label"),
    "an empty label": ({"stent = \"Self-expanding stent\"": "stent = \"\""}, "entry 'arms.levels.stent': string should have at least 1 character"),
    "infinite scale": ({"per = 5": "per = inf"}, "entry 'variables.albumin.per': input should be a finite number"),
    "a word for a table": ({"[abbreviations]": "[abbreviationz]"}, "entry 'abbreviationz' is unknown; did you mean 'abbreviations'?"),
    "true for a number": ({"seed = 7": "seed = true"}, "entry 'seed': input should be a valid integer, not true"),
    "a model twice": ({"[[models.any_level]]\nlabel = \"Selected by any level\"": "[[models.any_level]]\nlabel = \"One\"\nendpoints = [\"PFS\"]\ncovariates = [\"years\"]\n\n[[models.any_level]]\nlabel = \"Two\""}, "'models.any_level.1': endpoint 'PFS' in population 'primary' is given twice"),
    "a step without condition": ({"exclude = { column = \"procedure\", op = \"missing\" }": ""}, "'eligibility.0': give either exclude (a condition) or exclude_event (an early event)"),
    "endpoint of an early event": ({"endpoint = \"OS\", before": "endpoint = \"SO\", before"}, "'populations.alive_at_12.steps.0.exclude_event.endpoint': no endpoint 'SO' (endpoints: 'OS', 'PFS')"),
    "start of an early event": ({"before_months = 12": "before_months = 12, after = \"years\""}, "exclude_event.after': 'years' must be continuous, in the unit 'months'"),
    "a union of unknown levels": ({"levels = [\"8\", \"10\"]": "levels = [\"8\", \"9\"]"}, "'variables.diameter.unions.narrow.levels': '9' is no level ('8', '10', '12')"),
    "a union named as a level": ({"narrow = {": "12 = {"}, "'variables.diameter.unions.12': '12' is a level already"),
    "a level that means empty": ({"id = \"record\"": "id = \"record\"\nmissing = [\"NA\", \"north\"]"}, "entry 'cohort.missing': 'north' is also a level of 'centre'; take it out of this list"),
    "an arm that means empty": ({"id = \"record\"": "id = \"record\"\nmissing = [\"stent\"]"}, "entry 'cohort.missing': 'stent' is also a level of the arms"),
    "a grade that means empty": ({"id = \"record\"": "id = \"record\"\nmissing = [\"0.0\"]"}, "entry 'cohort.missing': '0' is also a grade of the adverse events"),
    "a level that means empty in its variable": ({"reference = \"south\"": "reference = \"south\"\nmissing = [\"north\"]"}, "entry 'variables.centre.missing': 'north' is also a level of 'centre'"),
    "a code that means event and empty": ({"index_date = \"started\"\nevent_dates = [\"died\"]\nlast_contact = \"last_seen\"": "time = \"t\"\nunit = \"days\"\nevent = \"d\"\nevent_values = [1]\ncensored_values = [0, 2]\nmissing = { event = [\"2.0\"] }"}, "entry 'endpoints.OS.missing': '2' is also a code of events of endpoint 'OS'"),
    "a code for event and censored": ({"index_date = \"started\"\nevent_dates = [\"died\"]\nlast_contact = \"last_seen\"": "time = \"t\"\nunit = \"days\"\nevent = \"d\"\nevent_values = [1]\ncensored_values = [\"1.0\"]"}, "entry 'endpoints.OS.event_values': '1' cannot mean both event and censored"),
    "two levels with one label": ({"south = \"South\"": "south = \"North\""}, "entry 'variables.centre.levels': the levels 'north' and 'south' have the same label, 'North'"),
    "a union labelled as a level": ({"label = \"Up to 10 mm\"": "label = \"10 mm\""}, "entry 'variables.diameter.levels': the levels '10' and 'narrow' have the same label, '10 mm'"),
    "two levels that are one code": ({"2 = \"Stage II\"": "2 = \"Stage II\", \"2.0\" = \"Stage IIa\""}, "entry 'variables.stage.levels': '2' and '2.0' are one and the same code"),
    "two endpoints with one label": ({"label = \"Progression-free survival\"": "label = \"Overall survival\""}, "entry 'endpoints': the endpoints 'OS' and 'PFS' have the same label, 'Overall survival'"),
    "a control character in a label": ({"label = \"Centre\"": "label = \"Cen\\u001Btre\""}, "entry 'variables.centre.label' holds the control character U+001B, which no document can show; take it out"),
    "a soft line break in a list": ({"assumptions = [\"how many": "assumptions = [\"how\\u000Bmany"}, "entry 'assumptions.0' holds the control character U+000B"),
    "a control character in a name": ({"[abbreviations]": "[abbreviations]\n\"A\\u0007\" = \"B\""}, "entry 'abbreviations' holds the control character U+0007"),
    "an arm called overall": ({"surgery = \"Surgery\"": "surgery = \"overall \""}, "entry 'arms.levels': 'Overall' is the label of the whole cohort"),
    "a population called as the cohort": ({"label = \"Patients with a known stage II or III\"": "label = \"Analysis cohort\""}, "entry 'populations': the populations 'primary' and 'staged' have the same label"),
    "a grade for not known": ({"unknown = \"not recorded\"": "unknown = \"3.0\""}, "entry 'adverse_events.table.unknown': '3.0' is also a grade"),
    "codes beside the word for not known": ({"[adverse_events]": "[adverse_events]\nmissing = [9]"}, "entry 'adverse_events.missing' is for grades in columns; in a table the entry 'unknown' has the word"),
    "codes of a column that is not there": ({"zero_time = \"half_day\"": "zero_time = \"half_day\"\nmissing = { time = [99] }"}, "entry 'endpoints.OS.missing.time': this endpoint has no 'time'"),
    "codes for one endpoint of two": ({"zero_time = \"half_day\"": "zero_time = \"half_day\"\nmissing = { last_contact = [\"1900-01-01\"] }"}, "entry 'endpoints.PFS.missing': column 'last_seen' is of endpoint 'OS' too, which names other codes for it"),
    "grade in two groups": ({"grades = [3, 4, 5]": "grades = [2, 3, 4]"}, "'adverse_events.groups': grade 2 is given twice"),
    "events by a thing twice": ({"terms = [\"bleeding\"]": "terms = [\"bleeding\", \"bleeding\"]"}, "'adverse_events.by.0.terms': an adverse event is given twice"),
    "two tables alike": ({"[[univariable]]": "[[adverse_events.by]]\nvariable = \"diameter\"\npopulation = \"stented\"\nterms = [\"fever\"]\n\n[[univariable]]"}, "'adverse_events.by.1': 'diameter' in population 'stented' is given twice"),
    "columns of events that are one": ({"grade = \"ctc\"": "grade = \"event\""}, "'adverse_events.table': patient, adverse event and grade are three columns"),
    "two events with a label": ({"fever = \"Fever\"": "fever = \"Bleeding\""}, "'adverse_events.terms': two adverse events have the same label"),
    "a union of a level twice": ({"levels = [\"8\", \"10\"]": "levels = [\"8\", \"8\"]"}, "'variables.diameter.unions.narrow.levels': a level is given twice"),
    "grade that cannot be": ({"grades = [3, 4, 5]": "grades = [3, 4, 6]"}, "entry 'adverse_events.groups.grave.grades.2': input should be less than or equal to 5, not 6"),
    "no group for nothing": ({"grades = [0]": "grades = [0, 1]", "grades = [1, 2]": "grades = [2]"}, "one group must hold grade 0 alone"),
    "any is taken": ({"mild = {": "any = {"}, "'adverse_events.groups.any': 'any' names the patients with the event at any grade"),
    "event named as a variable": ({"fever = \"Fever\"": "albumin = \"Albumin\""}, "'adverse_events.terms.albumin': this name is taken by another column"),
    "events by a number": ({"variable = \"diameter\"": "variable = \"years\""}, "'adverse_events.by.0.variable': 'years' is not categorical"),
    "events by nobody": ({"population = \"stented\"": "population = \"stinted\""}, "'adverse_events.by.0.population': no population 'stinted'; did you mean 'stented'?"),
    "events unknown": ({"terms = [\"bleeding\"]": "terms = [\"bleading\"]"}, "'adverse_events.by.0.terms': no adverse event 'bleading'; did you mean 'bleeding'?"),
    "course of a number": ({"course = [\"perforation\"]": "course = [\"years\"]"}, "'survival.course': 'years' is not categorical"),
    "course in Table 1": ({"course = [\"perforation\"]": "course = [\"centre\"]"}, "'survival.course': 'centre' is in Table 1 already"),
    "synthetic without a word": ({"synthetic_note = \"Every value was made up so that the tests have something to count.\"\n": ""}, "'synthetic_note' is missing: say what it means"),
    "assumed of real patients": ({"synthetic = true": "synthetic = false", "synthetic_note = \"Every value was made up so that the tests have something to count.\"\n": "", "assumptions = [\"how many died before month 12\"]\n": ""}, "step 'early_death' is assumed, which only a step of a synthetic cohort can be"),
    "univariable as one table": ({"[[univariable]]": "[univariable]"}, "entry 'univariable': there can be several, so write [[univariable]]"),
    "univariable twice": ({"[[univariable]]": "[[univariable]]\nendpoints = [\"OS\"]\nvariables = [\"years\"]\n\n[[univariable]]"}, "'univariable.1': endpoint 'OS' in population 'primary' is given twice"),
    "caliper in words": ({"caliper = 0.5": "caliper = \"narrow\""}, "entry 'populations.paired.matching.caliper': input should be a valid number or 'none', not 'narrow'"),
    "order of matching": ({"order = \"closest\"": "order = \"nearest\""}, "entry 'populations.paired.matching.order': input should be 'largest', 'smallest', 'data', 'closest' or 'random'"),
    "matching and steps": ({"label = \"Patients with a known stage II or III\"": "label = \"Both\"\nmatching = { caliper = 0.2, scale = \"logit\", caliper_sd = \"whole\", order = \"data\" }"}, "'populations.staged': give steps or a matching, not both"),
    "pairs out of pairs": ({"[propensity]": "[populations.again]\nlabel = \"Again\"\nof = \"paired\"\nmatching = { caliper = 0.2, scale = \"logit\", caliper_sd = \"whole\", order = \"data\" }\n\n[propensity]"}, "'populations.again.of': pairs are matched out of 'primary' or a population of steps, not out of 'paired'"),
    "propensity of nobody": ({"covariates = [\"years\", \"stage\", \"centre\"]": "covariates = [\"years\", \"stge\"]"}, "'propensity.covariates': no variable 'stge'; did you mean 'stage'?"),
    "propensity of the treatment": ({"covariates = [\"years\", \"stage\", \"centre\"]": "covariates = [\"years\", \"procedure\"]"}, "'propensity.covariates': 'procedure' is the treatment itself, which the score predicts"),
    "weights of the matched": ({"populations = [\"primary\"]\norders": "populations = [\"paired\"]\norders"}, "'propensity.populations': 'paired' is matched already; name the population it is matched out of"),
    "orders without calipers": ({"calipers = [0.2, 0.5, \"none\"]\n": ""}, "'propensity': orders and calipers belong together"),
    "spline of levels": ({"variables = [\"years\", \"albumin\"]": "variables = [\"years\", \"centre\"]"}, "'splines.variables': 'centre' is not continuous"),
    "too many knots": ({"knots = 3": "knots = 7"}, "entry 'splines.knots': input should be less than or equal to 5, not 7"),
    "reference of another": ({"references = { albumin = 40 }": "references = { albumn = 40 }"}, "'splines.references': 'albumn' is none of the splines' variables; did you mean 'albumin'?"),
    "subgroup of the treatment": ({"variables = [\"stage\", \"centre\", \"diameter\", \"perforation\"]": "variables = [\"procedure\"]"}, "'subgroups.variables': 'procedure' is the treatment itself"),
    "subgroup of a number": ({"variables = [\"stage\", \"centre\", \"diameter\", \"perforation\"]": "variables = [\"years\"]"}, "'subgroups.variables': 'years' is not categorical; cut it first"),
    "comparison named as a model": ({"name = \"calibre\"": "name = \"staged_only\"", "population = \"stented\"\npairwise": "population = \"staged\"\npairwise"}, "'within_arm.0.name': model 'staged_only' is given in population 'staged' already"),
    "comparison twice": ({"[[within_arm]]": "[[within_arm]]\nname = \"calibre\"\nlabel = \"C\"\nvariable = \"centre\"\npopulation = \"stented\"\npairwise = false\nendpoints = [\"PFS\"]\ncovariates = [\"years\"]\n\n[[within_arm]]"}, "'within_arm.1.name': 'calibre' in population 'stented' is given twice"),
    "comparison both ways": ({"[[within_arm]]": "[[univariable]]\nendpoints = [\"PFS\"]\npopulation = \"stented\"\nvariables = [\"diameter\"]\n\n[[within_arm]]", "pairwise = false": "pairwise = true"}, "'within_arm.0.pairwise': 'diameter' is in [[univariable]] in this population already"),
    "propensity that cannot exist": ({"covariates = [\"years\", \"stage\", \"centre\"]": "covariates = [\"years\", \"diameter\"]"}, "'propensity.covariates': 'diameter' cannot exist in every patient"),
    "comparison with itself": ({"endpoints = [\"PFS\"]\ncovariates = [\"years\"]": "endpoints = [\"PFS\"]\ncovariates = [\"diameter\"]"}, "'within_arm.0.covariates': 'diameter' is the variable that is compared"),
    "a value where it can exist": ({"test = \"welch\"": "test = \"welch\"\notherwise = 0"}, "'variables.years.otherwise' belongs to a continuous variable that has an applies_when"),
    "imputed from nothing": ({"auxiliary = [\"albumin\"]": "auxiliary = [\"albumen\"]"}, "'imputation.auxiliary': no variable 'albumen'; did you mean 'albumin'?"),
    "seed below zero": ({"seed = 7": "seed = -7"}, "entry 'seed': input should be greater than or equal to 0, not -7"),
    "an endpoint twice": ({"endpoints = [\"PFS\"]\npopulations": "endpoints = [\"PFS\", \"PFS\"]\npopulations"}, "'splines.endpoints': an endpoint is given twice"),
    "no population to analyse": ({"populations = [\"primary\", \"paired\"]": "populations = [\"primry\"]"}, "no population 'primry' to analyse; did you mean 'primary'? (populations: 'primary', 'staged',"),
    "confidence": ({"confidence = 0.9": "confidence = 90"}, "entry 'confidence': input should be less than 1, not 90"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENTRY, ids=list(ENTRY))
def test_a_mistake_gets_its_sentence(study_copy, case):
    replace, sentence = ENTRY[case]
    with pytest.raises(StudyError) as caught:
        read_study(study_copy(replace))
    message = str(caught.value)
    assert sentence in message
    assert "study.toml: " in message
    assert "\n" not in message.strip()


def test_no_such_folder_offers_the_nearest():
    with pytest.raises(StudyError, match=r"there is no folder 'data/gbsg'; did you mean 'data/gbsg2'\?"):
        read_study("data/gbsg")


def test_a_folder_without_a_study(tmp_path):
    with pytest.raises(StudyError, match=r"there is no study\.toml in this folder"):
        read_study(tmp_path)


def test_a_binary_study_file(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(StudyError, match="not a text file in UTF-8"):
        read_study(tmp_path)


def test_a_relative_folder_is_found_from_the_notebooks(monkeypatch):
    monkeypatch.chdir("notebooks")
    assert read_study("data/gbsg2").name == "gbsg2"


def test_a_study_is_frozen_and_names_what_it_leaves_out(study_copy):
    study = read_study("data/gbsg2")
    with pytest.raises(ValueError, match="frozen"):
        study.title = "another"
    assert list(left_out(study)) == ["07_progression", "08_adverse_events", "09_published_numbers"]
    assert left_out(read_study("data/ctrt")) == {}
    folder = study_copy()
    text = (folder / "study.toml").read_text()
    start, end = text.index("[[univariable]]"), text.index("[abbreviations]")
    kept = text[:start] + text[end:]
    kept = kept.replace('model = "stratified"\ntime = "time_dependent"', 'model = "unadjusted"\ntime = "fixed"')
    (folder / "study.toml").write_text(kept)
    assert list(left_out(read_study(folder))) == ["05_subgroups", "06_sensitivity"], "its pairs are shown in 04"


def test_a_treatment_forgotten_among_the_univariable_is_there(study_copy):
    whole = read_study(study_copy())
    forgotten = read_study(study_copy({'variables = ["procedure", "years", "stage"': 'variables = ["years", "stage"'}))
    assert forgotten.univariable == whole.univariable
    assert whole.univariable[0].variables[0] == "procedure"
