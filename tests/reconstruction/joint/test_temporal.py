import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._operators import row_operator
from sojourn.reconstruction.joint.temporal import (
    NonNegativeTemporal,
    SeriesOperator,
    Temporal,
    chain_laplacian,
    chain_weights,
    solve_series,
)
from sojourn.reconstruction.tikhonov import Tikhonov, decompose
from sojourn.testing import check_adjoint


def series(frames=5, rows=6, voxels=8, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))
    signals = rng.standard_normal((frames, rows)) + 1j * rng.standard_normal((frames, rows))
    return matrix, signals


def stacked_solution(matrix, signals, lam, mu, weights):
    """The whole series as one least-squares problem, solved by LAPACK."""
    frames, voxels = len(signals), matrix.shape[1]
    real = np.vstack([matrix.real, matrix.imag])
    blocks = [np.kron(np.eye(frames), real), np.sqrt(lam) * np.eye(frames * voxels)]
    data = [np.concatenate([np.concatenate([u.real, u.imag]) for u in signals])]
    data.append(np.zeros(frames * voxels))
    for step, weight in enumerate(weights):
        row = np.zeros((voxels, frames * voxels))
        row[:, (step + 1) * voxels : (step + 2) * voxels] = np.eye(voxels)
        row[:, step * voxels : (step + 1) * voxels] = -np.eye(voxels)
        blocks.append(np.sqrt(mu * weight) * row)
        data.append(np.zeros(voxels))
    solved = np.linalg.lstsq(np.vstack(blocks), np.concatenate(data), rcond=None)[0]
    return solved.reshape(frames, voxels)


@pytest.mark.parametrize("mu", [0.0, 0.7, 300.0])
@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (1.0, 0.2, 5.0, 1.0)])
def test_it_is_the_solution_of_the_stacked_problem(mu, shape, weights):
    matrix, signals = series(5, *shape)
    found = solve_series(
        decompose(matrix),
        signals,
        regularization=0.4,
        smoothness=mu,
        weights=np.array(weights),
    )
    expected = stacked_solution(matrix, signals, 0.4, mu, weights)
    np.testing.assert_allclose(found, expected, atol=1e-10 * np.abs(expected).max())


def test_without_smoothness_frames_are_independent():
    matrix, signals = series()
    whole = decompose(matrix)
    found = solve_series(whole, signals, regularization=0.4, smoothness=0.0)
    for image, signal in zip(found, signals, strict=True):
        np.testing.assert_allclose(image, problems.optimum(matrix, signal, 0.4), atol=1e-12)


def test_endless_smoothness_gives_the_mean_frame():
    matrix, signals = series()
    found = solve_series(decompose(matrix), signals, regularization=0.4, smoothness=1e12)
    mean = problems.optimum(matrix, signals.mean(axis=0), 0.4)
    np.testing.assert_allclose(found, np.tile(mean, (5, 1)), atol=1e-9)


def test_one_frame_is_direct_tikhonov():
    matrix, signals = series(frames=1)
    found = solve_series(decompose(matrix), signals, regularization=0.4, smoothness=7.0)
    np.testing.assert_allclose(found[0], problems.optimum(matrix, signals[0], 0.4), atol=1e-12)


def test_a_series_and_its_reverse_are_one():
    matrix, signals = series()
    whole = decompose(matrix)
    forth = solve_series(whole, signals, regularization=0.4, smoothness=2.0)
    back = solve_series(whole, signals[::-1], regularization=0.4, smoothness=2.0)
    np.testing.assert_allclose(forth, back[::-1], atol=1e-12)


def test_the_laplacian_of_three_frames_by_hand():
    expected = [[2, -2, 0], [-2, 5, -3], [0, -3, 3]]
    np.testing.assert_array_equal(chain_laplacian(3, np.array([2.0, 3.0])), expected)


def test_long_steps_weigh_less():
    np.testing.assert_allclose(chain_weights(np.array([0.0, 1.0, 2.0, 6.0])), [1, 1, 0.25])
    assert len(chain_weights(np.array([3.0]))) == 0


@pytest.mark.parametrize("times", [[0.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
def test_times_must_ascend(times):
    with pytest.raises(DataError, match="must ascend"):
        chain_weights(np.array(times))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0]])
def test_there_is_one_weight_for_each_step(weights):
    with pytest.raises(DataError, match="weights for 3 frames"):
        chain_laplacian(3, np.array(weights))


@pytest.mark.parametrize("steps", [[], [1.0], [1.0, 0.5, 0.0]])
def test_adjoint_law_holds(steps):
    check_adjoint(SeriesOperator(row_operator(series()[0]), np.array(steps)))


