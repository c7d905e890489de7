"""How much each row counts: weights of the same rows of matrix and scan."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.reconstruction._selection import Selection

FEWEST_FRAMES = 2
"""Empty frames below which there is no spread to whiten by."""


class Weighting(StrEnum):
    """What rows are multiplied with.

    NONE leaves them as they are. WHITENING takes the smallest spread of all selected rows over
    this row's own, in the calibration's background frames: noise of one size in every row.
    ROW_NORM takes the inverse norm of the row of the system matrix.
    """

    NONE = "none"
    WHITENING = "whitening"
    ROW_NORM = "row_norm"


def whitening_weights(empty: NDArray[np.complex128], name: str) -> NDArray[np.float64]:
    """Return min(std) / std of every row of the empty frames (frame, row), shape (row,).

    The spread is taken over all empty frames, so that drift from one block of them to the next
    counts as noise. Weights are at most 1.

    Raises
    ------
    DataError
        if there are fewer than two empty frames, or a row has no spread at all.

    References
    ----------
    MPIReco.jl, `WhiteningWeightingParameters` (restated).
    """
    if len(empty) < FEWEST_FRAMES:
        raise DataError(
            f"{name}: whitening needs at least {FEWEST_FRAMES} background frames of the "
            f"calibration, it has {len(empty)}; use another weighting"
        )
    spread = np.sqrt((np.abs(empty - empty.mean(axis=0)) ** 2).sum(axis=0) / (len(empty) - 1))
    if not np.all(spread > 0):
        raise DataError(
            f"{name}: {int(np.sum(~(spread > 0)))} of {len(spread)} selected rows have no spread "
            "in the background frames, so that whitening would give them all the weight; leave "
            "them out"
        )
    weights: NDArray[np.float64] = spread.min() / spread
    return weights


def row_norm_weights(columns: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return 1 / ||s_i|| of every row of `columns` (row, voxel), shape (row,); 0 for a zero row.

    References
    ----------
    MPIReco.jl, `RowNormWeightingParameters` (restated; infinite there for a zero row).
    """
    norms = np.sqrt((np.abs(columns) ** 2).sum(axis=1))
    weights: NDArray[np.float64] = np.where(norms > 0, 1 / np.where(norms > 0, norms, 1.0), 0.0)
    return weights


def channel_weights(
    selection: Selection, weights: Sequence[float], n_channels: int
) -> NDArray[np.float64]:
    """Return each row's weight, that of its receive channel, shape (row,).

    Raises
    ------
    DataError
        if there is not one weight for each receive channel, or all selected rows get 0.
    """
    if len(weights) != n_channels:
        raise DataError(
            f"channel_weights {tuple(weights)} are {len(weights)}; the scanner has {n_channels} "
            "receive channels"
        )
    chosen = [float(weights[channel]) for channel in selection.channels]
    if not any(chosen):
        raise DataError(
            f"channel_weights {tuple(weights)} give 0 to every selected channel "
            f"{selection.channels}; no row is left"
        )
    return np.repeat(chosen, [len(bins) for bins in selection.bins])
