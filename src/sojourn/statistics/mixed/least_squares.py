"""Ordinary least squares with t inference, for an analysis of covariance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError
from sojourn.statistics._spread import ROUNDING
from sojourn.statistics.mixed.inference import Contrast, t_contrast

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """Coefficients (p) with covariance (p, p); `degrees` N - p; `spread` of the residuals.

    Covariance and spread are None where no degree of freedom is left, or where the fit is perfect:
    residuals that are rounding, of which R's `lm` says "essentially perfect fit".
    """

    coefficients: Floats
    covariance: Floats | None
    degrees: int
    spread: float | None

    def contrast(self, combination: ArrayLike) -> Contrast | None:
        """Return one `combination` (p) of coefficients with its t test; None without spread."""
        row = np.asarray(combination, dtype=np.float64)
        if self.covariance is None:
            return None
        error = float(np.sqrt(max(float(row @ self.covariance @ row), 0.0)))
        return t_contrast(float(row @ self.coefficients), error, float(self.degrees))


def fit_least_squares(values: ArrayLike, fixed: ArrayLike) -> LeastSquares:
    """Return the least-squares fit of y on X.

    Parameters
    ----------
    values
        y (N), any unit.
    fixed
        X (N, p), of full column rank.

    Returns
    -------
        the fit, as R's `lm`.

    Raises
    ------
    DataError
        if shapes differ, a value is not finite, or X has not full column rank.

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 5.3 (by QR).
    """
    y, x = np.asarray(values, dtype=np.float64), np.asarray(fixed, dtype=np.float64)
    if y.ndim != 1 or x.ndim != 2 or len(y) != len(x):
        raise DataError(f"values have shape {y.shape}, fixed effects {x.shape}")
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(x))):
        raise DataError("a value or a covariate is not finite; leave missing rows out")
    scale = np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    if np.linalg.matrix_rank(x / scale) < x.shape[1]:
        raise DataError("some fixed effects cannot be told apart by these rows; leave terms out")
    columns, upper = np.linalg.qr(x / scale)
    inverse = np.linalg.inv(upper) / scale[:, None]
    projection = columns.T @ y
    coefficients = inverse @ projection
    degrees = len(y) - x.shape[1]
    if degrees == 0:
        return LeastSquares(coefficients, None, 0, None)
    variance = float(np.sum((y - columns @ projection) ** 2)) / degrees
    if np.sqrt(variance) <= ROUNDING * np.abs(y).max():
        return LeastSquares(coefficients, None, degrees, None)
    return LeastSquares(
        coefficients, variance * (inverse @ inverse.T), degrees, float(np.sqrt(variance))
    )
