"""A SIMULATED three-dimensional Lissajous scanner of 27^3 voxels x 4,000 rows, for benchmarks.

As in the shared performance reference: dividers 102/96/99 of 2.5 MHz, 12 mT, gradient
(-1, -1, 2) T/m, field of view 37 x 37 x 18.5 mm, Langevin particles of 25 nm (magnetite), the
4,000 strongest rows between 80 and 600 kHz. The matrix holds a point sample at every voxel's
centre; the measured frames come from a phantom on a grid twice as fine, so that matrix and data
are not of one discretisation. One particle model makes both: figures compare solvers, no more.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, DriveField, SystemMatrix
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.receive_spectra import Resolution, simulate_spectra
from sojourn.physics.scanner_presets import preclinical

SIDE, ROWS, FRAMES = 27, 4000, 10
SIZE = np.array([37e-3, 37e-3, 18.5e-3])
BAND = (80e3, 600e3)
SAMPLES = 28_800
"""A period; above twice the highest row's bin, and fast to transform."""
NOISE = 0.05
"""Standard deviation of the white noise, relative to the mean magnitude of a row."""
PILOTS, CHUNK = 400, 512
VERSION = 2


@dataclass(frozen=True)
class Problem:
    """`matrix` (row, voxel) complex64, x fastest; `frames` (frame, row); `truth` (frame, voxel)."""

    matrix: np.ndarray
    frames: np.ndarray
    truth: np.ndarray


def grid(side: int = SIDE) -> Grid:
    """Return `side`^3 voxels over the field of view."""
    return Grid.centered((side, side, side), tuple(SIZE / side))


def blobs(points: np.ndarray, frame: int) -> np.ndarray:
    """Return the concentration at `points` of three balls that grow, and shift each 3rd frame."""
    shift = 1.2e-3 * (frame // 3)
    places = np.array([[-8e-3 + shift, -5e-3, 1e-3], [7e-3, 6e-3 - shift, -2e-3], [2e-3, -9e-3, 0]])
    values = np.zeros(len(points))
    for place, radius, height in zip(
        places, (3.2e-3, 3.8e-3, 2.6e-3), (1.0, 0.7, 1.3), strict=True
    ):
        inside = np.linalg.norm(points - place, axis=1) < radius * (1 + 0.03 * frame)
        values[inside] = height
    return values


def spectra(points: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the spectra at `points`, (point, row) complex64; `rows` of (channel, bin in band)."""
    scanner = preclinical()
    model = Equilibrium(CoreSizes(np.array([25e-9]), np.array([1.0])))
    frequencies = scanner.sequence.frequencies()
    bins = np.flatnonzero((frequencies >= BAND[0]) & (frequencies <= BAND[1]))
    resolution = Resolution(samples=SAMPLES, single=True, threads=os.cpu_count() or 1)
    found = []
    for some in np.array_split(points, max(1, len(points) // CHUNK)):
        made = simulate_spectra(scanner, some, model, bins=bins, resolution=resolution)
        flat = made.reshape(len(some), -1)
        found.append(flat if rows is None else flat[:, rows])
    return np.concatenate(found).astype(np.complex64)


def strongest_rows() -> np.ndarray:
    """Return the flat indices (channel, bin in band) of the strongest rows, ascending."""
    pilots = np.random.default_rng(1).permutation(grid().centers())[:PILOTS]
    energy = np.sum(np.abs(spectra(pilots).astype(np.complex128)) ** 2, axis=0)
    return np.sort(np.argsort(energy)[-ROWS:])


def simulate() -> Problem:
    """Return the problem; some seconds to a minute."""
    rows = strongest_rows()
    matrix = np.ascontiguousarray(spectra(grid().centers(), rows).T)
    fine = grid(2 * SIDE).centers()
    shapes = np.stack([blobs(fine, frame) for frame in range(FRAMES)])
    used = np.flatnonzero(shapes.any(axis=0))
    clean = shapes[:, used] @ spectra(fine[used], rows).astype(np.complex128) / 8
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
    frames = clean + NOISE * np.abs(clean).mean() / np.sqrt(2) * noise
    halves = (FRAMES, SIDE, 2, SIDE, 2, SIDE, 2)
    truth = shapes.reshape(halves).mean(axis=(2, 4, 6)).reshape(FRAMES, -1)
    return Problem(matrix, frames, truth)


def load() -> Problem:
    """Return the problem, from the folder of temporary files where an earlier run left it."""
    folder = Path(tempfile.gettempdir()) / f"sojourn-lissajous-{VERSION}"
    names = ("matrix", "frames", "truth")
    if not (folder / "truth.npy").exists():
        folder.mkdir(exist_ok=True)
        problem = simulate()
        for name in names:
            np.save(folder / f"{name}.npy", getattr(problem, name))
    return Problem(*(np.load(folder / f"{name}.npy") for name in names))


@dataclass(frozen=True)
class RowSpectra:
    """Rows of one channel, bin 0 first and empty: (row, voxel) in memory, in single precision."""

    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.rows.shape[1], 1, len(self.rows) + 1

    def read(self, channel: int, bins: np.ndarray) -> np.ndarray:
        assert channel == 0
        return self.rows[bins - 1].T.astype(np.complex128)


def calibration(problem: Problem) -> SystemMatrix:
    """Return the matrix as a calibration of one channel whose bins 1.. are its rows."""
    samples = 2 * ROWS
    drive = DriveField(2.5e6, np.array([[samples]]), np.array([[12e-3]]), np.zeros((1, 1)), 1e-3)
    return SystemMatrix(
        spectra=RowSpectra(problem.matrix),
        acquisition=Acquisition(drive, 1, samples, 1.25e6, "V"),
        is_background=np.zeros(SIDE**3, dtype=bool),
        grid=grid(),
        name="SIMULATED Lissajous",
        source="lissajous",
        is_simulated=True,
        is_background_corrected=True,
    )
