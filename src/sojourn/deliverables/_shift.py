"""A shift table: grade at baseline against the worst grade afterwards, subjects counted."""

from collections.abc import Sequence

from sojourn.deliverables._blocks import Head, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import element, escaped

MISSING = "not measured"
GRADES = ("0", "1", "2", "3", "4", MISSING)


def shift_table(book: Book, listing_id: str, test: str) -> Table | None:
    """Return the shift table of one laboratory test, or None where the listing has no row of it.

    The listing has USUBJID, TEST, BASELINE, WORST (grades 0 to 4, empty: not measured). Every
    subject is counted once; who was not measured has a row and a column, never a grade.
    """
    lines = [row for row in lines_of(book.results, listing_id) if row.text("TEST") == test]
    if not lines:
        return None
    counts = shift_counts(lines)
    rows = tuple(
        Row(
            (
                escaped(f"grade {start}" if start != MISSING else MISSING),
                *(_count(counts[i][j], start, end) for j, end in enumerate(GRADES)),
                escaped(str(sum(counts[i]))),
            )
        )
        for i, start in enumerate(GRADES)
        if sum(counts[i])
    )
    heads = (
        Head("At baseline"),
        *(Head(g if g == MISSING else f"worst: {g}", is_number=True) for g in GRADES),
        Head("subjects", is_number=True),
    )
    listing = book.results.listing(listing_id)
    return Table(
        f"{test}: grade at baseline, and the worst afterwards (CTCAE v5; subjects)",
        heads,
        rows,
        (
            "To the right of the frame is worse. A low count at baseline is the disease that is "
            "treated: read shifts, not grades.",
            *(listing.notes if listing else ()),
        ),
        book.source(listing) if listing else "",
    )


def shift_counts(lines: Sequence[Line]) -> list[list[int]]:
    """Return subjects by grade at baseline (rows) and worst grade (columns), as `GRADES`."""
    counts = [[0] * len(GRADES) for _ in GRADES]
    for row in lines:
        start, end = (_grade(row, column) for column in ("BASELINE", "WORST"))
        counts[GRADES.index(start)][GRADES.index(end)] += 1
    return counts


def _grade(row: Line, column: str) -> str:
    value = row.number(column)
    return MISSING if value is None else str(int(value))


def _count(count: int, start: str, end: str) -> str:
    words = str(count) if count else "\u00b7"
    return element("strong", {"class": "same"}, words) if start == end else escaped(words)
