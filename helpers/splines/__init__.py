"""Restricted cubic splines in Cox models: the curve, the models a study asks for, their bootstrap and estimates."""

from helpers.cox.bootstrap import resampled, weighted_fits
from helpers.splines.curve import basis, crossings, default_knots, extrema
from helpers.splines.estimates import curves, histogram, splines
from helpers.splines.models import FittedSpline, fitted_splines

__all__ = [
    "FittedSpline",
    "basis",
    "crossings",
    "curves",
    "default_knots",
    "extrema",
    "fitted_splines",
    "histogram",
    "resampled",
    "splines",
    "weighted_fits",
]
