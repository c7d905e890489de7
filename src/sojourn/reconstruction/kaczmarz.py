"""Regularised Kaczmarz: one row of the system matrix after the other.

Same image as MPIReco.jl and RegularizedLeastSquares.jl with the same settings: an image to
look at. An amount comes from `quantification`, never from a sum over this image.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import solve_triangular

from sojourn.core.errors import DataError
from sojourn.core.signals import SystemMatrix
from sojourn.reconstruction._prepared import PreparedMethod, Solution, Solver
from sojourn.reconstruction._regularization import (
    Regularization,
    RegularizationRule,
    automatic_solvers,
)
from sojourn.reconstruction._rows import RowSettings, prepare_rows

STAGE = "reconstruct_kaczmarz"
BLOCK_BYTES = 8 << 20
MAX_BLOCK = 64
"""Rows of a block: its triangle is small against it, and it about fits a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Non-zero rows of a system matrix in blocks, each with its triangular system.

    Row steps in natural order are a forward substitution: within a block of rows S_b the
    step sizes a solve (L + D) a = u - S_b x - sqrt(lambda) v, with L the strict lower triangle
    of S_b S_b^H and D its diagonal plus lambda; of a triangle only the lower part is used. The
    iterates are those of single row steps.
    """

    used: NDArray[np.intp]
    blocks: tuple[NDArray[np.complex128], ...]
    triangles: tuple[NDArray[np.complex128], ...]
    regularization: float
    n_voxels: int


def arrange_rows(matrix: NDArray[np.complex128], regularization: float) -> Rows:
    """Return `matrix` (row, voxel) ready for `solve`.

    Parameters
    ----------
    matrix
        shape (row, voxel); rows of zeros, or so small that their squares are, are left out.
    regularization
        absolute lambda, in squared matrix units; at least 0.

    Raises
    ------
    DataError
        if every row is zero.
    """
    power = sum(np.einsum("ij,ij->i", part, part) for part in (matrix.real, matrix.imag))
    used = np.flatnonzero(np.asarray(power) >= np.finfo(np.float64).tiny)
    if len(used) == 0:
        raise DataError(f"all {len(matrix)} selected rows of the system matrix are zero")
    size = int(np.clip(BLOCK_BYTES // (16 * matrix.shape[1]), 1, MAX_BLOCK))
    kept = matrix if len(used) == len(matrix) else matrix[used]
    blocks = tuple(kept[i : i + size] for i in range(0, len(used), size))
    triangles = tuple(
        block @ block.conj().T + regularization * np.eye(len(block)) for block in blocks
    )
    return Rows(used, blocks, triangles, regularization, matrix.shape[1])


def with_regularization(rows: Rows, regularization: float) -> Rows:
    """Return `rows` with another absolute lambda; nothing but the triangles is made again."""
    change = regularization - rows.regularization
    triangles = tuple(each + change * np.eye(len(each)) for each in rows.triangles)
    return replace(rows, triangles=triangles, regularization=regularization)


def solve(
    rows: Rows,
    signal: NDArray[np.complex128],
    *,
    iterations: int,
    real: bool = True,
    non_negative: bool = True,
) -> NDArray[np.complex128]:
    r"""Return the voxel values after some sweeps over all rows.

    .. math:: \alpha = \frac{u_i - s_i x - \sqrt\lambda v_i}{\|s_i\|^2 + \lambda}, \quad
       x \leftarrow x + \alpha s_i^*, \quad v_i \leftarrow v_i + \alpha \sqrt\lambda

    in the natural order of rows, from x = 0 and v = 0; once after each full sweep x is
    projected to its real part and to non-negative values. Without projection this converges to
    the minimum of :math:`\|S x - u\|^2 + \lambda \|x\|^2`.

    Parameters
    ----------
    rows
        from `arrange_rows`.
    signal
        u, shape (row,), all rows including those left out.
    iterations
        number of full sweeps, at least 1.
    real, non_negative
        which projections follow each sweep.

    Returns
    -------
        shape (voxel,).

    References
    ----------
    RegularizedLeastSquares.jl, `Kaczmarz.jl` (restated); Knopp et al., Phys. Med. Biol. 55
    (2010) 1577.
    """
    root = np.sqrt(rows.regularization)
    size = len(rows.blocks[0])
    parts = [signal[rows.used[i : i + size]] for i in range(0, len(rows.used), size)]
    duals = [np.zeros(len(part), dtype=np.complex128) for part in parts]
    x = np.zeros(rows.n_voxels, dtype=np.complex128)
    for _ in range(iterations):
        for block, triangle, part, dual in zip(
            rows.blocks, rows.triangles, parts, duals, strict=True
        ):
            residual = part - block @ x - root * dual
            step = solve_triangular(triangle, residual, lower=True, check_finite=False)
            x += (step.conj() @ block).conj()
            dual += root * step
        if real:
            x.imag = 0.0
        if non_negative:
            np.maximum(x.real, 0.0, out=x.real)
    return x


class Kaczmarz(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    `regularization` is relative: lambda = regularization * ||W S||_F^2 / n_voxels, over the
    selected rows after background subtraction and weighting; or the name of the rule that finds
    it for each scan. Defaults: iterations of MPIReco.jl, lambda of its former user interface.
    """

    iterations: int = Field(default=10, ge=1, le=100_000)
    regularization: Regularization = 1e-2

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return `matrix` with its selected rows loaded, corrected and arranged.

        Raises
        ------
        DataError
            if no row is left, or the calibration's background cannot be subtracted as asked.
        """
        prepared = prepare_rows(self, matrix)
        rows = arrange_rows(prepared.columns, 0.0)
        extra = {"n_zero_rows": prepared.selection.n_rows - len(rows.used)}

        def build(damping: float) -> Solver:
            damped = with_regularization(rows, damping)
            return lambda signal: Solution(solve(damped, signal, iterations=self.iterations).real)

        if isinstance(self.regularization, RegularizationRule):
            solvers = automatic_solvers(self.regularization, prepared, build)
            return PreparedMethod(STAGE, prepared, solvers[0], extra, solvers[1])
        damping = prepared.lambda_absolute(self.regularization)
        return PreparedMethod(
            STAGE, prepared, build(damping), {"lambda_absolute": damping, **extra}
        )


METHOD = Kaczmarz
