"""Several compact sources of unknown places: found one after the other, compared by number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.quantification._compact import Repeat
from sojourn.quantification._interpolation import Columns, Interpolator, interpolate
from sojourn.quantification._measurement import Calibration, Reading
from sojourn.reconstruction.uncertainty.noise import stack

COARSE = 2
"""Steps per voxel of the search."""
ROUNDS = 3
"""How often each source is looked for again, the others where they are."""
STEPS = 12
"""Steps towards the best places between those of the lattice."""
PLACE_SD = 0.5
"""Standard deviation of a place about the one found, before the data, in voxels."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SourcesFit:
    """Sources at `index` (source, 3) with `amounts` (source,) and their covariance.

    `map` (2 row,) gives the total from the signal, `score` is the Bayesian information criterion,
    `expected` (row,) the fitted signal.
    """

    index: Array
    amounts: Array
    covariance: Array
    map: Array
    chi_square: float
    score: float
    expected: NDArray[np.complex128]


def fit_sources(
    reading: Reading, calibration: Calibration, repeat: Repeat, most: int
) -> tuple[SourcesFit, ...]:
    """Return the best fit with one source, with two, and so on up to `most`.

    Every source found keeps its neighbourhood; a further one is looked for on a lattice of half
    voxels, then all are moved in turn. Ends early where a further source has no positive amount.

    References
    ----------
    Schwarz, Ann. Statist. 6 (1978) 461 (information criterion).
    """
    shape = calibration.grid.shape
    i, j, k = (np.arange((n - 1) * COARSE + 1) / COARSE for n in shape)
    lattice = interpolate(calibration.interpolator, i, j, k)
    weight = 1 / np.sqrt(
        reading.variance / 2 + (repeat.row**2 + 1e-6) * np.abs(reading.signal) ** 2 / 2
    )
    columns = stack(lattice.values * weight[:, None])
    signal = stack((reading.signal * weight)[:, None])[:, 0]
    found: list[SourcesFit] = []
    chosen: list[int] = []
    for _ in range(most):
        chosen = _with_one_more(columns, signal, chosen)
        fit = _refined(reading, calibration, repeat, lattice.index[chosen])
        if len(found) and not np.all(fit.amounts > 0):
            break
        found.append(fit)
    return tuple(found)


def _with_one_more(columns: Array, signal: Array, chosen: list[int]) -> list[int]:
    """Return lattice places with one added, each looked for again in turn."""
    places = [*chosen, _best_place(columns, signal, chosen)]
    for _ in range(ROUNDS if len(places) > 1 else 0):
        for number in range(len(places)):
            others = places[:number] + places[number + 1 :]
            places[number] = _best_place(columns, signal, others)
    return places


def _best_place(columns: Array, signal: Array, others: list[int]) -> int:
    """Return the lattice place that explains most of the signal beside `others`."""
    basis = np.linalg.qr(columns[:, others])[0] if others else np.zeros((len(signal), 0))
    left = signal - basis @ (basis.T @ signal)
    energy = (columns**2).sum(axis=0)
    inside = energy - ((basis.T @ columns) ** 2).sum(axis=0)
    seen = np.maximum(left @ columns, 0.0)
    gain = np.where(inside > 1e-6 * energy, seen**2 / np.maximum(inside, 1e-300), -1.0)
    gain[others] = -1.0
    return int(np.argmax(gain))


def _at(interpolator: Interpolator, index: Array) -> list[Columns]:
    """Return the columns at each place (source, 3)."""
    return [interpolate(interpolator, *(np.array([c]) for c in place.tolist())) for place in index]


def _refined(
    reading: Reading, calibration: Calibration, repeat: Repeat, index: Array
) -> SourcesFit:
    """Return the fit with places moved to where the signal is explained best."""
    axes = list(calibration.interpolator.free_axes)
    limits = np.array(calibration.grid.shape) - 1.0
    index = index.copy()
    amounts = np.zeros(len(index))
    start = True
    for _ in range(STEPS):
        columns = _at(calibration.interpolator, index)
        solved = _solve(reading, calibration, repeat, columns, amounts, first=start)
        amounts, start = solved.amounts, False
        moved = np.clip(solved.shift, -0.5, 0.5)
        index[:, axes] = np.clip(index[:, axes] + moved, 0.0, limits[axes])
        if np.abs(moved).max() < 1e-4:
            break
    columns = _at(calibration.interpolator, index)
    last = _solve(reading, calibration, repeat, columns, amounts, first=False)
    n_numbers = len(index) * (1 + len(axes))
    return SourcesFit(
        index=index,
        amounts=last.amounts,
        covariance=last.covariance,
        map=last.map,
        chi_square=last.chi_square,
        score=last.chi_square + last.log_variance + n_numbers * np.log(2 * len(reading.signal)),
        expected=last.expected,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    amounts: Array
    covariance: Array
    map: Array
    shift: Array
    chi_square: float
    log_variance: float
    expected: NDArray[np.complex128]


def _solve(
    reading: Reading,
    calibration: Calibration,
    repeat: Repeat,
    columns: list[Columns],
    amounts: Array,
    *,
    first: bool,
) -> _Solved:
    """Return amounts by generalized least squares, places, delay and tilt marginalized."""
    values = np.stack([c.values[:, 0] for c in columns], axis=1)
    if first:
        start = np.linalg.lstsq(stack(values), stack(reading.signal[:, None])[:, 0], rcond=None)
        amounts = np.asarray(start[0], dtype=np.float64)
    expected = values @ amounts
    doubt = np.stack([c.variance[:, 0] for c in columns], axis=1)
    variance = reading.variance + repeat.row**2 * np.abs(expected) ** 2
    variance = variance + float(amounts.sum()) ** 2 * reading.shared_variance
    variance = variance + (doubt + reading.column_variance[:, None]) @ amounts**2
    frequencies = calibration.frequencies
    slopes = [PLACE_SD * a * s for a, c in zip(amounts, columns, strict=True) for s in c.slopes]
    nuisances = [
        *(slope[:, 0] for slope in slopes),
        2j * np.pi * frequencies * repeat.delay * expected,
        repeat.tilt * frequencies / frequencies.max() * expected,
    ]
    design = stack(np.stack([*values.T, *nuisances], axis=1))
    signal = stack(reading.signal[:, None])[:, 0]
    weights = np.tile(2 / variance, 2)
    n = len(amounts)
    precision = design.T @ (design * weights[:, None])
    precision[np.arange(n, len(precision)), np.arange(n, len(precision))] += 1.0
    inverse = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    back = inverse @ (design * weights[:, None]).T
    latent = back @ signal
    chi_square = float(signal @ (weights * signal)) - float(latent @ precision @ latent)
    free = len(calibration.interpolator.free_axes)
    return _Solved(
        amounts=latent[:n],
        covariance=inverse[:n, :n],
        map=back[:n].sum(axis=0),
        shift=PLACE_SD * latent[n : n + n * free].reshape(n, free),
        chi_square=max(chi_square, 0.0),
        log_variance=2 * float(np.log(variance).sum()),
        expected=values @ latent[:n],
    )
