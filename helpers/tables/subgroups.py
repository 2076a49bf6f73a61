"""Table of the effect of treatment in subgroups and of the tests of interaction."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
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
        for _, which in subgroups[["population", "endpoint", "model"]].drop_duplicates().iterrows()
    ]


def _table(frame: pd.DataFrame, tests: pd.DataFrame, study: Study) -> Table:
    population, endpoint = frame[["population", "endpoint"]].iloc[0]
    rows = [_level(study, select(frame, variable=""), "All patients", indent=False)]
    for _, test in tests.iterrows():
        variable = test["variable"]
        dagger = study.mark_of(variable)
        p_values = [notation.p_value(test[name]) for name in ("p_lrt", "p_overall", "p_holm")]
        rows.append(Row((study.label(variable) + dagger, "", "", "", "", *p_values)))
        inside = select(frame, variable=variable)
        levels = study.level_labels(variable)
        rows += [_level(study, select(inside, level=each), levels[each]) for each in dict.fromkeys(inside["level"])]
    arms = [study.arms.levels[arm] for arm in (study.arms.treated, study.arms.reference)]
    header = ("Subgroup", *arms, f"HR ({study.level} CI)", "P", "Likelihood ratio", "Wald", "Holm")
    spanners = (("", 1), ("Patients / events", 2), ("Effect of treatment", 2), ("P for interaction", 3))
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
    notes += reasons(frame, tests)
    return finished(Table(name, titled, header, tuple(rows), tuple(notes), spanners), study)


def _level(study: Study, rows: pd.DataFrame, label: str, *, indent: bool = True) -> Row:
    """Patients and events by arm, hazard ratio and P."""
    by_group = rows.set_index("group")
    counts = [by_group.loc[arm, ["n", "n_event"]].astype(int) for arm in (study.arms.treated, study.arms.reference)]
    effect = by_group.loc[""]
    ratio = notation.hazard_ratio(*effect[["hr", "hr_low", "hr_high"]])
    sizes = [f"{n} / {n_event}" for n, n_event in counts]
    return Row((label, *sizes, ratio, notation.p_value(effect["p_wald"]), "", "", ""), indent=indent)


def _own(study: Study) -> str:
    """What an adjusted model does with a covariate that makes the subgroups."""
    shared = set(study.subgroups.variables) & set(study.subgroups.covariates)
    return " A variable is no covariate in its own subgroups." if shared else ""


def _multiplicity(study: Study, tests: pd.DataFrame) -> list[str]:
    """What so many tests are worth."""
    n, level = int(tests["n_tested"].iloc[0]), 1 - study.confidence
    if n < 1:
        return ["Exploratory. No interaction could be tested."]
    expected = notation.number(n * level, 1)
    return [
        f"Exploratory. Interactions tested: {n}. Were the effect of treatment the same in all patients, {expected} of "
        f"them would still be expected with P below {level:g} by chance. Whether effects differ is told by the "
        "interaction, not by one level's P beside another's.",
        "P for interaction: likelihood-ratio test; Wald test; the former's P by Holm's method for the number tested. "
        "Compared are the levels with patients of both arms and at least one event.",
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
