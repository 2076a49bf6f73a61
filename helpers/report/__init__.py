"""One offline HTML report from the notebooks: run side by side, merged, numbered, and put in place only when whole."""

import errno
import os
import shutil
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers import ledger
from helpers.errors import OutputError, ParameterError, listed, nearest
from helpers.launcher import Launcher
from helpers.report import provenance
from helpers.report.runner import NOTEBOOKS, Failure, Section, check_parameters, run_sections
from helpers.study import PROJECT, Study, relative

REPORTS = PROJECT / "reports"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def build(
    study: Study,
    *,
    output: Path = REPORTS,
    parameters: dict | None = None,
    notebooks: Path = NOTEBOOKS,
    say: Callable[[str], None] = print,
    launcher: Launcher | None = None,
) -> tuple[Path, list[Failure]]:
    """Run every section of the study and write `output/<study>/`; return the folder and what failed.

    Where a section fails, or what is made of the sections (ledger, page, tables and figures), all there is goes to
    `output/<study>.failed/`, where the file of errors says where, and an earlier good report stays as it was. Kernels
    are forked by `launcher` where there is one. Raises ParameterError for a parameter no notebook has and OutputError
    where nothing can be written.
    """
    given = parameters or {}
    left_out = study.left_out()
    wanted = [path for path in sorted(notebooks.glob("*.ipynb")) if path.stem not in left_out]
    check_parameters(wanted, given)
    _check_population(study, given.get("population"))
    started = time.time()
    work = _workplace(study, output)
    try:
        sections = run_sections(wanted, work, {**given, "study_dir": str(study.folder)}, say, launcher)
        failures = [Failure(f"section {each.name}", each.error) for each in sections if each.error is not None]
        failures += _assembled(study, sections, work, given, started)
        return _put_in_place(work, output / (f"{study.name}.failed" if failures else study.name), study), failures
    except OSError as error:
        raise OutputError(f"cannot write to the folder '{relative(output)}': {error.strerror or error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _assembled(study: Study, sections: list[Section], work: Path, parameters: dict, started: float) -> list[Failure]:
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
    attempt("the record of the run as a file", lambda: provenance.write(record, work / "run.json"))
    attempt("the ledger", lambda: _merge(sections, work))
    attempt("numbers of tables and figures", lambda: numbers.update(page.number_exhibits(sections)))
    attempt("the page", lambda: page_of(numbers))
    places: dict[tuple[str, str], str] = {}
    attempt("the places of exhibits", lambda: places.update(links.places(sections, numbers)))
    for (kind, name), number in numbers.items():
        attempt(f"{kind.lower()} {number} as a file", partial(_export, work, kind, name, number, places))
    shutil.rmtree(work / "exhibits")
    return failures


def _merge(sections: list[Section], work: Path) -> None:
    """The sections' rows as one ledger, in the place of their own files."""
    ledger.write(ledger.merged(work), work / "results.csv")
    for section in sections:
        (work / f"{section.name}.csv").unlink(missing_ok=True)


def _check_population(study: Study, population: object) -> None:
    """Refuse a population that the study does not name before anything runs."""
    known = [name for name in study.all_populations if name != "screened"]
    if population is not None and population not in known:
        hint = nearest(str(population), known)
        raise ParameterError(f"there is no population '{population}'{hint} (populations: {listed(known)})")


def _workplace(study: Study, output: Path) -> Path:
    """An empty folder beside the reports; what killed runs left behind is cleared."""
    work = output / f".{study.name}.{os.getpid()}"
    try:
        output.mkdir(parents=True, exist_ok=True)
        _restore(output / study.name)
        for stale in output.glob(f".{study.name}.*"):
            if not _alive(stale.suffix[1:]):
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
    if place.name == study.name:
        shutil.rmtree(place.with_name(f"{study.name}.failed"), ignore_errors=True)
    return place


def _aside(place: Path) -> Path:
    """Where the last report waits while the new one takes its place."""
    return place.with_name(f".{place.name}.last")


def _restore(place: Path) -> None:
    """Bring back a report that a run, stopped at that moment, had put aside."""
    if _aside(place).exists() and not place.exists():
        _aside(place).rename(place)


__all__ = ["REPORTS", "Failure", "Section", "build"]
