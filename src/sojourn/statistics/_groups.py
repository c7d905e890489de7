"""Outcome rows by group, those without a value counted and not analysed."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError

LARGEST = 1e100
"""No measured quantity is larger in any unit; sums of squares of larger ones overflow."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group: the rows that can be analysed, and how many cannot."""

    name: str
    rows: pl.DataFrame
    n_missing: int

    @property
    def missing_note(self) -> tuple[str, ...]:
        """Return the statement on subjects that were left out, or nothing."""
        if self.n_missing == 0:
            return ()
        return (f"{self.n_missing} of {self.n_missing + self.rows.height} not evaluable, left out",)

    @property
    def nothing(self) -> str:
        """Return the reason why an empty group has no estimate."""
        return f"nobody could be evaluated ({self.n_missing} left out)"


def split_groups(outcomes: pl.DataFrame, value: str) -> Iterator[Group]:
    """Yield the groups of `outcomes` by name; rows whose `value` is null are counted apart.

    Raises
    ------
    DataError
        if there is no group column, a row has no group, a subject stands twice, several PARAMCDs
        are mixed, or an AVAL is beyond `LARGEST`.
    """
    if GROUP not in outcomes.columns or outcomes[GROUP].null_count():
        raise DataError(f"every outcome row needs a {GROUP}; select and group the rows first")
    if (codes := outcomes["PARAMCD"].unique().sort().to_list())[1:]:
        raise DataError(f"one PARAMCD is analysed at a time, found {', '.join(codes)}")
    twice = outcomes.filter(outcomes["USUBJID"].is_duplicated())
    if twice.height:
        raise DataError(f"subject {twice['USUBJID'][0]!r} has several rows; expected one")
    _check_size(outcomes)
    for name in outcomes[GROUP].unique().sort().to_list():
        rows = outcomes.filter(pl.col(GROUP) == name)
        known = rows.drop_nulls(value)
        yield Group(name, known, rows.height - known.height)


def plural(count: int, noun: str) -> str:
    """Return `count` and `noun`, which takes an s unless there is one of it.

    Examples
    --------
    >>> plural(1, "event"), plural(0, "event")
    ('1 event', '0 events')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _check_size(outcomes: pl.DataFrame) -> None:
    # Not finite values are the business of each analysis.
    is_huge = pl.col("AVAL").is_finite() & (pl.col("AVAL").abs() > LARGEST)
    for row in outcomes.filter(is_huge).sort("USUBJID").head(1).iter_rows(named=True):
        raise DataError(
            f"subject {row['USUBJID']!r}: {row['PARAMCD']} has AVAL {row['AVAL']:g}; expected "
            f"{LARGEST:g} at most, whatever the unit: correct the value"
        )
