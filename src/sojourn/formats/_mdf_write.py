"""Strict MDF 2.1.0 files; equal input gives equal bytes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_atomically
from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, Scan, SystemMatrix, stored_bins
from sojourn.formats._mdf_acquisition import RELATIVE_TOLERANCE
from sojourn.formats._mdf_data import DATA
from sojourn.formats._mdf_header import MdfHeader, check_time, header_datasets
from sojourn.formats._mdf_layout import FIELDS, HDF5_TYPES, REQUIRED_GROUPS, group_of

BLOCK_BYTES = 1 << 26
LIBRARY_VERSIONS = ("earliest", "v110")
"""Bounds of the HDF5 file format: fixed, so that bytes do not depend on the default."""
REAL_SIGNAL = 1e-9
"""Largest imaginary part of the zero frequency of a real signal, relative to the largest bin."""


@dataclass(frozen=True, slots=True)
class MdfLayout:
    """How data are stored: domain, order of axes, which bins (0-based; all by default), width.

    A calibration is usually stored in the Fourier domain with its frame axis last, so that one
    frequency of all voxels lies together.
    """

    domain: Literal["fourier", "time"] = "fourier"
    fast_frame_axis: bool = False
    bins: tuple[int, ...] | None = None
    precision: Literal["double", "single"] = "double"

    def __post_init__(self) -> None:
        if self.domain == "time" and self.bins is not None:
            raise DataError("a selection of bins needs the Fourier domain")
        if self.bins is not None and (
            not self.bins or list(self.bins) != sorted(set(self.bins)) or self.bins[0] < 0
        ):
            raise DataError(f"bins must be different, ascending and not negative, got {self.bins}")


def write_measurement(path: Path, scan: Scan, header: MdfHeader, layout: MdfLayout) -> None:
    """Write a scan; frames keep their order."""
    order = np.arange(scan.spectra.shape[0])
    datasets = {
        **header_datasets(header, is_simulated=scan.is_simulated),
        **_acquisition_datasets(scan.acquisition, len(order)),
        **_measurement_flags(scan, layout, order),
    }
    _write(path, datasets, scan, layout, order)


def write_calibration(
    path: Path,
    matrix: SystemMatrix,
    header: MdfHeader,
    layout: MdfLayout,
    *,
    method: str,
    delta_sample_size: tuple[float, float, float] | None,
) -> None:
    """Write a calibration: voxels first, x fastest, background frames last."""
    _check_sample(matrix, header)
    background = np.flatnonzero(matrix.is_background)
    order = np.concatenate([np.flatnonzero(~matrix.is_background), background])
    datasets = {
        **header_datasets(header, is_simulated=matrix.is_simulated),
        **_acquisition_datasets(matrix.acquisition, len(order)),
        **_measurement_flags(matrix, layout, order),
        **_calibration_datasets(matrix, layout, method, delta_sample_size),
    }
    _write(path, datasets, matrix, layout, order)


def _check_sample(matrix: SystemMatrix, header: MdfHeader) -> None:
    stated = header.tracer.iron if header.tracer is not None else None
    wanted = matrix.sample_iron
    if wanted is not None and (
        stated is None or not math.isclose(stated, wanted, rel_tol=RELATIVE_TOLERANCE)
    ):
        raise DataError(
            f"{matrix.name}: the calibration sample holds {wanted} kg of iron, the header's tracer "
            f"{stated}; state it by MdfTracer.with_iron"
        )


def _acquisition_datasets(acquisition: Acquisition, n_frames: int) -> dict[str, Any]:
    drive = acquisition.drive_field
    check_time("acquisition.start_time", acquisition.start_time)
    cycle = math.lcm(*(int(d) for d in drive.divider.ravel())) / drive.base_frequency
    samples = 2 * acquisition.bandwidth * drive.cycle
    for what, found, expected in (
        ("cycle, lcm(divider) / base frequency", drive.cycle, cycle),
        ("samples, 2 x bandwidth x cycle", acquisition.n_samples, samples),
    ):
        if not math.isclose(found, expected, rel_tol=RELATIVE_TOLERANCE):
            raise DataError(f"MDF: {what}: got {found:.12g}, expected {expected:.12g}")
    datasets: dict[str, Any] = {
        "numAverages": acquisition.n_averages,
        "numFrames": n_frames,
        "numPeriodsPerFrame": 1,
        "startTime": acquisition.start_time,
        "drivefield/baseFrequency": drive.base_frequency,
        "drivefield/cycle": drive.cycle,
        "drivefield/divider": drive.divider,
        "drivefield/numChannels": len(drive.divider),
        "drivefield/phase": drive.phase[None],
        "drivefield/strength": drive.strength[None],
        "drivefield/waveform": np.full(drive.divider.shape, drive.waveform).tolist(),
        "receiver/bandwidth": acquisition.bandwidth,
        "receiver/numChannels": acquisition.n_channels,
        "receiver/numSamplingPoints": acquisition.n_samples,
        "receiver/unit": acquisition.unit,
    }
    if acquisition.gradient is not None:
        datasets["gradient"] = acquisition.gradient[None, None]
    return {f"/acquisition/{name}": value for name, value in datasets.items()}


def _measurement_flags(
    source: Scan | SystemMatrix, layout: MdfLayout, order: NDArray[np.intp]
) -> dict[str, Any]:
    bins = _bins(source, layout)
    is_selected = len(bins) < source.acquisition.n_bins
    is_permuted = bool(np.any(np.diff(order) < 0))
    flags: dict[str, Any] = {
        "isBackgroundCorrected": source.is_background_corrected,
        "isBackgroundFrame": source.is_background[order],
        "isFastFrameAxis": layout.fast_frame_axis,
        "isFourierTransformed": layout.domain == "fourier",
        "isFramePermutation": is_permuted,
        "isFrequencySelection": is_selected,
        "isSparsityTransformed": False,
    }
    for key, name in (
        ("is_spectral_leakage_corrected", "isSpectralLeakageCorrected"),
        ("is_transfer_function_corrected", "isTransferFunctionCorrected"),
    ):
        flags[name] = source.metadata.get(key, "0") == "1"
    if is_permuted:
        flags["framePermutation"] = order + 1
    if is_selected:
        flags["frequencySelection"] = bins + 1
    return {f"/measurement/{name}": value for name, value in flags.items()}


def _bins(source: Scan | SystemMatrix, layout: MdfLayout) -> NDArray[np.int64]:
    """Return the bins to store; refuse those that the source cannot give."""
    available = stored_bins(source.spectra)
    wanted = available if layout.bins is None else np.array(layout.bins, dtype=np.int64)
    missing = wanted[~np.isin(wanted, available)]
    if len(missing) or (layout.domain == "time" and len(wanted) < source.acquisition.n_bins):
        raise DataError(
            f"{source.name}: bins {missing[:5].tolist()} cannot be written; it has "
            f"{len(available)} of {source.acquisition.n_bins} bins (the time domain needs all)"
        )
    return wanted


def _calibration_datasets(
    matrix: SystemMatrix,
    layout: MdfLayout,
    method: str,
    delta_sample_size: tuple[float, float, float] | None,
) -> dict[str, Any]:
    spacing, center = _box(matrix.grid, matrix.name)
    found: dict[str, Any] = {
        "fieldOfView": spacing * matrix.grid.shape,
        "fieldOfViewCenter": center,
        "method": method,
        "order": "xyz",
        "size": np.array(matrix.grid.shape),
    }
    if delta_sample_size is not None:
        found["deltaSampleSize"] = np.array(delta_sample_size)
    if matrix.snr is not None:
        found["snr"] = matrix.snr[None][:, :, _bins(matrix, layout)]
    return {f"/calibration/{name}": value for name, value in found.items()}


def _box(grid: Grid, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return spacing and centre of an axis-parallel grid."""
    spacing = np.diag(grid.affine)[:3]
    if np.any(grid.affine[:3, :3] != np.diag(spacing)) or np.any(spacing <= 0):
        raise DataError(
            f"{name}: MDF keeps grids along the axes only, got the affine {grid.affine.tolist()}"
        )
    center = grid.affine[:3, 3] + (np.array(grid.shape) - 1) / 2 * spacing
    return spacing, center


