import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction.kaczmarz import METHOD, Kaczmarz, arrange_rows, solve


def reference(matrix, signal, iterations, lam, *, constrain=True):
    """One row after the other, as the textbook writes it."""
    x = np.zeros(matrix.shape[1], dtype=complex)
    v = np.zeros(len(matrix), dtype=complex)
    for _ in range(iterations):
        for i, row in enumerate(matrix):
            if not row.any():
                continue
            residual = signal[i] - np.sum(row * x) - np.sqrt(lam) * v[i]
            alpha = residual / (np.sum(np.abs(row) ** 2) + lam)
            x = x + alpha * row.conj()
            v[i] += alpha * np.sqrt(lam)
        if constrain:
            x = np.maximum(x.real, 0).astype(complex)
    return x


def tikhonov(matrix, signal, lam):
    """Minimum of |S x - u|^2 + lambda |x|^2, directly."""
    normal = matrix.conj().T @ matrix + lam * np.eye(matrix.shape[1])
    return np.linalg.solve(normal, matrix.conj().T @ signal)


def problem(rows, voxels, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, voxels)) + 1j * rng.standard_normal((rows, voxels))
    signal = matrix @ rng.uniform(0, 1, voxels) + 0.3 * rng.standard_normal(rows)
    return matrix, signal.astype(complex)


@pytest.mark.parametrize("constrain", [True, False])
@pytest.mark.parametrize(
    ("rows", "voxels"),
    [
        pytest.param(1, 1, id="one-row"),
        pytest.param(7, 20, id="less-than-a-block"),
        pytest.param(32, 9, id="one-block"),
        pytest.param(75, 40, id="last-block-is-short"),
    ],
)
@pytest.mark.parametrize("lam", [0.0, 3.7])
def test_iterates_are_those_of_single_row_steps(rows, voxels, lam, constrain):
    matrix, signal = problem(rows, voxels)
    expected = reference(matrix, signal, 4, lam, constrain=constrain)
    found = solve(
        arrange_rows(matrix, lam), signal, iterations=4, real=constrain, non_negative=constrain
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_rows_of_zeros_change_nothing():
    matrix, signal = problem(10, 6)
    with_zeros = np.insert(matrix, [0, 4, 10], 0, axis=0)
    longer = np.insert(signal, [0, 4, 10], 99.0)
    np.testing.assert_allclose(
        solve(arrange_rows(with_zeros, 0.5), longer, iterations=3),
        reference(matrix, signal, 3, 0.5),
        atol=1e-12,
    )


@pytest.mark.parametrize("regularization", [0.0, 0.5])
def test_rows_whose_squares_are_zero_change_nothing(regularization):
    rng = np.random.default_rng(4)
    matrix = rng.standard_normal((6, 4)) + 1j * rng.standard_normal((6, 4))
    signal = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    with_tiny = np.insert(matrix, [0, 3, 6], 1e-170, axis=0)
    longer = np.insert(signal, [0, 3, 6], 1.0)
    expected = solve(arrange_rows(matrix, regularization), signal, iterations=3)
    found = solve(arrange_rows(with_tiny, regularization), longer, iterations=3)
    assert np.array_equal(found, expected)


def test_a_matrix_of_zeros_is_refused():
    with pytest.raises(DataError, match="all 3 selected rows"):
        arrange_rows(np.zeros((3, 4), dtype=complex), 1.0)


def test_projection_follows_each_sweep_and_not_each_row():
    matrix = np.array([[1.0, 0], [1.0, 1.0]], dtype=complex)
    signal = np.array([-1.0, 1.0], dtype=complex)
    # rows: x = (-1, 0), then + (1, 1) * (1 - (-1)) / 2 = (0, 1); projecting each row gives (.5, .5)
    found = solve(arrange_rows(matrix, 0.0), signal, iterations=1)
    np.testing.assert_allclose(found, [0, 1], atol=1e-15)


def test_image_is_real_and_not_negative():
    matrix, signal = problem(30, 12)
    found = solve(arrange_rows(matrix, 0.1), signal - 20, iterations=5)
    assert not found.imag.any()
    assert found.real.min() == 0


def rows_of(shared, run, position=None):
    calibration = head_scanner.line_matrix(shared, run)
    rows = calibration.spectra.read(0, np.array(head_scanner.HARMONICS))
    return (rows[:9] - rows[9]).T if position is None else rows[position] - rows[9]


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        # two digits as the shared reference gives them, computed elsewhere
        pytest.param(0.1, 2.0e-6, id="lambda-0.1"),
        pytest.param(0.01, 1.5e-3, id="lambda-0.01"),
        pytest.param(0.001, 1.1e-2, id="lambda-0.001"),
    ],
)
def test_without_projection_it_nears_direct_tikhonov_on_real_data(shared, relative, expected):
    matrix, signal = rows_of(shared, "A"), rows_of(shared, "B", 4)
    lam = relative * np.sum(np.abs(matrix) ** 2) / 9
    exact = tikhonov(matrix, signal, lam)
    rows = arrange_rows(matrix, lam)
    errors = [
        np.linalg.norm(
            solve(rows, signal, iterations=sweeps, real=False, non_negative=False) - exact
        )
        / np.linalg.norm(exact)
        for sweeps in (10, 100)
    ]
    assert errors[0] == pytest.approx(expected, rel=0.03)
    assert errors[1] < 1e-6


