"""The patients' table: what does not fit gets one sentence with file, column and row, and never an identifier."""

import shutil
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from building import arms, categorical, cohort_of, continuous, endpoint, write_study

from helpers import describe, ledger, survival, tables, wording
from helpers.cohort import examine, read_cohort
from helpers.errors import CohortError, ParameterError, StudyError
from helpers.study import read_study

TABLE = pd.DataFrame(
    {
        "id": ["A-17", "B-23", "C-31", "D-47", "E-53", "F-61"],
        "arm": ["a", "b", "a", "b", "a", "b"],
        "age": [61.0, 55.0, 70.0, 48.0, 66.0, 59.0],
        "sex": ["f", "m", "m", "f", "m", "f"],
        "time": [12.0, 30.0, 7.0, 45.0, 3.5, 22.0],
        "event": [1, 0, 1, 0, 1, 1],
    }
)
STUDY = {
    "cohort": {"source": "cohort.csv", "id": "id"},
    "arms": arms("arm", "a", "b"),
    "variables": {"age": continuous(), "sex": categorical("f", "m")},
    "endpoints": {"OS": endpoint(zero_time="error")},
}
BAD = {
    "missing column": (lambda t: t.drop(columns="age"), "there is no column 'age' (entry 'variables.age')"),
    "misspelt column": (lambda t: t.rename(columns={"age": "Agee"}), "no column 'age' (entry 'variables.age'); did you mean 'Agee'?"),
    "missing event column": (lambda t: t.rename(columns={"event": "evnt"}), "no column 'event' (entry 'endpoints.OS.event'); did you mean 'evnt'?"),
    "text in a number column": (lambda t: put(t, 2, "age", "old"), "column 'age', row 4: 'old' is not a finite number"),
    "decimal comma": (lambda t: put(t, 0, "age", "61,5"), "column 'age', row 2: '61,5' is not a finite number"),
    "infinite time": (lambda t: put(t, 3, "time", "inf"), "column 'time', row 5: 'inf' is not a finite number"),
    "overflowing time": (lambda t: put(t, 3, "time", "1e999"), "column 'time', row 5: '1e999' is not a finite number"),
    "unknown level": (lambda t: put(t, 1, "sex", "male"), "column 'sex', row 3: 'male' is not a level; allowed: f, m"),
    "unknown arm": (lambda t: put(t, 1, "arm", "c"), "column 'arm', row 3: 'c' is not a level; allowed: a, b"),
    "events coded 1 and 2": (lambda t: t.assign(event=t["event"] + 1), "column 'event', row 2: '2' is neither an event (1) nor censored (0)"),
    "missing event": (lambda t: put(t, 4, "event", ""), "column 'event', row 6: endpoint 'OS' needs to know whether the event happened"),
    "negative time": (lambda t: put(t, 4, "time", "-1"), "column 'time', row 6: endpoint 'OS' has a time below zero"),
    "missing time": (lambda t: put(t, 4, "time", ""), "column 'time', row 6: endpoint 'OS' has no time"),
    "zero time": (lambda t: put(t, 5, "time", "0"), "column 'time', row 7: endpoint 'OS' has a time of zero; say zero_time"),
    "missing arm": (lambda t: put(t, 0, "arm", ""), "column 'arm', row 2: the arm is missing in a patient no step excludes"),
    "duplicate identifier": (lambda t: put(t, 3, "id", "B-23"), "column 'id': rows 3 and 5 have the same identifier"),
    "an identifier with and without decimals": (lambda t: t.assign(id=["100", "101", "102", "103", "104", "102.0"]), "column 'id': rows 4 and 7 have the same identifier"),
    "an identifier in another column": (lambda t: put(t.assign(id=["1", "2", "3", "4", "5", "6"]), 2, "sex", "3.0"), "column 'sex', row 4: (an identifier, not shown) is not a level"),
    "a value no terminal shows": (lambda t: put(t, 1, "sex", "m\x1b[1m"), "column 'sex', row 3: 'm\ufffd[1m' is not a level"),
    "another patient's identifier in another spelling": (lambda t: put(t, 2, "sex", "b 23"), "column 'sex', row 4: (an identifier, not shown) is not a level"),
    "missing identifier": (lambda t: put(t, 3, "id", ""), "column 'id', row 5: the identifier is missing"),
    "identifiers in the wrong column": (lambda t: t.assign(age=t["id"]), "column 'age', row 2: (an identifier, not shown) is not a finite number (and 5 more rows)"),
    "another patient's identifier": (lambda t: put(t, 2, "sex", "x E-53"), "column 'sex', row 4: (an identifier, not shown) is not a level"),
    "no header": (lambda t: t.set_axis(["A-17", "a", "61", "f", "12", "1"], axis=1), "none of the study's columns is here; the first row must hold the column names"),
    "a time of centuries": (lambda t: put(t, 3, "time", "99999"), "column 'time', row 5: endpoint 'OS' has a time of more than a hundred years"),
    "one arm empty": (lambda t: t[t["arm"] == "a"], "no patient of population 'primary' is in the arm 'b' (arm b)"),
    "no patients": (lambda t: t.head(0), "the table has a header but no patients"),
}  # fmt: skip


