"""A simulated calibration and measurement as files: what `sojourn scan simulate` does."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.geometry import Grid
from sojourn.core.provenance import digest
from sojourn.core.random import named_generator
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.formats.mdf import (
    MdfHeader,
    MdfLayout,
    MdfTracer,
    write_patch_matrices,
    write_patches,
)
from sojourn.physics.openmpi_phantoms import (
    Phantom,
    concentration_phantom,
    phantom_points,
    points_phantom,
    resolution_phantom,
    shape_phantom,
    sphere_phantom,
)
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.receive_spectra import Resolution
from sojourn.physics.scanner_presets import PRESETS, preset
from sojourn.physics.scanners import Scanner
from sojourn.physics.simulated_spectra import KeptSpectra
from sojourn.physics.simulation import (
    simulate_measurement,
    simulate_system_matrix,
    white_noise,
)
from sojourn.physics.system_matrix import ROOM_TEMPERATURE
from sojourn.physics.tracers import TRACERS, find_tracer
from sojourn.study._simulated import random_uuid

TIME = "2000-01-01T00:00:00.000"
"""What SIMULATED files state: no clock stands behind them."""

PHANTOMS = ("points", "ball", "shape", "resolution", "concentration")

FILES = ("calibration.mdf", "measurement.mdf", "truth.json")
"""What a simulation writes."""

LARGEST_MATRIX = 2e9
"""Bytes of a calibration that is written; more needs a smaller grid or band."""

_MICROGRAM = 1e-9
_POINTS_PER_VOXEL = 3
_MOST_POINTS = 50_000


@dataclass(frozen=True, slots=True)
class View:
    """What is calibrated of a preset: voxels, their edges (m), their center (m), band (Hz)."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    center: tuple[float, float, float] = (0.0, 0.0, 0.0)
    band: tuple[float, float] = (0.0, math.inf)


VIEWS: Mapping[str, View] = {
    "preclinical": View((11, 11, 7), (2.2e-3, 2.2e-3, 1.8e-3), band=(80e3, 250e3)),
    "cartesian": View((11, 11, 7), (2.2e-3, 2.2e-3, 1.8e-3), band=(50e3, 250e3)),
    "human_head": View((15, 1, 1), (5e-3, 5e-3, 5e-3)),
    "field_free_line": View((13, 13, 1), (1e-3, 1e-3, 1e-3)),
    "single_sided": View((9, 9, 6), (4e-3, 4e-3, 4e-3), (0.0, 0.0, 14e-3)),
    "knee": View((12, 8, 12), (0.01, 0.01, 0.01)),
}
"""The field of view of every preset [assumption: where its field-free point goes]."""


