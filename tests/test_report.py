"""The runner: one whole report, a failing section, a killed one, and every mistake in one sentence."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from helpers import ledger
from helpers.__main__ import main
from helpers.errors import OutputError, ParameterError
from helpers.report import build
from helpers.report.runner import NOTEBOOKS
from helpers.results import results
from helpers.study import read_study

PARAMETERS = 'study_dir = "data/gbsg2"\nresults_dir = None\nknob = None'
LEAVES = """
from helpers import describe
from helpers.cohort import read_cohort
from helpers.ledger import leave
from helpers.study import read_study
study = read_study(study_dir)
rows = leave([describe.flow(read_cohort(study))], "02_cohort", results_dir)
len(rows)
"""


def notebooks(folder: Path, **sections: str) -> Path:
    """A folder of small notebooks, a parameters cell before each source."""
    folder.mkdir(exist_ok=True)
    for name, source in sections.items():
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "helpers", "display_name": "helpers", "language": "python"}
        cells = [nbformat.v4.new_markdown_cell(f"# Section {name}"), nbformat.v4.new_code_cell(PARAMETERS)]
        cells[1].metadata["tags"] = ["parameters"]
        notebook.cells = [*cells, nbformat.v4.new_code_cell(source.strip())]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


class Page(HTMLParser):
    """Links, anchors, images and everything that would leave the page."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.anchors, self.images, self.remote, self.scripts = [], [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors += [attributes["id"]] if "id" in attributes else []
        self.scripts += tag == "script"
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        if tag == "img":
            self.images.append(attributes)
        source = attributes.get("src", "") or (attributes.get("href", "") if tag == "link" else "")
        if source and not source.startswith(("data:", "#")):
            self.remote.append(source)


@pytest.fixture(scope="module")
def report(stent, tmp_path_factory):
    """The real notebooks on the invented study, built once."""
    output = tmp_path_factory.mktemp("reports")
    said = []
    place, failed = build(stent.study, output=output, say=said.append)
    assert not failed, said
    return place, said


def test_a_report_is_one_page_that_needs_nothing_else(report, stent):
    place, said = report
    text = (place / "report.html").read_text()
    page = Page(text)
    assert page.remote == []
    assert page.scripts == 1
    assert "default-src 'none'" in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.anchors)
    assert len(page.anchors) == len(set(page.anchors))
    assert [image["src"].partition(";")[0] for image in page.images] == ["data:image/svg+xml"] * 16
    assert all(len(image["alt"]) > 40 for image in page.images)
    assert stent.study.mark in text
    assert text.count("<details") >= 10
    assert "results_dir" not in re.sub(r"(?s)<details.*?</details>", "", text)
    assert {re.match(r"  (\S+) +[\d.]+ s$", line)[1] for line in said[-2:]} == {
        "00_key_findings",
        "09_published_numbers",
    }
    assert stent.study.synthetic_note in text
    assert "Assumed, because it is not published: how many died before month 12." in text


def test_captions_are_numbered_and_files_carry_the_numbers(report):
    place, _ = report
    text = (place / "report.html").read_text()
    for kind, folder, suffixes in (
        ("Figure", "figures", {".svg", ".pdf", ".png"}),
        ("Table", "tables", {".csv", ".docx"}),
    ):
        shown = re.findall(rf'data-exhibit="{kind}:([^"]+)"[^>]*><b>{kind} (M?\d+)\.</b>', text)
        for series in ("M", ""):
            own = [number.removeprefix("M") for _, number in shown if number.startswith("M") == bool(series)]
            assert own == [str(each) for each in range(1, len(own) + 1)]
        files = {path.stem for path in (place / folder).iterdir()}
        assert files == {f"{kind.lower()}_{number}_{name}" for name, number in shown}
        assert {path.suffix for path in (place / folder).iterdir()} == suffixes
    sizes = [path.stat().st_size for path in place.rglob("*.*")]
    assert min(sizes) > 100


def test_the_ledger_of_the_report_is_the_packages(report, stent):
    rows = ledger.read(report[0] / "results.csv")
    pd.testing.assert_frame_equal(rows, results(stent.study, stent), check_exact=True)


def test_no_patient_and_no_machine_is_in_the_report(report, stent):
    ids = pd.read_csv(stent.study.cohort_path)["record"]
    for path in [path for path in report[0].rglob("*") if path.suffix in {".html", ".csv", ".json", ".ipynb", ".svg"}]:
        text = path.read_text()
        assert not [name for name in ids if name in text], path.name
        assert str(report[0].parent) not in text, path.name


