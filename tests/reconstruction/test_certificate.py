import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newton_problems
import problems
from sojourn.reconstruction._certificate import WholeProblem, relative_distance
from sojourn.reconstruction._compression import compress


def whole(columns, lam, rank=10_000):
    return WholeProblem(
        columns, lam, compress(columns, max_rank=rank, rng=np.random.default_rng(0))
    )


@given(
    seed=st.integers(0, 10**6),
    relative=st.sampled_from([1.0, 1e-1, 1e-2, 1e-3]),
    error=st.sampled_from([0.0, 1e-3, 0.1, 10.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_optimum_is_never_farther_than_certified(seed, relative, error):
    rng = np.random.default_rng(seed)
    rows, voxels = rng.integers(1, 12), rng.integers(2, 30)
    columns = rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))
    signal = columns @ np.maximum(rng.standard_normal(voxels), 0)
    lam = problems.damping(columns, relative)
    optimum = problems.non_negative_optimum(columns, signal, lam)
    start = optimum + error * rng.standard_normal(voxels)
    found = whole(columns, lam).certify(signal, start, goal=1.0, max_passes=2)
    distance = np.linalg.norm(found.values - optimum)
    # the oracle itself is exact to some 1e-9 only
    slack = 1e-8 * max(1.0, float(np.linalg.norm(optimum)))
    assert distance <= found.distance + slack
    if np.isfinite(found.relative_distance):
        assert distance <= found.relative_distance * np.linalg.norm(optimum) + slack


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_the_gap_is_that_of_half_the_objective(seed):
    rng = np.random.default_rng(seed)
    columns = rng.standard_normal((4, 7)) + 1j * rng.standard_normal((4, 7))
    signal = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    lam = 0.3
    start = rng.uniform(0, 1, 7)
    found = whole(columns, lam).certify(signal, start, goal=1e9, max_passes=2)
    dual = signal - columns @ start
    matrix = np.concatenate([columns.real, columns.imag])
    y, b = (np.concatenate([v.real, v.imag]) for v in (dual, signal))
    x = np.maximum(matrix.T @ y, 0) / lam
    primal = 0.5 * np.sum((matrix @ x - b) ** 2) + 0.5 * lam * np.sum(x**2)
    dual_value = b @ y - 0.5 * y @ y - 0.5 * lam * np.sum(x**2)
    np.testing.assert_allclose(found.values, x, atol=1e-12)
    assert found.gap == pytest.approx(primal - dual_value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("rank", [100, 1000])
def test_any_compression_leads_to_the_optimum_of_the_whole_matrix(rank):
    columns = newton_problems.columns()
    signal = newton_problems.signals(columns)[0]
    lam = problems.damping(columns, 1e-2)
    found = whole(columns, lam, rank).certify(
        signal, np.zeros(columns.shape[1]), goal=1e-6, max_passes=400
    )
    optimum = problems.non_negative_optimum(columns, signal, lam)
    error = problems.relative_error(found.values, optimum)
    assert error <= found.relative_distance <= 1e-6


def test_a_better_compression_needs_fewer_passes():
    columns = newton_problems.columns()
    signal = newton_problems.signals(columns)[0]
    lam = problems.damping(columns, 1e-2)
    passes = [
        whole(columns, lam, rank)
        .certify(signal, np.zeros(columns.shape[1]), goal=1e-3, max_passes=400)
        .passes
        for rank in (5, 150)
    ]
    assert passes[1] < passes[0]


def test_work_is_bounded_and_what_was_reached_is_said():
    columns = newton_problems.columns()
    signal = newton_problems.signals(columns)[0]
    lam = problems.damping(columns, 1e-4)
    found = whole(columns, lam, 5).certify(
        signal, np.zeros(columns.shape[1]), goal=1e-9, max_passes=7
    )
    assert found.passes <= 9
    assert found.relative_distance > 1e-9


@pytest.mark.parametrize(
    ("norm", "distance", "expected"),
    [
        # |x*| is at least |x| - distance
        pytest.param(10.0, 1.0, 1 / 9, id="a-bound"),
        pytest.param(1.0, 1.0, np.inf, id="the-optimum-may-be-zero"),
        pytest.param(0.0, 0.0, 0.0, id="zero-is-exact"),
    ],
)
def test_the_relative_distance_is_to_the_optimum(norm, distance, expected):
    assert relative_distance(norm, distance) == pytest.approx(expected)
