"""The problem that every method solves: complex rows, real voxels; and how far from solved it is.

All methods minimise ||S x - u||^2 + lambda ||x||^2 + sparsity |x|_1 (+ what else they name) over
real x. Only operators and methods of arrays are used here (`@`, `*`, `.sum()`), so that the arrays
may be NumPy's or those of a GPU library.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = Any
"""An array of NumPy, CuPy or PyTorch."""


class Operator(Protocol):
    """A linear map from real voxels to complex rows; it keeps the law of `check_adjoint`."""

    def forward(self, x: Array) -> Array:
        """Return S x."""
        ...

    def adjoint(self, y: Array) -> Array:
        """Return the real part of S^H y."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RowOperator:
    """A dense system matrix for real images: its `real` and `imaginary` part, (row, voxel) each."""

    real: Array
    imaginary: Array

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (voxel,) of an image."""
        return (int(self.real.shape[1]),)

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (row,) of a signal."""
        return (int(self.real.shape[0]),)

    def forward(self, x: Array) -> Array:
        """Return S x (row,), complex, of a real image (voxel,)."""
        return self.real @ x + 1j * (self.imaginary @ x)

    def adjoint(self, y: Array) -> Array:
        """Return the real part of S^H y (voxel,) of a complex signal (row,)."""
        return self.real.T @ y.real + self.imaginary.T @ y.imag


def row_operator(columns: NDArray[np.complex128]) -> RowOperator:
    """Return `columns` (row, voxel) as an operator on real images."""
    return RowOperator(np.ascontiguousarray(columns.real), np.ascontiguousarray(columns.imag))


def stack_parts(rows: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the real parts of `rows` (row, ...) above the imaginary ones, (2 row, ...)."""
    return np.concatenate([rows.real, rows.imag])


def squared(array: Array) -> float:
    """Return the sum of squared magnitudes."""
    return float((abs(array) ** 2).sum())


def estimate_norm(operator: Operator, start: Array, *, iterations: int = 60) -> float:
    """Return an estimate of ||S||^2 from below: power iteration on S^T S.

    Parameters
    ----------
    operator
        S.
    start
        first vector, (voxel,); not orthogonal to the first singular vector. The adjoint of a
        signal is a good one.
    iterations
        at most so many; stops where the estimate grows by less than 1e-6 of itself.

    Returns
    -------
        at least 0, in squared matrix units; 0 where `start` is zero.
    """
    norm = math.sqrt(squared(start))
    vector, found = start, 0.0
    for _ in range(iterations):
        if norm == 0:
            return 0.0
        vector = operator.adjoint(operator.forward(vector / norm))
        norm = math.sqrt(squared(vector))
        if norm - found <= 1e-6 * norm:
            return norm
        found = norm
    return found


def shrink(array: Array, threshold: float, *, non_negative: bool) -> Array:
    """Return the proximal point of threshold |x|_1, with or without x >= 0.

    Parameters
    ----------
    array
        any shape, real.
    threshold
        at least 0, in the unit of `array`.
    non_negative
        with it max(a - t, 0), without it sign(a) max(|a| - t, 0).
    """
    above = array - threshold
    kept = above * (above > 0)
    if non_negative:
        return kept
    below = array + threshold
    return kept + below * (below < 0)


@dataclass(frozen=True, slots=True)
class Certificate:
    """How far an image is from the optimum.

    `kkt_residual`: what the optimality conditions leave, relative to ||S^T u||.
    `distance_bound`: an upper bound of ||x - optimum|| / ||x|| from the duality gap, infinite where
    lambda is 0 or x is zero without being the optimum.
    """

    kkt_residual: float
    distance_bound: float

    def report(self) -> Mapping[str, float | None]:
        """Return both as plain values, None for a bound that does not exist."""
        bound = self.distance_bound if math.isfinite(self.distance_bound) else None
        return {"kkt_residual": self.kkt_residual, "distance_bound": bound}


def certify(
    back: Array,
    x: Array,
    *,
    scale: float,
    regularization: float,
    sparsity: float = 0.0,
    non_negative: bool = True,
    slack: float = 0.0,
) -> Certificate:
    r"""Return how far `x` is from the minimum of ||S x - u||^2 + lambda ||x||^2 + sparsity |x|_1.

    With a = S^T(u - S x) and s = shrink(a, sparsity / 2) the duality gap is

    .. math:: g = \|s - \lambda x\|^2 / \lambda + \tau |x|_1 - 2 x \cdot (a - s)

    and, the problem being strongly convex, :math:`\|x - x^*\|^2 \le g / \lambda`. Both terms are
    sums of numbers that are not negative, so that a small gap loses no digits.

    Parameters
    ----------
    back
        a = S^T(u - S x), (voxel,), less what other penalties' dual variables add.
    x
        the image, (voxel,); not negative where `non_negative`.
    scale
        ||S^T u||, what residuals are relative to.
    regularization, sparsity
        lambda and tau, absolute.
    non_negative
        whether x >= 0 is part of the problem.
    slack
        what other penalties add to the gap.

    References
    ----------
    Boyd and Vandenberghe, Convex Optimization, Cambridge 2004, chapter 5 (Fenchel duality).
    """
    best = shrink(back, sparsity / 2, non_negative=non_negative)
    off = best - regularization * x
    # where x is 0 only the shrunk part counts; elsewhere the unshrunk gradient must vanish
    inside = back - (sparsity / 2) * ((x > 0) * 1.0 - (x < 0) * 1.0) - regularization * x
    active = (x != 0) * 1.0
    residual = math.sqrt(squared(inside * active + off * (1.0 - active)))
    relative = residual / scale if scale > 0 else 0.0
    size = math.sqrt(squared(x))
    if regularization <= 0:
        return Certificate(relative, math.inf)
    misfit = float((sparsity * abs(x) - 2 * x * (back - best)).sum())
    gap = squared(off) / regularization + max(misfit, 0.0) + max(slack, 0.0)
    distance = math.sqrt(gap / regularization)
    if distance == 0:
        return Certificate(relative, 0.0)
    return Certificate(relative, distance / size if size > 0 else math.inf)
