"""Knee pain on a visual analogue scale, 0 to 100 mm: change between two visits."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._visits import Pair, Scores, pair_visits, warn_of_centimetres


class Rule(BaseModel):
    """Between which visits the change is taken: `visit` minus `baseline`.

    `visits`: follow-up visits whose changes stand in one parameter, a row for each of them, as
    analyses of repeated measures need; none unless stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: str = "BASELINE"
    visit: str = "WEEK6"
    visits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _differ(self) -> "Rule":
        if self.baseline in (self.visit, *self.visits):
            raise ValueError("visit and baseline must differ")
        if len(set(self.visits)) != len(self.visits):
            raise ValueError("visits must differ from each other")
        return self


def vas_pain(pain_vas: pl.DataFrame, doses: pl.DataFrame | None, rule: Rule) -> pl.DataFrame:
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
        values. With `rule.visits` also VASVIS, the change to each of these, with ``AVISIT``.
        ``BASE`` of a change is the baseline value. ``AVAL`` is null where a value is missing.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits, or a value lies outside 0 to 100 mm: it is
        not clipped. A score in cm comes in with its unit, ``VAS [cm]`` in the column's header.

    Warns
    -----
    SojournWarning
        if no value is above 10 mm, as values in cm are; the numbers stand as they are.

    References
    ----------
    NCT07313020, armGroups: a pain score is promised there, registered as no outcome.
    """
    warn_of_centimetres(pain_vas, "pain_vas", "VAS")
    pairs = pair_visits(pain_vas, doses, "pain_vas", (rule.baseline, rule.visit), score_pain)
    rows = [row for pair in pairs for row in _outcomes(pair)]
    for name in rule.visits:
        later = pair_visits(pain_vas, doses, "pain_vas", (rule.baseline, name), score_pain)
        rows += [
            pair.outcome(
                "VASVIS", pair.change("pain"), _reason(pair), base=pair.base("pain"), avisit=name
            )
            for pair in later
        ]
    return make_outcomes(sorted(rows, key=lambda row: str(row["USUBJID"])))


def score_pain(record: Mapping[str, Any]) -> tuple[Scores, str]:
    """Return the pain of one row of the table, 0 to 100 mm, and why there is none.

    Raises
    ------
    DataError
        if the value lies outside 0 to 100 mm.
    """
    value = record["VAS"]
    if value is None:
        return {}, "no pain score"
    if not 0 <= value <= 100:
        raise DataError(
            f"pain score {value:g} mm outside 0 to 100: correct it, or the unit of its column"
        )
    return {"pain": float(value)}, ""


def _reason(pair: Pair) -> str:
    if missing := pair.missing("pain"):
        return missing
    before, after = pair.baseline.scores["pain"], pair.visit.scores["pain"]
    return f"{before:g} mm at {pair.baseline.name}, {after:g} mm at {pair.visit.name}"


def _outcomes(pair: Pair) -> list[dict[str, object]]:
    before, change, reason = pair.base("pain"), pair.change("pain"), _reason(pair)
    percent = None if change is None or not before else change / before * 100
    no_percent = reason if change is None or before else "baseline is 0: no percentage exists"
    rows = [
        pair.outcome("VASCHG", change, reason, base=before),
        pair.outcome("VASPCT", percent, no_percent, base=before),
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
    derive=vas_pain,
    optional=("doses",),
)
