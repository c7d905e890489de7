"""What a scanner gives: spectra of a scan and of a calibration, with what is needed to use them.

Both are lazy: their spectra stay in their file, and only asked-for rows are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid


class Spectra(Protocol):
    """Receive spectra, axes (frame, channel, frequency): plain unnormalised rFFT of a period."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of frames, receive channels and rFFT bins (all bins, n_samples // 2 + 1)."""
        ...

    def read(self, channel: int, bins: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return the rows `bins` (0-based rFFT bins) of `channel`, shape (frame, len(bins))."""
        ...


@runtime_checkable
class SelectedSpectra(Spectra, Protocol):
    """Spectra of which only some bins are kept; the others cannot be read."""

    @property
    def bins(self) -> NDArray[np.int64]:
        """The 0-based rFFT bins that can be read, ascending."""
        ...


def stored_bins(spectra: Spectra) -> NDArray[np.int64]:
    """Return the 0-based rFFT bins that `spectra` can read, ascending."""
    if isinstance(spectra, SelectedSpectra):
        return spectra.bins
    return np.arange(spectra.shape[2], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ArraySpectra:
    """Spectra held in memory: for simulated data and tests."""

    values: NDArray[np.complex128]

    def __post_init__(self) -> None:
        if self.values.ndim != 3:
            raise DataError(f"spectra have axes (frame, channel, bin), got {self.values.shape}")
        object.__setattr__(self, "values", frozen(self.values.astype(np.complex128)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of frames, channels and bins."""
        frames, channels, bins = self.values.shape
        return frames, channels, bins

    def read(self, channel: int, bins: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return the rows `bins` of `channel`, shape (frame, len(bins))."""
        return self.values[:, channel, bins]


@dataclass(frozen=True, slots=True, eq=False)
class DriveField:
    """Drive field of D channels with F frequencies each; amplitudes in T (times 1/mu0).

    `divider` (D, F): frequency is `base_frequency` / divider, in Hz. `strength` and `phase`
    (D, F), in T and rad. `cycle` is the period of the whole waveform, in s.
    """

    base_frequency: float
    divider: NDArray[np.int64]
    strength: NDArray[np.float64]
    phase: NDArray[np.float64]
    cycle: float
    waveform: str = "sine"

    def __post_init__(self) -> None:
        shapes = {self.divider.shape, self.strength.shape, self.phase.shape}
        if len(shapes) != 1 or self.divider.ndim != 2:
            raise DataError(f"divider, strength and phase need one shape (D, F), got {shapes}")
        object.__setattr__(self, "divider", frozen(self.divider.astype(np.int64)))
        object.__setattr__(self, "strength", frozen(self.strength.astype(np.float64)))
        object.__setattr__(self, "phase", frozen(self.phase.astype(np.float64)))


@dataclass(frozen=True, slots=True, eq=False)
class Acquisition:
    """How a scan was taken: what two files must share to be used together.

    `n_samples` per period and channel; `bandwidth` is the Nyquist frequency, in Hz, so that
    bin k lies at k * 2 * bandwidth / n_samples. `gradient` (3, 3) in T/m (times 1/mu0), or None
    where the file does not state it. `unit` is that of the received samples.
    """

    drive_field: DriveField
    n_channels: int
    n_samples: int
    bandwidth: float
    unit: str
    n_averages: int = 1
    gradient: NDArray[np.float64] | None = None
    start_time: str = ""

    def __post_init__(self) -> None:
        if self.n_samples < 2 or self.n_channels < 1 or not self.bandwidth > 0:
            raise DataError(
                f"n_samples {self.n_samples}, n_channels {self.n_channels} and bandwidth "
                f"{self.bandwidth} Hz must be positive"
            )

    @property
    def n_bins(self) -> int:
        """Number of rFFT bins of one period."""
        return self.n_samples // 2 + 1

    def frequencies(self) -> NDArray[np.float64]:
        """Return the frequency of every rFFT bin, shape (n_bins,), Hz."""
        bins: NDArray[np.float64] = np.arange(self.n_bins) * 2.0 * self.bandwidth / self.n_samples
        return bins


def _check_spectra(
    spectra: Spectra, acquisition: Acquisition, background: NDArray[np.bool_]
) -> None:
    frames, channels, bins = spectra.shape
    if (channels, bins) != (acquisition.n_channels, acquisition.n_bins):
        raise DataError(
            f"spectra have {channels} channels and {bins} bins, the acquisition "
            f"{acquisition.n_channels} and {acquisition.n_bins}"
        )
    if background.shape != (frames,):
        raise DataError(f"background mask has shape {background.shape}, there are {frames} frames")


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One measurement: frames of the object and, where the file has them, of the empty bore.

    `is_background` (frame,) marks empty-bore frames. `source` is the digest of the file (or of
    the simulated values). `name` is what messages call it.
    """

    spectra: Spectra
    acquisition: Acquisition
    is_background: NDArray[np.bool_]
    name: str
    source: str
    is_simulated: bool = False
    is_background_corrected: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_spectra(self.spectra, self.acquisition, self.is_background)
        object.__setattr__(self, "is_background", frozen(self.is_background.astype(np.bool_)))


@dataclass(frozen=True, slots=True, eq=False)
class SystemMatrix:
    """A measured or simulated calibration: the signal of one small sample at every voxel.

    Frames that are not background come in voxel order, i (x) fastest, then j, then k: the
    order of `grid.centers()`. `snr` (channel, bin) or None. `sample_iron` is the iron of the
    calibration sample in kg (concentration times volume), or None where the file does not
    state it: amounts are then counted in calibration samples.
    """

    spectra: Spectra
    acquisition: Acquisition
    is_background: NDArray[np.bool_]
    grid: Grid
    name: str
    source: str
    snr: NDArray[np.float64] | None = None
    sample_iron: float | None = None
    is_simulated: bool = False
    is_background_corrected: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_spectra(self.spectra, self.acquisition, self.is_background)
        if (n := int(np.sum(~self.is_background))) != self.grid.n_voxels:
            raise DataError(f"{self.name}: {n} calibration positions for {self.grid.shape} voxels")
        object.__setattr__(self, "is_background", frozen(self.is_background.astype(np.bool_)))
        if self.snr is not None:
            object.__setattr__(self, "snr", frozen(self.snr.astype(np.float64)))
