"""Executed 01: methods in prose, populations, variables, the STROBE statement, the trial imitated, links that land."""

import re
from importlib.metadata import version
from pathlib import Path

import docx
import nbformat
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint
from test_report import Page

from helpers import describe, tables, word, wording
from helpers.exhibits import Prose, Row, Table, linked, plain, refer
from helpers.ledger import joined, melt, select
from helpers.report import links, page, provenance
from helpers.report.runner import Executed
from helpers.study import read_study
from helpers.study.hindsight import hindsight, is_hindsight
from helpers.study.timing import Reporting
from helpers.wording.methods.works import WORKS

STUDIES = ("ctrt", "stent", "gbsg2")
STATEMENT = [
    *("1a", "1b", "2", "3", "4", "5", "6a", "6b", "7", "8", "9", "10", "11"),
    *("12a", "12b", "12c", "12d", "12e", "13a", "13b", "13c", "14a", "14b", "14c", "15"),
    *("16a", "16b", "16c", "17", "18", "19", "20", "21", "22"),
]


def everything(cohort) -> str:
    """What section 01 says of a study, as plain words."""
    study = cohort.study
    shown = [
        tables.populations(describe.flow(cohort), study=study),
        tables.variables(describe.missing(cohort), study=study),
        tables.target_trial(wording.target_trial(study), study=study),
        tables.strobe(wording.strobe(study), study=study),
    ]
    cells = [cell for table in shown for row in table.rows for cell in row.cells]
    return "\n".join([repr(wording.methods(study)), repr(wording.hindsights(study)), *map(plain, cells)])


@pytest.fixture(params=STUDIES)
def cohort(request):
    return request.getfixturevalue(request.param)


def test_the_statement_is_whole_and_every_item_answered(cohort):
    items = wording.strobe(cohort.study)
    assert [item.number for item in items] == STATEMENT
    assert len({re.sub(r"\D", "", item.number) for item in items}) == 22
    assert all(item.asked and item.answer for item in items)
    assert len({item.asked for item in items}) == len(items)


def test_whatever_a_study_reports_is_shown_once(study_copy):
    entries = {name: f"What is told of {name}, at length." for name in Reporting.model_fields}
    given = "\n[reporting]\n" + "\n".join(f'{name} = "{said}"' for name, said in entries.items())
    study = read_study(study_copy(append=given))
    shown = repr(wording.methods(study)) + "\n".join(item.answer for item in wording.strobe(study))
    for said in entries.values():
        assert shown.casefold().count(said.casefold()) == 1, said
    assert "Belongs in the manuscript; the study file" not in shown


def test_what_a_study_does_not_report_is_said(stent):
    study = stent.study.model_copy(update={"reporting": Reporting()})
    answers = {item.number: item.answer for item in wording.strobe(study)}
    for number, entry in {"2": "background", "5": "setting", "10": "sample_size", "22": "funding"}.items():
        assert answers[number] == f"Belongs in the manuscript; the study file does not say ('reporting.{entry}')."


def test_the_real_studies_report_all_they_say(cohort):
    shown = everything(cohort).casefold()
    for name, said in cohort.study.reporting.model_dump().items():
        assert said.strip().casefold() in shown, name


def test_the_invented_study_has_its_own_numbers_and_none_of_the_papers(stent):
    said = " ".join(plain(each) for _, _, each in wording.methods(stent.study).paragraphs)
    for own in (
        "pointwise 90% confidence intervals",
        "complementary log-log scale",
        "rates at 6, 12 and 48 months",
        "18 months for overall survival and 12 months for progression-free survival",
        "beyond the data cut-off (2021-12-31)",
        "A time of zero was taken as half a day for overall survival.",
        "Age was compared by Welch's t test.",
        "albumin as median and interquartile range",
        "of 4 candidates, those whose univariable P by Wald's test of any of its levels was below 0.2",
        "with baseline hazards stratified by centre",
        "5 completed copies after 3 rounds each",
        "within a caliper of 0.5 standard deviations of the logit of the score, pooled within the arms",
        "the nearest pair of all made first",
        "with 3 knots at Harrell's quantiles",
        "at the median of the patients analysed and at 40 for albumin",
        "from 40 bootstrap samples of patients",
        "for all 4 tests",
        "A start at the very time of an event or of censoring was taken as never having begun.",
        "Landmark analyses at 1 and 3 months",
        "beginning within 2 months and not beginning within them",
        "percentile intervals from 20 bootstrap samples of patients",
        "grade 4 or higher",
        "two-sided at the level of 10%, and intervals cover 90%",
        "seed 7.",
    ):
        assert own in said, own
    for foreign in ("cTRT", "95%", "SCLC", "CTCAE", "hospital", "20 completed", "171", "0.05", "24 months"):
        assert foreign not in said, foreign


