"""Compiled twin of `axial_relaxation.axial_moment_numpy`; needs numba."""

# mypy: disable-error-code="untyped-decorator"

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _langevin(argument: float) -> tuple[float, float]:
    """Return L(x)/x and L'(x)."""
    x = abs(argument)
    if x < 0.1:
        s = x * x
        ratio = 1 / 3 - s * (1 / 45 - s * (2 / 945 - s * (1 / 4725 - s * 2 / 93555)))
        slope = 1 / 3 - s * (1 / 15 - s * (2 / 189 - s * (1 / 675 - s * 2 / 10395)))
        return ratio, slope
    decay = math.exp(-2 * x)
    ratio = ((1 + decay) / (1 - decay) - 1 / x) / x
    return ratio, 1 / x**2 - 4 * decay / (1 - decay) ** 2


@_jit
def _frozen(effective: float, before: float, after: float, step: float, at: float) -> float:
    ratio, slope = _langevin(at)
    rate = step * ratio / slope
    kept = math.exp(-rate)
    return after + (effective - before) * kept - (after - before) * (1 - kept) / rate


@_jit
def axial_moment(
    field: NDArray[np.float64],
    scale: NDArray[np.float64],
    steps: NDArray[np.float64],
    shares: NDArray[np.float64],
    periods: int,
    substeps: int,
) -> NDArray[np.float64]:
    """Return the moment (place, sample); see `axial_moment_numpy`."""
    moment = np.zeros(field.shape)
    samples = field.shape[1]
    for place in range(field.shape[0]):
        for size in range(scale.size):
            effective = field[place, 0] * scale[size]
            step = steps[size] / substeps
            for period in range(periods + 1):
                for i in range(samples):
                    if period == periods:
                        moment[place, i] += shares[size] * _langevin(effective)[0] * effective
                    start = field[place, i] * scale[size]
                    change = field[place, (i + 1) % samples] * scale[size] - start
                    for part in range(substeps):
                        before = start + change * part / substeps
                        after = start + change * (part + 1) / substeps
                        guess = _frozen(effective, before, after, step, effective)
                        middle = (effective + guess) / 2
                        effective = _frozen(effective, before, after, step, middle)
    return moment
