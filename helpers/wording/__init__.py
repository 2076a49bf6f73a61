"""Ledger rows as sentences; no number is typed, and no effect is claimed whose interval covers no effect."""

from helpers.wording.effects import factors, proportionality, treatment
from helpers.wording.findings import context, key_findings, scorecard
from helpers.wording.matching import designs, matching, positivity, stability
from helpers.wording.methods import methods
from helpers.wording.phrases import direction
from helpers.wording.primary import primary
from helpers.wording.progression import progression
from helpers.wording.sensitivity import sensitivity
from helpers.wording.simulation import simulation
from helpers.wording.strobe import strobe
from helpers.wording.subgroups import subgroups, within_arm
from helpers.wording.survival import cohort, survival
from helpers.wording.target_trial import hindsights, target_trial
from helpers.wording.toxicity import adverse_events
from helpers.wording.unseen import lost

__all__ = [
    "adverse_events",
    "cohort",
    "context",
    "designs",
    "direction",
    "factors",
    "hindsights",
    "key_findings",
    "lost",
    "matching",
    "methods",
    "positivity",
    "primary",
    "progression",
    "proportionality",
    "scorecard",
    "sensitivity",
    "simulation",
    "stability",
    "strobe",
    "subgroups",
    "survival",
    "target_trial",
    "treatment",
    "within_arm",
]
