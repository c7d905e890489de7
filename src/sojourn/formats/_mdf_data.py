"""How the measured data of an MDF file are stored, checked against its flags."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.signals import Acquisition
from sojourn.formats._mdf_legacy import DATA, StoredData, is_version_1
from sojourn.formats._mdf_tree import Tree

INDICES = "/measurement/subsamplingIndices"
MAX_FRAMES = 1 << 23
Ends = tuple[tuple[int, ...], tuple[int, ...]]
"""Lengths of the axes before and after that of samples or frequencies."""
DCT_TYPES = {"DCT-I": 1, "DCT-II": 2, "DCT-III": 3, "DCT-IV": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How `/measurement/data` is stored, checked against its flags; of one period of each frame.

    `stored` says where the data are. `bins` are the stored 0-based rFFT bins, ascending, and
    `places` where each is stored. `order` gives for every frame its stored place. `conversion`
    (channel, 2) holds scale and offset. `n_samples` are stored of a period, in the time domain.
    `n_stored` counts stored values per row: frames, or coefficients and background frames where a
    sparsity transformation (`dct` not 0) was applied over the axes of `size`.
    """

    stored: StoredData
    is_fourier: bool
    is_fast: bool
    n_stored: int
    n_samples: int
    bins: NDArray[np.int64]
    places: NDArray[np.int64]
    is_background: NDArray[np.bool_]
    order: NDArray[np.int64]
    conversion: NDArray[np.float64]
    dct: int = 0
    size: tuple[int, ...] = ()
    period: int = 0

    @property
    def n_kept(self) -> int:
        """Number of coefficients of the sparsity transformation stored for each row."""
        return self.n_stored - int(self.is_background.sum())

    @property
    def n_periods(self) -> int:
        """Number of periods (patches) of each frame."""
        if not self.stored.has_periods:
            return 1
        return self.stored.shape[0 if self.is_fast else 1]

    def notes(self, n_received: int) -> list[str]:
        """Return what a user of the data must know of how they were stored."""
        found = []
        if self.dct:
            found.append(
                f"{self.n_kept} of {int(np.prod(self.size))} coefficients of a cosine "
                "transformation are stored for each row: a compressed calibration"
            )
        if self.n_samples < n_received:
            found.append(
                f"{self.n_samples} of {n_received} samples of a period are stored: higher "
                "frequencies are gone"
            )
        return found

    def as_stored(self) -> "Layout":
        """Return this layout with frames in stored order."""
        return replace(self, order=np.arange(len(self.order), dtype=np.int64))

    def in_order(self, order: NDArray[np.int64]) -> "Layout":
        """Return this layout with frames in `order` of their stored places."""
        return replace(self, order=order.astype(np.int64))

    def of_period(self, period: int) -> "Layout":
        """Return the layout of another period (patch) of every frame."""
        return replace(self, period=period)


def read_layout(tree: Tree, acquisition: Acquisition) -> Layout:
    """Return the layout of the data; no data are loaded.

    Raises
    ------
    DataError
        for each rule that flags, shapes and index datasets break, naming the dataset.
    """
    item = tree.get(DATA)
    is_fourier = tree.flag("/measurement/isFourierTransformed")
    is_fast = _later_flag(tree, "/measurement/isFastFrameAxis")
    is_sparse = _later_flag(tree, "/measurement/isSparsityTransformed")
    if is_fourier != (item.kind == "complex"):
        wanted = "complex" if is_fourier else "real"
        raise tree.error(DATA, f"of type {item.type}", f"{wanted}, by isFourierTransformed")
    background = read_background(tree)
    n_periods = tree.integer("/acquisition/numPeriodsPerFrame", least=1)
    channels = acquisition.n_channels
    ends: Ends = ((len(background), n_periods, channels), ())
    ends = ((n_periods, channels), (len(background),)) if is_fast else ends
    bins, places, n_samples = _stored_bins(tree, acquisition, is_fourier, ends)
    dct, size = _sparsity(tree, is_fourier and is_fast, background) if is_sparse else (0, ())
    n_stored = len(background)
    if is_sparse:
        n_stored = _n_coefficients(tree) + int(background.sum())
    n_rows = len(bins) if is_fourier else n_samples
    shape = (n_stored, n_periods, channels, n_rows)
    axes = "(frames, periods, channels, rows)"
    if is_fast:
        shape = (n_periods, channels, n_rows, n_stored)
        axes = "(periods, channels, rows, frames)"
    if item.shape != shape:
        raise tree.error(DATA, f"of shape {item.shape}", f"{shape} {axes}")
    return Layout(
        tree.stored,
        is_fourier,
        is_fast,
        n_stored,
        n_samples,
        bins,
        places,
        background,
        _frame_order(tree, len(background)),
        _conversion(tree, channels),
        dct,
        size,
    )


