import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.relaxation import (
    DebyeRelaxation,
    Mobility,
    brown_time,
    combined_time,
    debye_response,
    neel_time,
)

BOLTZMANN = 1.380649e-23
ONE = CoreSizes(np.array([20e-9]), np.array([1.0]))
BROWNIAN = Mobility(viscosity=1e-3, shell=5e-9, anisotropy=np.inf)


def sine(amplitude, *, samples=256):
    field = np.zeros((samples, 3))
    field[:, 0] = amplitude * np.cos(2 * np.pi * np.arange(samples) / samples)
    return field


def test_brown_time_of_a_worked_example():
    # 3 * 1e-3 Pa s * pi/6 (30e-9 m)^3 / (1.380649e-23 J/K * 300 K) = 1.02395e-5 s, by hand.
    found = brown_time(np.array([30e-9]), viscosity=1e-3, temperature=300.0)[0]
    assert found == pytest.approx(1.02395e-5, rel=1e-5)


def test_neel_time_grows_e_fold_for_each_unit_of_the_barrier():
    volume = np.pi * (20e-9) ** 3 / 6
    density = 7 * BOLTZMANN * 300 / volume
    found = neel_time(np.array([20e-9]), anisotropy=density, attempt_time=1e-9, temperature=300.0)
    assert found[0] == pytest.approx(1e-9 * np.exp(7), rel=1e-12)


def test_very_high_barriers_block_without_overflow():
    found = neel_time(np.array([10e-9, 400e-9]), anisotropy=11e3)
    assert np.isfinite(found[0])
    assert np.isinf(found[1])


def test_rates_add():
    found = combined_time(np.array([3e-6, 1e-6, np.inf]), np.array([6e-6, np.inf, np.inf]))
    np.testing.assert_allclose(found, [2e-6, 1e-6, np.inf], rtol=1e-14)


def test_mobility_takes_the_shell_on_both_sides():
    diameters = np.array([20e-9])
    found = BROWNIAN.times(diameters, temperature=300.0)
    assert found[0] == pytest.approx(
        brown_time(np.array([30e-9]), viscosity=1e-3, temperature=300.0)[0], rel=1e-14
    )


def test_immobilized_particles_relax_inside_the_core_only():
    stuck = Mobility(viscosity=np.inf, anisotropy=5e3)
    diameters = np.array([8e-9, 15e-9])
    np.testing.assert_array_equal(
        stuck.times(diameters, temperature=310.15),
        neel_time(diameters, anisotropy=5e3, temperature=310.15),
    )


@pytest.mark.parametrize(("lag", "expected"), [(0.0, 1.0), (1.0, 0.5 - 0.5j), (3.0, 0.1 - 0.3j)])
def test_debye_response_follows_from_the_lag(lag, expected):
    found = debye_response(np.array([lag / (2 * np.pi)]), np.array([1.0]))
    assert found[0, 0] == pytest.approx(expected, rel=1e-14)


def test_blocked_moments_keep_their_mean_only():
    found = debye_response(np.array([0.0, 1.0]), np.array([np.inf]))
    np.testing.assert_array_equal(found, [[1.0, 0.0]])


@pytest.mark.parametrize("harmonic", [1, 3])
def test_small_sine_is_damped_and_delayed_harmonic_by_harmonic(harmonic):
    frequency, amplitude = 25e3, 0.1e-3
    tau = BROWNIAN.times(ONE.diameters, temperature=310.15)[0]
    model = DebyeRelaxation(ONE, BROWNIAN)
    found = model.magnetization(sine(amplitude), interval=1 / frequency / 256)[:, 0]
    xi = 380e3 * np.pi * (20e-9) ** 3 / 6 * amplitude / (BOLTZMANN * 310.15)
    # L(xi cos wt): xi/3 and -xi^3/180 to leading order; the next is xi^2/20 = 7e-5 of it.
    equilibrium = {1: xi / 3 - xi**3 / 60, 3: -(xi**3) / 180}[harmonic]
    expected = equilibrium / (1 + 1j * harmonic * 2 * np.pi * frequency * tau)
    assert 2 * np.fft.rfft(found)[harmonic] / 256 == pytest.approx(expected, rel=3e-4)


def test_without_time_to_relax_there_is_nothing_but_equilibrium():
    fast = Mobility(viscosity=1e-12, shell=0.0, anisotropy=np.inf)
    field = np.random.default_rng(1).normal(size=(2, 16, 3)) * 5e-3
    found = DebyeRelaxation(FERUMOXYTOL, fast).magnetization(field, interval=1.0)
    np.testing.assert_allclose(
        found, Equilibrium(FERUMOXYTOL).magnetization(field, interval=1.0), atol=1e-12
    )


def test_odd_in_the_field():
    field = np.random.default_rng(2).normal(size=(64, 3)) * 5e-3
    model = DebyeRelaxation(FERUMOXYTOL, Mobility(), nodes=6)
    plus, minus = (model.magnetization(sign * field, interval=1e-6) for sign in (1, -1))
    np.testing.assert_allclose(plus, -minus, atol=1e-15)
    assert model.moment_per_iron == FERUMOXYTOL.moment_per_iron


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"viscosity": 0.0}, id="no-viscosity"),
        pytest.param({"shell": -1e-9}, id="negative-shell"),
        pytest.param({"shell": np.inf}, id="infinite-shell"),
        pytest.param({"anisotropy": -1.0}, id="negative-barrier"),
        pytest.param({"attempt_time": 0.0}, id="no-attempt-time"),
        pytest.param({"viscosity": np.inf, "anisotropy": np.inf}, id="nothing-turns"),
    ],
)
def test_impossible_mobility_is_refused(values):
    with pytest.raises(DataError):
        Mobility(**values)


def test_impossible_times_are_refused():
    with pytest.raises(DataError, match="temperature"):
        brown_time(np.array([1e-8]), viscosity=1e-3, temperature=0.0)
    with pytest.raises(DataError, match="anisotropy"):
        neel_time(np.array([1e-8]), anisotropy=-1.0)
    with pytest.raises(DataError, match="neel"):
        combined_time(np.array([1e-6]), np.array([0.0]))
    with pytest.raises(DataError, match="nodes"):
        DebyeRelaxation(ONE, BROWNIAN, nodes=0)


def test_a_shell_in_nanometres_is_refused():
    assert Mobility(shell=1e-6).shell == 1e-6
    with pytest.raises(DataError, match="5e-9 for 5 nm"):
        Mobility(shell=5.0)
