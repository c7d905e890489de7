"""A calibration compressed once to its strongest singular directions, for solvers that repeat.

The rows' real and imaginary parts are stacked, so that the weights of the voxels stay real:
A (2 row, voxel). Kept are U, s and V with A ~ U diag(s) V^T, and how much of A is not in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from sojourn.core.errors import DataError
from sojourn.reconstruction._operators import stack_parts

EXACT_SIZE = 300
"""Up to so many rows (stacked) or voxels the decomposition is exact, in double precision."""

OVERSAMPLING = 0.1
"""Share of directions tried beyond those kept."""

NOTHING = 1e-12
"""A singular value below this share of the largest is rounding error."""

BLOCK_BYTES = 64 << 20
"""Size of the copies in single precision that one product makes at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class CompressedMatrix:
    """A ~ basis^T diag(singular) loadings^T.

    `basis` (rank, 2 row) with orthonormal rows, real parts first; `singular` (rank,) falls;
    `loadings` (voxel, rank). In double precision where exact, else in single. `truncation` is
    the Frobenius norm of what is left out, relative to that of A.
    """

    basis: NDArray[np.floating]
    singular: NDArray[np.float64]
    loadings: NDArray[np.floating]
    truncation: float

    @property
    def rank(self) -> int:
        """Number of directions kept."""
        return len(self.singular)

    def project(self, signal: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return U^T of signals (..., row), shape (..., rank)."""
        found: NDArray[np.float64] = stack(signal) @ self.basis.T.astype(np.float64)
        return found


def stack(signal: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return real parts, then imaginary parts, along the last axis."""
    return np.concatenate([signal.real, signal.imag], axis=-1)


def compress(
    columns: NDArray[np.complex128],
    *,
    max_rank: int,
    truncation: float = 0.0,
    rng: np.random.Generator,
) -> CompressedMatrix:
    r"""Return `columns` (row, voxel) reduced to at most `max_rank` directions.

    Small matrices are decomposed exactly. Others by a randomised range finder with half a power
    iteration, :math:`Q = \mathrm{orth}(A \,\mathrm{orth}(A^T \Omega))`, and an exact decomposition
    of :math:`Q^T A`. Products are in single precision, block by block: their rounding, 1e-6 of A,
    is far below any truncation error in use; no second copy of A is made. The truncation error
    is measured, not estimated: :math:`\|A - Q Q^T A\|_F^2 = \|A\|_F^2 - \|Q^T A\|_F^2`.

    Parameters
    ----------
    columns
        shape (row, voxel).
    max_rank
        directions to keep at most; at least 1.
    truncation
        fewer are kept where the relative truncation error stays at or below this.
    rng
        source of the range finder's random directions.

    Raises
    ------
    DataError
        if the matrix is zero or holds a value that is not finite.

    References
    ----------
    Halko, Martinsson and Tropp, SIAM Review 53 (2011) 217, algorithms 4.3 and 5.1.
    """
    energy = float(np.vdot(columns, columns).real)
    if not np.isfinite(energy) or energy == 0:
        raise DataError(
            f"the system matrix has squared norm {energy}; nothing to compress. Check the "
            "calibration's rows and weights"
        )
    size = min(2 * columns.shape[0], columns.shape[1])
    if size <= EXACT_SIZE:
        u, s, vt = np.linalg.svd(stack_parts(columns), full_matrices=False)
    else:
        wanted = min(size, int(np.ceil(max_rank * (1 + OVERSAMPLING))))
        u, s, vt = _randomized(columns, wanted, rng)
    left = _energy_left(s, energy, is_exact=size <= EXACT_SIZE)
    enough = np.flatnonzero(left <= truncation**2 * energy)
    most = min(max_rank, int(np.sum(s > s[0] * NOTHING)))
    rank = min(most, int(enough[0]) + 1) if len(enough) else most
    return CompressedMatrix(
        basis=np.ascontiguousarray(u[:, :rank].T),
        singular=s[:rank].astype(np.float64),
        loadings=np.ascontiguousarray(vt[:rank].T),
        truncation=float(np.sqrt(left[rank - 1] / energy)),
    )


def _energy_left(s: NDArray[np.floating], energy: float, *, is_exact: bool) -> NDArray[np.float64]:
    """Return the squared norm of what is left out by keeping 1, 2, ... directions."""
    kept = np.cumsum(s.astype(np.float64) ** 2)
    if is_exact:
        return np.append(np.cumsum(s[::-1].astype(np.float64) ** 2)[::-1][1:], 0.0)
    return np.maximum(energy - kept, 0.0)


def _randomized(
    columns: NDArray[np.complex128], wanted: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float32]]:
    """Return U, s, V^T of the range found; singular values from the Gram matrix, in double."""
    scale = np.float32(1 / np.abs(columns).max())
    start = rng.standard_normal((2 * len(columns), wanted), dtype=np.float32)
    inner = _orthonormal(_adjoint(columns, start, scale))
    outer = _orthonormal(_forward(columns, inner, scale))
    reduced = _adjoint(columns, outer, scale)
    gram = reduced.T.astype(np.float64) @ reduced.astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1], np.ascontiguousarray(vectors[:, ::-1])
    s = np.sqrt(np.maximum(values, 0.0))
    rotate = vectors.astype(np.float32)
    inverse = np.where(s > 1e-7 * s[0], 1 / np.maximum(s, 1e-7 * s[0]), 0).astype(np.float32)
    loadings = (reduced @ rotate) * inverse
    return outer @ rotate, s / float(scale), loadings.T


def _orthonormal(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(qr(matrix, mode="economic", overwrite_a=True, check_finite=False)[0])


def _blocks(
    columns: NDArray[np.complex128], scale: np.float32
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield the stacked matrix some rows at a time: where they belong, and a single copy."""
    rows, voxels = columns.shape
    step = max(1, BLOCK_BYTES // (4 * voxels))
    for offset, half in ((0, columns.real), (rows, columns.imag)):
        for i in range(0, rows, step):
            block = half[i : i + step]
            yield slice(offset + i, offset + i + len(block)), block.astype(np.float32) * scale


def _forward(
    columns: NDArray[np.complex128], right: NDArray[np.float32], scale: np.float32
) -> NDArray[np.float32]:
    found = np.empty((2 * len(columns), right.shape[1]), dtype=np.float32)
    for where, block in _blocks(columns, scale):
        found[where] = block @ right
    return found


def _adjoint(
    columns: NDArray[np.complex128], left: NDArray[np.float32], scale: np.float32
) -> NDArray[np.float32]:
    found = np.zeros((columns.shape[1], left.shape[1]), dtype=np.float32)
    for where, block in _blocks(columns, scale):
        found += block.T @ left[where]
    return found
