"""Table of whether hazards are proportional in the analyses of time, with the effect by period where they are not."""

from itertools import pairwise

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import at_label, select
from helpers.names.designs import LOG_TIME, tested
from helpers.study import Study
from helpers.tables.layout import endpoints, finished, heading, reasons


def changing(changing: pd.DataFrame, *, study: Study) -> list[Table]:
    """Every analysis of time with its test for treatment and, where that fails, its ratio by period."""
    if changing.empty:
        return []
    starts, rows = ["0", *map(at_label, study.survival.months)], []
    spans = [f"Months {notation.month(begin)}–{notation.month(end)}" for begin, end in pairwise(starts)]
    spans.append(f"Month {notation.month(starts[-1])} on")
    for endpoint in endpoints(changing):
        own = select(changing, endpoint=endpoint)
        rows.append(heading(study.endpoints[endpoint].label, 2 + len(spans)))
        for _, test in select(own, at="", level="").iterrows():
            which = test[["model", "population"]]
            periods = select(own, level=study.arms.treated, **which).set_index("at")
            cells = [
                notation.hazard_ratio(*periods.loc[at, ["hr", "hr_low", "hr_high"]]) if at in periods.index else ""
                for at in starts
            ]
            label = tested(study, test["model"], endpoint, test["population"])
            label += study.of_population(test["population"])
            rows.append(Row((label, notation.p_value(test["p_proportional"]), *cells), indent=True))
    header = ("Analysis", "P, treatment", *spans)
    notes = (
        "Landmarks, whose months are counted from there, and the arm as if known at time zero: score test of an effect "
        "that changes with one minus the Kaplan-Meier estimate. Time-dependent Cox and clones: "
        f"{notation.within(LOG_TIME)}. Hazard ratios by period where P is below {1 - study.confidence:.2g}.",
        *reasons(changing),
    )
    title = "Are the hazards proportional when time is counted in different ways?"
    return [finished(Table("changing", title, header, tuple(rows), notes), study)]
