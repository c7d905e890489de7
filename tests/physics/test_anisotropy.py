import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from sojourn.core.errors import DataError
from sojourn.physics.anisotropy import (
    LARGEST_EXPONENT,
    AnisotropicEquilibrium,
    RandomAxesEquilibrium,
    uniaxial_mean_moment,
)
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.particle_models import Equilibrium, MemorylessModel
from sojourn.physics.particles import FERUMOXYTOL

BOLTZMANN = 1.380649e-23
ONE = CoreSizes(np.array([20e-9]), np.array([1.0]))
ENERGY = BOLTZMANN * 310.15
VOLUME = np.pi * (20e-9) ** 3 / 6
MOMENT = 380e3 * VOLUME


def mean(along, across, barrier):
    first, second = uniaxial_mean_moment(np.array([along]), np.array([across]), barrier=barrier)
    return first[0], second[0]


@pytest.mark.parametrize(
    ("along", "across", "barrier"), [(1.0, 1.0, 1.0), (10.0, 3.0, 5.0), (-2.0, 8.0, -6.0)]
)
def test_boltzmann_average_agrees_with_mpmath(along, across, barrier):
    def weight(cosine):
        sine = mpmath.sqrt(1 - cosine**2)
        return mpmath.exp(along * cosine + barrier * cosine**2), across * sine, sine

    def integral(kernel):
        return mpmath.quad(kernel, mpmath.linspace(-1, 1, 9))

    with mpmath.workdps(20):
        norm = integral(lambda c: weight(c)[0] * mpmath.besseli(0, weight(c)[1]))
        first = integral(lambda c: c * weight(c)[0] * mpmath.besseli(0, weight(c)[1]))
        second = integral(lambda c: weight(c)[2] * weight(c)[0] * mpmath.besseli(1, weight(c)[1]))
        expected = float(first / norm), float(second / norm)
    assert mean(along, across, barrier) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_boltzmann_average_agrees_with_a_double_integral():
    # Without the closed form of the azimuth: plain integration over the sphere.
    def weight(phi, cosine):
        return np.exp(2 * cosine + 1.5 * np.sqrt(1 - cosine**2) * np.cos(phi) + 3 * cosine**2)

    norm = integrate.dblquad(weight, -1, 1, 0, 2 * np.pi)[0]
    first = integrate.dblquad(lambda p, c: c * weight(p, c), -1, 1, 0, 2 * np.pi)[0]
    second = integrate.dblquad(
        lambda p, c: np.sqrt(1 - c**2) * np.cos(p) * weight(p, c), -1, 1, 0, 2 * np.pi
    )[0]
    assert mean(2.0, 1.5, 3.0) == pytest.approx((first / norm, second / norm), rel=1e-7)


@pytest.mark.parametrize("xi", [0.5, 30.0, 1900.0])
def test_without_anisotropy_the_mean_is_langevins(xi):
    langevin = 1 / np.tanh(xi) - 1 / xi
    assert mean(xi, 0.0, 0.0)[0] == pytest.approx(langevin, rel=1e-12)
    assert mean(0.0, xi, 0.0)[1] == pytest.approx(langevin, rel=1e-12)


def test_high_barriers_leave_two_states_along_the_axis():
    # sigma = 1000: each state still wobbles by 1/(2 sigma) in the cosine.
    assert mean(0.7, 0.0, 1000.0)[0] == pytest.approx(np.tanh(0.7), rel=1e-3)


def test_high_barriers_hold_a_moment_against_a_field_across():
    # Small rotation against the barrier: m = xi / (2 sigma), with corrections of 1/sigma.
    assert mean(0.0, 5.0, 1000.0)[1] == pytest.approx(5.0 / 2000.0, rel=2e-3)


