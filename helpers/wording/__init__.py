"""Ledger rows as sentences; no number is typed, and no effect is claimed whose interval covers no effect."""

from helpers.wording.effects import factors, proportionality, treatment
from helpers.wording.findings import key_findings, scorecard
from helpers.wording.matching import designs, matching, positivity
from helpers.wording.phrases import direction
from helpers.wording.subgroups import subgroups, within_arm
from helpers.wording.survival import cohort, survival
from helpers.wording.toxicity import adverse_events

__all__ = [
    "adverse_events",
    "cohort",
    "designs",
    "direction",
    "factors",
    "key_findings",
    "matching",
    "positivity",
    "proportionality",
    "scorecard",
    "subgroups",
    "survival",
    "treatment",
    "within_arm",
]
