"""The regions of a mask as a method's image sees them: signals, textures, what each one gives."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.quantification._compartments import Cells, Piece
from sojourn.quantification._interpolation import Interpolator, prepare_interpolator
from sojourn.quantification.source_models import Compartments
from sojourn.reconstruction._prepared import PreparedMethod

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

MOST_CELLS = 50_000
"""Cells of the whole field of view; each row is interpolated to all of them."""

SolveMany = Callable[[Complex], Array]
"""From signals (n, row) to images (n, voxel)."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedCalibration:
    """A method's own rows, between their calibrated positions too."""

    grid: Grid
    frequencies: Array
    interpolator: Interpolator


def weighted_calibration(
    prepared: PreparedMethod, sample_size: tuple[float, float, float]
) -> WeightedCalibration:
    """Return the columns that `prepared` uses, ready to be interpolated."""
    rows, grid = prepared.rows, prepared.matrix.grid
    frequencies = prepared.matrix.acquisition.frequencies()
    i, j, k = (
        edge / spacing if n > 1 else 0.0
        for edge, spacing, n in zip(sample_size, grid.spacing, grid.shape, strict=True)
    )
    return WeightedCalibration(
        grid,
        np.concatenate([frequencies[bins] for bins in rows.selection.bins]),
        prepare_interpolator(rows.columns, grid.shape, (i, j, k)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """One texture: correlation length (m), relative size; lognormal, so never below zero.

    c = m exp(t g - t^2 / 2) with t^2 = log(1 + size^2): mean m, standard deviation size * m.
    """

    length: float
    size: float

    @property
    def log_sd(self) -> float:
        """The t above."""
        return float(np.sqrt(np.log1p(self.size**2)))

    def correlation(self, centers: Array) -> Array:
        """Return the correlation of g between places (n, 3)."""
        apart = ((centers[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
        return np.asarray(np.exp(-0.5 * apart / self.length**2), dtype=np.float64)

    def covariance(self, centers: Array) -> Array:
        """Return the covariance of c / m between places (n, 3)."""
        return np.expm1(self.log_sd**2 * self.correlation(centers))


@dataclass(frozen=True, slots=True, eq=False)
class ImageRegions:
    """Regions of a mask through one method.

    `signals` (row, region) of one sample spread evenly over each, with the tracer to be expected;
    `shift` (row, region) is the part of it that differs from the calibration's tracer. `sums`
    (region, voxel) adds up an image's voxels by the share that lies in each region; `seen`
    (region, region) is what the image of an even region (second axis) sums to in each (first
    axis); its inverse takes sums to amounts. `doubt` (row, region) is the variance of `signals`
    by interpolation; `voxels` (voxel, region) is where one sample in a region lies.
    """

    names: tuple[str, ...]
    pieces: tuple[Piece, ...]
    textures: tuple[Texture, ...]
    signals: Complex
    shift: Complex
    sums: Array
    seen: Array
    doubt: Array
    voxels: Array

    def amounts(self, images: Array) -> Array:
        """Return the regions' amounts (n, region) in images (n, voxel): sums, undone."""
        return np.asarray(np.linalg.solve(self.seen, self.sums @ images.T).T, dtype=np.float64)


def prepare_image_regions(
    calibration: WeightedCalibration, source: Compartments, shift: Complex, solve: SolveMany
) -> ImageRegions:
    """Return the regions of `source` as images show them.

    `shift` (row, voxel) is added to the calibration's columns: what the tracer is expected to
    differ by.

    Raises
    ------
    DataError
        if a region lies beyond the calibrated field of view, or the images of the regions cannot
        be told apart.

    References
    ----------
    Rousset, Ma and Evans, J. Nucl. Med. 39 (1998) 904 (geometric transfer matrix).
    """
    cells = Cells(calibration, _cells_per_edge(calibration.grid))
    pieces = tuple(
        cells.piece(source.mask, source.mask.region(name), name) for name in source.regions
    )
    voxels = np.stack([_voxel_shares(calibration.grid, piece) for piece in pieces], axis=1)
    moved = even_signals(calibration, source, shift)
    signals = np.stack([piece.columns @ piece.shares for piece in pieces], axis=1) + moved
    sizes = np.array([piece.size for piece in pieces])
    sums = np.minimum(voxels.T * sizes[:, None], 1.0)
    seen = sums @ solve(np.ascontiguousarray(signals.T)).T
    if not np.linalg.cond(seen) < 1e3:
        raise DataError(
            f"the images of the regions {', '.join(source.regions)} cannot be told apart; name "
            "larger regions, or regularise less"
        )
    return ImageRegions(
        names=source.regions,
        pieces=pieces,
        textures=tuple(
            Texture(length, size)
            for length in source.texture_lengths
            for size in source.texture_sizes
        ),
        signals=signals,
        shift=moved,
        sums=sums,
        seen=seen,
        doubt=np.stack([piece.doubt for piece in pieces], axis=1),
        voxels=voxels,
    )


def even_signals(
    calibration: WeightedCalibration, source: Compartments, columns: Complex
) -> Complex:
    """Return what regions (row, region) of one sample each give by other `columns` (row, voxel)."""
    if not columns.any():
        return np.zeros((len(columns), len(source.regions)), dtype=np.complex128)
    interpolator = prepare_interpolator(columns, calibration.grid.shape)
    cells = Cells(
        replace(calibration, interpolator=interpolator), _cells_per_edge(calibration.grid)
    )
    pieces = [cells.piece(source.mask, source.mask.region(name), name) for name in source.regions]
    return np.stack([piece.columns @ piece.shares for piece in pieces], axis=1)


def _cells_per_edge(grid: Grid) -> int:
    """Return as many cells to a voxel's edge as `MOST_CELLS` allow, 2 to 4.

    A cell's signal is that of its middle; the error of that falls with the square of this.
    """
    free = sum(n > 1 for n in grid.shape)
    fitting = [n for n in (4, 3) if grid.n_voxels * n**free <= MOST_CELLS]
    return fitting[0] if fitting else 2


def _voxel_shares(grid: Grid, piece: Piece) -> Array:
    """Return the share (voxel,) of an evenly filled region that lies in each voxel."""
    inverse = np.linalg.inv(grid.affine)
    index = np.rint(piece.centers @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    i, j, k = np.clip(index, 0, np.array(grid.shape) - 1).T
    flat = i + grid.shape[0] * (j + grid.shape[1] * k)
    return np.asarray(np.bincount(flat, piece.shares, minlength=grid.n_voxels), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class TexturePool:
    """Textured regions drawn from the source model, each of one sample on average.

    `signals` (draw, region, row) and `totals` (draw, region).
    """

    signals: Complex
    totals: Array


def draw_textures(regions: ImageRegions, n: int, rng: np.random.Generator) -> TexturePool:
    """Return `n` draws of every region's texture, lengths and sizes equally likely."""
    n_rows, n_regions = regions.signals.shape
    signals = np.empty((n, n_regions, n_rows), dtype=np.complex128)
    totals = np.empty((n, n_regions))
    for r, piece in enumerate(regions.pieces):
        which = rng.integers(len(regions.textures), size=n)
        for t, texture in enumerate(regions.textures):
            chosen = np.flatnonzero(which == t)
            factor = texture_factor(texture, piece.centers)
            field = rng.standard_normal((len(chosen), factor.shape[1])) @ factor.T
            log_sd = texture.log_sd
            amounts = piece.shares * np.exp(log_sd * field - log_sd**2 / 2)
            totals[chosen, r] = amounts.sum(axis=1)
            signals[chosen, r] = amounts @ piece.columns.T + regions.shift[:, r]
        doubt = np.sqrt(regions.doubt[:, r] / 2)
        error = rng.standard_normal((2, n, n_rows)) * doubt
        signals[:, r] += error[0] + 1j * error[1]
    return TexturePool(signals, totals)


def texture_factor(texture: Texture, centers: Array) -> Array:
    """Return F (place, mode) with F F^T the correlation of the texture's field."""
    variances, modes = np.linalg.eigh(texture.correlation(centers))
    kept = variances > 1e-9 * variances[-1]
    factor: Array = modes[:, kept] * np.sqrt(variances[kept])
    return factor


def texture_covariances(regions: ImageRegions, maps: Array) -> Array:
    """Return the covariance that texture gives to the errors of linearly found amounts.

    `maps` (region, 2 row) find the regions' amounts from a signal. Result: (texture, source,
    region, region), of a texture in region `source` that holds one sample; textures of
    different regions are independent.
    """
    n = len(regions.names)
    half = maps.shape[1] // 2
    complexes = maps[:, :half] - 1j * maps[:, half:]
    found = np.empty((len(regions.textures), n, n, n))
    for s, piece in enumerate(regions.pieces):
        form = (complexes @ piece.columns).real - np.eye(n)[:, s : s + 1]
        form = form * piece.shares
        for t, texture in enumerate(regions.textures):
            found[t, s] = form @ texture.covariance(piece.centers) @ form.T
    return found
