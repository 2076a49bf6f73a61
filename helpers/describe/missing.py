"""How much is missing of every variable of the study file, whether a table shows it or not."""

import pandas as pd

from helpers.cohort import Cohort
from helpers.describe.counts import COUNTED, known
from helpers.ledger import wide
from helpers.study.schema import OVERALL


def missing(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Patients with and without a value of each variable, among those in whom it can exist, as in `counts`."""
    rows = cohort.rows(population)
    key = {"population": population, "analysis": "count", "group": OVERALL}
    return wide(
        [
            {**key, "variable": name, **known(rows.loc[cohort.applies(name, rows), name])}
            for name in cohort.study.variables
        ],
        COUNTED,
    )
