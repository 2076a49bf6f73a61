"""What missing values could have been: multiple imputation by chained equations, and Rubin's rules to pool results.

Each incomplete column is drawn from a regression on all the others, in turn and repeatedly (van Buuren, 2018, chapter
4; White, Royston & Wood, 2011). Valid where values are missing at random given the predictors, which for a Cox model
are all its covariates, the event indicator and the cumulative hazard (White & Royston, 2009), and enter linearly.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.linalg import lapack

DONORS = 5
RIDGE = 1e-5
CONSTANT = 1e-10
DEPENDENT = 1e-10
DECIMALS = 10
MAX_STEPS = 100
CONVERGED = 1e-6


@dataclass(frozen=True)
class Pooled:
    """The estimates of all draws as one: p coefficients, and p x p covariances, total, within and between draws.

    Of each coefficient `df` of its t distribution, `increase`, by what share missing values raise its variance (r), and
    `fraction_missing`, the share of the information on it that is missing (fmi).
    """

    estimate: np.ndarray
    covariance: np.ndarray
    within: np.ndarray
    between: np.ndarray
    df: np.ndarray
    increase: np.ndarray
    fraction_missing: np.ndarray


@dataclass(frozen=True)
class Column:
    """A column as numbers: values, or of a factor positions among the levels somebody has; NaN where missing.

    `donors` are the patients whose value is their own. `levels` are the codes of those levels in the Categorical, None
    for a number. Among the predictors of the others it takes the places from `first` to before `end`: the value itself,
    or the indicators of all levels but the first.
    """

    name: object
    values: np.ndarray
    donors: np.ndarray
    levels: np.ndarray | None
    first: int
    end: int

    @property
    def missing(self) -> np.ndarray:
        """Whose value is not known."""
        return np.isnan(self.values)

    def as_predictors(self, values: np.ndarray) -> np.ndarray:
        """Values as they enter the regressions of the other columns."""
        return values[:, None] if self.levels is None else values[:, None] == np.arange(1, len(self.levels))


def pooled(estimates: np.ndarray, covariances: np.ndarray, df_complete: float) -> Pooled:
    """Rubin's (1987) rules for m x p estimates and m x p x p covariances, degrees of freedom by Barnard & Rubin (1999).

    `df_complete` is what the analysis would have were nothing missing, infinite in large samples. Raises ValueError
    for fewer than two draws, shapes that do not fit, and a draw without an estimate or a positive variance.
    """
    estimates, covariances = np.asarray(estimates, dtype=float), np.asarray(covariances, dtype=float)
    draws, size = estimates.shape if estimates.ndim == 2 else (0, 0)
    if draws < 2 or covariances.shape != (draws, size, size):
        raise ValueError("pooling needs two draws or more, each with p estimates and their p x p covariance")
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    if not (np.isfinite(estimates).all() and np.isfinite(covariances).all() and (variances > 0).all()):
        raise ValueError("pooling needs an estimate and a positive variance of every coefficient in every draw")
    if not df_complete > 0:
        raise ValueError("pooling needs degrees of freedom above zero")
    estimate, within = estimates.mean(axis=0), covariances.mean(axis=0)
    between = (estimates - estimate).T @ (estimates - estimate) / (draws - 1)
    total = within + (1 + 1 / draws) * between
    known = np.diag(within) / np.diag(total)
    increase = (1 + 1 / draws) * np.diag(between) / np.diag(within)
    of_complete = 1.0 if np.isinf(df_complete) else (df_complete + 1) / (df_complete + 3)
    with np.errstate(divide="ignore"):
        df = 1 / ((1 - known) ** 2 / (draws - 1) + 1 / (of_complete * df_complete * known))
    return Pooled(estimate, total, within, between, df, increase, (increase + 2 / (df + 3)) / (1 + increase))


def nelson_aalen(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Cumulative hazard at each patient's own time: deaths over patients at risk, summed up to and including it.

    Nelson (1972), Aalen (1978); with the event indicator it stands for the outcome where covariates of a Cox model are
    imputed (White & Royston, 2009). Raises ValueError where a time or an event is missing.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if np.isnan(time).any() or np.isnan(event).any():
        raise ValueError("the cumulative hazard needs a known time and event of every patient")
    _, position, leaving = np.unique(time, return_inverse=True, return_counts=True)
    at_risk = len(time) - np.cumsum(leaving) + leaving
    return np.cumsum(np.bincount(position, weights=event) / at_risk)[position]


def impute(
    frame: pd.DataFrame,
    *,
    draws: int,
    iterations: int,
    seed: int,
    fixed: pd.DataFrame | None = None,
    stated: pd.DataFrame | None = None,
) -> list[pd.DataFrame]:
    """Copies of a frame of numbers and Categoricals, each with its missing values drawn; known values stay as they are.

    A number becomes that of one of the five patients with the nearest predictions (predictive mean matching: Little,
    1988; type 1 of van Buuren, 2018, section 3.4), a factor one of the levels somebody has, by multinomial logistic
    regression, levels unordered. Both first draw the regression's parameters, as proper imputation must (Rubin, 1987);
    R's mice does not for more than two levels. Columns take turns from the fewest missing values to the most. `fixed`
    are complete predictors of the same patients. `stated` is true where a value was given to patients in whom it cannot
    exist: it predicts others but is nobody's donor. A draw depends on `seed` and its number, not on how many there are.

    Raises ValueError for a column of another type, an infinite number, an incomplete column with fewer than two known
    values, two columns of one name, and `fixed` with a missing value or another index.
    """
    if draws < 1 or iterations < 1:
        raise ValueError("imputation needs one draw and one iteration or more")
    if fixed is not None and not fixed.index.equals(frame.index):
        raise ValueError("the fixed predictors must have the index of the frame")
    if fixed is not None and fixed.isna().any(axis=None):
        raise ValueError(f"the fixed predictor '{fixed.columns[fixed.isna().any()][0]}' has a missing value")
    columns = _columns(frame if fixed is None else pd.concat([frame, fixed], axis=1), stated)
    sources = np.random.SeedSequence(seed).spawn(draws)
    return [_completed(frame, columns, iterations, np.random.default_rng(source)) for source in sources]


def _columns(table: pd.DataFrame, stated: pd.DataFrame | None) -> list[Column]:
    """The columns of a table as numbers, each with its places among the predictors."""
    if not table.columns.is_unique:
        raise ValueError("the columns to impute and the fixed predictors must have different names")
    columns, first = [], 0
    for name in table:
        series, levels, width = table[name], None, 1
        if isinstance(series.dtype, pd.CategoricalDtype):
            codes = series.cat.codes.to_numpy()
            levels = np.unique(codes[codes >= 0])
            values = np.where(codes >= 0, np.searchsorted(levels, codes), np.nan)
            width = max(len(levels) - 1, 0)
        elif pd.api.types.is_numeric_dtype(series):
            values = series.to_numpy(dtype=float, na_value=np.nan)
        else:
            raise ValueError(f"the column '{name}' is neither a number nor a Categorical")
        if np.isinf(values).any():
            raise ValueError(f"the column '{name}' has an infinite value")
        donors = ~np.isnan(values)
        complete = donors.all()
        if stated is not None and name in stated:
            donors &= ~stated[name].to_numpy(dtype=bool)
        known = np.count_nonzero(donors)
        if known < 2 and not complete:
            raise ValueError(f"the column '{name}' has {'one' if known else 'no'} known value; imputation needs two")
        columns.append(Column(name, values, donors, levels, first, first + width))
        first += width
    return columns


def _completed(frame: pd.DataFrame, columns: list[Column], iterations: int, rng: np.random.Generator) -> pd.DataFrame:
    """One draw of all that is missing, from a chain that starts with random known values."""
    incomplete = sorted((each for each in columns if each.missing.any()), key=lambda each: each.missing.sum())
    values = {each.name: each.values.copy() for each in columns}
    for each in incomplete:
        values[each.name][each.missing] = rng.choice(each.values[each.donors], each.missing.sum())
    predictors = np.hstack([each.as_predictors(values[each.name]) for each in columns])
    for _ in range(iterations):
        for each in incomplete:
            drawn = _draw(each, np.delete(predictors, slice(each.first, each.end), axis=1), rng)
            predictors[each.missing, each.first : each.end] = each.as_predictors(drawn)
            values[each.name][each.missing] = drawn
    completed = frame.copy()
    for each in incomplete:
        dtype, found = frame[each.name].dtype, values[each.name]
        if each.levels is not None:
            found = pd.Categorical.from_codes(each.levels[found.astype(int)], dtype=dtype)
        completed[each.name] = pd.Series(found, index=frame.index).astype(dtype)
    return completed


def _draw(column: Column, predictors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """New values of those whose value in a column is missing, given what the other columns hold now."""
    known, missing = column.values[column.donors], column.missing
    x, x_missing = _independent(predictors[column.donors], predictors[missing])
    if column.levels is None:
        return known[_donors(known, x, x_missing, rng)]
    return _levels(known.astype(int), x, x_missing, rng)


def _independent(known: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictors in standard deviations behind a column of ones, without those that the others determine.

    What counts is the patients with a known value, to whom the regression is fitted.
    """
    spread = known.std(axis=0)
    varies = spread > CONSTANT * np.abs(known).max(axis=0, initial=0)
    centre, spread = known[:, varies].mean(axis=0), spread[varies]
    x = (known[:, varies] - centre) / spread
    kept = np.arange(0)
    if x.shape[1]:
        _, pivots, rank, _ = lapack.dpstrf(x.T @ x / len(x), tol=DEPENDENT)
        kept = np.sort(pivots[:rank] - 1)
    x_missing = (missing[:, varies][:, kept] - centre[kept]) / spread[kept]
    return _with_constant(x[:, kept]), _with_constant(x_missing)


