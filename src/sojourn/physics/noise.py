"""Noise and drift of a receive chain, each with its closed-form spectrum or variance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.langevin import BOLTZMANN

ROOM_TEMPERATURE = 295.15
"""K [assumption]."""


@dataclass(frozen=True, slots=True)
class ReceiverNoise:
    r"""White and 1/f noise at a receiver's input, as a one-sided power spectral density.

    .. math:: S(f) = 4 k_B T R + e^2 (1 + f_c / f)

    `resistance` R of the receive coil, ohm, at `temperature` T, K. `amplifier` e: white voltage
    noise, V per root hertz. `corner` f_c, Hz: where the amplifier's 1/f noise equals its white.

    Raises
    ------
    DataError
        if a number is negative or the temperature is not positive.

    References
    ----------
    Nyquist, Physical Review 32 (1928) 110 (thermal noise).
    """

    resistance: float = 0.0
    amplifier: float = 0.0
    corner: float = 0.0
    temperature: float = ROOM_TEMPERATURE

    def __post_init__(self) -> None:
        if min(self.resistance, self.amplifier, self.corner) < 0 or not self.temperature > 0:
            raise DataError(
                f"resistance {self.resistance} ohm, amplifier noise {self.amplifier} V/sqrt(Hz), "
                f"corner {self.corner} Hz must not be negative, temperature {self.temperature} K "
                "positive"
            )

    @property
    def thermal(self) -> float:
        """Thermal noise of the coil, V per root hertz."""
        return thermal_noise(self.resistance, bandwidth=1.0, temperature=self.temperature)

    def density(self, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return S(f), V^2/Hz, at `frequencies` (any shape), Hz.

        Raises
        ------
        DataError
            if a frequency is not positive: 1/f noise has no value at 0.
        """
        f = np.asarray(frequencies, dtype=np.float64)
        if not (f > 0).all():
            raise DataError("a noise density is taken at frequencies above 0 Hz")
        return np.asarray(self.thermal**2 + self.amplifier**2 * (1.0 + self.corner / f))

    def root_mean_square(self, lowest: float, highest: float) -> float:
        r"""Return the noise in a band, V.

        .. math:: u^2 = (4 k_B T R + e^2)(f_2 - f_1) + e^2 f_c \ln(f_2 / f_1)

        `lowest` and `highest`: f_1 and f_2, Hz.

        Raises
        ------
        DataError
            if they are not positive and ascending.
        """
        if not 0 < lowest <= highest:
            raise DataError(f"a band ascends from above 0 Hz, got {lowest} to {highest} Hz")
        white = (self.thermal**2 + self.amplifier**2) * (highest - lowest)
        pink = self.amplifier**2 * self.corner * np.log(highest / lowest)
        return float(np.sqrt(white + pink))


def thermal_noise(
    resistance: float, *, bandwidth: float, temperature: float = ROOM_TEMPERATURE
) -> float:
    r"""Return the root-mean-square thermal noise voltage of a resistance.

    .. math:: u = \sqrt{4 k_B T R \Delta f}

    Parameters
    ----------
    resistance
        R, ohm.
    bandwidth
        Delta f, Hz.
    temperature
        T, K.

    Raises
    ------
    DataError
        if a number is negative.

    References
    ----------
    Nyquist, Physical Review 32 (1928) 110.

    Examples
    --------
    >>> round(1e9 * thermal_noise(1000.0, bandwidth=1.0, temperature=300.0), 2)  # nV
    4.07
    """
    if min(resistance, bandwidth, temperature) < 0:
        raise DataError(
            f"resistance {resistance} ohm, bandwidth {bandwidth} Hz and temperature {temperature} "
            "K must not be negative"
        )
    return float(np.sqrt(4 * BOLTZMANN * temperature * resistance * bandwidth))


