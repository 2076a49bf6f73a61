"""Sentences on subgroups and on comparisons within an arm."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.study import Study
from helpers.study.analyses import WithinArm
from helpers.study.variants import STRATIFIED, UNADJUSTED
from helpers.wording.phrases import direction


def subgroups(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """How many interactions were tested and which differ, what Holm's correction leaves, what could have been shown."""
    found = pivot(select(rows, analysis="interaction"))
    stratified = found[found["model"].str.endswith(STRATIFIED)]
    said = []
    for population in dict.fromkeys(stratified["population"]):
        own = select(stratified, population=population)
        common = select(found[~found["model"].str.endswith(STRATIFIED)], population=population)
        said += _tested(select(own, level=""), common, study) + _detectable(own, study)
    return Sentences((*said, "Subgroup analyses are exploratory.") if said else ())


def interactions_counted(rows: pd.DataFrame, study: Study, population: str) -> str:
    """How many interactions of a population were tested, how many have a small P, which are left after Holm's."""
    found = pivot(select(rows, analysis="interaction", population=population, level=""))
    tests = found[found["model"].str.endswith(STRATIFIED) & found["p_holm"].notna()] if len(found) else found
    if tests.empty:
        return ""
    alpha = 1 - study.confidence
    below, left = (tests[tests[name] < alpha] for name in ("p_lrt", "p_holm"))
    named = "; ".join(_named(study, row) for _, row in left.iterrows())
    return (
        f"{notation.counted(len(tests), 'interaction')} of treatment with subgroups{study.of_population(population)} "
        f"{'was' if len(tests) == 1 else 'were'} tested, all endpoints together: {len(below)} had P below {alpha:.2g}, "
        f"{notation.expected(len(tests) * alpha)} would by chance; {named or 'none'} after Holm's correction."
    )


def _tested(tests: pd.DataFrame, common: pd.DataFrame, study: Study) -> list[str]:
    """The tests of a population: their number, those with a small P, and the P that one baseline hazard gives."""
    tested, place = tests[tests["p_holm"].notna()], study.of_population(tests["population"].iloc[0])
    if tested.empty:
        return [f"No interaction could be tested{place}."]
    alpha = 1 - study.confidence
    beside = common.set_index(["endpoint", "variable"])["p_lrt"]
    texts = []
    for _, row in tested[tested["p_lrt"] < alpha].sort_values("p_lrt", kind="stable").iterrows():
        p = [notation.p_equals(row["p_lrt"]), f"after Holm's correction {notation.p_value(row['p_holm'])}"]
        p += [f"with one baseline hazard {notation.p_value(beside[row['endpoint'], row['variable']])}"]
        texts.append(f"{_named(study, row)} ({', '.join(p)})")
    n = notation.counted(len(tested), "interaction")
    chance = notation.expected(len(tested) * alpha)
    found = f"these have: {'; '.join(texts)}" if texts else "none has"
    return [
        f"{n} with treatment {'was' if len(tested) == 1 else 'were'} tested{place}, all endpoints together, of which "
        f"{chance} would have P below {alpha:.2g} by chance; {found}."
    ]


def _detectable(tests: pd.DataFrame, study: Study) -> list[str]:
    """The ratio of hazard ratios nearest 1 that any of the tests, and the middle one, could have shown."""
    known = tests[tests["detectable_low"].notna()]
    if known.empty:
        return []
    best = known.loc[known["detectable_low"].idxmax()]
    least = notation.ratio(known["detectable_low"].median())
    ends = " or ".join(notation.ratio(best[name]) for name in ("detectable_low", "detectable_high"))
    return [
        "To be found with 80% power, the ratio of two levels' hazard ratios would have had to be "
        f"{ends} or further from 1 in the best of the comparisons ({_named(study, best)}), and {least} or its "
        "reciprocal in half of them. A test that finds nothing does not say that effects are the same.",
    ]


def _named(study: Study, row: pd.Series) -> str:
    return f"{study.label(row['variable'])}, {notation.within(study.endpoints[row['endpoint']].label)}"


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
            said += _per_step(rows, study, asked, endpoint)
    return Sentences(tuple(said))


def _per_step(rows: pd.DataFrame, study: Study, asked: WithinArm, endpoint: str) -> list[str]:
    """The hazard ratio per step of an ordered variable."""
    key = {"population": asked.population, "endpoint": endpoint, "variable": asked.variable}
    found = pivot(select(rows, analysis="trend", **key))
    if found.empty:
        return []
    pair = [select(found, model=model).iloc[0] for model in (UNADJUSTED, asked.name)]
    return [f"{study.endpoints[endpoint].label}, per step of the order: {_both(*pair)}."]


def _both(alone: pd.Series, adjusted: pd.Series) -> str:
    """Both hazard ratios, and whether the adjusted one leaves out one."""
    ratios = [notation.hazard_ratio(*each[["hr", "hr_low", "hr_high"]]) for each in (alone, adjusted)]
    clear = direction(adjusted["hr_low"], adjusted["hr_high"], 1) != "unclear"
    verdict = "" if clear or adjusted["hr"] != adjusted["hr"] else ", not shown to differ"
    return f"{ratios[0]} alone and {ratios[1]} adjusted{verdict}"
