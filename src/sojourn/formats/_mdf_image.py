"""Images in MDF files: the group `/reconstruction`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Acquisition
from sojourn.formats._isolation import Limits, ask
from sojourn.formats._mdf_calibration import check_positions, read_box, voxel_order
from sojourn.formats._mdf_content import acquisition_datasets, grid_datasets
from sojourn.formats._mdf_header import MdfHeader, flat_extensions, header_datasets
from sojourn.formats._mdf_put import write_file
from sojourn.formats._mdf_read import digest
from sojourn.formats._mdf_tree import Tree, open_tree

LIMITS = Limits()
GROUP = "/reconstruction"
IMAGES = f"{GROUP}/data"
QUANTITY = f"{GROUP}/_quantity"
IRON = "iron concentration in kg/m^3"
SAMPLES = "calibration samples"
PART_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, eq=False)
class MdfImages:
    """Reconstructed images: values (Q frames, P voxels, S channels), voxels x fastest.

    They lie on `grid`, or at `positions` (P, 3) in m where there is none. `quantity` says what
    the numbers are; MDF itself does not, so for files of others it is empty: such numbers are
    neither iron nor samples until somebody states it. `is_overscan` (P,) marks voxels outside the
    drive field's field of view.
    """

    values: NDArray[Any]
    grid: Grid | None
    positions: NDArray[np.float64] | None = None
    quantity: str = ""
    is_overscan: NDArray[np.bool_] | None = None
    is_simulated: bool = False
    name: str = "images"
    source: str = ""

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.dtype.kind not in "iufc":
            raise DataError(f"{self.name}: values of shape {self.values.shape}; expected (Q, P, S)")
        n_voxels = self.values.shape[1]
        if (self.grid is None) == (self.positions is None):
            raise DataError(f"{self.name}: state a grid or positions, one of them")
        if self.grid is not None and self.grid.n_voxels != n_voxels:
            raise DataError(f"{self.name}: {n_voxels} voxels on a grid of {self.grid.shape}")
        if self.positions is not None and self.positions.shape != (n_voxels, 3):
            raise DataError(f"{self.name}: positions of shape {self.positions.shape}")
        if self.is_overscan is not None and self.is_overscan.shape != (n_voxels,):
            raise DataError(f"{self.name}: overscan mask of shape {self.is_overscan.shape}")
        object.__setattr__(self, "values", frozen(self.values))


def images_of(images: Sequence[IronMap] | Sequence[SampleMap]) -> MdfImages:
    """Return maps of one kind on one grid as the frames of an MDF reconstruction.

    Raises
    ------
    DataError
        if there is none, or grids or kinds differ.
    """
    if not images:
        raise DataError("no image to write")
    first = images[0]
    for image in images:
        if type(image) is not type(first) or not image.grid.is_same_as(first.grid):
            raise DataError("images of one MDF file share their grid and what their numbers mean")
    values = np.stack([image.values.ravel(order="F") for image in images])
    quantity = IRON if isinstance(first, IronMap) else SAMPLES
    return MdfImages(values[:, :, None], first.grid, quantity=quantity)


def map_of(images: MdfImages, *, frame: int = 0, channel: int = 0) -> IronMap | SampleMap:
    """Return one frame and channel as a map; only where the file says what its numbers are.

    Raises
    ------
    DataError
        if it does not, or there is no grid, frame or channel of that number.
    """
    if images.quantity not in (IRON, SAMPLES):
        raise DataError(
            f"{images.name} does not say what its numbers are ({images.quantity!r}); a signal is "
            f"not iron. State quantity={IRON!r} or {SAMPLES!r} if you know it"
        )
    if images.grid is None:
        raise DataError(f"{images.name} keeps its voxels by position, not on a grid")
    frames, _, channels = images.values.shape
    if not 0 <= frame < frames or not 0 <= channel < channels or np.iscomplexobj(images.values):
        raise DataError(
            f"{images.name}: frame {frame}, channel {channel} of {frames} frames and {channels} "
            f"channels of {images.values.dtype}"
        )
    values = images.values[frame, :, channel].astype(np.float64)
    provenance = Provenance(
        "formats.mdf.read_images", (images.source,), {"frame": frame, "channel": channel}
    )
    on_grid = values.reshape(images.grid.shape, order="F")
    if images.quantity == IRON:
        return IronMap(on_grid, images.grid, provenance)
    return SampleMap(on_grid, images.grid, provenance)


def read_images(path: Path, *, limits: Limits = LIMITS) -> MdfImages:
    """Return the reconstruction in an MDF file, all frames.

    Voxels come x fastest, in whatever order the file keeps them.

    Raises
    ------
    DataError
        naming dataset, what was found and what was expected.
    """
    tree = open_tree(Path(path), limits=limits)
    shape = tree.get(IMAGES).shape if tree.has(GROUP) else ()
    if not tree.has(GROUP) or len(shape) != 3 or 0 in shape:
        raise tree.error(IMAGES, f"of shape {shape}", "frames x voxels x channels, not none")
    grid, positions, order = _places(tree, shape[1])
    mask = f"{GROUP}/isOverscanRegion"
    overscan = tree.values(mask).ravel() != 0 if mask in tree.items else None
    if overscan is not None and overscan.shape != (shape[1],):
        raise tree.error(mask, f"of {len(overscan)} voxels", f"{shape[1]}")
    values = _values(tree, shape)
    if not np.isfinite(values).all():
        raise tree.error(IMAGES, "not finite (NaN or infinity)", "finite numbers")
    return MdfImages(
        values=values[:, order],
        grid=grid,
        positions=positions,
        quantity=_quantity(tree),
        is_overscan=None if overscan is None else overscan[order],
        is_simulated=tree.flag("/experiment/isSimulation"),
        name=tree.name,
        source=digest(tree.path),
    )


def write_images(
    path: Path, images: MdfImages, header: MdfHeader, acquisition: Acquisition, *, n_frames: int = 1
) -> None:
    """Write a reconstruction as strict MDF 2.1.0, whole or not at all.

    Parameters
    ----------
    path
        where to; an existing file is replaced.
    images
        on a grid along the axes, or at positions.
    header
        ids, times and texts.
    acquisition
        of the scan that the images were made from: MDF requires it in every file.
    n_frames
        frames of that scan.

    Raises
    ------
    DataError
        if it cannot be said in MDF 2.1.0, or holds NaN or infinity.
    """
    found: dict[str, Any] = {"data": images.values, "order": "xyz"}
    if images.grid is not None:
        found |= grid_datasets(images.grid, images.name)
    if images.positions is not None:
        found["positions"] = images.positions
    if images.is_overscan is not None:
        found["isOverscanRegion"] = images.is_overscan
    extensions = flat_extensions(header.extensions)
    if images.quantity:
        extensions[QUANTITY] = np.array(images.quantity)
    datasets = {
        **header_datasets(header, is_simulated=images.is_simulated),
        **acquisition_datasets([acquisition], n_frames, np.arange(acquisition.n_bins)),
        **{f"{GROUP}/{name}": value for name, value in found.items()},
    }
    write_file(Path(path), datasets, None, extensions)


def _quantity(tree: Tree) -> str:
    item = tree.items.get(QUANTITY)
    return tree.text(QUANTITY) if item is not None and item.kind == "string" else ""


def _places(
    tree: Tree, n_voxels: int
) -> tuple[Grid | None, NDArray[np.float64] | None, NDArray[np.int64]]:
    """Return grid or positions, and the voxels' numbers in the file, x fastest."""
    if f"{GROUP}/size" in tree.items:
        grid = read_box(tree, GROUP, n_voxels, "the number of voxels")
        check_positions(tree, GROUP, grid)
        return grid, None, voxel_order(tree, grid.shape, GROUP)
    positions = tree.array(f"{GROUP}/positions", (n_voxels, 3))
    return None, positions, np.arange(n_voxels)


def _values(tree: Tree, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return all frames, asked for in parts that fit a reply."""
    step = max(1, PART_BYTES // (16 * math.prod(shape[1:])))
    parts = []
    for first in range(0, shape[0], step):
        part = [first, min(first + step, shape[0])]
        request = {"ask": "array", "path": str(tree.path), "stamp": tree.stamp, "name": IMAGES}
        found = ask({**request, "part": part}, name=tree.name, limits=tree.limits).values
        if found is None or found.shape != (part[1] - part[0], *shape[1:]):
            raise tree.error(IMAGES, "not readable", f"frames of shape {shape[1:]}")
        parts.append(found)
    return np.concatenate(parts)
