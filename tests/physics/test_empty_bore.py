import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.empty_bore import drive_harmonics, simulate_empty_bore
from sojourn.physics.noise import Drift, ReceiverNoise
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.scanner_presets import human_head, knee
from sojourn.physics.simulation import simulate_measurement

AMPLIFIER = ReceiverNoise(amplifier=2e-9)


def test_white_noise_fills_the_band_of_the_receiver():
    empty = simulate_empty_bore(
        human_head(), np.zeros(2000), np.random.default_rng(0), noise=AMPLIFIER
    )
    samples = np.fft.irfft(empty[:, 0], n=152)
    # e sqrt(bandwidth) = 2e-9 V/sqrt(Hz) x sqrt(1.953125 MHz); bin 0 and 1/f left out: below 2 %.
    assert samples.std() == pytest.approx(2e-9 * np.sqrt(1.953125e6), rel=0.02)


def test_averaging_periods_averages_the_noise():
    many = simulate_empty_bore(
        human_head(), np.zeros(500), np.random.default_rng(0), noise=AMPLIFIER, n_averages=100
    )
    one = simulate_empty_bore(
        human_head(), np.zeros(500), np.random.default_rng(0), noise=AMPLIFIER
    )
    np.testing.assert_allclose(many, one / 10, rtol=1e-9, atol=1e-15)


def test_drift_grows_on_drive_harmonics_only():
    times = np.arange(0.0, 3600.0, 36.0)
    empty = simulate_empty_bore(
        knee(),
        times,
        np.random.default_rng(1),
        noise=ReceiverNoise(),
        drift=Drift(walk=1e-6, warming=1e-5),
    )
    harmonics = drive_harmonics(knee())
    assert not empty[..., ~harmonics].any()
    # Ten, eleven and twelve cycles in a period, and their multiples.
    assert set(np.flatnonzero(harmonics)[:6]) == {10, 11, 12, 20, 22, 24}
    grown = np.sqrt(np.mean(np.abs(empty[..., harmonics]) ** 2, axis=(1, 2)))
    assert grown[0] == 0
    assert grown[-1] > 5 * grown[1]


def test_feedthrough_is_steady_and_passes_the_transfer_function():
    scanner = knee()
    steady = np.full((3, 129), 1e-3 + 0j)
    empty = simulate_empty_bore(
        scanner,
        np.arange(2.0),
        np.random.default_rng(0),
        noise=ReceiverNoise(),
        feedthrough=steady,
    )
    # A sine of amplitude a is a V/2 in an unnormalised rFFT of V samples.
    expected = 1e-3 * 128 * scanner.transfer[:, 1:-1]
    np.testing.assert_allclose(empty[0, :, 1:-1], expected, rtol=1e-12)
    np.testing.assert_array_equal(empty[0], empty[1])
    with pytest.raises(DataError, match="feedthrough has shape"):
        simulate_empty_bore(
            scanner,
            np.zeros(1),
            np.random.default_rng(0),
            noise=AMPLIFIER,
            feedthrough=steady[:1],
        )


def test_it_is_the_background_of_a_measurement():
    rng = np.random.default_rng(0)
    empty = simulate_empty_bore(knee(), np.arange(5.0), rng, noise=AMPLIFIER)
    scan = simulate_measurement(
        knee(),
        np.zeros((1, 3)),
        np.array([1e-6]),
        Equilibrium(FERUMOXYTOL),
        rng,
        frames=1,
        background_frames=2,
        background=empty,
    )
    rows = scan.spectra.read(2, np.arange(129))
    np.testing.assert_array_equal(rows[[0, 1, 3, 4]], empty[[0, 1, 3, 4], 2])
    assert np.abs(rows[2]).max() > 10 * np.abs(rows[0]).max()
