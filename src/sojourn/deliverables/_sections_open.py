"""Sections on what is not known or not settled: missing data, assumptions, open items, findings."""

from collections.abc import Sequence

from sojourn.core.results import Listing
from sojourn.deliverables._blocks import Block, Prose, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Show, table_of

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
    table = table_of(book, listing_id, shows, caption=f"{title}: {len(listing.rows)}")
    blocks: tuple[Block, ...] = (Prose(lead),)
    if table is not None:
        blocks = (Prose(empty),) if not table.rows else (*blocks, table)
    return Section(listing_id, title, blocks)


def missing_section(book: Book) -> Section | None:
    """Return what was planned and is not there, with the reason."""
    shows = (
        Show("WHAT", "What is missing"),
        Show("USUBJID", "Subject"),
        Show("VISIT", "Visit"),
        Show("WHY", "Why"),
    )
    return _section(
        book,
        "missing",
        "Missing data",
        shows,
        lead="Missing means not measured. It was never replaced by zero or by the last value.",
        empty="Nothing that was planned is recorded as missing.",
    )


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
