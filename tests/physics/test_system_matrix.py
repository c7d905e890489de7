import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import DriveField
from sojourn.physics.fields import KneeScanner
from sojourn.physics.particles import FERUMOXYTOL, TracerParticles
from sojourn.physics.receive import CHANNEL_GAIN, Interference, transfer_function
from sojourn.physics.system_matrix import (
    CalibrationProtocol,
    ScanProtocol,
    SimulatedResponse,
    simulate_calibration,
    simulate_response,
    simulate_scan,
)
from sojourn.testing import check_adjoint

SCANNER = KneeScanner()
QUIET = Interference(noise=0.0, offset=0.0, warming=0.0, wander=0.0)


def one_axis_scanner(amplitude):
    """Only x is driven; one whole cycle in 10 is the drive frequency, as in the real trajectory."""
    drive = DriveField(
        base_frequency=660 / 0.4e-3,
        divider=np.array([[66], [60], [55]]),
        strength=np.array([[amplitude], [0.0], [0.0]]),
        phase=np.zeros((3, 1)),
        cycle=0.4e-3,
    )
    return KneeScanner(drive_field=drive)


def test_third_harmonic_at_low_field_is_xi_cubed_over_180():
    # cosine drive of amplitude xi: L = xi/3 - xi^3/45 ..., third Fourier amplitude xi^3/180.
    diameter, amplitude, temperature = 20e-9, 0.15e-3, 310.15
    moment = 380e3 * np.pi * diameter**3 / 6
    xi = moment * amplitude / (1.380649e-23 * temperature)
    particles = TracerParticles((1.0,), (diameter,), (1e-6,))
    scanner = one_axis_scanner(amplitude)
    spectrum = simulate_response(np.zeros((1, 3)), scanner, particles, temperature=temperature)
    received = spectrum[0, 0, 30] / transfer_function(scanner)[0, 30]
    amplitude_of_moment = 2 * abs(received) / scanner.n_samples / particles.moment_per_iron
    # xi is 0.15 here: the next term of the series is xi^2/7 = 0.3 % below.
    assert xi < 0.2
    assert amplitude_of_moment == pytest.approx(xi**3 / 180, rel=0.01)


def test_even_harmonics_vanish_at_the_field_free_point():
    spectrum = np.abs(simulate_response(np.zeros((1, 3)), one_axis_scanner(10e-3), FERUMOXYTOL))
    even, odd = spectrum[0, 0, 20::20], spectrum[0, 0, 30::20]
    assert even.max() < 1e-9 * odd.max()


def test_beside_the_field_free_point_even_harmonics_flip_sign():
    places = np.array([[0.02, 0.0, 0.0], [-0.02, 0.0, 0.0]])
    left, right = simulate_response(places, one_axis_scanner(10e-3), FERUMOXYTOL)[:, 0]
    np.testing.assert_allclose(left[40], -right[40], rtol=1e-9)
    np.testing.assert_allclose(left[30], right[30], rtol=1e-9)


def test_far_away_there_is_no_signal():
    places = np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    near, far = np.linalg.norm(simulate_response(places, SCANNER, FERUMOXYTOL), axis=(1, 2))
    assert far < 1e-2 * near


def test_only_the_driven_axis_receives_on_that_axis():
    place = np.array([[0.01, 0.0, 0.0]])
    spectrum = simulate_response(place, one_axis_scanner(10e-3), FERUMOXYTOL)[0]
    assert np.abs(spectrum[1:]).max() < 1e-12 * np.abs(spectrum[0]).max()


def test_drive_frequencies_are_stopped_by_80_db_and_harmonics_pass():
    transfer = np.abs(transfer_function(SCANNER))
    per_frequency = transfer[:, 1:-1] / SCANNER.frequencies()[1:-1]
    stopped, passed = per_frequency[:, :15], per_frequency[:, 15:]
    np.testing.assert_allclose(stopped / passed[:, :1], 1e-4, rtol=1e-12)
    np.testing.assert_allclose(passed[:, 0] / passed[0, 0], np.abs(CHANNEL_GAIN), rtol=1e-12)


def test_response_is_an_operator_with_its_adjoint():
    places = np.random.default_rng(0).uniform(-0.03, 0.03, (7, 3))
    check_adjoint(SimulatedResponse(simulate_response(places, SCANNER, FERUMOXYTOL)))


