"""Magnetic particle spectrometer: harmonics of the moment in a sine field."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.particle_models import ParticleModel

_SAMPLES = 128


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Moments measured in a sine field, by amplitude and harmonic.

    `amplitudes` (a,), T, of B(t) = amplitude cos(2 pi f t) with `frequency` f in Hz. `harmonics`
    (h,), from 1. `moments` (a, h): complex Fourier coefficients of the moment in A m^2, so that
    the moment is the sum of |c| cos(2 pi h f t + arg c). `standard_errors` (a, h): of the real
    and of the imaginary part, in A m^2.

    Raises
    ------
    DataError
        if shapes do not fit or numbers are out of range.
    """

    amplitudes: NDArray[np.float64]
    frequency: float
    harmonics: NDArray[np.int64]
    moments: NDArray[np.complex128]
    standard_errors: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = (len(self.amplitudes), len(self.harmonics))
        if self.moments.shape != shape or self.standard_errors.shape != shape:
            raise DataError(
                f"moments {self.moments.shape} and errors {self.standard_errors.shape} must have "
                f"shape (amplitude, harmonic) = {shape}"
            )
        if not (np.all(self.amplitudes > 0) and np.all(self.harmonics >= 1) and self.frequency > 0):
            raise DataError("amplitudes, harmonics and frequency must be positive")
        if not (np.all(self.standard_errors > 0) and np.all(np.isfinite(self.moments))):
            raise DataError("standard errors must be positive and moments finite")
        for name in ("amplitudes", "harmonics", "moments", "standard_errors"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def simulate_harmonics(
    model: ParticleModel,
    amplitudes: NDArray[np.float64],
    *,
    frequency: float,
    harmonics: NDArray[np.int64],
    samples: int = _SAMPLES,
) -> NDArray[np.complex128]:
    """Return the Fourier coefficients of the magnetization in sine fields along one axis.

    Parameters
    ----------
    model
        of the particles.
    amplitudes
        shape (a,), T: the field is amplitude * cos(2 pi frequency t).
    frequency
        in Hz.
    harmonics
        shape (h,), from 1, below `samples` / 2.
    samples
        of a period; what lies above half of it is aliased.

    Returns
    -------
        shape (a, h), relative to saturation: the magnetization is the sum of
        |c| cos(2 pi h f t + arg c).

    Raises
    ------
    DataError
        if a harmonic is out of range.

    References
    ----------
    Biederer et al., J. Phys. D 42 (2009) 205007 (the spectrometer).
    """
    if np.any(harmonics < 1) or np.any(2 * harmonics >= samples):
        raise DataError(f"harmonics {harmonics} must lie from 1 to below {samples // 2}")
    field = np.zeros((len(amplitudes), samples, 3))
    phase = 2 * np.pi * np.arange(samples) / samples
    field[:, :, 0] = amplitudes[:, None] * np.cos(phase)
    moments = model.magnetization(field, interval=1 / (frequency * samples))[..., 0]
    spectrum: NDArray[np.complex128] = 2 * np.fft.rfft(moments, axis=-1)[:, harmonics] / samples
    return spectrum


def simulate_spectrum(
    model: ParticleModel,
    template: Spectrum,
    *,
    iron: float,
    rng: np.random.Generator,
) -> Spectrum:
    """Return a SIMULATED spectrum of `iron` kg with Gaussian noise of the template's errors.

    Parameters
    ----------
    model
        of the particles.
    template
        gives amplitudes, harmonics and standard errors; its moments are not used.
    iron
        in kg.
    rng
        source of the noise.

    Returns
    -------
        the template with moments of the model.
    """
    clean = (
        iron
        * model.moment_per_iron
        * simulate_harmonics(
            model,
            template.amplitudes,
            frequency=template.frequency,
            harmonics=template.harmonics,
        )
    )
    noise = rng.normal(size=(2, *clean.shape)) * template.standard_errors
    return Spectrum(
        amplitudes=template.amplitudes,
        frequency=template.frequency,
        harmonics=template.harmonics,
        moments=clean + noise[0] + 1j * noise[1],
        standard_errors=template.standard_errors,
    )
