"""Cohorts drawn many times over, and how far every way of analysing them is from what it tends to and how often."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.errors import ParameterError
from helpers.ledger import STATISTICS_OF, at_label, percent, wide
from helpers.names.simulated import CLONES
from helpers.simulate.design import Design, design, designs, digest
from helpers.simulate.draws import draw
from helpers.simulate.estimators import estimate, estimators
from helpers.study.variants import SEPARATOR

STATISTICS = STATISTICS_OF["simulation"]
MANY, MOST, BATCH, CHUNK, FEWEST = 100_000, 10_000_000, 1_000, 4, 20
DRAWN, LARGE = 0, 1
NO_LIMIT = "what it tends to at this hazard ratio is not known; the command simulate finds it"
NO_ESTIMATE = "no cohort drawn has an estimate"
ONE_ESTIMATE = "fewer than two cohorts drawn have an estimate"
LIMITS = ["endpoint", "model", "at", "log_hr_limit", "log_hr_limit_se", "source"]
Progress = Callable[[int, int], None]
DESIGN, LIMIT = "cohorts drawn from design ", "limit from "
UNKNOWN = (np.nan, np.nan, "")


@dataclass(frozen=True)
class Task:
    """A drawn cohort to analyse: its endpoint, patients, hazard ratio and random numbers, and by which estimators."""

    endpoint: str
    rows: int
    hazard_ratio: float
    key: tuple[int, ...]
    chosen: tuple[str, ...] | None = None


def simulate(
    cohort: Cohort,
    *,
    draws: int,
    hazard_ratios: list[float] | None = None,
    rows: int | None = None,
    estimands: pd.DataFrame | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """How every way of analysing errs in `draws` cohorts drawn from each endpoint's `design`, a row a way and ratio.

    `model` is the way of analysing, `at` the hazard ratio. `log_hr_limit` is from `estimands` (that function's, or a
    stored simulation). Bias and coverage are judged against `log_hr_estimand`: 0 at a hazard ratio of one, else the
    limit. Rejected are estimates whose Wald interval leaves out 1, covered those whose interval holds the estimand.
    Shares are of the cohorts with an estimate, with Wilson's (1927) limits. Every cohort has random numbers of its own,
    the same at each hazard ratio, whatever the number of `workers`. No rows without [simulation], and none of an
    endpoint that cannot be drawn; raises ParameterError for numbers that cannot be.
    """
    asked = cohort.study.simulation
    if asked is None:
        return wide([], STATISTICS)
    n = _whole("draws", draws, 1, MANY)
    ratios = _ratios(asked.hazard_ratios if hazard_ratios is None else hazard_ratios)
    made, _ = designs(cohort)
    if rows is not None:
        size = _whole("rows", rows, FEWEST, 1_000_000)
        made = {endpoint: replace(each, rows=size) for endpoint, each in made.items()}
    cells = [(endpoint, ratio) for endpoint in made for ratio in ratios]
    tasks = [
        Task(endpoint, made[endpoint].rows, ratio, (DRAWN, number)) for endpoint, ratio in cells for number in range(n)
    ]
    if not tasks:
        return wide([], STATISTICS)
    found = _run(made, tasks, _seed(cohort, seed), _whole("workers", workers, 1, 1024), progress)
    records = []
    for position, (endpoint, ratio) in enumerate(cells):
        each = found[position * n : (position + 1) * n]
        own, checksum = made[endpoint], digest(made[endpoint])
        for name in estimators(own.drawn):
            values = np.array([one[name] for one in each])
            limit = _limit(estimands, endpoint, name, ratio)
            method = f"{DESIGN}{checksum}" + (f"; {LIMIT}{limit[2]}" if limit[2] else "")
            records.append({**_record(own, name, ratio, values, limit), "method": method})
    return wide(records, STATISTICS)


def estimands(
    cohort: Cohort,
    *,
    hazard_ratios: list[float] | None = None,
    rows: int = 1_000_000,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """What each way of analysing tends to, from one cohort of `rows` patients for each endpoint and hazard ratio.

    Columns `endpoint`, `model`, `at`, `log_hr_limit`, its standard error `log_hr_limit_se` and its `source` in words.
    Clones of so many patients, cut at every start of treatment, are too many: theirs is the mean over cohorts of
    `BATCH` patients, as many as make `rows`.
    """
    asked = cohort.study.simulation
    if asked is None:
        return pd.DataFrame(columns=LIMITS)
    _whole("rows", rows, BATCH, MOST)
    ratios = _ratios(asked.hazard_ratios if hazard_ratios is None else hazard_ratios)
    made = {each: design(cohort, each) for each in asked.endpoints}
    cells, batches = [(endpoint, ratio) for endpoint in made for ratio in ratios], rows // BATCH
    tasks = []
    for endpoint, ratio in cells:
        large = tuple(name for name in estimators(made[endpoint].drawn) if name not in CLONES)
        tasks.append(Task(endpoint, rows, ratio, (LARGE, 0), large))
        tasks += [Task(endpoint, BATCH, ratio, (LARGE, 1 + number), CLONES) for number in range(batches)]
    found = _run(made, tasks, _seed(cohort, seed), _whole("workers", workers, 1, 1024), progress)
    records = []
    for position, (endpoint, ratio) in enumerate(cells):
        whole_cohort, *small = found[position * (1 + batches) : (position + 1) * (1 + batches)]
        key = (endpoint, at_label(ratio))
        rest = f"one cohort of {rows} patients"
        records += [(*key, name, *value, rest) for name, value in whole_cohort.items()]
        records += [(*key, name, *_mean(np.array([each[name][0] for each in small]))) for name in CLONES]
    return pd.DataFrame(records, columns=["endpoint", "at", "model", *LIMITS[3:]])[LIMITS]


def _mean(values: np.ndarray) -> tuple[float, float, str]:
    """Mean over the cohorts of `BATCH` patients with an estimate, its standard error, and of what it is the mean."""
    known = values[~np.isnan(values)]
    error = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.nan
    return known.mean() if len(known) else np.nan, error, f"the mean of {len(known)} cohorts of {BATCH} patients"


def _record(made: Design, name: str, ratio: float, values: np.ndarray, limit: tuple[float, float, str]) -> dict:
    """The row of a way of analysing at one hazard ratio; `values` are coefficient and error, a row a cohort."""
    study, arms = made.study, made.study.arms
    known = values[~np.isnan(values).any(axis=1)]
    log_hr, error, n = known[:, 0], known[:, 1], len(known)
    target, target_error = (0.0, 0.0) if ratio == 1 else limit[:2]
    z = stats.norm.ppf((1 + study.confidence) / 2)
    rejected, covered = np.abs(log_hr) > z * error, np.abs(log_hr - target) <= z * error
    deviation = log_hr.std(ddof=1) if n > 1 else np.nan
    row = {
        "n": made.rows,
        "n_draw": len(values),
        "n_failed": len(values) - n,
        "log_hr": log_hr.mean() if n else np.nan,
        "log_hr_limit": limit[0],
        "log_hr_limit_se": limit[1],
        "log_hr_estimand": target,
        "bias": log_hr.mean() - target if n else np.nan,
        "bias_se": np.hypot(deviation / np.sqrt(max(n, 1)), target_error),
        "log_hr_sd": deviation,
        "log_hr_se": error.mean() if n else np.nan,
        **_share("percent_rejected", rejected, study.confidence),
        **_share("percent_covered", covered if target == target else covered[:0], study.confidence),
    }
    reason = NO_ESTIMATE if not n else ""
    why = {"log_hr_sd": reason or ONE_ESTIMATE, "log_hr_limit": NO_LIMIT, "log_hr_limit_se": NO_LIMIT}
    for each in ("log_hr_estimand", "bias", "bias_se", *[each for each in row if each.startswith("percent_covered")]):
        why[each] = NO_LIMIT if target != target else reason or ONE_ESTIMATE
    key = {"population": "primary", "endpoint": made.endpoint, "analysis": "simulation", "model": name}
    key |= {"variable": arms.column, "level": arms.treated, "at": at_label(ratio), "reference": arms.reference}
    return {
        **key,
        **row,
        "not_estimable": {each: why.get(each, reason) for each, value in row.items() if value != value},
    }


def _share(name: str, met: np.ndarray, confidence: float) -> dict[str, float]:
    """A share in percent with Wilson's (1927) limits, NaN of none."""
    names = [name, f"{name}_low", f"{name}_high"]
    if not len(met):
        return dict.fromkeys(names, np.nan)
    found = stats.binomtest(int(met.sum()), len(met)).proportion_ci(confidence, method="wilson")
    return dict(zip(names, (percent(met.sum(), len(met)), 100 * found.low, 100 * found.high), strict=True))


