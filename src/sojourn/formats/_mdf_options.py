"""How measured data are to be stored in an MDF file."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sojourn.core.errors import DataError

INTEGERS = ("int8", "int16", "int32")
FLOATS = {"double": "<f8", "single": "<f4"}


@dataclass(frozen=True, slots=True)
class MdfSparsity:
    """Keep only the largest coefficients of an orthonormal DCT over the grid, in each row.

    Each channel and frequency keeps `n_coefficients` of its own, those of the largest magnitude.
    """

    n_coefficients: int
    transformation: Literal["DCT-I", "DCT-II", "DCT-III", "DCT-IV"] = "DCT-II"

    def __post_init__(self) -> None:
        if self.n_coefficients < 1:
            raise DataError(f"a sparse row needs coefficients, got {self.n_coefficients}")


@dataclass(frozen=True, slots=True)
class MdfLayout:
    """How data are stored: domain, order of axes, which bins (0-based; all by default), width.

    A calibration is usually stored in the Fourier domain with its frame axis last, so that one
    frequency of all voxels lies together; `sparsity` compresses it, with loss.

    Raw integers keep samples as the analogue-digital converter gave them: `precision` int16, say,
    in the time domain, with the scale a and offset b of each channel as `conversion`, so that
    a * raw + b is the signal.
    """

    domain: Literal["fourier", "time"] = "fourier"
    fast_frame_axis: bool = False
    bins: tuple[int, ...] | None = None
    precision: Literal["double", "single", "int8", "int16", "int32"] = "double"
    conversion: tuple[tuple[float, float], ...] | None = None
    sparsity: MdfSparsity | None = None

    def __post_init__(self) -> None:
        if self.domain == "time" and self.bins is not None:
            raise DataError("a selection of bins needs the Fourier domain")
        if self.bins is not None and (
            not self.bins or list(self.bins) != sorted(set(self.bins)) or self.bins[0] < 0
        ):
            raise DataError(f"bins must be different, ascending and not negative, got {self.bins}")
        if self.sparsity is not None and (self.domain == "time" or not self.fast_frame_axis):
            raise DataError("a sparsity transformation needs the Fourier domain and frames last")
        self._check_conversion()

    def _check_conversion(self) -> None:
        if (self.precision in INTEGERS) != (self.conversion is not None):
            raise DataError(
                f"precision {self.precision} with conversion {self.conversion}: integers need "
                "scale and offset of each channel, other numbers take none"
            )
        if self.conversion is None:
            return
        if self.domain != "time":
            raise DataError("integers need the time domain")
        if not all(np.isfinite(pair).all() and pair[0] != 0 for pair in self.conversion):
            raise DataError(f"scales must be finite and not 0, got {self.conversion}")

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the stored numbers."""
        if self.precision in INTEGERS:
            return np.dtype(self.precision).newbyteorder("<")
        if self.domain == "time":
            return np.dtype(FLOATS[self.precision])
        return np.dtype({"double": "<c16", "single": "<c8"}[self.precision])
