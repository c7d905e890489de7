"""Hemoglobin recovery: a level held without transfusion of red cells."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._limits import GramsPerLitre
from sojourn.endpoints._recovery import Competing, find_courses, make_recovery
from sojourn.endpoints._runs import HEMOGLOBIN, Criterion, SingleValue, SustainedRun


class Recovery(BaseModel):
    """What counts as recovered; a study file may change every number.

    `rule`: "sustained" is a run, by analogy to platelets; "single" is one value, as the record
    reads literally. `threshold_g_per_l`: hemoglobin that must be reached. `run_days`: calendar
    days of the run. `max_gap_days`: days between two counts of it. `washout_days`: days without
    transfusion up to its onset, 0 for none beyond the run; all three for "sustained".
    `single_washout_days`: days without transfusion up to the one value, for "single".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["sustained", "single"] = "sustained"
    threshold_g_per_l: GramsPerLitre = 70.0
    run_days: int = Field(default=7, ge=1)
    max_gap_days: int = Field(default=4, ge=1)
    washout_days: int = Field(default=0, ge=0)
    single_washout_days: int = Field(default=7, ge=1)

    def criterion(self) -> Criterion:
        """Return what to look for in a subject's daily counts."""
        if self.rule == "single":
            return SingleValue(HEMOGLOBIN, self.threshold_g_per_l, self.single_washout_days)
        return SustainedRun(
            HEMOGLOBIN, self.threshold_g_per_l, self.run_days, self.max_gap_days, self.washout_days
        )


class Rule(Recovery, Competing):
    """What counts as recovered, and what ends the time before; see `Recovery`, `Competing`."""


def hemoglobin_recovery(
    counts: pl.DataFrame,
    doses: pl.DataFrame,
    transfusions: pl.DataFrame,
    events: pl.DataFrame | None,
    follow_up: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the day from which each subject's hemoglobin held without transfusion.

    Recovery is the first day s, not before day 0, from which every measured day up to the first at
    least `rule.run_days` - 1 days later reaches the threshold, with at most `rule.max_gap_days`
    between two of them and no transfusion of red cells on any day of the run.

    Parameters
    ----------
    counts
        ``USUBJID``, ``ADT`` (date), ``HGB`` (g/L, may be null), in any order.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    transfusions
        ``USUBJID``, ``ADT``, ``PRODUCT``; RBC counts here.
    events, follow_up
        death, intercurrent events and last contact, or None; later counts are left out.
    rule
        level and length of the run.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD HGBREC. ``AVAL`` (= ``DAY``): onset in
        days from day 0 if ``CNSR`` is 0, the last measured day if 1, the day of death if 2, of an
        intercurrent event before the onset if 3 (on day 0 ``AVAL`` is `rule.same_day`). ``AVALC`` Y
        or N; null, as ``AVAL``, where the subject lives without a count or has no day 0.

    References
    ----------
    NCT06171906, primaryOutcomes[0]: hemoglobin not less than 70 g/L and free of transfusion. The
    record gives no time; with transfusions triggered at 70 g/L nearly every patient passes once,
    so the default asks for a run (`docs/endpoints.md`, "Hemoglobin").
    """
    courses = find_courses(
        counts,
        "HGB",
        doses,
        transfusions=transfusions,
        product="RBC",
        events=events,
        follow_up=follow_up,
    )
    criterion = rule.criterion()
    return make_outcomes(
        [make_recovery(course, "HGBREC", criterion, rule)[0] for course in courses]
    )


ENDPOINT = Endpoint(
    label="Time to hemoglobin recovery without transfusion (days)",
    paramcd="HGBREC",
    inputs=("counts", "doses", "transfusions", "events", "follow_up"),
    rule=Rule,
    derive=hemoglobin_recovery,
    optional=("events", "follow_up"),
)
