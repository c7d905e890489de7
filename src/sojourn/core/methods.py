"""What a reconstruction method is: settings that prepare a matrix, and scans after that."""

from collections.abc import Sequence
from typing import Any, Protocol

from sojourn.core.images import IronMap, SampleMap
from sojourn.core.signals import Scan, SystemMatrix


class Prepared(Protocol):
    """A system matrix made ready: the slow part is done, each scan is fast."""

    @property
    def matrix(self) -> SystemMatrix:
        """The system matrix."""
        ...

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the image, besides its inputs, as plain values."""
        ...

    def reconstruct(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> IronMap:
        """Return the iron concentration of `scan`; refuse if the sample's iron is unknown."""
        ...

    def reconstruct_relative(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> SampleMap:
        """Return the tracer of `scan` in calibration samples per voxel."""
        ...


class Method(Protocol):
    """Settings of one reconstruction, a frozen model; each plug-in's `METHOD` is such a class."""

    def prepare(self, matrix: SystemMatrix) -> Prepared:
        """Return `matrix` ready for this method."""
        ...
