"""Cox regression, rank-sum test and matching as loops over few numbers, compiled where numba is there.

They compute what `helpers` computes, on arrays and without its checks: a search asks them some million times.
"""

from collections.abc import Callable
from math import erfc, exp, log, sqrt

import numpy as np

try:
    from numba import njit
except ImportError:

    def njit(function: Callable) -> Callable:
        """The function as it is: the same numbers, some hundred times as slowly."""
        return function


NEWTON, FAR, NEAR = 25, 12.0, 1e-5
PRODUCT = 100


@njit
def rooted(matrix: np.ndarray, p: int, root: np.ndarray) -> bool:
    """The lower triangular `root` of a symmetric matrix (Cholesky); False where that is not positive definite."""
    for i in range(p):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if i != j:
                root[i, j] = total / root[j, j]
            elif total > 1e-10:
                root[i, i] = sqrt(total)
            else:
                return False
    return True


@njit
def solve(matrix: np.ndarray, right: np.ndarray, p: int, inverse: np.ndarray) -> bool:
    """The solution of `matrix @ x = right`, in place of `right`; the inverse's diagonal; False if not definite."""
    root, column = np.zeros((p, p)), np.zeros(p)
    if not rooted(matrix, p, root):
        return False
    for i in range(p):
        for k in range(i):
            right[i] -= root[i, k] * right[k]
        right[i] /= root[i, i]
    for i in range(p - 1, -1, -1):
        for k in range(i + 1, p):
            right[i] -= root[k, i] * right[k]
        right[i] /= root[i, i]
    for j in range(p):
        inverse[j] = 0.0
        for i in range(j, p):
            column[i] = 1.0 if i == j else 0.0
            for k in range(j, i):
                column[i] -= root[i, k] * column[k]
            column[i] /= root[i, i]
            inverse[j] += column[i] * column[i]
    return True


@njit
def gathered(order: np.ndarray, use: np.ndarray, x: np.ndarray, cols: np.ndarray, p: int, z: np.ndarray) -> np.ndarray:
    """The patients of `order` who are used and complete, their columns in `z`; from `PRODUCT` on, arm times column."""
    kept = np.empty(len(order), np.int64)
    n = 0
    for i in order:
        if i < 0:
            break
        if not use[i]:
            continue
        whole = True
        for k in range(p):
            c = cols[k]
            value = x[i, 0] * x[i, c - PRODUCT] if c >= PRODUCT else x[i, c]
            if value != value:
                whole = False
                break
            z[n, k] = value
        if whole:
            kept[n] = i
            n += 1
    return kept[:n]


@njit
def added(first: np.ndarray, second: np.ndarray, z: np.ndarray, weight: float) -> None:
    """Add a row, and its products, to weighted sums."""
    for a in range(len(first)):
        wz = weight * z[a]
        first[a] += wz
        for b in range(a + 1):
            second[a, b] += wz * z[b]


@njit
def dying(
    z: np.ndarray, died: np.ndarray, weight: np.ndarray, first: int, last: int, d1: np.ndarray, d2: np.ndarray
) -> float:
    """The sum of weights of who dies at one time, and those of their columns and products."""
    total = 0.0
    d1[:] = 0.0
    d2[:] = 0.0
    for row in range(first, last):
        if died[row]:
            total += weight[row]
            added(d1, d2, z[row], weight[row])
    return total


@njit
def derivatives(
    z: np.ndarray,
    end: np.ndarray,
    died: np.ndarray,
    begin: np.ndarray,
    leaving: np.ndarray,
    beta: np.ndarray,
    score: np.ndarray,
    info: np.ndarray,
) -> float:
    """Efron's log partial likelihood at `beta`, its `score` and `info`, of rows as in `maximum`."""
    n, p = z.shape
    weight, s0, value, first, gone = np.empty(n), 0.0, 0.0, 0, 0
    s1, d1, s2, d2 = np.zeros(p), np.zeros(p), np.zeros((p, p)), np.zeros((p, p))
    score[:] = 0.0
    info[:] = 0.0
    while first < n:
        now, last, deaths, d0 = end[first], first, 0, 0.0
        while gone < len(leaving) and begin[leaving[gone]] >= now:
            s0 -= weight[leaving[gone]]
            added(s1, s2, z[leaving[gone]], -weight[leaving[gone]])
            gone += 1
        while last < n and end[last] == now:
            eta = 0.0
            for a in range(p):
                eta += beta[a] * z[last, a]
            weight[last] = exp(eta)
            s0 += weight[last]
            added(s1, s2, z[last], weight[last])
            if died[last]:
                deaths += 1
                value += eta
                for a in range(p):
                    score[a] += z[last, a]
            last += 1
        if deaths > 1:
            d0 = dying(z, died, weight, first, last, d1, d2)
        for k in range(deaths):
            value -= removed(s0, s1, s2, d0, d1, d2, k / deaths, score, info)
        first = last
    return value