def test_high_negative_anisotropy_leaves_a_plane():
    with mpmath.workdps(20):
        expected = float(mpmath.besseli(1, 3) / mpmath.besseli(0, 3))
    assert mean(0.0, 3.0, -1000.0)[1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("nodes_hold", [True, False])
def test_quadrature_refuses_what_it_was_not_measured_for(nodes_hold):
    strength = LARGEST_EXPONENT if nodes_hold else np.nextafter(LARGEST_EXPONENT, np.inf)
    if nodes_hold:
        assert mean(strength, 0.0, 0.0)[0] == pytest.approx(1 - 1 / strength, rel=1e-12)
    else:
        with pytest.raises(DataError, match="quadrature"):
            mean(strength, 0.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.floats(-0.1, 0.1)] * 3),
    st.floats(-30e3, 30e3),
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1),
)
def test_fixed_axes_give_odd_moments_below_one_that_follow_the_field(field, density, axis):
    model = AnisotropicEquilibrium(ONE, density, axis)
    plus = model.magnetization(np.array([field]), interval=1.0)
    minus = model.magnetization(-np.array([field]), interval=1.0)
    np.testing.assert_allclose(plus, -minus, atol=1e-12)
    assert np.linalg.norm(plus) < 1
    assert plus[0] @ np.array(field) >= -1e-16
    flipped = AnisotropicEquilibrium(ONE, density, tuple(-part for part in axis))
    np.testing.assert_allclose(
        flipped.magnetization(np.array([field]), interval=1.0), plus, atol=1e-12
    )


def test_fixed_axis_splits_the_field_in_its_own_frame():
    axis = (0.0, 0.6, 0.8)
    field = np.array([[2e-3, 4e-3, -1e-3]])
    along = field[0] @ np.array(axis)
    rest = field[0] - along * np.array(axis)
    across = np.linalg.norm(rest)
    first, second = mean(MOMENT * along / ENERGY, MOMENT * across / ENERGY, 8e3 * VOLUME / ENERGY)
    found = AnisotropicEquilibrium(ONE, 8e3, axis).magnetization(field, interval=1.0)[0]
    np.testing.assert_allclose(found, first * np.array(axis) + second * rest / across, rtol=1e-12)


def test_no_anisotropy_is_langevin_for_every_size():
    field = np.array([[1e-3, -5e-3, 2e-3], [0.0, 0.0, 0.0]])
    expected = Equilibrium(FERUMOXYTOL).magnetization(field, interval=1.0)
    for model in (
        AnisotropicEquilibrium(FERUMOXYTOL, 0.0, (0, 0, 1), nodes=24),
        RandomAxesEquilibrium(FERUMOXYTOL, 0.0, nodes=24),
    ):
        np.testing.assert_allclose(
            model.magnetization(field, interval=1.0), expected, rtol=1e-9, atol=1e-15
        )


@pytest.mark.parametrize("density", [5e3, 40e3])
def test_random_axes_keep_langevins_initial_susceptibility(density):
    # <cos^2> averages to 1/3 over all axes, whatever the barrier (Garcia-Palacios 2000, 3.2).
    field = np.array([1e-6])
    expected = MOMENT * 1e-6 / (3 * ENERGY)
    found = RandomAxesEquilibrium(ONE, density).curve(field)[0]
    assert found == pytest.approx(expected, rel=1e-6)


def test_random_axes_of_blocked_cores_average_the_two_states():
    # K -> infinity: the integral of x tanh(xi x) over x from 0 to 1.
    tiny = CoreSizes(np.array([20e-9]), np.array([1.0]), saturation=38e3)
    xi = 2.0
    strength = xi * ENERGY / (38e3 * VOLUME)
    expected = integrate.quad(lambda x: x * np.tanh(xi * x), 0, 1)[0]
    found = RandomAxesEquilibrium(tiny, 1000 * ENERGY / VOLUME).curve(np.array([strength]))[0]
    # sigma = 1000: across the axis 1/(2 sigma) is left, along it the wobble of 1/(2 sigma).
    assert found == pytest.approx(expected, rel=2e-3)


def test_random_axes_are_memoryless_odd_and_slower_to_saturate():
    model = RandomAxesEquilibrium(ONE, 11e3)
    assert isinstance(model, MemorylessModel)
    plus, minus = model.curve(np.array([20e-3, -20e-3]))
    assert plus == -minus
    assert 0 < plus < Equilibrium(ONE).curve(np.array([20e-3]))[0]
    assert model.curve(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: AnisotropicEquilibrium(ONE, 1e4, (0, 0, 0)), id="no-axis"),
        pytest.param(lambda: AnisotropicEquilibrium(ONE, np.inf, (0, 0, 1)), id="infinite-barrier"),
        pytest.param(lambda: RandomAxesEquilibrium(ONE, 1e4, 0.0), id="absolute-zero"),
        pytest.param(lambda: RandomAxesEquilibrium(ONE, 1e4, axes=0), id="no-axes"),
    ],
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(DataError):
        make()


def test_negative_strength_across_is_refused():
    with pytest.raises(DataError, match="across"):
        mean(1.0, -1.0, 1.0)