def test_provenance_is_whole(report, stent):
    record = json.loads((report[0] / "run.json").read_text())
    assert record["checksums_sha256"] == stent.study.checksums()
    assert record["seed"] == 7
    assert list(record["sections"]) == [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    assert len(record["checksums_sha256"]) == 4
    assert record["versions"]["lifelines"] == "0.30.3"
    text = (report[0] / "report.html").read_text()
    assert all(digest in text for digest in record["checksums_sha256"].values())


def test_a_notebook_of_the_report_runs_again(report):
    notebook = nbformat.read(report[0] / "notebooks" / "03_survival.ipynb", as_version=4)
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert "results_dir" not in injected.source


def test_a_failed_or_killed_section_leaves_the_last_good_report(stent, tmp_path):
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


AGAIN = LEAVES.replace("describe.flow(read_cohort(study))", "describe.flow(read_cohort(study)).assign(n=7.0)").replace("02_cohort", "03_more")
SHOWS = LEAVES + """
from helpers.exhibits import Row, Table, show
show(Table("one", "A table", ("A", "B"), (Row(("a", "1")),)), results_dir)
"""


def broken(*_, **__):
    raise ValueError("no such <thing>\nand more")


TWICE = "ValueError: one number has two values, 64.0 and 7.0: population screened, analysis flow, group overall"
BROKEN = "ValueError: no such <thing>"
AFTER = [
    ({"03_more": AGAIN}, None, "the ledger", TWICE, ("02_cohort.csv", "03_more.csv", "report.html")),
    ({}, "report.page.render", "the page", BROKEN, ("results.csv", "tables/table_1_one.docx")),
    ({}, "word.write", "tables and figures as files", BROKEN, ("results.csv", "report.html")),
]


def test_what_goes_wrong_after_the_sections_ran_costs_neither_them_nor_the_last_report(
    stent, tmp_path, monkeypatch, capsys
):
    good = notebooks(tmp_path / "good", **{"02_cohort": SHOWS})
    place, failed = build(stent.study, output=tmp_path / "reports", notebooks=good, say=print)
    assert failed == []
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for sections, breaks, what, error, kept in AFTER:
        books = notebooks(tmp_path / (breaks or "books"), **{"02_cohort": SHOWS, **sections})
        with monkeypatch.context() as patched:
            patched.setattr("helpers.__main__.build", partial(build, notebooks=books))
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


def test_a_study_beside_the_project_is_found_from_wherever_one_stands(study_copy, tmp_path, monkeypatch):
    folder = study_copy()
    monkeypatch.chdir(folder.parent)
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    place, failed = build(read_study("stent"), output=tmp_path / "r", notebooks=books, say=print)
    assert failed == []
    assert 'study_dir = \\"stent\\"' in (place / "notebooks" / "02_cohort.ipynb").read_text()


def test_a_file_that_is_no_notebook_is_named(stent, tmp_path):
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    (books / "03_more.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(ParameterError, match=r"03_more\.ipynb is no notebook that can be read"):
        build(stent.study, output=tmp_path / "r", notebooks=books, say=print)


def test_a_kernel_that_does_not_start_fails_its_section_alone(stent, tmp_path, monkeypatch):
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


def test_what_a_killed_run_left_behind_is_cleared_and_harms_nothing(stent, tmp_path):
    stale = tmp_path / "reports" / ".stent.999999999"
    stale.mkdir(parents=True)
    aside = tmp_path / "reports" / ".stent.last"
    aside.mkdir()
    (aside / "report.html").write_text("the last good report")
    dies = notebooks(tmp_path / "dies", **{"02_cohort": "raise ValueError('no')"})
    build(stent.study, output=tmp_path / "reports", notebooks=dies, say=print)
    assert (tmp_path / "reports" / "stent" / "report.html").read_text() == "the last good report"
    one = notebooks(tmp_path / "books", **{"02_cohort": LEAVES})
    build(stent.study, output=tmp_path / "reports", notebooks=one, say=print)
    assert not stale.exists()


def test_parameters_reach_the_notebooks_that_declare_them_and_no_others_exist(stent, tmp_path):
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


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(stent, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to the folder"):
        build(stent.study, output=tmp_path / "file", say=print)
    if os.geteuid() == 0:
        return
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        build(stent.study, output=tmp_path / "locked", say=print)


def test_warnings_in_a_notebook_name_no_folder_of_this_machine(stent, tmp_path):
    warns = "import warnings\nwarnings.warn_explicit('careful', UserWarning, '/home/me/x.py', 3)"
    books = notebooks(tmp_path / "books", **{"02_cohort": LEAVES, "03_warns": warns})
    place, _ = build(stent.study, output=tmp_path / "r", notebooks=books, say=print)
    text = (place / "report.html").read_text()
    assert "x.py:3: UserWarning: careful" in text
    assert not re.search(r"/home/me/x.py:3", text)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["report", "data/gbsgg2"], "Error: there is no folder 'data/gbsgg2'; did you mean 'data/gbsg2'?"),
        (["check", "nowhere"], "Error: there is no folder 'nowhere'"),
        (["report", "data/gbsg2", "-p", "tau", "36"], "Error: no notebook has a parameter 'tau'"),
    ],
)
def test_mistakes_on_the_command_line_end_in_one_sentence(arguments, sentence, capsys):
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_the_check_shows_a_table_and_every_problem(study_copy, capsys):
    assert main(["check", "data/gbsg2"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"variables\.tgrade\s+tgrade\s+I, II, III\s+I 81, II 444, III 161, 0 missing\s+fits", shown)
    assert "RFS" in shown
    folder = study_copy()
    table = (folder / "cohort.csv").read_text().replace("surgery", "surgury", 3)
    (folder / "cohort.csv").write_text(table)
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr()
    assert "PROBLEM" in shown.out
    assert "did you mean 'surgery'?" in shown.err


def test_the_command_exits_without_traceback(tmp_path):
    command = [sys.executable, "-m", "helpers", "check", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
