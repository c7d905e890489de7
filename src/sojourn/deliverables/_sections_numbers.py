"""Tables and figures of estimates: what every section of endpoints shares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sojourn.core.results import Result
from sojourn.deliverables._blocks import Block, Figure, Fold, Head, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._forest import entry_of, forest_figure
from sojourn.deliverables._lines import absent
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import display
from sojourn.deliverables._operations import kind_of, stem_of

_COMPETING = (
    "What competed: the numbers of each other cause. They say why an incidence cannot rise "
    "further; read them with the event's own."
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which columns a table of numbers has."""

    has_group: bool
    has_p: bool


def estimates_blocks(book: Book, results: Sequence[Result], caption: str) -> list[Block | None]:
    """Return the numbers of `results` by analysis; those of competing causes folded below."""
    main = [r for r in results if kind_of(r.operationId) != "competitor"]
    competing = [r for r in results if kind_of(r.operationId) == "competitor"]
    blocks: list[Block | None] = [estimates_table(book, main, caption)] if main else []
    if competing:
        table = estimates_table(book, competing, f"{caption}: competing causes", (_COMPETING,))
        blocks.append(Fold(f"Competing causes, by name ({len(competing)} numbers)", (table,)))
    return blocks


def estimates_table(
    book: Book, results: Sequence[Result], caption: str, notes: tuple[str, ...] = ()
) -> Table:
    """Return the numbers of `results`, by analysis; the interval stands before the p-value."""
    shape = _Shape(
        has_group=len(book.results.groups) > 1,
        has_p=any(result.pValue is not None for result in results),
    )
    heads = (
        Head("What"),
        *((Head("Group"),) if shape.has_group else ()),
        Head("Estimate", is_number=True),
        Head("Interval", is_number=True),
        Head("n", is_number=True),
        *((Head("p", is_number=True),) if shape.has_p else ()),
    )
    parts: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        key = (result.analysisId, book.analysis_label(result))
        parts.setdefault(key, []).append(result)
    rows = [row for own in parts.values() for row in _part(book, own, shape)]
    return Table(caption, heads, tuple(rows), notes)


def _part(book: Book, results: Sequence[Result], shape: _Shape) -> list[Row]:
    """Return the rows of one analysis under its label; one number alone carries the label."""
    first = results[0]
    where = book.denominator(first)
    if len(results) == 1:
        label = element("strong", {}, book.label(first))
        row = _row(book, first, shape, label, (where, *_notes(first)))
        return [replace(row, is_alone=True)]
    known = [_notes(r) for r in results if r.rawValue is not None]
    shared = [n for n in known[0] if all(n in notes for notes in known)] if known else []
    note = element("small", {"class": "note"}, "; ".join((where, *shared)))
    rows = [Row((joined([book.analysis_label(first), note]),), is_head=True)]
    order = list(dict.fromkeys(r.operationId for r in results))
    for result in sorted(results, key=lambda r: order.index(r.operationId)):
        own = tuple(n for n in _notes(result) if n not in shared)
        rows.append(_row(book, result, shape, book.operation(result), own))
    return rows


def _notes(result: Result) -> tuple[str, ...]:
    """Return a result's notes; one that is not estimable says them beside its value."""
    return () if result.rawValue is None else result.notes


def _row(
    book: Book, result: Result, shape: _Shape, what: Html | str, notes: tuple[str, ...]
) -> Row:
    count = absent() if result.n is None else escaped(str(result.n))
    below = element("small", {"class": "note"}, "; ".join(notes)) if notes else ""
    cells: list[Html] = [
        element("span", {"class": "what"}, what, below),
        *((_group(book, result),) if shape.has_group else ()),
        book.value(result),
        book.interval(result) if result.rawValue is not None else escaped("\u2013"),
        element("span", {"data-id": result.id, "data-field": "n"}, count),
    ]
    if shape.has_p:
        cells.append(book.p_value(result))
    return Row(tuple(cells))


def _group(book: Book, result: Result) -> Html:
    return element("span", {"class": "who"}, book.group(result.groupId))


def leading_results(results: Sequence[Result]) -> list[Result]:
    """Return what a figure shows of each analysis and group: its first question, at its last day.

    Competitors, what only describes the follow-up or a model's parts, and what is not estimable
    stand in the table alone. A half-life leads its model.
    """
    parts: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if kind_of(result.operationId) == "main" and result.rawValue is not None:
            parts.setdefault((result.analysisId, result.groupId), []).append(result)
    chosen: list[Result] = []
    for own in parts.values():
        stem = stem_of(own[0].operationId)
        chosen.append([r for r in own if stem_of(r.operationId) == stem][-1])
    return chosen


def estimate_figures(
    book: Book, results: Sequence[Result], *, name: str, title: str, shows: str, worry: str
) -> list[Figure]:
    """Return one figure for each unit that at least two leading numbers of `results` share."""
    leading = leading_results(results)
    units = list(dict.fromkeys(display(book.unit(r))[1] for r in leading))
    made: list[Figure] = []
    for unit in units:
        same = [r for r in leading if display(book.unit(r))[1] == unit]
        if len(same) < 2:
            continue
        counts = sorted({r.n for r in same if r.n is not None})
        n = "not recorded" if not counts else f"{counts[0]} to {counts[-1]} per estimate"
        if len(counts) == 1:
            n = f"{counts[0]} per estimate"
        labels = {book.label(r) for r in same}
        whole = title if not unit or len(units) == 1 else f"{title} ({unit})"
        made.append(
            forest_figure(
                book,
                f"{name}-{len(made) + 1}",
                [entry_of(book, r) for r in same],
                title=f"{whole}: {labels.pop()}" if len(labels) == 1 else whole,
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
