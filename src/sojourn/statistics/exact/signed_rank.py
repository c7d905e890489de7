"""Exact Wilcoxon signed-rank test, and the pseudo-median with its exact interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.exact.checks import Values, check_level, check_values, tie_tolerance
from sojourn.statistics.exact.hodges_lehmann import ShiftEstimate, distinct, invert
from sojourn.statistics.exact.ranks import double_midranks, sign_sum_law
from sojourn.statistics.exact.wilcoxon import check_size

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SignedRankTest:
    """Exact signed-rank test of symmetry about 0.

    `v` is the sum of the (mid)ranks of the positive values, R's V. The law is enumerated under the
    ties of absolute values that are there; `n_zero` values of 0 say nothing of the sign.
    """

    v: float
    p_two_sided: float
    p_greater: float
    p_less: float
    n_zero: int
    tied: bool


def signed_rank_test(values: Values) -> SignedRankTest:
    """Return the exact signed-rank test; zeros are left out before ranking (Wilcoxon).

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.

    Raises
    ------
    DataError
        if there is no value, one is not finite, or there are too many.

    References
    ----------
    Wilcoxon, Biom. Bull. 1 (1945) 80; R `wilcox.test`, with ties and zeros exactRankTests.

    Examples
    --------
    >>> signed_rank_test([-18.2, -25.1, -9.4, -12.7, -30.3]).p_two_sided
    0.0625
    """
    values = check_values(values, "values")
    kept = values[values != 0]
    return _test(kept, double_midranks(np.abs(kept)), len(values) - len(kept))


def signed_rank_test_pratt(values: Values) -> SignedRankTest:
    """Return the exact signed-rank test; zeros are ranked, and their ranks left out (Pratt).

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.

    Raises
    ------
    DataError
        if there is no value, one is not finite, or there are too many.

    References
    ----------
    Pratt, J. Am. Stat. Assoc. 54 (1959) 655; R coin `wilcoxsign_test`.
    """
    values = check_values(values, "values")
    doubled = double_midranks(np.abs(values))
    positive = values != 0
    return _test(values[positive], doubled[positive], int((~positive).sum()))


def pseudo_median(values: Values, *, level: float = 0.95) -> ShiftEstimate:
    """Return the median of all Walsh averages, with the interval that the signed-rank test inverts.

    A centre belongs to the interval unless the exact test of the values minus it, conditional on
    the ties that it meets there, has a tail of (1 - level) / 2 or less. Without ties that is the
    interval of R's `wilcox.test`; with ties and zeros its level still holds.

    Parameters
    ----------
    values
        one value or change a subject, any unit; one or more.
    level
        confidence asked for.

    Returns
    -------
        centre and bounds in the unit of the values; the attained level is 1 minus the two tails
        just outside the interval.

    Raises
    ------
    DataError
        if there is no value, one is not finite, or there are too many.

    References
    ----------
    Hodges and Lehmann, Ann. Math. Stat. 34 (1963) 598; Bauer, J. Am. Stat. Assoc. 67 (1972) 687.

    Examples
    --------
    >>> found = pseudo_median([-18.2, -25.1, -9.4, -12.7, -30.3])
    >>> found.lower, found.upper, found.attained_level
    (-30.3, -9.4, 0.9375)
    """
    values = check_values(values, "values")
    check_size(len(values))
    check_level(level)
    rows, columns = np.triu_indices(len(values))
    averages = np.sort((values[rows] + values[columns]) / 2)
    tolerance = tie_tolerance(values)
    steps = distinct(averages, tolerance)

    def tails(center: float) -> tuple[float, float]:
        shifted = values - center
        doubled = double_midranks(np.abs(shifted), tolerance=tolerance)
        law = sign_sum_law(tuple(sorted(int(rank) for rank in doubled)))
        total = int(doubled[shifted > 0].sum())
        return float(law[total:].sum()), float(law[: total + 1].sum())

    lower, upper, attained = invert(steps, tails, (1 - level) / 2)
    tied = len(np.unique(np.abs(values))) < len(values) or bool((values == 0).any())
    return ShiftEstimate(float(np.median(averages)), lower, upper, attained, tied)


def _test(kept: Array, doubled: NDArray[np.int64], n_zero: int) -> SignedRankTest:
    check_size(len(kept))
    law = sign_sum_law(tuple(sorted(int(rank) for rank in doubled)))
    total = int(doubled[kept > 0].sum())
    greater = min(1.0, float(law[total:].sum()))
    less = min(1.0, float(law[: total + 1].sum()))
    both = min(1.0, 2 * min(greater, less))
    tied = len(np.unique(doubled)) < len(doubled)
    return SignedRankTest(total / 2, both, greater, less, n_zero, tied)