SETTINGS = Kaczmarz(
    background="own_mean", iterations=20, regularization=1e-3, bins=head_scanner.HARMONICS
)


@pytest.mark.parametrize(
    ("run", "line", "hits"),
    [
        pytest.param("B", 1, 9, id="repeat-on-the-centre-line"),
        pytest.param("A", 0, 8, id="neighbouring-line-below"),
        pytest.param("A", 2, 9, id="neighbouring-line-above"),
    ],
)
def test_maximum_lies_at_the_samples_true_place(shared, run, line, hits):
    prepared = SETTINGS.prepare(head_scanner.line_matrix(shared, "A"))
    found = [
        prepared.reconstruct_relative(head_scanner.line_scan(shared, run, line, p)).values
        for p in range(9)
    ]
    assert sum(int(np.argmax(image)) == p for p, image in enumerate(found)) == hits


def test_the_summed_image_is_no_amount(shared):
    prepared = SETTINGS.prepare(head_scanner.line_matrix(shared, "A"))
    sums = [
        prepared.reconstruct_relative(head_scanner.line_scan(shared, "B", 1, p)).values.sum()
        for p in range(9)
    ]
    # one sample at nine places: the shared reference found 0.79 to 1.32
    assert 0.78 < min(sums) < 0.80
    assert 1.31 < max(sums) < 1.33


@pytest.mark.parametrize(
    ("background", "changes", "expected"),
    [
        # summed signal of x = 156 mm by background, from the shared reference (lambda 1e-2, 100)
        pytest.param("own_mean", {}, 1.203, id="own-row"),
        pytest.param("own_mean", {"background_line": 0}, 1.145, id="row-before"),
        pytest.param("own_mean", {"background_line": 2}, 1.204, id="row-after"),
        pytest.param("own_mean", {"background_run": "A"}, 1.182, id="other-session"),
        pytest.param("none", {}, 1.329, id="none"),
    ],
)
def test_the_choice_of_background_moves_the_sum(shared, background, changes, expected):
    settings = Kaczmarz(
        background=background, iterations=100, regularization=1e-2, bins=head_scanner.HARMONICS
    )
    scan = head_scanner.line_scan(shared, "B", 1, 4, **changes)
    prepared = settings.prepare(head_scanner.line_matrix(shared, "A"))
    assert prepared.reconstruct_relative(scan).values.sum() == pytest.approx(expected, abs=6e-4)


def known_scan(matrix, amounts, **changes):
    """Return the scan of known amounts per voxel over the calibration's own background."""
    rows = matrix.spectra.values
    empty = rows[matrix.is_background].mean(axis=0)
    signal = np.tensordot(amounts, rows[~matrix.is_background] - empty, axes=1)
    return synthetic.scan([signal + empty, empty], [False, True], **changes)


def test_relative_lambda_is_scaled_by_energy_per_voxel():
    matrix = synthetic.matrix()
    prepared = Kaczmarz(background="own_mean", regularization=0.25).prepare(matrix)
    rows = matrix.spectra.values
    corrected = rows[:12] - rows[12:].mean(axis=0)
    assert prepared.parameters()["lambda_absolute"] == pytest.approx(
        0.25 * np.sum(np.abs(corrected) ** 2) / 12
    )


