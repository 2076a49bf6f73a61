"""Adverse events: worst grades from either table, differences between the arms, what the reader meets."""

import base64
import hashlib
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from agreement import compare, reference
from building import arms, categorical, cohort_of, endpoint
from public import load

from helpers import describe, tables, wording
from helpers.__main__ import main
from helpers.cohort import examine, read_cohort
from helpers.describe.toxicity import METHOD, NO_GRADE, newcombe
from helpers.errors import CohortError
from helpers.exhibits import Block, Filters, Row, Table
from helpers.ledger import melt, select
from helpers.report import page, provenance
from helpers.report.runner import Executed
from helpers.study import read_study

STENT = "tests/studies/stent"
GROUPS = {
    "none": {"label": "None", "grades": [0]},
    "low": {"label": "Low", "grades": [1]},
    "high": {"label": "High", "grades": [2, 3, 4, 5]},
}
PUBLISHED = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (0, 10, 0, 10): (-0.2775, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0),
    (10, 10, 0, 10): (0.6075, 1.0),
}
HAND = {
    "arm": ["a"] * 5 + ["b"] * 4,
    "size": ["s", "l", "s", "l", "s", "s", "l", "s", ""],
    "rash": [0, 1, 2, 3, "", 0, 0, 2, 1],
    "itch": [0, 0, "", 1, 0, 0, 1, 0, 1],
}


def graded(folder, frame, *, severe=2, variables=None, **entries):
    """A cohort whose columns other than arm and size are worst grades."""
    terms = {name: f"The {name}" for name in frame if name not in {"arm", "size"}}
    table = pd.DataFrame({"size": "s", **frame}).assign(time=1, event=1)
    events = {"grading": "Made up", "severe": severe, "groups": GROUPS, "terms": terms, **entries.pop("events", {})}
    study = {
        "arms": arms("arm", *dict.fromkeys(frame["arm"])),
        "endpoints": {"OS": endpoint()},
        "variables": variables or {"size": categorical("s", "l")},
    }
    return cohort_of(folder, table, **study, adverse_events=events, **entries)


@pytest.mark.parametrize("counts", PUBLISHED)
def test_newcombes_own_examples(counts):
    difference, low, high = newcombe([counts[0], counts[2]], [counts[1], counts[3]], 0.95)
    assert difference == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3], abs=1e-15)
    assert (round(low, 4), round(high, 4)) == PUBLISHED[counts]


def test_differences_of_shares_agree_with_r(tmp_path, record_property):
    pbc, colon, rotterdam = load("pbc"), load("colon_wide[Obs,Lev+5FU]"), load("rotterdam")
    signs = pbc.assign(edema=2 * pbc["edema"])[["ascites", "hepato", "spiders", "edema", "stage"]]
    frames = {
        "pbc": signs.assign(arm=pbc["trt"].map({1: "first", 2: "second"})).sort_values("arm"),
        "colon_wide[Obs,Lev+5FU]": colon[["obstruct", "perfor", "adhere", "differ", "extent"]].assign(arm=colon["rx"]),
        "rotterdam": rotterdam[["meno", "grade"]].assign(arm=rotterdam["hormon"].map({0: "no", 1: "yes"})),
    }
    computed = {}
    for name, frame in frames.items():
        order = {"colon_wide[Obs,Lev+5FU]": "Obs", "pbc": "first", "rotterdam": "no"}[name]
        frame = frame.sort_values("arm", key=lambda column, order=order: column != order)
        for confidence in (0.9, 0.95):
            folder = tmp_path / f"{name[:3]}{confidence}"
            cohort = graded(folder, frame.to_dict("list"), confidence=confidence)
            for _, row in describe.risk_differences(cohort).iterrows():
                for statistic in ("risk_difference", "risk_difference_low", "risk_difference_high", "p_test"):
                    term = f"{row['variable']}|{row['level']}"
                    computed[name, f"risk_difference@{confidence:g}", term, statistic] = row[statistic]
    for dataset, analysis, term, _ in reference("toxicity.csv"):
        if analysis == "trend":
            events, sizes = ([int(each) for each in part.split(",")] for part in term.split(" of "))
            computed[dataset, analysis, term, "p"] = describe.exact_trend(events, sizes)
    compare("toxicity.csv", computed, record_property)


