"""E-values: how strong confounding by something not measured would have to be (VanderWeele & Ding, 2017)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from helpers.ledger import E_VALUES, WIDE_KEY, percent, select, wide
from helpers.study import Study
from helpers.thresholds import COMMON

CLONES = "clone_censor_weight"
MODEL = ["population", "endpoint", "analysis", "model", "at"]
RARE, OFTEN = "E-value, rare outcome", "E-value, common outcome"
UNKNOWN = "E-value by the formulae for rare and for common outcomes"


def e_value(ratio: float) -> float:
    """The least risk ratio with both treatment and outcome that explains a risk ratio away; 1 for a ratio of 1."""
    above = max(ratio, 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))


def risk_ratio(hazard_ratio: float) -> float:
    """About the risk ratio that belongs to a hazard ratio where the outcome is common (VanderWeele, 2020)."""
    root = np.sqrt(hazard_ratio)
    return float(np.expm1(-np.log(2) * root) / np.expm1(-np.log(2) / root))


def e_values(study: Study, frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """E-values of the effect of treatment in Cox results and of its confidence limit nearer to one, by both formulae.

    One row an effect that has a hazard ratio, keyed like it. `percent` is the share of its patients with the event, and
    `method` says which formula that share asks for: above 15% the one for common outcomes. The limit's E-value is 1
    where the interval includes 1.
    """
    arms, records = study.arms, []
    for frame in frames:
        effects = select(frame, variable=arms.column, level=arms.treated, group="")
        for row in effects[effects["hr"].notna()].to_dict("records"):
            records.append(
                {name: row[name] for name in WIDE_KEY} | {"reference": row["reference"]} | _values(frame, row)
            )
    return wide(records, E_VALUES)


def _values(frame: pd.DataFrame, row: dict) -> dict:
    """The statistics of one effect, what formula applies, and why there is no share where there is none."""
    share, blank = _share(frame, row), {}
    low, high = row["hr_low"], row["hr_high"]
    limit = (1.0 if low <= 1 <= high else high if high < 1 else low) if low == low and high == high else np.nan
    found = {"e_value_rare": e_value(row["hr"]), "e_value_common": e_value(risk_ratio(row["hr"]))}
    if limit == limit:
        found |= {"e_value_limit_rare": e_value(limit), "e_value_limit_common": e_value(risk_ratio(limit))}
    else:
        blank |= dict.fromkeys(("e_value_limit_rare", "e_value_limit_common"), "no confidence limits")
    if share != share:
        blank["percent"] = "patients and events of the model are not known"
        return {**found, "percent": share, "method": UNKNOWN, "not_estimable": blank}
    often = share > 100 * COMMON
    applies, than = (OFTEN, "more than") if often else (RARE, "at most")
    text = f"{applies} applies: {than} {100 * COMMON:g}% have the event"
    return {**found, "percent": share, "method": text, "not_estimable": blank}


def _share(frame: pd.DataFrame, row: dict) -> float:
    """Events by patients, 0 to 100, out of the model's row, the treatment variable's, or of clones the effect's own."""
    beside = select(frame, level="", group="", **{name: row[name] for name in MODEL})
    own = select(frame, **{name: row[name] for name in WIDE_KEY}) if row["analysis"] == CLONES else beside[:0]
    for rows in (own, select(beside, variable=""), select(beside, variable=row["variable"])):
        known = rows[(rows["n"] > 0) & rows["n_event"].notna()]
        if len(known):
            return percent(known["n_event"].iloc[0], known["n"].iloc[0])
    return np.nan
