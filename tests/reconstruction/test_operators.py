import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import problems
from sojourn.reconstruction._operators import (
    RowOperator,
    certify,
    estimate_norm,
    row_operator,
    shrink,
    stack_parts,
)
from sojourn.testing import check_adjoint


def columns(rows=7, voxels=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))


def test_adjoint_law_holds():
    check_adjoint(row_operator(columns()))


def test_forward_is_the_complex_product():
    matrix = columns()
    x = np.random.default_rng(1).standard_normal(5)
    np.testing.assert_allclose(row_operator(matrix).forward(x), matrix @ x, rtol=1e-14)


def test_real_parts_stand_above_imaginary_ones():
    np.testing.assert_array_equal(stack_parts(np.array([1 + 2j, 3 + 4j])), [1, 3, 2, 4])


def test_norm_is_the_largest_squared_singular_value():
    matrix = columns(30, 20)
    largest = np.linalg.svd(stack_parts(matrix), compute_uv=False)[0] ** 2
    found = estimate_norm(row_operator(matrix), np.ones(20), iterations=500)
    assert found == pytest.approx(largest, rel=1e-3)
    assert found <= largest * (1 + 1e-12)


def test_norm_of_nothing_is_zero():
    assert estimate_norm(row_operator(columns()), np.zeros(5)) == 0


@given(st.floats(-5, 5), st.floats(0, 3))
def test_shrink_is_the_closed_form_of_the_l1_proximal_point(value, threshold):
    signed = math.copysign(max(abs(value) - threshold, 0.0), value)
    both = np.array([value])
    assert shrink(both, threshold, non_negative=False)[0] == pytest.approx(signed, abs=1e-15)
    assert shrink(both, threshold, non_negative=True)[0] == max(value - threshold, 0.0)


def test_shrink_minimises_its_own_objective():
    # argmin over z of (z - a)^2 / 2 + t |z|, on a fine lattice
    lattice = np.linspace(-4, 4, 80001)
    for value in (-2.5, -0.4, 0.0, 0.7, 3.0):
        best = lattice[np.argmin((lattice - value) ** 2 / 2 + 0.8 * np.abs(lattice))]
        found = shrink(np.array([value]), 0.8, non_negative=False)[0]
        assert found == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("sparsity", [0.0, 3.0])
@pytest.mark.parametrize("non_negative", [True, False])
def test_the_bound_holds_for_any_image_and_vanishes_at_the_optimum(sparsity, non_negative):
    # S = I: the optimum is shrink(u, sparsity / 2) / (1 + lambda), voxel by voxel
    u = np.array([3.0, -2.0, 0.5, 1.4, 4.0])
    operator = RowOperator(np.eye(5), np.zeros((5, 5)))
    lam = 0.3
    optimum = shrink(u, sparsity / 2, non_negative=non_negative) / (1 + lam)
    rng = np.random.default_rng(2)
    for size in (0.0, 1e-6, 1e-2, 1.0):
        x = optimum + size * rng.standard_normal(5)
        x = np.maximum(x, 0) if non_negative else x
        found = certify(
            operator.adjoint(u + 0j - operator.forward(x)),
            x,
            scale=np.linalg.norm(u),
            regularization=lam,
            sparsity=sparsity,
            non_negative=non_negative,
        )
        actual = np.linalg.norm(x - optimum) / np.linalg.norm(x)
        assert actual <= found.distance_bound + 1e-12
        if size == 0:
            assert found.distance_bound < 1e-7
            assert found.kkt_residual < 1e-15
        if size == 1.0:
            assert found.kkt_residual > 0.01


def test_without_lambda_there_is_a_residual_but_no_bound():
    x = np.array([0.0, 1.0])
    found = certify(np.array([-1.0, 0.0]), x, scale=2.0, regularization=0.0)
    assert found.kkt_residual == 0
    assert found.report() == {"kkt_residual": 0.0, "distance_bound": None}
    wrong = certify(np.array([1.0, 0.0]), x, scale=2.0, regularization=0.0)
    assert wrong.kkt_residual == 0.5


def test_the_bound_covers_the_true_distance_on_a_simulated_calibration():
    matrix, signal = problems.simulated_problem()
    lam = float(problems.damping(matrix, 1e-2))
    optimum = problems.non_negative_optimum(matrix, signal, lam)
    operator = row_operator(matrix)
    for share in (0.9, 0.999, 1.0):
        x = share * optimum
        found = certify(
            operator.adjoint(signal - operator.forward(x)), x, scale=1.0, regularization=lam
        )
        assert found.distance_bound >= (1 - share) * np.linalg.norm(optimum) / np.linalg.norm(x)
    assert found.distance_bound < 1e-6
