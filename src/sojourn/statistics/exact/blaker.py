"""Blaker's interval of a binomial proportion: exact, and inside Clopper and Pearson's."""

from scipy.special import bdtr, bdtrc

from sojourn.statistics.exact.binomial_intervals import (
    clopper_pearson_lower,
)
from sojourn.statistics.exact.checks import check_level, check_probability, check_successes
from sojourn.statistics.exact.roots import find_root


def acceptability(successes: int, n: int, p: float) -> float:
    """Return Blaker's two-sided p-value of proportion `p`.

    The probability of the smaller tail, and of as much of the other tail as is not likelier.

    Parameters
    ----------
    successes, n
        0 <= `successes` <= `n`, `n` >= 1.
    p
        proportion tested.

    Returns
    -------
        0 to 1.

    Raises
    ------
    DataError
        if the counts or `p` cannot be.

    References
    ----------
    Blaker, Can. J. Stat. 28 (2000) 783.

    Examples
    --------
    >>> acceptability(5, 5, 0.5)
    0.0625
    """
    successes, n = check_successes(successes, n)
    check_probability(p, "p")
    below, above = _at_most(successes, n, p), _at_least(successes, n, p)
    if above <= below:
        return min(1.0, above + _largest_below(above, n, p)[0])
    return min(1.0, below + _largest_below(below, n, 1 - p)[0])


def blaker(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the smallest interval that holds every proportion that Blaker's test accepts.

    The lower bound lies between the two-sided and the one-sided bound of Clopper and Pearson. There
    the acceptability jumps up where one more count joins the other tail, and falls, then rises,
    between the jumps: each piece has one crossing at most, so none is missed.

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
    Blaker, Can. J. Stat. 28 (2000) 783; Klaschka and Reiczigel, Comput. Stat. 36 (2021) 2191.

    Examples
    --------
    >>> blaker(0, 5)
    (0.0, 0.5)
    """
    successes, n = check_successes(successes, n)
    alpha = 1 - check_level(level)
    return _lower(successes, n, alpha), 1 - _lower(n - successes, n, alpha)


def _lower(successes: int, n: int, alpha: float) -> float:
    if successes == 0:
        return 0.0
    start = clopper_pearson_lower(successes, n, level=1 - alpha / 2)
    end = clopper_pearson_lower(successes, n, level=1 - alpha)
    tail = _largest_below(_at_least(successes, n, start), n, start)[1]
    while tail < successes - 1:
        joins = _where_joins(tail + 1, successes, n, end)
        if joins >= end:
            break
        if _both(successes, tail, n, joins) > alpha:
            return _crossing(successes, tail, n, alpha, start, joins)
        tail += 1
        start = joins
        if _both(successes, tail, n, joins) > alpha:
            return joins
    return _crossing(successes, tail, n, alpha, start, end)


def _both(successes: int, tail: int, n: int, p: float) -> float:
    return _at_least(successes, n, p) + _at_most(tail, n, p)


def _crossing(successes: int, tail: int, n: int, alpha: float, start: float, end: float) -> float:
    """Return where upper and lower tail together rise above `alpha`; at `end`, if not before."""
    if _both(successes, tail, n, end) <= alpha:
        return end
    return find_root(lambda p: _both(successes, tail, n, p) - alpha, start, end)


def _where_joins(tail: int, successes: int, n: int, end: float) -> float:
    """Return the proportion from which P(X <= tail) is not above P(X >= successes)."""
    return find_root(lambda p: _at_least(successes, n, p) - _at_most(tail, n, p), 0.0, end)


def _largest_below(bound: float, n: int, p: float) -> tuple[float, int]:
    """Return the largest P(X <= k) that is not above `bound`, and its k; 0 and -1 if there is none.

    A relative 1e-12 counts as equal, so that rounding does not split a tie.
    """
    best, k = 0.0, -1
    for count in range(n + 1):
        probability = _at_most(count, n, p)
        if probability > bound * (1 + 1e-12):
            break
        best, k = probability, count
    return best, k


def _at_most(k: int, n: int, p: float) -> float:
    return float(bdtr(k, n, p)) if k >= 0 else 0.0


def _at_least(k: int, n: int, p: float) -> float:
    return float(bdtrc(k - 1, n, p)) if k > 0 else 1.0
