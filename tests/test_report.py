"""One whole report by the real notebooks, and the command line's sentences."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest

from helpers import ledger
from helpers.__main__ import main
from helpers.standing import NOTEBOOKS

PICTURE = re.compile(r"[A-Za-z0-9+/]{200,}")


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
def report(stent, build, tmp_path_factory):
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
    told = [re.match(r"  \[([ \d]\d)/10\] (.+?) +[\d.]+ s$", line).groups() for line in said]
    assert [int(number) for number, _ in told] == list(range(1, 11))
    assert {title for _, title in told[-2:]} == {"Key findings", "Published numbers"}
    assert stent.study.synthetic_note in text
    assert "How this cohort was made" in text
    assert "<p>Assumed, because it is not published:</p>\n<ul><li>how many died before month 12</li></ul>" in text
    assert "Brought to what is printed" not in text


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


def test_the_ledger_of_the_report_is_the_packages(report, stent, stent_ledger):
    rows = ledger.read(report[0] / "results.csv")
    pd.testing.assert_frame_equal(rows, stent_ledger, check_exact=True)


def test_no_patient_and_no_machine_is_in_the_report(report, stent):
    ids = pd.read_csv(stent.study.cohort_path)["record"]
    for path in [path for path in report[0].rglob("*") if path.suffix in {".html", ".csv", ".json", ".ipynb", ".svg"}]:
        text = path.read_text()
        said = PICTURE.sub("", text)
        assert not [name for name in ids if name in said], path.name
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