def test_only_what_a_study_asks_for_is_in_its_methods(gbsg2):
    prose = wording.methods(gbsg2.study)
    absent = {"within_arm", "exposure", "simulation", "progression", "adverse_events"}
    assert not absent & {name for name, _, _ in prose.paragraphs}
    said = repr(prose)
    for word_ in ("chained", "immortal", "Gray", "Newcombe", "landmark", "synthetic", "cut-off"):
        assert word_ not in said
    assert "No value was imputed." in said


def test_works_are_numbered_as_they_are_cited_and_no_other_is_listed(cohort):
    prose = wording.methods(cohort.study)
    cited = [
        int(n)
        for _, _, said in prose.paragraphs
        for each in re.findall(r"\[([\d, ]+)\]", said)
        for n in each.split(",")
    ]
    assert list(dict.fromkeys(cited)) == list(range(1, len(prose.cited) + 1))
    assert len(set(prose.cited)) == len(prose.cited)
    assert "\ue000" not in repr(prose)


def test_every_work_is_cited_by_some_study(ctrt, stent):
    cited = {work for each in (ctrt, stent) for work in wording.methods(each.study).cited}
    assert cited == set(WORKS.values())


def test_no_part_of_a_method_shows_a_name_of_the_program(cohort):
    said = repr(wording.methods(cohort.study))
    assert not re.search(r"\b\w+_\w+\b|None\b|\{|\}|  ", re.sub(r"“[^”]*”", "“x”", said))
    assert not re.search(r"\.\.|\(\)|,,| \.|,\.", said)


@pytest.fixture
def small(tmp_path):
    """Six patients: a dose that only the treated can have, a stage known later."""
    frame = pd.DataFrame(
        {
            "arm": ["a", "a", "a", "b", "b", "b"],
            "age": [60, "", 62, "", "", 65],
            "dose": ["", "", "", 1, "", 2],
            "stage": ["i", "ii", "", "i", "i", ""],
            "time": [1, 2, 3, 4, 5, 6],
            "event": [1, 0, 1, 1, 0, 1],
        }
    )
    given = {"column": "arm", "op": "==", "value": "b"}
    entries = {
        "arms": arms("arm", "a", "b"),
        "variables": {
            "age": continuous(label="Age", unit="years"),
            "dose": continuous(label="Dose", applies_when=given),
            "stage": categorical("i", "ii", label="Stage", post_baseline=True),
        },
        "endpoints": {"OS": endpoint()},
    }
    late = {"name": "late", "reason": "Stage II", "exclude": {"column": "stage", "op": "==", "value": "ii"}}
    early = {"name": "early", "reason": "Early death", "exclude_event": {"endpoint": "OS", "before_months": 2.0}}
    old = {"name": "old", "reason": "Old", "exclude": {"column": "age", "op": "missing"}}
    sets = {
        "known": [old],
        "lived": [early],
        "staged": [{**late, "name": "none", "exclude": {"column": "stage", "op": "missing"}}, late],
    }
    entries["populations"] = {name: {"label": name.title(), "steps": steps} for name, steps in sets.items()}
    entries["populations"]["both"] = {"label": "Both", "of": "lived"}
    return cohort_of(tmp_path / "small", frame, **entries)


