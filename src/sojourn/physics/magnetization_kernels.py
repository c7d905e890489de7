"""The hot loop of a simulation: field, magnetization and what each receive coil sees of it.

Two functions of one signature: `received_moments_numpy` (float64 reference, works everywhere) and
the compiled one that `compiled_kernel` returns where numba is installed. Both evaluate a
`RationalCurve`; the compiled one in the precision of its arrays, without the GIL.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]

Kernel = Callable[[Real, Real, Real, Real, Real, Real, Real], None]
"""(static, coils, waves, receive, numerator, denominator, out): fills `out`."""


def received_moments_numpy(
    static: Real,
    coils: Real,
    waves: Real,
    receive: Real,
    numerator: Real,
    denominator: Real,
    out: Real,
) -> None:
    r"""Fill `out` with receive coil times magnetization, sample by sample: the reference.

    .. math:: b = b_0 + \sum_d w_d(t)\, c_d, \quad s = |b|^2, \quad
              u_k(t) = \frac{P(s)}{Q(s)}\; r_k \cdot b

    Parameters
    ----------
    static
        shape (n, 3), field of magnets, over the curve's reach.
    coils
        shape (n, drive, 3), field of each drive coil per unit, over the reach.
    waves
        shape (drive, sample), units of each drive coil.
    receive
        shape (n, channel, 3), field of each receive coil per ampere, times what the caller wants.
    numerator, denominator
        shape (m,), highest power first, none negative.
    out
        shape (n, channel, sample); overwritten.
    """
    for voxel in range(len(static)):
        field = np.asarray(static[voxel][:, None] + coils[voxel].T @ waves, dtype=np.float64)
        square = np.einsum("ct,ct->t", field, field)
        field *= np.polyval(numerator, square) / np.polyval(denominator, square)
        out[voxel] = receive[voxel] @ field


@cache
def compiled_kernel() -> Kernel | None:
    """Return the compiled loop, or None where numba is not installed.

    The same arguments as `received_moments_numpy`, all of one floating type and C-contiguous.
    In float32 its relative error against the exact curve stays below 1e-6 (tested).
    """
    try:
        from sojourn.physics import _magnetization_numba as compiled
    except ImportError:
        return None

    def received_moments(
        static: Real,
        coils: Real,
        waves: Real,
        receive: Real,
        numerator: Real,
        denominator: Real,
        out: Real,
    ) -> None:
        short = len(numerator) <= 2 * compiled.CHUNK
        n_chunks = 2 if short else 4
        loop: Any = compiled.short_curve if short else compiled.long_curve
        top, bottom = (_chunks(c, n_chunks, compiled.CHUNK) for c in (numerator, denominator))
        loop(static, coils, waves, receive, top, bottom, out)

    return received_moments


def _chunks(coefficients: Real, n: int, size: int) -> tuple[tuple[Any, ...], ...]:
    """Return `n` tuples of `size` coefficients, zeros put before the highest power."""
    padded = np.zeros(n * size, dtype=coefficients.dtype)
    padded[n * size - len(coefficients) :] = coefficients
    return tuple(tuple(chunk) for chunk in padded.reshape(n, size))
