"""Direct Tikhonov: the exact minimum by one factorisation, of the smaller side of the problem.

The image is linear in the signal: it may be negative, and its noise follows by propagation. An
image to look at; an amount comes from `quantification`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, svd

from sojourn.core.errors import DataError
from sojourn.core.signals import SystemMatrix
from sojourn.reconstruction._damped import damped_method
from sojourn.reconstruction._operators import stack_parts
from sojourn.reconstruction._prepared import PreparedMethod, Solution, Solver
from sojourn.reconstruction._regularization import Regularization, RegularizationRule
from sojourn.reconstruction._rows import RowSettings, prepare_rows

STAGE = "reconstruct_tikhonov"
SINGULAR = 1e-14
"""A squared singular value below this share of the largest is rounding error."""


def factorize(
    columns: NDArray[np.complex128], regularization: float
) -> Callable[[NDArray[np.complex128]], NDArray[np.float64]]:
    r"""Return the map from a signal u (row,) to the real x (voxel,) of the least objective.

    .. math:: \|S x - u\|^2 + \lambda \|x\|^2 .

    With A the real parts of S above its imaginary ones, and b those of u, it is
    :math:`(A^T A + \lambda)^{-1} A^T b = A^T (A A^T + \lambda)^{-1} b`; the smaller of the two
    matrices is factorised, once (Cholesky).

    Parameters
    ----------
    columns
        S, shape (row, voxel).
    regularization
        absolute lambda, in squared matrix units; at least 0.

    Raises
    ------
    DataError
        if the problem has no unique solution in floating point: lambda is too small for it.

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 6.1.
    """
    stacked = stack_parts(columns)
    normal = _NormalMatrix.of(columns, stacked, regularization)

    def apply(signal: NDArray[np.complex128]) -> NDArray[np.float64]:
        right = stack_parts(signal)
        if normal.is_tall:
            return normal.solve(stacked.T @ right)
        return stacked.T @ normal.solve(right)

    return apply


def row_functionals(
    columns: NDArray[np.complex128], regularization: float, targets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what reads functionals of the Tikhonov image straight from a signal.

    Parameters
    ----------
    columns, regularization
        as for `factorize`.
    targets
        weights of the voxels in each functional, shape (k, voxel).

    Returns
    -------
        g, shape (k, 2 row), with g @ stack_parts(u) = targets @ x: by the adjoint, so that its cost
        grows with k and not with the number of voxels.

    Raises
    ------
    DataError
        as `factorize`.
    """
    stacked = stack_parts(columns)
    normal = _NormalMatrix.of(columns, stacked, regularization)
    if normal.is_tall:
        return (stacked @ normal.solve(targets.T)).T
    return normal.solve(stacked @ targets.T).T


@dataclass(frozen=True, slots=True, eq=False)
class _NormalMatrix:
    """Cholesky factor of A^T A + lambda (`is_tall`) or A A^T + lambda, whichever is smaller."""

    factor: tuple[NDArray[np.float64], bool]
    is_tall: bool

    @classmethod
    def of(
        cls,
        columns: NDArray[np.complex128],
        stacked: NDArray[np.float64],
        regularization: float,
    ) -> "_NormalMatrix":
        rows, voxels = stacked.shape
        is_tall = voxels <= rows
        normal = stacked.T @ stacked if is_tall else stacked @ stacked.T
        largest = float(normal.diagonal().max())
        normal[np.diag_indices_from(normal)] += regularization
        try:
            factor = cho_factor(normal, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError as error:
            raise DataError(_singular(columns, regularization)) from error
        if float(np.min(factor[0].diagonal() ** 2)) <= SINGULAR * largest:
            raise DataError(_singular(columns, regularization))
        return cls(factor, is_tall)

    def solve(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cho_solve(self.factor, right, check_finite=False))


def _singular(columns: NDArray[np.complex128], regularization: float) -> str:
    rows, voxels = columns.shape
    return (
        f"lambda {regularization:.3g} leaves {voxels} voxels undetermined by {rows} rows; use a "
        "regularization above 0 (1e-6 is small)"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """A = U diag(s) V^T of the stacked real and imaginary parts of S: one for every lambda.

    `left` (2 row, rank), `values` (rank,), descending, `right` (rank, voxel).
    """

    left: NDArray[np.float64]
    values: NDArray[np.float64]
    right: NDArray[np.float64]

    def tikhonov(
        self, signal: NDArray[np.complex128], regularization: float
    ) -> NDArray[np.float64]:
        """Return the real minimum of ||S x - u||^2 + lambda ||x||^2, (voxel,).

        Parameters
        ----------
        signal
            u, shape (row,).
        regularization
            absolute lambda, above 0.
        """
        filters = self.values / (self.values**2 + regularization)
        found: NDArray[np.float64] = self.right.T @ (filters * (self.left.T @ stack_parts(signal)))
        return found

    def resolvent(self, x: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
        """Return (A^T A + shift)^-1 x, (voxel,), for a shift above 0."""
        inner = self.right @ x
        spread = inner * (1 / (self.values**2 + shift) - 1 / shift)
        found: NDArray[np.float64] = x / shift + self.right.T @ spread
        return found


def decompose(columns: NDArray[np.complex128]) -> Decomposition:
    """Return the thin singular value decomposition of S (row, voxel) for real voxels."""
    left, values, right = svd(stack_parts(columns), full_matrices=False, check_finite=False)
    return Decomposition(left, values, right)


class Tikhonov(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    `regularization` is relative: lambda = regularization * ||S||_F^2 / n_voxels over the prepared
    rows, as in every method, or the name of a rule that finds it for each scan. Voxels are real
    and may be negative.
    """

    regularization: Regularization = 1e-2

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return `matrix` with its selected rows loaded, corrected and factorised.

        Raises
        ------
        DataError
            if no row is left, the calibration's background cannot be subtracted as asked, or
            lambda leaves voxels undetermined.
        """
        prepared = prepare_rows(self, matrix)
        if isinstance(self.regularization, RegularizationRule):
            whole = decompose(prepared.columns)

            def build(damping: float) -> Solver:
                return lambda signal: Solution(whole.tikhonov(signal, damping))
        else:

            def build(damping: float) -> Solver:
                apply = factorize(prepared.columns, damping)
                return lambda signal: Solution(apply(signal))

        return damped_method(STAGE, prepared, self.regularization, build)


METHOD = Tikhonov
