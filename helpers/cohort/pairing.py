"""Who is treated, and who is like them: the propensity score and the pairs matched on it.

Rosenbaum & Rubin (1983, 1985); greedy nearest-neighbour matching without replacement within a caliper as in Austin
(2011). Ties are settled by the order of the patients' table, so the same table always gives the same pairs.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from helpers.cohort.regression import DEPENDS, DIVERGES, SEPARATES, indicators, logistic
from helpers.study import Study

DECIMALS = 10
UNMATCHED = {
    "nobody_near": "Nobody of the other arm within the caliper",
    "partners_taken": "Treated, and every partner within the caliper taken",
    "not_chosen": "Not treated, and not chosen as a partner",
}
SEPARATED = "the covariates tell the arms apart, so the propensity score has no finite estimate"
PROBLEMS = {
    DEPENDS: "covariates of the propensity score are linearly dependent",
    SEPARATES: SEPARATED,
    DIVERGES: "the propensity score did not converge; look for an extreme value among its covariates",
}


@dataclass(frozen=True)
class Propensity:
    """Probability of treatment of the patients with all covariates, by row of the cohort.

    `score` is the probability, `logit` its log odds; `coefficients` by column of the design, `""` the intercept.
    `problem` says why there is none.
    """

    treated: pd.Series
    score: pd.Series
    logit: pd.Series
    coefficients: pd.Series
    problem: str = ""

    def distance(self, scale: str) -> pd.Series:
        """What is compared: the `score` or its `logit`."""
        return self.logit if scale == "logit" else self.score


def propensity_score(study: Study, rows: pd.DataFrame) -> Propensity:
    """Logistic regression of the treated arm on the study's propensity covariates, complete cases only.

    Categorical covariates are indicators of the levels other than the reference. There is no score, and `problem` says
    why, for a covariate that does not vary, for dependent covariates and where the arms are separated.
    """
    arms, names = study.arms, study.propensity.covariates
    known = rows[rows[names].notna().all(axis=1)]
    treated = known[arms.column] == arms.treated
    none = pd.Series(np.nan, index=known.index)
    if not 0 < treated.sum() < len(treated):
        return Propensity(treated, none, none, pd.Series(dtype=float), _nobody(study, rows))
    design, problem = design_of(study, known)
    if not problem:
        coefficients, found = logistic(design.to_numpy(), treated.to_numpy())
        problem = PROBLEMS.get(found, "")
    if problem == SEPARATED:
        problem += _one_armed(study, known, treated)
    if problem:
        return Propensity(treated, none, none, pd.Series(dtype=float), problem)
    logit = pd.Series(np.round(coefficients[0] + design.to_numpy() @ coefficients[1:], DECIMALS), index=known.index)
    score = pd.Series(special.expit(logit), index=known.index)
    return Propensity(treated, score, logit, pd.Series(coefficients, index=["", *design.columns]))


def _nobody(study: Study, rows: pd.DataFrame) -> str:
    """Why an arm has no patient with a score: a covariate known in nobody, if it is one."""
    for arm, label in study.arms.levels.items():
        inside = rows[rows[study.arms.column] == arm]
        if inside.empty:
            return f"nobody is in the arm '{arm}' ({label}) here"
        for name in study.propensity.covariates:
            if inside[name].isna().all():
                return f"'{name}' is known in nobody of the arm '{arm}' ({label})"
    return "one arm has no patient with all covariates"


def _one_armed(study: Study, known: pd.DataFrame, treated: pd.Series) -> str:
    """The first level that holds patients of one arm only, as the end of a sentence."""
    for name in study.propensity.covariates:
        for level in study.level_labels(name):
            inside = treated[known[name] == level]
            if inside.nunique() == 1:
                return f"; '{name}', level '{level}' holds patients of one arm only"
    return ""


def design_of(study: Study, known: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The covariates as numbers, columns named `variable` or `variable=level`; and which of them does not vary."""
    for name in study.propensity.covariates:
        if known[name].nunique() < 2:
            return pd.DataFrame(), f"'{name}' has one value in all patients with all covariates; leave it out"
    return indicators(study, known, study.propensity.covariates), ""


def caliper_width(propensity: Propensity, caliper: float | str, scale: str, sd: str) -> float:
    """The caliper in units of the distance; `sd` is over the `whole` sample or `pooled` within the arms."""
    if caliper == "none":
        return np.inf
    distance = propensity.distance(scale)
    inside = [distance[propensity.treated], distance[~propensity.treated]]
    whole = distance.std()
    pooled = np.sqrt(sum(0.0 if len(each) < 2 else each.var() for each in inside) / 2)
    return float(caliper * (whole if sd == "whole" else pooled))


