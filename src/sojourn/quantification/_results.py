"""From the fits of each source model to one finding: estimates in calibration samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.estimates import Estimate
from sojourn.quantification._compact import PlaceFits, Repeat, search_places
from sojourn.quantification._compact_several import SourcesFit, fit_sources
from sojourn.quantification._compartments import RegionFits, Regions, fit_regions
from sojourn.quantification._interpolation import Interpolator
from sojourn.quantification._measurement import AmountSettings, Calibration, Reading
from sojourn.quantification._unknown import bound_total
from sojourn.quantification.calibration import SAMPLES
from sojourn.quantification.source_models import CompactSource, CompactSources
from sojourn.quantification.uncertainty import (
    chi_square_quantile,
    mixture_interval,
    normal_quantile,
)

DETECTION_FACTOR = 3.3
"""Limit of detection in standard deviations of a blank (IUPAC 1995: 1.645 + 1.645)."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a source model gives, in calibration samples."""

    total: Estimate
    chi_square: float
    degrees_of_freedom: int
    relative_residual: float
    unexplained: float
    detection_limit: float
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    place: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()


def _unexplained(reading: Reading, expected: NDArray[np.complex128]) -> float:
    """Return the share of the signal's power beyond noise that `expected` leaves unexplained.

    Zero where the signal does not exceed the noise clearly (five standard deviations).
    """
    freedom = 2 * len(reading.signal)
    beyond = float((2 * np.abs(reading.signal) ** 2 / reading.variance).sum()) - freedom
    if beyond < 5 * np.sqrt(2 * freedom):
        return 0.0
    left = float((2 * np.abs(reading.signal - expected) ** 2 / reading.variance).sum()) - freedom
    return min(max(left / beyond, 0.0), 1.0)


def widened(found: Finding, factor: float) -> Finding:
    """Return `found` with all half widths `factor` times as wide, named as a component."""
    if factor == 1:
        return found
    return replace(
        found,
        total=_widened(found.total, factor),
        parts={name: _widened(part, factor) for name, part in found.parts.items()},
        covariance=found.covariance * factor**2,
    )


def _widened(estimate: Estimate, factor: float) -> Estimate:
    variance = float(np.sum(np.square(list(estimate.components.values()))))
    return replace(
        estimate,
        lower=estimate.value - factor * (estimate.value - estimate.lower),
        upper=estimate.value + factor * (estimate.upper - estimate.value),
        components={
            **estimate.components,
            "misfit": float(np.sqrt(variance * (factor**2 - 1))),
        },
    )


def find_compact(
    reading: Reading,
    calibration: Calibration,
    repeat: Repeat,
    source: CompactSource,
    settings: AmountSettings,
) -> Finding:
    """Return the amount of a compact source, averaged over the places it may be at."""
    interpolator = calibration.interpolator
    fits = search_places(
        reading, interpolator, calibration.frequencies, repeat, source.subdivisions
    )
    weights, best = fits.probabilities(), fits.best
    choice = _choice_spread(fits, reading)
    gain = settings.stated.gain
    sds = np.sqrt(fits.sd**2 + choice**2 + (gain * fits.amount) ** 2)
    lower, upper = mixture_interval(weights, fits.amount, sds, level=settings.level)
    value = float(weights @ fits.amount)
    place = float(np.sqrt(max(float(weights @ fits.amount**2) - value**2, 0.0)))
    noise = _noise_share(fits, reading)
    model = _model_share(fits, reading)
    known = noise**2 + model**2
    index = calibration.grid.affine @ np.append(fits.index[best], 1.0)
    return Finding(
        total=Estimate(
            value=value,
            unit=SAMPLES,
            lower=min(lower, value),
            upper=max(upper, value),
            level=settings.level,
            method="generalized least squares, averaged over place",
            components={
                "noise": noise,
                "calibration": float(np.sqrt(max(float(weights @ fits.sd**2) - known, 0.0))),
                **({"model mismatch": model} if reading.model_variance.any() else {}),
                "session gain": gain * abs(value),
                "background choice": choice,
                "place": place,
            },
        ),
        chi_square=float(fits.chi_square[best]),
        degrees_of_freedom=2 * len(reading.signal) - 1 - len(interpolator.free_axes),
        relative_residual=float(fits.relative_residual[best]),
        unexplained=_unexplained(reading, fits.amount[best] * fits.columns[:, best]),
        detection_limit=_compact_limit(fits, reading),
        place=(float(index[0]), float(index[1]), float(index[2])),
        notes=_fixed_axes(interpolator),
    )


