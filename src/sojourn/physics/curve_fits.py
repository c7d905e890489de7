"""Least squares with what it says of each parameter: covariance and profile intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError

Residuals = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Parameters (p,) to residuals (n,), each divided by its standard error where that is known."""

_CONVERGED = 1e-9
_EVALUATIONS = 200
_EXPANSIONS = 40
_FALSE_POSITIONS = 20
_ROOT_TOLERANCE = 2e-3
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class CurveFit:
    """Parameters (p,) that minimize the sum of squared residuals, within their bounds.

    `covariance` (p, p) is that of the linearized problem times `scale`, infinite for parameters
    that the data do not bound at all. `scale` is the variance of a residual: 1 where standard
    errors are known and the fit is good, else estimated from the residuals. In a long flat valley
    the search may stop on its way: then `is_converged` is False.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    chi_square: float
    n_residuals: int
    scale: float
    is_converged: bool

    def __post_init__(self) -> None:
        for name in ("values", "covariance", "lower", "upper"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def degrees_of_freedom(self) -> int:
        """Number of residuals above that of parameters."""
        return self.n_residuals - len(self.values)

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Of the parameters (p,), from the covariance; infinite where it is."""
        errors: NDArray[np.float64] = np.sqrt(np.diag(self.covariance))
        return errors

    def index(self, name: str) -> int:
        """Return the place of a parameter; refuses an unknown name."""
        if name not in self.names:
            raise DataError(f"no parameter is named {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def value(self, name: str) -> float:
        """Return the value of a parameter."""
        return float(self.values[self.index(name)])


def fit_curve(
    residuals: Residuals,
    start: NDArray[np.float64],
    *,
    names: tuple[str, ...],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    errors_known: bool,
) -> CurveFit:
    """Fit parameters by least squares within bounds.

    Where the standard errors are known and the residuals are larger than they allow, `scale` is
    the reduced chi-square (the Birge ratio squared); it is never below 1. Where they are not
    known, `scale` is the variance of the residuals.

    Parameters
    ----------
    residuals
        of the parameters.
    start
        first guess (p,), moved into the bounds.
    names
        of the p parameters.
    lower, upper
        bounds (p,); may be infinite.
    errors_known
        whether residuals are divided by known standard errors.

    Returns
    -------
        the fit.

    Raises
    ------
    DataError
        if there are not more residuals than parameters, or one is not finite.

    References
    ----------
    Branch, Coleman and Li, SIAM J. Sci. Comput. 21 (1999) 1 (the search, in SciPy); Birge, Phys.
    Rev. 40 (1932) 207.
    """
    n_residuals = len(residuals(start))
    if n_residuals <= len(names):
        raise DataError(f"{n_residuals} data cannot fix {len(names)} parameters")
    found = _minimize(residuals, start, lower, upper)
    scale = found.chi_square / (n_residuals - len(names))
    if errors_known:
        scale = max(1.0, scale)
    return CurveFit(
        names=names,
        values=found.values,
        covariance=_covariance(found.jacobian) * scale,
        lower=lower,
        upper=upper,
        chi_square=found.chi_square,
        n_residuals=n_residuals,
        scale=scale,
        is_converged=found.is_converged,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Minimum:
    values: NDArray[np.float64]
    chi_square: float
    jacobian: NDArray[np.float64]
    is_converged: bool


def _minimize(
    residuals: Residuals,
    start: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> _Minimum:
    from scipy.optimize import least_squares

    margin = 1e-9 * (1 + np.abs(start))
    start = np.clip(start, lower + margin, upper - margin)
    if not np.all(np.isfinite(residuals(start))):
        raise DataError(f"residuals at the first guess {start} are not finite")
    found = least_squares(
        residuals,
        start,
        bounds=(lower, upper),
        x_scale="jac",
        ftol=_CONVERGED,
        xtol=_CONVERGED,
        gtol=_CONVERGED,
        max_nfev=_EVALUATIONS,
    )
    return _Minimum(
        np.asarray(found.x), float(2 * found.cost), np.asarray(found.jac), bool(found.success)
    )


def _covariance(jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of J'J; infinite variance for parameters in its null space."""
    norms = np.sqrt(np.einsum("np,np->p", jacobian, jacobian))
    safe = np.where(norms > 0, norms, 1.0)
    _, singular, directions = np.linalg.svd(jacobian / safe, full_matrices=False)
    is_free = singular <= _SINGULAR * singular[0]
    inverse = np.where(is_free, 0.0, 1 / np.where(is_free, 1.0, singular) ** 2)
    scaled = (directions.T * inverse) @ directions
    covariance: NDArray[np.float64] = scaled / np.outer(safe, safe)
    unbounded = np.any(np.abs(directions[is_free]) > np.sqrt(_SINGULAR), axis=0) | (norms == 0)
    covariance[unbounded, unbounded] = np.inf
    return covariance


def profile_interval(
    residuals: Residuals, fit: CurveFit, name: str, *, level: float = 0.95
) -> tuple[float, float]:
    """Return the profile-likelihood interval of one parameter.

    The values at which the least sum of squares over the other parameters has risen by the
    quantile of one parameter (times `fit.scale`): chi-square where the scale is 1, F otherwise.
    It may be lopsided. An end that reaches the bound is the bound: the data do not bound the
    parameter on that side.

    Parameters
    ----------
    residuals
        those that were fitted.
    fit
        the fit.
    name
        of the parameter.
    level
        of the interval, within (0, 1).

    Returns
    -------
        lower and upper end, in the parameter's unit.

    Raises
    ------
    DataError
        if there is no such parameter, or `level` is out of range.

    References
    ----------
    Venzon and Moolgavkar, Appl. Stat. 37 (1988) 87.
    """
    from scipy.special import chdtri, fdtri

    if not 0 < level < 1:
        raise DataError(f"level {level} must lie between 0 and 1")
    index = fit.index(name)
    if fit.scale == 1.0:
        quantile = float(chdtri(1, 1 - level))
    else:
        quantile = float(fdtri(1, fit.degrees_of_freedom, level))
    rise = quantile * fit.scale
    low = _profile_end(residuals, fit, index, rise, -1.0)
    high = _profile_end(residuals, fit, index, rise, 1.0)
    return low, high


def _profile_end(
    residuals: Residuals, fit: CurveFit, index: int, rise: float, side: float
) -> float:
    """Where the least sum of squares has risen by `rise`, or the bound on that side."""
    bound = float(fit.lower[index] if side < 0 else fit.upper[index])
    center = float(fit.values[index])
    width = float(fit.standard_errors[index]) * np.sqrt(rise / fit.scale)
    if not (np.isfinite(width) and width > 0):
        width = 0.1 * max(abs(center), 1e-3)
    others = np.delete(fit.values, index)
    inside, outside = (center, -1.0), (center, -1.0)
    for _ in range(_EXPANSIONS):
        value = min(max(center + side * width, fit.lower[index]), fit.upper[index])
        root, others = _signed_root(residuals, fit, index, value, others, rise)
        inside, outside = outside, (value, root)
        if root > 0:
            return _crossing(residuals, fit, index, rise, (inside, outside))
        if value == bound:
            break
        width *= 1.1 / (1 + max(root, -0.5))
    return bound


def _crossing(
    residuals: Residuals,
    fit: CurveFit,
    index: int,
    rise: float,
    bracket: tuple[tuple[float, float], tuple[float, float]],
) -> float:
    """Zero of the signed root between two points (value, root), by the Illinois method."""
    (low, low_root), (high, high_root) = bracket
    others = np.delete(fit.values, index)
    middle = high
    for _ in range(_FALSE_POSITIONS):
        middle = (low * high_root - high * low_root) / (high_root - low_root)
        root, others = _signed_root(residuals, fit, index, middle, others, rise)
        if abs(root) < _ROOT_TOLERANCE:
            break
        if root > 0:
            high, high_root, low_root = middle, root, low_root / 2
        else:
            low, low_root, high_root = middle, root, high_root / 2
    return middle


def _signed_root(
    residuals: Residuals,
    fit: CurveFit,
    index: int,
    value: float,
    start: NDArray[np.float64],
    rise: float,
) -> tuple[float, NDArray[np.float64]]:
    """Root of the rise by `rise`, minus 1: nearly linear in the value; and the others there."""
    least, others = _profile(residuals, fit, index, value, start)
    return float(np.sqrt(max(0.0, least - fit.chi_square) / rise)) - 1, others


def _profile(
    residuals: Residuals,
    fit: CurveFit,
    index: int,
    value: float,
    start: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Least sum of squares with one parameter held, and where it is."""
    lower, upper = np.delete(fit.lower, index), np.delete(fit.upper, index)
    found = _minimize(lambda rest: residuals(np.insert(rest, index, value)), start, lower, upper)
    return found.chi_square, found.values
