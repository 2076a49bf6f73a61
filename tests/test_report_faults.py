"""What can go wrong with a report: a section, a kernel, what is made of the sections, a parameter, a folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial

import nbformat
import pytest
from books import LEAVES, notebooks

from helpers import ledger
from helpers.__main__ import main
from helpers.errors import OutputError, ParameterError
from helpers.study import read_study


def test_a_failed_or_killed_section_leaves_the_last_good_report(build, stent, tmp_path):
    good = notebooks(tmp_path / "good", **{"02_cohort": LEAVES, "03_more": "1 + 1"})
    place, failed = build(stent.study, output=tmp_path / "reports", notebooks=good, say=print)
    assert failed == []
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    bad = notebooks(
        tmp_path / "bad",
        **{
            "00_key_findings": "'still here'",
            "02_cohort": LEAVES,
            "03_fails": "from helpers.errors import ParameterError\nraise ParameterError('tau <too> long')",
            "04_dies": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        },
    )
    other, failures = build(stent.study, output=tmp_path / "reports", notebooks=bad, say=print)
    assert [(each.what, each.error) for each in failures] == [
        ("section 03_fails", "ParameterError: tau <too> long"),
        ("section 04_dies", "the kernel died"),
    ]
    assert other.name == "stent.failed"
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    text = (other / "report.html").read_text()
    assert "This report is incomplete" in text
    assert "ParameterError: tau &lt;too&gt; long" in text
    assert "still here" in text
    assert "the kernel died" in text
    assert len(ledger.read(other / "results.csv")) > 5
    assert {path.stem for path in (other / "notebooks").iterdir()} == {
        "00_key_findings",
        "02_cohort",
        "03_fails",
        "04_dies",
    }
    record = json.loads((other / "run.json").read_text())["sections"]
    assert [name for name, section in record.items() if section["failed"]] == ["03_fails", "04_dies"]
    build(stent.study, output=tmp_path / "reports", notebooks=good, say=print)
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["stent"]


AGAIN = LEAVES.replace("describe.flow(read_cohort(study))", "describe.flow(read_cohort(study)).assign(n=7.0)").replace(
    "02_cohort", "03_more"
)
SHOWS = (
    LEAVES
    + """
from helpers.exhibits import Row, Table, show
show(Table("one", "A table", ("A", "B"), (Row(("a", "1")),)), results_dir)
"""
)


def broken(*_, **__):
    raise ValueError("no such <thing>\nand more")


TWICE = "ValueError: one number has two values, 64.0 and 7.0: population screened, analysis flow, group overall"
BROKEN = "ValueError: no such <thing>"
AFTER = [
    ({"03_more": AGAIN}, None, "the ledger", TWICE, ("02_cohort.csv", "03_more.csv", "report.html")),
    ({}, "report.page.render", "the page", BROKEN, ("results.csv", "tables/table_1_one.docx")),
    ({}, "word.write", "table 1 as a file", BROKEN, ("results.csv", "report.html")),
]


def test_what_goes_wrong_after_the_sections_ran_costs_neither_them_nor_the_last_report(
    build, stent, tmp_path, monkeypatch, capsys
):
    good = notebooks(tmp_path / "good", **{"02_cohort": SHOWS})
    place, failed = build(stent.study, output=tmp_path / "reports", notebooks=good, say=print)
    assert failed == []
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}

    def forked(study, launcher, **asked):
        return build(study, **asked)

    for sections, breaks, what, error, kept in AFTER:
        books = notebooks(tmp_path / (breaks or "books"), **{"02_cohort": SHOWS, **sections})
        with monkeypatch.context() as patched:
            patched.setattr("helpers.report.build", partial(forked, notebooks=books))
            patched.setattr("helpers.commands.reporting.can_fork", lambda: False)
            if breaks:
                patched.setattr(f"helpers.{breaks}", broken)
            assert main(["report", str(stent.study.folder), "--output", str(tmp_path / "reports")]) == 1
        shown = capsys.readouterr().err
        assert f"Error: {what} failed: {error}" in shown
        assert "the last good report is as it was" in shown
        assert "Traceback" not in shown
        other = tmp_path / "reports" / "stent.failed"
        assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
        assert all((other / name).is_file() for name in (*kept, "run.json", "notebooks/02_cohort.ipynb"))
        assert "Traceback" in (other / "errors.txt").read_text()
        page = other / "report.html"
        assert f"{what} could not be made (ValueError" in page.read_text() if what == "the ledger" else True
        assert page.is_file() == ("report.html" in kept)


def test_a_study_beside_the_project_is_found_from_wherever_one_stands(build, study_copy, tmp_path, monkeypatch):
    folder = study_copy()
    monkeypatch.chdir(folder.parent)
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    place, failed = build(read_study("stent"), output=tmp_path / "r", notebooks=books, say=print)
    assert failed == []
    assert 'study_dir = \\"stent\\"' in (place / "notebooks" / "02_cohort.ipynb").read_text()


def test_a_file_that_is_no_notebook_is_named(build, stent, tmp_path):
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    (books / "03_more.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(ParameterError, match=r"03_more\.ipynb is no notebook that can be read"):
        build(stent.study, output=tmp_path / "r", notebooks=books, say=print)


STOPPED = """
import sys
sys.path.insert(0, "tests")
from functools import partial
from pathlib import Path
import helpers.estimates
import helpers.report
from helpers.__main__ import main
helpers.report.build = partial(helpers.report.build, notebooks=Path(sys.argv[1]))
helpers.estimates.awaited = lambda *_: []
sys.exit(main(["report", "tests/studies/stent", "--output", sys.argv[2]]))
"""


def heeding_interrupts() -> None:
    """Undo what a shell does to what it runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.slow
