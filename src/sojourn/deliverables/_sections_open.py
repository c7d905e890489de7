"""Sections on what is not known or not settled: missing data, assumptions, open items, findings."""

import re
from collections.abc import Sequence

from sojourn.core.results import Listing
from sojourn.deliverables._blocks import Block, Fold, Head, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, cell, lines_of, table_of
from sojourn.deliverables._markup import element, escaped, joined
from sojourn.deliverables._sections_numbers import without_none
from sojourn.deliverables._sections_plan import PLAN

_LONG = 25
"""Rows above which a listing is shown by kind, folded."""

_NOT_APPLICABLE = "not affected"

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
        "stopping",
        "infections",
        "gvhd_organs",
        *PLAN,
    }
)
_PREFIXES = ("km_", "cif_", "series_", "shift_", "scores_")


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
    """Return one table, or where it is long one fold for each part of the study file."""
    lines = lines_of(book.results, listing.id)
    kinds: dict[str, list[Line]] = {}
    for row in lines:
        place = row.text("WHERE" if "WHERE" in listing.columns else "PATH")
        kinds.setdefault(re.split(r"[\[. ]", place)[0], []).append(row)
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
    if listing is None:
        return None
    every = lines_of(book.results, "missing")
    lines = [row for row in every if not row.text("WHY").startswith(_NOT_APPLICABLE)]
    blocks: list[Block | None] = [
        Prose("Missing means not measured. It was never replaced by zero or by the last value.")
    ]
    if not lines:
        blocks = [Prose("Nothing that was planned is recorded as missing.")]
    elif len(lines) <= _LONG:
        caption = f"Missing data: {len(lines)}"
        blocks.append(table_of(book, "missing", shows, caption=caption, lines=lines))
    else:
        blocks.append(_missing_by_kind(book, listing, lines))
        table = table_of(book, "missing", shows, lines=lines)
        summary, is_bulk = f"Every row ({len(lines)})", len(lines) > 100
        blocks.append(Fold(summary, (table,), is_bulk=is_bulk) if table else None)
    if others := [row for row in every if row not in lines]:
        table = _missing_by_kind(book, listing, others)
        summary = f"Not applicable, so not missing: not affected at baseline ({len(others)} rows)"
        blocks.append(Fold(summary, (table,)))
    return Section("missing", "Missing data", without_none(blocks))


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
    heads = (Head("What"), Head("Why"), Head("Rows", is_number=True))
    return Table("By kind", heads, rows, listing.notes, book.source(listing))


def assumptions_section(book: Book) -> Section | None:
    """Return every assumption of the study file."""
    shows = (
        Show("STATEMENT", "What is assumed"),
        Show("GROUNDS", "Grounds"),
        Show("FROM", "From"),
        Show("WHERE", "Where"),
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
        Show("WHAT", "What is open"),
        Show("DECISION", "Decision needed"),
        Show("PATH", "Place in the record"),
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
    """Return what the linter found in the registry record, and what was decided about it."""
    listing = book.results.listing("lint")
    if listing is None:
        return None
    title = "Findings in the registry record"
    if not listing.rows:
        words = "The rules found nothing in the registry record."
        return Section("lint", title, (Prose(words),))
    rows = tuple(_finding(row) for row in lines_of(book.results, "lint"))
    heads = (Head("What is wrong"), Head("Decision"), Head("Finding and place"))
    caption = f"{title}: {len(rows)}"
    table = Table(caption, heads, rows, listing.notes, book.source(listing))
    lead = "Contradictions, gaps and statements that cannot be computed, found by rule."
    return Section("lint", title, (Prose(lead), table))


def _finding(row: Line) -> Row:
    severity = row.text("SEVERITY")
    tone = {"error": "chip alarm", "warning": "chip caution"}.get(severity, "chip")
    place = joined(
        [
            element("span", {"class": tone}, severity or "not graded"),
            *(element("code", {"class": "place"}, row.text(name)) for name in ("CODE", "PATH")),
        ],
        " ",
    )
    decision = cell(row, "DECISION", missing="no decision was recorded")
    words = element("span", {"class": "wide-words"}, row.text("MESSAGE"))
    return Row((words, decision, place), data_id=row.id)


def other_section(book: Book) -> Section | None:
    """Return every listing that no other section shows: nothing is silently dropped."""
    others = [
        item
        for item in book.results.listings
        if item.id not in _KNOWN and not item.id.startswith(_PREFIXES) and not _is_drawn(item)
    ]
    if not others:
        return None
    return Section("other", "Other listings", tuple(_plain(book, item) for item in others))


def _is_drawn(item: Listing) -> bool:
    return item.id == "chimerism" and "DONOR_PERCENT" in item.columns


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
