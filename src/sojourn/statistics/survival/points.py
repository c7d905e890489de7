"""Survival at one time as an Estimate, with what a reader must know beside it."""

import math

import numpy as np

from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import plural
from sojourn.statistics.survival.inputs import Times
from sojourn.statistics.survival.intervals import Scale, bounded_interval
from sojourn.statistics.survival.product_limit import Survival, count_events, find_survival
from sojourn.statistics.survival.risk_sets import Truncation, count_at_risk, count_fewest_at_risk


def explain_unfollowed(steps: Survival, at: float) -> str:
    """Return why there is no survival at a time, or nothing where there is one.

    Nothing is known after the last time, unless nobody survived to it: the value is not carried
    on.

    Parameters
    ----------
    steps
        the curve.
    at
        the time, in days.
    """
    if len(steps.times) == 0:
        return f"nobody was followed to day {at:g}"
    last = float(steps.times[-1])
    if at > last and steps.survival[-1] > 0:
        return f"nobody was followed to day {at:g}; the last day is {last:g}"
    return ""


def explain_exhausted(late: Truncation, at: float) -> str:
    """Return why late entry leaves no survival at a time, or nothing where there is one.

    Where all who were at risk had the event, and others came under observation later, the product
    is 0 from that time on, whatever the others do: it says nothing of them. That is one empty risk
    set, not a group of whom nobody lived.

    Parameters
    ----------
    late
        what late entry did (`find_truncation`).
    at
        the time, in days.

    References
    ----------
    Klein and Moeschberger, Survival Analysis, 2nd ed., 4.6 (left truncation).
    """
    if late.exhausted is None or at < late.exhausted:
        return ""
    return (
        f"all who were at risk on day {late.exhausted:g} had the event, and {late.n_later} came "
        "under observation later: from that day on survival is not estimable"
    )


def estimate_point(
    people: Times,
    steps: Survival,
    at: float,
    *,
    method: str = "Kaplan-Meier",
    scale: Scale = "log-log",
    level: float = 0.95,
    notes: tuple[str, ...] = (),
) -> Estimate:
    """Return survival at one time; an event on the very time is counted.

    Parameters
    ----------
    people, steps
        checked times, and their curve (`product_limit`).
    at
        the time, in days; `explain_unfollowed` says whether anything is known of it.
    method
        how the curve was made, in words.
    scale, level
        where the interval is symmetric, and its coverage. At 1 and 0 the bounds are exact.
    notes
        statements beside the first, which counts those at risk and events.
    """
    time = np.array(at)
    survival, variance = (float(x) for x in find_survival(steps, time))
    at_risk, n_events = int(count_at_risk(people, time)), int(count_events(steps, time))
    lower, upper = bounded_interval(
        survival,
        variance,
        at_risk=count_fewest_at_risk(people, time),
        n_events=n_events,
        scale=scale,
        level=level,
    )
    is_exact = survival in (0.0, 1.0)
    return Estimate(
        value=survival,
        unit="1",
        lower=float(lower),
        upper=float(upper),
        level=level,
        method=f"{method}, {scale} interval"
        + (" (exact bound, since survival is 0 or 1)" if is_exact else ""),
        n=len(people),
        components={} if is_exact else {"Greenwood": survival * math.sqrt(variance)},
        notes=(f"{at_risk} at risk, {plural(n_events, 'event')} by day {at:g}", *notes),
    )
