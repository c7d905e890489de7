"""Several patches, each with its scan and its calibration, on one larger grid.

The patches are solved together: where they overlap there is one image, which explains the
signals of all. Tracer outside a patch's own calibrated positions is invisible to it in this
model, though a real scanner sees some of it: near a patch's border the image is less sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._operators import RowOperator, row_operator
from sojourn.reconstruction._rows import PreparedRows, RowSettings, prepare_rows
from sojourn.reconstruction.fista import solve_fista
from sojourn.reconstruction.joint._samples import sample_ratios

STAGE = "reconstruct_multi_patch"
ON_GRID = 0.01
"""Voxels of two patches are the same where they are this share of a voxel apart."""
SAME_OFFSET = 0.05
"""Offset fields are the same where they are this share of the drive field apart."""


def shift_matrix(
    matrix: SystemMatrix, translation: tuple[float, float, float], *, source: str
) -> SystemMatrix:
    """Return a calibration for a field of view moved by `translation`, its signals unchanged.

    The field-free point is moved by a homogeneous field, so that every place of the moved field of
    view sees the fields that the calibrated one saw: exact for an ideal selection field, an
    approximation where it bends.

    Parameters
    ----------
    matrix
        calibration of one patch.
    translation
        LPS, m.
    source
        digest of the moved calibration: it is another value than `matrix`.

    References
    ----------
    Szwargulski et al., Phys. Med. Biol. 63 (2018) 13NT02 (reuse of one system matrix).
    """
    affine = matrix.grid.affine.copy()
    affine[:3, 3] += translation
    taken = matrix.acquisition
    if taken.offset_field is not None and taken.gradient is not None:
        moved = taken.offset_field - taken.gradient @ np.asarray(translation)
        taken = replace(taken, offset_field=moved)
    return replace(
        matrix,
        grid=Grid(matrix.grid.shape, affine),
        acquisition=taken,
        source=source,
        name=f"{matrix.name} moved by {list(translation)} m",
    )


def join_grids(grids: Sequence[Grid]) -> Grid:
    """Return the smallest grid that has every voxel of `grids` as one of its own.

    Raises
    ------
    DataError
        if voxels differ in size or direction, or lie between each other's.
    """
    first = grids[0]
    corners = []
    for grid in grids:
        start = _offset(first, grid)
        corners.append((start, start + np.array(grid.shape)))
    low = np.min([start for start, _ in corners], axis=0)
    high = np.max([stop for _, stop in corners], axis=0)
    affine = first.affine.copy()
    affine[:3, 3] += first.affine[:3, :3] @ low
    i, j, k = (int(n) for n in high - low)
    return Grid((i, j, k), affine)


def _offset(grid: Grid, other: Grid) -> NDArray[np.int64]:
    """Return the voxel (3,) of `grid` on which the first voxel of `other` lies."""
    steps = np.linalg.solve(grid.affine[:3, :3], other.affine[:3, :3])
    place = np.linalg.solve(grid.affine[:3, :3], other.affine[:3, 3] - grid.affine[:3, 3])
    size = max(max(grid.shape), max(other.shape))
    whole = np.rint(place)
    if np.abs(steps - np.eye(3)).max() * size > ON_GRID or np.abs(place - whole).max() > ON_GRID:
        raise DataError(
            f"a patch's voxels of {other.spacing} m from {other.affine[:3, 3].tolist()} m do not "
            f"lie on those of {grid.spacing} m from {grid.affine[:3, 3].tolist()} m; calibrate "
            "patches on one lattice, or shift a calibration by whole voxels"
        )
    return np.asarray(whole, dtype=np.int64)


def place_voxels(grid: Grid, part: Grid) -> NDArray[np.int64]:
    """Return where each voxel of `part` lies among those of `grid`, (voxel,), i fastest.

    Raises
    ------
    DataError
        if `part` is not on the lattice of `grid`, or reaches beyond it.
    """
    start = _offset(grid, part)
    stop = start + np.array(part.shape)
    if (start < 0).any() or (stop > np.array(grid.shape)).any():
        raise DataError(
            f"a patch covers voxels {start.tolist()} to {(stop - 1).tolist()}, the image has "
            f"{grid.shape}"
        )
    index = np.indices(part.shape).reshape(3, -1, order="F") + start[:, None]
    return np.asarray(np.ravel_multi_index(tuple(index), grid.shape, order="F"), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class PatchOperator:
    """All patches as one operator, never built as one matrix.

    `parts`: each patch's rows; `places`: where its voxels lie in the image (`place_voxels`).
    """

    parts: tuple[RowOperator, ...]
    places: tuple[NDArray[np.int64], ...]
    n_voxels: int

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (voxel,) of the image."""
        return (self.n_voxels,)

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (row,) of all patches' rows, patch after patch."""
        return (sum(part.range[0] for part in self.parts),)

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the signals of all patches."""
        pairs = zip(self.parts, self.places, strict=True)
        return np.concatenate([part.forward(x[place]) for part, place in pairs])

    def adjoint(self, y: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return what all patches' signals say of each voxel, added up."""
        out = np.zeros(self.n_voxels)
        start = 0
        for part, place in zip(self.parts, self.places, strict=True):
            stop = start + part.range[0]
            out[place] += part.adjoint(y[start:stop])
            start = stop
        return out


