"""Who is counted where: every denominator of the report held against the flow, each difference told."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import pivot, select
from helpers.names.designs import ANALYSES, is_alone
from helpers.study import Study
from helpers.study.schema import OVERALL
from helpers.study.variants import SEPARATOR
from helpers.tables.layout import finished, heading

UNEXPLAINED = "not explained"
SAME_PATIENTS = ("iptw", "att", "unweighted")
OF_TREATMENT = ("cox_univariable", "cox_weighted", "clone_censor_weight")
TIMED = ("landmark", "cox_time_dependent")
LOST = {
    "n_no_time": "no usable time",
    "n_missing": "a value missing",
    "n_not_applicable": "a covariate cannot exist in them",
}


def denominators(rows: pd.DataFrame, *, study: Study) -> Table:
    """Flow, Table 1, curves, models and adverse events of each population: patients, how many fewer, and why.

    From the whole ledger. A difference that the ledger's own counts do not add up to is called not explained.
    """
    lines: list[Row] = []
    for population in [name for name in study.all_populations if name != "screened"]:
        own = select(rows, population=population)
        flow = _number(own, analysis="flow", variable="", group=OVERALL, statistic="n")
        found = [*_table_one(own), *_curves(own, study), *_models(own, study), *_safety(own, study)]
        if found:
            lines.append(heading(f"{study.all_populations[population].label}: {flow} patients in the flow", 4))
            lines += [Row((label, str(n), str(flow - n), _why(flow - n, why)), indent=True) for label, n, why in found]
    header = ("Where", "Patients", "Fewer than in the flow", "Why")
    notes = (
        "Each difference is told with the number of patients it takes away; a row without one has them all. Landmarks "
        "and exposures that begin with covariates lose, beside what they lose here, whom the Cox model with these "
        "covariates loses; companions, splines, subgroups and comparisons within an arm give their numbers themselves.",
    )
    return finished(Table("denominators", "Who is counted where", header, tuple(lines), notes), study)


Line = tuple[str, int, dict[str, int]]


def _why(fewer: int, why: dict[str, int]) -> str:
    told = {text: n for text, n in why.items() if n}
    if sum(told.values()) != fewer:
        return UNEXPLAINED
    return "; ".join(f"{n} {text}" for text, n in told.items()) or notation.DASH


def _number(rows: pd.DataFrame, **key: str) -> int:
    found = select(rows, **key)["value"]
    return int(found.iloc[0]) if len(found) else 0


def _table_one(rows: pd.DataFrame) -> Iterator[Line]:
    found = select(rows, analysis="count", endpoint="", variable="", group=OVERALL, statistic="n")
    if len(found):
        yield "Characteristics by arm", int(found["value"].iloc[0]), {}


def _curves(rows: pd.DataFrame, study: Study) -> Iterator[Line]:
    """At risk when the curve begins, where the risk table begins there."""
    for endpoint, entry in study.endpoints.items():
        own = select(rows, endpoint=endpoint, group=OVERALL)
        began = select(own, analysis="kaplan_meier", model="product_limit", at="0", statistic="n_risk")
        lost = _number(own, analysis="count", variable="", statistic="n_missing")
        if len(began):
            label = f"Curves, {notation.within(entry.label)}"
            yield label, int(began["value"].iloc[0]), {LOST["n_no_time"]: lost}


def _models(rows: pd.DataFrame, study: Study) -> Iterator[Line]:
    """Every model of treatment: those lost to covariates, to the start of treatment and before a landmark.

    Landmarks and exposures that begin with treatment alone; with covariates they lose those the Cox model loses.
    """
    wide = pivot(select(rows, analysis=[*ANALYSES, "cox_weighted"], group=""))
    wide = wide[wide["n"].notna() & wide["n_no_time"].notna()] if len(wide) else wide
    for _, row in wide.iterrows():
        whole = study.arms.column if row["analysis"] in OF_TREATMENT else ""
        adjusted = row["analysis"] in TIMED and not is_alone(row["model"])
        if adjusted or row["variable"] != whole or SEPARATOR in row["model"] or row["model"] in SAME_PATIENTS:
            continue
        lost = {text: int(row[name]) for name, text in LOST.items() if name in row and row[name] == row[name]}
        if row["analysis"] == "landmark":
            lost[f"event or end of follow-up by month {row['at']}"] = _before(rows, row)
        yield _named(study, row), int(row["n"]), lost


def _before(rows: pd.DataFrame, row: pd.Series) -> int:
    """Patients of a landmark model who were no longer at risk there."""
    own = {name: row[name] for name in ("analysis", "endpoint", "model", "at")}
    return _number(rows, **own, variable="", group="", statistic="n_excluded")


def _named(study: Study, row: pd.Series) -> str:
    endpoint = notation.within(study.endpoints[row["endpoint"]].label)
    if row["analysis"] == "cox_weighted":
        return f"Weighted patients, {endpoint}"
    if row["analysis"] == "clone_censor_weight":
        return f"Clones, {endpoint}"
    names = {"landmark": f"Landmark at month {row['at']}", "cox_time_dependent": "Exposure that begins"}
    model = notation.within(study.model_label(row["model"], row["endpoint"], row["population"]))
    return f"{names.get(row['analysis'], 'Cox model')}, {endpoint}: {model}"


def _safety(rows: pd.DataFrame, study: Study) -> Iterator[Line]:
    """Adverse events and competing events; of events whose grade is known in different numbers, the fewest."""
    if study.adverse_events:
        own = select(rows, analysis="count", variable=list(study.adverse_events.terms), level="", group=OVERALL)
        wide = pivot(own)
        if len(wide):
            worst = wide.loc[wide["n"].idxmin()]
            name = study.adverse_events.terms[worst["variable"]]
            label = "Adverse events" if not worst["n_missing"] else f"Adverse events, at worst ({name})"
            yield label, int(worst["n"]), {"grade not known": int(worst["n_missing"])}
    competing = study.progression.competing if study.progression else None
    if competing:
        own = {"analysis": "competing_risks", "variable": competing.variable, "level": "", "group": OVERALL, "at": ""}
        found = select(rows, **own, statistic="n")
        if len(found):
            lost = _number(rows, analysis="count", endpoint=competing.endpoint, group=OVERALL, statistic="n_missing")
            yield "Competing events", int(found["value"].iloc[0]), {LOST["n_no_time"]: lost}
