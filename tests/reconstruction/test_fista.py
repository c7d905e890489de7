import numpy as np
import pytest

import head_scanner
import problems
from sojourn.reconstruction._operators import row_operator
from sojourn.reconstruction.fista import METHOD, Fista, solve_fista
from sojourn.reconstruction.kaczmarz import arrange_rows, solve


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3, 1e-4])
def test_it_is_the_non_negative_optimum_on_real_data(shared, relative):
    matrix, signal = problems.head_scanner_problem(shared)
    lam = problems.damping(matrix, relative)
    x, _, found = solve_fista(
        row_operator(matrix), signal, regularization=lam, iterations=20_000, tolerance=1e-5
    )
    error = problems.relative_error(x, problems.non_negative_optimum(matrix, signal, lam))
    assert error < 1e-5
    assert error <= found.distance_bound <= 1e-5


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3])
def test_it_is_the_non_negative_optimum_on_a_simulated_calibration(relative):
    matrix, signal = problems.simulated_problem()
    lam = problems.damping(matrix, relative)
    x, _, found = solve_fista(
        row_operator(matrix), signal, regularization=lam, iterations=20_000, tolerance=1e-5
    )
    optimum = problems.non_negative_optimum(matrix, signal, lam)
    error = problems.relative_error(x, optimum)
    assert error <= found.distance_bound <= 1e-5
    # the constraint is at work: some voxels are 0, and cutting off negative ones is not enough
    cut = np.maximum(problems.optimum(matrix, signal, lam), 0)
    assert (optimum == 0).any()
    assert problems.relative_error(cut, optimum) > 1e-2


def test_projected_kaczmarz_stays_away_from_the_optimum():
    matrix, signal = problems.simulated_problem()
    lam = problems.damping(matrix, 1e-2)
    swept = solve(arrange_rows(matrix, lam), signal, iterations=300).real
    assert problems.relative_error(swept, problems.non_negative_optimum(matrix, signal, lam)) > 1e-2


@pytest.mark.parametrize("non_negative", [True, False])
def test_orthogonal_columns_have_a_closed_form(non_negative):
    # S = 2 I: minimise (2 x - u)^2 + lambda x^2 + tau |x|: x = shrink(2 u, tau / 2) / (4 + lambda)
    u = np.array([3.0, -2.0, 0.2, -0.1])
    x, _, _ = solve_fista(
        row_operator(2 * np.eye(4).astype(complex)),
        u.astype(complex),
        regularization=1.0,
        sparsity=2.0,
        iterations=500,
        non_negative=non_negative,
        tolerance=1e-10,
    )
    expected = [1.0, 0.0, 0.0, 0.0] if non_negative else [1.0, -0.6, 0.0, 0.0]
    np.testing.assert_allclose(x, expected, atol=1e-9)


def test_a_large_sparsity_leaves_nothing_and_a_smaller_one_something():
    matrix, signal = problems.simulated_problem()
    operator = row_operator(matrix)
    largest = 2 * operator.adjoint(signal).max()
    for share, is_empty in ((1.001, True), (0.9, False)):
        x, _, found = solve_fista(
            operator,
            signal,
            regularization=0.0,
            sparsity=share * largest,
            iterations=300,
            tolerance=1e-6,
        )
        assert (not x.any()) is is_empty
        assert found.kkt_residual <= 1e-6


def test_our_lambda_is_twice_that_of_half_the_squared_misfit():
    # RegularizedLeastSquares.jl's FISTA: 1/2 (x - u)^2 + mu x^2 has x = u / (1 + 2 mu)
    mu = 0.25
    x, _, _ = solve_fista(
        row_operator(np.eye(1).astype(complex)),
        np.array([3.0 + 0j]),
        regularization=2 * mu,
        iterations=200,
        tolerance=1e-12,
    )
    np.testing.assert_allclose(x, [3 / (1 + 2 * mu)], rtol=1e-10)


@pytest.mark.parametrize("share", [1e-6, 0.3])
def test_a_norm_that_is_too_small_is_found_out(share):
    matrix, signal = problems.simulated_problem()
    lam = problems.damping(matrix, 1e-2)
    x, _, found = solve_fista(
        row_operator(matrix),
        signal,
        regularization=lam,
        iterations=20_000,
        tolerance=1e-5,
        squared_norm=share * np.linalg.norm(matrix, 2) ** 2,
    )
    assert found.distance_bound <= 1e-5
    optimum = problems.non_negative_optimum(matrix, signal, lam)
    assert problems.relative_error(x, optimum) <= 1e-5


def test_no_signal_gives_no_tracer():
    matrix, _ = problems.simulated_problem()
    x, done, found = solve_fista(
        row_operator(matrix), np.zeros(len(matrix), complex), regularization=1.0, iterations=50
    )
    assert not x.any()
    assert done == 0
    assert found.distance_bound == 0


def test_the_image_says_how_far_it_converged(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, 4)

    def report(**changes):
        settings = Fista(background="own_mean", bins=head_scanner.HARMONICS, **changes)
        return settings.prepare(matrix).reconstruct_relative(scan)

    enough, few = report(), report(iterations=20)
    assert enough.values.min() == 0
    assert enough.provenance.parameters["converged"] is True
    assert enough.provenance.parameters["distance_bound"] <= 1e-3
    assert few.provenance.parameters["converged"] is False
    assert few.provenance.parameters["iterations_done"] == 20


def test_sparsity_scales_as_lambda_does(shared):
    settings = Fista(
        background="own_mean", bins=head_scanner.HARMONICS, sparsity=0.2, regularization=0.1
    )
    made = settings.prepare(head_scanner.line_matrix(shared, "A")).parameters()
    assert made["sparsity_absolute"] == pytest.approx(2 * made["lambda_absolute"])


def test_method_is_the_settings_class():
    assert METHOD is Fista
