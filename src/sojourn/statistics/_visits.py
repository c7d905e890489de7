"""Outcome rows of several visits for a subject: checked, ordered, the missing ones counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError

NO_VISIT = "all"
"""Name of the only visit where rows have no AVISIT."""


@dataclass(frozen=True, slots=True)
class VisitRows:
    """Rows that can be analysed, by subject and visit, and statements on those that cannot.

    `rows` has the column `VISIT` (index into `visits`); `left_out` counts subjects without any
    usable row.
    """

    rows: pl.DataFrame
    visits: tuple[str, ...]
    groups: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: int

    @property
    def n(self) -> int:
        """Return the number of subjects."""
        return self.rows["USUBJID"].n_unique()

    @property
    def nothing(self) -> str:
        """Return the reason why there is no estimate."""
        return f"nobody could be evaluated ({self.left_out} left out)"

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers (N)."""
        return self.rows[name].cast(pl.Float64).to_numpy().copy()

    def at(self, visit: int) -> pl.DataFrame:
        """Return the rows of one visit."""
        return self.rows.filter(pl.col("VISIT") == visit)


def check_rows(outcomes: pl.DataFrame) -> None:
    """Refuse rows without a group, of several PARAMCDs, twice a visit or a subject in two groups.

    Raises
    ------
    DataError
        naming the subject.
    """
    if GROUP not in outcomes.columns or outcomes[GROUP].null_count():
        raise DataError(f"every outcome row needs a {GROUP}; select and group the rows first")
    if (codes := outcomes["PARAMCD"].unique().sort().to_list())[1:]:
        raise DataError(f"one PARAMCD is analysed at a time, found {', '.join(codes)}")
    twice = outcomes.filter(outcomes.select("USUBJID", "AVISIT").is_duplicated())
    if twice.height:
        subject, visit = twice.select("USUBJID", "AVISIT").row(0)
        raise DataError(f"subject {subject!r} has visit {visit!r} twice; expected one row")
    groups = outcomes.group_by("USUBJID").agg(pl.col(GROUP).n_unique())
    if (mixed := groups.filter(pl.col(GROUP) > 1)["USUBJID"].sort()).len():
        raise DataError(f"subject {mixed[0]!r} is in several groups; expected one")


def visit_rows(
    outcomes: pl.DataFrame,
    *,
    visits: Sequence[str] = (),
    groups: Sequence[str] = (),
    needed: Sequence[str] = (),
) -> VisitRows:
    """Return the rows of `visits` that have AVAL and the `needed` columns, in order.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT.
    visits
        which, in order; all of them by their days where empty, but no visit whose every value is
        its own baseline.
    groups
        which groups are kept; all where empty.
    needed
        further columns that must be there and not null, BASE or covariates.

    Raises
    ------
    DataError
        if `check_rows` does, a needed column is not there, or a value is not finite.
    """
    check_rows(outcomes)
    if absent := [name for name in needed if name not in outcomes.columns]:
        raise DataError(f"no column {', '.join(absent)} beside the outcomes; name it as covariate")
    kept = outcomes.with_columns(pl.col("AVISIT").fill_null(NO_VISIT))
    if groups:
        kept = kept.filter(pl.col(GROUP).is_in(list(groups)))
    order, notes = (tuple(visits), ()) if visits else _order(kept)
    kept = kept.filter(pl.col("AVISIT").is_in(list(order)))
    names = tuple(kept[GROUP].unique().sort().to_list())
    there = pl.all_horizontal(pl.col(name).is_not_null() for name in ("AVAL", *needed))
    usable = kept.filter(there)
    for name in ("AVAL", *needed):
        if not usable[name].cast(pl.Float64).is_finite().all():
            raise DataError(f"{name} of PARAMCD {usable['PARAMCD'][0]} is not finite")
    usable = usable.with_columns(
        VISIT=pl.col("AVISIT").replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    ).sort("USUBJID", "VISIT")
    return VisitRows(usable, order, names, (*notes, *_missing(kept, usable)), _lost(kept, usable))


def _order(rows: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the visits by median day, then name, and a note on one that is the baseline."""
    days = rows.group_by("AVISIT").agg(
        pl.col("DAY").median(),
        base=(pl.col("AVAL").is_null() | (pl.col("AVAL") == pl.col("BASE"))).all(),
        any=(pl.col("AVAL").is_not_null() & pl.col("BASE").is_not_null()).any(),
    )
    ordered = days.sort("DAY", "AVISIT", nulls_last=True)
    itself = ordered.filter(pl.col("base") & pl.col("any"))["AVISIT"].to_list()
    if len(itself) == ordered.height:
        itself = []
    chosen = tuple(name for name in ordered["AVISIT"].to_list() if name not in itself)
    return chosen, tuple(f"visit {name} is the baseline itself, left out" for name in itself)


def _lost(kept: pl.DataFrame, usable: pl.DataFrame) -> int:
    return kept["USUBJID"].n_unique() - usable["USUBJID"].n_unique()


def _missing(kept: pl.DataFrame, usable: pl.DataFrame) -> list[str]:
    """Return statements on subjects and visits without a value."""
    made = []
    if lost := _lost(kept, usable):
        made.append(f"{lost} of {kept['USUBJID'].n_unique()} subjects not evaluable, left out")
    theirs = kept.filter(pl.col("USUBJID").is_in(usable["USUBJID"].unique().to_list()))
    if gaps := theirs.height - usable.height:
        made.append(f"{gaps} of {theirs.height} visits without a value, missing at random assumed")
    return made
