"""Sections on what is not known or not settled: missing data, assumptions, open items, findings."""

import re
from collections.abc import Sequence

from sojourn.core.results import Listing
from sojourn.deliverables._blocks import Block, Fold, Head, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, lines_of, table_of
from sojourn.deliverables._markup import element, escaped

_LONG = 25
"""Rows above which a listing is shown by kind, folded."""

_KNOWN = frozenset(
    {
        "flow",
        "retention",
        "amounts",
        "decay",
        "cells",
        "womac",
        "pain_vas",
        "adverse_events",
        "doses",
        "lots",
        "outcomes",
        "counts",
        "marks",
        "imaging",
        "missing",
        "assumptions",
        "open",
        "lint",
        "criteria",
        "methods",
    }
)


def _section(
    book: Book,
    listing_id: str,
    title: str,
    shows: Sequence[Show],
    *,
    lead: str,
    empty: str,
) -> Section | None:
    listing = book.results.listing(listing_id)
    if listing is None:
        return None
    if not listing.rows:
        return Section(listing_id, title, (Prose(empty),))
    return Section(listing_id, title, (Prose(lead), *_split_long(book, listing, title, shows)))


def _split_long(book: Book, listing: Listing, title: str, shows: Sequence[Show]) -> list[Block]:
    """Return one table, or where it is long one fold for each kind of its first column."""
    lines = lines_of(book.results, listing.id)
    kinds: dict[str, list[Line]] = {}
    for row in lines:
        kinds.setdefault(re.split(r"[\[. ]", row.text(shows[0].column))[0], []).append(row)
    if len(lines) <= _LONG or len(kinds) < 2:
        table = table_of(book, listing.id, shows, caption=f"{title}: {len(lines)}")
        return [] if table is None else [table]
    blocks: list[Block] = []
    for kind, own in kinds.items():
        caption = f"{kind.replace('_', ' ')}: {len(own)}"
        table = table_of(book, listing.id, shows, caption=caption, lines=own)
        if table is not None:
            blocks.append(Fold(caption, (table,)))
    return blocks


def missing_section(book: Book) -> Section | None:
    """Return what was planned and is not there, with the reason."""
    shows = (
        Show("WHAT", "What is missing"),
        Show("USUBJID", "Subject"),
        Show("VISIT", "Visit"),
        Show("WHY", "Why"),
    )
    listing = book.results.listing("missing")
    lines = lines_of(book.results, "missing")
    lead = "Missing means not measured. It was never replaced by zero or by the last value."
    if listing is None or len(lines) <= _LONG:
        empty = "Nothing that was planned is recorded as missing."
        return _section(book, "missing", "Missing data", shows, lead=lead, empty=empty)
    every = table_of(book, "missing", shows)
    blocks: list[Block] = [Prose(lead), _missing_by_kind(book, listing, lines)]
    if every is not None:
        blocks.append(Fold(f"Every row ({len(lines)})", (every,), is_bulk=len(lines) > 100))
    return Section("missing", "Missing data", tuple(blocks))


def _missing_by_kind(book: Book, listing: Listing, lines: list[Line]) -> Table:
    """Return how often each thing is missing; a reason counts by its words before a colon."""
    kinds: dict[tuple[str, str], list[Line]] = {}
    for row in lines:
        reason = row.text("WHY").partition(":")[0] or "no reason was recorded"
        kinds.setdefault((row.text("WHAT"), reason), []).append(row)
    rows = tuple(
        Row(
            (
                escaped(what),
                escaped(reason),
                element(
                    "span", {"title": ", ".join(r.text("USUBJID") for r in own)}, str(len(own))
                ),
            )
        )
        for (what, reason), own in kinds.items()
    )
    heads = (Head("What is missing"), Head("Why"), Head("Rows", is_number=True))
    return Table("Missing data by kind", heads, rows, listing.notes, book.source(listing))


def assumptions_section(book: Book) -> Section | None:
    """Return every assumption of the study file."""
    shows = (
        Show("WHERE", "Where"),
        Show("STATEMENT", "What is assumed"),
        Show("FROM", "From"),
        Show("GROUNDS", "Grounds"),
    )
    return _section(
        book,
        "assumptions",
        "Assumptions",
        shows,
        lead=(
            "The registry record leaves these points open. Each was decided in the study file; "
            "change it there and run again to see what depends on it."
        ),
        empty="The study file states no assumption.",
    )


def open_section(book: Book) -> Section | None:
    """Return what nobody has decided yet."""
    shows = (
        Show("PATH", "Place in the record"),
        Show("WHAT", "What is open"),
        Show("DECISION", "Decision needed"),
    )
    return _section(
        book,
        "open",
        "Open items",
        shows,
        lead="Promised in the record and bound to nothing yet. Each waits for a decision.",
        empty="No item is open.",
    )


def lint_section(book: Book) -> Section | None:
    """Return what the linter found in the registry record."""
    shows = (
        Show("CODE", "Finding"),
        Show("SEVERITY", "Severity"),
        Show("PATH", "Place in the record"),
        Show("MESSAGE", "What is wrong"),
        Show("DECISION", "Decision"),
    )
    return _section(
        book,
        "lint",
        "Findings in the registry record",
        shows,
        lead="Contradictions, gaps and statements that cannot be computed, found by rule.",
        empty="The rules found nothing in the registry record.",
    )


def other_section(book: Book) -> Section | None:
    """Return every listing that no other section shows: nothing is silently dropped."""
    others = [
        item
        for item in book.results.listings
        if item.id not in _KNOWN and not item.id.startswith("km_")
    ]
    if not others:
        return None
    return Section("other", "Other listings", tuple(_plain(book, item) for item in others))


def _plain(book: Book, listing: Listing) -> Block:
    numeric = [
        all(isinstance(row[i], int | float | None) for row in listing.rows)
        for i in range(len(listing.columns))
    ]
    shows = [Show(c, c, is_number=n) for c, n in zip(listing.columns, numeric, strict=True)]
    table = table_of(book, listing.id, shows)
    if table is None or not isinstance(table, Table):
        return Prose(f"{listing.title}: no rows.")
    return table