def test_voxels_are_x_fastest_and_iron_is_amount_over_volume():
    matrix = synthetic.matrix(sample_iron=5e-9)
    amounts = np.zeros((3, 2, 2))
    amounts[2, 0, 1], amounts[0, 1, 0] = 3.0, 1.0
    scan = known_scan(matrix, amounts.ravel(order="F"))
    prepared = Kaczmarz(background="own_mean", iterations=3000, regularization=0).prepare(matrix)
    np.testing.assert_allclose(prepared.reconstruct_relative(scan).values, amounts, atol=1e-6)
    volume = 0.002 * 0.003 * 0.004
    iron = prepared.reconstruct(scan)
    np.testing.assert_allclose(iron.values, amounts * 5e-9 / volume, atol=1e-6 * 5e-9 / volume)
    assert iron.grid is matrix.grid


def test_frames_are_averaged():
    matrix = synthetic.matrix()
    one, two = (known_scan(matrix, np.full(12, a)).spectra.values for a in (1.0, 2.0))
    both = synthetic.scan([one[0], two[0], one[1]], [False, False, True])
    mean = synthetic.scan([(one[0] + two[0]) / 2, one[1]], [False, True])
    prepared = Kaczmarz(background="own_mean").prepare(matrix)
    np.testing.assert_allclose(
        prepared.reconstruct_relative(both).values,
        prepared.reconstruct_relative(mean).values,
        rtol=1e-12,
    )


def test_iron_needs_a_calibration_that_states_it():
    matrix = synthetic.matrix()
    prepared = Kaczmarz(background="own_mean").prepare(matrix)
    with pytest.raises(DataError, match="does not state its sample's iron"):
        prepared.reconstruct(known_scan(matrix, np.ones(12)))


def test_a_calibration_without_background_is_not_used_silently():
    matrix = synthetic.matrix(background=())
    with pytest.raises(DataError, match="state matrix_background 'none'"):
        Kaczmarz(background="none").prepare(matrix)
    stated = Kaczmarz(background="none", matrix_background="none").prepare(matrix)
    assert stated.parameters()["matrix_background"] == "none"
    corrected = synthetic.matrix(background=(), is_background_corrected=True)
    assert (
        Kaczmarz(background="none").prepare(corrected).parameters()["matrix_background"] == "none"
    )


def test_a_scan_of_empty_frames_only_is_refused():
    matrix = synthetic.matrix()
    scan = synthetic.scan(matrix.spectra.values[:2], [True, True])
    with pytest.raises(DataError, match="every frame is a background frame"):
        Kaczmarz(background="none").prepare(matrix).reconstruct_relative(scan)


def test_a_scan_of_another_scanner_is_refused():
    matrix = synthetic.matrix()
    scan = known_scan(matrix, np.ones(12), acquisition=synthetic.acquisition(unit="counts"))
    with pytest.raises(DataError, match="unit: matrix 'V', scan 'counts'"):
        Kaczmarz(background="own_mean").prepare(matrix).reconstruct_relative(scan)


def test_provenance_names_inputs_and_every_parameter():
    matrix = synthetic.matrix(sample_iron=1e-9)
    settings = Kaczmarz(background="external_mean", min_frequency=1e5)
    empty = synthetic.scan(matrix.spectra.values[:1], [True], source="empty-0")
    scan = known_scan(matrix, np.ones(12))
    made = settings.prepare(matrix).reconstruct(scan, empty=[empty]).provenance
    assert made.inputs == ("matrix-0", "scan-0", "empty-0")
    assert made.parameters["background"] == "external_mean"
    assert made.parameters["matrix_background"] == "own_mean"
    assert made.parameters["sample_iron_kg"] == 1e-9
    assert set(Kaczmarz.model_fields) < set(made.parameters)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({}, id="background-has-no-default"),
        pytest.param({"background": "guess"}, id="unknown-background"),
        pytest.param({"background": "none", "iterations": 0}, id="no-sweep"),
        pytest.param({"background": "none", "regularization": -1e-9}, id="negative-lambda"),
        pytest.param({"background": "none", "iteration": 3}, id="misspelt"),
    ],
)
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        Kaczmarz(**wrong)


def test_method_is_the_settings_class():
    assert METHOD is Kaczmarz
