"""Files of several patches, each with its field."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.formats.mdf import (
    MdfLayout,
    read_patch_matrices,
    read_patches,
    read_scan,
    read_system_matrix,
    write_patch_matrices,
    write_patches,
    write_scan,
)
from written_mdf import patch, spectra_of


@pytest.mark.parametrize("domain", ["fourier", "time"])
@pytest.mark.parametrize("fast", [False, True])
def test_patches_come_back_each_with_its_field(tmp_path, domain, fast):
    scans = [patch(number) for number in range(3)]
    path = tmp_path / "a.mdf"
    write_patches(path, scans, HEADER, layout=MdfLayout(domain=domain, fast_frame_axis=fast))
    assert_strict(path)
    with h5py.File(path) as file:
        shape = file["measurement/data"].shape
        rows = 17 if domain == "fourier" else 32
        assert shape == ((3, 2, rows, 3) if fast else (3, 3, 2, rows))
        # J x Y x 3 x 3, J x Y x 3, J x D x F by the specification's table
        assert file["acquisition/gradient"].shape == (3, 1, 3, 3)
        assert file["acquisition/offsetField"].shape == (3, 1, 3)
        assert file["acquisition/drivefield/strength"].shape == (3, 1, 1)
        assert file["acquisition/numPeriodsPerFrame"][()] == 3
    found = read_patches(path)
    assert [scan.metadata["patch"] for scan in found] == ["0", "1", "2"]
    assert [scan.name for scan in found] == [f"a.mdf, patch {n}" for n in range(3)]
    for number, scan in enumerate(found):
        np.testing.assert_allclose(spectra_of(scan), spectra_of(scans[number]), atol=1e-12)
        ours, theirs = scan.acquisition, scans[number].acquisition
        np.testing.assert_array_equal(ours.gradient, theirs.gradient)
        np.testing.assert_array_equal(ours.offset_field, theirs.offset_field)
        np.testing.assert_array_equal(ours.drive_field.strength, theirs.drive_field.strength)
    with pytest.raises(DataError, match="read_patches reads a file of several patches"):
        read_scan(path)


def test_patches_of_a_calibration_come_back_each_with_its_snr(tmp_path):
    rng = np.random.default_rng(5)
    matrices = [
        synthetic.matrix(
            number,
            snr=rng.uniform(1, 9, (2, 17)),
            acquisition=synthetic.acquisition(offset_field=np.array([0, 0, number])),
        )
        for number in range(2)
    ]
    path = tmp_path / "a.mdf"
    layout = MdfLayout(fast_frame_axis=True, bins=(2, 3, 9))
    write_patch_matrices(path, matrices, HEADER, layout=layout)
    assert_strict(path)
    for found, expected in zip(read_patch_matrices(path), matrices, strict=True):
        bins = np.array([2, 3, 9])
        np.testing.assert_array_equal(spectra_of(found, bins), spectra_of(expected, bins))
        np.testing.assert_array_equal(found.snr[:, bins], expected.snr[:, bins])
        np.testing.assert_array_equal(
            found.acquisition.offset_field, expected.acquisition.offset_field
        )
    with pytest.raises(DataError, match="read_patch_matrices reads"):
        read_system_matrix(path)


def test_one_patch_is_what_read_scan_gives(tmp_path):
    scan = patch(1)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    (found,) = read_patches(tmp_path / "a.mdf")
    assert "patch" not in found.metadata
    assert found.name == "a.mdf"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"n_averages": 7}, "differ in n_averages", id="averages"),
        pytest.param({"unit": "A"}, "differ in unit", id="unit"),
        pytest.param(
            {"is_transfer_function_corrected": True}, "is_transfer_function_corrected", id="flag"
        ),
    ],
)
def test_patches_that_differ_in_more_than_their_field_are_refused(tmp_path, change, message):
    other = patch(1)
    other = replace(other, acquisition=replace(other.acquisition, **change))
    with pytest.raises(DataError, match=message):
        write_patches(tmp_path / "a.mdf", [patch(0), other], HEADER)
    assert list(tmp_path.iterdir()) == []


def test_patches_with_background_elsewhere_or_no_field_are_refused(tmp_path):
    moved = replace(patch(1), is_background=np.array([True, False, False]))
    with pytest.raises(DataError, match="background frames at different places"):
        write_patches(tmp_path / "a.mdf", [patch(0), moved], HEADER)
    bare = patch(1)
    bare = replace(bare, acquisition=replace(bare.acquisition, gradient=None))
    with pytest.raises(DataError, match="gradient has shapes"):
        write_patches(tmp_path / "a.mdf", [patch(0), bare], HEADER)
    with pytest.raises(DataError, match="no patch to write"):
        write_patches(tmp_path / "a.mdf", [], HEADER)


def test_spectra_of_several_patches_are_not_mixed(tmp_path):
    frames, channels = 2, 2
    values = np.arange(3 * frames * channels * 17).reshape(3, frames, channels, 17) * (1 + 0j)
    scans = [
        replace(patch(j), spectra=ArraySpectra(values[j]), is_background=np.zeros(2, bool))
        for j in range(3)
    ]
    write_patches(tmp_path / "a.mdf", scans, HEADER)
    for j, scan in enumerate(read_patches(tmp_path / "a.mdf")):
        np.testing.assert_array_equal(spectra_of(scan), values[j])