def pairs(propensity: Propensity, *, scale: str, width: float, order: str, seed: int) -> pd.DataFrame:
    """Matched pairs, a row each in the order they were made: cohort rows `treated` and `reference`.

    `order` is `largest` or `smallest` (distance first), `data`, `random` (by `seed`) or `closest`. Raises ValueError
    for another.
    """
    distance = propensity.distance(scale)
    first, second = distance[propensity.treated], distance[~propensity.treated]
    pool = _Pool(second.to_numpy(), width)
    made = _closest(first.to_numpy(), pool) if order == "closest" else _in_turn(first.to_numpy(), pool, order, seed)
    treated, reference = (np.array([each[side] for each in made], dtype=int) for side in (0, 1))
    return pd.DataFrame({"treated": first.index[treated], "reference": second.index[reference]})


def unmatched(propensity: Propensity, made: pd.DataFrame, *, scale: str, width: float) -> pd.Series:
    """Why each patient with a score is in no pair, a key of `UNMATCHED` by cohort row."""
    distance, found = propensity.distance(scale), {}
    alone = ~distance.index.isin([*made["treated"], *made["reference"]])
    for side in (True, False):
        others = np.sort(distance[propensity.treated != side])
        mine = distance[alone & (propensity.treated == side)]
        place = np.searchsorted(others, mine)
        below = mine.to_numpy() - np.r_[-np.inf, others][place]
        above = np.r_[others, np.inf][place] - mine.to_numpy()
        reached = np.minimum(below, above) <= width * (1 + 1e-12)
        here = "partners_taken" if side else "not_chosen"
        found |= dict(zip(mine.index, np.where(reached, here, "nobody_near"), strict=True))
    return pd.Series(found, dtype=object)


def _in_turn(distance: np.ndarray, pool: "_Pool", order: str, seed: int) -> list[tuple[int, int]]:
    """Each treated patient in turn takes the nearest who is left."""
    count = len(distance)
    orders = {
        "largest": lambda: np.argsort(-distance, kind="stable"),
        "smallest": lambda: np.argsort(distance, kind="stable"),
        "data": lambda: np.arange(count),
        "random": lambda: np.random.default_rng(seed).permutation(count),
    }
    if order not in orders:
        raise ValueError(f"order '{order}': {', '.join(orders)} or closest")
    made = []
    for patient in orders[order]():
        found = pool.nearest(distance[patient])
        if found is not None:
            pool.take(found[2])
            made.append((int(patient), found[1]))
    return made


def _closest(distance: np.ndarray, pool: "_Pool") -> list[tuple[int, int]]:
    """The nearest of all pairs first; a partner who is gone is replaced by the next nearest."""
    waiting = [(found[0], patient, found[1]) for patient, d in enumerate(distance) if (found := pool.nearest(d))]
    heapq.heapify(waiting)
    made = []
    while waiting:
        apart, patient, partner = heapq.heappop(waiting)
        found = pool.nearest(distance[patient])
        if found is None:
            continue
        if (found[0], found[1]) != (apart, partner):
            heapq.heappush(waiting, (found[0], patient, found[1]))
            continue
        pool.take(found[2])
        made.append((patient, partner))
    return made


class _Pool:
    """Reference patients who are left, by distance; those at one distance are taken in the table's order."""

    def __init__(self, distance: np.ndarray, width: float) -> None:
        self.values, where = np.unique(distance, return_inverse=True)
        order = np.argsort(where, kind="stable")
        counts = np.bincount(where, minlength=len(self.values))
        self.members = np.split(order, np.cumsum(counts)[:-1])
        self.used = [0] * len(self.values)
        self.width = width * (1 + 1e-12)
        self.above = list(range(len(self.values) + 1))
        self.below = list(range(len(self.values) + 1))

    def nearest(self, distance: float) -> tuple[float, int, int] | None:
        """Distance, patient and place of the nearest within the caliper, or nobody."""
        place = int(np.searchsorted(self.values, distance))
        up, down = _follow(self.above, place), _follow(self.below, place) - 1
        sides = [each for each in (down, up) if 0 <= each < len(self.values)]
        found = [(abs(float(self.values[i]) - distance), int(self.members[i][self.used[i]]), i) for i in sides]
        best = min(found, default=None)
        return best if best is not None and best[0] <= self.width else None

    def take(self, place: int) -> None:
        """Remove the first patient at a place."""
        self.used[place] += 1
        if self.used[place] == len(self.members[place]):
            self.above[place], self.below[place + 1] = place + 1, place


def _follow(links: list[int], place: int) -> int:
    """The end of a chain of links, which is shortened on the way."""
    end = place
    while links[end] != end:
        end = links[end]
    while links[place] != end:
        links[place], place = end, links[place]
    return end
