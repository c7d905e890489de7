"""Survival by Kaplan and Meier: at some days, its quantiles, and the follow-up behind it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics.survival.inputs import Times
from sojourn.statistics.survival.intervals import Scale, bounded_interval, log_log_interval
from sojourn.statistics.survival.points import (
    estimate_point,
    explain_exhausted,
    explain_unfollowed,
)
from sojourn.statistics.survival.product_limit import (
    Survival,
    count_events,
    find_survival,
    kaplan_meier,
    product_limit,
)
from sojourn.statistics.survival.quantiles import survival_quantile
from sojourn.statistics.survival.risk_sets import (
    Truncation,
    count_at_risk,
    count_fewest_at_risk,
    find_truncation,
)
from sojourn.statistics.survival.rows import count_competing, take_times

__all__ = ["ANALYSIS", "CURVE", "Settings", "Survival", "curve", "estimate_survival"]
__all__ += ["kaplan_meier", "log_log_interval"]

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
"""Columns of `curve`: a row at time 0 and at each time of an event, censoring or late entry."""


class Settings(BaseModel):
    """What is estimated of each curve.

    `at`: times of the estimates, in days. `quantiles`: shares with the event whose times are
    estimated; 0.5 is the median. `follow_up`: whether the median follow-up is (reverse
    Kaplan-Meier). `interval`: the scale on which intervals are symmetric. `level` of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: tuple[float, ...] = Field(default=(365.0,), min_length=1)
    quantiles: tuple[float, ...] = ()
    follow_up: bool = False
    interval: Scale = "log-log"
    level: float = Field(default=0.95, gt=0, lt=1)

    @field_validator("quantiles")
    @classmethod
    def _within_0_and_1(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < share < 1 for share in shares):
            raise ValueError("a quantile is a share between 0 and 1, 0.5 the median")
        return shares


