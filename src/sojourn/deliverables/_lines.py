"""Rows of listings, each with its id, and their cells as a reader sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sojourn.core.results import Cell, Listing, Results
from sojourn.deliverables._blocks import Head, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import decimals_of, exact, format_number

_UNITS: Mapping[str, Mapping[str, str]] = {
    "retention": {"VALUE": "share", "LOWER": "share", "UPPER": "share", "DAY": ""},
    "amounts": {"VALUE": "ug", "LOWER": "ug", "UPPER": "ug", "NAIVE_SUM": "ug"},
    "decay": {"HALF_LIFE": "days", "LOWER": "days", "UPPER": "days"},
    "cells": {"VALUE": "cells", "LOWER": "cells", "UPPER": "cells"},
    "pain_vas": {"BASELINE": "mm", "FOLLOW_UP": "mm", "CHANGE": "mm"},
    "womac": {"BASELINE": "points", "FOLLOW_UP": "points", "CHANGE": "points"},
    "lots": {"VIABILITY": "fraction", "IRON_PER_CELL": "pg", "IRON_PER_CELL_SD": "pg"},
    "doses": {
        "CELLS": "cells",
        "WEIGHT": "kg",
        "CELLS_PER_KG": "cells/kg",
        "IRON": "ug",
        "RESIDUAL": "ug",
    },
    "counts": {"ANC": "1/L", "HGB": "g/L", "PLT": "1/L"},
    "imaging": {"PEAK": "kg/m^3"},
}
"""Units of the listings' columns where a listing states none, or only that there is no unit."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a listing: its id, values by column, units by column, and what made it."""

    id: str
    values: Mapping[str, Cell]
    units: Mapping[str, str]
    provenance: str

    def text(self, column: str) -> str:
        """Return a cell as words; empty where nothing was recorded."""
        value = self.values.get(column)
        return "" if value is None else str(value)

    def number(self, column: str) -> float | None:
        """Return a cell as a number, or None."""
        value = self.values.get(column)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and value is not None else None

    def is_set(self, column: str) -> bool:
        """Tell whether a flag is set."""
        return self.values.get(column) in {True, "Y", "YES"}


def lines_of(results: Results, listing_id: str) -> list[Line]:
    """Return the rows of a listing with their ids; none if it does not exist."""
    listing = results.listing(listing_id)
    return _lines(listing) if listing else []


def _lines(listing: Listing) -> list[Line]:
    units = dict(_UNITS.get(listing.id, {}))
    units |= {
        c: u for c, u in zip(listing.columns, listing.units, strict=False) if u not in {"", "1"}
    }
    made = listing.rowProvenance or (listing.provenance,) * len(listing.rows)
    ids = listing.row_ids()
    return [
        Line(name or f"{listing.id}/#{i}", record, units, key)
        for i, (name, record, key) in enumerate(
            zip(ids, listing.records(), made, strict=True), start=1
        )
    ]


_CODES = frozenset({"USUBJID", "VISIT", "EXLOT", "LOT"})


def code(text: str) -> Html:
    """Return a code, a subject's or a visit's, that no line end may split."""
    return element("span", {"class": "code"}, text)


_PLACES = frozenset({"PATH", "WHERE", "CODE"})


def _written(value: str, column: str) -> Html:
    """Return a text cell: codes hold together, long places in a document may break."""
    if column in _PLACES:
        return element("code", {"class": "place"}, value)
    return code(value) if column in _CODES else escaped(value)


def absent(words: str = "not recorded") -> Html:
    """Return words for a value that does not exist; never a blank, never a zero."""
    tone = "absent alarm" if words.startswith("not estimable") else "absent"
    return element("span", {"class": tone}, words)


def cell(
    line: Line,
    column: str,
    *,
    decimals: int | None = None,
    missing: str = "",
    is_bare: bool = False,
) -> Html:
    """Return one cell as a reader sees it; a number carries its id and exact value."""
    value = line.values.get(column)
    if value is None or value == "":
        return absent(missing or "not recorded")
    if isinstance(value, bool):
        return escaped("yes" if value else "no")
    if isinstance(value, str):
        return _written(value, column)
    unit = line.units.get(column, "")
    attributes = {
        "data-id": line.id,
        "data-field": column,
        "data-value": exact(value),
        "title": f"exact value {exact(value)} {unit}; id {line.id}, {column}",
    }
    words = str(value) if isinstance(value, int) and not unit else None
    return element(
        "span", attributes, words or format_number(value, unit, decimals, is_bare=is_bare)
    )


def estimate(line: Line, columns: tuple[str, str, str] = ("VALUE", "LOWER", "UPPER")) -> Html:
    """Return value and interval of a row; what is not estimable says why."""
    value, low, high = columns
    if line.number(value) is None:
        return absent(f"not estimable: {line.text('NOTE') or 'no reason was recorded'}")
    lower, upper = line.number(low), line.number(high)
    decimals = decimals_of(lower, upper, line.units.get(value, ""))
    words = [
        cell(line, low, decimals=decimals, missing="no lower bound", is_bare=upper is not None),
        " to ",
        cell(line, high, decimals=decimals, missing="no upper bound"),
    ]
    interval = element("span", {"class": "interval"}, "(", *words, ")")
    return joined([cell(line, value, decimals=decimals), " ", interval])


@dataclass(frozen=True, slots=True)
class Show:
    """One column of a table made from a listing: its column, its head, and whether a number."""

    column: str
    head: str
    is_number: bool = False


def table_of(
    book: Book,
    listing_id: str,
    shows: Sequence[Show],
    *,
    caption: str = "",
    lines: Sequence[Line] | None = None,
) -> Table | None:
    """Return a listing as a table, or None if it does not exist.

    Columns that the listing lacks are left out; `lines` picks or orders rows.
    """
    listing = book.results.listing(listing_id)
    if listing is None:
        return None
    every = lines_of(book.results, listing_id)
    present, left_out = _split(book, [s for s in shows if s.column in listing.columns], every)
    words = {show.column: _nothing(book, every, show.column) for show in present}
    rows = tuple(
        Row(tuple(_shown(book, row, s.column, words[s.column]) for s in present), data_id=row.id)
        for row in (every if lines is None else lines)
    )
    heads = tuple(Head(show.head, show.is_number) for show in present)
    return Table(
        caption or listing.title, heads, rows, (*left_out, *listing.notes), book.source(listing)
    )


def _split(
    book: Book, shows: Sequence[Show], lines: Sequence[Line]
) -> tuple[list[Show], tuple[str, ...]]:
    """Return the columns that hold anything, and a note that names the others."""
    if len(book.results.groups) < 2:
        shows = [show for show in shows if show.column != "GROUP"]
    full = [s for s in shows if any(row.values.get(s.column) is not None for row in lines)]
    if book.results.isBlinded or not lines or len(full) == len(shows):
        return list(shows), ()
    names = ", ".join(show.head for show in shows if show not in full)
    return full, (f"Not recorded in any row: {names}.",)


def _nothing(book: Book, lines: Sequence[Line], column: str) -> str:
    """Return what stands for an empty cell; a column that blinding empties says so."""
    is_empty = all(row.values.get(column) is None for row in lines)
    is_told = book.results.isBlinded and column not in {"NOTE", "DETAIL"}
    return "withheld or not recorded" if is_empty and is_told else "not recorded"


def _shown(book: Book, row: Line, column: str, missing: str) -> Html:
    if column == "GROUP":
        return escaped(book.short(row.values.get("GROUP")))
    if column in {"NOTE", "DETAIL"} and not row.text(column):
        return escaped("\u2013")
    return cell(row, column, missing=missing)
