"""Static fields as gradients of harmonic polynomials, fitted to measured points with errors.

A field without currents where one images is the gradient of a scalar potential that solves
Laplace's equation. Expanding that potential in real solid harmonics makes every fit free of curl
and of divergence, whatever the data say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.field_sources import checked_positions
from sojourn.physics.harmonic_polynomials import (
    harmonic_gradients,
    harmonic_hessians,
    n_harmonics,
)


@dataclass(frozen=True, slots=True, eq=False)
class SolidHarmonics:
    r"""A field as the gradient of solid harmonics: a `FieldSource`.

    .. math::

        B(r) = \sum_{l=1}^{L} \sum_{m=-l}^{l} c_{lm}\, R\, \nabla\, S_{lm}((r - r_0) / R)

    `coefficients` (L (L + 2),), T, by l, then m = -l ... l; S_lm are Schmidt semi-normalised, so
    that l = 1 holds (B_y, B_z, B_x) at `center` (3,), LPS, m. `radius` R, m. `covariance` of the
    coefficients, T^2, or None for an exact field. Outside of the fitted sphere the expansion is an
    extrapolation.
    """

    coefficients: NDArray[np.float64]
    center: NDArray[np.float64]
    radius: float
    covariance: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.coefficients, dtype=np.float64)
        center = np.asarray(self.center, dtype=np.float64)
        degree = isqrt(values.size + 1) - 1
        if values.ndim != 1 or degree < 1 or n_harmonics(degree) != values.size:
            raise DataError(
                f"coefficients have shape {values.shape}; L (L + 2) of them are expected: 3, 8, ..."
            )
        if center.shape != (3,) or not (np.isfinite(self.radius) and self.radius > 0):
            raise DataError(f"center {center.tolist()} and radius {self.radius} m are no sphere")
        object.__setattr__(self, "coefficients", frozen(values))
        object.__setattr__(self, "center", frozen(center))
        if self.covariance is not None:
            covariance = np.asarray(self.covariance, dtype=np.float64)
            if covariance.shape != (values.size, values.size):
                raise DataError(
                    f"covariance has shape {covariance.shape} for {values.size} coefficients"
                )
            object.__setattr__(self, "covariance", frozen(covariance))

    @property
    def degree(self) -> int:
        """Degree L of the potential; the field has polynomials up to L - 1."""
        return isqrt(self.coefficients.size + 1) - 1

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density at `positions` (n, 3), LPS, m: shape (n, 3), T."""
        return np.asarray(self._fields(positions) @ self.coefficients, dtype=np.float64)

    def flux_density_jacobian(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return dB_i/dx_j at `positions` (n, 3): shape (n, 3, 3), T/m; symmetric, trace 0."""
        return np.asarray(self._slopes(positions) @ self.coefficients, dtype=np.float64)

    def flux_density_covariance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of B at each of `positions` (n, 3): shape (n, 3, 3), T^2.

        Raises
        ------
        DataError
            if the field has no covariance.
        """
        fields = self._fields(positions)
        return np.asarray(fields @ self._known_covariance() @ fields.swapaxes(1, 2))

    def jacobian_covariance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of dB_i/dx_j, (i, j) in C order, shape (n, 9, 9), (T/m)^2.

        Raises
        ------
        DataError
            if the field has no covariance.
        """
        slopes = self._slopes(positions)
        flat = slopes.reshape(len(slopes), 9, -1)
        return np.asarray(flat @ self._known_covariance() @ flat.swapaxes(1, 2))

    def truncated(self, degree: int) -> "SolidHarmonics":
        """Return the expansion up to `degree` about the same center.

        Raises
        ------
        DataError
            if `degree` is not within 1 ... `self.degree`.
        """
        if not 1 <= degree <= self.degree:
            raise DataError(f"degree {degree} is not within 1 to {self.degree}")
        size = n_harmonics(degree)
        covariance = None if self.covariance is None else self.covariance[:size, :size]
        return SolidHarmonics(self.coefficients[:size], self.center, self.radius, covariance)

    def _known_covariance(self) -> NDArray[np.float64]:
        if self.covariance is None:
            raise DataError("this expansion has no covariance; fit it to points with errors")
        return self.covariance

    def _fields(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = (checked_positions(positions) - self.center) / self.radius
        return harmonic_gradients(offset, self.degree)

    def _slopes(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = (checked_positions(positions) - self.center) / self.radius
        return harmonic_hessians(offset, self.degree) / self.radius


@dataclass(frozen=True, slots=True, eq=False)
class HarmonicFit:
    """A fitted field and how well it describes its points.

    `field`: its covariance is that of the stated errors. `chi2`: sum of squared residuals over
    stated errors. `degrees_of_freedom`: measured numbers less coefficients. `residuals` (n, 3), T.
    `leverages` (n, 3): how much of each measured number its own prediction holds, within [0, 1].
    `condition`: largest over smallest singular value of the weighted design.
    """

    field: SolidHarmonics
    chi2: float
    degrees_of_freedom: int
    residuals: NDArray[np.float64]
    leverages: NDArray[np.float64]
    condition: float

    @property
    def reduced_chi2(self) -> float:
        """chi2 for each degree of freedom: about 1 where model and stated errors are right."""
        return self.chi2 / self.degrees_of_freedom

    @property
    def prediction_error(self) -> float:
        """Leave-one-out root-mean-square error of a measured number, T (Allen's PRESS)."""
        left_out = self.residuals / (1.0 - self.leverages)
        return float(np.sqrt(np.mean(left_out**2)))

    def rescaled(self) -> SolidHarmonics:
        """Return the field with its covariance times the reduced chi2, if that exceeds 1.

        What the points themselves say of their errors (Birge ratio), where the stated errors are
        too small; stated errors that are too large are kept.
        """
        factor = max(1.0, self.reduced_chi2)
        known = self.field.covariance
        covariance = None if known is None else factor * known
        return SolidHarmonics(
            self.field.coefficients, self.field.center, self.field.radius, covariance
        )


def fit_solid_harmonics(
    positions: NDArray[np.float64],
    fields: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    degree: int,
    center: NDArray[np.float64],
    radius: float,
    position_error: float = 0.0,
) -> HarmonicFit:
    """Return the harmonic field that fits measured vectors best.

    Weighted least squares of all three components jointly, by singular values.

    Parameters
    ----------
    positions
        shape (n, 3), LPS, m.
    fields
        shape (n, 3), T.
    errors
        shape (n, 3): standard deviation of each component, T, taken as independent; positive.
    degree
        L of the potential. On a spherical t-design, coefficients up to `resolvable_degree(t)`
        are uncorrelated and not aliased.
    center, radius
        of the expansion, m: those of the sphere on which the points lie.
    position_error
        standard deviation of each coordinate of the points, m; its effect on each component,
        sum_j (dB_i/dx_j)^2 position_error^2, joins the errors (correlations between the three
        components of a point are left out).

    Returns
    -------
        the fit, its covariance and its goodness.

    Raises
    ------
    DataError
        if shapes or errors are impossible, or the points do not determine the coefficients.

    References
    ----------
    Press et al., Numerical Recipes, section 15.4 (weighted least squares and its covariance);
    Orear, American Journal of Physics 50 (1982) 912 (errors in both variables).
    """
    points = checked_positions(positions)
    values, spread = np.asarray(fields, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    _check_measured(points, values, spread)
    if not (degree >= 1 and radius > 0 and position_error >= 0):
        raise DataError(
            f"degree {degree}, radius {radius} m and position_error {position_error} m: the first "
            "two must be positive, the last not negative"
        )
    fit = _weighted_fit(points, values, spread, degree, center, radius)
    if position_error == 0:
        return fit
    slopes = fit.field.flux_density_jacobian(points)
    moved = position_error**2 * np.sum(slopes**2, axis=2)
    return _weighted_fit(points, values, np.sqrt(spread**2 + moved), degree, center, radius)


def _check_measured(
    points: NDArray[np.float64], values: NDArray[np.float64], spread: NDArray[np.float64]
) -> None:
    """Refuse measurements that have no meaning."""
    if values.shape != points.shape or spread.shape != points.shape:
        raise DataError(
            f"fields {values.shape} and errors {spread.shape} need the positions' shape "
            f"{points.shape}"
        )
    if not (np.isfinite(points).all() and np.isfinite(values).all()):
        raise DataError("positions and fields must be finite")
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        raise DataError("errors of the field must be positive, T")


def _weighted_fit(
    points: NDArray[np.float64],
    values: NDArray[np.float64],
    spread: NDArray[np.float64],
    degree: int,
    center: NDArray[np.float64],
    radius: float,
) -> HarmonicFit:
    free = values.size - n_harmonics(degree)
    if free < 1:
        raise DataError(
            f"{values.size} numbers do not determine {n_harmonics(degree)} coefficients of degree "
            f"{degree} with one to spare"
        )
    design = harmonic_gradients((points - center) / radius, degree).reshape(values.size, -1)
    weighted = design / spread.reshape(-1, 1)
    left, singular, right = np.linalg.svd(weighted, full_matrices=False)
    if singular[-1] < 1e-10 * singular[0]:
        raise DataError(
            f"these points cannot tell the harmonics up to degree {degree} apart; lower the degree"
        )
    measured = values.ravel() / spread.ravel()
    coefficients = right.T @ ((left.T @ measured) / singular)
    residuals = measured - weighted @ coefficients
    scaled = right.T / singular
    return HarmonicFit(
        field=SolidHarmonics(coefficients, center, radius, scaled @ scaled.T),
        chi2=float(residuals @ residuals),
        degrees_of_freedom=free,
        residuals=residuals.reshape(-1, 3) * spread,
        leverages=np.sum(left**2, axis=1).reshape(-1, 3),
        condition=float(singular[0] / singular[-1]),
    )


def best_degree(fits: Sequence[HarmonicFit]) -> HarmonicFit:
    """Return the fit of one data set that predicts left-out numbers best.

    Parameters
    ----------
    fits
        of several degrees to the same points; only degrees that the points resolve belong in.

    Raises
    ------
    DataError
        if there is none.

    References
    ----------
    Allen, Technometrics 16 (1974) 125: the prediction sum of squares.
    """
    if not fits:
        raise DataError("no fit to choose from")
    return min(fits, key=lambda fit: fit.prediction_error)


def implied_position_error(
    positions: NDArray[np.float64],
    fields: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    degree: int,
    center: NDArray[np.float64],
    radius: float,
    largest: float = 5e-3,
) -> float:
    """Return the position error with which a fit's chi2 equals its degrees of freedom.

    What the points say of their own places, if the stated errors are right about the probe alone.

    Parameters
    ----------
    positions, fields, errors, degree, center, radius
        as for `fit_solid_harmonics`.
    largest
        upper end of the search, m.

    Returns
    -------
        standard deviation of each coordinate, m; 0 where the stated errors suffice.

    Raises
    ------
    DataError
        if not even `largest` explains the residuals.
    """

    def excess(position_error: float) -> float:
        fit = fit_solid_harmonics(
            positions, fields, errors, degree=degree, center=center, radius=radius,
            position_error=position_error,
        )  # fmt: skip
        return fit.reduced_chi2 - 1.0

    low, high = 0.0, largest
    if excess(low) <= 0:
        return 0.0
    if excess(high) > 0:
        raise DataError(
            f"even position errors of {largest} m do not explain the residuals at degree {degree}"
        )
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


def resolvable_degree(design_strength: int) -> int:
    """Return the largest potential degree L that points of a spherical t-design resolve.

    The products of two field harmonics of degree L - 1 have degree 2 (L - 1); the points' mean is
    their integral where that is at most t.

    Parameters
    ----------
    design_strength
        t, from 0.

    Raises
    ------
    DataError
        if t is negative.

    References
    ----------
    Delsarte, Goethals and Seidel, Geometriae Dedicata 6 (1977) 363: spherical designs.

    Examples
    --------
    >>> resolvable_degree(8)
    5
    """
    if design_strength < 0:
        raise DataError(f"a design has a strength from 0, got {design_strength}")
    return design_strength // 2 + 1
