"""Levels of a variable compared within one arm, such as doses among the treated: alone and beside other covariates.

Who was given which level was not drawn by lot either, and a level given late was given to those who had lived until
then; a difference between levels is an association.
"""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from helpers import survival
from helpers.cohort import Cohort
from helpers.cox.design import Maximum, columns, complete_cases
from helpers.cox.kernel import fit
from helpers.cox.models import STATISTICS, effect, fitted, model_rows, one_variable
from helpers.ledger import STATISTICS_OF, percent, select, wide
from helpers.study.analyses import WithinArm
from helpers.study.schema import OVERALL
from helpers.study.variants import UNADJUSTED

EVENTS = ["n", "n_event", "n_missing", "percent"]
STEP = ("step", "")


def medians(cohort: Cohort) -> pd.DataFrame:
    """Median time to event of every level, under both intervals, as `survival.medians`."""
    frames = [
        select(survival.medians(cohort, asked.population, by=asked.variable), endpoint=list(asked.endpoints))
        for asked in cohort.study.within_arm
    ]
    return pd.concat(frames, ignore_index=True) if frames else wide([], STATISTICS_OF["follow_up"])


def events(cohort: Cohort) -> pd.DataFrame:
    """Patients and events of every level; `n_missing` are without a time, and all patients come first."""
    records = []
    for asked in cohort.study.within_arm:
        groups = {OVERALL: cohort.rows(asked.population), **cohort.groups_by(asked.variable, asked.population)}
        for endpoint in asked.endpoints:
            outcomes = cohort.with_outcome(endpoint, asked.population)
            for group, rows in groups.items():
                frame = outcomes.loc[rows.index]
                key = {"population": asked.population, "endpoint": endpoint, "analysis": "count", "group": group}
                blank = {} if len(frame) else {"percent": "no patients"}
                counted = {"n": len(frame), "n_event": frame["event"].sum()}
                counted["percent"] = percent(counted["n_event"], counted["n"])
                text = {"method": f"events of {endpoint}", "not_estimable": blank}
                records.append({**key, **counted, "n_missing": frame["time"].isna().sum(), **text})
    return wide(records, EVENTS)


def univariable(cohort: Cohort) -> pd.DataFrame:
    """Every level against the reference level, alone, as `cox.univariable`."""

    def alone(within: Cohort, asked: WithinArm, endpoint: str) -> list[dict]:
        return one_variable(within, endpoint, asked.variable, asked.population)

    return wide(_compared(cohort, alone), STATISTICS)


def multivariable(cohort: Cohort) -> pd.DataFrame:
    """Every level against the reference level beside the study's covariates, as `cox.multivariable`."""

    def adjusted(within: Cohort, asked: WithinArm, endpoint: str) -> list[dict]:
        key = {"population": asked.population, "endpoint": endpoint, "model": asked.name}
        spec = within.study.model(asked.name, endpoint, asked.population)
        return model_rows(within.study, fitted(within, spec, key))

    return wide(_compared(cohort, adjusted), STATISTICS)


def trends(cohort: Cohort) -> pd.DataFrame:
    """The hazard ratio per step of a compared variable whose levels the study file orders, alone and adjusted.

    Rows of analysis `trend`, model `unadjusted` or the comparison's; patients in no step are left out. No rows where no
    compared variable has an order.
    """
    study, records = cohort.study, []
    for asked in study.within_arm:
        order = study.variables[asked.variable].order
        for endpoint in asked.endpoints if order else ():
            for model, covariates in ((UNADJUSTED, []), (asked.name, asked.covariates)):
                known, _ = complete_cases(cohort, endpoint, asked.population, [asked.variable, *covariates])
                known = known[known[asked.variable].isin(order)]
                step = known[asked.variable].astype(object).map(order.index).astype(float)
                design, blank, parameters = columns(study, known, covariates)
                design[STEP] = step
                stop, event = known.loc[design.index, "time"], known.loc[design.index, "event"]
                found = fit(design, stop.to_numpy(), event.to_numpy())
                maximum = Maximum(found, blank | found.blank, parameters + 1, design, None)
                key = {"population": asked.population, "endpoint": endpoint, "analysis": "trend", "model": model}
                text = {"variable": asked.variable, "reference": "per step", "method": "Cox regression, Efron ties"}
                sizes = {"n": len(known), "n_event": int(known["event"].sum())}
                records.append({**key, **text, **sizes, **effect(study, maximum, STEP)})
    return wide(records, STATISTICS_OF["trend"])


def _compared(cohort: Cohort, rows: Callable[[Cohort, WithinArm, str], list[dict]]) -> list[dict]:
    """The rows of one model with all levels; pairwise, the variable's alone, each level's from a model of its own.

    Then `events_per_parameter` stands in the level's row.
    """
    records = []
    for asked in cohort.study.within_arm:
        for endpoint in asked.endpoints:
            found = rows(cohort, asked, endpoint)
            if asked.pairwise:
                own = [row for row in found if row.get("variable") == asked.variable]
                found = [_of_two(cohort, asked, endpoint, rows, row) for row in own]
            records += found
    return records


def _of_two(cohort: Cohort, asked: WithinArm, endpoint: str, rows: Callable, row: dict) -> dict:
    """A level's row from the model of its patients and the reference's; the other rows as they are."""
    level, reference = row.get("level", ""), cohort.study.reference(asked.variable)
    if level in {"", reference}:
        return row
    everybody = cohort.rows(asked.population)
    two = everybody.index[everybody[asked.variable].isin([level, reference])]
    made = rows(replace(cohort, members={**cohort.members, asked.population: two}), asked, endpoint)
    own = next(each for each in made if (each.get("variable"), each.get("level")) == (asked.variable, level))
    text = {"method": f"{own['method']}, patients of this level and the reference alone"}
    return {**own, **text, "events_per_parameter": made[0]["events_per_parameter"]}
