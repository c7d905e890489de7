"""MPI files made ready to look at: what `sojourn scan view` shows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.geometry import Grid
from sojourn.core.signals import Scan, SystemMatrix, frames_in_time, stored_bins
from sojourn.deliverables.scan_page import (
    ChannelDrift,
    ChannelSpectrum,
    Pattern,
    ViewedFile,
    Volume,
    render_scan_page,
)
from sojourn.formats.mdf import describe_mdf, read_mdf
from sojourn.formats.nifti import read_image
from sojourn.reconstruction._snr import compute_snr
from sojourn.study.reconstructing import image_statement

MAX_BYTES = 1 << 26
"""Of spectra that a page reads of one channel; of a larger file evenly spread bins are read."""
PATTERNS = 12
_IMAGES = (".nii", ".nii.gz")

Show = Callable[[str], None]


def view_files(paths: Sequence[Path], output: Path, *, show: Show | None = None) -> None:
    """Write one self-contained HTML page that shows MDF files and images.

    Parameters
    ----------
    paths
        measurements and calibrations (MDF), images (.nii, .nii.gz).
    output
        the page.
    show
        told what is read, file by file.

    Raises
    ------
    DataError
        if a file cannot be read; no page is then written.
    """
    viewed = []
    for path in paths:
        if show is not None:
            show(f"reading {path.name}")
        viewed.append(view_image(path) if path.name.endswith(_IMAGES) else view_mdf(path))
    write_text(output, render_scan_page(viewed))


def view_image(path: Path) -> ViewedFile:
    """Return an image ready to look at, with its unit from the parameters beside it, if there."""
    values, grid = read_image(path)
    unit, is_simulated = image_statement(path)
    return ViewedFile(
        name=path.name,
        kind="image",
        is_simulated=is_simulated,
        facts=_grid_facts(grid),
        notes=(f"Unit: {unit}." if unit else "The image does not state its unit.",),
        volume=as_volume(path.name, values, grid, _short_unit(unit), is_simulated),
    )


def _short_unit(unit: str) -> str:
    """Return the unit without what is said of it; the page states it in full once."""
    for short in ("kg/m^3", "calibration samples per voxel"):
        if unit.startswith(short):
            return short
    return unit or "unknown unit"


def as_volume(
    name: str, values: NDArray[np.float64], grid: Grid, unit: str, is_simulated: bool
) -> Volume:
    """Return an image with its axes turned to run to the left, to the back and to the head.

    Raises
    ------
    DataError
        if the grid is oblique: such an image would be shown at a wrong place.
    """
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    order = [int(np.argmax(np.abs(directions[row]))) for row in range(3)]
    if sorted(order) != [0, 1, 2] or np.abs(directions).max(axis=0).min() < 0.999:
        raise DataError(
            f"{name}: its axes are oblique to left, back and head "
            f"({np.round(directions, 3).tolist()}); resample it to axes along them"
        )
    turned = values.transpose(order)
    flips = [row for row in range(3) if directions[row, order[row]] < 0]
    turned = np.flip(turned, tuple(flips))
    corners = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) * 1.0) + grid.affine[:3, 3]
    first = np.minimum(corners, grid.affine[:3, 3]) * 1e3
    spacing = [1e3 * grid.spacing[axis] for axis in order]
    return Volume(
        name=name,
        values=np.ascontiguousarray(turned),
        first_mm=(float(first[0]), float(first[1]), float(first[2])),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        unit=unit,
        is_simulated=is_simulated,
    )


def _grid_facts(grid: Grid) -> tuple[tuple[str, str, str], ...]:
    edges = " x ".join(f"{1e3 * edge:g}" for edge in grid.spacing)
    return (
        ("grid", "voxels", " x ".join(map(str, grid.shape))),
        ("grid", "voxel edges", f"{edges} mm"),
        ("grid", "first voxel (LPS)", f"{np.round(1e3 * grid.affine[:3, 3], 3).tolist()} mm"),
    )


def view_mdf(path: Path) -> ViewedFile:
    """Return an MDF file ready to look at: facts, spectra, drift, patterns of a calibration."""
    described = describe_mdf(path)
    facts = tuple(
        (section, label, _words(value))
        for section, values in described.facts.items()
        for label, value in values.items()
    )
    notes = (*described.problems, *described.deviations, *described.notes)
    if described.kind not in {"measurement", "calibration"} or described.problems:
        return ViewedFile(
            path.name, described.kind, bool(described.is_simulated), facts=facts, notes=notes
        )
    source = read_mdf(path)
    return ViewedFile(
        name=path.name,
        kind=described.kind,
        is_simulated=source.is_simulated,
        facts=facts,
        notes=notes,
        spectra=tuple(channel_spectra(source)),
        drift=tuple(channel_drift(source)),
        patterns=tuple(_patterns(source)) if isinstance(source, SystemMatrix) else (),
    )


def _words(value: object) -> str:
    if value is None:
        return "not stated"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _shown_bins(source: Scan | SystemMatrix) -> NDArray[np.int64]:
    """Return the stored bins, or evenly spread ones where a channel would be too large."""
    bins = stored_bins(source.spectra)
    count = max(64, MAX_BYTES // (16 * source.spectra.shape[0]))
    if len(bins) <= count:
        return bins
    chosen: NDArray[np.int64] = bins[np.unique(np.linspace(0, len(bins) - 1, count).astype(int))]
    return chosen


def _amplitude(source: Scan | SystemMatrix) -> float:
    """Return the factor from an unnormalised rFFT to the amplitude of a sine."""
    return 2.0 / source.acquisition.n_samples


def channel_spectra(source: Scan | SystemMatrix) -> list[ChannelSpectrum]:
    """Return signal, noise and SNR of each receive channel, over the bins above zero."""
    bins = _shown_bins(source)
    bins = bins[bins > 0]
    snr = _snr(source)
    empty = source.is_background
    made = []
    for channel in range(source.acquisition.n_channels):
        rows = source.spectra.read(channel, bins) * _amplitude(source)
        mean = _background(source, rows)
        full = rows[~empty] if (~empty).any() else np.zeros((1, len(bins)))
        signal = np.sqrt(np.mean(np.abs(full - mean) ** 2, axis=0))
        noise = _noise(rows[empty])
        made.append(
            ChannelSpectrum(
                channel=channel,
                frequencies=source.acquisition.frequencies()[bins],
                signal=signal,
                noise=noise,
                snr=_over(signal, noise) if snr is None else snr[channel, bins],
                unit=source.acquisition.unit,
                n_bins=source.acquisition.n_bins,
            )
        )
    return made


def _background(
    source: Scan | SystemMatrix, rows: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return what is taken off the object's frames: nothing where that was done before."""
    if source.is_background_corrected or not source.is_background.any():
        return np.zeros(rows.shape[1], dtype=np.complex128)
    mean: NDArray[np.complex128] = rows[source.is_background].mean(axis=0)
    return mean


