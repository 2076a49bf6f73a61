"""Cohorts of a study's design with a known effect of treatment: how every way of analysing them errs."""

from helpers.simulate.design import Design, design, digest
from helpers.simulate.draws import draw
from helpers.simulate.estimators import estimate, estimators
from helpers.simulate.progress import reported
from helpers.simulate.runs import check, estimands, simulate
from helpers.simulate.stored import check_output, save, stored

__all__ = [
    "Design",
    "check",
    "check_output",
    "design",
    "digest",
    "draw",
    "estimands",
    "estimate",
    "estimators",
    "reported",
    "save",
    "simulate",
    "stored",
]
