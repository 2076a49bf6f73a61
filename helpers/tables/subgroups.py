"""Table of the effect of treatment in subgroups and of the tests of interaction."""

from collections.abc import Iterable

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.variants import STRATIFIED
from helpers.tables.layout import INDEPENDENT, finished, reasons

WITHOUT = {"n_missing": "without a value of it", "n_not_applicable": "in whom it cannot exist"}
WITHOUT_ANY = {
    "n_missing": "without a value of it or of a covariate",
    "n_not_applicable": "in whom it or a covariate cannot exist",
}


def subgroups(subgroups: pd.DataFrame, *, interactions: pd.DataFrame, study: Study) -> list[Table]:
    """One table an endpoint and population: the effect of treatment in every subgroup, and each interaction's tests."""
    return [
        _table(*(select(each, **which) for each in (subgroups, interactions)), study)
        for _, which in subgroups[["population", "endpoint"]].drop_duplicates().iterrows()
    ]


def _table(frame: pd.DataFrame, tests: pd.DataFrame, study: Study) -> Table:
    population, endpoint = frame[["population", "endpoint"]].iloc[0]
    rows = [_level(study, select(frame, variable=""), "All patients", indent=False)]
    stratified = tests[tests["model"].str.endswith(STRATIFIED)]
    common = tests[~tests["model"].str.endswith(STRATIFIED)].set_index("variable")
    tests = select(stratified, level="")
    for _, test in tests.iterrows():
        variable = test["variable"]
        dagger = study.mark_of(variable)
        p_values = (test["p_lrt"], test["p_holm"], common.loc[variable, "p_lrt"])
        rows.append(Row((study.label(variable) + dagger, "", "", "", *map(notation.p_value, p_values), "")))
        inside, levels = select(frame, variable=variable), study.level_labels(variable)
        ratios = select(stratified, variable=variable).set_index("level")
        for level in dict.fromkeys(inside["level"]):
            shown = ratios.loc[level, ["detectable_low", "detectable_high"]] if level in ratios.index else ()
            rows.append(_level(study, select(inside, level=level), levels[level], shown))
    arms = [study.arms.levels[arm] for arm in (study.arms.treated, study.arms.reference)]
    header = (
        *("Subgroup", *study.arms.levels.values(), study.ratio_label),
        *("Likelihood ratio", "Holm", "One baseline hazard", "Detectable"),
    )
    spanners = (("", 1), ("Patients / events", 2), ("Effect of treatment", 1), ("P for interaction", 3), ("Ratio", 1))
    title = f"Effect of treatment on {notation.within(study.endpoints[endpoint].label)} in subgroups"
    method = study.adjusted(frame["method"].iloc[0], study.subgroups.covariates)
    notes = [
        f"{method}: {arms[0]} against {arms[1]}.{_own(study)}",
        *_multiplicity(study, tests),
        *_no_subgroup(study, tests),
    ]
    late = any(study.variables[each].post_baseline for each in tests["variable"])
    notes += ["† Known only after time zero: treatment may have changed who is in the subgroup."] if late else []
    notes += [INDEPENDENT] * study.is_matched(population)
    name = "_".join(part for part in ("subgroups", endpoint, study.beyond_primary(population)) if part)
    titled = title + study.of_population(population)
    if tests["method"].str.contains("Firth").any():
        notes.append(
            "Where an effect is infinite the likelihood-ratio test is Firth's penalised one, without detectable."
        )
    notes += reasons(frame, stratified, common)
    return finished(Table(name, titled, header, tuple(rows), tuple(notes), spanners), study)


def _level(
    study: Study, rows: pd.DataFrame, label: str, detectable: Iterable[float] = (), *, indent: bool = True
) -> Row:
    """Patients and events by arm, hazard ratio, and what ratio to the first level's could have been shown."""
    by_group = rows.set_index("group")
    counts = [by_group.loc[arm, ["n", "n_event"]].astype(int) for arm in study.arms.levels]
    effect = by_group.loc[""]
    ratio = notation.hazard_ratio(*effect[["hr", "hr_low", "hr_high"]])
    sizes = [f"{n} / {n_event}" for n, n_event in counts]
    shown = " or ".join(notation.ratio(each) for each in detectable)
    return Row((label, *sizes, ratio, "", "", "", shown), indent=indent)


def _own(study: Study) -> str:
    """What an adjusted model does with a covariate that makes the subgroups."""
    shared = set(study.subgroups.variables) & set(study.subgroups.covariates)
    return " A variable is no covariate in its own subgroups." if shared else ""


def _multiplicity(study: Study, tests: pd.DataFrame) -> list[str]:
    """What so many tests are worth."""
    n, level = int(tests["n_tested"].iloc[0]), 1 - study.confidence
    if n < 1:
        return ["Exploratory. No interaction could be tested."]
    expected = notation.expected(n * level)
    return [
        f"Exploratory. Interactions tested, all endpoints together: {n}. Were the effect of treatment the same in all "
        f"patients, {expected} of them would still be expected with P below {level:.2g} by chance.",
        "P for interaction: likelihood-ratio test of the ratios shown, whose baseline hazards are free in each level; "
        f"this P by Holm's method for {n} tests; the same test with one baseline hazard for all levels. Compared are "
        "levels with patients of both arms and at least one event. Detectable: the ratio of a level's hazard ratio to "
        f"the first level's that would be found with 80% power at a two-sided level of {level:.2g}.",
    ]


def _no_subgroup(study: Study, tests: pd.DataFrame) -> list[str]:
    """Who is in no level of a variable or lacks a covariate, and who has no usable time."""
    notes = []
    for name, text in (WITHOUT_ANY if study.subgroups.covariates else WITHOUT).items():
        lost = tests[tests[name] > 0]
        counts = ", ".join(f"{study.label(row['variable'])} {int(row[name])}" for _, row in lost.iterrows())
        notes += [f"Patients in no subgroup of a variable, {text}: {counts}."] if counts else []
    timeless = int(tests["n_no_time"].iloc[0])
    return notes + ([f"Patients without a usable time, in no row: {timeless}."] if timeless else [])
