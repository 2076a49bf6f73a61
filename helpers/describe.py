"""Who the patients are and what befell them: flow, Table 1 with its tests and differences, events, adverse events."""

import numpy as np
import pandas as pd
from scipy import special, stats

from helpers.cohort import Cohort
from helpers.ledger import STATISTICS_OF, wide
from helpers.study.schema import ANY_GRADE, OVERALL, RowTests

ONE_ARM = "only one arm can have this variable"
CHI_SQUARE = {"yates": "chi-square test with Yates' correction", "pearson": "Pearson's chi-square test"}
MAX_TABLES = 20_000_000
NOBODY_KNOWN = "no patient has a known value"
COUNTED = ["n", "percent", "n_missing", "percent_missing"]


def flow(cohort: Cohort) -> pd.DataFrame:
    """Patients before, excluded by and after each step, overall and by arm; a row without variable is a population."""
    records = [
        {
            "population": population,
            "analysis": "flow",
            "group": group,
            "n": len(rows),
            "method": cohort.study.all_populations[population].label,
        }
        for population in cohort.members
        for group, rows in cohort.groups(population).items()
    ]
    steps = cohort.flow.rename(columns={"name": "variable", "reason": "method"}).assign(analysis="flow")
    return wide([*records, *steps.to_dict("records")], STATISTICS_OF["flow"])


