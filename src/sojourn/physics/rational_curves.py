r"""Magnetization over field as a rational function of the field's square: one division a sample.

For cores in equilibrium :math:`L(\xi)/\xi = \sum_n 2 / (\xi^2 + n^2 \pi^2)`, so that any mixture
of sizes has :math:`M(B)/B = \int \mathrm{d}\mu(p) / (B^2 + p)` with a positive measure (a Stieltjes
function of :math:`B^2`). A few positive terms :math:`w_j / (B^2 + p_j)` then come close to rounding
error, and their quotient of polynomials has positive coefficients only: nothing cancels, so that
single precision keeps its last digits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Magnetization along a field, relative to saturation, of flux density in T; odd."""

TOLERANCE = 4e-8
"""Largest relative error of a fit (float64) over its range; rounding of single precision is more:
tests hold the single-precision kernel to 1e-6."""

_MAX_TERMS = 24
_POINTS = 1200
_DECADES = 10.0
_EXTRA_TERMS = 3
_SINGLE_RANGE, _DOUBLE_RANGE = 1e60, 1e300


@dataclass(frozen=True, slots=True, eq=False)
class RationalCurve:
    r"""M(B)/B for \|B\| up to `reach`, in 1/T.

    .. math:: M(B)/B = P(s)/Q(s), \qquad s = (B / \mathrm{reach})^2 \in [0, 1]

    `numerator` and `denominator` (n,): coefficients of P and Q, highest power first, none
    negative. `error`: largest relative error found against the curve that was fitted.
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    reach: float
    error: float

    def __post_init__(self) -> None:
        if self.numerator.shape != self.denominator.shape or self.numerator.ndim != 1:
            raise DataError(
                f"numerator {self.numerator.shape} and denominator {self.denominator.shape} need "
                "one shape (n,)"
            )
        if min(self.numerator.min(), self.denominator.min()) < 0 or not self.reach > 0:
            raise DataError("coefficients must not be negative, reach must be positive")
        object.__setattr__(self, "numerator", frozen(self.numerator))
        object.__setattr__(self, "denominator", frozen(self.denominator))

    @property
    def fits_single(self) -> bool:
        """Tell whether single precision holds every intermediate value of P and Q."""
        return bool(self.denominator.sum() / self.denominator[-1] < _SINGLE_RANGE)

    def ratio(self, square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return M(B)/B, 1/T, in float64: the reference of the compiled kernel.

        Parameters
        ----------
        square
            B squared, T^2, any shape, at most `reach` squared.

        Raises
        ------
        DataError
            if a field is larger than `reach`: nothing is extrapolated.
        """
        scaled = np.asarray(square, dtype=np.float64) / self.reach**2
        if scaled.size and not (float(scaled.max()) <= 1 + 1e-9 and float(scaled.min()) >= 0):
            raise DataError(
                f"the curve was fitted up to {self.reach:g} T, asked for "
                f"{self.reach * np.sqrt(float(scaled.max())):g} T; fit it with a larger reach"
            )
        quotient: NDArray[np.float64] = np.polyval(self.numerator, scaled) / np.polyval(
            self.denominator, scaled
        )
        return quotient


def fit_rational_curve(
    curve: Curve, *, reach: float, tolerance: float = TOLERANCE
) -> RationalCurve:
    """Fit the magnetization of a memoryless model for fields from 0 to `reach`.

    Poles by adaptive barycentric interpolation (AAA) of M(B)/B relative to itself, on points that
    are dense in the logarithm of the field; residues then by linear least squares.

    Parameters
    ----------
    curve
        magnetization, relative to saturation, of |B| in T.
    reach
        largest field, T.
    tolerance
        largest relative error on the points between those fitted.

    Returns
    -------
        the fit with the fewest terms that keeps `tolerance`.

    Raises
    ------
    DataError
        if `reach` is not positive, or the curve is none of the kind (M/B no mixture of
        1 / (B^2 + p)) so that `tolerance` cannot be kept.

    References
    ----------
    Nakatsukasa, Sete and Trefethen, SIAM J. Sci. Comput. 40 (2018) A1494 (AAA).

    Examples
    --------
    >>> fitted = fit_rational_curve(np.arctan, reach=10.0)
    >>> fitted.error < 4e-8
    True
    """
    if not (reach > 0 and np.isfinite(reach)):
        raise DataError(f"reach must be a positive field in T, got {reach}")
    squares, values = _sampled(curve, reach, offset=0.0)
    checks, expected = _sampled(curve, reach, offset=0.5)
    if not (np.isfinite(values).all() and values.min() > 0):
        raise DataError("the magnetization must rise with the field from 0 and stay finite")
    best = np.inf
    for poles in _growing_poles(squares, values, tolerance / 4):
        fitted = _with_poles(squares, values, poles)
        if fitted is None:
            continue
        numerator, denominator = fitted
        quotient = np.polyval(numerator, checks) / np.polyval(denominator, checks)
        error = float(np.max(np.abs(quotient / expected - 1.0)))
        best = min(best, error)
        if error <= tolerance:
            return RationalCurve(numerator, denominator, float(reach), error)
    raise DataError(
        f"no positive rational function of at most {_MAX_TERMS} terms keeps a relative error of "
        f"{tolerance:g} up to {reach:g} T (best {best:.2g}); use the model's own magnetization"
    )


