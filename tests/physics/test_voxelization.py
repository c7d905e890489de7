import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.physics.solids import Box, Frustum, Sphere, Union, tube
from sojourn.physics.voxelization import filled_fractions, measured_volume, plane_shares

GRID = Grid.centered((27, 27, 27), (1e-3, 1e-3, 1e-3), (1e-4, 2e-4, 3e-4))
FLAT = Grid.centered((14, 14, 27), (2e-3, 2e-3, 1e-3), (1e-4, 2e-4, 3e-4))
CONE = Frustum(np.array([-0.011, 0, 0]), np.array([0.011, 0, 0]), 1e-3, 4.879e-3)
BALL = Sphere(np.array([1e-4, 0.0, 0.0]), 5e-3)
THIN = tube(np.array([-0.008, 0.0, 0.0]), np.array([0.009, 0.002, 0.004]), radius=0.5e-3)


def total(solid, grid, **settings):
    return filled_fractions(solid, grid, **settings).sum() * grid.voxel_volume


@pytest.mark.parametrize(
    ("solid", "grid", "tolerance"),
    [
        pytest.param(BALL, GRID, 3e-6, id="ball"),
        pytest.param(BALL, FLAT, 3e-5, id="ball-in-flat-voxels"),
        pytest.param(CONE, GRID, 2e-4, id="cone"),
        pytest.param(CONE, FLAT, 5e-4, id="cone-in-flat-voxels"),
        pytest.param(THIN, GRID, 2e-4, id="tube-of-one-voxel"),
    ],
)
def test_shares_sum_to_the_closed_form_volume(solid, grid, tolerance):
    assert total(solid, grid) == pytest.approx(solid.volume, rel=tolerance)


def test_finer_pieces_come_nearer():
    errors = [abs(total(BALL, GRID, subdivision=n) / BALL.volume - 1) for n in (1, 2, 4, 8)]
    assert errors[0] > 1e-3 > errors[1] > 1e-5 > errors[2] > errors[3]


def test_each_voxels_share_is_that_of_random_points_in_it():
    shares = filled_fractions(BALL, GRID)
    rng = np.random.default_rng(6)
    cut = np.argwhere((shares > 0.05) & (shares < 0.95))
    chosen = cut[rng.choice(len(cut), 40, replace=False)]
    for voxel in chosen:
        points = voxel + rng.uniform(-0.5, 0.5, (20_000, 3))
        inside = BALL.distance(points @ GRID.affine[:3, :3].T + GRID.affine[:3, 3]) < 0
        # Five standard errors of a share of 20,000.
        assert shares[tuple(voxel)] == pytest.approx(inside.mean(), abs=0.018)


def test_shares_lie_between_nothing_and_all_and_touch_no_far_voxel():
    shares = filled_fractions(CONE, GRID)
    assert shares.min() == 0.0
    assert shares.max() == 1.0
    far = np.abs(CONE.distance(GRID.centers())) > 1e-3
    inside = CONE.distance(GRID.centers()) < 0
    np.testing.assert_array_equal(shares.ravel(order="F")[far], inside[far].astype(float))


@given(st.tuples(*[st.floats(-4e-3, 4e-3)] * 3), st.tuples(*[st.floats(2e-4, 8e-3)] * 3))
def test_a_box_along_the_grid_is_exact(center, edges):
    box = Box(np.array(center), np.array(edges))
    assert total(box, GRID) == pytest.approx(box.volume, rel=1e-9)
    assert total(box, FLAT) == pytest.approx(box.volume, rel=1e-9)


def test_an_exact_box_agrees_with_the_counted_one():
    box = Box(np.array([3e-4, -2e-4, 0.0]), np.array([4.3e-3, 2.2e-3, 3.7e-3]))
    counted = filled_fractions(Union((box,)), GRID)
    np.testing.assert_allclose(counted, filled_fractions(box, GRID), atol=0.02)
    assert counted.sum() == pytest.approx(filled_fractions(box, GRID).sum(), rel=2e-3)


def test_grids_may_be_turned_and_mirrored():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1e-3, -1e-3, 1e-3])
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, 10.0)
    grid = Grid((21, 21, 21), affine)
    assert total(BALL, grid) == pytest.approx(BALL.volume, rel=3e-5)
    box = Box(np.zeros(3), np.full(3, 5e-3))
    mirrored = Grid((21, 21, 21), np.diag([1e-3, -1e-3, 1e-3, 1.0]))
    assert total(box, Grid.centered((21, 21, 21), (1e-3,) * 3)) == pytest.approx(box.volume)
    assert total(Box(np.array([0.01, -0.01, 0.01]), np.full(3, 5e-3)), mirrored) == pytest.approx(
        box.volume
    )


def test_what_lies_outside_the_grid_is_lost():
    half = Sphere(np.array([1e-4 - 13.5e-3, 2e-4, 3e-4]), 4e-3)
    assert total(half, GRID) == pytest.approx(half.volume / 2, rel=1e-3)
    away = Sphere(np.array([1.0, 0.0, 0.0]), 4e-3)
    assert total(away, GRID) == 0.0


@pytest.mark.parametrize("subdivision", [0, 3, -2])
def test_subdivision_is_a_power_of_two(subdivision):
    with pytest.raises(DataError, match="power of 2"):
        filled_fractions(BALL, GRID, subdivision=subdivision)


@pytest.mark.parametrize(
    ("level", "slopes", "expected"),
    [
        pytest.param(0.0, (0.2, 0.3, 0.5), 0.0, id="below"),
        pytest.param(1.0, (0.2, 0.3, 0.5), 1.0, id="above"),
        pytest.param(0.5, (0.2, 0.3, 0.5), 0.5, id="half-by-symmetry"),
        pytest.param(1 / 3, (1 / 3, 1 / 3, 1 / 3), 1 / 6, id="corner-tetrahedron"),
        pytest.param(0.3, (0.0, 0.0, 1.0), 0.3, id="flat"),
        pytest.param(0.25, (0.0, 0.5, 0.5), 0.125, id="prism"),
    ],
)
def test_share_of_a_cube_below_a_plane_by_hand(level, slopes, expected):
    found = plane_shares(np.array([level]), np.array([slopes]))[0]
    assert found == pytest.approx(expected, abs=1e-4)


@given(st.floats(0, 1), st.tuples(*[st.floats(0.01, 1)] * 3))
def test_shares_on_both_sides_of_a_plane_sum_to_one(level, slopes):
    m = np.array([slopes]) / sum(slopes)
    both = plane_shares(np.array([level]), m) + plane_shares(np.array([1 - level]), m)
    assert both[0] == pytest.approx(1.0, abs=1e-9)


def test_volumes_are_counted():
    assert measured_volume(BALL) == pytest.approx(BALL.volume, rel=1e-5)
    assert measured_volume(THIN) == pytest.approx(THIN.volume, rel=5e-4)
    with pytest.raises(DataError, match="piece"):
        measured_volume(BALL, pieces=0)
