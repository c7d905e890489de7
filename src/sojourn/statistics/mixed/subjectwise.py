"""Summaries of one subject's course: log-linear decay, area under the curve."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogLinear:
    """A line through the logarithms: `intercept` of log value, `slope` for each unit of time.

    `half_life` is in units of time, infinite where the values do not fall. `r_squared` and
    `slope_error` are None where a fit of two points leaves nothing to judge them by.
    """

    intercept: float
    slope: float
    half_life: float
    r_squared: float | None
    slope_error: float | None


def fit_log_linear(times: ArrayLike, values: ArrayLike) -> LogLinear:
    """Return the least-squares line of log(value) over time of one subject.

    Parameters
    ----------
    times
        (n,), at least two different ones, any unit.
    values
        (n,), positive, any unit.

    Returns
    -------
        the line; half-life is -log(2) / slope.

    Raises
    ------
    DataError
        if a value is not positive, or there are not two different times.

    References
    ----------
    Gibaldi and Perrier, Pharmacokinetics, 2nd ed., Dekker 1982, chapter 1.

    Examples
    --------
    >>> round(fit_log_linear([0, 1, 2], [8.0, 4.0, 2.0]).half_life, 9)
    1.0
    """
    t, v = _course(times, values)
    if np.any(v <= 0):
        raise DataError(f"value {v.min()} has no logarithm; expected positive values")
    if np.unique(t).size < 2:
        raise DataError(f"{len(t)} values at one time; a line needs two different times")
    y = np.log(v)
    centered = t - t.mean()
    slope = float(centered @ y / (centered @ centered))
    intercept = float(y.mean() - slope * t.mean())
    residual = float(np.sum((y - intercept - slope * t) ** 2))
    total = float(np.sum((y - y.mean()) ** 2))
    free = len(t) - 2
    return LogLinear(
        intercept=intercept,
        slope=slope,
        half_life=-math.log(2) / slope if slope < 0 else math.inf,
        r_squared=1 - residual / total if free and total > 0 else None,
        slope_error=math.sqrt(residual / free / float(centered @ centered)) if free else None,
    )


def area_under_curve(times: ArrayLike, values: ArrayLike) -> float:
    """Return the area between the first and the last time, straight lines between the values.

    Nothing is added before the first or after the last time.

    Raises
    ------
    DataError
        if times do not increase, or shapes differ.

    Examples
    --------
    >>> area_under_curve([0.0, 1.0, 3.0], [2.0, 4.0, 0.0])
    7.0
    """
    t, v = _course(times, values)
    if np.any(np.diff(t) <= 0):
        raise DataError("times must increase; sort them, and average values of one time")
    return float(np.sum(np.diff(t) * (v[:-1] + v[1:]) / 2))


def _course(times: ArrayLike, values: ArrayLike) -> tuple[Floats, Floats]:
    t, v = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != v.shape:
        raise DataError(f"times have shape {t.shape}, values {v.shape}; expected one of each")
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(v))):
        raise DataError("a time or value is not finite; leave missing rows out")
    return t, v
