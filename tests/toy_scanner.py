"""A scanner in memory whose signal is a known smooth function of place: for exact tests."""

import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, Scan, SystemMatrix
from sojourn.quantification.amount import AmountSettings
from sojourn.reconstruction._background import Background

ROWS = 12
SPACING = 0.01
EXACT = 1e-9
"""Noise that disturbs nothing, but exists: an amount needs one."""


def acquisition():
    drive = DriveField(1e6, np.array([[40]]), np.array([[5e-3]]), np.array([[0.0]]), 40e-6)
    return Acquisition(drive, n_channels=1, n_samples=2 * ROWS, bandwidth=3e5, unit="V")


def response(places, seed=0, wave=40.0):
    """Return the spectrum (place, bin) of one sample at `places` (n, 3), bin 0 empty."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(0, wave, (ROWS, 3, 3))
    weights = rng.normal(size=(ROWS, 3)) + 1j * rng.normal(size=(ROWS, 3))
    phase = np.einsum("rwa,pa->prw", waves, places) + rng.uniform(0, 6, (ROWS, 3))
    rows = (np.cos(phase) * weights).sum(axis=2)
    return np.concatenate([np.zeros((len(places), 1)), rows], axis=1)


def empty(rng, frames, noise):
    values = noise * (rng.normal(size=(2, frames, ROWS + 1)) / np.sqrt(2))
    return values[0] + 1j * values[1]


def toy_grid(shape=(6, 4, 3)):
    return Grid.centered(shape, (SPACING,) * 3)


def toy_matrix(rng, *, shape=(6, 4, 3), noise=EXACT, sample_iron=None, seed=0, frames=20):
    grid = toy_grid(shape)
    columns = response(grid.centers(), seed)
    rows = np.concatenate([columns + empty(rng, len(columns), noise), empty(rng, frames, noise)])
    return SystemMatrix(
        spectra=ArraySpectra(rows[:, None]),
        acquisition=acquisition(),
        is_background=np.arange(len(rows)) >= len(columns),
        grid=grid,
        name="toy calibration",
        source="toy",
        sample_iron=sample_iron,
    )


def toy_scan(rng, signal, *, noise=EXACT, frames=4, empty_frames=10, offset=0.0):
    """Return empty frames, frames of `signal` (bin,), empty frames."""
    n = frames + 2 * empty_frames
    full = (np.arange(n) >= empty_frames) & (np.arange(n) < empty_frames + frames)
    rows = empty(rng, n, noise) + offset
    rows[full] += signal
    return Scan(
        spectra=ArraySpectra(rows[:, None]),
        acquisition=acquisition(),
        is_background=~full,
        name="toy scan",
        source="toy",
    )


def toy_settings(**changes):
    values = {"background": Background.OWN_LINEAR, "bins": tuple(range(1, ROWS + 1))}
    return AmountSettings(**(values | changes))


def toy_mask(labels, grid, names=None):
    return Mask(
        labels.astype(np.int32), grid, names or {1: "cavity", 2: "outside"}, Provenance("t")
    )
