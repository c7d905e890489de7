import numpy as np
import pytest

import newton_problems
from sojourn.core.errors import DataError
from sojourn.reconstruction._compression import EXACT_SIZE, compress, stack


def rng():
    return np.random.default_rng(5)


def known_spectrum(values, rows=400, voxels=500, seed=0):
    """Return a complex matrix whose real stack has these singular values, by construction."""
    draw = np.random.default_rng(seed)
    left = np.linalg.qr(draw.standard_normal((2 * rows, len(values))))[0]
    right = np.linalg.qr(draw.standard_normal((voxels, len(values))))[0]
    whole = (left * values) @ right.T
    return whole[:rows] + 1j * whole[rows:]


def stacked(columns):
    return np.concatenate([columns.real, columns.imag])


def rebuilt(found):
    return (found.basis.T * found.singular) @ found.loadings.T


def test_a_small_matrix_is_decomposed_exactly():
    columns = newton_problems.columns(rows=20, shape=(4, 3, 2))
    found = compress(columns, max_rank=1000, rng=rng())
    assert found.rank == 24
    assert found.truncation == 0.0
    np.testing.assert_allclose(rebuilt(found), stacked(columns), atol=1e-13 * np.abs(columns).max())


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_singular_values_of_a_large_matrix_are_found(scale):
    values = 0.95 ** np.arange(200)
    found = compress(known_spectrum(values * scale), max_rank=60, rng=rng())
    assert found.loadings.dtype == np.float32
    # half a power iteration with a tenth more directions: the last ones are the least exact
    np.testing.assert_allclose(found.singular[:40], values[:40] * scale, rtol=5e-3)
    np.testing.assert_allclose(found.singular, values[:60] * scale, rtol=0.1)


def test_the_error_is_that_of_what_was_left_out():
    values = 0.95 ** np.arange(200)
    columns = known_spectrum(values)
    found = compress(columns, max_rank=60, rng=rng())
    exact = np.linalg.norm(stacked(columns) - rebuilt(found)) / np.linalg.norm(stacked(columns))
    least = np.sqrt(np.sum(values[60:] ** 2) / np.sum(values**2))
    assert found.truncation == pytest.approx(exact, rel=1e-3)
    assert least <= found.truncation < 1.15 * least


def test_directions_are_orthonormal():
    found = compress(known_spectrum(0.9 ** np.arange(200)), max_rank=50, rng=rng())
    np.testing.assert_allclose(found.basis @ found.basis.T, np.eye(50), atol=1e-5)
    np.testing.assert_allclose(found.loadings.T @ found.loadings, np.eye(50), atol=1e-4)


@pytest.mark.parametrize(
    ("truncation", "expected"),
    [
        # squared tails of 4, 2, 1 over their sum 21: 5/21 after one, 1/21 after two
        pytest.param(np.sqrt(5 / 21) * 1.001, 1, id="one-is-just-enough"),
        pytest.param(np.sqrt(5 / 21) * 0.999, 2, id="one-is-just-not-enough"),
        pytest.param(np.sqrt(1 / 21) * 0.999, 3, id="two-are-not-enough"),
        pytest.param(0.0, 3, id="all"),
    ],
)
@pytest.mark.parametrize("rows", [10, 400])
def test_the_least_rank_that_leaves_no_more_than_asked(rows, truncation, expected):
    columns = known_spectrum(np.array([4.0, 2.0, 1.0]), rows=rows, voxels=500)
    assert compress(columns, max_rank=100, truncation=truncation, rng=rng()).rank == expected


def test_the_rank_asked_for_is_not_exceeded():
    columns = known_spectrum(np.ones(50))
    assert compress(columns, max_rank=7, rng=rng()).rank == 7


def test_zero_directions_of_a_small_matrix_are_dropped():
    columns = np.outer(np.array([1.0, 2j, 3.0]), np.array([1.0, 2.0]))
    assert compress(columns, max_rank=10, rng=rng()).rank == 2 - 1


def test_a_signal_is_projected_to_the_directions():
    columns = newton_problems.columns()
    found = compress(columns, max_rank=30, rng=rng())
    frames = newton_problems.signals(columns, 3)
    expected = stack(frames) @ np.asarray(found.basis, dtype=float).T
    np.testing.assert_allclose(found.project(frames), expected, rtol=1e-12)
    assert found.project(frames[0]).shape == (30,)


def test_one_seed_gives_the_same_bytes():
    columns = newton_problems.columns()
    assert min(columns.shape[1], 2 * len(columns)) > EXACT_SIZE
    one, two = (compress(columns, max_rank=40, rng=rng()) for _ in range(2))
    assert one.basis.tobytes() == two.basis.tobytes()
    assert one.loadings.tobytes() == two.loadings.tobytes()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_matrix_of_nothing_is_refused(value):
    with pytest.raises(DataError, match="squared norm"):
        compress(np.full((3, 4), value, dtype=complex), max_rank=2, rng=rng())
