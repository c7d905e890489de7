import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.physics.openmpi_phantoms import (
    CHAMBER_CONCENTRATIONS,
    Filling,
    Phantom,
    concentration_phantom,
    phantom_points,
    points_phantom,
    resolution_phantom,
    shape_phantom,
    sphere_phantom,
    tube_phantom,
    voxelize_phantom,
)
from sojourn.physics.solids import Sphere

GRID = Grid.centered((27, 27, 27), (1e-3, 1e-3, 1e-3))
IRON = 0.055845
"""kg/mol."""


def test_cone_has_the_published_volume_and_only_with_a_half_angle_of_ten_degrees():
    cone = shape_phantom()
    assert round(cone.volume * 1e9, 1) == 683.9
    # Taking 10 degrees as the whole apex angle would give less than half of it.
    wide = 1 + 22 * np.tan(np.radians(5))
    assert np.pi * 22 / 3 * (1 + wide + wide**2) < 0.5 * 683.9
    assert cone.iron == pytest.approx(683.9e-9 * 50 * IRON, rel=1e-4)


def test_cone_lies_along_x_with_its_tip_at_the_negative_end():
    image = voxelize_phantom(shape_phantom(), GRID)
    areas = image.values.sum(axis=(1, 2)) * 1e-6 / (50 * IRON)
    slices = GRID.centers()[:27, 0]
    x = slices[3:24] + 0.011
    radius = 1e-3 + x * np.tan(np.radians(10))
    # The mean of pi r^2 over a slice of thickness h is pi (r^2 + tan^2 h^2 / 12).
    expected = np.pi * (radius**2 + np.tan(np.radians(10)) ** 2 * 1e-6 / 12)
    np.testing.assert_allclose(areas[3:24], expected, rtol=2e-3)
    assert areas[0] == 0.0
    assert areas[-1] == 0.0


def test_concentration_phantom_is_the_dilution_series_of_the_data():
    phantom = concentration_phantom()
    # mpi-software.md section 6: 100 ... 5.85 mmol/L in chambers 2, 6, 1, 3, 5, 7, 4, 8.
    order = (2, 6, 1, 3, 5, 7, 4, 8)
    series = (100.0, 66.6, 44.4, 29.6, 19.7, 13.1, 8.77, 5.85)
    assert tuple(CHAMBER_CONCENTRATIONS[n] for n in order) == series
    assert [part.name for part in phantom.fillings] == [f"chamber {n}" for n in range(1, 9)]
    for part in phantom.fillings:
        assert part.solid.volume == pytest.approx(8e-9, rel=1e-12)
    assert phantom.fillings[1].iron == pytest.approx(8e-9 * 100 * IRON, rel=1e-12)
    assert phantom.iron == pytest.approx(8e-9 * sum(series) * IRON, rel=1e-12)


def test_chambers_lie_12_12_and_6_mm_apart_clockwise_from_the_front_left():
    centers = np.array([part.solid.center for part in concentration_phantom().fillings]) * 1e3
    np.testing.assert_allclose(
        centers,
        [[6, 6, 3], [6, -6, 3], [-6, -6, 3], [-6, 6, 3],
         [6, 6, -3], [6, -6, -3], [-6, -6, -3], [-6, 6, -3]], atol=1e-9,
    )  # fmt: skip


def test_resolution_phantom_has_five_tubes_at_the_published_angles():
    tubes = resolution_phantom().fillings[0].solid.parts
    ways = np.array([part.end - part.start for part in tubes])
    np.testing.assert_allclose(ways[:, 0], 0.020, rtol=1e-12)
    in_xy = np.degrees(np.arctan2(ways[:, 1], ways[:, 0]))
    in_xz = np.degrees(np.arctan2(ways[:, 2], ways[:, 0]))
    np.testing.assert_allclose(in_xy, [0, 20, -30, 0, 0], atol=1e-9)
    np.testing.assert_allclose(in_xz, [0, 0, 0, 15, -10], atol=1e-9)
    assert {(p.start_radius, p.end_radius) for p in tubes} == {(0.5e-3, 0.5e-3)}


