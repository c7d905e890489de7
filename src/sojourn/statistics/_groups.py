"""Outcome rows by group, those without a value counted and not analysed."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError


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
        if there is no group column, a row has no group, a subject stands twice, or several
        PARAMCDs are mixed.
    """
    if GROUP not in outcomes.columns or outcomes[GROUP].null_count():
        raise DataError(f"every outcome row needs a {GROUP}; select and group the rows first")
    if (codes := outcomes["PARAMCD"].unique().sort().to_list())[1:]:
        raise DataError(f"one PARAMCD is analysed at a time, found {', '.join(codes)}")
    twice = outcomes.filter(outcomes["USUBJID"].is_duplicated())
    if twice.height:
        raise DataError(f"subject {twice['USUBJID'][0]!r} has several rows; expected one")
    for name in outcomes[GROUP].unique().sort().to_list():
        rows = outcomes.filter(pl.col(GROUP) == name)
        known = rows.drop_nulls(value)
        yield Group(name, known, rows.height - known.height)
