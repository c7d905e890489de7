"""Particles from a measured magnetization curve: Langevin, lognormal sizes, a linear term."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.physics.curve_fits import CurveFit, Residuals, fit_curve, profile_interval
from sojourn.physics.langevin import BOLTZMANN, VACUUM_PERMEABILITY, langevin_magnetization

PARAMETERS = ("saturation", "log_moment", "spread", "slope")
"""Of the fit: unit of the data; ln of the median moment in A m^2; dimensionless; unit / T."""

_WIDEST_SPREAD = 1.5
_NARROWEST_SPREAD = 1e-4
_STRONG_CORRELATION = 0.99
_LOOSE = 0.25
_POOR_FIT = 1e-3


class MagnetizationFitSettings(BaseModel):
    """How a magnetization curve is fitted; the first three have no default.

    `weighting`: "unweighted" gives every point the same error, estimated from the residuals;
    "standard_errors" divides by the stated ones. `temperature_k` of the sample.
    `core_saturation_a_per_m` turns moments into diameters: the curve itself fixes only the
    moment, so a diameter is as certain as this number. `nodes` of the average over sizes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weighting: Literal["unweighted", "standard_errors"]
    temperature_k: float = Field(gt=0)
    core_saturation_a_per_m: float = Field(gt=0)
    nodes: int = Field(default=40, ge=1)
    level: float = Field(default=0.95, gt=0, lt=1)


@dataclass(frozen=True, slots=True)
class MagnetizationCurve:
    """A measured curve: `flux_density` (n,), T (mu0 H), and `magnetization` (n,) in `unit`.

    `standard_errors` (n,) of the magnetization, or None where they are not known.

    Raises
    ------
    DataError
        if the lengths differ, a number is not finite or an error is not positive.
    """

    flux_density: NDArray[np.float64]
    magnetization: NDArray[np.float64]
    unit: str
    standard_errors: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        errors = np.ones(1) if self.standard_errors is None else self.standard_errors
        shape = self.flux_density.shape
        if self.magnetization.shape != shape or len(shape) != 1:
            raise DataError(f"field {shape} and magnetization {self.magnetization.shape} differ")
        if self.standard_errors is not None and errors.shape != shape:
            raise DataError(f"{errors.shape} standard errors for {shape} points")
        if not (np.all(np.isfinite(self.flux_density)) and np.all(np.isfinite(self.magnetization))):
            raise DataError("field or magnetization hold numbers that are not finite")
        if not (np.all(errors > 0) and np.all(np.isfinite(errors))):
            raise DataError("standard errors must be positive and finite")


@dataclass(frozen=True, slots=True)
class MagnetizationFit:
    """What a magnetization curve says of the particles, and what it does not (`warnings`).

    The lognormal is **weighted by magnetic moment**, which for one material is weighting by volume
    and by iron mass: `log_moment` and diameters are medians of that distribution. The number
    median is `number_median_diameter`. `p_value` of the goodness of fit, or None if unweighted.
    """

    fit: CurveFit
    settings: MagnetizationFitSettings
    curve: MagnetizationCurve
    p_value: float | None
    warnings: tuple[str, ...]

    @property
    def median_moment(self) -> float:
        """Median moment, weighted by moment, A m^2."""
        return float(np.exp(self.fit.value("log_moment")))

    @property
    def median_diameter(self) -> float:
        """Core diameter of the median moment at `core_saturation_a_per_m`, m."""
        volume = self.median_moment / self.settings.core_saturation_a_per_m
        return float(np.cbrt(6 * volume / np.pi))

    @property
    def number_median_diameter(self) -> float:
        """Median core diameter by number, m: Hatch and Choate, J. Franklin Inst. 207 (1929)."""
        return self.median_diameter * float(np.exp(-3 * self.fit.value("spread") ** 2))

    def estimate(self, name: str) -> Estimate:
        """Return one parameter with its profile-likelihood interval.

        `name`: one of `PARAMETERS`, or "median_diameter" (m, at the stated core saturation).
        """
        parameter = "log_moment" if name == "median_diameter" else name
        residuals = curve_residuals(self.curve, self.settings)
        lower, upper = profile_interval(residuals, self.fit, parameter, level=self.settings.level)
        value = self.fit.value(parameter)
        if name == "median_diameter":
            value, lower, upper = (_diameter(x, self.settings) for x in (value, lower, upper))
        unit = self.curve.unit
        units = {
            "saturation": unit,
            "log_moment": "ln(A m^2)",
            "spread": "1",
            "slope": f"{unit}/T",
            "median_diameter": "m",
        }
        method = f"least squares, {self.settings.weighting}, profile likelihood"
        return Estimate(
            value=value,
            unit=units[name],
            lower=min(lower, value),
            upper=max(upper, value),
            level=self.settings.level,
            method=method,
            n=self.fit.n_residuals,
            notes=self.warnings,
        )


