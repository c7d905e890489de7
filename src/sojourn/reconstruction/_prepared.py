"""A calibration made ready by some method: scans go in, images come out, with their provenance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._rows import PreparedRows


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What a solver found: `values` (voxel,) in calibration samples, and what it says of itself.

    `report` holds plain values (iterations done, convergence measure); it joins the provenance.
    """

    values: NDArray[np.float64]
    report: Mapping[str, Any] = field(default_factory=dict)


Solver = Callable[[NDArray[np.complex128]], Solution]
"""From a signal (row,), corrected and weighted, to the voxels' values."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A signal (row,) with where it is from: the mean of `n_frames` frames of `scan`.

    For solvers that must know its noise; `empty` are the empty-bore scans that were subtracted.
    """

    signal: NDArray[np.complex128]
    n_frames: int
    scan: Scan
    empty: tuple[Scan, ...]


ScanSolver = Callable[["PreparedMethod", Measured], Solution]
"""A solver that looks at the scan too, as an automatic choice of lambda does."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedMethod:
    """One method's settings and one calibration; `extra` are parameters that the method derived.

    With a `scan_solver` images come from that, and `solver` serves who has a signal alone.
    """

    stage: str
    rows: PreparedRows
    solver: Solver
    extra: Mapping[str, Any] = field(default_factory=dict)
    scan_solver: ScanSolver | None = None

    @property
    def matrix(self) -> SystemMatrix:
        """The calibration."""
        return self.rows.matrix

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the image, besides its inputs, as plain values."""
        return {
            **self.rows.settings.model_dump(mode="json"),
            "matrix_background": self.rows.matrix_background.value,
            "n_rows": self.rows.selection.n_rows,
            **self.extra,
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
            self.stage,
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
        return self._images(scan, tuple(empty), average=None)[0]

    def reconstruct_series(
        self, scan: Scan, *, empty: Sequence[Scan] = ()
    ) -> tuple[SampleMap, ...]:
        """Return one image, in calibration samples, for each block of foreground frames.

        A block holds `settings.average` consecutive foreground frames, all where that is None;
        the last may hold fewer. `frames_averaged` of an image's provenance counts them.

        Raises
        ------
        DataError
            as `reconstruct_relative` says.
        """
        return self._images(scan, tuple(empty), average=self.rows.settings.average)

    def _images(
        self, scan: Scan, empty: tuple[Scan, ...], *, average: int | None
    ) -> tuple[SampleMap, ...]:
        frames = self.rows.signal(scan, empty=empty)
        size = average or len(frames)
        blocks = [frames[i : i + size] for i in range(0, len(frames), size)]
        return tuple(
            self._image(Measured(block.mean(axis=0), len(block), scan, empty), i * size)
            for i, block in enumerate(blocks)
        )

    def _image(self, measured: Measured, first: int) -> SampleMap:
        """Return the image of one signal, of foreground frames from `first` (0-based) on."""
        if self.scan_solver is None:
            found = self.solver(measured.signal)
        else:
            found = self.scan_solver(self, measured)
        inputs = (self.matrix.source, measured.scan.source, *(e.source for e in measured.empty))
        frames = {"first_frame": first, "frames_averaged": measured.n_frames}
        provenance = Provenance(self.stage, inputs, {**self.parameters(), **frames, **found.report})
        grid = self.matrix.grid
        return SampleMap(found.values.reshape(grid.shape, order="F"), grid, provenance)
