import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.physics.coils import Coil
from sojourn.physics.field_free import (
    field_jacobian,
    find_field_free_line,
    find_field_free_point,
)
from sojourn.physics.field_sources import (
    CombinedField,
    HomogeneousField,
    LinearField,
    field_free_line_source,
    field_free_point_source,
)
from sojourn.physics.loops import CurrentLoop
from sojourn.physics.sequences import rotation_about
from sojourn.physics.solid_harmonics import SolidHarmonics, fit_solid_harmonics

START = np.array([0.02, -0.01, 0.03])


def maxwell_pair(gap=0.0):
    """Two opposed loops: a field-free point in the middle of their axis."""
    z = np.array([0.0, 0.0, 1.0])
    loops = (CurrentLoop(0.1, -0.08 * z, z), CurrentLoop(0.1, (0.08 + gap) * z, z))
    return CombinedField(loops, (-1000.0, 1000.0))


def test_numerical_jacobian_is_a_linear_fields_own():
    jacobian = np.array([[-1.0, 0.3, 0.0], [0.3, 2.5, -0.2], [0.0, -0.2, -1.5]])
    found = field_jacobian(LinearField(jacobian), START[None])
    np.testing.assert_allclose(found, jacobian[None], rtol=1e-10, atol=1e-12)
    with pytest.raises(DataError, match="step"):
        field_jacobian(LinearField(jacobian), START[None], step=0.0)


def test_numerical_jacobian_is_that_of_harmonics():
    values = 0.01 * np.random.default_rng(4).standard_normal(24)
    source = SolidHarmonics(values, np.zeros(3), 0.05)
    hidden = CombinedField((source,), (1.0,))
    np.testing.assert_allclose(
        field_jacobian(hidden, START[None]),
        source.flux_density_jacobian(START[None]),
        rtol=1e-9,
        atol=1e-10,
    )


@settings(max_examples=30, deadline=None)
@given(*[st.floats(-0.02, 0.02)] * 3, st.floats(-0.05, 0.05), st.floats(0, 3))
def test_point_is_found_where_it_was_put(x, y, z, shift, angle):
    center = np.array([x, y, z])
    turn = rotation_about(np.array([1.0, shift * 10, 0.3]), angle)
    jacobian = turn @ np.diag([-1.0, -0.6, 1.6]) @ turn.T
    jacobian = (jacobian + jacobian.T) / 2
    found = find_field_free_point(LinearField(jacobian, center), START)
    np.testing.assert_allclose(found.position, center, atol=1e-10)
    assert found.residual < 1e-9
    assert found.covariance is None


def test_a_maxwell_pair_vanishes_in_its_middle_whatever_the_start():
    for start in ([0.0, 0.0, 0.0], [0.03, 0.02, -0.03], [0.05, -0.05, 0.05]):
        found = find_field_free_point(maxwell_pair(), np.array(start))
        np.testing.assert_allclose(found.position, 0.0, atol=1e-8)
        assert found.residual < 1e-9
        np.testing.assert_allclose(
            np.diag(found.jacobian), found.jacobian[2, 2] * np.array([-0.5, -0.5, 1.0]), rtol=1e-6
        )


def test_an_added_homogeneous_field_moves_the_point_against_the_gradient():
    shift = CombinedField(
        (maxwell_pair(), HomogeneousField(np.array([0.0, 0.0, 1e-4]))), (1.0, 1.0)
    )
    slope = find_field_free_point(maxwell_pair(), np.zeros(3)).jacobian[2, 2]
    found = find_field_free_point(shift, np.zeros(3))
    # To first order; the pair's gradient changes by some per mille over that distance.
    assert found.position[2] == pytest.approx(-1e-4 / slope, rel=1e-2)


def test_a_field_without_zero_says_so():
    with pytest.raises(DataError, match="no zero"):
        find_field_free_point(HomogeneousField(np.array([0.0, 0.0, 1e-3])), START)
    coil = Coil(0.02, 0.03, -0.01, 0.01, 100.0)
    with pytest.raises(DataError, match=r"field-free|minimum"):
        find_field_free_point(coil, np.array([0.0, 0.0, 0.05]), reach=0.1)


def test_a_zero_out_of_reach_is_not_taken():
    source = field_free_point_source(np.array([-1.0, -1.0, 2.0]), center=np.array([0.3, 0.0, 0.0]))
    with pytest.raises(DataError, match=r"within 0\.2 m"):
        find_field_free_point(source, START)
    found = find_field_free_point(source, START, reach=0.5)
    np.testing.assert_allclose(found.position, [0.3, 0.0, 0.0], atol=1e-9)


def test_a_line_is_no_point_and_a_point_is_no_line():
    line = field_free_line_source(2.0, direction=np.eye(3)[0], normal=np.eye(3)[1])
    with pytest.raises(DataError, match="find_field_free_line"):
        find_field_free_point(line, START)
    with pytest.raises(DataError, match="find_field_free_point"):
        find_field_free_line(field_free_point_source(np.array([-1.0, -0.7, 1.7])), START)


