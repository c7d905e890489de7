"""Spectra that any scanner receives from iron at given places: fields, particles, coils."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.fields import drive_waveform
from sojourn.physics.magnetization_kernels import Real, compiled_kernel, received_moments_numpy
from sojourn.physics.particle_models import MemorylessModel, ParticleModel
from sojourn.physics.rational_curves import fit_rational_curve
from sojourn.physics.scanners import Scanner

Progress = Callable[[int, int], None]
"""Called with the number of positions done and of all, from any thread."""

T = TypeVar("T")

_BLOCK = 8
_OVERSAMPLING = 2


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """How finely a simulation calculates.

    `samples`: of a period, at least the receiver's; None takes the receiver's, so that all above
    its Nyquist frequency aliases as in a receiver without filter; more samples act as an
    anti-alias filter, fewer (see `sufficient_samples`) save time where high bins are not kept.
    `single`: single precision, with an error of about 1e-6 of a position's strongest bin.
    `threads`: of the simulation; the result does not depend on it. `mirrors`: calculate only one
    of the positions of a grid whose signals follow from each other (`mirrors.find_mirrors`).
    """

    samples: int | None = None
    single: bool = False
    threads: int = 1
    mirrors: bool = False

    def __post_init__(self) -> None:
        if self.threads < 1 or (self.samples is not None and self.samples < 2):
            raise DataError(
                f"threads {self.threads} must be 1 or more, samples {self.samples} 2 or more"
            )


STANDARD = Resolution()
"""Double precision, the receiver's own samples, one thread."""


@dataclass(frozen=True, slots=True, eq=False)
class _Setup:
    """What one simulation needs of every position: `moments` are those of a block of them.

    With a `curve`, fields are relative to its reach and receive coils multiplied by it, all of
    one floating type.
    """

    model: ParticleModel
    static: Real
    coils: Real
    waves: Real
    receive: Real
    curve: tuple[Real, Real] | None
    interval: float

    @property
    def is_single(self) -> bool:
        return self.waves.dtype == np.float32

    def moments(self, block: slice) -> Real:
        """Return receive sensitivity . magnetization, (n, channel, sample), T/A."""
        static, coils, receive = self.static[block], self.coils[block], self.receive[block]
        if self.curve is None:
            field = static[:, None] + np.einsum("ndc,dt->ntc", coils, self.waves)
            answer = self.model.magnetization(field, interval=self.interval)
            moments: Real = np.einsum("nkc,ntc->nkt", receive, answer)
            return moments
        shape = (len(static), receive.shape[1], self.waves.shape[1])
        out = np.empty(shape, dtype=self.waves.dtype)
        kernel = compiled_kernel() or received_moments_numpy
        kernel(static, coils, self.waves, receive, *self.curve, out)
        return out


def simulate_spectra(
    scanner: Scanner,
    positions: NDArray[np.float64],
    model: ParticleModel,
    *,
    iron: float = 1.0,
    patch: int = 0,
    bins: NDArray[np.int64] | None = None,
    resolution: Resolution = STANDARD,
    progress: Progress | None = None,
) -> NDArray[np.complex128] | NDArray[np.complex64]:
    """Return the received spectrum of the same iron at each position, one after the other.

    Parameters
    ----------
    scanner
        fields, coils and sequence.
    positions
        shape (n, 3), LPS, m.
    model
        of the particles. Memoryless isotropic ones take a fitted rational function of the
        field's square (error below 1e-6 of the signal); others are asked themselves.
    iron
        kg; 1 unless stated.
    patch
        which period of the sequence.
    bins
        0-based rFFT bins to keep, ascending; all unless stated.
    resolution
        samples, precision and threads.
    progress
        told how many positions are done.

    Returns
    -------
        shape (n, channel, bin), V, unnormalised rFFT of a period of the receiver's samples;
        complex64 in single precision.

    Raises
    ------
    DataError
        if a bin lies beyond the samples, or as the fields and the model say.

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 2 (reciprocity).
    """
    places = np.asarray(positions, dtype=np.float64)
    setup = _prepare(scanner, model, places, patch=patch, resolution=resolution)
    kept = _checked_bins(scanner, bins, setup.waves.shape[1])
    scale = iron * scanner.sequence.n_samples / setup.waves.shape[1] * model.moment_per_iron
    kind = np.complex64 if setup.is_single else np.complex128
    gain = (scanner.gain()[:, kept] * scale).astype(kind)
    result = np.empty((len(places), scanner.n_channels, len(kept)), dtype=kind)
    selected = slice(kept[0], kept[-1] + 1) if np.all(np.diff(kept) == 1) else kept

    def work(block: slice) -> int:
        from scipy.fft import rfft

        spectra = rfft(setup.moments(block), axis=-1, overwrite_x=True)
        np.multiply(spectra[..., selected], gain, out=result[block])
        return int(block.stop)

    for done in run_blocks(work, position_blocks(len(places)), resolution.threads):
        if progress is not None:
            progress(done, len(places))
    return result


