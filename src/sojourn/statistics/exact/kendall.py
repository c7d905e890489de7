"""Kendall's rank correlation: exact p-value, and R's normal one under its own name."""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import Values
from sojourn.statistics.exact.correlation import check_pairs

LARGEST_TIED = 9
LARGEST = 150


@dataclass(frozen=True, slots=True)
class KendallTest:
    """Kendall's tau-b and its exact p-values over all orders of one side.

    `p_two_sided` is twice the smaller tail.
    """

    tau: float
    p_two_sided: float
    p_greater: float
    p_less: float
    n: int
    tied: bool


def kendall_test(x: Values, y: Values) -> KendallTest:
    """Return the exact test of Kendall's correlation.

    Without ties by counting inversions, up to `LARGEST` subjects; with ties by all orders, up to
    `LARGEST_TIED`.

    Parameters
    ----------
    x, y
        values of the same subjects, any units; three or more.

    Raises
    ------
    DataError
        if the lengths differ, one side does not vary, or there are too many subjects; no
        approximation is put in its place (`kendall_normal_p` is one, under its own name).

    References
    ----------
    Kendall, Biometrika 30 (1938) 81; R `cor.test(method = "kendall", exact = TRUE)`.

    Examples
    --------
    >>> kendall_test([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).p_greater
    0.16666666666666666
    """
    x, y = check_pairs(x, y)
    n = len(x)
    tied = len(np.unique(x)) < n or len(np.unique(y)) < n
    score, tau = _score(x, y)
    if not tied:
        greater, less = _tails_by_inversions(n, score)
    elif n <= LARGEST_TIED:
        greater, less = _tails_by_orders(x, y, score)
    else:
        raise DataError(
            f"{n} subjects with ties: Kendall's exact law is enumerated for {LARGEST_TIED} or "
            "fewer; kendall_normal_p is R's approximation, under its own name"
        )
    return KendallTest(tau, min(1.0, 2 * min(greater, less)), greater, less, n, tied)


def kendall_normal_p(x: Values, y: Values) -> float:
    """Return the two-sided p-value of the normal approximation that R reports where there are ties.

    Without continuity correction; variance with the correction for ties.

    Parameters
    ----------
    x, y
        values of the same subjects, any units; three or more.

    Raises
    ------
    DataError
        if the lengths differ, there are fewer than three pairs, or one side does not vary.

    References
    ----------
    Kendall, Rank correlation methods, 4th edition 1970, chapter 4; R `cor.test`.
    """
    x, y = check_pairs(x, y)
    n = len(x)
    score, _ = _score(x, y)
    t, u = (np.unique(side, return_counts=True)[1].astype(float) for side in (x, y))
    v0, vt, vu = (float((k * (k - 1) * (2 * k + 5)).sum()) for k in (np.array([float(n)]), t, u))
    pairs = [float((k * (k - 1)).sum()) for k in (t, u)]
    triples = [float((k * (k - 1) * (k - 2)).sum()) for k in (t, u)]
    variance = (v0 - vt - vu) / 18 + pairs[0] * pairs[1] / (2 * n * (n - 1))
    variance += triples[0] * triples[1] / (9 * n * (n - 1) * (n - 2))
    return min(1.0, 2 * float(ndtr(-abs(score) / math.sqrt(variance))))


def _score(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[int, float]:
    """Return concordant minus discordant pairs, and tau-b."""
    i, j = np.triu_indices(len(x), 1)
    a, b = np.sign(x[i] - x[j]).astype(int), np.sign(y[i] - y[j]).astype(int)
    score = int(a @ b)
    return score, score / math.sqrt(int(a @ a) * int(b @ b))


def _tails_by_inversions(n: int, score: int) -> tuple[float, float]:
    if n > LARGEST:
        raise DataError(f"{n} subjects: Kendall's exact law is computed for {LARGEST} or fewer")
    law = np.ones(1)
    for k in range(2, n + 1):  # inversions with the k-th subject added: 0 to k - 1, each alike
        law = np.convolve(law, np.full(k, 1.0 / k))
    inversions = (n * (n - 1) // 2 - score) // 2
    greater, less = float(law[: inversions + 1].sum()), float(law[inversions:].sum())
    return min(1.0, greater), min(1.0, less)


def _tails_by_orders(
    x: NDArray[np.float64], y: NDArray[np.float64], score: int
) -> tuple[float, float]:
    n = len(x)
    i, j = np.triu_indices(n, 1)
    signs = np.sign(x[i] - x[j]).astype(np.int64)
    orders = np.array(list(permutations(range(n))), dtype=np.intp)
    scores = np.zeros(len(orders), dtype=np.int64)
    for k, sign in enumerate(signs):
        if sign:
            scores += sign * np.sign(y[orders[:, i[k]]] - y[orders[:, j[k]]]).astype(np.int64)
    return float(np.mean(scores >= score)), float(np.mean(scores <= score))
