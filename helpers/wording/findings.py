"""The whole in sentences: the report's first page, and what agrees with the printed numbers."""

import pandas as pd

from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.wording.effects import factors, proportionality, treatment
from helpers.wording.matching import designs, matching, positivity
from helpers.wording.subgroups import subgroups, within_arm
from helpers.wording.survival import cohort, survival
from helpers.wording.toxicity import adverse_events


def key_findings(
    rows: pd.DataFrame, *, study: Study, population: str = "primary", interval: str | None = None
) -> Sentences:
    """The results on one page, a sentence each, in the order of the report; what was not computed is not mentioned."""
    parts: list[str] = [study.mark + "."] if study.mark else []
    flow = select(rows, analysis="flow")
    if len(flow):
        parts += cohort(pivot(flow), study=study, population=population).sentences
    if len(select(rows, analysis="kaplan_meier")):
        parts += survival(rows, study=study, interval=interval).sentences
    if len(select(rows, analysis=["cox_univariable", "cox_multivariable"])):
        parts += proportionality(rows, study=study).sentences
        parts += treatment(rows, study=study).sentences
        parts += factors(rows, study=study).sentences
    if len(select(rows, analysis="propensity")):
        parts += positivity(rows, study=study).sentences
        parts += matching(rows, study=study).sentences
        parts += designs(rows, study=study).sentences
    parts += subgroups(rows, study=study).sentences
    parts += within_arm(rows, study=study).sentences
    if study.adverse_events and len(select(rows, variable=list(study.adverse_events.terms))):
        parts += adverse_events(rows, study=study).sentences
    parts.append(
        "These are associations: the comparison does not rest on randomisation, and confounding can explain it."
    )
    return Sentences(tuple(parts), bullets=True)


def scorecard(by_place: pd.DataFrame, *, study: Study) -> Sentences:
    """How many printed numbers are computed here and agree, and what that is worth."""
    row = by_place.iloc[-1]
    said = (
        f"The paper prints {row['printed']} numbers, {row['different']} different ones; {row['computed']} of the "
        f"{row['printed']} have a computed partner. Of these {row['agrees']} agree to the printed digit, "
        f"{row['differs']} differ and {row['not estimable']} cannot be estimated."
    )
    return Sentences(tuple(each for each in (study.caution, said) if each))
