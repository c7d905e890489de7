import numpy as np
import pytest

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._operators import stack_parts
from sojourn.reconstruction.tikhonov import METHOD, Tikhonov, decompose, factorize


def problem(rows, voxels, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))
    return matrix, rng.standard_normal(rows) + 1j * rng.standard_normal(rows)


@pytest.mark.parametrize(
    ("rows", "voxels"),
    [
        pytest.param(6, 30, id="fewer-rows-than-voxels"),
        pytest.param(6, 12, id="square-once-stacked"),
        pytest.param(40, 9, id="more-rows-than-voxels"),
        pytest.param(1, 1, id="one-of-each"),
    ],
)
@pytest.mark.parametrize("lam", [1e-3, 2.0])
def test_it_is_the_least_squares_solution_of_the_stacked_system(rows, voxels, lam):
    matrix, signal = problem(rows, voxels)
    expected = problems.optimum(matrix, signal, lam)
    np.testing.assert_allclose(factorize(matrix, lam)(signal), expected, rtol=1e-9, atol=1e-10)
    one_for_all = decompose(matrix)
    np.testing.assert_allclose(one_for_all.tikhonov(signal, lam), expected, rtol=1e-9, atol=1e-10)


def test_one_voxel_by_hand():
    # A = (3, 4)^T, b = (3, 4)^T: x = 25 / (25 + lambda)
    matrix, signal = np.array([[3 + 4j]]), np.array([3 + 4j])
    np.testing.assert_allclose(factorize(matrix, 25.0)(signal), [0.5], rtol=1e-14)


@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3, 1e-4])
def test_real_head_scanner_matrix(shared, relative):
    matrix, signal = problems.head_scanner_problem(shared)
    lam = problems.damping(matrix, relative)
    expected = problems.optimum(matrix, signal, lam)
    assert problems.relative_error(factorize(matrix, lam)(signal), expected) < 1e-11
    assert problems.relative_error(decompose(matrix).tikhonov(signal, lam), expected) < 1e-12


def test_real_voxels_are_not_the_real_part_of_complex_ones():
    matrix, signal = problem(5, 20)
    complex_voxels = np.linalg.solve(
        matrix.conj().T @ matrix + 0.5 * np.eye(20), matrix.conj().T @ signal
    )
    assert problems.relative_error(factorize(matrix, 0.5)(signal), complex_voxels.real) > 0.1


def test_the_image_is_linear_in_the_signal():
    matrix, signal = problem(8, 20)
    other = problem(8, 20, seed=1)[1]
    apply = factorize(matrix, 0.7)
    np.testing.assert_allclose(
        apply(2 * signal - other), 2 * apply(signal) - apply(other), atol=1e-12
    )


@pytest.mark.parametrize("shape", [(5, 30), (30, 5)])
def test_the_resolvent_inverts_the_shifted_normal_matrix(shape):
    matrix, _ = problem(*shape)
    stacked = stack_parts(matrix)
    x = np.random.default_rng(3).standard_normal(shape[1])
    shifted = (stacked.T @ stacked + 0.2 * np.eye(shape[1])) @ x
    np.testing.assert_allclose(decompose(matrix).resolvent(shifted, 0.2), x, rtol=1e-9, atol=1e-9)


def test_without_lambda_a_full_rank_problem_is_solved_and_another_refused():
    matrix, _ = problem(40, 9)
    truth = np.arange(9.0)
    np.testing.assert_allclose(factorize(matrix, 0.0)(matrix @ truth), truth, atol=1e-10)
    matrix[:, 3] = matrix[:, 4]
    with pytest.raises(DataError, match="leaves 9 voxels undetermined by 40 rows"):
        factorize(matrix, 0.0)


def test_relative_lambda_is_scaled_by_energy_per_voxel(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    settings = Tikhonov(background="own_mean", regularization=0.5, bins=head_scanner.HARMONICS)
    columns, _ = problems.head_scanner_problem(shared)
    expected = problems.damping(columns, 0.5)
    assert settings.prepare(matrix).parameters()["lambda_absolute"] == pytest.approx(expected)


def test_the_image_of_a_scan_is_that_of_its_signal(shared):
    columns, signal = problems.head_scanner_problem(shared)
    settings = Tikhonov(background="own_mean", regularization=1e-2, bins=head_scanner.HARMONICS)
    image = settings.prepare(head_scanner.line_matrix(shared, "A")).reconstruct_relative(
        head_scanner.line_scan(shared, "B", 1, 4)
    )
    expected = problems.optimum(columns, signal, problems.damping(columns, 1e-2))
    np.testing.assert_allclose(image.values.ravel(order="F"), expected, rtol=1e-9)


def test_a_singular_calibration_is_refused_when_it_is_prepared():
    spectra = synthetic.matrix().spectra.values.copy()
    spectra[1] = spectra[0]
    matrix = synthetic.matrix(spectra=type(synthetic.matrix().spectra)(spectra))
    with pytest.raises(DataError, match="use a regularization above 0"):
        Tikhonov(background="own_mean", regularization=0).prepare(matrix)


def test_method_is_the_settings_class():
    assert METHOD is Tikhonov
