"""Infection: episodes and days at risk."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import (
    NO_DAY_0,
    Dated,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)
from sojourn.endpoints._survival import FollowUp, find_follow_ups


class Rule(BaseModel):
    """What an episode is and how long a subject is at risk.

    `until_day`: risk ends on this day at the latest. `new_episode_days`: the same organism and site
    (the text of DETAIL) counts again so many days after its last record. `min_grade`: records of a
    lower or unknown grade do not count; 0 counts all. `risk_ends_with`: events that end the risk
    besides death.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    until_day: int = Field(default=40, ge=0)
    new_episode_days: int = Field(default=14, ge=1)
    min_grade: int = Field(default=0, ge=0, le=5)
    risk_ends_with: tuple[Literal["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"], ...] = (
        "SECOND_GRAFT",
    )


@dataclass(frozen=True, slots=True)
class _Risk:
    """Last day at risk, what ended it, and the rows that say so."""

    last: int
    ended_by: str
    evidence: str


def infection(
    doses: pl.DataFrame, events: pl.DataFrame, follow_up: pl.DataFrame | None, rule: Rule
) -> pl.DataFrame:
    """Return each subject's episodes of infection and days at risk.

    A record begins an episode unless one of the same organism and site lies less than
    `rule.new_episode_days` before it: the table has no date of resolution, so the last record
    stands for it. Risk lasts from day 0 to the first of `rule.until_day`, death, last contact and
    second graft, both ends included; days within an episode stay at risk.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE``, ``DETAIL`` (organism and site).
    follow_up
        last date known alive, or None.
    rule
        episode and risk.

    Returns
    -------
        `OUTCOME`, two rows for each subject: INFN, ``AVAL`` the number of episodes that began at
        risk, and INFDAYS, ``AVAL`` the days at risk. ``DAY`` of both is the last day at risk (so
        days at risk are DAY + 1). Null where follow-up is not known.

    References
    ----------
    NCT06171906, secondaryOutcomes[0], whose description fits adverse events; the episode rule
    follows `docs/endpoints.md`, "Infection".
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    rows = []
    for subject in list_subjects(doses, events, follow_up):
        follow = follows.get(subject, FollowUp())
        risk = _risk(follow, rule) if subject in zeros else NO_DAY_0
        if isinstance(risk, str):
            evidence = follow.evidence
            rows += [
                make_outcome(subject, paramcd, reason=risk, evidence=evidence)
                for paramcd in ("INFN", "INFDAYS")
            ]
            continue
        episodes = _episodes(follow.events, risk.last, rule)
        days = ", ".join(str(e.day) for e in episodes)
        plural = "" if len(episodes) == 1 else "s"
        found = f"{len(episodes)} episode{plural}{f', from day{plural} {days}' if days else ''}"
        span = f"at risk on days 0-{risk.last}, to {risk.ended_by}"
        evidence = list_evidence(events=[e.row for e in episodes])
        values = (
            ("INFN", float(len(episodes)), f"{found}; {span}", evidence),
            ("INFDAYS", risk.last + 1.0, span, risk.evidence),
        )
        rows += [
            make_outcome(
                subject,
                paramcd,
                zero=zeros[subject],
                day=risk.last,
                aval=value,
                reason=reason,
                evidence=evidence,
            )
            for paramcd, value, reason, evidence in values
        ]
    return make_outcomes(rows)


def _risk(follow: FollowUp, rule: Rule) -> _Risk | str:
    """Return the days at risk, or why they are not known."""
    if follow.problem:
        return follow.problem
    ended = follow.first(*rule.risk_ends_with)
    if ended is not None and ended.day <= rule.until_day:
        name = str(ended.record["EVENT"]).lower().replace("_", " ")
        return _Risk(ended.day, f"{name} on day {ended.day}", list_evidence(events=[ended.row]))
    if follow.end is None:
        return "neither a death nor a last contact is recorded, so days at risk are not known"
    if follow.end >= rule.until_day:
        return _Risk(rule.until_day, f"day {rule.until_day} of the rule", follow.evidence)
    what = "death" if follow.death is not None else "the last contact"
    return _Risk(follow.end, f"{what} on day {follow.end}", follow.evidence)


def _episodes(events: tuple[Dated, ...], last: int, rule: Rule) -> list[Dated]:
    seen: dict[str, int] = {}
    episodes = []
    for event in events:
        grade = event.record.get("GRADE")
        is_counted = rule.min_grade == 0 or (grade is not None and grade >= rule.min_grade)
        if event.record["EVENT"] != "INFECTION" or not is_counted:
            continue
        what = str(event.record.get("DETAIL") or "").strip().casefold()
        is_new = what not in seen or event.day - seen[what] >= rule.new_episode_days
        seen[what] = event.day
        if is_new and 0 <= event.day <= last:
            episodes.append(event)
    return episodes


ENDPOINT = Endpoint(
    label="Infection: episodes and days at risk",
    paramcd="INFN",
    inputs=("doses", "events", "follow_up"),
    rule=Rule,
    derive=infection,
    optional=("follow_up",),
)