def events(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients, events, and patients without a time, per endpoint, overall and by arm."""
    records = []
    for endpoint in cohort.study.endpoints:
        outcomes = cohort.with_outcome(endpoint, population)
        for group, rows in cohort.groups(population).items():
            frame = outcomes.loc[rows.index]
            counted = {"n": len(frame), "n_event": frame["event"].sum(), "n_missing": frame["time"].isna().sum()}
            counted |= _share(counted["n_event"], len(frame), "no patients")
            key = {"population": population, "endpoint": endpoint, "analysis": "count", "group": group}
            records.append({**key, **counted, "method": cohort.study.endpoints[endpoint].event_label})
    return wide(records, ["n", "n_event", "percent", "n_missing"])


def counts(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients per level of each categorical variable of Table 1, as n and per cent of those with a known value.

    A row without level holds the known and the missing; a patient in whom the variable cannot exist is neither. The
    rows without variable hold all patients, and how many of the values Table 1 asks for are missing.
    """
    records = []
    for group, rows in cohort.groups(population).items():
        asked = [rows.loc[cohort.applies(name, rows), name].isna() for name in cohort.study.table_one.variables]
        share = {"percent_missing": 100 * pd.concat(asked).mean()} if len(rows) else {}
        key = {"population": population, "analysis": "count", "group": group}
        records.append({**key, "n": len(rows), **share, "method": "missing: of all values of Table 1"})
    for name in _variables(cohort, "categorical"):
        records += _counted(cohort, name, population)
    return wide(records, COUNTED)


def course(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients per level of what the study file calls the course of the disease, as in `counts`."""
    names = cohort.study.survival.course
    return wide([record for name in names for record in _counted(cohort, name, population)], COUNTED)


def adverse_events(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients by worst grade of each adverse event: every grade group, and level `any` for all grades above zero.

    Per cent of the patients whose grade is known, overall and by arm; then the events the study file wants by another
    variable, in the population it names, groups keyed `variable=level`.
    """
    asked = cohort.study.adverse_events
    if asked is None:
        return wide([], COUNTED)
    records = [
        record
        for term in asked.terms
        for group, rows in cohort.groups(population).items()
        for record in _graded(cohort, term, rows, {"population": population, "group": group})
    ]
    for by in asked.by:
        groups = {group: rows for group, rows in cohort.groups_by(by.variable, by.population).items() if group != OVERALL}
        for term, (group, rows) in [(term, each) for term in by.terms for each in groups.items()]:
            records += _graded(cohort, term, rows, {"population": by.population, "group": group})
    return wide(records, COUNTED)


def summaries(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Mean, SD, median, quartiles (R's type 7) and range of each continuous variable of Table 1."""
    records = []
    names = ["mean", "sd", "median", "q1", "q3", "minimum", "maximum"]
    for name in _variables(cohort, "continuous"):
        for group, rows in cohort.groups(population).items():
            values = rows.loc[cohort.applies(name, rows), name]
            x = values.dropna().to_numpy()
            described = dict.fromkeys(names, np.nan)
            if len(x):
                described = dict(zip(names, [x.mean(), np.nan, *np.quantile(x, [0.5, 0.25, 0.75, 0, 1])], strict=True))
            if len(x) > 1:
                described["sd"] = x.std(ddof=1)
            reason = NOBODY_KNOWN if len(x) == 0 else "one patient has a known value"
            blank = {each: reason for each in names if np.isnan(described[each])}
            key = {"population": population, "analysis": "summary", "variable": name, "group": group}
            records.append({**key, **_known(values), **described, "not_estimable": blank})
    return wide(records, STATISTICS_OF["summary"])


def comparisons(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The test of each Table 1 variable between the arms, missing values left out; `method` names the test."""
    rule = cohort.study.table_one.tests
    records = []
    for name in cohort.study.table_one.variables:
        first, second, reason = _two_arms(cohort, name, population)
        variable = cohort.study.variables[name]
        record = {"population": population, "analysis": "comparison", "variable": name}
        if reason:
            record["not_estimable"] = {"p_test": reason}
        elif variable.type == "continuous":
            record |= continuous_test(first.to_numpy(), second.to_numpy(), variable.test or rule.continuous)
        else:
            table = np.array([[(x == level).sum() for level in variable.levels] for x in (first, second)])
            record |= categorical_test(table, rule, variable.test)
        records.append(record)
    return wide(records, STATISTICS_OF["comparison"])


def balance(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Standardised difference of each Table 1 variable, treated minus reference, in pooled standard deviations.

    Two-level variables give the difference of their last level, variables with more levels an absolute distance.
    """
    records = []
    for name in cohort.study.table_one.variables:
        first, second, reason = _two_arms(cohort, name, population)
        if cohort.study.arms.reference != next(iter(cohort.study.arms.levels)):
            first, second = second, first
        variable = cohort.study.variables[name]
        smd = np.nan
        if not reason:
            known = [level for level in variable.levels or {} if (first == level).any() or (second == level).any()]
            columns = (_indicators(x, variable.levels and known) for x in (second, first))
            smd = standardised_difference(*columns, ddof=0 if variable.levels else 1)
            reason = "" if np.isfinite(smd) else "the variable does not vary within the arms"
        record = {"population": population, "analysis": "balance", "variable": name, "smd_pooled": smd}
        text = {"reference": cohort.study.arms.reference, "method": "pooled standard deviation"}
        records.append({**record, **text, "not_estimable": {"smd_pooled": reason} if reason else {}})
    return wide(records, STATISTICS_OF["balance"])


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
        method = f"Wilcoxon rank-sum test, {'exact' if exact else 'normal approximation'}"
        return {"test_statistic": result.statistic, "p_test": result.pvalue, "method": method}
    if np.ptp(first) == np.ptp(second) == 0:
        return {"not_estimable": {"p_test": "the variable does not vary within the arms"}}
    result = stats.ttest_ind(first, second, equal_var=test == "student")
    method = {"student": "Student's t test", "welch": "Welch's t test"}[test]
    return {"test_statistic": result.statistic, "df": result.df, "p_test": result.pvalue, "method": method}


def standardised_difference(treated: np.ndarray, reference: np.ndarray, *, ddof: int) -> float:
    """Difference of means over the root of the mean of both variances (Austin, 2009).

    Takes one column for a continuous (ddof 1) or two-level variable (ddof 0: the variance is p(1 - p)), k - 1
    indicators for k levels; the latter gives the Mahalanobis distance of Yang & Dalton (2012). NaN without variance.
    """
    if treated.shape[1] == 0 or min(len(treated), len(reference)) <= ddof:
        return np.nan
    difference = treated.mean(axis=0) - reference.mean(axis=0)
    if treated.shape[1] == 1:
        if np.ptp(treated) == np.ptp(reference) == 0:
            return np.nan
        pooled = np.sqrt((treated.var(ddof=ddof) + reference.var(ddof=ddof)) / 2)
        return float(difference[0] / pooled)
    covariance = (np.cov(treated.T, ddof=ddof) + np.cov(reference.T, ddof=ddof)) / 2
    if np.linalg.matrix_rank(covariance) < len(difference):
        return np.nan
    return float(np.sqrt(difference @ np.linalg.solve(covariance, difference)))


def _variables(cohort: Cohort, kind: str) -> list[str]:
    return [name for name in cohort.study.table_one.variables if cohort.study.variables[name].type == kind]


def _counted(cohort: Cohort, name: str, population: str) -> list[dict]:
    """A categorical variable in each group: known and missing, then every level and every union of levels."""
    variable, records = cohort.study.variables[name], []
    for group, rows in cohort.groups(population).items():
        values = rows.loc[cohort.applies(name, rows), name]
        key = {"population": population, "analysis": "count", "variable": name, "group": group}
        records.append({**key, **_known(values)})
        unions = {union: entry.levels for union, entry in variable.unions.items()}
        for level, members in {**{level: [level] for level in variable.levels}, **unions}.items():
            n = int(values.isin(members).sum())
            records.append({**key, "level": level, "n": n, **_share(n, values.notna().sum(), NOBODY_KNOWN)})
    return records


def _graded(cohort: Cohort, term: str, rows: pd.DataFrame, key: dict) -> list[dict]:
    asked = cohort.study.adverse_events
    key = {**key, "analysis": "count", "variable": term, "method": asked.grading}
    values = rows[term]
    levels = {name: values.isin(group.grades) for name, group in asked.groups.items()} | {ANY_GRADE: values > 0}
    shares = [(level, int(inside.sum())) for level, inside in levels.items()]
    known = values.notna().sum()
    return [
        {**key, **_known(values)},
        *({**key, "level": level, "n": n, **_share(n, known, NOBODY_KNOWN)} for level, n in shares),
    ]


def _share(n: int, of: int, reason: str) -> dict:
    """The percentage, or why there is none."""
    return {"percent": 100 * n / of} if of else {"percent": np.nan, "not_estimable": {"percent": reason}}


def _known(values: pd.Series) -> dict:
    missing = int(values.isna().sum())
    share = 100 * missing / len(values) if len(values) else np.nan
    blank = {} if len(values) else {"percent_missing": "no patient can have this variable"}
    counted = {"n": len(values) - missing, "n_missing": missing, "percent_missing": share}
    return {**counted, "not_estimable": blank}


def _two_arms(cohort: Cohort, name: str, population: str) -> tuple[pd.Series, pd.Series, str]:
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


def _indicators(values: pd.Series, levels: list[str] | None) -> np.ndarray:
    """A column of numbers, or one indicator for every level after the first."""
    if levels is None:
        return values.to_numpy(dtype=float)[:, None]
    return np.array([[value == level for level in levels[1:]] for value in values], dtype=float)


def _log_choose(n: np.ndarray | float, k: np.ndarray) -> np.ndarray:
    return special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
