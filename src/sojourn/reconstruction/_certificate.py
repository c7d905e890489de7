r"""How far an image is from the exact optimum, and Newton steps on the whole matrix to get near.

Write half the objective with the whole real-stacked matrix A (2 row, voxel) and signal b:
:math:`\varphi` and :math:`g(y) = y + A x(y) - b` as in `_dual_newton`, now with
:math:`x(y) = [A^T y]_+/\lambda`. For every y, however it was found,

* the duality gap of (x(y), y) is exactly :math:`\tfrac12 \|g\|^2`;
* :math:`\|x(y) - x^*\| \le \|g\| / (2 \sqrt\lambda)`, with x* the unique optimum.

The second: g is zero at y*, so that with :math:`\Delta y = y - y^*`, :math:`\Delta x` alike,
:math:`g = \Delta y + A \Delta x`. The projection is firmly non-expansive,
:math:`\Delta x^T A^T \Delta y \ge \lambda \|\Delta x\|^2`; hence
:math:`\lambda \|\Delta x\|^2 \le g^T \Delta y - \|\Delta y\|^2 \le \tfrac14 \|g\|^2`. Strong
convexity and the gap alone give :math:`\|g\|/\sqrt\lambda`, twice as much.

References
----------
Bauschke and Combettes, Convex Analysis and Monotone Operator Theory in Hilbert Spaces, 2nd ed.,
proposition 4.16 (projections are firmly non-expansive); Boyd and Vandenberghe, Convex
Optimization, 2004, 5.5.1 (duality gap).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from sojourn.reconstruction._compression import CompressedMatrix, stack
from sojourn.reconstruction._dual_newton import bend

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

SUFFICIENT = 0.1
MAX_HALVINGS = 40
FORCING = 0.05
MAX_PRODUCTS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """An image `values` (voxel,) of the whole matrix and what is proved about it.

    `distance` bounds |x - x*|, in samples; `relative_distance` bounds |x - x*| / |x*|, infinite
    where nothing is proved. `gap` is that of half the objective. `passes`: products with the
    matrix, forth and back counted as one.
    """

    values: Real
    gap: float
    distance: float
    relative_distance: float
    passes: int


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A dual y (row, complex), p = A^T y, and the gradient there."""

    dual: Complex
    weights: Real
    gradient: Complex


class WholeProblem:
    """The uncompressed problem in double precision, and a preconditioner from a compressed one."""

    def __init__(
        self, columns: Complex, regularization: float, compressed: CompressedMatrix
    ) -> None:
        self.columns, self.regularization = columns, regularization
        self.compressed = compressed

    def certify(self, signal: Complex, start: Real, *, goal: float, max_passes: int) -> Certificate:
        """Return an image within `goal` of the optimum, relative, or what `max_passes` reached.

        Parameters
        ----------
        signal
            shape (row,).
        start
            an image to start from, shape (voxel,): that of the compressed problem.
        goal
            proved relative distance at which to stop.
        max_passes
            bound on the work.
        """
        here, passes = self._at(signal - self.columns @ start, signal), 2
        found = self._certificate(here, passes)
        while found.relative_distance > goal and passes < max_passes:
            solve = self._preconditioner(here.weights > 0)
            enough = self._gradient_for(goal, found) / 2
            step, n = self._direction(here, solve, enough, min(MAX_PRODUCTS, max_passes - passes))
            here, more = self._search(here, step, signal)
            passes += n + more
            found = self._certificate(here, passes)
            if more == 0:
                break
        return found

    def _at(self, dual: Complex, signal: Complex) -> _Point:
        weights = self._adjoint(dual)
        values = np.maximum(weights, 0) / self.regularization
        return _Point(dual, weights, dual + self.columns @ values - signal)

    def _adjoint(self, dual: Complex) -> Real:
        found: Real = (dual.conj() @ self.columns).real
        return found

    def _certificate(self, point: _Point, passes: int) -> Certificate:
        values = np.maximum(point.weights, 0) / self.regularization
        square = float(np.vdot(point.gradient, point.gradient).real)
        distance = float(np.sqrt(square / self.regularization) / 2)
        return Certificate(
            values=values,
            gap=square / 2,
            distance=distance,
            relative_distance=relative_distance(float(np.linalg.norm(values)), distance),
            passes=passes,
        )

    def _gradient_for(self, goal: float, found: Certificate) -> float:
        """Return the norm of the gradient that certifies `goal` for an image of this norm."""
        distance = goal / (1 + goal) * float(np.linalg.norm(found.values))
        return float(2 * np.sqrt(self.regularization) * distance)

    def _preconditioner(self, active: NDArray[np.bool_]) -> Callable[[Complex], Complex]:
        """Return the inverse of the compressed Hessian on its directions, of one on the others."""
        s = self.compressed.singular / np.sqrt(self.regularization)
        kept = self.compressed.loadings[active]
        gram = (kept.T @ kept).astype(np.float64)
        factor = cho_factor(np.eye(len(s)) + s[:, None] * gram * s, lower=True)
        basis, rows = self.compressed.basis, len(self.columns)

        def solve(right: Complex) -> Complex:
            stacked = stack(right)
            inside = (basis @ stacked).astype(np.float64)
            full = stacked + (cho_solve(factor, inside) - inside) @ basis
            return np.asarray(full[:rows] + 1j * full[rows:])

        return solve

    def _direction(
        self, here: _Point, solve: Callable[[Complex], Complex], enough: float, most: int
    ) -> tuple[Complex, int]:
        """Return the Newton direction by preconditioned conjugate gradients, and its passes."""
        active = here.weights > 0
        d, r = np.zeros_like(here.dual), -here.gradient
        target = max(FORCING * float(np.linalg.norm(r)), enough)
        v = solve(r)
        energy, n = _inner(r, v), 0
        while n < most:
            h = v + self.columns @ np.where(active, self._adjoint(v), 0) / self.regularization
            length = energy / _inner(v, h)
            d, r, n = d + length * v, r - length * h, n + 1
            if np.linalg.norm(r) <= target:
                break
            z = solve(r)
            energy, before = _inner(r, z), energy
            v = z + energy / before * v
        return d, n

    def _search(self, here: _Point, step: Complex, signal: Complex) -> tuple[_Point, int]:
        """Return the point after an Armijo step, and the passes spent (0 where none descends)."""
        slope, square = _inner(here.gradient, step), _inner(step, step)
        change, length = self._adjoint(step), 1.0
        for _ in range(MAX_HALVINGS):
            bent = float(bend(here.weights, length * change).sum()) / self.regularization
            if length * slope + (length**2 * square + bent) / 2 <= SUFFICIENT * length * slope:
                return self._at(here.dual + length * step, signal), 2
            length /= 2
        return here, 0


def relative_distance(norm: float, distance: float) -> float:
    """Return a bound on |x - x*| / |x*| from |x| and a bound on |x - x*|; infinite if none."""
    if distance == 0:
        return 0.0
    return distance / (norm - distance) if distance < norm else float("inf")


def _inner(one: Complex, other: Complex) -> float:
    return float(np.vdot(one, other).real)
