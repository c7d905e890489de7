"""Scored instruments, scale by scale and group by group: n, baseline, follow-up, change."""

from collections.abc import Sequence

from sojourn.core.results import Listing
from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, absent, cell, lines_of
from sojourn.deliverables._markup import Html, element, escaped, joined

_NORMED = "norm"


def scale_blocks(book: Book) -> list[Block | None]:
    """Return one table for each listing ``scores_<endpoint>``: every scale, never one alone."""
    blocks: list[Block | None] = []
    for listing in book.results.listings:
        if listing.id.startswith("scores_") and listing.rows:
            blocks.append(Heading(listing.title, listing.id.replace("_", "-")))
            lines = lines_of(book.results, listing.id)
            normed = [row for row in lines if _NORMED in row.text("RANGE")]
            plain = [row for row in lines if row not in normed]
            blocks.append(_table(book, listing, plain))
            if normed:
                n_scales = len({row.text("SCALE") for row in normed})
                table = _table(book, listing, normed)
                blocks.append(Fold(f"Norm-based scales and summaries ({n_scales})", (table,)))
    return blocks


def _table(book: Book, listing: Listing, lines: Sequence[Line]) -> Table:
    rows: list[Row] = []
    for scale in dict.fromkeys(row.text("SCALE") for row in lines):
        own = [row for row in lines if row.text("SCALE") == scale]
        range_ = element("small", {"class": "note"}, f"{own[0].text('RANGE')}; {scale}")
        rows.append(Row((joined([own[0].text("LABEL"), range_]),), is_head=True))
        rows += [_row(book, row) for row in own]
    heads = (
        Head("Group"),
        Head("Subjects", is_number=True),
        Head("Baseline", is_number=True),
        Head("Follow-up", is_number=True),
        Head("Change (SD)", is_number=True),
        Head("From \u2026 to", is_number=True),
    )
    return Table(f"{listing.title}, means", heads, tuple(rows), listing.notes, book.source(listing))


def _row(book: Book, row: Line) -> Row:
    spread = joined(
        [cell(row, "CHANGE_LEAST", decimals=1), " to ", cell(row, "CHANGE_MOST", decimals=1)]
    )
    deviation = joined([" (", cell(row, "CHANGE_SD", decimals=1, missing="no SD"), ")"])
    change = joined([_mean(row, "CHANGE"), deviation if row.number("CHANGE") is not None else ""])
    return Row(
        (
            escaped(book.group(row.values.get("GROUP"))),
            cell(row, "N"),
            _mean(row, "BASELINE"),
            _mean(row, "FOLLOW_UP"),
            change,
            spread if row.number("CHANGE") is not None else escaped("\u2013"),
        ),
        data_id=row.id,
    )


def _mean(row: Line, column: str) -> Html:
    """Return a mean with its own n beside it, so that no mean hides who is missing."""
    if row.number(column) is None:
        return absent("nobody has a value")
    count = element("small", {"class": "quiet"}, joined(["n = ", cell(row, f"N_{column}")]))
    return joined([cell(row, column, decimals=1), " ", count])
