"""Tables of matching and weighting."""

from collections.abc import Mapping

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.names.weights import WEIGHTS
from helpers.study import Study
from helpers.study.variants import CLUSTERED, UNADJUSTED, variant
from helpers.tables.baseline import MARKERS, variable_rows
from helpers.tables.layout import endpoints, finished, heading, marks, reasons

MATCHED = "the treated who found a partner"
NOT_CAUSAL = "a comparison as it is"


def matched_baseline(baselines: Mapping[str, pd.DataFrame], *, study: Study) -> list[Table]:
    """Table 1 before and after, side by side, one table a matched population; frames as `matching.baselines` gives."""
    names = dict.fromkeys(baselines["counts"]["population"])
    matched = [name for name in names if study.all_populations[name].matching]
    return [_matched_baseline(baselines, study, name) for name in matched]


def _matched_baseline(baselines: Mapping[str, pd.DataFrame], study: Study, population: str) -> Table:
    arms, sides = list(study.arms.levels), []
    for where in (study.all_populations[population].of, population):
        sides.append({name: select(frame, population=where) for name, frame in baselines.items()})
    comparisons = pd.concat([frames["comparisons"] for frames in sides])
    tests = [method for method in dict.fromkeys(comparisons["method"]) if method]
    rows: list[Row] = []
    for variable in study.table_one.variables:
        parts = [_side(frames, variable, tests, study) for frames in sides]
        none = ("0 (0.0)",) * len(arms) + ("", "")
        found = [{(row.cells[0], row.indent): row.cells[1:] for row in part} for part in parts]
        for label, indent in dict.fromkeys(line for part in found for line in part):
            cells = [part.get((label, indent), none) for part in found]
            rows.append(Row((label, *cells[0], *cells[1]), indent=indent))
    heads = []
    for frames in sides:
        sizes = [int(select(frames["counts"], group=arm, variable="")["n"].iloc[0]) for arm in arms]
        heads += [f"{study.arms.levels[arm]} (n\u00a0=\u00a0{n})" for arm, n in zip(arms, sizes, strict=True)]
        heads += ["P", "SMD"]
    width = len(arms) + 2
    spanners = (("", 1), ("Before matching", width), ("After matching", width))
    shown = [select(frames["balance"], variable=study.table_one.variables, level="") for frames in sides]
    notes = (
        "SMD, absolute standardised difference in pooled standard deviations of before matching. P values compare "
        "independent groups and grow with every patient who is not matched; judge balance by the SMD.",
        *(f"{MARKERS[position]} {test}." for position, test in enumerate(tests)),
        *reasons(comparisons, *(each[["not_estimable"]] for each in shown)),
        *(["† Known only after time zero."] if any("†" in row.cells[0] for row in rows) else []),
    )
    title = f"Characteristics before and after matching{study.of_population(population)}"
    header = ("Characteristic", *heads)
    return finished(Table(f"baseline_{population}", title, header, tuple(rows), notes, spanners), study)


def _side(frames: Mapping[str, pd.DataFrame], variable: str, tests: list[str], study: Study) -> list[Row]:
    """A variable's rows on one side: the arms, P and SMD."""
    test = select(frames["comparisons"], variable=variable).iloc[0]
    smd = select(frames["balance"], variable=variable, level="")["smd_pooled"].iloc[0]
    marker = MARKERS[tests.index(test["method"])] if test["method"] else ""
    size = notation.NOT_ESTIMABLE if smd != smd else notation.number(abs(smd), 2)
    described = pd.concat([frames["counts"], frames["summaries"]], ignore_index=True)
    last = (notation.p_value(test["p_test"]) + marker, size)
    return variable_rows(study, variable, select(described, variable=variable), last, {}, list(study.arms.levels))


def balance(balance: pd.DataFrame, *, study: Study) -> list[Table]:
    """Every covariate of the propensity score before and after: both standardised differences and the variance ratio.

    One table a matched population.
    """
    names = dict.fromkeys(balance["population"])
    return [_balance(balance, study, name) for name in names if study.all_populations[name].matching]