def sufficient_samples(
    scanner: Scanner,
    probes: NDArray[np.float64],
    model: ParticleModel,
    *,
    max_bin: int,
    tolerance: float = 1e-4,
    patch: int = 0,
) -> int:
    r"""Return the fewest samples of a period whose aliasing stays below a bound.

    With n samples, bin k receives what belongs to bins n - k and n + k as well. Of the numbers
    2^a 3^b 5^c (fast transforms) this is the first from twice `max_bin` on with

    .. math:: |g_k| (|m_{n-k}| + |m_{n+k}|) \le \varepsilon \max_j |g_j m_j|

    for every k up to `max_bin`, every channel and probe; m is the moment's spectrum from twice
    the receiver's samples, g the receive chain's gain.

    Parameters
    ----------
    scanner, model, patch
        as `simulate_spectra`.
    probes
        shape (n, 3), LPS, m: places all over what is to be simulated. The bound holds there;
        between them aliasing was found up to six times as large (27 places in a 3-D bore).
    max_bin
        highest bin kept.
    tolerance
        of a probe's strongest bin up to `max_bin`.

    Returns
    -------
        samples; those of the receiver where no smaller number does.

    Raises
    ------
    DataError
        if `max_bin` is no bin of the receiver.
    """
    own = scanner.sequence.n_samples
    resolution = Resolution(samples=_OVERSAMPLING * own)
    setup = _prepare(scanner, model, np.asarray(probes), patch=patch, resolution=resolution)
    if not 0 < max_bin < scanner.n_bins:
        raise DataError(f"max_bin {max_bin} is no bin of 1 to {scanner.n_bins - 1}")
    bins = np.arange(max_bin + 1)
    gain = np.abs(scanner.gain()[:, bins])
    candidates = _smooth_numbers(2 * max_bin + 2, own)
    for block in position_blocks(len(probes)):
        moments = np.abs(np.fft.rfft(setup.moments(block), axis=-1))
        bound = tolerance * (gain * moments[..., bins]).max(axis=(1, 2), keepdims=True)
        while candidates and np.any(gain * _folded(moments, bins, candidates[0]) > bound):
            candidates.pop(0)
    return candidates[0] if candidates else own


def strongest_bins(
    scanner: Scanner,
    probes: NDArray[np.float64],
    model: ParticleModel,
    *,
    bins: NDArray[np.int64],
    count: int,
    patch: int = 0,
    resolution: Resolution = STANDARD,
) -> NDArray[np.int64]:
    """Return the bins that carry most of the signal: a calibration without rows nobody can use.

    Parameters
    ----------
    scanner, model, patch, resolution
        as `simulate_spectra`.
    probes
        shape (n, 3), LPS, m: places all over what is to be simulated.
    bins
        to choose from, ascending.
    count
        how many to keep.

    Returns
    -------
        shape (count,), ascending: those of the largest energy over all probes and channels.

    Raises
    ------
    DataError
        if there are not as many bins.
    """
    if not 0 < count <= len(bins):
        raise DataError(f"{count} of {len(bins)} bins cannot be chosen")
    found = simulate_spectra(scanner, probes, model, patch=patch, bins=bins, resolution=resolution)
    energy = np.sum(np.abs(found) ** 2, axis=(0, 1))
    order = np.argsort(-energy, kind="stable")
    chosen: NDArray[np.int64] = np.sort(np.asarray(bins)[order[:count]])
    return chosen


def _folded(
    moments: NDArray[np.float64], bins: NDArray[np.int64], samples: int
) -> NDArray[np.float64]:
    """Return how much of other bins `samples` samples put on `bins`, at most."""
    folded = moments[..., samples - bins].copy()
    above = samples + bins
    inside = above < moments.shape[-1]
    folded[..., inside] += moments[..., above[inside]]
    return folded


