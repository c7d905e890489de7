"""Amount of a compact source of unknown place: likelihood at every place, then averaged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.quantification._interpolation import Columns, Interpolator, interpolate
from sojourn.quantification._measurement import Reading

RELINEARIZATIONS = 8
COARSE_PASSES = 3
COARSE = 2
"""Steps per voxel of the first search."""
KEPT_CELLS = 12
"""Cells of the first search that are refined, most likely first."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PlaceFits:
    """The best amount at each place, with the rest: arrays (place,).

    `score` is -2 log of the place's posterior weight. `weights` (row, place) are such that the
    amount is Re sum(weights * signal), with all else fixed.
    """

    amount: NDArray[np.float64]
    sd: NDArray[np.float64]
    chi_square: NDArray[np.float64]
    score: NDArray[np.float64]
    delay: NDArray[np.float64]
    relative_residual: NDArray[np.float64]
    index: NDArray[np.float64]
    weights: NDArray[np.complex128]
    columns: NDArray[np.complex128]

    @property
    def best(self) -> int:
        """The likeliest place."""
        return int(np.argmin(self.score))

    def probabilities(self) -> NDArray[np.float64]:
        """Return the posterior probability of each place."""
        relative = np.exp(-0.5 * (self.score - self.score.min()))
        probabilities: NDArray[np.float64] = relative / relative.sum()
        return probabilities


@dataclass(frozen=True, slots=True)
class Repeat:
    """How far the calibration may be off: relative row error, delay (s), relative tilt."""

    row: float
    delay: float
    tilt: float


