"""Regularised Kaczmarz: one row of the system matrix after the other.

Same image as MPIReco.jl and RegularizedLeastSquares.jl with the same settings: an image to
look at. An amount comes from `quantification`, never from a sum over this image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg import solve_triangular

from sojourn.core.errors import DataError
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._background import Background, corrected_rows
from sojourn.reconstruction._matching import check_match
from sojourn.reconstruction._selection import Selection, select_rows

STAGE = "reconstruct_kaczmarz"
BLOCK_BYTES = 8 << 20
MAX_BLOCK = 64
"""Rows of a block: its triangle is small against it, and it about fits a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Non-zero rows of a system matrix in blocks, each with its triangular system.

    Row steps in natural order are a forward substitution: within a block of rows S_b the
    step sizes a solve (L + D) a = u - S_b x - sqrt(lambda) v, with L the strict lower triangle
    of S_b S_b^H and D its diagonal plus lambda; of a triangle only the lower part is used. The
    iterates are those of single row steps.
    """

    used: NDArray[np.intp]
    blocks: tuple[NDArray[np.complex128], ...]
    triangles: tuple[NDArray[np.complex128], ...]
    regularization: float
    n_voxels: int


def arrange_rows(matrix: NDArray[np.complex128], regularization: float) -> Rows:
    """Return `matrix` (row, voxel) ready for `solve`.

    Parameters
    ----------
    matrix
        shape (row, voxel); rows of zeros are left out.
    regularization
        absolute lambda, in squared matrix units; at least 0.

    Raises
    ------
    DataError
        if every row is zero.
    """
    used = np.flatnonzero(np.any(matrix != 0, axis=1))
    if len(used) == 0:
        raise DataError(f"all {len(matrix)} selected rows of the system matrix are zero")
    size = int(np.clip(BLOCK_BYTES // (16 * matrix.shape[1]), 1, MAX_BLOCK))
    kept = matrix if len(used) == len(matrix) else matrix[used]
    blocks = tuple(kept[i : i + size] for i in range(0, len(used), size))
    triangles = tuple(
        block @ block.conj().T + regularization * np.eye(len(block)) for block in blocks
    )
    return Rows(used, blocks, triangles, regularization, matrix.shape[1])


def solve(
    rows: Rows,
    signal: NDArray[np.complex128],
    *,
    iterations: int,
    real: bool = True,
    non_negative: bool = True,
) -> NDArray[np.complex128]:
    r"""Return the voxel values after some sweeps over all rows.

    .. math:: \alpha = \frac{u_i - s_i x - \sqrt\lambda v_i}{\|s_i\|^2 + \lambda}, \quad
       x \leftarrow x + \alpha s_i^*, \quad v_i \leftarrow v_i + \alpha \sqrt\lambda

    in the natural order of rows, from x = 0 and v = 0; once after each full sweep x is
    projected to its real part and to non-negative values. Without projection this converges to
    the minimum of :math:`\|S x - u\|^2 + \lambda \|x\|^2`.

    Parameters
    ----------
    rows
        from `arrange_rows`.
    signal
        u, shape (row,), all rows including those left out.
    iterations
        number of full sweeps, at least 1.
    real, non_negative
        which projections follow each sweep.

    Returns
    -------
        shape (voxel,).

    References
    ----------
    RegularizedLeastSquares.jl, `Kaczmarz.jl` (restated); Knopp et al., Phys. Med. Biol. 55
    (2010) 1577.
    """
    root = np.sqrt(rows.regularization)
    size = len(rows.blocks[0])
    parts = [signal[rows.used[i : i + size]] for i in range(0, len(rows.used), size)]
    duals = [np.zeros(len(part), dtype=np.complex128) for part in parts]
    x = np.zeros(rows.n_voxels, dtype=np.complex128)
    for _ in range(iterations):
        for block, triangle, part, dual in zip(
            rows.blocks, rows.triangles, parts, duals, strict=True
        ):
            residual = part - block @ x - root * dual
            step = solve_triangular(triangle, residual, lower=True, check_finite=False)
            x += (step.conj() @ block).conj()
            dual += root * step
        if real:
            x.imag = 0.0
        if non_negative:
            np.maximum(x.real, 0.0, out=x.real)
    return x


class Kaczmarz(BaseModel):
    """Settings of a reconstruction; `background` has no default.

    `regularization` is relative: lambda = regularization * ||S||_F^2 / n_voxels, over the
    selected rows after background subtraction. `channels` and `bins` are 0-based.
    `matrix_background` None takes the mean of the calibration's own background frames, or
    nothing where its file is already corrected. Defaults: iterations of MPIReco.jl, lambda of
    its former user interface.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: Background
    matrix_background: Background | None = None
    iterations: int = Field(default=10, ge=1, le=100_000)
    regularization: float = Field(default=1e-2, ge=0, allow_inf_nan=False)
    min_snr: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    min_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_frequency: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    channels: tuple[int, ...] | None = None
    bins: tuple[int, ...] | None = None

    def prepare(self, matrix: SystemMatrix) -> "Prepared":
        """Return `matrix` with its selected rows loaded, corrected and arranged.

        Raises
        ------
        DataError
            if no row is left, or the calibration's background cannot be subtracted as asked.
        """
        selection = select_rows(
            matrix,
            min_snr=self.min_snr,
            min_frequency=self.min_frequency,
            max_frequency=self.max_frequency,
            channels=self.channels,
            bins=self.bins,
        )
        background = _matrix_background(self, matrix)
        values = np.ascontiguousarray(corrected_rows(matrix, selection, background).T)
        energy = float(np.vdot(values, values).real)
        rows = arrange_rows(values, self.regularization * energy / matrix.grid.n_voxels)
        return Prepared(self, matrix, selection, rows, background)


