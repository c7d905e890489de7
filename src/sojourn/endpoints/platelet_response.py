"""Platelet response: complete, partial or none, by runs without platelet transfusion."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import Dated, make_outcome, make_outcomes
from sojourn.endpoints._limits import PerLitre
from sojourn.endpoints._recovery import (
    Competing,
    Course,
    add_event,
    find_competing,
    find_courses,
    grounds,
    make_recovery,
)
from sojourn.endpoints._runs import PLATELETS, Consecutive, Criterion, Finding, SustainedRun


class Response(BaseModel):
    """What a platelet response is; a study file may change every number.

    `rule`: "run" asks for every count of some days; "cibmtr" for some counts in a row after days
    without transfusion. `complete_per_l`, `partial_per_l`: counts in 1/L that must be reached.
    `run_days`, `max_gap_days`: calendar days of the run and days between two counts of it;
    `washout_days`: days without transfusion up to its onset, 0 for none beyond the run; for "run".
    `measurements`, `cibmtr_washout_days`: counts in a row, and days without transfusion up to the
    first of them; for "cibmtr".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["run", "cibmtr"] = "run"
    complete_per_l: PerLitre = 50e9
    partial_per_l: PerLitre = 20e9
    run_days: int = Field(default=7, ge=1)
    max_gap_days: int = Field(default=4, ge=1)
    washout_days: int = Field(default=0, ge=0)
    measurements: int = Field(default=3, ge=1)
    cibmtr_washout_days: int = Field(default=7, ge=1)

    @model_validator(mode="after")
    def _levels_are_ordered(self) -> "Response":
        if self.partial_per_l >= self.complete_per_l:
            raise ValueError("partial_per_l must lie below complete_per_l")
        return self

    def criterion(self, threshold: float) -> Criterion:
        """Return what to look for in a subject's daily counts, for one level."""
        if self.rule == "cibmtr":
            washout = self.cibmtr_washout_days
            return Consecutive(
                PLATELETS, threshold, "greater_equal", "measured", self.measurements, None, washout
            )
        return SustainedRun(
            PLATELETS, threshold, self.run_days, self.max_gap_days, self.washout_days
        )


class Rule(Response, Competing):
    """Response, the days on which it is read, and what ends the time before (`Competing`).

    `by_day`: a response counts if its onset is not later (confirmation may be). `nr_day`: without
    response by this day, and followed to it, there is none (8 weeks). Nor is there one where one of
    `intercurrent_events` came by the day, and no response began before it or with it, however long
    the subject was followed.
    """

    by_day: int = Field(default=40, ge=0)
    nr_day: int = Field(default=56, ge=0)

    @model_validator(mode="after")
    def _days_are_ordered(self) -> "Rule":
        if self.by_day >= self.nr_day:
            raise ValueError("by_day must lie before nr_day")
        return self


