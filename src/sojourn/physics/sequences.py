"""Sequences: what the drive coils do in each period, and where the selection field stands."""

from dataclasses import dataclass, field, replace
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


def lissajous_sequence(
    amplitudes: NDArray[np.float64],
    dividers: NDArray[np.int64],
    *,
    base_frequency: float = 2.5e6,
    bandwidth: float | None = None,
    phases: NDArray[np.float64] | None = None,
    unit: str = "T",
) -> Sequence:
    """Return sines of slightly different frequencies along each direction.

    Parameters
    ----------
    amplitudes
        shape (channel,), in `unit`.
    dividers
        shape (channel,): frequency is `base_frequency` / divider.
    base_frequency
        in Hz.
    bandwidth
        Nyquist frequency of the receiver, Hz; half of `base_frequency` unless stated.
    phases
        shape (channel,), rad; 0 unless stated.
    unit
        "T" (times 1/mu0) for ideal homogeneous coils, "A" for real ones.

    Raises
    ------
    DataError
        if shapes differ, or the cycle does not hold a whole number of samples.

    References
    ----------
    Knopp et al., Physics in Medicine and Biology 54 (2009) 385: trajectories. MDF 2.1, drivefield.

    Examples
    --------
    >>> sequence = lissajous_sequence(np.full(3, 12e-3), np.array([102, 96, 99]))
    >>> sequence.n_samples
    53856
    """
    strength = np.asarray(amplitudes, dtype=np.float64)
    divider = np.asarray(dividers, dtype=np.int64)
    phase = np.zeros(strength.shape) if phases is None else np.asarray(phases, dtype=np.float64)
    if strength.ndim != 1 or not strength.shape == divider.shape == phase.shape:
        raise DataError(
            f"amplitudes {strength.shape}, dividers {divider.shape} and phases {phase.shape} "
            "need one shape (channel,)"
        )
    duration = cycle(base_frequency, divider)
    nyquist = base_frequency / 2 if bandwidth is None else bandwidth
    samples = 2 * nyquist * duration
    if abs(samples - round(samples)) > 1e-6 or samples < 2:
        raise DataError(
            f"a bandwidth of {nyquist} Hz puts {samples} samples into the cycle of {duration} s; "
            "it must be a whole number from 2"
        )
    drive = DriveField(
        base_frequency=base_frequency,
        divider=divider[:, None],
        strength=strength[:, None],
        phase=phase[:, None],
        cycle=duration,
    )
    return Sequence(drive, round(samples), nyquist, unit=unit)


def cartesian_sequence(
    amplitudes: NDArray[np.float64],
    *,
    divider: int,
    lines: tuple[int, ...],
    base_frequency: float = 2.5e6,
    bandwidth: float | None = None,
    unit: str = "T",
) -> Sequence:
    """Return a fast line along the first direction, shifted slowly along the others.

    Parameters
    ----------
    amplitudes
        shape (channel,), in `unit`: the fast line's first, then each slow shift's.
    divider
        of the fast frequency.
    lines
        one number for each slow direction: fast cycles in a cycle of the first shift, cycles of
        the first shift in one of the second.
    base_frequency, bandwidth, unit
        as for `lissajous_sequence`.

    Returns
    -------
        sines all: a shift turns slowly at its ends. The slow ones start at -pi/2, from their lower
        end, so that the lines are swept once up and once down.

    Raises
    ------
    DataError
        if there is not one number above 1 for each slow direction.

    Examples
    --------
    >>> sequence = cartesian_sequence(np.array([12e-3, 12e-3]), divider=96, lines=(64,))
    >>> sequence.drive_field.divider.ravel().tolist()
    [96, 6144]
    """
    if len(lines) != len(amplitudes) - 1 or not lines or min(lines) < 2:
        raise DataError(
            f"{len(amplitudes)} directions need {len(amplitudes) - 1} numbers of lines from 2, "
            f"got {lines}"
        )
    dividers = divider * np.cumprod((1, *lines))
    phases = np.full(len(dividers), -np.pi / 2)
    phases[0] = 0.0
    return lissajous_sequence(
        amplitudes,
        dividers,
        base_frequency=base_frequency,
        bandwidth=bandwidth,
        phases=phases,
        unit=unit,
    )


