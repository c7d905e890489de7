"""Spearman's rank correlation with its exact p-value, with and without ties."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import Values
from sojourn.statistics.exact.correlation import check_pairs
from sojourn.statistics.exact.ranks import double_midranks

MOST_CELLS = 8_000_000
"""Numbers held at once by the exact law, at most: n = 16 without ties, about 14 with."""


@dataclass(frozen=True, slots=True)
class SpearmanTest:
    """Spearman's rho and its exact p-values, over all n! orders of one side.

    `p_two_sided` counts orders whose absolute rho is at least the observed one.
    """

    rho: float
    p_two_sided: float
    p_greater: float
    p_less: float
    n: int
    tied: bool


def spearman_rho(x: Values, y: Values) -> float:
    """Return the correlation of the midranks, -1 to 1.

    Raises
    ------
    DataError
        if the lengths differ, there are fewer than three pairs, or one side does not vary.

    References
    ----------
    Spearman, Am. J. Psychol. 15 (1904) 72.
    """
    x, y = check_pairs(x, y)
    a, b = double_midranks(x), double_midranks(y)
    n = len(a)
    # whole numbers up to here, so that rho is the same for every order of subjects
    above = n * int(a @ b) - int(a.sum()) * int(b.sum())
    below = [n * int(v @ v) - int(v.sum()) ** 2 for v in (a, b)]
    return max(-1.0, min(1.0, above / math.sqrt(below[0] * below[1])))


def spearman_test(x: Values, y: Values) -> SpearmanTest:
    """Return the exact test of Spearman's correlation.

    The law of the sum of products of ranks is counted over subsets, not over the n! orders, with
    the ties that are there. Ranks are compared as whole numbers: no tolerance.

    Parameters
    ----------
    x, y
        values of the same subjects, any units; three or more.

    Raises
    ------
    DataError
        if the lengths differ, one side does not vary, or the exact law is too large. No
        approximation is put in its place (R: Edgeworth series from n = 10 on).

    References
    ----------
    Kendall, Kendall and Smith, Biometrika 30 (1939) 251; van de Wiel and Di Bucchianico, J. Stat.
    Plan. Inference 92 (2001) 133.

    Examples
    --------
    >>> found = spearman_test([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0])
    >>> round(found.rho, 12), round(found.p_two_sided, 6)
    (0.8, 0.133333)
    """
    rho = spearman_rho(x, y)
    x, y = check_pairs(x, y)
    a, b = _scores(x), _scores(y)
    counts = product_sum_counts(tuple(sorted(a.tolist())), tuple(sorted(b.tolist())))
    n = len(a)
    sums = np.arange(len(counts))
    center = int(a.sum()) * int(b.sum())
    from_mean, observed = n * sums - center, n * int(a @ b) - center
    total = math.factorial(n)
    both = _count(counts, np.abs(from_mean) >= abs(observed)) / total
    more = _count(counts, from_mean >= observed) / total
    less = _count(counts, from_mean <= observed) / total
    tied = len(np.unique(x)) < n or len(np.unique(y)) < n
    return SpearmanTest(rho, both, more, less, n, tied)


def _count(counts: NDArray[np.int64], chosen: NDArray[np.bool_]) -> int:
    return int(counts[chosen].sum())


def _scores(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return midranks as the smallest whole numbers from 0 with the same spacing."""
    doubled = double_midranks(values)
    doubled = doubled - doubled.min()
    divisor = int(np.gcd.reduce(doubled))
    scores: NDArray[np.int64] = doubled // divisor
    return scores


@lru_cache(maxsize=16)
def product_sum_counts(a: tuple[int, ...], b: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how many orders p give sum a[i] b[p(i)] = s, s = 0, 1, ...; n! in all.

    Parameters
    ----------
    a, b
        scores of one length n, ascending, 0 or more.

    Raises
    ------
    DataError
        if more than `MOST_CELLS` numbers would be held at once.

    Examples
    --------
    >>> product_sum_counts((0, 1, 2), (0, 1, 2)).tolist()
    [0, 1, 2, 0, 2, 1]
    """
    n = len(a)
    widths = [1 + sum(s * t for s, t in zip(a[:k], b[n - k :], strict=True)) for k in range(n + 1)]
    cells = max(math.comb(n, k) * width for k, width in enumerate(widths))
    if cells > MOST_CELLS or n > 20:
        raise DataError(
            f"{n} subjects: the exact law of Spearman's rho needs {cells:.3g} numbers at once, "
            f"more than {MOST_CELLS:.3g} (16 subjects without ties, about 14 with): no exact "
            "p-value, and no approximation is put in its place"
        )
    index = np.zeros(1 << n, dtype=np.int64)
    law = np.ones((1, 1), dtype=np.int64)
    masks = np.zeros(1, dtype=np.int64)
    for k in range(n):
        following = np.array([sum(1 << j for j in c) for c in combinations(range(n), k + 1)])
        index[following] = np.arange(len(following))
        made = np.zeros((len(following), widths[k + 1]), dtype=np.int64)
        for j in range(n):
            source = np.flatnonzero(masks & (1 << j) == 0)
            shift = a[k] * b[j]
            target = index[masks[source] | (1 << j)]
            stop = min(shift + law.shape[1], widths[k + 1])
            made[target, shift:stop] += law[source, : stop - shift]
        law, masks = made, following
    counts: NDArray[np.int64] = law[0]
    counts.flags.writeable = False
    return counts