def put(table: pd.DataFrame, row: int, column: str, value: str) -> pd.DataFrame:
    """The table as text with one cell replaced."""
    changed = table.astype(object)
    changed.iloc[row, changed.columns.get_loc(column)] = value
    return changed


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_what_does_not_fit_gets_its_sentence(tmp_path, case):
    change, sentence = BAD[case]
    with pytest.raises(CohortError) as caught:
        cohort_of(tmp_path / "study", change(TABLE), **STUDY)
    message = str(caught.value)
    assert sentence in message
    assert not any(name in message for name in TABLE["id"])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cohort.csv: the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "cohort.csv: this is not a text file in UTF-8"),
        (b"id,arm\x00\n", "cohort.csv: this is a binary file, not CSV"),
        (b"id;arm;age\n1;a;2\n", "columns are separated by ';' here"),
        (b"id\tarm\tage\n1\ta\t2\n", "columns are separated by tabs here"),
        (
            b"id,arm\n1," + b"x" * 200000 + b"\n",
            "cohort.csv, row 2: this cannot be read as CSV: field larger than field limit",
        ),
        (b"id,arm,age,sex,time,event\rq1,a,61,f,3,1\rq2,b,61,f,3,2\r", "column 'event', row 3: '2' is neither"),
        (b"id,arm,age,sex,time,event,age\n1,a,2,f,3,1,2\n", "cohort.csv: column 'age' is given twice"),
        (
            b"id,arm,age,sex,time,event\n1,a,61,f,3,1\n2,b,61,f,3\n",
            "cohort.csv, row 3: the header has 6 cells, this row 5",
        ),
    ],
)
def test_files_that_are_no_table(tmp_path, content, sentence):
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    (folder / "cohort.csv").write_bytes(content)
    with pytest.raises(CohortError) as caught:
        read_cohort(read_study(folder))
    assert sentence in str(caught.value)


HEAD = "id,arm,age,sex,time,event,note\n"
OPEN = "a quotation mark is opened here and not closed in its row, so the cell runs over"
QUOTES = {
    "closed by a later note": ('1,a,61,f,3,1,"see letter\n2,b,55,m,4,0,\n3,a,70,m,5,1,"died at home"\n', f"row 2, column 'note': {OPEN} 3 lines"),
    "never closed": ('1,a,61,f,3,1,x\n2,b,55,m,4,0,"see letter\n3,a,70,m,5,1,\n', f"row 3, column 'note': {OPEN} 2 lines"),
    "closed by another open one": ('1,a,61,f,3,1,"x\n2,b,55,m,4,0,"\n3,a,70,m,5,1,\n', f"row 2, column 'note': {OPEN} 2 lines"),
    "in a column further left": ('1,a,61,"f,3,1,x\n2,b,55,",4,0,y\n', f"row 2, column 'sex': {OPEN} 2 lines"),
    "prose with a comma": ('1,a,61,"seen, stable,3,1,x\n2,b,55,lost",4,0,y\n3,a,70,m,5,1,\n4,b,71,f,6,1,\n', f"row 2, column 'sex': {OPEN} 2 lines"),
    "in the identifiers": ('"1,a,61,f,3,1,x\n2",b,55,m,4,0,y\n', f"row 2, column 'id': {OPEN} 2 lines"),
    "in another column than it closes": ('1,a,61,"f,3,1,x\n2,b,55,m,",0,y\n', f"row 2, column 'sex': {OPEN} 2 lines"),
    "running past what a cell may hold": ('1,a,61,f,3,1,"' + "2,b,55,m,4,0,\n" * 10000, f"row 2: {OPEN} 9363 lines"),
}  # fmt: skip


@pytest.mark.parametrize("case", QUOTES, ids=list(QUOTES))
def test_a_quotation_mark_that_is_not_closed_swallows_nobody(tmp_path, case):
    rows, sentence = QUOTES[case]
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    (folder / "cohort.csv").write_text(HEAD + rows)
    with pytest.raises(CohortError) as caught:
        read_cohort(read_study(folder))
    assert f"cohort.csv, {sentence}" in str(caught.value)
    assert "see letter" not in str(caught.value)


