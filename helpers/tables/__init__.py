"""Estimates as tables; everything here only formats."""

from helpers.tables.baseline import baseline, course
from helpers.tables.matching import balance, designs, matched_baseline
from helpers.tables.prognostic import models, penalised, periods, prognostic, proportionality
from helpers.tables.scorecard import agreement, awaiting, differing
from helpers.tables.splines import splines
from helpers.tables.subgroups import subgroups
from helpers.tables.survival import medians, rates, restricted_means
from helpers.tables.toxicity import adverse_events
from helpers.tables.within_arm import within_arm

__all__ = [
    "adverse_events",
    "agreement",
    "awaiting",
    "balance",
    "baseline",
    "course",
    "designs",
    "differing",
    "matched_baseline",
    "medians",
    "models",
    "penalised",
    "periods",
    "prognostic",
    "proportionality",
    "rates",
    "restricted_means",
    "splines",
    "subgroups",
    "within_arm",
]
