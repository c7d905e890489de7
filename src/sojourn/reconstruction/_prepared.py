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
class PreparedMethod:
    """One method's settings and one calibration; `extra` are parameters that the method derived."""

    stage: str
    rows: PreparedRows
    solver: Solver
    extra: Mapping[str, Any] = field(default_factory=dict)

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
        found = self.solver(self.rows.signal(scan, empty=empty).mean(axis=0))
        inputs = (self.matrix.source, scan.source, *(e.source for e in empty))
        provenance = Provenance(self.stage, inputs, {**self.parameters(), **found.report})
        grid = self.matrix.grid
        return SampleMap(found.values.reshape(grid.shape, order="F"), grid, provenance)