def test_a_signal_ends_what_runs_and_what_waits(tmp_path, number, code):
    """Six sections that would take ten minutes each are gone at once, and so is the folder of the run."""
    waits = f"from pathlib import Path\nimport time\nPath({str(tmp_path / 'began')!r}).touch()\ntime.sleep(600)"
    books = notebooks(tmp_path / "books", **{f"0{place}_waits": waits for place in range(2, 8)})
    command = [sys.executable, "-c", STOPPED, str(books), str(tmp_path / "r")]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=heeding_interrupts
    )
    end = time.monotonic() + 60
    while not (tmp_path / "began").exists() and time.monotonic() < end:
        time.sleep(0.1)
    running.send_signal(number)
    error = running.communicate(timeout=30)[1]
    assert running.returncode == code
    assert error == "Stopped; what was there before is as it was.\n"
    assert list((tmp_path / "r").iterdir()) == []


def test_a_kernel_that_does_not_start_fails_its_section_alone(build, stent, tmp_path, monkeypatch):
    spec = {"argv": ["sleep", "60"], "display_name": "asleep", "language": "python"}
    (tmp_path / "kernels" / "asleep").mkdir(parents=True)
    (tmp_path / "kernels" / "asleep" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("helpers.report.runner.START_SECONDS", 1)
    books = notebooks(tmp_path / "books", **{"03_asleep": "1 + 1"})
    asleep = nbformat.read(books / "03_asleep.ipynb", as_version=4)
    asleep.metadata["kernelspec"]["name"] = "asleep"
    nbformat.write(asleep, books / "03_asleep.ipynb")
    other, failures = build(stent.study, output=tmp_path / "r", notebooks=books, say=print)
    assert [each.what for each in failures] == ["section 03_asleep"]
    assert failures[0].error == "the notebook could not be run: Kernel didn't respond in 1 seconds"
    assert "Section 03_asleep" in (other / "report.html").read_text()


def test_what_a_killed_run_left_behind_is_cleared_and_harms_nothing(build, stent, tmp_path):
    stale = tmp_path / "reports" / ".run-999999999-stent"
    stale.mkdir(parents=True)
    aside = tmp_path / "reports" / ".last-stent"
    aside.mkdir()
    (aside / "report.html").write_text("the last good report")
    dies = notebooks(tmp_path / "dies", **{"02_cohort": "raise ValueError('no')"})
    build(stent.study, output=tmp_path / "reports", notebooks=dies, say=print)
    assert (tmp_path / "reports" / "stent" / "report.html").read_text() == "the last good report"
    one = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    build(stent.study, output=tmp_path / "reports", notebooks=one, say=print)
    assert not stale.exists()


def test_parameters_reach_the_notebooks_that_declare_them_and_no_others_exist(build, stent, tmp_path):
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES, "03_knob": "print('knob is', knob)"})
    place, failed = build(stent.study, output=tmp_path / "r", notebooks=books, parameters={"knob": 36}, say=print)
    assert failed == []
    assert "knob is 36" in (place / "report.html").read_text()
    assert json.loads((place / "run.json").read_text())["parameters"] == {"knob": 36}
    with pytest.raises(
        ParameterError, match=r"no notebook has a parameter 'knop'; did you mean 'knob'\? \(parameters: 'knob'\)"
    ):
        build(stent.study, output=tmp_path / "r", notebooks=books, parameters={"knop": 1}, say=print)
    with pytest.raises(ParameterError, match="'study_dir' is set by the run itself"):
        build(stent.study, output=tmp_path / "r", notebooks=books, parameters={"study_dir": "x"}, say=print)


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(build, stent, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to the folder"):
        build(stent.study, output=tmp_path / "file", say=print)
    if os.geteuid() == 0:
        return
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        build(stent.study, output=tmp_path / "locked", say=print)


def test_warnings_in_a_notebook_name_no_folder_of_this_machine(build, stent, tmp_path):
    warns = "import warnings\nwarnings.warn_explicit('careful', UserWarning, '/home/me/x.py', 3)"
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES, "03_warns": warns})
    place, _ = build(stent.study, output=tmp_path / "r", notebooks=books, say=print)
    text = (place / "report.html").read_text()
    assert "x.py:3: UserWarning: careful" in text
    assert not re.search(r"/home/me/x.py:3", text)
