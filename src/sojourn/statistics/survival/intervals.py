"""Intervals of survival: three scales, and exact bounds where no scale has one."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import normal_quantile

Scale = Literal["log-log", "log", "plain"]
"""Where the interval is symmetric: log(-log S), log S, or S itself (R's ``conf.type``)."""

Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


def survival_interval(
    survival: ArrayLike, variance: ArrayLike, *, scale: Scale = "log-log", level: float = 0.95
) -> Bounds:
    r"""Return pointwise bounds of survival, as R's ``survfit`` does for the same ``conf.type``.

    With :math:`V` Greenwood's sum and :math:`z` the normal quantile

    .. math:: S^{\exp(\pm z \sqrt V / \log S)}, \quad S \exp(\pm z \sqrt V), \quad
              S (1 \pm z \sqrt V)

    for ``log-log``, ``log`` and ``plain``; the latter two are cut to 0 and 1.

    Parameters
    ----------
    survival, variance
        estimates, and Greenwood's variance of their logarithms, one shape.
    scale, level
        where the interval is symmetric, and its coverage.

    Returns
    -------
        lower and upper bounds, in the same shape. NaN where the scale has none: at survival 0,
        and on the log-log scale at 1. On the other scales the interval at 1 is [1, 1], which
        claims too much: see `bounded_interval`.

    Raises
    ------
    DataError
        if `scale` is unknown or `level` is not between 0 and 1.

    References
    ----------
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1.4. Borgan and
    Liestol, Scand. J. Stat. 17 (1990) 35.

    Examples
    --------
    120 of 137 patients alive on day 100, R's interval from 0.808 to 0.921:

    >>> lower, upper = survival_interval(120 / 137, 17 / (137 * 120))
    >>> round(float(lower), 6), round(float(upper), 6)
    (0.807998, 0.920964)
    """
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, got {level}")
    value, spread = np.asarray(survival, float), np.asarray(variance, float)
    gone = value <= 0
    s = np.where(gone, np.nan, value)
    half = normal_quantile((1 + level) / 2) * np.sqrt(np.where(gone, np.nan, spread))
    if scale == "plain":
        return np.maximum(s - half * s, 0.0), np.minimum(s + half * s, 1.0)
    log = np.log(s)
    if scale == "log":
        return np.exp(log - half), np.minimum(np.exp(log + half), 1.0)
    if scale != "log-log":
        raise DataError(f"unknown scale {scale!r}; accepted: log-log, log, plain")
    log = np.where(log == 0, np.nan, log)
    with np.errstate(over="ignore"):  # a variance so large that the lower bound is 0
        return np.exp(log * np.exp(-half / log)), np.exp(log * np.exp(half / log))


def bounded_interval(
    survival: ArrayLike,
    variance: ArrayLike,
    *,
    at_risk: ArrayLike,
    n_events: ArrayLike,
    scale: Scale = "log-log",
    level: float = 0.95,
) -> Bounds:
    """Return pointwise bounds of survival, with exact ones where it is 1 or 0.

    At 1 and 0 no scale has an interval that is one. The bounds are then exact binomial ones,
    conservative, from the fewest subjects that were at risk, or from those with an event.

    Parameters
    ----------
    survival, variance
        estimates, and Greenwood's variance of their logarithms.
    at_risk, n_events
        subjects at risk at the time (the fewest up to it, where some entered late), and events
        up to it; of the same shape.
    scale, level
        where the interval is symmetric, and its coverage.

    Returns
    -------
        lower and upper bounds, in the same shape; never NaN.

    Examples
    --------
    >>> lower, upper = bounded_interval(1.0, 0.0, at_risk=10, n_events=0)
    >>> round(float(lower), 6), float(upper)
    (0.691503, 1.0)
    """
    value = np.asarray(survival, float)
    lower, upper = survival_interval(value, variance, scale=scale, level=level)
    tail = (1 - level) / 2
    watched, events = np.asarray(at_risk), np.asarray(n_events)
    floor = np.where(watched > 0, tail ** (1 / np.maximum(watched, 1)), 0.0)
    ceiling = np.where(events > 0, 1 - tail ** (1 / np.maximum(events, 1)), 1.0)
    lower = np.where(value >= 1, floor, np.where(value <= 0, 0.0, lower))
    upper = np.where(value >= 1, 1.0, np.where(value <= 0, ceiling, upper))
    return lower, upper


def log_log_interval(
    survival: float, variance: float, *, at_risk: int, n_events: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of one survival probability, on the scale log(-log S).

    Where survival is 1 or 0 the bounds are exact binomial ones: see `bounded_interval`.

    Examples
    --------
    >>> lower, upper = log_log_interval(1.0, 0.0, at_risk=10, n_events=0)
    >>> round(lower, 6), upper
    (0.691503, 1.0)
    """
    lower, upper = bounded_interval(
        survival, variance, at_risk=at_risk, n_events=n_events, level=level
    )
    return float(lower), float(upper)