def test_a_quotation_mark_open_in_the_header_or_an_event_table_is_named_too(tmp_path, study_copy):
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    (folder / "cohort.csv").write_text(HEAD.replace("note", '"note') + '1,a,61,f,3,1,x\n2,b,55,m,4,0,"y"\n')
    with pytest.raises(CohortError, match=rf"cohort\.csv, row 1: {OPEN} 3 lines"):
        read_cohort(read_study(folder))
    folder = study_copy()
    events = folder / "toxicity.csv"
    lines = events.read_text().splitlines()
    lines[3] = ",".join([*lines[3].split(",")[:-1], '"' + lines[3].split(",")[-1]])
    events.write_text("\n".join(lines) + '"\n')
    with pytest.raises(CohortError, match=rf"toxicity\.csv, row 4, column '\w+': {OPEN} 78 lines"):
        read_cohort(read_study(folder))


def test_prose_with_line_breaks_and_commas_is_text(study_copy):
    folder = study_copy()
    events = folder / "toxicity.csv"
    head, *rows = events.read_text().splitlines()
    told = ['"Day 3,\nsteroids, fluids, rest, resolved"', '"first\nrash, itch, pain, fever\nlast"', '"said ""no"""', ""]
    lines = [f"{row},{told[number % 4]}" for number, row in enumerate(rows)]
    events.write_text("\n".join([f"{head},comment", *lines]) + "\n")
    examined = [each.found for each in examine(read_study(folder)) if each.entry == "adverse_events.table.source"]
    assert examined == ["80 rows in 141 lines, 40 with line breaks in a cell"]


@pytest.mark.parametrize("cell", ['"foo,"bar', '"5" screw'])
def test_a_quotation_mark_inside_a_quoted_cell_is_named(tmp_path, cell):
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    (folder / "cohort.csv").write_text(HEAD.replace("note", "note,more") + f"1,a,61,f,3,1,{cell},0\n")
    with pytest.raises(CohortError, match="row 2: a cell begins with a quotation mark that is not closed at its end"):
        read_cohort(read_study(folder))


def test_line_breaks_inside_a_cell_are_text_and_rows_are_held_against_lines(tmp_path):
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    rows = '1,a,61,f,3,1,"first line\nsecond, and a comma"\n2,b,55,m,4,0,"said ""no""\n\nthen yes"\n3,a,70,m,5,1,\n'
    (folder / "cohort.csv").write_text(HEAD + rows + ",,,,,,\n")
    (finding, *_) = examine(read_study(folder))
    assert finding.found == "3 rows in 8 lines, 2 with line breaks in a cell"
    assert len(read_cohort(read_study(folder)).rows()) == 3


def test_a_file_that_is_not_there_or_of_another_kind(tmp_path):
    folder = write_study(tmp_path / "study", TABLE, **STUDY)
    (folder / "cohort.csv").rename(folder / "cohorts.csv")
    with pytest.raises(CohortError, match=r"there is no such file; did you mean 'cohorts\.csv'\?"):
        read_cohort(read_study(folder))
    folder = write_study(tmp_path / "other", TABLE, **{**STUDY, "cohort": {"source": "cohort.xlsx"}})
    (folder / "cohort.csv").rename(folder / "cohort.xlsx")
    with pytest.raises(CohortError, match=r"is a \.csv or \.parquet file, not '\.xlsx'"):
        read_cohort(read_study(folder))
    folder = write_study(tmp_path / "library", TABLE, **{**STUDY, "cohort": {"source": "lifelines:gbsg"}})
    with pytest.raises(CohortError, match="there is no data set 'lifelines:gbsg'"):
        read_cohort(read_study(folder))


def test_all_problems_are_listed_by_the_check(tmp_path):
    table = put(put(TABLE, 2, "age", "old"), 1, "sex", "male")
    study = read_study(write_study(tmp_path / "study", table, **STUDY))
    problems = [finding.problem for finding in examine(study) if finding.problem]
    assert [problem.split(": ")[1].split(" is ")[0] for problem in problems] == ["'old'", "'male'"]
    with pytest.raises(CohortError, match=r"\(1 more; `python -m helpers check` lists them\)"):
        read_cohort(study)


def test_parquet_gives_the_same_cohort_as_csv(stent, study_copy):
    folder = study_copy({'source = "cohort.csv"': 'source = "cohort.parquet"'})
    frame = pd.read_csv(folder / "cohort.csv")
    dates = ["started", "progressed", "died", "last_seen"]
    frame[dates] = frame[dates].apply(pd.to_datetime)
    frame.to_parquet(folder / "cohort.parquet")
    cohort = read_cohort(read_study(folder))
    pd.testing.assert_frame_equal(cohort.data, stent.data.set_axis(stent.data.index - 1))
    for name in ("OS", "PFS"):
        pd.testing.assert_frame_equal(
            cohort.outcomes[name], stent.outcomes[name].set_axis(stent.outcomes[name].index - 1)
        )
    kinds = frame.convert_dtypes().assign(more=[[1, 2], [], [3]] * 21 + [[4]], exact=[Decimal("1.50")] * 64)
    indexed = frame.set_index("record", drop=False)
    for other in (kinds, indexed, frame.set_index("record"), frame.set_index(["record", "died"])):
        other.to_parquet(folder / "cohort.parquet")
        pd.testing.assert_frame_equal(read_cohort(read_study(folder)).data, cohort.data)
    shutil.copy(folder / "study.toml", folder / "cohort.parquet")
    with pytest.raises(CohortError, match="this is not a Parquet file"):
        read_cohort(read_study(folder))


