import numpy as np
import pytest

from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance
from sojourn.study.panels import UPSAMPLING, finer, make_panel, sample_region

GRID = Grid.centered((3, 4, 5), (10e-3, 10e-3, 10e-3), (0.01, -0.02, 0.0))


def ball(radius):
    grid = Grid.centered((40, 40, 40), (2e-3, 2e-3, 2e-3))
    inside = np.linalg.norm(grid.centers(), axis=1) < radius
    labels = inside.reshape(grid.shape, order="F").astype(np.int32)
    return Mask(labels, grid, {1: "joint_cavity"}, Provenance("test"))


def test_finer_grid_covers_the_same_space():
    fine = finer(GRID, 4)
    assert fine.n_voxels * fine.voxel_volume == pytest.approx(GRID.n_voxels * GRID.voxel_volume)
    np.testing.assert_allclose(fine.centers().mean(axis=0), GRID.centers().mean(axis=0), atol=1e-12)


def test_region_is_sampled_where_it_lies():
    fine = Grid.centered((20, 20, 20), (2e-3, 2e-3, 2e-3), (1e-3, 0, 0))
    inside = sample_region(ball(10e-3), "joint_cavity", fine)
    expected = np.linalg.norm(fine.centers(), axis=1).reshape(fine.shape, order="F") < 10e-3
    assert np.mean(inside != expected) < 0.02


def test_panel_shows_the_hottest_voxel_in_all_three_projections():
    values = np.zeros(GRID.shape)
    values[1, 2, 3] = 7.0
    panel = make_panel(values, GRID, ball(10e-3), "joint_cavity", "caption")
    axial, coronal, sagittal = panel.mips
    assert axial.shape == (3 * UPSAMPLING, 4 * UPSAMPLING)
    assert coronal.shape == (3 * UPSAMPLING, 5 * UPSAMPLING)
    assert sagittal.shape == (4 * UPSAMPLING, 5 * UPSAMPLING)
    for mip, where in ((axial, (1, 2)), (coronal, (1, 3)), (sagittal, (2, 3))):
        hot = np.argwhere(mip == 7.0) // UPSAMPLING
        assert {tuple(int(n) for n in place) for place in hot} == {where}
    assert panel.spacing_mm == pytest.approx((2.5, 2.5, 2.5))
