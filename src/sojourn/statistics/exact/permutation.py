"""Exact permutation test of a difference of two means, and its interval by inversion."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import clopper_pearson
from sojourn.statistics.exact.checks import (
    Values,
    check_count,
    check_level,
    check_values,
    tie_tolerance,
)

Array = NDArray[np.float64]
MOST_SPLITS = 5_000_000
"""Splits enumerated at most (12 against 12 has 2,704,156; 10 against 10 has 184,756)."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Mean of x minus mean of y, and the share of splits at least as extreme.

    `p_two_sided` counts splits whose absolute difference is at least the observed one; `p_greater`
    and `p_less` those at least as far on one side. All `n_splits` are counted, none is drawn.
    """

    difference: float
    p_two_sided: float
    p_greater: float
    p_less: float
    n_splits: int


@dataclass(frozen=True, slots=True)
class SampledPermutationTest:
    """A p-value from drawn splits: (extreme + 1) / (draws + 1), not exact.

    `lower` and `upper` bound the exact p-value with 99 % confidence.
    """

    difference: float
    p_two_sided: float
    lower: float
    upper: float
    draws: int


@dataclass(frozen=True, slots=True)
class ShiftInterval:
    """The shifts that the test does not reject, and the level that the interval attains.

    The level asked for may be out of reach: then the interval is the widest finite one and
    `attained_level` lies below. Unbounded, with level 1, where two subjects allow none.
    """

    lower: float
    upper: float
    attained_level: float


def permutation_test(x: Values, y: Values) -> PermutationTest:
    """Return the exact permutation test of the difference of means.

    Differences count as equal up to 1e-12 of the largest absolute value, so that rounding does not
    break ties of decimal data.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite, or there are more than `MOST_SPLITS` splits:
        `sample_permutations` draws some of them, under its own name.

    References
    ----------
    Fisher, The design of experiments, 1935; Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119.

    Examples
    --------
    >>> permutation_test([3.0, 4.0], [1.0, 2.0]).n_splits
    6
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    n_splits = check_feasible(len(x), len(y))
    pooled = np.concatenate([x, y])
    tolerance = tie_tolerance(pooled)
    total = pooled.sum()
    observed = math.fsum(x) / len(x) - math.fsum(y) / len(y)
    extreme = np.zeros(3, dtype=np.int64)
    for chosen in _splits(len(pooled), len(x)):
        sums = pooled[chosen].sum(axis=1)
        differences = sums / len(x) - (total - sums) / len(y)
        extreme += [
            np.count_nonzero(np.abs(differences) >= abs(observed) - tolerance),
            np.count_nonzero(differences >= observed - tolerance),
            np.count_nonzero(differences <= observed + tolerance),
        ]
    both, more, less = (int(count) / n_splits for count in extreme)
    return PermutationTest(observed, both, more, less, n_splits)


