"""The event that day 0 is counted from: the first dose, or another date of each subject."""

from collections.abc import Mapping

import polars as pl

from sojourn.core.errors import DataError
from sojourn.core.provenance import Provenance
from sojourn.study.definition import DayZero
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.store import Store

DAY0 = "DAY0"
"""Column of a doses table that gives each subject's day 0, where it is not the first dose."""

COUNTED = "doses_with_day_zero"
"""Name of the doses table that endpoints get in the place of doses, where it has `DAY0`."""


def counted_doses(
    day_zero: DayZero, tables: Mapping[str, Keyed], store: Store, ledger: Ledger
) -> dict[str, Keyed]:
    """Return the doses with each subject's day 0 beside them; nothing where it is the first dose.

    Every endpoint counts from the earliest `DAY0` of a subject, else from the first dose. Who has
    a date but no dose gets a row without ADT, so that the days count for him too; who was dosed
    but has no date has no day 0.

    Parameters
    ----------
    day_zero
        the event, and the table and column of its date.
    tables
        tables of the folder.
    store, ledger
        where the table is kept, and noted.

    Returns
    -------
        one table under `COUNTED`, or an empty dictionary.

    Raises
    ------
    DataError
        if the folder lacks the table that holds the date.
    """
    table, column = day_zero.place
    if day_zero.event == "first_dose":
        return {}
    if table not in tables:
        raise DataError(
            f"day 0 is counted from {day_zero.words}, but the folder has no tables/{table}.csv"
        )
    sources = [tables[table], *([tables["doses"]] if "doses" in tables else [])]
    provenance = Provenance(
        "day 0", tuple(dict.fromkeys(k.key for k in sources)), {"origin": day_zero.words}
    )
    doses = tables["doses"].table if "doses" in tables else None
    made = store.table(provenance, lambda: with_origin(doses, tables[table].table, column))
    return {COUNTED: Keyed(made, ledger.stage(provenance))}


def with_origin(doses: pl.DataFrame | None, dates: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return `doses` with the column `DAY0`, and a row without ADT for whoever has only a date.

    Parameters
    ----------
    doses
        ``USUBJID``, ``ADT``, ...; or None.
    dates
        ``USUBJID`` and `column`, dates; the earliest of a subject counts.
    column
        name of the date's column.
    """
    first = (
        dates.drop_nulls(["USUBJID", column])
        .group_by("USUBJID")
        .agg(pl.col(column).min().alias(DAY0))
    )
    given = doses if doses is not None else pl.DataFrame(schema=_NO_DOSES)
    undosed = first.filter(~pl.col("USUBJID").is_in(given["USUBJID"].to_list()))
    return pl.concat(
        [given.join(first, on="USUBJID", how="left"), undosed.sort("USUBJID")], how="diagonal"
    )


_NO_DOSES = {"USUBJID": pl.String, "ADT": pl.Date}