def _noise(empty: NDArray[np.complex128]) -> NDArray[np.float64] | None:
    """Return the standard deviation of background frames (frame, bin); None of fewer than two."""
    if len(empty) < 2:
        return None
    squares = np.sum(np.abs(empty - empty.mean(axis=0)) ** 2, axis=0)
    deviation: NDArray[np.float64] = np.sqrt(squares / (len(empty) - 1))
    return deviation


def _over(
    signal: NDArray[np.float64], noise: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    if noise is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(noise > 0, signal / noise, np.nan)


def _snr(source: Scan | SystemMatrix) -> NDArray[np.float64] | None:
    if not isinstance(source, SystemMatrix):
        return None
    if source.snr is not None:
        return source.snr
    small = source.spectra.shape[0] * source.acquisition.n_bins * 16 <= MAX_BYTES
    return compute_snr(source) if small and source.is_background.sum() > 1 else None


def channel_drift(source: Scan | SystemMatrix) -> list[ChannelDrift]:
    """Return how far the background frames of each channel lie from their mean."""
    in_time = frames_in_time(source)
    empty = np.flatnonzero(source.is_background[in_time])
    if len(empty) < 3:
        return []
    bins = _shown_bins(source)
    bins = bins[bins > 0]
    next_to = np.flatnonzero(np.diff(empty) == 1)
    pairs = next_to if len(next_to) else np.arange(len(empty) - 1)
    made = []
    for channel in range(source.acquisition.n_channels):
        rows = source.spectra.read(channel, bins)[in_time[empty]] * _amplitude(source)
        steps = np.abs(rows[pairs + 1] - rows[pairs]) ** 2 / 2
        departure = np.abs(rows - rows.mean(axis=0)) ** 2
        made.append(
            ChannelDrift(
                channel=channel,
                frames=empty.astype(np.int64),
                departure=np.sqrt(departure.mean(axis=1)),
                noise=float(np.sqrt(steps.mean())),
                unit=source.acquisition.unit,
            )
        )
    return made


def _patterns(matrix: SystemMatrix) -> list[Pattern]:
    """Return where the frequencies of the highest SNR, else of most energy, are received."""
    snr = _snr(matrix)
    empty = matrix.is_background
    thin = int(np.argmin(matrix.grid.shape))
    found: list[tuple[float, Pattern]] = []
    for channel in range(matrix.acquisition.n_channels):
        bins = _candidates(matrix, None if snr is None else snr[channel])
        rows = matrix.spectra.read(channel, bins)
        columns = rows[~empty] - _background(matrix, rows)
        energy = np.sum(np.abs(columns) ** 2, axis=0)
        rank = energy if snr is None else np.nan_to_num(snr[channel, bins])
        for k in np.argsort(-rank, kind="stable")[:PATTERNS]:
            volume = np.abs(columns[:, k]).reshape(matrix.grid.shape, order="F")
            frequency = matrix.acquisition.frequencies()[bins[k]] / 1e3
            label = f"channel {channel}, {frequency:.2f} kHz (bin {bins[k]})"
            if snr is not None:
                label += f", SNR {snr[channel, bins[k]]:.3g}"
            found.append((float(rank[k]), Pattern(label, volume.max(axis=thin))))
    found.sort(key=lambda item: -item[0])
    return [pattern for _, pattern in found[:PATTERNS]]


def _candidates(matrix: SystemMatrix, snr: NDArray[np.float64] | None) -> NDArray[np.int64]:
    """Return the bins (ascending) whose patterns may be shown: those of the best SNR, if known."""
    if snr is None:
        bins = _shown_bins(matrix)
        return bins[bins > 0]
    stored = stored_bins(matrix.spectra)
    stored = stored[stored > 0]
    best = np.argsort(-np.nan_to_num(snr[stored]), kind="stable")[:PATTERNS]
    chosen: NDArray[np.int64] = np.sort(stored[best])
    return chosen
