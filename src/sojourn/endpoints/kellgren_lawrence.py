"""Kellgren-Lawrence grade of the target knee: two readers, and an adjudicator where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.core.tables import ROW
from sojourn.endpoints._days import (
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)

View = Literal["WEIGHT_BEARING_AP", "FIXED_FLEXION", "NOT_WEIGHT_BEARING"]


class Rule(BaseModel):
    """Which readings count.

    `visit`: the visit of the films. `views`: projections that count; a joint space is judged under
    load, so only weight-bearing ones unless stated. A reading of another or an unknown view is left
    out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visit: str = "BASELINE"
    views: tuple[View, ...] = Field(default=("WEIGHT_BEARING_AP", "FIXED_FLEXION"), min_length=1)


@dataclass
class _Readings:
    """One subject's readings that count, and words on those that do not."""

    readers: list[Mapping[str, Any]] = field(default_factory=list)
    adjudicators: list[Mapping[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def kellgren_lawrence(
    kl_readings: pl.DataFrame, doses: pl.DataFrame | None, rule: Rule
) -> pl.DataFrame:
    """Return each subject's agreed grade and both readers' own.

    Two readers who agree settle the grade; where they differ, or one could not grade the film, the
    adjudicator's stands. A grade is never averaged.

    Parameters
    ----------
    kl_readings
        ``USUBJID``, ``VISIT``, ``ADT``, ``READER``, ``ROLE``, ``VIEW``, ``KLGRADE``.
    doses
        doses given, for ``DAY``; or None.
    rule
        visit and views.

    Returns
    -------
        `OUTCOME`, four rows for each subject: KLGRADE, the agreed grade (0 to 4, ``AVALC`` too), or
        null where nothing settles it; KLREAD1 and KLREAD2, the two readers' grades in the order of
        their codes; KLADJ, ``AVALC`` Y where the adjudicator settled it, N where the readers did.

    Raises
    ------
    DataError
        if more than two readers, two adjudicators, or somebody twice, read one visit's film.

    References
    ----------
    Kellgren, Lawrence, Radiological assessment of osteo-arthrosis, Ann Rheum Dis 16 (1957) 494.
    NCT07313020, eligibilityModule: grade 2 or 3.
    """
    zeros = {} if doses is None else find_day_zeros(doses)
    found = _collect(kl_readings, rule)
    return make_outcomes(
        [
            row
            for subject in list_subjects(kl_readings, doses)
            for row in _outcomes(subject, found.get(subject, _Readings()), zeros.get(subject), rule)
        ]
    )


def _outcomes(
    subject: str, own: _Readings, zero: date | None, rule: Rule
) -> list[dict[str, object]]:
    grade, is_adjudicated, reason = _settle(own, rule)
    one, two = ([r["KLGRADE"] for r in own.readers] + [None, None])[:2]
    settled = None if grade is None else "NY"[is_adjudicated]
    read = [*own.readers, *own.adjudicators]
    dates = [r["ADT"] for r in read if r["ADT"] is not None]
    rows = []
    for paramcd, aval, avalc in (
        ("KLGRADE", grade, _text(grade)),
        ("KLREAD1", one, _text(one)),
        ("KLREAD2", two, _text(two)),
        ("KLADJ", None, settled),
    ):
        row = make_outcome(
            subject,
            paramcd,
            aval=None if aval is None else float(aval),
            avalc=avalc,
            reason=reason,
            evidence=list_evidence(kl_readings=[r.get(ROW) for r in read]),
        )
        row["ADT"] = max(dates, default=None)
        row["DAY"] = None if zero is None or not dates else (max(dates) - zero).days
        rows.append(row)
    return rows


def _text(grade: int | None) -> str | None:
    return None if grade is None else str(grade)


def _collect(kl_readings: pl.DataFrame, rule: Rule) -> dict[str, _Readings]:
    found: dict[str, _Readings] = {}
    ordered = kl_readings.filter(pl.col("VISIT") == rule.visit).sort("USUBJID", "READER")
    for record in ordered.iter_rows(named=True):
        own = found.setdefault(record["USUBJID"], _Readings())
        if record["VIEW"] not in rule.views:
            seen = record["VIEW"] or "of no stated view"
            own.left_out.append(f"reading of {record['READER']} left out: {seen}")
            continue
        (own.readers if record["ROLE"] == "READER" else own.adjudicators).append(record)
    for subject, own in found.items():
        codes = [reading["READER"] for reading in (*own.readers, *own.adjudicators)]
        if len(own.readers) > 2 or len(own.adjudicators) > 1 or len(set(codes)) < len(codes):
            raise DataError(
                f"kl_readings: subject {subject!r} was read by {', '.join(codes)} at {rule.visit}: "
                f"{len(own.readers)} readings by readers, {len(own.adjudicators)} by adjudicators; "
                "expected two, at most one, and nobody twice: remove or correct a reading"
            )
    return found


def _settle(own: _Readings, rule: Rule) -> tuple[int | None, bool, str]:
    """Return the grade, whether the adjudicator gave it, and words."""
    grades = [reading["KLGRADE"] for reading in own.readers]
    shown = ", ".join(
        f"{r['READER']} {'not gradable' if r['KLGRADE'] is None else r['KLGRADE']}"
        for r in (*own.readers, *own.adjudicators)
    )
    tail = "".join(f"; {words}" for words in own.left_out)
    if len(grades) < 2:
        plural = "s" if len(grades) != 1 else ""
        read = f" ({shown})" if shown else ""
        return None, False, f"{len(grades)} reading{plural} of two at {rule.visit}{read}{tail}"
    if grades[0] is not None and grades[0] == grades[1]:
        return grades[0], False, f"both readers: {shown}{tail}"
    if own.adjudicators and (settled := own.adjudicators[0]["KLGRADE"]) is not None:
        return settled, True, f"adjudicated: {shown}{tail}"
    return None, False, f"readers differ and nobody adjudicated: {shown}{tail}"


ENDPOINT = Endpoint(
    label="Kellgren-Lawrence grade",
    paramcd="KLGRADE",
    inputs=("kl_readings", "doses"),
    rule=Rule,
    derive=kellgren_lawrence,
    optional=("doses",),
)
