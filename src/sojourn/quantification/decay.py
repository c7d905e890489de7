"""Decay of the signal in one place over days: a single exponential, and how well it is known.

Half-life of signal: clearance, dilution and change of the tracer together. Not of cells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.uncertainty import chi_square_tail, normal_quantile

NOT_CELLS = "half-life of tracer signal; not of cells"


@dataclass(frozen=True, slots=True)
class Decay:
    """A fitted exponential: `half_life` in days, `rate` in 1/day, `initial` amount at day 0.

    `p_value` is the probability, by chance, of a scatter around the line as large as found;
    None where two points leave no scatter to judge. `is_identified` is false where the data do
    not exclude that nothing decays: the half-life then has no upper bound.
    """

    half_life: Estimate
    rate: Estimate
    initial: Estimate
    p_value: float | None
    is_identified: bool


def estimate_decay(
    days: Sequence[float], amounts: Sequence[Estimate], *, level: float = 0.95
) -> Decay:
    r"""Return the exponential :math:`a \exp(-k t)` that fits amounts on days, by log amounts.

    Weighted least squares of the log amounts; the weight of each is that of its own interval. If
    the scatter exceeds those, intervals are widened by it (Birge) and use Student's t.

    Parameters
    ----------
    days
        t, since injection, in days; at least two different ones.
    amounts
        in one unit; each above zero, since a log of nothing does not exist.
    level
        coverage of the intervals.

    Returns
    -------
        The half-life's interval is that of ln 2 / k: from an upper bound of k that is not above
        zero no half-life follows, and an unbounded one is stated as infinite.

    Raises
    ------
    DataError
        if there are fewer than two usable days, units differ, or an amount is not positive.

    References
    ----------
    Birge, Phys. Rev. 40 (1932) 207; Draper and Smith, Applied Regression Analysis (1998) ch. 9.
    """
    unit = _check(days, amounts)
    t = np.asarray(days, dtype=np.float64)
    values = np.array([a.value for a in amounts])
    sds = np.array([(a.upper - a.lower) / 2 / normal_quantile(a.level) for a in amounts]) / values
    weights = 1 / sds**2
    center = float(weights @ t / weights.sum())
    spread = float(weights @ (t - center) ** 2)
    log_mean = float(weights @ np.log(values) / weights.sum())
    slope = float(weights @ ((t - center) * np.log(values)) / spread)
    residual = np.log(values) - log_mean - slope * (t - center)
    freedom = len(t) - 2
    chi_square = float(weights @ residual**2)
    widening = max(1.0, chi_square / freedom) if freedom else 1.0
    quantile = normal_quantile(level)
    if widening > 1:
        quantile = float(special.stdtrit(freedom, 0.5 + level / 2))
    rate, rate_sd = -slope, math.sqrt(widening / spread)
    start = log_mean - slope * center
    start_sd = math.sqrt(widening * (1 / float(weights.sum()) + center**2 / spread))
    return Decay(
        half_life=_half_life(rate, quantile * rate_sd, level, len(t)),
        rate=Estimate(
            value=rate,
            unit="1/d",
            lower=rate - quantile * rate_sd,
            upper=rate + quantile * rate_sd,
            level=level,
            method="weighted log-linear fit",
            n=len(t),
        ),
        initial=Estimate(
            value=math.exp(start),
            unit=unit,
            lower=math.exp(start - quantile * start_sd),
            upper=math.exp(start + quantile * start_sd),
            level=level,
            method="weighted log-linear fit",
            n=len(t),
        ),
        p_value=chi_square_tail(chi_square, freedom) if freedom else None,
        is_identified=rate - quantile * rate_sd > 0,
    )


def _check(days: Sequence[float], amounts: Sequence[Estimate]) -> str:
    if len(days) != len(amounts):
        raise DataError(f"{len(days)} days but {len(amounts)} amounts")
    if len(set(days)) < 2:
        raise DataError(
            f"a half-life needs amounts on at least two days, found {len(set(days))}: {list(days)}"
        )
    units = {amount.unit for amount in amounts}
    if len(units) > 1:
        raise DataError(f"amounts have different units: {', '.join(sorted(units))}")
    for day, amount in zip(days, amounts, strict=True):
        width = amount.upper - amount.lower
        if amount.value <= 0 or not 0 < width < math.inf:
            raise DataError(
                f"day {day:g}: amount {amount} cannot be fitted on a log scale; it must be "
                "positive and have a bounded interval. Leave out days below the detection limit"
            )
    return units.pop()


def _half_life(rate: float, reach: float, level: float, n: int) -> Estimate:
    notes = [NOT_CELLS]
    low, high = rate - reach, rate + reach
    if low <= 0:
        notes.append("not identified: the data do not exclude that nothing decays")
    if rate <= 0:
        notes.append("the signal rises, or does not fall, between these days")
    return Estimate(
        value=math.log(2) / rate if rate > 0 else math.inf,
        unit="d",
        lower=math.log(2) / high if high > 0 else math.inf,
        upper=math.log(2) / low if low > 0 else math.inf,
        level=level,
        method="ln 2 over the rate of a weighted log-linear fit",
        n=n,
        notes=tuple(notes),
    )
