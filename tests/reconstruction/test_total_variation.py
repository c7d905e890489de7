import numpy as np
import pytest
from scipy.optimize import minimize

import head_scanner
import problems
from sojourn.core.geometry import Grid
from sojourn.reconstruction.total_variation import (
    METHOD,
    TotalVariation,
    arrange_problem,
    solve_total_variation,
)

LINE = Grid.centered((9, 1, 1), (0.01, 0.01, 0.001))


def found(columns, signal, grid, *, regularization, variation, tolerance=1e-6):
    problem = arrange_problem(columns, grid, regularization=regularization, variation=variation)
    return solve_total_variation(problem, signal, iterations=50_000, tolerance=tolerance)


def objective(columns, signal, grid, x, regularization, variation):
    """The problem as its formula says, written a second time."""
    image = x.reshape(grid.shape, order="F")
    long = [s for s, n in zip(grid.spacing, grid.shape, strict=True) if n > 1]
    mean = np.prod(long) ** (1 / len(long))
    square = np.zeros(grid.shape)
    for axis, spacing in enumerate(grid.spacing):
        last = np.take(image, [-1], axis=axis)
        square += (mean / spacing * np.diff(image, axis=axis, append=last)) ** 2
    misfit = np.sum(np.abs(columns @ x - signal) ** 2)
    return misfit + regularization * np.sum(x**2) + variation * np.sqrt(square).sum()


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3, 1e-4])
def test_without_variation_it_is_the_non_negative_optimum_on_real_data(shared, relative):
    matrix, signal = problems.head_scanner_problem(shared)
    lam = problems.damping(matrix, relative)
    x, progress = found(matrix, signal, LINE, regularization=lam, variation=0.0)
    error = problems.relative_error(x, problems.non_negative_optimum(matrix, signal, lam))
    assert error < 2e-5
    assert error <= progress.certificate.distance_bound


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3])
def test_without_variation_it_is_the_non_negative_optimum_on_a_simulation(relative):
    matrix, signal = problems.simulated_problem()
    lam = problems.damping(matrix, relative)
    grid = problems.simulated_matrix().grid
    x, progress = found(matrix, signal, grid, regularization=lam, variation=0.0)
    error = problems.relative_error(x, problems.non_negative_optimum(matrix, signal, lam))
    assert error < 1e-4
    assert error <= progress.certificate.distance_bound


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_a_step_is_shortened_by_the_closed_form(weight):
    # min |x - u|^2 + t TV(x): of n voxels at one level, that level moves by t / (2 n) (taut string)
    grid = Grid.centered((10, 1, 1), (0.004, 1.0, 1.0))
    u = np.repeat([5.0, 1.0], [4, 6])
    x, _ = found(
        np.eye(10, dtype=complex), u + 0j, grid, regularization=0, variation=weight, tolerance=1e-9
    )
    expected = np.repeat([5 - weight / 8, 1 + weight / 12], [4, 6])
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_a_large_weight_leaves_the_mean():
    grid = Grid.centered((10, 1, 1), (0.004, 1.0, 1.0))
    u = np.repeat([5.0, 1.0], [4, 6])
    # levels meet where t / 8 + t / 12 = 4, at t = 19.2
    for weight, is_flat in ((19.0, False), (19.4, True)):
        x, _ = found(
            np.eye(10, dtype=complex),
            u + 0j,
            grid,
            regularization=0,
            variation=weight,
            tolerance=1e-9,
        )
        assert bool(np.ptp(x) < 1e-6) is is_flat
    np.testing.assert_allclose(x, 2.6, atol=1e-6)


def test_a_taut_string_of_three_levels():
    # u = 0 | 4 | 1 of 2, 2 and 4 voxels, t = 2: a maximum sinks by t / n, ends move by t / (2 n)
    grid = Grid.centered((8, 1, 1), (0.004, 1.0, 1.0))
    u = np.repeat([0.0, 4.0, 1.0], [2, 2, 4])
    x, _ = found(
        np.eye(8, dtype=complex), u + 0j, grid, regularization=0, variation=2.0, tolerance=1e-9
    )
    np.testing.assert_allclose(x, np.repeat([0.5, 3.0, 1.25], [2, 2, 4]), atol=1e-6)


