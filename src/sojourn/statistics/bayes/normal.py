"""A normal mean with known error: prior and posterior in closed form."""

import math
from dataclasses import dataclass

from scipy.special import ndtr

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import normal_quantile


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal distribution of an effect, `mean` and `deviation` in the effect's unit."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and 0 < self.deviation < math.inf):
            raise DataError(
                f"normal of mean {self.mean}, deviation {self.deviation}; expected numbers, the "
                "deviation positive"
            )

    def above(self, value: float) -> float:
        """Return the probability of more than `value`."""
        return float(ndtr((self.mean - value) / self.deviation))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval, which is also the shortest."""
        half = normal_quantile((1 + level) / 2) * self.deviation
        return self.mean - half, self.mean + half

    def updated(self, value: float, standard_error: float) -> "Normal":
        r"""Return the posterior after an estimate with its known standard error.

        .. math:: \tau' = (\tau^{-2} + s^{-2})^{-1/2}, \quad
            \mu' = \tau'^2 (\mu \tau^{-2} + y s^{-2})

        Raises
        ------
        DataError
            if the estimate is not finite or its error not positive.

        References
        ----------
        Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.5.

        Examples
        --------
        >>> Normal(0.0, 1.0).updated(2.0, 1.0).mean
        1.0
        """
        seen = Normal(value, standard_error)
        before, data = self.deviation**-2, seen.deviation**-2
        precision = before + data
        return Normal((before * self.mean + data * value) / precision, precision**-0.5)
