"""What is left of an effect when time is counted as it passed, and when something was not measured."""

from helpers.sensitivity.changing import changing
from helpers.sensitivity.clock import clock
from helpers.sensitivity.cloning import clone_censor_weight, clones
from helpers.sensitivity.e_values import e_value, e_values
from helpers.sensitivity.effects import effects
from helpers.sensitivity.fixed import conditioned, fixed
from helpers.sensitivity.landmarks import fitted_landmarks, landmarks
from helpers.sensitivity.time_dependent import fitted_exposures, time_dependent

__all__ = [
    "changing",
    "clock",
    "clone_censor_weight",
    "clones",
    "conditioned",
    "e_value",
    "e_values",
    "effects",
    "fitted_exposures",
    "fitted_landmarks",
    "fixed",
    "landmarks",
    "time_dependent",
]