DATED = {
    "cohort": {"source": "cohort.csv", "data_cut_off": date(2020, 12, 31)},
    "arms": arms("arm", "a", "b"),
    "variables": {"age": continuous()},
    "endpoints": {
        "OS": {
            "label": "Survival",
            "event_label": "death",
            "origin": "diagnosis",
            "index_date": "start",
            "event_dates": ["died"],
            "last_contact": "seen",
        }
    },
}


def dated(died: list[str], seen: list[str]) -> pd.DataFrame:
    """Six patients, three an arm, followed from the first day of 2019."""
    frame = pd.DataFrame({"arm": ["a", "b"] * 3, "age": range(60, 66), "start": "2019-01-01", "died": died})
    return frame.assign(seen=seen)


LIVING = "9999-12-31"
PLACEHOLDERS = dated(
    ["2019-06-01", LIVING, LIVING, "2020-03-01", LIVING, "2019-09-01"],
    ["2019-06-01", "2020-12-31", "2020-12-31", "2020-03-01", "2020-06-30", "2019-09-01"],
)


def test_a_placeholder_is_no_date_and_nobody_is_followed_until_it(tmp_path):
    with pytest.raises(CohortError) as caught:
        cohort_of(tmp_path / "study", PLACEHOLDERS, **DATED)
    said = "column 'died', row 3: '9999-12-31' is no day on which anything can have been recorded (1800-01-01 to 2040-12-31)"
    assert said in str(caught.value)
    named = {**DATED, "cohort": {**DATED["cohort"], "missing": ["", LIVING]}}
    cohort = cohort_of(tmp_path / "named", PLACEHOLDERS, **named)
    rates = survival.rates(cohort, months=[6, 12]).query("group == 'overall' and model == 'log'")["rate"]
    assert rates.to_numpy() == pytest.approx([500 / 6, 400 / 6], rel=1e-14)


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("seen", "9999-12-31", "2040"),
        ("seen", "2041-01-01", "2040"),
        ("seen", "1900-01-01", "2040"),
        ("died", "1899-12-30", "2040"),
        ("died", "2300-01-01", "2040"),
        ("start", "1065-01-01", "2040"),
        ("start", "0001-01-01", "2040"),
    ],
)
def test_dates_no_clock_reaches_are_named(tmp_path, column, value, allowed):
    table = put(PLACEHOLDERS.replace(LIVING, ""), 1, column, value)
    with pytest.raises(CohortError, match=rf"column '{column}', row 3: '{value}' is no day .* to {allowed}-12-31"):
        cohort_of(tmp_path / "study", table, **DATED)


def test_a_placeholder_in_an_interval_of_dates_and_in_parquet_is_named_too(study_copy):
    folder = study_copy({'source = "cohort.csv"': 'source = "cohort.parquet"'})
    frame = pd.read_csv(folder / "cohort.csv", dtype=str)
    frame["placed"] = frame["placed"].map(date.fromisoformat, na_action="ignore")
    frame.loc[frame["placed"].notna().idxmax(), "placed"] = date(9999, 12, 31)
    frame.to_parquet(folder / "cohort.parquet")
    with pytest.raises(CohortError, match=r"column 'placed', row \d+: '9999-12-31' is no day"):
        read_cohort(read_study(folder))
    with pytest.raises(StudyError, match=r"'cohort\.data_cut_off': input should be less than or equal to 2200-01-01"):
        read_study(study_copy({"data_cut_off = 2021-12-31": "data_cut_off = 9999-12-31"}))


AFTER = dated(
    ["2019-06-01", "2021-02-01", "", "2020-03-01", "", "2019-09-01"], ["", "", "2020-12-31", "", "2020-06-30", ""]
)


def test_a_death_after_the_cut_off_tells_that_the_patient_lived_until_it(tmp_path):
    cohort = cohort_of(tmp_path / "study", AFTER, **DATED)
    assert cohort.outcome("OS").loc[3, ["time", "event"]].tolist() == [730 / 30.4375, False]
    rates = survival.rates(cohort, months=[6, 12]).query("group == 'overall' and model == 'log'")["rate"]
    assert rates.to_numpy() == pytest.approx([500 / 6, 400 / 6], rel=1e-14)
    medians = survival.medians(cohort).query("group == 'b' and model == 'log'")["median"]
    assert medians.item() == pytest.approx(425 / 30.4375)
    events = describe.events(cohort)
    assert events.set_index("group")["n_extended"].to_dict() == {"overall": 1, "a": 0, "b": 1}
    assert events["n_missing"].tolist() == [0, 0, 0]
    follow_up, log_rank = survival.follow_up(cohort), survival.log_rank(cohort)
    rows = ledger.melt([events, follow_up], "03_survival")
    said = (
        "1 without the event at the data cut-off (0 “arm a”, 1 “arm b”) is censored there by a date that lies after it"
    )
    assert said in repr(wording.survival(rows, study=cohort.study))
    frames = {"events": events, "follow_up": follow_up, "log_rank": log_rank}
    notes = tables.medians(survival.medians(cohort), **frames, study=cohort.study).notes
    assert any(note.endswith("at risk until it: 1 (arm a 0, arm b 1). They are censored at it.") for note in notes)
    found = [each.found for each in examine(cohort.study) if each.entry == "endpoints.OS"]
    assert found[-1] == "3 events, 0 without a time, 1 at risk to the cut-off by a later date"