def _tables(cohort, differences):
    """The exhibits of a cohort's adverse events."""
    frames = {"differences": differences, "trends": describe.toxicity_trends(cohort)}
    return tables.adverse_events(describe.adverse_events(cohort), **frames, study=cohort.study)


def test_the_limits_of_a_share_by_hand():
    """Wilson (1927): the roots of (x - np)² = z² n p (1 - p)."""
    low, high = describe.wilson(5, 91, 0.95)
    for p in (low, high):
        assert (5 - 91 * p) ** 2 == pytest.approx(1.959963985**2 * 91 * p * (1 - p), rel=1e-8)
    assert low < 5 / 91 < high


def test_differences_of_shares_worked_by_hand(tmp_path):
    cohort = graded(tmp_path, HAND)
    counted = describe.adverse_events(cohort)

    def of(variable, group):
        rows = select(counted, variable=variable, group=group).set_index("level")
        return rows["n"].astype(int).to_dict(), int(rows.loc["", "n_missing"]), rows["percent"]

    n, missing, percent = of("rash", "a")
    assert n == {"": 4, "none": 1, "low": 1, "high": 2, "any": 3, "severe": 2}
    assert (missing, percent["any"], percent["severe"]) == (1, 75, 50)
    n, missing, percent = of("any event", "a")
    assert (n, missing) == ({"": 3, "none": 1, "low": 1, "high": 1, "any": 3, "severe": 2}, 2)
    assert (percent["any"], percent["severe"]) == (75, 50)
    n, missing, percent = of("any event", "overall")
    assert n == {"": 7, "none": 2, "low": 3, "high": 2, "any": 6, "severe": 3}
    assert (missing, percent["any"], percent["severe"]) == (2, 75, 37.5)
    found = describe.risk_differences(cohort).set_index(["variable", "level"])
    assert list(found.index) == [(term, level) for term in ("rash", "itch", "any event") for level in ("any", "severe")]
    assert found.loc[("rash", "any"), "risk_difference"] == 100 * (2 / 4 - 3 / 4)
    assert found.loc[("rash", "any"), "p_test"] == pytest.approx(1)
    assert found.loc[("any event", "severe"), "risk_difference"] == pytest.approx(100 * (1 / 4 - 2 / 4))
    assert found.loc[("itch", "severe"), "risk_difference"] == 0
    assert found.loc[("itch", "severe"), "not_estimable"] == {"p_test": "nobody has it"}
    assert set(found["reference"]) == {"a"}
    assert set(found["method"]) == {METHOD}
    assert (found["risk_difference_low"] < found["risk_difference_high"]).all()


def test_fisher_by_hand(tmp_path):
    cohort = graded(tmp_path, {"arm": ["a"] * 4 + ["b"] * 4, "rash": [0, 0, 0, 0, 1, 1, 1, 0]})
    row = select(describe.risk_differences(cohort), variable="rash", level="any").iloc[0]
    assert row["p_test"] == pytest.approx(2 * 4 / 56)
    assert row["risk_difference"] == 75


def test_an_arm_without_a_known_grade_has_a_reason(tmp_path):
    cohort = graded(tmp_path, {"arm": ["a", "a", "b", "b"], "rash": [0, 1, "", ""], "itch": [0, 1, 1, 1]})
    found = describe.risk_differences(cohort)
    why = found["not_estimable"].map(lambda each: set(each.values())).tolist()
    assert why == [{NO_GRADE}, {NO_GRADE}, set(), {"nobody has it"}, set(), {NO_GRADE}]
    table = _tables(cohort, found)[0]
    assert table.rows[2].cells[1:] == ("1 (50.0)", "1 (50.0)", "0 (n.e.)", "", "")
    assert table.rows[3].cells[4:] == ("n.e.", "n.e.")
    assert f"n.e., not estimable: no patient has a known value; {NO_GRADE}." in table.notes
    said = wording.adverse_events(melt([describe.adverse_events(cohort), found], "x"), study=cohort.study).sentences
    assert said[-1].startswith("Of 2 differences between the arms, at any grade and at high, not corrected for their")
    assert said[-1].endswith("none has a 95% interval without zero.")


def test_a_study_without_adverse_events_has_no_rows(gbsg2):
    assert describe.adverse_events(gbsg2).empty
    assert describe.risk_differences(gbsg2).empty


