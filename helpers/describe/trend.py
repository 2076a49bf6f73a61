"""Whether an adverse event is commoner with each step of an ordered variable, such as dose."""

import numpy as np
import pandas as pd
from scipy import special

from helpers.cohort import Cohort
from helpers.describe.toxicity import reached
from helpers.ledger import STATISTICS_OF, wide
from helpers.study.schema import ANY_GRADE, SEVERE

METHOD = "Cochran-Armitage test for trend, exact"
TOO_MANY = "too many patients for the exact test"
NONE = "nobody has it, or everybody"
TIES = 1e-9
MOST = 2_000


def toxicity_trends(cohort: Cohort) -> pd.DataFrame:
    """The exact Cochran-Armitage test of the events the study file wants by a variable whose levels are ordered.

    At any grade and at the severe ones, in patients in a step of the order and of whom it is known; a row an event and
    grade, the variable's name as `group`. No rows where no variable of `by` has an order.
    """
    asked, records = cohort.study.adverse_events, []
    for by in asked.by if asked else ():
        order = cohort.study.variables[by.variable].order
        groups = [cohort.groups_by(by.variable, by.population)[f"{by.variable}={level}"] for level in order]
        for term in by.terms if order else ():
            for level, lowest in ((ANY_GRADE, 1), (SEVERE, asked.severe)):
                counts = [reached(cohort, term, rows, lowest) for rows in groups]
                events, sizes = ([pair[side] for pair in counts] for side in (0, 1))
                key = {"population": by.population, "analysis": "trend", "model": "cochran_armitage", "variable": term}
                found = {"n": sum(sizes), "n_event": sum(events), **_tested(events, sizes)}
                records.append({**key, "level": level, "group": by.variable, "method": METHOD, **found})
    return wide(records, STATISTICS_OF["trend"])


def _tested(events: list[int], sizes: list[int]) -> dict:
    if not 0 < sum(events) < sum(sizes):
        return {"not_estimable": {"p_test": NONE}}
    if sum(sizes) > MOST:
        return {"not_estimable": {"p_test": TOO_MANY}}
    return {"p_test": exact_trend(events, sizes)}


def exact_trend(events: list[int], sizes: list[int]) -> float:
    """Two-sided P of the exact Cochran-Armitage test, scores 0, 1, 2, ... (Armitage, 1955; Agresti, 2002).

    Given the events in all, those of each group are hypergeometric; P is the probability of a sum of scores over the
    events at least as far from its mean as the one seen.
    """
    total, everybody = sum(events), sum(sizes)
    log_ways = np.full((total + 1, total * (len(sizes) - 1) + 1), -np.inf)
    log_ways[0, 0] = 0.0
    for score, size in enumerate(sizes):
        added = np.full_like(log_ways, -np.inf)
        for k in range(min(size, total) + 1):
            ways, shift = _log_choose(size, k), k * score
            part = log_ways[: total + 1 - k, : log_ways.shape[1] - shift] + ways
            target = added[k:, shift:]
            np.logaddexp(target, part, out=target)
        log_ways = added
    p = np.exp(log_ways[total] - _log_choose(everybody, total))
    sums, mean = np.arange(len(p)), total * np.dot(np.arange(len(sizes)), sizes) / everybody
    seen = abs(np.dot(np.arange(len(sizes)), events) - mean)
    return float(min(1.0, p[np.abs(sums - mean) >= seen - TIES].sum()))


def _log_choose(n: int, k: int) -> float:
    return float(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))
