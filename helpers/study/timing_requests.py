"""What a study file asks about time and safety and cannot be given, each as one sentence."""

from collections.abc import Iterator

from helpers.cells import plain
from helpers.errors import listed, nearest
from helpers.study.requests import known_endpoints, known_populations, known_variables
from helpers.study.schema import ANY_GRADE, RESERVED, SEVERE, UNIT_DAYS, UNRECORDED, Condition, StudyFile
from helpers.study.timing import AdverseEvents, Competing, EventsBy, Exposure
from helpers.study.variants import UNADJUSTED


def timing_requests(study: StudyFile) -> Iterator[str]:
    """Sentences on every analysis of time and safety that cannot be meant."""
    yield from _exposure(study)
    yield from _simulation(study)
    yield from _progression(study)
    yield from adverse_events(study)
    yield from _primary(study)


def _exposure(study: StudyFile) -> Iterator[str]:
    asked = study.exposure
    if asked is None:
        return
    where = "entry 'exposure"
    yield from _start(study, f"{where}.start'", asked.start)
    yield from known_endpoints(study, f"{where}.before'", [asked.before])
    yield from known_endpoints(study, f"{where}.endpoints'", asked.endpoints)
    yield from known_populations(study, f"{where}.population'", [asked.population])
    yield from known_populations(study, f"{where}.exclusions'", asked.exclusions)
    if asked.population in asked.exclusions:
        yield f"{where}.exclusions': '{asked.population}' is the population the proper analyses are made in"
    for name in asked.exclusions:
        if name in study.populations and asked.population not in _made_of(study, name):
            yield f"{where}.exclusions': '{name}' is not made of '{asked.population}', so the two only overlap"
        elif name in study.populations and study.populations[name].matching:
            yield f"{where}.exclusions': '{name}' is matched; name the population that leaves patients out"
    for name in asked.models:
        if name not in study.models:
            yield f"{where}.models': no model '{name}'{nearest(name, study.models)} (models: {listed(study.models)})"
        elif asked.population not in [each.population for each in study.models[name]]:
            yield f"{where}.models': '{name}' has no entry for population '{asked.population}'"
    if sorted(set(asked.landmarks)) != asked.landmarks:
        yield f"{where}.landmarks': months must increase"
    yield from _beginning(study, f"{where}.covariates'", asked)


def _primary(study: StudyFile) -> Iterator[str]:
    """A primary analysis that names nothing, or that nothing in the file makes."""
    asked, where = study.primary_analysis, "entry 'primary_analysis"
    yield from known_endpoints(study, f"{where}.endpoint'", [asked.endpoint])
    yield from known_populations(study, f"{where}.population'", [asked.population])
    if asked.model != UNADJUSTED and asked.model not in study.models:
        known = [UNADJUSTED, *study.models]
        yield f"{where}.model': no model '{asked.model}'{nearest(asked.model, known)} (models: {listed(known)})"
        return
    if (asked.time == "landmark") != (asked.month is not None):
        yield f"{where}.month' belongs to time 'landmark', and a landmark needs one"
    if asked.time == "fixed":
        yield from _fixed_primary(study, where)
    else:
        yield from _timed_primary(study, where)


def _fixed_primary(study: StudyFile, where: str) -> Iterator[str]:
    asked, of = study.primary_analysis, f"endpoint '{study.primary_analysis.endpoint}' in population"
    lists = study.models[asked.model] if asked.model != UNADJUSTED else study.univariable
    made = any(each.population == asked.population and asked.endpoint in each.endpoints for each in lists)
    if lists and not made:
        entry = f"models.{asked.model}" if asked.model != UNADJUSTED else "univariable"
        yield f"{where}.model': no entry of [[{entry}]] is for {of} '{asked.population}'"
    elif asked.model != UNADJUSTED:
        specs = [each for each in lists if each.population == asked.population and asked.endpoint in each.endpoints]
        held = [*(specs[0].covariates or []), *(specs[0].candidates or [])]
        if study.arms.column not in held:
            yield f"{where}.model': '{asked.model}' does not hold treatment ('{study.arms.column}')"


def _timed_primary(study: StudyFile, where: str) -> Iterator[str]:
    asked, exposure = study.primary_analysis, study.exposure
    if exposure is None:
        yield f"{where}.time': '{asked.time}' needs [exposure], which says when treatment began"
        return
    if asked.endpoint not in exposure.endpoints:
        yield f"{where}.endpoint': '{asked.endpoint}' is none of 'exposure.endpoints' ({listed(exposure.endpoints)})"
    if asked.population != exposure.population:
        yield f"{where}.population': with time '{asked.time}' it is the exposure's, '{exposure.population}'"
    known = [UNADJUSTED, *exposure.models]
    if asked.time == "clone_censor_weight" and asked.model != UNADJUSTED:
        yield f"{where}.model': clones are weighted and hold treatment alone, so it is '{UNADJUSTED}'"
    elif asked.model not in known:
        yield f"{where}.model': '{asked.model}' is none of 'exposure.models' ({listed(known)})"
    if asked.month is not None and asked.month not in exposure.landmarks:
        yield f"{where}.month': {asked.month:g} is none of 'exposure.landmarks'"


