"""Time to the recovery of one lineage: a criterion, day 0 and follow-up make an outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.core.tables import COUNTS, LYMPHOCYTES
from sojourn.endpoints._days import (
    NO_DAY_0,
    Daily,
    Dated,
    find_daily_lowest,
    find_dated,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
)
from sojourn.endpoints._failures import FailureCode
from sojourn.endpoints._runs import Criterion, Finding
from sojourn.endpoints._survival import (
    CENSORED,
    DEATH_FIRST,
    EVENT,
    OTHER_EVENT_FIRST,
    FollowUp,
    find_follow_ups,
)

LEAST_HIGHEST = 1e6
"""1/L; a table whose highest count lies below it (0.001e9/L) is written in 10^9/L."""

_KEPT = {column.name: column for table in (COUNTS, LYMPHOCYTES) for column in table.columns}


class Ending(BaseModel):
    """How a time without recovery ends; a study file may change it.

    `same_day`: time in days given to a death, or another competing event, on day 0 itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    same_day: float = Field(default=0.5, gt=0, lt=1)


class Competing(Ending):
    """What else than death ends a time without recovery; a study file may change it.

    `intercurrent_events`: after one of these, on or after day 0 and before the day of onset, a
    recovery does not count any more; on the day of onset it still does. Empty: it always counts.
    """

    intercurrent_events: tuple[FailureCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """One subject's course: day 0, daily values since then, transfusions, follow-up.

    `before` holds the daily values up to day 0 (it included), `n_late` counts days after the end
    of follow-up, which are left out, `table` names the table of the values.
    """

    subject: str
    zero: date | None
    daily: Daily
    before: Daily
    transfusions: list[Dated]
    follow: FollowUp
    n_late: int = 0
    table: str = "counts"

    @property
    def problem(self) -> str:
        """Return why this subject cannot be evaluated at all, or nothing."""
        if self.zero is None:
            return NO_DAY_0
        if self.follow.problem:
            return self.follow.problem
        return ""

    @property
    def last_day(self) -> int | None:
        """Return the last day on which anything is known of this subject."""
        if self.follow.end is not None:
            return self.follow.end
        known = [*self.daily.days[-1:], *(t.day for t in self.transfusions if t.day >= 0)]
        return max(known, default=None)


def find_courses(
    counts: pl.DataFrame,
    value: str,
    doses: pl.DataFrame,
    *,
    transfusions: pl.DataFrame | None = None,
    product: str | None = None,
    events: pl.DataFrame | None = None,
    follow_up: pl.DataFrame | None = None,
    drop: Mapping[str, frozenset[int]] | None = None,
    table: str = "counts",
) -> list[Course]:
    """Return the course of every subject of the tables, in order of subject.

    Parameters
    ----------
    counts, value
        table of counts and the column that matters.
    doses
        doses given; the first sets day 0.
    transfusions, product
        transfusions and the product that matters.
    events, follow_up
        death and last contact; values after them are left out.
    drop
        days by subject whose counts, from day 0 on, are taken as not measured.
    table
        name of the table of counts.

    Raises
    ------
    DataError
        if a value can only be one of another unit, or is no number.
    """
    _check_unit(counts, value)
    zeros = find_day_zeros(doses)
    lowest = find_daily_lowest(counts, value, zeros)
    given = find_dated(transfusions, zeros)
    follows = find_follow_ups(events, follow_up, zeros)
    courses = []
    for subject in list_subjects(doses, counts, transfusions, events, follow_up):
        follow = follows.get(subject, FollowUp())
        measured = lowest.get(subject, Daily())
        since = measured.between(0, None).without((drop or {}).get(subject, frozenset()))
        daily = since.between(None, follow.end)
        courses.append(
            Course(
                subject,
                zeros.get(subject),
                daily,
                measured.between(None, 0),
                [g for g in given.get(subject, []) if g.record["PRODUCT"] == product],
                follow,
                len(since.days) - len(daily.days),
                table,
            )
        )
    return courses


def make_recovery(
    course: Course, paramcd: str, criterion: Criterion, ending: Ending
) -> tuple[dict[str, object], Finding | None]:
    """Return the outcome row of one subject and the finding behind it, None without a count.

    Recovered: the onset dates the event. Not recovered, or only after an intercurrent event: this
    event (CNSR 3) or a death (CNSR 2) ends the time, of both on one day the former, whether or not
    anything was counted before. Else it is censored at the last measured day (CNSR 1), because
    nothing is known after it. Who lives and was never counted is not evaluable.
    """
    if course.problem:
        evidence = course.follow.evidence if course.zero else ""
        return make_outcome(course.subject, paramcd, reason=course.problem, evidence=evidence), None
    finding = deny_after_event(course, criterion.find(course.daily, course.transfusions), ending)
    late = f" ({course.n_late} days after the end of follow-up left out)" if course.n_late else ""
    known = finding if course.daily.days else None
    ended = _ending(course, finding, ending)
    if ended is None:
        reason = f"{finding.reason}: not evaluable{late}"
        row = make_outcome(course.subject, paramcd, reason=reason, evidence=course.follow.evidence)
        return row, known
    day, cnsr, reason, evidence = ended
    competes = cnsr in (DEATH_FIRST, OTHER_EVENT_FIRST)
    row = make_outcome(
        course.subject,
        paramcd,
        zero=course.zero,
        day=day,
        aval=ending.same_day if competes and day == 0 else float(day),
        avalc="Y" if finding.is_met else "N",
        cnsr=cnsr,
        reason=reason + late,
        evidence=evidence,
    )
    return row, known


def find_competing(course: Course, ending: Ending) -> Dated | None:
    """Return the first intercurrent event of `ending` on or after day 0, or None."""
    codes = ending.intercurrent_events if isinstance(ending, Competing) else ()
    return course.follow.first(*codes)


def deny_after_event(course: Course, finding: Finding, ending: Ending) -> Finding:
    """Return `finding` without its onset where an intercurrent event came before that day."""
    event = find_competing(course, ending)
    if event is None or finding.onset is None or event.day >= finding.onset:
        return finding
    return replace(
        finding,
        onset=None,
        confirmed=None,
        reason=f"{_words(event)}, before recovery on day {finding.onset}",
    )


def add_event(reason: str, event: Dated) -> str:
    """Return `reason` with the intercurrent event and its day, unless it begins with them."""
    words = _words(event)
    return reason if reason.startswith(words) else f"{reason}; {words}"


def _words(event: Dated) -> str:
    return f"{event.record['EVENT']} on day {event.day}"


def grounds(finding: Finding, table: str = "counts", event: Dated | None = None) -> str:
    """Return the rows of counts, transfusions and of `event` behind `finding`, as evidence."""
    rows = {table: finding.count_rows, "transfusions": finding.transfusion_rows}
    return list_evidence(**rows, events=() if event is None else (event.row,))


def _ending(course: Course, finding: Finding, ending: Ending) -> tuple[int, int, str, str] | None:
    """Return day, CNSR, reason and evidence of the end of a time; None where none is known."""
    if finding.onset is not None:
        return finding.onset, EVENT, finding.reason, grounds(finding, course.table)
    event, death = find_competing(course, ending), course.follow.death
    if event is not None:
        reason = add_event(finding.reason, event)
        return event.day, OTHER_EVENT_FIRST, reason, grounds(finding, course.table, event)
    if death is not None:
        evidence = ";".join(filter(None, (grounds(finding, course.table), course.follow.evidence)))
        return death, DEATH_FIRST, f"{finding.reason}; died on day {death}", evidence
    if not course.daily.days:
        return None
    return course.daily.days[-1], CENSORED, finding.reason, grounds(finding, course.table)


def _check_unit(counts: pl.DataFrame, value: str) -> None:
    """Refuse what the schema refuses, so that a table made in memory is read no more leniently."""
    column = _KEPT[value]
    low, high = column.low or 0.0, column.high or float("inf")
    strange = ~pl.col(value).is_between(low, high) & pl.col(value).cast(pl.Float64).is_not_nan()
    other = "g/dL" if column.unit == "g/L" else "10^9/L"
    for row in counts.filter(strange).sort("USUBJID", "ADT", value).head(1).iter_rows(named=True):
        raise DataError(
            f"subject {row['USUBJID']!r}, {row['ADT']}: {value} is {row[value]:g} {column.unit}; "
            f"expected {low:g} to {high:g}, not {other}"
        )
    highest = counts.select(pl.col(value).cast(pl.Float64).max()).item()
    if column.unit == "1/L" and highest is not None and 0 < highest < LEAST_HIGHEST:
        raise DataError(
            f"the highest {value} is {highest:g} 1/L: that is no count; expected 1/L, not 10^9/L"
        )
