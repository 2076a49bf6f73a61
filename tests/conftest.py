"""Studies and cohorts the tests share."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from helpers import report
from helpers.cohort import Cohort, read_cohort
from helpers.launcher import Launcher, can_fork
from helpers.results import results
from helpers.store import PLACE
from helpers.study import read_study

WHOLE = {"build", "launcher", "ctrt_ledger", "gbsg2_ledger", "stent_ledger"}
STENT = Path(__file__).parent / "studies" / "stent"


def pytest_configure(config) -> None:
    """Begin with an empty store, one for all workers and kernels of this run: nothing of a former run is read."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="store-", ignore_cleanup_errors=True)
        os.environ[PLACE] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items) -> None:
    """Mark what needs a report, a notebook or a whole ledger, for who leaves it to `make test`."""
    for item in items:
        if WHOLE & set(getattr(item, "fixturenames", ())) or item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.whole)


@pytest.fixture(scope="session")
def ctrt() -> Cohort:
    """The paper's study: 838 synthetic patients screened, 171 analysed."""
    return read_cohort(read_study("data/ctrt"))


@pytest.fixture(scope="session")
def ctrt_ledger(ctrt) -> pd.DataFrame:
    """The paper's study, every row."""
    return results(ctrt.study)


@pytest.fixture(scope="session")
def gbsg2_ledger(gbsg2) -> pd.DataFrame:
    """The real women's study, every row."""
    return results(gbsg2.study)


@pytest.fixture(scope="session")
def stent_ledger(stent) -> pd.DataFrame:
    """The invented study, every row."""
    return results(stent.study)


@pytest.fixture(scope="session")
def gbsg2() -> Cohort:
    """686 real women, durations in days."""
    return read_cohort(read_study("data/gbsg2"))


@pytest.fixture(scope="session")
def stent() -> Cohort:
    """64 invented patients: other names, dates, two endpoints, exclusions, missing values, a level without events."""
    return read_cohort(read_study(STENT))


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher | None]:
    """What forks the kernels of every report of the tests, where the system can."""
    with Launcher() if can_fork() else nullcontext() as made:
        yield made


@pytest.fixture(scope="session")
def build(launcher) -> Callable:
    """`report.build` with its kernels forked."""
    return partial(report.build, launcher=launcher)


@pytest.fixture
def study_copy(tmp_path: Path) -> Callable[..., Path]:
    """A writable copy of the invented study, its study file edited by replacing text."""

    def make(replace: dict[str, str] | None = None, append: str = "") -> Path:
        folder = tmp_path / "stent"
        shutil.copytree(STENT, folder, dirs_exist_ok=True)
        path = folder / "study.toml"
        text = path.read_text()
        for old, new in (replace or {}).items():
            assert text.count(old) >= 1, old
            text = text.replace(old, new, 1)
        path.write_text(text + append)
        return folder

    return make


def pytest_terminal_summary(terminalreporter) -> None:
    """Print how far the project is from R."""
    lines = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "agreement"
    ]
    for line in sorted(lines):
        terminalreporter.write_line(f"agreement with R, {line}")
