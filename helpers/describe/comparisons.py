"""Whether the arms differ at the start: the tests of Table 1."""

import numpy as np
import pandas as pd
from scipy import special, stats

from helpers.cohort import Cohort
from helpers.describe.balance import two_arms
from helpers.ledger import STATISTICS_OF, wide
from helpers.study.analyses import RowTests

CHI_SQUARE = {"yates": "chi-square test with Yates' correction", "pearson": "Pearson's chi-square test"}
MAX_TABLES = 20_000_000


def comparisons(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The test of each Table 1 variable between the arms, missing values left out; `method` names the test."""
    names = cohort.study.table_one.variables
    return wide([compared(cohort, name, population) for name in names], STATISTICS_OF["comparison"])


def compared(cohort: Cohort, name: str, population: str, *, among: list[str] | None = None) -> dict:
    """The test of a variable between the arms, of all patients or `among` those in some of its levels."""
    rule, variable = cohort.study.table_one.tests, cohort.study.variables[name]
    first, second, reason = two_arms(cohort, name, population)
    record = {"population": population, "analysis": "comparison", "variable": name}
    if reason:
        return {**record, "not_estimable": {"p_test": reason}}
    if variable.type == "continuous":
        return record | continuous_test(first.to_numpy(), second.to_numpy(), variable.test or rule.continuous)
    levels = variable.levels if among is None else among
    table = np.array([[(x == level).sum() for level in levels] for x in (first, second)])
    if min(table.sum(axis=1)) == 0:
        return {**record, "not_estimable": {"p_test": "no patient of one arm is in these levels"}}
    return record | categorical_test(table, rule, variable.test)


def categorical_test(table: np.ndarray, rule: RowTests, test: str | None = None) -> dict:
    """Test a 2 x k table of counts (arms by levels) as the rule says; empty levels are left out.

    Returns `test_statistic`, `df`, `p_test`, `method`, `not_estimable`. Chi-square: Pearson (1900), Yates (1934) for
    2 x 2 with the correction no larger than the deviation, as in R; Fisher's exact test for 2 x k (Freeman & Halton,
    1951) sums every table no likelier than the one seen.
    """
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return {"not_estimable": {"p_test": "all patients are in one level"}}
    two = table.shape[1] == 2
    chosen = test or (rule.two_by_two if two else rule.larger)
    if chosen == "yates" and not two:
        chosen = "pearson"
    expected = stats.contingency.expected_freq(table)
    if test is None and rule.small_expected == "fisher" and expected.min() < 5:
        chosen = "fisher"
    if chosen == "fisher":
        p = fisher_exact(table)
        blank = {} if np.isfinite(p) else {"p_test": "too many tables for Fisher's exact test; choose 'pearson'"}
        return {"p_test": p, "method": "Fisher's exact test", "not_estimable": blank}
    result = stats.chi2_contingency(table, correction=chosen == "yates")
    return {"test_statistic": result[0], "df": result[2], "p_test": result[1], "method": CHI_SQUARE[chosen]}


def fisher_exact(table: np.ndarray) -> float:
    """Two-sided P of Fisher's exact test of a 2 x k table by enumeration; NaN beyond twenty million tables."""
    columns = np.sort(table.sum(axis=0))
    first = table[0].sum()
    if np.prod(columns[:-1] + 1.0) > MAX_TABLES:
        return np.nan
    used, log_p = np.zeros(1), np.zeros(1)
    for total in columns[:-1]:
        x = np.arange(total + 1)
        used = (used[:, None] + x).ravel()
        log_p = (log_p[:, None] + _log_choose(total, x)).ravel()
        possible = (used <= first) & (used + table.sum() >= first)
        used, log_p = used[possible], log_p[possible]
    last = first - used
    possible = last <= columns[-1]
    log_p = log_p[possible] + _log_choose(columns[-1], last[possible]) - _log_choose(table.sum(), first)
    seen = _log_choose(table.sum(axis=0), table[0]).sum() - _log_choose(table.sum(), first)
    return float(min(1.0, np.exp(log_p[log_p <= seen + 1e-7]).sum()))


def continuous_test(first: np.ndarray, second: np.ndarray, test: str) -> dict:
    """Test a location difference between two samples without missing values.

    Student's and Welch's t (first minus second) or the Wilcoxon-Mann-Whitney rank-sum test: exact where both samples
    are below 50 and nothing is tied, else the normal approximation with tie and continuity correction, as in R.
    """
    if min(len(first), len(second)) < 2 or np.ptp(np.concatenate([first, second])) == 0:
        return {"not_estimable": {"p_test": "fewer than two known values in an arm, or all are the same"}}
    if test == "rank_sum":
        both = np.concatenate([first, second])
        exact = max(len(first), len(second)) < 50 and len(np.unique(both)) == len(both)
        result = stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic", use_continuity=True)
        how = "exact" if exact else "normal approximation with continuity correction"
        method = f"Wilcoxon rank-sum test, {how}"
        return {"test_statistic": result.statistic, "p_test": result.pvalue, "method": method}
    if np.ptp(first) == np.ptp(second) == 0:
        return {"not_estimable": {"p_test": "the variable does not vary within the arms"}}
    result = stats.ttest_ind(first, second, equal_var=test == "student")
    method = {"student": "Student's t test", "welch": "Welch's t test"}[test]
    return {"test_statistic": result.statistic, "df": result.df, "p_test": result.pvalue, "method": method}


def _log_choose(n: np.ndarray | float, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
