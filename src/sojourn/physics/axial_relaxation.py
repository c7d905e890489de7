"""Relaxation in a field along one axis, fast enough to fit: the effective-field closure in 1-D."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.effective_field import langevin_and_slope

PERIODS = 4
"""Periods until the state counts as periodic; the field must saturate the cores once in each."""

Moment = Callable[
    [
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        int,
        int,
    ],
    NDArray[np.float64],
]


def axial_moment(
    field: NDArray[np.float64],
    *,
    scale: NDArray[np.float64],
    times: NDArray[np.float64],
    shares: NDArray[np.float64],
    interval: float,
    substeps: int = 2,
) -> NDArray[np.float64]:
    r"""Return the moment along the axis, relative to saturation, in the periodic state.

    .. math:: \tau\,\dot\xi_e = \frac{L(\xi_e)}{\xi_e L'(\xi_e)} (\xi - \xi_e), \qquad M = L(\xi_e)

    Parameters
    ----------
    field
        one period, shape (place, sample), T.
    scale
        shape (size,): :math:`\xi = m B / kT` per T, for each core size.
    times
        shape (size,): relaxation time without field, s.
    shares
        shape (size,): of the iron.
    interval
        between two samples, s.
    substeps
        of each interval; the field between is linear.

    Returns
    -------
        shape of `field`, within (-1, 1).

    Raises
    ------
    DataError
        if shapes differ or a time, a scale or the interval is not positive.

    References
    ----------
    Martsenyuk, Raikher and Shliomis, Sov. Phys. JETP 38 (1974) 413.
    """
    if field.ndim != 2 or not scale.shape == times.shape == shares.shape or scale.ndim != 1:
        raise DataError(
            f"field {field.shape} must be (place, sample); scale {scale.shape}, times "
            f"{times.shape} and shares {shares.shape} need one length"
        )
    if not (np.all(times > 0) and np.all(scale > 0) and interval > 0 and substeps >= 1):
        raise DataError("times, scale, interval and substeps must be positive")
    moment = compiled_moment() or axial_moment_numpy
    return moment(np.ascontiguousarray(field), scale, interval / times, shares, PERIODS, substeps)


@cache
def compiled_moment() -> Moment | None:
    """Return the compiled twin of `axial_moment_numpy`, or None where numba is not installed."""
    try:
        from sojourn.physics import _axial_numba as compiled
    except ImportError:
        return None
    moment: Moment = compiled.axial_moment
    return moment


def axial_moment_numpy(
    field: NDArray[np.float64],
    scale: NDArray[np.float64],
    steps: NDArray[np.float64],
    shares: NDArray[np.float64],
    periods: int,
    substeps: int,
) -> NDArray[np.float64]:
    """Return the moment (place, sample): the reference of the compiled loop.

    `steps` (size,): interval over relaxation time. Each step solves the closure for coefficients
    frozen in its middle, as `effective_field.effective_field_step` does in three dimensions.
    """
    argument = field[:, :, None] * scale
    ahead = np.roll(argument, -1, axis=1)
    moment = np.empty(field.shape)
    effective = argument[:, 0]
    step = steps / substeps
    for period in range(periods + 1):
        for i in range(field.shape[1]):
            if period == periods:
                ratio = langevin_and_slope(np.abs(effective))[0]
                moment[:, i] = (ratio * effective) @ shares
            start, change = argument[:, i], ahead[:, i] - argument[:, i]
            for part in range(substeps):
                before = start + change * part / substeps
                after = start + change * (part + 1) / substeps
                guess = _frozen(effective, before, after, step, effective)
                effective = _frozen(effective, before, after, step, (effective + guess) / 2)
    return moment


def _frozen(
    effective: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    step: NDArray[np.float64],
    at: NDArray[np.float64],
) -> NDArray[np.float64]:
    ratio, slope = langevin_and_slope(np.abs(at))
    rate = step * ratio / slope
    kept = np.exp(-rate)
    result: NDArray[np.float64] = (
        after + (effective - before) * kept - (after - before) * (1 - kept) / rate
    )
    return result
