"""What an image shows of a unit source in each voxel: how much of it, how wide, or nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction.uncertainty.functionals import LinearMap, units
from sojourn.reconstruction.uncertainty.noise import Array, Complex, stack

BLIND_BELOW = 0.1
"""Recovery of a voxel's own unit source below which the voxel counts as not observable."""
GAUSSIAN = 2 * np.sqrt(2 * np.log(2)) / np.sqrt(4 * np.pi)
"""Full width at half maximum over the width of equal participation, of a Gaussian."""


@dataclass(frozen=True, slots=True, eq=False)
class Recovery:
    """Response of an image to a small source in each voxel; arrays (voxel,).

    `own` is the share of the source that appears in its own voxel, the diagonal of the
    resolution matrix. `whole` is the share in the whole image. `width` (m) is the full width at
    half maximum of a Gaussian that spreads as much: 0.66 (sum |r|)^2 / sum r^2 voxels along each
    free axis; a source that stays in its voxel has 0.66 of it. `how` says how they were found.
    """

    own: Array
    whole: Array
    width: Array
    how: str

    def is_blind(self, below: float = BLIND_BELOW) -> NDArray[np.bool_]:
        """Tell which voxels (voxel,) show less than `below` of a source of their own."""
        return self.own < below


def linear_recovery(map_: LinearMap, columns: Complex, grid: Grid) -> Recovery:
    """Return the recovery of a linear method, exactly; `columns` (row, voxel) as it used them."""
    stacked = stack(columns)
    n = grid.n_voxels
    own, whole, power, absolute = (np.zeros(n) for _ in range(4))
    start = 0
    for part in units(n):
        rows = map_.adjoint(part) @ stacked
        stop = start + len(part)
        own[start:stop] = rows[np.arange(len(part)), np.arange(start, stop)]
        whole += rows.sum(axis=0)
        power += (rows**2).sum(axis=0)
        absolute += np.abs(rows).sum(axis=0)
        start = stop
    return Recovery(own, whole, _width(absolute, power, grid), "exact: diagonal of K S")


def probed_recovery(
    prepared: PreparedMethod, signal: Complex, image: Array, *, max_probes: int
) -> Recovery:
    """Return the recovery of any method around one image, by reconstructing added sources.

    Parameters
    ----------
    prepared
        any method's.
    signal
        shape (row,), corrected and weighted: the signal the image came from.
    image
        shape (voxel,): `prepared.solver(signal).values`. Added sources are as strong as its
        brightest voxel, so that the answer is that of a small change where a small change shows.
    max_probes
        most reconstructions to spend; with more voxels, sources far apart are added together,
        each with the voxels nearest to it.

    Raises
    ------
    DataError
        if the image is zero everywhere, so that no strength of a source suggests itself.
    """
    strength = float(image.max(initial=0))
    if not strength > 0:
        raise DataError("the image is zero everywhere: there is nothing to add a source to")
    grid, columns = prepared.matrix.grid, prepared.rows.columns
    spacing = _spacing(grid, max_probes)
    own, whole, power, absolute = (np.zeros(grid.n_voxels) for _ in range(4))
    index = np.indices(grid.shape).reshape(3, -1, order="F")
    for offset in np.ndindex(*spacing):
        chosen = np.flatnonzero(np.all((index.T % spacing) == offset, axis=1))
        added = signal + strength * columns[:, chosen].sum(axis=1)
        change = (prepared.solver(added).values - image) / strength
        owner = _nearest(index, spacing, offset, grid)
        own[chosen] = change[chosen]
        for found, values in ((whole, change), (power, change**2), (absolute, np.abs(change))):
            found[chosen] = np.bincount(owner, values, minlength=grid.n_voxels)[chosen]
    how = f"probed around the image with sources of {strength:.3g} calibration samples"
    if max(spacing) > 1:
        how += f", those {' x '.join(map(str, spacing))} voxels apart at once"
    return Recovery(own, whole, _width(absolute, power, grid), how)


def _spacing(grid: Grid, max_probes: int) -> tuple[int, ...]:
    """Return the least distance of sources, voxels along each axis, that fits into the probes."""
    if grid.n_voxels <= max_probes:
        return grid.shape
    for step in range(max(grid.shape), 0, -1):
        spacing = tuple(min(step, n) for n in grid.shape)
        if int(np.prod(spacing)) <= max_probes:
            return spacing
    return (1, 1, 1)


def _nearest(
    index: NDArray[np.intp],
    spacing: tuple[int, ...],
    offset: tuple[int, ...],
    grid: Grid,
) -> NDArray[np.intp]:
    """Return, for every voxel, the voxel number of the source nearest to it along each axis."""
    steps = np.array(spacing)[:, None]
    first = np.array(offset)[:, None]
    last = first + steps * ((np.array(grid.shape)[:, None] - 1 - first) // steps)
    near = first + steps * np.floor((index - first) / steps + 0.5).astype(np.intp)
    near = np.clip(near, first, last)
    n_i, n_j, _ = grid.shape
    flat: NDArray[np.intp] = near[0] + n_i * (near[1] + n_j * near[2])
    return flat


def _width(absolute: Array, power: Array, grid: Grid) -> Array:
    """Return the width (m) of responses from the sums of their sizes and of their squares."""
    free = [s for s, n in zip(grid.spacing, grid.shape, strict=True) if n > 1]
    if not free:
        return np.zeros(len(power))
    safe = np.where(power > 0, power, 1.0)
    voxels = np.where(power > 0, absolute**2 / safe, 0.0)
    edge = float(np.prod(free)) ** (1 / len(free))
    width: Array = GAUSSIAN * edge * voxels ** (1 / len(free))
    return width