def sample_permutations(
    x: Values, y: Values, *, draws: int, rng: np.random.Generator
) -> SampledPermutationTest:
    """Return a Monte Carlo p-value of the difference of means, for groups too large to enumerate.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.
    draws
        random splits, 1 or more.
    rng
        source of the splits.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite or `draws` is no count.

    References
    ----------
    Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    if check_count(draws, "draws") < 1:
        raise DataError("draws is 0: expected 1 or more")
    pooled = np.concatenate([x, y])
    tolerance = tie_tolerance(pooled)
    observed = math.fsum(x) / len(x) - math.fsum(y) / len(y)
    total, extreme, left = pooled.sum(), 0, draws
    while left > 0:
        size = min(left, max(1, 4_000_000 // len(pooled)))
        sums = rng.permuted(np.tile(pooled, (size, 1)), axis=1)[:, : len(x)].sum(axis=1)
        differences = np.abs(sums / len(x) - (total - sums) / len(y))
        extreme += int(np.count_nonzero(differences >= abs(observed) - tolerance))
        left -= size
    lower, upper = clopper_pearson(extreme, draws, level=0.99)
    return SampledPermutationTest(observed, (extreme + 1) / (draws + 1), lower, upper, draws)


def invert_permutation_test(x: Values, y: Values, *, level: float = 0.95) -> ShiftInterval:
    """Return the interval of the shift of x against y: what the permutation test does not reject.

    Split by split: exchanging k values of x with k of y gives a difference as large as the observed
    one exactly where the shift is at least the difference of the exchanged means. So the one-sided
    p-values step at these differences, and the bounds are two of them: equal tails, no search.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.
    level
        confidence asked for; what is attained is in the result.

    Returns
    -------
        bounds in the unit of the values. The two-sided p-value by absolute difference is not
        exactly that of equal tails where the groups differ in size.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite, or there are too many splits.

    References
    ----------
    Tritchler, J. Am. Stat. Assoc. 79 (1984) 200; Garthwaite, Biometrics 52 (1996) 1387.

    Examples
    --------
    >>> invert_permutation_test([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 2.5, 0.0], level=0.9)
    ShiftInterval(lower=1.25, upper=5.0, attained_level=0.9142857142857143)
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    n_splits = check_feasible(len(x), len(y))
    rejected = rejected_steps(n_splits, level)
    if 2 * rejected >= n_splits:
        return ShiftInterval(-math.inf, math.inf, 1.0)
    steps = [
        (_subset_means(x, k)[:, None] - _subset_means(y, k)[None, :]).ravel()
        for k in range(1, min(len(x), len(y)) + 1)
    ]
    ordered = np.sort(np.concatenate(steps))
    attained = 1 - 2 * rejected / n_splits
    return ShiftInterval(float(ordered[rejected - 1]), float(ordered[-rejected]), attained)


def rejected_steps(n_splits: int, level: float) -> int:
    """Return how many of `n_splits` lie beyond each bound of an interval of `level`, 1 or more.

    Raises
    ------
    DataError
        if `level` is none.
    """
    return max(1, math.floor(n_splits * (1 - check_level(level)) / 2 + 1e-9))


def check_feasible(m: int, n: int) -> int:
    """Return the number of splits of m + n values into groups of `m` and `n`.

    Raises
    ------
    DataError
        if it exceeds `MOST_SPLITS`.
    """
    n_splits = math.comb(m + n, m)
    if n_splits > MOST_SPLITS:
        raise DataError(
            f"groups of {m} and {n} have {describe_splits(n_splits)} splits, more than the "
            f"{MOST_SPLITS} that are "
            "enumerated: no exact permutation test; draw splits with sample_permutations and "
            "say so, or use a rank test, exact at this size"
        )
    return n_splits


def describe_splits(n_splits: int) -> str:
    """Return a number of splits in words; a power of ten where it has more than 15 digits.

    Examples
    --------
    >>> describe_splits(252), describe_splits(2**100)
    ('252', 'about 10^30')
    """
    if n_splits < 10**15:
        return str(n_splits)
    # Python refuses to write out more than 4300 digits; the logarithm takes any whole number.
    return f"about 10^{math.floor(math.log10(n_splits))}"


def _splits(size: int, chosen: int) -> list[NDArray[np.intp]]:
    """Return the indices of every split in pieces of limited memory."""
    if math.comb(size, chosen) <= 200_000:
        return [all_splits(size, chosen)]
    pieces = []
    for first in combinations(range(size), min(3, chosen)):
        rest = all_splits(size - first[-1] - 1, chosen - len(first)) + first[-1] + 1
        lead = np.broadcast_to(np.array(first, dtype=np.intp), (len(rest), len(first)))
        pieces.append(np.hstack([lead, rest]))
    return pieces


@lru_cache(maxsize=64)
def all_splits(size: int, chosen: int) -> NDArray[np.intp]:
    """Return the indices of every choice of `chosen` of `size`, ascending, the first ones first.

    Shape (number of choices, `chosen`); read-only, because it is kept for the next call.
    """
    made = np.array(list(combinations(range(size), chosen)), dtype=np.intp)
    made = made.reshape(math.comb(size, chosen), chosen)
    made.flags.writeable = False
    return made


def _subset_means(values: Array, size: int) -> Array:
    means: Array = values[all_splits(len(values), size)].mean(axis=1)
    return means
