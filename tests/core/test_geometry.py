import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid


def test_centered_grid_puts_its_middle_where_asked():
    grid = Grid.centered((3, 5, 2), (1e-3, 2e-3, 4e-3), (0.1, 0.2, 0.3))
    np.testing.assert_allclose(grid.centers().mean(axis=0), (0.1, 0.2, 0.3))
    assert grid.voxel_volume == pytest.approx(8e-9)
    assert grid.spacing == pytest.approx((1e-3, 2e-3, 4e-3))


def test_first_axis_runs_fastest_through_the_centers():
    grid = Grid.centered((2, 2, 2), (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(grid.centers()[1] - grid.centers()[0], (1, 0, 0))
    np.testing.assert_array_equal(grid.centers()[2] - grid.centers()[0], (0, 1, 0))
    np.testing.assert_array_equal(grid.centers()[4] - grid.centers()[0], (0, 0, 1))


def test_an_oblique_affine_places_a_voxel_as_the_matrix_says():
    affine = np.array([[0, -2.0, 0, 5], [1, 0, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1.0]])
    grid = Grid((2, 2, 2), affine)
    np.testing.assert_array_equal(grid.centers()[1], (5, 7, 7))
    assert grid.voxel_volume == pytest.approx(6.0)


@pytest.mark.parametrize(
    "affine",
    [np.eye(3), np.diag([1.0, 1, 1, 2]), np.diag([0.0, 1, 1, 1]), np.full((4, 4), np.nan)],
    ids=["3x3", "last-row", "singular", "not-finite"],
)
def test_an_affine_that_places_nothing_is_refused(affine):
    with pytest.raises(DataError, match="affine"):
        Grid((1, 1, 1), affine)


def test_same_grid_within_a_micrometre():
    grid = Grid.centered((2, 2, 2), (1e-3, 1e-3, 1e-3))
    moved = grid.affine.copy()
    moved[0, 3] += 2e-6
    assert grid.is_same_as(Grid((2, 2, 2), grid.affine))
    assert not grid.is_same_as(Grid((2, 2, 2), moved))
    assert not grid.is_same_as(Grid((2, 2, 1), grid.affine))
