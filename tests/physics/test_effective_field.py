import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.effective_field import (
    EffectiveField,
    langevin_and_slope,
    refine_periodic,
)
from sojourn.physics.fokker_planck import BrownFokkerPlanck
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.relaxation import Mobility

ONE = CoreSizes(np.array([20e-9]), np.array([1.0]), saturation=446e3)
WATER = Mobility(viscosity=0.7e-3, shell=5e-9, anisotropy=np.inf)
TAU = float(WATER.times(ONE.diameters, temperature=310.15)[0])
PER_TESLA = float(ONE.moments[0]) / (1.380649e-23 * 310.15)


def sine(amplitude, *, samples, offset=0.0):
    field = np.zeros((samples, 3))
    field[:, 0] = offset + amplitude * np.cos(2 * np.pi * np.arange(samples) / samples)
    return field


@pytest.mark.parametrize("x", [1e-6, 0.05, 0.0999, 0.1001, 1.0, 20.0, 800.0])
def test_langevin_ratio_and_slope_agree_with_mpmath(x):
    with mpmath.workdps(40):
        exact = mpmath.mpf(x)
        ratio = (mpmath.coth(exact) - 1 / exact) / exact
        slope = 1 / exact**2 - 1 / mpmath.sinh(exact) ** 2
    found = langevin_and_slope(np.array([x]))
    assert found[0][0] == pytest.approx(float(ratio), rel=2e-13)
    assert found[1][0] == pytest.approx(float(slope), rel=1e-11)


@pytest.mark.parametrize(
    ("amplitude", "frequency", "third"),
    [
        # third harmonic against Fokker-Planck, measured: 0.1 %, 2.3 %, 1.7 %, 0.1 %.
        pytest.param(10e-3, 1e3, 0.002, id="slow"),
        pytest.param(10e-3, 25e3, 0.03, id="moderate"),
        pytest.param(20e-3, 25e3, 0.02, id="strong"),
        pytest.param(50e-3, 25e3, 0.002, id="very-strong"),
    ],
)
def test_closure_is_near_fokker_planck_at_moderate_fields(amplitude, frequency, third):
    field, interval = sine(amplitude, samples=400), 1 / frequency / 400
    found = EffectiveField(ONE, WATER).magnetization(field, interval=interval)[:, 0]
    exact = BrownFokkerPlanck(ONE, viscosity=0.7e-3).magnetization(field, interval=interval)[:, 0]
    assert np.abs(found - exact).max() < 0.05
    ratio = np.abs(np.fft.rfft(found)[[1, 3]] / np.fft.rfft(exact)[[1, 3]])
    assert ratio[0] == pytest.approx(1, abs=0.01)
    assert ratio[1] == pytest.approx(1, abs=third)


def test_closure_misses_the_third_harmonic_of_weak_fast_fields():
    # Known limit of the closure: at w tau = 1.1 and 1 mT its third harmonic is 16 % low.
    field, interval = sine(1e-3, samples=400), 1 / 25e3 / 400
    found = EffectiveField(ONE, WATER).magnetization(field, interval=interval)[:, 0]
    exact = BrownFokkerPlanck(ONE, viscosity=0.7e-3).magnetization(field, interval=interval)[:, 0]
    ratio = np.abs(np.fft.rfft(found)[[1, 3]] / np.fft.rfft(exact)[[1, 3]])
    assert ratio[0] == pytest.approx(1, abs=1e-3)
    assert 0.80 < ratio[1] < 0.87


@pytest.mark.parametrize("direction", ["along", "across"])
def test_small_oscillation_in_a_static_field_relaxes_with_the_published_times(direction):
    # Martsenyuk, Raikher and Shliomis 1974: tau_par = tau x L'/L, tau_perp = 2 tau L / (x - L).
    x = 4.0
    bias = x / PER_TESLA
    langevin = 1 / np.tanh(x) - 1 / x
    slope = 1 / x**2 - 1 / np.sinh(x) ** 2
    omega = 1.3 / TAU
    phase = 2 * np.pi * np.arange(400) / 400
    field = np.zeros((400, 3))
    field[:, 2] = bias
    part = {"along": 2, "across": 0}[direction]
    field[:, part] += 1e-4 * bias * np.cos(phase)
    model = EffectiveField(ONE, WATER)
    found = model.magnetization(field, interval=2 * np.pi / omega / 400)[:, part]
    susceptibility, time = {
        "along": (slope, TAU * x * slope / langevin),
        "across": (langevin / x, 2 * TAU * langevin / (x - langevin)),
    }[direction]
    expected = 1e-4 * x * susceptibility / (1 + 1j * omega * time)
    assert 2 * np.fft.rfft(found)[1] / 400 == pytest.approx(expected, rel=2e-4)


