"""Conjugate gradients on the normal equations (CGNR): few iterations, linear algebra only.

The image is linear in the signal once converged: it may be negative, and its noise follows by
propagation. An image to look at; an amount comes from `quantification`.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sojourn.core.signals import SystemMatrix
from sojourn.reconstruction._damped import damped_method
from sojourn.reconstruction._libraries import ArrayLibrary, array_library
from sojourn.reconstruction._operators import (
    Array,
    Certificate,
    Operator,
    RowOperator,
    row_operator,
    squared,
)
from sojourn.reconstruction._prepared import PreparedMethod, Solution, Solver
from sojourn.reconstruction._regularization import Regularization
from sojourn.reconstruction._rows import RowSettings, prepare_rows

STAGE = "reconstruct_cgnr"


def solve_cgnr(
    operator: Operator,
    signal: Array,
    *,
    regularization: float,
    iterations: int,
    tolerance: float = 0.0,
) -> tuple[Array, int, Certificate]:
    r"""Return the real x that nears the minimum of :math:`\|S x - u\|^2 + \lambda \|x\|^2`.

    Parameters
    ----------
    operator
        S, from real voxels to complex rows.
    signal
        u, shape (row,).
    regularization
        absolute lambda, in squared matrix units; at least 0.
    iterations
        at most so many, each one product with S and one with its adjoint.
    tolerance
        stops where ||S^T(u - S x) - lambda x|| is below this share of ||S^T u||.

    Returns
    -------
        x (voxel,), the iterations done, and how far x is from the optimum.

    References
    ----------
    Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409; Paige and Saunders, ACM TOMS 8
    (1982) 43 (damped CGLS); RegularizedLeastSquares.jl, `CGNR.jl` (same lambda convention).
    """
    residual = signal
    gradient = operator.adjoint(signal)
    direction, x = gradient, 0.0 * gradient
    scale = math.sqrt(squared(gradient))
    power, done = squared(gradient), 0
    while done < iterations and math.sqrt(power) > tolerance * scale:
        image = operator.forward(direction)
        step = power / (squared(image) + regularization * squared(direction))
        x = x + step * direction
        residual = residual - step * image
        gradient = operator.adjoint(residual) - regularization * x
        before, power = power, squared(gradient)
        direction = gradient + (power / before) * direction
        done += 1
    return x, done, _certificate(math.sqrt(power), scale, x, regularization)


def _certificate(left: float, scale: float, x: Array, regularization: float) -> Certificate:
    """Return the bound ||x - x*|| <= ||gradient|| / lambda of a strongly convex quadratic."""
    size = math.sqrt(squared(x))
    if left == 0:
        return Certificate(0.0, 0.0)
    bounded = regularization > 0 and size > 0
    return Certificate(left / scale, left / (regularization * size) if bounded else math.inf)


class Cgnr(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    `regularization` is relative: lambda = regularization * ||S||_F^2 / n_voxels over the prepared
    rows, as in every method, or the name of a rule that finds it for each scan. The default of
    `iterations` is a limit; `tolerance` ends before it. Voxels are real and may be negative.
    `array_library` says where the arrays lie.
    """

    iterations: int = Field(default=100, ge=1, le=100_000)
    tolerance: float = Field(default=1e-6, ge=0, lt=1)
    regularization: Regularization = 1e-2
    array_library: ArrayLibrary = ArrayLibrary.NUMPY

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return `matrix` with its selected rows loaded, corrected and arranged.

        Raises
        ------
        DataError
            if no row is left, the calibration's background cannot be subtracted as asked, or the
            array library is not there.
        """
        prepared = prepare_rows(self, matrix)
        library = array_library(self.array_library)
        parts = row_operator(prepared.columns)
        operator = RowOperator(library.put(parts.real), library.put(parts.imaginary))

        def build(damping: float) -> Solver:
            def solver(signal: NDArray[np.complex128]) -> Solution:
                x, done, found = solve_cgnr(
                    operator,
                    library.put(signal),
                    regularization=damping,
                    iterations=self.iterations,
                    tolerance=self.tolerance,
                )
                converged = found.kkt_residual <= self.tolerance
                report = {"iterations_done": done, "converged": converged, **found.report()}
                return Solution(library.get(x), report)

            return solver

        return damped_method(STAGE, prepared, self.regularization, build)


METHOD = Cgnr
