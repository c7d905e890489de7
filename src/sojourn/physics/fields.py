"""Fields of an idealized knee scanner with a field-free point."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import DriveField

CYCLES_PER_PERIOD = (10, 11, 12)
"""Drive periods along x, y and z in one common period [assumption: short, so files are small]."""


def knee_drive_field(amplitude: float = 15e-3, period: float = 0.4e-3) -> DriveField:
    """Return three sine drive fields of 25, 27.5 and 30 kHz that close in one short period.

    Parameters
    ----------
    amplitude
        of every direction, in T (times 1/mu0); 15 mT is assumed tolerable at a limb
        [assumption; nerve stimulation is not modelled].
    period
        of the whole trajectory, in s.

    Returns
    -------
        dividers 66, 60 and 55 of a base frequency of 1.65 MHz (660 / period).
    """
    base = int(np.lcm.reduce(CYCLES_PER_PERIOD))
    divider = np.array([[base // n] for n in CYCLES_PER_PERIOD])
    return DriveField(
        base_frequency=base / period,
        divider=divider,
        strength=np.full((3, 1), amplitude),
        phase=np.zeros((3, 1)),
        cycle=period,
    )


def drive_waveform(drive_field: DriveField, n_samples: int) -> NDArray[np.float64]:
    """Return the drive field over one period.

    Parameters
    ----------
    drive_field
        sine channels, each along one axis.
    n_samples
        samples in a period, at t = 0, T/n, ...

    Returns
    -------
        shape (channel, sample), T (times 1/mu0).

    Raises
    ------
    DataError
        if the waveform is no sine.

    References
    ----------
    MDF 2.1, section drivefield: H_d(t) = sum of strength * sin(2 pi f t + phase).
    """
    if drive_field.waveform != "sine":
        raise DataError(f"only sine drive fields are simulated, not {drive_field.waveform!r}")
    times = np.arange(n_samples) * drive_field.cycle / n_samples
    frequency = drive_field.base_frequency / drive_field.divider
    angle = 2 * np.pi * frequency[..., None] * times + drive_field.phase[..., None]
    waveform: NDArray[np.float64] = np.sum(drive_field.strength[..., None] * np.sin(angle), axis=1)
    return waveform


@dataclass(frozen=True, slots=True, eq=False)
class KneeScanner:
    """A bore around the knee: ideal selection field, homogeneous drive and receive coils.

    `gradient` (3,), T/m (times 1/mu0), along (L, P, S); its sum is 0 as for any static field
    without currents. The stronger gradient lies front to back, where a knee is thinnest: with
    15 mT the field-free point covers 100 x 50 x 100 mm [assumption: permanent magnets].
    `n_samples`: of a period and channel. `frame_averages`: periods in one frame of 1 s.
    `sensitivity` of each receive coil along its axis, T/A [assumption: about a dozen turns].

    Raises
    ------
    DataError
        if the gradient has a divergence or is 0 along an axis.
    """

    gradient: NDArray[np.float64] = field(default_factory=lambda: np.array([-0.3, 0.6, -0.3]))
    drive_field: DriveField = field(default_factory=knee_drive_field)
    n_samples: int = 256
    frame_averages: int = 2500
    sensitivity: float = 1e-4

    def __post_init__(self) -> None:
        gradient = np.asarray(self.gradient, dtype=np.float64)
        if gradient.shape != (3,) or abs(gradient.sum()) > 1e-9 or not gradient.all():
            raise DataError(f"a static gradient has no divergence, got {gradient.tolist()} T/m")
        object.__setattr__(self, "gradient", frozen(gradient))

    @property
    def bandwidth(self) -> float:
        """Nyquist frequency of the receiver, in Hz."""
        return self.n_samples / (2 * self.drive_field.cycle)

    @property
    def n_bins(self) -> int:
        """Number of rFFT bins of one period."""
        return self.n_samples // 2 + 1

    def frequencies(self) -> NDArray[np.float64]:
        """Return the frequency of every rFFT bin, shape (n_bins,), Hz."""
        bins: NDArray[np.float64] = np.arange(self.n_bins) / self.drive_field.cycle
        return bins


def selection_field(
    positions: NDArray[np.float64], gradient: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the static field, zero at the isocentre, growing linearly.

    Parameters
    ----------
    positions
        shape (n, 3), LPS, m from the isocentre.
    gradient
        shape (3,), diagonal of the Jacobian, T/m (times 1/mu0).

    Returns
    -------
        shape (n, 3), T (times 1/mu0).
    """
    return positions * gradient
