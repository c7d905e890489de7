"""Ratio of two rates of events by time at risk, exact given the sum of events."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import plural
from sojourn.statistics._pairs import Pair, compare_pair
from sojourn.statistics.exact.checks import extended_note
from sojourn.statistics.exact.poisson import compare_rates
from sojourn.statistics.poisson_rate import count_events


class Settings(BaseModel):
    """`groups`: the rate of which over that of which; `level` of the interval.

    Without `groups`, the first by name over the second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, str] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_ratio(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the ratio of the rates of two groups, with exact interval and p-value of ratio 1.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the number of events, ``DAY`` the
        last day at risk, as `poisson_rate` reads them. A null ``AVAL`` is left out and counted.
    settings
        groups, level.

    Returns
    -------
        one estimate, group ``A-B``, unit 1; None with the p-value where the second group has no
        event, for the ratio is then not finite: the reason states the interval.

    Raises
    ------
    DataError
        if there are more than two groups and none is named, or counts or days cannot be.

    References
    ----------
    Przyborowski and Wilenski, Biometrika 31 (1940) 313; R `poisson.test`.
    """
    label = "rate of {first} over rate of {second}"

    def estimate(pair: Pair, label: str) -> GroupEstimate:
        return _ratio(pair, label, settings.level)

    return compare_pair(outcomes, "AVAL", settings.groups, "rate_ratio", label, estimate)


def _ratio(pair: Pair, label: str, level: float) -> GroupEstimate:
    (counts, days), (other_counts, other_days) = (
        count_events(group.rows) for group in (pair.first, pair.second)
    )
    events, exposures = (sum(counts), sum(other_counts)), (sum(days), sum(other_days))
    found = compare_rates(events, exposures, level=level)
    seen = (
        f"{pair.first.name}: {plural(events[0], 'event')} in {plural(exposures[0], 'day')}",
        f"{pair.second.name}: {plural(events[1], 'event')} in {plural(exposures[1], 'day')}",
    )
    if not math.isfinite(found.ratio):
        why = "neither group has an event" if sum(events) == 0 else "the second has no event"
        reason = (
            f"the ratio is not finite: {why} ({'; '.join(seen)}); {100 * level:.12g}% interval "
            f"{found.lower:.4g} to infinity"
        )
        p_value = found.p_two_sided
        return GroupEstimate(pair.name, "rate_ratio", label, None, pair.n, p_value, reason)
    estimate = Estimate(
        value=found.ratio,
        unit="1",
        lower=min(found.lower, found.ratio),
        upper=max(found.upper, found.ratio),
        level=level,
        method="exact ratio of Poisson rates, conditional on their sum",
        n=pair.n,
        notes=(*seen, *extended_note(found.lower, found.ratio, found.upper), *pair.missing_notes),
    )
    return GroupEstimate(pair.name, "rate_ratio", label, estimate, pair.n, found.p_two_sided)


ANALYSIS = Analysis(label="Ratio of two rates, exact", settings=Settings, estimate=estimate_ratio)
