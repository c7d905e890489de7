import math

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.signals import DriveField
from sojourn.physics.fields import KneeScanner, drive_waveform, knee_drive_field, selection_field


def test_drive_frequencies_are_whole_cycles_of_one_period():
    drive = knee_drive_field()
    frequency = drive.base_frequency / drive.divider.ravel()
    np.testing.assert_allclose(frequency, [25e3, 27.5e3, 30e3], rtol=1e-12)
    # MDF 2.1: cycle = lcm(divider) / baseFrequency.
    lcm = math.lcm(*(int(d) for d in drive.divider.ravel()))
    assert drive.cycle == pytest.approx(lcm / drive.base_frequency, rel=1e-12)


def test_waveform_is_a_sine_from_zero_with_the_stated_strength():
    waveform = drive_waveform(knee_drive_field(amplitude=15e-3), 2400)
    assert waveform.shape == (3, 2400)
    np.testing.assert_allclose(waveform[:, 0], 0.0, atol=1e-15)
    np.testing.assert_allclose(waveform.max(axis=1), 15e-3, rtol=1e-4)
    spectrum = np.abs(np.fft.rfft(waveform[0])) / 1200
    assert np.argmax(spectrum) == 10
    assert spectrum[10] == pytest.approx(15e-3, rel=1e-9)


def test_other_waveforms_are_refused():
    one = np.ones((1, 1))
    drive = DriveField(1e6, np.array([[40]]), one, one, 4e-5, waveform="triangle")
    with pytest.raises(DataError, match="triangle"):
        drive_waveform(drive, 16)


def test_scanner_states_bandwidth_and_bins():
    scanner = KneeScanner()
    # 256 samples in 0.4 ms: 640 kHz sampling, 320 kHz Nyquist, bins 2.5 kHz apart.
    assert scanner.bandwidth == pytest.approx(320e3)
    assert scanner.n_bins == 129
    assert scanner.frequencies()[1] == pytest.approx(2500.0)


@pytest.mark.parametrize("gradient", [(0.3, 0.3, -0.3), (1.0, -1.0, 0.0)])
def test_gradient_that_maxwell_forbids_or_that_encodes_nothing_is_refused(gradient):
    with pytest.raises(DataError, match="divergence"):
        KneeScanner(gradient=np.array(gradient))


def test_selection_field_is_zero_at_the_isocentre_and_linear():
    gradient = np.array([-0.3, 0.6, -0.3])
    positions = np.array([[0.0, 0.0, 0.0], [0.01, 0.02, -0.03]])
    field = selection_field(positions, gradient)
    np.testing.assert_allclose(field, [[0, 0, 0], [-3e-3, 12e-3, 9e-3]], atol=1e-15)
