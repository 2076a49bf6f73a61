"""What is left of an effect when time is counted as it passed, and when something was not measured."""

from helpers.sensitivity.cloning import clone_censor_weight, clones
from helpers.sensitivity.e_values import e_value, e_values
from helpers.sensitivity.effects import effects
from helpers.sensitivity.fixed import conditioned, fixed
from helpers.sensitivity.landmarks import landmarks
from helpers.sensitivity.time_dependent import time_dependent

__all__ = [
    "clone_censor_weight",
    "clones",
    "conditioned",
    "e_value",
    "e_values",
    "effects",
    "fixed",
    "landmarks",
    "time_dependent",
]
