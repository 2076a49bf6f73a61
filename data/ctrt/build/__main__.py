"""Make `cohort.csv` out of `published.csv` and the assumptions: `python data/ctrt/build`.

Every layer takes the patients so far and adds what it knows; a seed of its own makes each layer repeat itself whatever
the others draw. The same commands give the same file to the last byte.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from beginning import beginnings
from courses import courses
from laboratory import splines
from margins import margins
from measurements import measurements
from prognosis import prognosis
from screening import screening
from targets import Targets
from times import times
from toxicity import toxicity

from helpers.study import Study, read_study

STUDY = Path(__file__).parents[1]


def build(study: Study) -> pd.DataFrame:
    """The whole cohort, layer by layer."""
    targets = Targets()
    seeds = np.random.SeedSequence(study.seed).spawn(9)
    streams = [np.random.default_rng(seed) for seed in seeds]
    frame = margins(study, targets, streams[0])
    frame = measurements(frame, targets, streams[1])
    print("survival times", flush=True)
    frame = times(frame, targets, streams[2])
    frame = courses(frame, streams[3])
    print("covariates, 20 minutes on two cores", flush=True)
    frame, use = prognosis(frame, study, targets, seeds[4])
    print("start of cTRT, NLR and GLR", flush=True)
    frame = beginnings(frame, use, study, targets, streams[5])
    frame = splines(frame, use, targets, streams[6])
    frame = toxicity(frame, study, targets, streams[7])
    frame = screening(frame, study, targets, streams[8])
    return ordered(frame, study)


def ordered(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Columns in the study file's order, whole numbers written as such."""
    outcomes = [column for each in study.endpoints.values() for column in (each.time, each.event)]
    variables = [name for name, entry in study.variables.items() if not entry.cut]
    frame = frame[["patient", "arm", *variables, *outcomes, *study.adverse_events.terms]]
    whole = [name for name in frame.select_dtypes("number") if (frame[name].dropna() % 1 == 0).all()]
    return frame.astype(dict.fromkeys(whole, "Int64"))


if __name__ == "__main__":
    path = STUDY / "cohort.csv"
    build(read_study(STUDY)).to_csv(path, index=False, lineterminator="\n")
    print(f"{path.name}: sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
