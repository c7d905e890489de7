"""Sequences: what the drive coils do in each period, and where the selection field stands."""

from dataclasses import dataclass, field
from math import lcm

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import DriveField
from sojourn.physics.field_sources import FieldSource, checked_rotation
from sojourn.physics.fields import drive_waveform


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What stands still during one period of the drive field.

    `offset` (3,), T (times 1/mu0): a homogeneous focus field, added everywhere.
    `selection_scale`: the selection field times this; 0 is off. `rotation` (3, 3): turns the
    selection and the drive fields (not the receive coils) about the isocentre, B'(r) = R B(R^T r).
    `selection`: the field of this patch instead of the scanner's, for probes that change the ratio
    of several currents.
    """

    offset: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    selection_scale: float = 1.0
    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    selection: FieldSource | None = None

    def __post_init__(self) -> None:
        offset = np.asarray(self.offset, dtype=np.float64)
        if offset.shape != (3,) or not np.isfinite(offset).all():
            raise DataError(f"offset must be three finite numbers, T, got {offset.tolist()}")
        if not np.isfinite(self.selection_scale):
            raise DataError(f"selection_scale must be finite, got {self.selection_scale}")
        object.__setattr__(self, "offset", frozen(offset))
        object.__setattr__(self, "rotation", frozen(checked_rotation(self.rotation)))


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """Drive field, sampling and patches, one period each.

    `drive_field`: strengths in T (times 1/mu0) where the drive coils are ideal homogeneous ones,
    and in A where they are coils (`unit` says which). `n_samples` of a period and channel, at
    t = 0, T/n, ...; `bandwidth`, Hz, is the receiver's Nyquist frequency.

    Raises
    ------
    DataError
        if the cycle is not lcm(divider) / base frequency, or bandwidth and samples disagree.
    """

    drive_field: DriveField
    n_samples: int
    bandwidth: float
    patches: tuple[Patch, ...] = (Patch(),)
    unit: str = "T"

    def __post_init__(self) -> None:
        drive = self.drive_field
        expected = cycle(drive.base_frequency, drive.divider)
        if not np.isclose(drive.cycle, expected, rtol=1e-9):
            raise DataError(
                f"cycle is {drive.cycle} s, lcm(divider) / baseFrequency is {expected} s"
            )
        if not np.isclose(2 * self.bandwidth * drive.cycle, self.n_samples, rtol=1e-9):
            raise DataError(
                f"{self.n_samples} samples in {drive.cycle} s have a Nyquist frequency of "
                f"{self.n_samples / (2 * drive.cycle)} Hz, not {self.bandwidth} Hz"
            )
        if not self.patches:
            raise DataError("a sequence has at least one patch")
        if self.unit not in ("T", "A"):
            raise DataError(f"drive strengths are in T or A, not {self.unit!r}")

    @property
    def n_patches(self) -> int:
        """Number of periods in one frame."""
        return len(self.patches)

    @property
    def frame_duration(self) -> float:
        """Duration of one frame without averaging or settling, in s."""
        return self.n_patches * self.drive_field.cycle

    def waveforms(self) -> NDArray[np.float64]:
        """Return one period of every drive channel, shape (channel, sample), in `unit`."""
        return drive_waveform(self.drive_field, self.n_samples)

    def frequencies(self) -> NDArray[np.float64]:
        """Return the frequency of every rFFT bin of a period, shape (bin,), Hz."""
        bins: NDArray[np.float64] = np.arange(self.n_samples // 2 + 1) / self.drive_field.cycle
        return bins


def cycle(base_frequency: float, divider: NDArray[np.int64]) -> float:
    """Return the exact period of sines of `base_frequency` / `divider`, in s.

    Parameters
    ----------
    base_frequency
        in Hz; positive.
    divider
        positive whole numbers, any shape.

    Raises
    ------
    DataError
        if a divider or the base frequency is not positive.

    References
    ----------
    MDF 2.1, /acquisition/drivefield/cycle: lcm(divider) / baseFrequency.

    Examples
    --------
    >>> round(1e3 * cycle(2.5e6, np.array([102, 96, 99])), 4)
    21.5424
    """
    values = [int(d) for d in np.ravel(divider)]
    if not values or min(values) < 1 or not base_frequency > 0:
        raise DataError(f"dividers {values} and base frequency {base_frequency} must be positive")
    return lcm(*values) / base_frequency
