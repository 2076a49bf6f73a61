"""The table of variables: what each is, where it can exist, how much is missing and what it is used for."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import Condition, Variable
from helpers.tables.layout import POST_BASELINE, finished, reasons

OPS = {"==": "is", "!=": "is not", "in": "is", "not in": "is not", "missing": "is missing"}


def variables(missing: pd.DataFrame, *, study: Study) -> Table:
    """Each variable's levels or unit, where it can exist, missing values of those in whom it can, and its uses."""
    rows, uses = [], _uses(study)
    for name, entry in study.variables.items():
        found = select(missing, variable=name, level="").iloc[0]
        cells = (_levels(study, entry), _where(study, study.applies_when(name)))
        share = notation.share(found["n_missing"], found["percent_missing"])
        own = " ".join(code for code, (_, names) in uses.items() if name in names)
        rows.append(Row((entry.label + study.mark_of(name), *cells, share, own or notation.DASH)))
    population = missing["population"].iloc[0]
    notes = ["Missing: n (% of the patients in whom the variable can exist). The reference level stands first."]
    used = "; ".join(f"{code}, {what}" for code, (what, names) in uses.items() if set(names) & set(study.variables))
    notes += [f"Used in: {used}."] if used else []
    notes += [POST_BASELINE] if any("†" in row.cells[0] for row in rows) else []
    title = f"Variables{study.of_population(population)}"
    header = ("Variable", "Levels or unit", "Can exist in", "Missing", "Used in")
    return finished(Table("variables", title, header, tuple(rows), (*notes, *reasons(missing))), study)


def _levels(study: Study, entry: Variable) -> str:
    if not entry.levels:
        unit = entry.unit or "number"
        scale = f"; hazard ratio per {entry.per:g}" if entry.per != 1 else ""
        return unit + scale
    first = entry.levels[entry.reference]
    labels = "; ".join([first, *(label for level, label in entry.levels.items() if level != entry.reference)])
    if not entry.cut:
        return labels
    at = ", ".join(f"{each:g}" for each in entry.cut.at)
    side = "below" if entry.cut.right_closed else "above"
    source = notation.within(study.variables[entry.cut.variable].label)
    return f"{labels} (from {source}, cut at {at}, which counts as {side})"


def _where(study: Study, condition: Condition | None) -> str:
    if condition is None:
        return "all"
    labels = study.level_labels(condition.column)
    given = condition.value if isinstance(condition.value, list) else [condition.value]
    values = [labels.get(str(each), str(each)) for each in given if each is not None]
    name = study.arms.label if condition.column == study.arms.column else study.variables[condition.column].label
    return " ".join([name, OPS.get(condition.op, condition.op), *([" or ".join(values)] if values else [])])


Uses = dict[str, tuple[str, list[str | None]]]


def _uses(study: Study) -> Uses:
    """Everything the study file uses variables for: a code, what it stands for, the variables."""
    own = [*study.eligibility, *(step for each in study.populations.values() for step in each.steps)]
    splines, subgroups = study.splines, study.subgroups
    return {
        "E": ("eligibility", [step.exclude.column if step.exclude else step.exclude_event.after for step in own]),
        "C": ("characteristics by arm", study.table_one.variables),
        "U": ("univariable models", [each for asked in study.univariable for each in asked.variables]),
        **_models(study),
        "P": ("propensity score", study.propensity.covariates if study.propensity else []),
        "I": ("imputation, beside the model's own", study.imputation.auxiliary if study.imputation else []),
        "S": ("splines", splines.variables if splines else []),
        "Sc": ("covariate of splines", splines.covariates if splines else []),
        "G": ("subgroups", subgroups.variables if subgroups else []),
        "Gc": ("covariate of subgroups", subgroups.covariates if subgroups else []),
        "L": ("its levels compared", [each.variable for each in study.within_arm]),
        "Lc": ("covariate where levels are compared", [name for each in study.within_arm for name in each.covariates]),
        **_course(study),
        "B": ("cut into groups", [each.cut.variable for each in study.variables.values() if each.cut]),
    }


def _models(study: Study) -> Uses:
    """The models numbered in their order, with what each may choose from and its strata."""
    found: Uses = {}
    for number, models in enumerate(study.models.values(), start=1):
        label = notation.within(models[0].label)
        found[f"M{number}"] = (f"model “{label}”", [name for each in models for name in each.covariates or []])
        candidates = [name for each in models for name in each.candidates or []]
        found[f"M{number}c"] = (f"candidate for model “{label}”", candidates)
        found[f"M{number}s"] = (f"stratum of model “{label}”", [name for each in models for name in each.strata])
    return found


def _course(study: Study) -> Uses:
    exposure, progression, events = study.exposure, study.progression, study.adverse_events
    competing = progression.competing if progression else None
    return {
        "T": ("start of treatment", [exposure.start] if exposure else []),
        "W": ("weights of clones", exposure.covariates if exposure else []),
        "K": ("course of the disease", study.survival.course),
        "R": ("response", [progression.response] if progression else []),
        "F": ("first site", [progression.first_site] if progression else []),
        "X": ("competing events", [competing.variable] if competing else []),
        "A": ("adverse events by it", [by.variable for by in events.by] if events else []),
    }
