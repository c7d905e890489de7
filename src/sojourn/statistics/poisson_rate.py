"""A rate of events by time at risk, with its exact interval."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import gamma_quantile
from sojourn.statistics._groups import split_groups


class Settings(BaseModel):
    """`per_days`: the rate is given for so many days at risk; `level` of the interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_days: float = Field(default=1000.0, gt=0)
    level: float = Field(default=0.95, gt=0, lt=1)


def poisson_interval(events: int, exposure: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (central) interval of a Poisson rate.

    Parameters
    ----------
    events
        count, 0 or more.
    exposure
        time at risk, positive; the bounds are in its inverse.
    level
        coverage, at least.

    Raises
    ------
    DataError
        if the numbers cannot be.

    References
    ----------
    Garwood, Biometrika 28 (1936) 437.

    Examples
    --------
    >>> lower, upper = poisson_interval(0, 1200)
    >>> lower, round(1000 * upper, 4)
    (0.0, 3.0741)
    """
    if events < 0 or exposure <= 0:
        raise DataError(f"{events} events in {exposure}: expected >= 0 events in positive time")
    tail = (1 - level) / 2
    lower = gamma_quantile(tail, events) if events > 0 else 0.0
    return lower / exposure, gamma_quantile(1 - tail, events + 1) / exposure


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
        counts, days = _counts(group.rows)
        n, exposure = len(counts), sum(days)
        if exposure == 0:
            made = GroupEstimate(group.name, "rate", label, None, n, reason=group.nothing)
            estimates.append(made)
            continue
        events = sum(counts)
        lower, upper = poisson_interval(events, exposure, level=settings.level)
        estimate = Estimate(
            value=events / exposure * settings.per_days,
            unit=unit,
            lower=lower * settings.per_days,
            upper=upper * settings.per_days,
            level=settings.level,
            method="exact Poisson (Garwood)",
            n=n,
            notes=(
                f"events: {events} in {exposure} days at risk",
                *_dispersion(counts, days),
                *group.missing_note,
            ),
        )
        estimates.append(GroupEstimate(group.name, "rate", label, estimate, n))
    return estimates


def _counts(rows: pl.DataFrame) -> tuple[list[int], list[int]]:
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
