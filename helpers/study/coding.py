"""Codes that mean two things, or labels that name two, each as one sentence."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from helpers.cells import plain
from helpers.errors import listed
from helpers.study.schema import ALWAYS, StudyFile, Variable

ENDPOINT_COLUMNS = ("time", "event", "index_date", "event_dates", "last_contact")


class _Coded(NamedTuple):
    """An entry of the study file whose codes mean something, what they are, and the codes that mean `empty` there."""

    entry: str
    what: str
    codes: Iterable[object]
    empty: Iterable[object]


def coding(study: StudyFile) -> Iterator[str]:
    """Sentences on codes and labels that cannot be told apart."""
    whole = {plain(code) for code in study.cohort.missing}
    for coded in _coded(study):
        own = {plain(code) for code in coded.empty}
        for code in coded.codes:
            if plain(code) in whole:
                yield (
                    f"entry 'cohort.missing': '{code}' is also {coded.what}; take it out of this list, and where it "
                    "means empty name it in the entry 'missing' of the variable or endpoint"
                )
            if plain(code) in own:
                yield f"entry '{coded.entry}.missing': '{code}' is also {coded.what}"
    yield from _one_code("arms.levels", study.arms.levels)
    for name, variable in study.variables.items():
        yield from _levels(f"variables.{name}", variable)
    for name, endpoint in study.endpoints.items():
        happened, censored = (
            set(map(plain, values or [])) for values in (endpoint.event_values, endpoint.censored_values)
        )
        if happened & censored:
            both = listed(sorted(happened & censored))
            yield f"entry 'endpoints.{name}.event_values': {both} cannot mean both event and censored"
    yield from _endpoint_codes(study)
    yield from _one_label("endpoints", "endpoints", {name: each.label for name, each in study.endpoints.items()})
    populations = {name: each.label for name, each in study.populations.items()}
    yield from _one_label("populations", "populations", {**ALWAYS, **populations})
    if study.adverse_events:
        yield from _unknown(study)
        groups = {name: group.label for name, group in study.adverse_events.groups.items()}
        yield from _one_label("adverse_events.groups", "groups of grades", groups)


def _coded(study: StudyFile) -> Iterator[_Coded]:
    yield _Coded("arms", "a level of the arms", study.arms.levels, study.arms.missing)
    for name, variable in study.variables.items():
        if not variable.cut:
            yield _Coded(f"variables.{name}", f"a level of '{name}'", variable.levels or {}, variable.missing)
    for name, endpoint in study.endpoints.items():
        codes = [*(endpoint.event_values or []), *(endpoint.censored_values or [])]
        empty = endpoint.missing.get("event", [])
        yield _Coded(f"endpoints.{name}", f"a code of events of endpoint '{name}'", codes, empty)
    asked = study.adverse_events
    if asked:
        yield _Coded("adverse_events", "a grade of the adverse events", asked.grades, asked.missing)
        yield _Coded("adverse_events", "an adverse event", asked.terms if asked.table else [], asked.missing)


def _levels(entry: str, variable: Variable) -> Iterator[str]:
    """Two levels that are one code, or that share a label, counted together or not."""
    levels = variable.levels or {}
    yield from _one_code(f"{entry}.levels", levels)
    unions = {name: union.label for name, union in variable.unions.items()}
    yield from _one_label(f"{entry}.levels", "levels", {**levels, **unions})
    if variable.missing and variable.cut:
        yield f"entry '{entry}.missing' belongs to the variable that is cut, '{variable.cut.variable}'"


def _endpoint_codes(study: StudyFile) -> Iterator[str]:
    """Codes of a column that an endpoint has not, and of one that means something else to another endpoint."""
    seen: dict[str, tuple[str, set[str]]] = {}
    for name, endpoint in study.endpoints.items():
        for entry in endpoint.missing:
            if getattr(endpoint, entry) is None:
                yield f"entry 'endpoints.{name}.missing.{entry}': this endpoint has no '{entry}'"
        for entry in ENDPOINT_COLUMNS:
            given = getattr(endpoint, entry)
            codes = {plain(code) for code in endpoint.missing.get(entry, [])}
            for column in [given] if isinstance(given, str) else given or []:
                other, known = seen.setdefault(column, (name, codes))
                if known != codes:
                    yield (
                        f"entry 'endpoints.{name}.missing': column '{column}' is of endpoint '{other}' too, which "
                        "names other codes for it; a cell means the same everywhere"
                    )


def _unknown(study: StudyFile) -> Iterator[str]:
    """The word for a grade that is not known, in a table of events, where no other list can say it."""
    asked = study.adverse_events
    if asked.table is None:
        return
    if asked.missing:
        yield "entry 'adverse_events.missing' is for grades in columns; in a table the entry 'unknown' has the word"
    if asked.table.unknown is not None and plain(asked.table.unknown) in map(str, asked.grades):
        yield f"entry 'adverse_events.table.unknown': '{asked.table.unknown}' is also a grade"


def _one_code(entry: str, codes: Iterable[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for code in codes:
        if plain(code) in seen:
            yield f"entry '{entry}': '{seen[plain(code)]}' and '{code}' are one and the same code"
        seen.setdefault(plain(code), code)


def _one_label(entry: str, what: str, labels: Mapping[str, str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, label in labels.items():
        if label.strip() in seen:
            yield f"entry '{entry}': the {what} '{seen[label.strip()]}' and '{name}' have the same label, '{label}'"
        seen.setdefault(label.strip(), name)
