import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from sojourn.core.errors import DataError
from sojourn.physics.anisotropy import AnisotropicEquilibrium
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.fokker_planck import (
    BrownFokkerPlanck,
    NeelFokkerPlanck,
    field_along_axis,
    legendre_operator,
    neel_diffusion_time,
    periodic_mean_cosine,
)
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.relaxation import DebyeRelaxation, Mobility

ONE = CoreSizes(np.array([20e-9]), np.array([1.0]), saturation=446e3)
WATER = Mobility(viscosity=0.7e-3, shell=5e-9, anisotropy=np.inf)


def sine(amplitude, *, samples, offset=0.0):
    field = np.zeros((samples, 3))
    field[:, 2] = offset + amplitude * np.cos(2 * np.pi * np.arange(samples) / samples)
    return field


def harmonics(magnetization):
    return 2 * np.abs(np.fft.rfft(magnetization[:, 2])) / len(magnetization)


def test_reference_example_of_relaxation():
    # shared/reference/handheld-mpi.md 2.1: 25 kHz, 10 mT, core 20 nm, hydrodynamic 30 nm, water:
    # h3 0.045 (Fokker-Planck), 0.123 (Langevin), 0.036 (Debye). They are met as peak amplitude of
    # the third harmonic of M/Ms with Ms 446 kA/m, 310.15 K, 0.7 mPa s.
    field, interval = sine(10e-3, samples=500), 1 / 25e3 / 500
    models = (
        BrownFokkerPlanck(ONE, viscosity=0.7e-3, shell=5e-9),
        Equilibrium(ONE),
        DebyeRelaxation(ONE, WATER),
    )
    found = [harmonics(model.magnetization(field, interval=interval))[3] for model in models]
    assert found == pytest.approx([0.045, 0.123, 0.036], abs=7e-4)


def test_slow_fields_give_langevins_equilibrium():
    model = BrownFokkerPlanck(ONE, viscosity=0.7e-3)
    field = sine(10e-3, samples=200)
    expected = Equilibrium(ONE).magnetization(field, interval=1.0)
    errors = [
        np.abs(model.magnetization(field, interval=1 / f / 200) - expected).max()
        for f in (0.1, 1.0, 10.0)
    ]
    # The lag is w tau: a tenth of the frequency leaves a tenth, down to 1e-5 of saturation.
    assert errors[1] < 1e-4
    assert errors[0] == pytest.approx(errors[1] / 10, rel=1e-2)
    assert errors[1] == pytest.approx(errors[2] / 10, rel=1e-2)


def test_doubling_the_degree_changes_nothing():
    field, interval = sine(10e-3, samples=100), 1 / 100
    low, high = (
        BrownFokkerPlanck(ONE, degree=degree).magnetization(field, interval=interval)
        for degree in (20, 40)
    )
    np.testing.assert_allclose(low, high, atol=1e-11)


@pytest.mark.parametrize("frequency", [1e3, 25e3, 400e3])
def test_weak_fields_give_debyes_answer(frequency):
    field, interval = sine(0.02e-3, samples=400), 1 / frequency / 400
    found = BrownFokkerPlanck(ONE, viscosity=0.7e-3).magnetization(field, interval=interval)
    expected = DebyeRelaxation(ONE, WATER).magnetization(field, interval=interval)
    # xi = 0.009: departures of order xi^2/15 = 5e-6, time steps of order (2 pi/400)^2/10 = 2.5e-5.
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=5e-5)


def test_steady_state_agrees_with_adaptive_integration_over_many_periods():
    # The recurrence of handheld-mpi.md 2.1 in its own variables, W = sum a_n P_n, a_0 = 1/2.
    n = np.arange(1, 31)

    def motion(time, a):
        full = np.concatenate(([0.5], a, [0.0]))
        xi = 1.0 + 4.0 * np.cos(time)
        return (
            n * (n + 1) / (2 * 2.0) * (-a + xi * (full[:-2] / (2 * n - 1) - full[2:] / (2 * n + 3)))
        )

    times = 2 * np.pi * np.arange(256) / 256
    solution = integrate.solve_ivp(
        motion,
        (0, 22 * np.pi),
        np.zeros(30),
        method="LSODA",
        rtol=1e-9,
        atol=1e-11,
        t_eval=20 * np.pi + times,
    )
    found = periodic_mean_cosine(1.0 + 4.0 * np.cos(times), step=2 * np.pi / 256 / 2.0)
    np.testing.assert_allclose(found, 2 * solution.y[0] / 3, atol=3e-5)


