"""What a matched comparison rests on: the propensity score by arm, who has nobody like them, how firm the pairs are.

The pairs themselves are populations of the cohort (`helpers.cohort.pairing`). Comparing treated patients with partners
as near as they are estimates the effect in the treated who could be matched.
"""

import numpy as np
import pandas as pd

from helpers import describe
from helpers.cohort import Cohort
from helpers.cohort.pairing import Propensity, caliper_width, pairs, propensity_score
from helpers.cox import effect, maximise
from helpers.cox.models import EFFECT
from helpers.ledger import STATISTICS_OF, at_label, wide
from helpers.study import Study
from helpers.thresholds import COSTLY, MANY

BELOW, ABOVE = "below every value of the other arm", "above every value of the other arm"
BESIDE = "on either side of the only value of the other arm"
BINS = 20
QUANTILES = {"minimum": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "maximum": 1.0}
STABILITY = STATISTICS_OF["stability"]
ORDERS_DRAWN, DRAWN = 20, "draws"
SCORE = STATISTICS_OF["propensity"]


def sources(cohort: Cohort, population: str | None = None) -> list[str]:
    """The populations in which the study models who is treated; a matched one stands for where it comes from."""
    if cohort.study.propensity is None:
        return []
    asked = [population] if population else cohort.study.propensity.populations
    return list(dict.fromkeys(_source(cohort, each) for each in asked))


def matched(cohort: Cohort, population: str | None = None) -> list[str]:
    """The matched populations, or the one named if it is one; else those matched out of it.

    Those of populations conditioned on what happened after treatment began must be named.
    """
    if population in cohort.pairs:
        return [population]
    found = [name for name in cohort.pairs if population in (None, _source(cohort, name))]
    return [name for name in found if population is not None or name not in cohort.study.conditioned]


def baselines(cohort: Cohort, population: str | None = None) -> dict[str, pd.DataFrame]:
    """The frames of Table 1 by name, each of the matched populations and of those they come from.

    `balance` has the covariates of the propensity score too.
    """
    study, names = cohort.study, matched(cohort, population)
    where = list(dict.fromkeys(each for name in names for each in (_source(cohort, name), name)))
    covariates = study.propensity.covariates if study.propensity else []
    variables = list(dict.fromkeys([*study.table_one.variables, *covariates]))
    functions = (describe.counts, describe.summaries, describe.comparisons, describe.balance)
    frames = {each.__name__: [] for each in functions}
    for name in where:
        for each in functions[:3]:
            frames[each.__name__].append(each(cohort, name))
        frames["balance"].append(describe.balance(cohort, name, variables=variables))
    empty = {name: wide([], []) for name in frames}
    return {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()} if where else empty


