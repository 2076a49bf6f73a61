"""Notebooks executed by papermill, as many at once as there are cores."""

import importlib
import logging
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from helpers.errors import ParameterError, listed, nearest
from helpers.launcher import Launcher, kernel_manager
from helpers.sections import SECTIONS
from helpers.study import relative

logging.getLogger("papermill").setLevel(logging.CRITICAL)
START_SECONDS = 180
NEEDED_AFTER = ("helpers.report.page", "helpers.word")
SET_BY_RUNNER = {"study_dir", "results_dir"}


@dataclass(frozen=True)
class Executed:
    """An executed notebook; `error` is None where it ran to its end. A kernel may take `START_SECONDS` to start."""

    name: str
    notebook: nbformat.NotebookNode
    seconds: float
    parameters: dict
    error: str | None = None


@dataclass(frozen=True)
class Failure:
    """What could not be made, a section or what is made of all of them, and why."""

    what: str
    error: str


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs of a notebook in their order."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def titled(section: Executed) -> str:
    """A section's title: its first heading, else the notebook's name."""
    headings = [cell.source for cell in section.notebook.cells if cell.source.startswith("# ")]
    return headings[0].removeprefix("# ").splitlines()[0] if headings else section.name


def check_parameters(notebooks: list[Path], given: dict) -> None:
    """Refuse a parameter that no notebook declares, or that the runner sets itself, and a file that is no notebook."""
    known = sorted({name for path in notebooks for name in _declared(path)} - SET_BY_RUNNER)
    for name in given:
        if name in SET_BY_RUNNER:
            raise ParameterError(f"parameter '{name}' is set by the run itself")
        if name not in known:
            raise ParameterError(
                f"no notebook has a parameter '{name}'{nearest(name, known)} (parameters: {listed(known)})"
            )


def _declared(path: Path) -> dict:
    """The parameters of a notebook."""
    try:
        return papermill.inspect_notebook(str(path))
    except (ValueError, KeyError, AttributeError):
        raise ParameterError(f"{relative(path)} is no notebook that can be read") from None


def run_sections(
    notebooks: list[Path],
    work: Path,
    parameters: dict,
    say: Callable[[str], None],
    launcher: Launcher | None = None,
) -> list[Executed]:
    """Execute the notebooks, those that read the others' results last; a failure stops no other section.

    Kernels are forked by the launcher, or started where there is none; where they compute nothing one more than there
    are cores runs, as each waits for its sockets. Whatever stops the run ends what waits and what
    the launcher has forked.
    """
    reading = {each.name for each in SECTIONS if each.reads_rows}
    last = [path for path in notebooks if path.stem in reading]
    first = sorted((path for path in notebooks if path not in last), key=_length, reverse=True)
    sections: list[Executed] = []
    kernels = {"kernel_manager_class": kernel_manager(launcher)} if launcher else {}
    done, total, here = 0, len(notebooks), Path.cwd()
    waiting = 1 if launcher and not launcher.computing else 0
    with ThreadPoolExecutor(max_workers=_cores() + waiting) as pool:
        try:
            for batch in (first, last):
                running = [pool.submit(_run, path, work, parameters, kernels) for path in batch]
                for name in NEEDED_AFTER if batch is first else ():
                    pool.submit(importlib.import_module, name)
                for finished in as_completed(running):
                    section, done = finished.result(), done + 1
                    sections.append(section)
                    state = "" if section.error is None else f"  FAILED: {section.error}"
                    say(f"  [{done:>{len(str(total))}}/{total}] {titled(section):<24}{section.seconds:6.1f} s{state}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            if launcher:
                launcher.close()
            raise
        finally:
            os.chdir(here)
    return sorted(sections, key=lambda section: section.name)


def _length(path: Path) -> int:
    """How many cells a notebook has: the longest begin first, so that none is left to run alone."""
    return len(nbformat.read(path, as_version=4).cells)


def _cores() -> int:
    """Cores this process may use, where the system tells, else those there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(path: Path, work: Path, parameters: dict, kernels: dict) -> Executed:
    declared = _declared(path)
    given = {**parameters, "results_dir": str(work)}
    used = {name: value for name, value in given.items() if name in declared}
    target = work / "notebooks" / path.name
    began, error = time.perf_counter(), None
    try:
        papermill.execute_notebook(
            str(path),
            str(target),
            parameters=used,
            cwd=str(path.parent),
            progress_bar=False,
            log_output=False,
            start_timeout=START_SECONDS,
            shutdown_kernel="immediate",
            **kernels,
        )
    except PapermillExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}".splitlines()[0]
    except DeadKernelError:
        error = "the kernel died"
    except Exception as failure:
        died = str(failure).startswith("Kernel died")
        error = "the kernel died" if died else f"the notebook could not be run: {failure}".splitlines()[0]
    seconds = time.perf_counter() - began
    notebook = _executed(target, path)
    notebook.metadata.pop("papermill", None)
    _without_workplace(notebook)
    _without_paths(notebook)
    nbformat.write(notebook, target)
    if error is None:
        error = next(
            (out.evalue for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "error"),
            None,
        )
    shown = {name: value for name, value in used.items() if name not in SET_BY_RUNNER}
    return Executed(path.stem, notebook, seconds, shown, error)


def _executed(target: Path, path: Path) -> nbformat.NotebookNode:
    """The notebook as far as it ran, or as it is where nothing whole was written."""
    try:
        return nbformat.read(target, as_version=4)
    except (OSError, ValueError):
        return nbformat.read(path, as_version=4)


def _without_workplace(notebook: nbformat.NotebookNode) -> None:
    """Take the folder of this run, gone when it ends, out of the parameters, so that the notebook runs again.

    The study's folder is named as the user knows it.
    """
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            kept = [line for line in cell.source.splitlines() if not line.startswith("results_dir")]
            cell.source = re.sub(
                r'(?m)^study_dir = "(.*)"$', lambda found: f'study_dir = "{relative(Path(found[1]))}"', "\n".join(kept)
            )


def _without_paths(notebook: nbformat.NotebookNode) -> None:
    """Take this machine's folders out of warnings; file name, line and message stay."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                output.text = re.sub(r"\S*/(\S+\.py:\d+: )", r"\1", output.text)
