"""Windings against closed forms on their axis, against each other, and the reference's numbers."""

import mpmath
import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.coils import (
    COPPER_RESISTIVITY,
    Coil,
    GradiometerPair,
    axial_field,
    coil_resistance,
    is_coaxial,
    mutual_inductance,
)
from sojourn.physics.langevin import VACUUM_PERMEABILITY as MU0
from sojourn.physics.loops import coaxial_field, current_loop_field, current_loop_potential

DRIVE = Coil(0.016, 0.022, -0.025, -0.004, 1.0)
RECEIVE = Coil(0.009, 0.014, -0.010, -0.003, 300.0)
DEPTHS = np.array([0.0, 0.005, 0.010, 0.015, 0.020, 0.030, 0.040])
REFERENCE_DRIVE = np.array([10.8, 7.8, 5.4, 3.7, 2.6, 1.35, 0.77]) * 1e-3
"""handheld-mpi.md section 2: |B1|(z) at 600 ampere-turns, T."""


def thick_solenoid(coil, height):
    """Closed form on the axis, T/A: Montgomery, Solenoid Magnet Design (1969)."""
    density = coil.turns / coil.cross_section

    def part(x):
        outer = coil.outer_radius + np.hypot(coil.outer_radius, x)
        return x * np.log(outer / (coil.inner_radius + np.hypot(coil.inner_radius, x)))

    return MU0 * density / 2 * (part(height - coil.lower) - part(height - coil.upper))


@pytest.mark.parametrize("height", [*DEPTHS, 0.3, -0.2])
@pytest.mark.parametrize("coil", [DRIVE, RECEIVE, Coil(0.052, 0.066, -0.025, -0.005, 7.5)])
def test_thick_winding_on_its_axis_is_the_closed_form(coil, height):
    # 8 by 10 Gauss points; the nearest point is 3 mm from a winding 7 mm long.
    assert axial_field(coil, coil, height) == pytest.approx(thick_solenoid(coil, height), rel=3e-9)


def test_a_one_layer_solenoid_on_its_axis_is_the_closed_form():
    coil = Coil(0.02, 0.02, -0.03, 0.03, 100.0, nodes=(1, 24))
    for z in (0.0, 0.02, 0.06):
        ends = [(z - end) / np.hypot(z - end, 0.02) for end in (-0.03, 0.03)]
        expected = MU0 * 100.0 / 0.06 / 2 * (ends[0] - ends[1])
        assert axial_field(coil, coil, z) == pytest.approx(expected, rel=1e-8)


def test_a_coil_without_extent_is_its_loop():
    coil = Coil(0.02, 0.02, 0.01, 0.01, 3.0, center=np.array([0.0, 0.1, 0.0]))
    points = np.array([[0.01, 0.12, -0.03], [0.3, 0.0, 0.2]])
    loop = {"radius": 0.02, "center": np.array([0.0, 0.1, 0.01]), "axis": np.array([0, 0, 1.0])}
    np.testing.assert_allclose(
        coil.flux_density(points), current_loop_field(points, current=3.0, **loop), rtol=1e-13
    )
    np.testing.assert_allclose(
        coil.vector_potential(points), current_loop_potential(points, current=3.0, **loop),
        rtol=1e-13,
    )  # fmt: skip


def test_more_nodes_change_nothing_where_tissue_is():
    points = np.array([[0.0, 0.019, 0.0], [0.01, 0.0, 0.005], [0.02, 0.02, 0.02], [0.0, 0.0, 0.05]])
    # 4 mm from the winding at the nearest point (the probe's face).
    fine = Coil(0.016, 0.022, -0.025, -0.004, 1.0, nodes=(24, 40))
    errors = [
        np.abs(
            Coil(0.016, 0.022, -0.025, -0.004, 1.0, nodes=n).flux_density(points)
            - fine.flux_density(points)
        ).max()
        / np.abs(fine.flux_density(points)).max()
        for n in ((2, 3), (4, 6), (8, 10), (12, 16))
    ]
    assert errors[0] > 1e-4 > errors[1] > 1e-6 > errors[2] > 1e-9 > errors[3]


def test_off_the_axis_a_winding_is_the_double_integral_of_its_loops():
    coil = Coil(0.009, 0.014, -0.010, -0.003, 300.0, nodes=(10, 10))
    point = (0.011, 0.004)

    def loop(component):
        def integrand(radius, height):
            values = coaxial_field(
                np.array(point[0]), np.array(point[1] - float(height)), np.array(float(radius))
            )
            return float(values[component])

        with mpmath.workdps(15):
            total = mpmath.quad(integrand, [0.009, 0.014], [-0.010, -0.003], maxdegree=4)
        return float(total) * 300.0 / coil.cross_section

    found = coil.flux_density(np.array([[point[0], 0.0, point[1]]]))[0]
    assert found[0] == pytest.approx(point[0] * loop(0), rel=1e-8)
    assert found[2] == pytest.approx(loop(1), rel=1e-8)
    assert found[1] == 0.0


