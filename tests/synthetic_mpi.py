"""Small random calibrations and scans in memory."""

import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, Scan, SystemMatrix


def acquisition(n_samples=32, n_channels=2, cycles=1, **changes):
    """Return one drive at 1 MHz / n_samples, `cycles` of which fit the period."""
    drive = DriveField(
        base_frequency=1e6,
        divider=np.array([[n_samples // cycles]]),
        strength=np.array([[0.01]]),
        phase=np.array([[0.5]]),
        cycle=n_samples // cycles / 1e6,
    )
    values = {
        "drive_field": drive,
        "n_channels": n_channels,
        "n_samples": n_samples,
        "bandwidth": 0.5e6,
        "unit": "V",
        "start_time": "2026-01-02T03:04:05.678",
    }
    return Acquisition(**{**values, **changes})


def random_spectra(rng, frames, taken):
    """Return spectra of real signals."""
    samples = rng.standard_normal((frames, taken.n_channels, taken.n_samples))
    return np.fft.rfft(samples, axis=-1)


def matrix(seed=0, shape=(3, 2, 2), background=(False, True, True), **changes):
    """Return a random calibration, background frames last."""
    taken = changes.pop("acquisition", acquisition())
    rng = np.random.default_rng(seed)
    grid = Grid.centered(shape, (0.002, 0.003, 0.004), (0.01, -0.02, 0.03))
    mask = np.array([False] * grid.n_voxels + [b for b in background if b])
    values = {
        "spectra": ArraySpectra(random_spectra(rng, len(mask), taken)),
        "acquisition": taken,
        "is_background": mask,
        "grid": grid,
        "name": "random calibration",
        "source": f"matrix-{seed}",
    }
    return SystemMatrix(**{**values, **changes})


def scan(spectra, is_background, **changes):
    values = {
        "spectra": ArraySpectra(np.asarray(spectra)),
        "acquisition": acquisition(),
        "is_background": np.asarray(is_background),
        "name": "scan",
        "source": "scan-0",
    }
    return Scan(**{**values, **changes})
