"""What an MDF file says of acquisition, data and calibration, as datasets by path."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import (
    Acquisition,
    DriveField,
    Scan,
    SystemMatrix,
    frames_in_time,
    stored_bins,
)
from sojourn.formats._mdf_acquisition import RELATIVE_TOLERANCE, common_period
from sojourn.formats._mdf_header import check_time
from sojourn.formats._mdf_options import MdfLayout

SHARED = ("n_channels", "n_samples", "bandwidth", "unit", "n_averages", "start_time")
FLAGS = ("is_transfer_function_corrected", "is_spectral_leakage_corrected")


def acquisition_datasets(
    periods: Sequence[Acquisition], n_frames: int, bins: NDArray[np.int64]
) -> dict[str, Any]:
    """Return `/acquisition` of frames with one acquisition for each period (patch).

    Raises
    ------
    DataError
        if sequence and receiver contradict each other, or the periods each other.
    """
    first = periods[0]
    _check_alike(periods)
    _check_sequence(first)
    drive = first.drive_field
    datasets: dict[str, Any] = {
        "numAverages": first.n_averages,
        "numFrames": n_frames,
        "numPeriodsPerFrame": len(periods),
        "startTime": first.start_time,
        "drivefield/baseFrequency": drive.base_frequency,
        "drivefield/cycle": drive.cycle,
        "drivefield/divider": drive.divider,
        "drivefield/numChannels": len(drive.divider),
        "drivefield/phase": np.stack([each.drive_field.phase for each in periods]),
        "drivefield/strength": np.stack([each.drive_field.strength for each in periods]),
        "drivefield/waveform": _waveforms(drive),
        "receiver/bandwidth": first.bandwidth,
        "receiver/numChannels": first.n_channels,
        "receiver/numSamplingPoints": first.n_samples,
        "receiver/unit": first.unit,
    }
    for name, static, steps in (
        ("gradient", "gradient", "gradient_steps"),
        ("offsetField", "offset_field", "offset_steps"),
    ):
        values = _of_periods(periods, static, steps)
        if values is not None:
            datasets[name] = values
    datasets |= _receive_chain(first, bins)
    return {f"/acquisition/{name}": value for name, value in datasets.items()}


def _check_alike(periods: Sequence[Acquisition]) -> None:
    first = periods[0]
    for number, other in enumerate(periods):
        wrong = [name for name in SHARED if getattr(other, name) != getattr(first, name)]
        drive, others = first.drive_field, other.drive_field
        if (drive.base_frequency, drive.cycle, drive.waveform) != (
            others.base_frequency,
            others.cycle,
            others.waveform,
        ) or not np.array_equal(drive.divider, others.divider):
            wrong.append("drive frequencies")
        wrong += [name for name in FLAGS if getattr(other, name) != getattr(first, name)]
        if wrong:
            raise DataError(
                f"MDF: patches 0 and {number} differ in {', '.join(wrong)}; patches of one file "
                "may differ in gradient, offset field, drive strength and phase only"
            )


def _check_sequence(acquisition: Acquisition) -> None:
    drive = acquisition.drive_field
    check_time("acquisition.start_time", acquisition.start_time)
    cycle = common_period(drive.divider, drive.base_frequency)
    samples = 2 * acquisition.bandwidth * drive.cycle
    for what, found, expected in (
        ("cycle, lcm(divider) / base frequency", drive.cycle, cycle),
        ("samples, 2 x bandwidth x cycle", acquisition.n_samples, samples),
    ):
        if not math.isclose(found, expected, rel_tol=RELATIVE_TOLERANCE):
            raise DataError(f"MDF: {what}: got {found:.12g}, expected {expected:.12g}")


def _waveforms(drive: DriveField) -> list[list[str]]:
    """Return one waveform for each channel and frequency (D, F)."""
    names = drive.waveform.split(",")
    if len(names) == 1:
        names = names * drive.divider.size
    if len(names) != drive.divider.size:
        raise DataError(
            f"MDF: waveform {drive.waveform!r} names {len(names)}; expected one, or "
            f"{drive.divider.size}, one for each channel and frequency"
        )
    return [[str(name) for name in row] for row in np.array(names).reshape(drive.divider.shape)]


def _of_periods(
    periods: Sequence[Acquisition], static: str, steps: str
) -> NDArray[np.float64] | None:
    """Return values (J, Y, ...) of all periods, or None where no period states them."""
    found = []
    for each in periods:
        one, several = getattr(each, static), getattr(each, steps)
        if one is not None and several is not None:
            raise DataError(f"MDF: both {static} and {steps} are stated; state one of them")
        found.append(one[None] if one is not None else several)
    if all(values is None for values in found):
        return None
    shapes = {None if values is None else values.shape for values in found}
    if len(shapes) != 1:
        raise DataError(f"MDF: {static} has shapes {shapes} in different patches; expected one")
    return np.stack(found)


def _receive_chain(acquisition: Acquisition, bins: NDArray[np.int64]) -> dict[str, Any]:
    """Return transfer function and induction factor at the stored bins, NaN where unknown."""
    transfer = acquisition.transfer_function
    if transfer is None:
        return {}
    frequencies = acquisition.frequencies()[bins]
    low, high = transfer.frequencies[0], transfer.frequencies[-1]
    # Frequencies of a file come from its bandwidth: the same number may differ in its last bit.
    near = RELATIVE_TOLERANCE * acquisition.bandwidth / acquisition.n_samples
    known = (frequencies >= low - near) & (frequencies <= high + near)
    values = np.full((len(transfer.values), len(bins)), np.nan * (1 + 1j))
    values[:, known] = transfer.at(np.clip(frequencies[known], low, high))
    found: dict[str, Any] = {"receiver/transferFunction": values}
    if transfer.induction_factor is not None:
        found["receiver/inductionFactor"] = transfer.induction_factor
    return found


def measurement_datasets(
    source: Scan | SystemMatrix, layout: MdfLayout, order: NDArray[np.intp]
) -> dict[str, Any]:
    """Return the flags of `/measurement` and what they ask for, but for the data."""
    bins = chosen_bins(source, layout)
    is_selected = len(bins) < source.acquisition.n_bins
    in_time = frames_in_time(source)
    original = np.argsort(in_time)[order]
    is_permuted = bool(np.any(np.diff(original) < 0))
    flags: dict[str, Any] = {
        "isBackgroundCorrected": source.is_background_corrected,
        "isBackgroundFrame": source.is_background[order],
        "isFastFrameAxis": layout.fast_frame_axis,
        "isFourierTransformed": layout.domain == "fourier",
        "isFramePermutation": is_permuted,
        "isFrequencySelection": is_selected,
        "isSparsityTransformed": layout.sparsity is not None,
    }
    for key, name in (
        ("is_spectral_leakage_corrected", "isSpectralLeakageCorrected"),
        ("is_transfer_function_corrected", "isTransferFunctionCorrected"),
    ):
        flags[name] = getattr(source.acquisition, key) or source.metadata.get(key, "0") == "1"
    if is_permuted:
        flags["framePermutation"] = original + 1
    if is_selected:
        flags["frequencySelection"] = bins + 1
    if layout.sparsity is not None:
        flags["sparsityTransformation"] = layout.sparsity.transformation
    found = {f"/measurement/{name}": value for name, value in flags.items()}
    receiver = "/acquisition/receiver"
    if layout.conversion is not None:
        if len(layout.conversion) != source.acquisition.n_channels:
            raise DataError(
                f"{source.name}: conversion of {len(layout.conversion)} channels; there are "
                f"{source.acquisition.n_channels}"
            )
        found[f"{receiver}/dataConversionFactor"] = np.array(layout.conversion)
    if "induction_factor" in source.metadata and source.acquisition.transfer_function is None:
        factors = [float(text) for text in source.metadata["induction_factor"].split()]
        found[f"{receiver}/inductionFactor"] = np.array(factors)
    return found


def chosen_bins(source: Scan | SystemMatrix, layout: MdfLayout) -> NDArray[np.int64]:
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


def grid_datasets(grid: Grid, name: str) -> dict[str, Any]:
    """Return extent, centre, order and size of an axis-parallel grid.

    Raises
    ------
    DataError
        if the grid is turned or mirrored.
    """
    spacing = np.diag(grid.affine)[:3]
    if np.any(grid.affine[:3, :3] != np.diag(spacing)) or np.any(spacing <= 0):
        raise DataError(
            f"{name}: MDF keeps grids along the axes only, got the affine {grid.affine.tolist()}"
        )
    return {
        "fieldOfView": spacing * grid.shape,
        "fieldOfViewCenter": grid.affine[:3, 3] + (np.array(grid.shape) - 1) / 2 * spacing,
        "order": "xyz",
        "size": np.array(grid.shape),
    }
