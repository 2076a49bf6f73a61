"""Estimates as figures for print: vector, told apart without colour, nothing fitted and nothing saved here."""

from helpers.figures.curves import kaplan_meier
from helpers.figures.effects import changing_effect, forest
from helpers.figures.flow import flow

__all__ = ["changing_effect", "flow", "forest", "kaplan_meier"]
