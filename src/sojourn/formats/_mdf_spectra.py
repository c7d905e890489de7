"""The measured data of an MDF file, of which only the asked-for rows are loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.formats._isolation import MAX_REPLY_BYTES, Limits, ask
from sojourn.formats._mdf_data import INDICES, Layout
from sojourn.formats._mdf_legacy import StoredData

VALUES_PER_REQUEST = MAX_REPLY_BYTES // 32
"""Half of what one reply may carry, in complex numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class FileSpectra:
    """Spectra that stay in their file; each `read` loads just its rows, in a child process."""

    path: Path
    stamp: tuple[int, int]
    limits: Limits
    layout: Layout
    n_samples: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of frames, channels and bins."""
        return len(self.layout.order), len(self.layout.conversion), self.n_samples // 2 + 1

    @property
    def bins(self) -> NDArray[np.int64]:
        """The 0-based rFFT bins that the file holds, ascending."""
        return frozen(self.layout.bins)

    def read(self, channel: int, bins: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return the rows `bins` of `channel`, shape (frame, len(bins)).

        Raises
        ------
        DataError
            if the file does not hold a bin, holds NaN or infinity, or has changed meanwhile.
        """
        asked = np.asarray(bins, dtype=np.int64)
        missing = asked[~np.isin(asked, self.layout.bins)]
        if not 0 <= channel < self.shape[1] or len(missing):
            raise DataError(
                f"{self.path.name}: channel {channel}, bins {missing[:5].tolist()} are not in the "
                f"file; it holds {self.shape[1]} channels and {len(self.layout.bins)} bins"
            )
        if len(asked) == 0:
            return np.empty((self.shape[0], 0), dtype=np.complex128)
        places = asked
        if self.layout.is_fourier:
            places = self.layout.places[np.searchsorted(self.layout.bins, asked)]
        wanted, back = np.unique(places, return_inverse=True)
        if self.layout.dct:
            rows = self._decoded(channel, wanted)
        else:
            rows = self._stored(channel, wanted, self.layout.stored, self._domain)
        return rows[:, back][self.layout.order]

    @property
    def _domain(self) -> str:
        return "fourier" if self.layout.is_fourier else "time"

    def kept(self, channel: int, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the 0-based places of kept coefficients, stored rows `wanted`, (kept, row).

        Raises
        ------
        DataError
            if a place lies outside the grid, or one row names a place twice.
        """
        shape = (*self.layout.stored.shape[:3], self.layout.n_kept)
        indices = StoredData(INDICES, shape)
        kept = self._stored(channel, wanted, indices, "index").real.astype(np.int64) - 1
        n_voxels = int(np.prod(self.layout.size))
        if kept.min(initial=0) < 0 or kept.max(initial=0) >= n_voxels:
            raise DataError(
                f"{self.path.name}: {INDICES} goes outside 1 to {n_voxels}, the number of voxels"
            )
        if np.any(np.diff(np.sort(kept, axis=0), axis=0) == 0):
            raise DataError(f"{self.path.name}: {INDICES} names a voxel twice in one row")
        return kept

    def _stored(
        self, channel: int, wanted: NDArray[np.int64], stored: StoredData, domain: str
    ) -> NDArray[np.complex128]:
        """Return stored rows in stored order, asked for in parts that fit a reply."""
        n_stored = self.layout.n_kept if domain == "index" else self.layout.n_stored
        rows = np.empty((n_stored, len(wanted)), dtype=np.complex128)
        n_rows, n_frames = self._part(len(wanted), n_stored)
        for row in range(0, len(wanted), n_rows):
            part = wanted[row : row + n_rows]
            for frame in range(0, n_stored, n_frames):
                frames = [frame, min(frame + n_frames, n_stored)]
                rows[frames[0] : frames[1], row : row + n_rows] = self._ask(
                    channel, part, frames, stored, domain
                )
        return rows

    def _part(self, n_rows: int, n_stored: int) -> tuple[int, int]:
        """Return how many rows and frames one request asks for."""
        if self.layout.is_fast and self.layout.is_fourier:
            frames = min(n_stored, VALUES_PER_REQUEST)
            return max(1, VALUES_PER_REQUEST // frames), frames
        return n_rows, max(1, VALUES_PER_REQUEST // n_rows)

    def _ask(
        self,
        channel: int,
        wanted: NDArray[np.int64],
        frames: list[int],
        stored: StoredData,
        domain: str,
    ) -> NDArray[np.complex128]:
        conversion = [1.0, 0.0] if self.layout.dct else self.layout.conversion[channel].tolist()
        reply = ask(
            {
                "ask": "rows",
                "path": str(self.path),
                "stamp": self.stamp,
                "name": stored.name,
                "shape": list(stored.shape),
                "has_periods": stored.has_periods,
                "pairs": stored.pairs,
                "period": self.layout.period,
                "domain": domain,
                "fast": self.layout.is_fast,
                "channel": channel,
                "wanted": wanted.tolist(),
                "frames": frames,
                "conversion": conversion,
                "n_samples": self.n_samples,
                "n_stored_samples": self.layout.n_samples,
                "zero_at": self._zero_at(),
            },
            name=self.path.name,
            limits=self.limits,
        )
        expected = (frames[1] - frames[0], len(wanted))
        if reply.values is None or reply.values.shape != expected:
            raise DataError(f"{self.path.name}: {stored.name} gave no rows of shape {expected}")
        return reply.values

    def _zero_at(self) -> int | None:
        """Return where the zero frequency is stored, if it is."""
        return int(self.layout.places[0]) if self.layout.bins[0] == 0 else None

    def _decoded(self, channel: int, wanted: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return rows whose sparsity transformation is undone, shape (frame, row)."""
        stored = self._stored(channel, wanted, self.layout.stored, "fourier")
        kept = self.kept(channel, wanted)
        n_voxels, n_kept = int(np.prod(self.layout.size)), len(kept)
        n_background = int(self.layout.is_background.sum())
        rows = np.empty((n_voxels + n_background, len(wanted)), dtype=np.complex128)
        rows[n_voxels:] = stored[n_kept:]
        for row in range(len(wanted)):
            coefficients = np.zeros(n_voxels, dtype=np.complex128)
            coefficients[kept[:, row]] = stored[:n_kept, row]
            rows[:n_voxels, row] = dct(
                coefficients, self.layout.size, self.layout.dct, inverse=True
            )
        scale, offset = self.layout.conversion[channel]
        rows *= scale
        rows[:, wanted == self._zero_at()] += offset * self.n_samples
        return rows


def dct(
    values: NDArray[np.complex128], size: tuple[int, ...], kind: int, *, inverse: bool = False
) -> NDArray[np.complex128]:
    """Return the orthonormal DCT of `values` (voxel,), or its inverse, x fastest.

    It runs over the axes of `size` longer than one.
    """
    axes = [n for n in size if n > 1]
    if not axes:
        return values
    transform = idctn if inverse else dctn
    of_type = cast(Literal[1, 2, 3, 4], kind)
    grid = values.reshape(axes, order="F")
    real, imaginary = (
        transform(part, type=of_type, norm="ortho", orthogonalize=True)
        for part in (grid.real, grid.imag)
    )
    transformed: NDArray[np.complex128] = (real + 1j * imaginary).ravel(order="F")
    return transformed
