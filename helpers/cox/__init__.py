"""Cox regression: the kernel that maximises, the models a study asks for, their companions and their diagnostics."""

from helpers.cox.companions import companions
from helpers.cox.design import complete_cases, maximise
from helpers.cox.diagnostics import mean_differences, periods, proportionality, scaled_residuals, score_tests
from helpers.cox.firth import firth
from helpers.cox.kernel import Fit, fit
from helpers.cox.models import effect, fitted_models, likelihood_ratio, multivariable, selected, univariable, wald

__all__ = [
    "Fit",
    "companions",
    "complete_cases",
    "effect",
    "firth",
    "fit",
    "fitted_models",
    "likelihood_ratio",
    "maximise",
    "mean_differences",
    "multivariable",
    "periods",
    "proportionality",
    "scaled_residuals",
    "score_tests",
    "selected",
    "univariable",
    "wald",
]
