"""Gradients, offset fields and waveforms: sub-intervals, and the forms of older versions."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.formats.mdf import read_patches, read_scan, write_scan


def test_sub_intervals_are_kept_and_never_made_one(tmp_path):
    rng = np.random.default_rng(0)
    gradients, offsets = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3))
    taken = synthetic.acquisition(gradient_steps=gradients, offset_steps=offsets)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["acquisition/gradient"].shape == (1, 4, 3, 3)
        assert file["acquisition/offsetField"].shape == (1, 4, 3)
    found = read_scan(tmp_path / "a.mdf")
    assert found.acquisition.gradient is None
    assert found.acquisition.offset_field is None
    np.testing.assert_array_equal(found.acquisition.gradient_steps, gradients)
    np.testing.assert_array_equal(found.acquisition.offset_steps, offsets)
    assert "changes in 4 sub-intervals" in found.metadata["notes"]
    both = replace(taken, gradient=np.eye(3))
    with pytest.raises(DataError, match="both gradient and gradient_steps"):
        write_scan(tmp_path / "b.mdf", replace(scan, acquisition=both), HEADER)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # version 2.0 gives the diagonal; axes of length one may be missing
        pytest.param([1.0, 2, -3], np.diag([1.0, 2, -3]), id="three"),
        pytest.param([[1.0, 2, -3]], np.diag([1.0, 2, -3]), id="one-by-three"),
        pytest.param(np.arange(9.0).reshape(3, 3), np.arange(9.0).reshape(3, 3), id="matrix"),
        pytest.param(np.ones((1, 3, 3)), np.ones((3, 3)), id="periods"),
    ],
)
def test_older_gradients_are_read(tmp_path, value, expected):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/gradient": np.array(value)})
    np.testing.assert_array_equal(read_scan(path).acquisition.gradient, expected)


def test_three_rows_of_three_for_three_patches_are_ambiguous_but_in_version_2_0(tmp_path):
    data = np.repeat(handmade.signals()[:, None], 3, axis=1)
    changes = {
        "/acquisition/numPeriodsPerFrame": 3,
        "/acquisition/gradient": np.arange(9.0).reshape(3, 3),
        "/measurement/data": data,
    }
    path = handmade.write(tmp_path / "a.mdf", changes)
    with pytest.raises(DataError, match=r"gradient is of shape \(3, 3\)"):
        read_patches(path)
    path = handmade.write(tmp_path / "b.mdf", {**changes, "/version": "2.0"})
    second = read_patches(path)[1]
    np.testing.assert_array_equal(second.acquisition.gradient, np.diag([3.0, 4, 5]))


@pytest.mark.parametrize(
    "gradient",
    [
        pytest.param(np.diag([1.0, 2, -3])[None, None], id="2.1"),
        pytest.param(np.diag([1.0, 2, -3])[None], id="without-sub-intervals"),
        pytest.param(np.array([1.0, 2, -3]), id="diagonal"),
    ],
)
def test_gradient_forms(tmp_path, gradient):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/gradient": gradient})
    np.testing.assert_array_equal(read_scan(path).acquisition.gradient, np.diag([1.0, 2, -3]))


def test_no_gradient_is_assumed(tmp_path):
    scan = read_scan(handmade.write(tmp_path / "a.mdf"))
    assert scan.acquisition.gradient is None
    assert "states no gradient" in scan.metadata["notes"]


def test_several_waveforms_come_back(tmp_path):
    drive = replace(
        synthetic.acquisition().drive_field,
        divider=np.array([[32, 16]]),
        strength=np.array([[0.01, 0.02]]),
        phase=np.array([[0.5, 0.1]]),
        waveform="sine,triangle",
    )
    taken = synthetic.acquisition(drive_field=drive)
    spectra = synthetic.random_spectra(np.random.default_rng(0), 1, taken)
    scan = synthetic.scan(spectra, [False], acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    assert read_scan(tmp_path / "a.mdf").acquisition.drive_field.waveform == "sine,triangle"
    wrong = replace(taken, drive_field=replace(drive, waveform="sine,sine,sine"))
    with pytest.raises(DataError, match="names 3; expected one, or 2"):
        write_scan(tmp_path / "a.mdf", replace(scan, acquisition=wrong), HEADER)
