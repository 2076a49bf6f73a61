"""Beginning treatment within the grace period against not beginning: what becomes of the weighted clones."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import at_label, select
from helpers.names.designs import WEIGHTED
from helpers.study import Study
from helpers.tables.layout import endpoints, finished, heading, reasons


def strategies(clones: pd.DataFrame, *, study: Study) -> list[Table]:
    """Clones, how many left their strategy, events, rates and restricted means; no table without [exposure]."""
    if clones.empty:
        return []
    weighted, shown = select(clones, model=WEIGHTED), [at_label(each) for each in study.survival.months]
    spanners = (("", 4), (f"Free of the event, % ({study.level} CI)", len(shown)), ("", 1))
    header = (
        "Strategy",
        "Clones",
        "Left it",
        "Events",
        *(notation.months(each) for each in shown),
        "Restricted mean, months",
    )
    rows: list[Row] = []
    notes = [_meaning(study, weighted)]
    for endpoint in endpoints(weighted):
        own = select(weighted, endpoint=endpoint)
        rows.append(heading(study.endpoints[endpoint].label, len(header)))
        rows += [_strategy(study, own, arm, endpoint) for arm in study.arms.levels]
        notes.append(_contrast(study, own, endpoint))
    notes += [*reasons(weighted[weighted["at"].isin([*shown, *_taus(study)]) | (weighted["variable"] != "")])]
    title = f"Strategies compared by clones, censored and weighted{study.of_population(weighted['population'].iloc[0])}"
    return [finished(Table("strategies", title, header, tuple(rows), tuple(notes), spanners), study)]


def _taus(study: Study) -> list[str]:
    return [at_label(each) for each in study.survival.tau.values()]


def _strategy(study: Study, own: pd.DataFrame, arm: str, endpoint: str) -> Row:
    clones = select(own, group=arm, at="").iloc[0]
    sizes = [notation.count(clones[name]) for name in ("n", "n_censored", "n_event")]
    rates = [select(own, group=arm, at=at_label(each)) for each in study.survival.months]
    shown = [_rate(each.iloc[0]) for each in rates]
    mean = select(own, group=arm, at=at_label(study.survival.tau[endpoint])).iloc[0]["rmst"]
    text = notation.NOT_ESTIMABLE if mean != mean else notation.number(mean, 1)
    began = "Begin" if arm == study.arms.treated else "Do not begin"
    grace = next(at for at in own.loc[own["variable"] == study.arms.column, "at"])
    return Row(
        (f"{began} within {notation.months(grace)} ({study.arms.levels[arm]})", *sizes, *shown, text), indent=True
    )


def _rate(row: pd.Series) -> str:
    if row["rate_low"] != row["rate_low"] and row["rate"] == row["rate"]:
        return notation.number(row["rate"], 1)
    return notation.estimate(*row[["rate", "rate_low", "rate_high"]], 1)


def _contrast(study: Study, own: pd.DataFrame, endpoint: str) -> str:
    """The hazard ratio, the difference of the restricted means, and what the weights cost."""
    effect = own[own["variable"] == study.arms.column].iloc[0]
    difference = own[own["rmst_difference"].notna()]
    parts = [f"hazard ratio {notation.hazard_ratio(*effect[['hr', 'hr_low', 'hr_high']])}"]
    if len(difference):
        ends = difference.iloc[0][["rmst_difference", "rmst_difference_low", "rmst_difference_high"]]
        tau = difference.iloc[0]["at"]
        parts.append(f"difference of restricted means to month {notation.month(tau)}: {_difference(ends)} months")
    if effect["weight_max"] == effect["weight_max"]:
        size = notation.number(effect["n_effective"], 0)
        parts.append(f"largest weight {notation.number(effect['weight_max'], 1)}, effective number of clones {size}")
    return f"{study.endpoints[endpoint].label}: {'; '.join(parts)}."


def _difference(ends: pd.Series) -> str:
    value, low, _ = ends
    return notation.number(value, 1) if low != low else notation.difference(*ends)


def _meaning(study: Study, weighted: pd.DataFrame) -> str:
    names = ", ".join(notation.within(study.variables[name].label) for name in study.exposure.covariates)
    how = weighted.loc[weighted["rmst"].notna() | weighted["rmst_difference"].notna(), "method"]
    limits = f" Rates and means: {next(iter(how))}." if len(how) else ""
    return (
        "Every patient is cloned into both strategies and censored on leaving one; weights make up for that if who "
        f"begins when is explained by {names}.{limits} Hazard ratio: errors clustered on patients."
    )