def find_sources(
    reading: Reading,
    calibration: Calibration,
    repeat: Repeat,
    source: CompactSources,
    settings: AmountSettings,
) -> Finding:
    """Return the total of one to a few compact sources, averaged over their number."""
    fits = fit_sources(reading, calibration, repeat, source.most)
    scores = np.array([fit.score for fit in fits])
    weights = np.exp(-0.5 * (scores - scores.min()))
    weights /= weights.sum()
    best = fits[int(np.argmax(weights))]
    totals = np.array([float(fit.amounts.sum()) for fit in fits])
    changes = [
        float(best.map @ np.concatenate([shift.real, shift.imag]))
        for shift in (other - reading.signal for other in reading.others.values())
    ]
    explained = float(best.map**2 @ np.tile(reading.background_variance / 2, 2))
    choice = _excess(changes, explained)
    gain = settings.stated.gain
    inner = np.array([float(fit.covariance.sum()) for fit in fits])
    sds = np.sqrt(inner + choice**2 + (gain * totals) ** 2)
    lower, upper = mixture_interval(weights, totals, sds, level=settings.level)
    value = float(weights @ totals)
    parts = _sources_parts(reading, best, value, float(weights @ inner))
    number = float(np.sqrt(max(float(weights @ totals**2) - value**2, 0.0)))
    n = len(best.amounts)
    misfit = reading.signal - best.expected
    return Finding(
        total=Estimate(
            value=value,
            unit=SAMPLES,
            lower=min(lower, value),
            upper=max(upper, value),
            level=settings.level,
            method="generalized least squares, averaged over the number of sources",
            components={
                **parts,
                "session gain": gain * abs(value),
                "background choice": choice,
                "number of sources": number,
            },
        ),
        chi_square=best.chi_square,
        degrees_of_freedom=max(2 * len(misfit) - n * (1 + len(_free(calibration))), 1),
        relative_residual=float(np.linalg.norm(misfit) / np.linalg.norm(reading.signal)),
        unexplained=_unexplained(reading, best.expected),
        detection_limit=DETECTION_FACTOR * parts["noise"],
        notes=(_sources_told(calibration, best, weights), *_fixed_axes(calibration.interpolator)),
    )


def _sources_parts(
    reading: Reading, best: SourcesFit, total: float, variance: float
) -> dict[str, float]:
    """Return the parts of a total's standard deviation that its fit holds."""
    noise = float(best.map**2 @ np.tile(reading.variance / 2, 2))
    model = float(best.map**2 @ np.tile(reading.model_variance / 2, 2)) * total**2
    rest = max(variance - noise - model, 0.0)
    parts = {"noise": np.sqrt(noise), "calibration and places": np.sqrt(rest)}
    if model > 0:
        parts["model mismatch"] = np.sqrt(model)
    return {name: float(part) for name, part in parts.items()}


def _free(calibration: Calibration) -> tuple[int, ...]:
    return calibration.interpolator.free_axes


def _sources_told(calibration: Calibration, best: SourcesFit, weights: NDArray[np.float64]) -> str:
    """Return how many sources there are, how sure that is, and where they lie."""
    affine = calibration.grid.affine
    places = best.index @ affine[:3, :3].T + affine[:3, 3]
    listed = "; ".join(
        f"{amount:.3g} samples at ({1e3 * x:.1f}, {1e3 * y:.1f}, {1e3 * z:.1f}) mm"
        for amount, (x, y, z) in zip(best.amounts, places, strict=True)
    )
    odds = ", ".join(f"{n + 1}: {100 * w:.1f} %" for n, w in enumerate(weights))
    return f"probability of each number of sources: {odds}; the likeliest: {listed}"


