"""Every analysis of the effect of treatment in one frame, a row each, to be shown together."""

import pandas as pd

from helpers.ledger import E_VALUES, WIDE_KEY, select, wide
from helpers.study import Study
from helpers.study.variants import SEPARATOR

SAME = ["population", "endpoint", "analysis", "model", "at"]
SHOWN = ["n", "n_event", "events_per_parameter", "hr", "hr_low", "hr_high", "log_hr", "log_hr_se", "p_wald"]


def effects(frames: list[pd.DataFrame], *, e_values: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of the effect of treatment out of Cox frames, companions left out, with their E-values.

    `n` and `n_event` are the model's patients and events. Nothing is computed here, and the ledger does not need it.
    """
    arms = study.arms
    records = []
    values = e_values.set_index(WIDE_KEY)[E_VALUES]
    for frame in frames:
        found = select(frame, variable=arms.column, level=arms.treated, group="")
        for row in found[~found["model"].str.contains(SEPARATOR)].to_dict("records"):
            beside = select(frame, level="", group="", **{name: row[name] for name in SAME})
            counted = {name: beside.iloc[0][name] for name in SHOWN[:3] if name in beside} if len(beside) else {}
            key = tuple(row[name] for name in WIDE_KEY)
            own = values.loc[[key]].iloc[0].to_dict() if key in values.index else {}
            records.append({**row, **counted, **own})
    return wide(records, [*SHOWN, *E_VALUES])