def test_missing_values_are_those_of_patients_who_can_have_one(small):
    found = describe.missing(small).set_index("variable")[["n", "n_missing", "percent_missing"]]
    assert found.loc["age"].tolist() == [3, 3, 50]
    assert found.loc["dose"].tolist() == [2, 1, pytest.approx(100 / 3)]
    assert found.loc["stage"].tolist() == [4, 2, pytest.approx(100 / 3)]
    table = tables.variables(describe.missing(small), study=small.study)
    cells = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert cells["Age"] == ("years", "all", "3 (50.0)", "E C")
    assert cells["Dose"][:3] == ("number", "arm is arm b", "1 (33.3)")
    assert cells["Stage†"][:3] == ("level i; level ii", "all", "2 (33.3)")


def test_missing_counts_are_rows_that_table_1_has_too(cohort):
    rows = melt([describe.missing(cohort)], "01_methods")
    assert set(rows["variable"]) == set(cohort.study.variables)
    table_one = melt([describe.counts(cohort), describe.summaries(cohort)], "02_cohort")
    both = joined([rows, table_one])
    shared = select(rows, variable=[n for n in cohort.study.table_one.variables if cohort.study.variables[n].levels])
    assert len(both) == len(rows) + len(table_one) - len(shared)


def test_hindsight_is_an_event_or_what_is_known_later(small, gbsg2, ctrt):
    assert [name for name in small.study.populations if is_hindsight(small.study, name)] == ["lived", "staged", "both"]
    assert [(where, step.name) for where, step in hindsight(small.study, "both")] == [("lived", "early")]
    assert repr(wording.hindsights(gbsg2.study)) == "No population is chosen by what happened after time zero."
    said = repr(wording.hindsights(ctrt.study))
    assert said.startswith("Who belongs to the analysis cohort, “Patients who did not die within 2 months")
    assert "Died within 3 months of starting first-line treatment" in said


def test_populations_are_told_with_how_they_are_made_and_used(stent):
    flow = describe.flow(stent)
    cells = {row.cells[0]: row.cells[1:] for row in tables.populations(flow, study=stent.study).rows}
    assert set(cells) == {
        "All patients screened",
        "Analysis cohort\u00a0‡",
        "Patients with a known stage II or III\u00a0‡",
        "Patients who lived a year\u00a0‡",
        "Patients with a stent\u00a0‡",
        "Paired patients\u00a0‡",
    }
    made, overall, surgery, stented, used = cells["Patients with a stent\u00a0‡"]
    assert made == f"Analysis cohort, without: surgery ({len(stent.rows()) - len(stent.rows('stented'))})"
    assert [overall, surgery, stented] == [str(len(stent.rows("stented"))), "0", overall]
    assert used == "levels of stent diameter; adverse events by stent diameter"
    made, *_, used = cells["Paired patients\u00a0‡"]
    assert made == "Pairs out of analysis cohort: 1:1, logit of the propensity score, caliper 0.5 SD"
    assert used == "characteristics before and after matching; splines"


def test_variables_are_told_with_their_roles(stent):
    table = tables.variables(describe.missing(stent), study=stent.study)
    cells = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert list(cells) == [each.label + "†" * each.post_baseline for each in stent.study.variables.values()]
    assert cells["Stent diameter"][:2] == ("10 mm; 8 mm; 12 mm", "Procedure is Self-expanding stent")
    assert cells["Stent diameter"][3] == "C G L A"
    assert cells["Centre"][3] == "C M1s P G"
    assert cells["Admission to stent†"][3] == "T"
    assert "C, characteristics by arm" in table.notes[1]
    assert "M1s, stratum of model “stratified by centre”" in table.notes[1]
    assert cells["Albumin"][0] == "g/L; hazard ratio per 5"


