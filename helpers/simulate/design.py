"""What cohorts are drawn from: a cohort's covariates, and models of its events, starts of treatment and censoring."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from helpers.cohort import Cohort
from helpers.cox import maximise
from helpers.cox.design import Maximum, columns
from helpers.errors import ParameterError
from helpers.sensitivity.exposure import HALF_DAY, exposed, pieces
from helpers.simulate.study import drawn_study
from helpers.study import Study
from helpers.study.schema import EarlyEvent
from helpers.study.simulated import drawable, exclusions
from helpers.survival import product_limit

FLATTEST, STEEPEST = np.log(0.05), np.log(50)
DIGITS = 5


@dataclass(frozen=True)
class Design:
    """Hazards fitted to a cohort, from which others like it are drawn.

    `patients` are the covariates of the complete cases, drawn with replacement; `event_risk` and `start_risk` the
    linear predictors of each one's event and start of treatment. The cumulative hazard of the event is
    `(t / scale) ** shape` in units of exp(risk), nobody at risk before month `delay`. `starting` is the cumulative
    hazard of the start by month, `censoring` the share censored by month, both straight between the months given.
    `early` are events after the start that make a patient ineligible, `excluded` those that each exclusion leaves out.
    `study` is the cohort's, `drawn` that of the cohorts drawn; `log_hr` is the cohort's own effect of treatment.
    """

    study: Study
    drawn: Study
    endpoint: str
    patients: pd.DataFrame
    event_risk: np.ndarray
    start_risk: np.ndarray
    shape: float
    scale: float
    delay: float
    starting: tuple[np.ndarray, np.ndarray]
    censoring: tuple[np.ndarray, np.ndarray]
    early: list[EarlyEvent]
    excluded: dict[str, list[EarlyEvent]]
    log_hr: float
    rows: int

    def cumulative(self, month: np.ndarray) -> np.ndarray:
        """The baseline cumulative hazard of the event, counted from the month in which patients come to be at risk."""
        return np.maximum(month / self.scale, self.delay / self.scale) ** self.shape - self._before

    def month(self, hazard: np.ndarray) -> np.ndarray:
        """The month in which the baseline cumulative hazard reaches a value."""
        return self.scale * (hazard + self._before) ** (1 / self.shape)

    @property
    def _before(self) -> float:
        return (self.delay / self.scale) ** self.shape


def design(cohort: Cohort) -> Design:
    """What the study's [simulation] draws cohorts from, fitted to the patients of its [exposure].

    Event: Weibull proportional hazards given covariates and treatment as it began, the coefficients Cox's, from the
    month before which an event makes ineligible. Start of treatment: Cox model with Breslow's (1972) baseline, ended by
    event and censoring. Censoring: reverse Kaplan-Meier, without covariates. A coefficient that cannot be estimated
    is 0. Raises ParameterError where the study has no [simulation].
    """
    study = cohort.study
    if study.simulation is None:
        raise ParameterError(f"study '{study.name}' has no [simulation], which says what to draw")
    asked, endpoint, arm = study.exposure, study.simulation.endpoint, study.arms.column
    known, start, _ = exposed(cohort, endpoint, asked.population, asked.covariates)
    if not known["event"].any():
        raise ParameterError(f"entry 'simulation': no event of '{endpoint}' among the complete cases to draw from")
    early = [
        step.exclude_event
        for name in study.lineage(asked.population)
        for step in study.all_populations[name].steps
        if step.exclude_event and drawable(study, endpoint, step.exclude_event)
    ]
    delay = max([each.before_months for each in early if each.after is None], default=0.0)
    split = pieces(study, known, start)
    event = maximise(study, split, [arm, *asked.covariates])
    event_risk = _risk(study, event, known, asked.covariates)
    log_hr = event.fit.log_hr.get((arm, study.arms.treated), np.nan)
    treated = np.nan_to_num(log_hr) * (split[arm] == study.arms.treated).to_numpy()
    risk = event_risk[known.index.get_indexer(split.index.get_level_values("patient"))] + treated
    shape, scale = weibull(*(split[name].to_numpy(dtype=float) for name in ("entry", "time", "event")), risk, delay)
    begun = start.notna().to_numpy()
    waited = known.assign(time=start.fillna(known["time"]), event=begun)
    start_risk = _risk(study, maximise(study, waited, asked.covariates), known, asked.covariates)
    return Design(
        study=study,
        drawn=drawn_study(study),
        endpoint=endpoint,
        patients=known[asked.covariates].reset_index(drop=True),
        event_risk=event_risk,
        start_risk=start_risk,
        shape=shape,
        scale=scale,
        delay=delay,
        starting=_smoothed(*breslow(waited["time"].to_numpy(), begun, start_risk)),
        censoring=_censoring(known),
        early=[each for each in early if each.after is not None],
        excluded=exclusions(study, endpoint),
        log_hr=float(log_hr),
        rows=study.simulation.rows or len(known),
    )


def weibull(
    entry: np.ndarray, time: np.ndarray, event: np.ndarray, risk: np.ndarray, delay: float
) -> tuple[float, float]:
    """Shape and scale of the cumulative hazard exp(risk) (t / scale)^shape by maximum likelihood, `risk` as it is.

    Rows are at risk from `entry`, or `delay` where that is later, to `time`.
    """
    unit = time.mean()
    start, stop = (np.maximum(each, delay) / unit for each in (entry, time))
    stop = np.maximum(stop, np.where(event > 0, HALF_DAY / unit, 0))
    deaths, size = event.sum(), np.exp(risk)

    def lived(shape: float) -> float:
        return float(size @ (stop**shape - start**shape))

    def loss(log_shape: float) -> float:
        shape = np.exp(log_shape)
        logs = np.log(stop[event > 0]).sum()
        return deaths * (np.log(lived(shape)) - log_shape) - shape * logs

    shape = float(np.exp(optimize.minimize_scalar(loss, bounds=(FLATTEST, STEEPEST), method="bounded").x))
    return shape, float(unit * (lived(shape) / deaths) ** (1 / shape))


def breslow(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The times of the events and the baseline cumulative hazard there, in units of exp(risk) (Breslow, 1972)."""
    order = np.argsort(time)
    ordered, size = time[order], np.exp(risk[order])
    at_risk = np.cumsum(size[::-1])[::-1]
    times, events = np.unique(time[event], return_counts=True)
    return times, np.cumsum(events / at_risk[np.searchsorted(ordered, times)])