def fit_places(
    reading: Reading,
    columns: Columns,
    frequencies: NDArray[np.float64],
    repeat: Repeat,
    step: float,
    *,
    passes: int = RELINEARIZATIONS,
) -> PlaceFits:
    """Return the fit at each place of `columns`, cells of `step` (in voxels) around it.

    Model: u = a exp(2 pi i f d) (1 + t f / f_max) (s + slopes . p) + e, with the delay
    d ~ N(0, repeat.delay^2), the tilt t ~ N(0, repeat.tilt^2), the place within its cell
    p ~ N(0, step^2 / 12) along each axis, and e independent with the variance of signal,
    calibration columns (times a^2), interpolation and rows (relative). The amount a has a flat
    prior. Linear in d, t and p around the last estimate, solved repeatedly.
    """
    turn = 2j * np.pi * frequencies[:, None]
    tilting = repeat.tilt * (frequencies / frequencies.max())[:, None]
    signal = reading.signal[:, None]
    energy = (np.abs(columns.values) ** 2).sum(axis=0)
    amount = (columns.values.conj() * signal).real.sum(axis=0) / energy
    delay = np.zeros_like(amount)
    fixed = (reading.column_variance + reading.shared_variance)[:, None] + columns.variance
    slopes = columns.slopes * (step / np.sqrt(12))
    for _ in range(passes):
        turned = columns.values * np.exp(turn * delay)
        expected = amount * turned
        spread = fixed + repeat.row**2 * np.abs(turned) ** 2
        variance = reading.variance[:, None] + amount**2 * spread
        lagging = turn * expected
        vectors = np.concatenate(
            [
                np.stack([repeat.delay * lagging, tilting * expected]),
                amount * slopes * np.exp(turn * delay),
            ]
        )
        shifted = signal + delay * lagging
        solution = _solve(turned, shifted, vectors, variance)
        amount, delay = solution.amount, repeat.delay * solution.nuisance[0]
    misfit = signal - amount * columns.values * np.exp(turn * delay)
    residual = np.linalg.norm(misfit, axis=0) / np.linalg.norm(signal)
    return PlaceFits(
        amount=amount,
        sd=solution.sd,
        chi_square=solution.chi_square,
        score=solution.score,
        delay=delay,
        relative_residual=residual,
        index=columns.index,
        weights=solution.weights,
        columns=turned,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    amount: NDArray[np.float64]
    sd: NDArray[np.float64]
    chi_square: NDArray[np.float64]
    score: NDArray[np.float64]
    nuisance: NDArray[np.float64]
    weights: NDArray[np.complex128]


def _solve(
    column: NDArray[np.complex128],
    signal: NDArray[np.complex128],
    vectors: NDArray[np.complex128],
    variance: NDArray[np.float64],
) -> _Solution:
    """Return the generalized least squares amount at each place, nuisances marginalized.

    Covariance per place: diagonal variance / 2 for each of real and imaginary part, plus
    vectors vectors^T (Woodbury).
    """
    scaled = vectors.conj() * (2 / variance)
    inner = np.einsum("arq,brq->qab", scaled, vectors).real
    inner += np.eye(len(vectors))
    to_column = np.einsum("arq,rq->qa", scaled, column).real
    to_signal = np.einsum("arq,rq->qa", scaled, signal).real
    solved_column = np.linalg.solve(inner, to_column[..., None])[..., 0]
    solved_signal = np.linalg.solve(inner, to_signal[..., None])[..., 0]
    weight = 2 / variance
    information = (weight * np.abs(column) ** 2).sum(axis=0) - (to_column * solved_column).sum(1)
    mixed = (weight * (column.conj() * signal).real).sum(axis=0)
    mixed -= (to_column * solved_signal).sum(axis=1)
    total = (weight * np.abs(signal) ** 2).sum(axis=0) - (to_signal * solved_signal).sum(axis=1)
    amount = mixed / information
    projected = weight * column.conj() - np.einsum("qa,arq->rq", solved_column, scaled)
    chi_square = total - mixed * amount
    _, log_inner = np.linalg.slogdet(inner)
    score = chi_square + 2 * np.log(variance).sum(axis=0) + log_inner + np.log(information)
    return _Solution(
        amount=amount,
        sd=1 / np.sqrt(information),
        chi_square=np.maximum(chi_square, 0.0),
        score=score,
        nuisance=(solved_signal - amount[:, None] * solved_column).T,
        weights=projected / information,
    )


def search_places(
    reading: Reading,
    interpolator: Interpolator,
    frequencies: NDArray[np.float64],
    repeat: Repeat,
    subdivisions: int,
) -> PlaceFits:
    """Return fits on a fine lattice around the likeliest cells of a coarse one."""
    shape = interpolator.columns.shape[1:]
    i, j, k = (np.arange((n - 1) * COARSE + 1) / COARSE for n in shape)
    lattice = interpolate(interpolator, i, j, k)
    coarse = fit_places(reading, lattice, frequencies, repeat, 1 / COARSE, passes=COARSE_PASSES)
    order = np.argsort(coarse.score, kind="stable")[:KEPT_CELLS]
    boxes = [interpolate(interpolator, *_box(coarse.index[q], shape, subdivisions)) for q in order]
    return fit_places(reading, _merged(boxes), frequencies, repeat, 1 / subdivisions)


def _box(center: Array, shape: tuple[int, ...], subdivisions: int) -> tuple[Array, Array, Array]:
    """Return the fine steps along each axis of the coarse cell around `center`."""
    reach = subdivisions // COARSE // 2
    i, j, k = (
        np.unique(
            np.clip(
                np.arange(-reach, reach + 1) + round(c * subdivisions), 0, (n - 1) * subdivisions
            )
        )
        / subdivisions
        for c, n in zip(center, shape, strict=True)
    )
    return i, j, k


def _merged(boxes: list[Columns]) -> Columns:
    """Return all places of some boxes once each: neighbouring boxes share a face."""
    index = np.concatenate([box.index for box in boxes])
    _, first = np.unique(np.round(index, 6), axis=0, return_index=True)
    return Columns(
        values=np.concatenate([box.values for box in boxes], axis=1)[:, first],
        variance=np.concatenate([box.variance for box in boxes], axis=1)[:, first],
        slopes=np.concatenate([box.slopes for box in boxes], axis=2)[:, :, first],
        index=index[first],
    )
