"""Seconds that matching takes: propensity score of ten covariates and pairs, in every order. Run: make benchmark."""

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from building import arms, continuous, endpoint, write_study

from helpers.cohort import pairing
from helpers.study import read_study
from helpers.study.analyses import ORDERS

SIZES = (171, 1_000, 10_000, 100_000)
COVARIATES = [f"x{j}" for j in range(10)]


def patients(n: int) -> pd.DataFrame:
    """A third are treated, the likelier the larger their covariates."""
    rng = np.random.default_rng(n)
    x = pd.DataFrame(rng.normal(size=(n, len(COVARIATES))), columns=COVARIATES)
    treated = rng.random(n) < 1 / (1 + np.exp(0.9 - 0.25 * x.sum(axis=1)))
    return x.assign(arm=pd.Categorical(np.where(treated, "1", "0")))


def main() -> None:
    """Print a line a size."""
    tiny = pd.DataFrame({"arm": [0, 1], "time": 1, "event": 1, **dict.fromkeys(COVARIATES, 0)})
    entries = {
        "arms": arms("arm", 0, 1),
        "variables": {name: continuous() for name in COVARIATES},
        "endpoints": {"OS": endpoint()},
        "propensity": {"covariates": COVARIATES, "endpoints": ["OS"], "populations": ["primary"]},
    }
    with tempfile.TemporaryDirectory() as folder:
        study = read_study(write_study(Path(folder) / "study", tiny, **entries))
    print(f"{'patients':>9}{'score':>10}" + "".join(f"{order:>10}" for order in ORDERS) + f"{'pairs':>10}")
    for n in SIZES:
        rows = patients(n)
        began = time.perf_counter()
        propensity = pairing.propensity_score(study, rows)
        cells = f"{time.perf_counter() - began:>10.3f}"
        width = pairing.caliper_width(propensity, 0.2, "logit", "pooled")
        for order in ORDERS:
            began = time.perf_counter()
            made = pairing.pairs(propensity, scale="logit", width=width, order=order, seed=1)
            cells += f"{time.perf_counter() - began:>10.3f}"
        print(f"{n:>9}{cells}{len(made):>10}", flush=True)


if __name__ == "__main__":
    main()
