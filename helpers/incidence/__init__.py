"""Which of several events comes first, and how often by when."""

from helpers.incidence.cause_specific import cause_specific
from helpers.incidence.estimates import causes, curves, first_events, gray_tests, incidences
from helpers.incidence.estimators import CENSORED, cumulative_incidence, gray_test, incidence_limits

__all__ = [
    "CENSORED",
    "cause_specific",
    "causes",
    "cumulative_incidence",
    "curves",
    "first_events",
    "gray_test",
    "gray_tests",
    "incidence_limits",
    "incidences",
]
