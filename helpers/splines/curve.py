"""The curve of a restricted cubic spline: its knots and terms, where it turns and where it takes a value again.

Basis and knots are Harrell's (Regression Modeling Strategies, 2015, chapter 2). Points of a curve are found to the last
digit between places where it is monotone, never on a grid.
"""

from collections.abc import Callable

import numpy as np

QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
FEW = 100
OUTER = 5
HALVINGS = 64


def default_knots(values: np.ndarray, k: int) -> np.ndarray:
    """Harrell's `k` knots, 3 to 5, at quantiles (R's type 7) of `values`; those that coincide are one.

    Of fewer than a hundred values the outer knots are the fifth smallest and the fifth largest, of fewer than five
    there are none. The other ways that Hmisc's rcspline.eval has with tied values (fractied) are not followed.
    """
    if len(values) < OUTER:
        return np.zeros(0)
    knots = np.quantile(values, QUANTILES[k])
    if len(values) < FEW:
        knots[[0, -1]] = np.sort(values)[[OUTER - 1, -OUTER]]
    return np.unique(tidy(knots))


def tidy(values: np.ndarray | float) -> np.ndarray:
    """Values to ten significant digits, so that what rounding alone sets apart is one value."""
    return np.array([float(f"{each:.10g}") for each in np.ravel(values)])


def basis(x: np.ndarray, knots: np.ndarray, derivative: int = 0) -> np.ndarray:
    """The terms at `x`, or their first or second derivative, along a new last axis one shorter than `knots`.

    First x itself, then the nonlinear terms: truncated cubes, linear beyond the outer knots, divided by the squared
    distance between these (Harrell, 2015, section 2.4.5).
    """
    x, t = np.asarray(x, dtype=float)[..., None], knots
    powers = (1, 3, 6)[derivative] * np.clip(x - t, 0, None) ** (3 - derivative) / (t[-1] - t[0]) ** 2
    to_last, to_inner = ((t[end] - t[:-2]) / (t[-1] - t[-2]) for end in (-1, -2))
    nonlinear = powers[..., :-2] - powers[..., -2:-1] * to_last + powers[..., -1:] * to_inner
    return np.concatenate([(x, np.ones_like(x), np.zeros_like(x))[derivative], nonlinear], axis=-1)


def extrema(coefficients: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each curve (a row of `coefficients`) turns, NaN in places not used, and whether that is a minimum.

    The slope is monotone between neighbours among the knots and the points without curvature.
    """
    bend = coefficients @ basis(knots, knots, 2).T
    left, right = bend[:, :-1], bend[:, 1:]
    inside = left * right < 0
    share = np.where(inside, left / np.where(inside, left - right, 1), 0)
    fixed = np.broadcast_to(knots, bend.shape)
    points = np.sort(np.concatenate([fixed, fixed[:, :-1] + share * np.diff(knots)], axis=1), axis=1)
    return _sign_changes(lambda x: basis(x, knots, 1), coefficients, points)


def crossings(
    coefficients: np.ndarray, knots: np.ndarray, reference: float, ends: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Where each curve takes its value at `reference` again between `ends`, NaN in places not used; whether it rises.

    The curve is monotone between neighbours among the ends, the knots and its extrema. `reference` and the knots lie
    between the ends.
    """
    turns = np.nan_to_num(extrema(coefficients, knots)[0], nan=reference)
    fixed = np.broadcast_to([*ends, reference, *knots], (len(turns), len(knots) + 3))
    points = np.sort(np.concatenate([fixed, turns], axis=1), axis=1)
    origin = basis(np.array(reference), knots)
    return _sign_changes(lambda x: basis(x, knots) - origin, coefficients, points, points == reference)


def _sign_changes(
    terms: Callable[[np.ndarray], np.ndarray],
    coefficients: np.ndarray,
    points: np.ndarray,
    zero: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The root of terms times coefficients between neighbouring `points` of a row; a known `zero` is not one.

    Both arrays have a place for each pair of neighbours: the root, and whether the function is positive after it.
    """
    positive = np.einsum("bkp,bp->bk", terms(points), coefficients) >= 0
    changes = positive[:, 1:] != positive[:, :-1]
    if zero is not None:
        changes &= ~(zero[:, 1:] | zero[:, :-1])
    rows, places = np.nonzero(changes)
    low, high, rising = points[rows, places], points[rows, places + 1], positive[rows, places + 1]
    curves = coefficients[rows]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        after = ((terms(middle) * curves).sum(axis=-1) >= 0) == rising
        low, high = np.where(after, low, middle), np.where(after, middle, high)
    roots = np.full(changes.shape, np.nan)
    roots[rows, places] = high
    return roots, positive[:, 1:]