def read_background(tree: Tree) -> NDArray[np.bool_]:
    """Return which stored frames are of the empty bore, shape (frame,)."""
    n_frames = tree.integer("/acquisition/numFrames", least=1)
    if n_frames > MAX_FRAMES:
        raise tree.error("/acquisition/numFrames", n_frames, f"at most {MAX_FRAMES}")
    name = "/measurement/isBackgroundFrame"
    if name not in tree.items and is_version_1(tree.items):
        return np.zeros(n_frames, dtype=np.bool_)
    background: NDArray[np.bool_] = tree.values(name).ravel() != 0
    if background.shape != (n_frames,):
        raise tree.error(name, f"of {len(background)} frames", f"{n_frames}")
    return background


def _later_flag(tree: Tree, name: str) -> bool:
    return name in tree.items and tree.flag(name)


def _stored_bins(
    tree: Tree, acquisition: Acquisition, is_fourier: bool, ends: Ends
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the bins, where each is stored, and the number of samples stored of a period."""
    everything = np.arange(acquisition.n_bins, dtype=np.int64)
    if not tree.flag("/measurement/isFrequencySelection"):
        if is_fourier:
            return everything, everything, acquisition.n_samples
        n_samples = _stored_samples(tree, acquisition.n_samples, ends)
        # Fewer samples of a period: a smaller bandwidth; their last bin may be shared by two.
        kept = acquisition.n_bins
        if n_samples < acquisition.n_samples:
            kept = (n_samples + 1) // 2
        return everything[:kept], everything[:kept], n_samples
    name = "/measurement/frequencySelection"
    if not is_fourier:
        raise tree.error("/measurement/isFrequencySelection", 1, "0 for data in the time domain")
    selection = tree.values(name).ravel()
    if (
        selection.dtype.kind != "i"
        or len(np.unique(selection)) != len(selection)
        or not len(selection)
        or selection.min() < 1
        or selection.max() > acquisition.n_bins
    ):
        raise tree.error(
            name, f"{selection[:5].tolist()}...", f"different bins from 1 to {acquisition.n_bins}"
        )
    places = np.argsort(selection)
    bins = selection[places].astype(np.int64) - 1
    return bins, places.astype(np.int64), acquisition.n_samples


def _stored_samples(tree: Tree, n_samples: int, ends: Ends) -> int:
    """Return how many samples of a period are stored: all, unless the shape says fewer."""
    shape, (before, _) = tree.items[DATA].shape, ends
    rest = (shape[: len(before)], shape[len(before) + 1 :])
    stored = shape[len(before)] if rest == ends else n_samples
    return stored if 2 <= stored < n_samples else n_samples


def _frame_order(tree: Tree, n_frames: int) -> NDArray[np.int64]:
    """Return the stored place of each original frame."""
    if not tree.flag("/measurement/isFramePermutation"):
        return np.arange(n_frames, dtype=np.int64)
    name = "/measurement/framePermutation"
    permutation = tree.values(name).ravel()
    if not np.array_equal(np.sort(permutation), np.arange(1, n_frames + 1)):
        raise tree.error(
            name, f"{permutation[:5].tolist()}...", f"a permutation of 1 to {n_frames}"
        )
    return np.argsort(permutation).astype(np.int64)


def _conversion(tree: Tree, n_channels: int) -> NDArray[np.float64]:
    name = "/acquisition/receiver/dataConversionFactor"
    if name not in tree.items:
        return np.tile([1.0, 0.0], (n_channels, 1))
    values = tree.values(name)
    if values.size != 2 * n_channels or np.iscomplexobj(values):
        raise tree.error(name, f"of shape {values.shape}", f"({n_channels}, 2)")
    return values.astype(np.float64).reshape(n_channels, 2)


def _n_coefficients(tree: Tree) -> int:
    shape = tree.get(INDICES).shape
    if len(shape) != 4:
        raise tree.error(INDICES, f"of shape {shape}", "(periods, channels, rows, coefficients)")
    return shape[3]


def _sparsity(
    tree: Tree, is_allowed: bool, background: NDArray[np.bool_]
) -> tuple[int, tuple[int, ...]]:
    """Return the DCT's type and the grid it runs over."""
    name = "/measurement/isSparsityTransformed"
    n_background = int(background.sum())
    if not is_allowed or background[: len(background) - n_background].any():
        raise tree.error(
            name, 1, "0, or Fourier transformed data with a fast frame axis and background last"
        )
    kind = tree.text("/measurement/sparsityTransformation")
    if kind not in DCT_TYPES:
        raise tree.error(
            "/measurement/sparsityTransformation", repr(kind), f"one of {', '.join(DCT_TYPES)}"
        )
    size = tuple(int(n) for n in tree.values("/calibration/size").ravel())
    if len(size) != 3 or min(size) < 1 or math.prod(size) != len(background) - n_background:
        raise tree.error(
            "/calibration/size",
            size,
            f"three numbers with product {len(background) - n_background}, the foreground frames",
        )
    return DCT_TYPES[kind], size
