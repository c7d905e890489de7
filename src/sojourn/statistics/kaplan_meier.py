"""Survival by Kaplan and Meier with the log-log interval."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import normal_quantile
from sojourn.statistics._groups import split_groups

CURVE = {
    "GROUP": pl.String,
    "TIME": pl.Float64,
    "AT_RISK": pl.Int64,
    "EVENTS": pl.Int64,
    "CENSORED": pl.Int64,
    "SURVIVAL": pl.Float64,
    "LOWER": pl.Float64,
    "UPPER": pl.Float64,
}
"""Columns of `curve`: a row at time 0 and at each time of an event or censoring, by group."""


class Settings(BaseModel):
    """`at`: times of the estimates, in days; `level` of the interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: tuple[float, ...] = Field(default=(365.0,), min_length=1)
    level: float = Field(default=0.95, gt=0, lt=1)


@dataclass(frozen=True, slots=True)
class Survival:
    """The steps of one curve, shape (times,), times ascending.

    `variance` is Greenwood's sum: the variance of the logarithm of survival.
    """

    times: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    survival: NDArray[np.float64]
    variance: NDArray[np.float64]


def kaplan_meier(times: NDArray[np.float64], is_event: NDArray[np.bool_]) -> Survival:
    r"""Return the product-limit estimate of survival.

    .. math:: \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right), \qquad
              V(t) = \sum_{t_i \le t} \frac{d_i}{n_i (n_i - d_i)}

    Parameters
    ----------
    times
        time of each subject, 0 or more, shape (subjects,).
    is_event
        True for an event, False for a censored time, shape (subjects,). A subject censored at a
        time is at risk for the events of that time.

    Returns
    -------
        one step for each distinct time; `variance` is infinite once nobody survives.

    References
    ----------
    Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457. Greenwood 1926.
    """
    distinct, where = np.unique(times, return_inverse=True)
    events = np.bincount(where, weights=is_event, minlength=len(distinct)).astype(np.int64)
    leaving = np.bincount(where, minlength=len(distinct)).astype(np.int64)
    at_risk = len(times) - np.concatenate([[0], np.cumsum(leaving)[:-1]]).astype(np.int64)
    at_risk = at_risk[: len(distinct)]
    surviving = at_risk - events
    with np.errstate(divide="ignore"):
        terms = np.where(events > 0, events / (at_risk * np.maximum(surviving, 0)), 0.0)
    return Survival(
        times=distinct,
        at_risk=at_risk,
        events=events,
        censored=leaving - events,
        survival=np.cumprod(surviving / at_risk, dtype=np.float64),
        variance=np.cumsum(terms),
    )


