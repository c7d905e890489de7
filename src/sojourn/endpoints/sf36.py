"""SF-36 and RAND-36: eight scales, two summaries, and their change between two visits."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._sf36 import (
    NORM_YEAR,
    SCALES,
    SUMMARIES,
    Version,
    find_strange_answers,
    highest_answer,
    score_sf36,
)
from sojourn.endpoints._visits import Pair, Scores, Visit, pair_visits


class Rule(BaseModel):
    """Which form and scoring, and which visits.

    `version`: "rand36_any_item" or "rand36_half_rule" (RAND-36), "sf36_v1" or "sf36_v2" (Ware); it
    is never inferred from the data. `baseline`, `visit`: the change is visit minus baseline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    baseline: str = "BASELINE"
    visit: str = "WEEK6"

    @model_validator(mode="after")
    def _differ(self) -> "Rule":
        if self.visit == self.baseline:
            raise ValueError("visit and baseline must differ")
        return self


Notes = Mapping[str, str]
"""What is to be said of a visit, by scale."""


def sf36(sf36: pl.DataFrame, doses: pl.DataFrame | None, rule: Rule) -> pl.DataFrame:
    """Return each subject's scores at two visits and their change; higher is better.

    Parameters
    ----------
    sf36
        ``USUBJID``, ``VISIT``, ``ADT``, ``Q1`` ... ``Q36``.
    doses
        doses given, for ``DAY``; or None.
    rule
        form, scoring, visits.

    Returns
    -------
        `OUTCOME`. For each scale XX (PF, RP, BP, GH, VT, SF, RE, MH; 0 to 100) SFXX the change,
        SFXXBL and SFXXFU the values. Of an SF-36, not of a RAND-36, also the norm-based scores
        SFXXT, SFXXTBL, SFXXTFU and the summaries SFPCS, SFMCS with BL and FU, always all of them.
        ``BASE`` of a change is the value at baseline. An answer that the form does not offer counts
        as missing, and ``REASON`` names it, its item and the options.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits.

    References
    ----------
    NCT07313020, armGroups: promised there, registered as no outcome. Scoring: `score_sf36`.
    """
    notes: dict[tuple[str, str], Notes] = {}

    def score(record: Mapping[str, Any]) -> tuple[Scores, str]:
        scores = score_sf36(record, rule.version)
        notes[record["USUBJID"], record["VISIT"]] = _notes(record, scores, rule.version)
        return scores, ""

    pairs = pair_visits(sf36, doses, "sf36", (rule.baseline, rule.visit), score)
    params = _params(rule.version)
    return make_outcomes(
        [row for pair in pairs for row in _outcomes(pair, params, notes, rule.version)]
    )


def _params(version: Version) -> dict[str, str]:
    """Return the PARAMCD of each score's change, by the score's name."""
    params = {scale: f"SF{scale}" for scale in SCALES}
    if version in NORM_YEAR:
        params |= {f"{scale}_T": f"SF{scale}T" for scale in SCALES}
        params |= {name: f"SF{name}" for name in SUMMARIES}
    return params


def _notes(record: Mapping[str, Any], scores: Scores, version: Version) -> Notes:
    """Return why a scale lacks, and which of its answers the form does not offer."""
    strange = find_strange_answers(record, version)
    notes = {}
    for scale, items in SCALES.items():
        said = [
            f"Q{i} is {strange[i]}, outside 1 to {highest_answer(version, i)}, taken as missing"
            for i in items
            if i in strange
        ]
        if scores[scale] is None:
            said.append(f"too few answers for {scale}")
        notes[scale] = "; ".join(said)
    return notes


def _outcomes(
    pair: Pair, params: Mapping[str, str], notes: Mapping[tuple[str, str], Notes], version: Version
) -> list[dict[str, object]]:
    rows = []
    norm = f"; norm: United States {NORM_YEAR[version]}" if version in NORM_YEAR else ""
    for score, paramcd in params.items():
        said = [_said(pair.subject, at, score, notes) for at in (pair.baseline, pair.visit)]
        values = [at.scores.get(score) for at in (pair.baseline, pair.visit)]
        by = "" if score in SCALES else norm
        stated = [
            f"{score} {value:.4g} at {at.name}"
            for at, value in zip((pair.baseline, pair.visit), values, strict=True)
            if value is not None
        ]
        reason = "; ".join([*stated, *filter(None, said)]) + by
        rows.append(pair.outcome(paramcd, pair.change(score), reason, base=values[0]))
        for suffix, at, value, note in zip(
            ("BL", "FU"), (pair.baseline, pair.visit), values, said, strict=True
        ):
            reason = note or f"{score} at {at.name}"
            rows.append(pair.outcome(paramcd + suffix, value, reason + by))
    return rows


def _said(subject: str, at: Visit, score: str, notes: Mapping[tuple[str, str], Notes]) -> str:
    """Return what is to be said of one score at one visit: of its scale, or of all eight."""
    own = notes.get((subject, at.name))
    if own is None:
        return at.reason
    scales = [score.removesuffix("_T")] if score not in SUMMARIES else list(SCALES)
    found = "; ".join(own[scale] for scale in scales if own[scale])
    return f"{found}, at {at.name}" if found else ""


ENDPOINT = Endpoint(
    label="Change of SF-36 scales and summaries",
    paramcd="SFPF",
    inputs=("sf36", "doses"),
    rule=Rule,
    derive=sf36,
    optional=("doses",),
)
