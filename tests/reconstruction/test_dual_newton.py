import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newton_problems
import problems
from sojourn.reconstruction._compression import compress
from sojourn.reconstruction._dual_newton import bend, solve_dual


def solved(columns, frames, lam, *, rank=10_000, **changes):
    compressed = compress(columns, max_rank=rank, rng=np.random.default_rng(0))
    limits = {"tolerance": 1e-12, "max_passes": 1000, **changes}
    loadings = compressed.loadings
    return solve_dual(loadings, compressed.singular, lam, compressed.project(frames), **limits)


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3, 1e-4])
def test_it_is_the_non_negative_optimum_on_real_data(shared, relative):
    matrix, signal = problems.head_scanner_problem(shared)
    lam = problems.damping(matrix, relative)
    found = solved(matrix, signal[None], lam)
    expected = problems.non_negative_optimum(matrix, signal, lam)
    assert problems.relative_error(found.values[0], expected) < 1e-9
    assert found.is_converged.all()


@given(seed=st.integers(0, 10**6), relative=st.sampled_from([1.0, 1e-2, 1e-4, 1e-6]))
@settings(max_examples=40, deadline=None)
def test_it_is_the_non_negative_optimum_of_any_problem(seed, relative):
    rng = np.random.default_rng(seed)
    rows, voxels = rng.integers(1, 12), rng.integers(1, 30)
    matrix = rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))
    signal = rng.standard_normal(rows) + 1j * rng.standard_normal(rows)
    lam = problems.damping(matrix, relative)
    found = solved(matrix, signal[None], lam)
    expected = problems.non_negative_optimum(matrix, signal, lam)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-7 * max(1, expected.max()))


def test_one_voxel_has_a_closed_form():
    # minimise (2 x - u)^2 + 3 x^2 with x >= 0: x = 2 u / 7, or 0 where u < 0
    for u, expected in ((7.0, 2.0), (-7.0, 0.0)):
        found = solved(np.array([[2.0 + 0j]]), np.array([[u + 0j]]), 3.0)
        np.testing.assert_allclose(found.values, [[expected]], atol=1e-12)


def test_frames_solved_together_are_those_solved_alone():
    columns = newton_problems.columns(rows=20, shape=(5, 4, 3))
    frames = newton_problems.signals(columns, 1, shape=(5, 4, 3))[0] * np.array(
        [[1.0], [0.1], [-1.0], [1e6]]
    )
    lam = problems.damping(columns, 1e-2)
    together = solved(columns, frames, lam)
    for k, frame in enumerate(frames):
        alone = solved(columns, frame[None], lam)
        np.testing.assert_allclose(
            together.values[k], alone.values[0], atol=1e-9 * max(alone.values.max(), 1e-9)
        )


def test_a_frame_of_zeros_has_an_image_of_zeros():
    columns = newton_problems.columns(rows=20, shape=(5, 4, 3))
    frames = newton_problems.signals(columns, 2, shape=(5, 4, 3))
    frames[0] = 0
    found = solved(columns, frames, problems.damping(columns, 1e-2))
    assert not found.values[0].any()
    assert found.gradient[0] == 0
    assert found.values[1].any()


def test_the_gradient_reported_is_that_of_the_dual():
    columns = newton_problems.columns(rows=20, shape=(5, 4, 3))
    frames = newton_problems.signals(columns, 1, shape=(5, 4, 3))
    compressed = compress(columns, max_rank=1000, rng=np.random.default_rng(0))
    lam = problems.damping(columns, 1e-2)
    found = solved(columns, frames, lam, max_passes=3)
    matrix = (compressed.loadings * compressed.singular).T
    z = compressed.project(frames)[0]
    y = found.dual[0] * 1.0
    gradient = y + matrix @ np.maximum(matrix.T @ y, 0) / lam - z
    relative = np.linalg.norm(gradient) / np.linalg.norm(z)
    assert found.gradient[0] == pytest.approx(relative, rel=1e-6)
    assert found.gradient[0] > 1e-9


def test_passes_are_bounded_and_what_was_not_reached_is_said():
    columns = newton_problems.columns(rows=20, shape=(5, 4, 3))
    frames = newton_problems.signals(columns, 1, shape=(5, 4, 3))
    lam = problems.damping(columns, 1e-3)
    free = solved(columns, frames, lam)
    capped = solved(columns, frames, lam, max_passes=5)
    assert free.passes[0] > 7
    assert capped.passes[0] <= 6
    assert not capped.is_converged[0]
    assert capped.gradient[0] > 1e-12


@given(p=st.floats(-10, 10), u=st.floats(-10, 10))
def test_the_bend_is_the_excess_over_the_tangent(p, u):
    def square(value):
        return max(value, 0.0) ** 2

    expected = square(p + u) - square(p) - 2 * max(p, 0.0) * u
    found = float(bend(np.array(p), np.array(u)))
    assert found == pytest.approx(expected, abs=1e-12)
    assert found >= 0
