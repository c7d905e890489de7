"""Amounts of the regions of a mask: linear Gaussian model with texture, by region."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from sojourn.core.errors import DataError
from sojourn.quantification._compact import Repeat
from sojourn.quantification._measurement import Calibration, Reading
from sojourn.quantification.source_models import Compartments

MAX_MODES = 120
"""Smooth modes kept per region and texture length; finer ones leave hardly any signal."""
KEPT_VARIANCE = 0.999
PASSES = 3
"""Each pass takes variances and texture sizes from the last one's amounts."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Texture:
    """One texture length: `columns` (2 row, mode), each mode's sum over its region and region."""

    columns: Array
    sums: Array
    region: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A calibration seen through a mask's regions; real and imaginary rows stacked (2 row,).

    `means` (2 row, region) is the signal of one sample spread evenly over the region.
    """

    names: tuple[str, ...]
    sizes: Array
    means: Array
    textures: tuple[_Texture, ...]
    texture_sizes: tuple[float, ...]
    frequencies: Array


def _stacked(values: NDArray[np.complexfloating]) -> Array:
    return np.concatenate([values.real, values.imag]).astype(np.float64, copy=False)


def prepare_regions(calibration: Calibration, source: Compartments) -> Regions:
    """Return the regions of `source` on the calibration's grid.

    Raises
    ------
    DataError
        if the mask lies on another grid.
    """
    if not source.mask.grid.is_same_as(calibration.grid, tolerance=1e-5):
        raise DataError(
            f"the mask has grid {source.mask.grid.shape}, the calibration "
            f"{calibration.grid.shape}, or they lie elsewhere; resample the mask to the "
            "calibration's grid"
        )
    inside = [np.flatnonzero(source.mask.region(r).ravel(order="F")) for r in source.regions]
    centers = calibration.grid.centers()
    means = np.stack([calibration.columns[:, v].mean(axis=1) for v in inside], axis=1)
    return Regions(
        names=source.regions,
        sizes=np.array([len(v) for v in inside], dtype=np.float64),
        means=_stacked(means),
        textures=tuple(
            _texture(calibration.columns, centers, inside, length)
            for length in source.texture_lengths
        ),
        texture_sizes=source.texture_sizes,
        frequencies=calibration.frequencies,
    )


def _texture(
    columns: NDArray[np.complex128],
    centers: Array,
    inside: Sequence[NDArray[np.int64]],
    length: float,
) -> _Texture:
    """Return smooth modes of unit prior variance: t = B z, B B^T the covariance."""
    parts, sums, regions = [], [], []
    for number, voxels in enumerate(inside):
        apart = centers[voxels][:, None, :] - centers[voxels][None, :, :]
        covariance = np.exp(-0.5 * (apart**2).sum(axis=2) / length**2)
        variances, modes = np.linalg.eigh(covariance)
        order = np.argsort(variances)[::-1]
        kept = np.cumsum(np.maximum(variances[order], 0)) / variances.sum()
        n = min(MAX_MODES, int(np.searchsorted(kept, KEPT_VARIANCE)) + 1)
        basis = modes[:, order[:n]] * np.sqrt(np.maximum(variances[order[:n]], 0))
        parts.append(_stacked(columns[:, voxels] @ basis) / len(voxels))
        sums.append(basis.sum(axis=0) / len(voxels))
        regions.append(np.full(basis.shape[1], number, dtype=np.int64))
    return _Texture(np.concatenate(parts, axis=1), np.concatenate(sums), np.concatenate(regions))


@dataclass(frozen=True, slots=True, eq=False)
class RegionFit:
    """Totals of the regions under one texture: mean (region,), covariance, and the linear map.

    `map` (region, 2 row) gives the totals from the signal. `score` is -2 log of the marginal
    likelihood, `expected` (2 row,) the fitted signal.
    """

    totals: Array
    covariance: Array
    map: Array
    score: float
    chi_square: float
    expected: Array
    spread: Array


@dataclass(frozen=True, slots=True, eq=False)
class RegionFits:
    """Fits of all textures, the variance they used (2 row,), and the likeliest one."""

    fits: tuple[RegionFit, ...]
    weights: Array
    variance: Array

    @property
    def best(self) -> RegionFit:
        """The fit of the likeliest texture."""
        return self.fits[int(np.argmax(self.weights))]


def fit_regions(reading: Reading, regions: Regions, repeat: Repeat) -> RegionFits:
    """Return the totals of every region under every texture of the source model.

    Model: u = (1 + delay + tilt)(sum_c a_c (mean signal of c + texture)) + e. Totals a_c have
    flat priors; texture modes, delay and tilt are normal; e is independent with the variance
    of signal, calibration columns (times amounts), and rows (relative to the fitted signal).
    """
    signal = _stacked(reading.signal)
    noise = np.tile(reading.variance / 2, 2)
    expected = np.zeros_like(signal)
    totals = np.zeros(len(regions.names))
    scale, squares = np.zeros_like(totals), 0.0
    for number in range(PASSES + 1):
        power = np.tile((expected.reshape(2, -1) ** 2).sum(axis=0), 2)
        variance = noise + repeat.row**2 * power / 2
        variance += np.tile(
            (totals.sum() ** 2 * reading.shared_variance + squares * reading.column_variance) / 2, 2
        )
        vectors = _nuisances(expected, regions.frequencies, repeat)
        sizes = regions.texture_sizes if number else (0.0,)
        fits = tuple(
            _fit(signal, regions, texture, size, scale, vectors, variance)
            for texture in regions.textures
            for size in sizes
        )
        scores = np.array([fit.score for fit in fits])
        weights = np.exp(-0.5 * (scores - scores.min()))
        weights /= weights.sum()
        best = fits[int(np.argmax(weights))]
        expected, totals = best.expected, best.totals
        scale = np.sqrt(np.maximum(totals, 0) ** 2 + np.diag(best.covariance))
        squares = float((best.spread / regions.sizes).sum())
    return RegionFits(fits, weights, variance)


def _nuisances(expected: Array, frequencies: Array, repeat: Repeat) -> Array:
    """Return the signal's change with a unit delay and tilt, shape (2 row, 2)."""
    real, imaginary = expected.reshape(2, -1)
    complexes = real + 1j * imaginary
    delay = 2j * np.pi * frequencies * repeat.delay * complexes
    tilt = repeat.tilt * frequencies / frequencies.max() * complexes
    return np.stack([_stacked(delay), _stacked(tilt)], axis=1)


