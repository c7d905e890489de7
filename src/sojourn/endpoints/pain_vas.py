"""Knee pain on a visual analogue scale, 0 to 100 mm: change between two visits."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._visits import Pair, Scores, pair_visits


class Rule(BaseModel):
    """Between which visits the change is taken: `visit` minus `baseline`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: str = "BASELINE"
    visit: str = "WEEK6"

    @model_validator(mode="after")
    def _differ(self) -> "Rule":
        if self.visit == self.baseline:
            raise ValueError("visit and baseline must differ")
        return self


def pain_vas(pain_vas: pl.DataFrame, doses: pl.DataFrame | None, rule: Rule) -> pl.DataFrame:
    """Return the change of each subject's pain from baseline to a visit.

    Parameters
    ----------
    pain_vas
        ``USUBJID``, ``VISIT``, ``ADT``, ``VAS`` (mm, 0 to 100, or null).
    doses
        doses given, for ``DAY``; or None.
    rule
        visits.

    Returns
    -------
        `OUTCOME`, four rows for each subject: VASCHG, the change in mm (negative is better);
        VASPCT, the change in percent of baseline, null at a baseline of 0; VASBL and VASFU, the
        values. ``AVAL`` is null where a value is missing or outside 0 to 100 mm.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits.

    References
    ----------
    NCT07313020, armGroups: a pain score is promised there, registered as no outcome.
    """
    pairs = pair_visits(pain_vas, doses, "pain_vas", (rule.baseline, rule.visit), _score)
    return make_outcomes([row for pair in pairs for row in _outcomes(pair)])


def _score(record: Mapping[str, Any]) -> tuple[Scores, str]:
    value = record["VAS"]
    if value is None:
        return {}, "no pain score"
    if not 0 <= value <= 100:
        return {}, f"pain score {value:g} mm outside 0 to 100"
    return {"pain": float(value)}, ""


def _outcomes(pair: Pair) -> list[dict[str, object]]:
    before, after = pair.baseline.scores.get("pain"), pair.visit.scores.get("pain")
    change, missing = pair.change("pain"), pair.missing("pain")
    reason = missing or f"{before:g} mm at {pair.baseline.name}, {after:g} mm at {pair.visit.name}"
    percent = None if change is None or not before else change / before * 100
    no_percent = reason if missing or before else "baseline is 0: no percentage exists"
    rows = [
        pair.outcome("VASCHG", change, reason),
        pair.outcome("VASPCT", percent, no_percent),
    ]
    for paramcd, at in (("VASBL", pair.baseline), ("VASFU", pair.visit)):
        value = at.scores.get("pain")
        rows.append(pair.outcome(paramcd, value, at.reason or f"pain at {at.name}"))
    return rows


ENDPOINT = Endpoint(
    label="Change of knee pain (VAS, mm)",
    paramcd="VASCHG",
    inputs=("pain_vas", "doses"),
    rule=Rule,
    derive=pain_vas,
    optional=("doses",),
)
