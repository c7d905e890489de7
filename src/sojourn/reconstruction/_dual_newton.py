r"""Newton's method on the dual of non-negative Tikhonov, in plain numpy: oracle and fallback.

With :math:`B` (rank, voxel) and half of what the project's lambda convention minimises,

.. math:: \min_{x \ge 0} \tfrac12 \|B x - z\|^2 + \tfrac\lambda2 \|x\|^2
   \quad\text{has the dual}\quad
   \min_y \varphi(y) = \tfrac12 \|y\|^2 + \tfrac1{2\lambda} \|[B^T y]_+\|^2 - z^T y,

and :math:`x = [B^T y]_+ / \lambda` at the minimum. The dual has no constraint, rank unknowns, a
Lipschitz gradient :math:`g = y + B x(y) - z` and is 1-strongly convex; where the active set A
(voxels with :math:`B^T y > 0`) stays, it is quadratic with Hessian :math:`1 + B_A B_A^T/\lambda`.
Steps solve that system (in double precision directly, in single by conjugate gradients) and are
shortened until Armijo's rule holds, which makes the iteration converge from every start; near the
solution whole steps converge fast.

References
----------
Qi and Sun, Math. Program. 58 (1993) 353 (semismooth Newton); Nocedal and Wright, Numerical
Optimization, 2nd ed., theorem 3.2 (line search); Zhao, Sun and Toh, SIAM J. Optim. 20 (2010)
1737 (Newton-CG on a dual with a projection).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Array = NDArray[np.floating]

SUFFICIENT = 0.1
"""Armijo: share of the descent that the slope promises."""

START = 0.5
"""Share of voxels taken to be active by the first guess of the dual, the diagonal's solution."""

MAX_HALVINGS = 40

MAX_PRODUCTS = 50
"""Of one step's conjugate gradients: a step cut short still descends."""


@dataclass(frozen=True, slots=True, eq=False)
class DualSolution:
    """Of each frame: `values` (frame, voxel), `dual` (frame, rank) and how well it is solved.

    `gradient` (frame,): norm of g over norm of z. `active`: share of voxels above zero. `passes`:
    visits of the whole matrix, one product forth and one back; products with the active voxels
    count by their share. `is_converged`: the gradient came
    down to the tolerance within the passes allowed.
    """

    values: Array
    dual: Array
    gradient: Array
    active: Array
    passes: Array
    is_converged: NDArray[np.bool_]


def solve_dual(
    loadings: Array,
    singular: NDArray[np.float64],
    regularization: float,
    projected: NDArray[np.float64],
    *,
    tolerance: float,
    max_passes: float,
    forcing: float = 0.1,
) -> DualSolution:
    """Return the solutions of several frames at once.

    Parameters
    ----------
    loadings
        V (voxel, rank), in the precision to work in; B = diag(singular) V^T.
    singular
        shape (rank,).
    regularization
        lambda, absolute; positive.
    projected
        z (frame, rank).
    tolerance
        stop where |g| <= tolerance |z|.
    max_passes
        stop after so many passes in any case.
    forcing
        conjugate gradients reduce the Newton system's residual to this share.

    Returns
    -------
        in the precision of `loadings`.

    Notes
    -----
    In double precision a step forms and factorises the Hessian (rank, rank): meant for small ranks.
    """
    kind = loadings.dtype
    unit = float(singular[0])
    s = (singular / unit).astype(kind)
    z = (projected / unit).astype(kind)
    lam = kind.type(regularization / unit**2)
    y = z / (1 + START * s**2 / lam)
    p = (y * s) @ loadings.T
    g = y + (np.maximum(p, 0) @ loadings) * s / lam - z
    passes = np.ones(len(z))
    goal = tolerance * _norms(z)
    is_open = np.ones(len(z), dtype=np.bool_)
    while len(todo := np.flatnonzero(is_open & (_norms(g) > goal) & (passes < max_passes))):
        active = p[todo] > 0
        if kind == np.float64:
            d, n = _exact_direction(loadings, s, lam, active, g[todo])
        else:
            target = np.maximum(forcing * _norms(g[todo]), goal[todo] / 2)
            left = np.minimum(MAX_PRODUCTS, max_passes - passes[todo])
            d, n = _direction(loadings, s, lam, active, g[todo], target, left)
        change = (d * s) @ loadings.T
        length = _search(g[todo], d, p[todo], change, lam)
        y[todo] += length * d
        p[todo] = (y[todo] * s) @ loadings.T
        x = np.maximum(p[todo], 0)
        before = g[todo]
        g[todo] = y[todo] + (x @ loadings) * s / lam - z[todo]
        passes[todo] += n * active.mean(axis=1) + 1
        stalled = (length[:, 0] == 0) | ((g[todo] == before).all(axis=1))
        is_open[todo[stalled]] = False
    values = np.maximum(p, 0) / lam
    size = np.where(_norms(z) > 0, _norms(z), 1)
    return DualSolution(
        values=values,
        dual=y * kind.type(unit),
        gradient=_norms(g) / size,
        active=(p > 0).mean(axis=1),
        passes=passes,
        is_converged=_norms(g) <= goal,
    )