@pytest.mark.parametrize(
    ("progressed", "died", "seen", "scanned", "survival_time", "free_time"),
    [
        ("", "2021-03-01", "2020-06-30", "2020-06-30", 730, 730),
        ("2021-01-10", "", "2020-06-30", "2020-06-30", 730, 730),
        ("2020-05-01", "2021-03-01", "2020-06-30", "2020-05-01", 730, 486),
        ("2020-05-01", "", "2021-06-30", "2020-05-01", 730, 486),
        ("", "", "2021-06-30", "2020-06-30", 730, 546),
        ("", "", "2020-06-30", "2021-06-30", 730, 730),
        ("", "", "2020-06-30", "2020-03-31", 546, 455),
    ],
)
def test_only_a_date_of_the_endpoint_or_of_a_wider_one_carries_a_patient_to_the_cut_off(
    tmp_path, progressed, died, seen, scanned, survival_time, free_time
):
    table = AFTER.assign(progressed="", scanned=AFTER["seen"].replace("", "2019-05-01"))
    table.loc[1, ["progressed", "died", "seen", "scanned"]] = [progressed, died, seen, scanned]
    free = {**DATED["endpoints"]["OS"], "event_dates": ["progressed", "died"], "last_contact": "scanned"}
    cohort = cohort_of(tmp_path / "study", table, **{**DATED, "endpoints": {**DATED["endpoints"], "PFS": free}})
    days = [round(cohort.outcomes[name].loc[3, "time"] * 30.4375) for name in ("OS", "PFS")]
    assert days == [survival_time, free_time]
    assert (3 in cohort.extended["OS"]) == (survival_time == 730 and seen < "2020-12-31")
    assert (3 in cohort.extended["PFS"]) == (free_time == 730 and scanned < "2020-12-31")


NINES = pd.DataFrame(
    {
        "arm": ["a", "b"] * 4,
        "ecog": ["1", "2", "9", "1", "2", "9.0", "1", "2"],
        "nodes": ["9", "1", "4", "2", "9", "1", "4", "2"],
        "time": ["2", "9", "5", "9", "7", "3", "2", "9"],
        "event": ["0", "1", "1", "0", "1", "1", "9", "1"],
    }
)
UNKNOWN = {
    "arms": arms("arm", "a", "b"),
    "variables": {"ecog": categorical(1, 2, missing=[9]), "nodes": continuous()},
    "endpoints": {"OS": endpoint(missing_time="exclude")},
}


def test_a_code_means_empty_in_its_own_column_alone(tmp_path):
    nines = NINES.assign(event=NINES["event"].replace("9", "0"))
    cohort = cohort_of(tmp_path / "study", nines, **UNKNOWN)
    assert cohort.data[["ecog", "nodes"]].isna().sum().tolist() == [2, 0]
    assert cohort.outcomes["OS"]["time"].tolist() == [2, 9, 5, 9, 7, 3, 2, 9]
    own = {**UNKNOWN, "endpoints": {"OS": endpoint(missing_time="exclude", missing={"time": ["9"]})}}
    cohort = cohort_of(tmp_path / "own", nines, **own)
    assert cohort.outcomes["OS"]["time"].isna().sum() == 3
    assert cohort.data["nodes"].isna().sum() == 0
    own = {**UNKNOWN, "endpoints": {"OS": endpoint(missing={"event": [9]})}}
    with pytest.raises(CohortError, match="row 8: endpoint 'OS' needs to know whether the event happened"):
        cohort_of(tmp_path / "event", NINES, **own)
    own = {"OS": {**DATED["endpoints"]["OS"], "missing": {"last_contact": ["1900-01-01"]}, "missing_time": "exclude"}}
    table = PLACEHOLDERS.replace(LIVING, "").replace("2020-06-30", "1900-01-01")
    cohort = cohort_of(tmp_path / "dates", table, **{**DATED, "endpoints": own})
    assert cohort.outcomes["OS"]["time"].isna().tolist() == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("code", "cell"), [(99, "099"), (99, "99."), (99, "+99"), (99.9, "99.90"), ("99.90", "99.9"), ("1e2", "100")]
)
def test_a_code_that_is_a_number_is_one_however_it_is_written(tmp_path, code, cell):
    table = NINES.assign(event="1", ecog="1", time=["5", "6", cell, "7", "8", "9", "3", "2"])
    asked = {**UNKNOWN, "variables": {"ecog": categorical(1, 2), "nodes": continuous(column="time", missing=[code])}}
    asked["endpoints"] = {"OS": endpoint(missing_time="exclude", missing={"time": [code]})}
    cohort = cohort_of(tmp_path / "study", table, **asked)
    assert cohort.outcomes["OS"]["time"].isna().tolist() == [False, False, True] + [False] * 5
    assert cohort.data["nodes"].isna().sum() == 1
    whole = {**asked, "cohort": {"source": "cohort.csv", "missing": [code]}}
    with pytest.raises(CohortError, match=r"means empty in the whole table .* where the others are 2 to 70"):
        cohort_of(tmp_path / "whole", table.replace("9", "70"), **whole)


