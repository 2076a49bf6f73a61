"""The Cox partial likelihood of counting processes: its value, derivatives and residuals, vectorised.

Cox (1972); Andersen & Gill (1982) for intervals (start, stop] at risk; Efron (1977) or Breslow (1974) for ties, with
weights as in Therneau & Grambsch (2000). The information needs no sum of outer products over risk sets: every row's
outer product is weighted once by the hazard the row has lived through, so a step costs rows times squared parameters.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class RiskSets:
    """Rows entering a risk set at `stop` and leaving it at `start`, sorted by stratum and falling time.

    A row with a late start is here twice, with `sign` -1 where it leaves; `row` is its place in the data. A block is
    what one stratum has at one time; `strata` and `blocks` are each stratum's rows and blocks. `owner` and `fraction`
    hold one entry a death: its block, and the share of the block's deaths that Efron takes out of the risk set before
    it; `death_weight` is the mean weight of that block's deaths.
    """

    row: np.ndarray
    sign: np.ndarray
    weight: np.ndarray
    death: np.ndarray
    block: np.ndarray
    first: np.ndarray
    last: np.ndarray
    time: np.ndarray
    strata: list[slice]
    blocks: list[slice]
    owner: np.ndarray
    fraction: np.ndarray
    death_weight: np.ndarray


def risk_sets(
    stop: np.ndarray,
    event: np.ndarray,
    *,
    start: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    ties: str = "efron",
) -> RiskSets:
    """Sort once what every step of the maximisation needs. `start` is exclusive, `stop` inclusive.

    Raises ValueError for `ties` other than `efron` and `breslow`.
    """
    if ties not in {"efron", "breslow"}:
        raise ValueError(f"ties '{ties}': efron or breslow")
    n = len(stop)
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    stratum = np.zeros(n, dtype=int) if strata is None else np.asarray(strata)
    begin = np.full(n, -np.inf) if start is None else np.asarray(start, dtype=float)
    died = np.asarray(event).astype(bool)
    stop = np.asarray(stop, dtype=float)
    late = np.flatnonzero(begin >= np.min(stop[died], initial=np.inf))
    row = np.concatenate([np.arange(n), late])
    time = np.concatenate([stop, begin[late]])
    sign = np.concatenate([np.ones(n), -np.ones(len(late))])
    dead = np.concatenate([died, np.zeros(len(late), dtype=bool)])
    order = np.lexsort((-time, stratum[row]))
    row, time, sign, dead = row[order], time[order], sign[order], dead[order]
    s = stratum[row]
    new = np.r_[True, (s[1:] != s[:-1]) | (time[1:] != time[:-1])]
    block = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    last = np.r_[first[1:] - 1, len(row) - 1]
    edges = np.flatnonzero(np.r_[True, s[1:] != s[:-1], True])
    deaths = np.bincount(block, dead).astype(int)
    owner = np.repeat(np.arange(len(first)), deaths)
    fraction = np.concatenate([np.arange(d) / d for d in deaths[deaths > 0]]) if deaths.any() else np.zeros(0)
    total = np.bincount(block, dead * weight[row])
    slices = [slice(a, b) for a, b in pairwise(edges)]
    return RiskSets(
        row=row,
        sign=sign,
        weight=weight[row],
        death=dead,
        block=block,
        first=first,
        last=last,
        time=time[first],
        strata=slices,
        blocks=[slice(block[each.start], block[each.stop - 1] + 1) for each in slices],
        owner=owner,
        fraction=fraction if ties == "efron" else np.zeros(len(owner)),
        death_weight=total[owner] / np.maximum(deaths[owner], 1),
    )


@dataclass(frozen=True)
class Likelihood:
    """The partial likelihood at one vector of coefficients.

    Sums over risk sets are relative to a level that rises with the largest linear predictor so far, so that an extreme
    row neither overflows nor silences the risk sets it is not in.
    """

    sets: RiskSets
    x: np.ndarray
    eta: np.ndarray

    @cached_property
    def _level(self) -> np.ndarray:
        level = np.empty_like(self.eta)
        for part in self.sets.strata:
            largest = np.maximum.accumulate(self.eta[part])
            level[part] = largest[0] + 200 * np.floor((largest - largest[0]) / 200)
        return level

    @cached_property
    def _at_end(self) -> np.ndarray:
        return self._level[self.sets.last]

    @cached_property
    def _relative(self) -> np.ndarray:
        """exp(linear predictor) in units of the row's own block."""
        return np.exp(self.eta - self._at_end[self.sets.block])

    @cached_property
    def _risk(self) -> tuple[np.ndarray, np.ndarray]:
        """Per death: the size of its risk set, in its block's units, and the mean covariates there."""
        sets = self.sets
        mass = sets.weight * sets.sign * np.exp(self.eta - self._level)
        whole = self._accumulated(np.column_stack([np.ones(len(self.x)), self.x]) * mass[:, None])[sets.last]
        dying = sets.weight * sets.death * self._relative
        dead0 = np.add.reduceat(dying, sets.first)
        dead1 = np.add.reduceat(dying[:, None] * self.x, sets.first)
        owner, fraction = sets.owner, sets.fraction
        size = whole[owner, 0] - fraction * dead0[owner]
        return size, (whole[owner, 1:] - fraction[:, None] * dead1[owner]) / size[:, None]

    @property
    def mean(self) -> np.ndarray:
        """Mean covariates of the risk set of each death."""
        return self._risk[1]

    @cached_property
    def value(self) -> float:
        """The log partial likelihood."""
        sets, size = self.sets, self._risk[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            denominators = sets.death_weight * (np.log(size) + self._at_end[sets.owner])
        return float((sets.weight * self.eta)[sets.death].sum() - denominators.sum())

    @cached_property
    def score(self) -> np.ndarray:
        """Its gradient."""
        sets = self.sets
        return (sets.weight[:, None] * self.x)[sets.death].sum(axis=0) - sets.death_weight @ self.mean

    @cached_property
    def information(self) -> np.ndarray:
        """Minus its second derivative."""
        return self.weighted_information(np.ones(len(self.sets.owner)))

    def weighted_information(self, by: np.ndarray) -> np.ndarray:
        """The information with each death's term multiplied by its entry of `by`, none negative."""
        lived = self._lived(by)
        by_death = (self.sets.death_weight * by)[:, None] * self.mean
        return (self.x * lived[:, None]).T @ self.x - self.mean.T @ by_death

    def _lived(self, by: np.ndarray) -> np.ndarray:
        """Each entry's weighted cumulative hazard, negative where the row leaves."""
        sets, size = self.sets, self._risk[0]
        step = sets.death_weight * by / size
        with np.errstate(divide="ignore"):
            log_hazard = np.log(np.bincount(sets.owner, step, minlength=len(sets.first))) - self._at_end
        for part in sets.blocks:
            log_hazard[part] = np.logaddexp.accumulate(log_hazard[part][::-1])[::-1]
        spared = np.bincount(sets.owner, step * sets.fraction, minlength=len(sets.first))[sets.block]
        gone = np.exp(self.eta + log_hazard[sets.block]) * sets.sign
        return sets.weight * (gone - sets.death * self._relative * spared)

    def score_residuals(self, rows: int) -> np.ndarray:
        """The contribution to the score of each of the data's `rows`, in their order, weights left out."""
        sets, (size, mean) = self.sets, self._risk
        step = sets.death_weight / size
        blocks = len(sets.first)
        hazard = self._cumulative(np.bincount(sets.owner, step, minlength=blocks))
        moment = np.column_stack(
            [self._cumulative(np.bincount(sets.owner, step * column, minlength=blocks)) for column in mean.T]
        )
        spared = np.bincount(sets.owner, step * sets.fraction, minlength=blocks)
        spared_moment = np.column_stack(
            [np.bincount(sets.owner, step * sets.fraction * column, minlength=blocks) for column in mean.T]
        )
        average = np.column_stack([np.bincount(sets.owner, column, minlength=blocks) for column in mean.T])
        deaths = np.maximum(np.bincount(sets.owner, minlength=blocks), 1)
        relative, block, x = self._relative[:, None], sets.block, self.x
        lived = sets.sign[:, None] * relative * (x * hazard[block][:, None] - moment[block])
        kept = relative * (x * spared[block][:, None] - spared_moment[block])
        own = sets.death[:, None] * (x - (average / deaths[:, None])[block] + kept) - lived
        residuals = np.zeros((rows, x.shape[1]))
        np.add.at(residuals, sets.row, own)
        return residuals

    def _cumulative(self, hazard: np.ndarray) -> np.ndarray:
        """Sums of per-block terms up to each block's time, every one in its own block's units."""
        return np.concatenate(
            [_running(hazard[part][::-1], -self._at_end[part][::-1])[::-1] for part in self.sets.blocks]
        )

    def _accumulated(self, values: np.ndarray) -> np.ndarray:
        """Running sums from the longest time down, anew in each stratum, each in units of exp(its level)."""
        return np.concatenate([_running(values[part], self._level[part]) for part in self.sets.strata])


def _running(values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Running sums of values given in units of exp(level), each in its own unit."""
    sums = np.empty_like(values)
    edges = [0, *(np.flatnonzero(np.diff(level)) + 1), len(values)]
    carried = 0.0
    for start, stop in pairwise(edges):
        if start:
            carried = sums[start - 1] * np.exp(level[start - 1] - level[start])
        sums[start:stop] = np.cumsum(values[start:stop], axis=0) + carried
    return sums


def at(sets: RiskSets, entries: np.ndarray, beta: np.ndarray) -> Likelihood:
    """The likelihood at `beta`; `entries` are the covariates in the order of the risk sets, `x[sets.row]`."""
    return Likelihood(sets, entries, entries @ beta)