def platelet_response(
    counts: pl.DataFrame,
    doses: pl.DataFrame,
    transfusions: pl.DataFrame,
    events: pl.DataFrame | None,
    follow_up: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return each subject's platelet response: when it began and which it was.

    A complete response (CR) is a run at 50e9/L, a partial one (PR) a run at 20e9/L, of
    `rule.run_days` days without platelet transfusion; a value on the border belongs to the better
    class. The best class whose onset is not later than the day counts.

    Parameters
    ----------
    counts
        ``USUBJID``, ``ADT`` (date), ``PLT`` (1/L, may be null), in any order.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    transfusions
        ``USUBJID``, ``ADT``, ``PRODUCT``; PLT counts here.
    events, follow_up
        death, intercurrent events and last contact, or None: without either, observation ends with
        the subject's last count or transfusion.
    rule
        levels, run and days.

    Returns
    -------
        `OUTCOME`, four rows for each subject. PLTCR and PLTPR: onset of a run at the complete and
        at the partial level (the latter whether or not it is also complete) as a time in days with
        ``CNSR`` 0; 1 censored at the last measured day, 2 death first, 3 an intercurrent event
        first (either on day 0: ``AVAL`` is `rule.same_day`); null for who lives without a count.
        PLTRSP40 and PLTRSP56 (named after `rule.by_day` and `rule.nr_day`): ``AVALC`` CR, PR,
        "no CR/PR" (by the first day) or NR (by the second), NE if observation ended before the day
        or no count was taken; ``AVAL`` 2, 1, 0, null.

    References
    ----------
    NCT06171906, primaryOutcomes[0]. CIBMTR Forms Instruction Manual, platelet recovery: the first
    of 3 consecutive values, 7 days after the last transfusion.
    """
    courses = find_courses(
        counts,
        "PLT",
        doses,
        transfusions=transfusions,
        product="PLT",
        events=events,
        follow_up=follow_up,
    )
    return make_outcomes([row for course in courses for row in _responses(course, rule)])


def best_response(
    complete: Finding | None, partial: Finding | None, by_day: int
) -> tuple[str, Finding] | None:
    """Return the best class whose onset is not later than `by_day`, and its finding, or None."""
    for name, finding in (("CR", complete), ("PR", partial)):
        if finding is not None and finding.onset is not None and finding.onset <= by_day:
            return name, finding
    return None


def _responses(course: Course, rule: Rule) -> list[dict[str, object]]:
    complete_row, complete = make_recovery(
        course, "PLTCR", rule.criterion(rule.complete_per_l), rule
    )
    partial_row, partial = make_recovery(course, "PLTPR", rule.criterion(rule.partial_per_l), rule)
    classes = [
        _response(course, complete, partial, day, none, find_competing(course, rule))
        for day, none in ((rule.by_day, "no CR/PR"), (rule.nr_day, "NR"))
    ]
    return [complete_row, partial_row, *classes]


def _response(
    course: Course,
    complete: Finding | None,
    partial: Finding | None,
    day: int,
    none: str,
    event: Dated | None,
) -> dict[str, object]:
    paramcd = f"PLTRSP{day}"
    if course.problem:
        return make_outcome(
            course.subject, paramcd, reason=course.problem, evidence=course.follow.evidence
        )
    best = best_response(complete, partial, day)
    if best is not None:
        name, finding = best
        return make_outcome(
            course.subject,
            paramcd,
            zero=course.zero,
            day=finding.onset,
            aval=2.0 if name == "CR" else 1.0,
            avalc=name,
            reason=finding.reason,
            evidence=grounds(finding),
        )
    why = _denied(partial, day)
    if event is not None and event.day <= day:
        return make_outcome(
            course.subject,
            paramcd,
            zero=course.zero,
            day=event.day,
            aval=0.0,
            avalc=none,
            reason=f"no response by day {day}: {add_event(why, event)}",
            evidence=grounds(partial or Finding(None, None, why), event=event),
        )
    last = course.last_day
    if partial is None or last is None or last < day:
        ended = "death" if course.follow.death is not None else "observation ended"
        when = "" if last is None or last >= day else f"{ended} on day {last}; "
        return make_outcome(
            course.subject,
            paramcd,
            zero=course.zero,
            day=last,
            avalc="NE",
            reason=f"not evaluable by day {day}: {when}{why}",
            evidence=course.follow.evidence,
        )
    return make_outcome(
        course.subject,
        paramcd,
        zero=course.zero,
        day=day,
        aval=0.0,
        avalc=none,
        reason=f"no response by day {day}: {why}",
        evidence=grounds(partial),
    )


def _denied(partial: Finding | None, day: int) -> str:
    if partial is None:
        return "platelets not measured on or after day 0"
    if partial.onset is not None:
        return f"the first run begins on day {partial.onset}, after day {day}"
    return partial.reason


ENDPOINT = Endpoint(
    label="Platelet response: time and class",
    paramcd="PLTRSP40",
    inputs=("counts", "doses", "transfusions", "events", "follow_up"),
    rule=Rule,
    derive=platelet_response,
    optional=("events", "follow_up"),
)
