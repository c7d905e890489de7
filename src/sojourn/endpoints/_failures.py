"""Time to the first of some failures: survival and what competes within it, on one clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.endpoints._days import (
    NO_DAY_0,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
)
from sojourn.endpoints._survival import (
    CENSORED,
    DEATH_FIRST,
    EVENT,
    OTHER_EVENT_FIRST,
    FollowUp,
    find_follow_ups,
)

Origin = Literal["first_dose", "transplant"]
FailureCode = Literal["RELAPSE", "GRAFT_REJECTION", "SECOND_GRAFT", "DLI"]


class Clock(BaseModel):
    """Where time begins and how it ends; a study file may change every entry.

    `origin`: "first_dose", or "transplant": from HSCTDT of the table subjects, with the first dose
    as time of entry, because nobody is in the trial who died before it. `same_day`: time in days
    given to an end on day 0 itself. `data_cut`: events after this date are not seen, and time is
    censored there; None for no cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Origin = "first_dose"
    same_day: float = Field(default=0.5, gt=0, lt=1)
    data_cut: date | None = None


class FailureRule(Clock):
    """What ends disease-free survival besides death, and the clock.

    `failures`: events that end it in malignant disease. `failures_nonmalignant`: those where the
    table subjects says MALIGNANT N: graft failure in place of relapse.
    """

    failures: tuple[FailureCode, ...] = Field(default=("RELAPSE",), min_length=1)
    failures_nonmalignant: tuple[FailureCode, ...] = Field(
        default=("GRAFT_REJECTION",), min_length=1
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: its day, its code, what it is in words, the rows that say so."""

    day: int
    code: str
    words: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Something that may have been a failure on `day`; `reason` says what is missing."""

    day: int
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Everybody of a trial: day 0, follow-up, transplantation, and what fails each.

    `more` are failures that no row of events states, `more_words` what they are.
    """

    subjects: Sequence[str]
    zeros: Mapping[str, date]
    follows: Mapping[str, FollowUp]
    transplants: Mapping[str, date | None] | None
    failures: Mapping[str, tuple[str, ...]]
    more: Mapping[str, Sequence[Failure | Undecided]] = field(default_factory=dict)
    more_words: tuple[str, ...] = ()


CodeOf = Callable[[str], int]
"""From the code of the first failure to CNSR."""


def relapse_first(code: str) -> int:
    """Return CNSR where any failure but death is the event, and death competes."""
    return DEATH_FIRST if code == "DEATH" else EVENT


def death_first(code: str) -> int:
    """Return CNSR where a death without earlier failure is the event, and failure competes."""
    return EVENT if code == "DEATH" else OTHER_EVENT_FIRST


def find_cohort(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    clock: Clock,
    others: Sequence[pl.DataFrame | None] = (),
) -> Cohort:
    """Return everybody of the tables with what is known of the end; `others` name subjects too.

    Raises
    ------
    DataError
        if time counts from the transplantation and `subjects` lacks its dates, or a subject stands
        in two rows of it.
    """
    people = _people(subjects)
    if clock.origin == "transplant" and (subjects is None or "HSCTDT" not in subjects.columns):
        raise DataError(
            "origin is 'transplant', which needs the table subjects with the column HSCTDT; absent."
            " Add the date of transplantation, or set origin to 'first_dose'"
        )
    zeros = find_day_zeros(doses)
    failures: dict[str, tuple[str, ...]] = {}
    if isinstance(clock, FailureRule):
        for subject in zeros:
            is_benign = people.get(subject, {}).get("MALIGNANT") == "N"
            failures[subject] = clock.failures_nonmalignant if is_benign else clock.failures
    transplants = {subject: row.get("HSCTDT") for subject, row in people.items()}
    return Cohort(
        list_subjects(doses, events, follow_up, *others),
        zeros,
        find_follow_ups(events, follow_up, zeros),
        transplants if clock.origin == "transplant" else None,
        failures,
    )


def make_failure_times(
    paramcd: str, cohort: Cohort, clock: Clock, code_of: CodeOf | None = None
) -> list[dict[str, object]]:
    """Return the outcome row of every subject: time to the first failure, or censored.

    On one day a failure counts before a death, and either before a censoring.

    Parameters
    ----------
    paramcd
        code of the outcome.
    cohort
        everybody; death always is a failure.
    clock
        origin, time of an end on day 0, data cut.
    code_of
        CNSR from the code of the first failure; None: every failure is the event.
    """
    return [_row(paramcd, subject, cohort, clock, code_of) for subject in cohort.subjects]


def _row(
    paramcd: str, subject: str, cohort: Cohort, clock: Clock, code_of: CodeOf | None
) -> dict[str, object]:
    if (zero := cohort.zeros.get(subject)) is None:
        return make_outcome(subject, paramcd, reason=NO_DAY_0)
    follow = cohort.follows[subject]
    cut = None if clock.data_cut is None else (clock.data_cut - zero).days
    entry, problem = _entry(subject, cohort)
    if problem := _problem(follow, cut) or problem:
        return make_outcome(subject, paramcd, reason=problem, evidence=follow.evidence)
    failures = cohort.failures.get(subject, ())
    found = _failures(follow, failures, cohort.more.get(subject, ()))
    if (early := _before_entry(found, entry)) is not None:
        return make_outcome(subject, paramcd, reason=early.reason, evidence=early.evidence)
    seen = [f for f in found if f.day >= 0 and (cut is None or f.day <= cut)]
    first = min(seen, key=_rank, default=None)
    if isinstance(first, Undecided):
        return make_outcome(subject, paramcd, reason=first.reason, evidence=first.evidence)
    if first is None:
        free_of = (*map(_spoken, failures), *cohort.more_words)
        day, reason = _censored(follow, free_of, cut)
        avalc, cnsr, evidence = "CENSORED", CENSORED, follow.evidence
    else:
        day, avalc, cnsr = first.day, first.code, code_of(first.code) if code_of else EVENT
        reason, evidence = f"{first.words} on day {first.day}", first.evidence
    since = clock.same_day if day == 0 else float(day)
    if entry is not None:
        reason += f"; counted from the transplantation, seen from {entry} days after it on"
    return make_outcome(
        subject,
        paramcd,
        zero=zero,
        day=day,
        aval=since + (entry or 0),
        avalc=avalc,
        cnsr=cnsr,
        reason=reason,
        evidence=evidence,
        entry=None if entry is None else float(entry),
    )


def _entry(subject: str, cohort: Cohort) -> tuple[int | None, str]:
    """Return the days from transplantation to first dose, or why they are not known."""
    if cohort.transplants is None:
        return None, ""
    graft = cohort.transplants.get(subject)
    if graft is None:
        return None, "no date of transplantation (HSCTDT) is recorded"
    days = (cohort.zeros[subject] - graft).days
    if days < 0:
        return None, (
            "the records contradict each other: transplantation "
            f"{-days} day{'s' * (days != -1)} after the first dose"
        )
    return days, ""


def _problem(follow: FollowUp, cut: int | None) -> str:
    if follow.problem:
        return follow.problem
    if cut is not None and cut < 0:
        return f"the first dose lies {-cut} days after the data cut"
    if follow.end is None:
        return "neither a death nor a last contact is recorded"
    return ""


def _failures(
    follow: FollowUp, failures: Sequence[str], more: Sequence[Failure | Undecided]
) -> list[Failure | Undecided]:
    """Return every failure, those before day 0 too, and what leaves one open."""
    found = [
        Failure(e.day, str(e.record["EVENT"]), _words(e.record), list_evidence(events=[e.row]))
        for e in follow.events
        if e.record["EVENT"] in ("DEATH", *failures)
    ]
    return [*found, *more]


def _before_entry(found: Sequence[Failure | Undecided], entry: int | None) -> Undecided | None:
    """Return that a subject had failed between origin and entry, or None.

    From the first dose there is no such time. From the transplantation there is: who failed in it
    was never at risk of a first failure while under observation.
    """
    for failure in found:
        if entry is not None and isinstance(failure, Failure) and -entry <= failure.day < 0:
            reason = (
                f"{failure.words} {-failure.day} days before the first dose, so never at risk of a "
                "first failure from the transplantation on"
            )
            return Undecided(failure.day, reason, failure.evidence)
    return None


def _rank(failure: Failure | Undecided) -> tuple[int, int]:
    """Order by day; on one day what is certain first, and death after other failures."""
    if isinstance(failure, Undecided):
        return failure.day, 2
    return failure.day, int(failure.code == "DEATH")


def _censored(follow: FollowUp, free_of: Sequence[str], cut: int | None) -> tuple[int, str]:
    end = follow.end if follow.end is not None else 0
    day = end if cut is None else min(end, cut)
    free = f"alive{''.join(f' without {words}' for words in free_of)}"
    where = "last contact" if day == end else "the data cut"
    return day, f"{free} at {where}, day {day}"


def _words(record: Mapping[str, object]) -> str:
    known = " (day of the month not known)" if record.get("ADTF") == "D" else ""
    return f"{_spoken(str(record['EVENT']))}{known}"


def _spoken(code: str) -> str:
    return code.lower().replace("_", " ")


def _people(subjects: pl.DataFrame | None) -> dict[str, dict[str, Any]]:
    if subjects is None:
        return {}
    twice = subjects.filter(subjects["USUBJID"].is_duplicated())["USUBJID"].unique().sort()
    if len(twice):
        raise DataError(f"subjects: {twice[0]!r} stands in several rows; expected one: remove one")
    return {str(row["USUBJID"]): row for row in subjects.iter_rows(named=True)}
