"""Restricted mean survival time: days without the event up to a horizon, and their difference."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import erfc

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import normal_quantile
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics.survival.intervals import bounded_interval
from sojourn.statistics.survival.points import explain_exhausted, explain_unfollowed
from sojourn.statistics.survival.product_limit import product_limit
from sojourn.statistics.survival.restricted_mean import RestrictedMean, restricted_mean
from sojourn.statistics.survival.risk_sets import count_fewest_at_risk, find_truncation
from sojourn.statistics.survival.rows import count_competing, take_times


class Settings(BaseModel):
    """Up to when, and what is compared.

    `tau_days`: the horizon. `groups`: which of two groups minus which; the first two by name where
    none are given. `level` of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tau_days: float = Field(default=365.0, gt=0, allow_inf_nan=False)
    groups: tuple[str, str] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)


@dataclass(frozen=True, slots=True)
class _Mean:
    """One group's mean, or the reason why it has none, or none with a spread.

    `floor` is a lower bound of a mean without any event.
    """

    name: str
    n: int
    mean: RestrictedMean | None
    reason: str
    notes: tuple[str, ...]
    floor: float | None = None


def estimate_restricted_mean(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's restricted mean survival time, and the difference of two groups.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject, as for `kaplan_meier`; ``ENTRY`` is honored,
        a null ``AVAL`` is left out and counted.
    settings
        horizon, groups, level.

    Returns
    -------
        for each group an estimate in days, operation ``restricted_mean_<tau>``, with a normal
        interval cut to 0 and the horizon; without any event its lower bound rests on the exact one
        of survival. None where follow-up ends before the horizon with somebody still event-free
        (the curve is not carried on), where late entry left a risk set to die out before
        it, or all had the event at once. With two groups, or two that
        are named, then ``restricted_mean_<tau>_difference``, group ``A-B``, with its two-sided
        p-value; None where one of the groups has no spread.

    Raises
    ------
    DataError
        if the rows hold no times, or a group that is named is not there.

    References
    ----------
    Royston and Parmar, BMC Med. Res. Methodol. 13 (2013) 152. R survival 3.5-3, ``print.survfit``.
    """
    means = {
        group.name: _mean(group, settings.tau_days, settings.level)
        for group in split_groups(outcomes, "AVAL")
    }
    estimates = [_of_group(mean, settings) for mean in means.values()]
    chosen = settings.groups or (tuple(means) if len(means) == 2 else None)
    if chosen is None or len(means) < 2:
        return estimates
    if not set(chosen) <= means.keys():
        raise DataError(
            f"a difference of {' and '.join(chosen)} was asked for; found {', '.join(means)}"
        )
    return [*estimates, _difference(means[chosen[0]], means[chosen[1]], settings)]


def _mean(group: Group, tau: float, level: float) -> _Mean:
    people = take_times(group.rows)
    n = len(people)
    competing = count_competing(group.rows)
    note = f"{competing} competing events are censored: not days lived in their presence"
    late = find_truncation(people)
    notes = (*((note,) if competing else ()), *late.describe(n), *group.missing_note)
    if n == 0:
        return _Mean(group.name, n, None, group.nothing, notes)
    curve = product_limit(people)
    before = float(np.nextafter(tau, 0.0))  # the area ends at the horizon: its own day is not in it
    if reason := explain_exhausted(late, before) or explain_unfollowed(curve, tau):
        return _Mean(group.name, n, None, reason, notes)
    mean = restricted_mean(curve, tau=tau)
    reason = "all had the event on one day: no spread" if mean.standard_error == 0 else ""
    if not curve.events[curve.times < tau].any():
        watched = count_fewest_at_risk(people, np.array(tau))
        lower, _ = bounded_interval(1.0, 0.0, at_risk=watched, n_events=0, level=level)
        reason = "no event before the horizon: no spread"
        return _Mean(group.name, n, mean, reason, notes, tau * float(lower))
    return _Mean(group.name, n, mean, reason, notes)


def _of_group(group: _Mean, settings: Settings) -> GroupEstimate:
    tau = settings.tau_days
    operation = f"restricted_mean_{tau:g}"
    label = f"mean days without the event up to day {tau:g}"
    if group.mean is None or (group.reason and group.floor is None):
        return GroupEstimate(group.name, operation, label, None, group.n, reason=group.reason)
    value, error = group.mean.value, group.mean.standard_error
    half = normal_quantile((1 + settings.level) / 2) * error
    if group.floor is not None:
        method = "no event before the horizon: exact lower bound of survival, times the horizon"
        components = {}
    else:
        method, components = "area under Kaplan-Meier, normal interval", {"standard error": error}
    estimate = Estimate(
        value=value,
        unit="d",
        lower=max(value - half, 0.0) if group.floor is None else group.floor,
        upper=min(value + half, tau),
        level=settings.level,
        method=method,
        n=group.n,
        components=components,
        notes=group.notes,
    )
    return GroupEstimate(group.name, operation, label, estimate, group.n)


def _difference(first: _Mean, second: _Mean, settings: Settings) -> GroupEstimate:
    tau = settings.tau_days
    name, n = f"{first.name}-{second.name}", first.n + second.n
    operation = f"restricted_mean_{tau:g}_difference"
    label = f"mean days up to day {tau:g}, {first.name} minus {second.name}"
    if first.mean is None or second.mean is None or first.reason or second.reason:
        reason = "; ".join(f"{g.name}: {g.reason}" for g in (first, second) if g.reason)
        return GroupEstimate(name, operation, label, None, n, reason=reason)
    value = first.mean.value - second.mean.value
    error = math.hypot(first.mean.standard_error, second.mean.standard_error)
    half = normal_quantile((1 + settings.level) / 2) * error
    estimate = Estimate(
        value=value,
        unit="d",
        lower=value - half,
        upper=value + half,
        level=settings.level,
        method="difference of areas under Kaplan-Meier, normal interval",
        n=n,
        components={"standard error": error},
        notes=tuple(f"{g.name}: {note}" for g in (first, second) for note in g.notes),
    )
    p_value = float(erfc(abs(value) / error / math.sqrt(2)))
    return GroupEstimate(name, operation, label, estimate, n, p_value)


ANALYSIS = Analysis(
    label="Restricted mean survival time", settings=Settings, estimate=estimate_restricted_mean
)
