"""Disease-free survival: the first of relapse and death."""

import polars as pl

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._failures import FailureRule, find_cohort, make_failure_times


class Rule(FailureRule):
    """What ends disease-free survival; a study file may change every entry. Death always does."""


def disease_free_survival(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the time to each subject's relapse or death.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``; those before day 0 are history and do not count.
    follow_up
        last date known alive, or None; without it, only deaths can be evaluated.
    subjects
        ``USUBJID``, ``MALIGNANT`` (Y, N or null), or None: all count as malignant disease;
        ``HSCTDT`` if `rule.origin` is "transplant".
    rule
        events, origin, end on day 0, data cut.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD DFS: ``AVAL`` in days from the origin,
        ``ENTRY`` the first dose where that is later, ``CNSR`` 0 at the first event, 1 at the last
        contact, ``AVALC`` the event or CENSORED; null where neither is recorded. An event and a
        censoring on one date are an event.

    Raises
    ------
    DataError
        if `rule.origin` is "transplant" and its dates are absent.

    References
    ----------
    NCT06171906, secondaryOutcomes[2]. Non-malignant disease has no relapse: graft-failure-free
    survival stands in its place (`docs/endpoints.md`, "Survival").
    """
    cohort = find_cohort(doses, events, follow_up, subjects, rule)
    return make_outcomes(make_failure_times("DFS", cohort, rule))


ENDPOINT = Endpoint(
    label="Disease-free survival (days)",
    paramcd="DFS",
    inputs=("doses", "events", "follow_up", "subjects"),
    rule=Rule,
    derive=disease_free_survival,
    optional=("follow_up", "subjects"),
)
