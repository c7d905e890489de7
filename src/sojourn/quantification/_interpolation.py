"""Columns of a system matrix between its calibrated positions, with their uncertainty.

Gaussian-process interpolation: each row is a smooth random function of place, squared-
exponential along each axis, with lengths that make the measured columns most likely. A sample
that is not small against a voxel is allowed for: its column is an average over its extent.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LENGTHS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.4, 4.0)
"""Candidate correlation lengths, in steps of the grid."""
NUGGET = 1e-6
"""Keeps the covariance invertible; the measured columns are met to a part in 1e6."""
QUADRATURE = 4
"""Gauss points across the calibration sample, along each axis."""

Array = NDArray[np.float64]


@cache
def _points(extent: float, times: int) -> tuple[Array, Array]:
    """Return Gauss points and weights that average over `times` samples of width `extent`."""
    if extent == 0:
        return np.zeros(1), np.ones(1)
    x, w = np.polynomial.legendre.leggauss(QUADRATURE)
    points, weights = x * extent / 2, w / 2
    if times == 1:
        return points, weights
    return np.subtract.outer(points, points).ravel(), np.outer(weights, weights).ravel()


def _kernel(distance: Array, length: float, extent: float, times: int) -> Array:
    """Return the covariance of values that are, `times` of the two, averages over `extent`."""
    points, weights = _points(extent, times)
    covariance: Array = np.tensordot(
        weights, np.exp(-0.5 * ((distance + points[:, None, None]) / length) ** 2), axes=1
    )
    return covariance


def _kernel_slope(distance: Array, length: float, extent: float) -> Array:
    """Return the derivative of `_kernel` with one average, by the distance."""
    points, weights = _points(extent, 1)
    shifted = distance + points[:, None, None]
    slope: Array = np.tensordot(
        weights, -shifted / length**2 * np.exp(-0.5 * (shifted / length) ** 2), axes=1
    )
    return slope


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """One axis of n nodes: inverse covariance for each candidate length, (length, n, n).

    `extent` is the width of the calibration sample, in steps of the grid; `variances` (length,)
    are those of a measured value, relative to a point's.
    """

    n: int
    extent: float
    inverses: Array
    log_determinants: Array
    variances: Array

    @classmethod
    def of(cls, n: int, extent: float) -> "_Axis":
        nodes = np.arange(n, dtype=np.float64)
        covariances = [
            _kernel(nodes[:, None] - nodes, length, extent, 2) + NUGGET * np.eye(n)
            for length in LENGTHS
        ]
        return cls(
            n,
            extent,
            np.array([np.linalg.inv(c) for c in covariances]),
            np.array([np.linalg.slogdet(c)[1] for c in covariances]),
            np.array([c[0, 0] for c in covariances]),
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
    grams = np.einsum("rfi,rfj->rij", fibres.conj(), fibres, optimize=True).real
    forms = np.maximum(np.einsum("lij,rij->lr", axis.inverses, grams), np.finfo(float).tiny)
    scores = -count * np.log(forms / count) - fibres.shape[1] * axis.log_determinants[:, None]
    best: NDArray[np.int64] = np.argmax(scores, axis=0).astype(np.int64)
    return best


def prepare_interpolator(
    columns: NDArray[np.complex128],
    shape: tuple[int, int, int],
    extent: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Interpolator:
    """Return the interpolator of `columns` (row, voxel), voxels i fastest on a grid of `shape`.

    `extent` is the calibration sample's size in voxels: a column is the average over it, and
    what is interpolated is the signal of a point.
    """
    grid = columns.reshape(len(columns), *shape, order="F")
    i, j, k = (_Axis.of(n, e) for n, e in zip(shape, extent, strict=True))
    axes = (i, j, k)
    lengths = np.stack([_best_lengths(grid, axis, a) for a, axis in enumerate(axes)], axis=1)
    power = (np.abs(columns) ** 2).mean(axis=1)
    for a, axis in enumerate(axes):
        power = power / axis.variances[lengths[:, a]]
    return Interpolator(grid, lengths, power, axes)


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
    known_weights = [
        {
            int(length): _weights(axis, wanted[a], int(length))
            for length in np.unique(interpolator.lengths[:, a])
        }
        for a, axis in enumerate(interpolator.axes)
    ]
    values, variances = [], []
    slopes: list[list[NDArray[np.complex128]]] = [[] for _ in interpolator.free_axes]
    for row, nodes in enumerate(interpolator.columns):
        weights, bends, known = zip(
            *(known_weights[a][int(interpolator.lengths[row, a])] for a in range(3)), strict=True
        )
        values.append(_product(nodes, weights))
        for s, a in enumerate(interpolator.free_axes):
            mixed = tuple(bends[b] if b == a else weights[b] for b in range(3))
            slopes[s].append(_product(nodes, mixed))
        unknown = 1 - np.einsum("i,j,k->ijk", *known).ravel(order="F")
        variances.append(interpolator.amplitudes[row] * np.maximum(unknown, 0.0))
    n_places = len(i) * len(j) * len(k)
    lattice = np.meshgrid(*wanted, indexing="ij")
    return Columns(
        values=np.array(values),
        variance=np.array(variances),
        slopes=np.array(slopes, dtype=np.complex128).reshape(len(slopes), len(values), n_places),
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
    covariance = _kernel(distance, LENGTHS[length], axis.extent, 1)
    weights = covariance @ axis.inverses[length]
    slope = _kernel_slope(distance, LENGTHS[length], axis.extent) @ axis.inverses[length]
    return weights, slope, (weights * covariance).sum(axis=1)


def _product(
    nodes: NDArray[np.complex128], weights: tuple[NDArray[np.float64], ...]
) -> NDArray[np.complex128]:
    values = nodes
    for a, matrix in enumerate(weights):
        values = _along(values, matrix, a)
    return values.ravel(order="F")


def mean_variance(
    interpolator: Interpolator, wanted: tuple[Array, Array, Array], shares: Array
) -> Array:
    """Return the variance E|.|^2 (row,) of a weighted mean of interpolated columns.

    `shares` (i, j, k) are the weights on the lattice of voxel indices `wanted`; errors at
    neighbouring places are alike, and those within a wide sample cancel.
    """
    variance = np.zeros(len(interpolator.columns))
    for combination in np.unique(interpolator.lengths, axis=0):
        spread = values = shares
        solved = shares
        for a, axis in enumerate(interpolator.axes):
            if axis.n == 1:
                continue
            length = LENGTHS[int(combination[a])]
            apart = wanted[a][:, None] - wanted[a]
            spread = _real_along(spread, _kernel(apart, length, 0.0, 1), a)
            reach = _kernel(wanted[a][:, None] - np.arange(axis.n), length, axis.extent, 1).T
            values = _real_along(values, reach, a)
            inverse = axis.inverses[int(combination[a])]
            solved = _real_along(solved, inverse @ reach, a)
        unknown = float((shares * spread).sum() - (values * solved).sum())
        rows = np.all(interpolator.lengths == combination, axis=1)
        variance[rows] = interpolator.amplitudes[rows] * max(unknown, 0.0)
    return variance


def _real_along(values: Array, matrix: Array, axis: int) -> Array:
    moved: Array = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return moved
