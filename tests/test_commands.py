"""The command line: what stands is not made again, what is asked for is understood, and nothing is lost."""

import json
import os
import subprocess
import sys

import pytest
from books import LEAVES, notebooks

from helpers import report, standing
from helpers.__main__ import main
from helpers.commands import reporting
from helpers.errors import ParameterError
from helpers.report.exchange import exchanged
from helpers.sections import chosen
from helpers.store import PLACE
from helpers.study import read_study

SHOWS = LEAVES.replace("describe.flow(read_cohort(study))", "Estimates('02_cohort', study).flow").replace(
    "from helpers import describe", "from helpers.estimates import Estimates"
)


@pytest.fixture
def small(tmp_path, monkeypatch, build):
    """The commands over a folder of two small notebooks, with a store of their own."""
    books = notebooks(tmp_path / "books", **{"02_cohort": SHOWS, "03_survival": "1 + 1"})
    monkeypatch.setenv(PLACE, str(tmp_path / "store"))
    monkeypatch.setattr(reporting, "can_fork", lambda: False)

    def built(study, launcher, **asked):
        return build(study, **asked, notebooks=books)

    monkeypatch.setattr("helpers.report.build", built)
    monkeypatch.setattr(standing.made_of, "__defaults__", (books,))
    monkeypatch.setitem(report.check.__kwdefaults__, "notebooks", books)
    monkeypatch.setattr(reporting, "REPORTS", tmp_path / "reports")
    return tmp_path / "reports"


def test_a_report_that_stands_is_left_until_something_changes(small, study_copy, capsys):
    folder = study_copy()
    place = small / "stent"
    assert main(["report", str(folder)]) == 0
    made = json.loads((place / "run.json").read_text())
    capsys.readouterr()
    assert main(["report", str(folder)]) == 0
    assert f"made at {made['started']}; nothing has changed since" in capsys.readouterr().out
    assert json.loads((place / "run.json").read_text()) == made

    def made_again(*asked) -> bool:
        before = (place / "run.json").stat().st_mtime_ns
        assert main(["report", str(folder), *asked]) == 0
        return (place / "run.json").stat().st_mtime_ns != before

    assert made_again("--fresh")
    assert not made_again()
    page = (place / "report.html").read_text()
    (place / "report.html").write_text(page.replace("<h1", "<h1 "))
    assert made_again(), "a file of the report was touched"
    (place / "new.txt").write_text("")
    assert made_again(), "a file came"
    assert made_again("-p", "knob", "3")
    study_copy({'label = "': 'label = "Other '})
    assert made_again()
    assert not made_again()
    told = json.loads((place / "run.json").read_text())
    (place / "run.json").write_text(json.dumps({**told, "seed": 99}))
    assert made_again(), "the record was touched"
    assert not made_again()


def test_some_sections_alone_go_to_a_place_of_their_own(small, capsys):
    folder = "tests/studies/stent"
    assert main(["report", folder, "--only", "survival"]) == 0
    assert sorted(path.name for path in small.iterdir()) == ["stent.part"]
    assert sorted(path.name for path in (small / "stent.part" / "notebooks").iterdir()) == ["03_survival.ipynb"]
    assert main(["report", "data/gbsg2", "--only", "7"]) == 1
    assert (
        "section '07_progression' is left out of this study: the study file names no [progression]"
        in capsys.readouterr().err
    )
    assert main(["report", folder, "--only", ""]) == 1
    assert "there is no section ''" in capsys.readouterr().err
    assert main(["report", folder, "--only", "surviv"]) == 1
    assert "there is no section 'surviv'; did you mean 'survival'?" in capsys.readouterr().err


def test_a_study_file_changed_while_its_report_is_made_makes_it_anew(small, study_copy, monkeypatch):
    folder = study_copy()
    made = standing.made_of
    asked = iter([None, lambda: study_copy({'title = "': 'title = "New '})])

    def changing(*arguments):
        change = next(asked, None)
        if change:
            change()
        return made(read_study(folder), *arguments[1:]) if change else made(*arguments)

    monkeypatch.setattr("helpers.report.standing.made_of", changing)
    assert main(["report", str(folder), "--fresh"]) == 0
    monkeypatch.setattr("helpers.report.standing.made_of", made)
    assert "made_of" not in json.loads((small / "stent" / "run.json").read_text())
    assert "New Stent or surgery" not in (small / "stent" / "report.html").read_text()
    assert main(["report", str(folder)]) == 0
    assert "New Stent or surgery" in (small / "stent" / "report.html").read_text()


def test_sections_are_known_by_number_name_and_words():
    assert chosen(["3", "04", "06_sensitivity", "Adverse events"]) == [
        "03_survival",
        "04_prognostic_factors",
        "06_sensitivity",
        "08_adverse_events",
    ]
    with pytest.raises(ParameterError, match="there is no section '12'"):
        chosen(["12"])


