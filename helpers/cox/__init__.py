"""Cox regression: the kernel that maximises, the models a study asks for, and their diagnostics."""

from helpers.cox.diagnostics import periods, proportionality, scaled_residuals, score_tests
from helpers.cox.kernel import Fit, fit
from helpers.cox.models import multivariable, selected, univariable, wald

__all__ = [
    "Fit",
    "fit",
    "multivariable",
    "periods",
    "proportionality",
    "scaled_residuals",
    "score_tests",
    "selected",
    "univariable",
    "wald",
]
