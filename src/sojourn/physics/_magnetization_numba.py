"""Compiled twin of `magnetization_kernels.received_moments_numpy`; needs numba."""

# mypy: disable-error-code="untyped-decorator"

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Chunks = tuple[tuple[float, ...], ...]

CHUNK = 8
"""Coefficients are handed over as tuples of 8, so that the compiler unrolls their loops."""

_BLOCK = 512
"""Samples worked on at once: the scratch of some rows of 512 numbers stays in the first cache."""

_PAD = 48
"""Keeps rows from lying a multiple of 4 KiB apart, where loads wait for stores."""

# Contraction to fused multiply-add only: no reordering, no loss of accuracy.
_jit = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
_inline = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy", inline="always")


@_inline
def _field(
    static: Array, coils: Array, waves: Array, voxel: int, start: int, size: int, field: Array
) -> None:
    """Leave the flux density of one block of samples in `field` (3, block)."""
    for axis in range(3):
        row = field[axis]
        row[:] = static[voxel, axis]
        for drive in range(waves.shape[0]):
            strength = coils[voxel, drive, axis]
            if strength != 0:
                wave = waves[drive, start:]
                for i in range(size):
                    row[i] += strength * wave[i]


@_inline
def _project(receive: Array, voxel: int, start: int, size: int, moment: Array, out: Array) -> None:
    """Write what each receive coil sees of `moment` (3, block)."""
    x, y, z = moment[0], moment[1], moment[2]
    for channel in range(receive.shape[1]):
        seen = out[voxel, channel, start:]
        a = receive[voxel, channel, 0]
        b = receive[voxel, channel, 1]
        c = receive[voxel, channel, 2]
        for i in range(size):
            seen[i] = a * x[i] + b * y[i] + c * z[i]


@_jit
def _horner(value: float, square: float, coefficients: tuple[float, ...]) -> float:
    for j in range(8):
        value = value * square + coefficients[j]
    return value


@_jit
def short_curve(
    static: Array,
    coils: Array,
    waves: Array,
    receive: Array,
    numerator: Chunks,
    denominator: Chunks,
    out: Array,
) -> None:
    """Fill `out` by a curve of 2 tuples of 8 coefficients; see `received_moments_numpy`."""
    scratch = np.empty((3, _BLOCK + _PAD), dtype=out.dtype)
    x, y, z = scratch[0], scratch[1], scratch[2]
    (p0, p1), (q0, q1) = numerator, denominator
    for voxel in range(static.shape[0]):
        for start in range(0, waves.shape[1], _BLOCK):
            size = min(_BLOCK, waves.shape[1] - start)
            _field(static, coils, waves, voxel, start, size, scratch)
            for i in range(size):
                square = x[i] * x[i] + y[i] * y[i] + z[i] * z[i]
                top = _horner(_horner(p0[0] - p0[0], square, p0), square, p1)
                bottom = _horner(_horner(q0[0] - q0[0], square, q0), square, q1)
                ratio = top / bottom
                x[i] *= ratio
                y[i] *= ratio
                z[i] *= ratio
            _project(receive, voxel, start, size, scratch, out)


@_jit
def long_curve(
    static: Array,
    coils: Array,
    waves: Array,
    receive: Array,
    numerator: Chunks,
    denominator: Chunks,
    out: Array,
) -> None:
    """Fill `out` by a curve of 4 tuples of 8 coefficients; see `received_moments_numpy`."""
    scratch = np.empty((3, _BLOCK + _PAD), dtype=out.dtype)
    x, y, z = scratch[0], scratch[1], scratch[2]
    (p0, p1, p2, p3), (q0, q1, q2, q3) = numerator, denominator
    for voxel in range(static.shape[0]):
        for start in range(0, waves.shape[1], _BLOCK):
            size = min(_BLOCK, waves.shape[1] - start)
            _field(static, coils, waves, voxel, start, size, scratch)
            for i in range(size):
                square = x[i] * x[i] + y[i] * y[i] + z[i] * z[i]
                top = _horner(_horner(p0[0] - p0[0], square, p0), square, p1)
                top = _horner(_horner(top, square, p2), square, p3)
                bottom = _horner(_horner(q0[0] - q0[0], square, q0), square, q1)
                bottom = _horner(_horner(bottom, square, q2), square, q3)
                ratio = top / bottom
                x[i] *= ratio
                y[i] *= ratio
                z[i] *= ratio
            _project(receive, voxel, start, size, scratch, out)
