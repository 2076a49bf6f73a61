"""The commands: `report` builds a study's report, the others look at its input or at what it came to."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path
from typing import NoReturn

from helpers import __version__
from helpers.errors import UserError, listed, nearest
from helpers.store import PLACE

COMMANDS = {
    "report": ("reporting", "run all sections and write one HTML report"),
    "render": ("reporting", "make the report anew from what has been computed before"),
    "check": ("inspecting", "say in a table whether study file and cohort fit"),
    "scorecard": ("inspecting", "say by table how many printed numbers are computed, and agree"),
    "simulate": ("simulating", "draw cohorts with a known effect and say how every analysis errs"),
}
DRAWS, ESTIMAND_ROWS = 2000, 1_000_000
WIDEST = 80


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = parser().parse_args(arguments)
    if os.environ.get(PLACE):
        os.environ[PLACE] = str(Path(os.environ[PLACE]).absolute())
    try:
        return getattr(importlib.import_module(f"{__name__}.{COMMANDS[given.command][0]}"), given.command)(given)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """What is wrong with the command line, in one sentence."""
        given = message.partition("invalid choice: ")[2].partition(" (choose from")[0].strip("'")
        if given:
            message = f"there is no command '{given}'{nearest(given, COMMANDS)} (commands: {listed(COMMANDS)})"
        self.exit(2, f"Error: {message} (`{self.prog} --help` says more)\n")


def parser() -> argparse.ArgumentParser:
    """What can be asked for on the command line."""
    made = _Parser(prog="python -m helpers", description=__doc__)
    version = f"helpers {__version__}, Python {platform.python_version()}"
    made.add_argument("--version", action="version", version=version)
    commands = made.add_subparsers(dest="command", required=True, metavar="command")
    by_name = {name: commands.add_parser(name, help=said, description=said) for name, (_, said) in COMMANDS.items()}
    for command in by_name.values():
        command.add_argument("study", help="the study's folder, such as data/ctrt")
    for command in (by_name["report"], by_name["render"]):
        command.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
        command.add_argument("--output", type=Path, help="where reports are put (default: reports)")
        command.add_argument(
            "--only", action="append", metavar="SECTION", help="this section alone, such as 03; may be repeated"
        )
        command.add_argument("--open", action="store_true", help="show the report in the browser")
    by_name["report"].add_argument("--fresh", action="store_true", help="compute all, whatever is known")
    drawn = by_name["simulate"]
    drawn.add_argument("--draws", type=int, default=DRAWS, help=f"cohorts for each hazard ratio (default: {DRAWS})")
    drawn.add_argument("--rows", type=int, help="patients of each cohort (default: as the study file says)")
    drawn.add_argument(
        "--hazard-ratio", type=float, action="append", help="may be repeated (default: the study file's)"
    )
    drawn.add_argument("--estimand-rows", type=int, default=ESTIMAND_ROWS, help="patients a limit is from")
    drawn.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    drawn.add_argument("--output", type=Path, help="CSV to write (default: simulation.csv in the study's folder)")
    return made


def printed(lines: list[tuple[str, ...]]) -> None:
    """Cells in columns, the longest cut with a sign that they are."""
    widths = [min(WIDEST, max(len(line[column]) for line in lines)) for column in range(len(lines[0]))]
    for line in lines:
        cells = (cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…" for cell in line)
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
