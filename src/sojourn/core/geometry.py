"""Where voxels lie: voxel indices to LPS metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular grid; `affine` takes voxel indices (i, j, k), voxel centres, to LPS metres."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        affine = np.asarray(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.array_equal(affine[3], (0, 0, 0, 1)):
            raise DataError(f"affine must be 4x4 with last row 0 0 0 1, got {affine.tolist()}")
        if not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) == 0:
            raise DataError(f"affine must be finite and invertible, got {affine.tolist()}")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise DataError(f"a grid has three axes of at least one voxel, got {self.shape}")
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", frozen(affine))

    @classmethod
    def centered(
        cls,
        shape: tuple[int, int, int],
        spacing: tuple[float, float, float],
        center: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> "Grid":
        """Return an axis-parallel grid of voxels of `spacing` (m) around `center` (LPS, m)."""
        affine = np.diag((*spacing, 1.0))
        extent = (np.array(shape) - 1) / 2 * np.array(spacing)
        affine[:3, 3] = np.array(center) - extent
        return cls(shape, affine)

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.shape))

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, in m^3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel along (i, j, k), in m."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    def centers(self) -> NDArray[np.float64]:
        """Return the LPS position of every voxel centre, shape (n_voxels, 3), m, i fastest."""
        index = np.indices(self.shape).reshape(3, -1, order="F")
        positions: NDArray[np.float64] = (self.affine[:3, :3] @ index + self.affine[:3, 3:]).T
        return positions

    def is_same_as(self, other: "Grid", *, tolerance: float = 1e-6) -> bool:
        """Tell whether both grids put every voxel at the same place, within `tolerance` (m)."""
        return self.shape == other.shape and bool(
            np.allclose(self.affine, other.affine, rtol=0, atol=tolerance)
        )
