"""Covariance of the rows that a method is given: noise, drift and the calibration's own noise.

From frames of the empty bore, prepared exactly as the frames of the object are. Real and imaginary
parts are stacked throughout: (2 row,), all real parts first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix, frames_in_time
from sojourn.reconstruction._background import Background
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction._rows import PreparedRows

TREND_FRAMES = 6
"""Frames of a block from which a straight line, not its mean alone, is taken off as drift."""
ENOUGH = 20
"""Complex degrees of freedom from which correlations are taken as they are."""
FEWEST = 2
"""Complex degrees of freedom below which no variance is told."""

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


def stack(values: NDArray[np.complexfloating]) -> Array:
    """Return real over imaginary parts: (row, ...) complex to (2 row, ...) real."""
    return np.concatenate([values.real, values.imag]).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class FrameNoise:
    r"""Covariance of one frame's rows: shrunk towards its diagonal.

    .. math:: \Sigma = D^{1/2} \{(1 - \rho) C + \rho I\} D^{1/2}

    `variance` (2 row,) is D, pooled over real and imaginary part; `deviations` (2 row, 2 frame)
    are residuals r and i r with C = r r^T, in units of D; `shrinkage` is rho, 1 for a diagonal.
    """

    variance: Array
    deviations: Array
    shrinkage: float
    degrees_of_freedom: int

    def along(self, maps: Array) -> Array:
        """Return the variance (m,) of linear forms `maps` (m, 2 row) of one frame."""
        scaled = maps * np.sqrt(self.variance)
        common = ((scaled @ self.deviations) ** 2).sum(axis=1)
        alone = (scaled**2).sum(axis=1)
        total: Array = (1 - self.shrinkage) * common + self.shrinkage * alone
        return total

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return `n` frames of noise, shape (n, 2 row)."""
        alone = np.sqrt(self.shrinkage) * rng.standard_normal((n, len(self.variance)))
        shared = rng.standard_normal((n, self.deviations.shape[1])) @ self.deviations.T
        drawn: Array = (alone + np.sqrt(1 - self.shrinkage) * shared) * np.sqrt(self.variance)
        return drawn


def estimate_frame_noise(blocks: Sequence[Complex]) -> FrameNoise:
    """Return the covariance of one frame from blocks of empty frames, drift removed.

    Parameters
    ----------
    blocks
        each (frame, row): frames that follow each other. What a block's mean (below
        `TREND_FRAMES` frames) or straight line explains is drift, and taken off.

    Returns
    -------
        the phase of noise is taken as arbitrary: real and imaginary part vary alike. From `ENOUGH`
        degrees of freedom on the covariance is the sample's, so that the variance of every
        linear form is unbiased (shrinking would take away noise that rows have in common);
        with fewer, correlations are shrunk towards none by the amount that minimises the
        expected squared error. Variances are raised by nu / (nu - 1), nu complex degrees of
        freedom (mean of the variance's posterior, Jeffreys prior).

    Raises
    ------
    DataError
        if fewer than `FEWEST` degrees of freedom are left.

    References
    ----------
    Schaefer and Strimmer, Stat. Appl. Genet. Mol. Biol. 4 (2005) 32 (target D, analytic
    intensity); Ledoit and Wolf, J. Multivariate Anal. 88 (2004) 365.
    """
    residuals, freedom = [], 0
    for block in blocks:
        basis = np.stack([np.ones(len(block)), np.arange(len(block)) - (len(block) - 1) / 2])
        used = basis[: 2 if len(block) >= TREND_FRAMES else 1]
        orthogonal = np.linalg.qr(used.T)[0]
        residuals.append(block - orthogonal @ (orthogonal.T @ block))
        freedom += max(len(block) - len(used), 0)
    if freedom < FEWEST:
        raise DataError(
            f"{freedom} degrees of freedom in the background frames; at least {FEWEST} are needed "
            "to tell their noise. Record more frames of the empty bore"
        )
    deviations = np.concatenate(residuals)
    power = (np.abs(deviations) ** 2).sum(axis=0) / freedom / 2
    if not np.all(power > 0):
        raise DataError(
            f"{int(np.sum(power <= 0))} selected rows have no noise at all in the background "
            "frames; are they real frames?"
        )
    relative = (deviations / np.sqrt(power)).T
    scaled = np.concatenate([stack(relative), stack(1j * relative)], axis=1)
    raised = freedom / (freedom - 1)
    return FrameNoise(
        variance=np.tile(power * raised, 2),
        deviations=scaled / np.sqrt(2 * freedom),
        shrinkage=_shrinkage(scaled, 2 * freedom) if freedom < ENOUGH else 0.0,
        degrees_of_freedom=freedom,
    )


