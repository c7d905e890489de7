"""Problems for the compressed Newton method: large enough to be compiled, small enough for NNLS."""

import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, SystemMatrix

ROWS, SHAPE = 180, (9, 8, 7)
VOXELS = 9 * 8 * 7


def columns(rows=ROWS, shape=SHAPE, seed=0):
    """Return a SIMULATED matrix (row, voxel): smooth waves, so that singular values fall fast."""
    rng = np.random.default_rng(seed)
    places = Grid.centered(shape, (1.0, 1.0, 1.0)).centers()
    waves = rng.normal(0, 0.7, (rows, 3))
    phase = places @ waves.T + rng.uniform(0, 6, rows)
    strength = np.exp(-np.linalg.norm(waves, axis=1))
    return (np.exp(1j * phase) * strength).T.copy() * 3e-5


def amounts(seed=0, shape=SHAPE):
    """Return two blobs (voxel,), x fastest."""
    rng = np.random.default_rng(seed)
    places = Grid.centered(shape, (1.0, 1.0, 1.0)).centers()
    found = np.zeros(len(places))
    for strength in (1.0, 2.5):
        middle = rng.uniform(-2, 2, 3)
        found += strength * np.exp(-np.sum((places - middle) ** 2, axis=1) / 2)
    return np.where(found > 0.1, found, 0)


def signals(matrix, n=1, noise=0.02, seed=1, shape=SHAPE):
    """Return frames (frame, row) of blobs that differ little from one frame to the next."""
    rng = np.random.default_rng(seed)
    clean = np.stack(
        [matrix @ (amounts(0, shape) + 0.05 * k * amounts(1, shape)) for k in range(n)]
    )
    white = rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
    return clean + noise * np.abs(clean).mean() * white / np.sqrt(2)


def calibration(matrix, shape=SHAPE, background=(), **changes):
    """Return `matrix` (row, voxel) as a SIMULATED calibration of one channel, without bin 0."""
    rows = np.concatenate([matrix.T, np.reshape(background, (-1, len(matrix)))])
    samples = 2 * len(matrix)
    drive = DriveField(1e6, np.array([[samples]]), np.array([[0.01]]), np.zeros((1, 1)), 1e-4)
    values = {
        "spectra": ArraySpectra(np.pad(rows, ((0, 0), (1, 0)))[:, None]),
        "acquisition": Acquisition(drive, 1, samples, 0.5e6, "V"),
        "is_background": np.arange(len(rows)) >= matrix.shape[1],
        "grid": Grid.centered(shape, (0.001, 0.001, 0.001)),
        "name": "waves",
        "source": "waves",
        "is_simulated": True,
        "is_background_corrected": True,
    }
    return SystemMatrix(**(values | changes))


def settings_of(matrix, **changes):
    """Return settings that select every row of `calibration(matrix)`."""
    return {"background": "none", "bins": tuple(range(1, len(matrix) + 1)), **changes}
