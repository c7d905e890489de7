"""Magnetic particle spectrometer: harmonics of a sine field, and particle sizes from them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.physics.curve_fits import CurveFit, Residuals, fit_curve, profile_interval
from sojourn.physics.particle_models import Equilibrium, ParticleModel
from sojourn.physics.particles import TracerParticles

PARAMETERS = ("log_iron", "log_diameter", "spread")
"""Of the fit: ln of the iron in kg, ln of the median core diameter in m, dimensionless."""

ModelMaker = Callable[[TracerParticles], ParticleModel]

_SAMPLES = 128
_LOWER = np.array([-80.0, np.log(2e-9), 1e-3])
_UPPER = np.array([20.0, np.log(100e-9), 1.0])
_POOR_FIT = 1e-3


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


class SpectrumFitSettings(BaseModel):
    """How a spectrum is fitted.

    `core_saturation_a_per_m` of the material: the spectrum fixes moments, a diameter is as
    certain as this. `level` of intervals. `widest_factor`: a median diameter whose interval is
    wider than this factor, or a spread whose interval reaches a bound, is not identifiable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    core_saturation_a_per_m: float = Field(default=380e3, gt=0)
    level: float = Field(default=0.95, gt=0, lt=1)
    widest_factor: float = Field(default=1.5, gt=1)


@dataclass(frozen=True, slots=True)
class SpectrumFit:
    """One lognormal population behind a spectrum, weighted by iron mass, if it is identifiable.

    `iron` of harmonics above the first is that of cores large enough to give any: small cores
    add to the first harmonic alone, and are not counted otherwise. `intervals`: profile
    likelihood, for `PARAMETERS`. `not_identifiable` says why the particles must not be used;
    `warnings` what else to know.
    """

    fit: CurveFit
    settings: SpectrumFitSettings
    intervals: tuple[tuple[float, float], ...]
    p_value: float
    not_identifiable: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_identifiable(self) -> bool:
        """Whether these data bound the particles."""
        return not self.not_identifiable

    @property
    def particles(self) -> TracerParticles:
        """The particles found; raises DataError where they are not identifiable."""
        if self.not_identifiable:
            raise DataError(
                "the particles are not identifiable from this spectrum: "
                + "; ".join(self.not_identifiable)
            )
        return _particles(self.fit.values, self.settings)

    def estimate(self, name: str) -> Estimate:
        """Return "iron" (kg), "median_diameter" (m) or "spread" (1) with its interval."""
        places = {"iron": (0, "kg"), "median_diameter": (1, "m"), "spread": (2, "1")}
        if name not in places:
            raise DataError(f"no parameter is named {name!r}; there are {', '.join(places)}")
        index, unit = places[name]
        numbers = (float(self.fit.values[index]), *self.intervals[index])
        value, lower, upper = numbers if name == "spread" else (float(np.exp(x)) for x in numbers)
        return Estimate(
            value=value,
            unit=unit,
            lower=min(lower, value),
            upper=max(upper, value),
            level=self.settings.level,
            method="maximum likelihood of harmonics, profile likelihood",
            n=self.fit.n_residuals,
            notes=self.not_identifiable + self.warnings,
        )


def _particles(parameters: NDArray[np.float64], settings: SpectrumFitSettings) -> TracerParticles:
    return TracerParticles(
        (1.0,),
        (float(np.exp(parameters[1])),),
        (float(parameters[2]),),
        settings.core_saturation_a_per_m,
    )


def spectrum_residuals(
    spectrum: Spectrum, make_model: ModelMaker, settings: SpectrumFitSettings
) -> Residuals:
    """Return the function from parameters (`PARAMETERS`) to residuals that is fitted.

    Parameters
    ----------
    spectrum
        what was measured.
    make_model
        from particles to the model of their magnetization.
    settings
        core saturation.

    Returns
    -------
        function of parameters (3,) to real and imaginary residuals (2 a h,) in standard errors.
    """

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        model = make_model(_particles(parameters, settings))
        expected = simulate_harmonics(
            model,
            spectrum.amplitudes,
            frequency=spectrum.frequency,
            harmonics=spectrum.harmonics,
        )
        scale = float(np.exp(parameters[0])) * model.moment_per_iron
        rest = (scale * expected - spectrum.moments) / spectrum.standard_errors
        return np.concatenate((rest.real.ravel(), rest.imag.ravel()))

    return residuals


def fit_spectrum(
    spectrum: Spectrum,
    *,
    make_model: ModelMaker = Equilibrium,
    settings: SpectrumFitSettings | None = None,
) -> SpectrumFit:
    """Find iron, median diameter and spread by maximum likelihood (Gaussian noise).

    Parameters
    ----------
    spectrum
        several amplitudes; at one, size and amount are hardly told apart.
    make_model
        from particles to the model of their magnetization; equilibrium unless stated.
    settings
        core saturation, level, and what counts as identifiable.

    Returns
    -------
        parameters with covariance and profile intervals; flagged where the data do not bound them.

    Raises
    ------
    DataError
        if there are not more data than parameters.

    References
    ----------
    Eberbeck et al., Appl. Phys. Lett. 98 (2011) 182502; Venzon and Moolgavkar 1988 (intervals).
    """
    from scipy.special import chdtrc

    settings = settings or SpectrumFitSettings()
    residuals = spectrum_residuals(spectrum, make_model, settings)
    fits = [
        fit_curve(
            residuals,
            _first_guess(spectrum, make_model, settings, diameter),
            names=PARAMETERS,
            lower=_LOWER,
            upper=_UPPER,
            errors_known=True,
        )
        for diameter in (8e-9, 16e-9, 28e-9)
    ]
    best = min(fits, key=lambda fit: fit.chi_square)
    intervals = tuple(
        profile_interval(residuals, best, name, level=settings.level) for name in PARAMETERS
    )
    p_value = float(chdtrc(best.degrees_of_freedom, best.chi_square))
    notes = () if best.is_converged else ("the search for the best fit did not end",)
    poor = f"the fit is poor (reduced chi-square {best.scale:.3g}): not one lognormal of this model"
    return SpectrumFit(
        fit=best,
        settings=settings,
        intervals=intervals,
        p_value=p_value,
        not_identifiable=notes + _unbounded(intervals, settings),
        warnings=(poor,) if p_value < _POOR_FIT else (),
    )


def _first_guess(
    spectrum: Spectrum, make_model: ModelMaker, settings: SpectrumFitSettings, diameter: float
) -> NDArray[np.float64]:
    """Return parameters of this diameter with the amount that fits best."""
    guess = np.array([0.0, np.log(diameter), 0.25])
    expected = spectrum_residuals(spectrum, make_model, settings)(guess)
    none = spectrum_residuals(spectrum, make_model, settings)(np.array([-80.0, *guess[1:]]))
    unit = expected - none
    amount = -float(unit @ none) / float(unit @ unit)
    guess[0] = np.log(max(amount, 1e-25))
    return guess


def _unbounded(
    intervals: tuple[tuple[float, float], ...], settings: SpectrumFitSettings
) -> tuple[str, ...]:
    notes = []
    (_, _), (low, high), (narrow, wide) = intervals
    if not high - low <= np.log(settings.widest_factor):
        notes.append(
            f"the median diameter may lie anywhere from {1e9 * np.exp(low):.3g} to "
            f"{1e9 * np.exp(high):.3g} nm: measure at more, and at higher, amplitudes"
        )
    if wide >= _UPPER[2] or (narrow <= _LOWER[2] and wide > 0.3):
        notes.append(f"the spread may lie anywhere from {narrow:.2g} to {wide:.2g}")
    return tuple(notes)
