import dataclasses
import json

import numpy as np
import pytest

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra
from sojourn.formats.nifti import write_image
from sojourn.study.comparing import compare_files, compare_images, compare_matrices, compare_scans
from sojourn.study.reconstructing import parameters_path


def scaled(matrix, factor):
    return dataclasses.replace(matrix, spectra=ArraySpectra(matrix.spectra.values * factor))


def test_a_common_complex_factor_is_found_and_taken_off():
    matrix = synthetic.matrix()
    found = compare_matrices(matrix, scaled(matrix, 1.5j)).numbers
    assert found["relative difference"] == pytest.approx(abs(1.5j - 1))
    assert found["best factor, magnitude"] == pytest.approx(1.5)
    assert found["best factor, phase in degrees"] == pytest.approx(90)
    assert found["difference after the best factor"] == pytest.approx(0, abs=1e-7)


def test_equal_calibrations_do_not_differ():
    compared = compare_matrices(synthetic.matrix(), synthetic.matrix())
    assert compared.numbers["relative difference"] == 0
    assert compared.settings == ()


def test_what_was_set_otherwise_is_named():
    matrix = synthetic.matrix()
    drive = dataclasses.replace(matrix.acquisition.drive_field, strength=np.array([[0.02]]))
    taken = dataclasses.replace(matrix.acquisition, drive_field=drive)
    compared = compare_matrices(matrix, dataclasses.replace(matrix, acquisition=taken))
    assert compared.settings == ("drive field: A [[0.01]] T, B [[0.02]] T",)


@pytest.mark.parametrize("what", ["transfer_function", "spectral_leakage"])
def test_a_correction_of_one_file_alone_is_named(what):
    matrix = synthetic.matrix()
    taken = dataclasses.replace(matrix.acquisition, **{f"is_{what}_corrected": True})
    compared = compare_matrices(matrix, dataclasses.replace(matrix, acquisition=taken))
    assert compared.settings == (f"{what.replace('_', ' ')} corrected: A False, B True",)


def image(path, unit, description=""):
    write_image(
        path, np.ones((2, 1, 1)), Grid.centered((2, 1, 1), (1e-3,) * 3), description=description
    )
    if unit:
        parameters_path(path).write_text(json.dumps({"unit": unit}), encoding="utf-8")
    return path


def test_images_of_two_units_and_of_two_kinds_are_told_apart(tmp_path):
    iron = image(tmp_path / "a.nii", "kg/m^3 iron", "SIMULATED sojourn kaczmarz")
    samples = image(tmp_path / "b.nii", "calibration samples per voxel")
    assert compare_files(iron, samples).settings == (
        "unit: A kg/m^3 iron, B calibration samples per voxel",
        "SIMULATED: A True, B False",
    )
    assert compare_files(iron, iron).settings == ()


def test_calibrations_on_other_grids_are_refused():
    with pytest.raises(DataError, match="different grids"):
        compare_matrices(synthetic.matrix(), synthetic.matrix(shape=(2, 2, 3)))


def test_the_two_runs_of_the_head_scanner_differ_by_two_percent(shared):
    """SOURCES.md: each row's own background, harmonics 2 to 10, y = -11.2 mm: 1.96 %."""
    matrices = []
    for run in "AB":
        counts = head_scanner.counts(shared, run)
        line = counts[1, 1:] - counts[1, 0]
        spectra = np.fft.rfft(line, axis=1)[:, None, :]
        keep = np.zeros(spectra.shape[2])
        keep[2:11] = 1
        whole = head_scanner.line_matrix(shared, run)
        matrices.append(
            dataclasses.replace(
                whole,
                spectra=ArraySpectra(spectra * keep),
                is_background=np.zeros(9, dtype=bool),
            )
        )
    found = compare_matrices(*matrices).numbers["relative difference"]
    assert found == pytest.approx(0.0196, abs=5e-5)


def test_the_mean_of_the_frames_is_compared_after_the_background():
    rng = np.random.default_rng(1)
    signal, empty = synthetic.random_spectra(rng, 2, synthetic.acquisition())
    one = synthetic.scan([signal + empty, empty], [False, True])
    other = synthetic.scan([2 * signal + 5 * empty, 5 * empty], [False, True])
    found = compare_scans(one, other).numbers
    assert found["best factor, magnitude"] == pytest.approx(2)
    assert found["relative difference"] == pytest.approx(1)


def test_a_scan_of_the_empty_bore_alone_is_refused():
    empty = synthetic.scan(np.ones((2, 2, 17)), [True, True])
    with pytest.raises(DataError, match="every frame is a background frame"):
        compare_scans(empty, empty)


def test_images_differ_by_peak_and_place():
    grid = Grid.centered((4, 3, 2), (2e-3, 3e-3, 4e-3))
    one, other = np.zeros((4, 3, 2)), np.zeros((4, 3, 2))
    one[1, 1, 0], other[2, 1, 0] = 2.0, 1.0
    found = compare_images((one, grid), (other, grid), ("a", "b")).numbers
    assert found["relative difference"] == pytest.approx(np.sqrt(5) / 2)
    assert found["largest difference"] == 2.0
    assert found["peak, B / A"] == 0.5
    assert found["distance of peaks, mm"] == pytest.approx(2.0)


def test_a_constant_image_has_no_correlation():
    grid = Grid.centered((2, 2, 2), (1e-3,) * 3)
    flat = np.zeros((2, 2, 2))
    found = compare_images((flat, grid), (flat, grid), ("a", "b")).numbers
    assert found["correlation"] is None
    assert found["relative difference"] is None


def test_images_on_other_grids_are_refused():
    a = (np.zeros((2, 2, 2)), Grid.centered((2, 2, 2), (1e-3,) * 3))
    b = (np.zeros((2, 2, 2)), Grid.centered((2, 2, 2), (2e-3,) * 3))
    with pytest.raises(DataError, match="different grids"):
        compare_images(a, b, ("a", "b"))
