"""One offline HTML report from the notebooks: run side by side, merged, numbered, and put in place only when whole."""

import errno
import os
import shutil
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers import PROJECT, ledger, standing
from helpers.errors import OutputError, ParameterError, listed, nearest
from helpers.launcher import Launcher
from helpers.report import provenance
from helpers.report.exchange import exchanged
from helpers.report.runner import Executed, Failure, check_parameters, run_sections
from helpers.sections import SECTIONS, left_out
from helpers.standing import NOTEBOOKS, REPORTS
from helpers.study import Study, relative

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def build(
    study: Study,
    *,
    output: Path = REPORTS,
    parameters: dict | None = None,
    notebooks: Path = NOTEBOOKS,
    say: Callable[[str], None] = print,
    launcher: Launcher | None = None,
    only: list[str] | None = None,
) -> tuple[Path, list[Failure]]:
    """Run every section of the study and write `output/<study>/`; return the folder and what failed.

    Where a section fails, or what is made of the sections (ledger, page, tables and figures), all there is goes to
    `output/<study>.failed/`, where the file of errors says where, and an earlier good report stays as it was. Kernels
    are forked by `launcher` where there is one. Raises ParameterError for a parameter no notebook has and OutputError
    where nothing can be written.
    """
    given, output, notebooks = parameters or {}, output.resolve(), notebooks.resolve()
    wanted = check(study, output=output, parameters=given, notebooks=notebooks, only=only)
    started, made_of = time.time(), standing.made_of(study, given, notebooks)
    work = _workplace(study, output)
    try:
        sections = run_sections(wanted, work, {**given, "study_dir": str(study.folder)}, say, launcher)
        sections = [each for each in sections if only is None or each.name in only]
        failures = [Failure(f"section {each.name}", each.error) for each in sections if each.error is not None]
        failures += _assembled(study, sections, work, given, started)
        if failures or only is not None:
            return _put_in_place(work, output / f"{study.name}.{'failed' if failures else 'part'}", study), failures
        if made_of == standing.made_of(study, given, notebooks):
            told = {**standing.recorded(work), "made_of": made_of, "files": standing.files(work)}
            provenance.write(standing.sealed(told), work / standing.RECORD)
        return _put_in_place(work, output / study.name, study), failures
    except OSError as error:
        raise OutputError(f"cannot write to the folder '{relative(output)}': {error.strerror or error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check(
    study: Study, *, output: Path, parameters: dict, notebooks: Path = NOTEBOOKS, only: list[str] | None = None
) -> list[Path]:
    """The notebooks to run. Raises ParameterError and OutputError for what `build` cannot be asked for."""
    wanted = _wanted(study, notebooks, only)
    check_parameters(wanted, parameters)
    _check_population(study, parameters.get("population"))
    _check_place(study, output)
    return wanted


