"""Covariates dealt within the arms, and who is matched, so that the models come out as printed.

First the matched are free labels, next to the covariates of the printed models; then the score's covariates, which no
printed model holds, are dealt until the matcher picks these patients, but for a few; then all are dealt on, pairs made
anew whenever the score changes.
"""

from multiprocessing import get_context
from operator import itemgetter

import numpy as np
import pandas as pd
from aims import Plan, plan
from assumed import BEFORE_DEATH, LATEST_START
from moves import MATCHED, POST, POST_MATCHED, Moves, settled, steps
from pairing import deal
from patients import AT, columns_of, decoded, patients
from search import anneal, schedule
from targets import ARMS, Targets

from helpers.study import Study

POPULATIONS = ("primary", "matched", "post_ctrt", "post_ctrt_matched")
FREE = (((1.5, 0.1, 3_000_000), 0.02, 0.1), ((0.15, 0.01, 4_000_000), 0.2, 0.05))
SCORE = (2.0, 0.05, 4_000_000)
DEALT = (((0.2, 0.01, 8_000_000), 0.2, 0.05), ((0.1, 0.005, 8_000_000), 1.0, 0.02))
POLISH = (((0.1, 0.005, 10_000_000), 1.0, 0.02), ((0.01, 0.001, 4_000_000), 1.0, 0.005))
SEARCHES = 2
BLOCKS = {
    "sex": 0.5, "age": 0.5, "bmi": 0.2, "smoking": 0.5, "drinking": 0.5, "family_history": 0.5, "n_stage": 0.5,
    "ldh": 0.2, "glr": 0.2, "nlr": 0.2,
    "t_stage": 3, "ecog": 3, "response": 1, "pci": 1, "agent": 4, "liver_metastasis": 2, "brain_metastasis": 2,
    "bone_metastasis": 2, "metastatic_number": 1, "ajcc_stage": 1, "disease": 3, "sites": 3, "maintenance": 1,
    "course": 1, "immunotherapy_cycles": 5, "maintenance_cycles": 5, "chemotherapy_cycles": 2,
}  # fmt: skip
TOGETHER = {
    "age": ["age", "age_group"],
    "agent": ["agent=serplulimab", "agent=durvalumab", "agent=adebrelimab"],
    "disease": [
        "m_stage", "liver_metastasis", "brain_metastasis", "bone_metastasis", "metastatic_number", "ajcc_stage", "pci",
    ],
    "sites": ["liver_metastasis", "brain_metastasis", "bone_metastasis", "metastatic_number", "pci"],
    "maintenance": ["maintenance", "maintenance_cycles"],
    "course": ["maintenance", "maintenance_cycles", "immunotherapy_cycles"],
    "chemotherapy_cycles": ["chemotherapy_cycles", "chemotherapy_group"],
}  # fmt: skip
OTHERS = {"matched": 6, "soon": 0.3, "immune": 15, "kept": 15}
CYCLES = ("immunotherapy_cycles", "maintenance_cycles")


