"""Printed numbers beside computed ones: what agrees, to which digit, and what a row of published.csv may hold."""

import numpy as np
import pandas as pd
import pytest

from helpers import scorecard, tables, wording
from helpers.__main__ import main
from helpers.errors import StudyError
from helpers.ledger import KEY
from helpers.study import read_study


@pytest.mark.parametrize(
    ("text", "agreeing", "differing"),
    [
        ("0.37", [0.365, 0.3651, 0.375], [0.3649, 0.3751, np.nan]),
        ("31.2", [31.15, 31.25], [31.26]),
        ("154", [154, 153.5], [153]),
        ("2", [1.5, 2.4], [2.51]),
        ("<0.001", [0.0009, 0.0], [0.001, 0.01]),
        (">0.99", [0.991, 1.0], [0.99, 0.5]),
        ("no", [0.0], [1.0, np.nan]),
        ("−0.5", [-0.52], [0.5]),
    ],
)
def test_a_value_agrees_to_the_printed_digit(text, agreeing, differing):
    page = scorecard.printed(text)
    assert all(page.agrees(value) for value in agreeing)
    assert not any(page.agrees(value) for value in differing)


@pytest.fixture(scope="module")
def scored(stent, stent_ledger):
    return scorecard.scorecard(scorecard.published(stent.study), stent_ledger)


def one(text, value, method, where="Table 1, x", statistic="hr"):
    """The verdict on one printed number."""
    key = dict.fromkeys(KEY, "") | {"analysis": "cox_univariable", "statistic": statistic}
    page = pd.DataFrame([{**key, "printed": text, "where": where}])
    return scorecard.scorecard(page, pd.DataFrame([{**key, "value": value, "method": method}]))["verdict"].iloc[0]


def test_not_reached_is_an_answer_and_not_any_blank():
    assert one("not reached", np.nan, "not reached") == "agrees"
    assert one("not reached", np.nan, "nobody is followed this long") == "agrees"
    assert one("not reached", np.nan, "no patient has a known value") == "differs"
    assert one("not reached", 40.0, "") == "differs"
    assert one("52.8", np.nan, "not reached") == "differs"
    assert one("0.0", np.nan, "no patient has a known value") == "not estimable"


def test_dropped_zeros_do_not_widen_what_agrees():
    key = dict.fromkeys(KEY, "") | {"analysis": "cox_univariable"}
    cell = {"hr": "1.57", "hr_low": "1", "hr_high": "2.44", "p_wald": "0.3"}
    page = pd.DataFrame([{**key, "statistic": name, "printed": text, "where": "w"} for name, text in cell.items()])
    found = {"hr": 1.57, "hr_low": 0.576, "hr_high": 2.44, "p_wald": 0.34}
    computed = pd.DataFrame([{**key, "statistic": name, "value": value, "method": ""} for name, value in found.items()])
    verdicts = scorecard.scorecard(page, computed)["verdict"].tolist()
    assert verdicts == ["agrees", "differs", "agrees", "agrees"]


@pytest.mark.slow
def test_every_printed_number_gets_its_verdict(scored):
    verdicts = scored.set_index("where")["verdict"]
    assert verdicts["Table 2, Age, HR"] == "differs"
    assert verdicts["Table 2, Stage III, P"] == "differs"
    assert verdicts["Table 2, Stage IV, P"] == "agrees"
    assert verdicts["Table 2, Perforation, HR"] == "not estimable"
    assert verdicts["Table 1, Diameter, P"] == "not estimable"
    assert verdicts["Survival, paragraph 2"] == "not computed"
    assert (verdicts[["Safety, paragraph 1", "Survival, paragraph 1", "Table 1, Age, Stent"]] == "agrees").all()
    assert set(scored.loc[scored["verdict"] == "not estimable", "reason"]) == {
        "no events in this level",
        "only one arm can have this variable",
    }


def test_counts_by_place_add_up(scored, stent):
    places = scorecard.by_place(scored).set_index("place")
    assert places.loc["Table 1"].tolist() == [6, 6, 6, 5, 0, 1, 0]
    assert places.loc["Table 2"].tolist() == [4, 4, 4, 1, 2, 1, 0]
    assert places.loc["Text"].tolist() == [8, 8, 7, 7, 0, 0, 1]
    assert places.loc["All"].tolist() == [18, 17, 17, 13, 2, 2, 1]
    said = wording.scorecard(scorecard.by_place(scored), study=stent.study).sentences
    assert "says nothing about what the paper claims" in said[0]
    assert said[1] == (
        "The paper prints 18 numbers, 17 different ones; 17 of the 18 have a computed partner. Of these 13 agree to the "
        "printed digit, 2 differ and 2 cannot be estimated."
    )