def test_render_needs_what_has_been_computed(small, capsys):
    assert main(["render", "tests/studies/stent"]) == 1
    said = capsys.readouterr().err
    assert "estimates of this study, 'flow' for one, have not been computed yet" in said
    assert "`python -m helpers report tests/studies/stent` computes them" in said
    assert not small.exists()


def test_a_failed_fresh_run_keeps_what_was_known(small, monkeypatch, tmp_path):
    assert main(["report", "tests/studies/stent"]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "store").iterdir() if path.is_file()}
    monkeypatch.setattr("helpers.report.build", lambda *_, **__: pytest.fail("stopped"))
    with pytest.raises(pytest.fail.Exception):
        main(["report", "tests/studies/stent", "--fresh"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "store").iterdir() if path.is_file()} == before
    assert not [path for path in (tmp_path / "store").iterdir() if path.name.startswith(".fresh")]


def test_the_report_of_another_study_of_that_name_is_not_overwritten(small, study_copy, tmp_path, capsys):
    assert main(["report", "tests/studies/stent"]) == 0
    page = (small / "stent" / "report.html").read_bytes()
    assert main(["report", str(study_copy())]) == 1
    assert "stent holds the report of another study, so there is no place for one of 'stent'" in capsys.readouterr().err
    assert (small / "stent" / "report.html").read_bytes() == page
    (small / "stent").rename(small / "other.failed")
    study_copy().rename(tmp_path / "other")
    assert main(["report", str(tmp_path / "other")]) == 1
    assert "other.failed holds the report of another study" in capsys.readouterr().err
    assert (small / "other.failed" / "report.html").read_bytes() == page


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["reprot", "data/ctrt"],
            2,
            "Error: there is no command 'reprot'; did you mean 'report'? (commands: 'report', ",
        ),
        (["report"], 2, "Error: the following arguments are required: study ("),
        (["report", "data/ctrt", "--fersh"], 2, "Error: unrecognized arguments: --fersh ("),
        (["report", "data/ctrt", "--only"], 2, "Error: argument --only: expected one argument ("),
    ],
)
def test_a_mistyped_command_is_told_in_one_sentence(capsys, arguments, code, said):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == code
    shown = capsys.readouterr().err
    assert shown.startswith(said)
    assert shown.count("\n") == 1


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("helpers 0.1.0, Python 3.")


@pytest.mark.parametrize("moment", ["helpers.commands", "helpers.study", "helpers.launcher", "pydantic"])
def test_a_keyboard_interrupt_while_modules_are_imported_ends_in_one_sentence(moment):
    source = f"""
import builtins, sys
known = builtins.__import__
def imported(name, *rest, **more):
    if name == {moment!r} and "helpers.__main__" in sys.modules:
        raise KeyboardInterrupt
    return known(name, *rest, **more)
from helpers.__main__ import main
builtins.__import__ = imported
sys.exit(main(["report", "tests/studies/stent"]))
"""
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=os.environ, timeout=60)
    assert (ended.returncode, ended.stderr) == (130, "Stopped; what was there before is as it was.\n")


def test_two_folders_change_places_in_one_step(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "said").write_text(name)
    if exchanged(tmp_path / "one", tmp_path / "two"):
        assert [(tmp_path / name / "said").read_text() for name in ("one", "two")] == ["two", "one"]
    assert not exchanged(tmp_path / "one", tmp_path / "absent")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_source_that_leaves_the_folder_is_read_only_where_the_study_file_says_so(study_copy, tmp_path, capsys):
    folder = study_copy({'source = "cohort.csv"': 'source = "../elsewhere/cohort.csv"'})
    (tmp_path / "elsewhere").mkdir()
    (folder / "cohort.csv").rename(tmp_path / "elsewhere" / "cohort.csv")
    assert main(["check", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "entry 'cohort.source': the file lies outside of the study's folder; put it there, or say in" in error
    assert str(tmp_path) not in error
    said = 'source = "../elsewhere/cohort.csv"\nelsewhere = "on the drive of the ward"'
    folder = study_copy({'source = "cohort.csv"': said})
    (folder / "cohort.csv").unlink()
    study = read_study(folder)
    assert study.source_name == "cohort.csv"
    assert main(["check", str(folder)]) == 0
    assert str(tmp_path) not in "".join(capsys.readouterr())
    assert not any("/" in name for name in study.checksums())
    linked = study_copy()
    (linked / "cohort.csv").unlink()
    (linked / "cohort.csv").symlink_to(tmp_path / "elsewhere" / "cohort.csv")
    assert main(["check", str(linked)]) == 1
    assert "'cohort.source': the file lies outside" in capsys.readouterr().err
