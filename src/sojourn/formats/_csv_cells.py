"""One cell of a delimited table: its text to a value of its declared type, or why not."""

import difflib
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

import polars as pl

from sojourn.core.tables import Column

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)
"""Dates of a trial: a day outside them is a slip of the pen, and would be years of follow-up."""
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")

Value = str | int | float | date


class CellError(ValueError):
    """What was expected of a cell and what to do; the reader adds where it stands."""


def nearest(name: str, known: tuple[str, ...], *, cutoff: float = 0.6) -> str:
    """Return a clause that suggests the entry of `known` nearest to `name`, or nothing."""
    folded = {entry.casefold(): entry for entry in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def parse_number(text: str) -> float:
    """Return a decimal number; ``1e9`` is one, ``1,234`` and ``0,5`` are refused.

    Raises
    ------
    CellError
        if `text` is anything else: a word, a limit, a separator, an overflow.
    """
    if NUMBER.fullmatch(text):
        value = float(text)
        if abs(value) != float("inf"):
            return value
        raise CellError("the number is too large to be one; correct it")
    if THOUSANDS.fullmatch(text):
        raise CellError(
            "expected a decimal number; a comma may be a thousands separator or a decimal comma: "
            "write the number without it, as 1234 or 1.234"
        )
    if DECIMAL_COMMA.fullmatch(text):
        raise CellError("expected a decimal point, not a decimal comma: write 0.5, not 0,5")
    raise CellError(
        "expected a decimal number such as 0.45 or 1.2e9; leave the cell empty where nothing was "
        "measured"
    )


def parse_whole(text: str) -> int:
    """Return a whole number.

    Raises
    ------
    CellError
        if `text` is no whole number; ``3.0`` is none.
    """
    if not WHOLE.fullmatch(text):
        raise CellError(
            "expected a whole number such as 3; leave the cell empty where it is not known"
        )
    return int(text)


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date:
    """Return an ISO date, ``2026-03-01``.

    Raises
    ------
    CellError
        if `text` has another form (their order of day and month is a guess), no such day exists, or
        it lies outside `FIRST_DAY` to `LAST_DAY`.
    """
    if not DATE.fullmatch(text):
        raise CellError(
            "expected a whole ISO date such as 2026-03-01; other forms are not guessed: "
            "write year-month-day without a time"
        )
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"no such day: {error}; correct it") from error
    if FIRST_DAY <= day <= LAST_DAY:
        return day
    raise CellError(
        f"the year {day.year} lies outside {FIRST_DAY.year} to {LAST_DAY.year}: correct the date"
    )


def code_parser(codes: tuple[str, ...]) -> Callable[[str], str]:
    """Return a parser that accepts one of `codes`, as written, and nothing else."""

    def parse_code(text: str) -> str:
        if text in codes:
            return text
        raise CellError(f"expected one of {', '.join(codes)}{nearest(text, codes)}")

    return parse_code


def bounded(parse: Callable[[str], float], column: Column, factor: float) -> Callable[[str], float]:
    """Return `parse`, times `factor` into the column's unit, within its plausible range."""
    low = float("-inf") if column.low is None else column.low
    high = float("inf") if column.high is None else column.high
    unit = f" {column.unit}" if column.unit else ""
    limits = f"{low:g} to {high:g}{unit}"

    def parse_bounded(text: str) -> float:
        parsed = parse(text)
        value = parsed if factor == 1 else parsed * factor
        if low <= value <= high:
            return value
        read = f"read as {value:.6g}{unit}, which" if factor != 1 else "which"
        raise CellError(
            f"{read} lies outside the plausible range {limits}: correct the value, or the unit in "
            "the column's header"
        )

    return parse_bounded


def halved(parse: Callable[[str], float], seen: Callable[[], None]) -> Callable[[str], float]:
    """Return `parse` that takes ``<x`` as x/2 and calls `seen` for each one it took."""

    def parse_halved(text: str) -> float:
        if not text.startswith("<"):
            return parse(text)
        value = parse(text[1:].strip()) / 2
        seen()
        return value

    return parse_halved


def refusing_limits(parse: Callable[[str], float]) -> Callable[[str], float]:
    """Return `parse` that explains itself on ``<x`` and ``>x``."""

    def parse_refusing(text: str) -> float:
        if text.startswith("<"):
            raise CellError(
                "a result below the limit of detection is no number; to take half the limit, say "
                "so in the table's sidecar (.toml): below_limit = 'half'"
            )
        if text.startswith(">"):
            raise CellError("a result above the limit of the assay is no number; enter the value")
        return parse(text)

    return parse_refusing


def parser_of(
    column: Column, factor: float, *, below_limit: Callable[[], None] | None
) -> Callable[[str], Value]:
    """Return the parser of one column's cells.

    Parameters
    ----------
    column
        the declared column.
    factor
        from the file's unit to the column's.
    below_limit
        None refuses ``<x``; else ``<x`` is read as x/2 and this is called for each.
    """
    if column.dtype == pl.String:
        return code_parser(column.codes) if column.codes else str
    if column.dtype == pl.Date:
        return parse_date
    if column.dtype == pl.Int64:
        return bounded(parse_whole, column, 1)
    number = parse_number if below_limit is None else halved(parse_number, below_limit)
    return bounded(refusing_limits(number) if below_limit is None else number, column, factor)