def _limit(known: pd.DataFrame | None, endpoint: str, name: str, ratio: float) -> tuple[float, float, str]:
    """What a way of analysing tends to, the standard error of that, and where it is from."""
    if known is None or known.empty:
        return UNKNOWN
    own = (known["endpoint"] == endpoint) & (known["model"].str.partition(SEPARATOR)[0] == name)
    found = known[own & (known["at"] == at_label(ratio))]
    if found.empty:
        return UNKNOWN
    row = found.iloc[0]
    source = row["source"] if "source" in row else row["method"].partition(LIMIT)[2]
    return row["log_hr_limit"], row["log_hr_limit_se"], source


def _analyse(
    made: dict[str, Design], seed: int, numbered: tuple[int, Task]
) -> tuple[int, dict[str, tuple[float, float]]]:
    number, task = numbered
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=task.key))
    return number, estimate(draw(made[task.endpoint], task.rows, task.hazard_ratio, rng), task.chosen)


def _run(made: dict[str, Design], tasks: list[Task], seed: int, workers: int, progress: Progress | None) -> list[dict]:
    """Each task's estimates in the order of the tasks, on so many processes."""
    found: list[dict] = [{}] * len(tasks)
    with _mapped(min(workers, len(tasks))) as mapped:
        for done, (number, one) in enumerate(mapped(partial(_analyse, made, seed), enumerate(tasks)), start=1):
            found[number] = one
            if progress:
                progress(done, len(tasks))
    return found