def _fixed_axes(interpolator: Interpolator) -> tuple[str, ...]:
    fixed = [name for a, name in enumerate("ijk") if a not in interpolator.free_axes]
    if not fixed:
        return ()
    return (f"calibrated at one position along {', '.join(fixed)}: the source must lie there",)


def _choice_spread(fits: PlaceFits, reading: Reading) -> float:
    """Return how uncertain the choice of background makes the amount, beyond its noise."""
    map_ = fits.weights[:, fits.best]
    changes = [float((map_ * (u - reading.signal)).real.sum()) for u in reading.others.values()]
    explained = float((np.abs(map_) ** 2 * reading.background_variance).sum()) / 2
    return _excess(changes, explained)


def _excess(changes: list[float], explained: float) -> float:
    """Return the spread of background choices beyond its explained variance.

    Any value between the extreme choices equally likely: half the range over root 3 (GUM 4.3.7).
    """
    if not changes:
        return 0.0
    half_range = (max(*changes, 0.0) - min(*changes, 0.0)) / 2
    return float(np.sqrt(max(half_range**2 / 3 - explained, 0.0)))


def _noise_share(fits: PlaceFits, reading: Reading) -> float:
    return float(np.sqrt((np.abs(fits.weights[:, fits.best]) ** 2 * reading.variance).sum() / 2))


def _model_share(fits: PlaceFits, reading: Reading) -> float:
    """Return the part of the amount's standard deviation that a modelled calibration brings."""
    variance = float((np.abs(fits.weights[:, fits.best]) ** 2 * reading.model_variance).sum()) / 2
    return float(np.sqrt(variance) * abs(fits.amount[fits.best]))


def _compact_limit(fits: PlaceFits, reading: Reading) -> float:
    """Return the detection limit at the likeliest place, from the signal's noise alone."""
    information = (2 * np.abs(fits.columns[:, fits.best]) ** 2 / reading.variance).sum()
    return DETECTION_FACTOR / float(np.sqrt(information))


def find_regions(
    reading: Reading, regions: Regions, repeat: Repeat, settings: AmountSettings
) -> Finding:
    """Return the amounts of a mask's regions, averaged over textures."""
    fits = fit_regions(reading, regions, repeat)
    blank = _blank_covariance(reading, regions)
    n = len(regions.names)
    ones = np.ones(n)
    parts = {
        name: _region_estimate(fits, np.eye(n)[c], reading, settings)
        for c, name in enumerate(regions.names)
    }
    means = np.array([fit.totals for fit in fits.fits])
    mean = fits.weights @ means
    covariance = np.einsum("f,fab->ab", fits.weights, np.array([f.covariance for f in fits.fits]))
    covariance += np.einsum("f,fa,fb->ab", fits.weights, means - mean, means - mean)
    covariance += settings.stated.gain**2 * np.outer(mean, mean)
    covariance += _choice_covariance(fits, reading)
    best = fits.best
    real, imaginary = best.expected.reshape(2, -1)
    expected = real + 1j * imaginary
    misfit = reading.signal - expected
    return Finding(
        total=_region_estimate(fits, ones, reading, settings),
        chi_square=best.chi_square,
        degrees_of_freedom=2 * len(reading.signal) - len(regions.sizes),
        relative_residual=float(np.linalg.norm(misfit) / np.linalg.norm(reading.signal)),
        unexplained=_unexplained(reading, expected),
        detection_limit=DETECTION_FACTOR * float(np.sqrt(ones @ blank @ ones)),
        parts=parts,
        covariance=covariance,
    )


def _changes(fits: RegionFits, reading: Reading) -> NDArray[np.float64]:
    """Return how far each other background choice moves each region, shape (choice, region)."""
    shifts = [u - reading.signal for u in reading.others.values()]
    stacked = np.array([np.concatenate([s.real, s.imag]) for s in shifts])
    moved: NDArray[np.float64] = stacked.reshape(len(shifts), -1) @ fits.best.map.T
    return moved


def _choice_covariance(fits: RegionFits, reading: Reading) -> NDArray[np.float64]:
    if not reading.others:
        return np.zeros((len(fits.best.totals),) * 2)
    changes = _changes(fits, reading)
    spread = np.diag([_region_choice(fits, e, reading) for e in np.eye(changes.shape[1])])
    rms = np.sqrt(np.mean(changes**2, axis=0))
    related = (changes.T @ changes) / len(changes) / np.maximum(np.outer(rms, rms), 1e-300)
    covariance: NDArray[np.float64] = spread @ related @ spread
    return covariance


