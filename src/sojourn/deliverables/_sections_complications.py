"""Complications of a transplant: infections, organs of graft-versus-host disease, donor cells."""

from collections.abc import Callable, Sequence

from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Prose, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped
from sojourn.deliverables._sections_numbers import without_none

COMPLICATIONS = ("infections", "gvhd_organs", "chimerism")
"""Listings that these blocks show."""

_FULL_DONOR = 0.95
_NONE = escaped("\u00b7")


def complication_blocks(book: Book) -> list[Block | None]:
    """Return infections by organism, site and grade, worst organ stages, chimerism at entry."""
    return [*_infections(book), *_organs(book), *_chimerism(book)]


def _infections(book: Book) -> list[Block | None]:
    listing = book.results.listing("infections")
    if listing is None:
        return []
    lines = lines_of(book.results, "infections")
    head = Heading("Infections by kind, site and grade", "infections")
    if not lines:
        return [head, Prose("No infection is recorded since day 0.")]
    tables = [
        _cross(book, listing.id, lines, column, word)
        for column, word in (("ORGANISM", "organism"), ("SITE", "site"))
    ]
    shows = (
        Show("USUBJID", "Subject"),
        Show("DAY", "Day", is_number=True),
        Show("ORGANISM", "Organism"),
        Show("SITE", "Site"),
        Show("GRADE", "Grade", is_number=True),
        Show("END_DAY", "Resolved on day", is_number=True),
    )
    table = table_of(book, "infections", shows)
    fold = Fold(f"Every infection ({len(lines)})", (table,)) if table else None
    return [head, *tables, fold]


def _cross(book: Book, listing_id: str, lines: Sequence[Line], column: str, word: str) -> Table:
    """Return infections by one column and by grade: records, and in brackets subjects."""
    listing = book.results.listing(listing_id)
    kinds = sorted({row.text(column) or "not recorded" for row in lines})
    known = {g for row in lines if (g := row.number("GRADE")) is not None}
    grades: list[float | None] = [*sorted(known)]
    if any(row.number("GRADE") is None for row in lines):
        grades.append(None)
    rows = []
    for kind in (*kinds, "all"):
        own = [r for r in lines if kind in {"all", r.text(column) or "not recorded"}]
        by_grade = [_counted([r for r in own if r.number("GRADE") == g]) for g in grades]
        rows.append(Row((escaped(kind), *by_grade, _counted(own))))
    heads = (
        Head(word.capitalize()),
        *(Head(f"grade {g:g}" if g else "not graded", is_number=True) for g in grades),
        Head("all", is_number=True),
    )
    people = len({row.text("USUBJID") for row in lines})
    caption = f"Infections by {word} and grade ({len(lines)} in {people} subjects)"
    notes = ("Records (in brackets: subjects).", *(listing.notes if listing else ()))
    return Table(caption, heads, tuple(rows), notes, book.source(listing) if listing else "")


def _counted(own: Sequence[Line]) -> Html:
    if not own:
        return _NONE
    people = len({row.text("USUBJID") for row in own})
    title = "rows: " + ", ".join(row.id for row in own[:40]) + (" \u2026" if len(own) > 40 else "")
    return element("span", {"title": title}, f"{len(own)} ({people})")


def _organs(book: Book) -> list[Block | None]:
    listing = book.results.listing("gvhd_organs")
    if listing is None:
        return []
    lines = lines_of(book.results, "gvhd_organs")
    blocks: list[Block | None] = [
        Heading("Graft-versus-host disease, organ by organ", "gvhd-organs")
    ]
    for disease, scale in (("acute", "stage 0 to 4"), ("chronic", "NIH score 0 to 3")):
        own = [row for row in lines if row.text("DISEASE") == disease]
        if own:
            blocks.append(
                _organ_table(
                    own,
                    f"{disease.capitalize()}: worst {scale}",
                    listing.notes,
                    book.source(listing),
                )
            )
    return blocks


def _organ_table(
    lines: Sequence[Line], caption: str, notes: tuple[str, ...], source: Html
) -> Table:
    highest = max([int(row.number("WORST") or 0) for row in lines], default=0)
    levels = range(max(highest, 3) + 1)
    rows = []
    for organ in dict.fromkeys(row.text("ORGAN") for row in lines):
        own = [row for row in lines if row.text("ORGAN") == organ]
        at = [_named([r for r in own if r.number("WORST") == level]) for level in levels]
        unknown = _named([r for r in own if r.number("WORST") is None])
        rows.append(
            Row((escaped(organ.replace("_", " ").lower()), *at, unknown, escaped(str(len(own)))))
        )
    heads = (
        Head("Organ"),
        *(Head(str(level), is_number=True) for level in levels),
        Head("never staged", is_number=True),
        Head("subjects", is_number=True),
    )
    return Table(f"{caption}, subjects", heads, tuple(rows), notes, source)


def _named(own: Sequence[Line]) -> Html:
    if not own:
        return _NONE
    return element("span", {"title": ", ".join(r.text("USUBJID") for r in own)}, str(len(own)))


def _chimerism(book: Book) -> list[Block | None]:
    """Return how many had full donor chimerism at entry, by lineage; known listings only."""
    listing = book.results.listing("chimerism")
    if listing is None or "DONOR_PERCENT" not in listing.columns:
        return []
    lines = lines_of(book.results, "chimerism")
    bands: tuple[tuple[str, Callable[[float], bool]], ...] = (
        ("95 % and more", lambda share: share >= _FULL_DONOR),
        ("50 to below 95 %", lambda share: 0.5 <= share < _FULL_DONOR),
        ("below 50 %", lambda share: share < 0.5),
    )
    rows = []
    for lineage in dict.fromkeys(row.text("LINEAGE") for row in lines):
        own = [row for row in lines if row.text("LINEAGE") == lineage]
        cells = [
            _named([r for r in own if (v := r.number("DONOR_PERCENT")) is not None and fits(v)])
            for _, fits in bands
        ]
        rows.append(Row((escaped(lineage.lower()), *cells, escaped(str(len(own))))))
    heads = (
        Head("Lineage"),
        *(Head(name, is_number=True) for name, _ in bands),
        Head("subjects", is_number=True),
    )
    notes = ("Donor cells in blood or marrow, the last measurement up to day 0.", *listing.notes)
    table = Table(
        "Donor chimerism at entry, subjects", heads, tuple(rows), notes, book.source(listing)
    )
    return list(without_none([Heading("Donor chimerism at entry", "chimerism"), table]))
