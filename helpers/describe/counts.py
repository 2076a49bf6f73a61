"""Patients counted and measured: flow, Table 1, events, the course of the disease."""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.ledger import STATISTICS_OF, percent, wide

NOBODY_KNOWN = "no patient has a known value"
COUNTED = ["n", "percent", "n_missing", "percent_missing"]


def flow(cohort: Cohort) -> pd.DataFrame:
    """Patients before, excluded by and after each step, overall and by arm.

    A row without variable is a population: its patients, those of the population it is made of, and the difference.
    """
    records = []
    for population in cohort.members:
        entry = cohort.study.all_populations[population]
        sizes = {group: len(rows) for group, rows in cohort.groups(population).items()}
        before = {group: len(rows) for group, rows in cohort.groups(entry.of).items()}
        for group, n in sizes.items():
            key = {"population": population, "analysis": "flow", "group": group, "n": n, "method": population}
            left = {"n_before": before[group], "n_excluded": before[group] - n}
            records.append({**key, **(left if population != "screened" else {})})
    steps = cohort.flow.rename(columns={"name": "variable", "reason": "method"}).assign(analysis="flow")
    return wide([*records, *steps.to_dict("records")], STATISTICS_OF["flow"])


def events(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients, events, and patients without a time, per endpoint, overall and by arm.

    Where an endpoint is made from dates also who is censored at the cut-off because of a date after it.
    """
    records = []
    for endpoint in cohort.study.endpoints:
        outcomes = cohort.with_outcome(endpoint, population)
        for group, rows in cohort.groups(population).items():
            frame = outcomes.loc[rows.index]
            counted = {"n": len(frame), "n_event": frame["event"].sum(), "n_missing": frame["time"].isna().sum()}
            if endpoint in cohort.extended:
                counted["n_extended"] = frame.index.isin(cohort.extended[endpoint]).sum()
            counted |= share(counted["n_event"], len(frame), "no patients")
            key = {"population": population, "endpoint": endpoint, "analysis": "count", "group": group}
            records.append({**key, **counted, "method": f"events of {endpoint}"})
    return wide(records, ["n", "n_event", "percent", "n_missing", "n_extended"])


def counts(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients per level of each categorical variable of Table 1, as n and per cent of those with a known value.

    A row without level holds the known and the missing; a patient in whom the variable cannot exist is neither. The
    rows without variable hold all patients, and the missing share of the variable of Table 1 that misses most.
    """
    records = []
    for group, rows in cohort.groups(population).items():
        names = cohort.study.table_one.variables
        able = {name: rows.loc[cohort.applies(name, rows), name] for name in names}
        shares = {name: percent(values.isna().sum(), len(values)) for name, values in able.items()}
        worst = max(names, key=lambda name: np.nan_to_num(shares[name]))
        record = {"population": population, "analysis": "count", "group": group, "n": len(rows)}
        records.append({**record, "percent_missing": shares[worst], "method": f"most missing: {worst}"})
    for name in _variables(cohort, "categorical"):
        records += counted(cohort, name, population)
    return wide(records, COUNTED)


def course(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients per level of what the study file calls the course of the disease, as in `counts`."""
    names = cohort.study.survival.course
    return wide([record for name in names for record in counted(cohort, name, population)], COUNTED)


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
            records.append({**key, **known(values), **described, "not_estimable": blank})
    return wide(records, STATISTICS_OF["summary"])


def _variables(cohort: Cohort, kind: str) -> list[str]:
    return [name for name in cohort.study.table_one.variables if cohort.study.variables[name].type == kind]


def counted(cohort: Cohort, name: str, population: str) -> list[dict]:
    """A categorical variable in each group: known and missing, then every level and every union of levels."""
    variable, records = cohort.study.variables[name], []
    for group, rows in cohort.groups(population).items():
        values = rows.loc[cohort.applies(name, rows), name]
        key = {"population": population, "analysis": "count", "variable": name, "group": group}
        records.append({**key, **known(values)})
        unions = {union: entry.levels for union, entry in variable.unions.items()}
        for level, members in {**{level: [level] for level in variable.levels}, **unions}.items():
            n = int(values.isin(members).sum())
            records.append({**key, "level": level, "n": n, **share(n, values.notna().sum(), NOBODY_KNOWN)})
    return records


def share(n: int, of: int, reason: str) -> dict:
    """The percentage, or why there is none."""
    return {"percent": percent(n, of), **({} if of else {"not_estimable": {"percent": reason}})}


def known(values: pd.Series) -> dict:
    """Patients with a value, those without one, and their share."""
    missing = int(values.isna().sum())
    blank = {} if len(values) else {"percent_missing": "no patient can have this variable"}
    counted = {"n": len(values) - missing, "n_missing": missing, "percent_missing": percent(missing, len(values))}
    return {**counted, "not_estimable": blank}
