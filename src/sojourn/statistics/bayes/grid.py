"""A posterior of one parameter on a grid, for any likelihood and prior."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GridPosterior:
    """Density (n) at increasing `points` (n); between them it is a straight line."""

    points: Floats
    density: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen(self.points))
        object.__setattr__(self, "density", frozen(self.density))

    def _cumulated(self) -> Floats:
        steps = np.diff(self.points) * (self.density[1:] + self.density[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def mean(self) -> float:
        """Return the mean, exact for the straight lines."""
        left, right = self.points[:-1], self.points[1:]
        low, high = self.density[:-1], self.density[1:]
        moment = (right - left) / 6 * (low * (2 * left + right) + high * (left + 2 * right))
        return float(moment.sum())

    def below(self, value: float) -> float:
        """Return the probability of a value up to `value`."""
        points, density, whole = self.points, self.density, self._cumulated()
        if value <= points[0]:
            return 0.0
        if value >= points[-1]:
            return 1.0
        i = int(np.searchsorted(points, value, side="right")) - 1
        height = float(np.interp(value, points, density))
        return float(whole[i] + (value - points[i]) * (density[i] + height) / 2)

    def above(self, value: float) -> float:
        """Return the probability of more than `value`."""
        return 1 - self.below(value)

    def quantile(self, probability: float) -> float:
        """Return the value with `probability` below it."""
        if not 0 <= probability <= 1:
            raise DataError(f"probability {probability} is not within 0 to 1")
        low, high = float(self.points[0]), float(self.points[-1])
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle) < probability else (low, middle)
        return (low + high) / 2

    def central_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval with equal probability left on both sides."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)


def grid_posterior(
    points: ArrayLike, log_likelihood: ArrayLike, log_prior: ArrayLike
) -> GridPosterior:
    """Return the posterior on `points`.

    Parameters
    ----------
    points
        (n), increasing, at least two, wide enough that the posterior has died away at both ends or
        that they are its natural bounds.
    log_likelihood, log_prior
        (n), up to a constant; minus infinity where impossible.

    Returns
    -------
        density that integrates to one by the trapezoidal rule.

    Raises
    ------
    DataError
        if points do not increase, shapes differ, a log is NaN or plus infinity, or the posterior is
        zero throughout.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.7.
    """
    x = np.asarray(points, dtype=np.float64)
    parts = [np.asarray(part, dtype=np.float64) for part in (log_likelihood, log_prior)]
    if x.ndim != 1 or len(x) < 2 or any(part.shape != x.shape for part in parts):
        raise DataError(f"points have shape {x.shape}, logs {[part.shape for part in parts]}")
    if not np.all(np.isfinite(x)) or np.any(np.diff(x) <= 0):
        raise DataError("points of the grid must be finite and increase")
    total = parts[0] + parts[1]
    if np.any(np.isnan(total)) or np.any(total == np.inf):
        raise DataError("a log likelihood or prior is not a number or infinite")
    if np.all(np.isneginf(total)):
        raise DataError("the posterior is zero on the whole grid")
    density = np.exp(total - total.max())
    whole = float(np.sum(np.diff(x) * (density[1:] + density[:-1]) / 2))
    return GridPosterior(x, density / whole)
