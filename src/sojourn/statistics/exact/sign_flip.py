"""Exact sign-flip test of a mean of 0, and its interval by inversion."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import clopper_pearson
from sojourn.statistics.exact.checks import (
    Values,
    check_count,
    check_values,
    tie_tolerance,
)
from sojourn.statistics.exact.permutation import (
    SampledPermutationTest,
    ShiftInterval,
    rejected_steps,
)

Array = NDArray[np.float64]
MOST_SUBJECTS = 22
"""Subjects of the exact test at most: 2^22 = 4,194,304 patterns of signs."""


@dataclass(frozen=True, slots=True)
class SignFlipTest:
    """Mean, and the share of all 2^n patterns of signs whose mean is at least as extreme."""

    mean: float
    p_two_sided: float
    p_greater: float
    p_less: float
    n_patterns: int


def sign_flip_test(values: Values) -> SignFlipTest:
    """Return the exact test that the values are symmetric about 0, by their mean.

    Means count as equal up to 1e-12 of the largest absolute value. A value of 0 keeps its place:
    its two signs give one mean.

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.

    Raises
    ------
    DataError
        if there is no value, one is not finite, or there are more than `MOST_SUBJECTS`:
        `sample_sign_flips` draws patterns, under its own name.

    References
    ----------
    Fisher, The design of experiments, 1935, section 21.

    Examples
    --------
    >>> sign_flip_test([-18.2, -25.1, -9.4, -12.7, -30.3]).p_two_sided
    0.0625
    """
    values = check_values(values, "values")
    _check_feasible(len(values))
    # sums over all subsets: flipping the signs of a subset takes twice its sum from the total
    means = (values.sum() - 2 * _subset_sums(values)) / len(values)
    observed = math.fsum(values) / len(values)
    tolerance = tie_tolerance(values)
    n_patterns = len(means)
    both = int(np.count_nonzero(np.abs(means) >= abs(observed) - tolerance)) / n_patterns
    more = int(np.count_nonzero(means >= observed - tolerance)) / n_patterns
    less = int(np.count_nonzero(means <= observed + tolerance)) / n_patterns
    return SignFlipTest(observed, both, more, less, n_patterns)


def invert_sign_flip_test(values: Values, *, level: float = 0.95) -> ShiftInterval:
    """Return the interval of the mean: the centres that the sign-flip test does not reject.

    A subset's flipped signs give a mean as large as the observed one exactly where the centre is at
    least the subset's own mean: the bounds are two of these 2^n - 1 means (typical values).

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.
    level
        confidence asked for; what is attained is in the result.

    Returns
    -------
        bounds in the unit of the values; unbounded for one value.

    Raises
    ------
    DataError
        if there is no value, one is not finite, or there are more than `MOST_SUBJECTS`.

    References
    ----------
    Hartigan, J. Am. Stat. Assoc. 64 (1969) 1303.
    """
    values = check_values(values, "values")
    _check_feasible(len(values))
    sums = _subset_sums(values)[1:]
    rejected = rejected_steps(len(sums) + 1, level)
    if 2 * rejected > len(sums):
        return ShiftInterval(-math.inf, math.inf, 1.0)
    sizes = _subset_sums(np.ones(len(values)))[1:]
    ordered = np.sort(sums / sizes)
    attained = 1 - 2 * rejected / (len(sums) + 1)
    return ShiftInterval(float(ordered[rejected - 1]), float(ordered[-rejected]), attained)


def sample_sign_flips(
    values: Values, *, draws: int, rng: np.random.Generator
) -> SampledPermutationTest:
    """Return a Monte Carlo p-value of a mean of 0, for groups too large to enumerate.

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.
    draws
        random patterns of signs, 1 or more.
    rng
        source of the signs.

    Raises
    ------
    DataError
        if there is no value, one is not finite or `draws` is no count.

    References
    ----------
    Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
    """
    values = check_values(values, "values")
    if check_count(draws, "draws") < 1:
        raise DataError("draws is 0: expected 1 or more")
    observed = math.fsum(values) / len(values)
    tolerance, extreme, left = tie_tolerance(values), 0, draws
    while left > 0:
        size = min(left, max(1, 4_000_000 // len(values)))
        means = rng.choice([-1.0, 1.0], size=(size, len(values))) @ values / len(values)
        extreme += int(np.count_nonzero(np.abs(means) >= abs(observed) - tolerance))
        left -= size
    lower, upper = clopper_pearson(extreme, draws, level=0.99)
    return SampledPermutationTest(observed, (extreme + 1) / (draws + 1), lower, upper, draws)


def _subset_sums(values: Array) -> Array:
    """Return the sum of every subset, the empty one first; shape (2^n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _check_feasible(n: int) -> None:
    if n > MOST_SUBJECTS:
        raise DataError(
            f"{n} subjects have 2^{n} patterns of signs; those of {MOST_SUBJECTS} are enumerated "
            "at most: no exact sign-flip test; draw patterns with sample_sign_flips and say so, or "
            "use the signed-rank test, exact at this size"
        )
