"""Spectral leakage of frames that follow each other: what is not periodic, pushed aside.

A period is cut from a longer signal. Drift and interference do not fit it, and leak into every
bin. A window over neighbouring periods, folded into one, keeps what is periodic.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, stored_bins
from sojourn.reconstruction._selection import Selection


class SpectralLeakage(StrEnum):
    """What is done about spectral leakage of a scan.

    NONE leaves frames as they are. HANN replaces each by the mean of itself and its neighbours
    under one Hann window.
    """

    NONE = "none"
    HANN = "hann"


def hann_window(length: int) -> NDArray[np.float64]:
    r"""Return the Hann window of mean 1, shape (length,).

    .. math:: w_n = \left(1 - \cos\frac{2 \pi n}{M - 1}\right) \frac{M}{M - 1}

    References
    ----------
    MPIFiles.jl, `hannWindow` (restated).
    """
    angles = 2 * np.pi * np.arange(length) / (length - 1)
    window: NDArray[np.float64] = (1 - np.cos(angles)) * length / (length - 1)
    return window


def fold_frames(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frames that follow each other, each replaced by its folded neighbourhood.

    Parameters
    ----------
    frames
        shape (frame, sample), in the order they were taken, without a pause.

    Returns
    -------
        shape of `frames`: the mean of three neighbouring periods under one Hann window, of two
        at both ends. A frame alone stays as it is. Noise of neighbouring frames is correlated
        afterwards.

    References
    ----------
    MPIFiles.jl, `spectralLeakageCorrectedData` (restated).
    """
    n_frames, n_samples = frames.shape
    if n_frames < 2:
        return frames
    two = hann_window(2 * n_samples).reshape(2, n_samples)
    folded = np.empty_like(frames)
    folded[0] = (frames[:2] * two).mean(axis=0)
    folded[-1] = (frames[-2:] * two).mean(axis=0)
    three = hann_window(3 * n_samples).reshape(3, n_samples) / 3
    folded[1:-1] = sum(three[i] * frames[i : n_frames - 2 + i] for i in range(3))
    return folded


def leakage_corrected_rows(scan: Scan, selection: Selection) -> NDArray[np.complex128]:
    """Return the selected rows of every frame, leakage corrected, shape (frame, row).

    Frames of the object and of the empty bore are never mixed: each run of frames of one kind
    is folded by itself.

    Raises
    ------
    DataError
        if the scan was corrected before, some of its bins are not stored (the window works on
        time samples), or no two frames of one kind follow each other.
    """
    acquisition = scan.acquisition
    if acquisition.is_spectral_leakage_corrected:
        raise DataError(
            f"{scan.name}: its spectral leakage was corrected before; use spectral_leakage 'none'"
        )
    bins = stored_bins(scan.spectra)
    if len(bins) < acquisition.n_bins:
        raise DataError(
            f"{scan.name}: correcting spectral leakage needs all {acquisition.n_bins} frequencies "
            f"and {len(bins)} are stored; use spectral_leakage 'none'"
        )
    changes = np.flatnonzero(np.diff(scan.is_background.astype(np.int8))) + 1
    runs = np.split(np.arange(len(scan.is_background)), changes)
    if all(len(run) < 2 for run in runs):
        raise DataError(
            f"{scan.name}: correcting spectral leakage needs frames that follow each other; no two "
            "of one kind do. Use spectral_leakage 'none'"
        )
    parts = []
    for channel, kept in zip(selection.channels, selection.bins, strict=True):
        samples = np.fft.irfft(scan.spectra.read(channel, bins), acquisition.n_samples)
        folded = np.concatenate([fold_frames(samples[run]) for run in runs])
        parts.append(np.fft.rfft(folded)[:, kept])
    return np.concatenate(parts, axis=1)
