"""Tables 1 to 4 of the published text as ledger rows: `python data/ctrt/build/tables.py paper.txt`.

Replaces the rows of `published.csv` that come from tables; the rows from the text were entered by hand and stay.
The text holds a table as a line `Table N` followed by lines of cells between bars.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from helpers.ledger import KEY
from helpers.study import Study, read_study

STUDY = Path(__file__).parents[1]
PUBLISHED = STUDY / "published.csv"
GROUPS = {2: "overall", 3: "non_ctrt", 4: "ctrt"}
COLUMNS = {2: "Total", 3: "Non-cTRT", 4: "cTRT", 5: "P value"}
WORDED = {"Stable disease": "SD"}
GRADES = {"No": "none", "Not occurred": "none", "Grade I/II": "grade_1_2", "Grade III/IV": "grade_3_4"}
TREATMENT = {"variable": "arm", "level": "ctrt"}
FACTORS = {
    "cTRT vs. no-cTRT": TREATMENT,
    "Immunotherapy cycles (per cycle increase)": {"variable": "immunotherapy_cycles"},
    "Immunomaintenance cycles (per cycle increase)": {"variable": "maintenance_cycles"},
    "T3–T4 vs. T1–T2": {"variable": "t_stage", "level": "t3_4"},
    "M1 vs. M0": {"variable": "m_stage", "level": "m1"},
    "≥2 vs. 0–1": {"variable": "ecog", "level": "2_or_more"},
    "Liver metastasis vs. no liver metastasis": {"variable": "liver_metastasis", "level": "yes"},
    "Brain metastasis vs. no brain metastasis": {"variable": "brain_metastasis", "level": "yes"},
    "Bone metastasis vs. no bone metastasis": {"variable": "bone_metastasis", "level": "yes"},
    "Immunomaintenance vs. no immunomaintenance": {"variable": "maintenance", "level": "yes"},
    "Serplulimab vs. atezolizumab": {"variable": "agent", "level": "serplulimab"},
    "Durvalumab vs. atezolizumab": {"variable": "agent", "level": "durvalumab"},
    "Adebrelimab vs. atezolizumab": {"variable": "agent", "level": "adebrelimab"},
}
LANDMARKS = {"Post-chemoimmunotherapy landmark": "primary", "Post-cTRT landmark": "post_ctrt"}
MODELS = {
    "Original multivariable Cox (pre-PSM)": ("cox_multivariable", "paper", False),
    "Post-PSM multivariable Cox": ("cox_multivariable", "paper", True),
    "Time-dependent Cox": ("cox_time_dependent", "timed", False),
}
MATCHED = {"primary": "matched", "post_ctrt": "post_ctrt_matched"}
HAZARD = re.compile(r"([\d.]+) \(([\d.]+)–([\d.]+)\)")
SHARE = re.compile(r"(\d+) \(([\d.]+)\)")
SPREAD = re.compile(r"([\d.]+)±([\d.]+)")

Lines = Iterator[list[str]]


def cells(text: str, number: int) -> list[list[str]]:
    """Rows of a table below its header, each row's cells stripped; the cell at index 0 is always empty."""
    lines = iter(text.splitlines())
    next(line for line in lines if line.strip() == f"Table {number}")
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.split("|")])
    return rows[2:]


def by_arm(row: list[str], key: dict, where: str) -> Iterator[dict]:
    """The three cells `n (%)` or `mean±SD` of a row."""
    for column, group in GROUPS.items():
        share, spread = SHARE.fullmatch(row[column]), SPREAD.fullmatch(row[column])
        names = ("n", "percent") if share else ("mean", "sd")
        analysis = "count" if share else "summary"
        for statistic, printed in zip(names, (share or spread).groups(), strict=True):
            place = {"statistic": statistic, "printed": printed, "where": f"{where}, {COLUMNS[column]}"}
            yield {**key, "analysis": analysis, "group": group, **place}


def header(text: str, number: int) -> Iterator[dict]:
    """The sizes of the groups in a table's header."""
    line = text.split(f"\nTable {number}\n")[1].splitlines()[0]
    for column, group in GROUPS.items():
        label = line.split("|")[column].strip()
        key = {"population": "primary", "analysis": "count", "group": group, "statistic": "n"}
        yield {**key, "printed": label.rpartition("=")[2].rstrip(")"), "where": f"Table {number}, header, {label}"}


