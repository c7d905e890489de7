"""Covariance of one subject's values as a function of a few parameters, with its derivatives.

Each structure has natural parameters (variances, covariances, a correlation), in which inference is
made, and free parameters, in which the search runs and which reach every admissible covariance, the
boundary of the set included.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Structure(Protocol):
    """What a covariance structure offers.

    `design` describes one subject's rows: for random effects their design matrix (n, d), for a
    marginal structure the index of their visits (n,). There are q natural parameters `theta` and q
    free parameters `phi`.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the q natural parameters."""
        ...

    def start(self) -> Floats:
        """Return free parameters to start from, for data of unit variance."""
        ...

    def natural(self, phi: Floats) -> tuple[Floats, Floats, Floats]:
        """Return theta (q), its Jacobian (q, q) and its second derivatives (q, q, q) by phi."""
        ...

    def covariance(self, theta: Floats, design: Floats) -> Floats:
        """Return the covariance (n, n) of the rows of one subject."""
        ...

    def first(self, theta: Floats, design: Floats) -> Floats:
        """Return the derivatives (q, n, n) of the covariance by the natural parameters."""
        ...

    def second(self, theta: Floats, design: Floats) -> Floats | None:
        """Return the second derivatives (q, q, n, n), or None where they all vanish."""
        ...

    def variance_scale(self) -> Floats:
        """Return how each natural parameter scales with the variance of the data: 1 or 0."""
        ...


def lower_pairs(size: int) -> list[tuple[int, int]]:
    """Return the places of a lower triangle, row by row."""
    return [(i, j) for i in range(size) for j in range(i + 1)]


def squared_triangle(phi: Floats, size: int) -> tuple[Floats, Floats, Floats]:
    """Return the lower triangle of L L' with its derivatives, L (`size`, `size`) lower from `phi`.

    The signs of L's columns do not matter, so that no bound is needed: a variance of zero is an
    inner point of the free parameters.
    """
    pairs = lower_pairs(size)
    q = len(pairs)
    rows, columns = np.array(pairs).T
    factor = np.zeros((size, size))
    factor[rows, columns] = phi
    theta = (factor @ factor.T)[rows, columns]
    units = np.zeros((q, size, size))
    units[np.arange(q), rows, columns] = 1
    mixed = np.einsum("aij,bkj->abik", units, units)
    mixed = mixed + mixed.transpose(1, 0, 2, 3)
    jacobian = np.einsum("aij,kj->aik", units, factor)
    jacobian = jacobian + jacobian.transpose(0, 2, 1)
    return theta, jacobian[:, rows, columns].T, np.moveaxis(mixed[:, :, rows, columns], 2, 0)


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """Random effects with a full covariance G of `size` terms, and independent residuals.

    V = Z G Z' + sigma^2 I; theta is the lower triangle of G row by row, then sigma^2.
    """

    size: int
    scale: float = 0.5

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the natural parameters."""
        if self.size == 1:
            return ("variance of subjects", "residual variance")
        inner = (f"G[{i},{j}]" for i, j in lower_pairs(self.size))
        return (*inner, "residual variance")

    def start(self) -> Floats:
        """Return a start with a share `scale` of the variance between subjects."""
        factor = np.eye(self.size) * np.sqrt(self.scale / self.size)
        rows, columns = np.array(lower_pairs(self.size)).T
        return np.append(factor[rows, columns], np.sqrt(1 - self.scale))

    def natural(self, phi: Floats) -> tuple[Floats, Floats, Floats]:
        """Return theta and its derivatives."""
        inner, jacobian, curvature = squared_triangle(phi[:-1], self.size)
        q = len(phi)
        wide, curved = np.zeros((q, q)), np.zeros((q, q, q))
        wide[:-1, :-1], wide[-1, -1] = jacobian, 2 * phi[-1]
        curved[:-1, :-1, :-1], curved[-1, -1, -1] = curvature, 2.0
        return np.append(inner, phi[-1] ** 2), wide, curved

    def covariance(self, theta: Floats, design: Floats) -> Floats:
        """Return Z G Z' + sigma^2 I."""
        made: Floats = np.einsum("k,kij->ij", theta, self.first(theta, design))
        return made

    def first(self, theta: Floats, design: Floats) -> Floats:
        """Return the derivatives: outer products of columns of Z, then the identity."""
        del theta
        made = []
        for i, j in lower_pairs(self.size):
            outer = np.outer(design[:, i], design[:, j])
            made.append(outer if i == j else outer + outer.T)
        return np.array([*made, np.eye(len(design))])

    def second(self, theta: Floats, design: Floats) -> Floats | None:
        """Return None: the covariance is linear in theta."""
        del theta, design
        return None

    def variance_scale(self) -> Floats:
        """Return ones: every parameter is a variance or covariance."""
        return np.ones(len(self.names))


