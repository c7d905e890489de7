"""An ideal scanner with a field-free point, SIMULATED from closed forms: Langevin, no filter."""

import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, Scan, SystemMatrix

KT = 1.380649e-23 * 310.15
LARGE, SMALL = (380e3 * np.pi / 6 * size**3 for size in (30e-9, 22e-9))
"""Moments of cores of 30 and 22 nm and 380 kA/m, A m^2."""
PERIOD = 1e-3


def acquisition(
    cycles=(20,), *, strength=0.014, gradient=(-1.0, -1.0, 2.0), n_samples=2048, **changes
):
    base = int(np.lcm.reduce(cycles))
    drive = DriveField(
        base_frequency=base / PERIOD,
        divider=np.array([[base // n] for n in cycles]),
        strength=np.full((len(cycles), 1), strength),
        phase=np.full((len(cycles), 1), 0.4),
        cycle=PERIOD,
    )
    values = {
        "drive_field": drive,
        "n_channels": len(cycles),
        "n_samples": n_samples,
        "bandwidth": n_samples / PERIOD / 2,
        "unit": "V",
        "gradient": None if gradient is None else np.diag(gradient),
    }
    return Acquisition(**(values | changes))


def langevin_over(x):
    """L(x) / x."""
    small = np.abs(x) < 1e-2
    safe = np.where(small, 1.0, x)
    return np.where(small, 1 / 3 - x**2 / 45, (1 / np.tanh(safe) - 1 / safe) / safe)


def signals(positions, taken, moment=LARGE):
    """Return the voltage's spectra (place, channel, bin) of one sample at each place."""
    drive = taken.drive_field
    t = np.arange(taken.n_samples) * PERIOD / taken.n_samples
    frequency = drive.base_frequency / drive.divider
    waves = drive.strength * np.sin(2 * np.pi * frequency * t + drive.phase)
    field = np.zeros((len(positions), 3, taken.n_samples))
    field[:, : len(waves)] = waves
    field += (positions @ taken.gradient.T)[:, :, None]
    if taken.offset_field is not None:
        field += taken.offset_field[:, None]
    xi = moment / KT * np.linalg.norm(field, axis=1, keepdims=True)
    response = moment / KT * field * langevin_over(xi)
    spectrum = np.fft.rfft(response[:, : taken.n_channels], axis=2)
    return -2j * np.pi * np.arange(spectrum.shape[2]) / PERIOD * spectrum


def matrix(taken, grid, moment=LARGE, **changes):
    samples = signals(grid.centers(), taken, moment)
    empty = np.zeros((2, *samples.shape[1:]))
    values = {
        "spectra": ArraySpectra(np.concatenate([samples, empty])),
        "acquisition": taken,
        "is_background": np.arange(grid.n_voxels + 2) >= grid.n_voxels,
        "grid": grid,
        "name": "SIMULATED x-space scanner",
        "source": "x-space",
        "is_simulated": True,
    }
    return SystemMatrix(**(values | changes))


def scan(taken, positions, moment=LARGE):
    """Return one sample at each of `positions`, at once."""
    total = signals(np.asarray(positions, dtype=float), taken, moment).sum(axis=0)
    return Scan(
        ArraySpectra(np.stack([total, np.zeros_like(total)])),
        taken,
        np.array([False, True]),
        name="SIMULATED samples",
        source="samples",
        is_simulated=True,
    )


def line_grid(n=61, spacing=0.0004):
    return Grid.centered((n, 1, 1), (spacing, 0.001, 0.001))
