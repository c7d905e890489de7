"""How the measured data of an MDF file are stored, checked against its flags."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.signals import Acquisition
from sojourn.formats._mdf_tree import Tree

DATA = "/measurement/data"
INDICES = "/measurement/subsamplingIndices"
DCT_TYPES = {"DCT-I": 1, "DCT-II": 2, "DCT-III": 3, "DCT-IV": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How `/measurement/data` is stored, checked against its flags.

    `bins` are the stored 0-based rFFT bins, ascending, and `places` where each is stored.
    `order` gives for every frame its stored place. `conversion` (channel, 2) holds scale and
    offset. `n_stored` counts stored values per row: frames, or coefficients and background
    frames where a sparsity transformation (`dct` not 0) was applied over the axes of `size`.
    """

    shape: tuple[int, ...]
    is_fourier: bool
    is_fast: bool
    n_stored: int
    bins: NDArray[np.int64]
    places: NDArray[np.int64]
    is_background: NDArray[np.bool_]
    order: NDArray[np.int64]
    conversion: NDArray[np.float64]
    dct: int = 0
    size: tuple[int, ...] = ()

    def as_stored(self) -> "Layout":
        """Return this layout with frames in stored order."""
        return replace(self, order=np.arange(len(self.order), dtype=np.int64))


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
    n_frames = tree.integer("/acquisition/numFrames", least=1)
    background = tree.values("/measurement/isBackgroundFrame").ravel() != 0
    if background.shape != (n_frames,):
        raise tree.error(
            "/measurement/isBackgroundFrame", f"of {len(background)} frames", f"{n_frames}"
        )
    bins, places = _stored_bins(tree, acquisition, is_fourier)
    dct, size = _sparsity(tree, is_fourier and is_fast, background) if is_sparse else (0, ())
    n_stored = _n_coefficients(tree) + int(background.sum()) if is_sparse else n_frames
    n_rows = len(bins) if is_fourier else acquisition.n_samples
    channels = acquisition.n_channels
    shape = (1, channels, n_rows, n_stored) if is_fast else (n_stored, 1, channels, n_rows)
    if item.shape != shape:
        axes = (
            "(periods, channels, rows, frames)" if is_fast else "(frames, periods, channels, rows)"
        )
        raise tree.error(DATA, f"of shape {item.shape}", f"{shape} {axes}")
    return Layout(
        shape,
        is_fourier,
        is_fast,
        n_stored,
        bins,
        places,
        background,
        _frame_order(tree, n_frames),
        _conversion(tree, channels),
        dct,
        size,
    )


def _later_flag(tree: Tree, name: str) -> bool:
    return name in tree.items and tree.flag(name)


def _stored_bins(
    tree: Tree, acquisition: Acquisition, is_fourier: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    everything = np.arange(acquisition.n_bins, dtype=np.int64)
    if not tree.flag("/measurement/isFrequencySelection"):
        return everything, everything
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
    return selection[places].astype(np.int64) - 1, places.astype(np.int64)


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
    if int(np.prod(size)) != len(background) - n_background:
        raise tree.error(
            "/calibration/size", size, f"a product of {len(background) - n_background} frames"
        )
    return DCT_TYPES[kind], size
