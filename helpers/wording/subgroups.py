"""Sentences on subgroups and on comparisons within an arm."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.wording.phrases import direction


def subgroups(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where the effect of treatment differs between levels, how many tests were made and how many differ by chance."""
    tests = pivot(select(rows, analysis="interaction"))
    said = []
    for _, which in tests[["population", "endpoint"]].drop_duplicates().iterrows():
        frame = select(tests, **which)
        tested = int(frame["n_tested"].max())
        label = study.endpoints[which["endpoint"]].label + study.of_population(which["population"])
        if not tested:
            said.append(f"{label}: no interaction could be tested.")
            continue
        level = 1 - study.confidence
        chance = notation.number(tested * level, 1)
        below = frame[frame["p_lrt"] < 1 - study.confidence].sort_values("p_lrt", kind="stable")
        texts = []
        for _, row in below.iterrows():
            p = f"{notation.p_equals(row['p_lrt'])}, after Holm's correction {notation.p_value(row['p_holm'])}"
            texts.append(f"{study.label(row['variable'])} ({p})")
        found = f"these have: {', '.join(texts)}" if texts else "none has"
        said.append(
            f"{label}: {tested} interactions with treatment were tested, of which {chance} would have P below "
            f"{level:.2g} by chance; {found}."
        )
    return Sentences((*said, "Subgroup analyses are exploratory.") if said else ())


def within_arm(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Each level against the reference, alone and adjusted, an endpoint a sentence, from ledger rows."""
    wide = pivot(select(rows, analysis=["cox_univariable", "cox_multivariable"]))
    said = []
    for asked in study.within_arm:
        levels = study.level_labels(asked.variable)
        against = notation.within(levels[study.reference(asked.variable)])
        for endpoint in asked.endpoints:
            frame = select(wide, population=asked.population, endpoint=endpoint, variable=asked.variable)
            texts = []
            for level in [each for each in levels if each != study.reference(asked.variable)]:
                alone = select(frame, analysis="cox_univariable", level=level)
                adjusted = select(frame, analysis="cox_multivariable", model=asked.name, level=level)
                if alone["hr"].notna().any() and len(adjusted):
                    texts.append(f"{notation.within(levels[level])} {_both(alone.iloc[0], adjusted.iloc[0])}")
            label = study.endpoints[endpoint].label
            said += [f"{label}, hazard ratios against {against}: {'; '.join(texts)}."] if texts else []
    return Sentences(tuple(said))


def _both(alone: pd.Series, adjusted: pd.Series) -> str:
    """Both hazard ratios, and whether the adjusted one leaves out one."""
    ratios = [notation.hazard_ratio(*each[["hr", "hr_low", "hr_high"]]) for each in (alone, adjusted)]
    clear = direction(adjusted["hr_low"], adjusted["hr_high"], 1) != "unclear"
    verdict = "" if clear or adjusted["hr"] != adjusted["hr"] else ", not shown to differ"
    return f"{ratios[0]} alone and {ratios[1]} adjusted{verdict}"
