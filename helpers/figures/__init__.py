"""Estimates as figures for print: vector, told apart without colour, nothing fitted and nothing saved here."""

from helpers.figures.curves import kaplan_meier
from helpers.figures.effects import changing_effect, forest
from helpers.figures.flow import flow
from helpers.figures.incidence import incidence
from helpers.figures.matching import love, overlap, stability
from helpers.figures.sensitivity import sensitivity
from helpers.figures.splines import splines
from helpers.figures.subgroups import subgroups

__all__ = [
    "changing_effect",
    "flow",
    "forest",
    "incidence",
    "kaplan_meier",
    "love",
    "overlap",
    "sensitivity",
    "splines",
    "stability",
    "subgroups",
]
