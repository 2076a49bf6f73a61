"""Seconds a Cox fit takes: the kernel beside lifelines and, where R is installed, coxph. Run: make benchmark.

Efron's ties, one and eight covariates, with times in whole days and without ties; the median of three runs after one to
warm up. An engine that took longer than a minute is not asked for more patients.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

from helpers import cox

SIZES = (171, 686, 10_000, 100_000, 1_000_000)
LIMIT = 60.0
R_CODE = """
suppressPackageStartupMessages(library(survival))
d <- read.csv(commandArgs(TRUE)[1])
x <- as.matrix(d[, -(1:2), drop = FALSE])
y <- Surv(d$time, d$event)
one <- function() coxph.fit(x, y, NULL, NULL, NULL, coxph.control(eps = 1e-12), NULL, "efron", NULL)
k <- max(1, 20000 %/% nrow(d))
run <- function(i) system.time(for (j in 1:k) one())[["elapsed"]] / k
invisible(one())
cat(median(sapply(1:3, run)))
"""


def patients(n: int, covariates: int, *, ties: bool) -> pd.DataFrame:
    """Exponential times of a thousand days on average, a fifth of them censored."""
    rng = np.random.default_rng(n + covariates)
    x = pd.DataFrame(rng.normal(size=(n, covariates)), columns=[f"x{j}" for j in range(covariates)])
    days = rng.exponential(1000, n) * np.exp(-0.3 * x["x0"])
    event = (rng.random(n) < 0.8).astype(int)
    return pd.concat([pd.DataFrame({"time": np.ceil(days) if ties else days, "event": event}), x], axis=1)


def seconds(run: Callable[[], object]) -> float:
    """The median of three runs after the first; that one alone where it took long."""
    spent = []
    for _ in range(4):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
        if spent[0] > LIMIT / 4:
            return spent[0]
    return median(spent[1:])


def ours(frame: pd.DataFrame) -> float:
    x, stop, event = frame.iloc[:, 2:], frame["time"].to_numpy(), frame["event"].to_numpy()
    return seconds(lambda: cox.fit(x, stop, event))


def lifelines(frame: pd.DataFrame) -> float:
    options = {"precision": 1e-12}
    return seconds(lambda: CoxPHFitter().fit(frame, "time", "event", fit_options=options))


def coxph(frame: pd.DataFrame) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path, script = Path(folder) / "d.csv", Path(folder) / "fit.R"
        frame.to_csv(path, index=False)
        script.write_text(R_CODE)
        done = subprocess.run(["Rscript", str(script), str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print a line a size."""
    engines = {"kernel": ours, "lifelines": lifelines} | ({"coxph": coxph} if shutil.which("Rscript") else {})
    print(f"{'patients':>9}  {'covariates':>10}  {'times':<10}" + "".join(f"{name:>11}" for name in engines))
    for covariates in (1, 8):
        for ties in (True, False):
            slow: set[str] = set()
            for n in SIZES:
                frame = patients(n, covariates, ties=ties)
                cells = ""
                for name, engine in engines.items():
                    spent = np.nan if name in slow else engine(frame)
                    slow |= {name} if spent > LIMIT / 4 else set()
                    cells += f"{spent:>11.4f}" if spent == spent else f"{'-':>11}"
                print(f"{n:>9}  {covariates:>10}  {'whole days' if ties else 'no ties':<10}{cells}", flush=True)


if __name__ == "__main__":
    main()