@dataclass(frozen=True, slots=True)
class Unstructured:
    """A free variance for each of `visits` visits and a free covariance for each pair."""

    visits: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the natural parameters."""
        return tuple(f"V[{i},{j}]" for i, j in lower_pairs(self.visits))

    def start(self) -> Floats:
        """Return unit variances with correlation 0.3."""
        factor = np.linalg.cholesky(0.3 + 0.7 * np.eye(self.visits))
        rows, columns = np.array(lower_pairs(self.visits)).T
        return np.asarray(factor[rows, columns], dtype=np.float64)

    def natural(self, phi: Floats) -> tuple[Floats, Floats, Floats]:
        """Return theta and its derivatives."""
        return squared_triangle(phi, self.visits)

    def covariance(self, theta: Floats, design: Floats) -> Floats:
        """Return the rows and columns of the visits that were made."""
        full = np.zeros((self.visits, self.visits))
        rows, columns = np.array(lower_pairs(self.visits)).T
        full[rows, columns] = full[columns, rows] = theta
        index = design.astype(int)
        made: Floats = full[np.ix_(index, index)]
        return made

    def first(self, theta: Floats, design: Floats) -> Floats:
        """Return the derivatives: ones at the places of each parameter."""
        del theta
        index = design.astype(int)
        at = index[:, None] == np.arange(self.visits)
        made = []
        for i, j in lower_pairs(self.visits):
            place = np.outer(at[:, i], at[:, j])
            made.append(place | place.T)
        return np.array(made, dtype=np.float64)

    def second(self, theta: Floats, design: Floats) -> Floats | None:
        """Return None: the covariance is linear in theta."""
        del theta, design
        return None

    def variance_scale(self) -> Floats:
        """Return ones: every parameter is a variance or covariance."""
        return np.ones(len(self.names))


@dataclass(frozen=True, slots=True)
class CompoundSymmetry:
    """One variance and one covariance, which may be negative: V = between J + within I."""

    visits: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the natural parameters."""
        return ("covariance of visits", "variance within")

    def start(self) -> Floats:
        """Return half of the variance between subjects."""
        return np.array([np.sqrt(0.5), np.sqrt(0.5 + 0.5 * self.visits)])

    def natural(self, phi: Floats) -> tuple[Floats, Floats, Floats]:
        """Return theta from the roots of the two eigenvalues, within and within + m between."""
        within, whole = phi**2
        m = self.visits
        theta = np.array([(whole - within) / m, within])
        jacobian = np.array([[-2 * phi[0] / m, 2 * phi[1] / m], [2 * phi[0], 0.0]])
        curvature = np.array([np.diag([-2 / m, 2 / m]), np.diag([2.0, 0.0])])
        return theta, jacobian, curvature

    def covariance(self, theta: Floats, design: Floats) -> Floats:
        """Return between J + within I."""
        n = len(design)
        made: Floats = np.full((n, n), theta[0]) + theta[1] * np.eye(n)
        return made

    def first(self, theta: Floats, design: Floats) -> Floats:
        """Return J and I."""
        del theta
        n = len(design)
        return np.array([np.ones((n, n)), np.eye(n)])

    def second(self, theta: Floats, design: Floats) -> Floats | None:
        """Return None: the covariance is linear in theta."""
        del theta, design
        return None

    def variance_scale(self) -> Floats:
        """Return ones: both are a variance or covariance."""
        return np.ones(2)


@dataclass(frozen=True, slots=True)
class FirstOrderAutoregressive:
    """One variance; the correlation falls as rho to the number of visits apart."""

    visits: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the natural parameters."""
        return ("variance", "correlation of neighbors")

    def start(self) -> Floats:
        """Return unit variance, correlation 0.4."""
        return np.array([1.0, np.arctanh(0.4)])

    def natural(self, phi: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the square and the hyperbolic tangent, with derivatives."""
        rho = np.tanh(phi[1])
        slope = 1 - rho**2
        theta = np.array([phi[0] ** 2, rho])
        curvature = np.array([np.diag([2.0, 0.0]), np.diag([0.0, -2 * rho * slope])])
        return theta, np.diag([2 * phi[0], slope]), curvature

    def covariance(self, theta: Floats, design: Floats) -> Floats:
        """Return variance times rho to the distance."""
        return np.asarray(theta[0] * theta[1] ** _distance(design), dtype=np.float64)

    def first(self, theta: Floats, design: Floats) -> Floats:
        """Return the derivatives by variance and correlation."""
        apart = _distance(design)
        return np.array([theta[1] ** apart, theta[0] * _power_slope(theta[1], apart)])

    def second(self, theta: Floats, design: Floats) -> Floats | None:
        """Return the second derivatives; that by the variance twice is zero."""
        apart = _distance(design)
        slope = _power_slope(theta[1], apart)
        bend = theta[0] * apart * _power_slope(theta[1], np.maximum(apart - 1, 0))
        return np.array([[np.zeros_like(slope), slope], [slope, bend]])

    def variance_scale(self) -> Floats:
        """Return one for the variance, zero for the correlation."""
        return np.array([1.0, 0.0])


def _distance(design: Floats) -> Floats:
    return np.abs(design[:, None] - design[None, :])


def _power_slope(base: float, exponent: Floats) -> Floats:
    """Return the derivative of base to the exponent by the base, 0 where the exponent is 0."""
    return np.asarray(
        np.where(exponent == 0, 0.0, exponent * base ** np.maximum(exponent - 1, 0)),
        dtype=np.float64,
    )
