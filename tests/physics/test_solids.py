import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.physics.solids import Box, Frustum, Sphere, Union, tube

SOLIDS = {
    "sphere": Sphere(np.array([0.1, 0.2, -0.1]), 0.5),
    "box": Box(np.array([0.1, 0.2, -0.1]), np.array([0.4, 1.0, 0.6])),
    "tube": tube(np.array([-0.4, 0.1, 0.0]), np.array([0.5, 0.3, 0.4]), radius=0.25),
    "frustum": Frustum(np.array([-0.4, 0.1, 0.0]), np.array([0.5, 0.3, 0.4]), 0.1, 0.5),
    "cone": Frustum(np.array([0.0, 0.0, -0.5]), np.array([0.0, 0.0, 0.5]), 0.0, 0.4),
}


@pytest.mark.parametrize("solid", SOLIDS.values(), ids=SOLIDS.keys())
def test_share_of_random_points_inside_is_the_closed_form_volume(solid):
    rng = np.random.default_rng(17)
    low, high = solid.bounds
    points = rng.uniform(low, high, (200_000, 3))
    box = float(np.prod(high - low))
    share = np.mean(solid.distance(points) < 0)
    bound = 5 * np.sqrt(share * (1 - share) / 200_000)
    assert share * box == pytest.approx(solid.volume, abs=bound * box)


@pytest.mark.parametrize("solid", SOLIDS.values(), ids=SOLIDS.keys())
def test_nothing_inside_lies_outside_the_bounds_and_the_bounds_are_touched(solid):
    rng = np.random.default_rng(18)
    points = rng.uniform(-1.2, 1.2, (300_000, 3))
    inside = points[solid.distance(points) < 0]
    low, high = solid.bounds
    assert (inside >= low).all()
    assert (inside <= high).all()
    # The extreme of about 10,000 points inside comes near every face.
    assert (np.abs(inside.min(axis=0) - low) < 0.08).all()
    assert (np.abs(inside.max(axis=0) - high) < 0.08).all()


coordinate = st.floats(-1.0, 1.0)


@pytest.mark.parametrize("solid", SOLIDS.values(), ids=SOLIDS.keys())
@given(st.tuples(*[coordinate] * 3), st.tuples(*[coordinate] * 3))
def test_distance_changes_no_faster_than_one_walks(solid, start, end):
    points = np.array([start, end])
    rise = np.ptp(solid.distance(points))
    assert rise <= np.linalg.norm(points[1] - points[0]) + 1e-12


@pytest.mark.parametrize(
    ("solid", "point", "expected"),
    [
        pytest.param("sphere", (0.1, 0.2, 0.9), 0.5, id="above-a-ball"),
        pytest.param("sphere", (0.1, 0.2, -0.1), -0.5, id="centre-of-a-ball"),
        pytest.param("box", (0.6, 1.0, -0.1), np.hypot(0.3, 0.3), id="beside-an-edge"),
        pytest.param("box", (0.1, 0.6, -0.1), -0.1, id="within-a-box"),
        pytest.param("cone", (0.0, 0.0, 0.7), 0.2, id="above-the-base"),
        pytest.param("cone", (0.0, 0.0, -0.8), 0.3, id="below-the-tip"),
        pytest.param("cone", (0.7, 0.0, 0.9), 0.5, id="beside-the-rim"),
        pytest.param("cone", (0.0, 0.0, 0.4), -0.1, id="within-near-the-base"),
    ],
)
def test_distances_by_hand(solid, point, expected):
    assert SOLIDS[solid].distance(np.array([point]))[0] == pytest.approx(expected, rel=1e-12)


def test_two_crossing_tubes_overlap_by_steinmetz():
    # Archimedes: two equal cylinders whose axes cross at an angle share 16 r^3 / (3 sin).
    angle, radius, reach = 0.6, 0.05, 0.5
    crossed = Union((
        tube(np.array([-reach, 0.0, 0.0]), np.array([reach, 0.0, 0.0]), radius=radius),
        tube(
            -reach * np.array([np.cos(angle), np.sin(angle), 0.0]),
            reach * np.array([np.cos(angle), np.sin(angle), 0.0]),
            radius=radius,
        ),
    ))  # fmt: skip
    shared = 16 * radius**3 / (3 * np.sin(angle))
    expected = 2 * np.pi * radius**2 * 2 * reach - shared
    assert crossed.volume == pytest.approx(expected, rel=5e-4)
    assert crossed.volume == crossed.volume
    assert crossed.volume < sum(part.volume for part in crossed.parts)


def test_a_union_of_separate_solids_is_their_sum():
    parts = (Sphere(np.zeros(3), 0.2), Sphere(np.array([0.6, 0.0, 0.0]), 0.1))
    assert Union(parts).volume == pytest.approx(sum(p.volume for p in parts), rel=3e-4)
    with pytest.raises(DataError, match="at least one"):
        Union(())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Sphere(np.zeros(3), 0.0), id="radius"),
        pytest.param(lambda: Sphere(np.zeros(2), 1.0), id="center"),
        pytest.param(lambda: Box(np.zeros(3), np.array([1.0, 0.0, 1.0])), id="edge"),
        pytest.param(lambda: tube(np.zeros(3), np.zeros(3), radius=1.0), id="length"),
        pytest.param(lambda: Frustum(np.zeros(3), np.ones(3), -0.1, 1.0), id="negative"),
        pytest.param(lambda: Frustum(np.zeros(3), np.ones(3), 0.0, 0.0), id="line"),
        pytest.param(lambda: Frustum(np.zeros(3), np.full(3, np.nan), 1.0, 1.0), id="nan"),
    ],
)
def test_impossible_solids_are_refused(make):
    with pytest.raises(DataError):
        make()
