"""Cox regression: the kernel that maximises, the models a study asks for, and their diagnostics."""

from helpers.cox.diagnostics import periods, proportionality, scaled_residuals, score_tests
from helpers.cox.kernel import Fit, fit
from helpers.cox.models import fitted_models, multivariable, selected, univariable, wald

__all__ = [
    "Fit",
    "fit",
    "fitted_models",
    "multivariable",
    "periods",
    "proportionality",
    "scaled_residuals",
    "score_tests",
    "selected",
    "univariable",
    "wald",
]