def test_slow_fields_of_any_direction_give_equilibrium():
    phase = 2 * np.pi * np.arange(300) / 300
    field = 5e-3 * np.stack((np.cos(phase), np.sin(2 * phase), 0.5 + np.sin(3 * phase)), axis=1)
    found = EffectiveField(ONE, WATER).magnetization(field, interval=1e-3)
    expected = Equilibrium(ONE).magnetization(field, interval=1.0)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("factor", [1.0, 1e3, 1e5])
def test_particles_slower_than_the_period_reach_the_steady_state_of_fokker_planck(factor):
    thick = Mobility(viscosity=0.7e-3 * factor, shell=5e-9, anisotropy=np.inf)
    field, interval = sine(10e-3, samples=100, offset=3e-3), 1 / 25e3 / 100
    found = EffectiveField(ONE, thick).magnetization(field, interval=interval)[:, 0]
    exact = BrownFokkerPlanck(ONE, viscosity=0.7e-3 * factor).magnetization(
        field, interval=interval
    )[:, 0]
    assert found.mean() == pytest.approx(exact.mean(), rel=0.015)


def test_steady_state_repeats_itself():
    field = sine(10e-3, samples=60, offset=1e-3)
    model = EffectiveField(ONE, WATER)
    once = model.magnetization(field, interval=2e-7)
    twice = model.magnetization(np.concatenate((field, field)), interval=2e-7)
    np.testing.assert_allclose(twice, np.concatenate((once, once)), atol=2e-9)


def test_substeps_take_away_the_error_of_coarse_sampling():
    interval = 1 / 25e3 / 20
    fine = EffectiveField(ONE, WATER).magnetization(
        sine(10e-3, samples=1280), interval=interval / 64
    )[::64, 0]
    coarse, refined = (
        EffectiveField(ONE, WATER, substeps=substeps).magnetization(
            sine(10e-3, samples=20), interval=interval
        )[:, 0]
        for substeps in (1, 16)
    )
    assert np.abs(refined - fine).max() < np.abs(coarse - fine).max() / 50


def test_refinement_keeps_the_samples_and_the_sine_between():
    field = sine(2.0, samples=8)
    refined = refine_periodic(field, 4)
    np.testing.assert_allclose(refined[::4], field, atol=1e-14)
    np.testing.assert_allclose(refined, sine(2.0, samples=32), atol=1e-14)


@settings(max_examples=6, deadline=None)
@given(arrays(np.float64, (3, 3), elements=st.floats(-30e-3, 30e-3)), st.floats(1e-8, 1e-5))
def test_moments_are_odd_bounded_and_take_up_energy(parts, interval):
    phase = 2 * np.pi * np.arange(48) / 48
    field = np.stack((np.ones(48), np.cos(phase), np.sin(2 * phase)), axis=1) @ parts
    model = EffectiveField(ONE, WATER)
    found = model.magnetization(field, interval=interval)
    np.testing.assert_allclose(found, -model.magnetization(-field, interval=interval), atol=1e-8)
    assert np.linalg.norm(found, axis=1).max() < 1
    slope = np.fft.irfft(1j * np.arange(25)[:, None] * np.fft.rfft(found, axis=0), n=48, axis=0)
    # Heat of a cycle: never negative but for the error of 48 samples.
    assert np.sum(field * slope) > -1e-3 * np.abs(field).max() * 48 - 1e-12


def test_voxels_are_independent_of_each_other():
    fields = np.stack([sine(1e-3 * k, samples=32, offset=1e-3) for k in range(1, 4)])
    model = EffectiveField(FERUMOXYTOL, WATER, nodes=3)
    together = model.magnetization(fields.reshape(3, 1, 32, 3), interval=1e-6)
    for place in range(3):
        alone = model.magnetization(fields[place], interval=1e-6)
        np.testing.assert_allclose(together[place, 0], alone, atol=2e-9)
    assert model.moment_per_iron == FERUMOXYTOL.moment_per_iron


def test_blocked_cores_are_refused():
    stuck = Mobility(viscosity=np.inf, anisotropy=50e3)
    with pytest.raises(DataError, match="blocked"):
        EffectiveField(ONE, stuck).magnetization(sine(1e-3, samples=8), interval=1e-6)


@pytest.mark.parametrize("values", [{"temperature": 0.0}, {"nodes": 0}, {"substeps": 0}])
def test_impossible_settings_are_refused(values):
    with pytest.raises(DataError):
        EffectiveField(ONE, WATER, **values)
