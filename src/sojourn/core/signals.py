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

FIELD_SHAPES: Mapping[str, tuple[int, ...]] = {
    "gradient": (3, 3),
    "offset_field": (3,),
    "gradient_steps": (0, 3, 3),
    "offset_steps": (0, 3),
}
"""Shapes of an acquisition's selection field; a 0 stands for any number of sub-intervals."""


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
class TransferFunction:
    """What a receive chain makes of each frequency; a spectrum is corrected by dividing.

    `frequencies` (K,) in Hz, ascending; `values` (C, K), in `unit`, channel by channel.
    `induction_factor` (C,) takes a coil's voltage to the magnetic moment's change, in `unit`
    per A m^2, or None where nobody measured it. `name` is what messages call it, `source` the
    digest of its file.
    """

    frequencies: NDArray[np.float64]
    values: NDArray[np.complex128]
    unit: str = ""
    induction_factor: NDArray[np.float64] | None = None
    name: str = "transfer function"
    source: str = ""

    def __post_init__(self) -> None:
        frequencies = np.asarray(self.frequencies, dtype=np.float64)
        values = np.asarray(self.values, dtype=np.complex128)
        if frequencies.ndim != 1 or values.ndim != 2 or values.shape[1] != len(frequencies):
            raise DataError(
                f"{self.name}: values {values.shape} and frequencies {frequencies.shape} need "
                "shapes (C, K) and (K,)"
            )
        if min(values.shape) < 1 or not np.isfinite(values).all():
            raise DataError(f"{self.name}: values of shape {values.shape} must be finite, not none")
        if not np.isfinite(frequencies).all() or not _is_ascending(frequencies):
            raise DataError(f"{self.name}: frequencies must ascend from 0 Hz or above")
        object.__setattr__(self, "frequencies", frozen(frequencies))
        object.__setattr__(self, "values", frozen(values))
        if self.induction_factor is not None:
            factor = np.asarray(self.induction_factor, dtype=np.float64)
            if factor.shape != values.shape[:1] or not np.all(np.isfinite(factor) & (factor != 0)):
                raise DataError(
                    f"{self.name}: induction factors {factor.tolist()}; expected one for each of "
                    f"{len(values)} channels, finite and not 0"
                )
            object.__setattr__(self, "induction_factor", frozen(factor))

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the values at `frequencies` (n,), Hz, shape (C, n).

        Magnitude and unwrapped phase are interpolated linearly; at a measured frequency the
        measured value comes back. Between two measurements the phase must turn by less than pi,
        else it cannot be unwrapped.

        Raises
        ------
        DataError
            if a frequency lies outside the measured range: nothing is extrapolated.
        """
        asked = np.atleast_1d(np.asarray(frequencies, dtype=np.float64))
        low, high = float(self.frequencies[0]), float(self.frequencies[-1])
        outside = asked[~((asked >= low) & (asked <= high))]
        if len(outside):
            raise DataError(
                f"{self.name} was measured from {low:.6g} to {high:.6g} Hz; {len(outside)} of "
                f"{len(asked)} frequencies lie outside, {outside[0]:.6g} Hz first. Leave these "
                "frequencies out of the selection, or measure the receive chain there"
            )
        return np.stack([_between(asked, self.frequencies, row) for row in self.values])


def stack_channels(*transfers: TransferFunction, name: str = "") -> TransferFunction:
    """Return one transfer function with the channels of several, in this order.

    Raises
    ------
    DataError
        if they were measured at different frequencies or in different units, or only some have
        induction factors.
    """
    if not transfers:
        raise DataError("no transfer function to put together")
    first = transfers[0]
    for other in transfers:
        if not np.array_equal(other.frequencies, first.frequencies) or other.unit != first.unit:
            raise DataError(
                f"{first.name} and {other.name} were measured at different frequencies or in "
                "different units; read both at the same ones by `at`"
            )
    factors = [each.induction_factor for each in transfers if each.induction_factor is not None]
    if factors and len(factors) != len(transfers):
        raise DataError("some of the transfer functions have no induction factor")
    return TransferFunction(
        frequencies=first.frequencies,
        values=np.concatenate([each.values for each in transfers]),
        unit=first.unit,
        induction_factor=np.concatenate(factors) if factors else None,
        name=name or ", ".join(each.name for each in transfers),
        source=" ".join(each.source for each in transfers).strip(),
    )


def _is_ascending(frequencies: NDArray[np.float64]) -> bool:
    return bool(frequencies[0] >= 0 and np.all(np.diff(frequencies) > 0))


def _between(
    asked: NDArray[np.float64], frequencies: NDArray[np.float64], row: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return one channel between its measured points; a zero has no phase of its own."""
    magnitude = np.interp(asked, frequencies, np.abs(row))
    known = np.abs(row) > 0
    if not known.any():
        return np.zeros(len(asked), dtype=np.complex128)
    phase = np.interp(asked, frequencies[known], np.unwrap(np.angle(row[known])))
    return np.asarray(magnitude * np.exp(1j * phase))