def _matrix_background(settings: Kaczmarz, matrix: SystemMatrix) -> Background:
    if settings.matrix_background is not None:
        return settings.matrix_background
    if matrix.is_background_corrected:
        return Background.NONE
    if not matrix.is_background.any():
        raise DataError(
            f"{matrix.name}: the calibration has no background frames and is not background "
            "corrected; state matrix_background 'none' to use it as it is"
        )
    return Background.OWN_MEAN


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A system matrix ready for scans; made by `Kaczmarz.prepare`."""

    settings: Kaczmarz
    matrix: SystemMatrix
    selection: Selection
    rows: Rows
    matrix_background: Background

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the image, besides its inputs, as plain values."""
        return {
            **self.settings.model_dump(mode="json"),
            "matrix_background": self.matrix_background.value,
            "lambda_absolute": self.rows.regularization,
            "n_rows": self.selection.n_rows,
            "n_zero_rows": self.selection.n_rows - len(self.rows.used),
        }

    def reconstruct(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> IronMap:
        """Return the iron concentration, kg/m^3, of the mean of the scan's foreground frames.

        Raises
        ------
        DataError
            if the calibration does not state its sample's iron (use `reconstruct_relative`), or
            as that function says.
        """
        if self.matrix.sample_iron is None:
            raise DataError(
                f"{self.matrix.name}: the calibration does not state its sample's iron (tracer "
                "concentration in mol(Fe)/L and volume); reconstruct in calibration samples"
            )
        relative = self.reconstruct_relative(scan, empty=empty)
        scale = self.matrix.sample_iron / self.matrix.grid.voxel_volume
        provenance = Provenance(
            STAGE,
            relative.provenance.inputs,
            {**relative.provenance.parameters, "sample_iron_kg": self.matrix.sample_iron},
        )
        return IronMap(relative.values * scale, self.matrix.grid, provenance)

    def reconstruct_relative(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> SampleMap:
        """Return the tracer per voxel, in calibration samples, of the mean foreground frame.

        Parameters
        ----------
        scan
            the measurement; its foreground frames are averaged after background subtraction.
        empty
            empty-bore scans, where `settings.background` is external.

        Raises
        ------
        DataError
            if the scan was taken otherwise than the calibration, holds no foreground frame, or
            its background cannot be subtracted as asked.
        """
        check_match(self.matrix, scan)
        if scan.is_background.all():
            raise DataError(f"{scan.name}: every frame is a background frame")
        frames = corrected_rows(scan, self.selection, self.settings.background, empty=empty)
        values = solve(self.rows, frames.mean(axis=0), iterations=self.settings.iterations).real
        inputs = (self.matrix.source, scan.source, *(e.source for e in empty))
        provenance = Provenance(STAGE, inputs, self.parameters())
        return SampleMap(
            values.reshape(self.matrix.grid.shape, order="F"), self.matrix.grid, provenance
        )


METHOD = Kaczmarz
