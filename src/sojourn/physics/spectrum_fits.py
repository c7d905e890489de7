"""Particle sizes from the harmonics of a spectrometer, or why they cannot be told."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.physics.curve_fits import CurveFit, Residuals, fit_curve, profile_interval
from sojourn.physics.particle_models import Equilibrium, ParticleModel
from sojourn.physics.particles import TracerParticles
from sojourn.physics.spectrometer import Spectrum, simulate_harmonics

PARAMETERS = ("log_iron", "log_diameter", "spread", "log_small_iron")
"""Of the fit: ln of the iron in kg, ln of the median core diameter in m, log standard deviation;
and, where small cores are stated, ln of their iron in kg."""

ModelMaker = Callable[[TracerParticles], ParticleModel]

_LOWER = np.array([-80.0, np.log(2e-9), 1e-3, -80.0])
_UPPER = np.array([20.0, np.log(100e-9), 1.0, 20.0])
_POOR_FIT = 1e-3


class SmallCores(BaseModel):
    """A second lognormal population of known size and unknown amount: weighted by iron mass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    median_diameter_nm: float = Field(gt=0)
    spread: float = Field(gt=0)


class SpectrumFitSettings(BaseModel):
    """How a spectrum is fitted.

    `small_cores`: known from elsewhere (electron microscopy), their amount is fitted; without them
    everything is one lognormal. `core_saturation_a_per_m` of the material: the spectrum fixes
    moments, a diameter is as certain as this. `level` of intervals. `widest_factor`: a median
    diameter whose interval is wider than this factor, or a spread whose interval reaches a bound,
    is not identifiable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    small_cores: SmallCores | None = None
    core_saturation_a_per_m: float = Field(default=380e3, gt=0)
    level: float = Field(default=0.95, gt=0, lt=1)
    widest_factor: float = Field(default=1.5, gt=1)


@dataclass(frozen=True, slots=True)
class SpectrumFit:
    """The population behind a spectrum, weighted by iron mass, if it is identifiable.

    Its iron is that of cores large enough to give harmonics: smaller ones add to the first
    harmonic alone, and are not counted otherwise. `intervals`: profile
    likelihood, one for each. `not_identifiable` says why the particles must not be used;
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
        large = _particles(self.fit.values, self.settings)
        small = _small_particles(self.settings)
        if small is None:
            return large
        amounts = np.exp(self.fit.values[[0, 3]])
        shares = amounts / amounts.sum()
        return TracerParticles(
            (float(shares[0]), float(shares[1])),
            large.diameters + small.diameters,
            large.spreads + small.spreads,
            large.saturation,
        )

    def estimate(self, name: str) -> Estimate:
        """Return one number with its interval.

        "iron" (kg), "median_diameter" (m), "spread" (1), or "small_iron" (kg) if fitted.
        """
        places = {"iron": (0, "kg"), "median_diameter": (1, "m"), "spread": (2, "1")}
        if self.settings.small_cores is not None:
            places["small_iron"] = (3, "kg")
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


def _small_particles(settings: SpectrumFitSettings) -> TracerParticles | None:
    if (small := settings.small_cores) is None:
        return None
    diameter = 1e-9 * small.median_diameter_nm
    return TracerParticles((1.0,), (diameter,), (small.spread,), settings.core_saturation_a_per_m)


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
        core saturation and small cores.

    Returns
    -------
        function of parameters (3,), with small cores (4,), to real and imaginary residuals
        (2 a h,) in standard errors.
    """

    def moments(particles: TracerParticles) -> NDArray[np.complex128]:
        model = make_model(particles)
        return model.moment_per_iron * simulate_harmonics(
            model,
            spectrum.amplitudes,
            frequency=spectrum.frequency,
            harmonics=spectrum.harmonics,
        )

    small = _small_particles(settings)
    of_small = None if small is None else moments(small)

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = float(np.exp(parameters[0])) * moments(_particles(parameters, settings))
        if of_small is not None:
            expected = expected + float(np.exp(parameters[3])) * of_small
        rest = (expected - spectrum.moments) / spectrum.standard_errors
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
    fitted = 3 if settings.small_cores is None else 4
    fits = [
        fit_curve(
            residuals,
            _first_guess(residuals, diameter, fitted),
            names=PARAMETERS[:fitted],
            lower=_LOWER[:fitted],
            upper=_UPPER[:fitted],
            errors_known=True,
        )
        for diameter in (8e-9, 16e-9, 28e-9)
    ]
    best = min(fits, key=lambda fit: fit.chi_square)
    intervals = tuple(
        profile_interval(residuals, best, name, level=settings.level) for name in best.names
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


def _first_guess(residuals: Residuals, diameter: float, fitted: int) -> NDArray[np.float64]:
    """Return parameters of this diameter with the amounts that fit best."""
    guess = np.array([-80.0, np.log(diameter), 0.25, -80.0])[:fitted]
    none = residuals(guess)
    amounts = [0, 3][: fitted - 2]
    units = []
    for place in amounts:
        one = guess.copy()
        one[place] = 0.0
        units.append(residuals(one) - none)
    found = np.linalg.lstsq(np.stack(units, axis=1), -none, rcond=None)[0]
    guess[amounts] = np.log(np.maximum(found, 1e-3 * np.abs(found).max() + 1e-25))
    return guess


def _unbounded(
    intervals: tuple[tuple[float, float], ...], settings: SpectrumFitSettings
) -> tuple[str, ...]:
    notes = []
    (low, high), (narrow, wide) = intervals[1:3]
    if not high - low <= np.log(settings.widest_factor):
        notes.append(
            f"the median diameter may lie anywhere from {1e9 * np.exp(low):.3g} to "
            f"{1e9 * np.exp(high):.3g} nm: measure at more, and at higher, amplitudes"
        )
    if wide >= _UPPER[2] or (narrow <= _LOWER[2] and wide > 0.3):
        notes.append(f"the spread may lie anywhere from {narrow:.2g} to {wide:.2g}")
    return tuple(notes)
