"""Total variation by ADMM: piecewise constant, non-negative images with sharp edges.

An image to look at: edges come from the penalty as much as from the data, and steps are
shortened. An amount comes from `quantification`, never from a sum over this image.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sojourn.core.geometry import Grid
from sojourn.core.signals import SystemMatrix
from sojourn.reconstruction._damped import damped_method
from sojourn.reconstruction._operators import Certificate, RowOperator, certify, row_operator
from sojourn.reconstruction._penalties import (
    GridGradient,
    clip_lengths,
    grid_gradient,
    shrink_lengths,
)
from sojourn.reconstruction._prepared import PreparedMethod, Solution, Solver
from sojourn.reconstruction._regularization import Regularization
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction.tikhonov import Decomposition, decompose

STAGE = "reconstruct_total_variation"
OVER_RELAXATION = 1.7
BALANCE_EVERY = 5
BALANCE_UNTIL = 2000
"""Iterations in which the step is still adapted; fixed afterwards, so that ADMM converges."""
BALANCE_RATIO = 2.0
DUAL_FLOOR = 1e-3
"""Of ||S^T u||: the dual residual is not measured against less, where the data fit exactly."""
START_STEP = 0.1
"""First step, relative to the mean squared norm of a column."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """||S x - u||^2 + lambda ||x||^2 + variation TV(x) over x >= 0, ready for many signals."""

    operator: RowOperator
    decomposition: Decomposition
    gradient: GridGradient
    regularization: float
    variation: float


def arrange_problem(
    columns: NDArray[np.complex128], grid: Grid, *, regularization: float, variation: float
) -> Problem:
    """Return the problem with its matrix decomposed, once for every signal and every step.

    Parameters
    ----------
    columns
        S, shape (row, voxel); voxels in the order of `grid`, i fastest.
    grid
        of the image; differences are scaled by its spacing (`GridGradient`).
    regularization, variation
        absolute lambda (squared matrix units) and weight of the total variation (the same, times
        calibration samples); at least 0.
    """
    return Problem(
        row_operator(columns), decompose(columns), grid_gradient(grid), regularization, variation
    )


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far ADMM came: both residuals relative, and the image's certificate."""

    iterations: int
    primal_residual: float
    dual_residual: float
    certificate: Certificate

    def report(self, tolerance: float) -> dict[str, Any]:
        """Return everything as plain values, and whether both residuals reached `tolerance`."""
        return {
            "iterations_done": self.iterations,
            "converged": max(self.primal_residual, self.dual_residual) <= tolerance,
            "primal_residual": self.primal_residual,
            "dual_residual": self.dual_residual,
            **self.certificate.report(),
        }


