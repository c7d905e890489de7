"""Reconstructed images in MDF files, and what their numbers mean."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.formats.mdf import MdfImages, images_of, map_of, read_images, write_images

GRID = Grid.centered((2, 3, 4), (0.001, 0.002, 0.003), (0.01, 0.02, 0.03))


@pytest.mark.parametrize("kind", [IronMap, SampleMap])
def test_images_come_back_with_what_their_numbers_mean(tmp_path, kind):
    rng = np.random.default_rng(3)
    maps = [kind(rng.standard_normal((2, 3, 4)), GRID, Provenance("test")) for _ in range(3)]
    write_images(tmp_path / "a.mdf", images_of(maps), HEADER, synthetic.acquisition())
    assert_strict(tmp_path / "a.mdf", extensions=1)
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["reconstruction/data"].shape == (3, 24, 1)
        # x fastest: the second voxel is (1, 0, 0)
        assert file["reconstruction/data"][1, 1, 0] == maps[1].values[1, 0, 0]
    found = read_images(tmp_path / "a.mdf")
    image = map_of(found, frame=2)
    assert type(image) is kind
    np.testing.assert_array_equal(image.values, maps[2].values)
    assert image.grid.is_same_as(GRID, tolerance=1e-12)
    with pytest.raises(DataError, match="frame 3, channel 0"):
        map_of(found, frame=3)


def test_numbers_of_unknown_meaning_are_no_iron(tmp_path):
    values = np.ones((1, 24, 2))
    positions = np.arange(72.0).reshape(24, 3)
    overscan = np.arange(24) % 2 == 0
    images = MdfImages(values, None, positions, is_overscan=overscan, is_simulated=True)
    write_images(tmp_path / "a.mdf", images, HEADER, synthetic.acquisition())
    assert_strict(tmp_path / "a.mdf")
    found = read_images(tmp_path / "a.mdf")
    np.testing.assert_array_equal(found.positions, positions)
    np.testing.assert_array_equal(found.is_overscan, overscan)
    assert found.is_simulated
    with pytest.raises(DataError, match="a signal is not iron"):
        map_of(found)
    with pytest.raises(DataError, match="by position, not on a grid"):
        map_of(replace(found, quantity="calibration samples"))


def test_a_large_reconstruction_comes_in_parts(tmp_path):
    rng = np.random.default_rng(3)
    grid = Grid.centered((40, 40, 40), (0.001,) * 3)
    images = MdfImages(rng.standard_normal((150, 64000, 1)).astype("f4"), grid)
    assert images.values.size * 8 > 64 << 20
    write_images(tmp_path / "a.mdf", images, HEADER, synthetic.acquisition())
    np.testing.assert_array_equal(read_images(tmp_path / "a.mdf").values, images.values)


def test_what_is_no_reconstruction_is_refused(tmp_path):
    with pytest.raises(DataError, match="/reconstruction/data is of shape"):
        read_images(handmade.write(tmp_path / "a.mdf"))
    with pytest.raises(DataError, match="24 voxels on a grid"):
        MdfImages(np.ones((1, 24, 1)), Grid.centered((2, 2, 2), (1.0,) * 3))
    with pytest.raises(DataError, match="a grid or positions"):
        MdfImages(np.ones((1, 24, 1)), None)
    with pytest.raises(DataError, match="no image"):
        images_of([])
