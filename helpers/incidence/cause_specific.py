"""The effect of treatment on the hazard of each first event, other events taken as censoring (Prentice et al., 1978).

Gray's test asks whether more patients of one arm have had the event by some time, whatever kept the others from it; the
cause-specific hazard ratio whether those who are still free of all events have it at another rate.
"""

import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import effect, maximise
from helpers.incidence.estimates import causes, first_events
from helpers.ledger import STATISTICS_OF, wide
from helpers.sensitivity.exposure import exposed, pieces
from helpers.study.variants import UNADJUSTED, variant

BEGUN = variant(UNADJUSTED, "cox_time_dependent")


def cause_specific(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """The cause-specific hazard ratio for treatment, unadjusted, a row a cause: model `unadjusted`.

    Where the study says when treatment began also with treatment as an exposure that begins, model
    `unadjusted:cox_time_dependent`, in whom the start is known. `n_event` are events of the cause. No rows without
    competing events.
    """
    study, records = cohort.study, []
    asked, arms = study.progression.competing if study.progression else None, study.arms
    if asked is None:
        return wide([], STATISTICS_OF["cause_specific"])
    data = first_events(cohort, population)
    begins = study.exposure is not None and asked.endpoint in study.exposure.endpoints
    known, start, _ = exposed(cohort, asked.endpoint, population, []) if begins else (data, None, None)
    for name in causes(cohort, population):
        key = {"population": population, "endpoint": asked.endpoint, "analysis": "cause_specific"}
        key |= {"variable": asked.variable, "level": name, "reference": arms.reference}
        fixed = data.assign(event=data["cause"] == name)
        records.append({**key, "model": UNADJUSTED, **_effect(cohort, fixed, "Cox regression, Efron ties")})
        if begins:
            of_cause = (data["cause"] == name).reindex(known.index, fill_value=False)
            rows = pieces(study, known.assign(event=of_cause), start)
            method = "Cox regression, Efron ties, treatment as an exposure that begins"
            records.append({**key, "model": BEGUN, **_effect(cohort, rows, method)})
    return wide(records, STATISTICS_OF["cause_specific"])


def _effect(cohort: Cohort, rows: pd.DataFrame, method: str) -> dict:
    arms = cohort.study.arms
    maximum = maximise(cohort.study, rows, [arms.column])
    sizes = {"n": rows.index.get_level_values(0).nunique(), "n_event": int(rows["event"].sum())}
    return {"method": method, **sizes, **effect(cohort.study, maximum, (arms.column, arms.treated))}