def _sampled(
    curve: Curve, reach: float, *, offset: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return s and M/B at points dense in log s, shifted by `offset` of a step."""
    steps = np.minimum(np.arange(_POINTS) + offset, _POINTS - 1)
    squares = 10.0 ** (_DECADES * (steps / (_POINTS - 1) - 1.0))
    fields = reach * np.sqrt(squares)
    return squares, np.asarray(curve(fields), dtype=np.float64) / fields


def _growing_poles(
    squares: NDArray[np.float64], values: NDArray[np.float64], tolerance: float
) -> list[NDArray[np.complex128]]:
    """Return the poles of AAA approximants, from few to many, until `tolerance` is kept."""
    found: list[NDArray[np.complex128]] = []
    support: list[int] = []
    error = np.abs(values.mean() - values) / values
    extra = 0
    while len(support) <= _MAX_TERMS and extra <= _EXTRA_TERMS:
        support.append(int(np.argmax(error)))
        rest = np.setdiff1d(np.arange(len(squares)), support)
        cauchy = 1.0 / (squares[rest, None] - squares[support])
        loewner = (values[rest, None] - values[support]) * cauchy / values[rest, None]
        weights = np.linalg.svd(loewner, full_matrices=False)[2][-1]
        approximant = cauchy @ (weights * values[support]) / (cauchy @ weights)
        error = np.zeros(len(squares))
        error[rest] = np.abs(approximant / values[rest] - 1.0)
        if len(support) > 1:
            found.append(_barycentric_poles(squares[support], weights))
        extra += int(error.max() < tolerance)
    return found


def _barycentric_poles(
    nodes: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the zeros of sum weights / (s - nodes): finite eigenvalues of an arrow pencil."""
    from scipy.linalg import eigvals

    size = len(nodes) + 1
    arrow = np.zeros((size, size))
    arrow[0, 1:], arrow[1:, 0] = weights, 1.0
    arrow[1:, 1:] = np.diag(nodes)
    mass = np.eye(size)
    mass[0, 0] = 0.0
    values = eigvals(arrow, mass)
    return np.asarray(values[np.isfinite(values)], dtype=np.complex128)


def _with_poles(
    squares: NDArray[np.float64], values: NDArray[np.float64], poles: NDArray[np.complex128]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return P and Q from the real negative poles if their residues are positive, or None."""
    # Other poles come from rounding of the curve and go; the check that follows has the say.
    is_valid = (poles.real < 0) & (np.abs(poles.imag) <= 1e-9 * np.abs(poles.real))
    distances = -poles.real[is_valid]
    if not distances.size:
        return None
    # The constant stands for all poles far beyond the range.
    terms = np.column_stack([1.0 / (squares[:, None] + distances), np.ones(len(squares))])
    scale = np.linalg.norm(terms / values[:, None], axis=0)
    system = terms / values[:, None] / scale
    residues = np.linalg.lstsq(system, np.ones(len(squares)), rcond=None)[0] / scale
    if residues.min() < 0:
        return None
    denominator = _product(distances)
    numerator = residues[-1] * denominator
    for j, residue in enumerate(residues[:-1]):
        numerator[1:] += residue * _product(np.delete(distances, j))
    if not denominator.sum() / denominator[-1] < _DOUBLE_RANGE:
        return None
    # Single precision reaches 1e-38 to 1e38: put both ends of Q at equal distance from 1.
    norm = np.sqrt(denominator.sum()) * np.sqrt(denominator[-1])
    return numerator / norm, denominator / norm


def _product(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of prod (s + distance), highest power first, without cancellation."""
    coefficients = np.ones(1)
    for distance in np.sort(distances):
        coefficients = np.convolve(coefficients, np.array([1.0, distance]))
    return coefficients
