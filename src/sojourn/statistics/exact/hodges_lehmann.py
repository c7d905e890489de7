"""Hodges-Lehmann estimate of a shift, with exact intervals that state their true level."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.exact.checks import Values, check_level, check_values, tie_tolerance
from sojourn.statistics.exact.ranks import double_midranks
from sojourn.statistics.exact.wilcoxon import RankSumLaw, check_size

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShiftEstimate:
    """A shift with its exact interval; `attained_level` is the interval's true confidence.

    The level asked for may be out of reach: then the interval is the widest finite one and
    `attained_level` lies below. Unbounded, with level 1, where that level would be 0.
    """

    shift: float
    lower: float
    upper: float
    attained_level: float
    tied: bool


def hodges_lehmann(x: Values, y: Values, *, level: float = 0.95) -> ShiftEstimate:
    """Return the median of all differences x - y, with the interval that the rank-sum test inverts.

    A shift belongs to the interval unless the exact test of x - shift against y, conditional on the
    ties that it meets there, has a tail of (1 - level) / 2 or less. Without ties that is the
    interval of R's `wilcox.test`; with ties its level still holds.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.
    level
        confidence asked for.

    Returns
    -------
        shift and bounds in the unit of the values; the attained level is 1 minus the two tails of
        the shifts just outside the interval.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite, or there are too many subjects.

    References
    ----------
    Hodges and Lehmann, Ann. Math. Stat. 34 (1963) 598; Bauer, J. Am. Stat. Assoc. 67 (1972) 687.

    Examples
    --------
    >>> found = hodges_lehmann([3.0, 4.0, 5.0], [0.0, 1.0, 2.5])
    >>> found.shift, found.lower, found.upper, round(found.attained_level, 12)
    (3.0, 0.5, 5.0, 0.9)
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    check_size(len(x) + len(y))
    check_level(level)
    tolerance = tie_tolerance(np.concatenate([x, y]))
    differences = np.sort((x[:, None] - y[None, :]).ravel())
    steps = distinct(differences, tolerance)

    def tails(shift: float) -> tuple[float, float]:
        doubled = double_midranks(np.concatenate([x - shift, y]), tolerance=tolerance)
        law, total = RankSumLaw(doubled, len(x)), int(doubled[: len(x)].sum())
        return law.at_least(total), law.at_most(total)

    lower, upper, attained = invert(steps, tails, (1 - level) / 2)
    middle = float(np.median(differences))
    return ShiftEstimate(middle, lower, upper, attained, _has_ties(x, y))


def hodges_lehmann_conditional(x: Values, y: Values, *, level: float = 0.95) -> ShiftEstimate:
    """Return the same shift with the interval of R's coin: one law, from the ranks observed.

    Each shift is judged by the law of the rank sum under the ties observed at shift 0. Without ties
    that is `hodges_lehmann`; with ties the attained level is that of the test at shift 0, not of
    every shift.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.
    level
        confidence asked for.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite, or there are too many subjects.

    References
    ----------
    Hothorn et al., Am. Stat. 60 (2006) 257; R coin `wilcox_test(conf.int = TRUE)`.
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    check_size(len(x) + len(y))
    tail = (1 - check_level(level)) / 2
    tolerance = tie_tolerance(np.concatenate([x, y]))
    differences = np.sort((x[:, None] - y[None, :]).ravel())
    law = RankSumLaw(double_midranks(np.concatenate([x, y])), len(x))
    low, high = law.rejected(tail)
    # between two differences the doubled rank sum is twice the count of larger ones, plus its least
    base = len(x) * (len(x) + 1)
    steps = distinct(differences, tolerance)
    larger_or_equal = len(differences) - np.searchsorted(differences, steps - tolerance, "left")
    larger = len(differences) - np.searchsorted(differences, steps + tolerance, "right")
    rejected_above = np.flatnonzero(base + 2 * larger <= low)
    rejected_below = np.flatnonzero(base + 2 * larger_or_equal >= high)
    upper = steps[rejected_above[0]] if rejected_above.size else steps[-1]
    lower = steps[rejected_below[-1]] if rejected_below.size else steps[0]
    attained = 1 - law.at_most(low) - law.at_least(high)
    interval = bounded(float(lower), float(upper), attained)
    return ShiftEstimate(float(np.median(differences)), *interval, _has_ties(x, y))


def shift_between_steps(x: Values, y: Values) -> float:
    """Return the shift of R's exactRankTests, which differs from the median where there are ties.

    The middle between the largest difference whose rank sum (midranks at that shift) exceeds its
    mean and the smallest whose rank sum does not exceed the mean, rounded up.

    Raises
    ------
    DataError
        if a group is empty or a value is not finite.

    References
    ----------
    Hothorn and Hornik, exactRankTests, `wilcox.exact`; the median of differences is Hodges and
    Lehmann's own estimate.
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    tolerance = tie_tolerance(np.concatenate([x, y]))
    if not _has_ties(x, y):
        return float(np.median((x[:, None] - y[None, :]).ravel()))
    each = (x[:, None] - y[None, :]).ravel()
    mean = len(x) * len(y) / 2
    w = np.array(
        [
            (each > d + tolerance).sum() + (np.abs(each - d) <= tolerance).sum() / 2
            for d in np.sort(each)
        ]
    )
    ordered = np.sort(each)
    not_above, above = ordered[w <= np.ceil(mean)], ordered[w > mean]
    return float((not_above[0] + above[-1]) / 2) if above.size else float(np.median(each))


def _has_ties(x: Array, y: Array) -> bool:
    return len(np.unique(np.concatenate([x, y]))) < len(x) + len(y)


def distinct(ordered: Array, tolerance: float) -> Array:
    """Return the first of each run of `ordered` values not further apart than `tolerance`."""
    kept: Array = ordered[np.concatenate([[True], np.diff(ordered) > tolerance])]
    return kept


def invert(
    steps: Array, tails: Callable[[float], tuple[float, float]], tail: float
) -> tuple[float, float, float]:
    """Return lower and upper bound of what a step function of p-values accepts, and the level.

    `tails` gives the upper and the lower p-value of a parameter; they change at `steps` only. Both
    ends are searched from outside, so that the interval holds every accepted value. Where not even
    the parameters beyond all steps are rejected, the bound is the outermost step.
    """
    margin = max(1.0, float(steps[-1] - steps[0]))
    inner = (steps[1:] + steps[:-1]) / 2
    between = np.concatenate([[steps[0] - margin], inner, [steps[-1] + margin]])
    k, below = _first_accepted(lambda i: tails(float(between[i]))[0], len(between), tail)
    j, above = _first_accepted(lambda i: tails(float(between[-1 - i]))[1], len(between), tail)
    lower = float(steps[max(k - 1, 0)])
    upper = float(steps[-1 - max(j - 1, 0)])
    return bounded(lower, upper, 1 - below - above)


def bounded(lower: float, upper: float, attained: float) -> tuple[float, float, float]:
    """Return the interval and its level; unbounded with level 1 where it would have level 0."""
    if attained <= 1e-9:
        return -math.inf, math.inf, 1.0
    return lower, max(lower, upper), attained


def _first_accepted(p_value: Callable[[int], float], n: int, tail: float) -> tuple[int, float]:
    """Return the first index with a p-value above `tail`, and the largest p-value before it."""
    outside = 0.0
    for i in range(n):
        p = p_value(i)
        if p > tail * (1 + 1e-9):
            return i, outside if i else p
        outside = max(outside, p)
    return n - 1, outside