def _fit(
    signal: Array,
    regions: Regions,
    texture: _Texture,
    size: float,
    scale: Array,
    vectors: Array,
    variance: Array,
) -> RegionFit:
    n, modes = len(regions.names), texture.columns.shape[1]
    amplitude = size * scale[texture.region]
    design = np.concatenate([regions.means, texture.columns * amplitude, vectors], axis=1)
    weighted = design / variance[:, None]
    precision = weighted.T @ design
    precision[np.arange(n, len(precision)), np.arange(n, len(precision))] += 1.0
    factor = cho_factor(precision, lower=True)
    inverse = cho_solve(factor, np.eye(len(precision)))
    mixed = weighted.T @ signal
    latent = inverse @ mixed
    functional = np.zeros((n, len(precision)))
    functional[:, :n] = np.eye(n)
    functional[texture.region, n + np.arange(modes)] = amplitude * texture.sums
    chi_square = float(signal @ (signal / variance) - mixed @ latent)
    log_precision = 2 * float(np.log(np.diag(factor[0])).sum())
    totals = functional @ latent
    within = np.bincount(
        texture.region, weights=(amplitude * latent[n : n + modes]) ** 2, minlength=n
    )
    return RegionFit(
        totals=totals,
        covariance=functional @ inverse @ functional.T,
        map=functional @ inverse @ weighted.T,
        score=chi_square + float(np.log(variance).sum()) + log_precision,
        chi_square=max(chi_square, 0.0),
        expected=design[:, : n + modes] @ latent[: n + modes],
        spread=totals**2 + within,
    )
