"""Amounts of the regions of a mask: linear Gaussian model with texture, by region."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.linalg import cho_factor, cho_solve

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.quantification._compact import Repeat
from sojourn.quantification._interpolation import (
    Columns,
    Interpolator,
    interpolate,
    mean_variance,
)
from sojourn.quantification._measurement import Reading
from sojourn.quantification.source_models import Compartments

CELLS = 2
"""Cells to an edge of a calibration voxel."""
SMALL_PART = 0.1
"""Parts of a region below this share of it have no amount of their own."""
MAX_MODES = 120
"""Smooth modes kept per region and texture length; finer ones leave hardly any signal."""
KEPT_VARIANCE = 0.999
PASSES = 3
"""Each pass takes variances and texture sizes from the last one's amounts."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Texture:
    """One texture length: `columns` (2 row, mode), each mode's sum over its piece, and piece."""

    columns: Array
    sums: Array
    piece: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A calibration seen through a mask's regions; real and imaginary rows stacked (2 row,).

    A region that falls apart has a piece for each part, with an amount of its own. `means`
    (2 row, piece) is the signal of one sample spread evenly over the piece, `members`
    (region, piece) is 1 where a piece belongs to a region, `sizes` (piece,) counts voxels of
    the calibration, `doubt` (row, piece) is the variance of a mean signal by interpolation.
    """

    names: tuple[str, ...]
    members: Array
    sizes: Array
    means: Array
    doubt: Array
    textures: tuple[_Texture, ...]
    texture_sizes: tuple[float, ...]
    frequencies: Array


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a region as cells: signal (row, cell), share of the volume (cell,), centers.

    `doubt` (row,) is the variance of the even filling's signal by interpolation.
    """

    columns: NDArray[np.complex128]
    doubt: Array
    shares: Array
    centers: Array
    size: float


def _stacked(values: NDArray[np.complexfloating]) -> Array:
    return np.concatenate([values.real, values.imag]).astype(np.float64, copy=False)


def prepare_regions(cells: "Cells", source: Compartments) -> Regions:
    """Return the regions of `source`, cut into cells between the calibrated positions.

    Raises
    ------
    DataError
        if a region reaches beyond the calibrated field of view.
    """
    pieces: list[Piece] = []
    members: list[int] = []
    for number, region in enumerate(source.regions):
        for part in _parts(source.mask.region(region)):
            pieces.append(cells.piece(source.mask, part, region))
            members.append(number)
    owner = np.array(members)
    return Regions(
        names=source.regions,
        members=(owner == np.arange(len(source.regions))[:, None]).astype(np.float64),
        sizes=np.array([piece.size for piece in pieces]),
        means=_stacked(np.stack([piece.columns @ piece.shares for piece in pieces], axis=1)),
        doubt=np.stack([piece.doubt for piece in pieces], axis=1),
        textures=tuple(_texture(pieces, length) for length in source.texture_lengths),
        texture_sizes=source.texture_sizes,
        frequencies=cells.calibration.frequencies,
    )


