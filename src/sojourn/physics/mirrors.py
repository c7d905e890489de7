"""Mirrors of a simulation: positions whose signals follow from those of others, if fields allow.

Nothing is assumed of a scanner: a mirror counts only where the fields of every position, the drive
waveforms and the receive sensitivities are found to be mirrored, number by number.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.physics.fields import drive_waveform
from sojourn.physics.scanners import Scanner

_TOLERANCE = 1e-9
"""Of the largest value: mirrored fields agree to rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Mirror:
    r"""The moment seen at a mirrored position is that at the position itself, turned in time.

    .. math:: u_c(v', t) = e_c\, u_c(v, \pm t + h), \qquad U_c(v')_k = e_c\, (-1)^{k s}\, U_c(v)_k
              \text{ or its conjugate}

    `images` (n,): v' of every v, its own inverse. `signs` (channel,): e. `is_reversed`: time runs
    backwards. `is_shifted`: by half a period, h = T/2.
    """

    images: NDArray[np.int64]
    signs: NDArray[np.float64]
    is_reversed: bool
    is_shifted: bool

    def factor(
        self, bins: NDArray[np.int64], phase: NDArray[np.complex128]
    ) -> NDArray[np.complex128]:
        """Return what the spectrum, or its conjugate if `is_reversed`, is multiplied with.

        Parameters
        ----------
        bins
            0-based, shape (bin,).
        phase
            receive chain's gain over its conjugate, shape (channel, bin): a mirror acts on
            moments, and conjugating a received spectrum conjugates the gain too.

        Returns
        -------
            shape (channel, bin).
        """
        turn = np.where(bins % 2, -1.0, 1.0) if self.is_shifted else np.ones(len(bins))
        signs = self.signs[:, None] * turn
        return signs * phase if self.is_reversed else signs.astype(np.complex128)


def find_mirrors(
    scanner: Scanner, grid: Grid, *, patch: int = 0, n_samples: int | None = None
) -> tuple[Mirror, ...]:
    r"""Return the mirrors that hold for every voxel, for isotropic particles without memory.

    With a sign matrix R and M(R B) = R M(B), a mirrored position sees the mirrored signal if
    :math:`B_0(v') = R B_0(v)`, each drive waveform repeats or changes its sign under the change
    of time, :math:`w_d(\pm t + h) = \pm_d w_d(t)`, each drive coil has
    :math:`c_d(v') = \pm_d R c_d(v)`, and each receive coil :math:`r(v') = e R r(v)`.

    Parameters
    ----------
    scanner, patch
        whose fields are checked.
    grid
        positions; a mirror flips its axes.
    n_samples
        of a period, even; those of the receiver unless stated.

    Returns
    -------
        none where the fields are not mirrored; at most seven.

    Examples
    --------
    >>> from sojourn.physics.scanner_presets import preclinical
    >>> grid = Grid.centered((5, 5, 5), (0.004, 0.004, 0.002))
    >>> len(find_mirrors(preclinical(dividers=(12, 10, 15)), grid))
    3
    """
    samples = n_samples or scanner.sequence.n_samples
    fields = scanner.fields(grid.centers(), patch=patch)
    waves = drive_waveform(scanner.sequence.drive_field, samples)
    order = np.arange(grid.n_voxels).reshape(grid.shape, order="F")
    found = []
    for axes in _flips(grid):
        images = np.flip(order, axes).ravel(order="F")
        mirror = _mirror(images, fields, waves)
        if mirror is not None:
            found.append(mirror)
    return tuple(found)


def representatives(
    mirrors: tuple[Mirror, ...], n_positions: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return which positions to simulate, and from which each position follows by which mirror.

    Parameters
    ----------
    mirrors
        of one grid.
    n_positions
        of the grid.

    Returns
    -------
        positions to simulate (m,); for every position (n,) the index among them; for every
        position the number of the mirror, -1 for none.

    Raises
    ------
    DataError
        if the mirrors are of another grid.
    """
    if any(mirror.images.shape != (n_positions,) for mirror in mirrors):
        raise DataError(f"mirrors of another grid than one of {n_positions} positions")
    everyone = np.arange(n_positions)
    images = np.stack([everyone, *(mirror.images for mirror in mirrors)])
    choice = images.argmin(axis=0)
    lowest = images[choice, everyone]
    chosen, index = np.unique(lowest, return_inverse=True)
    return chosen, index, choice - 1


def _flips(grid: Grid) -> list[tuple[int, ...]]:
    """Return every set of axes longer than one voxel whose flip moves something."""
    long = [axis for axis in range(3) if grid.shape[axis] > 1]
    sets = [
        tuple(axis for axis, flip in zip(long, flips, strict=True) if flip)
        for flips in product((False, True), repeat=len(long))
    ]
    return [axes for axes in sets if axes]


def _mirror(
    images: NDArray[np.int64],
    fields: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    waves: NDArray[np.float64],
) -> Mirror | None:
    """Return the first change of signs and time under which everything is mirrored."""
    static, coils, receive = fields
    samples = waves.shape[1]
    for is_reversed, is_shifted in product((False, True), repeat=2):
        if is_shifted and samples % 2:
            continue
        turned = np.roll(waves[:, ::-1], 1, axis=1) if is_reversed else waves
        turned = np.roll(turned, samples // 2, axis=1) if is_shifted else turned
        drive_signs = _row_signs(turned, waves)
        if drive_signs is None:
            continue
        for signs in product((1.0, -1.0), repeat=3):
            axes = np.array(signs)
            if not _agree(static[images], axes * static):
                continue
            if not _agree(coils[images], drive_signs[:, None] * axes * coils):
                continue
            flat = np.moveaxis(receive, 1, 0).reshape(receive.shape[1], -1)
            seen = np.moveaxis(receive[images] * axes, 1, 0).reshape(flat.shape)
            receive_signs = _row_signs(seen, flat)
            if receive_signs is not None:
                return Mirror(images, receive_signs, is_reversed, is_shifted)
    return None


def _agree(found: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    scale = float(np.abs(expected).max(initial=0.0))
    return bool(np.abs(found - expected).max(initial=0.0) <= _TOLERANCE * scale)


def _row_signs(
    found: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return for each row whether it is equal (1) or opposite (-1), or None if it is neither."""
    signs = np.where(np.einsum("rt,rt->r", found, expected) < 0, -1.0, 1.0)
    return signs if _agree(found, signs[:, None] * expected) else None