def test_the_trial_imitated_names_immortal_time_and_what_is_adjusted_too_late(stent, gbsg2):
    with_start, without = ({part.name: part for part in wording.target_trial(each.study)} for each in (stent, gbsg2))
    assert len(with_start) == 8
    assert list(with_start) == list(without)
    assert "Treatment begins later (admission to stent)" in with_start["Time zero"].shortfall
    assert "immortal time" in with_start["Time zero"].shortfall
    assert "a grace period of 2 months" in with_start["Treatment strategies"].cohort
    assert "known only after time zero (perforation)" in with_start["Assignment"].shortfall
    assert "“Patients who lived a year”" in with_start["Eligibility"].shortfall
    assert without["Eligibility"].shortfall == "Nothing that the study file names."
    assert "It is assumed that treatment was decided by then" in without["Time zero"].shortfall
    assert "[exposure]" in without["Treatment strategies"].shortfall


def test_software_is_what_is_installed(stent):
    shown = {row.cells[0]: row.cells[1] for row in tables.software(stent.study).rows}
    assert shown.pop("helpers")
    assert shown == {name: version(name) for name in shown}
    assert "python" not in shown


def shown(name: str, *outputs: str) -> Executed:
    """A section whose notebook shows HTML, as if it had run."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell(f"# Title of {name}"), nbformat.v4.new_code_cell("show()")]
    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", {"text/html": each}) for each in outputs]
    return Executed(name, notebook, 0.0, {})


def rendered(study, sections: list[Executed], folder: Path) -> str:
    record = provenance.record(study, sections, {}, 0.0)
    return page.render(study, sections, page.number_exhibits(sections), folder, record)


def test_every_link_lands_and_what_is_not_there_is_said(stent, tmp_path):
    study = stent.study
    own = [
        wording.methods(study),
        tables.populations(describe.flow(stent), study=study),
        tables.variables(describe.missing(stent), study=study),
        tables.target_trial(wording.target_trial(study), study=study),
        tables.strobe(wording.strobe(study), study=study),
    ]
    baseline = Table("baseline", "Characteristics", ("A", "B"), (Row(("a", "1")),))
    sections = [
        shown("01_methods", *(each._repr_html_() for each in own)),
        shown("02_cohort", baseline._repr_html_(), baseline._repr_html_()),
    ]
    html = rendered(study, sections, tmp_path)
    found = Page(html)
    targets = {link[1:] for link in found.links if link.startswith("#")}
    assert targets <= set(found.anchors)
    assert len(found.anchors) == len(set(found.anchors))
    assert {"table-baseline", "table-variables", "text-design", "text-exposure", "01_methods"} <= targets
    assert '<a href="#table-baseline">Table 1</a>' in html
    assert '<a href="#01_methods">section “Title of 01_methods”</a>' in html
    assert "flow of patients, section 02 (not in this report)" in html
    assert "data-ref" not in html
    assert "[[" not in html


def test_references_are_words_outside_the_report_and_numbers_in_its_files(stent, tmp_path):
    cell = f"See {refer('Table', 'baseline', 'characteristics, section 02')}; {refer('Figure', 'gone', 'a figure')}."
    table = Table("strobe", "T", ("A", "B"), (Row(("1", cell)),))
    assert table.csv().splitlines()[1] == '1,"See characteristics, section 02; a figure."'
    word.write(table, "1", tmp_path / "t.docx")
    grid = docx.Document(tmp_path / "t.docx").tables[0]
    assert grid.cell(1, 1).text == "See characteristics, section 02; a figure."
    places = links.places([shown("02_cohort")], {("Table", "baseline"): 6})
    exported = table.resolved(links.said(places))
    assert exported.rows[0].cells[1] == "See Table 6; a figure (not in this report)."
    assert table.rows[0].cells[1] == cell


def test_no_text_becomes_markup():
    shown_ = linked("a < b [[Table:x|<script>]] [[Table:x y|no]] [[Other:x|no]]")
    assert shown_ == (
        'a &lt; b <span class="ref" data-ref="Table:x">&lt;script&gt;</span> [[Table:x y|no]] [[Other:x|no]]'
    )
    assert "<i>" not in Prose((("x", "<i>", "<i>"),), ("<i>",))._repr_html_()