@pytest.mark.parametrize(
    ("codes", "column", "values", "said"),
    [
        (["9"], "nodes", None, "'9' means empty in the whole table (entry 'cohort.missing') but may be a value here, where the others are 1 to 4"),
        ([9], "nodes", ["9.0", "1", "4", "2", "3", "1", "4", "2"], "'9.0' means empty in the whole table"),
        (["99"], "nodes", ["99", "1", "4", "25", "9", "1", "4", "2"], "'99' means empty"),
        (["-1"], "nodes", ["-1", "-5", "4", "25", "9", "1", "4", "2"], "'-1' means empty"),
        (["-1", "999"], "nodes", ["-1", "5", "999", "25", "9", "1", "4", "2"], None),
        (["99"], "nodes", ["99", "1", "4", "2", "3", "1", "4", "2"], None),
        (["999"], "time", ["999", "300", "400", "500", "700", "30", "20", "9"], "column 'time': '999' means empty"),
    ],
)  # fmt: skip
def test_a_code_of_the_whole_table_that_may_be_a_value_is_refused(tmp_path, codes, column, values, said):
    table = NINES.assign(event="1", ecog="1", **({} if values is None else {column: values}))
    table = table if column == "time" else table.assign(time="1")
    asked = {**UNKNOWN, "cohort": {"source": "cohort.csv", "missing": codes}}
    asked["variables"] = {"ecog": categorical(1, 2), "nodes": continuous()}
    if said is None:
        assert cohort_of(tmp_path / "study", table, **asked).data["nodes"].isna().sum() == len(codes)
        return
    with pytest.raises(CohortError) as caught:
        cohort_of(tmp_path / "study", table, **asked)
    assert said in str(caught.value)
    assert "take it out of that list" in str(caught.value)


def test_a_date_that_means_empty_but_lies_among_the_dates_is_refused(tmp_path):
    asked = {**DATED, "cohort": {**DATED["cohort"], "missing": [date(2020, 3, 1)]}}
    with pytest.raises(CohortError, match=r"column 'seen': '2020-03-01' means empty .* 2019-06-01 to 2020-12-31"):
        cohort_of(tmp_path / "study", PLACEHOLDERS.replace(LIVING, ""), **asked)


def test_an_identifier_that_means_empty_is_named_as_such(tmp_path):
    asked = {**STUDY, "cohort": {"source": "cohort.csv", "id": "id", "missing": ["C-31"]}}
    with pytest.raises(
        CohortError, match=r"row 4: the identifier is missing; what stands there may mean empty \(entry"
    ):
        cohort_of(tmp_path / "study", TABLE, **asked)


def test_a_patient_of_after_the_cut_off_is_named(tmp_path):
    said = "column 'start', row 4: endpoint 'OS' begins after the data cut-off, 2020-12-31"
    with pytest.raises(CohortError, match=said):
        cohort_of(tmp_path / "study", put(AFTER, 2, "start", "2021-01-05"), **DATED)


def test_keys_of_the_study_file_are_codes_as_cells_are(tmp_path):
    table = TABLE.assign(sex=[0, 1, 1, 0, 1, 0], arm=[1, 2, 1, 2, 1, 2])
    asked = {
        **STUDY,
        "arms": arms("arm", "1.0", "2"),
        "variables": {"age": continuous(), "sex": categorical("0.0", "1")},
    }
    step = {"name": "men", "reason": "Men", "exclude": {"column": "sex", "op": "==", "value": 1.0}}
    cohort = cohort_of(tmp_path / "study", table, **asked, eligibility=[step])
    assert cohort.data["sex"].tolist() == ["0.0", "1", "1", "0.0", "1", "0.0"]
    assert cohort.rows()["arm"].tolist() == ["1.0", "2", "2"]


