"""A section is one record: titles, estimates, Methods and STROBE agree with it."""

import re

import nbformat
import pytest
from test_layers import ESTIMATES as ROOMS_OF_ESTIMATES

from helpers import wording
from helpers.estimates import ESTIMATES, ROOMS, Estimates
from helpers.results import results
from helpers.sections import BY_NAME, COHORT, SECTIONS, left_out
from helpers.standing import NOTEBOOKS
from helpers.study import read_study
from helpers.wording.methods import CLOSING, PARAGRAPHS


def test_every_notebook_is_a_section_and_has_its_title():
    books = {path.stem: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    assert list(books) == [each.name for each in SECTIONS]
    assert [book.cells[0].source for book in books.values()] == [f"# {each.title}" for each in SECTIONS]


def test_a_notebook_asks_for_its_own_sections_estimates():
    for each in SECTIONS:
        book = nbformat.read(NOTEBOOKS / f"{each.name}.ipynb", as_version=4)
        source = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
        assert source.count(f'Estimates("{each.name}", study') == bool(each.rows)
        asked = set(re.findall(r"estimates\.(\w+)", source))
        assert {name for name in asked if name not in ("rows", "section")} <= {*each.rows, *each.drawings}


def test_every_estimate_belongs_to_a_section_or_to_another_estimate():
    named = {name for each in SECTIONS for name in (*each.rows, *each.drawings)}
    needed = {name for each in ESTIMATES.values() for name in each.needed()}
    assert named | needed == set(ESTIMATES)
    assert all(ESTIMATES[name].kept for name in named)
    assert {room.removeprefix("helpers.") for room in ROOMS} <= {*ROOMS_OF_ESTIMATES, "simulate"}


def test_methods_follow_the_sections():
    assert [*(name for each in SECTIONS for name in each.methods), CLOSING] == list(PARAGRAPHS)


def test_strobe_sends_the_reader_to_the_sections_that_say_they_answer(ctrt):
    answers = {item.number: item.answer for item in wording.strobe(ctrt.study)}
    for each in SECTIONS:
        for item in each.strobe:
            assert each.words in answers[item], (each.name, item)
    for number, answer in answers.items():
        for each in SECTIONS:
            assert (each.words in answer) <= (number in each.strobe), (each.name, number)


def test_an_estimate_is_made_once_and_a_wrong_name_is_told(gbsg2):
    estimates = Estimates(COHORT.name, gbsg2.study, population="primary")
    assert estimates.counts is estimates.counts
    with pytest.raises(AttributeError, match="section 02_cohort has no estimate 'count'; did you mean 'counts'"):
        _ = estimates.count
    assert left_out(gbsg2.study).keys() < BY_NAME.keys()


def test_a_study_without_models_keeps_its_splines_pairs_and_weights(study_copy):
    folder = study_copy()
    text = (folder / "study.toml").read_text()
    parts = re.split(r"(?m)^(?=\[)", text)
    gone = (
        "[[univariable",
        "[[models",
        "[exposure",
        "[simulation",
        "[imputation",
        "[models",
        "[[within_arm",
        "[subgroups",
    )
    kept = "".join(part for part in parts if not part.startswith(gone))
    kept = kept.replace('model = "stratified"\ntime = "time_dependent"', 'model = "unadjusted"\ntime = "fixed"')
    (folder / "study.toml").write_text(kept)
    study = read_study(folder)
    assert list(left_out(study)) == ["05_subgroups", "06_sensitivity"]
    rows = results(study)
    assert {"spline", "propensity", "balance"} <= set(rows["analysis"])
    said = repr(wording.methods(study))
    assert "restricted cubic splines" in said
    assert "Propensity score" in said
