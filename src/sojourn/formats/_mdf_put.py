"""Datasets into an HDF5 file, measured data in blocks; equal input gives equal bytes."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_atomically
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.formats._mdf_data import DCT_TYPES, INDICES
from sojourn.formats._mdf_layout import FIELDS, HDF5_TYPES, REQUIRED_GROUPS, group_of
from sojourn.formats._mdf_legacy import DATA
from sojourn.formats._mdf_options import INTEGERS, MdfLayout
from sojourn.formats._mdf_spectra import dct

BLOCK_BYTES = 1 << 24
"""Of spectra in memory at once; a few copies of a block live beside it."""
LIBRARY_VERSIONS = ("earliest", "v110")
"""Bounds of the HDF5 file format: fixed, so that bytes do not depend on the default."""
REAL_SIGNAL = 1e-9
"""Largest imaginary part of the zero frequency of a real signal, relative to the largest bin."""
UNKNOWN_IS_NAN = ("/acquisition/receiver/transferFunction",)
"""Datasets in which NaN says that a value was never measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What goes into `/measurement/data`: one source for each period, bins and frames in order.

    `size` is the grid of a sparsity transformation, `n_background` the empty frames at the end.
    """

    sources: Sequence[Scan | SystemMatrix]
    layout: MdfLayout
    bins: NDArray[np.int64]
    order: NDArray[np.intp]
    size: tuple[int, ...] = ()
    n_background: int = 0

    @property
    def n_rows(self) -> int:
        """Length of the frequency or sample axis."""
        is_time = self.layout.domain == "time"
        return self.sources[0].acquisition.n_samples if is_time else len(self.bins)

    @property
    def n_stored(self) -> int:
        """Length of the frame axis."""
        if self.layout.sparsity is None:
            return len(self.order)
        return self.layout.sparsity.n_coefficients + self.n_background


def write_file(
    path: Path,
    datasets: Mapping[str, Any],
    content: Content | None,
    extensions: Mapping[str, Any],
) -> None:
    """Write every dataset and the data, all or nothing."""
    check_complete(datasets, has_data=content is not None)

    def fill(part: Path) -> None:
        with h5py.File(part, "w", libver=LIBRARY_VERSIONS) as file:
            for name in sorted(datasets):
                put(file, name, datasets[name])
            for name in sorted(extensions):
                put_extension(file, name, extensions[name])
            if content is not None:
                _put_data(file, content, part.parent)

    write_atomically(path, fill)


def check_complete(datasets: Mapping[str, Any], *, has_data: bool) -> None:
    """Hold the writer to the table: no unknown dataset, no required one left out."""
    groups = {group_of(name) for name in datasets} | {"/", *REQUIRED_GROUPS}
    required = {n for n, f in FIELDS.items() if f.need == "R" and group_of(n) in groups}
    written = set(datasets) | ({DATA} if has_data else set())
    if wrong := sorted((required - written) | (set(datasets) - set(FIELDS))):
        raise DataError(f"MDF: required but missing, or unknown: {', '.join(wrong)}")


def put(file: h5py.File, name: str, value: object) -> None:
    """Write one dataset of the specification, in its type."""
    kind = FIELDS[name].kind
    if kind == "string":
        put_text(file, name, value)
        return
    values = np.asarray(value)
    if values.dtype.kind in "fc" and not np.isfinite(values).all() and name not in UNKNOWN_IS_NAN:
        raise DataError(f"MDF: {name} holds NaN or infinity")
    dtype = values.dtype if kind == "number" else HDF5_TYPES[kind].dtype
    file.create_dataset(name, data=values.astype(dtype), track_times=False)


def put_text(file: h5py.File, name: str, value: object) -> None:
    """Write text, or an array of texts, as UTF-8 of fixed length."""
    encoded = np.char.encode(np.array(value, dtype=np.str_), "utf-8")
    dtype = h5py.string_dtype("utf-8", max(1, encoded.dtype.itemsize))
    file.create_dataset(name, data=encoded.astype(dtype), dtype=dtype, track_times=False)


def put_extension(file: h5py.File, name: str, value: NDArray[Any]) -> None:
    """Write one dataset of a user, texts or numbers as they are."""
    if value.dtype.kind == "U":
        put_text(file, name, value)
        return
    little = value.dtype.newbyteorder("<")
    file.create_dataset(name, data=value.astype(little), track_times=False)


def _put_data(file: h5py.File, content: Content, folder: Path) -> None:
    source, layout = content.sources[0], content.layout
    periods, channels = len(content.sources), source.acquisition.n_channels
    shape: tuple[int, ...] = (content.n_stored, periods, channels, content.n_rows)
    if layout.fast_frame_axis:
        shape = (periods, channels, content.n_rows, content.n_stored)
    data = file.create_dataset(DATA, shape=shape, dtype=layout.dtype, track_times=False)
    indices = None
    if layout.sparsity is not None:
        kept = (*shape[:3], layout.sparsity.n_coefficients)
        indices = file.create_dataset(INDICES, shape=kept, dtype="<i8", track_times=False)
    for period, of_period in enumerate(content.sources):
        for channel in range(channels):
            for frames, rows, values in _blocks(of_period, channel, content, folder):
                if not np.isfinite(values).all():
                    raise DataError(f"{of_period.name}: channel {channel} holds NaN or infinity")
                if indices is not None:
                    values, places = _sparse(values, content)
                    indices[period, channel, rows, :] = places + 1
                stored = values.astype(layout.dtype)
                if layout.fast_frame_axis:
                    data[period, channel, rows, frames] = stored.T
                else:
                    data[frames, period, channel, rows] = stored


Block = tuple[slice, slice, NDArray[Any]]


def _blocks(
    source: Scan | SystemMatrix, channel: int, content: Content, folder: Path
) -> Iterator[Block]:
    """Yield frames, rows and the values (frame, row) to store there, some MiB at a time."""
    if content.layout.domain == "time":
        yield from _time_blocks(source, channel, content, folder)
        return
    for rows, values in _spectra(source, channel, content):
        n_stored = content.n_stored
        yield slice(0, n_stored), rows, values


def _spectra(
    source: Scan | SystemMatrix, channel: int, content: Content
) -> Iterator[tuple[slice, NDArray[np.complex128]]]:
    step = max(1, BLOCK_BYTES // (16 * len(content.order)))
    is_ordered = bool(np.all(np.diff(content.order) == 1))
    for start in range(0, len(content.bins), step):
        bins = content.bins[start : start + step]
        values = source.spectra.read(channel, bins)
        yield slice(start, start + len(bins)), values if is_ordered else values[content.order]


def _time_blocks(
    source: Scan | SystemMatrix, channel: int, content: Content, folder: Path
) -> Iterator[Block]:
    """Yield samples of some frames at a time; larger channels are turned on disk."""
    rows, n_frames = slice(0, content.n_rows), len(content.order)
    if 16 * n_frames * len(content.bins) <= BLOCK_BYTES:
        (values,) = (part for _, part in _spectra(source, channel, content))
        yield slice(0, n_frames), rows, _samples(values, source, channel, content.layout)
        return
    with _scratch(folder, n_frames, len(content.bins)) as turned:
        for bins, values in _spectra(source, channel, content):
            turned[:, bins] = values
        step = max(1, BLOCK_BYTES // (16 * len(content.bins)))
        for start in range(0, n_frames, step):
            frames = slice(start, min(start + step, n_frames))
            yield frames, rows, _samples(turned[frames], source, channel, content.layout)


@contextmanager
def _scratch(folder: Path, n_frames: int, n_bins: int) -> Iterator[h5py.Dataset]:
    """Give an array on disk that goes with its file."""
    chunks = (min(n_frames, 256), min(n_bins, 64))
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".turn-") as temporary,
        h5py.File(Path(temporary) / "scratch.h5", "w") as file,
    ):
        yield file.create_dataset("values", (n_frames, n_bins), "<c16", chunks=chunks)


def _samples(
    rows: NDArray[np.complex128], source: Scan | SystemMatrix, channel: int, layout: MdfLayout
) -> NDArray[Any]:
    """Return the samples (frame, sample) that spectra belong to, raw where they are integers."""
    n_samples = source.acquisition.n_samples
    ends = rows[:, [0, -1]] if n_samples % 2 == 0 else rows[:, [0]]
    if np.any(np.abs(ends.imag) > REAL_SIGNAL * np.abs(rows).max()):
        raise DataError(f"{source.name}: channel {channel} is not the spectrum of a real signal")
    samples: NDArray[np.float64] = np.fft.irfft(rows, n=n_samples, axis=1)
    if layout.precision not in INTEGERS or layout.conversion is None:
        return samples
    scale, offset = layout.conversion[channel]
    raw = np.rint((samples - offset) / scale)
    bounds = np.iinfo(layout.precision)
    if np.any((raw < bounds.min) | (raw > bounds.max)):
        raise DataError(
            f"{source.name}: channel {channel} reaches {np.abs(raw).max():.0f} counts, more than "
            f"{layout.precision} holds; choose another scale or a wider integer"
        )
    return raw


def _sparse(
    values: NDArray[np.complex128], content: Content
) -> tuple[NDArray[np.complex128], NDArray[np.int64]]:
    """Return kept coefficients and background (stored, row), and the places (row, kept)."""
    sparsity = content.layout.sparsity
    n_kept = 0 if sparsity is None else sparsity.n_coefficients
    kind = 0 if sparsity is None else DCT_TYPES[sparsity.transformation]
    n_voxels = len(values) - content.n_background
    stored = np.empty((n_kept + content.n_background, values.shape[1]), dtype=np.complex128)
    stored[n_kept:] = values[n_voxels:]
    places = np.empty((values.shape[1], n_kept), dtype=np.int64)
    for row in range(values.shape[1]):
        coefficients = dct(values[:n_voxels, row], content.size, kind)
        largest = np.argsort(-np.abs(coefficients), kind="stable")[:n_kept]
        places[row] = np.sort(largest)
        stored[:n_kept, row] = coefficients[places[row]]
    return stored, places
