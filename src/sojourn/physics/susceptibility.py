"""Relaxation times from the AC susceptibility: a distribution, with the resolution that it has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.relaxation import debye_response

_LARGEST = 1e8
_SMALLEST = 1e-6
_SEARCH_STEPS = 40
_ABOVE_THE_LEAST = 1.05


class DistributionSettings(BaseModel):
    """How a distribution of relaxation times is found.

    `points`: of the grid of times. `decades_beyond`: how far the grid goes beyond the times
    1/omega that were measured, where the data say little. `smoothing`: weight of the squared
    second difference; None takes the largest that the errors allow (discrepancy principle).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int = Field(default=120, ge=10)
    decades_beyond: float = Field(default=1.0, ge=0)
    smoothing: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, slots=True, eq=False)
class RelaxationDistribution:
    """How much of the susceptibility relaxes in which time.

    `times` (n,), s, equidistant in the logarithm. `weights` (n,), not negative, the part of the
    susceptibility in each; their density by decade is `density`. `instantaneous`: what follows
    the field at all frequencies measured. `smoothing` as used. `chi_square` of `n_data` numbers.
    `resolution_decades`: full width at half maximum, in decades of time, that a single relaxation
    time at the median would show with this smoothing and these errors: nothing narrower is seen.
    `warnings` say what does not hold.
    """

    times: NDArray[np.float64]
    weights: NDArray[np.float64]
    instantaneous: float
    smoothing: float
    chi_square: float
    n_data: int
    resolution_decades: float
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", frozen(self.times))
        object.__setattr__(self, "weights", frozen(self.weights))

    @property
    def density(self) -> NDArray[np.float64]:
        """Susceptibility for each decade of relaxation time (n,)."""
        density: NDArray[np.float64] = self.weights / np.log10(self.times[1] / self.times[0])
        return density

    @property
    def median_time(self) -> float:
        """Time below which half of the relaxing susceptibility relaxes, s."""
        return _median(self.times, self.weights)


