"""Overall survival: death from any cause."""

from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._survival import find_survival


class Rule(BaseModel):
    """How survival is counted; a study file may change every number.

    `same_day`: time in days given to an end on day 0 itself. `data_cut`: events after this date are
    not seen, and time is censored there; None for no cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    same_day: float = Field(default=0.5, gt=0, lt=1)
    data_cut: date | None = None


def overall_survival(
    doses: pl.DataFrame, events: pl.DataFrame, follow_up: pl.DataFrame | None, rule: Rule
) -> pl.DataFrame:
    """Return the time from each subject's first dose to death.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    events
        ``USUBJID``, ``ADT``, ``EVENT``; DEATH counts.
    follow_up
        last date known alive, or None; without it, only deaths can be evaluated.
    rule
        end on day 0, data cut.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD OS: ``AVAL`` in days, ``CNSR`` 0 at death,
        1 at the last contact, ``AVALC`` DEATH or CENSORED; null where neither is recorded.

    References
    ----------
    NCT06171906, secondaryOutcomes[2]. The record counts from transplantation; days from the first
    dose avoid immortal time (`docs/endpoints.md`, "Survival").
    """
    failures: dict[str, tuple[str, ...]] = dict.fromkeys(doses["USUBJID"].to_list(), ())
    return make_outcomes(
        find_survival("OS", doses, events, follow_up, failures, rule.same_day, rule.data_cut)
    )


ENDPOINT = Endpoint(
    label="Overall survival from the first dose (days)",
    paramcd="OS",
    inputs=("doses", "events", "follow_up"),
    rule=Rule,
    derive=overall_survival,
    optional=("follow_up",),
)
