"""Disease-free survival: the first of relapse and death."""

from datetime import date
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._survival import find_survival

Failure = Literal["RELAPSE", "GRAFT_REJECTION", "SECOND_GRAFT", "DLI"]


class Rule(BaseModel):
    """What ends disease-free survival; a study file may change every entry.

    Death always does. `failures`: further events that end it in malignant disease.
    `failures_nonmalignant`: those where the table subjects says MALIGNANT N: graft failure in place
    of relapse. `same_day`: time
    in days given to an end on day 0 itself. `data_cut`: events after this date are not seen, and
    time is censored there; None for no cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    failures: tuple[Failure, ...] = Field(default=("RELAPSE",), min_length=1)
    failures_nonmalignant: tuple[Failure, ...] = Field(default=("GRAFT_REJECTION",), min_length=1)
    same_day: float = Field(default=0.5, gt=0, lt=1)
    data_cut: date | None = None


def disease_free_survival(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the time from each subject's first dose to relapse or death.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``; those before day 0 are history and do not count.
    follow_up
        last date known alive, or None; without it, only deaths can be evaluated.
    subjects
        ``USUBJID``, ``MALIGNANT`` (Y, N or null), or None: all count as malignant disease.
    rule
        events, end on day 0, data cut.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD DFS: ``AVAL`` in days, ``CNSR`` 0 at the
        first event, 1 at the last contact, ``AVALC`` the event or CENSORED; null where neither is
        recorded. An event and a censoring on one date are an event.

    References
    ----------
    NCT06171906, secondaryOutcomes[2]. Non-malignant disease has no relapse: graft-failure-free
    survival stands in its place (`docs/endpoints.md`, "Survival").
    """
    benign = set()
    if subjects is not None and "MALIGNANT" in subjects.columns:
        benign = set(subjects.filter(pl.col("MALIGNANT") == "N")["USUBJID"].to_list())
    failures: dict[str, tuple[str, ...]] = {
        subject: rule.failures_nonmalignant if subject in benign else rule.failures
        for subject in doses["USUBJID"].to_list()
    }
    return make_outcomes(
        find_survival("DFS", doses, events, follow_up, failures, rule.same_day, rule.data_cut)
    )


ENDPOINT = Endpoint(
    label="Disease-free survival from the first dose (days)",
    paramcd="DFS",
    inputs=("doses", "events", "follow_up", "subjects"),
    rule=Rule,
    derive=disease_free_survival,
    optional=("follow_up", "subjects"),
)
