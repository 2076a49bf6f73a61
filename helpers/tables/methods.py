"""Tables of the Methods section: populations, versions, the STROBE statement and the trial imitated."""

from collections.abc import Iterable

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.analyses import Matching
from helpers.study.hindsight import is_hindsight
from helpers.study.schema import OVERALL
from helpers.tables.layout import finished, heading
from helpers.versions import PACKAGES, versions

EVERYWHERE = ("characteristics", "curves", "rates", "restricted means")
UNASSIGNED = "Patients screened who are in neither arm count overall."
LATER = "‡ Chosen by what is known only after time zero: its comparisons are conditioned on what happened later."
STROBE = (
    "Items of the STROBE statement for cohort studies (von Elm E et al. Lancet 2007;370:1453–1457), worded for this "
    "report."
)
TARGET = (
    "Parts of the protocol after Hernán MA and Robins JM (Am J Epidemiol 2016;183:758–764), laid side by side as the "
    "TARGET statement asks (Cashin AG et al. BMJ 2025;390:e087179)."
)


def populations(flow: pd.DataFrame, *, study: Study) -> Table:
    """Each analysis set: of which it is made and how, its patients overall and by arm, and where it is used."""
    rows = []
    for name, population in study.all_populations.items():
        sizes = [select(flow, population=name, variable="", group=group)["n"].iloc[0] for group in study.groups]
        label = population.label + ("\u00a0‡" if name != "screened" and is_hindsight(study, name) else "")
        cells = (_made(study, flow, name), *(notation.count(n) for n in sizes), "; ".join(_used(study, name)))
        rows.append(Row((label, *cells)))
    notes = ["In brackets: patients who leave at the step."] if any("(" in row.cells[1] for row in rows) else []
    notes += [UNASSIGNED] if _unassigned(flow, study) else []
    notes += [LATER] if any("‡" in row.cells[0] for row in rows) else []
    header = ("Population", "Made of", *(study.group_label(group) for group in study.groups), "Used in")
    return finished(Table("populations", "Populations", header, tuple(rows), tuple(notes)), study)


def _unassigned(flow: pd.DataFrame, study: Study) -> bool:
    sizes = select(flow, population="screened", variable="").set_index("group")["n"]
    return bool(sizes[list(study.arms.levels)].sum() < sizes[OVERALL])


def _made(study: Study, flow: pd.DataFrame, name: str) -> str:
    population = study.all_populations[name]
    if name == "screened":
        return "Every row of the table of patients"
    source = notation.within(study.all_populations[population.of].label)
    if population.matching:
        return f"Pairs out of {source}: {_pairing(population.matching)}"
    left = select(flow, population=name, group=OVERALL)
    left = left[left["variable"] != ""]
    told = study.reasons(name)
    steps = [
        f"{notation.within(told[row['variable']])} ({notation.count(row['n_excluded'])})" for _, row in left.iterrows()
    ]
    return f"{source[0].upper()}{source[1:]}, without: {'; '.join(steps)}" if steps else f"All of {source}"


def _pairing(rule: Matching) -> str:
    caliper = "no caliper" if rule.caliper == "none" else f"caliper {rule.caliper:g} SD"
    return f"1:1, {'logit of the ' if rule.scale == 'logit' else ''}propensity score, {caliper}"


def _used(study: Study, name: str) -> list[str]:
    """The analyses of the study file in a population."""
    if name == "screened":
        return ["flow of patients"]
    found = list(EVERYWHERE) if name == "primary" else []
    compared = study.all_populations[name].matching and name not in study.conditioned and study.propensity
    found += ["characteristics before and after matching"] if compared else []
    found += ["univariable Cox models"] if any(each.population == name for each in study.univariable) else []
    models = [specs[0].label for specs in study.models.values() if any(each.population == name for each in specs)]
    found += [f"model “{notation.within(label)}”" for label in models]
    asked = {"weights": study.propensity, "splines": study.splines, "subgroups": study.subgroups}
    found += [what for what, entry in asked.items() if entry and name in entry.populations]
    found += [f"levels of {_within(study, each.variable)}" for each in study.within_arm if each.population == name]
    found += _timed(study, name)
    events = study.adverse_events
    found += ["adverse events"] if events and name == "primary" else []
    found += [
        f"adverse events by {_within(study, by.variable)}"
        for by in (events.by if events else [])
        if by.population == name
    ]
    made = [each.label for each in study.populations.values() if each.of == name]
    return [*dict.fromkeys(found), *(f"making “{label}”" for label in made if name != "primary")]


def _timed(study: Study, name: str) -> Iterable[str]:
    if study.exposure and name == study.exposure.population:
        yield "treatment that begins, landmarks, clones"
    if study.exposure and name in study.exposure.exclusions:
        yield "what excluding by later events does"
    if study.progression and name == "primary":
        yield "progression"


def _within(study: Study, variable: str) -> str:
    return notation.within(study.variables[variable].label)


def software(study: Study) -> Table:
    """The packages installed and what each is for; Python's own version is in the provenance."""
    purpose = {"helpers": "all statistics, tables, figures and sentences", **PACKAGES}
    rows = tuple(Row((name, version, purpose[name])) for name, version in versions().items())
    note = "The version of Python is in the provenance at the end of the report."
    return Table("software", "Software", ("Package", "Version", "Used for"), rows, (note,))


def strobe(items: Iterable[tuple[str, str, str, str]], *, study: Study) -> Table:
    """Items of the STROBE statement (part, number, what is asked, answer) under the part they belong to."""
    rows: list[Row] = []
    parts: list[str] = []
    for part, number, asked, answer in items:
        if part not in parts:
            parts.append(part)
            rows.append(heading(part, 3))
        rows.append(Row((number, asked, answer)))
    header = ("Item", "What is asked", "Where it is answered")
    return finished(Table("strobe", "The STROBE statement, item by item", header, tuple(rows), (STROBE,)), study)


def target_trial(parts: Iterable[tuple[str, str, str, str]], *, study: Study) -> Table:
    """Parts of the protocol of the trial imitated (name, trial, cohort, shortfall)."""
    rows = tuple(Row(tuple(each)) for each in parts)
    header = ("Part", "The trial imitated", "This cohort", "Where it falls short")
    return finished(Table("target_trial", "The trial this cohort imitates", header, rows, (TARGET,)), study)
