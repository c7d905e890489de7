"""Linear functionals of an image (a sum, a mean, the peak) and what noise makes of them.

A functional is not an amount: its interval holds noise, and its value depends on the
regularisation, the place and the shape of the tracer. An amount comes from `quantification`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction._rows import PreparedRows
from sojourn.reconstruction.uncertainty.noise import Array, Complex, stack

CHUNK = 256
"""Voxels whose rows of a linear map are held at a time."""
SAME = 1e-6
"""Relative difference up to which two images count as one."""
MAX_PROBES = 2048
"""Most reconstructions that are spent on probing a method."""


class LinearMap(Protocol):
    """x = K u for a signal whose real and imaginary parts are stacked."""

    def adjoint(self, weights: Array) -> Array:
        """Return K^T weights: (m, voxel) to (m, 2 row)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class DenseMap:
    """A map that is held whole: `values` (voxel, 2 row)."""

    values: Array

    def adjoint(self, weights: Array) -> Array:
        """Return K^T weights: (m, voxel) to (m, 2 row)."""
        return weights @ self.values


@dataclass(frozen=True, slots=True, eq=False)
class TikhonovMap:
    r"""The direct solution of :math:`\|S x - u\|^2 + \lambda \|x\|^2`, factorised once.

    `columns` (row, voxel): complex, with the real part of the complex solution, or stacked and
    real for real x. `voxels` are those that may differ from zero. Of the two ways to write the
    inverse the smaller is used: (S^H S + lambda)^-1 S^H = S^H (S S^H + lambda)^-1.
    """

    columns: NDArray[np.complex128] | Array
    voxels: NDArray[np.intp]
    factor: tuple[NDArray[np.complex128] | Array, bool]
    is_dual: bool
    n_voxels: int

    def adjoint(self, weights: Array) -> Array:
        """Return K^T weights: (m, voxel) to (m, 2 row)."""
        wanted = weights[:, self.voxels].T
        if self.is_dual:
            found = cho_solve(self.factor, self.columns @ wanted)
        else:
            found = self.columns @ cho_solve(self.factor, wanted)
        if np.iscomplexobj(found):
            return stack(found).T
        return np.asarray(found.T, dtype=np.float64)


def tikhonov_map(
    rows: PreparedRows,
    regularization: float,
    *,
    real: bool = True,
    voxels: NDArray[np.intp] | None = None,
) -> TikhonovMap:
    """Return the linear map of the direct Tikhonov solution over some voxels, all by default.

    `regularization` is the absolute lambda, at least 0. `real` restricts x to real values, rather
    than taking the real part of the complex solution.

    Raises
    ------
    DataError
        if the normal equations cannot be factorised: lambda is too small.
    """
    used = np.arange(rows.columns.shape[1]) if voxels is None else voxels
    columns = stack(rows.columns[:, used]) if real else rows.columns[:, used]
    is_dual = columns.shape[0] < columns.shape[1]
    adjoint = columns.conj().T
    normal = columns @ adjoint if is_dual else adjoint @ columns
    normal[np.diag_indices_from(normal)] += regularization
    try:
        factor = cho_factor(normal, lower=True)
    except np.linalg.LinAlgError as error:
        raise DataError(
            f"normal equations of {normal.shape[0]} unknowns are singular at lambda "
            f"{regularization:.3g}; regularise more"
        ) from error
    return TikhonovMap(columns, used, factor, is_dual, rows.columns.shape[1])


def image_of(map_: LinearMap, signal: Complex, n_voxels: int) -> Array:
    """Return K u: the image that a linear map makes of a signal (row,)."""
    stacked = stack(signal)
    return np.concatenate([map_.adjoint(part) @ stacked for part in units(n_voxels)])


def units(n_voxels: int) -> Iterator[Array]:
    """Yield the unit vectors of all voxels, `CHUNK` at a time, each (chunk, voxel)."""
    for start in range(0, n_voxels, CHUNK):
        yield np.eye(min(CHUNK, n_voxels - start), n_voxels, start)


