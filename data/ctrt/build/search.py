"""Simulated annealing over who has which covariates, judged by Cox models.

Only the models that hold what a move changes are fitted again, each from where it was, and a move that is already too
dear is not looked at further.
"""

from math import copysign, log, sqrt

import numpy as np
from aims import HIGH, LOW, RATIO, ROOT, SIZE, SUM, Aims, Models
from kernels import cox, njit
from matcher import paired
from moves import MATCHED, POST, POST_MATCHED, Moves, proposed, undone
from patients import Patients

Z = 1.959963984540054
HOPELESS = 20.0


@njit
def refit(people: Patients, models: Models, m: int) -> None:
    """Fit a model again from where it was; from zero where that has no maximum."""
    e, p = models.endpoint[m], models.size[m]
    for start in range(2):
        if start:
            models.beta[m, :p] = 0.0
        models.value[m] = cox(
            people.order[e], people.time[e], people.event[e], people.use[models.population[m]], people.x,
            models.cols[m], p, models.beta[m], models.error[m],
        )  # fmt: skip
        if models.error[m, 0] == models.error[m, 0]:
            break


@njit
def far(models: Models, aims: Aims, a: int) -> float:
    """How far a quantity is outside its window, in units."""
    m, k, kind = aims.model[a], aims.place[a], aims.kind[a]
    beta, error = models.beta[m, k], models.error[m, k]
    if error != error:
        return HOPELESS
    value = beta
    if kind == LOW:
        value = beta - Z * error
    elif kind == HIGH:
        value = beta + Z * error
    elif kind == SIZE:
        value = abs(beta) / error
    elif kind == RATIO:
        value = 2 * (models.value[m] - models.value[aims.other[a]])
    elif kind == ROOT:
        value = copysign(sqrt(max(0.0, 2 * (models.value[m] - models.value[aims.other[a]]))), beta)
    elif kind == SUM:
        value = beta + models.beta[m, aims.other[a]]
    return max(0.0, aims.low[a] - value, value - aims.high[a]) / aims.unit[a]


@njit
def loss_of(models: Models, aims: Aims, m: int, digits: float, near: float) -> float:
    """The losses of a model's aims, each a distance, and up to `digits` for a printed digit that is missed.

    Half of that where the distance is `near`.
    """
    total = 0.0
    for a in range(aims.owned[m], aims.owned[m + 1]):
        d = far(models, aims, a)
        aims.loss[a] = aims.weight[a] * (min(d, HOPELESS) + digits * d / (d + near))
        total += aims.loss[a]
    return total


@njit
def everything(people: Patients, models: Models, aims: Aims, digits: float, near: float) -> float:
    """All models fitted, and the whole loss."""
    total = 0.0
    for m in range(len(models.size)):
        refit(people, models, m)
    for m in range(len(models.size)):
        total += loss_of(models, aims, m, digits, near)
    return total


@njit
def repaired(people: Patients, moves: Moves, beta: np.ndarray) -> tuple[bool, bool]:
    """Make the pairs anew; whether the matched, and those of who did not die soon after cTRT, are others now."""
    changed = np.zeros(2, np.bool_)
    everybody = np.ones(len(people.x), np.bool_)
    for k in range(2):
        where, inside = (MATCHED, everybody) if k == 0 else (POST_MATCHED, people.use[POST])
        before = people.use[where].copy()
        paired(people, inside, moves.cols, moves.caliper, beta[k], people.use[where])
        changed[k] = (before != people.use[where]).any()
    return changed[0], changed[1]


@njit
def touched_by(models: Models, moves: Moves, which: int, matched: bool, late: bool) -> np.ndarray:
    """The models that hold what a move changes, or whose patients are others now."""
    marked = np.zeros(len(models.size), np.bool_)
    marked[moves.touches[moves.begins[which] : moves.begins[which + 1]]] = True
    for m in range(len(marked)):
        where = models.population[m]
        marked[m] = marked[m] or (matched and where == MATCHED) or (late and where == POST_MATCHED)
    return np.flatnonzero(marked)


@njit
def anneal(
    people: Patients,
    models: Models,
    aims: Aims,
    moves: Moves,
    heat: np.ndarray,
    digits: float,
    near: float,
    random: np.random.Generator,
) -> float:
    """A move at each of so many temperatures; the loss at the end."""
    now = everything(people, models, aims, digits, near)
    who, beta, use = np.zeros(5, np.int64), np.zeros((2, len(moves.cols) + 1)), people.use.copy()
    kept = models.beta.copy(), models.error.copy(), models.value.copy(), aims.loss.copy()
    for t in heat:
        which = min(np.searchsorted(moves.chance, random.random()), len(moves.chance) - 1)
        use[:] = people.use
        if not proposed(people, moves, which, who, random):
            continue
        allowed = -t * log(max(random.random(), 1e-300))
        matched, late = repaired(people, moves, beta) if moves.pairs[which] else (False, False)
        if abs(people.use[MATCHED].sum() - moves.size) > abs(use[MATCHED].sum() - moves.size):
            undone(people, moves, which, who)
            people.use[:] = use
            continue
        touched = touched_by(models, moves, which, matched, late)
        before, after, done = 0.0, 0.0, 0
        for m in touched:
            before += kept[3][aims.owned[m] : aims.owned[m + 1]].sum()
        for m in touched:
            refit(people, models, m)
            after += loss_of(models, aims, m, digits, near)
            done += 1
            if after > before + allowed:
                break
        if after <= before + allowed:
            now += after - before
            remembered(kept, models, aims, touched, True)
        else:
            undone(people, moves, which, who)
            people.use[:] = use
            remembered(kept, models, aims, touched[:done], False)
    return now


@njit
def remembered(kept: tuple, models: Models, aims: Aims, touched: np.ndarray, accepted: bool) -> None:
    """Keep models and losses as they are now, or put those kept back."""
    beta, error, value, loss = kept
    for m in touched:
        first, last = aims.owned[m], aims.owned[m + 1]
        if accepted:
            beta[m], error[m], value[m] = models.beta[m], models.error[m], models.value[m]
            loss[first:last] = aims.loss[first:last]
        else:
            models.beta[m], models.error[m], models.value[m] = beta[m], error[m], value[m]
            aims.loss[first:last] = loss[first:last]


def schedule(hot: float, cold: float, moves: int) -> np.ndarray:
    """Temperatures that fall by the same factor at every move."""
    return np.exp(np.linspace(log(hot), log(cold), moves))
