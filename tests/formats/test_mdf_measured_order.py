"""A calibration remembers the order in which its frames were measured."""

import h5py
import numpy as np
import pytest

import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.formats.mdf import check_mdf, read_system_matrix, write_system_matrix

AT = np.array([1, 2, 4, 3, 0, 5])
"""Empty, voxels 0, 1, 3, 2, empty; kept as voxels 0 to 3 and the empty ones last."""


@pytest.mark.parametrize("is_known", [True, False])
def test_what_was_written_is_read_in_its_order(tmp_path, is_known):
    matrix = synthetic.matrix(shape=(2, 2, 1), measured_at=AT if is_known else None)
    path = tmp_path / "a.mdf"
    write_system_matrix(path, matrix, HEADER)
    assert check_mdf(path) == ()
    found = read_system_matrix(path)
    bins = np.arange(17)
    np.testing.assert_array_equal(found.spectra.read(1, bins), matrix.spectra.read(1, bins))
    assert found.is_background.tolist() == matrix.is_background.tolist()
    if is_known:
        assert found.measured_at.tolist() == AT.tolist()
    else:
        assert found.measured_at is None


def test_the_file_names_the_original_frame_counted_from_one(tmp_path):
    """MDF 2.1: framePermutation holds the original frame number of each stored frame."""
    path = tmp_path / "a.mdf"
    write_system_matrix(path, synthetic.matrix(shape=(2, 2, 1), measured_at=AT), HEADER)
    with h5py.File(path) as file:
        assert file["/measurement/isFramePermutation"][()] == 1
        assert file["/measurement/framePermutation"][()].tolist() == [2, 3, 5, 4, 1, 6]
