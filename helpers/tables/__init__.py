"""Estimates as tables; everything here only formats."""

from helpers.tables.baseline import baseline, course
from helpers.tables.changing import changing
from helpers.tables.denominators import denominators
from helpers.tables.loss import loss
from helpers.tables.matching import balance, designs, matched_baseline
from helpers.tables.methods import populations, software, strobe, target_trial
from helpers.tables.prognostic import models, penalised, periods, prognostic, proportionality
from helpers.tables.progression import incidence, progression
from helpers.tables.scorecard import agreement, awaiting, differing
from helpers.tables.sensitivity import sensitivity
from helpers.tables.simulation import simulation
from helpers.tables.splines import splines
from helpers.tables.strategies import strategies
from helpers.tables.subgroups import subgroups
from helpers.tables.survival import medians, rates, restricted_means
from helpers.tables.toxicity import adverse_events
from helpers.tables.variables import variables
from helpers.tables.within_arm import within_arm

__all__ = [
    "adverse_events",
    "agreement",
    "awaiting",
    "balance",
    "baseline",
    "changing",
    "course",
    "denominators",
    "designs",
    "differing",
    "incidence",
    "loss",
    "matched_baseline",
    "medians",
    "models",
    "penalised",
    "periods",
    "populations",
    "prognostic",
    "progression",
    "proportionality",
    "rates",
    "restricted_means",
    "sensitivity",
    "simulation",
    "software",
    "splines",
    "strategies",
    "strobe",
    "subgroups",
    "target_trial",
    "variables",
    "within_arm",
]