def _diameter(log_moment: float, settings: MagnetizationFitSettings) -> float:
    volume = np.exp(log_moment) / settings.core_saturation_a_per_m
    return float(np.cbrt(6 * volume / np.pi))


def lognormal_magnetization(
    flux_density: NDArray[np.float64],
    *,
    median_moment: float,
    spread: float,
    temperature: float,
    nodes: int = 40,
) -> NDArray[np.float64]:
    """Return the Langevin magnetization of one lognormal population, relative to saturation.

    Parameters
    ----------
    flux_density
        shape (n,), T.
    median_moment
        median weighted by moment, A m^2, positive.
    spread
        log standard deviation of the diameter (a third of the moment's), not negative.
    temperature
        in K.
    nodes
        of the Gauss-Hermite quadrature.

    Returns
    -------
        shape (n,), within (-1, 1).

    References
    ----------
    Chantrell, Popplewell and Charles, IEEE Trans. Magn. 14 (1978) 975.
    """
    points, weights = np.polynomial.hermite.hermgauss(nodes)
    moments = median_moment * np.exp(3 * np.sqrt(2.0) * spread * points)
    field = flux_density[:, None] * (moments / median_moment) / VACUUM_PERMEABILITY
    curves = langevin_magnetization(field, moment=median_moment, temperature=temperature)
    return np.asarray(curves @ (weights / weights.sum()), dtype=np.float64)


def curve_residuals(curve: MagnetizationCurve, settings: MagnetizationFitSettings) -> Residuals:
    """Return the function from parameters (`PARAMETERS`) to residuals that is fitted.

    Parameters
    ----------
    curve
        what was measured.
    settings
        how it is weighted.

    Returns
    -------
        function of parameters (4,); residuals in the unit of the data, or in standard errors.

    Raises
    ------
    DataError
        if standard errors are asked for and there are none.
    """
    if settings.weighting == "standard_errors" and curve.standard_errors is None:
        raise DataError("weighting by standard errors needs them; the curve states none")
    errors = curve.standard_errors if settings.weighting == "standard_errors" else None

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        saturation, log_moment, spread, slope = parameters
        shape = lognormal_magnetization(
            curve.flux_density,
            median_moment=float(np.exp(log_moment)),
            spread=float(spread),
            temperature=settings.temperature_k,
            nodes=settings.nodes,
        )
        rest = saturation * shape + slope * curve.flux_density - curve.magnetization
        return np.asarray(rest if errors is None else rest / errors, dtype=np.float64)

    return residuals


