"""Acute graft-versus-host disease: the highest grade, and the first day of a grade that matters."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import find_day_zeros, list_subjects, make_outcomes
from sojourn.endpoints._gvhd import (
    ACUTE,
    Competing,
    History,
    find_histories,
    make_gvhd_outcomes,
)
from sojourn.endpoints._gvhd_stages import HIGHEST_STAGE, keystone_grade, magic_grade
from sojourn.endpoints._survival import FollowUp, find_follow_ups

Scale = Literal["magic", "keystone"]
SCALES: Mapping[str, Callable[[int, int, int, int], int]] = {
    "magic": magic_grade,
    "keystone": keystone_grade,
}


class Rule(BaseModel):
    """How organs are graded, which grade matters, by when.

    `scale`: "magic" or "keystone" (modified Glucksberg), for organ stages; grades in the table
    events stand as the site gave them. `grade`: the least grade whose first day is the event.
    `by_day`: later days do not count. `competing`: events that, if they come first, rule the
    outcome out; death always does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: Scale = "magic"
    grade: int = Field(default=2, ge=1, le=4)
    by_day: int = Field(default=100, ge=0)
    competing: tuple[Competing, ...] = ("RELAPSE",)


def acute_gvhd(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    gvhd_stages: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return each subject's highest grade of acute disease and the first day that it mattered.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0. Disease before it is history.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE`` as assessed: ACUTE_GVHD.
    follow_up
        last date known alive, or None.
    gvhd_stages
        ``USUBJID``, ``ADT``, ``SKIN``, ``LIVER``, ``LOWER_GI`` (0 to 4), ``UPPER_GI`` (0 or 1), or
        None. On their date they decide; a grade in `events` on that date must agree with them by
        either scale. An organ that was not staged leaves the grade open.
    rule
        scale, grade, day, competing events.

    Returns
    -------
        `OUTCOME`, two rows for each subject: AGVHDMAX, ``AVAL`` the highest grade on days 0 to
        `rule.by_day`, 0 for none; AGVHD2 (named after `rule.grade`), the first day of at least
        this grade: ``CNSR`` 0, else 1 at the end of observation or `rule.by_day`, 2 at a death, 3
        at another competing event before it. Null where follow-up or a grade that would decide is
        not known, or the records contradict each other.

    References
    ----------
    NCT06171906, secondaryOutcomes[1]; it names no grade and no scale. Harris et al., Biol Blood
    Marrow Transplant 2016;22:4 (MAGIC); Przepiorka et al., Bone Marrow Transplant 1995;15:825.
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    histories = find_acute(gvhd_stages, follows, zeros, rule.scale, rule.by_day)
    return make_outcomes(
        [
            row
            for subject in list_subjects(doses, events, follow_up, gvhd_stages)
            for row in make_gvhd_outcomes(
                ACUTE,
                subject,
                zeros.get(subject),
                follows.get(subject, FollowUp()),
                histories.get(subject, History()),
                grade=rule.grade,
                by_day=rule.by_day,
                competing=rule.competing,
            )
        ]
    )


def find_acute(
    gvhd_stages: pl.DataFrame | None,
    follows: Mapping[str, FollowUp],
    zeros: Mapping[str, Any],
    scale: Scale,
    by_day: int | None,
) -> dict[str, History]:
    """Return each subject's graded assessments of acute disease; see `find_histories`."""
    return find_histories(
        ACUTE,
        gvhd_stages,
        follows,
        zeros,
        lambda record: grade_stages(record, scale),
        by_day,
        _agrees,
    )


def grade_stages(record: Mapping[str, Any], scale: Scale) -> tuple[int, int, str]:
    """Return the lowest and the highest grade that the organ stages of one row allow.

    Parameters
    ----------
    record
        ``SKIN``, ``LIVER``, ``UPPER_GI``, ``LOWER_GI``; null where an organ was not staged.
    scale
        "magic" or "keystone".

    Returns
    -------
        both grades, equal where every organ that matters was staged, and what is missing in words.

    Raises
    ------
    DataError
        if a stage does not exist.
    """
    missing = [organ for organ in HIGHEST_STAGE if record[organ] is None]
    least = [record[organ] or 0 for organ in HIGHEST_STAGE]
    most = [top if record[o] is None else record[o] for o, top in HIGHEST_STAGE.items()]
    words = ", ".join(organ.lower().replace("_", " ") for organ in missing)
    grade = SCALES[scale]
    return grade(*least), grade(*most), f"{words} not staged" if missing else ""


def _agrees(record: Mapping[str, Any], grade: int) -> bool:
    """Tell whether a recorded grade is one that the stages allow, by either scale."""
    bounds = [grade_stages(record, scale) for scale in ("magic", "keystone")]
    return any(low <= grade <= high for low, high, _ in bounds)


ENDPOINT = Endpoint(
    label="Acute graft-versus-host disease: highest grade, first day of a grade",
    paramcd="AGVHDMAX",
    inputs=("doses", "events", "follow_up", "gvhd_stages"),
    rule=Rule,
    derive=acute_gvhd,
    optional=("follow_up", "gvhd_stages"),
)
