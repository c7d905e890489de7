import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.fields import KneeScanner
from sojourn.physics.knee_scans import (
    INJECTED_PARTICLES,
    knee_response,
    relative_signal,
    simulate_knee_scan,
)
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.phantoms import simulate_knee
from sojourn.physics.receive import Interference
from sojourn.physics.system_matrix import simulate_response

QUIET = Interference(noise=0.0, offset=0.0, warming=0.0, wander=0.0)
KNEE = simulate_knee(np.random.default_rng(2))


def test_noiseless_scan_is_the_sum_over_points():
    scan = simulate_knee_scan(
        KNEE, {"joint_cavity": 3e-7}, np.random.default_rng(0), day=1.0, interference=QUIET
    )
    expected = np.einsum(
        "n,nck->ck", KNEE.place_iron({"joint_cavity": 3e-7}, day=1.0), knee_response(KNEE)
    )
    for channel in range(3):
        frames = scan.spectra.read(channel, np.arange(129))
        assert np.abs(frames[:10]).max() == 0.0
        np.testing.assert_allclose(frames[10], expected[channel], rtol=1e-9, atol=1e-18)


def test_blank_scan_holds_no_tracer():
    scan = simulate_knee_scan(KNEE, {}, np.random.default_rng(0), day=0.0, interference=QUIET)
    assert np.abs(scan.spectra.read(0, np.arange(129))).max() == 0.0


def test_response_of_another_knee_is_refused():
    other = np.zeros((3, 3, 129), complex)
    with pytest.raises(DataError, match="points"):
        simulate_knee_scan(KNEE, {}, np.random.default_rng(0), day=0.0, response=other)


def test_truth_is_no_inverse_crime():
    # What the documentation states: 8 % more signal, 1 to 2 % of another shape at one place.
    place = np.array([[0.01, -0.01, 0.02]])
    known = simulate_response(place, KneeScanner(), FERUMOXYTOL, temperature=295.15).ravel()
    seen = simulate_response(place, KneeScanner(), INJECTED_PARTICLES).ravel()
    amplitude = relative_signal(INJECTED_PARTICLES, FERUMOXYTOL)
    assert amplitude == pytest.approx(1.08, abs=0.01)
    misfit = np.linalg.norm(seen - amplitude * known) / np.linalg.norm(seen)
    assert 0.008 < misfit < 0.025


def test_early_signals_stand_tens_to_hundreds_of_times_above_the_noise_of_a_frame():
    scan = simulate_knee_scan(
        KNEE, {"joint_cavity": 3e-7}, np.random.default_rng(0), day=0.0, interference=QUIET
    )
    signal = np.abs(scan.spectra.read(2, np.arange(129))[15])
    noise = 3.0e-6 * np.sqrt(256)
    assert 10 < signal.max() / noise < 300


def test_session_gain_scales_the_tracer_and_not_the_background():
    knee = simulate_knee(np.random.default_rng(1))
    iron = {"joint_cavity": 300e-9}
    plain, louder, blank = (
        simulate_knee_scan(knee, placed, np.random.default_rng(2), day=0.0, session_gain=gain)
        for placed, gain in ((iron, 1.0), (iron, 1.1), ({}, 1.1))
    )
    bins = np.arange(plain.acquisition.n_bins)
    once, more, none = (scan.spectra.read(0, bins) for scan in (plain, louder, blank))
    np.testing.assert_allclose(more - none, 1.1 * (once - none), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan")])
def test_a_gain_that_is_none_is_refused(gain):
    knee = simulate_knee(np.random.default_rng(1))
    with pytest.raises(DataError, match="session_gain must be positive"):
        simulate_knee_scan(knee, {}, np.random.default_rng(2), day=0.0, session_gain=gain)
