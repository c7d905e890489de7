"""Bounds on the total of any non-negative distribution that the signal allows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from sojourn.quantification._compact import Repeat
from sojourn.quantification._measurement import Calibration, Reading

PASSES = 3
RIDGE = 1e-12
"""Relative; keeps columns that depend on each other solvable."""
BLIND = 1e-10
"""Relative power below which a voxel gives no signal at all: any amount may hide there."""
STEPS = 60
MAX_DOUBLINGS = 80

Array = NDArray[np.float64]

NonNegativeSolver = Callable[[Array, Array, Array | None], Array]
"""From a Gram matrix, a right-hand side and a start to the optimum, as `solve_non_negative`."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """The total that fits best, the least and the greatest that still fit; calibration samples.

    `chi_square` is that of the best fit, `n_used` its number of voxels above zero.
    """

    total: float
    lower: float
    upper: float
    chi_square: float
    n_used: int
    relative_residual: float
    expected: NDArray[np.complex128]


def solve_non_negative(gram: Array, mixed: Array, start: Array | None = None) -> Array:
    """Return x >= 0 with least x' gram x / 2 - mixed' x, by active sets.

    Parameters
    ----------
    gram
        shape (n, n), symmetric, positive semi-definite.
    mixed
        shape (n,).
    start
        a solution of a similar problem, whose support is tried first.

    References
    ----------
    Lawson and Hanson, Solving Least Squares Problems (1974), ch. 23; Bro and De Jong, J.
    Chemometrics 11 (1997) 393.
    """
    n = len(mixed)
    x = np.zeros(n)
    passive = np.zeros(n, dtype=np.bool_)
    if start is not None and start.any():
        passive = start > 0
        x = _feasible(gram, mixed, start.copy(), passive)
    tolerance = 1e-10 * float(np.abs(mixed).max(initial=0))
    for _ in range(10 * n + 100):
        slope = mixed - gram @ x
        slope[passive] = -np.inf
        best = int(np.argmax(slope))
        if not slope[best] > tolerance:
            break
        passive[best] = True
        x = _feasible(gram, mixed, x, passive)
    return x


def _feasible(gram: Array, mixed: Array, x: Array, passive: NDArray[np.bool_]) -> Array:
    """Solve on the passive set; step back to the border and shrink it while a value is negative."""
    while passive.any():
        index = np.flatnonzero(passive)
        part = gram[np.ix_(index, index)].copy()
        part[np.diag_indices(len(index))] *= 1 + RIDGE
        try:
            wanted = cho_solve(cho_factor(part), mixed[index])
        except np.linalg.LinAlgError:
            part[np.diag_indices(len(index))] *= 1 + 1e-6
            wanted = cho_solve(cho_factor(part), mixed[index])
        if np.all(wanted > 0):
            x = np.zeros_like(x)
            x[index] = wanted
            return x
        low = wanted <= 0
        step = float(np.min(x[index][low] / np.maximum(x[index][low] - wanted[low], 1e-300)))
        moved = x[index] + step * (wanted - x[index])
        moved[low & (moved <= 1e-15 * np.abs(x[index]).max(initial=0))] = 0.0
        moved[np.flatnonzero(low)[np.argmin(moved[low])]] = 0.0
        x[index] = np.maximum(moved, 0.0)
        passive[index[x[index] == 0]] = False
    return np.zeros_like(x)


def bound_total(
    reading: Reading,
    calibration: Calibration,
    repeat: Repeat,
    *,
    limit: float,
    slack: float,
    solve: NonNegativeSolver = solve_non_negative,
) -> Bounds:
    """Return the range of totals of all distributions that fit.

    minimize and maximize sum(x) subject to x >= 0 and chi^2(x) <= limit. With `limit` the
    quantile of chi^2 with one degree of freedom per value the true distribution is among them
    with that probability, whatever it is. Where none fits so well, those within `slack` of
    the best are taken, and the misfit is flagged. `solve` finds each optimum.

    References
    ----------
    Stark, J. Geophys. Res. 97 (1992) 14055 (simultaneous strict bounds); Rust and Burrus,
    Mathematical Programming and the Numerical Solution of Linear Equations (1972).
    """
    frequencies = calibration.frequencies
    columns = calibration.columns
    expected = np.zeros_like(reading.signal)
    x = np.zeros(columns.shape[1])
    for _ in range(PASSES + 1):
        variance = reading.variance + repeat.row**2 * np.abs(expected) ** 2
        variance = variance + x.sum() ** 2 * reading.shared_variance
        variance = variance + float((x**2).sum()) * reading.column_variance
        design, signal = _whitened(columns, reading.signal, expected, variance, frequencies, repeat)
        power = (design**2).sum(axis=0)
        design[:, power < BLIND * power.max()] = 0.0
        gram, mixed = design.T @ design, design.T @ signal
        x = solve(gram, mixed, x)
        expected = columns @ x
    is_blind = bool(np.any(np.diag(gram) == 0))
    energy = float(signal @ signal)
    least = _chi_square(gram, mixed, energy, x)
    reach = max(limit, least + slack)
    return Bounds(
        total=float(x.sum()),
        lower=min(_extreme(gram, mixed, energy, x, reach, -1.0, solve), float(x.sum())),
        upper=(
            np.inf
            if is_blind
            else max(_extreme(gram, mixed, energy, x, reach, 1.0, solve), float(x.sum()))
        ),
        chi_square=least,
        n_used=int((x > 0).sum()),
        relative_residual=float(
            np.linalg.norm(reading.signal - expected) / np.linalg.norm(reading.signal)
        ),
        expected=expected,
    )


def _whitened(
    columns: NDArray[np.complex128],
    signal: NDArray[np.complex128],
    expected: NDArray[np.complex128],
    variance: Array,
    frequencies: Array,
    repeat: Repeat,
) -> tuple[Array, Array]:
    """Return columns and signal in units of their noise, delay and tilt taken into it."""
    root = np.sqrt(variance / 2)
    turn = 2j * np.pi * frequencies * repeat.delay
    lean = repeat.tilt * frequencies / frequencies.max()
    vectors = np.stack([turn * expected, lean * expected], axis=1)
    stack = [
        np.concatenate([v.real, v.imag])
        for v in (columns / root[:, None], (signal / root)[:, None], vectors / root[:, None])
    ]
    left, sizes, _ = np.linalg.svd(stack[2], full_matrices=False)
    shrink = 1 / np.sqrt(1 + sizes**2) - 1
    design, data = (part + left @ (shrink[:, None] * (left.T @ part)) for part in stack[:2])
    return design, data[:, 0]


def _chi_square(gram: Array, mixed: Array, energy: float, x: Array) -> float:
    return max(energy - 2 * float(mixed @ x) + float(x @ gram @ x), 0.0)


def _extreme(
    gram: Array,
    mixed: Array,
    energy: float,
    best: Array,
    limit: float,
    sign: float,
    solve: NonNegativeSolver,
) -> float:
    """Return the extreme total at chi^2 = limit: a price on the total, raised until it is met."""
    price = 1e-3 * float(np.abs(mixed).max(initial=0)) or 1.0
    x = best
    for _ in range(MAX_DOUBLINGS):
        x = solve(gram, mixed + sign * price, x)
        if _chi_square(gram, mixed, energy, x) >= limit or not x.any():
            break
        price *= 2
    if _chi_square(gram, mixed, energy, x) < limit:
        return 0.0 if sign < 0 else np.inf
    low, high = 0.0, price
    total = float(best.sum())
    for _ in range(STEPS):
        middle = (low + high) / 2
        x = solve(gram, mixed + sign * middle, x)
        if _chi_square(gram, mixed, energy, x) <= limit:
            low, total = middle, float(x.sum())
        else:
            high = middle
        if high - low <= 1e-6 * high:
            break
    return total
