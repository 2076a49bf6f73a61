"""Who begins treatment and when, given covariates: the two models behind the weights of clones.

A Cox model of beginning among who is followed, free of the event and not treated (Breslow's cumulative hazard), and a
logistic regression of having begun by the grace period's end among who is followed past it. Bootstrap samples are
frequency weights, all fitted by one Newton iteration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import special

from helpers.cohort.regression import DEPENDS, DIVERGES, SEPARATES, logistic
from helpers.cox import fit
from helpers.cox.kernel import NO_MAXIMUM

MAX_STEPS = 50
TOLERANCE = 1e-10
RIDGE = 1e-12
SAME = 1e-10
PROBLEMS = {
    DEPENDS: "the covariates that explain who begins are linearly dependent",
    DIVERGES: "the model of who begins did not converge; look for an extreme value among its covariates",
}


@dataclass(frozen=True)
class Course:
    """Patients: months followed, event, month treatment began (infinite if never), grace, covariates as numbers."""

    time: np.ndarray
    event: np.ndarray
    start: np.ndarray
    grace: float
    x: np.ndarray

    @property
    def begun(self) -> np.ndarray:
        """Whether treatment began within the grace period, its last moment included."""
        return self.start <= self.grace

    @property
    def beyond(self) -> np.ndarray:
        """Whether the patient is followed, free of the event, past the grace period."""
        return self.time > self.grace

    @property
    def waited(self) -> np.ndarray:
        """Months until treatment began, follow-up ended or the grace period did."""
        return np.minimum(np.minimum(self.start, self.time), self.grace)

    @cached_property
    def times(self) -> np.ndarray:
        """The distinct months at which treatment began within the grace period."""
        return np.unique(self.start[self.begun])


@dataclass(frozen=True)
class Beginning:
    """A model of beginning in each of several samples of the patients, a row a sample.

    `hazard` is the baseline cumulative hazard from each of the course's `times` on, `relative` each patient's hazard
    relative to it, `share` each patient's probability of having begun by the grace period's end.
    """

    hazard: np.ndarray
    relative: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Models:
    """The coefficients of both models; `varying` are the covariates that differ past the grace period."""

    hazard: np.ndarray
    odds: np.ndarray
    varying: np.ndarray


def models(course: Course) -> tuple[Models | None, str]:
    """Both models at their maximum, or why one has none."""
    cox = fit(pd.DataFrame(course.x), course.waited, course.begun, ties="breslow")
    varying = np.ptp(course.x[course.beyond], axis=0) > SAME
    odds, problem = logistic(course.x[course.beyond][:, varying], course.begun[course.beyond])
    if problem == SEPARATES or NO_MAXIMUM in cox.blank.values():
        return None, separated(course)
    if problem:
        return None, PROBLEMS[problem]
    if cox.problem:
        return None, f"the Cox model of beginning treatment: {cox.problem}"
    return Models(cox.log_hr.fillna(0).to_numpy(), odds, varying), ""


def separated(course: Course) -> str:
    """Why there are no weights where the covariates know who begins."""
    return f"the covariates tell who begins within {course.grace:g} months, so some weights are infinite"


def beginning(course: Course, found: Models, counts: np.ndarray | None = None) -> Beginning:
    """The models as given; with `counts`, a row a sample of how often each patient is drawn, as fitted to each."""
    once = np.ones((1, len(course.time)))
    cox, odds = _Cox.of(course, once), _Logistic.of(course, found.varying, once)
    b, a = found.hazard[None], found.odds[None]
    if counts is not None:
        cox, odds = _Cox.of(course, counts), _Logistic.of(course, found.varying, counts)
        b, a = _maxima(cox.at, found.hazard, len(counts)), _maxima(odds.at, found.odds, len(counts))
    relative = np.exp(b @ course.x.T)
    share = special.expit(a[:, :1] + a[:, 1:] @ course.x[:, found.varying].T)
    return Beginning(cox.hazard(b), relative, share)


@dataclass(frozen=True)
class _Cox:
    """Beginning as an event of who still waits, patients by falling time; `place` counts who waits at each time."""

    x: np.ndarray
    counts: np.ndarray
    begun: np.ndarray
    last: np.ndarray
    place: np.ndarray
    number: np.ndarray

    @staticmethod
    def of(course: Course, counts: np.ndarray) -> "_Cox":
        order = np.argsort(-course.waited, kind="stable")
        waited, begun = course.waited[order], course.begun[order]
        drawn, times = counts[:, order], course.times
        number = np.zeros((len(times), len(counts)))
        np.add.at(number, np.searchsorted(times, waited[begun]), drawn[:, begun].T)
        place = np.searchsorted(-waited, -times, side="right") - 1
        last = np.searchsorted(times, waited, side="right")
        return _Cox(course.x[order], drawn, begun, last, place, number.T)

    def hazard(self, beta: np.ndarray) -> np.ndarray:
        """Breslow's (1972) cumulative baseline hazard, a row a sample."""
        size = np.cumsum(self.counts * np.exp(beta @ self.x.T), axis=1)[:, self.place]
        return np.cumsum(self.number / np.where(self.number > 0, size, 1), axis=1)

    def at(self, beta: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The log partial likelihood of some samples, each at its row of `beta`, with gradient and information."""
        x, counts, number = self.x, self.counts[draws], self.number[draws]
        eta = beta @ x.T
        level = eta.max(axis=1, keepdims=True)
        risk = counts * np.exp(eta - level)
        size = np.where(number > 0, np.cumsum(risk, axis=1)[:, self.place], 1)
        mean = np.stack([np.cumsum(risk * each, axis=1)[:, self.place] / size for each in x.T])
        value = (counts * eta)[:, self.begun].sum(axis=1) - (number * (np.log(size) + level)).sum(axis=1)
        score = counts[:, self.begun] @ x[self.begun] - np.einsum("bq,pbq->bp", number, mean)
        lived = risk * np.pad(np.cumsum(number / size, axis=1), ((0, 0), (1, 0)))[:, self.last]
        return value, score, _squares(lived, x) - np.einsum("pbq,kbq->bpk", mean * number, mean)


@dataclass(frozen=True)
class _Logistic:
    """Having begun, among who is followed past the grace period; `x` has a column of ones first."""

    x: np.ndarray
    counts: np.ndarray
    begun: np.ndarray

    @staticmethod
    def of(course: Course, varying: np.ndarray, counts: np.ndarray) -> "_Logistic":
        x = np.column_stack([np.ones(course.beyond.sum()), course.x[course.beyond][:, varying]])
        return _Logistic(x, counts[:, course.beyond], course.begun[course.beyond])

    def at(self, beta: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The log likelihood of some samples, each at its row of `beta`, with gradient and information."""
        counts, eta = self.counts[draws], beta @ self.x.T
        p = special.expit(eta)
        value = (counts * (self.begun * eta - np.logaddexp(0, eta))).sum(axis=1)
        return value, (counts * (self.begun - p)) @ self.x, _squares(counts * p * (1 - p), self.x)


def _squares(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The weighted sums of every row's outer product."""
    p = x.shape[1]
    return (weight @ (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)).reshape(len(weight), p, p)


def _maxima(at: Callable, start: np.ndarray, draws: int) -> np.ndarray:
    """Each sample's maximum by Newton's steps from `start`, halved where they overshoot.

    A coefficient without a finite maximum is left where the likelihood no longer changes, which settles the weights.
    """
    p = len(start)
    beta, step, before = np.tile(start, (draws, 1)), np.zeros((draws, p)), np.full(draws, -np.inf)
    going = np.arange(draws) if p else np.arange(0)
    for _ in range(MAX_STEPS):
        if not len(going):
            break
        ahead = beta[going] + step[going]
        value, score, information = at(ahead, going)
        better = value >= before[going] - 1e-12 * (1 + np.abs(before[going]))
        step[going[~better]] /= 2
        moved, score, information = going[better], score[better], information[better]
        beta[moved], before[moved] = ahead[better], value[better]
        ridge = RIDGE * (1 + np.trace(information, axis1=1, axis2=2))[:, None, None] * np.eye(p)
        step[moved] = np.linalg.solve(information + ridge, score[..., None])[..., 0]
        ended = moved[(score * step[moved]).sum(axis=1) < TOLERANCE * (1 + np.abs(before[moved]))]
        beta[ended] += step[ended]
        going = np.setdiff1d(going, ended, assume_unique=True)
    return beta