def test_reference_drive_field_is_about_that_of_fifteen_even_loops():
    # The reference does not state its quadrature; 3 x 5 even loops, ends included, reproduce its
    # two-digit table within 1.3 % (most of which is its rounding).
    radius, height = np.meshgrid(np.linspace(0.016, 0.022, 3), np.linspace(-0.025, -0.004, 5))
    table = [600 * coaxial_field(np.array(0.0), z - height, radius)[1].mean() for z in DEPTHS]
    np.testing.assert_allclose(table, REFERENCE_DRIVE, rtol=0.013)


def test_reference_drive_field_is_up_to_six_per_cent_above_the_windings():
    field = np.array([600 * axial_field(DRIVE, DRIVE, z) for z in DEPTHS])
    ratio = REFERENCE_DRIVE / field
    assert ratio.min() > 1.01
    assert ratio.max() < 1.065


def test_near_the_axis_the_vector_potential_is_half_the_field_times_the_distance():
    # A uniform field's: E_phi = omega B r / 2.
    place = np.array([[1e-6, 0.0, 0.01]])
    expected = axial_field(DRIVE, DRIVE, 0.01) * 1e-6 / 2
    assert DRIVE.vector_potential(place)[0, 1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("depth", "reference"), [(0.0, 13.6), (0.005, 8.7), (0.010, 5.9)])
def test_largest_electric_field_by_depth_is_the_references(depth, reference):
    # handheld-mpi.md section 3, 600 ampere-turns at 25 kHz: V/m. Exact in tissue layered across the
    # axis. The reference's drive field is up to 6 % stronger (above); near the winding, more.
    places = np.zeros((401, 3))
    places[:, 0], places[:, 2] = np.linspace(0.0, 0.04, 401), depth
    field = 2 * np.pi * 25e3 * 600 * DRIVE.vector_potential(places)[:, 1]
    assert 0.92 < field.max() / reference < 1.0


@pytest.mark.parametrize(("behind", "microtesla"), [(0.1, 150.0), (0.2, 15.0)])
def test_field_behind_the_probe_is_the_references(behind, microtesla):
    place = np.array([[0.0, 0.0, -behind]])
    field = 600 / np.sqrt(2) * np.linalg.norm(DRIVE.flux_density(place))
    assert field * 1e6 == pytest.approx(microtesla, rel=0.02)


def test_reference_receive_coil_has_5_3_ohm():
    assert coil_resistance(RECEIVE) == pytest.approx(5.3, abs=0.05)
    # By hand: 300 turns of mean radius 11.5 mm; 0.6 * 35 mm^2 / 300 of copper each.
    length, wire = 300 * 2 * np.pi * 11.5e-3, 0.6 * 35e-6 / 300
    assert coil_resistance(RECEIVE) == pytest.approx(COPPER_RESISTIVITY * length / wire, rel=1e-12)
    assert RECEIVE.wire_length == pytest.approx(length, rel=1e-12)


def test_resistance_grows_with_the_square_of_turns_and_falls_with_copper():
    twice = Coil(0.009, 0.014, -0.010, -0.003, 600.0)
    assert coil_resistance(twice) == pytest.approx(4 * coil_resistance(RECEIVE), rel=1e-12)
    half = coil_resistance(RECEIVE, fill_factor=0.3, resistivity=2 * COPPER_RESISTIVITY)
    assert half == pytest.approx(4 * coil_resistance(RECEIVE), rel=1e-12)


@pytest.mark.parametrize("settings", [{"fill_factor": 1.01}, {"fill_factor": 0.0},
                                      {"resistivity": 0.0}])  # fmt: skip
def test_impossible_conductors_are_refused(settings):
    with pytest.raises(DataError):
        coil_resistance(RECEIVE, **settings)
    with pytest.raises(DataError, match="cross-section"):
        coil_resistance(Coil(0.01, 0.01, 0.0, 0.1, 1.0))


def test_mutual_inductance_of_two_coaxial_loops_is_maxwells():
    a, b, d = 0.02, 0.013, 0.017
    k = mpmath.sqrt(4 * a * b / ((a + b) ** 2 + d**2))
    first, second = mpmath.ellipk(k**2), mpmath.ellipe(k**2)
    expected = MU0 * mpmath.sqrt(a * b) * ((2 / k - k) * first - 2 / k * second)
    found = mutual_inductance(Coil(a, a, 0, 0, 1.0), Coil(b, b, d, d, 1.0))
    assert found == pytest.approx(float(expected), rel=1e-12)


def test_one_point_on_a_common_axis_is_as_good_as_many_beside_it():
    beside = Coil(0.009, 0.014, -0.010, -0.003, 300.0, center=np.array([2e-9, 0.0, 0.0]))
    assert not is_coaxial(DRIVE, beside)
    assert is_coaxial(DRIVE, RECEIVE)
    assert mutual_inductance(DRIVE, beside) == pytest.approx(
        mutual_inductance(DRIVE, RECEIVE), rel=1e-9
    )


