"""How far an assumption on what is missing must go before the conclusion is lost."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import clopper_pearson
from sojourn.statistics.missing.rubin import Pooled


@dataclass(frozen=True, slots=True)
class AssumedSuccesses:
    """One row of the table: `assumed` of the missing are taken as successes."""

    assumed: int
    successes: int
    n: int
    lower: float
    upper: float

    @property
    def proportion(self) -> float:
        """Return the share of successes."""
        return self.successes / self.n


def assumed_successes(
    successes: int, observed: int, missing: int, *, level: float = 0.95
) -> tuple[AssumedSuccesses, ...]:
    """Return the exact interval of a proportion for every number of successes among the missing.

    Parameters
    ----------
    successes, observed
        counts of those with a result, 0 <= `successes` <= `observed`.
    missing
        how many have none; the table has one row more.
    level
        of Clopper and Pearson's interval.

    Returns
    -------
        rows by `assumed`, 0 to `missing`; empty where nobody is there.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404. Yan, Lee and Li, J. Biopharm. Stat. 19 (2009)
    1085 (tipping point of a binary outcome).
    """
    if not 0 <= successes <= observed or missing < 0:
        raise DataError(f"{successes} successes of {observed}, {missing} missing cannot be")
    n = observed + missing
    made = []
    for assumed in range(missing + 1) if n else ():
        lower, upper = clopper_pearson(successes + assumed, n, level=level)
        made.append(AssumedSuccesses(assumed, successes + assumed, n, lower, upper))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class TippingDelta:
    """The least shift that loses a conclusion; None where no shift up to `searched` does."""

    delta: float | None
    searched: float


def find_tipping_delta(
    pooled: Callable[[float], Pooled], *, direction: int, farthest: float, level: float = 0.95
) -> tuple[TippingDelta, TippingDelta]:
    """Return the shifts of imputed values at which significance, and the sign, are lost.

    Parameters
    ----------
    pooled
        the pooled effect as a function of the shift delta.
    direction
        1 or -1: the side to which delta goes from 0.
    farthest
        largest size of delta that is tried, positive, in the unit of the values.
    level
        1 - level is the two-sided level of significance.

    Returns
    -------
        delta at which the interval first holds zero, and at which the effect is first zero or of
        the other sign; 0 where there is nothing to lose. Each to 1e-9 of `farthest`; delta is
        searched in 200 steps, then halved, so that a conclusion lost and won back within a step
        may be missed.

    Raises
    ------
    DataError
        if `farthest` is not positive or `direction` is neither 1 nor -1.

    References
    ----------
    Yan, Lee and Li, J. Biopharm. Stat. 19 (2009) 1085.
    """
    if not farthest > 0 or not math.isfinite(farthest) or direction not in (-1, 1):
        raise DataError(f"farthest {farthest} must be positive, direction {direction} 1 or -1")
    start = pooled(0.0)

    def is_significant(delta: float) -> bool:
        low, high = pooled(delta).interval(level)
        return low > 0 if start.value > 0 else high < 0

    def has_sign(delta: float) -> bool:
        value = pooled(delta).value
        return value > 0 if start.value > 0 else value < 0

    found = (_first_loss(keeps, direction, farthest) for keeps in (is_significant, has_sign))
    significance, sign = (TippingDelta(delta, farthest) for delta in found)
    return significance, sign


def _first_loss(keeps: Callable[[float], bool], direction: int, farthest: float) -> float | None:
    """Return the first delta at which `keeps` fails, found by steps and halving."""
    if not keeps(0.0):
        return 0.0
    steps = 200
    for i in range(1, steps + 1):
        if keeps(direction * farthest * i / steps):
            continue
        low, high = farthest * (i - 1) / steps, farthest * i / steps
        while high - low > 1e-9 * farthest:
            middle = (low + high) / 2
            low, high = (middle, high) if keeps(direction * middle) else (low, middle)
        return direction * high
    return None