def _shrinkage(scaled: Array, freedom: int) -> float:
    """Return the intensity of shrinkage to no correlation; sums over pairs by Gram matrices."""
    squares = scaled**2
    products = float((squares.sum(axis=0) ** 2).sum() - (squares**2).sum())
    gram = scaled.T @ scaled
    pairs = float((gram**2).sum() - (squares.sum(axis=1) ** 2).sum()) / freedom**2
    if pairs <= 0:
        return 1.0
    variance = (products / freedom - pairs) / max(freedom - 1, 1)
    return float(np.clip(variance / pairs, 0.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class RowNoise:
    """Covariance of the mean signal that a method is given, by cause.

    `frame` times `share` is noise: of the mean of the object's frames and of those subtracted.
    `diagonal` holds further causes, variances (2 row,) that are independent between rows:
    background drift, noise of the calibration. `missing` says what could not be told.
    """

    frame: FrameNoise
    share: float
    diagonal: Mapping[str, Array] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """What is included, by name."""
        return ("noise", *self.diagonal)

    def along(self, maps: Array) -> dict[str, Array]:
        """Return the variance (m,) of linear forms `maps` (m, 2 row), by cause."""
        return {
            "noise": self.share * self.frame.along(maps),
            **{name: (maps**2) @ variance for name, variance in self.diagonal.items()},
        }

    def draw(self, n: int, rng: np.random.Generator) -> Complex:
        """Return `n` errors of the mean signal, all causes together, shape (n, row)."""
        drawn = np.sqrt(self.share) * self.frame.draw(n, rng)
        rest = np.sum(list(self.diagonal.values()), axis=0) if self.diagonal else 0.0
        drawn = drawn + np.sqrt(rest) * rng.standard_normal(drawn.shape)
        half = drawn.shape[1] // 2
        complexes: Complex = drawn[:, :half] + 1j * drawn[:, half:]
        return complexes

    def with_calibration(self, calibration: "CalibrationNoise", values: Array) -> "RowNoise":
        """Return this with the calibration's own noise, as an image `values` (voxel,) sees it."""
        if calibration.variance is None:
            return replace(self, missing=(*self.missing, calibration.missing))
        variance = calibration.variance * calibration.factor(values)
        return replace(self, diagonal={**self.diagonal, "calibration noise": variance})


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationNoise:
    """Noise of a calibration's columns: `variance` (2 row,) of one frame, None if not known.

    Each column is a measurement of its own; `share` of a frame's variance is common to all,
    that of the empty frames subtracted. `missing` says why a variance is not known.
    """

    variance: Array | None
    share: float = 0.0
    missing: str = ""

    def factor(self, values: Array) -> float:
        """Return how an image (voxel,) multiplies the variance, to first order."""
        return float((values**2).sum()) + self.share * float(values.sum()) ** 2


def estimate_calibration_noise(rows: PreparedRows) -> CalibrationNoise:
    """Return the noise of the columns that a method was given, from their own empty frames."""
    blocks = _matrix_blocks(rows)
    if sum(len(block) - 1 for block in blocks) < FEWEST:
        text = "noise of the calibration: it holds no repeated empty frames"
        return CalibrationNoise(None, missing=text)
    n_empty = sum(len(block) for block in blocks)
    subtracted = 0.0 if rows.matrix_background is Background.NONE else 1 / n_empty
    return CalibrationNoise(estimate_frame_noise(blocks).variance, subtracted)


def estimate_row_noise(
    prepared: PreparedMethod, scan: Scan, *, empty: Sequence[Scan] = ()
) -> RowNoise:
    """Return the covariance of the signal that `prepared` reconstructs from `scan`.

    Parameters
    ----------
    prepared
        any method's; its rows, weights and background choice are used.
    scan, empty
        as given to `prepared.reconstruct`.

    Returns
    -------
        with 1/n of the object's frames and the weights of the subtracted ones both counted, and
        the drift between blocks of empty frames as a random walk up to the object's place.

    Raises
    ------
    DataError
        if neither scan, empty scans nor calibration hold repeated frames of the empty bore.
    """
    rows = prepared.rows
    background = rows.settings.background
    blocks, places = _blocks(rows, scan, empty)
    missing: list[str] = []
    frame = _frame_noise(rows, blocks, missing)
    foreground = np.flatnonzero(~scan.is_background)
    weights = _block_weights(background, blocks, places, float(foreground.mean()))
    if weights is None:
        missing.append(f"error of the background {background.value!r}")
        weights = np.zeros(len(blocks))
    sizes = np.array([len(block) for block in blocks], dtype=np.float64)
    used = weights != 0
    share = 1 / len(foreground) + float((weights[used] ** 2 / sizes[used]).sum())
    diagonal = {}
    if background is Background.NONE:
        missing.append("the empty bore's signal: no background was subtracted")
    elif len(blocks) < 2:
        missing.append("drift of the background: fewer than two blocks of empty frames")
    else:
        diagonal["background drift"] = _drift(blocks, places, weights, foreground, frame)
    return RowNoise(frame, share, diagonal, tuple(missing))


def _runs(frames: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return frames that follow each other, together."""
    return np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else []


def _blocks(
    rows: PreparedRows, scan: Scan, empty: Sequence[Scan]
) -> tuple[list[Complex], NDArray[np.float64]]:
    """Return blocks of empty frames and their places, in frames of the scan.

    Empty-bore scans stand a scan's length before its middle and, from the second on, after it.
    """
    blocks, places = [], []
    if scan.is_background.any() and not empty:
        values = rows.frames(scan)
        for run in _runs(np.flatnonzero(scan.is_background)):
            blocks.append(values[run])
            places.append(float(run.mean()))
    n = len(scan.is_background)
    for number, other in enumerate(empty):
        values = rows.frames(other)
        used = other.is_background if other.is_background.any() else ~other.is_background
        blocks.append(values[used])
        places.append((n - 1) / 2 + (-n if number == 0 else n))
    return blocks, np.array(places)


def _frame_noise(rows: PreparedRows, blocks: list[Complex], missing: list[str]) -> FrameNoise:
    """Return the noise of a frame: from the scan, else the calibration, else steps of blocks."""
    if sum(len(block) - 1 for block in blocks) >= FEWEST:
        return estimate_frame_noise(blocks)
    matrix = rows.matrix
    own = _matrix_blocks(rows)
    if sum(len(block) - 1 for block in own) >= FEWEST:
        missing.append("noise of the scan itself: taken from the calibration's empty frames")
        return estimate_frame_noise(own)
    means = [np.array([b.mean(axis=0) for b in part]) for part in (blocks, own) if len(part) > 1]
    if sum(len(part) - 1 for part in means) >= FEWEST:
        missing.append("noise and drift apart: steps between empty frames count as noise")
        return estimate_frame_noise(means)
    raise DataError(
        f"neither the scan nor {matrix.name} holds repeated frames of the empty bore; without "
        "them an image has no uncertainty. Record empty frames"
    )


def _matrix_blocks(rows: PreparedRows) -> list[Complex]:
    matrix: SystemMatrix = rows.matrix
    if not matrix.is_background.any():
        return []
    in_time = frames_in_time(matrix)
    values = rows.frames(matrix)[in_time]
    return [values[run] for run in _runs(np.flatnonzero(matrix.is_background[in_time]))]


def _block_weights(
    background: Background, blocks: list[Complex], places: Array, place: float
) -> Array | None:
    """Return the weight of each block's mean in what is subtracted; None if it is not known."""
    sizes = np.array([len(block) for block in blocks], dtype=np.float64)
    if background is Background.NONE:
        return np.zeros(len(blocks))
    if background is Background.OWN_MEAN:
        return np.asarray(sizes / sizes.sum(), dtype=np.float64)
    if background is Background.EXTERNAL_MEAN:
        return np.full(len(blocks), 1 / len(blocks))
    if background in (Background.OWN_LINEAR, Background.EXTERNAL_LINEAR):
        return np.array([np.interp(place, places, column) for column in np.eye(len(blocks))])
    return None


def _drift(
    blocks: list[Complex],
    places: Array,
    weights: Array,
    foreground: NDArray[np.intp],
    frame: FrameNoise,
) -> Array:
    """Return the drift's variance (2 row,) in the corrected mean: a random walk between blocks.

    Variance of a step: half the row's own, half that of all rows by their noise (one step per row
    is too few to trust the row alone). The variance of a contrast c of a walk's values is
    -1/2 sum c_i c_j |p_i - p_j|.
    """
    means = np.array([block.mean(axis=0) for block in blocks])
    sizes = np.array([len(block) for block in blocks], dtype=np.float64)
    noise = 2 * frame.variance[: means.shape[1]]
    expected = (1 / sizes[1:] + 1 / sizes[:-1])[:, None] * noise
    excess = np.abs(np.diff(means, axis=0)) ** 2 - expected
    shared = max(float(np.mean(excess / noise)), 0.0)
    step = (np.maximum(excess.mean(axis=0), 0.0) + shared * noise) / 2
    gap = float(np.mean(np.abs(np.diff(places)))) or 1.0
    points = np.append(places, foreground.mean()) / gap
    contrast = np.append(-weights, 1.0)
    apart = np.abs(points[:, None] - points[None, :])
    walk = max(-0.5 * float(contrast @ apart @ contrast), 0.0)
    return np.tile(step * walk / 2, 2)
