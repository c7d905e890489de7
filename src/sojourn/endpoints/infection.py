"""Infection: episodes, days at risk, and the first of a grade that matters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import (
    NO_DAY_0,
    Dated,
    find_dated,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)
from sojourn.endpoints._infections import Episode, Record, find_episodes, find_records
from sojourn.endpoints._survival import (
    CENSORED,
    DEATH_FIRST,
    EVENT,
    OTHER_EVENT_FIRST,
    FollowUp,
    find_follow_ups,
)


class Rule(BaseModel):
    """What an episode is, how long a subject is at risk, and which grade matters.

    `until_day`: risk ends on this day at the latest. `new_episode_days`: the same organism and site
    counts again so many days after its resolution, or after its last record where none is recorded.
    `min_grade`: records of a lower or unknown grade do not count; 0 counts all. `grade`: the least
    grade whose first day is an event. `risk_ends_with`: events that end the risk besides death.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    until_day: int = Field(default=40, ge=0)
    new_episode_days: int = Field(default=14, ge=1)
    min_grade: int = Field(default=0, ge=0, le=5)
    grade: int = Field(default=2, ge=1, le=5)
    risk_ends_with: tuple[Literal["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"], ...] = (
        "SECOND_GRAFT",
    )


@dataclass(frozen=True, slots=True)
class _Risk:
    """Last day at risk, the CNSR of its end, what ended it, and the rows that say so."""

    last: int
    cnsr: int
    ended_by: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Found:
    """One outcome: day, value, class, CNSR, reason, evidence."""

    day: int | None
    value: float | None
    avalc: str | None
    cnsr: int | None
    reason: str
    evidence: str


