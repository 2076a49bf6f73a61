"""Entries of a study file that contradict each other, each as one sentence."""

from collections.abc import Iterator

from helpers.cells import plain
from helpers.errors import listed, nearest
from helpers.study.coding import coding
from helpers.study.requests import known_endpoints, known_variables, requests
from helpers.study.schema import (
    OVERALL,
    RESERVED,
    UNIT_DAYS,
    Condition,
    EarlyEvent,
    Endpoint,
    Population,
    Step,
    StudyFile,
    Variable,
)
from helpers.study.timing_requests import timing_requests

CATEGORICAL_TESTS = ("yates", "pearson", "fisher")
CONTINUOUS_TESTS = ("student", "welch", "rank_sum")


def contradictions(study: StudyFile) -> list[str]:
    """Sentences for everything in the file that cannot be meant; empty when it agrees with itself."""
    return [
        *_arms(study),
        *(problem for name, each in study.variables.items() for problem in _variable(study, name, each)),
        *(problem for name, each in study.endpoints.items() for problem in _endpoint(study, name, each)),
        *coding(study),
        *_steps(study),
        *requests(study),
        *timing_requests(study),
        *_synthetic(study),
    ]


def _arms(study: StudyFile) -> Iterator[str]:
    arms = study.arms
    if len(arms.levels) != 2:
        yield (
            f"entry 'arms.levels' names {len(arms.levels)} levels ({listed(arms.levels)}); exactly two arms are "
            "compared, so give two levels, leave other patients' arm empty and exclude them by a step with op 'missing'"
        )
    elif arms.reference not in arms.levels:
        yield f"entry 'arms.reference': '{arms.reference}' is no level of the arms ({listed(arms.levels)})"
    if len({label.strip() for label in arms.levels.values()}) < len(arms.levels):
        yield "entry 'arms.levels': both arms have the same label"
    if OVERALL in {label.strip().casefold() for label in arms.levels.values()}:
        yield "entry 'arms.levels': 'Overall' is the label of the whole cohort and cannot be an arm's"
    if OVERALL in arms.levels:
        yield f"entry 'arms.levels': '{OVERALL}' names the whole cohort and cannot be an arm"
    if arms.column in RESERVED:
        yield f"entry 'arms.column': '{arms.column}' names the outcome; rename this column of the table"
    if arms.column in study.variables:
        yield f"entry 'variables.{arms.column}': this is the arms' column and is already described by [arms]"


def _variable(study: StudyFile, name: str, variable: Variable) -> Iterator[str]:
    where = f"entry 'variables.{name}"
    tests = CATEGORICAL_TESTS if variable.type == "categorical" else CONTINUOUS_TESTS
    if variable.test and variable.test not in tests:
        yield f"{where}.test': '{variable.test}' is not for {variable.type} variables; allowed here: {listed(tests)}"
    if variable.type == "continuous":
        if variable.levels or variable.reference or variable.cut or variable.unions:
            yield f"{where}': a continuous variable has no levels, reference, unions or cut"
    elif len(variable.levels or {}) < 2:
        yield f"{where}.levels': a categorical variable lists its levels, two or more"
    elif variable.reference is None:
        yield f"{where}.reference' is missing: say which of {listed(variable.levels)} the others are compared with"
    elif variable.reference not in variable.levels:
        near = nearest(variable.reference, variable.levels)
        yield f"{where}.reference': '{variable.reference}' is no level ({listed(variable.levels)}){near}"
    yield from _unions(where, variable)
    yield from _order(where, variable)
    yield from _between(where, variable)
    yield from _otherwise(where, variable)
    if name in RESERVED:
        yield f"{where}': '{name}' names the outcome; name the variable otherwise and give its column"
    if variable.cut:
        yield from _cut(study, where, variable)
    if variable.applies_when:
        yield from _condition(study, f"{where}.applies_when", variable.applies_when)


