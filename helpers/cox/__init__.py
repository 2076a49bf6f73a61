"""Cox regression: the kernel that maximises, and the models a study asks for."""

from helpers.cox.kernel import Fit, fit
from helpers.cox.models import multivariable, selected, univariable, wald

__all__ = ["Fit", "fit", "multivariable", "selected", "univariable", "wald"]
