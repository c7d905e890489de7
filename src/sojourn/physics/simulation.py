"""Calibrations and measurements of any scanner, as values that reconstruction takes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.provenance import digest
from sojourn.core.signals import ArraySpectra, Scan, SystemMatrix
from sojourn.physics.mirrors import Mirror, find_mirrors, representatives
from sojourn.physics.particle_models import MemorylessModel, ParticleModel
from sojourn.physics.receive_spectra import (
    STANDARD,
    Progress,
    Resolution,
    position_blocks,
    run_blocks,
    simulate_signal,
    simulate_spectra,
)
from sojourn.physics.scanners import Scanner
from sojourn.physics.simulated_spectra import KeptSpectra


def simulate_system_matrix(
    scanner: Scanner,
    grid: Grid,
    model: ParticleModel,
    *,
    sample_iron: float,
    rng: np.random.Generator | None = None,
    noise: float = 0.0,
    background_frames: int = 0,
    points_per_edge: int = 1,
    patch: int = 0,
    bins: NDArray[np.int64] | None = None,
    resolution: Resolution = STANDARD,
    progress: Progress | None = None,
    name: str = "SIMULATED calibration",
) -> SystemMatrix:
    """Return a simulated calibration.

    Parameters
    ----------
    scanner, model, patch, bins, resolution, progress
        as `receive_spectra.simulate_spectra`.
    grid
        positions of the sample.
    sample_iron
        of the calibration sample, kg; positive.
    rng
        source of the noise; needed only where there is some.
    noise
        white, standard deviation of a sample of the mean period, V.
    background_frames
        empty frames after the voxels, with the same noise.
    points_per_edge
        1 is a point; n integrates over a cube as large as the voxel by n^3 Gauss points.
    name
        what the matrix says of itself.

    Returns
    -------
        in V, background corrected, `is_simulated`; `source` is a digest of a part of the values.

    Raises
    ------
    DataError
        if a number is out of range, noise is asked for without `rng`, or as the simulation says.
    """
    if not sample_iron > 0 or noise < 0 or background_frames < 0 or points_per_edge < 1:
        raise DataError(
            f"sample_iron {sample_iron} kg and points_per_edge {points_per_edge} must be positive, "
            f"noise {noise} V and background_frames {background_frames} not negative"
        )
    kept = np.arange(scanner.n_bins) if bins is None else np.asarray(bins, dtype=np.int64)
    values = _cube_spectra(
        scanner, grid, model, sample_iron, points_per_edge, patch, kept, resolution, progress
    )
    if background_frames:
        empty = np.zeros((background_frames, *values.shape[1:]), dtype=values.dtype)
        values = np.concatenate((values, empty))
    if noise > 0:
        values += white_noise(values.shape, scanner, kept, noise, rng)
    return SystemMatrix(
        spectra=KeptSpectra(values, kept, scanner.n_bins),
        acquisition=scanner.acquisition(patch=patch),
        is_background=np.arange(len(values)) >= grid.n_voxels,
        grid=grid,
        name=name,
        source=_sampled_digest(values, kept),
        sample_iron=sample_iron,
        is_simulated=True,
        is_background_corrected=True,
    )


def simulate_measurement(
    scanner: Scanner,
    positions: NDArray[np.float64],
    iron: NDArray[np.float64],
    model: ParticleModel,
    rng: np.random.Generator,
    *,
    noise: float = 0.0,
    frames: int = 1,
    background_frames: int = 0,
    background: NDArray[np.complex128] | None = None,
    patch: int = 0,
    resolution: Resolution = STANDARD,
    name: str = "SIMULATED scan",
    metadata: Mapping[str, str] | None = None,
) -> Scan:
    """Return a simulated scan of iron at given places.

    Parameters
    ----------
    scanner, model, patch, resolution
        as `receive_spectra.simulate_spectra`.
    positions
        shape (n, 3), LPS, m.
    iron
        shape (n,), kg at each.
    rng
        source of the noise.
    noise
        white, standard deviation of a sample, V, of each frame.
    frames
        that show the iron.
    background_frames
        empty ones before, and as many after.
    background
        shape (all frames, channel, bin), V: what is received without any tracer (feed-through,
        drift), unnormalised rFFT, added to every frame.
    name, metadata
        what the scan says of itself.

    Returns
    -------
        in V, empty frames first and last, `is_simulated`.

    Raises
    ------
    DataError
        if a number is out of range, `background` has another shape, or as the simulation says.
    """
    if frames < 1 or background_frames < 0 or noise < 0:
        raise DataError(
            f"frames {frames} must be positive, background_frames {background_frames} and noise "
            f"{noise} V not negative"
        )
    signal = simulate_signal(scanner, positions, iron, model, patch=patch, resolution=resolution)
    place = np.arange(frames + 2 * background_frames)
    shows = (place >= background_frames) & (place < background_frames + frames)
    spectra = np.zeros((len(place), scanner.n_channels, scanner.n_bins), dtype=np.complex128)
    spectra[shows] = signal
    if noise > 0:
        spectra += white_noise(spectra.shape, scanner, np.arange(scanner.n_bins), noise, rng)
    if background is not None:
        if background.shape != spectra.shape:
            raise DataError(f"background has shape {background.shape}, expected {spectra.shape}")
        spectra += background
    return Scan(
        spectra=ArraySpectra(spectra),
        acquisition=scanner.acquisition(patch=patch),
        is_background=~shows,
        name=name,
        source=digest(spectra.tobytes()),
        is_simulated=True,
        metadata=metadata or {},
    )


def white_noise(
    shape: tuple[int, ...],
    scanner: Scanner,
    bins: NDArray[np.int64],
    noise: float,
    rng: np.random.Generator | None,
) -> NDArray[np.complex128]:
    """Return the unnormalised rFFT of white noise in the bins kept.

    Parameters
    ----------
    shape
        (frame, channel, len(bins)).
    scanner
        gives the number of samples V: a bin's variance is V noise^2.
    bins
        0-based; the first, and the last of an even V, are real.
    noise
        standard deviation of a sample, V.
    rng
        its source.

    Raises
    ------
    DataError
        if there is no `rng`.
    """
    if rng is None:
        raise DataError("noise needs a random generator: state rng")
    samples = scanner.sequence.n_samples
    parts = rng.standard_normal((2, *shape)) * (noise * np.sqrt(samples / 2))
    values: NDArray[np.complex128] = parts[0] + 1j * parts[1]
    is_real = (bins == 0) | (2 * bins == samples)
    values[..., is_real] = np.sqrt(2.0) * values[..., is_real].real
    return values


def _cube_spectra(
    scanner: Scanner,
    grid: Grid,
    model: ParticleModel,
    iron: float,
    points_per_edge: int,
    patch: int,
    bins: NDArray[np.int64],
    resolution: Resolution,
    progress: Progress | None,
) -> NDArray[np.complex64] | NDArray[np.complex128]:
    """Return the spectra (voxel, channel, bin), averaged over a cube of Gauss points."""
    nodes, weights = np.polynomial.legendre.leggauss(points_per_edge)
    centers, edges = grid.centers(), np.array(grid.affine[:3, :3])
    mirrors = _mirrors(scanner, grid, model, points_per_edge, patch, resolution)
    total: NDArray[np.complex64] | NDArray[np.complex128] | None = None
    for count, (i, j, k) in enumerate(np.ndindex((points_per_edge,) * 3)):
        shift = edges @ (np.array([nodes[i], nodes[j], nodes[k]]) / 2)
        part = _grid_spectra(
            scanner,
            centers + shift,
            model,
            mirrors,
            iron=iron * float(weights[i] * weights[j] * weights[k]) / 8,
            patch=patch,
            bins=bins,
            resolution=resolution,
            progress=_shifted(progress, count, points_per_edge**3),
        )
        total = part if total is None else total + part
    assert total is not None
    return total


def _mirrors(
    scanner: Scanner,
    grid: Grid,
    model: ParticleModel,
    points_per_edge: int,
    patch: int,
    resolution: Resolution,
) -> tuple[Mirror, ...]:
    """Return the mirrors asked for; points beside the centers have none."""
    if not resolution.mirrors or points_per_edge > 1 or not isinstance(model, MemorylessModel):
        return ()
    return find_mirrors(scanner, grid, patch=patch, n_samples=resolution.samples)


def _grid_spectra(
    scanner: Scanner,
    positions: NDArray[np.float64],
    model: ParticleModel,
    mirrors: tuple[Mirror, ...],
    *,
    iron: float,
    patch: int,
    bins: NDArray[np.int64],
    resolution: Resolution,
    progress: Progress | None,
) -> NDArray[np.complex64] | NDArray[np.complex128]:
    """Return the spectra (voxel, channel, bin), mirrored ones by their mirror."""
    chosen, index, number = representatives(mirrors, len(positions))
    spectra = simulate_spectra(
        scanner,
        positions[chosen],
        model,
        iron=iron,
        patch=patch,
        bins=bins,
        resolution=resolution,
        progress=progress,
    )
    if not mirrors:
        return spectra
    # Mirrors act on the moments: what the chain makes of them is turned back where it turns.
    gain = scanner.gain()[:, bins]
    phase = np.divide(gain, gain.conj(), out=np.ones_like(gain), where=gain != 0)
    result = np.empty((len(positions), *spectra.shape[1:]), dtype=spectra.dtype)
    factors = [mirror.factor(bins, phase).astype(spectra.dtype) for mirror in mirrors]

    def work(block: slice) -> int:
        for place in range(block.start, block.stop):
            source = spectra[index[place]]
            if number[place] < 0:
                result[place] = source
                continue
            turned = source.conj() if mirrors[number[place]].is_reversed else source
            np.multiply(turned, factors[number[place]], out=result[place])
        return int(block.stop)

    for _ in run_blocks(work, position_blocks(len(positions)), resolution.threads):
        pass
    return result


def _shifted(progress: Progress | None, count: int, passes: int) -> Progress | None:
    """Return a callback that counts one of several passes over the voxels."""
    if progress is None:
        return None
    return lambda done, n: progress(count * n + done, passes * n)


def _sampled_digest(
    values: NDArray[np.complex64] | NDArray[np.complex128], bins: NDArray[np.int64]
) -> str:
    """Return a digest of some 64 frames, shape and bins: all values may be gigabytes."""
    some = np.ascontiguousarray(values[:: max(1, len(values) // 64)])
    return digest(repr(values.shape).encode() + bins.tobytes() + some.tobytes())