def _region_choice(fits: RegionFits, sums: NDArray[np.float64], reading: Reading) -> float:
    if not reading.others:
        return 0.0
    explained = float(((sums @ fits.best.map) ** 2 * np.tile(reading.background_variance, 2)).sum())
    return _excess(list(_changes(fits, reading) @ sums), explained / 2)


def _region_estimate(
    fits: RegionFits, sums: NDArray[np.float64], reading: Reading, settings: AmountSettings
) -> Estimate:
    """Return the estimate of sum_c sums_c total_c."""
    means = np.array([sums @ fit.totals for fit in fits.fits])
    inner = np.array([sums @ fit.covariance @ sums for fit in fits.fits])
    choice = _region_choice(fits, sums, reading)
    gain = settings.stated.gain
    sds = np.sqrt(inner + choice**2 + (gain * means) ** 2)
    lower, upper = mixture_interval(fits.weights, means, sds, level=settings.level)
    value = float(fits.weights @ means)
    map_ = (sums @ fits.best.map) ** 2
    noise = float(map_ @ np.tile(reading.variance / 2, 2))
    model = (
        float(map_ @ np.tile(reading.model_variance / 2, 2)) * float(fits.best.totals.sum()) ** 2
    )
    calibration = max(float(map_ @ fits.variance) - noise - model, 0.0)
    explained = noise + model + calibration
    texture = max(float(fits.weights @ (inner + means**2)) - value**2 - explained, 0.0)
    return Estimate(
        value=value,
        unit=SAMPLES,
        lower=min(lower, value),
        upper=max(upper, value),
        level=settings.level,
        method="generalized least squares with texture, averaged over texture",
        components={
            "noise": float(np.sqrt(noise)),
            "calibration": float(np.sqrt(calibration)),
            **({"model mismatch": float(np.sqrt(model))} if reading.model_variance.any() else {}),
            "texture": float(np.sqrt(texture)),
            "session gain": gain * abs(value),
            "background choice": choice,
        },
    )


def _blank_covariance(reading: Reading, regions: Regions) -> NDArray[np.float64]:
    weighted = regions.means / np.tile(reading.variance / 2, 2)[:, None]
    pieces = np.linalg.inv(weighted.T @ regions.means)
    return np.asarray(regions.members @ pieces @ regions.members.T, dtype=np.float64)


def find_unknown(
    reading: Reading, calibration: Calibration, repeat: Repeat, settings: AmountSettings
) -> Finding:
    """Return the range of totals that some non-negative distribution explains."""
    z = normal_quantile(settings.level)
    limit = chi_square_quantile(2 * len(reading.signal), level=settings.level)
    bounds = bound_total(reading, calibration, repeat, limit=limit, slack=z**2)
    gain = z * settings.stated.gain
    lower = bounds.lower * max(1 - gain, 0.0)
    upper = bounds.upper * (1 + gain)
    return Finding(
        total=Estimate(
            value=bounds.total,
            unit=SAMPLES,
            lower=min(lower, bounds.total),
            upper=max(upper, bounds.total),
            level=settings.level,
            method="strict bounds of the total over non-negative distributions",
            components={"session gain": settings.stated.gain * bounds.total},
        ),
        chi_square=bounds.chi_square,
        degrees_of_freedom=max(2 * len(reading.signal) - bounds.n_used, 1),
        relative_residual=bounds.relative_residual,
        unexplained=_unexplained(reading, bounds.expected),
        detection_limit=_unknown_limit(reading, calibration),
        notes=("the value is one of many totals that fit; use the interval",),
    )


def _unknown_limit(reading: Reading, calibration: Calibration) -> float:
    """Return the detection limit of tracer spread evenly over all positions."""
    even = calibration.columns.mean(axis=1)
    information = float((2 * np.abs(even) ** 2 / reading.variance).sum())
    return DETECTION_FACTOR / float(np.sqrt(information)) if information > 0 else np.inf