def test_error_falls_with_the_square_of_the_interval():
    def third(samples):
        phase = 2 * np.pi * np.arange(samples) / samples
        mean = periodic_mean_cosine(4 * np.cos(phase), step=6.0 / samples)
        return 2 * abs(np.fft.rfft(mean)[3]) / samples

    exact = third(1600)
    assert (third(100) - exact) / (third(200) - exact) == pytest.approx(4.0, rel=0.1)


def test_steady_state_is_found_where_particles_remember_thousands_of_periods():
    # tau = 1e4 periods: the moments see the mean of the field's pull; by symmetry none here.
    phase = 2 * np.pi * np.arange(64) / 64
    found = periodic_mean_cosine(3 * np.cos(phase), step=1e-4 / 64)
    assert np.abs(found.mean()) < 1e-6
    # <cos> follows the torque: amplitude xi/3 / (w tau), a quarter period late.
    expected = 1.0 / (2 * np.pi * 1e4) * np.sin(phase)
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())


@settings(max_examples=15, deadline=None)
@given(st.floats(-3, 3), st.floats(0.1, 8), st.floats(0.1, 4), st.floats(0.02, 20))
def test_moments_are_odd_bounded_and_take_up_energy(offset, first, second, speed):
    phase = 2 * np.pi * np.arange(96) / 96
    field = offset + first * np.cos(phase) + second * np.sin(2 * phase)
    found = periodic_mean_cosine(field, step=speed / 96)
    np.testing.assert_allclose(found, -periodic_mean_cosine(-field, step=speed / 96), atol=1e-12)
    assert np.abs(found).max() < 1
    # Work of the field over a cycle, the loop integral of xi d<cos>: heat, so never negative.
    slope = np.fft.irfft(1j * np.arange(49) * np.fft.rfft(found), n=96)
    assert field @ slope > -1e-9


def test_neel_without_a_barrier_is_brown_with_its_own_time():
    phase = 2 * np.pi * np.arange(64) / 64
    sizes = CoreSizes(np.array([15e-9]), np.array([1.0]))
    time = neel_diffusion_time(sizes.moments, damping=0.2)[0]
    field = sine(8e-3, samples=64)
    found = NeelFokkerPlanck(sizes, 0.0, 0.2).magnetization(field, interval=time / 7)[:, 2]
    xi = sizes.moments[0] * 8e-3 / (1.380649e-23 * 310.15)
    np.testing.assert_allclose(
        found, periodic_mean_cosine(xi * np.cos(phase), step=1 / 7), atol=1e-12
    )


def test_neel_diffusion_time_of_a_worked_example():
    # m 1e-18 A m^2, alpha 0.1, 300 K: 1e-18 * 1.01 / (0.2 * 1.76085963e11 * 4.141947e-21).
    found = neel_diffusion_time(np.array([1e-18]), damping=0.1, temperature=300.0)[0]
    assert found == pytest.approx(6.92405e-9, rel=1e-5)


@pytest.mark.parametrize("barrier", [10.0, 15.0, 20.0])
def test_slowest_mode_over_a_barrier_follows_brown(barrier):
    # Brown 1963 with the correction of Coffey and Kalmykov: tau sqrt(pi)/2 s^-3/2 e^s (1 + 1/s).
    bands, _ = legendre_operator(80, field=0.0, barrier=barrier)
    matrix = sum(np.diag(bands[2 + k, max(0, -k) : 80 - max(0, k)], -k) for k in (-2, -1, 0, 1, 2))
    slowest = -np.linalg.eigvals(matrix).real.max()
    expected = np.sqrt(np.pi) / 2 * barrier**-1.5 * np.exp(barrier) * (1 + 1 / barrier)
    # The next term of the series is 7 / (4 sigma^2).
    assert 1 / slowest == pytest.approx(expected, rel=2.2 / barrier**2)