def test_received_samples_are_real():
    spectrum = simulate_response(np.array([[0.01, 0.01, 0.01]]), SCANNER, FERUMOXYTOL)[0]
    assert abs(spectrum[:, 0]).max() == 0.0
    assert abs(spectrum[:, -1]).max() == 0.0


class TestCalibration:
    GRID = Grid.centered((3, 2, 2), (0.01, 0.01, 0.01))

    def test_voxels_first_in_order_then_background(self):
        matrix = simulate_calibration(
            np.random.default_rng(0),
            grid=self.GRID,
            interference=QUIET,
            protocol=CalibrationProtocol(sample_iron=2e-6, background_frames=5),
        )
        assert matrix.spectra.shape == (17, 3, 129)
        assert matrix.is_background.tolist() == [False] * 12 + [True] * 5
        assert matrix.is_simulated
        assert matrix.sample_iron == 2e-6
        # A cube around a place has about the signal of a point at that place.
        voxel = 4
        point = simulate_response(
            self.GRID.centers()[[voxel]], SCANNER, FERUMOXYTOL, temperature=295.15
        )
        found = matrix.spectra.read(0, np.arange(129))[voxel] / 2e-6
        difference = np.linalg.norm(found - point[0, 0]) / np.linalg.norm(point[0, 0])
        # The cube's second moments: (10 mm)^2/24 times the curvature; a tenth is its size here.
        assert 0 < difference < 0.15

    def test_signal_to_noise_is_high_where_the_tracer_answers(self):
        matrix = simulate_calibration(np.random.default_rng(0), grid=self.GRID)
        assert matrix.snr is not None
        assert matrix.snr[0, 30] > 100
        assert matrix.snr[0, 0] < 5

    def test_noise_is_as_stated(self):
        loud = Interference(noise=1e-6, offset=0.0, warming=0.0, wander=0.0)
        protocol = CalibrationProtocol(frames_per_voxel=4, background_frames=400)
        matrix = simulate_calibration(
            np.random.default_rng(1), grid=self.GRID, interference=loud, protocol=protocol
        )
        empty = matrix.spectra.read(1, np.arange(1, 128))[matrix.is_background]
        # rFFT of n white samples: variance n sigma^2; 4 frames averaged halve it.
        assert np.std(empty) == pytest.approx(1e-6 * 16 / 2, rel=0.02)


class TestScan:
    def test_only_the_middle_block_holds_the_knee_and_iron_is_linear(self):
        signal = simulate_response(np.zeros((1, 3)), SCANNER, FERUMOXYTOL)[0]
        scans = [
            simulate_scan(amount * signal, np.random.default_rng(3)) for amount in (0.0, 1e-7, 3e-7)
        ]
        blank, one, three = (scan.spectra.read(0, np.arange(129)) for scan in scans)
        knee = ~scans[0].is_background
        assert knee.sum() == 20
        np.testing.assert_array_equal(one[~knee], blank[~knee])
        gained = [frames[knee] - blank[knee] for frames in (one, three)]
        # Sums of 1e-4 V are rounded to about 1e-20 V.
        np.testing.assert_allclose(gained[1], 3 * gained[0], rtol=1e-9, atol=1e-17)

    def test_blocks_lie_minutes_apart(self):
        times = ScanProtocol(frames=4, background_frames=2, pause=100.0, warm_up=0.0).times()
        assert times.tolist() == [0, 1, 102, 103, 104, 105, 206, 207]

    def test_background_drifts_between_the_blocks(self):
        drifting = Interference(noise=0.0, offset=1e-6, warming=0.5, wander=0.0)
        scan = simulate_scan(
            np.zeros((3, 129), complex), np.random.default_rng(0), interference=drifting
        )
        values = scan.spectra.read(0, np.arange(129))
        before, after = np.linalg.norm(values[0] - values[-1]), np.linalg.norm(values[0])
        # 250 s of an 8 min warm-up from minute 5: exp(-300/480) - exp(-550/480) = 0.217, halved.
        assert before / after == pytest.approx(0.11, rel=0.6)

    def test_signal_of_another_scanner_is_refused(self):
        with pytest.raises(DataError, match="expected"):
            simulate_scan(np.zeros((3, 10), complex), np.random.default_rng(0))
