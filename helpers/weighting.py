"""The effect of treatment with patients weighted by their propensity score, each weight with the effect it estimates.

Li, Morgan & Zaslavsky (2018) for overlap weights; Rosenbaum (1987) for inverse probabilities. A marginal Cox model with
treatment alone; the covariance is Lin & Wei's (1989) with each patient a cluster, which takes the weights as known.
"""

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cohort.pairing import Propensity, propensity_score
from helpers.cox import effect, maximise
from helpers.cox.diagnostics import PERIOD, PROPORTIONALITY, log_time_test, period_rows
from helpers.cox.models import EFFECT, FittedModel
from helpers.describe import balance
from helpers.ledger import STATISTICS_OF, wide
from helpers.matching import sources
from helpers.names.designs import LOG_TIME
from helpers.names.weights import WEIGHTS
from helpers.study.analyses import Model
from helpers.study.variants import variant

WEIGHTED = STATISTICS_OF["cox_weighted"]


def weights(propensity: Propensity) -> dict[str, pd.Series]:
    """Weights by cohort row, of the treated and the others: 1 - e and e, 1/e and 1/(1 - e), 1 and e/(1 - e)."""
    e, treated = propensity.score, propensity.treated
    return {
        "overlap": (1 - e).where(treated, e),
        "iptw": (1 / e).where(treated, 1 / (1 - e)),
        "att": pd.Series(1.0, index=e.index).where(treated, e / (1 - e)),
    }


def weighted(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """The hazard ratio for treatment under every weight, a row a weight and endpoint.

    `n_effective` is Kish's (1965) effective number of patients, both arms together, and by arm in a row of its own
    (`group`); `n_missing` are without a score.
    """
    study, records = cohort.study, []
    for where in sources(cohort, population):
        propensity = propensity_score(study, cohort.rows(where))
        for endpoint in study.propensity.endpoints:
            everybody = cohort.with_outcome(endpoint, where, variables=[])
            scored = everybody[everybody.index.isin(propensity.score.index)]
            known = scored[scored["time"].notna()]
            counts = {"n": len(known), "n_event": known["event"].sum(), "n_missing": len(everybody) - len(scored)}
            counts |= {"n_no_time": len(scored) - len(known)}
            for model, weight in weights(propensity).items():
                key = {"population": where, "endpoint": endpoint, "analysis": "cox_weighted", "model": model}
                key |= {"variable": study.arms.column, "level": study.arms.treated, "method": WEIGHTS[model].method}
                found = _effect(cohort, known, weight, propensity.problem)
                records.append({**key, "reference": study.arms.reference, **counts, **found})
                records += _by_arm(cohort, known, weight, key) if not propensity.problem else []
    return wide(records, WEIGHTED)


def _by_arm(cohort: Cohort, known: pd.DataFrame, weight: pd.Series, key: dict[str, str]) -> list[dict]:
    """The patients of each arm and the number they are worth under a weight."""
    arms, own = (
        cohort.study.arms,
        {name: key[name] for name in ("population", "endpoint", "analysis", "model", "method")},
    )
    groups = {arm: known.index[known[arms.column] == arm] for arm in arms.levels}
    return [
        {**own, "group": arm, "n": len(rows), "n_effective": _kish(weight.loc[rows])} for arm, rows in groups.items()
    ]


def _kish(weight: pd.Series) -> float:
    """The patients that would carry as much information without weights (Kish, 1965)."""
    return float(np.square(weight.sum()) / np.square(weight).sum()) if len(weight) else 0.0


def weighted_proportionality(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Whether hazards are proportional under every weight, model `weight:cox_weighted`, a row a weight and endpoint.

    The Wald test of treatment times the logarithm of time, each patient a cluster; where P is below the study's level
    the hazard ratio by period follows, as in `cox.periods`.
    """
    study, arm, rows = cohort.study, cohort.study.arms.column, []
    for where in sources(cohort, population):
        propensity = propensity_score(study, cohort.rows(where))
        for endpoint in study.propensity.endpoints if not propensity.problem else ():
            outcome = cohort.with_outcome(endpoint, where, variables=[])
            known = outcome[outcome.index.isin(propensity.score.index) & outcome["time"].notna()]
            for name, weight in weights(propensity).items():
                given, patients = weight.loc[known.index], pd.Series(known.index, index=known.index)
                maximum = maximise(study, known, [arm], clusters=patients, weights=given)
                key = {"population": where, "endpoint": endpoint, "model": variant(name, "cox_weighted")}
                spec = Model(label="Treatment alone", endpoints=[endpoint], covariates=[arm])
                model = FittedModel(key, spec, [arm], known, {}, {}, maximum)
                tested = log_time_test(study, model, patients, given)
                rows.append({**key, "analysis": "diagnostics", "variable": arm, "method": LOG_TIME, **tested})
                if tested.get("p_proportional", 1) < 1 - study.confidence:
                    rows += period_rows(study, model, patients, given)
    return wide(rows, list(dict.fromkeys([*PROPORTIONALITY, *PERIOD])))


def weighted_balance(cohort: Cohort, population: str | None = None) -> pd.DataFrame:
    """Balance of the propensity score's covariates under every weight, as in `describe.balance`."""
    names, frames = cohort.study.propensity.covariates if cohort.study.propensity else [], []
    for where in sources(cohort, population):
        propensity = propensity_score(cohort.study, cohort.rows(where))
        for model, weight in weights(propensity).items() if not propensity.problem else ():
            frames.append(balance(cohort, where, variables=names, weights=weight, model=model))
    return pd.concat(frames, ignore_index=True) if frames else wide([], STATISTICS_OF["balance"])


def _effect(cohort: Cohort, known: pd.DataFrame, weight: pd.Series, problem: str) -> dict:
    arms = cohort.study.arms
    if problem:
        return {"not_estimable": dict.fromkeys(EFFECT, problem)}
    given = weight.loc[known.index]
    rows = pd.Series(known.index, index=known.index)
    maximum = maximise(cohort.study, known, [arms.column], clusters=rows, weights=given)
    return {"n_effective": _kish(given), **effect(cohort.study, maximum, (arms.column, arms.treated))}
