"""Seconds and peak memory by section as patients grow, R's survival package beside them.

`python tests/benchmarks/scale.py ctrt 20000` draws a cohort of so many rows from the bundled one and computes every
section, each in a process of its own, what one has computed read by the next; several sizes give exponents. `--report`
builds the whole report instead. `--r` times coxph, survfit and survdiff on the analysed patients, where R is installed.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from math import log
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import PROJECT
from helpers.cohort import read_cohort
from helpers.estimates import Estimates, Source
from helpers.sections import SECTIONS, left_out
from helpers.store import PLACE
from helpers.study import read_study

SPREAD = 0.1
R_CODE = """
suppressPackageStartupMessages(library(survival))
d <- read.csv(commandArgs(TRUE)[1])
timed <- function(what, run) cat(sprintf("%-10s%8.2f s\\n", what, system.time(run())[["elapsed"]]))
x <- as.matrix(d[, -(1:3), drop = FALSE])
timed("coxph", function() coxph(Surv(d$time, d$event) ~ d$arm + x))
timed("survfit", function() survfit(Surv(time, event) ~ arm, d))
timed("survdiff", function() survdiff(Surv(time, event) ~ arm, d))
"""


def drawn(study_dir: str, rows: int, folder: Path) -> Path:
    """A study like a bundled one with so many rows: its rows drawn with replacement, within the arm a row is of.

    The times of one patient who is followed longer than half of them are lengthened together by up to a fifth, so that
    early events stay early, and numbers are jittered by a tenth of their spread: every patient is another one.
    """
    study = read_study(study_dir)
    source = pd.read_csv(study.cohort_path, dtype=str, keep_default_na=False)
    rng = np.random.default_rng(rows)
    made = source.iloc[np.sort(rng.integers(len(source), size=rows))].reset_index(drop=True)
    followed = pd.to_numeric(made[next(iter(study.endpoints.values())).time], errors="coerce")
    stretch = np.where(followed > followed.median(), rng.uniform(1, 1 + 2 * SPREAD, rows), 1)
    steps = [step for each in study.all_populations.values() for step in each.steps]
    judged = {step.exclude.column for step in steps if step.exclude}
    times = {each.time for each in study.endpoints.values()} | {study.exposure.start if study.exposure else ""}
    for name in source.columns:
        numbers = pd.to_numeric(made[name], errors="coerce")
        known = numbers.notna()
        entry = study.variables.get(name)
        digits = int(made.loc[known, name].str.partition(".")[2].str.len().max() or 0) if known.any() else 0
        if name in times:
            longer = (numbers * stretch).round(digits).clip(lower=10.0**-digits)
        elif entry and entry.type == "continuous" and not entry.applies_when and name not in judged:
            longer = (numbers + rng.normal(0, SPREAD * numbers.std(), rows)).round(digits)
            longer = longer.clip(numbers.min(), numbers.max())
        else:
            continue
        made.loc[known, name] = longer[known].map(lambda value, digits=digits: f"{value:.{digits}f}")
    if study.cohort.id:
        made[study.cohort.id] = [f"D{number}" for number in range(rows)]
    folder.mkdir(parents=True)
    made.to_csv(folder / "cohort.csv", index=False)
    text = study.file.read_text(encoding="utf-8").replace(f'source = "{study.cohort.source}"', 'source = "cohort.csv"')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def section(folder: str, name: str) -> dict:
    """Compute one section here: wall seconds, CPU seconds, peak memory in MB."""
    began, study = time.perf_counter(), read_study(folder)
    if name == "read":
        read_cohort(study)
    else:
        found = Estimates(name, study, Source(study))
        for each in (*found.section.rows, *found.section.drawings):
            getattr(found, each)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = {"wall": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime}
    return {**spent, "mb": used.ru_maxrss / 1024}


def measured(folder: Path, names: list[str], limit: float) -> dict[str, dict]:
    """Every section in a process of its own; what takes longer than `limit` seconds is not waited for."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, PLACE: place, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        for name in names:
            command = [sys.executable, __file__, "--section", name, str(folder)]
            try:
                ended = subprocess.run(
                    command, capture_output=True, text=True, timeout=limit, env=environment, check=True
                )
                found[name] = json.loads(ended.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                found[name] = {"wall": float("inf"), "cpu": float("inf"), "mb": float("nan")}
            except subprocess.CalledProcessError as error:
                print(error.stderr)
                raise
            told = found[name]
            print(f"  {name:<24}{told['wall']:8.1f} s {told['cpu']:8.1f} CPU s {told['mb']:8.0f} MB", flush=True)
    return found


def beside(folder: Path) -> None:
    """R's own functions on the patients analysed, the first endpoint, treatment and every continuous covariate."""
    cohort = read_cohort(read_study(folder))
    study, frame = cohort.study, cohort.outcome(next(iter(cohort.study.endpoints)))
    numbers = [name for name, each in study.variables.items() if each.type == "continuous" and not each.applies_when]
    told = frame[["time", "event"]].astype(float).assign(arm=(frame[study.arms.column] == study.arms.treated) * 1)
    told = told.join(frame[numbers[:6]]).dropna()
    with tempfile.TemporaryDirectory() as place:
        told.to_csv(Path(place) / "d.csv", index=False)
        (Path(place) / "t.R").write_text(R_CODE)
        print(f"  R, {len(told)} patients, {len(numbers[:6])} covariates and treatment")
        subprocess.run(["Rscript", str(Path(place) / "t.R"), str(Path(place) / "d.csv")], check=True)


def report(folder: Path, output: Path) -> None:
    """The whole report by its command, in the store it finds empty."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "helpers", "report", str(folder), "--output", str(output)]
        subprocess.run(command, check=True, cwd=PROJECT, env={**os.environ, PLACE: place})
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"  {time.perf_counter() - began:.0f} s, largest process {used.ru_maxrss / 1024:.0f} MB")


def main() -> None:
    """Sizes one after the other, then the exponent between the last two."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("study")
    asked.add_argument("rows", nargs="*", type=int)
    asked.add_argument("--section", help=argparse.SUPPRESS)
    asked.add_argument("--limit", type=float, default=1800)
    asked.add_argument("--report", action="store_true")
    asked.add_argument("--r", action="store_true")
    given = asked.parse_args()
    if given.section:
        print(json.dumps(section(given.study, given.section)))
        return
    before: tuple[int, dict] | None = None
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as place:
            folder = drawn(f"data/{given.study}", rows, Path(place) / f"{given.study}_{rows}")
            study = read_study(folder)
            print(f"{given.study}, {rows} rows", flush=True)
            if given.report:
                report(folder, Path(place) / "reports")
                continue
            names = ["read", *(each.name for each in SECTIONS if each.rows and each.name not in left_out(study))]
            now = measured(folder, names, given.limit)
            if before:
                for name, told in now.items():
                    grown = log(told["cpu"] / before[1][name]["cpu"]) / log(rows / before[0])
                    print(f"  {name:<24}exponent {grown:5.2f}")
            before = rows, now
            if given.r and shutil.which("Rscript"):
                beside(folder)


if __name__ == "__main__":
    main()
