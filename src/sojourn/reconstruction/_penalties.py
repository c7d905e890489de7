"""Gradients on a grid, and what total variation needs of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from sojourn.core.geometry import Grid


@dataclass(frozen=True, slots=True, eq=False)
class GridGradient:
    """Forward differences of an image along the grid's axes, 0 across its border.

    Images are flat (voxel,), i fastest. A difference along an axis is multiplied by its entry of
    `weights` (3,), h / spacing, h being the geometric mean spacing of the axes that have more than
    one voxel, and 0 along an axis of one: on a grid of cubes it is the plain difference, and the
    unit stays the image's. So a slope counts the same in every direction, however long the voxels
    are. `waves` are the eigenvalues of adjoint(forward(.)), axes (k, j, i). Made by
    `grid_gradient`.
    """

    shape: tuple[int, int, int]
    weights: NDArray[np.float64]
    waves: NDArray[np.float64]

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (voxel,) of an image."""
        return (self.waves.size,)

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (3, voxel) of a gradient."""
        return (3, self.waves.size)

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient (3, voxel) of an image (voxel,)."""
        image = x.reshape(self.shape[::-1])
        out = np.zeros((3, *self.shape[::-1]))
        for axis, weight in enumerate(self.weights):
            if weight:
                ahead, here = _neighbours(axis)
                out[axis][here] = weight * (image[ahead] - image[here])
        return out.reshape(3, -1)

    def adjoint(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the adjoint (voxel,), the negative divergence, of a field (3, voxel)."""
        out = np.zeros(self.shape[::-1])
        field = y.reshape(3, *self.shape[::-1])
        for axis, weight in enumerate(self.weights):
            if weight:
                ahead, here = _neighbours(axis)
                part = weight * field[axis][here]
                out[here] -= part
                out[ahead] += part
        return out.ravel()

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
        image = right.reshape(self.shape[::-1])
        shares = dctn(image, norm="ortho") / (self.waves + screening)
        solved: NDArray[np.float64] = idctn(shares, norm="ortho")
        return solved.ravel()

    def total_variation(self, x: NDArray[np.float64]) -> float:
        """Return the isotropic total variation: the sum of the gradient's length over voxels."""
        return float(np.linalg.norm(self.forward(x), axis=0).sum())


def grid_gradient(grid: Grid) -> GridGradient:
    """Return the gradient of images on `grid`."""
    spacing, shape = np.array(grid.spacing), np.array(grid.shape)
    weights, waves = np.zeros(3), np.zeros(grid.shape[::-1])
    long = shape > 1
    if long.any():
        weights[long] = np.exp(np.mean(np.log(spacing[long]))) / spacing[long]
    for axis, (n, weight) in enumerate(zip(grid.shape, weights, strict=True)):
        along = [1, 1, 1]
        along[2 - axis] = n
        waves += (weight**2 * (2 - 2 * np.cos(np.pi * np.arange(n) / n))).reshape(along)
    return GridGradient(grid.shape, weights, waves)


def _neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where the next voxel along an axis lies, and the voxel itself; axes (k, j, i)."""
    ahead, here = [slice(None)] * 3, [slice(None)] * 3
    ahead[2 - axis], here[2 - axis] = slice(1, None), slice(None, -1)
    return tuple(ahead), tuple(here)


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
