import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.physics.langevin import VACUUM_PERMEABILITY as MU0
from sojourn.physics.loops import (
    CurrentLoop,
    coaxial_field,
    coaxial_potential,
    current_loop_field,
    current_loop_potential,
)

ORIGIN = np.zeros(3)
Z = np.array([0.0, 0.0, 1.0])
mpmath.mp.dps = 50


def textbook(distance, height, radius):
    """B_r, B_z and A_phi of 1 A by the formulas of handheld-mpi.md 2.1, in 50 digits."""
    r, z, a = (mpmath.mpf(float(v)) for v in (distance, height, radius))
    al2, be2 = (a - r) ** 2 + z**2, (a + r) ** 2 + z**2
    be, k2 = mpmath.sqrt(be2), 1 - al2 / be2
    first, second = mpmath.ellipk(k2), mpmath.ellipe(k2)
    scale = mpmath.mpf(MU0) / (2 * mpmath.pi * al2 * be)
    radial = scale * z / r * ((a**2 + r**2 + z**2) * second - al2 * first)
    axial = scale * ((a**2 - r**2 - z**2) * second + al2 * first)
    k = mpmath.sqrt(4 * a * r / be2)
    turn = mpmath.mpf(MU0) / (mpmath.pi * k) * mpmath.sqrt(a / r)
    return radial, axial, turn * ((1 - k**2 / 2) * first - second)


def biot_savart(point, radius):
    """The loop's field at `point` by integration along the wire, 30 digits, 1 A."""
    x, y, z = (mpmath.mpf(float(v)) for v in point)
    a = mpmath.mpf(radius)

    def part(axis):
        def integrand(angle):
            c, s = mpmath.cos(angle), mpmath.sin(angle)
            distance = mpmath.sqrt((x - a * c) ** 2 + (y - a * s) ** 2 + z**2) ** 3
            return (a * c * z, a * s * z, a * (a - x * c - y * s))[axis] / distance

        with mpmath.workdps(30):
            return mpmath.quad(integrand, mpmath.linspace(0, 2 * mpmath.pi, 9))

    return np.array([float(MU0 / (4 * mpmath.pi) * part(axis)) for axis in range(3)])


@pytest.mark.parametrize("height", [0.0, 1e-9, 0.02, -0.3, 50.0])
def test_field_on_the_axis_is_the_closed_form(height):
    field = current_loop_field(
        np.array([[0.0, 0.0, height]]), radius=0.03, center=ORIGIN, axis=Z, current=4.0
    )
    expected = 4.0 * MU0 * 0.03**2 / (2 * (0.03**2 + height**2) ** 1.5)
    np.testing.assert_array_equal(field[0, :2], 0.0)
    assert field[0, 2] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("relative_distance", [1e-8, 1e-3, 0.03, 0.3, 0.99, 1 + 1e-7, 1.3, 40, 1e4])
@pytest.mark.parametrize("relative_height", [1e-8, 1e-3, 0.2, 1.0, -7.0, 1e4])
def test_field_and_potential_agree_with_50_digits_everywhere(relative_distance, relative_height):
    a = 0.034
    r, z = a * relative_distance, a * relative_height
    radial, axial, potential = textbook(r, z, a)
    arguments = np.array(r), np.array(z), np.array(a)
    slope, found_axial = coaxial_field(*arguments)
    length = float(mpmath.sqrt(radial**2 + axial**2))
    # 1e-10 is asked for; nothing cancels, so far better is reached.
    assert float(slope * r) == pytest.approx(float(radial), rel=1e-12)
    assert abs(float(found_axial) - float(axial)) < 1e-12 * length
    assert float(coaxial_potential(*arguments) * r) == pytest.approx(float(potential), rel=1e-12)


@pytest.mark.parametrize("m", [0.1499999, 0.1500001])
def test_series_and_closed_form_meet(m):
    # m = 4 a r / ((a + r)^2 + z^2) with a = r = 1: z^2 = 4/m - 4.
    height = np.sqrt(4 / m - 4)
    radial, axial, potential = textbook(1.0, height, 1.0)
    arguments = np.array(1.0), np.array(height), np.array(1.0)
    found = (*coaxial_field(*arguments), coaxial_potential(*arguments))
    expected = [float(v) for v in (radial, axial, potential)]
    np.testing.assert_allclose([float(v) for v in found], expected, rtol=1e-12)


@pytest.mark.parametrize("point", [(0.01, -0.02, 0.005), (0.1, 0.2, -0.3), (0.029, 0.0, 0.004)])
def test_field_agrees_with_biot_savart_along_the_wire(point):
    field = current_loop_field(np.array([point]), radius=0.03, center=ORIGIN, axis=Z)
    np.testing.assert_allclose(field[0], biot_savart(point, 0.03), rtol=1e-10, atol=1e-30)


