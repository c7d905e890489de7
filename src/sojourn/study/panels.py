"""Pictures of a scan for the report: projections of the image with the mask's outline."""

import numpy as np
from numpy.typing import NDArray

from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.deliverables.report import ScanPanel

UPSAMPLING = 4
"""Pixels for each voxel edge, so that the outline of a finer mask stays visible."""


def make_panel(
    values: NDArray[np.float64], grid: Grid, mask: Mask, region: str, caption: str
) -> ScanPanel:
    """Return the axial, coronal and sagittal maximum projections of an image and of a region.

    Parameters
    ----------
    values
        image (i, j, k) on `grid`, kg/m^3; each voxel becomes a block of equal pixels, nothing is
        smoothed.
    mask
        in the same space, on any grid.
    region
        name of the region whose outline is drawn.
    """
    fine = finer(grid, UPSAMPLING)
    image = np.kron(values, np.ones((UPSAMPLING,) * 3))
    inside = sample_region(mask, region, fine)
    i, j, k = (1e3 * edge for edge in fine.spacing)
    return ScanPanel(
        mips=(image.max(axis=2), image.max(axis=1), image.max(axis=0)),
        outlines=(
            np.asarray(inside.any(axis=2)),
            np.asarray(inside.any(axis=1)),
            np.asarray(inside.any(axis=0)),
        ),
        spacing_mm=(i, j, k),
        caption=caption,
    )


def finer(grid: Grid, factor: int) -> Grid:
    """Return `grid` with each voxel cut into `factor` along every axis, covering the same space."""
    affine = np.array(grid.affine)
    affine[:3, :3] /= factor
    affine[:3, 3] -= affine[:3, :3].sum(axis=1) * (factor - 1) / 2
    i, j, k = (factor * n for n in grid.shape)
    return Grid((i, j, k), affine)


def sample_region(mask: Mask, region: str, grid: Grid) -> NDArray[np.bool_]:
    """Return which voxel centres of `grid` lie in a region of `mask`, shape of `grid`."""
    to_mask = np.linalg.inv(mask.grid.affine)
    index = np.rint(grid.centers() @ to_mask[:3, :3].T + to_mask[:3, 3]).astype(int)
    shape = np.array(mask.grid.shape)
    within = np.all((index >= 0) & (index < shape), axis=1)
    inside = np.zeros(len(index), dtype=np.bool_)
    inside[within] = mask.region(region)[tuple(index[within].T)]
    return inside.reshape(grid.shape, order="F")