def table_1(text: str, study: Study) -> Iterator[dict]:
    """Counts, means and tests; a level is known by its label under the variable's, a unit may follow a label."""
    labels = {entry.label: name for name, entry in study.variables.items() if name in study.table_one.variables}
    variable = ""
    for row in cells(text, 1):
        label = re.sub(r"( \([^)]*\)$)|\*|, U/L$", "", row[1])
        if label in labels and not SHARE.match(row[2]):
            variable = labels[label]
        if not row[2]:
            continue
        levels = {WORDED.get(shown, shown): level for level, shown in (study.variables[variable].levels or {}).items()}
        key = {"population": "primary", "variable": variable}
        where = f"Table 1, {row[1]}"
        yield from by_arm(row, {**key, "level": levels[row[1]] if levels else ""}, where)
        if row[5]:
            place = {"printed": row[5], "where": f"{where}, {COLUMNS[5]}"}
            yield {**key, "analysis": "comparison", "statistic": "p_test", **place}


def hazard(cell: str, key: dict, where: str) -> Iterator[dict]:
    """A hazard ratio with its limits."""
    for statistic, printed in zip(("hr", "hr_low", "hr_high"), HAZARD.fullmatch(cell).groups(), strict=True):
        yield {**key, "statistic": statistic, "printed": printed, "where": where}


def table_2(text: str) -> Iterator[dict]:
    """Univariable and multivariable hazard ratios."""
    endpoint, population, heading = "", "", ""
    for row in cells(text, 2)[1:]:
        if row[1] in {"OS", "PFS"}:
            endpoint, row = row[1], row[1:]
        if "PSM" in row[1]:
            heading = f"{endpoint}, {row[1]}"
            population = "matched" if row[1] == "After PSM" else "primary"
            continue
        for column, analysis, model in ((3, "cox_univariable", "unadjusted"), (5, "cox_multivariable", "paper")):
            key = {"population": population, "endpoint": endpoint, "analysis": analysis, "model": model}
            key |= FACTORS[row[2]]
            where = f"Table 2, {heading}, {row[2]}, {'Univariate' if column == 3 else 'Multivariate'}"
            yield from hazard(row[column], key, f"{where} HR (95% CI)")
            yield {**key, "statistic": "p_wald", "printed": row[column + 1], "where": f"{where} P value"}


def table_3(text: str) -> Iterator[dict]:
    """Hazard ratios for treatment in the sensitivity analyses, and their E-values."""
    heading = ""
    for row in cells(text, 3):
        if row[1] in LANDMARKS:
            heading, row = row[1], row[1:]
        analysis, model, matched = MODELS[row[1]]
        population = MATCHED[LANDMARKS[heading]] if matched else LANDMARKS[heading]
        key = {"population": population, "endpoint": "OS", "analysis": analysis, "model": model, **TREATMENT}
        where = f"Table 3, {heading}, {row[1]}"
        yield from hazard(row[2], key, f"{where}, HR (95% CI) for OS")
        yield {**key, "statistic": "p_wald", "printed": row[3], "where": f"{where}, P value"}
        yield {**key, "statistic": "e_value_rare", "printed": row[4], "where": f"{where}, E-value"}


def table_4(text: str, study: Study) -> Iterator[dict]:
    """Adverse events by grade group; terms in the study file's order."""
    terms, term, heading = iter(study.adverse_events.terms), "", ""
    for row in cells(text, 4):
        if not row[2]:
            term, heading = next(terms), row[1]
            continue
        key = {"population": "primary", "variable": term, "level": GRADES[row[1]]}
        yield from by_arm(row, key, f"Table 4, {heading}, {row[1]}")


def main(path: str) -> None:
    """Write the tables' rows before the text's."""
    text, study = Path(path).read_text(encoding="utf-8"), read_study(STUDY)
    first, last = ([*header(text, number)] for number in (1, 4))
    rows = [*first, *table_1(text, study), *table_2(text), *table_3(text), *last, *table_4(text, study)]
    tables = pd.DataFrame(rows, columns=[*KEY, "printed", "where"]).fillna("")
    kept = pd.read_csv(PUBLISHED, dtype=str, keep_default_na=False) if PUBLISHED.is_file() else tables[:0]
    kept = kept[~kept["where"].str.startswith("Table ")]
    pd.concat([tables, kept]).to_csv(PUBLISHED, index=False)


if __name__ == "__main__":
    main(sys.argv[1])
