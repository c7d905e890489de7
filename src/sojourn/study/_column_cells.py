"""Cells of a CSV column as numbers; what is missing stays missing."""

import math
import re

from sojourn.core.errors import DataError

MISSING = ("", "NA")
"""Cells that hold no value."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_numbers(cells: list[str], column: str, where: list[str]) -> list[float | None]:
    """Return the numbers of a column, None where a cell is missing.

    Parameters
    ----------
    cells, where
        the cells, and the place of each for messages.
    column
        name of the column.

    Raises
    ------
    DataError
        if a cell is neither missing nor a finite number.
    """
    for cell, place in zip(cells, where, strict=True):
        if cell not in MISSING and not is_number(cell):
            raise DataError(
                f"{place}, column {column}: {cell!r} is no finite number; missing is an empty cell"
            )
    return [None if cell in MISSING else float(cell) for cell in cells]


def read_last_days(cells: list[str], column: str, where: list[str]) -> list[int | None]:
    """Return the last day at risk, counted from day 0, of so many days at risk.

    Raises
    ------
    DataError
        if a cell is neither missing nor a whole number of 1 or more.
    """
    for cell, place in zip(cells, where, strict=True):
        if cell not in MISSING and not (cell.isdecimal() and int(cell) >= 1):
            raise DataError(
                f"{place}, column {column}: {cell!r}; expected whole days at risk, 1 or more"
            )
    return [None if cell in MISSING else int(cell) - 1 for cell in cells]


def is_number(cell: str) -> bool:
    """Tell whether a cell is a finite number in plain digits."""
    return _NUMBER.fullmatch(cell) is not None and math.isfinite(float(cell))
