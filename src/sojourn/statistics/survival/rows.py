"""Outcome rows as times to an event, checked: one clear error, naming the subject."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import Times


def take_times(rows: pl.DataFrame) -> Times:
    """Return the times of outcome rows, in their order.

    Parameters
    ----------
    rows
        columns of `OUTCOME`, one row for each subject, no null ``AVAL``: ``AVAL`` the time in
        days, ``CNSR`` 0 for the event and 1 or more for censored, ``ENTRY`` the day from which
        the subject was under observation (null: from the origin).

    Raises
    ------
    DataError
        if a time is negative or no number, a ``CNSR`` missing or negative, or an ``ENTRY``
        negative or not before ``AVAL``, naming the subject.
    """
    aval, cnsr, entry = pl.col("AVAL"), pl.col("CNSR"), pl.col("ENTRY")
    wrong = rows.filter(~aval.is_finite() | (aval < 0) | cnsr.is_null() | (cnsr < 0))
    if wrong.height:
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: {wrong['PARAMCD'][0]} is no time to an event "
            f"(AVAL {wrong['AVAL'][0]:g}, CNSR {wrong['CNSR'][0]}); expected AVAL >= 0 and a CNSR "
            "of 0 (event), 1 (censored) or more (competing event)"
        )
    late = rows.filter(entry.is_not_null() & (~entry.is_finite() | (entry < 0) | (entry >= aval)))
    if late.height:
        raise DataError(
            f"subject {late['USUBJID'][0]!r}: under observation from day {late['ENTRY'][0]:g} but "
            f"{late['PARAMCD'][0]} ends on day {late['AVAL'][0]:g}; expected 0 <= ENTRY < AVAL"
        )
    entries = rows["ENTRY"].fill_null(0.0).to_numpy()
    return Times(
        rows["AVAL"].to_numpy(),
        (rows["CNSR"] == 0).to_numpy(),
        np.where(entries > 0, entries, -np.inf),
    )


def take_days(rows: pl.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column of days, NaN where it is null.

    Raises
    ------
    DataError
        if there is no such column of numbers, or a day is not finite, naming the subject.
    """
    if column not in rows.columns or not rows[column].dtype.is_numeric():
        raise DataError(
            f"there is no column {column!r} of days; columns: {', '.join(rows.columns)}"
        )
    days = rows.select("USUBJID", pl.col(column).cast(pl.Float64))
    wrong = days.filter(pl.col(column).is_not_null() & ~pl.col(column).is_finite())
    if wrong.height:
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: {column} is {wrong[column][0]}; expected a day, or "
            "null for never"
        )
    return days[column].fill_null(np.nan).to_numpy()


def take_strata(rows: pl.DataFrame, columns: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Return the index of each row's stratum, the combination of some columns; None for none.

    Raises
    ------
    DataError
        if a column is absent, or a subject has no value in it, naming the subject.
    """
    for column in columns:
        if column not in rows.columns:
            raise DataError(
                f"there is no column {column!r} of strata; columns: {', '.join(rows.columns)}"
            )
        missing = rows.filter(pl.col(column).is_null())
        if missing.height:
            raise DataError(
                f"subject {missing['USUBJID'][0]!r} has no {column}; a stratified test needs the "
                "stratum of every subject"
            )
    if not columns:
        return None
    ranks = rows.select(pl.struct(columns).rank("dense").cast(pl.Int64).alias("stratum"))
    return ranks["stratum"].to_numpy()


def count_competing(rows: pl.DataFrame) -> int:
    """Return how many rows end with a competing event (``CNSR`` 2 and above)."""
    return int((rows["CNSR"] > 1).sum())
