"""The grid of an MDF calibration and its stored signal-to-noise ratio."""

import math

import numpy as np
from numpy.typing import NDArray

from sojourn.core.geometry import Grid
from sojourn.formats._mdf_data import Layout
from sojourn.formats._mdf_tree import Tree

POSITION_TOLERANCE = 0.01
"""Share of the spacing by which a stated position may differ from the grid."""


def read_grid(tree: Tree, n_positions: int) -> Grid:
    """Return the calibration's grid; the scanner's axes are taken as LPS, as they stand.

    MDF does not state how the patient lies in the scanner: turning into the patient's
    space, if needed, is a registration.

    Raises
    ------
    DataError
        if size, extent or centre are missing, or positions lie elsewhere than the grid says.
    """
    meander = tree.items.get("/calibration/isMeanderingGrid")
    if meander is not None and meander.value not in ((0,), (False,), None):
        raise tree.error("/calibration/isMeanderingGrid", 1, "0: frames in voxel order, x fastest")
    of = "the number of foreground frames; read_calibration_points reads what is on no grid"
    grid = read_box(tree, "/calibration", n_positions, of)
    check_positions(tree, "/calibration", grid)
    return grid


def read_box(tree: Tree, group: str, n_voxels: int, of: str) -> Grid:
    """Return the grid of `size`, `fieldOfView` and `fieldOfViewCenter` in a group."""
    size = tree.values(f"{group}/size").ravel()
    if size.shape != (3,) or np.any(size < 1) or math.prod(size.tolist()) != n_voxels:
        rule = f"three numbers with product {n_voxels}, {of}"
        raise tree.error(f"{group}/size", size.tolist(), rule)
    extent = tree.array(f"{group}/fieldOfView", (3,))
    center = tree.array(f"{group}/fieldOfViewCenter", (3,))
    if np.any(extent <= 0):
        raise tree.error(f"{group}/fieldOfView", extent.tolist(), "extents above 0 m")
    x, y, z = (extent / size).tolist()
    i, j, k = (int(n) for n in size)
    return Grid.centered((i, j, k), (x, y, z), (center[0], center[1], center[2]))


def voxel_order(
    tree: Tree, size: tuple[int, ...], group: str = "/calibration"
) -> NDArray[np.int64]:
    """Return for every voxel, x fastest, its number in the order that the file states.

    Raises
    ------
    DataError
        if `order` is no order of x, y and z, fastest first.
    """
    name = f"{group}/order"
    order = tree.text(name, "xyz")
    if sorted(order) != ["x", "y", "z"]:
        raise tree.error(name, repr(order), "xyz (x fastest), or another order of these letters")
    axes = ["xyz".index(letter) for letter in order]
    numbers = np.arange(math.prod(size)).reshape([size[axis] for axis in axes], order="F")
    in_xyz = np.transpose(numbers, np.argsort(axes))
    return in_xyz.ravel(order="F").astype(np.int64)


def check_positions(tree: Tree, group: str, grid: Grid) -> None:
    """Refuse positions that lie elsewhere than the grid says."""
    name = f"{group}/positions"
    if name not in tree.items:
        return
    positions = tree.array(name, (grid.n_voxels, 3))[voxel_order(tree, grid.shape, group)]
    away = np.abs(positions - grid.centers()) / np.array(grid.spacing)
    if np.any(away > POSITION_TOLERANCE):
        frame = int(np.argmax(away.max(axis=1)))
        raise tree.error(
            name,
            f"{positions[frame].tolist()} m in frame {frame + 1}",
            f"{grid.centers()[frame].tolist()} m, by size, fieldOfView and its centre",
        )


def read_snr(
    tree: Tree, layout: Layout, n_channels: int, n_bins: int
) -> NDArray[np.float64] | None:
    """Return the stored SNR (channel, bin), 0 for bins that are not stored, or None."""
    name = "/calibration/snr"
    if name not in tree.items:
        return None
    values = tree.values(name)
    n_periods = tree.integer("/acquisition/numPeriodsPerFrame", least=1)
    rows = values.size // max(1, n_channels * n_periods)
    if np.iscomplexobj(values) or values.size != rows * n_channels * n_periods:
        rows = 0
    is_of_stored = rows == len(layout.bins)
    if not is_of_stored and rows != n_bins:
        wanted = (n_periods, n_channels, len(layout.bins))
        raise tree.error(name, f"of shape {values.shape}", f"{wanted}")
    of_period = values.astype(np.float64).reshape(n_periods, n_channels, rows)[layout.period]
    if not is_of_stored:
        return np.asarray(of_period)
    snr = np.zeros((n_channels, n_bins))
    snr[:, layout.bins] = of_period[:, layout.places]
    return snr