def relaxation_distribution(
    frequencies: NDArray[np.float64],
    susceptibility: NDArray[np.complex128],
    *,
    standard_errors: NDArray[np.float64],
    settings: DistributionSettings | None = None,
) -> RelaxationDistribution:
    r"""Return the distribution of relaxation times behind an AC susceptibility.

    .. math:: \chi(\omega) = \chi_\infty + \sum_j \frac{g_j}{1 + i \omega \tau_j},
        \qquad g_j \ge 0, \; \chi_\infty \ge 0

    Least squares with a penalty on the second difference of g (Tikhonov), which is needed because
    the problem is ill-posed, and non-negativity.

    Parameters
    ----------
    frequencies
        shape (k,), Hz, positive.
    susceptibility
        shape (k,): chi' - i chi'', any unit.
    standard_errors
        shape (k,), of the real and of the imaginary part alike, in that unit, positive.
    settings
        grid and smoothing.

    Returns
    -------
        the distribution in the unit of the susceptibility.

    Raises
    ------
    DataError
        if shapes differ, numbers are out of range or nothing relaxes.

    References
    ----------
    Tikhonov and Arsenin 1977; Morozov 1984 (discrepancy principle); Lawson and Hanson 1974
    (non-negative least squares); Bender et al., J. Phys. Chem. C 122 (2018) 3068 (the use on AC
    susceptibility of magnetic particles).
    """
    settings = settings or DistributionSettings()
    _check(frequencies, susceptibility, standard_errors)
    reach = 10.0**settings.decades_beyond
    times = np.geomspace(
        1 / (2 * np.pi * frequencies.max() * reach),
        reach / (2 * np.pi * frequencies.min()),
        settings.points,
    )
    problem = _Problem(
        matrix=_weighted_matrix(frequencies, times, standard_errors),
        data=_stacked(susceptibility) / np.tile(standard_errors, 2),
        penalty=_second_differences(settings.points),
    )
    smoothing, notes = problem.choose(settings.smoothing)
    found = problem.solve(smoothing)
    weights, instantaneous = found[:-1], float(found[-1])
    if not weights.sum() > 0:
        raise DataError("no part of this susceptibility relaxes between the frequencies measured")
    notes += _edge_notes(times, weights, frequencies)
    return RelaxationDistribution(
        times=times,
        weights=weights,
        instantaneous=instantaneous,
        smoothing=smoothing,
        chi_square=problem.chi_square(found),
        n_data=len(problem.data),
        resolution_decades=_resolution(problem, smoothing, times, weights),
        warnings=notes,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Rows of the data, divided by their errors, and of the penalty; last column: chi_inf."""

    matrix: NDArray[np.float64]
    data: NDArray[np.float64]
    penalty: NDArray[np.float64]

    def solve(
        self, smoothing: float, data: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        from scipy.optimize import nnls

        rows = np.concatenate((self.matrix, np.sqrt(smoothing) * self.penalty))
        right = self.data if data is None else data
        right = np.concatenate((right, np.zeros(len(self.penalty))))
        return np.asarray(nnls(rows, right, maxiter=50 * rows.shape[1])[0], dtype=np.float64)

    def chi_square(self, solution: NDArray[np.float64]) -> float:
        return float(np.sum((self.matrix @ solution - self.data) ** 2))

    def choose(self, stated: float | None) -> tuple[float, tuple[str, ...]]:
        """Largest smoothing whose misfit the errors allow, with what is odd about it."""
        unit = float(np.sum(self.matrix**2)) / self.matrix.shape[1]
        if stated is not None:
            return stated * unit, ()
        least = self.chi_square(self.solve(_SMALLEST * unit))
        allowed = float(len(self.data))
        notes: tuple[str, ...] = ()
        if least > allowed + 3 * np.sqrt(2 * allowed):
            notes = (
                f"no distribution fits within the stated errors (chi-square {least:.4g} of "
                f"{len(self.data)} data at the least smoothing): a sum of Debye terms or the "
                "errors are wrong",
            )
        elif least < 0.25 * allowed:
            notes = (
                f"the scatter is {np.sqrt(least / allowed):.2g} of the stated errors: they are too "
                "large, and the distribution is smoother than the data would allow",
            )
        allowed = max(allowed, _ABOVE_THE_LEAST * least)
        low, high = np.log(_SMALLEST), np.log(_LARGEST)
        if self.chi_square(self.solve(_LARGEST * unit)) <= allowed:
            low = high
        for _ in range(_SEARCH_STEPS):
            if high - low < 0.05:
                break
            middle = (low + high) / 2
            fits = self.chi_square(self.solve(float(np.exp(middle)) * unit)) <= allowed
            low, high = (middle, high) if fits else (low, middle)
        return float(np.exp(low)) * unit, notes


def _check(
    frequencies: NDArray[np.float64],
    susceptibility: NDArray[np.complex128],
    standard_errors: NDArray[np.float64],
) -> None:
    shapes = {frequencies.shape, susceptibility.shape, standard_errors.shape}
    if len(shapes) != 1 or frequencies.ndim != 1 or frequencies.size < 3:
        raise DataError(f"frequencies, susceptibility and errors need one shape (k > 2,): {shapes}")
    if not (np.all(frequencies > 0) and np.all(standard_errors > 0)):
        raise DataError("frequencies and standard errors must be positive")
    if not (np.all(np.isfinite(susceptibility)) and frequencies.max() > frequencies.min()):
        raise DataError("susceptibility must be finite, at more than one frequency")


def _stacked(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.concatenate((values.real, values.imag), axis=0).astype(np.float64)


def _weighted_matrix(
    frequencies: NDArray[np.float64],
    times: NDArray[np.float64],
    standard_errors: NDArray[np.float64],
) -> NDArray[np.float64]:
    responses = _stacked(debye_response(frequencies, times).T)
    constant = np.repeat([1.0, 0.0], len(frequencies))[:, None]
    weighted: NDArray[np.float64] = np.concatenate((responses, constant), axis=1)
    return weighted / np.tile(standard_errors, 2)[:, None]


def _second_differences(points: int) -> NDArray[np.float64]:
    """Rows g[j-1] - 2 g[j] + g[j+1], zero beyond both ends; nothing on the last column."""
    differences = np.zeros((points, points + 1))
    differences[:, :points] = -2 * np.eye(points) + np.eye(points, k=1) + np.eye(points, k=-1)
    return differences


def _median(times: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    below = np.cumsum(weights) - weights / 2
    return float(np.exp(np.interp(weights.sum() / 2, below, np.log(times))))


def _resolution(
    problem: _Problem,
    smoothing: float,
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """FWHM in decades of the answer to a single time at the median, at the same smoothing."""
    place = int(np.argmin(np.abs(np.log(times / _median(times, weights)))))
    answer = problem.solve(smoothing, problem.matrix[:, place] * weights.sum())[:-1]
    fine = np.linspace(0, len(times) - 1, 50 * len(times))
    above = np.interp(fine, np.arange(len(times)), answer) >= answer.max() / 2
    step = float(np.log10(times[1] / times[0]))
    return float(np.sum(above)) * float(fine[1]) * step


def _edge_notes(
    times: NDArray[np.float64], weights: NDArray[np.float64], frequencies: NDArray[np.float64]
) -> tuple[str, ...]:
    slow = times > 1 / (2 * np.pi * frequencies.min())
    fast = times < 1 / (2 * np.pi * frequencies.max())
    shares = {
        "slower than the lowest": weights[slow].sum() / weights.sum(),
        "faster than the highest": weights[fast].sum() / weights.sum(),
    }
    return tuple(
        f"{100 * share:.0f} % of the relaxing susceptibility lies {where} frequency measured: its "
        "amount is extrapolated, its times are not determined"
        for where, share in shares.items()
        if share > 0.02
    )
