"""Non-relapse mortality: death without relapse, with relapse as competing event."""

import polars as pl

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._failures import FailureRule, death_first, find_cohort, make_failure_times


class Rule(FailureRule):
    """What a relapse is; the same entries as for disease-free survival, which must agree."""


def non_relapse_mortality(
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    subjects: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return the time to each subject's death without relapse.

    Relapse and non-relapse mortality compete: their cumulative incidences and disease-free survival
    by the same rule add up to 1 on every day. A relapse on the day of death is a relapse.

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
        `OUTCOME`, one row for each subject with PARAMCD NRM: ``AVAL`` in days from the origin,
        ``ENTRY`` the first dose where that is later, ``CNSR`` 0 at such a death, 3 at a relapse
        before it, 1 at the last contact, ``AVALC`` the event or CENSORED; null where neither is
        recorded.

    Raises
    ------
    DataError
        if `rule.origin` is "transplant" and its dates are absent.

    References
    ----------
    NCT06171906 registers neither; both come with disease-free survival, secondaryOutcomes[2].
    Gooley et al., Stat Med 1999;18:695: why the one is no censoring of the other.
    """
    cohort = find_cohort(doses, events, follow_up, subjects, rule)
    return make_outcomes(make_failure_times("NRM", cohort, rule, death_first))


ENDPOINT = Endpoint(
    label="Time to death without relapse, relapse competing (days)",
    paramcd="NRM",
    inputs=("doses", "events", "follow_up", "subjects"),
    rule=Rule,
    derive=non_relapse_mortality,
    optional=("follow_up", "subjects"),
)
