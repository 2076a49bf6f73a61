"""Tables as HTML, CSV and Word."""

import docx
import pytest
from docx.oxml.ns import qn

from helpers import cox, survival, tables, word
from helpers.exhibits import Row, Table


@pytest.fixture(scope="module")
def prognostic(stent):
    return tables.prognostic(cox.univariable(stent), multivariable=cox.multivariable(stent), study=stent.study)


def cell(table: Table, label: str) -> tuple[str, ...]:
    return next(row.cells for row in table.rows if row.cells[0] == label)


def test_the_prognostic_table_says_what_it_rests_on(prognostic, stent):
    table = next(each for each in prognostic if each.name == "prognostic_OS_stratified")
    frame = cox.multivariable(stent)
    fitted = frame[(frame["model"] == "stratified") & (frame["endpoint"] == "OS") & (frame["variable"] == "")].iloc[0]
    note = " ".join(table.notes)
    assert f"patients {int(fitted['n'])}, events {int(fitted['n_event'])}" in note
    assert f"lost to missing values {int(fitted['n_missing'])}, parameters 4, without a usable time 1" in note
    assert "Baseline hazards stratified by Centre" in note
    assert "n.e., not estimable: no events in this level" in note
    assert "† Known only after time zero, so not a cause at time zero" in note
    assert cell(table, "Perforation†")
    assert cell(table, "Perforated")[2:] == ("n.e.", "n.e.", "n.e.", "n.e.")
    assert cell(table, "Surgery")[2] == "1 (reference)"
    assert "HR (90% CI)" in table.header


def test_factors_outside_a_model_have_a_dash(prognostic):
    table = next(each for each in prognostic if each.name == "prognostic_OS_stratified")
    assert cell(table, "Albumin (per 5 g/L)")[4:] == ("–", "–")
    table = next(each for each in prognostic if each.name == "prognostic_OS_staged_only_staged")
    assert cell(table, "Stage III")[2:4] == ("–", "–")
    assert "Patients with a known stage II or III" in " ".join(table.notes)


def test_an_endpoint_without_a_model_keeps_its_univariable_results(stent):
    alone = cox.univariable(stent)
    none = cox.multivariable(stent).head(0)
    names = [table.name for table in tables.prognostic(alone, multivariable=none, study=stent.study)]
    assert names == ["prognostic_OS", "prognostic_PFS"]


def test_rates_nobody_is_followed_to_are_not_estimable(stent):
    table = tables.rates(survival.rates(stent), study=stent.study)
    assert cell(table, "Surgery")[-1] == "n.e."
    assert "nobody is followed this long" in " ".join(table.notes)


def test_word_gets_three_rules_a_repeated_header_and_the_notes(prognostic, tmp_path):
    table = prognostic[0]
    word.write(table, "3", tmp_path / "table.docx")
    document = docx.Document(tmp_path / "table.docx")
    assert document.paragraphs[0].text == f"Table 3. {table.title}"
    assert table.lead.endswith("events per parameter, fewer than 10: its estimates are unstable.")
    assert [p.text for p in document.paragraphs[1:]] == [table.lead, *table.footnotes]
    grid = document.tables[0]
    assert len(grid.rows) == len(table.rows) + 2
    assert [grid.cell(2 + i, 3).text for i in range(len(table.rows))] == [row.cells[3] for row in table.rows]
    headers = grid._tbl.findall(f".//{qn('w:tblHeader')}")
    assert len(headers) == 2
    lines = [
        {edge for c in row._tr.tc_lst for edge in ("top", "bottom") if c.find(f".//{qn('w:' + edge)}") is not None}
        for row in grid.rows
    ]
    assert lines[0] == {"top"}
    assert lines[1] == {"bottom"}
    assert lines[-1] == {"bottom"}
    assert all(line == set() for line in lines[2:-1])


def test_a_kept_table_comes_back_whole(prognostic, tmp_path):
    prognostic[0].keep(tmp_path)
    assert Table.kept(tmp_path / f"{prognostic[0].name}.json") == prognostic[0]


def test_text_from_a_study_cannot_become_markup():
    table = Table("x", "<b>T</b>", ("A", "B"), (Row(("<script>", "1")), Row(("head", ""), heading=True)), ("a & b",))
    shown = table._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &amp; b" in shown


def test_csv_keeps_cells_spanners_and_notes():
    table = Table(
        "x",
        "T",
        ("A", "B", "C"),
        (Row(("a", "1", "2")), Row(("b", "3", "4"), indent=True)),
        ("note, one",),
        (("", 1), ("Both", 2)),
        "Invented",
    )
    assert table.csv().splitlines() == ["A,Both B,Both C", "a,1,2", "  b,3,4", "Invented.", '"note, one"']
