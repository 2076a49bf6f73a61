"""What cohorts are drawn from: a cohort's covariates, and models of its events, starts of treatment and censoring."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import maximise
from helpers.cox.design import Maximum, columns
from helpers.errors import ParameterError
from helpers.names.simulated import drawable, exclusions
from helpers.sensitivity.exposure import exposed, pieces
from helpers.simulate.study import drawn_study
from helpers.study import Study
from helpers.study.schema import EarlyEvent
from helpers.survival import product_limit

DIGITS, DECIMALS = 5, 9
Curve = tuple[np.ndarray, np.ndarray]


class NotDrawnError(ParameterError):
    """An endpoint has nothing to draw cohorts from."""


@dataclass(frozen=True)
class Design:
    """Hazards fitted to a cohort, from which others like it are drawn.

    `patients` are the covariates of the complete cases, drawn with replacement; `event_risk` and `start_risk` the
    linear predictors of each one's event and start of treatment. `hazard` is the cumulative hazard of the event by
    month in units of exp(risk), untreated, `starting` that of the start, `censoring` the share censored by month: all
    straight between the months given, and level after the last. `early` are events that make a patient ineligible,
    `excluded` those that each exclusion leaves out. `study` is the cohort's, `drawn` that of the cohorts drawn;
    `log_hr` is the cohort's own effect of treatment.
    """

    study: Study
    drawn: Study
    endpoint: str
    patients: pd.DataFrame
    event_risk: np.ndarray
    start_risk: np.ndarray
    hazard: Curve
    starting: Curve
    censoring: Curve
    early: list[EarlyEvent]
    excluded: dict[str, list[EarlyEvent]]
    log_hr: float
    rows: int


def design(cohort: Cohort, endpoint: str | None = None) -> Design:
    """What the study's [simulation] draws cohorts from for an endpoint, by default its first, fitted to the cohort.

    Event: Cox model of covariates and of treatment as it began, with Breslow's (1972) baseline. Start of treatment: Cox
    model of covariates with that baseline, ended by event and censoring. Censoring: reverse Kaplan-Meier, without
    covariates. A coefficient that cannot be estimated is 0. Raises ParameterError where there is no [simulation], and
    NotDrawnError where there is no event.
    """
    study = cohort.study
    if study.simulation is None:
        raise ParameterError(f"study '{study.name}' has no [simulation], which says what to draw")
    asked, arm = study.exposure, study.arms.column
    endpoint = study.simulation.endpoints[0] if endpoint is None else endpoint
    known, start, _ = exposed(cohort, endpoint, asked.population, asked.covariates)
    if not known["event"].any():
        raise NotDrawnError(f"entry 'simulation': no event of '{endpoint}' among the complete cases to draw from")
    known = known.loc[known[asked.covariates].astype(str).sort_values(asked.covariates, kind="stable").index]
    start = start.loc[known.index]
    split = pieces(study, known, start)
    event = maximise(study, split, [arm, *asked.covariates])
    event_risk = _risk(study, event, known, asked.covariates)
    log_hr = event.fit.log_hr.get((arm, study.arms.treated), np.nan)
    treated = np.nan_to_num(log_hr) * (split[arm] == study.arms.treated).to_numpy()
    risk = event_risk[known.index.get_indexer(split.index.get_level_values("patient"))] + treated
    begun = start.notna().to_numpy()
    waited = known.assign(time=start.fillna(known["time"]), event=begun)
    start_risk = _risk(study, maximise(study, waited, asked.covariates), known, asked.covariates)
    return Design(
        study=study,
        drawn=drawn_study(study, endpoint),
        endpoint=endpoint,
        patients=known[asked.covariates].reset_index(drop=True),
        event_risk=event_risk,
        start_risk=start_risk,
        hazard=_smoothed(
            *breslow(split["time"].to_numpy(), split["event"].to_numpy(dtype=bool), risk, split["entry"].to_numpy())
        ),
        starting=_smoothed(*breslow(waited["time"].to_numpy(), begun, start_risk)),
        censoring=_censoring(known),
        early=[
            step.exclude_event
            for name in study.lineage(asked.population)
            for step in study.all_populations[name].steps
            if step.exclude_event and drawable(study, endpoint, step.exclude_event)
        ],
        excluded=exclusions(study, endpoint),
        log_hr=float(log_hr),
        rows=study.simulation.rows or len(known),
    )


def designs(cohort: Cohort) -> tuple[dict[str, Design], list[str]]:
    """The design of each of the study's endpoints that can be drawn, and why the others cannot."""
    made, reasons = {}, []
    for endpoint in cohort.study.simulation.endpoints:
        try:
            made[endpoint] = design(cohort, endpoint)
        except NotDrawnError as error:
            reasons.append(str(error))
    return made, reasons