def test_events_by_two_variables_may_be_different_ones(tmp_path):
    by = [
        {"variable": "size", "population": "all", "terms": ["rash"]},
        {"variable": "arm_size", "population": "all", "terms": ["itch"]},
    ]
    variables = {"size": categorical("s", "l"), "arm_size": categorical("s", "l", column="size")}
    cohort = graded(tmp_path, HAND, events={"by": by}, populations={"all": {"label": "All"}}, variables=variables)
    differences = describe.risk_differences(cohort)
    shown = _tables(cohort, differences)
    assert [table.rows[0].cells[0] for table in shown] == ["The rash", "The rash", "The itch"]
    told = "All: 9; in no column, their A factor not known: 1. The columns are described, not compared."
    assert told in shown[1].notes


def edited(study_copy, change=lambda rows: rows, **replace):
    """A copy of the invented study with its table of events changed."""
    folder = study_copy({**replace.get("study", {})})
    path = folder / "toxicity.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(rows).to_csv(path, index=False)
    return folder


def test_rows_of_events_give_the_worst_grade(stent):
    rows = pd.read_csv(f"{STENT}/toxicity.csv", dtype=str)
    ids = pd.read_csv(f"{STENT}/cohort.csv", dtype=str)["record"].set_axis(range(2, 66))
    assert rows.duplicated(["patient", "event"]).sum() == 15
    for term in ("fever", "bleeding"):
        for row, patient in ids.items():
            own = rows.loc[(rows["patient"] == patient) & (rows["event"] == term), "ctc"].tolist()
            expected = np.nan if "not recorded" in own else max(map(float, own), default=0)
            np.testing.assert_equal(stent.data.loc[row, term], expected)
    assert stent.data["fever"].fillna(-1).value_counts().to_dict() == {0: 19, 1: 14, 2: 6, 3: 11, -1: 14}


def test_identifiers_grades_and_words_are_the_same_with_and_without_decimals(stent, study_copy):
    numbered = {"record": lambda t: t["record"].str.removeprefix("P") + ".00"}
    folder = edited(
        study_copy,
        lambda t: t.assign(
            patient=t["patient"].str.removeprefix("P"), ctc=t["ctc"].replace("not recorded", "99") + ".0"
        ),
        study={'unknown = "not recorded"': 'unknown = "99"'},
    )
    pd.read_csv(folder / "cohort.csv", dtype=str).assign(**numbered).to_csv(folder / "cohort.csv", index=False)
    events = describe.adverse_events(read_cohort(read_study(folder)))
    pd.testing.assert_frame_equal(events, describe.adverse_events(stent))


def test_a_table_of_events_and_columns_say_the_same(stent, study_copy):
    table = (
        'table = { source = "toxicity.csv", id = "patient", term = "event", grade = "ctc", unknown = "not recorded" }\n'
    )
    folder = study_copy({table: ""})
    patients = pd.read_csv(folder / "cohort.csv", dtype=str)
    wide = stent.data[["fever", "bleeding"]].set_axis(patients.index).astype("Int64")
    patients.join(wide).to_csv(folder / "cohort.csv", index=False)
    cohort = read_cohort(read_study(folder))
    columns, events = (describe.adverse_events(each) for each in (cohort, stent))
    by_grade = ~columns["level"].isin(["any", "severe"])
    pd.testing.assert_frame_equal(columns[by_grade], events[by_grade], check_exact=True)
    for arm, known, unknown in (("surgery", 15, 7), ("stent", 13, 7)):
        any_grade = {"variable": "fever", "level": "any", "group": arm}
        assert select(columns, **any_grade)["n"].iloc[0] == known
        row = select(events, **any_grade).iloc[0]
        assert (row["n"], row["percent"]) == (known + unknown, pytest.approx(100 * (known + unknown) / 30))


def row(place, column, value):
    def change(rows):
        rows.loc[place - 2, column] = value
        return rows

    return change


