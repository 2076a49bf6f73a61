"""Table 1, and what is counted of the course of the disease."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.tables.layout import finished, reasons

COUNTED = "n (% of patients with a known value; missing values: % of those in whom the variable can exist)"
MARKERS = "ᵃᵇᶜᵈᵉᶠᵍʰ"
SHAPES = {"mean_sd": "mean ± SD", "median_iqr": "median (IQR)"}


def baseline(
    counts: pd.DataFrame, *, summaries: pd.DataFrame, comparisons: pd.DataFrame, balance: pd.DataFrame, study: Study
) -> Table:
    """Each variable by arm with its test and standardised difference; missing values are their own rows."""
    tests = [method for method in dict.fromkeys(comparisons["method"]) if method]
    described = pd.concat([counts, summaries], ignore_index=True)
    sizes = [int(select(counts, group=group, variable="")["n"].iloc[0]) for group in study.groups]
    heads = [f"{study.group_label(group)} (n\u00a0=\u00a0{n})" for group, n in zip(study.groups, sizes, strict=True)]
    rows: list[Row] = []
    marks = _noted(study, study.table_one.variables)
    for variable in study.table_one.variables:
        test = select(comparisons, variable=variable).iloc[0]
        marker = MARKERS[tests.index(test["method"])] if test["method"] else ""
        smd = select(balance, variable=variable, level="")["smd_pooled"].iloc[0]
        size = notation.NOT_ESTIMABLE if smd != smd else notation.number(abs(smd), 2)
        last = (notation.p_value(test["p_test"]) + marker, size)
        rows += variable_rows(study, variable, select(described, variable=variable), last, marks)
    entries = [study.variables[name] for name in study.table_one.variables]
    shapes = [SHAPES[each.summary or study.table_one.summary] for each in entries if each.type == "continuous"]
    notes = [
        f"Values are {', '.join([COUNTED, *dict.fromkeys(shapes)])}.",
        *(f"{MARKERS[position]} {test}." for position, test in enumerate(tests)),
        *reasons(comparisons, select(balance, level="")),
    ]
    notes += ["† Known only after time zero."] if any(each.post_baseline for each in entries) else []
    notes += [f"{mark} {study.variables[name].note}" for name, mark in marks.items()]
    title = f"Characteristics of the patients by {notation.within(study.arms.label)}"
    title += study.of_population(counts["population"].iloc[0])
    header = ("Characteristic", *heads, "P", "SMD")
    return finished(Table("baseline", title, header, tuple(rows), tuple(notes)), study)


def course(counts: pd.DataFrame, *, study: Study) -> list[Table]:
    """One table of what befell the patients by arm; none where the study file names no course."""
    if counts.empty:
        return []
    rows: list[Row] = []
    names = list(dict.fromkeys(counts["variable"]))
    marks = _noted(study, names)
    for variable in names:
        rows += variable_rows(study, variable, select(counts, variable=variable), (), marks)
    title = "Course of the disease" + study.of_population(counts["population"].iloc[0])
    header = ("Event", *(study.group_label(group) for group in study.groups))
    notes = (f"Values are {COUNTED}.", *(f"{mark} {study.variables[name].note}" for name, mark in marks.items()))
    return [finished(Table("course", title, header, tuple(rows), notes), study)]


def _noted(study: Study, variables: list[str]) -> dict[str, str]:
    """The footnote marks of a table's variables."""
    named = [name for name in variables if study.variables[name].note]
    return {name: "*" * (position + 1) for position, name in enumerate(named)}


def variable_rows(
    study: Study,
    variable: str,
    frame: pd.DataFrame,
    last: tuple[str, ...],
    marks: dict[str, str],
    groups: list[str] | None = None,
) -> list[Row]:
    """A variable's rows, a column a group (overall and the arms unless named), then what comes `last`."""
    groups = groups or study.groups
    entry, none = study.variables[variable], ("",) * len(last)
    label = study.label(variable) + ("†" if entry.post_baseline and last else "") + marks.get(variable, "")
    whole = [select(frame, group=group, level="").iloc[0] for group in groups]
    rows = []
    if entry.levels:
        rows.append(Row((label, *[""] * len(whole), *last)))
        for level, name in study.counted_labels(variable).items():
            cells = [select(frame, group=group, level=level).iloc[0] for group in groups]
            shares = (notation.share(each["n"], each["percent"]) for each in cells)
            rows.append(Row((name, *shares, *none), indent=True))
    else:
        shape = SHAPES[entry.summary or study.table_one.summary]
        rows.append(Row((f"{label}, {shape}", *(_spread(each, shape, entry.digits) for each in whole), *last)))
    if any(each["n_missing"] for each in whole):
        cells = [notation.share(each["n_missing"], each["percent_missing"]) for each in whole]
        rows.append(Row(("Missing", *cells, *none), indent=True))
    return rows


def _spread(row: pd.Series, shape: str, digits: int | None) -> str:
    """Mean ± SD to two decimals or median (IQR) to one, unless the variable says otherwise."""
    if row["n"] == 0:
        return notation.NOT_ESTIMABLE
    if shape == SHAPES["mean_sd"]:
        digits = 2 if digits is None else digits
        spread = notation.NOT_ESTIMABLE if row["sd"] != row["sd"] else notation.number(row["sd"], digits)
        return f"{notation.number(row['mean'], digits)} ± {spread}"
    return notation.estimate(row["median"], row["q1"], row["q3"], 1 if digits is None else digits)
