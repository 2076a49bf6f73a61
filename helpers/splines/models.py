"""The splines a study asks for: a Cox model each, of one variable's terms and the study's covariates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.cohort import Cohort
from helpers.cox.design import Maximum, complete_cases, maximise
from helpers.cox.kernel import fit
from helpers.errors import ParameterError
from helpers.ledger import at_label
from helpers.splines.curve import QUANTILES, basis, default_knots, tidy

LARGEST = 700.0
DEPENDENT = 1e-10
TOO_FEW = "too few different values for a spline with {} knots"


@dataclass(frozen=True)
class FittedSpline:
    """A variable's spline: its part of the ledger's key, knots, reference, patients, those lost, and the fits.

    `asked` is how many knots the study wants, `reduced` the model without the variable. The columns of the design are
    the terms times `mixing`, which makes each orthogonal to those before it; `problem` says why there is no spline.
    """

    key: dict[str, str]
    asked: int
    knots: np.ndarray
    mixing: np.ndarray
    reference: float
    known: pd.DataFrame
    lost: dict[str, int]
    reduced: Maximum
    full: Maximum
    problem: str

    @property
    def names(self) -> list[tuple[str, str]]:
        """The spline's columns of the design, the linear one first."""
        return _names(self.key["variable"], self.knots)

    @property
    def values(self) -> np.ndarray:
        """The variable in the patients analysed."""
        return self.known[self.key["variable"]].to_numpy(dtype=float)

    @property
    def method(self) -> str:
        """The model in words, with the knots it has."""
        coincide = f" ({self.asked} asked for, some coincide)" if len(self.knots) < self.asked else ""
        return f"Cox regression, restricted cubic spline with {len(self.knots)} knots{coincide}, Efron ties"

    @property
    def coefficients(self) -> np.ndarray:
        """The log hazard ratio of each term."""
        return self.mixing @ self.full.fit.log_hr[self.names].to_numpy()

    def ratios(self, x: np.ndarray, confidence: float) -> np.ndarray:
        """Hazard ratio against the reference with pointwise limits, a row a value of `x`."""
        terms = (basis(x, self.knots) - basis(np.array(self.reference), self.knots)) @ self.mixing
        covariance = self.full.fit.covariance.loc[self.names, self.names].to_numpy()
        log_hr = terms @ self.full.fit.log_hr[self.names].to_numpy()
        error = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(((terms @ covariance) * terms).sum(axis=1))
        return np.exp(np.clip(np.column_stack([log_hr, log_hr - error, log_hr + error]), -LARGEST, LARGEST))


def fitted_splines(cohort: Cohort, population: str | None = None, *, knots: int | None = None) -> list[FittedSpline]:
    """Every spline of the study file at its maximum; `population` and `knots` replace the study's own.

    None where the study asks for no splines. Raises ParameterError for knots other than 3, 4 or 5.
    """
    asked = cohort.study.splines
    if asked is None:
        return []
    k = asked.knots if knots is None else knots
    if k not in QUANTILES:
        raise ParameterError(f"knots {k}: a spline has 3, 4 or 5")
    return [
        _fitted(cohort, where, endpoint, variable, k)
        for where in (asked.populations if population is None else [population])
        for endpoint in asked.endpoints
        for variable in asked.variables
    ]


def _names(variable: str, knots: np.ndarray) -> list[tuple[str, str]]:
    return [(variable, f"spline_{term}") for term in range(1, len(knots))]


def _fitted(cohort: Cohort, population: str, endpoint: str, variable: str, k: int) -> FittedSpline:
    asked, study = cohort.study.splines, cohort.study
    known, lost = complete_cases(cohort, endpoint, population, [variable, *asked.covariates])
    values = known[variable].to_numpy(dtype=float)
    model = f"knots_{k}:adjusted" if asked.covariates else f"knots_{k}"
    key = {"population": population, "endpoint": endpoint, "analysis": "spline", "model": model, "variable": variable}
    knots = default_knots(values, k)
    median = float(tidy(np.median(values))[0]) if len(values) else np.nan
    reference = asked.references.get(variable, median)
    reduced = maximise(study, known, asked.covariates)
    full, mixing, problem = reduced, np.zeros((0, 0)), _unfit(values, knots, k, reference) or reduced.fit.problem
    if not problem:
        terms = basis(known.loc[reduced.design.index, variable].to_numpy(dtype=float), knots)
        mixing = _mixing(terms)
        problem = "" if mixing.size else TOO_FEW.format(k)
    if not problem:
        names = _names(variable, knots)
        full = _with_spline(known, reduced, names, terms @ mixing)
        problem = full.fit.problem or next((full.blank[name] for name in names if name in full.blank), "")
    return FittedSpline(key, k, knots, mixing, reference, known, lost, reduced, full, problem)


def _unfit(values: np.ndarray, knots: np.ndarray, k: int, reference: float) -> str:
    """Why no spline can be fitted to the values, or nothing."""
    if len(knots) < min(QUANTILES) or len(np.unique(values)) <= len(knots):
        return TOO_FEW.format(k)
    if not values.min() <= reference <= values.max():
        low, high = (at_label(end) for end in tidy([values.min(), values.max()]))
        return f"the reference {at_label(reference)} is not among the values analysed, {low} to {high}"
    return ""


def _mixing(terms: np.ndarray) -> np.ndarray:
    """The triangular matrix that makes columns uncorrelated with variance 1, empty where one depends on the others.

    Terms of a skewed variable are all but the same column; the likelihood is maximised in these, the test that the
    coefficients of all but the first are zero is the same.
    """
    centred = terms - terms.mean(axis=0)
    spread = np.maximum(centred.std(axis=0), np.finfo(float).tiny)
    if np.linalg.matrix_rank(centred / spread, rtol=DEPENDENT) < terms.shape[1]:
        return np.zeros((0, 0))
    triangle = np.linalg.qr(centred / spread, mode="r")
    return np.linalg.inv(triangle) * np.sqrt(len(terms)) / spread[:, None]


def _with_spline(known: pd.DataFrame, reduced: Maximum, names: list[tuple[str, str]], columns: np.ndarray) -> Maximum:
    """The reduced model with further columns, each a parameter."""
    used = known.loc[reduced.design.index]
    design = pd.DataFrame(np.column_stack([reduced.design.to_numpy(dtype=float), columns]), index=used.index)
    design.columns = [*reduced.design.columns, *names]
    fitted = fit(design, used["time"].to_numpy(), used["event"].to_numpy())
    return Maximum(fitted, reduced.blank | fitted.blank, reduced.parameters + len(names), design, None)
