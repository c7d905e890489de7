"""Signal-to-noise ratio of every frequency of a calibration, by the rule of MPIFiles.jl."""

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import SystemMatrix, stored_bins

BEST_FREQUENCIES = 20
NEAR_MAXIMUM = 0.9
CLEAR_SIGNAL = 3.5
BLOCK_BYTES = 1 << 26


def compute_snr(matrix: SystemMatrix) -> NDArray[np.float64]:
    """Return the SNR of every frequency, shape (channel, bin); 0 where the file holds no data.

    Noise is the mean of |background - mean background| over the background frames. A first
    signal is the median over all voxels of |frame - mean background|. The 20 frequencies of
    the best first SNR mark the voxels above 90 % of their maximum; the signal is the median
    over the marked voxels. Where it exceeds 3.5 times the noise, it is the median over the
    voxels above 90 % of this frequency's own maximum. A frequency without noise and without
    signal has SNR 0. Of a calibration whose background is already subtracted none is subtracted
    again.

    Raises
    ------
    DataError
        if there are fewer than two background frames: their spread is the noise.

    References
    ----------
    MPIFiles.jl at 94fb671, `src/SystemMatrix.jl` (restated in our own words).
    """
    if (n := int(np.sum(matrix.is_background))) < 2:
        raise DataError(
            f"{matrix.name}: the SNR needs at least two background frames, the calibration has "
            f"{n}, and its file holds no SNR; select frequencies without min_snr"
        )
    snr = np.zeros((matrix.acquisition.n_channels, matrix.acquisition.n_bins))
    for channel in range(matrix.acquisition.n_channels):
        snr[channel] = _channel_snr(matrix, channel)
    return snr


def _blocks(matrix: SystemMatrix) -> list[NDArray[np.int64]]:
    """Return the stored bins in blocks whose rows stay below `BLOCK_BYTES`."""
    bins = stored_bins(matrix.spectra)
    size = max(1, BLOCK_BYTES // (16 * matrix.spectra.shape[0]))
    return [bins[i : i + size] for i in range(0, len(bins), size)]


def _amplitudes(
    matrix: SystemMatrix, channel: int, bins: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return |signal| (voxel, bin) and the noise (bin,) of some frequencies."""
    rows = matrix.spectra.read(channel, bins)
    empty = rows[matrix.is_background]
    mean = empty.mean(axis=0)
    before = 0.0 if matrix.is_background_corrected else mean
    signal: NDArray[np.float64] = np.abs(rows[~matrix.is_background] - before)
    noise: NDArray[np.float64] = np.abs(empty - mean).mean(axis=0)
    return signal, noise


def _ratio(signal: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return signal over noise; a signal without any noise is infinite, nothing is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(signal == 0, 0.0, signal / noise)


def _near_maximum(signal: NDArray[np.float64]) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = signal > NEAR_MAXIMUM * signal.max(axis=0)
    return near


def _signal_region(matrix: SystemMatrix, channel: int) -> NDArray[np.bool_]:
    """Return the voxels (voxel,) where the best frequencies have their maximum."""
    bins = stored_bins(matrix.spectra)
    first = np.concatenate(
        [
            _ratio(np.median(signal, axis=0), noise)
            for signal, noise in (_amplitudes(matrix, channel, b) for b in _blocks(matrix))
        ]
    )
    best = np.sort(bins[np.argsort(-first, kind="stable")[:BEST_FREQUENCIES]])
    signal, _ = _amplitudes(matrix, channel, best)
    return np.asarray(_near_maximum(signal).any(axis=1))


def _channel_snr(matrix: SystemMatrix, channel: int) -> NDArray[np.float64]:
    region = _signal_region(matrix, channel)
    snr = np.zeros(matrix.acquisition.n_bins)
    for bins in _blocks(matrix):
        amplitude, noise = _amplitudes(matrix, channel, bins)
        signal = np.median(amplitude[region], axis=0) if region.any() else np.zeros(len(bins))
        near = _near_maximum(amplitude)
        for k in np.flatnonzero((signal > CLEAR_SIGNAL * noise) & near.any(axis=0)):
            signal[k] = np.median(amplitude[near[:, k], k])
        snr[bins] = _ratio(signal, noise)
    return snr