def test_line_is_found_with_its_direction_and_gradient():
    along = np.array([0.2, 0.4, 0.9])
    normal = np.array([0.4, -0.2, 0.0])
    center = np.array([0.003, 0.002, -0.004])
    source = field_free_line_source(1.7, direction=along, normal=normal, center=center)
    found = find_field_free_line(source, START)
    unit = along / np.linalg.norm(along)
    np.testing.assert_allclose(found.direction, unit, atol=1e-12)
    offset = found.point - center
    np.testing.assert_allclose(offset - (offset @ unit) * unit, 0.0, atol=1e-12)
    # Nearest to the start: the way there is at right angles to the line.
    assert abs((found.point - START) @ unit) < 1e-12
    assert found.gradient == pytest.approx(1.7, rel=1e-12)
    assert found.flatness < 1e-12
    assert found.residual < 1e-9
    assert found.along < 1e-9


def test_a_bent_line_still_is_one_and_says_how_flat():
    jacobian = np.diag([0.1, 1.9, -2.0])
    found = find_field_free_line(LinearField(jacobian), START)
    assert found.flatness == pytest.approx(0.1 / 1.95, rel=1e-9)
    # Along the line nothing is sought: the start's place along it stays, with its field.
    assert found.along == pytest.approx(0.1 * START[0], rel=1e-9)
    with pytest.raises(DataError, match="flatness"):
        find_field_free_line(LinearField(jacobian), START, max_flatness=0.05)


def test_two_crossed_maxwell_pairs_make_a_line_at_right_angles_to_both():
    # On its axis a pair has the gradients (g, -g/2, -g/2); one along x less one along y: 3/2 g.
    x, y, _ = np.eye(3)
    loops = tuple(
        CurrentLoop(0.1, sign * 0.1 * axis, axis) for axis in (x, y) for sign in (-1.0, 1.0)
    )
    source = CombinedField(loops, (-1000.0, 1000.0, 1000.0, -1000.0))
    one = find_field_free_point(CombinedField(loops[:2], (-1000.0, 1000.0)), np.zeros(3))
    found = find_field_free_line(source, np.array([0.01, -0.02, 0.015]))
    np.testing.assert_allclose(found.direction, [0.0, 0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(found.point[:2], 0.0, atol=1e-6)
    assert found.residual < 1e-9
    assert found.along < 1e-9
    assert found.flatness < 1e-6
    at_center = find_field_free_line(source, np.array([0.01, -0.02, 0.0]))
    assert at_center.gradient == pytest.approx(1.5 * abs(one.jacobian[0, 0]), rel=1e-6)


def sphere_points():
    heights = np.polynomial.legendre.leggauss(6)[0]
    angles = 2 * np.pi * np.arange(12) / 12
    across = np.sqrt(1 - heights**2)
    return 0.04 * np.stack(
        [np.outer(across, np.cos(angles)), np.outer(across, np.sin(angles)),
         np.outer(heights, np.ones(12))], axis=-1,
    ).reshape(-1, 3)  # fmt: skip


def test_uncertainties_are_the_spread_of_repeated_measurements():
    points, rng, error = sphere_points(), np.random.default_rng(12), 2e-4
    center = np.array([0.004, -0.002, 0.003])
    point = field_free_point_source(np.array([-1.0, -1.0, 2.0]), center=center)
    line = field_free_line_source(
        2.0, direction=np.array([1.0, 1.0, 0.0]), normal=np.eye(3)[2], center=center
    )
    places, steep, directions = [], [], []
    for _ in range(200):
        noise = error * rng.standard_normal(points.shape)
        fits = [
            fit_solid_harmonics(
                points, source.flux_density(points) + noise, np.full(points.shape, error),
                degree=3, center=np.zeros(3), radius=0.04,
            ).field
            for source in (point, line)
        ]  # fmt: skip
        places.append(find_field_free_point(fits[0], np.zeros(3)))
        steep.append(find_field_free_line(fits[1], np.zeros(3)))
        directions.append(steep[-1].direction)
    # A variance from 200 draws has a relative standard error of 10 %; four of them.
    np.testing.assert_allclose(
        np.var([p.position for p in places], axis=0), np.diag(places[0].covariance), rtol=0.4
    )
    across = np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    for direction in (across, np.eye(3)[2]):
        expected = direction @ steep[0].direction_covariance @ direction
        assert np.var(np.array(directions) @ direction) == pytest.approx(expected, rel=0.4)
    expected = steep[0].point_covariance[2, 2]
    assert np.var([s.point[2] for s in steep]) == pytest.approx(expected, rel=0.4)


@pytest.mark.parametrize("setting", ["max_step", "reach", "tolerance"])
def test_settings_of_the_search_are_positive(setting):
    with pytest.raises(DataError, match=setting):
        find_field_free_point(maxwell_pair(), START, **{setting: 0.0})
