"""The table of variables: what each is, where it can exist, how much is missing and what it is used for."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import Condition, Variable
from helpers.tables.layout import POST_BASELINE, finished, named_models, reasons

OPS = {"==": "is", "!=": "is not", "in": "is", "not in": "is not", "missing": "is missing"}


def variables(missing: pd.DataFrame, *, study: Study) -> Table:
    """Each variable's levels or unit, where it can exist, missing values of those in whom it can, and its uses."""
    rows = []
    for name, entry in study.variables.items():
        found = select(missing, variable=name, level="").iloc[0]
        cells = (_levels(study, entry), _where(study, study.applies_when(name)))
        share = notation.share(found["n_missing"], found["percent_missing"])
        rows.append(
            Row((entry.label + study.mark_of(name), *cells, share, ", ".join(dict.fromkeys(_uses(study, name)))))
        )
    population = missing["population"].iloc[0]
    notes = ["Missing: n (% of the patients in whom the variable can exist). The reference level stands first."]
    notes += [named_models(study)] if study.models else []
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


def _uses(study: Study, name: str) -> Iterator[str]:
    """What the study file uses a variable for."""
    own = [*study.eligibility, *(step for each in study.populations.values() for step in each.steps)]
    steps = [step.exclude.column if step.exclude else step.exclude_event.after for step in own]
    lists = {
        "eligibility": steps,
        "characteristics": study.table_one.variables,
        "univariable": [each for asked in study.univariable for each in asked.variables],
        **_models(study),
        "propensity score": study.propensity.covariates if study.propensity else [],
        "imputation": study.imputation.auxiliary if study.imputation else [],
        "splines": study.splines.variables if study.splines else [],
        "covariate of splines": study.splines.covariates if study.splines else [],
        "subgroups": study.subgroups.variables if study.subgroups else [],
        "covariate of subgroups": study.subgroups.covariates if study.subgroups else [],
        "levels compared": [each.variable for each in study.within_arm],
        "covariate of levels compared": [name for each in study.within_arm for name in each.covariates],
        **_course(study),
        "cut into groups": [each.cut.variable for each in study.variables.values() if each.cut],
    }
    yield from (what for what, names in lists.items() if name in names)


def _models(study: Study) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, models in study.models.items():
        for model in models:
            found.setdefault(f"model {name}", []).extend(model.covariates or [])
            found.setdefault(f"candidate of {name}", []).extend(model.candidates or [])
            found.setdefault(f"stratum of {name}", []).extend(model.strata)
    return found


def _course(study: Study) -> dict[str, list[str | None]]:
    exposure, progression, events = study.exposure, study.progression, study.adverse_events
    competing = progression.competing if progression else None
    return {
        "start of treatment": [exposure.start] if exposure else [],
        "weights of clones": exposure.covariates if exposure else [],
        "course of the disease": study.survival.course,
        "response": [progression.response] if progression else [],
        "first site": [progression.first_site] if progression else [],
        "competing events": [competing.variable] if competing else [],
        "adverse events by it": [by.variable for by in events.by] if events else [],
    }