def digest(made: Design) -> str:
    """A checksum of what cohorts are drawn from and analysed by: fitted numbers to five digits, and the entries."""
    study = made.study
    entries = {
        "arms": study.arms.model_dump(mode="json"),
        "exposure": study.exposure.model_dump(mode="json", exclude={"draws", "models"}),
        "early": [each.model_dump(mode="json") for each in made.early],
        "confidence": study.confidence,
        "endpoint": made.endpoint,
        "rows": made.rows,
        "excluded": {name: [each.model_dump(mode="json") for each in steps] for name, steps in made.excluded.items()},
    }
    fitted = [made.event_risk, made.start_risk, *made.starting, *made.censoring, [made.shape, made.scale, made.delay]]
    numbers = [f"{value:.{DIGITS}g}" for part in fitted for value in np.asarray(part)]
    text = json.dumps([entries, numbers, made.patients.astype(str).to_numpy().tolist()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _risk(study: Study, model: Maximum, known: pd.DataFrame, covariates: list[str]) -> np.ndarray:
    """Each patient's linear predictor from the covariates, in the order of `known`."""
    values = columns(study, known, covariates, penalised=True)[0]
    log_hr = [np.nan_to_num(model.fit.log_hr.get(name, np.nan)) for name in values.columns]
    return values.to_numpy(dtype=float).reshape(len(known), len(log_hr)) @ np.asarray(log_hr, dtype=float)


def _censoring(known: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Month and share censored by then; what is left at the last time is censored there."""
    curve = product_limit(known["time"].to_numpy(), ~known["event"].to_numpy())
    jumps = curve[curve["n_event"] > 0]
    months, share = _smoothed(jumps["time"].to_numpy(), 1 - jumps["survival"].to_numpy())
    return np.append(months, known["time"].max()), np.append(share, 1.0)


def _smoothed(months: np.ndarray, reached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A step function made straight between its steps; the first one begins as long before it as the second follows."""
    first = max(0.0, 2 * months[0] - months[1]) if len(months) > 1 else (months[:1].max(initial=0.0))
    return np.concatenate([[first], months]), np.concatenate([[0.0], reached])
