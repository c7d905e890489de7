"""Survival without severe graft-versus-host disease or relapse; the first failure is named."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
from pydantic import Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import list_evidence, make_outcomes
from sojourn.endpoints._failures import (
    Failure,
    FailureRule,
    Undecided,
    find_cohort,
    make_failure_times,
)
from sojourn.endpoints._gvhd import ACUTE, CHRONIC, Disease, History, first_of_grade
from sojourn.endpoints._survival import EVENT, FollowUp
from sojourn.endpoints.acute_gvhd import Scale, find_acute
from sojourn.endpoints.chronic_gvhd import find_chronic


class Rule(FailureRule):
    """What a failure is; a study file may change every entry. Death always is one.

    `acute_grade`: the least grade of acute disease that fails, of the organs graded by `scale`
    ("magic" or "keystone"). `chronic_grade`: the least severity of chronic disease that does, 1
    mild, 2 moderate, 3 severe.
    """

    acute_grade: int = Field(default=3, ge=1, le=4)
    scale: Scale = "magic"
    chronic_grade: int = Field(default=3, ge=1, le=3)


def gvhd_relapse_free_survival(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    gvhd_stages: pl.DataFrame | None,
    chronic_gvhd: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the time to each subject's first failure: severe disease, relapse or death.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE``; those before day 0 are history.
    follow_up
        last date known alive, or None; without it, only failures can be evaluated.
    subjects
        ``USUBJID``, ``MALIGNANT``; ``HSCTDT`` if `rule.origin` is "transplant"; or None.
    gvhd_stages, chronic_gvhd
        organs of acute and chronic disease, or None; see `acute_gvhd`, `chronic_gvhd`.
    rule
        failures, origin, end on day 0, data cut.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD GRFS: ``AVAL`` in days from the origin,
        ``ENTRY`` the first dose where that is later, ``CNSR`` 0 at the first failure, 1 at the last
        contact; ``AVALC`` names the first: ACUTE_GVHD, CHRONIC_GVHD, RELAPSE (or another of
        `rule.failures`), DEATH, or CENSORED. Null where a grade that would decide is not known.

    Raises
    ------
    DataError
        if `rule.origin` is "transplant" and its dates are absent, or an organ's stage or score
        does not exist.

    References
    ----------
    Holtan et al., Blood 2015;125:1333 (their chronic disease is that which needs systemic
    treatment; severe by NIH 2014 stands in its place).
    """
    others = (gvhd_stages, chronic_gvhd)
    cohort = find_cohort(doses, events, follow_up, subjects, rule, others)
    acute = find_acute(gvhd_stages, cohort.follows, cohort.zeros, rule.scale, None)
    chronic = find_chronic(chronic_gvhd, cohort.follows, cohort.zeros, None)
    more: dict[str, Sequence[Failure | Undecided]] = {}
    for subject, follow in cohort.follows.items():
        kinds = (
            (ACUTE, acute.get(subject, History()), rule.acute_grade),
            (CHRONIC, chronic.get(subject, History()), rule.chronic_grade),
        )
        found = [_failure(disease, history, follow, grade) for disease, history, grade in kinds]
        early = [f for disease, _, grade in kinds for f in _history(disease, follow, grade)]
        more[subject] = [*early, *(each for each in found if each is not None)]
    words = (
        f"acute GVHD of grade {rule.acute_grade}",
        f"chronic GVHD of grade {rule.chronic_grade}",
    )
    full = replace(cohort, more=more, more_words=words)
    return make_outcomes(make_failure_times("GRFS", full, rule))


def _failure(
    disease: Disease, history: History, follow: FollowUp, grade: int
) -> Failure | Undecided | None:
    """Return the first day of `grade`, or what leaves it open, or None."""
    if history.problem:
        return Undecided(0, history.problem, follow.evidence)
    seen = history.between(None)
    if not seen:
        return None
    first = first_of_grade(disease, seen, follow, grade, seen[-1].day, ())
    if first.value is None:
        return Undecided(first.day, first.reason, first.evidence)
    if first.cnsr != EVENT:
        return None
    words = f"{disease.kind} GVHD of grade {grade} or more"
    return Failure(first.day, disease.event, words, first.evidence)


def _history(disease: Disease, follow: FollowUp, grade: int) -> list[Failure]:
    """Return the recorded grades that failed before day 0; they matter from the graft on."""
    words = f"{disease.kind} GVHD of grade {grade} or more"
    return [
        Failure(e.day, disease.event, words, list_evidence(events=[e.row]))
        for e in follow.events
        if e.record["EVENT"] == disease.event
        and e.day < 0
        and (e.record.get("GRADE") or 0) >= grade
    ]


ENDPOINT = Endpoint(
    label="Survival without severe graft-versus-host disease or relapse (days)",
    paramcd="GRFS",
    inputs=("doses", "events", "follow_up", "subjects", "gvhd_stages", "chronic_gvhd"),
    rule=Rule,
    derive=gvhd_relapse_free_survival,
    optional=("follow_up", "subjects", "gvhd_stages", "chronic_gvhd"),
)