@dataclass(frozen=True, slots=True)
class SimulatedScan:
    """What is to be simulated.

    `scanner`: a preset. `tracer`: of the library. `phantom`: one of `PHANTOMS`. `iron_ug`: all
    iron of the measurement; `sample_iron_ug`: of the calibration's sample. `snr`: of the strongest
    frequency of the calibration's strongest voxel, in one frame. `frames` that show the phantom,
    `background_frames` before and as many after. `voxels`: instead of the preset's.
    """

    scanner: str
    seed: int
    tracer: str = "ferumoxytol"
    phantom: str = "ball"
    iron_ug: float = 100.0
    sample_iron_ug: float = 10.0
    snr: float = 1000.0
    frames: int = 10
    background_frames: int = 10
    voxels: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        preset(self.scanner)
        find_tracer(self.tracer)
        if self.phantom not in PHANTOMS:
            raise DataError(f"no phantom {self.phantom!r}; known: {', '.join(PHANTOMS)}")
        for name in ("iron_ug", "sample_iron_ug", "snr"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise DataError(f"{name} must be a positive number, got {value}")
        if self.frames < 1 or self.background_frames < 2 or self.seed < 0:
            raise DataError(
                f"frames {self.frames} must be 1 or more, background_frames "
                f"{self.background_frames} 2 or more and seed {self.seed} not negative"
            )
        if max(self.frames, self.background_frames) > 10_000:
            raise DataError("more than 10,000 frames are not simulated at once")
        if self.voxels is not None and min(self.voxels) < 1:
            raise DataError(f"voxels {self.voxels} must be three numbers from 1")


def parse_voxels(text: str) -> tuple[int, int, int]:
    """Return `9x9x5` as three numbers.

    Raises
    ------
    DataError
        if it is anything else.
    """
    parts = text.split("x")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise DataError(f"voxels are three numbers such as 9x9x5, got {text!r}")
    i, j, k = (int(part) for part in parts)
    return i, j, k


def listed_simulations() -> str:
    """Return what `--list` shows: every preset, tracer and phantom by name."""
    lines = [f"preset {name}: {_first_line(PRESETS[name])}" for name in PRESETS]
    lines.append("tracers: " + ", ".join(TRACERS))
    lines.append("phantoms: " + ", ".join(PHANTOMS))
    return "\n".join(lines)


def simulate_files(
    plan: SimulatedScan,
    folder: Path,
    *,
    threads: int = 1,
    show: Callable[[str], None] | None = None,
) -> None:
    """Write `calibration.mdf`, `measurement.mdf` and `truth.json` into `folder`.

    The calibration's tracer lies at room temperature, the measurement's at body temperature; the
    phantom is sampled three times finer than the calibration. Equal plans give equal bytes.

    Parameters
    ----------
    plan
        what to simulate.
    folder
        made if it does not exist.
    threads
        of the simulation; they change no byte.
    show
        told how far it is.

    Raises
    ------
    DataError
        if the calibration would be larger than `LARGEST_MATRIX`, or `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder")
    scanner, view = preset(plan.scanner), VIEWS[plan.scanner]
    grid = _grid(plan, view)
    bins = _bins(scanner, view)
    _check_size(plan, scanner, grid, bins)
    resolution = Resolution(threads=threads)
    noise, matrices = _calibrate(plan, scanner, grid, bins, resolution, show)
    phantom = _phantom(plan, grid)
    scans = _measure(plan, scanner, phantom, grid, noise, resolution)
    folder.mkdir(parents=True, exist_ok=True)
    sample_volume = 1e3 * grid.voxel_volume
    write_patch_matrices(
        folder / "calibration.mdf",
        matrices,
        _header(plan, "calibration", plan.sample_iron_ug, sample_volume),
        method="simulation",
        layout=_layout(bins, scanner, frames_last=True),
        delta_sample_size=grid.spacing,
    )
    write_patches(
        folder / "measurement.mdf",
        scans,
        _header(plan, "measurement", plan.iron_ug, 1e3 * (phantom.volume or grid.voxel_volume)),
        layout=_layout(bins, scanner, frames_last=False),
    )
    write_text(folder / "truth.json", json.dumps(_truth(plan, grid, noise), indent=1) + "\n")


def _first_line(function: Callable[..., Scanner]) -> str:
    return (function.__doc__ or "").partition("\n")[0].removeprefix("Return ").rstrip(".")


def _grid(plan: SimulatedScan, view: View) -> Grid:
    """Return the view's grid; other voxels share the same field of view."""
    shape = plan.voxels or view.shape
    spacing = np.array(view.shape) * np.array(view.spacing) / np.array(shape)
    edges = (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    return Grid.centered(shape, edges, view.center)


def _bins(scanner: Scanner, view: View) -> NDArray[np.int64]:
    frequencies = scanner.sequence.frequencies()
    return np.flatnonzero((frequencies >= view.band[0]) & (frequencies <= view.band[1]))


def _check_size(plan: SimulatedScan, scanner: Scanner, grid: Grid, bins: NDArray[np.int64]) -> None:
    frames = grid.n_voxels + plan.background_frames
    size = 16.0 * frames * scanner.n_channels * len(bins) * scanner.sequence.n_patches
    if size > LARGEST_MATRIX:
        raise DataError(
            f"a calibration of {grid.shape} voxels, {len(bins)} frequencies and "
            f"{scanner.n_channels} channels holds {size / 1e9:.1f} GB, more than "
            f"{LARGEST_MATRIX / 1e9:.1f} GB; ask for fewer voxels"
        )


def _calibrate(
    plan: SimulatedScan,
    scanner: Scanner,
    grid: Grid,
    bins: NDArray[np.int64],
    resolution: Resolution,
    show: Callable[[str], None] | None,
) -> tuple[float, tuple[SystemMatrix, ...]]:
    """Return the noise (V, standard deviation of a sample) and a calibration of every patch."""
    particles = find_tracer(plan.tracer).particles
    model = Equilibrium(particles, ROOM_TEMPERATURE)
    patches = range(scanner.sequence.n_patches)
    iron = plan.sample_iron_ug * _MICROGRAM

    def calibrated(patch: int) -> SystemMatrix:
        return simulate_system_matrix(
            scanner,
            grid,
            model,
            sample_iron=iron,
            patch=patch,
            bins=bins,
            background_frames=plan.background_frames,
            resolution=resolution,
            progress=_reporter(show, f"calibration, patch {patch + 1} of {len(patches)}"),
        )

    clean = [calibrated(patch) for patch in patches]
    strongest = max(
        float(np.abs(matrix.spectra.read(channel, bins)).max())
        for matrix in clean
        for channel in range(scanner.n_channels)
    )
    noise = strongest / (plan.snr * math.sqrt(scanner.sequence.n_samples))
    rng = named_generator(plan.seed, "calibration")
    return noise, tuple(_noisy(matrix, scanner, bins, noise, rng) for matrix in clean)


def _noisy(
    matrix: SystemMatrix,
    scanner: Scanner,
    bins: NDArray[np.int64],
    noise: float,
    rng: np.random.Generator,
) -> SystemMatrix:
    """Return a calibration with a tenth of the noise: a hundred frames averaged at each voxel."""
    channels = range(scanner.n_channels)
    values = np.stack([matrix.spectra.read(channel, bins) for channel in channels], axis=1)
    values += white_noise(values.shape, scanner, bins, noise / 10, rng)
    spectra = KeptSpectra(values, bins, scanner.n_bins)
    taken = replace(matrix.acquisition, start_time=TIME)
    return replace(matrix, spectra=spectra, acquisition=taken, source=digest(values.tobytes()))


def _phantom(plan: SimulatedScan, grid: Grid) -> Phantom:
    """Return the phantom, its middle in the middle of the grid."""
    extent = np.array(grid.shape) * np.array(grid.spacing)
    center = tuple(float(c) for c in grid.centers().mean(axis=0))
    middle = (center[0], center[1], center[2])
    if plan.phantom == "points":
        ends = np.array([[-0.25, 0.0, 0.0], [0.25, 0.0, 0.0]]) * extent
        return points_phantom(np.array(middle) + ends, np.array([1.0, 0.5]))
    if plan.phantom == "ball":
        radius = float(extent[np.array(grid.shape) > 1].min(initial=extent.max()) / 6)
        return sphere_phantom(radius=radius, concentration=1.0, center=middle)
    if plan.phantom == "resolution":
        return resolution_phantom(origin=(middle[0] - 0.01, middle[1], middle[2]))
    if plan.phantom == "shape":
        return shape_phantom(center=middle)
    return concentration_phantom(center=middle)


def _measure(
    plan: SimulatedScan,
    scanner: Scanner,
    phantom: Phantom,
    grid: Grid,
    noise: float,
    resolution: Resolution,
) -> tuple[Scan, ...]:
    spacing = min(grid.spacing) / _POINTS_PER_VOXEL
    fits = phantom.volume / spacing**3 < _MOST_POINTS
    spacing = spacing if fits else (phantom.volume / _MOST_POINTS) ** (1 / 3)
    places, iron = phantom_points(phantom, spacing=spacing)
    iron = iron * (plan.iron_ug * _MICROGRAM / iron.sum())
    model = Equilibrium(find_tracer(plan.tracer).particles)
    scans = [
        simulate_measurement(
            scanner,
            places,
            iron,
            model,
            named_generator(plan.seed, "measurement", str(patch)),
            noise=noise,
            frames=plan.frames,
            background_frames=plan.background_frames,
            patch=patch,
            resolution=resolution,
        )
        for patch in range(scanner.sequence.n_patches)
    ]
    return tuple(
        replace(scan, acquisition=replace(scan.acquisition, start_time=TIME)) for scan in scans
    )


def _layout(bins: NDArray[np.int64], scanner: Scanner, *, frames_last: bool) -> MdfLayout:
    some = len(bins) < scanner.n_bins
    chosen = tuple(bins.tolist()) if some else None
    return MdfLayout(fast_frame_axis=frames_last, bins=chosen, precision="single")


def _header(plan: SimulatedScan, name: str, iron_ug: float, litres: float) -> MdfHeader:
    rng = named_generator(plan.seed, "uuid", name)
    tracer = MdfTracer.with_iron(
        iron_ug * _MICROGRAM, litres, name=f"{plan.tracer}, SIMULATED", batch="n.a."
    )
    return MdfHeader(
        uuid=random_uuid(rng),
        time=TIME,
        study_uuid=random_uuid(named_generator(plan.seed, "uuid", "study")),
        experiment_uuid=random_uuid(rng),
        study_name="SIMULATED",
        experiment_name=f"SIMULATED {name}",
        experiment_description="SIMULATED: no person and no scanner stands behind this file",
        subject="SIMULATED",
        facility="SIMULATED",
        manufacturer="SIMULATED",
        scanner_name=f"SIMULATED {plan.scanner}",
        operator="SIMULATED",
        topology="FFL" if plan.scanner == "field_free_line" else "FFP",
        tracer=tracer,
    )


def _truth(plan: SimulatedScan, grid: Grid, noise: float) -> dict[str, object]:
    return {
        "data": "SIMULATED",
        "scanner": plan.scanner,
        "tracer": plan.tracer,
        "phantom": plan.phantom,
        "iron_ug": plan.iron_ug,
        "sample_iron_ug": plan.sample_iron_ug,
        "noise_v": noise,
        "seed": plan.seed,
        "voxels": list(grid.shape),
    }


def _reporter(show: Callable[[str], None] | None, what: str) -> Callable[[int, int], None] | None:
    if show is None:
        return None
    return lambda done, n: show(f"{what}: {100 * done // n} %")
