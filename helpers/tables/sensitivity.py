"""The effect of treatment under every way of counting time, and how much confounding it would take to explain it."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.names import designs
from helpers.study import Study
from helpers.tables.layout import INDEPENDENT, endpoints, finished, heading, reasons
from helpers.thresholds import COMMON, FEW_EVENTS


def sensitivity(effects: pd.DataFrame, *, study: Study) -> list[Table]:
    """A table an endpoint: each analysis with its patients, events, hazard ratio and E-values."""
    return [_table(select(effects, endpoint=each), study, each) for each in endpoints(effects)]


def _table(effects: pd.DataFrame, study: Study, endpoint: str) -> Table:
    rows: list[Row] = []
    kind = ""
    for _, row in effects.iterrows():
        known = designs.design(study, row)
        if known.kind != kind:
            kind = known.kind
            rows.append(heading(designs.heading(study, kind), 9))
        few = " §" if row["events_per_parameter"] < FEW_EVENTS else ""
        first = " (primary analysis)" if study.is_primary(row) else ""
        rows.append(Row((f"{known.name}: {notation.within(known.adjustment)}{few}{first}", *_cells(row)), indent=True))
    ratio = study.ratio_label
    header = ("Analysis", "Patients", "Events", ratio, "P", "Estimate", "Limit", "Estimate", "Limit")
    spanners = (("", 5), ("E-value, rare outcome", 2), ("E-value, common outcome", 2))
    marks = [f"‡ {said}" for said in designs.conditioning(study, list(dict.fromkeys(effects["population"])))]
    late = any(study.mark_of(name) for name in _covariates(study, effects))
    notes = (
        "E-value: how strongly at least something not measured would have to go with both treatment and outcome, as a "
        "risk ratio beyond what is adjusted for, to explain the estimate, or its limit nearer to 1; 1 where the "
        "interval includes 1.",
        _formula(effects["percent"]),
        *marks,
        *_cautions(study, effects),
        *(
            ["Some models hold covariates known only after time zero, which treatment may have changed."]
            if late
            else []
        ),
        *reasons(effects),
    )
    label = notation.within(study.endpoints[endpoint].label)
    ways = "time counted in different ways, and " if study.exposure else ""
    title = f"Effect of treatment on {label}: {ways}E-values"
    return finished(Table(f"sensitivity_{endpoint}", title, header, tuple(rows), notes, spanners), study)


def _cautions(study: Study, effects: pd.DataFrame) -> Iterator[str]:
    """What a reader must know of some rows: few events, landmarks, pairs."""
    if (effects["events_per_parameter"] < FEW_EVENTS).any():
        yield f"§ Fewer than {FEW_EVENTS} events per parameter: unstable."
    if (effects["analysis"] == "landmark").any():
        yield (
            "At a landmark, who begins later counts as untreated: an early one hides part of an effect, a late one has "
            "lost patients to earlier events."
        )
    if (effects["analysis"] == "clone_censor_weight").any():
        yield "Of clones the patients and their events are given, each counted once; by strategy they stand in a table."
    if any(study.is_matched(each) for each in effects["population"]):
        yield INDEPENDENT


def _formula(shares: pd.Series) -> str:
    """Which of the two formulae the share of patients with the event asks for."""
    if shares.isna().all():
        return "No analysis here has a hazard ratio, so there is no E-value."
    low, high = (notation.number(each, 0) for each in (shares.min(), shares.max()))
    span = low if low == high else f"{low}% to {high}"
    divide = f"{notation.number(100 * COMMON, 0)}% divides the two"
    if shares.min() > 100 * COMMON:
        return f"{span}% have the event: the outcome is common and that formula applies ({divide})."
    if shares.max() <= 100 * COMMON:
        return f"{span}% have the event: the outcome is rare and that formula applies ({divide})."
    return f"{span}% have the event: which formula applies differs from row to row ({divide})."


def _cells(row: pd.Series) -> tuple[str, ...]:
    sizes = [notation.NOT_ESTIMABLE if each != each else notation.count(each) for each in row[["n", "n_event"]]]
    ratio = notation.hazard_ratio(row["hr"], row["hr_low"], row["hr_high"])
    names = ("e_value_rare", "e_value_limit_rare", "e_value_common", "e_value_limit_common")
    values = [row[name] for name in names]
    found = [notation.DASH if value != value else notation.number(value, 2) for value in values]
    return (*sizes, ratio, notation.p_value(row["p_wald"]), *found)


def _covariates(study: Study, effects: pd.DataFrame) -> list[str]:
    """The covariates of every model of the study file that stands in the table."""
    names = []
    for _, row in effects.iterrows():
        if row["model"] in study.models:
            spec = study.model(row["model"], row["endpoint"], row["population"])
            names += [*(spec.covariates or []), *(spec.candidates or [])]
    return names
