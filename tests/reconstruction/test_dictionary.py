import numpy as np
import pytest
from scipy.optimize import nnls

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._dictionary import learn_dictionary
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction.kaczmarz import Kaczmarz


def complex_normal(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def problem(*, rows=12, voxels=5, frames=6, size=2, penalty=0.1, seed=0):
    rng = np.random.default_rng(seed)
    matrix = complex_normal(rng, rows, voxels)
    empty = complex_normal(rng, frames, rows) + 5 * complex_normal(rng, 1, rows)
    signal = matrix @ rng.uniform(0, 1, voxels) + empty[0] + 0.1 * complex_normal(rng, rows)
    return matrix, learn_dictionary(empty, size=size, penalty=penalty, name="m"), empty, signal


def stacked(values):
    return np.concatenate([values.real, values.imag])


def joint_design(matrix, dictionary, lam):
    """The joint problem as MPIReco.jl writes it: columns over the roots of lambda and beta.

    Real voxels, complex background coefficients as two real columns each.
    """
    columns = dictionary.shapes * dictionary.sizes / np.sqrt(dictionary.penalty)
    return np.hstack([stacked(matrix) / np.sqrt(lam), stacked(columns), stacked(1j * columns)])


def test_shapes_are_singular_vectors_scaled_by_roots_of_singular_values():
    _, dictionary, empty, _ = problem(size=3)
    left, values, _ = np.linalg.svd(empty.T)
    expected = left[:, :3] * np.sqrt(values[:3] / values[0])
    found = dictionary.shapes * dictionary.sizes
    # a singular vector is known up to its phase
    np.testing.assert_allclose(
        np.abs(found.conj().T @ expected), np.diag(dictionary.sizes**2), atol=1e-12
    )
    assert dictionary.sizes[0] == 1


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("lam", [0.05, 3.0])
def test_projected_rows_give_the_joint_minimum(penalty, lam):
    matrix, dictionary, _, signal = problem(penalty=penalty)
    design = joint_design(matrix, dictionary, lam)
    joint = np.linalg.solve(design.T @ design + np.eye(design.shape[1]), design.T @ stacked(signal))
    projected = stacked(dictionary.apply(matrix.T).T)
    right = stacked(dictionary.apply(signal[None])[0])
    alone = np.linalg.solve(projected.T @ projected + lam * np.eye(5), projected.T @ right)
    np.testing.assert_allclose(alone, joint[:5] / np.sqrt(lam), rtol=1e-10)
    residual = dictionary.apply((signal - matrix @ alone)[None])[0]
    coefficients = (joint[5:7] + 1j * joint[7:]) / np.sqrt(penalty)
    np.testing.assert_allclose(dictionary.coefficients(residual), coefficients, rtol=1e-9)


def test_projected_rows_give_the_joint_minimum_of_non_negative_voxels():
    matrix, dictionary, _, signal = problem(seed=4)
    signal = signal - matrix[:, 0] * 3
    lam = 0.5
    design = joint_design(matrix, dictionary, lam)
    extra = np.eye(design.shape[1])
    # non-negative least squares with free coefficients: each as the difference of two
    free = np.hstack([np.vstack([design, extra]), -np.vstack([design, extra])[:, 5:]])
    right = np.concatenate([stacked(signal), np.zeros(len(extra))])
    joint = nnls(free, right)[0][:5] / np.sqrt(lam)
    projected = stacked(dictionary.apply(matrix.T).T)
    tall = np.vstack([projected, np.sqrt(lam) * np.eye(5)])
    right = np.concatenate([stacked(dictionary.apply(signal[None])[0]), np.zeros(5)])
    alone = nnls(tall, right)[0]
    assert alone.min() == 0
    np.testing.assert_allclose(alone, joint, atol=1e-9)


def test_the_objective_is_the_joint_one_at_any_image():
    matrix, dictionary, _, signal = problem()
    columns = dictionary.shapes * dictionary.sizes
    for x in np.random.default_rng(1).uniform(-1, 2, (5, 5)):
        residual = signal - matrix @ x
        best = np.linalg.solve(
            columns.conj().T @ columns + 0.1 * np.eye(2), columns.conj().T @ residual
        )
        joint = np.sum(np.abs(residual - columns @ best) ** 2) + 0.1 * np.sum(np.abs(best) ** 2)
        projected = dictionary.apply(residual[None])
        assert np.sum(np.abs(projected) ** 2) == pytest.approx(joint, rel=1e-12)


def test_a_heavy_penalty_estimates_no_background_and_a_light_one_ignores_its_shapes():
    matrix, heavy, _, signal = problem(penalty=1e12)
    np.testing.assert_allclose(heavy.apply(signal[None])[0], signal, rtol=1e-9)
    light = problem(penalty=1e-12)[1]
    assert np.abs(light.shapes.conj().T @ light.apply(matrix.T).T).max() < 1e-5


def test_energy_is_that_of_the_rows_before_projection():
    matrix, dictionary, _, _ = problem()
    projected = dictionary.apply(matrix.T).T
    assert dictionary.energy(projected) == pytest.approx(np.sum(np.abs(matrix) ** 2), rel=1e-12)


@pytest.mark.parametrize(
    ("empty", "size", "message"),
    [
        pytest.param(np.zeros((0, 4)), 1, "the calibration has none", id="no-frames"),
        pytest.param(np.ones((3, 4)), 2, "the calibration holds 1", id="equal-frames"),
    ],
)
def test_more_shapes_than_frames_are_refused(empty, size, message):
    with pytest.raises(DataError, match=message):
        learn_dictionary(empty.astype(complex), size=size, penalty=0.1, name="m")


# ---- through the rows of every method


def test_neither_lambda_nor_the_number_of_rows_changes_with_a_dictionary():
    matrix = synthetic.matrix(background=(True,) * 5)
    plain, joint = (
        prepare_rows(RowSettings(background="none", dictionary_size=n), matrix) for n in (0, 2)
    )
    assert joint.lambda_absolute(0.3) == pytest.approx(plain.lambda_absolute(0.3), rel=1e-12)
    assert joint.columns.shape == plain.columns.shape
    assert np.vdot(joint.columns, joint.columns).real < 0.999 * plain.energy


def test_shapes_lose_their_mean_where_a_mean_is_subtracted_anyway():
    matrix = synthetic.matrix(background=(True,) * 5)
    empty = matrix.spectra.values[12:].reshape(5, -1)
    for background, frames in (("none", empty), ("own_mean", empty - empty.mean(axis=0))):
        settings = RowSettings(background=background, dictionary_size=2)
        found = prepare_rows(settings, matrix).dictionary
        expected = learn_dictionary(frames, size=2, penalty=0.1, name="m")
        np.testing.assert_allclose(found.sizes, expected.sizes, rtol=1e-10)
        np.testing.assert_allclose(
            found.shapes @ found.shapes.conj().T,
            expected.shapes @ expected.shapes.conj().T,
            atol=1e-10,
        )


def test_shapes_are_learned_from_weighted_rows():
    matrix = synthetic.matrix(background=(True,) * 5)
    settings = RowSettings(background="none", dictionary_size=2, weighting="whitening")
    prepared = prepare_rows(settings, matrix)
    frames = matrix.spectra.values[12:].reshape(5, -1) * prepared.weights
    expected = learn_dictionary(frames, size=2, penalty=0.1, name="m")
    np.testing.assert_allclose(prepared.dictionary.sizes, expected.sizes, rtol=1e-12)


def test_a_background_like_the_dictionary_is_taken_for_background():
    """SIMULATED: a drifting background of one shape, no background frames in the scan."""
    rng = np.random.default_rng(99)
    matrix = synthetic.matrix(background=(True,) * 4)
    values = np.array(matrix.spectra.values)
    shape = synthetic.random_spectra(rng, 1, matrix.acquisition)[0] * 40
    values[:12] += shape
    values[12:] = shape * np.array([0.9, 1.0, 1.05, 1.05])[:, None, None]
    matrix = synthetic.matrix(
        background=(True,) * 4, spectra=type(matrix.spectra)(values), source="drifting"
    )
    truth = rng.uniform(0.5, 1, 12)
    signal = np.tensordot(truth, values[:12] - shape, axes=1)
    scan = synthetic.scan([signal + 1.2 * shape], [False])
    common = {"background": "none", "iterations": 2000, "regularization": 1e-6}
    joint, none = (
        Kaczmarz(dictionary_size=n, dictionary_penalty=1e-8, **common)
        .prepare(matrix)
        .reconstruct_relative(scan)
        .values.ravel(order="F")
        for n in (1, 0)
    )
    assert np.abs(joint - truth).max() < 0.05
    assert np.abs(none - truth).max() > 0.5


def test_a_dictionary_finds_every_place_of_the_other_run(shared):
    settings = Kaczmarz(
        background="none",
        dictionary_size=2,
        iterations=100,
        regularization=1e-2,
        bins=head_scanner.HARMONICS,
    )
    prepared = settings.prepare(head_scanner.line_matrix(shared, "A", empty_lines=(0, 1, 2)))
    images = [
        prepared.reconstruct_relative(head_scanner.line_scan(shared, "B", 1, p)).values
        for p in range(9)
    ]
    assert [int(np.argmax(image)) for image in images] == list(range(9))
    # without the scan's own empty row the middle comes nearer to its 1.203 than the raw 1.29
    assert images[4].sum() == pytest.approx(1.162, abs=2e-3)
