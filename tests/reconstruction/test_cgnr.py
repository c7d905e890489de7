import math

import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.reconstruction._operators import row_operator
from sojourn.reconstruction.cgnr import METHOD, Cgnr, solve_cgnr


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3, 1e-4])
def test_it_converges_to_direct_tikhonov_on_real_data(shared, relative):
    matrix, signal = problems.head_scanner_problem(shared)
    lam = problems.damping(matrix, relative)
    x, done, found = solve_cgnr(
        row_operator(matrix), signal, regularization=lam, iterations=200, tolerance=1e-12
    )
    error = problems.relative_error(x, problems.optimum(matrix, signal, lam))
    assert error < 1e-7
    assert error <= found.distance_bound + 1e-12
    assert done < 40


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3])
def test_it_converges_to_direct_tikhonov_on_a_simulated_calibration(relative):
    matrix, signal = problems.simulated_problem()
    lam = problems.damping(matrix, relative)
    x, _, found = solve_cgnr(
        row_operator(matrix), signal, regularization=lam, iterations=2000, tolerance=1e-12
    )
    error = problems.relative_error(x, problems.optimum(matrix, signal, lam))
    assert error < 1e-6
    assert error <= found.distance_bound + 1e-12


def test_two_distinct_singular_values_take_two_steps():
    matrix = np.diag([1.0, 1.0, 3.0]).astype(complex)
    signal = np.array([1.0, 2.0, 3.0], dtype=complex)
    x, done, _ = solve_cgnr(
        row_operator(matrix), signal, regularization=1.0, iterations=50, tolerance=1e-13
    )
    assert done == 2
    np.testing.assert_allclose(x, [0.5, 1.0, 0.9], rtol=1e-12)


def test_the_first_step_is_the_steepest_descent():
    # A = (1, 2), b = 5: gradient (5, 10); step |g|^2 / (|A g|^2 + |g|^2) = 125 / (625 + 125)
    matrix, signal = np.array([[1.0 + 0j, 2.0]]), np.array([5.0 + 0j])
    x, done, _ = solve_cgnr(row_operator(matrix), signal, regularization=1.0, iterations=1)
    assert done == 1
    np.testing.assert_allclose(x, [5 / 6, 10 / 6], rtol=1e-14)


def test_no_signal_gives_no_tracer_at_once():
    matrix, _ = problems.simulated_problem()
    x, done, found = solve_cgnr(
        row_operator(matrix), np.zeros(len(matrix), complex), regularization=1.0, iterations=9
    )
    assert done == 0
    assert not x.any()
    assert found.distance_bound == 0


def test_without_lambda_no_bound_is_claimed():
    matrix, signal = problems.simulated_problem()
    found = solve_cgnr(row_operator(matrix), signal, regularization=0.0, iterations=3)[2]
    assert found.distance_bound == math.inf
    assert found.kkt_residual > 0


def test_the_image_says_how_far_it_converged(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, 4)

    def report(**changes):
        settings = Cgnr(background="own_mean", bins=head_scanner.HARMONICS, **changes)
        return settings.prepare(matrix).reconstruct_relative(scan).provenance.parameters

    enough, few = report(), report(iterations=1)
    assert enough["converged"] is True
    assert enough["kkt_residual"] <= 1e-6 < few["kkt_residual"]
    assert enough["distance_bound"] < few["distance_bound"]
    assert few["converged"] is False
    assert few["iterations_done"] == 1
    assert enough["array_library"] == "numpy"


def test_amounts_in_are_amounts_out():
    matrix = synthetic.matrix()
    rows = matrix.spectra.values
    empty = rows[matrix.is_background].mean(axis=0)
    amounts = np.arange(12.0) - 3
    signal = np.tensordot(amounts, rows[~matrix.is_background] - empty, axes=1)
    scan = synthetic.scan([signal + empty, empty], [False, True])
    prepared = Cgnr(background="own_mean", regularization=0, tolerance=1e-12).prepare(matrix)
    found = prepared.reconstruct_relative(scan).values
    np.testing.assert_allclose(found.ravel(order="F"), amounts, atol=1e-8)


@pytest.mark.parametrize(
    "wrong", [{"iterations": 0}, {"tolerance": 1.0}, {"regularization": -1}, {"sparsity": 0}]
)
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        Cgnr(background="none", **wrong)


def test_method_is_the_settings_class():
    assert METHOD is Cgnr