def _write(
    path: Path,
    datasets: Mapping[str, Any],
    source: Scan | SystemMatrix,
    layout: MdfLayout,
    order: NDArray[np.intp],
) -> None:
    """Write every dataset and the data, all or nothing."""
    _check_complete(datasets)

    def fill(part: Path) -> None:
        with h5py.File(part, "w", libver=LIBRARY_VERSIONS) as file:
            for name in sorted(datasets):
                _put(file, name, datasets[name])
            _put_data(file, source, layout, order)

    write_atomically(path, fill)


def _check_complete(datasets: Mapping[str, Any]) -> None:
    """Hold the writer to the table: no unknown dataset, no required one left out."""
    groups = {group_of(name) for name in datasets} | {"/", *REQUIRED_GROUPS}
    required = {n for n, f in FIELDS.items() if f.need == "R" and group_of(n) in groups}
    if wrong := sorted((required - {DATA} - set(datasets)) | (set(datasets) - set(FIELDS))):
        raise DataError(f"MDF: required but missing, or unknown: {', '.join(wrong)}")


def _put(file: h5py.File, name: str, value: object) -> None:
    kind = FIELDS[name].kind
    if kind == "string":
        encoded = np.char.encode(np.array(value, dtype=np.str_), "utf-8")
        dtype = h5py.string_dtype("utf-8", max(1, encoded.dtype.itemsize))
        file.create_dataset(name, data=encoded.astype(dtype), dtype=dtype, track_times=False)
        return
    values = np.asarray(value)
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise DataError(f"MDF: {name} holds NaN or infinity")
    file.create_dataset(name, data=values.astype(HDF5_TYPES[kind].dtype), track_times=False)


