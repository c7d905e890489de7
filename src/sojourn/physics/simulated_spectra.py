"""Simulated spectra of some bins only: what a large simulated calibration keeps in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class KeptSpectra:
    """Spectra held in memory of which only `bins` exist (`SelectedSpectra`).

    `values` (frame, channel, len(bins)), complex64 or complex128, taken over without a copy and
    made read-only. `bins`: 0-based rFFT bins, ascending, out of `n_bins`.
    """

    values: NDArray[np.complex64] | NDArray[np.complex128]
    bins: NDArray[np.int64]
    n_bins: int

    def __post_init__(self) -> None:
        bins = np.array(self.bins, dtype=np.int64)
        if self.values.ndim != 3 or self.values.shape[2:] != bins.shape:
            raise DataError(
                f"spectra have axes (frame, channel, bin), got {self.values.shape} for "
                f"{bins.shape} bins"
            )
        if bins.size and (bins[0] < 0 or bins[-1] >= self.n_bins or np.any(np.diff(bins) <= 0)):
            raise DataError(f"bins must ascend within 0 to {self.n_bins - 1}")
        self.values.flags.writeable = False
        bins.flags.writeable = False
        object.__setattr__(self, "bins", bins)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of frames, channels and all rFFT bins, kept or not."""
        return self.values.shape[0], self.values.shape[1], self.n_bins

    def read(self, channel: int, bins: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return the rows `bins` of `channel`, shape (frame, len(bins)).

        Raises
        ------
        DataError
            if a bin was not kept.
        """
        asked = np.asarray(bins, dtype=np.int64)
        places = np.searchsorted(self.bins, asked)
        found = places < len(self.bins)
        found[found] = self.bins[places[found]] == asked[found]
        if not found.all():
            raise DataError(
                f"bin {int(asked[~found][0])} was not simulated; kept are {len(self.bins)} bins "
                f"from {self.bins[0]} to {self.bins[-1]}"
            )
        return self.values[:, channel, places].astype(np.complex128)