def _smooth_numbers(low: int, high: int) -> list[int]:
    """Return even numbers from `low` to below `high` with no prime factor above 5, ascending."""
    numbers = {
        2**a * 3**b * 5**c
        for a in range(1, high.bit_length() + 1)
        for b in range(high.bit_length())
        for c in range(high.bit_length())
    }
    return sorted(n for n in numbers if low <= n < high)


def simulate_signal(
    scanner: Scanner,
    positions: NDArray[np.float64],
    iron: NDArray[np.float64],
    model: ParticleModel,
    *,
    patch: int = 0,
    resolution: Resolution = STANDARD,
) -> NDArray[np.complex128]:
    """Return the spectrum of all iron together: one Fourier transform, however many positions.

    Parameters
    ----------
    scanner, model, patch, resolution
        as `simulate_spectra`.
    positions
        shape (n, 3), LPS, m.
    iron
        shape (n,), kg at each.

    Returns
    -------
        shape (channel, bin), V, all bins of the receiver.

    Raises
    ------
    DataError
        if `iron` does not fit the positions or has fewer samples than the receiver.
    """
    places, amounts = np.asarray(positions, dtype=np.float64), np.asarray(iron, dtype=np.float64)
    if amounts.shape != places.shape[:1] or not np.isfinite(amounts).all():
        raise DataError(
            f"iron has shape {amounts.shape}, expected finite kg at {len(places)} positions"
        )
    setup = _prepare(scanner, model, places, patch=patch, resolution=resolution)
    kept = _checked_bins(scanner, None, setup.waves.shape[1])

    def work(block: slice) -> NDArray[np.float64]:
        seen = setup.moments(block)
        return np.tensordot(amounts[block], seen.astype(np.float64), axes=1)

    total = np.zeros((scanner.n_channels, setup.waves.shape[1]))
    for part in run_blocks(work, position_blocks(len(places)), resolution.threads):
        total += part
    scale = scanner.sequence.n_samples / total.shape[1] * model.moment_per_iron
    spectrum: NDArray[np.complex128] = np.fft.rfft(total)[:, kept] * scanner.gain() * scale
    return spectrum


def _prepare(
    scanner: Scanner,
    model: ParticleModel,
    positions: NDArray[np.float64],
    *,
    patch: int,
    resolution: Resolution,
) -> _Setup:
    """Return fields of every position, with the model's curve fitted as far as they reach."""
    if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions):
        raise DataError(f"positions have shape {positions.shape}, expected (n, 3), LPS, m")
    samples = resolution.samples or scanner.sequence.n_samples
    drive = scanner.sequence.drive_field
    waves = drive_waveform(drive, samples)
    static, coils, receive = scanner.fields(positions, patch=patch)
    interval = float(drive.cycle / samples)
    if not isinstance(model, MemorylessModel):
        return _Setup(model, static, coils, waves, receive, None, interval)
    strongest = np.linalg.norm(coils, axis=2) @ np.abs(waves).max(axis=1)
    reach = max(1.001 * float(np.max(np.linalg.norm(static, axis=1) + strongest)), 1e-9)
    curve = fit_rational_curve(model.curve, reach=reach)
    kind = np.float32 if resolution.single and curve.fits_single else np.float64

    def cast(values: NDArray[np.float64]) -> Real:
        return np.ascontiguousarray(values, dtype=kind)

    # b = B / reach, so M = (M / B)(b^2) * B: the reach returns with the sensitivity.
    return _Setup(
        model,
        cast(static / reach),
        cast(coils / reach),
        cast(waves),
        cast(receive * reach),
        (cast(curve.numerator), cast(curve.denominator)),
        interval,
    )


def _checked_bins(
    scanner: Scanner, bins: NDArray[np.int64] | None, samples: int
) -> NDArray[np.int64]:
    kept = np.arange(scanner.n_bins) if bins is None else np.asarray(bins, dtype=np.int64)
    top = min(scanner.n_bins, samples // 2 + 1)
    if not kept.size or kept[0] < 0 or kept[-1] >= top or np.any(np.diff(kept) <= 0):
        raise DataError(
            f"bins must ascend within 0 to {top - 1} ({samples} samples of a period give no "
            f"more; the receiver has {scanner.n_bins} bins)"
        )
    return kept


def position_blocks(n: int) -> list[slice]:
    """Return slices of a few positions that together are `n`."""
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]


def run_blocks(work: Callable[[slice], T], blocks: list[slice], threads: int) -> Iterator[T]:
    """Yield the results of `work` in the order of `blocks`, from one thread or several."""
    if threads == 1:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, blocks)
