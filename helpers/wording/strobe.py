"""The STROBE statement for cohort studies, item by item in our words, each with where the report answers it.

von Elm et al. (2007): 22 items, some in parts. What no table of patients knows comes from [reporting] of the study
file, or is said to belong in the manuscript.
"""

from typing import NamedTuple

from helpers.exhibits import refer
from helpers.sections import (
    COHORT,
    FACTORS,
    KEY_FINDINGS,
    METHODS,
    SECTIONS,
    SENSITIVITY,
    SUBGROUPS,
    SURVIVAL,
    Section,
    left_out,
)
from helpers.study import Study
from helpers.wording.methods import PARAGRAPHS


class Item(NamedTuple):
    """An item or a part of one: its place in the statement, number, what it asks, where it is answered."""

    part: str
    number: str
    asked: str
    answer: str


ASKED = {
    "Title and abstract": {
        "1a": "Name the design in the title or the abstract, in a term readers know.",
        "1b": "Let the abstract sum up fairly what was done and what came out.",
    },
    "Introduction": {
        "2": "Why the study was made: what is known and what is not.",
        "3": "What exactly it set out to find, hypotheses made before it included.",
    },
    "Methods": {
        "4": "The main features of the design, early.",
        "5": "Where and when: places, and dates of recruitment, exposure, follow-up and data collection.",
        "6a": "Who could take part, where from and how they were chosen; how they were followed.",
        "6b": "If matched: by what, and how many exposed and unexposed.",
        "7": "Outcomes, exposures, predictors, possible confounders and effect modifiers defined, and how diagnosed.",
        "8": "For each variable its source and how it was measured, and whether alike in both arms.",
        "9": "What was done about bias.",
        "10": "How the number of patients came about.",
        "11": "How numbers were handled: which groups were formed, and why.",
        "12a": "All statistical methods, those against confounding included.",
        "12b": "Methods for subgroups and interactions.",
        "12c": "What was done about missing values.",
        "12d": "What was done about loss to follow-up.",
        "12e": "Sensitivity analyses.",
    },
    "Results": {
        "13a": "How many were there at each stage, from possibly eligible to analysed.",
        "13b": "Why patients left at each stage.",
        "13c": "A flow diagram.",
        "14a": "Who the patients are, and their exposures and possible confounders, by arm.",
        "14b": "How many values are missing in each variable.",
        "14c": "How long patients were followed.",
        "15": "How many events there were, or how outcomes ran over time.",
        "16a": "Estimates unadjusted and adjusted, with their precision; which confounders, and why these.",
        "16b": "The bounds of categories formed from numbers.",
        "16c": "If of use, absolute instead of relative risks, over a span that matters.",
        "17": "Other analyses: subgroups, interactions, sensitivity.",
    },
    "Discussion": {
        "18": "The main results against what was asked.",
        "19": "Limitations: sources of bias and imprecision, their direction and size.",
        "20": "A careful reading of it all, given aims, limitations, many analyses and other studies.",
        "21": "To whom else the results apply.",
    },
    "Other information": {
        "22": "Who paid, and what part they had.",
    },
}


def strobe(study: Study, population: str = "primary") -> tuple[Item, ...]:
    """Every item and part of the statement in its order, with its answer in this report of this study."""
    answers = {
        **_introduction(study),
        **_who(study, population),
        **_how(study),
        **_patients(study, population),
        **_results(study),
        **_discussion(study),
    }
    return tuple(
        Item(part, number, asked, answers[number]) for part, items in ASKED.items() for number, asked in items.items()
    )


def _introduction(study: Study) -> dict[str, str]:
    named = "The title of the study file names it" if "cohort" in study.title.casefold() else "Not in the study's title"
    design = "randomised trial" if study.randomised else "retrospective cohort study"
    return {
        "1a": f"{named}; say “{design}” in the manuscript's title or abstract.",
        "1b": f"The abstract belongs in the manuscript; {_section(KEY_FINDINGS)} holds the findings in sentences.",
        "2": _told(study.reporting.background, "background"),
        "3": _told(study.reporting.objective, "objective"),
    }


def _who(study: Study, population: str) -> dict[str, str]:
    """Items 4 to 10."""
    setting = _text("design") if study.reporting.setting else _untold("setting")
    variables = _table("variables", "variables", METHODS)
    modifiers = f"; effect modifiers: {_section(SUBGROUPS)}" if study.subgroups else ""
    assessed = (
        f"{_text('outcomes')}, for all patients alike as far as the data tell"
        if study.reporting.assessment
        else _untold("assessment")
    )
    texts = [name for name in ("regression", "propensity", "exposure", "confounding") if _asked(study, name)]
    return {
        "4": _text("design"),
        "5": setting,
        "6a": _join(_flow(population), _text("design"), _text("outcomes")),
        "6b": _matched(study),
        "7": _join(_text("outcomes"), variables) + modifiers + ". Diagnostic criteria belong in the manuscript.",
        "8": f"{assessed.removesuffix('.')}. Units and levels: {variables}. The sources of the data belong in the "
        "manuscript.",
        "9": _join(*(_text(name) for name in texts), _table("target_trial", "target trial", METHODS)),
        "10": _text("design") if study.reporting.sample_size else _untold("sample_size"),
    }


