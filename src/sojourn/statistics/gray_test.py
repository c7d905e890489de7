"""Gray's test that the cumulative incidence of one cause is equal in all groups."""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.statistics._groups import split_groups
from sojourn.statistics.competing.gray import gray_test
from sojourn.statistics.cumulative_incidence import EVENT, entries, status_codes
from sojourn.statistics.survival.rows import take_strata


class Settings(BaseModel):
    """What is compared.

    `cause`: its code in CNSR, 0 the event, 2 and above a competing one. `rho`: above 0, early
    times weigh more. `strata`: columns within whose values groups are compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cause: int = Field(default=EVENT, ge=0)
    rho: float = Field(default=0.0, ge=0)
    strata: tuple[str, ...] = ()

    @field_validator("cause")
    @classmethod
    def _is_event(cls, cause: int) -> int:
        if cause == 1:
            raise ValueError("CNSR 1 is censored, no cause; name 0 or a code of 2 and above")
        return cause


def compare_incidences(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return Gray's test between all groups: a p-value, and the statistic in `reason`.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject, as for `cumulative_incidence`; a null AVAL is
        left out and counted; entries after the origin are refused.
    settings
        cause, rho, strata.

    Returns
    -------
        one element without an estimate, group ``A-B``, operation ``gray_test``; nothing without a
        subject.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times,
        codes or strata that can be, or a late entry.

    References
    ----------
    Gray, Ann. Stat. 16 (1988) 1141.
    """
    groups = list(split_groups(outcomes, "AVAL"))
    if not groups:
        return []
    rows = pl.concat([group.rows for group in groups])
    status = status_codes(rows)
    if (late := entries(rows) > 0).any():
        who = rows["USUBJID"][int(np.argmax(late))]
        raise DataError(f"subject {who!r} entered late (ENTRY); Gray's test has no late entry")
    made = gray_test(
        rows["AVAL"].to_numpy(),
        status,
        rows[GROUP].to_numpy(),
        cause=1 if settings.cause == EVENT else settings.cause,
        rho=settings.rho,
        strata=take_strata(rows, settings.strata),
    )
    reason = f"no test: {made.reason}"
    if made.statistic is not None:
        reason = f"chi-squared {made.statistic:.6g} on {made.degrees} df"
    missing = [f"{group.name}: {note}" for group in groups for note in group.missing_note]
    label = "Gray's test of equal cumulative incidence"
    if settings.strata:
        label += f", stratified by {', '.join(settings.strata)}"
    return [
        GroupEstimate(
            "-".join(group.name for group in groups),
            "gray_test",
            label,
            None,
            rows.height,
            made.p_value,
            "; ".join([reason, *missing]),
        )
    ]


ANALYSIS = Analysis(
    label="Gray's test of cumulative incidence", settings=Settings, estimate=compare_incidences
)