def test_slow_neel_is_the_anisotropic_equilibrium():
    sizes = CoreSizes(np.array([12e-9]), np.array([1.0]))
    field = sine(15e-3, samples=100, offset=5e-3)
    found = NeelFokkerPlanck(sizes, 8e3).magnetization(field, interval=1e-5)
    expected = AnisotropicEquilibrium(sizes, 8e3, (0, 0, 1)).magnetization(field, interval=1.0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_fields_may_lie_along_any_axis_and_come_in_batches():
    axis = np.array([2.0, -1.0, 2.0]) / 3
    along = sine(5e-3, samples=40)[:, 2]
    model = BrownFokkerPlanck(ONE)
    batch = np.stack((along[:, None] * axis, np.zeros((40, 3))))
    found = model.magnetization(batch, interval=1e-6)
    straight = model.magnetization(sine(5e-3, samples=40), interval=1e-6)[:, 2]
    np.testing.assert_allclose(found[0], straight[:, None] * axis, atol=1e-12)
    assert not found[1].any()


@pytest.mark.parametrize(("off", "is_axial"), [(1e-10, True), (1e-8, False)])
def test_fields_off_the_axis_are_refused(off, is_axial):
    field = sine(1e-2, samples=8)
    field[3, 0] = off * 1e-2
    if is_axial:
        assert field_along_axis(field)[0].shape == (8,)
    else:
        with pytest.raises(DataError, match="EffectiveField"):
            field_along_axis(field)


def test_series_cut_off_too_early_is_refused():
    with pytest.raises(DataError, match="degree 6"):
        periodic_mean_cosine(5 * np.ones(8), step=0.1, degree=6)


def test_blocked_moments_have_no_steady_state():
    with pytest.raises(DataError, match="blocked"):
        periodic_mean_cosine(np.cos(np.linspace(0, 6, 8)), step=1e-3, barrier=40.0)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: BrownFokkerPlanck(ONE, viscosity=0.0), id="no-viscosity"),
        pytest.param(lambda: BrownFokkerPlanck(ONE, viscosity=np.inf), id="immobilized"),
        pytest.param(lambda: NeelFokkerPlanck(ONE, -1.0), id="negative-barrier"),
        pytest.param(lambda: NeelFokkerPlanck(ONE, 1e3, 0.0), id="no-damping"),
        pytest.param(lambda: periodic_mean_cosine(np.ones(4), step=0.0), id="no-step"),
        pytest.param(lambda: neel_diffusion_time(np.zeros(1), damping=0.1), id="no-moment"),
    ],
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(DataError):
        make()


def test_samples_too_far_apart_for_a_strong_field_are_refused():
    # 1 T is xi = 436: M/Ms at the peak is 1 - 1/xi but for a delay of 1/xi of the diffusion time
    model = BrownFokkerPlanck(ONE, viscosity=0.7e-3)
    with pytest.raises(DataError, match="64 samples of a period are too few"):
        model.magnetization(sine(1.0, samples=64), interval=1 / 25e3 / 64)
    fine = model.magnetization(sine(1.0, samples=400), interval=1 / 25e3 / 400)
    assert np.max(fine) == pytest.approx(1 - 1 / 436.5, abs=1e-4)


@pytest.mark.parametrize("degree", [-1, 0, 1, 1001])
def test_a_degree_that_no_series_has_is_refused(degree):
    with pytest.raises(DataError, match=f"degree {degree} "):
        periodic_mean_cosine(np.ones(8), step=0.1, degree=degree)


@pytest.mark.parametrize("field", [1e3, 1e30])
def test_fields_that_need_an_endless_series_are_refused_at_once(field):
    with pytest.raises(DataError, match="use Equilibrium"):
        BrownFokkerPlanck(ONE).magnetization(sine(field, samples=64), interval=1e-6)
