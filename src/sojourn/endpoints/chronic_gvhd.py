"""Chronic graft-versus-host disease: highest severity, and the first day of one that matters."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.endpoints._days import find_day_zeros, list_subjects, make_outcomes
from sojourn.endpoints._gvhd import (
    CHRONIC,
    Competing,
    History,
    find_histories,
    make_gvhd_outcomes,
)
from sojourn.endpoints._survival import FollowUp, find_follow_ups

ORGANS = ("SKIN", "MOUTH", "EYES", "GI", "LIVER", "JOINTS_FASCIA", "GENITAL", "LUNG")
"""Organs with a score of 0 to 3; the lung counts differently."""

SEVERITIES = ("none", "mild", "moderate", "severe")


class Rule(BaseModel):
    """Which severity matters, by when.

    `grade`: the least severity whose first day is the event: 1 mild, 2 moderate, 3 severe.
    `by_day`: later days do not count. `competing`: events that, if they come first, rule the
    outcome out; death always does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grade: int = Field(default=1, ge=1, le=3)
    by_day: int = Field(default=365, ge=0)
    competing: tuple[Competing, ...] = ("RELAPSE",)


def chronic_gvhd(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    organs: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return each subject's highest severity of chronic disease and the first day it mattered.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0. Disease before it is history.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE`` as assessed: CHRONIC_GVHD, 1 to 3.
    follow_up
        last date known alive, or None.
    organs
        the table chronic_gvhd: ``USUBJID``, ``ADT``, `ORGANS` scored 0 to 3, ``NOT_GVHD`` naming
        those whose score has wholly another cause; or None. On their date they decide; a grade in
        `events` on that date must agree. An organ that was not scored leaves the severity open.
    rule
        severity, day, competing events.

    Returns
    -------
        `OUTCOME`, two rows for each subject: CGVHDMAX, ``AVAL`` the highest severity on days 0 to
        `rule.by_day`, 0 for none; CGVHD1 (named after `rule.grade`), the first day of at least
        this severity: ``CNSR`` 0, else 1 at the end of observation or `rule.by_day`, 2 at a death,
        3 at another competing event before it. Null where follow-up or a severity that would
        decide is not known, or the records contradict each other.

    Raises
    ------
    DataError
        if ``NOT_GVHD`` names no organ.

    References
    ----------
    NCT06171906, secondaryOutcomes[1]; it names no scale. Jagasia et al., Biol Blood Marrow
    Transplant 2015;21:389 (NIH consensus of 2014).
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    histories = find_chronic(organs, follows, zeros, rule.by_day)
    return make_outcomes(
        [
            row
            for subject in list_subjects(doses, events, follow_up, organs)
            for row in make_gvhd_outcomes(
                CHRONIC,
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


def find_chronic(
    organs: pl.DataFrame | None,
    follows: Mapping[str, FollowUp],
    zeros: Mapping[str, Any],
    by_day: int | None,
) -> dict[str, History]:
    """Return each subject's graded assessments of chronic disease; see `find_histories`."""
    return find_histories(CHRONIC, organs, follows, zeros, grade_organs, by_day, _agrees)


def nih_severity(scores: Mapping[str, int]) -> int:
    """Return the global severity, 0 none to 3 severe, of the scores of eight organs.

    Severe: any score of 3, or a lung of 2. Moderate: any other score of 2, a lung of 1, or three
    organs. Mild: one or two organs of score 1. Performance status is no organ.

    Parameters
    ----------
    scores
        0 to 3 for each of `ORGANS`; 0 for one whose score has wholly another cause.

    Raises
    ------
    DataError
        if an organ lacks, or a score does not exist.

    References
    ----------
    Jagasia et al., Biol Blood Marrow Transplant 2015;21:389 (NIH consensus of 2014).

    Examples
    --------
    >>> clear = dict.fromkeys(ORGANS, 0)
    >>> [nih_severity(clear | change) for change in ({}, {"SKIN": 1}, {"LUNG": 1}, {"LUNG": 2})]
    [0, 1, 2, 3]
    """
    for organ in ORGANS:
        if scores.get(organ) not in range(4):
            raise DataError(f"{organ} has score {scores.get(organ)}; expected 0, 1, 2 or 3")
    highest, lung = max(scores[organ] for organ in ORGANS), scores["LUNG"]
    if highest == 3 or lung >= 2:
        return 3
    n_organs = sum(scores[organ] >= 1 for organ in ORGANS)
    if highest == 2 or lung == 1 or n_organs >= 3:
        return 2
    return int(n_organs >= 1)


def grade_organs(record: Mapping[str, Any]) -> tuple[int, int, str]:
    """Return the lowest and the highest severity that the scores of one row allow.

    Parameters
    ----------
    record
        the `ORGANS`, null where one was not scored, and ``NOT_GVHD``.

    Returns
    -------
        both severities, equal where every organ that matters was scored, and what is missing.

    Raises
    ------
    DataError
        if a score does not exist or ``NOT_GVHD`` names no organ.
    """
    excused = _excused(record)
    missing = [o for o in ORGANS if o not in excused and record[o] is None]
    least = {o: 0 if o in excused else record[o] or 0 for o in ORGANS}
    words = ", ".join(organ.lower().replace("_", " and ") for organ in missing)
    most = least | dict.fromkeys(missing, 3)
    return nih_severity(least), nih_severity(most), f"{words} not scored" if missing else ""


def _excused(record: Mapping[str, Any]) -> set[str]:
    named = set((record.get("NOT_GVHD") or "").replace(",", " ").upper().split())
    if strange := sorted(named - set(ORGANS)):
        raise DataError(
            f"NOT_GVHD names {strange[0]!r}; expected one or more of {', '.join(ORGANS)}"
        )
    return named


def _agrees(record: Mapping[str, Any], grade: int) -> bool:
    low, high, _ = grade_organs(record)
    return low <= grade <= high


ENDPOINT = Endpoint(
    label="Chronic graft-versus-host disease: highest severity, first day of one",
    paramcd="CGVHDMAX",
    inputs=("doses", "events", "follow_up", "chronic_gvhd"),
    rule=Rule,
    derive=chronic_gvhd,
    optional=("follow_up", "chronic_gvhd"),
)
