"""What changes hands between patients of an arm: covariates, cycles, who is matched; never what contradicts one."""

from typing import NamedTuple

import numpy as np
from kernels import PRODUCT, njit, rank_sum
from patients import CHEMO, IMMUNE, KEPT, Patients, fits

MATCHED, POST, POST_MATCHED = 1, 2, 3
LATE = 4


class Moves(NamedTuple):
    """Columns that change hands together (padded by -1), how likely each move is, and the models each touches.

    The moves after the last block change who is matched, who died soon after cTRT, and counted cycles. `p_low` and
    `p_high` are the rank-sum P of the cycles, immunotherapy's and maintenance's. `pairs` are the moves after which the
    pairs are made anew, on the score of `cols` within `caliper` standard deviations; `size` patients are to be matched.
    """

    blocks: np.ndarray
    chance: np.ndarray
    begins: np.ndarray
    touches: np.ndarray
    p_low: np.ndarray
    p_high: np.ndarray
    pairs: np.ndarray
    cols: np.ndarray
    caliper: float
    size: int


@njit
def lived(people: Patients, i: int) -> float:
    """Months a patient was followed, endless where the time of death is not known."""
    seen = people.time[0, i]
    return seen if seen == seen else np.inf


@njit
def other_of(people: Patients, i: int, random: np.random.Generator) -> int:
    """Another patient of the same arm."""
    while True:
        j = random.integers(0, len(people.x))
        if j != i and people.x[j, 0] == people.x[i, 0]:
            return j


@njit
def swapped(x: np.ndarray, i: int, j: int, block: np.ndarray) -> bool:
    """Exchange columns of two patients; whether that changes anything."""
    changed = False
    for c in block:
        if c >= 0:
            a, b = x[i, c], x[j, c]
            x[i, c], x[j, c] = b, a
            changed = changed or not (a == b or (a != a and b != b))
    return changed


@njit
def counted(people: Patients, column: int, p_low: float, p_high: float) -> bool:
    """Whether the rank-sum P of whole numbers is printed so."""
    counts = np.zeros((2, 64))
    for i in range(len(people.x)):
        value = people.x[i, column]
        if value == value:
            counts[int(people.x[i, 0]), int(value)] += 1
    p = rank_sum(counts)
    return p_low <= p <= p_high


@njit
def cycled(people: Patients, moves: Moves, which: int, who: np.ndarray, random: np.random.Generator) -> bool:
    """Cycles more in two patients and as many less in two others of the arm: mean, SD and rank-sum P stay."""
    column, x = (IMMUNE, KEPT)[which], people.x
    who[0] = random.integers(0, len(x))
    for k in range(1, 4):
        who[k] = other_of(people, who[0], random)
        for other in range(1, k):
            if who[k] == who[other]:
                return False
    step = who[4] = random.integers(1, 4)
    a, b, c, d = x[who[0], column], x[who[1], column], x[who[2], column], x[who[3], column]
    if a + b != c + d - 2 * step or min(c, d) - step < (2 if which == 0 else 1):
        return False
    for k in range(4):
        x[who[k], column] += step if k < 2 else -step
    whole = counted(people, column, moves.p_low[which], moves.p_high[which])
    for k in range(4):
        whole = whole and misfits(people, who[k]) == 0
    if not whole:
        for k in range(4):
            x[who[k], column] -= step if k < 2 else -step
    return whole


@njit
def may_be_soon(people: Patients, i: int) -> bool:
    """Whether who died soon after cTRT began had the cycles that a late start needs."""
    return people.use[POST, i] or max(people.x[i, IMMUNE], people.x[i, CHEMO]) > LATE


@njit
def misfits(people: Patients, i: int) -> int:
    """How many of two rules a patient breaks: nobody does at the end, and no move may make it more."""
    return (not fits(people.x, i, lived(people, i))) + (not may_be_soon(people, i))


@njit
def both(people: Patients, i: int) -> None:
    """While the matched are free labels, they are also those matched who did not die soon after cTRT."""
    people.use[POST_MATCHED, i] = people.use[MATCHED, i] and people.use[POST, i]


@njit
def labelled(people: Patients, i: int, j: int) -> None:
    """Exchange who of two patients is matched."""
    people.use[MATCHED, i], people.use[MATCHED, j] = people.use[MATCHED, j], people.use[MATCHED, i]
    both(people, i)
    both(people, j)


@njit
def proposed(people: Patients, moves: Moves, which: int, who: np.ndarray, random: np.random.Generator) -> bool:
    """Make a move; False, and nothing changed, where it contradicts something."""
    blocks, n = len(moves.blocks), len(people.x)
    if which >= blocks + 2:
        return cycled(people, moves, which - blocks - 2, who, random)
    if which == blocks + 1:
        i = random.integers(0, n)
        who[0] = i
        left = 0
        for each in people.use[POST]:
            left += 1 - each
        if not people.soon[i] or (people.use[POST, i] and left >= 3) or (not people.use[POST, i] and left <= 2):
            return False
        people.use[POST, i] = not people.use[POST, i]
        if may_be_soon(people, i):
            both(people, i)
            return True
        people.use[POST, i] = True
        return False
    i = random.integers(0, n)
    j = other_of(people, i, random)
    who[0], who[1] = i, j
    if which == blocks:
        if people.use[MATCHED, i] == people.use[MATCHED, j]:
            return False
        labelled(people, i, j)
        return True
    before = misfits(people, i) + misfits(people, j)
    if not swapped(people.x, i, j, moves.blocks[which]):
        return False
    if misfits(people, i) + misfits(people, j) <= before:
        return True
    swapped(people.x, i, j, moves.blocks[which])
    return False


@njit
def undone(people: Patients, moves: Moves, which: int, who: np.ndarray) -> None:
    """Take a move back."""
    blocks = len(moves.blocks)
    if which >= blocks + 2:
        column = (IMMUNE, KEPT)[which - blocks - 2]
        for k in range(4):
            people.x[who[k], column] -= who[4] if k < 2 else -who[4]
    elif which == blocks + 1:
        people.use[POST, who[0]] = not people.use[POST, who[0]]
        both(people, who[0])
    elif which == blocks:
        labelled(people, who[0], who[1])
    else:
        swapped(people.x, who[0], who[1], moves.blocks[which])


@njit
def settled(people: Patients, moves: Moves, tries: int, random: np.random.Generator) -> int:
    """Moves at random, whatever the models say, until nobody contradicts anything; how many still do."""
    who, left = np.zeros(5, np.int64), 1
    for _ in range(tries):
        left = 0
        for i in range(len(people.x)):
            left += misfits(people, i)
        if left == 0:
            break
        for _ in range(100):
            proposed(people, moves, np.searchsorted(moves.chance, random.random()), who, random)
    return left


def steps(plan_columns: list[list[int]], populations: np.ndarray, blocks: list[list[int]]) -> tuple:
    """The blocks as an array, and for each move the models it touches: those that hold a column, or a population."""
    wide = max(map(len, blocks))
    padded = np.array([[*each, *[-1] * (wide - len(each))] for each in blocks])
    held = [{c % PRODUCT for c in each} for each in plan_columns]
    touched = [[m for m, each in enumerate(held) if each & set(block)] for block in blocks]
    touched += [[m for m, which in enumerate(populations) if which in (at, POST_MATCHED)] for at in (MATCHED, POST)]
    touched += [[m for m, each in enumerate(held) if column in each] for column in (IMMUNE, KEPT)]
    begins = np.cumsum([0, *map(len, touched)])
    return padded, begins, np.array([m for each in touched for m in each])