def _with_constant(x: np.ndarray) -> np.ndarray:
    return np.hstack([np.ones((len(x), 1)), x])


def _donors(y: np.ndarray, x: np.ndarray, x_missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictive mean matching: for each missing value the position of the known one it takes.

    Predictions are at the estimated parameters where the value is known and at drawn ones where it is missing, from the
    posterior of a linear model (Rubin, 1987, page 167) with a small ridge.
    """
    scaled = (y - y.mean()) / (y.std() or 1)
    factor = linalg.cholesky(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), lower=True)
    beta = linalg.cho_solve((factor, True), x.T @ scaled)
    residual = scaled - x @ beta
    sigma = np.sqrt(residual @ residual / rng.chisquare(max(len(x) - x.shape[1], 1)))
    drawn = beta + sigma * _normal(np.zeros(len(beta)), factor, rng)
    return _nearest(np.round(x @ beta, DECIMALS), np.round(x_missing @ drawn, DECIMALS), rng)


def _nearest(known: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each wanted value the position of one of the nearest known ones, any of equal ones with the same chance."""
    order = np.argsort(known)
    ranked = known[order]
    window = np.searchsorted(ranked, wanted)[:, None] + np.arange(-DONORS, DONORS)
    values = ranked[np.clip(window, 0, len(ranked) - 1)]
    inside = (window >= 0) & (window < len(ranked))
    distance = np.where(inside, np.abs(values - wanted[:, None]), np.inf)
    pick = rng.integers(min(DONORS, len(ranked)), size=len(wanted))
    row = np.arange(len(wanted))
    value = values[row, np.argsort(distance, axis=1, kind="stable")[row, pick]]
    return order[rng.integers(np.searchsorted(ranked, value), np.searchsorted(ranked, value, side="right"))]


def _levels(y: np.ndarray, x: np.ndarray, x_missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multinomial logistic regression: a level for each missing value, at parameters drawn from their posterior.

    Slopes come from its normal approximation, then the constants given these slopes. Drawn together they would make a
    rare level commoner: the spread of the logits raises its probability, but here the known shares hold (the idea of
    Puhr et al., 2017). Perfect prediction is met by added patients (the idea of White, Daniel & Royston, 2010): two a
    predictor, a standard deviation to either side of the mean of all, in all weighing one more than the predictors.
    Each has every level in the shares of those known (Clogg et al., 1991), so they do not pull these together.
    """
    if y.max() == 0:
        return np.zeros(len(x_missing))
    target, size = (y[:, None] == np.arange(y.max() + 1)).astype(float), x.shape[1] - 1
    added = _with_constant(np.vstack([np.eye(size), -np.eye(size)]))
    weighted = (size + 1) / max(2 * size, 1) * np.tile(target.mean(axis=0), (2 * size, 1))
    slopes = _normal(*_mode(np.vstack([x, added]), np.vstack([target, weighted])), rng)[:, 1:]
    constants = _normal(*_mode(x[:, :1], target, x[:, 1:] @ slopes.T), rng)
    shares = np.cumsum(np.exp(_log_shares(x_missing[:, 1:] @ slopes.T + constants.T)), axis=1)
    return (rng.random(len(x_missing))[:, None] > shares[:, :-1]).sum(axis=1)


def _normal(mean: np.ndarray, factor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw from the normal distribution whose inverse covariance has this Cholesky factor."""
    noise = linalg.solve_triangular(factor, rng.standard_normal(mean.size), lower=True, trans=1)
    return mean + noise.reshape(mean.shape)


def _log_shares(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of all levels, from the logits of all but the first against it."""
    logits = np.hstack([np.zeros((len(logits), 1)), logits])
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _mode(x: np.ndarray, target: np.ndarray, offset: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(K - 1) x p parameters of greatest likelihood, the constants first, and the Cholesky factor of their information.

    A row of `target` is a patient's weight on each level. Newton's method from the model without predictors, steps
    halved while they lose likelihood.
    """
    weight, total = target.sum(axis=1), target.sum(axis=0)
    beta = np.zeros((len(total) - 1, x.shape[1]))
    beta[:, 0] = np.log(total[1:] / total[0])
    logs = _log_shares(x @ beta.T + offset)
    for _ in range(MAX_STEPS):
        shares = np.exp(logs[:, 1:])
        score = (target[:, 1:] - weight[:, None] * shares).T @ x
        factor = linalg.cholesky(_information(x, weight, shares), lower=True, check_finite=False)
        step = linalg.cho_solve((factor, True), score.ravel(), check_finite=False).reshape(beta.shape)
        gain, value = (score * step).sum(), (target * logs).sum()
        while (target * (ahead := _log_shares(x @ (beta + step).T + offset))).sum() < value - CONVERGED:
            step = step / 2
        beta, logs = beta + step, ahead
        if gain < CONVERGED:
            break
    return beta, factor


def _information(x: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Information of the parameters of all levels but the first, level by level, with a ridge where it is nil."""
    parts, size = shares.shape[1], shares.shape[1] * x.shape[1]
    curvature = weight[:, None, None] * shares[:, :, None] * (np.eye(parts) - shares[:, None, :])
    crossed = x.T @ (curvature[..., None] * x[:, None, None, :]).reshape(len(x), -1)
    blocks = crossed.reshape(-1, parts, parts, x.shape[1]).transpose(1, 0, 2, 3)
    return blocks.reshape(size, size) + RIDGE * np.eye(size)
