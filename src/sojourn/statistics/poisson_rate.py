"""A rate of events by time at risk, with its exact interval."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import plural, split_groups
from sojourn.statistics.exact.checks import extended_note
from sojourn.statistics.exact.poisson import poisson_interval, poisson_mid_p

INTERVALS: Mapping[str, tuple[Callable[..., tuple[float, float]], str]] = {
    "exact": (poisson_interval, "exact Poisson (Garwood)"),
    "mid_p": (poisson_mid_p, "mid-p Poisson, level not guaranteed"),
}
"""Each interval by its name in the settings: function, and method as reported."""


class Settings(BaseModel):
    """How a rate is given.

    `per_days`: for so many days at risk; `level` of the interval; `interval`: exact or mid_p.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_days: float = Field(default=1000.0, gt=0)
    level: float = Field(default=0.95, gt=0, lt=1)
    interval: Literal["exact", "mid_p"] = "exact"


def estimate_rates(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the rate of events of each group.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the number of events, ``DAY`` the
        last day at risk; days at risk are DAY + 1, from day 0 on. A null ``AVAL`` is left out.
    settings
        days of the rate, level.

    Returns
    -------
        one estimate for each group; None where nobody was at risk. A note gives the dispersion
        (Pearson's chi-squared by its degrees of freedom): above 1, events cluster in subjects, and
        the exact interval is too narrow.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or a count is no
        whole number, or a subject has events and no day.
    """
    estimates = []
    unit, label = (
        f"1/({settings.per_days:g} d)",
        f"rate for each {settings.per_days:g} days at risk",
    )
    for group in split_groups(outcomes, "AVAL"):
        counts, days = count_events(group.rows)
        n, exposure = len(counts), sum(days)
        if exposure == 0:
            made = GroupEstimate(group.name, "rate", label, None, n, reason=group.nothing)
            estimates.append(made)
            continue
        events = sum(counts)
        bounds, method = INTERVALS[settings.interval]
        lower, upper = bounds(events, exposure, level=settings.level)
        value = events / exposure
        estimate = Estimate(
            value=value * settings.per_days,
            unit=unit,
            lower=min(lower, value) * settings.per_days,
            upper=max(upper, value) * settings.per_days,
            level=settings.level,
            method=method,
            n=n,
            notes=(
                f"events: {events} in {plural(exposure, 'day')} at risk",
                *extended_note(lower, value, upper),
                *_dispersion(counts, days),
                *group.missing_note,
            ),
        )
        estimates.append(GroupEstimate(group.name, "rate", label, estimate, n))
    return estimates


def count_events(rows: pl.DataFrame) -> tuple[list[int], list[int]]:
    """Return each subject's events (AVAL) and days at risk (DAY + 1).

    Raises
    ------
    DataError
        if a count is no whole number or a subject has no day.
    """
    counts, days = [], []
    for subject, value, day in rows.select("USUBJID", "AVAL", "DAY").iter_rows():
        if value != int(value) or value < 0:
            raise DataError(f"subject {subject!r} has {value} events; expected a whole number")
        if day is None or day < 0:
            raise DataError(
                f"subject {subject!r} has {value:g} events, but its last day at risk is {day}; "
                "expected DAY >= 0, as the endpoint `infection` gives it under INFN"
            )
        counts.append(int(value))
        days.append(day + 1)
    return counts, days


def _dispersion(counts: list[int], days: list[int]) -> tuple[str, ...]:
    if len(counts) < 2 or sum(counts) == 0:
        return ()
    rate = sum(counts) / sum(days)
    chi2 = math.fsum((c - rate * d) ** 2 / (rate * d) for c, d in zip(counts, days, strict=True))
    dispersion = chi2 / (len(counts) - 1)
    hint = "; events cluster in subjects, so the interval is too narrow" if dispersion > 1.5 else ""
    return (f"dispersion {dispersion:.2f}{hint}",)


ANALYSIS = Analysis(
    label="Rate by time at risk, exact Poisson interval", settings=Settings, estimate=estimate_rates
)