def log_log_interval(
    survival: float, variance: float, *, at_risk: int, n_events: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a survival probability, on the scale log(-log S).

    Where survival is 1 or 0 that scale has no interval. The bounds are then exact binomial ones,
    conservative, from the subjects still at risk, or from those with an event.

    Parameters
    ----------
    survival, variance
        estimate, and Greenwood's variance of its logarithm.
    at_risk, n_events
        subjects at risk at the time, and events up to it.
    level
        coverage.

    References
    ----------
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1.4.

    Examples
    --------
    >>> lower, upper = log_log_interval(1.0, 0.0, at_risk=10, n_events=0)
    >>> round(lower, 6), upper
    (0.691503, 1.0)
    """
    tail = (1 - level) / 2
    if survival >= 1:
        return (tail ** (1 / at_risk) if at_risk else 0.0), 1.0
    if survival <= 0:
        return 0.0, 1 - tail ** (1 / n_events)
    spread = normal_quantile(1 - tail) * math.sqrt(variance) / abs(math.log(survival))
    return survival ** math.exp(spread), survival ** math.exp(-spread)


def estimate_survival(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's survival at some times.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the time in days, ``CNSR`` 0 for the
        event; other codes are censored. A null ``AVAL`` is left out and counted.
    settings
        times, level.

    Returns
    -------
        for each group and time an estimate, operation ``survival_at_<day>``; None where nobody was
        followed so long (the last value is not carried on). Notes say how many were at risk, and
        how many had a competing event (CNSR 2 and above): censoring them makes 1 - survival too
        large a risk.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times.
    """
    estimates = []
    for group in split_groups(outcomes, "AVAL"):
        rows = group.rows
        steps = _steps(rows)
        competing = int((rows["CNSR"] > 1).sum())
        note = f"{competing} competing events are censored: not a risk in their presence"
        notes = (*((note,) if competing else ()), *group.missing_note)
        for at in settings.at:
            estimates.append(_estimate_at(group.name, steps, at, rows.height, settings, notes))
    return estimates


def curve(outcomes: pl.DataFrame, *, level: float = 0.95) -> pl.DataFrame:
    """Return the steps of each group's curve, for drawing.

    Parameters
    ----------
    outcomes
        as for `estimate_survival`.
    level
        of the pointwise interval.

    Returns
    -------
        `CURVE`; survival holds from its ``TIME`` to the next.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times.
    """
    rows: list[tuple[object, ...]] = []
    for group in split_groups(outcomes, "AVAL"):
        steps = _steps(group.rows)
        if len(steps.times) == 0 or steps.times[0] > 0:
            rows.append((group.name, 0.0, group.rows.height, 0, 0, 1.0, 1.0, 1.0))
        counts = (steps.at_risk, steps.events, steps.censored, steps.events.cumsum())
        columns = (steps.times, steps.survival, steps.variance, *counts)
        for time, value, variance, at_risk, events, censored, so_far in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            lower, upper = log_log_interval(
                value, variance, at_risk=at_risk, n_events=so_far, level=level
            )
            rows.append((group.name, time, at_risk, events, censored, value, lower, upper))
    return pl.DataFrame(rows, schema=CURVE, orient="row")


def _steps(rows: pl.DataFrame) -> Survival:
    wrong = rows.filter(pl.col("CNSR").is_null() | (pl.col("AVAL") < 0))
    if wrong.height:
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: {wrong['PARAMCD'][0]} is no time to an event "
            f"(AVAL {wrong['AVAL'][0]:g}, CNSR {wrong['CNSR'][0]}); expected AVAL >= 0 and a CNSR"
        )
    return kaplan_meier(rows["AVAL"].to_numpy(), (rows["CNSR"] == 0).to_numpy())


def _estimate_at(
    name: str, steps: Survival, at: float, n: int, settings: Settings, notes: tuple[str, ...]
) -> GroupEstimate:
    operation, label = f"survival_at_{at:g}", f"survival at day {at:g}"
    last = float(steps.times[-1]) if n else 0.0
    if n == 0 or (at > last and steps.survival[-1] > 0):
        reason = f"nobody was followed to day {at:g}" + (f"; the last day is {last:g}" if n else "")
        return GroupEstimate(name, operation, label, None, n, reason=reason)
    i = int(np.searchsorted(steps.times, at, side="right")) - 1
    at_risk = int(steps.at_risk[np.searchsorted(steps.times, at)]) if at <= last else 0
    survival = 1.0 if i < 0 else float(steps.survival[i])
    variance = 0.0 if i < 0 else float(steps.variance[i])
    n_events = int(steps.events[: i + 1].sum())
    lower, upper = log_log_interval(
        survival, variance, at_risk=at_risk, n_events=n_events, level=settings.level
    )
    is_exact = survival in (0.0, 1.0)
    estimate = Estimate(
        value=survival,
        unit="1",
        lower=lower,
        upper=upper,
        level=settings.level,
        method="Kaplan-Meier, log-log interval"
        + (" (exact bound, since survival is 0 or 1)" if is_exact else ""),
        n=n,
        components={} if is_exact else {"Greenwood": survival * math.sqrt(variance)},
        notes=(f"{at_risk} at risk, {n_events} events by day {at:g}", *notes),
    )
    return GroupEstimate(name, operation, label, estimate, n)


ANALYSIS = Analysis(
    label="Survival by Kaplan and Meier", settings=Settings, estimate=estimate_survival
)
