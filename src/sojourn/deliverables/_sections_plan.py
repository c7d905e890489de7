"""What was to be estimated: estimands, populations, who is outside them, tests."""

from collections.abc import Sequence

from sojourn.core.results import Result
from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, cell, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._sections_numbers import list_markup, without_none

PLAN = ("estimands", "populations", "exclusions", "multiplicity")
"""Listings that this section shows."""

_FEW = 12


def plan_section(book: Book) -> Section | None:
    """Return the estimands with what estimates each, the populations, and what is tested."""
    if not book.has(*PLAN):
        return None
    blocks = [*_estimands(book), *_populations(book), *_tests(book)]
    return Section("plan", "What is estimated", without_none(blocks))


def _estimands(book: Book) -> list[Block | None]:
    listing = book.results.listing("estimands")
    lines = lines_of(book.results, "estimands")
    if listing is None or not lines:
        return []
    labels = dict(note.split(": ", 1) for note in listing.notes if ": " in note)
    first = [row for row in lines if _role(book, row.text("MAIN")) == "primary"] or lines[:1]
    others = [row for row in lines if row not in first]
    heads = (Head("Attribute"), Head("What was decided before data were seen"))
    source = book.source(listing)
    blocks: list[Block | None] = [
        Prose(
            "Each question, made exact: who, which variable, what is done about events that come "
            "in between, and which number answers it (ICH E9(R1))."
        ),
        _estimand_table("Primary questions", heads, first, labels, book, source),
    ]
    if others:
        table = _estimand_table("Other questions", heads, others, labels, book, source)
        blocks.append(Fold(f"Secondary and other questions ({len(others)})", (table,)))
    return blocks


def _estimand_table(
    caption: str,
    heads: tuple[Head, ...],
    lines: Sequence[Line],
    labels: dict[str, str],
    book: Book,
    source: Html,
) -> Table:
    rows: list[Row] = []
    for line in lines:
        name = line.text("ESTIMAND")
        code = element("small", {"class": "note"}, f"estimand {name}")
        rows.append(Row((joined([labels.get(name, name), code]),), is_head=True))
        events = line.text("INTERCURRENT_EVENTS")
        words: tuple[tuple[str, Html], ...] = (
            ("Population", escaped(line.text("POPULATION"))),
            ("Treatment", escaped(line.text("TREATMENT"))),
            ("Variable", escaped(line.text("VARIABLE"))),
            ("Events in between", _events(events) if events else escaped("none stated")),
            ("Summary", escaped(line.text("SUMMARY"))),
            ("Answered by", _numbers(book, line.text("MAIN"))),
            ("Under other assumptions", _numbers(book, line.text("SENSITIVITY"))),
        )
        rows += [
            Row((escaped(head), text or escaped("none")), data_id=line.id) for head, text in words
        ]
    return Table(caption, heads, tuple(rows), (), source)


def _events(words: str) -> Html:
    """Return events with strategies as a list; a semicolon within brackets divides nothing."""
    parts, depth, start = [], 0, 0
    for i, sign in enumerate(words):
        depth += (sign == "(") - (sign == ")")
        if sign == ";" and depth == 0:
            parts.append(words[start:i].strip())
            start = i + 1
    parts.append(words[start:].strip())
    return list_markup([part for part in parts if part])


def _numbers(book: Book, names: str) -> Html:
    """Return the first number of each analysis in `names`, linked; one that was not run says so."""
    items: list[Html] = []
    for name in (part.strip() for part in names.split(",")):
        own = [r for r in book.results.results if r.analysisId == name]
        if not own:
            items += [escaped(name)] if name else []
            continue
        same = [r for r in own if r.operationId == own[0].operationId]
        shown = [_value(book, r, has_group=len(same) > 1) for r in same]
        items.append(joined([escaped(f"{book.label(own[0])}: "), joined(shown, ", ")]))
    return list_markup(items) if len(items) > 1 else joined(items)


def _value(book: Book, result: Result, *, has_group: bool) -> Html:
    group = f"{book.short(result.groupId)} " if has_group else ""
    parts: list[Html] = [escaped(group), book.value(result)]
    if result.rawValue is not None:
        parts += [escaped(" ("), book.interval(result), escaped(f"), n = {result.n}")]
    return joined(parts)


def _role(book: Book, name: str) -> str:
    own = [r for r in book.results.results if r.analysisId == name]
    return book.role(own[0]) if own else ""


def _populations(book: Book) -> list[Block | None]:
    listing = book.results.listing("populations")
    if listing is None:
        return []
    lines = lines_of(book.results, "populations")
    codes = list(book.results.groups) if len(book.results.groups) > 1 else []
    rows = []
    for name in dict.fromkeys(row.text("POPULATION") for row in lines):
        own = {row.text("GROUP"): row for row in lines if row.text("POPULATION") == name}
        whole = own[""] if "" in own else next(iter(own.values()))
        code = element("small", {"class": "note"}, name)
        rows.append(
            Row(
                (
                    joined([whole.text("LABEL"), code]),
                    escaped(whole.text("MEANING")),
                    _of(whole),
                    *(_of(own[c]) if c in own else escaped("\u2013") for c in codes),
                ),
                data_id=whole.id,
            )
        )
    heads = (
        Head("Population"),
        Head("Who"),
        Head("Subjects", is_number=True),
        *(Head(book.group(code), is_number=True) for code in codes),
    )
    table = Table("Populations", heads, tuple(rows), listing.notes, book.source(listing))
    return [Heading("Populations", "populations"), table, _exclusions(book)]


def _of(row: Line) -> Html:
    return joined([cell(row, "N"), " of ", cell(row, "N_BEFORE")])


def _exclusions(book: Book) -> Block | None:
    if not book.has("exclusions"):
        return None
    shows = (
        Show("POPULATION", "Population"),
        Show("USUBJID", "Subject"),
        Show("GROUP", "Group"),
        Show("REASON", "Why outside"),
        Show("EVIDENCE", "Evidence"),
    )
    lines = lines_of(book.results, "exclusions")
    if not lines:
        return Prose("Nobody is outside any of these populations.")
    table = table_of(book, "exclusions", shows)
    people = len({row.text("USUBJID") for row in lines})
    if table is None or len(lines) <= _FEW:
        return table
    return Fold(f"Who is outside a population, and why ({people} subjects)", (table,))


def _tests(book: Book) -> list[Block | None]:
    """Return how tests are decided, or the statement that nothing is tested."""
    listing = book.results.listing("multiplicity")
    if listing is None:
        return []
    shows = (
        Show("ORDER", "Order", is_number=True),
        Show("ANALYSIS", "Analysis"),
        Show("P_VALUE", "p", is_number=True),
        Show("ADJUSTED_P_VALUE", "p, adjusted", is_number=True),
        Show("DECISION", "Decision"),
    )
    words = [note.removesuffix("]").rpartition(" [") for note in listing.notes]
    blocks: list[Block | None] = [Heading("Tests and decisions", "tests")]
    blocks += [
        Prose(f"{text} (In the study file as: {source}.)" if text else source)
        for text, _, source in words
    ]
    return [*blocks, table_of(book, "multiplicity", shows) if listing.rows else None]