def test_arms_that_are_one_code_are_refused(tmp_path):
    asked = {**STUDY, "arms": arms("arm", "1", "1.0")}
    with pytest.raises(StudyError, match=r"entry 'arms.levels': '1' and '1\.0' are one and the same code"):
        cohort_of(tmp_path / "study", TABLE.assign(arm=["1", "1.0"] * 3), **asked)


def test_everybody_who_left_is_counted(stent):
    flow = stent.flow.set_index(["population", "name", "group"])[["n_before", "n_excluded", "n"]]
    assert flow.loc[("primary", "no_procedure", "overall")].tolist() == [64, 2, 62]
    assert flow.loc[("primary", "minor", "overall")].tolist() == [62, 2, 60]
    assert flow.loc[("primary", "minor", "surgery"), "n"] + flow.loc[("primary", "minor", "stent"), "n"] == 60
    assert flow.loc[("staged", "no_stage", "overall")].tolist() == [60, 5, 55]
    assert flow.loc[("staged", "stage_4", "overall")].tolist() == [55, 11, 44]
    assert len(stent.rows("staged")) == 44
    with pytest.raises(ParameterError, match=r"no population 'stagd'; did you mean 'staged'\?"):
        stent.rows("stagd")


def test_a_step_that_cannot_be_decided_is_an_error(study_copy):
    folder = study_copy({'name = "no_stage"\nreason = "Stage not known"\nexclude = { column = "stage", op = "missing" }': 'name = "old"\nreason = "Old"\nexclude = { column = "years", op = ">", value = 150 }'})  # fmt: skip
    with pytest.raises(
        CohortError, match=r"column 'stage', row \d+: the cell is empty, so step 'stage_4' cannot be decided"
    ):
        read_cohort(read_study(folder))


def test_dates_become_months_and_events_stop_at_the_cut_off(tmp_path):
    table = pd.DataFrame(
        {
            "arm": ["a", "b", "a", "b", "a"],
            "start": ["2020-01-01"] * 5,
            "relapse": ["2020-03-01", "", "", "", ""],
            "death": ["2020-06-01", "2021-06-01", "", "2020-02-10", ""],
            "seen": ["2020-06-01", "2021-06-01", "2020-09-01", "2020-02-10", "2022-01-01"],
        }
    )
    dates = {"index_date": "start", "last_contact": "seen"}
    named = {"label": "Survival", "event_label": "death", "origin": "start"}
    study = {
        "cohort": {"source": "cohort.csv", "data_cut_off": "CUT"},
        "arms": arms("arm", "a", "b"),
        "variables": {"arm2": categorical("a", "b", column="arm")},
        "endpoints": {
            "OS": {**named, **dates, "event_dates": ["death"]},
            "RFS": {**named, **dates, "event_dates": ["relapse", "death"]},
        },
    }
    folder = write_study(tmp_path / "study", table, **study)
    path = folder / "study.toml"
    path.write_text(path.read_text().replace('"CUT"', "2020-12-31"))
    cohort = read_cohort(read_study(folder))
    days = (cohort.outcomes["OS"]["time"] * 30.4375).round(9).tolist()
    assert days == [152, 365, 244, 40, 365]
    assert cohort.outcomes["OS"]["event"].tolist() == [True, False, False, True, False]
    assert (cohort.outcomes["RFS"]["time"] * 30.4375).round(9).tolist() == [60, 365, 244, 40, 365]
    table.loc[2, "seen"] = "2020-02-30"
    table.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=r"column 'seen', row 4: '2020-02-30' is not a date written YYYY-MM-DD"):
        read_cohort(read_study(folder))
    table.loc[2, "seen"] = "2019-12-30"
    table.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=r"column 'start', row 4: endpoint 'OS' has a time below zero"):
        read_cohort(read_study(folder))


@pytest.mark.parametrize(("unit", "days"), [("days", 1), ("weeks", 7), ("months", 30.4375), ("years", 365.25)])
def test_units_of_time(tmp_path, unit, days):
    cohort = cohort_of(tmp_path / "study", TABLE, **{**STUDY, "endpoints": {"OS": endpoint(unit=unit)}})
    np.testing.assert_allclose(cohort.outcomes["OS"]["time"] * 30.4375, TABLE["time"] * days, rtol=1e-14)


def test_a_missing_time_the_study_excludes_still_counts_its_event(tmp_path):
    table = put(put(TABLE, 0, "time", ""), 1, "time", "0")
    rule = endpoint(missing_time="exclude", zero_time="half_day")
    cohort = cohort_of(tmp_path / "study", table, **{**STUDY, "endpoints": {"OS": rule}})
    assert cohort.outcomes["OS"]["event"].sum() == 4
    assert len(cohort.outcome("OS")) == 5
    assert cohort.outcomes["OS"]["time"].iloc[1] * 30.4375 == pytest.approx(0.5, abs=1e-12)
    left = cohort_of(tmp_path / "two", table, **{**STUDY, "endpoints": {"OS": {**rule, "zero_time": "exclude"}}})
    assert len(left.outcome("OS")) == 4


