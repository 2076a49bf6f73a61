"""The scorecard: printed numbers beside computed ones."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import ANALYSES, STATISTICS
from helpers.study import Study
from helpers.tables.layout import finished

PLACES = (
    "Where",
    "Printed",
    "Different",
    "With a computed partner",
    "Agree",
    "Differ",
    "Not estimable",
    "Not computed",
)
HALF = (
    "A number printed in several places counts in each; different: counted once. Agree: the computed value, rounded to "
    "the printed digit, is the printed one, exact halves either way."
)


def agreement(by_place: pd.DataFrame, *, study: Study) -> Table:
    """Per table of the paper, and for its text: numbers printed, computed, and how many agree."""
    rows = tuple(Row(tuple(str(cell) for cell in row)) for row in by_place.itertuples(index=False))
    title = "Printed numbers and their computed partners"
    return finished(Table("agreement", title, PLACES, rows, (*_caution(study), HALF)), study)


def differing(scored: pd.DataFrame, *, study: Study) -> Table:
    """Each printed number that is computed otherwise or cannot be estimated, in the paper's order."""
    left = scored[scored["verdict"].isin(["differs", "not estimable"])]
    rows = tuple(
        Row((row["where"], _quantity(study, row), row["printed"], _computed(row))) for _, row in left.iterrows()
    )
    reasons = "; ".join(sorted({reason for reason in left["reason"] if reason}))
    notes = _caution(study) + ((f"{notation.NOT_ESTIMABLE}, not estimable or reached: {reasons}.",) if reasons else ())
    header = ("Where", "Quantity", "Printed", "Computed")
    return finished(Table("differing", "Printed numbers that are computed otherwise", header, rows, notes), study)


def awaiting(not_computed: pd.DataFrame, *, study: Study) -> Table:
    """Which analyses would give the printed numbers that have no computed partner, and how many each."""
    rows = tuple(
        Row((_analysis(study, row), _population(study, row), row["endpoint"], row["statistics"], str(row["n"])))
        for _, row in not_computed.iterrows()
    )
    header = ("Analysis", "Population", "Endpoint", "Statistics", "Printed numbers")
    return finished(Table("awaiting", "Printed numbers not computed here", header, rows), study)


def _caution(study: Study) -> tuple[str, ...]:
    return (study.caution,) if study.caution else ()


def _analysis(study: Study, row: pd.Series) -> str:
    what = ANALYSES[row["analysis"]]
    label = notation.within(study.models[row["model"]][0].label) if row["model"] in study.models else row["model"]
    return f"{what[0].upper()}{what[1:]}" + (f" ({label})" if label else "")


def _population(study: Study, row: pd.Series) -> str:
    known = study.all_populations.get(row["population"])
    return known.label if known else row["population"]


def _quantity(study: Study, row: pd.Series) -> str:
    """What a printed number is: endpoint, variable and level, group, statistic, time."""
    what = study.label(row["variable"]) if row["variable"] else ""
    what += f": {study.counted_labels(row['variable'])[row['level']]}" if row["level"] else ""
    at = f"at {row['at']}" if row["at"] else ""
    group = study.group_label(row["group"]) if row["group"] else ""
    kind = "adjusted" if row["analysis"] == "cox_multivariable" else ""
    parts = (row["endpoint"], what, group, kind, statistic_named(row["statistic"]), at)
    return ", ".join(part for part in parts if part)


def statistic_named(name: str) -> str:
    """A statistic as a reader knows it: what the ledger's vocabulary says of it, as far as its first comma."""
    return STATISTICS[name].split(",")[0].split(";")[0].removesuffix(" named in `method`")


def _computed(row: pd.Series) -> str:
    if row["value"] != row["value"]:
        return notation.NOT_ESTIMABLE
    decimals = len(row["printed"].partition(".")[2])
    return notation.number(row["value"], decimals + 2)
