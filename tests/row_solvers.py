"""What the Newton method is timed against, written here: Kaczmarz three ways, and LSQR."""

import numba
import numpy as np
from scipy.sparse.linalg import LinearOperator, lsqr

FAST = {"reassoc", "contract", "nsz"}


def stack_rows(matrix: np.ndarray) -> np.ndarray:
    """Return the real and the imaginary part of each row, one after the other, (2 row, voxel)."""
    rows, voxels = matrix.shape
    found = np.empty((rows, 2, voxels), np.float32)
    found[:, 0], found[:, 1] = matrix.real, matrix.imag
    return found.reshape(2 * rows, voxels)


def stack_signal(signal: np.ndarray) -> np.ndarray:
    return np.stack([signal.real, signal.imag], axis=1).ravel().astype(np.float32)


@numba.njit(fastmath=FAST, nogil=True, cache=True)
def _sweeps(rows, signal, norms, damping, sweeps):
    voxels = rows.shape[1]
    x, dual = np.zeros(voxels, np.float32), np.zeros(len(rows), np.float32)
    root = np.float32(np.sqrt(damping))
    for _ in range(sweeps):
        for i in range(len(rows)):
            product = np.float32(0)
            for k in range(voxels):
                product += rows[i, k] * x[k]
            step = np.float32((signal[i] - product - root * dual[i]) / (norms[i] + damping))
            dual[i] += step * root
            for k in range(voxels):
                x[k] += step * rows[i, k]
        for k in range(voxels):
            x[k] = max(x[k], np.float32(0))
    return x


class CompiledKaczmarz:
    """Real-stacked single precision, row norms kept, real and non-negative after each sweep."""

    def __init__(self, matrix: np.ndarray, damping: float) -> None:
        self.rows, self.damping = stack_rows(matrix), damping
        self.norms = np.einsum("ij,ij->i", self.rows, self.rows, dtype=np.float64)

    def __call__(self, signal: np.ndarray, sweeps: int) -> np.ndarray:
        return _sweeps(self.rows, stack_signal(signal), self.norms, self.damping, sweeps)


def textbook_kaczmarz(
    matrix: np.ndarray,
    signal: np.ndarray,
    damping: float,
    sweeps: int,
    norms: np.ndarray | None = None,
) -> np.ndarray:
    """Return the image by single row steps in NumPy, complex; row norms per call unless given."""
    if norms is None:
        norms = np.array([np.linalg.norm(row) ** 2 for row in matrix])
    x = np.zeros(matrix.shape[1], matrix.dtype)
    dual = np.zeros(len(matrix), matrix.dtype)
    root = np.float32(np.sqrt(damping))
    for _ in range(sweeps):
        for i, row in enumerate(matrix):
            step = (signal[i] - row.dot(x) - root * dual[i]) / (norms[i] + damping)
            x += matrix.dtype.type(step) * row.conj()
            dual[i] += step * root
        x.imag = 0
        np.maximum(x.real, 0, out=x.real)
    return x.real


def lsqr_clipped(
    rows: np.ndarray, signal: np.ndarray, damping: float, iterations: int
) -> np.ndarray:
    """Return SciPy's LSQR of the damped problem, negative voxels cut off at the end."""
    operator = LinearOperator(
        rows.shape,
        matvec=lambda x: rows @ x.astype(np.float32),
        rmatvec=lambda y: y.astype(np.float32) @ rows,
        dtype=np.float32,
    )
    found = lsqr(operator, stack_signal(signal), damp=np.sqrt(damping), iter_lim=iterations)
    return np.maximum(found[0], 0)