def test_mutual_inductance_is_the_same_both_ways_round():
    tilted = Coil(
        0.01, 0.012, -0.004, 0.004, 40.0,
        center=np.array([0.03, 0.01, 0.02]), axis=np.array([1.0, 0.0, 1.0]),
    )  # fmt: skip
    there, back = mutual_inductance(DRIVE, tilted), mutual_inductance(tilted, DRIVE)
    assert there == pytest.approx(back, rel=1e-8)
    assert mutual_inductance(DRIVE, tilted, n_angles=32) == pytest.approx(there, rel=1e-8)


def test_far_coils_couple_as_dipoles():
    far = Coil(0.01, 0.01, 0.0, 0.0, 1.0, center=np.array([0.0, 0.0, 5.0]))
    near = Coil(0.02, 0.02, 0.0, 0.0, 1.0)
    expected = MU0 / (2 * np.pi * 5.0**3) * (np.pi * 0.01**2) * (np.pi * 0.02**2)
    assert mutual_inductance(near, far) == pytest.approx(expected, rel=1e-4)


def mirrored_probe(shift=0.0):
    """The reference's probe: drive and receive coils, each mirrored in z = -25 mm."""
    twin = RECEIVE.mirrored(-0.025)
    assert (twin.lower, twin.upper) == pytest.approx((-0.047, -0.040))
    moved = Coil(0.009, 0.014, twin.lower + shift, twin.upper + shift, 300.0)
    return GradiometerPair(RECEIVE, moved), (DRIVE, DRIVE.mirrored(-0.025))


def test_mirrored_gradiometer_suppresses_the_drive_but_not_the_sample():
    pair, drive = mirrored_probe()
    assert pair.suppression(drive) < 1e-12
    at_10_mm = np.array([[0.0, 0.0, 0.010]])
    kept = pair.flux_density(at_10_mm)[0, 2] / RECEIVE.flux_density(at_10_mm)[0, 2]
    # By hand, single loops of 11.5 mm at 16.5 and 53.5 mm: 1 - ((11.5^2 + 16.5^2) / (11.5^2 +
    # 53.5^2))^1.5 = 0.9503; the windings' extent moves that by less than 0.005.
    assert kept == pytest.approx(0.9503, abs=0.005)


def test_a_displaced_twin_leaks_in_proportion_and_can_be_balanced():
    leak, drive = mirrored_probe(50e-6)
    double, _ = mirrored_probe(100e-6)
    ratio = double.suppression(drive) / leak.suppression(drive)
    assert ratio == pytest.approx(2.0, rel=0.02)
    assert leak.balanced(drive).suppression(drive) < 1e-12
    assert leak.balanced(drive).ratio == pytest.approx(1.0, abs=0.01)


def test_sixty_decibel_need_twenty_micrometres():
    # In proportion (above): 1e-3 at 19 um; the reference's open loop of 200 V leaves 0.2 V.
    pair, drive = mirrored_probe(20e-6)
    assert -61 < 20 * np.log10(pair.suppression(drive)) < -59


def test_a_compensation_that_sees_nothing_cannot_balance():
    crossed = Coil(0.01, 0.01, 0.0, 0.0, 1.0, axis=np.array([1.0, 0.0, 0.0]))
    pair = GradiometerPair(RECEIVE, crossed)
    straight = Coil(0.02, 0.02, 0.0, 0.0, 1.0)
    with pytest.raises(DataError, match="couples to nothing"):
        pair.balanced((straight,))


def test_places_within_a_winding_are_refused_and_its_edge_is_not():
    inside = np.array([[0.0, 0.0, 0.0], [0.019, 0.0, -0.010]])
    with pytest.raises(DataError, match="1 positions lie within a winding"):
        DRIVE.flux_density(inside)
    with pytest.raises(DataError, match="within a winding"):
        DRIVE.vector_potential(inside)
    edge = np.array([[0.016, 0.0, -0.010], [0.019, 0.0, -0.004], [0.019, 0.0, -0.025]])
    assert np.isfinite(DRIVE.flux_density(edge)).all()


def test_many_positions_are_worked_through_in_parts():
    points = np.random.default_rng(3).uniform(0.0, 0.05, (6000, 3))
    whole = DRIVE.flux_density(points)
    for part in (slice(0, 1), slice(2499, 2502), slice(5999, 6000)):
        np.testing.assert_allclose(whole[part], DRIVE.flux_density(points[part]), rtol=1e-13)


@pytest.mark.parametrize(
    "dimensions",
    [
        pytest.param((0.0, 0.01, 0.0, 0.01, 1.0), id="no-hole"),
        pytest.param((0.02, 0.01, 0.0, 0.01, 1.0), id="radii-descend"),
        pytest.param((0.01, 0.02, 0.01, 0.0, 1.0), id="ends-descend"),
        pytest.param((0.01, 0.02, 0.0, 0.01, 0.0), id="no-turns"),
        pytest.param((0.01, np.nan, 0.0, 0.01, 1.0), id="not-finite"),
    ],
)
def test_impossible_windings_are_refused(dimensions):
    with pytest.raises(DataError):
        Coil(*dimensions)
