"""The rows that every method works on: selected, corrected and weighted, of a matrix and of scans.

One place for all that happens before a solver sees a number, so that two methods with the same
settings solve the same problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._background import Background, corrected_rows
from sojourn.reconstruction._matching import check_match
from sojourn.reconstruction._selection import Selection, select_rows


class RowSettings(BaseModel):
    """What every method is told about rows; each method's settings add its own.

    `background` has no default. `matrix_background` None takes the mean of the calibration's own
    background frames, or nothing where its file is already corrected. `channels` and `bins` are
    0-based. Neutral defaults: every stored row, unweighted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: Background
    matrix_background: Background | None = None
    min_snr: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    min_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    channels: tuple[int, ...] | None = None
    bins: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows:
    """Rows of a calibration, ready for a solver; made by `prepare_rows`.

    `columns` (row, voxel): background taken off, multiplied by `weights` (row,).
    """

    settings: RowSettings
    matrix: SystemMatrix
    selection: Selection
    matrix_background: Background
    weights: NDArray[np.float64]
    columns: NDArray[np.complex128]

    @property
    def energy(self) -> float:
        """Squared Frobenius norm of `columns`."""
        return float(np.vdot(self.columns, self.columns).real)

    def lambda_absolute(self, relative: float) -> float:
        """Return `relative` times the mean squared norm of a column: ||W S||_F^2 / n_voxels.

        References
        ----------
        RegularizedLeastSquares.jl, `SystemMatrixBasedNormalization` (restated).
        """
        return relative * self.energy / self.matrix.grid.n_voxels

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
            its background cannot be subtracted as asked.
        """
        check_match(self.matrix, scan)
        if scan.is_background.all():
            raise DataError(f"{scan.name}: every frame is a background frame")
        frames = corrected_rows(scan, self.selection, self.settings.background, empty=empty)
        return frames * self.weights


def prepare_rows(settings: RowSettings, matrix: SystemMatrix) -> PreparedRows:
    """Return the rows of `matrix` that `settings` ask for.

    Raises
    ------
    DataError
        if no row is left, or the calibration's background cannot be subtracted as asked.
    """
    selection = select_rows(
        matrix,
        min_snr=settings.min_snr,
        min_frequency=settings.min_frequency,
        max_frequency=settings.max_frequency,
        channels=settings.channels,
        bins=settings.bins,
    )
    background = _matrix_background(settings, matrix)
    columns = np.ascontiguousarray(corrected_rows(matrix, selection, background).T)
    return PreparedRows(
        settings=settings,
        matrix=matrix,
        selection=selection,
        matrix_background=background,
        weights=frozen(np.ones(selection.n_rows)),
        columns=columns,
    )


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
