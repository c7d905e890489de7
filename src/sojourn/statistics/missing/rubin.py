"""Pool the estimates of several completed data sets."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import normal_quantile, student_quantile


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled `value` with its total `variance`, of which `within` and `between` imputations.

    `degrees` of freedom may be infinite. `fraction_missing`: share of the information that is lost
    to what is missing, after Rubin (lambda).
    """

    value: float
    variance: float
    within: float
    between: float
    degrees: float
    fraction_missing: float

    @property
    def standard_error(self) -> float:
        """Return the root of the total variance."""
        return math.sqrt(self.variance)

    @property
    def p_value(self) -> float | None:
        """Return the two-sided t test of zero; None without variance."""
        if self.variance == 0:
            return None
        return 2 * float(stdtr(self.degrees, -abs(self.value) / self.standard_error))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the t interval at `level`."""
        share = (1 + level) / 2
        endless = math.isinf(self.degrees)
        quantile = normal_quantile(share) if endless else student_quantile(share, self.degrees)
        half = quantile * self.standard_error
        return self.value - half, self.value + half


def pool(values: ArrayLike, variances: ArrayLike, *, complete_degrees: float = math.inf) -> Pooled:
    r"""Return Rubin's combination with the degrees of freedom of Barnard and Rubin.

    .. math:: T = \bar U + (1 + 1/m) B, \quad
        \nu = \Big(\frac{\lambda^2}{m-1} +
        \frac{\nu_c+3}{(\nu_c+1)\,\nu_c\,(1-\lambda)}\Big)^{-1}, \quad
        \lambda = (1 + 1/m) B / T

    Parameters
    ----------
    values, variances
        estimate and squared standard error of each of m >= 2 completed data sets (m).
    complete_degrees
        degrees of freedom that complete data would have; infinite for a large sample.

    Returns
    -------
        the pooled estimate.

    Raises
    ------
    DataError
        if there are fewer than two, shapes differ, or a variance is negative.

    References
    ----------
    Rubin, Multiple Imputation for Nonresponse in Surveys, Wiley 1987, chapter 3. Barnard and Rubin,
    Biometrika 86 (1999) 948.

    Examples
    --------
    >>> pooled = pool([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], complete_degrees=20)
    >>> round(pooled.variance, 4), round(pooled.degrees, 3)
    (1.8333, 2.149)
    """
    q, u = np.asarray(values, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.ndim != 1 or q.shape != u.shape or len(q) < 2:
        raise DataError(f"{q.shape} values and {u.shape} variances; expected two or more of each")
    if not (np.all(np.isfinite(q)) and np.all(np.isfinite(u)) and np.all(u >= 0)):
        raise DataError("values must be finite and variances not negative")
    m = len(q)
    within, between = float(u.mean()), float(q.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total if total > 0 else 0.0
    turned = share**2 / (m - 1)
    if not math.isinf(complete_degrees) and share < 1:
        seen = (complete_degrees + 1) / (complete_degrees + 3) * complete_degrees * (1 - share)
        turned += 1 / seen
    degrees = 1 / turned if turned > 0 else math.inf
    return Pooled(float(q.mean()), total, within, between, degrees, share)
