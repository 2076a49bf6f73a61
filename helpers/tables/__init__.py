"""Estimates as tables; everything here only formats."""

from helpers.tables.baseline import baseline
from helpers.tables.prognostic import models, prognostic
from helpers.tables.survival import medians, rates, restricted_means

__all__ = ["baseline", "medians", "models", "prognostic", "rates", "restricted_means"]
