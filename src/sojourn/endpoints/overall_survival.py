"""Overall survival: death from any cause."""

import polars as pl

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._failures import Clock, find_cohort, make_failure_times


class Rule(Clock):
    """How survival is counted; a study file may change every number."""


def overall_survival(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the time to each subject's death.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``; DEATH counts.
    follow_up
        last date known alive, or None; without it, only deaths can be evaluated.
    subjects
        ``USUBJID``, ``HSCTDT``; needed if `rule.origin` is "transplant".
    rule
        origin, end on day 0, data cut.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD OS: ``AVAL`` in days from the origin,
        ``ENTRY`` the first dose where that is later, ``CNSR`` 0 at death, 1 at the last contact,
        ``AVALC`` DEATH or CENSORED; null where neither is recorded. ``DAY`` counts from day 0.

    Raises
    ------
    DataError
        if `rule.origin` is "transplant" and its dates are absent.

    References
    ----------
    NCT06171906, secondaryOutcomes[2]. The record counts from transplantation, which is right only
    with the first dose as time of entry (`docs/endpoints.md`, "Survival").
    """
    cohort = find_cohort(doses, events, follow_up, subjects, rule)
    return make_outcomes(make_failure_times("OS", cohort, rule))


ENDPOINT = Endpoint(
    label="Overall survival (days)",
    paramcd="OS",
    inputs=("doses", "events", "follow_up", "subjects"),
    rule=Rule,
    derive=overall_survival,
    optional=("follow_up", "subjects"),
)