@dataclass(frozen=True, slots=True, eq=False)
class Acquisition:
    """How a scan was taken: what two files must share to be used together.

    `n_samples` per period and channel; `bandwidth` is the Nyquist frequency, in Hz, so that
    bin k lies at k * 2 * bandwidth / n_samples. `gradient` (3, 3) in T/m and `offset_field` (3,)
    in T (times 1/mu0) of the selection field at the scanner's centre, or None where the file
    does not state them. Where they change within a period, both are None and
    `gradient_steps` (Y, 3, 3) and `offset_steps` (Y, 3) hold them at the start of each of Y
    equal sub-intervals. `unit` is that of the received samples.

    `transfer_function` is what came with the data and was not applied here;
    `is_transfer_function_corrected` says whether the data had been divided by theirs before,
    `is_spectral_leakage_corrected` whether their spectral leakage was corrected. A scan and a
    calibration go together only where these corrections are the same.
    """

    drive_field: DriveField
    n_channels: int
    n_samples: int
    bandwidth: float
    unit: str
    n_averages: int = 1
    gradient: NDArray[np.float64] | None = None
    start_time: str = ""
    offset_field: NDArray[np.float64] | None = None
    transfer_function: TransferFunction | None = None
    is_transfer_function_corrected: bool = False
    is_spectral_leakage_corrected: bool = False
    gradient_steps: NDArray[np.float64] | None = None
    offset_steps: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name, shape in FIELD_SHAPES.items():
            _freeze_field(self, name, shape)
        if self.n_samples < 2 or self.n_channels < 1 or not self.bandwidth > 0:
            raise DataError(
                f"n_samples {self.n_samples}, n_channels {self.n_channels} and bandwidth "
                f"{self.bandwidth} Hz must be positive"
            )
        transfer = self.transfer_function
        if transfer is not None and len(transfer.values) != self.n_channels:
            raise DataError(
                f"{transfer.name} has {len(transfer.values)} channels, the acquisition "
                f"{self.n_channels}"
            )

    @property
    def n_bins(self) -> int:
        """Number of rFFT bins of one period."""
        return self.n_samples // 2 + 1

    def frequencies(self) -> NDArray[np.float64]:
        """Return the frequency of every rFFT bin, shape (n_bins,), Hz."""
        bins: NDArray[np.float64] = np.arange(self.n_bins) * 2.0 * self.bandwidth / self.n_samples
        return bins


def _freeze_field(acquisition: Acquisition, name: str, shape: tuple[int, ...]) -> None:
    """Hold one selection-field value to its shape and make it read-only."""
    values = getattr(acquisition, name)
    if values is None:
        return
    values = np.asarray(values, dtype=np.float64)
    fits = values.ndim == len(shape) and all(
        n == wanted or wanted == 0 for n, wanted in zip(values.shape, shape, strict=True)
    )
    if not fits or not np.isfinite(values).all():
        wanted_text = " x ".join("Y" if n == 0 else str(n) for n in shape)
        raise DataError(f"{name} has shape {values.shape}; expected finite numbers {wanted_text}")
    object.__setattr__(acquisition, name, frozen(values))


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
    state it: amounts are then counted in calibration samples. `measured_at` (frame,) is the place
    of each frame in the order of measurement, from 0, where that is not the order of the frames
    (a meander, say), else None: a background that drifts is followed in time.
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
    measured_at: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        _check_spectra(self.spectra, self.acquisition, self.is_background)
        if (n := int(np.sum(~self.is_background))) != self.grid.n_voxels:
            raise DataError(f"{self.name}: {n} calibration positions for {self.grid.shape} voxels")
        object.__setattr__(self, "is_background", frozen(self.is_background.astype(np.bool_)))
        if self.measured_at is not None:
            n_frames = len(self.is_background)
            if not np.array_equal(np.sort(self.measured_at), np.arange(n_frames)):
                raise DataError(
                    f"{self.name}: measured_at must hold 0 to {n_frames - 1} once each, one "
                    f"for each frame, got {self.measured_at[:5].tolist()}..."
                )
            object.__setattr__(self, "measured_at", frozen(self.measured_at.astype(np.int64)))
        if self.snr is not None:
            object.__setattr__(self, "snr", frozen(self.snr.astype(np.float64)))


def frames_in_time(source: Scan | SystemMatrix) -> NDArray[np.int64]:
    """Return the frames of `source`, shape (frame,), in the order in which they were measured."""
    if isinstance(source, SystemMatrix) and source.measured_at is not None:
        return np.argsort(source.measured_at).astype(np.int64)
    return np.arange(len(source.is_background), dtype=np.int64)