def solve_total_variation(
    problem: Problem,
    signal: NDArray[np.complex128],
    *,
    iterations: int,
    tolerance: float,
) -> tuple[NDArray[np.float64], Progress]:
    r"""Return the x >= 0 that nears the minimum of the problem.

    ADMM on x = v, z = v, w = grad v: x by the resolvent of S^T S, z = max(., 0), w by shortening
    vectors, v by cosine transforms. Neither step solves anything iteratively. The step is
    balanced between primal and dual residual at no cost, as the decomposition serves every step.

    Parameters
    ----------
    problem
        from `arrange_problem`.
    signal
        u, shape (row,).
    iterations
        at most so many.
    tolerance
        stops where both relative residuals are at most this.

    Returns
    -------
        z (voxel,), not negative, and how far it converged.

    References
    ----------
    Boyd et al., Found. Trends Mach. Learn. 3 (2011) 1, sections 3.3 and 3.4; Storath et al., IEEE
    Trans. Med. Imaging 36 (2017) 74 (total variation in MPI).
    """
    back = problem.operator.adjoint(signal)
    state = _State.empty(problem, back)
    primal = dual = 0.0 if not back.any() else np.inf
    done = 0
    while done < iterations and max(primal, dual) > tolerance:
        state, primal, dual = state.step(problem, back)
        done += 1
        if done % BALANCE_EVERY == 0 and done <= BALANCE_UNTIL:
            state = state.balanced(primal, dual)
    return state.z, Progress(done, primal, dual, _certify(problem, signal, back, state))


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Iterates of ADMM: v, z, and the scaled duals of x = v, z = v, w = grad v; `rho` the step.

    `slope` is grad v.
    """

    v: NDArray[np.float64]
    slope: NDArray[np.float64]
    z: NDArray[np.float64]
    dual_x: NDArray[np.float64]
    dual_z: NDArray[np.float64]
    dual_w: NDArray[np.float64]
    rho: float

    @classmethod
    def empty(cls, problem: Problem, back: NDArray[np.float64]) -> "_State":
        zero = np.zeros_like(back)
        energy = float(np.sum(problem.decomposition.values**2)) / len(back)
        start = max(START_STEP * energy, np.finfo(float).tiny)
        flat = np.zeros(problem.gradient.range)
        return cls(zero, flat, zero, zero, zero, flat, start)

    def step(self, problem: Problem, back: NDArray[np.float64]) -> tuple["_State", float, float]:
        """Return the next iterates, and the relative primal and dual residuals."""
        gradient, rho, slope = problem.gradient, self.rho, self.slope
        right = back + rho * (self.v - self.dual_x)
        x = problem.decomposition.resolvent(right, problem.regularization + rho)
        z = np.maximum(self.v - self.dual_z, 0.0)
        w = shrink_lengths(slope - self.dual_w, problem.variation / (2 * rho))
        relaxed = [
            OVER_RELAXATION * new + (1 - OVER_RELAXATION) * old
            for new, old in ((x, self.v), (z, self.v), (w, slope))
        ]
        duals = (self.dual_x, self.dual_z, self.dual_w)
        sums = [a + b for a, b in zip(relaxed, duals, strict=True)]
        v = gradient.solve_screened(sums[0] + sums[1] + gradient.adjoint(sums[2]), 2.0)
        new_slope = gradient.forward(v)
        targets = (v, v, new_slope)
        moved = [a - b for a, b in zip(sums, targets, strict=True)]
        after = _State(v, new_slope, z, moved[0], moved[1], moved[2], rho)
        primal = _norm(x - v, z - v, w - new_slope)
        dual = _norm(v - self.v, v - self.v, new_slope - slope)
        size = max(_norm(x, z, w), _norm(v, v, new_slope))
        pull = max(_norm(*moved), DUAL_FLOOR * _norm(back) / rho)
        return after, _ratio(primal, size), _ratio(dual, pull)

    def balanced(self, primal: float, dual: float) -> "_State":
        """Return the same iterates with a step that evens out the residuals."""
        change = 1.0
        if primal > BALANCE_RATIO * dual:
            change = 2.0
        elif dual > BALANCE_RATIO * primal:
            change = 0.5
        duals = (self.dual_x / change, self.dual_z / change, self.dual_w / change)
        return _State(self.v, self.slope, self.z, *duals, self.rho * change)


def _norm(*parts: NDArray[np.float64]) -> float:
    return float(np.sqrt(sum(float(np.vdot(part, part)) for part in parts)))


def _ratio(value: float, scale: float) -> float:
    return value / scale if scale > 0 else value


def _certify(
    problem: Problem,
    signal: NDArray[np.complex128],
    back: NDArray[np.float64],
    state: _State,
) -> Certificate:
    """Return the duality gap of z, with the gradient's dual variable made feasible."""
    field = clip_lengths(-state.rho * state.dual_w, problem.variation / 2)
    left = problem.operator.adjoint(signal - problem.operator.forward(state.z))
    slope = problem.gradient.forward(state.z)
    length = np.linalg.norm(slope, axis=0)
    slack = float(np.sum(problem.variation * length - 2 * np.sum(slope * field, axis=0)))
    return certify(
        left - problem.gradient.adjoint(field),
        state.z,
        scale=float(np.linalg.norm(back)),
        regularization=problem.regularization,
        slack=slack,
    )


class TotalVariation(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    Both weights are relative: lambda = regularization * ||S||_F^2 / n_voxels, and `variation`
    times the same scale weighs the total variation, counted in calibration samples. The problem is
    ||S x - u||^2 + lambda ||x||^2 + variation TV(x) over x >= 0; programs that take half the
    first term need half of both numbers. `regularization` may be the name of a rule that finds it
    for each scan, by the linear problem. The default of `iterations` is a limit; `tolerance`, of
    both relative residuals, ends before it.
    """

    iterations: int = Field(default=2000, ge=1, le=1_000_000)
    tolerance: float = Field(default=1e-5, ge=0, lt=1)
    regularization: Regularization = 1e-3
    variation: float = Field(default=1e-2, ge=0, allow_inf_nan=False)

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return `matrix` with its selected rows loaded, corrected and decomposed.

        Raises
        ------
        DataError
            if no row is left, or the calibration's background cannot be subtracted as asked.
        """
        prepared = prepare_rows(self, matrix)
        variation = prepared.lambda_absolute(self.variation)
        problem = arrange_problem(
            prepared.columns, matrix.grid, regularization=0.0, variation=variation
        )

        def build(damping: float) -> Solver:
            damped = replace(problem, regularization=damping)

            def solver(signal: NDArray[np.complex128]) -> Solution:
                z, found = solve_total_variation(
                    damped, signal, iterations=self.iterations, tolerance=self.tolerance
                )
                return Solution(z, found.report(self.tolerance))

            return solver

        return damped_method(
            STAGE, prepared, self.regularization, build, {"variation_absolute": variation}
        )


METHOD = TotalVariation