def fit_magnetization(
    curve: MagnetizationCurve, settings: MagnetizationFitSettings
) -> MagnetizationFit:
    r"""Fit saturation, median moment, spread and linear term of a magnetization curve.

    .. math:: M(B) = M_s \int p(m) \, L(m B / k_B T) \, dm + b B

    p: lognormal, weighted by moment. Several first guesses are tried and the best end is kept.

    Parameters
    ----------
    curve
        what was measured; which branch to fit is the caller's choice.
    settings
        weighting, temperature and core saturation.

    Returns
    -------
        parameters with covariance, goodness of fit, and warnings of what is not identifiable.

    Raises
    ------
    DataError
        if there are fewer than five points, or errors are asked for and missing.

    References
    ----------
    Chantrell, Popplewell and Charles, IEEE Trans. Magn. 14 (1978) 975.
    """
    from scipy.special import chdtrc

    residuals = curve_residuals(curve, settings)
    top = float(np.max(np.abs(curve.magnetization)))
    reach = float(np.max(np.abs(curve.flux_density)))
    if not (top > 0 and reach > 0):
        raise DataError("field or magnetization is zero throughout")
    lowest = np.log(1e-3 * BOLTZMANN * settings.temperature_k / reach)
    highest = np.log(1e9 * BOLTZMANN * settings.temperature_k / reach)
    lower = np.array([0.0, lowest, _NARROWEST_SPREAD, -np.inf])
    upper = np.array([np.inf, highest, _WIDEST_SPREAD, np.inf])
    guesses = (
        np.array([top, np.log(x * BOLTZMANN * settings.temperature_k / reach), spread, 0.0])
        for x, spread in ((3.0, 0.2), (30.0, 0.4), (300.0, 0.2))
    )
    fits = [
        fit_curve(
            residuals,
            guess,
            names=PARAMETERS,
            lower=lower,
            upper=upper,
            errors_known=settings.weighting == "standard_errors",
        )
        for guess in guesses
    ]
    best = min(fits, key=lambda fit: fit.chi_square)
    weighted = settings.weighting == "standard_errors"
    p_value = float(chdtrc(best.degrees_of_freedom, best.chi_square)) if weighted else None
    notes = _warnings(best, reach / (BOLTZMANN * settings.temperature_k), p_value)
    return MagnetizationFit(best, settings, curve, p_value, notes)


def _warnings(fit: CurveFit, per_moment: float, p_value: float | None) -> tuple[str, ...]:
    notes = []
    errors = fit.standard_errors
    largest = per_moment * np.exp(fit.value("log_moment"))
    if not fit.is_converged:
        notes.append(
            "the data leave a flat valley in which the search for the best fit did not end"
        )
    if not (largest > 3 and errors[0] < _LOOSE * fit.value("saturation")):
        notes.append(
            f"the curve does not saturate (m B / kT = {largest:.2g} at most, standard error of the "
            f"saturation {errors[0]:.2g}): saturation, moment and slope are not told apart"
        )
    if not fit.value("spread") > 2 * errors[2]:
        notes.append("the spread of sizes is not told from zero: only its upper end holds")
    if fit.value("spread") > 0.99 * _WIDEST_SPREAD:
        notes.append(f"the spread of sizes reached its bound {_WIDEST_SPREAD}: not one lognormal")
    notes.extend(_correlation_notes(fit))
    if p_value is not None and p_value > 1 - _POOR_FIT:
        notes.append(
            f"the stated errors are larger than the scatter (chi-square {fit.chi_square:.3g} for "
            f"{fit.degrees_of_freedom} degrees of freedom): intervals are wider than need be"
        )
    if p_value is not None and p_value < _POOR_FIT:
        notes.append(
            f"the fit is poor (reduced chi-square {fit.scale:.3g}): the model or the stated errors "
            "are wrong; errors are enlarged by the square root of it"
        )
    return tuple(notes)


def _correlation_notes(fit: CurveFit) -> list[str]:
    errors = fit.standard_errors
    if not np.all(np.isfinite(errors)):
        free = [n for n, e in zip(fit.names, errors, strict=True) if not np.isfinite(e)]
        return [f"not bounded by these data: {', '.join(free)}"]
    correlation = fit.covariance / np.outer(errors, errors)
    return [
        f"{fit.names[i]} and {fit.names[j]} are told apart poorly (correlation "
        f"{correlation[i, j]:.3f})"
        for i in range(len(errors))
        for j in range(i)
        if abs(correlation[i, j]) > _STRONG_CORRELATION
    ]
