"""Mean time without the event up to a horizon: the area under the curve."""

from dataclasses import dataclass

import numpy as np

from sojourn.core.errors import DataError
from sojourn.statistics.survival.product_limit import Survival


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Area under survival up to `tau`, and its standard error, in the unit of the times."""

    tau: float
    value: float
    standard_error: float


def restricted_mean(curve: Survival, *, tau: float) -> RestrictedMean:
    r"""Return the restricted mean survival time.

    .. math:: \mu = \int_0^\tau \hat S(t)\,dt, \qquad
              \widehat{\mathrm{var}} = \sum_{t_i \le \tau}
              \left(\int_{t_i}^\tau \hat S(t)\,dt\right)^2 \frac{d_i}{n_i (n_i - d_i)}

    Terms with :math:`d_i = n_i` are left out: the area behind them is 0.

    Parameters
    ----------
    curve
        the steps. Beyond the last one survival is carried on, which R does too; whether that is
        acceptable is for the caller to decide.
    tau
        the horizon, in the unit of the times; positive.

    Raises
    ------
    DataError
        if `tau` is not a positive number, or the curve is that of nobody.

    References
    ----------
    Klein and Moeschberger, Survival Analysis, 2nd ed., 4.5. R survival 3.5-3, ``print.survfit``
    with ``rmean``.

    Examples
    --------
    >>> from sojourn.statistics.survival.product_limit import kaplan_meier
    >>> made = restricted_mean(kaplan_meier([2.0, 4.0], [1, 1]), tau=4.0)
    >>> made.value, round(made.standard_error, 6)
    (3.0, 0.707107)
    """
    if not (np.isfinite(tau) and tau > 0):
        raise DataError(f"the horizon tau must be a positive number, got {tau}")
    if len(curve.times) == 0:
        raise DataError("a curve without subjects has no mean; expected at least one subject")
    inside = curve.times <= tau
    edges = np.concatenate([[0.0], curve.times[inside], [tau]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival[inside]])
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    events, at_risk = curve.events[inside], curve.at_risk[inside]
    surviving = at_risk - events
    terms = np.where(surviving > 0, events / (at_risk * np.maximum(surviving, 1)), 0.0)
    return RestrictedMean(float(tau), float(areas.sum()), float(np.sqrt((beyond**2 * terms).sum())))