def focused_sequence(sequence: Sequence, offsets: NDArray[np.float64]) -> Sequence:
    """Return `sequence` with one patch for each focus field.

    Parameters
    ----------
    sequence
        of one patch; its scale, rotation and selection field are kept.
    offsets
        shape (patch, 3), T (times 1/mu0), added to the patch's own offset. An ideal gradient J
        puts its field-free point at -J^-1 offset.

    Raises
    ------
    DataError
        if `sequence` has several patches already, or `offsets` has another shape.

    References
    ----------
    Knopp et al., Physics in Medicine and Biology 60 (2015) L15: joint reconstruction of patches.
    """
    if sequence.n_patches != 1:
        raise DataError(f"the sequence has {sequence.n_patches} patches already, expected 1")
    fields = np.asarray(offsets, dtype=np.float64)
    if fields.ndim != 2 or fields.shape[1] != 3:
        raise DataError(f"offsets have shape {fields.shape}, expected (patch, 3), T")
    first = sequence.patches[0]
    patches = tuple(replace(first, offset=first.offset + offset) for offset in fields)
    return replace(sequence, patches=patches)


def field_free_line_sequence(
    amplitude: float,
    *,
    divider: int,
    n_angles: int,
    axis: NDArray[np.float64] | None = None,
    base_frequency: float = 2.5e6,
    bandwidth: float | None = None,
    unit: str = "T",
) -> Sequence:
    """Return a line that is driven to and fro across itself, turned from patch to patch.

    Selection and drive field turn together about the isocentre, by k pi / n_angles; receive coils
    stand still.

    Parameters
    ----------
    amplitude
        of the one drive channel, in `unit`; its coil lies at right angles to the line.
    divider
        of the drive frequency.
    n_angles
        patches over half a turn; a line turned by pi is itself.
    axis
        shape (3,): axis of the turn, at right angles to the line and to the drive; z unless stated.
    base_frequency, bandwidth, unit
        as for `lissajous_sequence`.

    Raises
    ------
    DataError
        if `n_angles` is below 1.

    References
    ----------
    Knopp, Erbe et al., Medical Physics 37 (2010) 3486: a field-free line, turned by its currents.
    """
    if n_angles < 1:
        raise DataError(f"a turning line has at least one angle, got {n_angles}")
    sequence = lissajous_sequence(
        np.array([amplitude]),
        np.array([divider]),
        base_frequency=base_frequency,
        bandwidth=bandwidth,
        unit=unit,
    )
    about = np.array([0.0, 0.0, 1.0]) if axis is None else np.asarray(axis, dtype=np.float64)
    turns = (rotation_about(about, np.pi * k / n_angles) for k in range(n_angles))
    return replace(sequence, patches=tuple(Patch(rotation=turn) for turn in turns))


def rotation_about(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Return the right-handed rotation by `angle` (rad) about `axis` (3,), shape (3, 3).

    Raises
    ------
    DataError
        if `axis` has no direction.

    References
    ----------
    Rodrigues' formula.
    """
    length = float(np.linalg.norm(axis))
    if np.shape(axis) != (3,) or not (np.isfinite(length) and length > 0):
        raise DataError(f"axis {np.asarray(axis).tolist()} has no direction")
    x, y, z = np.asarray(axis, dtype=np.float64) / length
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: NDArray[np.float64] = (
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    )
    return turn


def single_sided_sequence(
    amplitude: float,
    states: tuple[FieldSource | None, ...],
    *,
    divider: int = 100,
    base_frequency: float = 2.5e6,
    bandwidth: float | None = None,
) -> Sequence:
    """Return what a single-sided probe does: one drive coil, several states of its magnet coils.

    Parameters
    ----------
    amplitude
        current of the drive coil, A.
    states
        the selection field of each patch; None is off.
    divider, base_frequency, bandwidth
        as for `lissajous_sequence`; 25 kHz unless stated.

    Returns
    -------
        one period in each state. A probe that stays for 200 periods averages them.

    Raises
    ------
    DataError
        if there is no state.

    References
    ----------
    Bai et al., Frontiers in Bioengineering and Biotechnology 12 (2024) 1327521.
    """
    sequence = lissajous_sequence(
        np.array([amplitude]),
        np.array([divider]),
        base_frequency=base_frequency,
        bandwidth=bandwidth,
        unit="A",
    )
    patches = tuple(
        Patch(selection_scale=0.0) if state is None else Patch(selection=state) for state in states
    )
    return replace(sequence, patches=patches)
