"""Immune reconstitution: lymphocyte subsets at planned days, and the first day of enough CD4."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import Daily, list_evidence, make_outcome, make_outcomes
from sojourn.endpoints._limits import PerLitre
from sojourn.endpoints._recovery import Course, Ending, find_courses, make_recovery
from sojourn.endpoints._runs import Consecutive, Quantity

Subset = Literal["CD3", "CD4", "CD8", "CD19", "CD56"]
SUBSETS: tuple[Subset, ...] = ("CD3", "CD4", "CD8", "CD19", "CD56")


class Rule(Ending):
    """When subsets are read, and how many CD4 are enough; a study file may change every number.

    `days`: planned days, each a visit named DAY and its number. `window_days`: the value nearest to
    a planned day counts if it lies at most so many days away, one number for each of `days`; of two
    as near the earlier. `baseline_days`: the last value on so many days before day 0, or on day 0,
    is the baseline. `cd4_per_l`: count in 1/L that must be reached, by `measurements` measured days
    in a row. `same_day`: time in days given to a death on day 0.
    """

    days: tuple[int, ...] = Field(default=(30, 60, 100, 180, 365), min_length=1)
    window_days: tuple[int, ...] = (7, 7, 14, 30, 30)
    baseline_days: int = Field(default=14, ge=0)
    cd4_per_l: PerLitre = 0.2e9
    measurements: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _windows_fit(self) -> "Rule":
        if len(self.days) != len(self.window_days):
            raise ValueError("window_days needs one number for each of days")
        if min(self.window_days) < 0 or self.days[0] - self.window_days[0] < 1:
            raise ValueError("a window must lie after day 0 and have no negative width")
        for i in range(1, len(self.days)):
            last = self.days[i - 1] + self.window_days[i - 1]
            if self.days[i] - self.window_days[i] <= last:
                raise ValueError(
                    f"the windows of days {self.days[i - 1]} and {self.days[i]} overlap"
                )
        return self


@dataclass(frozen=True, slots=True)
class _Reading:
    """The value of a visit, its day and row, or why there is none."""

    reason: str
    value: float | None = None
    day: int | None = None
    row: int | None = None


def immune_reconstitution(
    lymphocytes: pl.DataFrame,
    doses: pl.DataFrame,
    events: pl.DataFrame | None,
    follow_up: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return each subject's lymphocyte subsets at planned days and the first day of enough CD4.

    Parameters
    ----------
    lymphocytes
        ``USUBJID``, ``ADT``, ``CD3``, ``CD4``, ``CD8``, ``CD19``, ``CD56`` (1/L, may be null); the
        lowest value of a date stands for that date.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events, follow_up
        death and last contact, or None; later values are left out.
    rule
        days, windows, CD4.

    Returns
    -------
        `OUTCOME`. CD3, CD4, CD8, CD19, CD56: for each subject a row for each planned day,
        ``AVISIT`` DAY30 and so on, ``AVAL`` the count in 1/L, ``BASE`` the baseline, null where not
        measured within the window. CD4REC: one row, the first measured day since day 0 on which CD4
        reach `rule.cd4_per_l`, as a time in days with ``CNSR`` 0; 1 censored at the last measured
        day, 2 death first (on day 0 ``AVAL`` is `rule.same_day`). Null where the subject lives and
        was never measured.

    References
    ----------
    NCT06171906 registers no such outcome; 0.2e9/L CD4 is a usual mark of protection
    (`docs/endpoints.md`, "Immune reconstitution").
    """
    courses = {
        subset: find_courses(
            lymphocytes, subset, doses, events=events, follow_up=follow_up, table="lymphocytes"
        )
        for subset in SUBSETS
    }
    enough = Consecutive(
        Quantity("CD4", "e9/L", 1e9),
        rule.cd4_per_l,
        "greater_equal",
        "measured",
        rule.measurements,
        None,
    )
    rows: list[dict[str, object]] = []
    for i, course in enumerate(courses["CD4"]):
        for subset in SUBSETS:
            rows += _visits(courses[subset][i], subset, rule)
        rows.append(make_recovery(course, "CD4REC", enough, rule)[0])
    return make_outcomes(rows)


def _visits(course: Course, subset: Subset, rule: Rule) -> list[dict[str, object]]:
    before = course.before.between(-rule.baseline_days, 0)
    base = before.values[-1] if before.days else None
    rows = []
    for planned, width in zip(rule.days, rule.window_days, strict=True):
        read = _Reading(course.problem) if course.problem else _read(course, subset, planned, width)
        seen = [read.row, *(before.rows[-1:] if read.row is not None else [])]
        evidence = list_evidence(lymphocytes=seen)
        row = make_outcome(
            course.subject,
            subset,
            zero=course.zero,
            day=read.day,
            aval=read.value,
            reason=read.reason,
            evidence=evidence or ("" if course.zero is None else course.follow.evidence),
            avisit=f"DAY{planned}",
            base=None if course.problem else base,
        )
        rows.append(row)
    return rows


def _read(course: Course, subset: Subset, planned: int, width: int) -> _Reading:
    """Return the value nearest to the planned day within its window."""
    near: Daily = course.daily.between(planned - width, planned + width)
    if not near.days:
        window = f"days {planned - width} to {planned + width}"
        death = course.follow.death
        died = f"; died on day {death}" if death is not None and death < planned else ""
        return _Reading(f"{subset} not measured on {window}{died}")
    at = min(range(len(near.days)), key=lambda i: (abs(near.days[i] - planned), near.days[i]))
    day, value = near.days[at], near.values[at]
    return _Reading(f"{subset} {value / 1e9:.6g}e9/L on day {day}", value, day, near.rows[at])


ENDPOINT = Endpoint(
    label="Immune reconstitution: lymphocyte subsets by visit, first day of enough CD4",
    paramcd="CD4REC",
    inputs=("lymphocytes", "doses", "events", "follow_up"),
    rule=Rule,
    derive=immune_reconstitution,
    optional=("events", "follow_up"),
)
