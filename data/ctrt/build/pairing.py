"""The covariates of the propensity score dealt within the arms, so that the matcher picks whom the models want.

The score's covariates stand in no printed model, so the pairs follow from them alone and the printed ratios from the
others.
"""

from math import log

import numpy as np
from aims import Aims, Models
from kernels import njit
from matcher import paired
from moves import MATCHED, POST, POST_MATCHED, Moves, other_of, swapped
from patients import Patients
from search import everything, loss_of, refit

PAIRS = 2


@njit
def wrong(wanted: np.ndarray, chosen: np.ndarray) -> int:
    """In how many patients the matcher differs from what is wanted; pairs too many or too few count again."""
    total = 0
    for i in range(len(wanted)):
        total += wanted[i] != chosen[i]
    return total + PAIRS * abs(wanted.sum() - chosen.sum())


@njit
def deal(
    people: Patients,
    models: Models,
    aims: Aims,
    moves: Moves,
    heat: np.ndarray,
    digits: float,
    near: float,
    random: np.random.Generator,
) -> int:
    """A swap of score covariates at each temperature; in how many patients the pairs are still not those wanted.

    The wanted are in `people.use[MATCHED]`; the pairs of who did not die soon after cTRT are made anew each time.
    """
    n = len(people.x)
    everybody, wanted, chosen = np.ones(n, np.bool_), people.use[MATCHED].copy(), np.zeros(n, np.bool_)
    beta, late_beta = np.zeros(len(moves.cols) + 1), np.zeros(len(moves.cols) + 1)
    paired(people, everybody, moves.cols, moves.caliper, beta, chosen)
    paired(people, people.use[POST], moves.cols, moves.caliper, late_beta, people.use[POST_MATCHED])
    missed = wrong(wanted, chosen)
    everything(people, models, aims, digits, near)
    late = np.flatnonzero(models.population == POST_MATCHED)
    for t in heat:
        which = min(np.searchsorted(moves.chance, random.random()), len(moves.chance) - 1)
        i = random.integers(0, n)
        j = other_of(people, i, random)
        if not swapped(people.x, i, j, moves.blocks[which]):
            continue
        allowed = -t * log(max(random.random(), 1e-300))
        paired(people, everybody, moves.cols, moves.caliper, beta, chosen)
        now = wrong(wanted, chosen)
        change = float(now - missed)
        if change <= allowed:
            touched = np.append(moves.touches[moves.begins[which] : moves.begins[which + 1]], late)
            paired(people, people.use[POST], moves.cols, moves.caliper, late_beta, people.use[POST_MATCHED])
            change += judged(people, models, aims, touched, digits, near)
            if change <= allowed:
                missed = now
                continue
            swapped(people.x, i, j, moves.blocks[which])
            paired(people, people.use[POST], moves.cols, moves.caliper, late_beta, people.use[POST_MATCHED])
            judged(people, models, aims, touched, digits, near)
        else:
            swapped(people.x, i, j, moves.blocks[which])
    paired(people, everybody, moves.cols, moves.caliper, beta, people.use[MATCHED])
    return wrong(wanted, people.use[MATCHED])


@njit
def judged(people: Patients, models: Models, aims: Aims, touched: np.ndarray, digits: float, near: float) -> float:
    """Fit the models that a move touched again; by how much their loss has changed."""
    change = 0.0
    for m in touched:
        for a in range(aims.owned[m], aims.owned[m + 1]):
            change -= aims.loss[a]
        refit(people, models, m)
        change += loss_of(models, aims, m, digits, near)
    return change