def _how(study: Study) -> dict[str, str]:
    """Items 11 and 12."""
    cut = any(entry.cut for entry in study.variables.values())
    why = (
        " Why these groups were formed belongs in the manuscript."
        if cut
        else " No categories were formed from numbers."
    )
    curves = [_text("splines")] if study.splines else []
    texts = [name for name in PARAGRAPHS if _asked(study, name) and name not in ("design", "outcomes")]
    sensitivity = ("missing", "propensity", *SENSITIVITY.methods)
    return {
        "11": f"{_join(_table('variables', 'variables', METHODS), *curves)}.{why}",
        "12a": _join(*(_text(name) for name in texts)),
        "12b": _text("subgroups") if study.subgroups else "No: the study file asks for no subgroups.",
        "12c": _text("missing"),
        "12d": f"{_text('outcomes')}: who is lost is censored at the time recorded; whom eligibility left out: "
        f"{_text('design')}. Nothing was weighted or imputed for it.",
        "12e": _join(*(_text(name) for name in sensitivity if _asked(study, name))),
    }


def _patients(study: Study, population: str) -> dict[str, str]:
    """Items 13 and 14."""
    return {
        "13a": _join(_flow(population), _table("populations", "populations", METHODS))
        + ". Who was never put on the table of patients is not in the data.",
        "13b": _flow(population),
        "13c": _flow(population),
        "14a": _table("baseline", "characteristics by arm", COHORT),
        "14b": _join(_table("variables", "variables", METHODS), _table("baseline", "characteristics", COHORT)),
        "14c": _table("medians", "follow-up and medians", SURVIVAL),
    }


def _results(study: Study) -> dict[str, str]:
    """Items 15 to 17."""
    curves = [_curve(study, endpoint) for endpoint in study.endpoints]
    absolute = [_table("rates", "rates", SURVIVAL), _table("restricted_means", "restricted means", SURVIVAL)]
    models = [_table(name, label, FACTORS) for name, label in _prognostic(study).items()]
    why = (
        ". Why each confounder was chosen belongs in the manuscript."
        if study.models
        else ". The study file names no model that adjusts."
    )
    without = left_out(study)
    beside = [_section(each) for each in SECTIONS if "17" in each.strobe and each.name not in without]
    return {
        "15": _join(_table("medians", "events and medians", SURVIVAL), *curves),
        "16a": (_join(*models) if models else _section(SURVIVAL)) + why,
        "16b": _table("variables", "variables", METHODS),
        "16c": _join(*absolute),
        "17": _join(*beside) if beside else "No: the study file asks for none.",
    }


def _discussion(study: Study) -> dict[str, str]:
    told = study.reporting
    trial = _table("target_trial", "target trial", METHODS)
    paid = f"Funding: {_told(told.funding, 'funding')}" if told.funding else _told(told.funding, "funding")
    role = " What part funders had belongs in the manuscript." if told.funding else ""
    return {
        "18": f"{_section(KEY_FINDINGS)}; set them against the objective in the manuscript.",
        "19": f"{_told(told.limitations, 'limitations')} Where the cohort falls short of a trial: {trial}.",
        "20": _told(told.interpretation, "interpretation"),
        "21": _told(told.generalisability, "generalisability"),
        "22": paid + role,
    }


def _prognostic(study: Study) -> dict[str, str]:
    """Names of the tables of prognostic factors, a model's or an endpoint's without one, and what each is about."""
    within = {(each.name, each.population) for each in study.within_arm}
    fitted = [
        (endpoint, name, model.population)
        for name, models in study.models.items()
        for model in models
        for endpoint in model.endpoints
        if model.population not in study.conditioned and (name, model.population) not in within
    ]
    adjusted = {(endpoint, population) for endpoint, _, population in fitted}
    alone = [
        (endpoint, "", each.population)
        for each in study.univariable
        for endpoint in each.endpoints
        if each.population not in study.conditioned and (endpoint, each.population) not in adjusted
    ]
    found = {}
    for endpoint, name, where in [*fitted, *alone]:
        parts = ("prognostic", endpoint, name, study.beyond_primary(where))
        model = f", model {name}" if name else ""
        found["_".join(part for part in parts if part)] = f"{study.endpoints[endpoint].label}{model}"
    return found


def _matched(study: Study) -> str:
    names = study.paired
    if not names:
        return "Not matched."
    shown = [_table(f"baseline_{name}", "matched patients", FACTORS) for name in names if name not in study.conditioned]
    return _join(_text("propensity"), _table("populations", "populations", METHODS), *shown)


def _asked(study: Study, name: str) -> bool:
    return bool(PARAGRAPHS[name][1](study))


def _told(text: str, entry: str) -> str:
    return text.strip() or _untold(entry)


def _untold(entry: str) -> str:
    return f"Belongs in the manuscript; the study file does not say ('reporting.{entry}')."


def _flow(population: str) -> str:
    return _refer("Figure", f"flow_{population}", "flow of patients", COHORT)


def _curve(study: Study, endpoint: str) -> str:
    return _refer("Figure", f"kaplan_meier_{endpoint}", f"curves of {study.endpoints[endpoint].label}", SURVIVAL)


def _table(name: str, words: str, section: Section) -> str:
    return _refer("Table", name, words, section)


def _refer(kind: str, name: str, words: str, section: Section) -> str:
    return refer(kind, name, f"{words}, {section.words}")


def _text(name: str) -> str:
    return refer("Text", name, f"Methods, {PARAGRAPHS[name][0]}")


def _section(section: Section) -> str:
    return refer("section", section.name, section.words)


def _join(*answers: str) -> str:
    return "; ".join(dict.fromkeys(answers))
