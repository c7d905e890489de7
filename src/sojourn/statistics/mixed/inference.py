"""Inference on fixed effects in few subjects: Kenward-Roger and Satterthwaite."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc, stdtr

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import student_quantile
from sojourn.statistics.mixed.fitting import MixedFit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A linear combination of coefficients with its t test; `degrees` may be infinite."""

    value: float
    standard_error: float
    degrees: float
    p_value: float | None

    @property
    def statistic(self) -> float:
        """Return value over standard error."""
        return self.value / self.standard_error

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the t interval at `level`."""
        half = student_quantile((1 + level) / 2, self.degrees) * self.standard_error
        return self.value - half, self.value + half


def t_contrast(value: float, error: float, degrees: float) -> Contrast:
    """Return `value` with its two-sided t test; p is None where the standard `error` is 0."""
    if error == 0:
        return Contrast(value, error, degrees, None)
    return Contrast(value, error, degrees, 2 * float(stdtr(degrees, -abs(value) / error)))


@dataclass(frozen=True, slots=True)
class FTest:
    """A test that several combinations are zero at once; `scaling` is already in `statistic`."""

    statistic: float
    numerator_degrees: int
    denominator_degrees: float
    scaling: float
    p_value: float


def kenward_roger_covariance(fit: MixedFit) -> Floats:
    r"""Return the covariance (p, p) of the coefficients, enlarged for estimating the variances.

    .. math:: \Phi_A = \Phi + 2\Phi\Big\{\sum_{ij} W_{ij}
        \big(Q_{ij} - P_i\Phi P_j - \tfrac14 R_{ij}\big)\Big\}\Phi

    with W twice the inverse of the expected curvature of the restricted deviance. R vanishes where
    the covariance is linear in its parameters (all but "ar1").

    Raises
    ------
    DataError
        if the fit is not by REML.

    References
    ----------
    Kenward and Roger, Biometrics 53 (1997) 983.
    """
    return fit.basis @ _adjusted(fit) @ fit.basis.T


def kenward_roger(fit: MixedFit, combination: ArrayLike) -> Contrast:
    """Return the t test of one `combination` (p) of coefficients by Kenward and Roger.

    Parameters
    ----------
    fit
        a REML fit.
    combination
        weights of the coefficients (p).

    Returns
    -------
        value, adjusted standard error, degrees of freedom 2 / A1, two-sided p value.

    Raises
    ------
    DataError
        if the fit is not by REML, or the weights have another length.

    References
    ----------
    Kenward and Roger, Biometrics 53 (1997) 983; as R's pbkrtest (Halekoh and Hojsgaard, J. Stat.
    Softw. 59 (2014) 9).
    """
    row = _rows(fit, combination)[0]
    weights = _parameter_covariance(fit)
    phi = fit.curvature.phi
    moved = np.einsum("a,kab,b->k", phi @ row, fit.curvature.p_parts, phi @ row)
    first = float(moved @ weights @ moved) / float(row @ phi @ row) ** 2
    error = math.sqrt(float(row @ _adjusted(fit) @ row))
    return t_contrast(float(row @ fit.curvature.beta), error, 2 / first if first > 0 else math.inf)


def satterthwaite(fit: MixedFit, combination: ArrayLike) -> Contrast:
    """Return the t test of one `combination` (p) of coefficients by Satterthwaite.

    The standard error is the model's own; the degrees of freedom follow from the observed
    curvature of the likelihood, so that a variance at zero takes no part.

    Parameters
    ----------
    fit
        a fit by REML or ML.
    combination
        weights of the coefficients (p).

    Returns
    -------
        value, standard error, degrees of freedom, two-sided p value.

    Raises
    ------
    DataError
        if the weights have another length.

    References
    ----------
    Giesbrecht and Burns, Biometrics 41 (1985) 477; as R's lmerTest (Kuznetsova et al., J. Stat.
    Softw. 82 (2017) 13), with exact derivatives where that differentiates numerically.
    """
    row = _rows(fit, combination)[0]
    phi = fit.curvature.phi
    variance = float(row @ phi @ row)
    slope = np.einsum("a,kab,b->k", phi @ row, fit.curvature.p_parts, phi @ row)
    free = fit.free_jacobian.T @ slope
    spread = float(free @ (2 * _positive_inverse(fit.free_hessian)) @ free)
    degrees = 2 * variance**2 / spread if spread > 0 else math.inf
    return t_contrast(float(row @ fit.curvature.beta), math.sqrt(variance), degrees)


def kenward_roger_test(fit: MixedFit, combinations: ArrayLike) -> FTest:
    """Return the scaled F test that `combinations` (r, p) of coefficients are all zero.

    Parameters
    ----------
    fit
        a REML fit.
    combinations
        one row of weights for each of r independent combinations.

    Returns
    -------
        scaled F, its degrees of freedom and scaling, p value.

    Raises
    ------
    DataError
        if the fit is not by REML, the rows have another length or depend on each other.

    References
    ----------
    Kenward and Roger, Biometrics 53 (1997) 983, section 3.
    """
    rows = _rows(fit, combinations)
    r = len(rows)
    if np.linalg.matrix_rank(rows) < r:
        raise DataError(f"the {r} combinations depend on each other; give independent rows")
    a1, a2 = _moments(fit, rows)
    value = rows @ fit.curvature.beta
    raw = float(value @ np.linalg.solve(rows @ _adjusted(fit) @ rows.T, value)) / r
    degrees, scaling = _denominator(r, a1, a2)
    statistic = scaling * raw
    return FTest(statistic, r, degrees, scaling, float(fdtrc(r, degrees, statistic)))


def _moments(fit: MixedFit, rows: Floats) -> tuple[float, float]:
    """Return A1 and A2 of Kenward and Roger."""
    phi, weights = fit.curvature.phi, _parameter_covariance(fit)
    theta = rows.T @ np.linalg.solve(rows @ phi @ rows.T, rows)
    turned = np.einsum("ab,kbc->kac", theta @ phi, fit.curvature.p_parts @ phi)
    traces = np.einsum("kaa->k", turned)
    pairs = np.einsum("kab,lba->kl", turned, turned)
    return float(traces @ weights @ traces), float(np.sum(weights * pairs))


def _denominator(r: int, a1: float, a2: float) -> tuple[float, float]:
    """Return denominator degrees of freedom and scaling, so that two moments of F agree."""
    if a2 <= 0:
        return math.inf, 1.0
    b = (a1 + 6 * a2) / (2 * r)
    g = ((r + 1) * a1 - (r + 4) * a2) / ((r + 2) * a2)
    base = 3 * r + 2 * (1 - g)
    c1, c2, c3 = g / base, (r - g) / base, (r + 2 - g) / base
    v0, v1, v2 = (0.0 if abs(v) < 1e-10 else v for v in (1 + c1 * b, 1 - c2 * b, 1 - c3 * b))
    ratio = v0 / v2 * (1 if v1 == 0 else (1 - a2 / r) / v1) ** 2 / r if v2 else math.inf
    degrees = 4 + (r + 2) / (r * ratio - 1)
    if abs(degrees - 2) < 1e-2:
        return degrees, 1.0
    return degrees, degrees * (1 - a2 / r) / (degrees - 2)


def _rows(fit: MixedFit, combinations: ArrayLike) -> Floats:
    """Return the combinations in the basis of the fit."""
    rows = np.atleast_2d(np.asarray(combinations, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != len(fit.coefficients):
        raise DataError(f"weights of shape {rows.shape} for {len(fit.coefficients)} coefficients")
    return rows @ fit.basis


def _adjusted(fit: MixedFit) -> Floats:
    at, weights = fit.curvature, _parameter_covariance(fit)
    inner = at.q_parts - np.einsum("kab,bc,lcd->klad", at.p_parts, at.phi, at.p_parts)
    if at.r_parts is not None:
        inner = inner - at.r_parts / 4
    middle = np.einsum("kl,klab->ab", weights, inner)
    added = at.phi @ ((middle + middle.T) / 2) @ at.phi
    made: Floats = at.phi + 2 * added
    return made


def _parameter_covariance(fit: MixedFit) -> Floats:
    """Return the covariance of theta from the expected curvature."""
    if fit.method != "REML":
        raise DataError(f"Kenward-Roger needs a REML fit, this one is by {fit.method}")
    inverse = np.linalg.pinv(fit.curvature.expected, rcond=1e-12, hermitian=True)
    return np.asarray(2 * inverse, dtype=np.float64)


def _positive_inverse(matrix: Floats) -> Floats:
    """Return the inverse on the axes of positive curvature."""
    values, axes = np.linalg.eigh(matrix)
    kept = values > 1e-10 * max(float(values.max()), 0.0)
    made: Floats = (axes[:, kept] / values[kept]) @ axes[:, kept].T
    return made
