"""A calibration made ready, and one scan's rows against it: signal, noise, background choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import Scan, SystemMatrix, frames_in_time
from sojourn.physics.model_matrix import ModelMatrix
from sojourn.quantification._interpolation import Interpolator, prepare_interpolator
from sojourn.quantification._noise import (
    Frames,
    Noise,
    background_variance,
    estimate_noise,
    pick_choice,
    read_frames,
)
from sojourn.quantification.calibration import NONE_STATED, CalibrationRepeatability
from sojourn.reconstruction._background import Background, corrected_rows
from sojourn.reconstruction._matching import check_match
from sojourn.reconstruction._selection import Selection, load_rows, select_rows

SAMPLE_SIZE_KEY = "delta_sample_size_m"
"""Metadata of a calibration: edges of its sample along the axes of the grid, in m."""


class AmountSettings(BaseModel):
    """Everything that fixes an amount besides scan, calibration and source model.

    `background` (own_mean, own_linear or none) has no default: the choice moves the result.
    `matrix_background` None follows the calibration's own background frames linearly in time, or
    is nothing where its file is already corrected.
    `sample_size` is the calibration sample's, along the axes of the grid, in m; None takes what
    the calibration's metadata state (`delta_sample_size_m`), else a point. It matters where the
    sample is as wide as a voxel.
    `repeatability` None is allowed, and the result then says that its interval lacks it.
    Rows are chosen as in a reconstruction (`min_snr`, frequencies in Hz, 0-based `channels` and
    `bins`). A misfit is flagged where chance alone explains it with less than `misfit_level`,
    or where more than `max_unexplained` of the signal's power beyond noise stays unexplained.
    The `naive_` values are those of the summed Kaczmarz image, which is shown and not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: Background
    matrix_background: Background | None = None
    sample_size: tuple[float, float, float] | None = None
    repeatability: CalibrationRepeatability | None = None
    min_snr: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    min_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    channels: tuple[int, ...] | None = None
    bins: tuple[int, ...] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    misfit_level: float = Field(default=0.01, gt=0, lt=1)
    max_unexplained: float = Field(default=0.1, gt=0, le=1)
    naive_iterations: int = Field(default=20, ge=1)
    naive_regularization: float = Field(default=1e-3, ge=0, allow_inf_nan=False)

    @property
    def stated(self) -> CalibrationRepeatability:
        """The repeatability, all zero where none was stated."""
        return self.repeatability or NONE_STATED


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Selected rows of a system matrix, background taken off.

    `columns` (row, voxel) is the signal of one calibration sample at each voxel; `frequencies`
    (row,), Hz; `choice` the weights of the calibration's own background blocks. `model_variance`
    (row,) is the variance E|.|^2 of a modelled calibration's columns, zero of a measured one, and
    `statement` what must be said of it.
    """

    matrix: SystemMatrix
    selection: Selection
    columns: NDArray[np.complex128]
    frequencies: NDArray[np.float64]
    frames: Frames
    choice: NDArray[np.float64]
    interpolator: Interpolator
    model_variance: NDArray[np.float64]
    statement: str = ""

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return self.matrix.grid


def read_calibration(
    calibrated: SystemMatrix | ModelMatrix, settings: AmountSettings
) -> Calibration:
    """Return the rows that `settings` selects, background taken off, measured or modelled.

    Raises
    ------
    DataError
        if no row is left, or the calibration's background cannot be subtracted as asked.
    """
    matrix = calibrated.matrix if isinstance(calibrated, ModelMatrix) else calibrated
    selection = select_rows(
        matrix,
        min_snr=settings.min_snr,
        min_frequency=settings.min_frequency,
        max_frequency=settings.max_frequency,
        channels=settings.channels,
        bins=settings.bins,
    )
    followed = Background.NONE if matrix.is_background_corrected else Background.OWN_LINEAR
    background = settings.matrix_background or followed
    if background is not Background.NONE and not matrix.is_background.any():
        raise DataError(
            f"{matrix.name}: the calibration has no background frames and is not background "
            "corrected; an amount needs one or the other"
        )
    columns = np.ascontiguousarray(corrected_rows(matrix, selection, background).T)
    if not np.isfinite(columns).all():
        n = int(np.sum(~np.isfinite(columns)))
        raise DataError(f"{matrix.name}: {n} values of the selected rows are no numbers")
    frequencies = matrix.acquisition.frequencies()
    in_time = frames_in_time(matrix)
    frames = read_frames(load_rows(matrix, selection)[in_time], matrix.is_background[in_time])
    return Calibration(
        matrix=matrix,
        selection=selection,
        columns=columns,
        frequencies=np.concatenate([frequencies[bins] for bins in selection.bins]),
        frames=frames,
        choice=pick_choice(frames, background, matrix.name),
        interpolator=prepare_interpolator(columns, matrix.grid.shape, _extent(matrix, settings)),
        model_variance=_model_variance(calibrated, selection, columns),
        statement=calibrated.statement if isinstance(calibrated, ModelMatrix) else "",
    )


def _model_variance(
    calibrated: SystemMatrix | ModelMatrix,
    selection: Selection,
    columns: NDArray[np.complex128],
) -> NDArray[np.float64]:
    """Return the variance (row,) of a modelled column, zero of a measured one.

    A row's mismatch is relative to its mean square over all places: where the row is weak, its
    error is not.
    """
    if not isinstance(calibrated, ModelMatrix):
        return np.zeros(selection.n_rows)
    stated = {
        (int(channel), int(k)): float(error)
        for channel, k, error in zip(
            calibrated.channels, calibrated.bins, calibrated.relative_mismatch, strict=True
        )
    }
    if missing := [label for label in selection.labels() if label not in stated]:
        raise DataError(
            f"{calibrated.matrix.name}: rows (channel, bin) {missing[:5]} state no mismatch; an "
            "amount by a modelled calibration needs one for each row"
        )
    relative = np.array([stated[label] for label in selection.labels()])
    variance: NDArray[np.float64] = relative**2 * (np.abs(columns) ** 2).mean(axis=1)
    return variance


def _extent(matrix: SystemMatrix, settings: AmountSettings) -> tuple[float, float, float]:
    """Return the calibration sample's size in voxels; none along an axis of one position."""
    stated = matrix.metadata.get(SAMPLE_SIZE_KEY, "")
    size = settings.sample_size or tuple(float(edge) for edge in stated.split())
    if not size:
        return (0.0, 0.0, 0.0)
    if len(size) != 3 or not all(0 <= edge < np.inf for edge in size):
        raise DataError(f"{matrix.name}: sample size {size} m must be three lengths")
    i, j, k = (
        edge / spacing if n > 1 else 0.0
        for edge, spacing, n in zip(size, matrix.grid.spacing, matrix.grid.shape, strict=True)
    )
    return (i, j, k)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One scan's signal against a calibration; all arrays (row,), variances E|.|^2.

    `signal` has the chosen background taken off, `others` the other choices by name.
    `variance` is the signal's; of it `background_variance` is the background's. `column_variance`
    is that of one column of the calibration, new for each voxel; `shared_variance` the part that
    all columns share, `model_variance` what of it a modelled calibration brings.
    """

    signal: NDArray[np.complex128]
    others: Mapping[str, NDArray[np.complex128]]
    variance: NDArray[np.float64]
    background_variance: NDArray[np.float64]
    column_variance: NDArray[np.float64]
    shared_variance: NDArray[np.float64]
    model_variance: NDArray[np.float64]
    notes: tuple[str, ...]


def read_signal(
    scan: Scan,
    calibration: Calibration,
    settings: AmountSettings,
    *,
    frames: Sequence[int] | None = None,
) -> Reading:
    """Return the signal of `scan` in the rows of `calibration`, with its noise.

    `frames` picks frames of the object (0-based, counted over all frames), all by default.

    Raises
    ------
    DataError
        if scan and calibration do not fit, a value is not finite, or noise cannot be told.
    """
    check_match(calibration.matrix, scan)
    if settings.background in (Background.EXTERNAL_MEAN, Background.EXTERNAL_LINEAR):
        raise DataError(
            f"background {settings.background.value!r} is not offered for amounts: give a scan "
            "that holds its own background frames"
        )
    if scan.is_background_corrected and settings.background is not Background.NONE:
        raise DataError(
            f"{scan.name}: its background is already subtracted; state background 'none'"
        )
    rows = load_rows(scan, calibration.selection)
    if not np.isfinite(rows).all():
        raise DataError(f"{scan.name}: {np.sum(~np.isfinite(rows))} spectral values are no numbers")
    measured = read_frames(rows, scan.is_background, picked=frames)
    choice = pick_choice(measured, settings.background, scan.name)
    noise, matrix_noise, notes = estimate_noise(measured, calibration.frames)
    if not np.all(noise.frame > 0):
        raise DataError(
            f"{scan.name}: {np.sum(noise.frame <= 0)} selected rows have no noise at all in the "
            "background frames; are they real frames?"
        )
    ways = measured.choices() if settings.background is not Background.NONE else {}
    own_variance = _own_variance(scan, measured, noise, choice)
    return Reading(
        signal=measured.full - choice @ measured.empty,
        others={
            name: measured.full - way @ measured.empty
            for name, way in ways.items()
            if not np.array_equal(way, choice)
        },
        variance=noise.frame / measured.n_full + own_variance,
        background_variance=own_variance,
        column_variance=matrix_noise.frame,
        shared_variance=_shared_variance(calibration, matrix_noise) + calibration.model_variance,
        model_variance=calibration.model_variance,
        notes=notes,
    )


def _own_variance(
    scan: Scan, frames: Frames, noise: Noise, choice: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the background's variance; one frame's where the file does not say how it was made."""
    if scan.is_background_corrected:
        return noise.frame
    return background_variance(frames, noise, choice)


def _shared_variance(calibration: Calibration, noise: Noise) -> NDArray[np.float64]:
    if calibration.matrix.is_background_corrected:
        return noise.frame
    return background_variance(calibration.frames, noise, calibration.choice)