def _put_data(
    file: h5py.File, source: Scan | SystemMatrix, layout: MdfLayout, order: NDArray[np.intp]
) -> None:
    bins = _bins(source, layout)
    n_rows = len(bins) if layout.domain == "fourier" else source.acquisition.n_samples
    channels = source.acquisition.n_channels
    dtype = np.dtype("<c16" if layout.domain == "fourier" else "<f8")
    if layout.precision == "single":
        dtype = np.dtype("<c8" if layout.domain == "fourier" else "<f4")
    shape: tuple[int, ...] = (len(order), 1, channels, n_rows)
    if layout.fast_frame_axis:
        shape = (1, channels, n_rows, len(order))
    data = file.create_dataset(DATA, shape=shape, dtype=dtype, track_times=False)
    step = n_rows if layout.domain == "time" else max(1, BLOCK_BYTES // (16 * len(order)))
    for channel in range(channels):
        for start in range(0, n_rows, step):
            rows = _rows(source, channel, bins[start : start + step], layout)[order].astype(dtype)
            if not np.isfinite(rows).all():
                raise DataError(f"{source.name}: channel {channel} holds NaN or infinity")
            if layout.fast_frame_axis:
                data[0, channel, start : start + rows.shape[1], :] = rows.T
            else:
                data[:, 0, channel, start : start + rows.shape[1]] = rows


def _rows(
    source: Scan | SystemMatrix, channel: int, bins: NDArray[np.int64], layout: MdfLayout
) -> NDArray[Any]:
    """Return rows to store, shape (frame, row): spectra, or the samples they belong to."""
    if layout.domain == "fourier":
        return source.spectra.read(channel, bins)
    n_samples = source.acquisition.n_samples
    rows = source.spectra.read(channel, np.arange(source.acquisition.n_bins))
    ends = rows[:, [0, -1]] if n_samples % 2 == 0 else rows[:, [0]]
    if np.any(np.abs(ends.imag) > REAL_SIGNAL * np.abs(rows).max()):
        raise DataError(f"{source.name}: channel {channel} is not the spectrum of a real signal")
    return np.fft.irfft(rows, n=n_samples, axis=1)