def test_no_value_where_none_can_be(study_copy):
    folder = study_copy()
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    row = table.index[table["procedure"] == "surgery"][0]
    table.loc[row, "stent_mm"] = "10"
    table.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=f"column 'stent_mm', row {row + 2}: '10' is given where it cannot apply"):
        read_cohort(read_study(folder))


def test_cut_points_and_numeric_levels(gbsg2, tmp_path):
    rows = gbsg2.rows()
    assert rows.loc[rows["node_group"] == "1-3", "pnodes"].max() == 3
    assert rows.loc[rows["node_group"] == "4-9", "pnodes"].agg(["min", "max"]).tolist() == [4, 9]
    table = TABLE.assign(grade=["1", "2.0", "2", "1.0", "1", "2"])
    cohort = cohort_of(tmp_path / "study", table, **{**STUDY, "variables": {"grade": categorical(1, 2)}})
    assert cohort.rows()["grade"].tolist() == ["1", "2", "2", "1", "1", "2"]


def test_a_population_made_of_the_screened_keeps_its_outcomes(study_copy):
    folder = study_copy(
        {
            "[populations.staged]": '[populations.everybody]\nlabel = "With a procedure"\nof = "screened"\n\n[[populations.everybody.steps]]\nname = "none"\nreason = "None"\nexclude = { column = "procedure", op = "missing" }\n\n[populations.staged]'
        }
    )
    cohort = read_cohort(read_study(folder))
    assert len(cohort.rows("everybody")) == 62
    assert len(cohort.with_outcome("OS", "everybody")) == 62
    assert cohort.with_outcome("OS", "everybody")["event"].sum() >= cohort.with_outcome("OS")["event"].sum()
    with pytest.raises(ParameterError, match="'screened' has no outcomes"):
        cohort.outcome("OS", "screened")


def test_a_cut_applies_where_what_it_cuts_does(tmp_path):
    table = TABLE.assign(d=[1.0, None, 5.0, None, 9.0, None])
    where = {"column": "arm", "op": "==", "value": "a"}
    variables = {
        "d": continuous(applies_when=where),
        "dg": categorical("low", "high", cut={"variable": "d", "at": [4], "right_closed": True}),
    }
    cohort = cohort_of(tmp_path / "study", table, **{**STUDY, "variables": variables})
    assert cohort.applies("dg", cohort.rows()).tolist() == [True, False] * 3
    twice = {**variables, "dg": {**variables["dg"], "applies_when": where}}
    with pytest.raises(StudyError, match=r"'variables\.dg\.applies_when' belongs to the variable that is cut, 'd'"):
        cohort_of(tmp_path / "twice", table, **{**STUDY, "variables": twice})


def early(study_copy, **exclude):
    """Who stays in a population made by one early event, from a copy of the invented study."""
    given = ", ".join(f"{name} = {value!r}".replace("'", '"') for name, value in exclude.items())
    more = f"""
[populations.early]
label = "Early"
[[populations.early.steps]]
name = "early"
reason = "Early"
exclude_event = {{ {given} }}
"""
    opened = """
[variables.opened]
label = "Stent opened"
type = "continuous"
unit = "months"
applies_when = { column = "procedure", op = "==", value = "stent" }

[endpoints.OS]"""
    folder = study_copy({"[endpoints.OS]": opened}, append=more)
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    table["opened"] = np.where(table["procedure"] == "stent", "10", "")
    table.to_csv(folder / "cohort.csv", index=False)
    return folder


def test_an_early_event_excludes_from_the_origin_or_from_a_start(study_copy):
    cohort = read_cohort(read_study(early(study_copy, endpoint="OS", before_months=12)))
    os = cohort.with_outcome("OS")
    assert len(cohort.rows("early")) == len(os) - (os["event"] & (os["time"] < 12)).sum() == 52
    cohort = read_cohort(read_study(early(study_copy, endpoint="OS", before_months=6, after="opened")))
    os = cohort.with_outcome("OS")
    soon = os["event"] & (os["procedure"] == "stent") & os["time"].between(10, 16, inclusive="left")
    before = os["event"] & (os["procedure"] == "stent") & (os["time"] < 10)
    assert soon.sum() > 0
    assert before.sum() > 0
    assert set(cohort.members["early"]) == set(os.index[~soon])


def test_a_start_that_is_not_known_is_a_fault_where_it_matters(study_copy):
    folder = early(study_copy, endpoint="OS", before_months=6, after="opened")
    cohort = read_cohort(read_study(folder))
    os = cohort.with_outcome("OS")
    row = os.index[os["event"] & (os["procedure"] == "stent")][0]
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    table.loc[row - 2, "opened"] = ""
    table.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=rf"column 'opened', row {row}: the cell is empty, so it cannot be said"):
        read_cohort(read_study(folder))