def _order(where: str, variable: Variable) -> Iterator[str]:
    levels = variable.levels or {}
    for level in variable.order:
        if level not in levels:
            yield f"{where}.order': '{level}' is no level ({listed(levels)})"
    if len(set(variable.order)) < len(variable.order):
        yield f"{where}.order': a level is given twice"


def _between(where: str, variable: Variable) -> Iterator[str]:
    if variable.between is None:
        return
    if variable.type != "continuous" or variable.unit not in UNIT_DAYS:
        yield f"{where}.between' makes a continuous variable in one of the units {listed(UNIT_DAYS)}"
    if variable.column or variable.cut:
        yield f"{where}': give either a column, a cut of another variable, or two columns of dates (between)"


def _otherwise(where: str, variable: Variable) -> Iterator[str]:
    if variable.otherwise is not None and (variable.type != "continuous" or variable.applies_when is None):
        yield f"{where}.otherwise' belongs to a continuous variable that has an applies_when"


def _unions(where: str, variable: Variable) -> Iterator[str]:
    levels = variable.levels or {}
    for name, union in variable.unions.items():
        if name in levels:
            yield f"{where}.unions.{name}': '{name}' is a level already"
        if len(set(union.levels)) < len(union.levels):
            yield f"{where}.unions.{name}.levels': a level is given twice"
        for level in union.levels:
            if level not in levels:
                yield f"{where}.unions.{name}.levels': '{level}' is no level ({listed(levels)})"


def _cut(study: StudyFile, where: str, variable: Variable) -> Iterator[str]:
    cut, levels = variable.cut, variable.levels or {}
    yield from known_variables(study, f"{where}.cut.variable'", [cut.variable])
    if variable.column:
        yield f"{where}': give either a column or a cut of another variable, not both"
    if variable.applies_when:
        yield f"{where}.applies_when' belongs to the variable that is cut, '{cut.variable}'"
    if sorted(set(cut.at)) != cut.at:
        yield f"{where}.cut.at': cut-points must increase"
    if len(levels) != len(cut.at) + 1:
        yield f"{where}.cut.at': {len(cut.at)} cut-points make {len(cut.at) + 1} levels, the file names {len(levels)}"
    source = study.variables.get(cut.variable)
    if source and source.type != "continuous":
        yield f"{where}.cut.variable': '{cut.variable}' is not continuous"


def _endpoint(study: StudyFile, name: str, endpoint: Endpoint) -> Iterator[str]:
    where = f"entry 'endpoints.{name}"
    duration = {"time": endpoint.time, "unit": endpoint.unit, "event": endpoint.event}
    coding = {"event_values": endpoint.event_values, "censored_values": endpoint.censored_values}
    dates = {
        "index_date": endpoint.index_date,
        "event_dates": endpoint.event_dates,
        "last_contact": endpoint.last_contact,
    }
    by_duration = any(value is not None for value in (*duration.values(), *coding.values()))
    by_dates = any(value is not None for value in dates.values())
    if by_duration == by_dates:
        yield f"{where}': give either {listed([*duration, *coding])}, or {listed(dates)}"
        return
    for entry, value in ({**duration, **coding} if by_duration else dates).items():
        if not value:
            hint = ": the coding of events must be said" if entry in coding else ""
            yield f"{where}.{entry}' is missing{hint}"
    if by_dates and study.cohort.data_cut_off is None:
        yield f"entry 'cohort.data_cut_off' is missing: endpoint '{name}' is made from dates"


def _steps(study: StudyFile) -> Iterator[str]:
    for name in ("screened", "primary"):
        if name in study.populations:
            yield f"entry 'populations.{name}': every study has this population; [[eligibility]] describes it"
    yield from _step_list(study, "eligibility", study.eligibility)
    seen = ["screened", "primary"]
    for name, population in study.populations.items():
        if population.of in study.populations and population.of not in seen:
            yield (
                f"entry 'populations.{name}.of': '{population.of}' is itself or comes after it; populations are made "
                "in their order, so that none goes round in a circle"
            )
        elif population.of not in seen:
            yield f"entry 'populations.{name}.of': '{population.of}' is no population before it ({listed(seen)})"
        yield from _step_list(study, f"populations.{name}.steps", population.steps)
        if population.matching:
            yield from _matching(study, f"entry 'populations.{name}", population)
        seen.append(name)


