"""Simulated noise against its closed-form spectra and variances, within stated statistics."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.noise import (
    Drift,
    ReceiverNoise,
    bin_variance,
    simulate_drift,
    simulate_noise,
    simulate_noise_spectra,
    thermal_noise,
)

PROBE = ReceiverNoise(resistance=5.3, amplifier=1e-9, corner=1e3)
"""handheld-mpi.md section 2: 5.3 ohm, 1 nV per root hertz, corner at 1 kHz."""

PINK = ReceiverNoise(amplifier=1e-9, corner=2e4)


def test_thermal_noise_is_nyquists():
    # By hand: sqrt(4 * 1.380649e-23 * 300 * 50 * 1e6) = 0.9103 uV.
    assert thermal_noise(50.0, bandwidth=1e6, temperature=300.0) == pytest.approx(
        0.9102e-6, rel=1e-3
    )
    # The reference: 0.30 nV per root hertz for 5.3 ohm.
    assert round(PROBE.thermal * 1e9, 1) == 0.3


def test_probe_noise_of_8_ms_is_that_of_the_reference():
    # handheld-mpi.md: effective 0.01 uV, thermal, 8 ms (125 Hz) at 75 kHz.
    density = np.sqrt(PROBE.density(np.array([75e3])))[0]
    assert density * np.sqrt(125.0) == pytest.approx(0.01e-6, rel=0.2)


def test_at_the_corner_one_over_f_noise_equals_white_noise():
    white, corner = PINK.density(np.array([1e12, 2e4]))
    assert corner == pytest.approx(2 * white, rel=1e-7)
    assert PINK.density(np.array([2e2]))[0] == pytest.approx(101 * white, rel=1e-7)


def test_band_noise_is_the_integral_of_the_density():
    f = np.linspace(1e3, 1e5, 400_001)
    both = ReceiverNoise(100.0, 1e-9, 5e3)
    integral = np.trapezoid(both.density(f), f)
    assert both.root_mean_square(1e3, 1e5) == pytest.approx(np.sqrt(integral), rel=1e-6)
    assert both.root_mean_square(1e3, 1e3) == 0.0


@pytest.mark.parametrize("n_samples", [63, 64])
@pytest.mark.parametrize("noise", [ReceiverNoise(1e4), PINK, PROBE])
def test_every_bin_has_its_closed_form_variance(n_samples, noise):
    frames = 4000
    spectra = simulate_noise_spectra(
        noise, (frames, 2), np.random.default_rng(1), n_samples=n_samples, cycle=1e-3
    )
    expected = bin_variance(noise, n_samples=n_samples, cycle=1e-3)
    found = np.mean(np.abs(spectra) ** 2, axis=(0, 1))
    # 8000 draws: a complex bin's mean square has 1/sqrt(8000), a real one's sqrt(2/8000); five.
    np.testing.assert_allclose(found, expected, rtol=5 * np.sqrt(2 / 8000))
    assert (spectra[..., 0].imag == 0).all()
    assert (spectra[..., -1].imag == 0).all() == (n_samples % 2 == 0)
    middle = spectra[..., 5]
    assert abs(np.mean(middle**2)) < 5 / np.sqrt(8000) * expected[5]


def test_white_noise_over_time_has_the_variance_of_its_band():
    # S = 4 k T R up to the Nyquist frequency: variance 4 k T R fs / 2 (bin 0 is left out).
    n = 2**16
    voltage = simulate_noise(ReceiverNoise(1e4), n, np.random.default_rng(2), interval=1e-6)
    expected = thermal_noise(1e4, bandwidth=5e5)
    assert voltage.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * n))
    assert abs(voltage.mean()) < 1e-12 * expected
    lag = np.mean(voltage[1:] * voltage[:-1]) / expected**2
    assert abs(lag) < 5 / np.sqrt(n)


def test_welch_spectrum_of_simulated_noise_is_the_density():
    from scipy.signal import welch

    n, interval = 2**19, 1e-6
    voltage = simulate_noise(PINK, n, np.random.default_rng(3), interval=interval)
    f, found = welch(voltage, fs=1 / interval, nperseg=1024)
    # 1023 half-overlapping windows: about 0.53 of them independent (Welch 1967), so each bin is
    # known to 4.3 %; averages over decades are six times better. Bins next to 0 leak.
    for low, high in ((4e3, 1e4), (1e4, 4e4), (4e4, 4e5)):
        band = (f >= low) & (f < high)
        ratio = np.mean(found[band] / PINK.density(f[band]))
        assert ratio == pytest.approx(1.0, abs=5 * 0.043 / np.sqrt(band.sum()) + 0.01)
    slope = np.polyfit(np.log(f[2:10]), np.log(found[2:10]), 1)[0]
    # Below the corner: between -1 (pink) and -0.7 (white begins to count at 20 kHz).
    assert -1.15 < slope < -0.6


def test_averaging_n_periods_divides_the_variance_by_n():
    once = bin_variance(PROBE, n_samples=64, cycle=1e-3)
    np.testing.assert_allclose(
        bin_variance(PROBE, n_samples=64, cycle=1e-3, n_averages=200), once / 200, rtol=1e-12
    )


def test_random_walk_has_variance_and_covariance_of_a_wiener_process():
    times = np.array([10.0, 10.0, 11.0, 14.0, 30.0])
    walk = simulate_drift(times, Drift(walk=3e-7), (20_000,), np.random.default_rng(4))
    np.testing.assert_array_equal(walk[0], 0.0)
    np.testing.assert_array_equal(walk[1], 0.0)
    elapsed = times - times[0]
    covariance = np.real(walk @ walk.conj().T) / 20_000
    expected = 9e-14 * np.minimum.outer(elapsed, elapsed)
    # 20,000 complex draws: a covariance has at most the standard error sqrt(s t / 20,000); five.
    bound = 5 * 9e-14 * np.sqrt(np.outer(elapsed, elapsed) / 20_000) + 1e-30
    assert (np.abs(covariance - expected) <= bound).all()
    # Circular: real and imaginary parts alike, without pseudo-covariance.
    assert abs(np.mean(walk[-1] ** 2)) < 5 * expected[-1, -1] / np.sqrt(20_000)


def test_warming_follows_its_time_constant_with_one_phase_for_each_bin():
    times = np.array([0.0, 480.0, 960.0, 48_000.0])
    drift = simulate_drift(times, Drift(warming=1e-6), (7,), np.random.default_rng(5))
    share = 1 - np.exp(-times / 480.0)
    np.testing.assert_allclose(np.abs(drift), 1e-6 * share[:, None] * np.ones(7), rtol=1e-12)
    phases = np.angle(drift[1:])
    np.testing.assert_allclose(phases, np.tile(phases[0], (3, 1)), atol=1e-12)
    assert np.ptp(phases[0]) > 0.5


def test_same_seed_same_noise():
    settings = {"n_samples": 16, "cycle": 1e-3}
    a, b = (simulate_noise_spectra(PROBE, (3,), np.random.default_rng(9), **settings)
            for _ in range(2))  # fmt: skip
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "settings",
    [{"resistance": -1.0}, {"amplifier": -1.0}, {"corner": -1.0}, {"temperature": 0.0}],
)
def test_impossible_noise_is_refused(settings):
    with pytest.raises(DataError):
        ReceiverNoise(**settings)


def test_one_over_f_noise_has_no_value_at_zero():
    with pytest.raises(DataError, match="above 0"):
        PINK.density(np.array([0.0, 1.0]))
    with pytest.raises(DataError, match="ascends"):
        PINK.root_mean_square(0.0, 1.0)
    with pytest.raises(DataError, match="ascends"):
        PINK.root_mean_square(2.0, 1.0)


def test_impossible_settings_are_refused():
    with pytest.raises(DataError):
        thermal_noise(-1.0, bandwidth=1.0)
    with pytest.raises(DataError):
        bin_variance(PROBE, n_samples=1, cycle=1.0)
    with pytest.raises(DataError):
        bin_variance(PROBE, n_samples=4, cycle=1.0, n_averages=0)
    with pytest.raises(DataError):
        Drift(walk=-1.0)
    with pytest.raises(DataError):
        Drift(warming_time=0.0)
    for times in ([1.0, 0.5], [-1.0, 0.0], []):
        with pytest.raises(DataError, match="rise"):
            simulate_drift(np.array(times), Drift(), (1,), np.random.default_rng(0))
