"""Times by which a share of the subjects had the event, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.intervals import Scale, survival_interval
from sojourn.statistics.survival.product_limit import Survival, product_limit

TOLERANCE = float(np.sqrt(np.finfo(float).eps))
"""How close survival must come to 1 - p to be taken as equal to it; R's ``quantile.survfit``."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """The time by which a share `p` had the event, and its bounds; None where not reached.

    `upper` None: the curve of upper bounds never falls so far, the time is unbounded above.
    """

    p: float
    value: float | None
    lower: float | None
    upper: float | None


def survival_quantile(
    curve: Survival, p: float, *, scale: Scale = "log-log", level: float = 0.95
) -> Quantile:
    """Return the time at which survival has fallen to 1 - p, by R's rules.

    It is the first time with survival at most 1 - p. Where the curve lies exactly at 1 - p for a
    while, it is the middle of that stretch (up to the last time, if the curve ends there). The
    bounds are the times at which the curves of pointwise bounds cross 1 - p in the same way
    (Brookmeyer and Crowley's interval). A curve of bounds that rises again crosses several times;
    the time is then that of its value next to 1 - p, as in R.

    Parameters
    ----------
    curve
        the steps.
    p
        share with the event, within (0, 1): 0.5 is the median.
    scale, level
        of the pointwise bounds.

    Raises
    ------
    DataError
        if `p` is not between 0 and 1.

    References
    ----------
    Brookmeyer and Crowley, Biometrics 38 (1982) 29. R survival 3.5-3, ``quantile.survfit``.

    Examples
    --------
    >>> survival_quantile(product_limit(check_times([1, 2, 3, 4], [1, 1, 0, 1])), 0.5).value
    3.0
    """
    if not 0 < p < 1:
        raise DataError(f"a quantile needs a share between 0 and 1, got {p}")
    lower, upper = survival_interval(curve.survival, curve.variance, scale=scale, level=level)
    return Quantile(p, *(_cross(curve.times, bound, p) for bound in (curve.survival, lower, upper)))


def median_follow_up(
    times: ArrayLike, is_censored: ArrayLike, *, entry: ArrayLike | None = None
) -> Quantile:
    """Return the median time of follow-up by the reverse Kaplan-Meier method, with its bounds.

    Being censored is taken as the event, and the event as censoring: how long would subjects have
    been followed had none had the event?

    Parameters
    ----------
    times
        time of each subject, 0 or more, shape (subjects,).
    is_censored
        True for who was alive and event-free at the end of observation, shape (subjects,).
    entry
        as for `kaplan_meier`.

    Raises
    ------
    DataError
        if a time, a status or an entry is not valid, naming its index.

    References
    ----------
    Schemper and Smith, Control. Clin. Trials 17 (1996) 343.

    Examples
    --------
    >>> median_follow_up([100, 30, 200, 300], [True, False, True, True]).value
    200.0
    """
    return survival_quantile(product_limit(check_times(times, is_censored, entry=entry)), 0.5)


def _cross(times: NDArray[np.float64], level: NDArray[np.float64], p: float) -> float | None:
    """Return the time at which 1 - `level` reaches `p`, None if it does not."""
    is_known = ~np.isnan(level)
    at, risk = times[is_known], 1 - level[is_known]
    risk, first = np.unique(risk, return_index=True)
    at = at[first]
    reached, passed = at[risk + TOLERANCE >= p], at[risk - TOLERANCE >= p]
    if len(reached) == 0:
        return None
    if len(passed):
        return float((reached[0] + passed[0]) / 2)
    return float((reached[0] + times[-1]) / 2)