def _matching(study: StudyFile, where: str, population: Population) -> Iterator[str]:
    source = study.populations.get(population.of)
    if study.propensity is None:
        yield f"{where}.matching' needs [propensity], the model of who is treated"
    if population.steps:
        yield f"{where}': give steps or a matching, not both; match out of a population of steps"
    if population.of == "screened" or (source and source.matching):
        yield f"{where}.of': pairs are matched out of 'primary' or a population of steps, not out of '{population.of}'"


def _step_list(study: StudyFile, where: str, steps: list[Step]) -> Iterator[str]:
    names = [step.name for step in steps]
    for position, step in enumerate(steps):
        if step.name in names[:position]:
            yield f"entry '{where}.{position}.name': '{step.name}' is given twice"
        if (step.exclude is None) == (step.exclude_event is None):
            yield f"entry '{where}.{position}': give either exclude (a condition) or exclude_event (an early event)"
        elif step.exclude:
            yield from _condition(study, f"entry '{where}.{position}.exclude", step.exclude)
        else:
            yield from _early_event(study, f"entry '{where}.{position}.exclude_event", step.exclude_event)


def _early_event(study: StudyFile, where: str, early: EarlyEvent) -> Iterator[str]:
    yield from known_endpoints(study, f"{where}.endpoint'", [early.endpoint])
    if early.after is None:
        return
    yield from known_variables(study, f"{where}.after'", [early.after])
    variable = study.variables.get(early.after)
    if variable and (variable.type != "continuous" or variable.unit != "months"):
        yield f"{where}.after': '{early.after}' must be continuous, in the unit 'months'"


def _condition(study: StudyFile, where: str, condition: Condition) -> Iterator[str]:
    if condition.column != study.arms.column and condition.column not in study.variables:
        yield f"{where}.column': no variable '{condition.column}'{nearest(condition.column, study.variables)}"
        return
    if (condition.value is None) != (condition.op == "missing"):
        yield f"{where}.value': op '{condition.op}' takes {'no value' if condition.op == 'missing' else 'a value'}"
        return
    takes_list = condition.op in {"in", "not in"}
    if isinstance(condition.value, list) != takes_list:
        yield f"{where}.value': op '{condition.op}' takes {'a list' if takes_list else 'one value'}"
        return
    variable = study.variables.get(condition.column)
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    if condition.op == "missing":
        return
    if variable is not None and variable.type == "continuous":
        if any(isinstance(value, str) for value in values):
            yield f"{where}.value': '{condition.column}' is continuous, so the value is a number"
        return
    levels = study.arms.levels if variable is None else variable.levels or {}
    if condition.op in {"<", "<=", ">", ">="}:
        yield f"{where}.op': '{condition.op}' needs a continuous variable; '{condition.column}' has levels"
    for value in values:
        if plain(value) not in map(plain, levels):
            near = nearest(str(value), levels)
            yield f"{where}.value': '{value}' is no level of '{condition.column}' ({listed(levels)}){near}"


def _synthetic(study: StudyFile) -> Iterator[str]:
    if study.synthetic and not study.synthetic_note.strip():
        yield "entry 'synthetic_note' is missing: say what it means that the cohort is synthetic"
    if not study.synthetic:
        for entry in ("synthetic_note", "matched_to", "assumptions"):
            if getattr(study, entry):
                yield f"entry '{entry}' belongs to a synthetic cohort, and this one is not"
        populations = (step for population in study.populations.values() for step in population.steps)
        for step in [*study.eligibility, *populations]:
            if step.assumed:
                yield f"step '{step.name}' is assumed, which only a step of a synthetic cohort can be"