def _parts(inside: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the connected parts of a region; small ones stay with the largest."""
    labels, n = ndimage.label(inside, structure=np.ones((3, 3, 3)))
    counts = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    large = 1 + np.flatnonzero(counts >= SMALL_PART * counts.sum())
    parts = [np.asarray(labels == label, dtype=np.bool_) for label in large]
    largest = int(np.argmax([part.sum() for part in parts]))
    parts[largest] |= inside & ~np.isin(labels, large)
    return parts


class Calibrated(Protocol):
    """What cells need of a calibration: its grid, its rows' frequencies, and its interpolator."""

    @property
    def grid(self) -> Grid:
        """Where the calibrated positions lie."""
        ...

    @property
    def frequencies(self) -> Array:
        """Frequency of each row (row,), Hz."""
        ...

    @property
    def interpolator(self) -> Interpolator:
        """What gives the columns between them."""
        ...


class Cells:
    """The calibrated field of view in cells, `per_edge` to a voxel's edge; once for all masks."""

    def __init__(self, calibration: Calibrated, per_edge: int = CELLS) -> None:
        self.calibration = calibration
        grid = calibration.grid
        self.shape = tuple(n * (per_edge if n > 1 else 1) for n in calibration.grid.shape)
        i, j, k = (
            np.asarray((np.arange(m) + 0.5) / (m / n) - 0.5, dtype=np.float64)
            for m, n in zip(self.shape, calibration.grid.shape, strict=True)
        )
        self.spacing = float(min(grid.spacing)) / per_edge
        self.axes = (i, j, k)

    @cached_property
    def lattice(self) -> Columns:
        """The signal of a sample in each cell, made when it is first asked for."""
        return interpolate(self.calibration.interpolator, *self.axes)

    def piece(self, mask: Mask, inside: NDArray[np.bool_], region: str) -> Piece:
        """Return a part of a region: where its voxels lie within each cell, to first order."""
        grid = self.calibration.grid
        inverse = np.linalg.inv(grid.affine)
        index = _volume(mask.grid, inside, self.spacing) @ inverse[:3, :3].T + inverse[:3, 3]
        index[:, [a for a, n in enumerate(grid.shape) if n == 1]] = 0.0
        limits = np.array(grid.shape) - 0.5
        if outside := int(np.any((index < -0.5 - 1e-6) | (index > limits + 1e-6), axis=1).sum()):
            raise DataError(
                f"{100 * outside / len(index):.0f} % of region {region!r} lies beyond the "
                "calibrated field of view; an amount there cannot be measured. Cut the mask, or "
                "use another calibration"
            )
        per_voxel = np.array(self.shape) / np.array(grid.shape)
        cell = np.floor((index + 0.5) * per_voxel).astype(np.int64)
        cell = np.clip(cell, 0, np.array(self.shape) - 1)
        i, j, k = cell.T
        flat = i + self.shape[0] * (j + self.shape[1] * k)
        used, owner, counts = np.unique(flat, return_inverse=True, return_counts=True)
        filled = np.zeros(int(np.prod(self.shape)))
        filled[used] = counts / counts.sum()
        filled = filled.reshape(self.shape, order="F")
        offset = np.stack(
            [
                np.bincount(owner, weights=index[:, a] - self.lattice.index[flat, a]) / counts
                for a in range(3)
            ]
        )
        columns = self.lattice.values[:, used].copy()
        for slope, axis in zip(
            self.lattice.slopes, self.calibration.interpolator.free_axes, strict=True
        ):
            columns += slope[:, used] * offset[axis]
        places = self.lattice.index[used] + offset.T
        return Piece(
            columns=columns,
            doubt=mean_variance(self.calibration.interpolator, self.axes, filled),
            shares=counts / counts.sum(),
            centers=places @ grid.affine[:3, :3].T + grid.affine[:3, 3],
            size=max(float(inside.sum()) * mask.grid.voxel_volume / grid.voxel_volume, 1e-9),
        )


def _volume(grid: Grid, inside: NDArray[np.bool_], spacing: float) -> Array:
    """Return points (point, 3), LPS, that fill a region evenly, at most `spacing` apart."""
    counts = [max(1, int(np.ceil(s / spacing - 1e-6))) for s in grid.spacing]
    i, j, k = (((np.arange(n) + 0.5) / n - 0.5) for n in counts)
    steps = np.stack([m.ravel() for m in np.meshgrid(i, j, k, indexing="ij")], axis=1)
    points = grid.centers()[inside.ravel(order="F")][:, None, :] + steps @ grid.affine[:3, :3].T
    filled: Array = points.reshape(-1, 3)
    return filled


def _texture(pieces: Sequence[Piece], length: float) -> _Texture:
    """Return smooth modes of unit prior variance: t = B z, B B^T the covariance."""
    parts, sums, owners = [], [], []
    for number, piece in enumerate(pieces):
        apart = piece.centers[:, None, :] - piece.centers[None, :, :]
        covariance = np.exp(-0.5 * (apart**2).sum(axis=2) / length**2)
        variances, modes = np.linalg.eigh(covariance)
        order = np.argsort(variances)[::-1]
        kept = np.cumsum(np.maximum(variances[order], 0)) / np.maximum(variances, 0).sum()
        n = min(MAX_MODES, int(np.searchsorted(kept, KEPT_VARIANCE)) + 1, len(order))
        basis = modes[:, order[:n]] * np.sqrt(np.maximum(variances[order[:n]], 0))
        basis *= piece.shares[:, None]
        parts.append(_stacked(piece.columns @ basis))
        sums.append(basis.sum(axis=0))
        owners.append(np.full(n, number, dtype=np.int64))
    return _Texture(np.concatenate(parts, axis=1), np.concatenate(sums), np.concatenate(owners))


@dataclass(frozen=True, slots=True, eq=False)
class RegionFit:
    """Totals of the regions under one texture: mean (region,), covariance, and the linear map.

    `map` (region, 2 row) gives the totals from the signal. `score` is -2 log of the marginal
    likelihood, `expected` (2 row,) the fitted signal; `pieces`, `piece_variance` and `spread`
    (piece,) are the pieces' totals, their variance, and sums of squares.
    """

    pieces: Array
    piece_variance: Array
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
    total, squares = 0.0, 0.0
    amounts = scale = np.zeros(len(regions.sizes))
    for number in range(PASSES + 1):
        power = np.tile((expected.reshape(2, -1) ** 2).sum(axis=0), 2)
        variance = noise + repeat.row**2 * power / 2
        columns = total**2 * reading.shared_variance + squares * reading.column_variance
        variance += np.tile((columns + regions.doubt @ amounts**2) / 2, 2)
        vectors = _nuisances(expected, regions.frequencies, repeat)
        sizes = regions.texture_sizes if number else (0.0,)
        fits = tuple(
            fit
            for texture in regions.textures
            for fit in _fit_texture(signal, regions, texture, sizes, scale, vectors, variance)
        )
        scores = np.array([fit.score for fit in fits])
        weights = np.exp(-0.5 * (scores - scores.min()))
        weights /= weights.sum()
        best = fits[int(np.argmax(weights))]
        expected, total = best.expected, float(best.totals.sum())
        amounts = best.pieces
        scale = np.sqrt(np.maximum(best.pieces, 0) ** 2 + best.piece_variance)
        squares = float((best.spread / regions.sizes).sum())
    return RegionFits(fits, weights, variance)


def _nuisances(expected: Array, frequencies: Array, repeat: Repeat) -> Array:
    """Return the signal's change with a unit delay and tilt, shape (2 row, 2)."""
    real, imaginary = expected.reshape(2, -1)
    complexes = real + 1j * imaginary
    delay = 2j * np.pi * frequencies * repeat.delay * complexes
    tilt = repeat.tilt * frequencies / frequencies.max() * complexes
    return np.stack([_stacked(delay), _stacked(tilt)], axis=1)


def _fit_texture(
    signal: Array,
    regions: Regions,
    texture: _Texture,
    sizes: Sequence[float],
    scale: Array,
    vectors: Array,
    variance: Array,
) -> list[RegionFit]:
    """Return the fit for each relative size of one texture."""
    design = np.concatenate([regions.means, texture.columns, vectors], axis=1)
    weighted = design / variance[:, None]
    gram, mixed = weighted.T @ design, weighted.T @ signal
    energy = float(signal @ (signal / variance))
    log_variance = float(np.log(variance).sum())
    n, modes = len(regions.sizes), texture.columns.shape[1]
    prior = np.concatenate([np.zeros(n), np.ones(gram.shape[0] - n)])
    fits = []
    for size in sizes:
        amplitude = size * scale[texture.piece]
        factors = np.concatenate([np.ones(n), amplitude, np.ones(vectors.shape[1])])
        precision = gram * np.outer(factors, factors)
        precision[np.diag_indices_from(precision)] += prior
        functional = np.zeros((n, len(prior)))
        functional[:, :n] = np.eye(n)
        functional[texture.piece, n + np.arange(modes)] = amplitude * texture.sums
        cholesky = cho_factor(precision, lower=True)
        solved = cho_solve(cholesky, np.column_stack([factors * mixed, functional.T]))
        latent, reach = solved[:, 0], solved[:, 1:].T
        pieces, covariance = functional @ latent, functional @ reach.T
        chi_square = max(energy - float(factors * mixed @ latent), 0.0)
        within = np.bincount(
            texture.piece, weights=(amplitude * latent[n : n + modes]) ** 2, minlength=n
        )
        told = factors * latent
        told[n + modes :] = 0.0
        log_precision = 2 * float(np.log(np.diag(cholesky[0])).sum())
        fits.append(
            RegionFit(
                pieces=pieces,
                piece_variance=np.diag(covariance),
                totals=regions.members @ pieces,
                covariance=regions.members @ covariance @ regions.members.T,
                map=regions.members @ (reach * factors) @ weighted.T,
                score=chi_square + log_variance + log_precision,
                chi_square=chi_square,
                expected=design @ told,
                spread=pieces**2 + within,
            )
        )
    return fits