def bin_variance(
    noise: ReceiverNoise, *, n_samples: int, cycle: float, n_averages: int = 1
) -> NDArray[np.float64]:
    r"""Return the variance of every bin of an unnormalised rFFT of noise.

    .. math:: E |X_k|^2 = \frac{V^2}{2 T n} S(f_k)

    Parameters
    ----------
    noise
        its density; that of the first bin stands for bin 0 too, where 1/f noise has no value.
    n_samples
        V in a period.
    cycle
        T of the period, s.
    n_averages
        n periods averaged.

    Returns
    -------
        shape (n_samples // 2 + 1,), V^2: that of real and imaginary part together.

    Raises
    ------
    DataError
        if a number is not positive.

    References
    ----------
    Press et al., Numerical Recipes, section 13.4: normalisation of the periodogram.
    """
    if n_samples < 2 or n_averages < 1 or not cycle > 0:
        raise DataError(
            f"{n_samples} samples, {n_averages} averages and a period of {cycle} s must be positive"
        )
    bins = np.arange(n_samples // 2 + 1)
    frequencies = np.maximum(bins, 1) / cycle
    variance: NDArray[np.float64] = (
        noise.density(frequencies) * n_samples**2 / (2.0 * cycle * n_averages)
    )
    return variance


def simulate_noise_spectra(
    noise: ReceiverNoise,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    n_samples: int,
    cycle: float,
    n_averages: int = 1,
) -> NDArray[np.complex128]:
    """Return spectra of noise alone.

    Parameters
    ----------
    noise
        its density.
    shape
        such as (frame, channel); all are independent: what is slower than a period is drift.
    rng
        source of the noise.
    n_samples, cycle, n_averages
        as for `bin_variance`.

    Returns
    -------
        shape (*shape, bin), V, unnormalised rFFT: circular, but real in bin 0 and in the last of an
        even number of samples.
    """
    deviation = np.sqrt(
        bin_variance(noise, n_samples=n_samples, cycle=cycle, n_averages=n_averages)
    )
    parts = rng.standard_normal((2, *shape, len(deviation)))
    real = [0, -1] if n_samples % 2 == 0 else [0]
    parts[1][..., real] = 0.0
    parts[0][..., real] *= np.sqrt(2.0)
    spectra: NDArray[np.complex128] = (parts[0] + 1j * parts[1]) * (deviation / np.sqrt(2.0))
    return spectra


def simulate_noise(
    noise: ReceiverNoise, n_samples: int, rng: np.random.Generator, *, interval: float
) -> NDArray[np.float64]:
    """Return a noise voltage over time, shape (n_samples,), V, samples `interval` s apart.

    One stretch with the density of `noise` down to 1 / (n_samples interval), of mean 0. It closes
    in on itself, so use a part of a longer stretch where that matters.
    """
    cycle = n_samples * interval
    spectrum = simulate_noise_spectra(noise, (), rng, n_samples=n_samples, cycle=cycle)
    spectrum[0] = 0.0
    return np.fft.irfft(spectrum, n=n_samples)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the empty bore's signal changes from frame to frame.

    `walk`: random walk, V per root second. `warming`: what is left after long warming up, V, with
    `warming_time` (s). Both are amplitudes as received, not of the rFFT's sum.

    Raises
    ------
    DataError
        if an amplitude is negative or the time is not positive.
    """

    walk: float = 0.0
    warming: float = 0.0
    warming_time: float = 480.0

    def __post_init__(self) -> None:
        if min(self.walk, self.warming) < 0 or not self.warming_time > 0:
            raise DataError(
                f"walk {self.walk} V/sqrt(s) and warming {self.warming} V must not be negative, "
                f"warming_time {self.warming_time} s positive"
            )


def simulate_drift(
    times: NDArray[np.float64],
    drift: Drift,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> NDArray[np.complex128]:
    r"""Return a drifting complex amplitude, of every bin on its own.

    .. math:: d(t) = w\, W(t) + a\, (1 - e^{-t/\tau})\, e^{i \phi}

    with W a complex Wiener process, E |W(t)|^2 = t, from 0 at the first time, and one random
    phase phi for each of `shape`.

    Parameters
    ----------
    times
        of the frames, s since switching on, shape (frame,), rising, from 0 or above.
    drift
        w, a and tau.
    shape
        such as (channel, bin).
    rng
        source of the walk and of the phases.

    Returns
    -------
        shape (frame, *shape), V: amplitude of a sine. Times n_samples / 2 it is what an
        unnormalised rFFT shows in its bin.

    Raises
    ------
    DataError
        if the times do not rise from 0 or above.
    """
    moments = np.asarray(times, dtype=np.float64)
    if moments.ndim != 1 or moments.size == 0 or moments[0] < 0 or (np.diff(moments) < 0).any():
        raise DataError(f"times must rise from 0 s or above, got {moments.tolist()[:5]} ...")
    intervals = np.diff(moments, prepend=moments[:1])
    along = (len(moments), *(1 for _ in shape))
    parts = rng.standard_normal((2, len(moments), *shape)) / np.sqrt(2.0)
    steps = (parts[0] + 1j * parts[1]) * np.sqrt(intervals).reshape(along)
    phase = rng.uniform(0.0, 2 * np.pi, shape)
    warmth = (1.0 - np.exp(-moments / drift.warming_time)).reshape(along)
    walk = drift.walk * np.cumsum(steps, axis=0)
    return np.asarray(walk + drift.warming * warmth * np.exp(1j * phase), dtype=np.complex128)