SENTENCES = {
    "unknown patient": (row(5, "patient", "P9999"), "toxicity.csv, column 'patient', row 5: no patient of cohort.csv has this identifier"),
    "no patient": (row(5, "patient", ""), "toxicity.csv, column 'patient', row 5: the identifier is missing"),
    "unknown event": (row(7, "event", "feverr"), "toxicity.csv, column 'event', row 7: 'feverr' is no adverse event of the study file; did you mean 'fever'?"),
    "no event": (row(7, "event", ""), "toxicity.csv, column 'event', row 7: the adverse event is missing"),
    "grade beyond": (row(3, "ctc", "6"), "toxicity.csv, column 'ctc', row 3: '6' is no grade of the study file's groups (0, 1, 2, 3, 4, 5)"),
    "half a grade": (row(3, "ctc", "2.5"), "toxicity.csv, column 'ctc', row 3: '2.5' is no grade"),
    "a word": (row(3, "ctc", "severe"), "toxicity.csv, column 'ctc', row 3: 'severe' is no grade"),
    "no grade": (row(3, "ctc", ""), "toxicity.csv, column 'ctc', row 3: the grade is missing; write 'not recorded' where it is not known"),
    "no column": (lambda rows: rows.rename(columns={"ctc": "ctcae"}), "toxicity.csv: there is no column 'ctc' (entry 'adverse_events.table.grade'); did you mean 'ctcae'?"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SENTENCES)
def test_what_does_not_fit_in_a_table_of_events_is_one_sentence(study_copy, fault, capsys):
    change, sentence = SENTENCES[fault]
    folder = edited(study_copy, change)
    with pytest.raises(CohortError, match=re.escape(sentence)):
        read_cohort(read_study(folder))
    problems = [finding for finding in examine(read_study(folder)) if finding.problem]
    assert [(each.entry, sentence in each.problem) for each in problems] == [("adverse_events.table", True)]
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert not re.search(r"P\d{4}", shown.out + shown.err)


def test_several_faults_in_a_table_of_events_are_all_listed(study_copy):
    folder = edited(study_copy, lambda rows: row(9, "event", "bleading")(row(3, "ctc", "6")(row(4, "ctc", "7")(rows))))
    problems = [finding.problem for finding in examine(read_study(folder)) if finding.problem]
    assert len(problems) == 2
    assert problems[1].endswith("(0, 1, 2, 3, 4, 5) (and 1 more row)")


def test_columns_of_events_exchanged_show_no_identifier(study_copy, capsys):
    folder = study_copy({'id = "patient", term = "event"': 'id = "event", term = "patient"'})
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr()
    assert "(an identifier, not shown) is no adverse event of the study file" in shown.err
    assert not re.search(r"P\d{4}", shown.out + shown.err)


def test_a_missing_or_unreadable_table_of_events(study_copy):
    folder = study_copy()
    text = (folder / "toxicity.csv").read_text()
    (folder / "toxicity.csv").write_text(text.replace(",", ";"))
    with pytest.raises(CohortError, match=r"toxicity.csv: columns are separated by ';' here"):
        read_cohort(read_study(folder))
    (folder / "toxicity.csv").rename(folder / "toxicities.csv")
    with pytest.raises(CohortError, match=r"toxicity.csv: there is no such file; did you mean 'toxicities.csv'\?"):
        read_cohort(read_study(folder))
    found = [finding for finding in examine(read_study(folder)) if finding.problem]
    assert [finding.entry for finding in found] == ["adverse_events.table.source"]


def test_nobody_with_an_event_is_possible(study_copy):
    cohort = read_cohort(read_study(edited(study_copy, lambda rows: rows.head(0))))
    assert (cohort.data[["fever", "bleeding"]] == 0).all(axis=None)


def test_without_a_word_for_it_a_grade_must_be_known(study_copy):
    folder = edited(study_copy, row(3, "ctc", ""), study={', unknown = "not recorded"': ""})
    said = [finding.problem for finding in examine(read_study(folder)) if finding.problem]
    assert any(
        "the grade is missing; entry 'adverse_events.table.unknown' is the word for not known" in each for each in said
    )
    assert any("'not recorded' is no grade" in each for each in said)


def test_the_table_of_events_is_among_the_checksums(stent):
    digest = hashlib.sha256((stent.study.folder / "toxicity.csv").read_bytes()).hexdigest()
    assert stent.study.checksums()["toxicity.csv"] == digest
    assert list(stent.study.checksums()) == ["study.toml", "cohort.csv", "toxicity.csv", "published.csv"]


@pytest.fixture
def shown(stent):
    differences = describe.risk_differences(stent)
    return _tables(stent, differences)


def test_adverse_events_as_tables(shown, stent):
    first, second = shown
    assert first.header == (
        "Adverse event",
        "Overall (n\u00a0=\u00a060)",
        "Surgery (n\u00a0=\u00a030)",
        "Self-expanding stent (n\u00a0=\u00a030)",
        "Difference (90%\u00a0CI)",
        "P",
    )
    cells = {row.cells[0]: row.cells[1:] for row in first.rows[7:13]}
    assert cells["Grades 3 to 5"] == ("8 (13.3)", "0 (0.0)", "8 (26.7)", "", "")
    assert cells["Any grade"] == ("14 (23.3)", "0 (0.0)", "14 (46.7)", "46.7 (30.3–61.3)", "<0.001")
    assert cells["Grade 4 or higher"] == ("8 (13.3)", "0 (0.0)", "8 (26.7)", "26.7 (13.0–41.5)", "0.005")
    assert first.rows[6].cells == ("Missing", "14 (23.3)", "7 (23.3)", "7 (23.3)", "", "")
    assert first.rows[13].cells[0] == "Any adverse event"
    assert "5 tests, not corrected for their number." in " ".join(first.notes)
    assert [row.cells[0] for row in second.rows] == [
        "Bleeding", "Absent", "Grades 1 and 2", "Grades 3 to 5", "Any grade", "Grade 4 or higher",
    ]  # fmt: skip
    assert second.header[1] == "8 mm (n\u00a0=\u00a09)"
    assert "Patients with a stent: 30, all in a column. The columns are described, not compared." in second.notes
    assert (second.filters, {table.mark for table in shown}) == (None, {stent.study.mark})


def test_patients_in_no_column_are_told(study_copy):
    folder = study_copy()
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    table.loc[table["procedure"].eq("stent").idxmax(), "stent_mm"] = None
    table.to_csv(folder / "cohort.csv", index=False)
    cohort = read_cohort(read_study(folder))
    differences = describe.risk_differences(cohort)
    _, by = _tables(cohort, differences)
    assert "Patients with a stent: 30; in no column, their stent diameter not known: 1." in by.notes[1]


def test_grades_that_a_group_holds_have_no_second_row(ctrt):
    differences = describe.risk_differences(ctrt)
    first, *by = _tables(ctrt, differences)
    assert len(first.rows) == 15 * 5
    pneumonitis = {row.cells[0]: row.cells[1:] for row in first.rows[35:40]}
    assert pneumonitis["Grade III/IV"] == ("5 (2.9)", "0 (0.0)", "5 (5.5)", "§ 5.5 (2.4–12.2)", "–")
    anyone = ctrt.rows()[["radiation_pneumonitis", "immune_pneumonitis"]].max(axis=1)
    shares = [int((anyone[ctrt.rows()["arm"] == arm] > 0).sum()) for arm in ctrt.study.arms.levels]
    together = {row.cells[0]: row.cells[1:] for row in first.rows[66:70]}
    assert [cell.partition(" ")[0] for cell in together["Any grade"][1:3]] == [str(each) for each in shares]
    row = select(differences, variable="pneumonitis", level="severe").iloc[0]
    assert row["p_test"] < 0.05, "any pneumonitis of grade 3 or more is the comparison clinicians need"
    assert [table.title for table in by] == [
        "Adverse events by radiotherapy dose (Patients treated with cTRT)",
        "Adverse events by fractionation (Patients treated with cTRT)",
    ]
    counts = select(describe.adverse_events(ctrt), level="severe")["n"].tolist()
    assert counts == select(describe.adverse_events(ctrt), level="grade_3_4")["n"].tolist()


def test_differences_of_matched_patients_say_that_pairs_are_not_counted(stent):
    frames = describe.adverse_events(stent, "paired"), describe.risk_differences(stent, "paired")
    trends = describe.toxicity_trends(stent)
    first, _ = tables.adverse_events(frames[0], differences=frames[1], trends=trends, study=stent.study)
    assert first.title == "Adverse events (Paired patients)"
    assert "Errors take paired patients as independent." in first.notes


def test_adverse_events_in_words(stent):
    rows = melt([describe.adverse_events(stent), describe.risk_differences(stent)], "x")
    said = wording.adverse_events(rows, study=stent.study).sentences
    assert said == (
        "Most common at any grade, “Surgery” and “Self-expanding stent”: fever 22 (73.3%) and 20 (66.7%); bleeding "
        "0 (0.0%) and 14 (46.7%).",
        "Most common at grade 4 or higher, “Surgery” and “Self-expanding stent”: bleeding 0 (0.0%) and 8 (26.7%).",
        "Only with “Self-expanding stent”: bleeding.",
        "Of 5 differences between the arms, at any grade and at grade 4 or higher, not corrected for their number, 3 "
        "have a 90% interval without zero; “Self-expanding stent” minus “Surgery” in percentage points: bleeding 46.7 "
        "(30.3–61.3); any adverse event at grade 4 or higher 32.0 (15.3–48.4); bleeding at grade 4 or higher 26.7 "
        "(13.0–41.5).",
    )
    alone = melt([describe.adverse_events(stent, "stented"), describe.risk_differences(stent, "stented")], "x")
    said = wording.adverse_events(alone, study=stent.study).sentences
    assert said[-1] == f"The arms cannot be compared: {NO_GRADE}."


def test_rows_that_can_be_filtered_stay_together(shown):
    first, _ = shown
    assert [block.rows for block in first.filters.blocks] == [7, 6, 7]
    assert first.filters.blocks[0].kind == "Of the whole body"
    text = first.body()
    bodies = re.findall(r"<tbody([^>]*)>(.*?)</tbody>", text)
    assert [len(re.findall("<tr", rows)) for _, rows in bodies] == [7, 6, 7]
    assert bodies[0][0] == ' data-kind="Of the whole body" data-share="73.3333" data-severe="0"'
    assert bodies[1][0] == ' data-kind="" data-share="46.6667" data-severe="26.6667"'
    assert bodies[2][0] == ""
    assert '<table class="exhibit" data-filter="adverse events" data-severe="Grade 4 or higher">' in text


def test_filters_are_kept_and_leave_csv_alone(shown, tmp_path):
    first, _ = shown
    first.keep(tmp_path)
    kept = Table.kept(tmp_path / "adverse_events.json")
    assert kept == first
    assert kept.csv().count("\n") == 1 + len(first.rows) + len(first.footnotes)


def test_the_kind_of_a_study_cannot_become_markup():
    filters = Filters("events", '"><script>', (Block(1, '"><b>', 5.0, 0.0),))
    text = Table("x", "T", ("A", "B"), (Row(("a", "1")),), filters=filters).body()
    assert "<script>" not in text
    assert "<b>" not in text


def rendered(study, table, folder):
    """A page of one section that shows a table."""
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": table._repr_html_()})]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Events"), cell])
    sections = [Executed("08_adverse_events", book, 1.0, {})]
    record = provenance.record(study, sections, {}, 0.0)
    return page.render(study, sections, page.number_exhibits(sections), folder, record)


