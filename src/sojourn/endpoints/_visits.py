"""Change of a score between two visits."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from sojourn.core.errors import DataError, SojournWarning
from sojourn.core.tables import ROW
from sojourn.endpoints._days import find_day_zeros, list_evidence, list_subjects, make_outcome

Scores = Mapping[str, float | None]


FEWEST_VALUES = 3
"""Fewer values than that tell nothing of their unit."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The scores of one visit; `reason` says why one is None."""

    name: str
    scores: Scores
    reason: str
    adt: date | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One subject's baseline and follow-up visit, and day 0 if a dose is recorded."""

    subject: str
    baseline: Visit
    visit: Visit
    zero: date | None
    table: str

    def outcome(
        self,
        paramcd: str,
        value: float | None,
        reason: str,
        *,
        base: float | None = None,
        avisit: str | None = None,
    ) -> dict[str, object]:
        """Return an outcome row dated by the follow-up visit."""
        rows = {self.table: [self.baseline.row, self.visit.row]}
        row = make_outcome(
            self.subject,
            paramcd,
            aval=value,
            reason=reason,
            evidence=list_evidence(**rows),
            avisit=avisit,
            base=base,
        )
        row["ADT"] = self.visit.adt
        if self.visit.adt is not None and self.zero is not None:
            row["DAY"] = (self.visit.adt - self.zero).days
        return row

    def missing(self, score: str) -> str:
        """Return why the change of `score` cannot be computed, or nothing."""
        parts = [v.reason for v in (self.baseline, self.visit) if v.scores.get(score) is None]
        return "; ".join(dict.fromkeys(parts))

    def base(self, score: str) -> float | None:
        """Return `score` at baseline, or None."""
        return self.baseline.scores.get(score)

    def change(self, score: str) -> float | None:
        """Return follow-up minus baseline of `score`, or None."""
        before, after = self.baseline.scores.get(score), self.visit.scores.get(score)
        return None if before is None or after is None else after - before


def pair_visits(
    table: pl.DataFrame,
    doses: pl.DataFrame | None,
    name: str,
    visits: tuple[str, str],
    score: Callable[[Mapping[str, Any]], tuple[Scores, str]],
) -> list[Pair]:
    """Return baseline and follow-up of every subject of `table`, in order of subject.

    Parameters
    ----------
    table, name
        rows with ``USUBJID``, ``VISIT``, ``ADT`` and items; the table's name in evidence.
    doses
        doses given, or None.
    visits
        names of the baseline and the follow-up visit.
    score
        from one row to its scores, and why one of them is None; it raises `DataError` for an
        answer that no form has.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits, or `score` refuses one: the message then
        names the row, the subject and the visit.
    """
    zeros = {} if doses is None else find_day_zeros(doses)
    found: dict[tuple[str, str], Visit] = {}
    for record in table.filter(pl.col("VISIT").is_in(visits)).iter_rows(named=True):
        key = (record["USUBJID"], record["VISIT"])
        if key in found:
            raise DataError(
                f"{name}: subject {key[0]!r} has two rows for {key[1]}; expected one: remove one"
            )
        try:
            scores, reason = score(record)
        except DataError as error:
            row = f", row {record[ROW]}" if record.get(ROW) is not None else ""
            raise DataError(f"{name}{row}: subject {key[0]!r}, {key[1]}: {error}") from error
        where = f"{reason} at {key[1]}" if reason else ""
        found[key] = Visit(key[1], scores, where, record["ADT"], record.get(ROW))
    return [
        Pair(subject, before, after, zeros.get(subject), name)
        for subject in list_subjects(table, doses)
        for before, after in [
            [found.get((subject, v), Visit(v, {}, f"no {name} at {v}")) for v in visits]
        ]
    ]


def warn_of_centimetres(table: pl.DataFrame, name: str, column: str) -> None:
    """Warn where every value of a scale of 100 mm is 10 or less, as values in cm are.

    Parameters
    ----------
    table, name
        the table and its name.
    column
        of the scale, in mm; fewer than `FEWEST_VALUES` values, and none above 0, tell nothing.

    Warns
    -----
    SojournWarning
        how many values there are, and the highest.
    """
    values = table[column].drop_nulls().drop_nans()
    if len(values) < FEWEST_VALUES or not 0 < (highest := max(values)) <= 10:
        return
    warnings.warn(
        f"{name}: all {len(values)} values of {column} are {highest:g} mm or less, of 100 mm: "
        f"values in cm would look like this; if they are, head the column {column} [cm]",
        SojournWarning,
        stacklevel=3,
    )
