"""Exact and mid-p inference for Poisson rates, and the ratio of two."""

import math
from dataclasses import dataclass

from scipy.special import pdtr, pdtrc

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import gamma_quantile
from sojourn.statistics.exact.binomial_intervals import clopper_pearson
from sojourn.statistics.exact.binomial_tests import p_greater, p_less, p_minlike
from sojourn.statistics.exact.checks import check_count, check_level
from sojourn.statistics.exact.roots import find_root


@dataclass(frozen=True, slots=True)
class RateRatio:
    """Ratio of two rates, first over second, with exact interval and p-values of ratio 1.

    `ratio` is NaN where neither group has an event, infinite where only the second has none.
    """

    ratio: float
    lower: float
    upper: float
    level: float
    p_two_sided: float
    p_greater: float
    p_less: float


def poisson_interval(events: int, exposure: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (central) interval of a Poisson rate.

    Parameters
    ----------
    events
        count, 0 or more.
    exposure
        time at risk, positive; the bounds are in its inverse.
    level
        coverage, at least.

    Raises
    ------
    DataError
        if the numbers cannot be.

    References
    ----------
    Garwood, Biometrika 28 (1936) 437.

    Examples
    --------
    >>> lower, upper = poisson_interval(0, 1200)
    >>> lower, round(1000 * upper, 4)
    (0.0, 3.0741)
    """
    _check(events, exposure)
    tail = (1 - check_level(level)) / 2
    lower = gamma_quantile(tail, events) if events > 0 else 0.0
    return lower / exposure, gamma_quantile(1 - tail, events + 1) / exposure


def poisson_mid_p(events: int, exposure: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the central mid-p interval of a Poisson rate.

    Closer to its level than `poisson_interval`; its coverage is not guaranteed.

    Parameters
    ----------
    events
        count, 0 or more.
    exposure
        time at risk, positive; the bounds are in its inverse.
    level
        coverage, about.

    Raises
    ------
    DataError
        if the numbers cannot be.

    References
    ----------
    Cohen and Yang, Stat. Med. 13 (1994) 2189.

    Examples
    --------
    >>> lower, upper = poisson_mid_p(0, 1.0)
    >>> lower, round(upper, 9)
    (0.0, 2.995732274)
    """
    _check(events, exposure)
    tail = (1 - check_level(level)) / 2
    lower = find_root(lambda m: poisson_mid_tails(events, m)[1] - tail, 0.0, float(events))
    far = gamma_quantile(1 - tail, events + 1)
    upper = find_root(lambda m: poisson_mid_tails(events, m)[0] - tail, 0.0, far)
    return (lower if events > 0 else 0.0) / exposure, upper / exposure


def poisson_mid_tails(events: int, mean: float) -> tuple[float, float]:
    """Return P(X < x) + P(X = x) / 2 and P(X > x) + P(X = x) / 2 for a Poisson `mean`.

    Raises
    ------
    DataError
        if `events` is no count.
    """
    events = check_count(events, "events")
    fewer = float(pdtr(events - 1, mean)) if events > 0 else 0.0
    at_least = float(pdtrc(events - 1, mean)) if events > 0 else 1.0
    return (fewer + float(pdtr(events, mean))) / 2, (at_least + float(pdtrc(events, mean))) / 2


def compare_rates(
    events: tuple[int, int], exposures: tuple[float, float], *, level: float = 0.95
) -> RateRatio:
    """Compare two Poisson rates, conditional on the sum of their events.

    Given the sum, the first count is binomial: the exact methods for a proportion apply.

    Parameters
    ----------
    events
        counts of the first and the second group.
    exposures
        their times at risk, positive, in one unit.
    level
        coverage, at least.

    Returns
    -------
        ratio, interval (Clopper-Pearson), p-values (two-sided: no likelier than the observed).

    Raises
    ------
    DataError
        if the numbers cannot be.

    References
    ----------
    Przyborowski and Wilenski, Biometrika 31 (1940) 313; R `poisson.test`.

    Examples
    --------
    >>> compare_rates((0, 0), (10.0, 10.0)).upper
    inf
    """
    for count, exposure in zip(events, exposures, strict=True):
        _check(count, exposure)
    (first, second), (time, other_time) = events, exposures
    total, factor = first + second, other_time / time
    if total == 0:
        return RateRatio(math.nan, 0.0, math.inf, check_level(level), 1.0, 1.0, 1.0)
    share = time / (time + other_time)
    lower, upper = (_odds(p) * factor for p in clopper_pearson(first, total, level=level))
    return RateRatio(
        _odds(first / total) * factor,
        lower,
        upper,
        level,
        p_minlike(first, total, share),
        p_greater(first, total, share),
        p_less(first, total, share),
    )


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _check(events: float, exposure: float) -> None:
    good = math.isfinite(events) and math.isfinite(exposure)
    if not good or events < 0 or events != int(events) or exposure <= 0:
        raise DataError(f"{events} events in {exposure}: expected >= 0 events in positive time")