@njit
def removed(
    s0: float,
    s1: np.ndarray,
    s2: np.ndarray,
    d0: float,
    d1: np.ndarray,
    d2: np.ndarray,
    share: float,
    score: np.ndarray,
    info: np.ndarray,
) -> float:
    """Take the mean at risk, less a share of who dies at the time, off the score; the log of the sum, NaN if none."""
    total = s0 - share * d0
    if not total > 0:
        return np.nan
    for a in range(len(s1)):
        mean = (s1[a] - share * d1[a]) / total
        score[a] -= mean
        for b in range(a + 1):
            other = (s1[b] - share * d1[b]) / total
            info[a, b] += (s2[a, b] - share * d2[a, b]) / total - mean * other
    return log(total)


@njit
def maximum(
    z: np.ndarray,
    end: np.ndarray,
    died: np.ndarray,
    begin: np.ndarray,
    leaving: np.ndarray,
    beta: np.ndarray,
    error: np.ndarray,
) -> float:
    """Log partial likelihood at its maximum by Efron's method, of rows at risk after `begin` and until `end`.

    Rows are sorted by falling end; `leaving` are those that begin after zero, by falling begin. `beta` begins the
    search and holds the coefficients; `error` holds standard errors, not a number where there is no maximum.
    """
    p, before = z.shape[1], -np.inf
    step, score, info = np.zeros(p), np.zeros(p), np.zeros((p, p))
    for _ in range(NEWTON):
        value = derivatives(z, end, died, begin, leaving, beta, score, info)
        if value < before - 1e-9:
            for a in range(p):
                step[a] /= 2
                beta[a] -= step[a]
            continue
        before = value
        step[:] = score
        if value != value or not solve(info, step, p, error):
            error[:p] = np.nan
            return before
        largest = 0.0
        for a in range(p):
            beta[a] = min(max(beta[a] + step[a], -FAR), FAR)
            error[a] = sqrt(error[a])
            largest = max(largest, abs(step[a]))
        if largest < NEAR:
            return before
    error[:p] = np.nan
    return before


NOBODY, NEVER = np.zeros(0, np.int64), np.zeros(0)


@njit
def cox(
    order: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    use: np.ndarray,
    x: np.ndarray,
    cols: np.ndarray,
    p: int,
    beta: np.ndarray,
    error: np.ndarray,
) -> float:
    """`maximum` of the patients used who are complete; `order` has them by falling time, padded by -1."""
    z = np.empty((len(order), p))
    kept = gathered(order, use, x, cols, p, z)
    return maximum(z[: len(kept)], time[kept], event[kept], NEVER, NOBODY, beta, error)


@njit
def cox_of_time(
    order: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    use: np.ndarray,
    x: np.ndarray,
    cols: np.ndarray,
    start: np.ndarray,
    beta: np.ndarray,
    error: np.ndarray,
) -> float:
    """`maximum` with the arm, the first column, untreated until `start`; patients without a start are left out.

    `start` is not a number in the treated without one, and endless in the untreated.
    """
    p, n = len(cols), 0
    z = np.empty((len(order), p))
    kept = gathered(order, use & ~np.isnan(start), x, cols, p, z)
    rows, end, begin = np.empty((2 * len(kept), p)), np.empty(2 * len(kept)), np.zeros(2 * len(kept))
    died = np.zeros(2 * len(kept), np.bool_)
    for k in range(len(kept)):
        i = kept[k]
        rows[n], end[n], died[n] = z[k], time[i], event[i]
        if start[i] < time[i]:
            begin[n] = start[i]
            n += 1
            rows[n], end[n] = z[k], start[i]
        rows[n, 0] = 0.0
        n += 1
    by_end = np.argsort(-end[:n], kind="mergesort")
    rows, end, begin, died = rows[by_end], end[by_end], begin[by_end], died[by_end]
    leaving = np.argsort(-begin, kind="mergesort")
    return maximum(rows, end, died, begin, leaving[: (begin > 0).sum()], beta, error)


@njit
def two_sided(z: float) -> float:
    """P of a standard normal deviate."""
    return erfc(abs(z) / sqrt(2.0))


@njit
def rank_sum(counts: np.ndarray) -> float:
    """P of the rank-sum test with continuity correction, of whole numbers counted in `counts[arm, value]`."""
    first, second = counts[0].sum(), counts[1].sum()
    n, below, total, ties = first + second, 0.0, 0.0, 0.0
    for value in range(counts.shape[1]):
        here = counts[0, value] + counts[1, value]
        total += counts[0, value] * (below + (here + 1) / 2)
        ties += here**3 - here
        below += here
    u = total - first * (first + 1) / 2
    variance = first * second / 12 * ((n + 1) - ties / (n * (n - 1)))
    return two_sided(max(0.0, abs(u - first * second / 2) - 0.5) / sqrt(variance))
