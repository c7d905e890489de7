"""Graft-versus-host disease: the highest grade, and the first day of a grade that matters."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

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
from sojourn.endpoints._survival import (
    CENSORED,
    DEATH_FIRST,
    EVENT,
    OTHER_EVENT_FIRST,
    FollowUp,
    find_follow_ups,
)

Outcome = dict[str, object]
HIGHEST = {"acute": 4, "chronic": 3}


class Rule(BaseModel):
    """Which disease, from which grade, by when.

    `kind`: "acute" (grades 1 to 4) or "chronic" (1 mild, 2 moderate, 3 severe). `grade`: the least
    grade whose first day is the event. `by_day`: later days do not count. `competing`: events that,
    if they come first, rule the outcome out; death always does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["acute", "chronic"] = "acute"
    grade: int = Field(default=2, ge=1, le=4)
    by_day: int = Field(default=100, ge=0)
    competing: tuple[Literal["RELAPSE", "SECOND_GRAFT", "DLI", "GRAFT_REJECTION"], ...] = (
        "RELAPSE",
    )

    @model_validator(mode="after")
    def _grade_exists(self) -> "Rule":
        if self.grade > HIGHEST[self.kind]:
            raise ValueError(f"{self.kind} GVHD has no grade {self.grade}")
        return self


def gvhd(
    doses: pl.DataFrame, events: pl.DataFrame, follow_up: pl.DataFrame | None, rule: Rule
) -> pl.DataFrame:
    """Return each subject's highest grade of graft-versus-host disease and when it mattered.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0. Disease before it is history.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE`` as assessed.
    follow_up
        last date known alive, or None.
    rule
        disease, grade, day, competing events.

    Returns
    -------
        `OUTCOME`, two rows for each subject (A for acute, C for chronic): AGVHDMAX, ``AVAL`` the
        highest grade on days 0 to `rule.by_day`, 0 for none; AGVHD2 (named after `rule.grade`),
        the first day of at least this grade: ``CNSR`` 0, else 1 at the end of observation or
        `rule.by_day`, 2 at a death, 3 at another competing event before it. Null where follow-up is
        not known.

    References
    ----------
    NCT06171906, secondaryOutcomes[1]; it names no grade and no scale. Grades as the site gave them
    (MAGIC for acute, NIH 2014 for chronic; `docs/endpoints.md`, "GVHD").
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    rows: list[Outcome] = []
    for subject in list_subjects(doses, events, follow_up):
        codes = (f"{rule.kind[0].upper()}GVHDMAX", f"{rule.kind[0].upper()}GVHD{rule.grade}")
        follow = follows.get(subject, FollowUp())
        found = _assessed(follow, rule)
        problem = NO_DAY_0 if subject not in zeros else _problem(follow, found, rule)
        if problem:
            evidence = follow.evidence
            rows += [make_outcome(subject, c, reason=problem, evidence=evidence) for c in codes]
            continue
        highest, first = _highest(found, follow, rule), _first(found, follow, rule)
        for code, outcome in zip(codes, (highest, first), strict=True):
            day, aval, cnsr, reason, evidence = outcome
            row = make_outcome(
                subject,
                code,
                zero=zeros[subject],
                day=day,
                aval=aval,
                avalc=str(int(aval)) if code == codes[0] else "NY"[cnsr == EVENT],
                cnsr=cnsr,
                reason=reason,
                evidence=evidence,
            )
            rows.append(row)
    return make_outcomes(rows)


def _assessed(follow: FollowUp, rule: Rule) -> list[Dated]:
    code = f"{rule.kind.upper()}_GVHD"
    return [e for e in follow.events if e.record["EVENT"] == code and 0 <= e.day <= rule.by_day]


def _problem(follow: FollowUp, found: list[Dated], rule: Rule) -> str:
    if follow.contradiction:
        return f"the records contradict each other: {follow.contradiction}"
    if follow.end is None and not found:
        return "neither a death nor a last contact is recorded"
    for event in found:
        grade = event.record.get("GRADE")
        if grade is None:
            return f"{rule.kind} GVHD on day {event.day} has no grade"
        if grade > HIGHEST[rule.kind]:
            return f"{rule.kind} GVHD on day {event.day} has grade {grade}, which does not exist"
    return ""


Found = tuple[int, float, int | None, str, str]


def _last(found: list[Dated], follow: FollowUp, rule: Rule) -> int:
    end = follow.end if follow.end is not None else found[-1].day
    return min(end, rule.by_day)


def _highest(found: list[Dated], follow: FollowUp, rule: Rule) -> Found:
    graded = [e for e in found if e.record["GRADE"] > 0]
    if not graded:
        last = _last(found, follow, rule)
        return last, 0.0, None, f"no {rule.kind} GVHD on days 0-{last}", follow.evidence
    top = max(graded, key=lambda e: (e.record["GRADE"], -e.day))
    grade = top.record["GRADE"]
    reason = f"{rule.kind} GVHD of grade {grade}, first on day {top.day}"
    return top.day, float(grade), None, reason, list_evidence(events=[top.row])


def _first(found: list[Dated], follow: FollowUp, rule: Rule) -> Found:
    what = f"{rule.kind} GVHD of grade {rule.grade} or more"
    onset = next((e for e in found if e.record["GRADE"] >= rule.grade), None)
    other = follow.first("DEATH", *rule.competing)
    if other is not None and other.day <= rule.by_day and (onset is None or other.day < onset.day):
        name = str(other.record["EVENT"])
        cnsr = DEATH_FIRST if name == "DEATH" else OTHER_EVENT_FIRST
        reason = f"{name.lower().replace('_', ' ')} on day {other.day} before {what}"
        return other.day, float(other.day), cnsr, reason, list_evidence(events=[other.row])
    if onset is not None:
        reason = f"{what} on day {onset.day}"
        return onset.day, float(onset.day), EVENT, reason, list_evidence(events=[onset.row])
    last = _last(found, follow, rule)
    return last, float(last), CENSORED, f"no {what} on days 0-{last}", follow.evidence


ENDPOINT = Endpoint(
    label="Graft-versus-host disease: highest grade, first day of a grade",
    paramcd="AGVHDMAX",
    inputs=("doses", "events", "follow_up"),
    rule=Rule,
    derive=gvhd,
    optional=("follow_up",),
)