def _balance(balance: pd.DataFrame, study: Study, population: str) -> Table:
    sides = [select(balance, population=name) for name in (study.all_populations[population].of, population)]
    rows = []
    for variable in study.propensity.covariates:
        levels = study.level_labels(variable)
        if levels:
            rows.append(Row((study.label(variable) + study.mark_of(variable), *[""] * 6)))
        for level, label in (levels or {"": study.label(variable) + study.mark_of(variable)}).items():
            found = [select(side, variable=variable, level=level).iloc[0] for side in sides]
            cells = [_number(each[name]) for name in ("smd_att", "smd_pooled", "variance_ratio") for each in found]
            rows.append(Row((label, *cells), indent=bool(levels)))
    spanners = (("", 1), ("Difference / SD of the treated", 2), ("Difference / pooled SD", 2), ("Variance ratio", 2))
    header = ("Covariate", *["Before", "After"] * 3)
    notes = (
        "Treated minus reference, in standard deviations of before matching (for proportions, from p(1 − p)); variance "
        "of the treated divided by that of the reference.",
        *marks(study, rows, study.all_populations[population].of),
        *reasons(*(select(side, variable=study.propensity.covariates) for side in sides)),
    )
    title = f"Balance of the propensity score's covariates{study.of_population(population)}"
    return finished(Table(f"balance_{population}", title, header, tuple(rows), notes, spanners), study)


def _number(value: float) -> str:
    return notation.NOT_ESTIMABLE if value != value else notation.number(value, 2)


def designs(
    univariable: pd.DataFrame,
    *,
    weighted: pd.DataFrame,
    companions: pd.DataFrame,
    scores: pd.DataFrame,
    study: Study,
) -> list[Table]:
    """The hazard ratio for treatment alone: in everybody, weighted, in matched pairs, each with whose effect it is."""
    arms = study.arms
    alone = pd.concat([univariable, companions], ignore_index=True)
    alone = select(alone, analysis="cox_univariable", variable=arms.column)
    rows: list[Row] = []
    by_arm = weighted[weighted["group"] != ""]
    weighted = select(weighted, group="")
    for endpoint in endpoints(weighted):
        rows.append(heading(study.endpoints[endpoint].label, 7))
        frames = [select(frame, endpoint=endpoint) for frame in (alone, weighted)]
        for population in dict.fromkeys(pd.concat(frames)["population"]):
            worth = select(by_arm, endpoint=endpoint, population=population)
            rows += _designs(study, population, *(select(frame, population=population) for frame in frames), worth)
    if not rows:
        return []
    header = ("Design", "Effect in", "Patients", "Effective", "Events", study.ratio_label, "P")
    contrast = f"Hazard ratio of {arms.levels[arms.treated]} against {arms.levels[arms.reference]}, no covariates."
    without = scores[scores["n_missing"] > 0]
    lost = ", ".join(
        f"{study.group_label(row['group'])} {int(row['n_missing'])}{study.of_population(row['population'])}"
        for _, row in without.iterrows()
    )
    notes = (
        f"{contrast} Weighted: robust errors; the weights are taken as known, neither truncated nor stabilised. "
        f"Effective ({' + '.join(arms.levels.values())}): patients that would carry as much information without "
        "weights (Kish). Matched: model-based errors take paired patients as independent, clustered ones do not.",
        *([f"Without a propensity score, in no weighted or matched row: {lost}."] if lost else []),
        *reasons(weighted),
    )
    title = "The effect of treatment by design"
    return [finished(Table("designs", title, header, tuple(rows), notes), study)]


def _designs(
    study: Study, population: str, alone: pd.DataFrame, weighted: pd.DataFrame, by_arm: pd.DataFrame
) -> list[Row]:
    """The rows of a population: unadjusted, clustered where it is matched, and weighted."""
    label, matched, rows = study.all_populations[population].label, study.is_matched(population), []
    for model in (UNADJUSTED, variant(UNADJUSTED, CLUSTERED)):
        effect, sizes = (select(alone, model=model, level=level) for level in (study.arms.treated, ""))
        if len(effect) and len(sizes):
            errors = f", {'clustered' if model.endswith(CLUSTERED) else 'model-based'} errors" if matched else ""
            estimand = MATCHED if matched else NOT_CAUSAL
            rows.append(_design(label + errors, estimand, sizes.iloc[0], effect.iloc[0], ""))
    for _, row in weighted.iterrows():
        name, estimand, _ = WEIGHTS[row["model"]]
        worth = select(by_arm, model=row["model"]).set_index("group")["n_effective"]
        shown = " + ".join(notation.number(worth[arm], 0) for arm in study.arms.levels if arm in worth)
        rows.append(_design(name + study.of_population(population), estimand, row, row, shown))
    return rows


def _design(name: str, estimand: str, sizes: pd.Series, effect: pd.Series, effective: str) -> Row:
    ratio = notation.hazard_ratio(*effect[["hr", "hr_low", "hr_high"]])
    counts = (notation.count(sizes["n"]), effective, notation.count(sizes["n_event"]))
    return Row((name, estimand, *counts, ratio, notation.p_value(effect["p_wald"])), indent=True)
