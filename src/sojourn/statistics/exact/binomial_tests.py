"""Exact tests of a binomial proportion against a fixed one."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, gammaln, xlog1py, xlogy

from sojourn.statistics.exact.binomial_intervals import mid_tails
from sojourn.statistics.exact.checks import check_probability, check_successes

RELATIVE_TIE = 1 + 1e-7
"""Probabilities count as equal up to this factor (R's binom.test, fisher.test, poisson.test)."""


def binomial_probabilities(n: int, p: float) -> NDArray[np.float64]:
    """Return P(X = 0), ..., P(X = n); shape (n + 1,).

    Raises
    ------
    DataError
        if `n` or `p` cannot be.
    """
    _, n = check_successes(0, n)
    check_probability(p, "p")
    x = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    result: NDArray[np.float64] = np.exp(ways + xlogy(x, p) + xlog1py(n - x, -p))
    return result


def p_minlike(successes: int, n: int, p0: float) -> float:
    """Return the two-sided p of all counts that are not likelier than the observed one.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    Sterne, Biometrika 41 (1954) 275; R `binom.test`, with its relative tolerance 1e-7.
    """
    successes, n = check_successes(successes, n)
    check_probability(p0, "p0")
    if p0 in (0, 1):
        return float(successes == n * p0)
    likely = binomial_probabilities(n, p0)
    return min(1.0, float(np.sum(likely[likely <= likely[successes] * RELATIVE_TIE])))


def p_greater(successes: int, n: int, p0: float) -> float:
    """Return P(X >= successes) under `p0`.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    R `binom.test(alternative = "greater")`.
    """
    successes, n = check_successes(successes, n)
    check_probability(p0, "p0")
    return float(bdtrc(successes - 1, n, p0)) if successes > 0 else 1.0


def p_less(successes: int, n: int, p0: float) -> float:
    """Return P(X <= successes) under `p0`.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    R `binom.test(alternative = "less")`.
    """
    successes, n = check_successes(successes, n)
    check_probability(p0, "p0")
    return float(bdtr(successes, n, p0))


def p_central(successes: int, n: int, p0: float) -> float:
    """Return the two-sided p of twice the smaller tail; it rejects as `clopper_pearson` does.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    Fay, R Journal 2 (2010) 53.
    """
    return min(1.0, 2 * min(p_greater(successes, n, p0), p_less(successes, n, p0)))


def p_mid(successes: int, n: int, p0: float) -> float:
    """Return the two-sided mid-p: twice the smaller tail with half of the observed count.

    Its rejections are those of the interval `mid_p`.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    Lancaster, J. Am. Stat. Assoc. 56 (1961) 223.
    """
    return min(1.0, 2 * min(mid_tails(successes, n, check_probability(p0, "p0"))))


def p_mid_greater(successes: int, n: int, p0: float) -> float:
    """Return P(X > successes) + P(X = successes) / 2 under `p0`.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    Lancaster, J. Am. Stat. Assoc. 56 (1961) 223.
    """
    return mid_tails(successes, n, check_probability(p0, "p0"))[1]


def p_mid_less(successes: int, n: int, p0: float) -> float:
    """Return P(X < successes) + P(X = successes) / 2 under `p0`.

    Raises
    ------
    DataError
        if the counts or `p0` cannot be.

    References
    ----------
    Lancaster, J. Am. Stat. Assoc. 56 (1961) 223.
    """
    return mid_tails(successes, n, check_probability(p0, "p0"))[0]
