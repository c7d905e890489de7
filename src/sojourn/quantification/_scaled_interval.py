"""Bounds of a value whose error grows with it: all values that its estimate allows."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REACH = 1e4
"""Standard deviations up to which a bound is looked for; beyond, there is none."""
STEPS = 100
CLOSE = 1e-7
"""Relative width at which a bound is known."""
FLOOR = 0.0025
"""Least variance of an error, relative to that at the estimate, however far away."""
ROOT_TWO = math.sqrt(2.0)


def mixture_bounds(quadratics: Array, *, level: float) -> tuple[float, float]:
    r"""Return how far below and above an estimate the true value may lie.

    The error of an estimate of t is normal with variance
    :math:`c_0 + c_1 \delta + c_2 \delta^2`, delta the distance of t from the estimate, for each
    of several equally likely models, one in each row (c_0, c_1, c_2) of `quadratics`.

    Returns
    -------
        delta of the lower (at most 0) and of the upper bound: at each, an estimate as extreme
        as the one found has half the probability outside `level`. Infinite where the error
        grows so fast that no bound exists.

    References
    ----------
    Neyman, Phil. Trans. R. Soc. A 236 (1937) 333; for one model Fieller's, J. R. Stat. Soc. B 16
    (1954) 175.
    """
    half = (1 - level) / 2

    models = [(float(a), float(b), float(c)) for a, b, c in quadratics]

    def excess(delta: float, wanted: float) -> float:
        total = 0.0
        for a, b, c in models:
            sd = math.sqrt(max(a + delta * (b + delta * c), 1e-300))
            total += math.erfc(delta / sd / ROOT_TWO) / 2
        return total / len(models) - wanted

    scale = float(np.sqrt(quadratics[:, 0].mean()))
    return (
        -_crossing(lambda x: -excess(-x, 1 - half), scale),
        _crossing(lambda x: excess(x, half), scale),
    )


def drawn_interval(
    errors: Array, distances: Array, quadratic: Array, *, level: float
) -> tuple[float, float]:
    """Return how far below and above an estimate the true value may lie, from drawn errors.

    Parameters
    ----------
    errors
        (draw,): estimate less truth, drawn with the truth about the estimate.
    distances
        (draw,): each draw's own truth less the estimate.
    quadratic
        (3,): their variance is c_0 + c_1 delta + c_2 delta^2 with the truth at a distance delta;
        the shape of their distribution is taken to stay.
    level
        coverage; quantiles are order statistics at (n + 1) p, so that the coverage of an
        estimate drawn as the errors were is exact.

    References
    ----------
    Davison and Hinkley, Bootstrap Methods and their Application (1997) section 5.2 (studentised).
    """
    here, slope, bend = (float(value) for value in quadratic)
    sd = math.sqrt(here)
    spreads = np.sqrt(np.maximum(here + distances * (slope + distances * bend), FLOOR * here))
    low, high = np.quantile(errors / spreads, [(1 - level) / 2, (1 + level) / 2], method="weibull")

    def spread(delta: float) -> float:
        variance = here + delta * (slope + delta * bend)
        return math.sqrt(max(variance, FLOOR * here))

    lower = _signed(lambda delta: delta + float(high) * spread(delta), float(high), sd)
    upper = _signed(lambda delta: delta + float(low) * spread(delta), float(low), sd)
    return lower, upper


def _signed(condition: Callable[[float], float], quantile: float, scale: float) -> float:
    """Return delta where `condition`, rising with delta, is zero; it has the sign of -quantile."""
    if quantile > 0:
        return -_crossing(lambda x: condition(-x), scale)
    return _crossing(lambda x: -condition(x), scale)


def _crossing(falling: Callable[[float], float], scale: float) -> float:
    """Return x >= 0 where a falling function that is positive at 0 crosses zero; inf if nowhere."""
    low, high = 0.0, 2 * scale
    at_low, at_high = falling(low), falling(high)
    if at_low <= 0:
        return 0.0
    while at_high > 0:
        if high > REACH * scale:
            return float(np.inf)
        low, at_low, high = high, at_high, 2 * high
        at_high = falling(high)
    side = 0
    for _ in range(STEPS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = falling(middle)
        if value == 0 or high - low <= CLOSE * high:
            break
        if value > 0:
            low, at_low = middle, value
            at_high, side = (at_high / 2 if side == 1 else at_high), 1
        else:
            high, at_high = middle, value
            at_low, side = (at_low / 2 if side == -1 else at_low), -1
    return float(middle)
