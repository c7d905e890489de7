"""What a magnetization loop says: coercivity, remanence, and whether equilibrium may be assumed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError

_POINTS_OF_A_LINE = 3
_CLOSED = 3.0


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """Figures of a full loop, fields in T (mu0 H), magnetization in the unit of the data.

    `coercivity`: half the distance between the fields at which the two branches cross zero;
    `field_offset`: their mean (a biased magnetometer or trapped flux, in a symmetric sample).
    `remanence`: half the distance between the branches at zero field. Standard errors from the
    scatter about straight lines through the points near zero field. `loss`: area of the loop,
    unit of the data times T. `is_closed`: coercivity within three standard errors of zero: fits
    of an equilibrium curve may be meaningful.
    """

    coercivity: float
    coercivity_error: float
    field_offset: float
    remanence: float
    remanence_error: float
    loss: float
    is_closed: bool


def measure_hysteresis(
    flux_density: NDArray[np.float64], magnetization: NDArray[np.float64], *, window: float
) -> Hysteresis:
    """Measure a loop from saturation to opposite saturation and back.

    Each branch is a straight line within `window` of zero field, which must be well below the
    field at which the curve bends.

    Parameters
    ----------
    flux_density
        mu0 H in the order of measurement, shape (n,), T: from one end to the other and back.
    magnetization
        shape (n,), any unit.
    window
        of the straight lines, T, positive.

    Returns
    -------
        figures of the loop.

    Raises
    ------
    DataError
        if shapes differ, the field does not go both ways, a branch has fewer than three points
        within the window, or does not rise there.

    References
    ----------
    Cullity and Graham, Introduction to Magnetic Materials, 2nd edition 2009, chapter 1.
    """
    if flux_density.shape != magnetization.shape or flux_density.ndim != 1:
        raise DataError(f"field {flux_density.shape} and magnetization {magnetization.shape}")
    if not (
        window > 0 and np.all(np.isfinite(flux_density)) and np.all(np.isfinite(magnetization))
    ):
        raise DataError(f"window {window} T must be positive and every number finite")
    turn = _turning_point(flux_density)
    branches = (slice(0, turn + 1), slice(turn, None))
    lines = [_line(flux_density[part], magnetization[part], window) for part in branches]
    crossings = [-line.height / line.slope for line in lines]
    coercivity = (crossings[1] - crossings[0]) / 2
    remanence = (lines[0].height - lines[1].height) / 2
    if flux_density[turn] > flux_density[0]:
        coercivity, remanence = -coercivity, -remanence
    first, second = lines
    error = float(
        np.hypot(first.height_error / first.slope, second.height_error / second.slope) / 2
    )
    return Hysteresis(
        coercivity=coercivity,
        coercivity_error=error,
        field_offset=sum(crossings) / 2,
        remanence=remanence,
        remanence_error=float(np.hypot(first.height_error, second.height_error) / 2),
        loss=abs(float(np.trapezoid(magnetization, flux_density))),
        is_closed=abs(coercivity) <= _CLOSED * error,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    height: float
    slope: float
    height_error: float


def _turning_point(flux_density: NDArray[np.float64]) -> int:
    middle = flux_density - (flux_density[0] + flux_density[-1]) / 2
    turn = int(np.argmax(np.abs(middle)))
    reach = float(np.ptp(flux_density))
    closed = abs(float(flux_density[0] - flux_density[-1])) < 0.1 * reach
    if not (closed and 0 < turn < len(flux_density) - 1):
        raise DataError("the field must go from one end to the other and back")
    return turn


def _line(
    flux_density: NDArray[np.float64], magnetization: NDArray[np.float64], window: float
) -> _Line:
    near = np.abs(flux_density) <= window
    if int(near.sum()) < _POINTS_OF_A_LINE:
        raise DataError(f"a branch has {int(near.sum())} points within {window} T of zero field")
    design = np.stack((np.ones(int(near.sum())), flux_density[near]), axis=1)
    solution, *_ = np.linalg.lstsq(design, magnetization[near], rcond=None)
    rest = magnetization[near] - design @ solution
    inverse = np.linalg.inv(design.T @ design)
    variance = float(rest @ rest) / max(1, len(rest) - 2) * float(inverse[0, 0])
    if not solution[1] > 0:
        raise DataError("magnetization does not rise with the field near zero")
    return _Line(float(solution[0]), float(solution[1]), float(np.sqrt(variance)))