def infection(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    infections: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return each subject's episodes of infection, days at risk, and first one that mattered.

    A record begins an episode unless one of the same organism and site was resolved less than
    `rule.new_episode_days` before it, or not yet; where no resolution is recorded, the day of the
    last record stands for it. Risk lasts from day 0 to the first of `rule.until_day`, death, last
    contact and second graft, both ends included; days within an episode stay at risk.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE``, ``DETAIL`` (organism and site).
    follow_up
        last date known alive, or None.
    infections
        ``USUBJID``, ``ADT``, ``AENDT`` (resolution), ``ORGANISM``, ``SITE``, ``GRADE``, or None. A
        row of `events` of the same day, with the same organism and site or none, is that record.
    rule
        episode, risk, grade.

    Returns
    -------
        `OUTCOME`, three rows for each subject. INFN: ``AVAL`` the number of episodes that began at
        risk. INFDAYS: ``AVAL`` the days at risk. ``DAY`` of both is the last day at risk (so days
        at risk are DAY + 1). INFG2 (named after `rule.grade`): the first day at risk with a record
        of at least this grade, of an episode that began at risk: ``CNSR`` 0, else 1 at the end of
        risk, 2 at a death, 3 at another event that ended the risk. Null where follow-up is not
        known, a resolution lies before its infection, or, for INFG2, a grade that would decide is
        not recorded.

    References
    ----------
    NCT06171906, secondaryOutcomes[0], whose description fits adverse events; the episode rule
    follows `docs/endpoints.md`, "Infection".
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    dated = find_dated(infections, zeros)
    codes = ("INFN", "INFDAYS", f"INFG{rule.grade}")
    rows = []
    for subject in list_subjects(doses, events, follow_up, infections):
        follow, zero = follows.get(subject, FollowUp()), zeros.get(subject)
        risk = NO_DAY_0 if zero is None else _risk(follow, rule)
        if zero is not None and not isinstance(risk, str):
            found: tuple[_Found, ...] | str = _judge(
                follow, dated.get(subject, []), zero, risk, rule
            )
        else:
            found = str(risk)
        if isinstance(found, str):
            evidence = follow.evidence
            rows += [make_outcome(subject, c, reason=found, evidence=evidence) for c in codes]
            continue
        rows += [
            make_outcome(
                subject,
                paramcd,
                zero=zero,
                day=each.day,
                aval=each.value,
                avalc=each.avalc,
                cnsr=each.cnsr,
                reason=each.reason,
                evidence=each.evidence,
            )
            for paramcd, each in zip(codes, found, strict=True)
        ]
    return make_outcomes(rows)


def _judge(
    follow: FollowUp, infections: list[Dated], zero: date, risk: _Risk, rule: Rule
) -> tuple[_Found, ...] | str:
    """Return episodes, days at risk and first infection of the grade, or why they are not known."""
    records = find_records(follow.events, infections, zero)
    for record in records:
        if follow.death is not None and record.day > follow.death:
            return (
                "the records contradict each other: an infection on day "
                f"{record.day} lies after death"
            )
        if record.resolved is not None and record.resolved < record.day:
            return (
                f"the records contradict each other: an infection of day {record.day} was resolved "
                f"on day {record.resolved}"
            )
    counted = [r for r in records if rule.min_grade == 0 or (r.grade or 0) >= rule.min_grade]
    episodes = _at_risk(find_episodes(counted, rule.new_episode_days), risk)
    days = ", ".join(str(e.first.day) for e in episodes)
    plural = "" if len(episodes) == 1 else "s"
    number = f"{len(episodes)} episode{plural}{f', from day{plural} {days}' if days else ''}"
    span = f"at risk on days 0-{risk.last}, to {risk.ended_by}"
    evidence = _evidence([e.first for e in episodes])
    every = _at_risk(find_episodes(records, rule.new_episode_days), risk)
    return (
        _Found(risk.last, float(len(episodes)), None, None, f"{number}; {span}", evidence),
        _Found(risk.last, risk.last + 1.0, None, None, span, risk.evidence),
        _first(every, risk, rule.grade),
    )


def _at_risk(episodes: Iterable[Episode], risk: _Risk) -> list[Episode]:
    return [episode for episode in episodes if 0 <= episode.first.day <= risk.last]


def _first(episodes: list[Episode], risk: _Risk, grade: int) -> _Found:
    records = sorted(
        (r for e in episodes for r in e.records if r.day <= risk.last), key=lambda r: r.day
    )
    what = f"infection of grade {grade} or more"
    first = next((r for r in records if r.grade is not None and r.grade >= grade), None)
    unknown = next((r for r in records if r.grade is None), None)
    if unknown is not None and (first is None or unknown.day < first.day):
        reason = f"the infection on day {unknown.day} has no grade"
        return _Found(None, None, None, None, reason, _evidence([unknown]))
    if first is not None:
        day, evidence = first.day, _evidence([first])
        return _Found(day, float(day), "Y", EVENT, f"{what} on day {day}", evidence)
    reason = f"no {what} on days 0-{risk.last}, to {risk.ended_by}"
    return _Found(risk.last, float(risk.last), "N", risk.cnsr, reason, risk.evidence)


def _evidence(records: list[Record]) -> str:
    tables = ("events", "infections")
    rows = {table: [r.row for r in records if r.table == table] for table in tables}
    return list_evidence(**rows)


def _risk(follow: FollowUp, rule: Rule) -> _Risk | str:
    """Return the days at risk, or why they are not known."""
    if follow.problem:
        return follow.problem
    ended = follow.first(*rule.risk_ends_with)
    if ended is not None and ended.day <= rule.until_day:
        name = str(ended.record["EVENT"]).lower().replace("_", " ")
        evidence = list_evidence(events=[ended.row])
        return _Risk(ended.day, OTHER_EVENT_FIRST, f"{name} on day {ended.day}", evidence)
    if follow.end is None:
        return "neither a death nor a last contact is recorded, so days at risk are not known"
    if follow.death is not None and follow.death <= rule.until_day:
        what = f"death on day {follow.death}"
        return _Risk(follow.death, DEATH_FIRST, what, follow.evidence)
    if follow.end >= rule.until_day:
        what = f"day {rule.until_day} of the rule"
        return _Risk(rule.until_day, CENSORED, what, follow.evidence)
    return _Risk(follow.end, CENSORED, f"the last contact on day {follow.end}", follow.evidence)


ENDPOINT = Endpoint(
    label="Infection: episodes, days at risk, first of a grade",
    paramcd="INFN",
    inputs=("doses", "events", "follow_up", "infections"),
    rule=Rule,
    derive=infection,
    optional=("follow_up", "infections"),
)
