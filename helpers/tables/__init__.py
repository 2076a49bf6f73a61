"""Estimates as tables; everything here only formats."""

from helpers.tables.baseline import baseline, course
from helpers.tables.prognostic import models, periods, prognostic, proportionality
from helpers.tables.scorecard import agreement, awaiting, differing
from helpers.tables.survival import medians, rates, restricted_means
from helpers.tables.toxicity import adverse_events

__all__ = [
    "adverse_events",
    "agreement",
    "awaiting",
    "baseline",
    "course",
    "differing",
    "medians",
    "models",
    "periods",
    "prognostic",
    "proportionality",
    "rates",
    "restricted_means",
]