@contextmanager
def _mapped(workers: int) -> Iterator[Callable[[Callable, Iterable], Iterable]]:
    """`map` in this process, or over processes that leave an interruption to this one."""
    if workers == 1:
        yield map
        return
    before = None
    with suppress(ValueError):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool = multiprocessing.get_context("spawn").Pool(workers)
    if before is not None:
        signal.signal(signal.SIGINT, before)
    with pool:
        yield partial(pool.imap_unordered, chunksize=CHUNK)


def check(
    cohort: Cohort,
    *,
    draws: int,
    hazard_ratios: list[float] | None,
    rows: int | None,
    estimand_rows: int,
    workers: int,
) -> None:
    """Raise ParameterError for what `simulate` and `estimands` cannot be given, before time is spent on the rest.

    An endpoint that cannot be drawn is such a thing: the command is asked for it.
    """
    if cohort.study.simulation is None:
        raise ParameterError(f"study '{cohort.study.name}' has no [simulation], which says what to draw")
    _ratios(cohort.study.simulation.hazard_ratios if hazard_ratios is None else hazard_ratios)
    _whole("draws", draws, 1, MANY)
    _whole("rows", FEWEST if rows is None else rows, FEWEST, 1_000_000)
    _whole("estimand-rows", estimand_rows, BATCH, MOST)
    _whole("workers", workers, 1, 1024)
    _, reasons = designs(cohort)
    if reasons:
        raise ParameterError(reasons[0])


def _whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number within bounds. Raises ParameterError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterError(f"{name} = {value!r}: give a whole number from {least} to {most}")
    return value


def _ratios(given: list[float]) -> list[float]:
    """Hazard ratios, each once and in their order."""
    if not given:
        raise ParameterError("hazard_ratios: give one or more")
    for each in given:
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0.01 <= each <= 100:
            raise ParameterError(f"hazard_ratios: {each!r} is none; give numbers from 0.01 to 100")
    return list(dict.fromkeys(float(each) for each in given))


def _seed(cohort: Cohort, seed: int | None) -> int:
    return cohort.study.seed if seed is None else _whole("seed", seed, 0, 2**63)
