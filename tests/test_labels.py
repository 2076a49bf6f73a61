"""No row and no stored drawing holds a label: names there, labels when printed."""

import json
import re
import shutil
from pathlib import Path

import pytest
from building import toml
from pandas.testing import assert_frame_equal
from pydantic import TypeAdapter

from helpers.__main__ import main
from helpers.cohort import read_cohort
from helpers.commands import reporting
from helpers.estimates import Estimates, Source, frames_of
from helpers.sections import SECTIONS, left_out
from helpers.standing import NOTEBOOKS
from helpers.store import PLACE
from helpers.study import Study, read_study

RENDERED = ("01_methods", "02_cohort", "05_subgroups")


def relabelled(study):
    """The study with other words wherever it holds some that are only printed."""
    printed = {"printed": lambda text: f"{text}ß"}
    told = study.model_dump(exclude={"folder"}, exclude_defaults=True, context=printed)
    return TypeAdapter(Study).validate_python({**told, "folder": study.folder})


@pytest.mark.slow
def test_estimates_are_the_same_under_other_labels():
    study = read_study("tests/studies/stent")
    other = relabelled(study)
    assert other.title == f"{study.title}ß"
    assert other.decisions() == study.decisions()
    sources = Source(study), Source(other, read_cohort(other))
    for section in [each for each in SECTIONS if each.name not in left_out(study)]:
        one, two = (Estimates(section.name, source.study, source) for source in sources)
        for name in (*section.rows, *section.drawings):
            for frame, same in zip(frames_of(getattr(one, name)), frames_of(getattr(two, name)), strict=True):
                assert_frame_equal(frame, same, check_exact=True)


def test_a_decision_is_no_label(study_copy):
    study = read_study(study_copy())
    assert read_study(study_copy({"seed = ": "seed = 1"})).decisions() != study.decisions()
    assert json.loads(study.decisions())["arms"]["levels"] == dict.fromkeys(study.arms.levels, "")


def test_a_report_rendered_under_other_labels_is_the_one_computed_anew(build, tmp_path, monkeypatch):
    """Every label changed: page, ledger, tables and figures of `render` are those of a run in an empty store.

    Three sections; the others' estimates are compared above.
    """
    folder = tmp_path / "stent"
    shutil.copytree("tests/studies/stent", folder)
    monkeypatch.setenv(PLACE, str(tmp_path / "store"))
    monkeypatch.setattr(reporting, "can_fork", lambda: False)
    for name in RENDERED:
        books = tmp_path / "books"
        books.mkdir(exist_ok=True)
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", books)
    monkeypatch.setattr("helpers.report.build", lambda study, launcher, **asked: build(study, **asked, notebooks=books))
    study = read_study(folder)
    source = Source(study)
    for section in [each for each in SECTIONS if each.name in RENDERED]:
        for name in (*section.rows, *section.drawings):
            source.value(name, {})
    other = relabelled(study)
    told = other.model_dump(exclude={"folder"}, exclude_defaults=True)
    (folder / "study.toml").write_text("\n".join(f"{name} = {toml(value)}" for name, value in told.items()))
    assert read_study(folder).title == f"{study.title}ß"
    only = [each for name in RENDERED for each in ("--only", name)]
    assert main(["render", str(folder), *only, "--output", str(tmp_path / "rendered")]) == 0
    assert main(["report", str(folder), *only, "--output", str(tmp_path / "fresh"), "--fresh"]) == 0
    rendered, fresh = (
        {
            path.relative_to(tmp_path / place / "stent.part"): path
            for path in sorted((tmp_path / place).rglob("*"))
            if path.is_file()
        }
        for place in ("rendered", "fresh")
    )
    assert list(rendered) == list(fresh)
    assert len(rendered) > 20
    for name, path in rendered.items():
        if name.suffix not in (".json", ".ipynb", ".html"):
            assert path.read_bytes() == fresh[name].read_bytes(), name
    one, two = (
        re.sub(r"(?s)<footer.*</footer>", "", found[Path("report.html")].read_text()) for found in (rendered, fresh)
    )
    assert one == two
    assert one.count("ß") > 100