def test_the_page_allows_its_own_script_by_its_hash_and_nothing_else(shown, stent, tmp_path):
    first, second = shown
    text = rendered(stent.study, first, tmp_path)
    scripts = re.findall(r"(?s)<script[^>]*>(.*?)</script>", text)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'<meta content="([^"]*)" http-equiv="Content-Security-Policy"', text)[1]
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert not re.search(r"https?:|fetch|eval|innerHTML|XMLHttp|import", scripts[0])
    assert text.index("Content-Security-Policy") < text.index("<script")
    assert "search" not in re.sub(r"(?s)<(script|style).*?</\1>", "", text), "a toolbar without its script"
    without = rendered(stent.study, second, tmp_path)
    assert "<script" not in without
    assert "script-src" not in without


@pytest.mark.parametrize("grade", ["6", "1.5", "-1"])
def test_a_column_with_a_grade_that_no_group_holds_is_a_fault(tmp_path, grade):
    sentence = f"column 'rash', row 5: '{grade}' is no grade of the study file's groups (0, 1, 2, 3, 4, 5)"
    with pytest.raises(CohortError, match=re.escape(sentence)):
        graded(tmp_path, {"arm": ["a", "a", "b", "b"], "rash": ["0", "1", "2", grade]})


def test_an_event_without_its_column_is_a_fault(tmp_path):
    with pytest.raises(CohortError, match=r"there is no column 'itch'"):
        graded(tmp_path, {"arm": ["a", "b"], "rash": [0, 1]}, events={"terms": {"itch": "Itching"}})