def find_linear_map(
    prepared: PreparedMethod, signal: Complex, *, max_probes: int = MAX_PROBES
) -> LinearMap | None:
    """Return the exact linear map of a method, or None where it has none that can be told.

    A method counts as linear if images add and change sign as signals do; this is tried on
    `signal`. The map is that of the direct Tikhonov solution where the method has converged to it,
    else it is probed, one reconstruction for each real and imaginary row.

    Parameters
    ----------
    prepared
        any method's.
    signal
        shape (row,), corrected and weighted.
    max_probes
        most reconstructions to spend; a linear method with more rows gives None.
    """
    if not _is_linear(prepared, signal):
        return None
    image = prepared.solver(signal).values
    for real in (True, False):
        direct = _direct(prepared, real=real)
        if direct is not None and _same(image_of(direct, signal, len(image)), image):
            return direct
    n_rows = len(signal)
    if 2 * n_rows > max_probes:
        return None
    probes = np.concatenate([np.eye(n_rows), 1j * np.eye(n_rows)])
    return DenseMap(np.stack([prepared.solver(probe).values for probe in probes], axis=1))


def _is_linear(prepared: PreparedMethod, signal: Complex) -> bool:
    """Tell whether the solver is additive and odd at this signal."""
    turned = np.roll(signal, 1) * np.exp(1j * np.arange(len(signal)))
    one, other = (prepared.solver(part).values for part in (signal, turned))
    together = prepared.solver(signal - 0.7 * turned).values
    return _same(one - 0.7 * other, together, scale=float(np.abs(one).max()))


def _direct(prepared: PreparedMethod, *, real: bool) -> TikhonovMap | None:
    damping = prepared.extra.get("lambda_absolute")
    if not isinstance(damping, int | float) or not damping > 0:
        return None
    return tikhonov_map(prepared.rows, float(damping), real=real)


def _same(one: Array, other: Array, *, scale: float | None = None) -> bool:
    reference = max(float(np.abs(other).max(initial=0)), scale or 0.0)
    return bool(np.abs(one - other).max(initial=0) <= SAME * reference)


@dataclass(frozen=True, slots=True, eq=False)
class Functional:
    """A weighted sum over voxels (voxel,), i fastest, called `name` in words.

    `is_sum` tells a sum over voxels from a value per voxel: the two have different units.
    """

    name: str
    weights: Array
    is_sum: bool
    notes: tuple[str, ...] = ()


def sum_over(mask: Mask, region: str, grid: Grid) -> Functional:
    """Return the sum over a region of a mask on the image's grid.

    Raises
    ------
    DataError
        if the mask lies on another grid, or has no such region.
    """
    inside = _inside(mask, region, grid)
    return Functional(f"sum over {region}", inside.astype(np.float64), True)


def mean_over(mask: Mask, region: str, grid: Grid) -> Functional:
    """Return the mean over a region of a mask on the image's grid; raises as `sum_over`."""
    inside = _inside(mask, region, grid)
    return Functional(f"mean over {region}", inside / inside.sum(), False)


def peak_of(values: Array) -> Functional:
    """Return the value of the brightest voxel of an image (voxel,), where that voxel is now."""
    weights = np.zeros(len(values))
    weights[int(np.argmax(values))] = 1.0
    note = "the brightest of many voxels is drawn upwards by noise; its place is taken as known"
    return Functional("peak", weights, False, (note,))


def _inside(mask: Mask, region: str, grid: Grid) -> NDArray[np.bool_]:
    if not mask.grid.is_same_as(grid):
        raise DataError(
            f"the mask has {mask.grid.shape} voxels, the image {grid.shape}, or they lie "
            "elsewhere; a functional of an image needs a mask on its grid"
        )
    inside = mask.region(region).ravel(order="F")
    if not inside.any():
        raise DataError(f"region {region!r} of the mask has no voxel")
    return inside
