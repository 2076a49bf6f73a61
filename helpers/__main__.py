"""`python -m helpers report data/<study>` builds the report.

In its place `check` only says whether the input fits, `scorecard` joins what a paper printed to what is computed,
`simulate` draws cohorts with a known effect and says how every way of analysing them errs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import UserError
from helpers.launcher import Launcher, can_fork
from helpers.study import Study, read_study, relative

if TYPE_CHECKING:
    from helpers.report import Failure

WIDEST = 80
DRAWS, ESTIMAND_ROWS = 2000, 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run a command; mistakes of the user end in one sentence and exit code 1."""
    given = _parser().parse_args(arguments)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return {"report": _report, "check": _check, "scorecard": _scorecard, "simulate": _simulate}[given.command](
            given
        )
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt as stop:
        kept = "nothing was written" if given.command == "simulate" else "the last good report is as it was"
        print(f"Stopped; {kept}.", file=sys.stderr)
        return 143 if isinstance(stop, Terminated) else 130


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


def _terminate(*_: object) -> None:
    raise Terminated


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="run all sections and write one HTML report")
    check = commands.add_parser("check", help="say in a table whether study file and cohort fit")
    score = commands.add_parser("scorecard", help="say by table how many printed numbers are computed, and agree")
    drawn = commands.add_parser("simulate", help="draw cohorts with a known effect and say how every analysis errs")
    for command in (report, check, score, drawn):
        command.add_argument("study", help="the study's folder, such as data/ctrt")
    report.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    report.add_argument("--output", type=Path, help="where reports are put (default: reports)")
    drawn.add_argument("--draws", type=int, default=DRAWS, help=f"cohorts for each hazard ratio (default: {DRAWS})")
    drawn.add_argument("--rows", type=int, help="patients of each cohort (default: as the study file says)")
    drawn.add_argument(
        "--hazard-ratio", type=float, action="append", help="may be repeated (default: the study file's)"
    )
    drawn.add_argument("--estimand-rows", type=int, default=ESTIMAND_ROWS, help="patients a limit is from")
    drawn.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    drawn.add_argument("--output", type=Path, help="CSV to write (default: simulation.csv in the study's folder)")
    return parser


def _report(given: argparse.Namespace) -> int:
    began, study = time.monotonic(), read_study(given.study)
    with Launcher() if can_fork() else contextlib.nullcontext() as launcher:
        place, failures = _built(study, given, launcher)
    for failure in failures:
        print(f"Error: {failure.what} failed: {failure.error}", file=sys.stderr)
    if failures:
        there = "/report.html" if (place / "report.html").is_file() else ""
        print(f"What there is lies in {relative(place)}{there}; the last good report is as it was.", file=sys.stderr)
        return 1
    print(f"{relative(place)}/report.html, {time.monotonic() - began:.0f} s")
    return 0


def _built(study: Study, given: argparse.Namespace, launcher: Launcher | None) -> tuple[Path, list[Failure]]:
    """The report, while the launcher imports what its kernels need.

    jsonschema builds the grammar of international addresses when it is imported, which takes a second and no notebook
    has; without the package it does without.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
    from helpers.cohort import read_cohort
    from helpers.report import REPORTS, build
    from helpers.scorecard import published

    read_cohort(study)
    if study.published_path.is_file():
        published(study)
    print(f"{study.title}\n  {relative(study.folder)}", flush=True)
    asked = {"output": given.output or REPORTS, "parameters": {name: _value(text) for name, text in given.parameter}}
    return build(study, **asked, say=lambda line: print(line, flush=True), launcher=launcher)


def _check(given: argparse.Namespace) -> int:
    from helpers.cohort import examine
    from helpers.scorecard import published

    study = read_study(given.study)
    findings = examine(study)
    header = ("Entry", "Column", "Expected", "Found", "")
    lines = [header, *((f.entry, f.column, f.expected, f.found, "PROBLEM" if f.problem else "fits") for f in findings)]
    _print(lines)
    problems = [finding.problem for finding in findings if finding.problem]
    if study.published_path.is_file():
        try:
            published(study)
        except UserError as error:
            problems.append(str(error))
    for problem in problems:
        print(f"Error: {problem}", file=sys.stderr)
    if not problems:
        print(f"{relative(study.file)} and {study.cohort.source} fit.")
    return 1 if problems else 0


def _scorecard(given: argparse.Namespace) -> int:
    from helpers import scorecard, tables, wording
    from helpers.cohort import read_cohort
    from helpers.results import results

    study = read_study(given.study)
    printed = scorecard.published(study)
    scored = scorecard.scorecard(printed, results(study, read_cohort(study)))
    places = scorecard.by_place(scored)
    print(*wording.scorecard(places, study=study).sentences, sep="\n")
    for table in (
        tables.agreement(places, study=study),
        tables.differing(scored, study=study),
        tables.awaiting(scorecard.not_computed(scored), study=study),
    ):
        print(f"\n{table.title}")
        _print([table.header, *(row.cells for row in table.rows)])
    return 0


def _simulate(given: argparse.Namespace) -> int:
    from helpers import simulate, tables, wording
    from helpers.cohort import read_cohort

    began = time.monotonic()
    cohort = read_cohort(read_study(given.study))
    study, ratios, workers = cohort.study, given.hazard_ratio, given.workers
    output = given.output or study.simulation_path
    sizes = {"draws": given.draws, "rows": given.rows, "estimand_rows": given.estimand_rows}
    simulate.check(cohort, hazard_ratios=ratios, workers=workers, **sizes)
    simulate.check_output(output)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    asked = {"hazard_ratios": ratios, "workers": workers}
    expected = simulate.estimands(cohort, rows=given.estimand_rows, progress=simulate.reported("Limits"), **asked)
    frame = simulate.simulate(
        cohort, draws=given.draws, rows=given.rows, estimands=expected, progress=simulate.reported("Cohorts"), **asked
    )
    rows = simulate.save(frame, output)
    (table,) = tables.simulation(frame, study=study)
    print(table.title)
    _print([table.header, *(row.cells for row in table.rows)])
    print(*wording.simulation(rows, study=study).sentences, sep="\n")
    print(f"{relative(output)}, {time.monotonic() - began:.0f} s on {workers} processes")
    return 0


def _print(lines: list[tuple[str, ...]]) -> None:
    """Cells in columns, the longest cut with a sign that they are."""
    widths = [min(WIDEST, max(len(line[column]) for line in lines)) for column in range(len(lines[0]))]
    for line in lines:
        cells = (cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…" for cell in line)
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _value(text: str) -> object:
    """A parameter's value: JSON where it is JSON (a number, null, a list), else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    sys.exit(main())
