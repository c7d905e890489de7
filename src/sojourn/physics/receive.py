"""The receive chain: induction, filter, noise, and a background that drifts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.physics.fields import CYCLES_PER_PERIOD, KneeScanner

CHANNEL_GAIN = np.array([1.0 * np.exp(0.3j), 0.9 * np.exp(0.2j), 1.1 * np.exp(-0.1j)])
"""Complex amplification of the x, y and z channels, constant over frequency [assumption]."""

STOP_BAND_ATTENUATION = 1e-4
"""80 dB up to just above the highest drive frequency, as an analogue filter does [assumption]."""

PASS_BAND_START = 1.3
"""Pass band from this multiple of the highest drive frequency [assumption]."""


def transfer_function(scanner: KneeScanner) -> NDArray[np.complex128]:
    """Return what the chain makes of a sample's moment: received voltage / (A m^2).

    A moment m induces -sensitivity * dm/dt (reciprocity), the filter removes the drive
    frequencies and all below (and the last bin, which aliases), the amplifier multiplies by a
    constant of each channel.

    Returns
    -------
        shape (channel, bin), V/(A m^2), to multiply the rFFT of the moment with.

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 2 (reciprocity).
    """
    frequency = scanner.frequencies()
    highest = max(CYCLES_PER_PERIOD) / scanner.drive_field.cycle
    stopped = frequency < PASS_BAND_START * highest
    filtered = np.where(stopped, STOP_BAND_ATTENUATION, 1.0)
    filtered[-1] = 0.0
    induced = -scanner.sensitivity * 2j * np.pi * frequency * filtered
    transfer: NDArray[np.complex128] = CHANNEL_GAIN[:, None] * induced
    return transfer


@dataclass(frozen=True, slots=True)
class Interference:
    """What is received without any tracer; voltages of one sample after averaging a frame.

    `noise`: white, standard deviation of a sample, V. `offset`: feed-through of the drive's
    distortion, root mean square of a bin before the rFFT's sum, V. `warming`: share of the offset
    by which it changes while the amplifier warms up, with `warming_time` (s). `wander`: random
    walk of each bin, V per square root of a minute.
    """

    noise: float = 3.0e-6
    offset: float = 2.0e-6
    warming: float = 0.3
    warming_time: float = 480.0
    wander: float = 5.0e-8


QUIET_ROOM = Interference()
"""Chosen so that 50 to 1000 ug of iron have signal-to-noise ratios of tens to hundreds in
their strongest frequency of one frame, and the empty bore's drift over a scan is some percent of a
small signal, as measured on a human-size scanner (choice of background changed a summed signal by
5 to 10 %) [assumption]. Warming time: 8 min [assumption]."""


def simulate_interference(
    times: NDArray[np.float64],
    scanner: KneeScanner,
    interference: Interference,
    rng: np.random.Generator,
) -> NDArray[np.complex128]:
    """Return the spectra of an empty bore, one frame at each time.

    Parameters
    ----------
    times
        start of each frame, s since switching on, rising, shape (frame,).
    scanner
        gives channels and bins.
    interference
        size and speed of each part.
    rng
        source of the noise, of the offset's pattern and of its wandering.

    Returns
    -------
        shape (frame, channel, bin), V, unnormalised rFFT of a period.
    """
    bins = (3, scanner.n_bins)
    scale = scanner.n_samples
    falling = 1.0 / (1.0 + np.arange(scanner.n_bins) / (3.0 * max(CYCLES_PER_PERIOD)))
    pattern = _complex_normal(bins, rng) * falling
    change = _complex_normal(bins, rng) * falling
    warmth = 1.0 - np.exp(-times / interference.warming_time)
    offset = interference.offset * scale
    steady = offset * (pattern + interference.warming * warmth[:, None, None] * change)
    minutes = np.diff(times, prepend=times[:1]) / 60.0
    steps = _complex_normal((times.size, *bins), rng) * np.sqrt(minutes)[:, None, None]
    walk = interference.wander * scale * np.cumsum(steps, axis=0)
    noise = interference.noise * np.sqrt(scale) * _complex_normal((times.size, *bins), rng)
    total: NDArray[np.complex128] = steady + walk + noise
    total.imag[..., [0, -1]] = 0.0
    return total


def _complex_normal(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.complex128]:
    """Return circular complex normal numbers of variance 1."""
    parts = rng.standard_normal((2, *shape)) / np.sqrt(2.0)
    numbers: NDArray[np.complex128] = parts[0] + 1j * parts[1]
    return numbers