def _norms(vectors: Array) -> Array:
    squares: Array = np.einsum("fk,fk->f", vectors, vectors, dtype=np.float64)
    return np.sqrt(squares)


def _exact_direction(
    loadings: Array, s: Array, lam: np.floating, active: NDArray[np.bool_], g: Array
) -> tuple[Array, Array]:
    """Return Newton directions (frame, rank) by Cholesky's factorisation; one pass each."""
    found = np.empty_like(g)
    for k, chosen in enumerate(active):
        kept = loadings[chosen] * (s / np.sqrt(lam))
        hessian = kept.T @ kept
        hessian[np.diag_indices_from(hessian)] += 1
        found[k] = cho_solve(cho_factor(hessian, lower=True), -g[k])
    return found, np.ones(len(g))


def _direction(
    loadings: Array,
    s: Array,
    lam: np.floating,
    active: NDArray[np.bool_],
    g: Array,
    target: Array,
    left: Array,
) -> tuple[Array, Array]:
    """Return Newton directions (frame, rank) by conjugate gradients, and their products' number.

    The preconditioner is the diagonal that the Hessian would have if the active voxels were a
    random draw of all: the loadings are orthonormal, so that it is 1 + share s^2 / lambda.
    """
    share = active.mean(axis=1, keepdims=True).astype(s.dtype)
    inverse = 1 / (1 + share * s**2 / lam)
    d, r = np.zeros_like(g), -g
    v = inverse * r
    energy = np.einsum("fk,fk->f", r, v)
    n = np.zeros(len(g))
    going = np.ones(len(g), dtype=bool)
    while going.any():
        t = np.where(active[going], (v[going] * s) @ loadings.T, 0)
        h = v[going] + (t @ loadings) * s / lam
        step = (energy[going] / np.einsum("fk,fk->f", v[going], h))[:, None]
        d[going] += step * v[going]
        r[going] -= step * h
        n[going] += 1
        found = np.einsum("fk,fk->f", r, inverse * r)
        v = inverse * r + (found / np.where(energy > 0, energy, 1))[:, None] * v
        energy = found
        going &= (_norms(r) > target) & (n < left) & (energy > 0)
    return d, n


def bend(p: Array, change: Array) -> Array:
    """Return [p + u]_+^2 - [p]_+^2 - 2 [p]_+ u for change u, without cancellation; never < 0."""
    after = p + change
    return np.where(
        p > 0,
        np.where(after > 0, change**2, -p * (after + change)),
        np.where(after > 0, after**2, 0),
    )


def _search(g: Array, d: Array, p: Array, change: Array, lam: np.floating) -> Array:
    """Return lengths (frame, 1) that satisfy Armijo's rule; 0 where none was found."""
    slope = np.einsum("fk,fk->f", g, d, dtype=np.float64)
    square = np.einsum("fk,fk->f", d, d, dtype=np.float64)
    length, open_ = np.ones(len(g)), np.ones(len(g), dtype=bool)
    for _ in range(MAX_HALVINGS):
        bent = bend(p, (length[:, None] * change).astype(p.dtype)).sum(axis=1, dtype=np.float64)
        descent = length * slope + (length**2 * square + bent / lam) / 2
        open_ = descent > SUFFICIENT * length * slope
        if not open_.any():
            break
        length[open_] /= 2
    length[open_] = 0
    return length[:, None].astype(p.dtype)
