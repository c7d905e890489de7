"""Intervals of a cumulative incidence from its variance, on a scale that keeps them within 0 to 1.

Where the incidence is 0 or 1 neither scale has an interval; the functions then return None, and a
caller says what it puts in its place.
"""

import math
from collections.abc import Callable, Mapping

from sojourn.statistics._distributions import normal_quantile

Bounds = tuple[float, float]

ROUNDING = 1e-12
"""An incidence is a sum of many small steps: so near to 1 it is 1."""


def log_log_event_free(incidence: float, variance: float, *, level: float = 0.95) -> Bounds | None:
    r"""Return the interval on the scale log(-log(1 - F)), as for survival.

    .. math:: 1 - (1 - F)^{\exp(\pm z \hat\sigma / ((1 - F) \log(1 - F)))}

    Parameters
    ----------
    incidence, variance
        F and its variance.
    level
        coverage.

    Returns
    -------
        lower and upper bound, or None where F is 0 or 1.

    References
    ----------
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1.4.

    Examples
    --------
    >>> lower, upper = log_log_event_free(0.2, 0.0016)
    >>> round(lower, 4), round(upper, 4)
    (0.134, 0.2926)
    """
    if not 0 < incidence < 1 - ROUNDING:
        return None
    free = 1 - incidence
    spread = normal_quantile((1 + level) / 2) * math.sqrt(variance) / abs(free * math.log(free))
    return 1 - free ** math.exp(-spread), 1 - free ** math.exp(min(spread, 700.0))


def log_log_incidence(incidence: float, variance: float, *, level: float = 0.95) -> Bounds | None:
    r"""Return the interval on the scale log(-log F).

    .. math:: F^{\exp(\pm z \hat\sigma / (F \log F))}

    Parameters
    ----------
    incidence, variance
        F and its variance.
    level
        coverage.

    Returns
    -------
        lower and upper bound, or None where F is 0 or 1.

    References
    ----------
    Choudhury, Stat. Med. 21 (2002) 1129.

    Examples
    --------
    >>> lower, upper = log_log_incidence(0.2, 0.0016)
    >>> round(lower, 4), round(upper, 4)
    (0.1283, 0.2832)
    """
    if not 0 < incidence < 1 - ROUNDING:
        return None
    spread = normal_quantile((1 + level) / 2) * math.sqrt(variance)
    spread /= abs(incidence * math.log(incidence))
    return incidence ** math.exp(min(spread, 700.0)), incidence ** math.exp(-spread)


INTERVALS: Mapping[str, Callable[..., Bounds | None]] = {
    "log_log_event_free": log_log_event_free,
    "log_log_incidence": log_log_incidence,
}
"""The kinds by name."""