def test_volume_of_the_tubes_is_that_of_random_points():
    solid = resolution_phantom().fillings[0].solid
    low, high = solid.bounds
    points = np.random.default_rng(23).uniform(low, high, (300_000, 3))
    share = np.mean(solid.distance(points) < 0)
    found = share * np.prod(high - low)
    assert solid.volume == pytest.approx(found, rel=5 / np.sqrt(3e5 * share))
    # Never more than the tubes one by one.
    assert solid.volume < sum(part.volume for part in solid.parts)


@pytest.mark.parametrize(
    ("phantom", "tolerance"),
    [
        pytest.param(shape_phantom(), 2e-4, id="shape"),
        pytest.param(concentration_phantom(), 1e-12, id="concentration"),
        pytest.param(resolution_phantom(), 1e-3, id="resolution"),
        pytest.param(sphere_phantom(radius=4e-3, concentration=2.0), 1e-5, id="ball"),
        pytest.param(
            tube_phantom(np.array([-0.01, 0, 0]), np.array([0.01, 3e-3, 0]), radius=1e-3,
                         concentration=1.0), 2e-4, id="tube",
        ),
        pytest.param(
            points_phantom(np.array([[0, 0, 0], [1e-3, 0, 0], [0, 0, 0]]), np.full(3, 1e-9)),
            1e-12, id="points",
        ),
    ],
)  # fmt: skip
def test_an_image_holds_the_phantoms_iron(phantom, tolerance):
    image = voxelize_phantom(phantom, GRID)
    assert image.values.sum() * GRID.voxel_volume == pytest.approx(phantom.iron, rel=tolerance)
    assert image.values.min() >= 0
    assert image.provenance.parameters["data"] == "SIMULATED"
    assert phantom.name.startswith("SIMULATED")


def test_points_of_a_phantom_hold_its_iron_at_its_centre_of_mass():
    # Frustum: (h / 4) (a^2 + 2 a b + 3 b^2) / (a^2 + a b + b^2) from the narrow face.
    b = 1 + 22 * np.tan(np.radians(10))
    along = 22 / 4 * (1 + 2 * b + 3 * b**2) / (1 + b + b**2) - 11
    place = (1e-3, -2e-3, 3e-3)
    expected = np.array([along * 1e-3, 0.0, 0.0]) + place
    phantom = shape_phantom(center=place)
    positions, iron = phantom_points(phantom, spacing=0.5e-3)
    assert iron.sum() == pytest.approx(phantom.iron, rel=1e-12)
    assert iron.min() > 0
    # Cubes that are half full at the faces put their iron a quarter of an edge astray.
    np.testing.assert_allclose(iron @ positions / iron.sum(), expected, atol=5e-6)
    weights = voxelize_phantom(phantom, GRID).values.ravel(order="F")
    np.testing.assert_allclose(weights @ GRID.centers() / weights.sum(), expected, atol=1e-5)


def test_a_points_iron_lies_in_the_voxel_that_holds_it_and_is_lost_outside():
    place = GRID.centers()[100] + 0.4e-3
    image = voxelize_phantom(points_phantom(place[None], np.array([2e-9])), GRID)
    assert image.values.ravel(order="F")[100] == pytest.approx(2.0)
    outside = voxelize_phantom(points_phantom(np.array([[1.0, 0, 0]]), np.array([1e-9])), GRID)
    assert outside.values.sum() == 0.0
    positions, iron = phantom_points(points_phantom(place[None], np.array([2e-9])), spacing=1e-3)
    np.testing.assert_array_equal(positions, place[None])
    np.testing.assert_array_equal(iron, [2e-9])


def test_impossible_phantoms_are_refused():
    ball = Sphere(np.zeros(3), 1e-3)
    with pytest.raises(DataError, match="negative"):
        Phantom("x", (Filling(ball, -1.0, "ball"),))
    with pytest.raises(DataError, match="holds something"):
        Phantom("x")
    with pytest.raises(DataError, match="point_iron"):
        points_phantom(np.zeros((2, 3)), np.zeros(1))
    with pytest.raises(DataError, match="spacing"):
        phantom_points(shape_phantom(), spacing=0.0)