def _assembled(study: Study, sections: list[Executed], work: Path, parameters: dict, started: float) -> list[Failure]:
    """Make of the sections what a report is, each part by itself; what goes wrong with one costs no other."""
    from helpers.report import links, page

    failures: list[Failure] = []

    def attempt(what: str, make: Callable[[], None]) -> None:
        try:
            make()
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            failures.append(Failure(what, f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")))
            told = "".join(traceback.format_exception(error)).replace(f"{PROJECT}/", "")
            with (work / "errors.txt").open("a", encoding="utf-8") as file:
                file.write(f"{what}\n{told}\n")

    def page_of(numbers: dict[tuple[str, str], str]) -> None:
        html = page.render(study, sections, numbers, work / "exhibits", record, list(failures))
        (work / "report.html").write_text(html, encoding="utf-8")

    record: dict = {}
    numbers: dict[tuple[str, str], str] = {}
    attempt("the record of the run", lambda: record.update(provenance.record(study, sections, parameters, started)))
    attempt("the record of the run as a file", lambda: provenance.write(record, work / standing.RECORD))
    attempt("the ledger", lambda: _merge(sections, work))
    attempt("numbers of tables and figures", lambda: numbers.update(page.number_exhibits(sections)))
    attempt("the page", lambda: page_of(numbers))
    places: dict[tuple[str, str], str] = {}
    attempt("the places of exhibits", lambda: places.update(links.places(sections, numbers)))
    for (kind, name), number in numbers.items():
        attempt(f"{kind.lower()} {number} as a file", partial(_export, work, kind, name, number, places))
    shutil.rmtree(work / "exhibits")
    return failures


def _merge(sections: list[Executed], work: Path) -> None:
    """The sections' rows as one ledger, in the place of their own files."""
    ledger.write(ledger.merged(work), work / "results.csv")
    for section in sections:
        (work / f"{section.name}.csv").unlink(missing_ok=True)


def _wanted(study: Study, notebooks: Path, only: list[str] | None) -> list[Path]:
    """The notebooks to run: all the study has data for, or those named, and what a section that reads rows reads."""
    without = left_out(study)
    reading = any(each.reads_rows and each.name in (only or []) for each in SECTIONS)
    for name in only or []:
        if name in without:
            raise ParameterError(f"section '{name}' is left out of this study: {without[name]}")
    named = [path for path in sorted(notebooks.glob("*.ipynb")) if path.stem not in without]
    return [path for path in named if only is None or reading or path.stem in only]


def _check_place(study: Study, output: Path) -> None:
    """Refuse to put a report, or what is left of one that failed, in the place of another study's."""
    own = standing.identity(study)
    for place in (output / f"{study.name}{end}" for end in ("", ".failed", ".part")):
        if standing.recorded(place).get("identity", own) != own:
            raise OutputError(
                f"{relative(place)} holds the report of another study, so there is no place for one of '{study.name}'; "
                "rename one of the two studies' folders, or name another place with --output"
            )


def _check_population(study: Study, population: object) -> None:
    """Refuse a population that the study does not name before anything runs."""
    known = [name for name in study.all_populations if name != "screened"]
    if population is not None and population not in known:
        hint = nearest(str(population), known)
        raise ParameterError(f"there is no population '{population}'{hint} (populations: {listed(known)})")


def _workplace(study: Study, output: Path) -> Path:
    """An empty folder beside the reports; what killed runs left behind is cleared."""
    work = output / f".run-{os.getpid()}-{study.name}"
    try:
        output.mkdir(parents=True, exist_ok=True)
        _restore(output / study.name)
        for stale in output.glob(".run-*-*"):
            if not _alive(stale.name.split("-")[1]):
                shutil.rmtree(stale)
        for folder in (work, work / "notebooks", work / "exhibits", work / "figures", work / "tables"):
            folder.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write to the folder '{relative(output)}': {error.strerror}") from None
    return work


def _alive(process: str) -> bool:
    """Whether the run that made a workplace still goes on; a process of somebody else counts as one."""
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    return True


def _export(work: Path, kind: str, name: str, number: str, places: dict[tuple[str, str], str]) -> None:
    """A figure or a table under its number, as a journal takes it."""
    from helpers import word
    from helpers.exhibits import SUFFIXES, Table
    from helpers.report import links

    stem = f"{kind.lower()}_{number}_{name}"
    if kind == "Figure":
        for suffix in SUFFIXES:
            (work / "exhibits" / f"{name}.{suffix}").rename(work / "figures" / f"{stem}.{suffix}")
        return
    table = Table.kept(work / "exhibits" / f"{name}.json").resolved(links.said(places))
    (work / "tables" / f"{stem}.csv").write_text(table.csv(), encoding="utf-8")
    word.write(table, number, work / "tables" / f"{stem}.docx")


def _put_in_place(work: Path, place: Path, study: Study) -> Path:
    """Exchange the folder for the new one; a failure that a good run has mended is removed."""
    if place.is_dir() and not place.is_symlink() and exchanged(work, place):
        shutil.rmtree(work, ignore_errors=True)
    else:
        _moved(work, place)
    if place.name == study.name:
        shutil.rmtree(place.with_name(f"{study.name}.failed"), ignore_errors=True)
    return place


def _moved(work: Path, place: Path) -> None:
    """Two renames, where the system cannot exchange two folders in one step."""
    aside = _aside(place)
    shutil.rmtree(aside, ignore_errors=True)
    if place.exists():
        place.rename(aside)
    try:
        work.rename(place)
    except OSError:
        _restore(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _aside(place: Path) -> Path:
    """Where the last report waits while the new one takes its place."""
    return place.with_name(f".last-{place.name}")


def _restore(place: Path) -> None:
    """Bring back a report that a run, stopped at that moment, had put aside."""
    if _aside(place).exists() and not place.exists():
        _aside(place).rename(place)


__all__ = ["REPORTS", "Executed", "Failure", "build", "check"]
