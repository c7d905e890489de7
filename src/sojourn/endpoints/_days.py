"""Days counted from a subject's first dose, daily values, and rows as evidence."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.core.tables import ROW

NO_DAY_0 = "no dose is recorded, so day 0 is not known"


@dataclass(frozen=True, slots=True)
class Daily:
    """One subject's measured days, ascending: the lowest value of each and the row it stands in."""

    days: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    rows: tuple[int | None, ...] = ()

    def between(self, first: int | None, last: int | None) -> "Daily":
        """Return the days from `first` to `last`, both included; None does not bound."""
        start = 0 if first is None else bisect_left(self.days, first)
        stop = len(self.days) if last is None else bisect_right(self.days, last)
        return Daily(self.days[start:stop], self.values[start:stop], self.rows[start:stop])

    def without(self, days: Collection[int]) -> "Daily":
        """Return all days but `days`."""
        if not days:
            return self
        kept = [i for i, day in enumerate(self.days) if day not in days]
        return Daily(
            tuple(self.days[i] for i in kept),
            tuple(self.values[i] for i in kept),
            tuple(self.rows[i] for i in kept),
        )


@dataclass(frozen=True, slots=True)
class Dated:
    """One dated row of a table: its day, its row in the file, and its other columns."""

    day: int
    row: int | None
    record: Mapping[str, Any]


def find_day_zeros(doses: pl.DataFrame) -> dict[str, date]:
    """Return each subject's day 0: the date of the first dose.

    Where `doses` has the column ``DAY0`` (a study that counts from another event), its earliest
    date of a subject is day 0, and a row without ADT is no dose.

    References
    ----------
    NCT06171906 leaves the origin open; `docs/endpoints.md`, "Day 0".
    """
    column = "DAY0" if "DAY0" in doses.columns else "ADT"
    first = doses.drop_nulls(["USUBJID", column]).group_by("USUBJID").agg(pl.col(column).min())
    return dict(first.iter_rows())


def list_subjects(*tables: pl.DataFrame | None) -> list[str]:
    """Return every subject of `tables`, sorted."""
    found = {s for table in tables if table is not None for s in table["USUBJID"].unique()}
    return sorted(found - {None})


def find_daily_lowest(
    counts: pl.DataFrame, value: str, zeros: Mapping[str, date]
) -> dict[str, Daily]:
    """Return the measured days of each subject of `zeros`: the lowest `value` of a date stands.

    A null is not a measurement. Days before day 0 are negative.

    Raises
    ------
    DataError
        if a value is not a number (NaN).
    """
    if counts[value].cast(pl.Float64).is_nan().any():
        raise DataError(f"a value of {value} is NaN; expected a number, or null if not measured")
    lowest = (
        _with_rows(counts)
        .select("USUBJID", "ADT", value, ROW)
        .drop_nulls(["ADT", value])
        .join(_frame(zeros), on="USUBJID")
        .with_columns(DAY=(pl.col("ADT") - pl.col("DAY0")).dt.total_days())
        .sort("USUBJID", "DAY", value, ROW, nulls_last=True)
        .unique(["USUBJID", "DAY"], keep="first", maintain_order=True)
        .group_by("USUBJID", maintain_order=True)
        .agg("DAY", value, ROW)
    )
    return {
        subject: Daily(tuple(days), tuple(values), tuple(rows))
        for subject, days, values, rows in lowest.iter_rows()
    }


def find_dated(table: pl.DataFrame | None, zeros: Mapping[str, date]) -> dict[str, list[Dated]]:
    """Return the rows of `table` by subject of `zeros`, in order of day; none where it is None."""
    found: dict[str, list[Dated]] = {}
    if table is None:
        return found
    for record in _with_rows(table).drop_nulls("ADT").iter_rows(named=True):
        if (zero := zeros.get(record["USUBJID"])) is not None:
            dated = Dated((record["ADT"] - zero).days, record[ROW], record)
            found.setdefault(record["USUBJID"], []).append(dated)
    for dates in found.values():
        dates.sort(key=_order)
    return found


def list_evidence(**rows: Iterable[int | None]) -> str:
    """Return rows by table as text, ``counts:12,13;doses:4``; rows without a number are left out.

    Examples
    --------
    >>> list_evidence(counts=[13, 12, 12], transfusions=[None])
    'counts:12,13'
    """
    parts = []
    for table, numbers in rows.items():
        if known := sorted({n for n in numbers if n is not None}):
            parts.append(f"{table}:{','.join(map(str, known))}")
    return ";".join(parts)


def make_outcome(
    subject: str,
    paramcd: str,
    *,
    zero: date | None = None,
    day: int | None = None,
    aval: float | None = None,
    avalc: str | None = None,
    cnsr: int | None = None,
    reason: str,
    evidence: str = "",
    avisit: str | None = None,
    base: float | None = None,
    entry: float | None = None,
) -> dict[str, object]:
    """Return one row of `OUTCOME`; ADT follows from `zero` and `day`."""
    adt = None if zero is None or day is None else zero + timedelta(day)
    values = (subject, paramcd, adt, day, aval, avalc, cnsr, reason, evidence, avisit, base, entry)
    return dict(zip(OUTCOME, values, strict=True))


def make_outcomes(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return `rows` as a table of outcomes."""
    return pl.DataFrame(rows, schema=dict(OUTCOME))


def _order(dated: Dated) -> tuple[int, int, str]:
    return (dated.day, dated.row or 0, repr(sorted(dated.record.items())))


def _frame(zeros: Mapping[str, date]) -> pl.DataFrame:
    schema: dict[str, type[pl.DataType]] = {"USUBJID": pl.String, "DAY0": pl.Date}
    return pl.DataFrame({"USUBJID": list(zeros), "DAY0": list(zeros.values())}, schema=schema)


def _with_rows(table: pl.DataFrame) -> pl.DataFrame:
    if ROW in table.columns:
        return table
    return table.with_columns(pl.lit(None, dtype=pl.Int64).alias(ROW))