def prognosis(
    frame: pd.DataFrame, study: Study, targets: Targets, seed: np.random.SeedSequence
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The cohort with its covariates dealt, and who belongs to each population.

    Two searches side by side, the one with the smaller loss polished twice side by side, the better taken.
    """
    with get_context("spawn").Pool(SEARCHES) as pool:
        searches = [(frame, study, targets, each) for each in seed.spawn(SEARCHES)]
        found = min(pool.starmap(searched, searches), key=itemgetter(0))
        polishes = [(frame, study, targets, *found[1:], each) for each in seed.spawn(SEARCHES)]
        _, x, use = min(pool.starmap(polished, polishes), key=itemgetter(0))
    return decoded(study, frame, x), dict(zip(POPULATIONS, use, strict=True))


def searched(
    frame: pd.DataFrame, study: Study, targets: Targets, seed: np.random.SeedSequence
) -> tuple[float, np.ndarray, np.ndarray]:
    """One search from the patients as they are: its loss, covariates and populations."""
    random = np.random.default_rng(seed)
    made = plan(study, targets, POPULATIONS)
    (models, aims), people = made.arrays(), patients(study, frame, len(POPULATIONS), can_be_soon(frame))
    size = int(targets.printed("count", "n", population="matched", group=ARMS[0]))
    for arm in (0, 1):
        rows = np.flatnonzero(people.x[:, 0] == arm)
        people.use[MATCHED, random.choice(rows, len(rows) - size, replace=False)] = False
    people.use[POST, np.flatnonzero(people.soon)[:2]] = False
    people.use[POST_MATCHED] = people.use[MATCHED] & people.use[POST]
    free, score, dealt = (moves_of(made, targets, study, stage) for stage in ("free", "score", "dealt"))
    if settled(people, free, 10_000, random):
        raise ValueError("patients contradict themselves, and no exchange of covariates was found that mends it")
    for heat, digits, near in FREE:
        loss = anneal(people, models, aims, free, schedule(*heat), digits, near, random)
        print(f"  covariates and who is matched: loss {loss:.2f}", flush=True)
    missed = deal(people, models, aims, score, schedule(*SCORE), *FREE[-1][1:], random)
    print(f"  covariates of the score: the matcher differs in {missed} patients", flush=True)
    for heat, digits, near in DEALT:
        loss = anneal(people, models, aims, dealt, schedule(*heat), digits, near, random)
        print(f"  covariates: loss {loss:.2f}", flush=True)
    return loss, people.x, people.use


def polished(
    frame: pd.DataFrame,
    study: Study,
    targets: Targets,
    x: np.ndarray,
    use: np.ndarray,
    seed: np.random.SeedSequence,
) -> tuple[float, np.ndarray, np.ndarray]:
    """A search continued from covariates and populations: warmed a little, and more for the digits."""
    random = np.random.default_rng(seed)
    made = plan(study, targets, POPULATIONS)
    (models, aims), people = made.arrays(), patients(study, frame, len(POPULATIONS), can_be_soon(frame))
    people.x[:], people.use[:] = x, use
    dealt = moves_of(made, targets, study, "dealt")
    for heat, digits, near in POLISH:
        loss = anneal(people, models, aims, dealt, schedule(*heat), digits, near, random)
        print(f"  digits: loss {loss:.2f}", flush=True)
    return loss, people.x, people.use


def can_be_soon(frame: pd.DataFrame) -> np.ndarray:
    """The treated whose death can have followed the start of cTRT within two months, before any progression."""
    begin = frame["os_months"] - BEFORE_DEATH
    early = (begin <= LATEST_START) & (begin < 0.95 * frame["pfs_months"])
    return (early & frame["arm"].eq(ARMS[1]) & frame["os_event"].eq(1)).to_numpy()


def moves_of(made: Plan, targets: Targets, study: Study, stage: str) -> Moves:
    """What may change hands in a stage, and what it touches."""
    score = study.propensity.covariates
    still = {"free": [], "score": [*(set(BLOCKS) - set(score)), *OTHERS], "dealt": ["matched", "soon"]}[stage]
    chances = {name: 0.0 if name in still else chance for name, chance in (BLOCKS | OTHERS).items()}
    blocks = [[AT[name] for name in TOGETHER.get(block, [block])] for block in BLOCKS]
    columns = [each for _, _, each in made.models.values()]
    populations = np.array([where for _, where, _ in made.models.values()])
    padded, begins, touches = steps(columns, populations, blocks)
    chance = np.cumsum([*chances.values()], dtype=float)
    low, high = np.array([targets.window("comparison", "p_test", variable=name) for name in CYCLES]).T
    pairs = np.array([stage == "dealt" and name in score for name in chances])
    cols = np.array([c for name in score for c in columns_of(study, name)])
    caliper = float(study.populations["matched"].matching.caliper)
    size = int(targets.printed("count", "n", population="matched", group="overall"))
    return Moves(padded, chance / chance[-1], begins, touches, low, high, pairs, cols, caliper, size)
