"""Survival from a landmark day, by what was known of each subject on that day.

Never compare responders with non-responders from day 0. Whoever responds on day 60 was alive on
day 60: the responders' first 60 days are immortal by construction, and a treatment without any
effect on survival then seems to show one. Here subjects are divided by what was known at the
landmark, those who had left by then are excluded and counted, and a status that was reached later
does not count.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.statistics._groups import split_groups
from sojourn.statistics.survival.inputs import Times
from sojourn.statistics.survival.intervals import Scale
from sojourn.statistics.survival.landmark import (
    Landmark,
    select_at_landmark,
    start_at_landmark,
)
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.points import estimate_point, explain_unfollowed
from sojourn.statistics.survival.product_limit import product_limit
from sojourn.statistics.survival.rows import count_competing, take_days, take_times

ORIGIN = "origin"


class Settings(BaseModel):
    """The landmark, and by what subjects are divided there: exactly one of the two columns.

    `landmark_day`: the day; whose time ends on or before it is excluded. `status_day`: column with
    the day on which each subject reached a status (null: never); each GROUP is divided by whether
    that was by the landmark. `known_on`: column with the day on which the subject's GROUP became
    known, or ``"origin"`` for an assigned arm; a GROUP known later is refused. `at`: days of the
    estimates, counted from the origin as the times are, after the landmark. `interval`: the scale
    on which intervals are symmetric. `level` of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    landmark_day: float = Field(ge=0, allow_inf_nan=False)
    status_day: str | None = None
    known_on: str | None = None
    at: tuple[float, ...] = Field(default=(365.0,), min_length=1)
    interval: Scale = "log-log"
    level: float = Field(default=0.95, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_division(self) -> Self:
        if (self.status_day is None) == (self.known_on is None):
            raise ValueError(
                "name either status_day (the day each subject reached the status) or known_on (the "
                "day each GROUP became known; 'origin' for arms): without that day, a comparison "
                "by something that happened later cannot be told from a fair one"
            )
        if any(day <= self.landmark_day for day in self.at):
            raise ValueError("every day of `at` must lie after landmark_day")
        return self


@dataclass(frozen=True, slots=True)
class _Part:
    """The subjects of one group at the landmark, at risk from there on, and notes on them."""

    name: str
    people: Times
    notes: tuple[str, ...]


def estimate_landmark(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return survival after a landmark, by what was known on its day, and the log-rank test.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject, as for `kaplan_meier`, and the column that
        the settings name. A null ``AVAL`` is left out and counted.
    settings
        landmark, division, days.

    Returns
    -------
        for each group and day an estimate, operation ``survival_at_<day>_from_<landmark>``: the
        probability of being event-free on the day, of those event-free and under observation at
        the landmark. Notes count who was excluded. Then the log-rank test of the groups from the
        landmark on (within GROUP, where `status_day` divides it): a p-value without an estimate.

    Raises
    ------
    DataError
        if a GROUP became known after the landmark, a status was reached after the subject's own
        end, a column is absent, or the rows hold no times, naming the subject.

    References
    ----------
    Anderson, Cain and Gelber, J. Clin. Oncol. 1 (1983) 710. Immortal time: Suissa, Am. J.
    Epidemiol. 167 (2008) 492.
    """
    parts = [
        part
        for group in split_groups(outcomes, "AVAL")
        for part in _divide(group.name, group.rows, group.missing_note, settings)
    ]
    if not parts:
        return []
    estimates = [_estimate_at(part, at, settings) for part in parts for at in settings.at]
    return [*estimates, _compare(parts, settings)]


def _divide(
    name: str, rows: pl.DataFrame, missing: tuple[str, ...], settings: Settings
) -> list[_Part]:
    """Return the parts of one group: two by status, or the group itself."""
    people = take_times(rows)
    day = settings.landmark_day
    found = select_at_landmark(people.exit, people.is_event, landmark=day, entry=people.entry)
    notes = (*_excluded(found, len(people), day), *missing)
    kept = rows.filter(found.chosen)
    at_risk = start_at_landmark(people, found, landmark=day)
    column = settings.status_day
    if column is None:
        _check_known(kept, settings)
        return [_Part(name, at_risk, (*_competing(kept), *notes))]
    reached = _status_days(rows, people, column)[found.chosen]
    later = f"{int((reached > day).sum())} reached it later, which does not count"
    has = reached <= day
    return [
        _Part(f"{name}: {word} by day {day:g}", at_risk.select(who), (*said, *notes))
        for word, who, said in (
            (column, has, _competing(kept.filter(has))),
            (f"no {column}", ~has, (later, *_competing(kept.filter(~has)))),
        )
    ]


def _competing(rows: pl.DataFrame) -> tuple[str, ...]:
    n = count_competing(rows)
    return (f"{n} competing events are censored: not a risk in their presence",) if n else ()


def _excluded(found: Landmark, n: int, day: float) -> tuple[str, ...]:
    causes = {
        "had the event": found.n_event,
        "were censored or had a competing event": found.n_censored,
        "were not yet under observation": found.n_not_entered,
    }
    gone = ", ".join(f"{count} {cause}" for cause, count in causes.items() if count)
    left_out = n - int(found.chosen.sum())
    return (f"{left_out} of {n} excluded at day {day:g}" + (f": {gone}" if gone else ""),)


def _check_known(kept: pl.DataFrame, settings: Settings) -> None:
    """Refuse a GROUP that was not known at the landmark, naming the subject."""
    if settings.known_on is None or settings.known_on == ORIGIN:
        return
    known = take_days(kept, settings.known_on)
    wrong = np.isnan(known) | (known > settings.landmark_day)
    if wrong.any():
        i = int(np.argmax(wrong))
        when = "on no stated day" if np.isnan(known[i]) else f"on day {known[i]:g}"
        raise DataError(
            f"subject {kept['USUBJID'][i]!r}: {GROUP} {kept[GROUP][i]!r} became known {when}, not "
            f"by the landmark, day {settings.landmark_day:g}; classify subjects by what was known "
            "then, or give the days of the status as status_day"
        )


def _status_days(rows: pl.DataFrame, people: Times, column: str) -> NDArray[np.float64]:
    reached = take_days(rows, column)
    after = reached > people.exit
    if after.any():
        i = int(np.argmax(after))
        raise DataError(
            f"subject {rows['USUBJID'][i]!r}: {column} is day {reached[i]:g}, after the subject's "
            f"own last day {people.exit[i]:g}; check both days"
        )
    return reached


def _estimate_at(part: _Part, at: float, settings: Settings) -> GroupEstimate:
    day, n = settings.landmark_day, len(part.people)
    operation = f"survival_at_{at:g}_from_{day:g}"
    label = f"survival at day {at:g} of those at risk on day {day:g}"
    steps = product_limit(part.people)
    if reason := explain_unfollowed(steps, at):
        why = "; ".join((reason, *part.notes))
        return GroupEstimate(part.name, operation, label, None, n, reason=why)
    estimate = estimate_point(
        part.people,
        steps,
        at,
        method="Kaplan-Meier from the landmark",
        scale=settings.interval,
        level=settings.level,
        notes=part.notes,
    )
    return GroupEstimate(part.name, operation, label, estimate, n)


def _compare(parts: list[_Part], settings: Settings) -> GroupEstimate:
    """Return the log-rank test of what was known at the landmark, within GROUP if that divides."""
    is_status = settings.status_day is not None
    exits, events = (
        np.concatenate([getattr(part.people, column) for part in parts])
        for column in ("exit", "is_event")
    )
    sizes = [len(part.people) for part in parts]
    groups = np.repeat([i % 2 if is_status else i for i in range(len(parts))], sizes)
    strata = np.repeat([i // 2 if is_status else 0 for i in range(len(parts))], sizes)
    made = log_rank(exits, events, groups, strata=strata)
    several = is_status and len(parts) > 2
    label = f"log-rank test from day {settings.landmark_day:g}" + (" within groups" * several)
    name = (
        settings.status_day
        if is_status and settings.status_day
        else "-".join(part.name for part in parts)
    )
    if made.chisq is None:
        reason = f"no test: {made.reason}"
    else:
        reason = f"chi-squared {made.chisq:.6g} on {made.degrees}"
        reason += " degrees of freedom" if made.degrees > 1 else " degree of freedom"
    return GroupEstimate(
        name,
        f"log_rank_from_{settings.landmark_day:g}",
        label,
        None,
        sum(sizes),
        made.p_value,
        reason,
    )


ANALYSIS = Analysis(label="Survival from a landmark", settings=Settings, estimate=estimate_landmark)
