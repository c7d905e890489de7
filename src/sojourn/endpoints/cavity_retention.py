"""Joint-cavity retention: share of the signal after injection that is still in the cavity."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.endpoints._days import make_outcome, make_outcomes

RETENTION: Mapping[str, type[pl.DataType]] = {
    "USUBJID": pl.String,
    "VISIT": pl.String,
    "ADT": pl.Date,
    "DAY": pl.Int64,
    "GRADE": pl.String,
    "AVAL": pl.Float64,
    "LOWER": pl.Float64,
    "UPPER": pl.Float64,
    "FLAGGED": pl.Boolean,
    "REASON": pl.String,
    "EVIDENCE": pl.String,
}
"""Columns of the table ``retention``, one row for each subject and visit (made from the scans)."""


class Rule(BaseModel):
    """Which scan answers, and which scans may.

    `visits`: visits whose shares stand in one parameter, a row for each of them, as analyses of
    repeated measures need; none unless stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visit: str = Field(default="DAY7", description="NCT07313020 primaryOutcomes[0]: day 7")
    grades: tuple[Literal["A", "B", "C"], ...] = Field(default=("A", "B", "C"), min_length=1)
    accept_flagged: bool = Field(
        default=True, description="keep scans whose signal the source model does not explain"
    )
    visits: tuple[str, ...] = ()


def cavity_retention(retention: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return each subject's share of the post-injection signal in the joint cavity at one visit.

    The share is one of signal: not of iron where the tracer changed its state, and never of
    living cells.

    Parameters
    ----------
    retention
        `RETENTION`; ``AVAL``, ``LOWER`` and ``UPPER`` are shares (1 is all), null where
        the share could not be estimated, with the reason in ``REASON``.
    rule
        visit, accepted import grades, and what happens to flagged scans.

    Returns
    -------
        `OUTCOME`, one row for each subject with PARAMCD MPIRET, and with `rule.visits` one for each
        of these with PARAMCD MPIVIS and ``AVISIT``. ``AVAL`` is null where the scan is missing,
        refused or not accepted, and ``REASON`` then says why. Missing is missing: no value is
        carried on.

    Raises
    ------
    DataError
        if a subject has two rows for the visit.

    References
    ----------
    NCT07313020, primaryOutcomes[0].
    """
    subjects = sorted(set(retention["USUBJID"].to_list()))
    rows = _by_subject(retention, rule.visit)
    outcomes = [_outcome(s, "MPIRET", rows.get(s), rule, rule.visit) for s in subjects]
    for visit in rule.visits:
        rows = _by_subject(retention, visit)
        outcomes += [
            _outcome(s, "MPIVIS", rows.get(s), rule, visit) | {"AVISIT": visit} for s in subjects
        ]
    return make_outcomes(outcomes)


def _by_subject(retention: pl.DataFrame, visit: str) -> dict[str, dict[str, Any]]:
    at_visit = retention.filter(pl.col("VISIT") == visit)
    twice = at_visit.group_by("USUBJID").len().filter(pl.col("len") > 1)["USUBJID"].to_list()
    if twice:
        raise DataError(f"subjects {sorted(twice)} have two retention rows for {visit}")
    return {row["USUBJID"]: row for row in at_visit.iter_rows(named=True)}


def _outcome(
    subject: str, paramcd: str, row: dict[str, Any] | None, rule: Rule, visit: str
) -> dict[str, object]:
    if row is None:
        return make_outcome(subject, paramcd, reason=f"no scan at {visit}")
    value, reason = row["AVAL"], str(row["REASON"] or "")
    if row["GRADE"] not in rule.grades and value is not None:
        value, reason = None, f"import grade {row['GRADE']} is not accepted by the rule"
    if row["FLAGGED"] and not rule.accept_flagged and value is not None:
        value, reason = None, "the source model does not explain the signal; refused by the rule"
    made = make_outcome(
        subject, paramcd, aval=value, reason=reason, evidence=str(row["EVIDENCE"] or "")
    )
    return made | {"ADT": row["ADT"], "DAY": row["DAY"]}


ENDPOINT = Endpoint(
    label="Share of the injected MPI signal in the joint cavity",
    paramcd="MPIRET",
    inputs=("retention",),
    rule=Rule,
    derive=cavity_retention,
)
