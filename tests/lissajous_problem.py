"""A SIMULATED three-dimensional Lissajous scanner of 27^3 voxels x 4,000 rows, for benchmarks.

As in the shared performance reference: dividers 102/96/99 of 2.5 MHz, 12 mT, gradient
(-1, -1, 2) T/m, field of view 37 x 37 x 18.5 mm, Langevin particles of 25 nm (magnetite), the
4,000 strongest rows between 80 and 600 kHz. The matrix holds a point sample at every voxel's
centre; the measured frames come from a phantom on a grid twice as fine, so that matrix and data
are not of one discretisation. One particle model makes both: figures compare solvers, no more.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import scipy.fft

BASE, DIVIDERS, PERIOD = 2.5e6, np.array([102, 96, 99]), 53_856
SAMPLES = PERIOD // 2
AMPLITUDE = 12e-3
GRADIENT = np.array([-1.0, -1.0, 2.0])
SIZE = np.array([37e-3, 37e-3, 18.5e-3])
VOXELS, ROWS, FRAMES = 27, 4000, 10
BAND = (80e3, 600e3)
SLOPE = np.pi / 6 * 25e-9**3 * (0.6 / 1.25663706127e-6) / (1.380649e-23 * 310.15)
"""Langevin argument per tesla: moment of a 25 nm core of 0.6 T over k T."""
NOISE = 0.05
PILOTS = 400
VERSION = 1


@dataclass(frozen=True)
class Problem:
    """`matrix` (row, voxel) complex64, x fastest; `frames` (frame, row); `truth` (frame, voxel)."""

    matrix: np.ndarray
    frames: np.ndarray
    truth: np.ndarray


def centers(n: int) -> np.ndarray:
    """Return the centres of n^3 voxels over the field of view, x fastest, shape (n^3, 3)."""
    axis = (np.arange(n) + 0.5) / n - 0.5
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1) * SIZE


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


@numba.njit(parallel=True, cache=True)
def _magnetization(fields, drive, slope):
    """Return the relative magnetization (voxel, 3, sample) of offset fields (voxel, 3), in T."""
    n, samples = len(fields), drive.shape[1]
    out = np.empty((n, 3, samples), np.float32)
    for i in numba.prange(n):
        for t in range(samples):
            bx = np.float32(drive[0, t] + fields[i, 0])
            by = np.float32(drive[1, t] + fields[i, 1])
            bz = np.float32(drive[2, t] + fields[i, 2])
            xi = np.float32(slope) * np.sqrt(bx * bx + by * by + bz * bz)
            if xi < 0.3:
                square = xi * xi
                h = 1 / 3 - square * (1 / 45 - square * (2 / 945 - square / 4725))
            else:
                h = ((1 + 2 / (np.exp(2 * xi) - 1)) - 1 / xi) / xi
            h = np.float32(h * slope)
            out[i, 0, t], out[i, 1, t], out[i, 2, t] = h * bx, h * by, h * bz
    return out


def spectra(points: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the spectrum of the magnetization's change at `points`, (point, row) complex64."""
    times = np.arange(SAMPLES) * (PERIOD / SAMPLES / BASE)
    drive = AMPLITUDE * np.sin(2 * np.pi * (BASE / DIVIDERS)[:, None] * times)
    found = []
    rate = np.arange(SAMPLES // 2 + 1, dtype=np.float32)
    for some in np.array_split(points, max(1, len(points) // 64)):
        made = scipy.fft.rfft(_magnetization(some * GRADIENT, drive, SLOPE), axis=-1, workers=2)
        made = (made * (1j * rate)).reshape(len(some), -1)
        found.append(made if rows is None else made[:, rows])
    return np.concatenate(found).astype(np.complex64)


def strongest_rows() -> np.ndarray:
    """Return the flat indices (channel, bin) of the strongest rows within the band, ascending."""
    pilots = np.random.default_rng(1).permutation(centers(VOXELS))[:PILOTS]
    energy = np.sum(np.abs(spectra(pilots)) ** 2, axis=0)
    frequency = np.tile(np.arange(SAMPLES // 2 + 1) * (BASE / PERIOD), 3)
    energy[(frequency < BAND[0]) | (frequency > BAND[1])] = 0
    return np.sort(np.argsort(energy)[-ROWS:])


def simulate() -> Problem:
    """Return the problem; some 40 s on two cores."""
    rows = strongest_rows()
    matrix = np.ascontiguousarray(spectra(centers(VOXELS), rows).T)
    fine = centers(2 * VOXELS)
    shapes = np.stack([blobs(fine, frame) for frame in range(FRAMES)])
    used = np.flatnonzero(shapes.any(axis=0))
    clean = shapes[:, used] @ spectra(fine[used], rows).astype(np.complex128) / 8
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
    frames = clean + NOISE * np.abs(clean).mean() / np.sqrt(2) * noise
    half = (FRAMES, VOXELS, 2, VOXELS, 2, VOXELS, 2)
    truth = shapes.reshape(half).mean(axis=(2, 4, 6)).reshape(FRAMES, -1)
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
