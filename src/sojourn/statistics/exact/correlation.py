"""Correlations of small samples and their intervals; each interval under its own name."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import normal_quantile
from sojourn.statistics.exact.checks import Values, check_level, check_values

Array = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PearsonTest:
    """Pearson's r, its t test with n - 2 degrees of freedom, and Fisher's interval."""

    r: float
    p_two_sided: float
    lower: float
    upper: float
    n: int


def pearson_test(x: Values, y: Values, *, level: float = 0.95) -> PearsonTest:
    """Return Pearson's correlation; the test assumes a bivariate normal distribution.

    Parameters
    ----------
    x, y
        values of the same subjects, any units; three or more.
    level
        coverage of the interval.

    Raises
    ------
    DataError
        if the lengths differ, there are fewer than three, or one side does not vary.

    References
    ----------
    Fisher, Metron 1 (1921) 3; R `cor.test`.
    """
    x, y = check_pairs(x, y)
    r = correlate(x, y)
    n = len(x)
    if abs(r) >= 1:
        return PearsonTest(r, 0.0, -1.0, 1.0, n)
    t = r * math.sqrt((n - 2) / (1 - r * r))
    p = min(1.0, 2 * float(stdtr(n - 2, -abs(t))))
    return PearsonTest(r, p, *fisher_z(r, n, level=level), n)


def bonett_wright(rho: float, n: int, *, level: float = 0.95) -> Interval:
    """Return the interval of Spearman's rho with variance (1 + rho^2 / 2) / (n - 3) of z.

    Approximate, on Fisher's scale. -1 to 1 where n < 4 or rho is -1 or 1: the scale ends there.

    Raises
    ------
    DataError
        if `rho` or `level` cannot be.

    References
    ----------
    Bonett and Wright, Psychometrika 65 (2000) 23.

    Examples
    --------
    >>> [round(bound, 4) for bound in bonett_wright(-0.757575757575757, 10)]
    [-0.9499, -0.149]
    """
    return _on_z_scale(rho, n, 1 + rho * rho / 2, level)


def fieller(rho: float, n: int, *, level: float = 0.95) -> Interval:
    """Return the interval of Spearman's rho with variance 1.06 / (n - 3) of z.

    Raises
    ------
    DataError
        if `rho` or `level` cannot be.

    References
    ----------
    Fieller, Hartley and Pearson, Biometrika 44 (1957) 470.
    """
    return _on_z_scale(rho, n, 1.06, level)


def fisher_z(r: float, n: int, *, level: float = 0.95) -> Interval:
    """Return the interval of a correlation with variance 1 / (n - 3) of z: Pearson's own.

    Raises
    ------
    DataError
        if `r` or `level` cannot be.

    References
    ----------
    Fisher, Metron 1 (1921) 3.
    """
    return _on_z_scale(r, n, 1.0, level)


def check_pairs(x: Values, y: Values, *, at_least: int = 3) -> tuple[Array, Array]:
    """Return both sides as vectors of one length; both vary.

    Raises
    ------
    DataError
        if they do not, the lengths differ, or there are fewer than `at_least` pairs.
    """
    x, y = check_values(x, "x", at_least=at_least), check_values(y, "y", at_least=at_least)
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} values and y {len(y)}: expected pairs")
    for name, side in (("x", x), ("y", y)):
        if side.min() == side.max():
            raise DataError(f"all of {name} are {side[0]}: no correlation is defined")
    return x, y


def correlate(x: Array, y: Array) -> float:
    """Return the product-moment correlation of two vectors that vary, within -1 to 1."""
    a, b = x - x.mean(), y - y.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    r = float(a @ b / math.sqrt(float(a @ a) * float(b @ b)))
    return max(-1.0, min(1.0, r))


def _on_z_scale(r: float, n: int, factor: float, level: float) -> Interval:
    if not -1 <= r <= 1:
        raise DataError(f"correlation {r}: expected -1 to 1")
    check_level(level)
    if n < 4 or abs(r) == 1:
        return -1.0, 1.0
    half = normal_quantile((1 + level) / 2) * math.sqrt(factor / (n - 3))
    z = math.atanh(r)
    return math.tanh(z - half), math.tanh(z + half)
