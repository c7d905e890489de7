"""Quantiles of the few distributions that intervals need; scipy.stats is slow to import."""

from scipy.special import betaincinv, gammaincinv, ndtri, stdtrit


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile.

    Examples
    --------
    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return float(ndtri(probability))


def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t with `degrees` > 0 degrees of freedom.

    Examples
    --------
    >>> round(student_quantile(0.975, 4), 6)
    2.776445
    """
    return float(stdtrit(degrees, probability))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution with `a`, `b` > 0."""
    return float(betaincinv(a, b, probability))


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the quantile of the gamma distribution with `shape` > 0 and scale 1."""
    return float(gammaincinv(shape, probability))
