"""Gradients on a grid, and what total variation needs of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from sojourn.core.geometry import Grid


@dataclass(frozen=True, slots=True, eq=False)
class GridGradient:
    """Forward differences of an image along the grid's axes, 0 across its border.

    Images are flat (voxel,), i fastest. A difference along an axis is multiplied by h / spacing,
    h being the geometric mean spacing of the axes that have more than one voxel: on a grid of
    cubes it is the plain difference, and the unit stays the image's. So a slope counts the same
    in every direction, however long the voxels are.
    """

    grid: Grid

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (voxel,) of an image."""
        return (self.grid.n_voxels,)

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (3, voxel) of a gradient."""
        return (3, self.grid.n_voxels)

    def weights(self) -> NDArray[np.float64]:
        """Return h / spacing of each axis, (3,); 0 along an axis of one voxel."""
        spacing = np.array(self.grid.spacing)
        long = np.array(self.grid.shape) > 1
        if not long.any():
            return np.zeros(3)
        mean = np.exp(np.mean(np.log(spacing[long])))
        scaled: NDArray[np.float64] = np.where(long, mean / spacing, 0.0)
        return scaled

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient (3, voxel) of an image (voxel,)."""
        image = x.reshape(self.grid.shape, order="F")
        out = np.zeros((3, *self.grid.shape))
        for axis, weight in enumerate(self.weights()):
            inner = np.moveaxis(out[axis], axis, 0)
            inner[:-1] = weight * np.diff(np.moveaxis(image, axis, 0), axis=0)
        return np.stack([part.ravel(order="F") for part in out])

    def adjoint(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the adjoint (voxel,), the negative divergence, of a field (3, voxel)."""
        out = np.zeros(self.grid.shape)
        for axis, weight in enumerate(self.weights()):
            part = np.moveaxis(y[axis].reshape(self.grid.shape, order="F"), axis, 0)
            inner = np.moveaxis(out, axis, 0)
            inner[:-1] -= weight * part[:-1]
            inner[1:] += weight * part[:-1]
        return out.ravel(order="F")

    def solve_screened(self, right: NDArray[np.float64], screening: float) -> NDArray[np.float64]:
        """Return the x (voxel,) with screening x + adjoint(forward(x)) = `right`, by cosines.

        Parameters
        ----------
        right
            shape (voxel,).
        screening
            above 0.

        References
        ----------
        Strang, SIAM Review 41 (1999) 135: the DCT-II diagonalises differences with free ends.
        """
        values = np.full(self.grid.shape, screening)
        for axis, (n, weight) in enumerate(zip(self.grid.shape, self.weights(), strict=True)):
            shape = [1, 1, 1]
            shape[axis] = n
            waves = weight**2 * (2 - 2 * np.cos(np.pi * np.arange(n) / n))
            values = values + waves.reshape(shape)
        image = right.reshape(self.grid.shape, order="F")
        solved: NDArray[np.float64] = idctn(dctn(image, norm="ortho") / values, norm="ortho")
        return solved.ravel(order="F")

    def total_variation(self, x: NDArray[np.float64]) -> float:
        """Return the isotropic total variation: the sum of the gradient's length over voxels."""
        return float(np.linalg.norm(self.forward(x), axis=0).sum())


def shrink_lengths(field: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return `field` (3, voxel) with each vector shortened by `threshold`, at most to 0.

    The proximal point of threshold times the sum of lengths.
    """
    length = np.linalg.norm(field, axis=0)
    kept = np.maximum(length - threshold, 0.0)
    scale = np.divide(kept, length, out=np.zeros_like(length), where=length > 0)
    shortened: NDArray[np.float64] = field * scale
    return shortened


def clip_lengths(field: NDArray[np.float64], longest: float) -> NDArray[np.float64]:
    """Return `field` (3, voxel) with each vector at most `longest` long, directions kept."""
    length = np.linalg.norm(field, axis=0)
    scale = np.divide(longest, length, out=np.ones_like(length), where=length > longest)
    clipped: NDArray[np.float64] = field * scale
    return clipped