def estimate_survival(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's survival at some times, its quantiles and its follow-up.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the time in days, ``CNSR`` 0 for the
        event; other codes are censored. ``ENTRY``, where it is given, is the day from which the
        subject was under observation (left truncation). A null ``AVAL`` is left out and counted.
    settings
        times, quantiles, scale, level.

    Returns
    -------
        for each group and time an estimate, operation ``survival_at_<day>``; None where nobody was
        followed so long (the last value is not carried on), and from the day on which late entry
        left a risk set to die out. Notes say how many were at risk, what late entry did, and how
        many had a competing event (CNSR 2 and above): censoring them makes
        1 - survival too large a risk. Then ``quantile_<share>`` and ``median_follow_up``, if asked
        for, in days; None where not reached.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times.
    """
    estimates: list[GroupEstimate] = []
    for group in split_groups(outcomes, "AVAL"):
        fit = _fit(group)
        estimates += [_estimate_at(fit, at, settings) for at in settings.at]
        estimates += [_estimate_quantile(fit, p, settings) for p in settings.quantiles]
        if settings.follow_up:
            estimates.append(_estimate_follow_up(group, fit, settings))
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
        `CURVE`; survival holds from its ``TIME`` to the next. ``AT_RISK`` is just before ``TIME``
        (at day 0 of those under observation from the origin); late entries have rows of their
        own, so that it is right at every time. Survival and its bounds are null from the day on
        which all at risk had the event while others came under observation later.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times.
    """
    rows: list[tuple[object, ...]] = []
    for group in split_groups(outcomes, "AVAL"):
        rows += _curve_rows(group.name, take_times(group.rows), level)
    return pl.DataFrame(rows, schema=CURVE, orient="row")


def _curve_rows(name: str, people: Times, level: float) -> Iterator[tuple[object, ...]]:
    steps = product_limit(people)
    if len(steps.times) == 0 or steps.times[0] > 0:
        yield (name, 0.0, int((people.entry <= 0).sum()), 0, 0, 1.0, 1.0, 1.0)
    entered = people.entry[people.entry > 0]
    times = np.union1d(steps.times, entered)
    survival, variance = find_survival(steps, times)
    lower, upper = bounded_interval(
        survival,
        variance,
        at_risk=count_fewest_at_risk(people, times),
        n_events=count_events(steps, times),
        level=level,
    )
    events, censored = (
        np.bincount(np.searchsorted(times, people.exit[which]), minlength=len(times))
        for which in (people.is_event, ~people.is_event)
    )
    end = find_truncation(people).exhausted
    counts = (times, count_at_risk(people, times), events, censored)
    columns = (*counts, survival, lower, upper)
    for row in zip(*(column.tolist() for column in columns), strict=True):
        is_known = end is None or row[0] < end
        yield (name, *row) if is_known else (name, *row[: len(counts)], None, None, None)


@dataclass(frozen=True, slots=True)
class _Fit:
    """One group: its name, its subjects, their curve, and what a reader must know of it."""

    name: str
    people: Times
    steps: Survival
    late: Truncation
    notes: tuple[str, ...]


def _fit(group: Group) -> _Fit:
    people = take_times(group.rows)
    competing = count_competing(group.rows)
    note = f"{competing} competing events are censored: not a risk in their presence"
    late = find_truncation(people)
    notes = (*((note,) if competing else ()), *late.describe(len(people)), *group.missing_note)
    return _Fit(group.name, people, product_limit(people), late, notes)


def _estimate_at(fit: _Fit, at: float, settings: Settings) -> GroupEstimate:
    operation, label, n = f"survival_at_{at:g}", f"survival at day {at:g}", len(fit.people)
    if reason := explain_exhausted(fit.late, at) or explain_unfollowed(fit.steps, at):
        return GroupEstimate(fit.name, operation, label, None, n, reason=reason)
    scale, level = settings.interval, settings.level
    estimate = estimate_point(fit.people, fit.steps, at, scale=scale, level=level, notes=fit.notes)
    return GroupEstimate(fit.name, operation, label, estimate, n)


def _estimate_quantile(fit: _Fit, p: float, settings: Settings) -> GroupEstimate:
    operation, label = f"quantile_{p:g}", f"day by which {100 * p:g} % had the event"
    reason = f"survival does not fall to {1 - p:g}"
    note = f"{int(fit.people.is_event.sum())} events in {len(fit.people)} subjects"
    return _estimate_crossing(
        fit,
        p,
        settings,
        GroupEstimate(fit.name, operation, label, None, len(fit.people), reason=reason),
        note,
    )


def _estimate_follow_up(group: Group, fit: _Fit, settings: Settings) -> GroupEstimate:
    # Death ends follow-up as the event does: only CNSR 1 is the end of observation.
    is_censored = (group.rows["CNSR"] == 1).to_numpy()
    people = Times(fit.people.exit, is_censored, fit.people.entry)
    late = find_truncation(people)
    reverse = _Fit(fit.name, people, product_limit(people), late, group.missing_note)
    label, reason = "median follow-up (days)", "fewer than half would have been censored by the end"
    note = f"{int(is_censored.sum())} of {len(people)} censored"
    return _estimate_crossing(
        reverse,
        0.5,
        settings,
        GroupEstimate(fit.name, "median_follow_up", label, None, len(people), reason=reason),
        note,
    )


def _estimate_crossing(
    fit: _Fit, p: float, settings: Settings, empty: GroupEstimate, note: str
) -> GroupEstimate:
    """Return `empty` with the time at which survival falls to 1 - p, or with the reason."""
    made = survival_quantile(fit.steps, p, scale=settings.interval, level=settings.level)
    if not len(fit.people):
        return replace(empty, reason="nobody could be evaluated")
    if made.value is None:
        bound = "" if made.lower is None else f"; its interval begins at day {made.lower:g}"
        return replace(empty, reason=f"{empty.reason}{bound}")
    if reason := explain_exhausted(fit.late, made.value):
        return replace(empty, reason=reason)
    estimate = Estimate(
        value=made.value,
        unit="d",
        lower=0.0 if made.lower is None else min(made.lower, made.value),
        upper=math.inf if made.upper is None else max(made.upper, made.value),
        level=settings.level,
        method=f"Kaplan-Meier, {settings.interval} pointwise bounds inverted",
        n=len(fit.people),
        notes=(note, *fit.notes),
    )
    return replace(empty, estimate=estimate, reason="")


ANALYSIS = Analysis(
    label="Survival by Kaplan and Meier", settings=Settings, estimate=estimate_survival
)
