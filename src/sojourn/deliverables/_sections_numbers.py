"""Tables and figures of estimates: what every section of endpoints shares."""

from collections.abc import Iterable, Sequence

from sojourn.core.results import Result
from sojourn.deliverables._blocks import Block, Figure, Head, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._forest import entry_of, forest_figure
from sojourn.deliverables._lines import absent
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import display


def estimates_table(book: Book, results: Sequence[Result], caption: str) -> Table:
    """Return the numbers of `results`; the interval stands before the p-value."""
    has_p = any(result.pValue is not None for result in results)
    has_group = len(book.results.groups) > 1
    heads = (
        Head("What"),
        *((Head("Group"),) if has_group else ()),
        Head("Estimate", is_number=True),
        Head("Interval", is_number=True),
        Head("n", is_number=True),
        *((Head("p", is_number=True),) if has_p else ()),
        Head("Set"),
    )
    rows = tuple(_row(book, result, has_p=has_p, has_group=has_group) for result in results)
    return Table(caption, heads, rows)


def _row(book: Book, result: Result, *, has_p: bool, has_group: bool) -> Row:
    count = absent() if result.n is None else escaped(str(result.n))
    cells: list[Html] = [
        _what(book, result),
        *((escaped(book.group(result.groupId)),) if has_group else ()),
        book.value(result),
        book.interval(result) if result.rawValue is not None else escaped("\u2013"),
        element("span", {"data-id": result.id, "data-field": "n"}, count),
    ]
    if has_p:
        cells.append(book.p_value(result))
    cells.append(escaped(result.analysisSetId))
    return Row(tuple(cells))


def _what(book: Book, result: Result) -> Html:
    """Return a number's label with its notes below; one that is not estimable says why itself."""
    if not result.notes or result.rawValue is None:
        return escaped(book.label(result))
    notes = element("small", {"class": "note"}, "; ".join(result.notes))
    return joined([book.label(result), notes])


def estimate_figures(
    book: Book, results: Sequence[Result], *, name: str, title: str, shows: str, worry: str
) -> list[Figure]:
    """Return one figure for each unit that at least two of `results` share."""
    units = list(dict.fromkeys(display(book.unit(r))[1] for r in results if r.rawValue is not None))
    made: list[Figure] = []
    for unit in units:
        same = [
            r
            for r in results
            if display(book.unit(r))[1] == unit or (r.rawValue is None and unit == units[0])
        ]
        if len(same) < 2:
            continue
        counts = sorted({r.n for r in same if r.n is not None})
        n = "not recorded" if not counts else f"{counts[0]} to {counts[-1]} per estimate"
        if len(counts) == 1:
            n = f"{counts[0]} per estimate"
        made.append(
            forest_figure(
                book,
                f"{name}-{len(made) + 1}",
                [entry_of(book, r) for r in same],
                title=title if not unit or len(units) == 1 else f"{title} ({unit})",
                shows=shows,
                worry=worry,
                n=n,
            )
        )
    return made


def without_none(blocks: Iterable[Block | None]) -> tuple[Block, ...]:
    """Return the blocks that exist, in order."""
    return tuple(block for block in blocks if block is not None)


def list_markup(items: Iterable[str]) -> Html:
    """Return items as a bulleted list."""
    return element("ul", {}, joined(element("li", {}, item) for item in items))
