"""Intervals of a binomial proportion, each under its own name."""

import math

from scipy.special import bdtr, bdtrc

from sojourn.statistics._distributions import beta_quantile, normal_quantile
from sojourn.statistics.exact.checks import check_level, check_successes
from sojourn.statistics.exact.roots import find_root

Interval = tuple[float, float]


def clopper_pearson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the exact (central, conservative) interval of a binomial proportion.

    Parameters
    ----------
    successes, n
        0 <= `successes` <= `n`, `n` >= 1.
    level
        coverage, at least.

    Returns
    -------
        lower and upper bound, within 0 to 1.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404.

    Examples
    --------
    >>> lower, upper = clopper_pearson(0, 10)
    >>> lower, round(upper, 6)
    (0.0, 0.308497)
    """
    successes, n = check_successes(successes, n)
    tail = (1 - check_level(level)) / 2
    return _exact_lower(successes, n, tail), _exact_upper(successes, n, tail)


def clopper_pearson_lower(successes: int, n: int, *, level: float = 0.95) -> float:
    """Return the exact one-sided lower bound: below it, P(X >= successes) < 1 - level.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404.
    """
    successes, n = check_successes(successes, n)
    return _exact_lower(successes, n, 1 - check_level(level))


def clopper_pearson_upper(successes: int, n: int, *, level: float = 0.95) -> float:
    """Return the exact one-sided upper bound: above it, P(X <= successes) < 1 - level.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404.
    """
    successes, n = check_successes(successes, n)
    return _exact_upper(successes, n, 1 - check_level(level))


def _exact_lower(successes: int, n: int, tail: float) -> float:
    return beta_quantile(tail, successes, n - successes + 1) if successes > 0 else 0.0


def _exact_upper(successes: int, n: int, tail: float) -> float:
    return beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the score interval: the proportions that the score test does not reject.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209; as R's `prop.test(correct = FALSE)`.
    """
    successes, n = check_successes(successes, n)
    return _score_interval(successes / n, successes / n, n, level)


def wilson_corrected(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the score interval with continuity correction, as R's `prop.test` gives it.

    The correction is 1/2, but not more than the distance of `successes` from n/2: none at n/2.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Newcombe, Stat. Med. 17 (1998) 857, method 4; R `prop.test(correct = TRUE)`.
    """
    successes, n = check_successes(successes, n)
    shift = min(0.5, abs(successes - n / 2)) / n
    share = successes / n
    return _score_interval(share - shift, share + shift, n, level)


def _score_interval(below: float, above: float, n: int, level: float) -> Interval:
    z = normal_quantile((1 + check_level(level)) / 2)
    half = z * z / (2 * n)

    def bound(share: float, sign: int) -> float:
        spread = z * math.sqrt(share * (1 - share) / n + half / (2 * n))
        return (share + half + sign * spread) / (1 + 2 * half)

    lower = max(0.0, bound(below, -1)) if below > 0 else 0.0
    upper = min(1.0, bound(above, 1)) if above < 1 else 1.0
    return lower, upper


def agresti_coull(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Wald's interval about Wilson's midpoint, raw: it may leave 0 to 1.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Agresti and Coull, Am. Stat. 52 (1998) 119.
    """
    successes, n = check_successes(successes, n)
    z = normal_quantile((1 + check_level(level)) / 2)
    size = n + z * z
    middle = (successes + z * z / 2) / size
    half = z * math.sqrt(middle * (1 - middle) / size)
    return middle - half, middle + half


def agresti_coull_clipped(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return `agresti_coull`, cut at 0 and 1.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Agresti and Coull, Am. Stat. 52 (1998) 119.
    """
    lower, upper = agresti_coull(successes, n, level=level)
    return max(0.0, lower), min(1.0, upper)


def jeffreys(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the central posterior interval under Jeffreys' prior Beta(1/2, 1/2).

    The lower bound is 0 for no success and the upper 1 for no failure.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Brown, Cai and DasGupta, Stat. Sci. 16 (2001) 101, section 3.1.2.
    """
    successes, n = check_successes(successes, n)
    tail = (1 - check_level(level)) / 2
    a, b = successes + 0.5, n - successes + 0.5
    lower = beta_quantile(tail, a, b) if successes > 0 else 0.0
    upper = beta_quantile(1 - tail, a, b) if successes < n else 1.0
    return lower, upper


def mid_p(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the central mid-p interval: half of the observed count's probability in each tail.

    Closer to its level than Clopper-Pearson; its coverage is not guaranteed.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Lancaster, J. Am. Stat. Assoc. 56 (1961) 223; Berry and Armitage, Statistician 44 (1995) 417.

    Examples
    --------
    >>> lower, upper = mid_p(0, 68)
    >>> lower, round(upper - (1 - 0.05 ** (1 / 68)), 12)
    (0.0, 0.0)
    """
    successes, n = check_successes(successes, n)
    tail = (1 - check_level(level)) / 2
    upper = 1 - _mid_p_lower(n - successes, n, tail)
    return _mid_p_lower(successes, n, tail), upper


def _mid_p_lower(successes: int, n: int, tail: float) -> float:
    if successes == 0:
        return 0.0

    def excess(p: float) -> float:
        return mid_tails(successes, n, p)[1] - tail

    return find_root(excess, 0.0, 1.0)


def mid_tails(successes: int, n: int, p: float) -> tuple[float, float]:
    """Return P(X < x) + P(X = x) / 2 and P(X > x) + P(X = x) / 2 under proportion `p`.

    Raises
    ------
    DataError
        if the counts cannot be.
    """
    successes, n = check_successes(successes, n)
    fewer = float(bdtr(successes - 1, n, p)) if successes > 0 else 0.0
    lower = (fewer + float(bdtr(successes, n, p))) / 2
    more = float(bdtrc(successes, n, p)) if successes < n else 0.0
    at_least = float(bdtrc(successes - 1, n, p)) if successes > 0 else 1.0
    return lower, (more + at_least) / 2
