"""Graft-versus-host disease of either kind: graded assessments make an outcome.

A grade may be known only within bounds, because an organ was not assessed. What such an assessment
leaves open stays open: it is read neither as disease nor as none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from sojourn.core.errors import DataError
from sojourn.endpoints._days import NO_DAY_0, Dated, find_dated, list_evidence, make_outcome
from sojourn.endpoints._survival import (
    CENSORED,
    DEATH_FIRST,
    EVENT,
    OTHER_EVENT_FIRST,
    FollowUp,
)

Competing = Literal["RELAPSE", "SECOND_GRAFT", "DLI", "GRAFT_REJECTION"]
Outcome = dict[str, object]
Grader = Callable[[Mapping[str, Any]], tuple[int, int, str]]
"""From one row of organs to the lowest and the highest grade it allows, and what is missing."""


@dataclass(frozen=True, slots=True)
class Disease:
    """A kind of disease: its word, the letter of its codes, its highest grade, its tables."""

    kind: str
    letter: str
    highest: int
    table: str

    @property
    def event(self) -> str:
        """Return its code in the table events."""
        return f"{self.kind.upper()}_GVHD"


ACUTE = Disease("acute", "A", 4, "gvhd_stages")
CHRONIC = Disease("chronic", "C", 3, "chronic_gvhd")


@dataclass(frozen=True, slots=True)
class Assessment:
    """One assessment: its day, the grades it allows, what is missing, the rows it stands in."""

    day: int
    low: int
    high: int
    missing: str = ""
    events: tuple[int | None, ...] = ()
    organs: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The assessments of one subject in order of day, or the `problem` that forbids to use them."""

    assessments: tuple[Assessment, ...] = ()
    problem: str = ""

    def between(self, last: int | None) -> list[Assessment]:
        """Return those from day 0 to day `last`, both included; None does not bound."""
        return [a for a in self.assessments if a.day >= 0 and (last is None or a.day <= last)]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: day, value (None: left open on that day), CNSR, reason, evidence."""

    day: int
    value: float | None
    cnsr: int | None
    reason: str
    evidence: str


def find_histories(
    disease: Disease,
    organs: pl.DataFrame | None,
    follows: Mapping[str, FollowUp],
    zeros: Mapping[str, date],
    grade: Grader,
    by_day: int | None,
    allowed: Callable[[Mapping[str, Any], int], bool],
) -> dict[str, History]:
    """Return each subject's assessments from the table of organs and from graded events.

    Organs decide on their date. A grade that the site recorded on the same date must be one that
    they allow; elsewhere it stands as recorded.

    Parameters
    ----------
    disease
        acute or chronic.
    organs
        its table of organs, or None.
    follows, zeros
        follow-up and day 0 of each subject.
    grade
        from one row of organs to the grades it allows.
    by_day
        later assessments are not looked at; None looks at all.
    allowed
        tells whether a recorded grade agrees with a row of organs.
    """
    rows = find_dated(organs, zeros)
    return {
        subject: _history(disease, rows.get(subject, []), follow, grade, by_day, allowed)
        for subject, follow in follows.items()
    }


def _history(
    disease: Disease,
    rows: list[Dated],
    follow: FollowUp,
    grade: Grader,
    by_day: int | None,
    allowed: Callable[[Mapping[str, Any], int], bool],
) -> History:
    last = float("inf") if by_day is None else by_day
    found: dict[int, Assessment] = {}
    records: dict[int, Mapping[str, Any]] = {}
    for row in (r for r in rows if 0 <= r.day <= last):
        if follow.death is not None and row.day > follow.death:
            return History(problem=f"organs assessed on day {row.day} lie after death")
        if row.day in found:
            return History(problem=f"two rows of {disease.table} on day {row.day}")
        try:
            low, high, missing = grade(row.record)
        except DataError as error:
            subject = row.record["USUBJID"]
            raise DataError(
                f"{disease.table}, subject {subject!r}, day {row.day}: {error}"
            ) from error
        found[row.day] = Assessment(row.day, low, high, missing, organs=(row.row,))
        records[row.day] = row.record
    recorded: list[Assessment] = []
    for event in follow.events:
        if event.record["EVENT"] != disease.event or not 0 <= event.day <= last:
            continue
        given = event.record.get("GRADE")
        if given is None or given > disease.highest:
            return History(problem=_grade_problem(disease, event.day, given))
        if event.day not in found:
            recorded.append(Assessment(event.day, given, given, events=(event.row,)))
        elif not allowed(records[event.day], given):
            return History(
                problem=f"the records contradict each other: {disease.kind} GVHD on day "
                f"{event.day} has grade {given} in events, but not by its organs"
            )
    return History(tuple(sorted((*found.values(), *recorded), key=lambda a: (a.day, _row(a)))))


def _row(assessment: Assessment) -> int:
    return next((row or 0 for row in (*assessment.events, *assessment.organs)), 0)


def _grade_problem(disease: Disease, day: int, grade: int | None) -> str:
    if grade is None:
        return f"{disease.kind} GVHD on day {day} has no grade"
    return f"{disease.kind} GVHD on day {day} has grade {grade}, which does not exist"


def make_gvhd_outcomes(
    disease: Disease,
    subject: str,
    zero: date | None,
    follow: FollowUp,
    history: History,
    *,
    grade: int,
    by_day: int,
    competing: Sequence[str],
) -> list[Outcome]:
    """Return the rows of one subject: highest grade, and first day of `grade` or more.

    Parameters
    ----------
    disease, subject, zero, follow, history
        what, who, day 0, follow-up, assessments.
    grade
        the least grade whose first day is the event.
    by_day
        last day that counts.
    competing
        events besides death that rule the outcome out if they come first.
    """
    codes = (f"{disease.letter}GVHDMAX", f"{disease.letter}GVHD{grade}")
    found = history.between(by_day)
    problem = NO_DAY_0 if zero is None else _problem(follow, history, found)
    if problem:
        evidence = follow.evidence
        return [make_outcome(subject, c, reason=problem, evidence=evidence) for c in codes]
    highest = _highest(disease, found, follow, by_day)
    first = first_of_grade(disease, found, follow, grade, by_day, competing)
    letter = None if first.value is None else "NY"[first.cnsr == EVENT]
    shown = None if highest.value is None else str(int(highest.value))
    return [
        make_outcome(
            subject,
            code,
            zero=zero,
            day=None if each.value is None else each.day,
            aval=each.value,
            avalc=text,
            cnsr=each.cnsr,
            reason=each.reason,
            evidence=each.evidence,
        )
        for code, each, text in zip(codes, (highest, first), (shown, letter), strict=True)
    ]


def _problem(follow: FollowUp, history: History, found: list[Assessment]) -> str:
    if follow.problem:
        return follow.problem
    if follow.end is None and not found and not history.problem:
        return "neither a death nor a last contact is recorded"
    return history.problem


def _last(found: list[Assessment], follow: FollowUp, by_day: int) -> int:
    seen = [*(a.day for a in found[-1:]), *([] if follow.end is None else [follow.end])]
    return min(max(seen), by_day)


def _evidence(disease: Disease, found: Sequence[Assessment]) -> str:
    organs = {disease.table: [row for a in found for row in a.organs]}
    return list_evidence(events=[row for a in found for row in a.events], **organs)


def _open(disease: Disease, blurred: Assessment) -> str:
    return (
        f"grade of {disease.kind} GVHD on day {blurred.day} lies between {blurred.low} and "
        f"{blurred.high}: {blurred.missing}"
    )


def _highest(disease: Disease, found: list[Assessment], follow: FollowUp, by_day: int) -> Finding:
    top = max(found, key=lambda a: (a.low, -a.day), default=None)
    known = 0 if top is None else top.low
    blurred = next((a for a in found if a.high > known), None)
    if blurred is not None:
        evidence = _evidence(disease, [blurred])
        return Finding(blurred.day, None, None, _open(disease, blurred), evidence)
    if top is None or known == 0:
        last = _last(found, follow, by_day)
        reason = f"no {disease.kind} GVHD on days 0-{last}"
        return Finding(last, 0.0, None, reason, follow.evidence)
    reason = f"{disease.kind} GVHD of grade {known}, first on day {top.day}"
    return Finding(top.day, float(known), None, reason, _evidence(disease, [top]))


def first_of_grade(
    disease: Disease,
    found: list[Assessment],
    follow: FollowUp,
    grade: int,
    by_day: int,
    competing: Sequence[str],
) -> Finding:
    """Return the first day of `grade` or more among the assessments `found`, or what came instead.

    Returns
    -------
        CNSR 0 at that day; 2 at a death, 3 at one of `competing`, before it; 1 at the end of
        observation or `by_day`. No value where an assessment before leaves the grade open.
    """
    what = f"{disease.kind} GVHD of grade {grade} or more"
    onset = next((a for a in found if a.low >= grade), None)
    other = follow.first("DEATH", *competing)
    if other is not None and (other.day > by_day or (onset is not None and other.day >= onset.day)):
        other = None
    blurred = next((a for a in found if a.low < grade <= a.high), None)
    if blurred is not None and _is_before(blurred, onset, other):
        reason = _open(disease, blurred)
        return Finding(blurred.day, None, None, reason, _evidence(disease, [blurred]))
    if other is not None:
        name = str(other.record["EVENT"])
        cnsr = DEATH_FIRST if name == "DEATH" else OTHER_EVENT_FIRST
        reason = f"{name.lower().replace('_', ' ')} on day {other.day} before {what}"
        evidence = list_evidence(events=[other.row])
        return Finding(other.day, float(other.day), cnsr, reason, evidence)
    if onset is not None:
        reason = f"{what} on day {onset.day}"
        evidence = _evidence(disease, [onset])
        return Finding(onset.day, float(onset.day), EVENT, reason, evidence)
    last = _last(found, follow, by_day)
    return Finding(last, float(last), CENSORED, f"no {what} on days 0-{last}", follow.evidence)


def _is_before(blurred: Assessment, onset: Assessment | None, other: Dated | None) -> bool:
    """Tell whether an assessment that leaves the grade open comes before what ended the time."""
    before_onset = onset is None or blurred.day < onset.day
    return before_onset and (other is None or blurred.day <= other.day)