def test_tables_show_what_differs_and_what_is_missing(scored, stent):
    rows = {row.cells[0]: row.cells[1:] for row in tables.differing(scored, study=stent.study).rows}
    assert rows["Table 2, Age, HR"] == ("OS, Age (years), hazard ratio", "0.96", "0.9679")
    assert rows["Table 2, Perforation, HR"] == ("OS, Perforation: Perforated, hazard ratio", "0.01", "n.e.")
    notes = tables.differing(scored, study=stent.study).notes
    assert "n.e., not estimable or reached: no events in this level; only one arm can have this variable." in notes
    assert len(rows) == 4
    waiting = tables.awaiting(scorecard.not_computed(scored), study=stent.study).rows
    assert [row.cells for row in waiting] == [
        (
            "Cox model with a restricted cubic spline (knots_4)",
            "Patients with a known stage II or III",
            "OS",
            "p_nonlinear",
            "1",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (",flow,", ",flaw,", "row 2: analysis 'flaw' is unknown; did you mean 'flow'?"),
        (",mean,", ",hr,", "row 4: statistic 'hr' is none of summary's (n, "),
        (",unadjusted,years", ",,years", "row 12: a fitted number needs a model"),
        (",stage,3,", ",staje,3,", "row 13: variable 'staje' is not in the study file; did you mean 'stage'?"),
        (",stage,3,", ",stage,5,", "row 13: level '5' is none of 'stage' ('2', '3', '4')"),
        ("diameter=8", "diameter=9", "row 17: level '9' is none of 'diameter' ('8', '10', '12', 'narrow')"),
        ("centre,,,", "centre,,stint,", "row 6: group 'stint' is not in the study file; did you mean 'stent'?"),
        (",rate,48,", ",rate,48.0,", "row 10: 'at' is '48.0'"),
        (",0.96,", ",0.9b,", "row 12: '0.9b' is no printed number; allowed: 0.37, <0.001, >0.99, no, not reached"),
        ('"Table 2, Age, HR"', "", "row 12: 'where' is empty"),
        (",rate,48,", ",rate,<48,", "row 10: 'at' is '<48'"),
        ('"Table 2, Age, HR"', '"Table 2,\x0bAge, HR"', "row 12: column 'where' holds the control character U+000B"),
        (
            "staged,OS,spline",
            "stagged,OS,spline",
            "row 18: population 'stagged' is not in the study file; did you mean",
        ),
        (
            ",unadjusted,years",
            ",unadjustd,years",
            "row 12: model 'unadjustd' is none of cox_univariable's ('unadjusted')",
        ),
        ("centre,,,", ",x,,", "row 6: level 'x' is given without a variable"),
        ("flow,,,,overall", "flow,,,overall", "row 2: the header has 11 cells, this row 10"),
        ("flow,,,,overall", "flow,,,,,overall", "row 2: the header has 11 cells, this row 12"),
        ("printed,where", "value,where", "the columns must be 'population', 'endpoint'"),
        ("staged,OS,spline", "staged,OX,spline", "row 18: endpoint 'OX' is not in the study file"),
    ],
)
def test_a_row_that_fits_nothing_gets_its_sentence(study_copy, old, new, sentence):
    folder = study_copy()
    path = folder / "published.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError) as caught:
        scorecard.published(read_study(folder))
    assert sentence in str(caught.value)
    assert "published.csv" in str(caught.value)


def test_a_file_that_is_no_table_gets_its_sentence(study_copy):
    path = study_copy() / "published.csv"
    table = path.read_bytes()
    faults = {
        b"": "the file is empty",
        b"\xff\xfe\x00": "not a text file in UTF-8",
        table.replace(b",", b";"): "columns are separated by ';' here",
        table.replace(b"\n", b"\n\n", 2): "row 2: the header has 11 cells, this row 0",
    }
    for content, sentence in faults.items():
        path.write_bytes(content)
        with pytest.raises(StudyError, match=sentence):
            scorecard.published(read_study(path.parent))
    path.write_bytes(b"\xef\xbb\xbf" + table.replace(b"\n", b"\r\n"))
    assert len(scorecard.published(read_study(path.parent))) == 18


def test_report_and_check_read_the_printed_numbers_first(study_copy, capsys, tmp_path):
    folder = study_copy()
    path = folder / "published.csv"
    path.write_text(path.read_text().replace(",mean,", ",maen,"))
    for command in ("report", "check", "scorecard"):
        place = ["--output", str(tmp_path / "reports")] if command == "report" else []
        assert main([command, str(folder), *place]) == 1
        shown = capsys.readouterr().err
        assert "row 4: statistic 'maen' is none of summary's" in shown
        assert "Traceback" not in shown


@pytest.mark.slow
def test_the_command_prints_the_card(capsys):
    assert main(["scorecard", "tests/studies/stent"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("says nothing about what the paper claims.")
    assert [line.split() for line in lines if line.startswith("All ")] == [
        ["All", "18", "17", "17", "13", "2", "2", "1"]
    ]
    assert main(["scorecard", "data/gbsg2"]) == 1
    assert "published.csv: there is no such file" in capsys.readouterr().err


def test_every_verdict_is_left_for_the_report(scored, stent, tmp_path):
    scorecard.leave(scored, None, study=stent.study)
    scorecard.leave(scored, str(tmp_path), study=stent.study)
    kept = pd.read_csv(tmp_path / "scorecard.csv", keep_default_na=False)
    assert kept["verdict"].tolist() == scored["verdict"].tolist()
    assert set(kept["cohort"]) == {stent.study.mark}
