"""When treatment began, and how much of an effect goes when it counts from then."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.variants import UNADJUSTED
from helpers.wording.phrases import quoted


def began(rows: pd.DataFrame, study: Study, endpoint: str) -> Iterator[str]:
    """Median, quartiles and range of the start among those treated before the endpoint's time."""
    asked = study.exposure
    found = pivot(select(rows, analysis="clock", endpoint=endpoint, variable=asked.start))
    if found.empty or not found["n"].iloc[0]:
        return
    row = found.iloc[0]
    ends = {name: notation.number(row[name], 1) for name in ("minimum", "q1", "median", "q3", "maximum")}
    treated, origin = quoted(study.arms.levels[study.arms.treated]), study.endpoints[endpoint].origin
    yield (
        f"{treated} began a median of {ends['median']} months after {origin} (quartiles {ends['q1']} and {ends['q3']}, "
        f"range {ends['minimum']} to {ends['maximum']}; {notation.counted(row['n'], 'patient')})."
    )


def share(rows: pd.DataFrame, study: Study, endpoint: str, model: str = UNADJUSTED) -> str:
    """What per cent of the naive log hazard ratio the clock explains; why that is not said where it is not."""
    found = pivot(select(rows, analysis="clock", endpoint=endpoint, model=model, variable=study.arms.column))
    if found.empty:
        return ""
    row = found.iloc[0]
    value, low, high = row[["percent_clock", "percent_clock_low", "percent_clock_high"]]
    if value != value:
        return ""
    if value == low == high == 0:
        return "no event came before treatment had begun, so the clock explains none of it"
    ends = "" if low != low else f" ({study.level} CI {_percent(low)} to {_percent(high)})"
    turned = "; above 100% the effect turns round" if high > 100 else ""
    return f"the months before treatment explain {_percent(value)}%{ends} of the log hazard ratio{turned}"


def explained(rows: pd.DataFrame, study: Study, endpoint: str, naive: str, counted: str) -> str:
    """One sentence on what the clock makes of the unadjusted ratio of an endpoint."""
    label, told = study.endpoints[endpoint].label, share(rows, study, endpoint)
    computed = len(select(rows, analysis="clock", endpoint=endpoint, model=UNADJUSTED)) > 0
    of = f": {told}" if told else ": the naive interval includes 1, so no share of it is given" if computed else ""
    return (
        f"{label}, unadjusted: {naive} with the arm as if known at time zero, {counted} with treatment counted from "
        f"its beginning{of}{_in_models(rows, study, endpoint)}."
    )


def _in_models(rows: pd.DataFrame, study: Study, endpoint: str) -> str:
    """The share in the other models of the exposure, each with its own covariates."""
    found = pivot(select(rows, analysis="clock", endpoint=endpoint, variable=study.arms.column))
    found = found[found["percent_clock"].notna() & (found["model"] != UNADJUSTED)] if len(found) else found
    texts = []
    for _, row in found[found["percent_clock"] != 0].iterrows() if len(found) else ():
        label = study.model(row["model"], row["endpoint"], row["population"]).label
        texts.append(f"{_percent(row['percent_clock'])}% with {notation.within(label)}")
    return f"; {' and '.join(texts)}" if texts else ""


def _percent(value: float) -> str:
    return notation.number(value, 0)