def _start(study: StudyFile, where: str, name: str) -> Iterator[str]:
    yield from known_variables(study, where, [name])
    variable, arms = study.variables.get(name), study.arms
    if variable and (variable.type != "continuous" or variable.unit not in UNIT_DAYS):
        yield f"{where}: '{name}' must be continuous, in one of the units {listed(UNIT_DAYS)}"
    elif variable and not _is_treated(study, variable.applies_when):
        condition = f"{{ column = '{arms.column}', op = '==', value = '{arms.treated}' }}"
        yield f"{where}: only the treated have a start, so '{name}' needs applies_when = {condition}"


def _is_treated(study: StudyFile, condition: Condition | None) -> bool:
    """Whether a condition says that a patient is in the treated arm."""
    arms = study.arms
    said = condition and (condition.column, condition.op, plain(condition.value))
    return said == (arms.column, "==", plain(arms.treated))


def _beginning(study: StudyFile, where: str, asked: Exposure) -> Iterator[str]:
    late = [study.arms.column, asked.start]
    yield from known_variables(study, where, [each for each in asked.covariates if each not in late])
    for name in asked.covariates:
        if name in late:
            yield f"{where}: '{name}' is the treatment itself; its beginning is what they explain"
        elif name in study.variables and study.variables[name].applies_when:
            yield f"{where}: '{name}' cannot exist in every patient"


def _made_of(study: StudyFile, name: str) -> list[str]:
    """The populations a population is made of, one after the other."""
    line: list[str] = []
    while name in study.populations and name not in line:
        line.append(name)
        name = study.populations[name].of
    return [*line[1:], name]


def _simulation(study: StudyFile) -> Iterator[str]:
    asked = study.simulation
    if asked is None:
        return
    if study.exposure is None:
        yield "entry 'simulation' needs [exposure], which says when treatment began"
        return
    yield from known_endpoints(study, "entry 'simulation.endpoints'", asked.endpoints)
    for name in asked.endpoints:
        if name in study.endpoints and name not in study.exposure.endpoints:
            yield f"entry 'simulation.endpoints': '{name}' is none of 'exposure.endpoints'"
    if len(set(asked.endpoints)) < len(asked.endpoints):
        yield "entry 'simulation.endpoints': an endpoint is given twice"
    if len(set(asked.hazard_ratios)) < len(asked.hazard_ratios):
        yield "entry 'simulation.hazard_ratios': a hazard ratio is given twice"


def _progression(study: StudyFile) -> Iterator[str]:
    asked = study.progression
    if asked is None:
        return
    where = "entry 'progression"
    if not (asked.response or asked.first_site or asked.competing):
        yield f"{where}': name a response, a first_site or competing events"
    named = {"response": asked.response, "first_site": asked.first_site}
    for entry, name in named.items():
        if name is not None:
            yield from _categorical(study, f"{where}.{entry}'", name)
    if asked.first_site in study.variables:
        levels = study.variables[asked.first_site].levels or {}
        for level in asked.no_site:
            if level not in levels:
                near = nearest(level, levels)
                yield f"{where}.no_site': '{level}' is no level of '{asked.first_site}' ({listed(levels)}){near}"
    elif asked.no_site and asked.first_site is None and asked.competing is None:
        yield f"{where}.no_site' belongs to a first_site or to competing events"
    if asked.competing:
        yield from _competing(study, f"{where}.competing", asked.competing)


def _competing(study: StudyFile, where: str, asked: Competing) -> Iterator[str]:
    yield from known_endpoints(study, f"{where}.endpoint'", [asked.endpoint])
    yield from _categorical(study, f"{where}.variable'", asked.variable)
    yield from _causes(study, where, asked)
    if asked.interest not in asked.causes:
        near = nearest(asked.interest, asked.causes)
        yield f"{where}.interest': '{asked.interest}' is none of the causes ({listed(asked.causes)}){near}"
    if UNRECORDED in asked.causes:
        yield f"{where}.causes.{UNRECORDED}': '{UNRECORDED}' names the events whose cause is not recorded"
    if len({each.label for each in asked.causes.values()} | {asked.unrecorded}) <= len(asked.causes):
        yield f"{where}.causes': two causes have the same label"
    if sorted(set(asked.months)) != asked.months:
        yield f"{where}.months': times must increase"