def test_far_away_a_loop_is_a_dipole():
    axis = np.array([1.0, 2.0, -2.0]) / 3.0
    offset = np.array([[30.0, -12.0, 25.0]])
    moment = np.pi * 0.01**2 * axis
    r = np.linalg.norm(offset)
    unit = offset[0] / r
    dipole = MU0 / (4 * np.pi * r**3) * (3 * unit * (unit @ moment) - moment)
    potential = MU0 / (4 * np.pi * r**2) * np.cross(moment, unit)
    center = np.array([0.3, 0.1, 0.2])
    field = current_loop_field(center + offset, radius=0.01, center=center, axis=axis)
    found = current_loop_potential(center + offset, radius=0.01, center=center, axis=axis)
    # The next multipole is (a/r)^2 = 6e-8 of the dipole.
    np.testing.assert_allclose(field[0], dipole, rtol=0, atol=1e-6 * np.linalg.norm(dipole))
    np.testing.assert_allclose(found[0], potential, rtol=0, atol=1e-6 * np.linalg.norm(potential))


coordinate = st.floats(-0.08, 0.08)


def derivatives(function, point, step):
    """Jacobian (component, direction) by a central difference of sixth order."""
    columns = []
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        values = [function(np.array([point + n * shift]))[0] for n in (-3, -2, -1, 1, 2, 3)]
        columns.append(np.array([-1, 9, -45, 45, -9, 1]) @ np.array(values) / (60 * step))
    return np.array(columns).T


@given(coordinate, coordinate, coordinate)
def test_field_has_no_divergence_and_no_curl_and_is_the_curl_of_its_potential(x, y, z):
    point = np.array([x, y, z])
    center, axis, radius = np.array([0.01, -0.02, 0.0]), np.array([0.6, 0.0, 0.8]), 0.03
    settings = {"radius": radius, "center": center, "axis": axis}
    offset = point - center
    height = offset @ axis
    distance = np.linalg.norm(offset - height * axis)
    gap = float(np.hypot(distance - radius, height))
    if gap < 0.003:
        return
    # Sixth-order differences with a step of 1/20 of the gap: truncation (1/20)^6, rounding 1e-14.
    jacobian = derivatives(lambda p: current_loop_field(p, **settings), point, gap / 20)
    scale = np.linalg.norm(current_loop_field(point[None], **settings)) / gap
    assert abs(np.trace(jacobian)) < 1e-5 * scale
    assert np.abs(jacobian - jacobian.T).max() < 1e-5 * scale
    turned = derivatives(lambda p: current_loop_potential(p, **settings), point, gap / 20)
    curl = np.array([turned[2, 1] - turned[1, 2], turned[0, 2] - turned[2, 0],
                     turned[1, 0] - turned[0, 1]])  # fmt: skip
    assert np.abs(curl - current_loop_field(point[None], **settings)[0]).max() < 1e-5 * scale * gap
    assert abs(np.trace(turned)) < 1e-5 * scale * gap


def test_turning_and_shifting_the_loop_turns_and_shifts_the_field():
    rotation = np.array([[0.0, -0.6, 0.8], [1.0, 0.0, 0.0], [0.0, 0.8, 0.6]])
    points = np.array([[0.01, 0.02, 0.03], [-0.04, 0.0, 0.01]])
    shift = np.array([0.1, -0.2, 0.05])
    plain = current_loop_field(points, radius=0.02, center=ORIGIN, axis=Z)
    moved = current_loop_field(
        points @ rotation.T + shift, radius=0.02, center=shift, axis=3.0 * rotation @ Z
    )
    np.testing.assert_allclose(moved, plain @ rotation.T, rtol=1e-12, atol=1e-20)


def test_current_runs_right_handed_about_the_axis():
    potential = current_loop_potential(
        np.array([[0.02, 0.0, 0.0]]), radius=0.03, center=ORIGIN, axis=Z
    )
    assert potential[0, 1] > 0
    assert potential[0, 0] == potential[0, 2] == 0.0


def test_loop_as_a_source_is_its_field_per_ampere():
    points = np.array([[0.01, 0.02, 0.03]])
    loop = CurrentLoop(0.02, ORIGIN, Z)
    expected = current_loop_field(points, radius=0.02, center=ORIGIN, axis=Z, current=5.0)
    np.testing.assert_allclose(5.0 * loop.flux_density(points), expected, rtol=1e-15)


def test_a_place_on_the_wire_is_refused():
    with pytest.raises(DataError, match="wire"):
        current_loop_field(np.array([[0.02, 0.0, 0.0]]), radius=0.02, center=ORIGIN, axis=Z)


@pytest.mark.parametrize(
    ("radius", "axis"), [(0.0, Z), (-0.1, Z), (np.inf, Z), (0.1, 0 * Z), (0.1, np.ones(2))]
)
def test_an_impossible_loop_is_refused(radius, axis):
    with pytest.raises(DataError):
        current_loop_field(np.ones((1, 3)), radius=radius, center=ORIGIN, axis=axis)


@pytest.mark.parametrize("positions", [np.ones(3), np.ones((2, 2))])
def test_positions_are_a_list_of_points(positions):
    with pytest.raises(DataError, match="positions"):
        current_loop_field(positions, radius=0.1, center=ORIGIN, axis=Z)