def test_a_constant_image_stays_what_it_is():
    grid = Grid.centered((4, 3, 2), (0.001, 0.002, 0.003))
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((40, 24)) + 1j * rng.standard_normal((40, 24))
    signal = matrix @ np.full(24, 2.5)
    x, _ = found(matrix, signal, grid, regularization=0, variation=30.0, tolerance=1e-8)
    np.testing.assert_allclose(x, 2.5, rtol=1e-5)


@pytest.mark.parametrize("weight", [1e-2, 1.0])
def test_a_general_optimizer_finds_the_same_line_on_real_data(shared, weight):
    matrix, signal = problems.head_scanner_problem(shared)
    scale = problems.damping(matrix, 1)
    matrix, signal = matrix / np.sqrt(scale), signal / np.sqrt(scale)
    x, _ = found(matrix, signal, LINE, regularization=1e-2, variation=weight)
    steps = np.diff(np.eye(9), axis=0)

    def smooth(p):
        value = objective(matrix, signal, LINE, p[:9], 1e-2, 0.0)
        return value + weight * p[9:].sum()

    def slope(p):
        back = (matrix.conj().T @ (matrix @ p[:9] - signal)).real
        return np.concatenate([2 * back + 2e-2 * p[:9], np.full(8, weight)])

    # |x_(i+1) - x_i| <= p_(9+i): the same problem, smooth and with more unknowns
    wide = np.vstack([np.hstack([-steps, np.eye(8)]), np.hstack([steps, np.eye(8)])])
    other = minimize(
        smooth,
        np.full(17, 0.5),
        jac=slope,
        method="SLSQP",
        bounds=[(0, None)] * 17,
        constraints={"type": "ineq", "fun": lambda p: wide @ p, "jac": lambda _: wide},
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    assert other.success
    assert problems.relative_error(x, other.x[:9]) < 1e-4


def test_no_neighbour_of_the_image_is_better_and_the_bound_holds():
    grid = Grid.centered((3, 4, 2), (0.001, 0.002, 0.003))
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((20, 24)) + 1j * rng.standard_normal((20, 24))
    signal = matrix @ np.maximum(rng.standard_normal(24), 0) + rng.standard_normal(20)
    x, progress = found(matrix, signal, grid, regularization=2.0, variation=5.0, tolerance=1e-9)
    best = objective(matrix, signal, grid, x, 2.0, 5.0)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(20):
            other = np.maximum(x + size * rng.standard_normal(24), 0)
            assert objective(matrix, signal, grid, other, 2.0, 5.0) > best
    assert progress.certificate.distance_bound < 1e-4
    rough, stopped = found(matrix, signal, grid, regularization=2.0, variation=5.0, tolerance=1e-2)
    assert problems.relative_error(x, rough) * np.linalg.norm(rough) <= (
        stopped.certificate.distance_bound + 1e-4
    ) * np.linalg.norm(rough)
    assert stopped.certificate.distance_bound > progress.certificate.distance_bound


def test_the_image_says_how_far_it_converged(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, 4)

    def image(**changes):
        settings = TotalVariation(background="own_mean", bins=head_scanner.HARMONICS, **changes)
        return settings.prepare(matrix).reconstruct_relative(scan)

    enough, few = image(), image(iterations=3)
    assert enough.values.min() >= 0
    assert enough.provenance.parameters["converged"] is True
    assert enough.provenance.parameters["primal_residual"] <= 1e-5
    assert enough.provenance.parameters["dual_residual"] <= 1e-5
    assert few.provenance.parameters["converged"] is False
    assert few.provenance.parameters["iterations_done"] == 3
    made = enough.provenance.parameters
    assert made["variation_absolute"] == pytest.approx(10 * made["lambda_absolute"])


def test_no_signal_gives_no_tracer():
    matrix, _ = problems.simulated_problem()
    grid = problems.simulated_matrix().grid
    x, progress = found(
        matrix, np.zeros(len(matrix), complex), grid, regularization=1.0, variation=1.0
    )
    assert not x.any()
    assert progress.iterations == 0


def test_method_is_the_settings_class():
    assert METHOD is TotalVariation
