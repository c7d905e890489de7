"""A scanner as its fields, coils and sequence: all that a simulation needs to know of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition, DriveField
from sojourn.physics.field_sources import FieldSource, LinearField, MovedField
from sojourn.physics.sequences import Patch, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """A selection field, drive and receive coils, a sequence, and what the receive chain does.

    `selection`: static field, T. `drive`: one source for each drive channel of the sequence, field
    per unit of its strength. `receive`: one source for each receive channel, T/A: by reciprocity
    its sensitivity. `transfer` (channel, bin): received voltage over induced voltage, complex;
    None is 1. The voltage induced by a moment m is -d/dt (sensitivity . m).

    Raises
    ------
    DataError
        if coils, sequence and transfer do not go together.
    """

    selection: FieldSource
    drive: tuple[FieldSource, ...]
    receive: tuple[FieldSource, ...]
    sequence: Sequence
    transfer: NDArray[np.complex128] | None = None
    name: str = "scanner"

    def __post_init__(self) -> None:
        channels = self.sequence.drive_field.divider.shape[0]
        if len(self.drive) != channels or not self.receive:
            raise DataError(
                f"{self.name}: {len(self.drive)} drive coils for {channels} drive channels, "
                f"{len(self.receive)} receive coils; expected one for each, and at least one"
            )
        if self.transfer is None:
            return
        expected = (len(self.receive), self.n_bins)
        transfer = np.asarray(self.transfer, dtype=np.complex128)
        if transfer.shape != expected or not np.isfinite(transfer).all():
            raise DataError(
                f"{self.name}: transfer has shape {transfer.shape}, expected finite {expected}"
            )
        object.__setattr__(self, "transfer", frozen(transfer))

    @property
    def n_channels(self) -> int:
        """Number of receive channels."""
        return len(self.receive)

    @property
    def n_bins(self) -> int:
        """Number of rFFT bins of one period."""
        return self.sequence.n_samples // 2 + 1

    def gain(self) -> NDArray[np.complex128]:
        """Return received voltage over the rFFT of sensitivity . moment, (channel, bin), 1/s.

        -i 2 pi f times the transfer function; the last bin of an even number of samples is 0,
        since a real signal's derivative has no such part.
        """
        induced = -2j * np.pi * self.sequence.frequencies()
        if self.sequence.n_samples % 2 == 0:
            induced[-1] = 0.0
        transfer = 1.0 if self.transfer is None else self.transfer
        gain: NDArray[np.complex128] = np.broadcast_to(
            induced * transfer, (self.n_channels, self.n_bins)
        ).copy()
        return gain

    def fields(
        self, positions: NDArray[np.float64], *, patch: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what the particles at `positions` (n, 3), LPS, m, meet during one patch.

        Returns
        -------
            static field (n, 3), T; drive coils (n, drive, 3), T per unit; receive sensitivities
            (n, channel, 3), T/A.

        Raises
        ------
        DataError
            if there is no such patch.
        """
        chosen = self._patch(patch)
        static = np.tile(chosen.offset, (len(positions), 1))
        selection = chosen.selection or self.selection
        if chosen.selection_scale != 0:
            turned = MovedField(selection, rotation=chosen.rotation)
            static += chosen.selection_scale * turned.flux_density(positions)
        drive = [MovedField(coil, rotation=chosen.rotation) for coil in self.drive]
        return (
            static,
            np.stack([coil.flux_density(positions) for coil in drive], axis=1),
            np.stack([coil.flux_density(positions) for coil in self.receive], axis=1),
        )

    def acquisition(
        self, *, patch: int = 0, n_averages: int = 1, start_time: str = ""
    ) -> Acquisition:
        """Return what a file of this scanner says of its acquisition.

        The gradient is stated where the selection field is linear. Strengths in A are turned into
        T by the coil's field at the origin.
        """
        chosen = self._patch(patch)
        selection = chosen.selection or self.selection
        gradient = offset = None
        if isinstance(selection, LinearField):
            turned = MovedField(selection, rotation=chosen.rotation)
            rotated = chosen.rotation @ selection.jacobian @ chosen.rotation.T
            gradient = chosen.selection_scale * rotated
            origin = turned.flux_density(np.zeros((1, 3)))[0]
            offset = chosen.offset + chosen.selection_scale * origin
        return Acquisition(
            drive_field=self._drive_field_in_tesla(),
            n_channels=self.n_channels,
            n_samples=self.sequence.n_samples,
            bandwidth=self.sequence.bandwidth,
            unit="V",
            n_averages=n_averages,
            gradient=gradient,
            offset_field=offset,
            start_time=start_time,
        )

    def _patch(self, patch: int) -> Patch:
        if not 0 <= patch < self.sequence.n_patches:
            raise DataError(
                f"{self.name} has patches 0 to {self.sequence.n_patches - 1}, asked for {patch}"
            )
        return self.sequence.patches[patch]

    def _drive_field_in_tesla(self) -> DriveField:
        drive = self.sequence.drive_field
        if self.sequence.unit == "T":
            return drive
        fields = np.concatenate([coil.flux_density(np.zeros((1, 3))) for coil in self.drive])
        return DriveField(
            base_frequency=drive.base_frequency,
            divider=drive.divider,
            strength=drive.strength * np.linalg.norm(fields, axis=1)[:, None],
            phase=drive.phase,
            cycle=drive.cycle,
            waveform=drive.waveform,
        )
