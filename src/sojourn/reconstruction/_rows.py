"""The rows that every method works on: selected, corrected and weighted, of a matrix and of scans.

One place for all that happens before a solver sees a number, so that two methods with the same
settings solve the same problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
)

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._background import Background, corrected_rows
from sojourn.reconstruction._dictionary import BackgroundDictionary, learn_dictionary
from sojourn.reconstruction._leakage import SpectralLeakage, leakage_corrected_rows
from sojourn.reconstruction._matching import check_match
from sojourn.reconstruction._selection import Selection, load_rows, select_rows
from sojourn.reconstruction._transfer import TransferCorrection, check_same_gain, receive_gain
from sojourn.reconstruction._weighting import (
    Weighting,
    channel_weights,
    row_norm_weights,
    whitening_weights,
)

Factor = Annotated[float, Field(ge=0, allow_inf_nan=False)]

LEAST_ENERGY, MOST_ENERGY = 1e-100, 1e100
"""Squared norms whose products stay numbers: beyond them an image would be lost in rounding."""


class RowSettings(BaseModel):
    """What every method is told about rows; each method's settings add its own.

    `background` has no default. `matrix_background` None takes the mean of the calibration's own
    background frames, or nothing where its file is already corrected. Neutral defaults: every
    stored row, as stored, unweighted.

    Rows: those that pass every rule (`select_rows`); `channels`, `bins` and `rows` (channel, bin)
    are 0-based, frequencies and `stop_bands` in Hz. `channel_weights` has one factor for each
    receive channel, besides `weighting`. `dictionary_size` above 0 estimates a background of so
    many shapes jointly with the image, with penalty `dictionary_penalty`; the shapes are those
    of the calibration's background frames, less their mean where `background` subtracts one.
    `average` is the number of consecutive frames in one image of a series, None all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: Background
    matrix_background: Background | None = None
    min_snr: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    min_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    channels: tuple[int, ...] | None = None
    bins: tuple[int, ...] | None = None
    rows: tuple[tuple[int, int], ...] | None = None
    max_mixing_order: int | None = Field(default=None, ge=0)
    stop_bands: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    max_rows: int | None = Field(default=None, ge=1)
    weighting: Weighting = Weighting.NONE
    channel_weights: tuple[Factor, ...] | None = None
    transfer_function: TransferCorrection = TransferCorrection.NONE
    spectral_leakage: SpectralLeakage = SpectralLeakage.NONE
    dictionary_size: int = Field(default=0, ge=0, le=1000)
    dictionary_penalty: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    average: int | None = Field(default=None, ge=1)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number is meant: they would count as 1 and 0."""
        field = cls.model_fields[str(info.field_name)]
        if field.annotation is not bool and _holds_truth(value):
            raise ValueError("Input should be a number, not true or false")
        return value


def _holds_truth(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_truth(each) for each in value)
    return isinstance(value, bool)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows:
    """Rows of a calibration, ready for a solver; made by `prepare_rows`.

    `columns` (row, voxel): background taken off, multiplied by `weights` (row,), and with a
    `dictionary` projected, so that a solver needs to know of none of it.
    """

    settings: RowSettings
    matrix: SystemMatrix
    selection: Selection
    matrix_background: Background
    weights: NDArray[np.float64]
    columns: NDArray[np.complex128]
    dictionary: BackgroundDictionary | None = None

    @property
    def energy(self) -> float:
        """Squared Frobenius norm of the weighted rows ||W S||_F^2, before any projection.

        So lambda means the same with and without a dictionary.
        """
        if self.dictionary is not None:
            return self.dictionary.energy(self.columns)
        return float(np.vdot(self.columns, self.columns).real)

    def lambda_absolute(self, relative: float) -> float:
        """Return `relative` times the mean squared norm of a column: ||W S||_F^2 / n_voxels.

        References
        ----------
        RegularizedLeastSquares.jl, `SystemMatrixBasedNormalization` (restated).
        """
        return relative * self.energy / self.matrix.grid.n_voxels

    def apply(self, rows: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return `rows` (frame, row) weighted and projected as the matrix's are, same shape.

        `rows` are loaded by `load_prepared`, with or without a background taken off.
        """
        weighted = rows * self.weights
        return weighted if self.dictionary is None else self.dictionary.apply(weighted)

    def frames(self, source: Scan | SystemMatrix) -> NDArray[np.complex128]:
        """Return every frame of `source`, empty ones too, no background taken off: (frame, row).

        Prepared as a signal is, so that the spread of empty frames is a signal's noise; but
        spectral leakage is not corrected. Folded frames spread half as much (in power) as single
        ones and share noise with their neighbours, while the mean of many has the same noise.

        Raises
        ------
        DataError
            if a scan was taken otherwise than the calibration, or cannot be corrected as asked.
        """
        if isinstance(source, Scan):
            self._check(source)
        unfolded = self.settings.model_copy(update={"spectral_leakage": SpectralLeakage.NONE})
        return self.apply(load_prepared(unfolded, source, self.selection))

    def _check(self, scan: Scan) -> None:
        check_match(self.matrix, scan)
        if self.settings.transfer_function is TransferCorrection.DIVIDE:
            check_same_gain(self.matrix, scan)

    def signal(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> NDArray[np.complex128]:
        """Return the scan's rows, as the matrix's were made, of each frame that shows the object.

        Parameters
        ----------
        scan
            the measurement.
        empty
            empty-bore scans, where the background is external.

        Returns
        -------
            shape (frame, row).

        Raises
        ------
        DataError
            if the scan was taken otherwise than the calibration, holds no foreground frame, or
            its rows cannot be corrected as asked.
        """
        self._check(scan)
        if scan.is_background.all():
            raise DataError(f"{scan.name}: every frame is a background frame")
        load = partial(load_prepared, self.settings)
        background = self.settings.background
        found = self.apply(corrected_rows(scan, self.selection, background, empty=empty, load=load))
        _check_energy(found, scan.name)
        return found


def load_prepared(
    settings: RowSettings, source: Scan | SystemMatrix, selection: Selection
) -> NDArray[np.complex128]:
    """Return the selected rows of every frame (frame, row), leakage and receive chain corrected.

    Leakage is corrected in scans alone: neighbouring frames of a calibration show the sample at
    different places.

    Raises
    ------
    DataError
        if a selected row holds what is not a number, or a correction that `settings` ask for cannot
        be made.
    """
    if settings.spectral_leakage is SpectralLeakage.HANN and isinstance(source, Scan):
        with np.errstate(invalid="ignore"):  # of infinite samples, refused below
            rows = leakage_corrected_rows(source, selection)
    else:
        rows = load_rows(source, selection)
    _check_finite(rows, source.name, selection)
    if settings.transfer_function is TransferCorrection.DIVIDE:
        rows = rows / receive_gain(source, selection)
    return rows


def _check_finite(rows: NDArray[np.complex128], name: str, selection: Selection) -> None:
    """Refuse rows (frame, row) with NaN or infinity: an iteration would end with any image."""
    wrong = ~np.isfinite(rows)
    if not wrong.any():
        return
    frame, row = (int(index[0]) for index in np.nonzero(wrong))
    channel, k = selection.labels()[row]
    raise DataError(
        f"{name}: {int(wrong.sum())} of {rows.size} selected values are not finite numbers, first "
        f"in frame {frame}, channel {channel}, bin {k} (0-based); leave those rows out or repair "
        "the file"
    )


def _check_energy(rows: NDArray[np.complex128], name: str) -> None:
    """Refuse rows whose squares leave the range of floating point; all zeros are let pass."""
    with np.errstate(over="ignore", under="ignore"):
        energy = float(np.vdot(rows, rows).real)
    if LEAST_ENERGY <= energy <= MOST_ENERGY or not rows.any():
        return
    raise DataError(
        f"{name}: the selected rows, weighted, have a squared norm of {energy:.3g}; from "
        f"{LEAST_ENERGY:g} to {MOST_ENERGY:g} can be computed with. Check the unit of its samples, "
        "transfer function and channel_weights"
    )


def prepare_rows(settings: RowSettings, matrix: SystemMatrix) -> PreparedRows:
    """Return the rows of `matrix` that `settings` ask for.

    Raises
    ------
    DataError
        if no row is left, all are zero or not finite, or the calibration's rows cannot be corrected
        or weighted as asked.
    """
    selection = select_rows(
        matrix,
        min_snr=settings.min_snr,
        min_frequency=settings.min_frequency,
        max_frequency=settings.max_frequency,
        channels=settings.channels,
        bins=settings.bins,
        rows=settings.rows,
        max_mixing_order=settings.max_mixing_order,
        stop_bands=settings.stop_bands,
        max_rows=settings.max_rows,
    )
    background = _matrix_background(settings, matrix)
    load = partial(load_prepared, settings)
    columns = np.ascontiguousarray(corrected_rows(matrix, selection, background, load=load).T)
    if not columns.any():
        raise DataError(
            f"{matrix.name}: all {len(columns)} selected rows of the system matrix are zero"
        )
    _check_energy(columns, matrix.name)
    weights = _weights(settings, matrix, selection, columns)
    columns *= weights[:, None]
    _check_energy(columns, matrix.name)
    prepared = PreparedRows(
        settings=settings,
        matrix=matrix,
        selection=selection,
        matrix_background=background,
        weights=frozen(weights),
        columns=columns,
    )
    return prepared if settings.dictionary_size == 0 else _with_dictionary(prepared)


def _weights(
    settings: RowSettings,
    matrix: SystemMatrix,
    selection: Selection,
    columns: NDArray[np.complex128],
) -> NDArray[np.float64]:
    weights = np.ones(selection.n_rows)
    if settings.weighting is Weighting.ROW_NORM:
        weights = row_norm_weights(columns)
    elif settings.weighting is Weighting.WHITENING:
        empty = load_prepared(settings, matrix, selection)[matrix.is_background]
        weights = whitening_weights(empty, matrix.name)
    if settings.channel_weights is not None:
        n_channels = matrix.acquisition.n_channels
        weights = weights * channel_weights(selection, settings.channel_weights, n_channels)
    return weights


def _with_dictionary(rows: PreparedRows) -> PreparedRows:
    """Return `rows` with the background of their calibration's empty frames projected."""
    settings = rows.settings
    empty = rows.frames(rows.matrix)[rows.matrix.is_background]
    if settings.background is not Background.NONE:
        empty = empty - empty.mean(axis=0) if len(empty) else empty
    dictionary = learn_dictionary(
        empty,
        size=settings.dictionary_size,
        penalty=settings.dictionary_penalty,
        name=rows.matrix.name,
    )
    columns = np.ascontiguousarray(dictionary.apply(rows.columns.T).T)
    return replace(rows, columns=columns, dictionary=dictionary)


def _matrix_background(settings: RowSettings, matrix: SystemMatrix) -> Background:
    if settings.matrix_background is not None:
        return settings.matrix_background
    if matrix.is_background_corrected:
        return Background.NONE
    if not matrix.is_background.any():
        raise DataError(
            f"{matrix.name}: the calibration has no background frames and is not background "
            "corrected; state matrix_background 'none' to use it as it is"
        )
    return Background.OWN_MEAN
