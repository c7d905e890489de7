"""Which rows of a system matrix are used, and loading just those.

Conventions of MPIReco.jl: a plain unnormalised rFFT of the period for matrix and scan alike;
all frequencies of the first channel, then of the second, and so on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix, stored_bins
from sojourn.reconstruction._mixing import mixing_orders
from sojourn.reconstruction._snr import compute_snr


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows of a system matrix: each receive channel with its 0-based rFFT bins, ascending."""

    channels: tuple[int, ...]
    bins: tuple[NDArray[np.int64], ...]

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.bins):
            raise DataError(f"{len(self.channels)} channels but bins of {len(self.bins)}")
        object.__setattr__(self, "bins", tuple(frozen(b.astype(np.int64)) for b in self.bins))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(len(bins) for bins in self.bins)

    def labels(self) -> tuple[tuple[int, int], ...]:
        """Return (channel, bin) of every row, in row order."""
        return tuple(
            (channel, int(k))
            for channel, bins in zip(self.channels, self.bins, strict=True)
            for k in bins
        )


def select_rows(
    matrix: SystemMatrix,
    *,
    min_snr: float | None = None,
    min_frequency: float | None = None,
    max_frequency: float | None = None,
    channels: Sequence[int] | None = None,
    bins: Sequence[int] | None = None,
    rows: Sequence[tuple[int, int]] | None = None,
    max_mixing_order: int | None = None,
    stop_bands: Sequence[tuple[float, float]] = (),
    max_rows: int | None = None,
) -> Selection:
    """Return the rows of `matrix` that pass every rule given; None is no rule.

    Parameters
    ----------
    matrix
        the calibration; bins that its file does not hold are never selected.
    min_snr
        keep rows of at least this SNR; that of the file, else computed (`compute_snr`).
    min_frequency, max_frequency
        bounds in Hz, both inclusive.
    channels
        0-based receive channels, all by default.
    bins
        0-based rFFT bins to keep; bin k is the frequency 2 k bandwidth / n_samples.
    rows
        (channel, bin) pairs to keep, both 0-based, in any order.
    max_mixing_order
        keep bins of at most this mixing order (`mixing_orders`).
    stop_bands
        (lowest, highest) frequency of bands to leave out, in Hz, both inclusive.
    max_rows
        of the rows that pass every other rule keep so many at most: those of the best SNR, the
        first of equal ones.

    Returns
    -------
        channels ascending, bins ascending within each.

    Raises
    ------
    DataError
        if a channel, a bin or a row does not exist, a stop band is upside down, mixing orders are
        not known, or no row is left.

    References
    ----------
    MPIReco.jl and MPIFiles.jl, frequency filter: minFreq and maxFreq inclusive, SNR >= threshold,
    order <= maxMixingOrder. There a stop band also takes the bin below its lower end, and
    numUsedFreqs is not implemented.
    """
    keep = _stored(matrix, bins) & _in_bands(matrix, min_frequency, max_frequency, stop_bands)
    if max_mixing_order is not None:
        orders = mixing_orders(matrix.acquisition)
        keep &= (orders >= 0) & (orders <= max_mixing_order)
    used = _channels(matrix, channels)
    kept = np.zeros((matrix.acquisition.n_channels, matrix.acquisition.n_bins), dtype=np.bool_)
    kept[list(used)] = keep
    if rows is not None:
        kept &= _listed(matrix, rows)
    if min_snr is not None or max_rows is not None:
        kept = _by_snr(matrix, kept, min_snr or 0.0, max_rows)
    if not kept.any():
        raise DataError(
            f"{matrix.name}: no frequency is left of {len(used)} channels x "
            f"{matrix.acquisition.n_bins} bins after min_snr={min_snr}, "
            f"min_frequency={min_frequency} Hz, max_frequency={max_frequency} Hz, "
            f"{'any' if bins is None else len(bins)} bins and "
            f"{'any' if rows is None else len(rows)} rows listed, "
            f"max_mixing_order={max_mixing_order}, stop_bands={stop_bands} Hz; relax the selection"
        )
    chosen = tuple(c for c in used if kept[c].any())
    return Selection(chosen, tuple(np.flatnonzero(kept[c]) for c in chosen))