def breslow(time: np.ndarray, event: np.ndarray, risk: np.ndarray, entry: np.ndarray | None = None) -> Curve:
    """The times of the events and the baseline cumulative hazard there, in units of exp(risk) (Breslow, 1972).

    Rows are at risk after `entry`, or from the beginning on, up to `time`.
    """
    times, events = np.unique(time[event], return_counts=True)
    size = np.exp(risk)
    at_risk = _from(time, size, times) - (0 if entry is None else _from(entry, size, times))
    return times, np.cumsum(events / at_risk)


def _from(time: np.ndarray, size: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The sizes of the rows whose time is that or later, summed."""
    order = np.argsort(time, kind="stable")
    total = np.append(np.cumsum(size[order][::-1])[::-1], 0.0)
    return total[np.searchsorted(time[order], times)]


def digest(made: Design) -> str:
    """A checksum of what cohorts are drawn from and analysed by: fitted numbers to five digits, and the entries.

    Neither the order of the patients nor what is only printed matters.
    """
    study, told = made.study, {"mode": "json", "context": {"printed": lambda _: ""}}
    entries = {
        "arms": study.arms.model_dump(exclude={"missing"}, **told),
        "exposure": study.exposure.model_dump(exclude={"draws", "models"}, **told),
        "early": [each.model_dump(**told) for each in made.early],
        "confidence": study.confidence,
        "endpoint": made.endpoint,
        "rows": made.rows,
        "excluded": {name: [each.model_dump(**told) for each in steps] for name, steps in made.excluded.items()},
    }
    fitted = [*made.hazard, *made.starting, *made.censoring]
    numbers = [_written(value) for part in fitted for value in part]
    patients = made.patients.astype(str).to_numpy().tolist()
    risks = zip(made.event_risk, made.start_risk, strict=True)
    each = sorted([*values, *map(_written, own)] for values, own in zip(patients, risks, strict=True))
    text = json.dumps([entries, numbers, each], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _written(value: float) -> str:
    return f"{round(float(value), DECIMALS) + 0.0:.{DIGITS}g}"


def _risk(study: Study, model: Maximum, known: pd.DataFrame, covariates: list[str]) -> np.ndarray:
    """Each patient's linear predictor from the covariates, in the order of `known`."""
    values = columns(study, known, covariates, penalised=True)[0]
    log_hr = [np.nan_to_num(model.fit.log_hr.get(name, np.nan)) for name in values.columns]
    return values.to_numpy(dtype=float).reshape(len(known), len(log_hr)) @ np.asarray(log_hr, dtype=float)


def _censoring(known: pd.DataFrame) -> Curve:
    """Month and share censored by then; what is left at the last time is censored there."""
    curve = product_limit(known["time"].to_numpy(), ~known["event"].to_numpy())
    jumps = curve[curve["n_event"] > 0]
    months, share = _smoothed(jumps["time"].to_numpy(), 1 - jumps["survival"].to_numpy())
    return np.append(months, [known["time"].max()] * 2), np.append(share, [share[-1], 1.0])


def _smoothed(months: np.ndarray, reached: np.ndarray) -> Curve:
    """A step function made straight between its steps; the first one begins as long before it as the second follows."""
    first = max(0.0, 2 * months[0] - months[1]) if len(months) > 1 else (months[:1].max(initial=0.0))
    return np.concatenate([[first], months]), np.concatenate([[0.0], reached])
