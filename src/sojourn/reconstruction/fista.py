"""Accelerated proximal gradients (FISTA): non-negative, sparse images with a certificate.

An image to look at; an amount comes from `quantification`, never from a sum over this image.
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
    certify,
    estimate_norm,
    row_operator,
    shrink,
    squared,
)
from sojourn.reconstruction._prepared import PreparedMethod, Solution, Solver
from sojourn.reconstruction._regularization import Regularization
from sojourn.reconstruction._rows import RowSettings, prepare_rows

STAGE = "reconstruct_fista"
SAFETY = 1.01
"""Power iteration nears the norm from below; a step that shows more raises it again."""
ROUNDING = 1e-24
"""Squared relative length of a step below which its image is rounding error."""
CHECK_EVERY = 10
"""Iterations between two looks at the duality gap; each costs one product with the adjoint."""


def solve_fista(
    operator: Operator,
    signal: Array,
    *,
    regularization: float,
    iterations: int,
    sparsity: float = 0.0,
    non_negative: bool = True,
    tolerance: float = 0.0,
    squared_norm: float | None = None,
) -> tuple[Array, int, Certificate]:
    r"""Return the x that nears the minimum of ||S x - u||^2 + lambda ||x||^2 + tau |x|_1, x >= 0.

    .. math:: x_{k+1} = \mathrm{shrink}\left(y_k - \frac{S^T(S y_k - u) + \lambda y_k}{L},
       \frac{\tau}{2L}\right)

    with Nesterov's momentum, which starts again whenever it points uphill.

    Parameters
    ----------
    operator
        S, from real voxels to complex rows.
    signal
        u, shape (row,).
    regularization, sparsity
        lambda (squared matrix units) and tau (the same, times calibration samples), absolute.
    iterations
        at most so many.
    non_negative
        whether x >= 0.
    tolerance
        stops where the certified relative distance to the optimum (where lambda is 0 the relative
        residual of the optimality conditions) is at most this; looked at each 10 iterations.
    squared_norm
        ||S||^2; estimated by power iteration where it is not given. Too small a value costs steps,
        not the result: it is raised as soon as a step contradicts it.

    Returns
    -------
        x (voxel,), the iterations done, and how far x is from the optimum.

    References
    ----------
    Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009) 183; O'Donoghue and Candes, Found. Comput.
    Math. 15 (2015) 715 (restart by gradient).
    """
    start = operator.adjoint(signal)
    scale = math.sqrt(squared(start))
    norm = SAFETY * estimate_norm(operator, start) if squared_norm is None else squared_norm
    x = y = 0.0 * start
    image = forward_y = 0.0 * signal
    momentum, done = 1.0, 0
    found = certify(
        start,
        x,
        scale=scale,
        regularization=regularization,
        sparsity=sparsity,
        non_negative=non_negative,
    )
    while done < iterations and scale > 0 and not _reached(found, regularization, tolerance):
        for _ in range(min(CHECK_EVERY, iterations - done)):
            gradient = operator.adjoint(forward_y - signal) + regularization * y
            is_safe = False
            while not is_safe:
                steepness = norm + regularization
                after = shrink(
                    y - gradient / steepness, sparsity / (2 * steepness), non_negative=non_negative
                )
                image_after = operator.forward(after)
                norm, is_safe = _raised(norm, after - y, image_after - forward_y, y)
            if float(((y - after) * (after - x)).sum()) > 0:
                momentum = 1.0
            next_momentum = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            share = (momentum - 1) / next_momentum
            y = after + share * (after - x)
            forward_y = image_after + share * (image_after - image)
            x, image, momentum = after, image_after, next_momentum
            done += 1
        found = certify(
            operator.adjoint(signal - image),
            x,
            scale=scale,
            regularization=regularization,
            sparsity=sparsity,
            non_negative=non_negative,
        )
    return x, done, found


def _raised(norm: float, step: Array, image: Array, place: Array) -> tuple[float, bool]:
    """Return a norm that a step from `place` does not contradict, and whether it was `norm`.

    ||S step||^2 may not exceed it times ||step||^2; steps at rounding level say nothing.
    """
    moved = squared(step)
    if moved <= ROUNDING * squared(place):
        return norm, True
    seen = squared(image) / moved
    return (norm, True) if seen <= norm else (SAFETY * seen, False)


def _reached(found: Certificate, regularization: float, tolerance: float) -> bool:
    measure = found.distance_bound if regularization > 0 else found.kkt_residual
    return measure <= tolerance


class Fista(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    Both weights are relative: lambda = regularization * ||S||_F^2 / n_voxels and tau = sparsity *
    ||S||_F^2 / n_voxels over the prepared rows, tau times the sum of |x| in calibration samples.
    The problem is ||S x - u||^2 + lambda ||x||^2 + tau |x|_1, as in every method here. FISTA of
    RegularizedLeastSquares.jl takes half the first term only: its lambda of the same problem is
    half of ours. `regularization` may be the name of a rule that finds it for each scan, by the
    linear problem. The default of `iterations` is a limit; `tolerance` ends before it.
    """

    iterations: int = Field(default=1000, ge=1, le=1_000_000)
    tolerance: float = Field(default=1e-3, ge=0, lt=1)
    regularization: Regularization = 1e-2
    sparsity: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    non_negative: bool = True
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
        sparsity = prepared.lambda_absolute(self.sparsity)
        library = array_library(self.array_library)
        parts = row_operator(prepared.columns)
        operator = RowOperator(library.put(parts.real), library.put(parts.imaginary))
        probe = library.put(np.random.default_rng(0).standard_normal(prepared.columns.shape[1:]))
        norm = SAFETY * estimate_norm(operator, probe)

        def build(damping: float) -> Solver:
            def solver(signal: NDArray[np.complex128]) -> Solution:
                x, done, found = solve_fista(
                    operator,
                    library.put(signal),
                    regularization=damping,
                    sparsity=sparsity,
                    iterations=self.iterations,
                    non_negative=self.non_negative,
                    tolerance=self.tolerance,
                    squared_norm=norm,
                )
                converged = _reached(found, damping, self.tolerance)
                report = {"iterations_done": done, "converged": converged, **found.report()}
                return Solution(library.get(x), report)

            return solver

        return damped_method(
            STAGE, prepared, self.regularization, build, {"sparsity_absolute": sparsity}
        )


METHOD = Fista