def _in_bands(
    matrix: SystemMatrix,
    low: float | None,
    high: float | None,
    stop_bands: Sequence[tuple[float, float]],
) -> NDArray[np.bool_]:
    """Return which bins lie within the bounds and in no stop band, shape (bin,)."""
    frequencies = matrix.acquisition.frequencies()
    inside = np.ones(len(frequencies), dtype=np.bool_)
    if low is not None:
        inside &= frequencies >= low
    if high is not None:
        inside &= frequencies <= high
    for first, last in stop_bands:
        if not first <= last:
            raise DataError(f"stop band from {first} to {last} Hz: the lower end comes first")
        inside &= (frequencies < first) | (frequencies > last)
    return inside


def _by_snr(
    matrix: SystemMatrix, kept: NDArray[np.bool_], min_snr: float, max_rows: int | None
) -> NDArray[np.bool_]:
    """Return those of `kept` (channel, bin) with SNR enough, and of them the best `max_rows`."""
    snr = matrix.snr if matrix.snr is not None else compute_snr(matrix)
    if n_unknown := int(np.sum(np.isnan(snr) & kept)):
        raise DataError(
            f"{matrix.name}: the file's SNR is NaN in {n_unknown} of {int(kept.sum())} rows that "
            "the other rules keep; leave these bins out, or select without SNR"
        )
    candidates = np.flatnonzero(kept & (snr >= min_snr))
    ranked = candidates[np.argsort(-snr.ravel()[candidates], kind="stable")]
    best = np.zeros(kept.size, dtype=np.bool_)
    best[ranked[:max_rows]] = True
    return best.reshape(kept.shape)


def _listed(matrix: SystemMatrix, rows: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return the rows named by (channel, bin), as (channel, bin) flags."""
    listed = np.zeros((matrix.acquisition.n_channels, matrix.acquisition.n_bins), dtype=np.bool_)
    available = {int(k) for k in stored_bins(matrix.spectra)}
    for channel, k in rows:
        if not 0 <= channel < len(listed) or k not in available:
            raise DataError(
                f"{matrix.name}: row (channel {channel}, bin {k}) is not in the file; it holds "
                f"channels 0 to {len(listed) - 1} and {len(available)} bins from "
                f"{min(available)} to {max(available)} (0-based)"
            )
        listed[channel, k] = True
    return listed


def _stored(matrix: SystemMatrix, bins: Sequence[int] | None) -> NDArray[np.bool_]:
    keep = np.zeros(matrix.acquisition.n_bins, dtype=np.bool_)
    available = stored_bins(matrix.spectra)
    if bins is None:
        keep[available] = True
        return keep
    if missing := sorted(set(bins) - {int(k) for k in available}):
        raise DataError(
            f"{matrix.name}: bins {missing[:10]} are not in the file; it holds {len(available)} "
            f"bins from {available[0]} to {available[-1]} (0-based)"
        )
    keep[list(bins)] = True
    return keep


def _channels(matrix: SystemMatrix, channels: Sequence[int] | None) -> tuple[int, ...]:
    n_channels = matrix.acquisition.n_channels
    used = range(n_channels) if channels is None else sorted(set(channels))
    if not used or min(used) < 0 or max(used) >= n_channels:
        raise DataError(
            f"{matrix.name}: receive channels {list(used)} asked for; it has channels 0 to "
            f"{n_channels - 1}"
        )
    return tuple(used)


def load_rows(source: Scan | SystemMatrix, selection: Selection) -> NDArray[np.complex128]:
    """Return the selected rows of every frame, background frames too, uncorrected.

    Parameters
    ----------
    source
        a scan or a system matrix; only the selected rows are loaded from its file.
    selection
        channels and bins, made by `select_rows`.

    Returns
    -------
        shape (frame, row), frames in the order of `source`, plain unnormalised rFFT.
    """
    frames, _, _ = source.spectra.shape
    rows = np.empty((frames, selection.n_rows), dtype=np.complex128)
    start = 0
    for channel, bins in zip(selection.channels, selection.bins, strict=True):
        rows[:, start : start + len(bins)] = source.spectra.read(channel, bins)
        start += len(bins)
    return rows
