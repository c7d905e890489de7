"""Columns of a system matrix between its calibrated positions, with their uncertainty.

Gaussian-process interpolation: each row is a smooth random function of place, squared-
exponential along each axis, with lengths that make the measured columns most likely.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENGTHS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.4, 4.0)
"""Candidate correlation lengths, in steps of the grid."""
NUGGET = 1e-6
"""Keeps the covariance invertible; the measured columns are met to a part in 1e6."""


def _kernel(distance: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    covariance: NDArray[np.float64] = np.exp(-0.5 * (distance / length) ** 2)
    return covariance


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """One axis of n nodes: inverse covariance for each candidate length, (length, n, n)."""

    n: int
    inverses: NDArray[np.float64]
    log_determinants: NDArray[np.float64]

    @classmethod
    def of(cls, n: int) -> "_Axis":
        nodes = np.arange(n, dtype=np.float64)
        covariances = [
            _kernel(nodes[:, None] - nodes, length) + NUGGET * np.eye(n) for length in LENGTHS
        ]
        return cls(
            n,
            np.array([np.linalg.inv(c) for c in covariances]),
            np.array([np.linalg.slogdet(c)[1] for c in covariances]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Interpolator:
    """What gives the columns anywhere within the grid; made by `prepare_interpolator`.

    `columns` (row, i, j, k); `lengths` (row, axis) indices into LENGTHS; `amplitudes` (row,)
    variances E|.|^2 of the random function.
    """

    columns: NDArray[np.complex128]
    lengths: NDArray[np.int64]
    amplitudes: NDArray[np.float64]
    axes: tuple[_Axis, _Axis, _Axis]

    @property
    def free_axes(self) -> tuple[int, ...]:
        """Axes with more than one calibrated position."""
        return tuple(a for a, axis in enumerate(self.axes) if axis.n > 1)


def _along(
    values: NDArray[np.complex128], matrix: NDArray[np.float64], axis: int
) -> NDArray[np.complex128]:
    """Return `matrix` (m, n) applied along one axis of `values`."""
    moved: NDArray[np.complex128] = np.moveaxis(
        np.tensordot(matrix, values, axes=(1, axis)), 0, axis
    )
    return moved


def _best_lengths(columns: NDArray[np.complex128], axis: _Axis, position: int) -> NDArray[np.int64]:
    """Return the likeliest length along one axis of every row: fibres taken as independent."""
    if axis.n == 1:
        return np.zeros(len(columns), dtype=np.int64)
    fibres = np.moveaxis(columns, 1 + position, -1).reshape(len(columns), -1, axis.n)
    count = fibres.shape[1] * axis.n
    scores = []
    for inverse, log_determinant in zip(axis.inverses, axis.log_determinants, strict=True):
        form = np.einsum("rfi,ij,rfj->r", fibres.conj(), inverse, fibres, optimize=True).real
        scores.append(-count * np.log(form / count) - fibres.shape[1] * log_determinant)
    best: NDArray[np.int64] = np.argmax(scores, axis=0).astype(np.int64)
    return best


def prepare_interpolator(
    columns: NDArray[np.complex128], shape: tuple[int, int, int]
) -> Interpolator:
    """Return the interpolator of `columns` (row, voxel), voxels i fastest on a grid of `shape`."""
    grid = columns.reshape(len(columns), *shape, order="F")
    i, j, k = (_Axis.of(n) for n in shape)
    axes = (i, j, k)
    lengths = np.stack([_best_lengths(grid, axis, a) for a, axis in enumerate(axes)], axis=1)
    amplitudes = np.empty(len(grid))
    for row, values in enumerate(grid):
        solved = values
        for a, axis in enumerate(axes):
            if axis.n > 1:
                solved = _along(solved, axis.inverses[lengths[row, a]], a)
        amplitudes[row] = float(np.vdot(values, solved).real) / values.size
    return Interpolator(grid, lengths, amplitudes, axes)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns (row, place) at some places, their variance E|.|^2, and slopes per grid step.

    `slopes` (free axis, row, place); `index` (place, 3) voxel indices, not whole numbers.
    """

    values: NDArray[np.complex128]
    variance: NDArray[np.float64]
    slopes: NDArray[np.complex128]
    index: NDArray[np.float64]


def interpolate(
    interpolator: Interpolator,
    i: NDArray[np.float64],
    j: NDArray[np.float64],
    k: NDArray[np.float64],
) -> Columns:
    """Return the columns on the lattice of voxel indices `i` x `j` x `k`, i fastest."""
    wanted = (i, j, k)
    values, variances = [], []
    slopes: list[list[NDArray[np.complex128]]] = [[] for _ in interpolator.free_axes]
    for row, nodes in enumerate(interpolator.columns):
        weights, bends, known = zip(
            *(
                _weights(axis, wanted[a], int(interpolator.lengths[row, a]))
                for a, axis in enumerate(interpolator.axes)
            ),
            strict=True,
        )
        values.append(_product(nodes, weights))
        for s, a in enumerate(interpolator.free_axes):
            mixed = tuple(bends[b] if b == a else weights[b] for b in range(3))
            slopes[s].append(_product(nodes, mixed))
        unknown = 1 - np.einsum("i,j,k->ijk", *known).ravel(order="F")
        variances.append(interpolator.amplitudes[row] * np.maximum(unknown, 0.0))
    lattice = np.meshgrid(*wanted, indexing="ij")
    return Columns(
        values=np.array(values),
        variance=np.array(variances),
        slopes=np.array(slopes).reshape(len(slopes), len(values), -1),
        index=np.stack([axis.ravel(order="F") for axis in lattice], axis=1),
    )


def _weights(
    axis: _Axis, wanted: NDArray[np.float64], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and slope weights (wanted, node), and the share of variance known."""
    if axis.n == 1:
        one = np.ones((len(wanted), 1))
        return one, np.zeros_like(one), np.ones(len(wanted))
    distance = wanted[:, None] - np.arange(axis.n)
    covariance = _kernel(distance, LENGTHS[length])
    weights = covariance @ axis.inverses[length]
    slope = -distance / LENGTHS[length] ** 2 * covariance @ axis.inverses[length]
    return weights, slope, (weights * covariance).sum(axis=1)


def _product(
    nodes: NDArray[np.complex128], weights: tuple[NDArray[np.float64], ...]
) -> NDArray[np.complex128]:
    values = nodes
    for a, matrix in enumerate(weights):
        values = _along(values, matrix, a)
    return values.ravel(order="F")