def known_series(matrix, amounts):
    rows = matrix.spectra.values
    empty = rows[matrix.is_background].mean(axis=0)
    signals = np.tensordot(amounts, rows[~matrix.is_background] - empty, axes=1)
    frames = np.concatenate([signals + empty, empty[None]])
    return synthetic.scan(frames, [False] * len(amounts) + [True])


def test_the_non_negative_series_is_the_optimum():
    matrix = synthetic.matrix()
    amounts = np.maximum(np.random.default_rng(1).standard_normal((4, 12)), 0)
    prepared = NonNegativeTemporal(
        background="own_mean", smoothness=0.3, tolerance=1e-7, iterations=50_000
    ).prepare(matrix)
    images = prepared.reconstruct_series(known_series(matrix, amounts))
    found = np.stack([image.values.ravel(order="F") for image in images])
    rows = matrix.spectra.values
    columns = (rows[:12] - rows[12:].mean(axis=0)).reshape(12, -1).T
    made = prepared.parameters()
    operator = SeriesOperator(row_operator(columns), np.full(3, made["smoothness_absolute"]))
    dense = np.stack([operator.forward(e) for e in np.eye(48)], axis=1)
    data = np.concatenate([(columns @ amounts.T).T.ravel(), np.zeros(36)])
    expected = problems.non_negative_optimum(dense, data, made["lambda_absolute"])
    assert problems.relative_error(found.ravel(), expected) < 1e-6
    assert images[0].provenance.parameters["converged"] is True


def test_an_unsmoothed_series_is_the_images_of_its_frames(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    rows = np.concatenate(
        [head_scanner.counts(shared, "B")[1, 1:], head_scanner.counts(shared, "B")[1, :1]]
    )
    scan = synthetic.scan(
        head_scanner.spectra(rows).values,
        [False] * 9 + [True],
        acquisition=head_scanner.acquisition(),
    )
    common = {"background": "own_mean", "bins": head_scanner.HARMONICS}
    images = Temporal(**common, smoothness=0).prepare(matrix).reconstruct_series(scan)
    alone = Tikhonov(**common).prepare(matrix)
    for position, image in enumerate(images):
        one = alone.reconstruct_relative(head_scanner.line_scan(shared, "B", 1, position))
        np.testing.assert_allclose(image.values, one.values, atol=1e-10)


def test_smoothing_lowers_noise_and_flattens_change():
    matrix = synthetic.matrix()
    amounts = np.outer(np.exp(-np.arange(12) / 6.0), np.ones(12))
    scan = known_series(matrix, amounts)

    def totals(smoothness):
        prepared = Temporal(background="own_mean", regularization=1e-6, smoothness=smoothness)
        images = prepared.prepare(matrix).reconstruct_series(scan)
        return np.array([image.values.sum() for image in images])

    plain, smooth = totals(0.0), totals(1.0)
    np.testing.assert_allclose(plain, amounts.sum(axis=1), rtol=1e-4)
    # the fall over the series shrinks: smoothing is not for time constants
    assert smooth[0] - smooth[-1] < 0.97 * (plain[0] - plain[-1])


def test_frames_are_averaged_in_groups():
    matrix = synthetic.matrix()
    amounts = np.outer([1.0, 3.0, 5.0, 7.0], np.ones(12))
    scan = known_series(matrix, amounts)
    settings = Temporal(background="own_mean", average=2, regularization=1e-9, smoothness=0)
    images = settings.prepare(matrix).reconstruct_series(scan)
    np.testing.assert_allclose([i.values.mean() for i in images], [2, 6], rtol=1e-5)
    assert [i.provenance.parameters["image"] for i in images] == [0, 1]
    with pytest.raises(DataError, match="no multiple of average 3"):
        Temporal(background="own_mean", average=3).prepare(matrix).reconstruct_series(scan)


def test_times_are_one_for_each_image():
    matrix = synthetic.matrix()
    scan = known_series(matrix, np.ones((3, 12)))
    prepared = Temporal(background="own_mean").prepare(matrix)
    with pytest.raises(DataError, match="2 times for 3 images"):
        prepared.reconstruct_series(scan, times=np.array([0.0, 1.0]))
    made = prepared.reconstruct_series(scan, times=np.array([0.0, 1.0, 5.0]))
    assert made[0].provenance.parameters["times"] == [0, 1, 5]
    assert len({image.provenance.key for image in made}) == 3


@pytest.mark.parametrize("wrong", [{"smoothness": -1}, {"regularization": 0}, {"average": 0}])
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        Temporal(background="none", **wrong)
