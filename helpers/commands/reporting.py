"""`report` and `render`: the whole report, or what of it has changed."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import estimates, standing
from helpers.errors import OutputError, ParameterError
from helpers.launcher import Launcher, can_fork
from helpers.sections import chosen
from helpers.standing import REPORTS
from helpers.store import PLACE, Store, store
from helpers.study import Study, read_study

if TYPE_CHECKING:
    from helpers.report import Failure


def report(given: argparse.Namespace) -> int:
    """Build the report; what has been computed before is not computed again, and a report that stands is left."""
    began, study = time.monotonic(), read_study(given.study)
    parameters = {name: _value(text) for name, text in given.parameter}
    output = _output(given)
    when = None if given.fresh or given.only else standing.since(study, parameters, output / study.name)
    if when is not None:
        place = output / study.name
        print(f"{_shown(place)}/report.html, made at {when}; nothing has changed since (--fresh makes it anew)")
        return _opened(place, given)
    with _fresh_store() if given.fresh else contextlib.nullcontext():
        only = chosen(given.only) if given.only else None
        awaited = estimates.awaited(study, parameters, only)
        return _made(study, given, parameters, began, computing=bool(awaited))


def render(given: argparse.Namespace) -> int:
    """Make the report anew without any statistics. Raises ParameterError where an estimate is not in the store."""
    began, study = time.monotonic(), read_study(given.study)
    parameters = {name: _value(text) for name, text in given.parameter}
    only = _checked(study, given, parameters)
    awaited = estimates.awaited(study, parameters, only)
    if awaited:
        asked = "".join(f" -p {name} {shlex.quote(text)}" for name, text in given.parameter)
        raise ParameterError(
            f"{len(awaited)} estimates of this study, '{awaited[0]}' for one, have not been computed yet, or from "
            "other patients, decisions, parameters or code; "
            f"`python -m helpers report {given.study}{asked}` computes them"
        )
    return _made(study, given, parameters, began, computing=False)


def _output(given: argparse.Namespace) -> Path:
    """Where reports are put. Raises OutputError for a name that is no text."""
    output = given.output or REPORTS
    try:
        str(output).encode()
    except UnicodeEncodeError:
        raise OutputError("--output: the name of this folder is not text in UTF-8") from None
    return output


def _checked(study: Study, given: argparse.Namespace, parameters: dict) -> list[str] | None:
    """The sections asked for alone, once all that is asked for is known to be possible."""
    from helpers import report

    only = chosen(given.only) if given.only else None
    report.check(study, output=_output(given), parameters=parameters, only=only)
    return only


def _made(study: Study, given: argparse.Namespace, parameters: dict, began: float, *, computing: bool) -> int:
    with Launcher(study.folder, computing=computing) if can_fork() else contextlib.nullcontext() as launcher:
        place, failures = _built(study, given, parameters, launcher, computing)
    store().prune()
    for failure in failures:
        print(f"Error: {failure.what} failed: {failure.error}", file=sys.stderr)
    if failures:
        there = "/report.html" if (place / "report.html").is_file() else ""
        print(f"What there is lies in {_shown(place)}{there}; the last good report is as it was.", file=sys.stderr)
        return 1
    print(f"{_shown(place)}/report.html, {time.monotonic() - began:.0f} s")
    return _opened(place, given)


def _built(
    study: Study, given: argparse.Namespace, parameters: dict, launcher: Launcher | None, computing: bool
) -> tuple[Path, list[Failure]]:
    """The report, while the launcher imports what its kernels need.

    jsonschema builds the grammar of international addresses when it is imported, which takes a second and no notebook
    has; without the package it does without.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
    only = _checked(study, given, parameters)
    if computing:
        from helpers.cohort import read_cohort

        read_cohort(study)
    from helpers.report import build
    from helpers.scorecard import published

    if study.published_path.is_file():
        published(study)
    print(f"{study.title}\n  {_shown(study.folder)}", flush=True)
    asked = {"output": _output(given), "parameters": parameters, "only": only}
    return build(study, **asked, say=lambda line: print(line, flush=True), launcher=launcher)


@contextlib.contextmanager
def _fresh_store() -> Iterator[None]:
    """An empty store for one run; what it holds in the end takes the place of what was known before."""
    known, before = store(), os.environ.get(PLACE)
    beside = known.folder if known.usable else None
    folder = Path(tempfile.mkdtemp(dir=beside, prefix=".fresh-"))
    os.environ[PLACE] = str(folder)
    try:
        yield
        known.take(Store(folder))
    finally:
        os.environ.pop(PLACE)
        if before is not None:
            os.environ[PLACE] = before
        shutil.rmtree(folder, ignore_errors=True)


def _opened(place: Path, given: argparse.Namespace) -> int:
    if given.open:
        webbrowser.open((place / "report.html").resolve().as_uri())
    return 0


def _shown(path: Path) -> str:
    """A path on the terminal: from where one stands, else whole."""
    there = path.resolve()
    return there.relative_to(Path.cwd()).as_posix() if there.is_relative_to(Path.cwd()) else there.as_posix()


def _value(text: str) -> object:
    """A parameter's value: JSON where it is JSON (a number, null, a list), else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
