"""Intervals: of ratios, of mixtures, and how likely a misfit is by chance."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sojourn.core.errors import DataError

BISECTIONS = 200


def normal_quantile(level: float) -> float:
    """Return z so that a normal variable lies within -z..z with probability `level`.

    Examples
    --------
    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, got {level}")
    return float(special.ndtri(0.5 + level / 2))


def fieller_interval(
    numerator: float,
    numerator_variance: float,
    denominator: float,
    denominator_variance: float,
    covariance: float,
    *,
    level: float,
) -> tuple[float, float]:
    r"""Return the interval of a ratio of two normal estimates.

    .. math:: (b^2 - z^2 v_{bb}) R^2 - 2 (a b - z^2 v_{ab}) R + (a^2 - z^2 v_{aa}) \le 0

    Parameters
    ----------
    numerator, denominator
        estimates a and b, in one unit.
    numerator_variance, denominator_variance, covariance
        v_aa, v_bb and v_ab, in that unit squared.
    level
        coverage, 0 to 1.

    Returns
    -------
        lower and upper bound, dimensionless. Where the denominator does not differ from zero
        at this level the data do not bound the ratio: (-inf, inf).

    Raises
    ------
    DataError
        if a variance is negative, or the covariance exceeds what the variances allow.

    References
    ----------
    Fieller, J. R. Stat. Soc. B 16 (1954) 175; Franz, arXiv:0710.2024.
    """
    limit = math.sqrt(max(numerator_variance, 0) * max(denominator_variance, 0))
    if numerator_variance < 0 or denominator_variance < 0 or abs(covariance) > limit * (1 + 1e-9):
        raise DataError(
            f"variances {numerator_variance}, {denominator_variance} and covariance {covariance} "
            "are no covariance matrix"
        )
    z2 = normal_quantile(level) ** 2
    square = denominator**2 - z2 * denominator_variance
    if square <= 0:
        return -math.inf, math.inf
    middle = numerator * denominator - z2 * covariance
    rest = numerator**2 - z2 * numerator_variance
    root = math.sqrt(max(middle**2 - square * rest, 0.0))
    return (middle - root) / square, (middle + root) / square


def mixture_interval(
    weights: NDArray[np.float64],
    means: NDArray[np.float64],
    sds: NDArray[np.float64],
    *,
    level: float,
) -> tuple[float, float]:
    """Return the equal-tailed interval of a mixture of normal distributions.

    Parameters
    ----------
    weights, means, sds
        shape (n,); weights sum to 1, standard deviations are positive.
    level
        coverage, 0 to 1.

    Returns
    -------
        lower and upper quantile, by bisection.
    """
    reach = 40 * float(sds.max())
    bounds = []
    for target in ((1 - level) / 2, (1 + level) / 2):
        low, high = float(means.min()) - reach, float(means.max()) + reach
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = float(weights @ special.ndtr((middle - means) / sds))
            low, high = (middle, high) if below < target else (low, middle)
        bounds.append((low + high) / 2)
    return bounds[0], bounds[1]


def chi_square_quantile(degrees_of_freedom: float, *, level: float) -> float:
    """Return the value that a chi-square exceeds with probability 1 - `level`.

    Examples
    --------
    >>> round(chi_square_quantile(1, level=0.95), 4)
    3.8415
    """
    return 2 * float(special.gammaincinv(degrees_of_freedom / 2, level))


def chi_square_tail(statistic: float, degrees_of_freedom: float) -> float:
    """Return the probability of a chi-square as large as `statistic` or larger, by chance.

    Examples
    --------
    >>> round(chi_square_tail(3.841459, 1), 4)
    0.05
    """
    if degrees_of_freedom <= 0:
        return 1.0
    return float(special.gammaincc(degrees_of_freedom / 2, statistic / 2))