def _causes(study: StudyFile, where: str, asked: Competing) -> Iterator[str]:
    """Levels that are none, in two causes, or in neither a cause nor among those that are no event."""
    levels = study.variables[asked.variable].levels or {} if asked.variable in study.variables else {}
    taken: dict[str, str] = {}
    for name, cause in asked.causes.items():
        for level in cause.levels:
            if level not in levels:
                near = nearest(level, levels)
                yield f"{where}.causes.{name}.levels': '{level}' is no level of '{asked.variable}'{near}"
            elif level in taken:
                yield f"{where}.causes.{name}.levels': '{level}' is coded twice, as '{taken[level]}' too"
            taken[level] = name
    spare = [] if study.progression is None else study.progression.no_site
    for level in levels:
        if level not in {*taken, *spare}:
            yield f"{where}.causes': level '{level}' of '{asked.variable}' is in no cause and not in 'no_site'"


def _categorical(study: StudyFile, where: str, name: str) -> Iterator[str]:
    yield from known_variables(study, where, [name])
    if name in study.variables and study.variables[name].type != "categorical":
        yield f"{where}: '{name}' is not categorical"


def adverse_events(study: StudyFile) -> Iterator[str]:
    asked = study.adverse_events
    if asked is None:
        return
    where = "entry 'adverse_events"
    yield from _grades(asked, where)
    for name in asked.terms:
        outcomes = {column for each in study.endpoints.values() for column in (each.time, each.event)}
        if name in {study.arms.column, *study.variables, *RESERVED, *outcomes}:
            yield f"{where}.terms.{name}': this name is taken by another column"
    if len(set(asked.terms.values())) < len(asked.terms):
        yield f"{where}.terms': two adverse events have the same label"
    if asked.table and study.cohort.id is None:
        yield f"{where}.table' needs 'cohort.id', which says whose event a row is"
    if asked.table and len({asked.table.id, asked.table.term, asked.table.grade}) < 3:
        yield f"{where}.table': patient, adverse event and grade are three columns"
    yield from _kinds(asked)
    yield from _unions_of_events(study, asked)
    for position, by in enumerate(asked.by):
        yield from _events_by(study, f"{where}.by.{position}", by)
        if (by.variable, by.population) in [(each.variable, each.population) for each in asked.by[:position]]:
            yield f"{where}.by.{position}': '{by.variable}' in population '{by.population}' is given twice"


def _grades(asked: AdverseEvents, where: str) -> Iterator[str]:
    grades = [grade for group in asked.groups.values() for grade in group.grades]
    for grade in sorted({each for each in grades if grades.count(each) > 1}):
        yield f"{where}.groups': grade {grade} is given twice"
    if [0] not in [group.grades for group in asked.groups.values()]:
        yield f"{where}.groups': one group must hold grade 0 alone, the patients without the event"
    if ANY_GRADE in asked.groups:
        yield f"{where}.groups.{ANY_GRADE}': '{ANY_GRADE}' names the patients with the event at any grade"
    if asked.severe > max(grades):
        yield f"{where}.severe': no group holds a grade of {asked.severe} or higher"
    if SEVERE in asked.groups:
        yield f"{where}.groups.{SEVERE}': '{SEVERE}' names the patients with grade {asked.severe} or higher"


def _unions_of_events(study: StudyFile, asked: AdverseEvents) -> Iterator[str]:
    for name, union in asked.unions.items():
        where = f"entry 'adverse_events.unions.{name}"
        if name in asked.terms:
            yield f"{where}': '{name}' is an adverse event already"
        if union.label in asked.terms.values():
            yield f"{where}.label': an adverse event has this label"
        for term in union.terms:
            if term not in asked.terms:
                yield f"{where}.terms': no adverse event '{term}'{nearest(term, asked.terms)}"
    for arm, terms in asked.cannot_have.items():
        where = f"entry 'adverse_events.cannot_have.{arm}'"
        if arm not in study.arms.levels:
            yield f"{where}: '{arm}' is no arm ({listed(study.arms.levels)})"
        for term in terms:
            if term not in asked.terms:
                yield f"{where}: no adverse event '{term}'{nearest(term, asked.terms)}"


def _kinds(asked: AdverseEvents) -> Iterator[str]:
    seen: list[str] = []
    for name, kind in asked.kinds.items():
        for term in kind.terms:
            where = f"entry 'adverse_events.kinds.{name}.terms'"
            if term not in asked.terms:
                yield f"{where}: no adverse event '{term}'{nearest(term, asked.terms)}"
            elif term in seen:
                yield f"{where}: '{term}' is of another kind already"
            seen.append(term)


def _events_by(study: StudyFile, where: str, by: EventsBy) -> Iterator[str]:
    yield from known_variables(study, f"{where}.variable'", [by.variable])
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
