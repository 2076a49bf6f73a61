"""Entries of a study file that contradict each other, each as one sentence."""

from collections.abc import Iterator

from helpers.errors import listed, nearest
from helpers.study.schema import (
    ANY_GRADE,
    OVERALL,
    Condition,
    EarlyEvent,
    Endpoint,
    EventsBy,
    Model,
    Step,
    StudyFile,
    Variable,
)

RESERVED = ("time", "event")
CATEGORICAL_TESTS = ("yates", "pearson", "fisher")
CONTINUOUS_TESTS = ("student", "welch", "rank_sum")


def contradictions(study: StudyFile) -> list[str]:
    """Sentences for everything in the file that cannot be meant; empty when it agrees with itself."""
    return [
        *_arms(study),
        *(problem for name, each in study.variables.items() for problem in _variable(study, name, each)),
        *(problem for name, each in study.endpoints.items() for problem in _endpoint(study, name, each)),
        *_steps(study),
        *_lists(study),
        *(problem for name, each in study.models.items() for problem in _models(study, name, each)),
        *_adverse_events(study),
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
    if len(set(arms.levels.values())) < len(arms.levels):
        yield "entry 'arms.levels': both arms have the same label"
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
    if name in RESERVED:
        yield f"{where}': '{name}' names the outcome; name the variable otherwise and give its column"
    if variable.cut:
        yield from _cut(study, where, variable)
    if variable.applies_when:
        yield from _condition(study, f"{where}.applies_when", variable.applies_when)


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
    yield from _known(study, f"{where}.cut.variable'", [cut.variable])
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
    both = {str(each) for each in endpoint.event_values or []} & {str(each) for each in endpoint.censored_values or []}
    if both:
        yield f"{where}.event_values': {listed(sorted(both))} cannot mean both event and censored"
    if by_dates and study.cohort.data_cut_off is None:
        yield f"entry 'cohort.data_cut_off' is missing: endpoint '{name}' is made from dates"


def _steps(study: StudyFile) -> Iterator[str]:
    for name in ("screened", "primary"):
        if name in study.populations:
            yield f"entry 'populations.{name}': every study has this population; [[eligibility]] describes it"
    yield from _step_list(study, "eligibility", study.eligibility)
    seen = ["screened", "primary"]
    for name, population in study.populations.items():
        if population.of not in seen:
            yield f"entry 'populations.{name}.of': '{population.of}' is no population before it ({listed(seen)})"
        yield from _step_list(study, f"populations.{name}.steps", population.steps)
        seen.append(name)


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
    yield from _endpoints(study, f"{where}.endpoint'", [early.endpoint])
    if early.after is None:
        return
    yield from _known(study, f"{where}.after'", [early.after])
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
        if str(value) not in levels:
            near = nearest(str(value), levels)
            yield f"{where}.value': '{value}' is no level of '{condition.column}' ({listed(levels)}){near}"


def _lists(study: StudyFile) -> Iterator[str]:
    yield from _known(study, "entry 'table_one.variables'", study.table_one.variables)
    yield from _known(study, "entry 'survival.course'", study.survival.course)
    for name in study.survival.course:
        if name in study.variables and study.variables[name].type != "categorical":
            yield f"entry 'survival.course': '{name}' is not categorical"
        if name in study.table_one.variables:
            yield f"entry 'survival.course': '{name}' is in Table 1 already"
    if study.univariable:
        yield from _known(study, "entry 'univariable.variables'", study.univariable.variables, arms=True)
        yield from _endpoints(study, "entry 'univariable.endpoints'", study.univariable.endpoints)
    yield from _endpoints(study, "entry 'survival.tau'", list(study.survival.tau))
    for name in study.endpoints:
        if name not in study.survival.tau:
            yield f"entry 'survival.tau.{name}' is missing: the horizon of the restricted mean, in months"
    for entry in ("months", "risk_table_months"):
        months = getattr(study.survival, entry)
        if sorted(set(months)) != months:
            yield f"entry 'survival.{entry}': times must increase"


def _models(study: StudyFile, name: str, models: list[Model]) -> Iterator[str]:
    where = f"entry 'models.{name}"
    if name == "unadjusted":
        yield f"{where}': 'unadjusted' names the univariable analysis"
    seen = set()
    for position, model in enumerate(models):
        yield from _model(study, f"{where}.{position}", model)
        for each in [(endpoint, model.population) for endpoint in dict.fromkeys(model.endpoints)]:
            if each in seen:
                yield f"{where}.{position}': endpoint '{each[0]}' in population '{each[1]}' is given twice"
            seen.add(each)


def _model(study: StudyFile, where: str, model: Model) -> Iterator[str]:
    if (model.covariates is None) == (model.candidates is None):
        yield f"{where}': give either covariates (a fixed list) or candidates with a selection"
    if (model.candidates is None) != (model.selection is None):
        yield f"{where}.selection' belongs to candidates, and candidates need one"
    covariates = [*(model.covariates or []), *(model.candidates or [])]
    yield from _known(study, f"{where}.covariates'", covariates, arms=True)
    yield from _known(study, f"{where}.strata'", model.strata)
    yield from _endpoints(study, f"{where}.endpoints'", model.endpoints)
    if model.selection:
        yield from _known(study, f"{where}.selection.always'", model.selection.always, arms=True)
    if model.population not in {"primary", *study.populations}:
        yield f"{where}.population': no population '{model.population}'{nearest(model.population, study.populations)}"
    for stratum in model.strata:
        if stratum in covariates:
            yield f"{where}.strata': '{stratum}' cannot be stratum and covariate at once"
        if stratum in study.variables and study.variables[stratum].type != "categorical":
            yield f"{where}.strata': '{stratum}' is not categorical"


def _known(study: StudyFile, where: str, names: list[str], *, arms: bool = False) -> Iterator[str]:
    known = [study.arms.column, *study.variables] if arms else list(study.variables)
    for position, name in enumerate(names):
        if name not in known:
            yield f"{where}: no variable '{name}'{nearest(name, known)}"
        if name in names[:position]:
            yield f"{where}: '{name}' is given twice"


def _endpoints(study: StudyFile, where: str, names: list[str]) -> Iterator[str]:
    for name in names:
        if name not in study.endpoints:
            near = nearest(name, study.endpoints)
            yield f"{where}: no endpoint '{name}'{near} (endpoints: {listed(study.endpoints)})"


def _adverse_events(study: StudyFile) -> Iterator[str]:
    asked = study.adverse_events
    if asked is None:
        return
    where = "entry 'adverse_events"
    grades = [grade for group in asked.groups.values() for grade in group.grades]
    for grade in sorted({each for each in grades if grades.count(each) > 1}):
        yield f"{where}.groups': grade {grade} is given twice"
    if [0] not in [group.grades for group in asked.groups.values()]:
        yield f"{where}.groups': one group must hold grade 0 alone, the patients without the event"
    if ANY_GRADE in asked.groups:
        yield f"{where}.groups.{ANY_GRADE}': '{ANY_GRADE}' names the patients with the event at any grade"
    for name in asked.terms:
        outcomes = {column for each in study.endpoints.values() for column in (each.time, each.event)}
        if name in {study.arms.column, *study.variables, *RESERVED, *outcomes}:
            yield f"{where}.terms.{name}': this name is taken by another column"
    if len(set(asked.terms.values())) < len(asked.terms):
        yield f"{where}.terms': two adverse events have the same label"
    for position, by in enumerate(asked.by):
        yield from _events_by(study, f"{where}.by.{position}", by)
        if (by.variable, by.population) in [(each.variable, each.population) for each in asked.by[:position]]:
            yield f"{where}.by.{position}': '{by.variable}' in population '{by.population}' is given twice"


def _events_by(study: StudyFile, where: str, by: EventsBy) -> Iterator[str]:
    yield from _known(study, f"{where}.variable'", [by.variable])
    if by.variable in study.variables and study.variables[by.variable].type != "categorical":
        yield f"{where}.variable': '{by.variable}' is not categorical"
    if by.population not in {"primary", *study.populations}:
        yield f"{where}.population': no population '{by.population}'{nearest(by.population, study.populations)}"
    terms = study.adverse_events.terms
    if len(set(by.terms)) < len(by.terms):
        yield f"{where}.terms': an adverse event is given twice"
    for term in by.terms:
        if term not in terms:
            yield f"{where}.terms': no adverse event '{term}'{nearest(term, terms)}"


def _synthetic(study: StudyFile) -> Iterator[str]:
    if study.synthetic and not study.synthetic_note.strip():
        yield "entry 'synthetic_note' is missing: say what it means that the cohort is synthetic"
    if not study.synthetic:
        for entry, given in (("synthetic_note", study.synthetic_note), ("assumptions", study.assumptions)):
            if given:
                yield f"entry '{entry}' belongs to a synthetic cohort, and this one is not"
        populations = (step for population in study.populations.values() for step in population.steps)
        for step in [*study.eligibility, *populations]:
            if step.assumed:
                yield f"step '{step.name}' is assumed, which only a step of a synthetic cohort can be"
