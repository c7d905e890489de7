"""Student's and Welch's t: the tests that small samples are shown beside."""

import math
from dataclasses import dataclass

from scipy.special import stdtr

from sojourn.statistics._distributions import student_quantile
from sojourn.statistics.exact.checks import Values, check_level, check_values


@dataclass(frozen=True, slots=True)
class StudentTest:
    """A mean or difference with its t interval.

    Where all values are equal there is no spread: `t` is infinite (0 for a difference of 0), the
    interval a point, and `p_two_sided` NaN, for the test is not defined.
    """

    difference: float
    t: float
    degrees: float
    p_two_sided: float
    lower: float
    upper: float


def welch_test(x: Values, y: Values, *, level: float = 0.95) -> StudentTest:
    """Return Welch's test of the difference of means, variances not taken as equal.

    Parameters
    ----------
    x, y
        values of two groups, any unit; two or more each.
    level
        coverage of the interval.

    Raises
    ------
    DataError
        if a group has fewer than two values or one is not finite.

    References
    ----------
    Welch, Biometrika 34 (1947) 28; R `t.test`.
    """
    (mean_x, var_x, n_x), (mean_y, var_y, n_y) = _moments(x, "x"), _moments(y, "y")
    parts = (var_x / n_x, var_y / n_y)
    variance = sum(parts)
    spread = parts[0] ** 2 / (n_x - 1) + parts[1] ** 2 / (n_y - 1)
    degrees = variance**2 / spread if spread > 0 else float(n_x + n_y - 2)
    return _student(mean_x - mean_y, variance, degrees, level)


def pooled_test(x: Values, y: Values, *, level: float = 0.95) -> StudentTest:
    """Return Student's test of the difference of means, one variance for both groups.

    Parameters
    ----------
    x, y
        values of two groups, any unit; two or more each.
    level
        coverage of the interval.

    Raises
    ------
    DataError
        if a group has fewer than two values or one is not finite.

    References
    ----------
    Student, Biometrika 6 (1908) 1; R `t.test(var.equal = TRUE)`.
    """
    (mean_x, var_x, n_x), (mean_y, var_y, n_y) = _moments(x, "x"), _moments(y, "y")
    degrees = n_x + n_y - 2
    variance = ((n_x - 1) * var_x + (n_y - 1) * var_y) / degrees
    return _student(mean_x - mean_y, variance * (1 / n_x + 1 / n_y), float(degrees), level)


def one_sample_test(values: Values, *, level: float = 0.95) -> StudentTest:
    """Return Student's test of a mean of 0.

    Parameters
    ----------
    values
        one value or change a subject, any unit; two or more.
    level
        coverage of the interval.

    Raises
    ------
    DataError
        if there are fewer than two values or one is not finite.

    References
    ----------
    Student, Biometrika 6 (1908) 1; R `t.test`.
    """
    mean, variance, n = _moments(values, "values")
    return _student(mean, variance / n, float(n - 1), level)


def _moments(values: Values, name: str) -> tuple[float, float, int]:
    array = check_values(values, name, at_least=2)
    n = len(array)
    mean = math.fsum(array) / n
    return mean, math.fsum((v - mean) ** 2 for v in array) / (n - 1), n


def _student(difference: float, variance: float, degrees: float, level: float) -> StudentTest:
    check_level(level)
    if variance == 0:
        t = math.copysign(math.inf, difference) if difference else 0.0
        return StudentTest(difference, t, degrees, math.nan, difference, difference)
    error = math.sqrt(variance)
    t = difference / error
    half = student_quantile((1 + level) / 2, degrees) * error
    p = min(1.0, 2 * float(stdtr(degrees, -abs(t))))
    return StudentTest(difference, t, degrees, p, difference - half, difference + half)
