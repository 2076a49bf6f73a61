"""Response and the first site of progression by arm: shares, tests and differences.

Shares are of the patients with a recorded value, free of events and lost to follow-up each counted as its own level.
Rows of model `SITES` are of the patients with a recorded site alone.
"""

from collections.abc import Iterator

import pandas as pd

from helpers.cohort import Cohort
from helpers.describe.comparisons import compared
from helpers.describe.counts import COUNTED, counted, share
from helpers.describe.toxicity import newcombe
from helpers.ledger import STATISTICS_OF, wide
from helpers.names.causes import SITES, sites

NO_SITE = "no patient has a recorded site"
NO_VALUE = "no patient of one arm has a known value"
DIFFERENCES = STATISTICS_OF["risk_difference"]


def progression(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients per level of the response and of the first site of progression, overall and by arm, as in `counts`.

    Then the sites among the patients with one; there a row without level holds the latter. The rows without variable
    hold all patients.
    """
    records = [
        {"population": population, "analysis": "count", "group": group, "n": len(rows)}
        for group, rows in cohort.groups(population).items()
    ]
    for name in _variables(cohort):
        records += counted(cohort, name, population)
    return wide([*records, *_sited(cohort, population)] if _variables(cohort) else [], COUNTED)


def progression_tests(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Tests of response, and of the distribution of sites among patients with one, by the rule of Table 1."""
    asked, records = cohort.study.progression, []
    if asked and asked.response:
        records.append(compared(cohort, asked.response, population))
    if asked and asked.first_site:
        among = sites(cohort.study)
        records.append({**compared(cohort, asked.first_site, population, among=among), "model": SITES})
    return wide(records, STATISTICS_OF["comparison"])


def progression_differences(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The share of patients in each level, treated minus reference, in percentage points, of those with a known value.

    Limits by Newcombe's hybrid score method (1998, method 10) at the study's confidence.
    """
    arms, groups, records = cohort.study.arms, cohort.groups(population), []
    for name in _variables(cohort):
        values = [groups[arm][name].dropna() for arm in (arms.treated, arms.reference)]
        sizes = [len(each) for each in values]
        for level in cohort.study.variables[name].levels:
            key = {"population": population, "analysis": "risk_difference", "variable": name, "level": level}
            found = {"not_estimable": dict.fromkeys(DIFFERENCES[:3], NO_VALUE)}
            if min(sizes):
                ends = newcombe([int((each == level).sum()) for each in values], sizes, cohort.study.confidence)
                found = dict(zip(DIFFERENCES, (100 * each for each in ends), strict=False))
                found["method"] = "Newcombe's hybrid score interval"
            records.append({**key, "reference": arms.reference, **found})
    return wide(records, DIFFERENCES)


def _variables(cohort: Cohort) -> list[str]:
    asked = cohort.study.progression
    return [name for name in (asked.response, asked.first_site) if name] if asked else []


def _sited(cohort: Cohort, population: str) -> Iterator[dict]:
    asked = cohort.study.progression
    if not asked.first_site:
        return
    for group, rows in cohort.groups(population).items():
        values = rows[asked.first_site]
        values = values[values.isin(sites(cohort.study))]
        key = {"population": population, "analysis": "count", "model": SITES, "variable": asked.first_site}
        key |= {"group": group, "method": "of the patients with a recorded site"}
        yield {**key, "n": len(values)}
        for level in sites(cohort.study):
            n = int((values == level).sum())
            yield {**key, "level": level, "n": n, **share(n, len(values), NO_SITE)}