class MultiPatch(RowSettings):
    """Settings of a joint reconstruction of patches; `background` has no default.

    Minimised is sum_p ||S_p x - u_p||^2 + lambda ||x||^2 (over x >= 0 where `non_negative`), lambda
    = regularization * sum_p ||S_p||_F^2 / n_voxels of the whole image. Each patch has its own rows
    and weights.
    """

    iterations: int = Field(default=2000, ge=1, le=1_000_000)
    tolerance: float = Field(default=1e-3, ge=0, lt=1)
    regularization: float = Field(default=1e-2, gt=0, allow_inf_nan=False)
    non_negative: bool = True

    def prepare(
        self, matrices: Sequence[SystemMatrix], grid: Grid | None = None
    ) -> "PreparedPatches":
        """Return the calibrations of all patches, ready.

        Parameters
        ----------
        matrices
            one for each patch, on one lattice; `shift_matrix` makes several of one.
        grid
            of the image; by default the smallest that holds all patches.

        Raises
        ------
        DataError
            if there is no patch, patches do not lie on one lattice, or iron is stated for some
            only.
        """
        if not matrices:
            raise DataError("no patch was given; at least one is needed")
        whole = join_grids([matrix.grid for matrix in matrices]) if grid is None else grid
        places = tuple(place_voxels(whole, matrix.grid) for matrix in matrices)
        rows = tuple(prepare_rows(self, matrix) for matrix in matrices)
        columns = [r.columns / k for r, k in zip(rows, sample_ratios(matrices), strict=True)]
        energy = sum(float(np.vdot(c, c).real) for c in columns)
        operator = PatchOperator(tuple(row_operator(c) for c in columns), places, whole.n_voxels)
        return PreparedPatches(
            self, rows, operator, whole, self.regularization * energy / whole.n_voxels
        )


def _check_offset(matrix: SystemMatrix, scan: Scan) -> None:
    """Refuse a scan whose field-free point rested elsewhere; what is not stated is not compared."""
    expected, found = matrix.acquisition.offset_field, scan.acquisition.offset_field
    if expected is None or found is None:
        return
    reach = float(np.abs(matrix.acquisition.drive_field.strength).max())
    if np.abs(expected - found).max() > SAME_OFFSET * reach:
        raise DataError(
            f"scan {scan.name} has an offset field of {found.tolist()} T, its patch's calibration "
            f"{matrix.name} {expected.tolist()} T; give scans in the order of the calibrations"
        )


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPatches:
    """Patches ready for their scans; made by `MultiPatch.prepare`."""

    settings: MultiPatch
    rows: tuple[PreparedRows, ...]
    operator: PatchOperator
    grid: Grid
    damping: float

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the image, besides its inputs, as plain values."""
        seen = np.unique(np.concatenate(self.operator.places))
        return {
            **self.settings.model_dump(mode="json"),
            "n_patches": len(self.rows),
            "n_rows": self.operator.range[0],
            "n_voxels_of_no_patch": self.grid.n_voxels - len(seen),
            "lambda_absolute": self.damping,
        }

    def reconstruct_relative(
        self, scans: Sequence[Scan], *, empty: Sequence[Scan] = ()
    ) -> SampleMap:
        """Return the tracer per voxel of the whole image, in samples of the first calibration.

        Parameters
        ----------
        scans
            one for each patch, in the order of the calibrations; foreground frames are averaged.
        empty
            empty-bore scans of every patch, where the background is external.

        Returns
        -------
            voxels of no patch are 0: nothing was seen there, which is not to say none is there.

        Raises
        ------
        DataError
            if there are not as many scans as patches, or one does not fit its calibration: another
            offset field among them, as of scans in the wrong order.
        """
        if len(scans) != len(self.rows):
            raise DataError(f"{len(scans)} scans for {len(self.rows)} patches; one each is needed")
        for rows, scan in zip(self.rows, scans, strict=True):
            _check_offset(rows.matrix, scan)
        signal = np.concatenate(
            [
                rows.signal(scan, empty=empty).mean(axis=0)
                for rows, scan in zip(self.rows, scans, strict=True)
            ]
        )
        x, done, found = solve_fista(
            self.operator,
            signal,
            regularization=self.damping,
            iterations=self.settings.iterations,
            non_negative=self.settings.non_negative,
            tolerance=self.settings.tolerance,
        )
        report = {
            "iterations_done": done,
            "converged": found.distance_bound <= self.settings.tolerance,
            **found.report(),
        }
        inputs = tuple(rows.matrix.source for rows in self.rows)
        inputs += tuple(each.source for each in (*scans, *empty))
        provenance = Provenance(STAGE, inputs, {**self.parameters(), **report})
        return SampleMap(x.reshape(self.grid.shape, order="F"), self.grid, provenance)