def scores(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """The propensity score by arm: known in how many, its spread, and how many the other arm's scores do not reach."""
    records = []
    for where in sources(cohort, population):
        propensity = propensity_score(cohort.study, cohort.rows(where))
        for arm, everybody in _arms(cohort, where).items():
            inside = propensity.score[propensity.score.index.isin(everybody.index)]
            other = propensity.score[~propensity.score.index.isin(everybody.index)]
            key = {"population": where, "analysis": "propensity", "model": "logistic", "group": arm}
            key |= {"n": len(inside), "n_missing": len(everybody) - len(inside), "method": "logistic regression"}
            if propensity.problem:
                records.append({**key, "not_estimable": {"mean": propensity.problem}})
                continue
            spread = dict(zip(QUANTILES, np.quantile(inside, list(QUANTILES.values())), strict=True))
            outside = ((inside < other.min()) | (inside > other.max())).sum()
            records.append({**key, **spread, "mean": inside.mean(), "sd": inside.std(), "n_outside": outside})
    return wide(records, SCORE)


def positivity(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Where one arm has nobody to compare with: levels of covariates that hold one arm only, by arm.

    Of a number, the patients of an arm beyond every value of the other, or beside the only one it has, where they are
    more than a tenth of the arm; `at` is that value. Rosenbaum & Rubin (1983) require that everybody could have had
    either treatment.
    """
    records = []
    for where in sources(cohort, population):
        arms = _arms(cohort, where)
        for name in cohort.study.propensity.covariates:
            key = {"population": where, "analysis": "propensity", "model": "logistic", "variable": name}
            for level in cohort.study.level_labels(name):
                counts = {arm: int((rows[name] == level).sum()) for arm, rows in arms.items()}
                if min(counts.values()) == 0 < max(counts.values()):
                    records += [{**key, "level": level, "group": arm, "n": n} for arm, n in counts.items()]
            if not cohort.study.level_labels(name):
                records += [{**key, **each} for each in _beyond(name, arms)]
    return wide(records, SCORE)


def overlap(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """How the score is spread, for drawing: patients of each arm in twentieths of it, before and after matching.

    `at` is the lower end of each twentieth.
    """
    edges, records = np.linspace(0, 1, BINS + 1), []
    for where in sources(cohort, population):
        score = propensity_score(cohort.study, cohort.rows(where)).score
        for name in [where, *(each for each in cohort.pairs if _source(cohort, each) == where)]:
            for arm, rows in _arms(cohort, name).items():
                counts = np.histogram(score[score.index.isin(rows.index)], edges)[0]
                key = {"population": name, "analysis": "propensity", "model": "logistic", "group": arm}
                records += [{**key, "at": at_label(round(a, 6)), "n": n} for a, n in zip(edges, counts, strict=False)]
    return wide(records, SCORE)


def stability(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """The hazard ratio for treatment among pairs made in each order and within each caliper of the study file.

    `model` is the order, `at` the caliper, empty for none; pairs as in the matched population otherwise. A random order
    is one of many: within the population's own caliper a row with `group` has the smallest and the largest ratio over
    `n_draw` of them.
    """
    study, records = cohort.study, []
    for name in matched(cohort, population):
        rule, where = study.all_populations[name].matching, _source(cohort, name)
        propensity = propensity_score(study, cohort.rows(where))
        for order in study.propensity.orders:
            for caliper in study.propensity.calipers:
                width = caliper_width(propensity, caliper, rule.scale, rule.caliper_sd)
                made = pairs(propensity, scale=rule.scale, width=width, order=order, seed=study.seed)
                key = {"population": name, "analysis": "stability", "model": order}
                key |= {"at": "" if caliper == "none" else at_label(caliper), "reference": study.arms.reference}
                records += _among(cohort, where, made, {**key, "variable": study.arms.column})
                if order == "random" and caliper == rule.caliper:
                    given = {"scale": rule.scale, "width": width, "order": order}
                    drawn = [pairs(propensity, **given, seed=each) for each in _seeds(study, propensity)]
                    records += _spread(cohort, where, drawn, key)
    return wide(records, STABILITY)


def _seeds(study: Study, propensity: Propensity) -> list[int]:
    """A seed a random order, fewer of many patients."""
    n = max(1, min(ORDERS_DRAWN, ORDERS_DRAWN * MANY // max(1, len(propensity.score))))
    return [int(each) for each in np.random.SeedSequence(study.seed).generate_state(n)]


def _spread(cohort: Cohort, where: str, drawn: list[pd.DataFrame], key: dict) -> list[dict]:
    """The smallest and the largest hazard ratio over several makings of pairs, a row an endpoint."""
    rows = pd.DataFrame([row for made in drawn for row in _among(cohort, where, made, {})])
    records = []
    for endpoint in cohort.study.propensity.endpoints:
        known = rows.loc[rows["endpoint"] == endpoint, "hr"].dropna()
        ends = {"hr_least": known.min(), "hr_most": known.max()} if len(known) else {}
        why = {} if len(known) else dict.fromkeys(("hr_least", "hr_most"), "no pair is within the caliper")
        own = {"endpoint": endpoint, "group": DRAWN, "method": "pairs made in random orders"}
        records.append({**key, **own, "n_draw": len(drawn), **ends, "not_estimable": why})
    return records


def _among(cohort: Cohort, where: str, made: pd.DataFrame, key: dict) -> list[dict]:
    """The hazard ratio among the patients of some pairs, a row an endpoint."""
    arms, rows = cohort.study.arms, [*made["treated"], *made["reference"]]
    records = []
    for endpoint in cohort.study.propensity.endpoints:
        everybody = cohort.with_outcome(endpoint, where, variables=[])
        known = everybody[everybody.index.isin(rows) & everybody["time"].notna()]
        found = effect(cohort.study, maximise(cohort.study, known, [arms.column]), (arms.column, arms.treated))
        blank = found.get("not_estimable", {})
        if made.empty:
            found, blank = {}, dict.fromkeys(EFFECT, "no pair is within the caliper")
        text = {"endpoint": endpoint, "level": arms.treated, "method": "Cox regression, Efron ties"}
        records.append({**key, **text, "n": len(rows), **found, "not_estimable": blank})
    return records


def _beyond(name: str, arms: dict[str, pd.DataFrame]) -> list[dict]:
    """Patients of an arm beyond every value the other has, where they are many."""
    found = []
    for (arm, rows), (_, others) in zip(arms.items(), reversed(arms.items()), strict=True):
        values, other = rows[name].dropna(), others[name].dropna()
        if values.empty or other.empty:
            continue
        low, high = other.min(), other.max()
        ends = [(low, BELOW, values < low), (high, ABOVE, values > high)]
        if low == high:
            ends = [(low, BESIDE, values != low)]
        for end, text, outside in ends:
            if outside.sum() > COSTLY * len(values):
                counted = {"n_outside": outside.sum(), "n": len(values), "method": text}
                found.append({"group": arm, "at": at_label(float(end)), **counted})
    return found


def _arms(cohort: Cohort, population: str) -> dict[str, pd.DataFrame]:
    rows = cohort.groups(population)
    return {arm: rows[arm] for arm in cohort.study.arms.levels}


def _source(cohort: Cohort, population: str) -> str:
    """The population a matched one comes from, any other itself."""
    return cohort.study.all_populations[population].of if population in cohort.pairs else population
