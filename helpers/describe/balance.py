"""How far the arms are apart: standardised differences and variance ratios, before and after matching or weighting.

After matching or weighting the standard deviations stay those of before, so that a difference can only shrink because
the arms come nearer (Stuart, 2010).
"""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.ledger import STATISTICS_OF, wide
from helpers.study.schema import OVERALL

ONE_ARM = "only one arm can have this variable"
NO_SPREAD = "the variable does not vary within the arms"
DISJOINT = "the arms share no level: the largest imbalance there is"
APART = "all of one arm have one value and all of the other another: the largest imbalance there is"
NAMES = STATISTICS_OF["balance"]


def balance(
    cohort: Cohort,
    population: str = "primary",
    *,
    variables: list[str] | None = None,
    weights: pd.Series | None = None,
    model: str = "",
) -> pd.DataFrame:
    """Standardised differences, treated minus reference, of Table 1's variables or of those named.

    In pooled standard deviations (Austin, 2009) and in those of the treated (the ATT form); the ratio of variances.
    A categorical variable has a row a level, and one for itself: two levels give the difference of the last, more an
    absolute distance (Yang & Dalton, 2012). `weights` by cohort row, named `model`, leave out patients without one.
    """
    study, records = cohort.study, []
    matched = study.all_populations[population].matching
    source = study.all_populations[population].of if matched else population
    text = {"reference": study.arms.reference, "method": "standard deviations of the arms before matching or weighting"}
    for name in variables or study.table_one.variables:
        before, reason = _compared(cohort, name, source)
        arms, now = _compared(cohort, name, population)
        key = {"population": population, "analysis": "balance", "model": model, "variable": name, **text}
        levels = study.variables[name].levels
        if reason or now:
            records.append({**key, "not_estimable": {"smd_pooled": now or reason}})
            continue
        given = [_weighted(each, weights) for each in arms]
        if not levels:
            columns = ([each.to_numpy(dtype=float)[:, None] for each in side] for side in (arms, before))
            records.append({**key, **_measured(*columns, given, 1)})
            continue
        records.append({**key, **_distance(arms, before, given, list(levels))})
        for level in levels:
            columns = ([(each == level).to_numpy(dtype=float)[:, None] for each in side] for side in (arms, before))
            records.append({**key, "level": level, **_measured(*columns, given, 0)})
    return wide(records, NAMES)


def standardised_difference(
    treated: np.ndarray,
    reference: np.ndarray,
    *,
    ddof: int,
    before: tuple[np.ndarray, np.ndarray] | None = None,
    weights: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """Difference of means over the root of the mean of both variances (Austin, 2009); NaN without variance.

    Takes one column for a continuous (ddof 1) or two-level variable (ddof 0: the variance is p(1 - p)), k - 1
    indicators for k levels; the latter gives the Mahalanobis distance of Yang & Dalton (2012). `before` are the samples
    whose variances count, `weights` those of the means.
    """
    spread = before or (treated, reference)
    if treated.shape[1] == 0 or min(map(len, (treated, reference))) == 0 or min(map(len, spread)) <= ddof:
        return np.nan
    first, second = weights or (None, None)
    difference = np.average(treated, axis=0, weights=first) - np.average(reference, axis=0, weights=second)
    if treated.shape[1] == 1:
        variance = sum(each.var(ddof=ddof) for each in spread) / 2
        return float(difference[0] / np.sqrt(variance)) if max(map(np.ptp, spread)) > 0 else np.nan
    covariance = sum(np.cov(each.T, ddof=ddof) for each in spread) / 2
    if np.linalg.matrix_rank(covariance) < len(difference):
        return np.nan
    return float(np.sqrt(difference @ np.linalg.solve(covariance, difference)))


def two_arms(cohort: Cohort, name: str, population: str) -> tuple[pd.Series, pd.Series, str]:
    """Known values of both arms in display order, and why they cannot be compared, if so."""
    groups = {group: rows for group, rows in cohort.groups(population).items() if group != OVERALL}
    applicable = [rows.loc[cohort.applies(name, rows), name] for rows in groups.values()]
    first, second = (values.dropna() for values in applicable)
    reason = ""
    if min(len(values) for values in applicable) == 0:
        reason = ONE_ARM
    elif min(len(first), len(second)) == 0:
        reason = "no known value in one arm"
    return first, second, reason


def _compared(cohort: Cohort, name: str, population: str) -> tuple[list[pd.Series], str]:
    """Known values of the treated and of the reference arm, and why they cannot be compared."""
    *values, reason = two_arms(cohort, name, population)
    arms = cohort.study.arms
    return values[::-1] if arms.reference == next(iter(arms.levels)) else values, reason


def _weighted(values: pd.Series, weights: pd.Series | None) -> np.ndarray:
    return np.ones(len(values)) if weights is None else weights.reindex(values.index).fillna(0).to_numpy()


def _measured(arms: list[np.ndarray], before: list[np.ndarray], weights: list[np.ndarray], ddof: int) -> dict:
    """Both standardised differences and the ratio of variances of one column, with the reasons for what is none."""
    both = tuple(before)
    pooled = standardised_difference(*arms, ddof=ddof, before=both, weights=tuple(weights))
    att = standardised_difference(*arms, ddof=ddof, before=(before[0], before[0]), weights=tuple(weights))
    variances = [_variance(column[:, 0], weight) for column, weight in zip(arms, weights, strict=True)]
    ratio = variances[0] / variances[1] if variances[1] > 0 else np.nan
    found = dict(zip(NAMES, (pooled, att, ratio), strict=True))
    reasons = {"smd_att": "the variable does not vary among the treated", "variance_ratio": NO_SPREAD}
    if all(len(each) and np.ptp(each) == 0 for each in (*arms, *before)) and arms[0][0, 0] != arms[1][0, 0]:
        reasons |= dict.fromkeys(("smd_pooled", "smd_att"), APART)
    missing = [name for name, value in found.items() if not np.isfinite(value)]
    return {**found, "not_estimable": {name: reasons.get(name, NO_SPREAD) for name in missing}}


def _variance(values: np.ndarray, weights: np.ndarray) -> float:
    """The variance with n - 1, or its weighted form for reliability weights."""
    total = weights.sum()
    left = total - (weights**2).sum() / total if total > 0 else 0.0
    if left <= 0 or np.ptp(values) == 0:
        return np.nan
    return float((weights * (values - np.average(values, weights=weights)) ** 2).sum() / left)


def _distance(arms: list[pd.Series], before: list[pd.Series], weights: list[np.ndarray], levels: list[str]) -> dict:
    """The distance of a categorical variable as a whole, over the levels anybody had before."""
    known = [level for level in levels if any((each == level).any() for each in before)]
    columns = [_indicators(each, known) for each in (*arms, *before)]
    smd = standardised_difference(*columns[:2], ddof=0, before=tuple(columns[2:]), weights=tuple(weights))
    shared = [level for level in levels if all((each == level).any() for each in arms)]
    missing = {} if np.isfinite(smd) else {"smd_pooled": NO_SPREAD if shared else DISJOINT}
    return {"smd_pooled": smd, "not_estimable": missing}


def _indicators(values: pd.Series, levels: list[str]) -> np.ndarray:
    """One indicator for every level after the first."""
    return np.array([(values == level).to_numpy(dtype=float) for level in levels[1:]]).T.reshape(len(values), -1)
