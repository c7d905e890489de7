"""The safety section: stopping rules, adverse events by group and grade, deaths, shifts."""

from collections import Counter
from collections.abc import Sequence

from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, cell, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import plural
from sojourn.deliverables._sections_clinical import shift_blocks
from sojourn.deliverables._sections_numbers import estimates_blocks, without_none

_GRADES = (1, 2, 3, 4, 5)


def safety_section(book: Book) -> Section | None:
    """Return stopping rules, adverse events by group and grade, serious ones, deaths, shifts."""
    results = book.with_role("safety")
    listing = book.results.listing("adverse_events")
    if listing is None and not results and not book.has("stopping"):
        return None
    blocks: list[Block | None] = [*_stopping(book)]
    if results:
        blocks += estimates_blocks(book, results, "Safety estimates")
    if listing is not None:
        blocks += _events(book)
    blocks += _deaths(book)
    blocks += shift_blocks(book)
    return Section("safety", "Safety", without_none(blocks))


def _stopping(book: Book) -> list[Block | None]:
    """Return each stopping rule with its verdict, how near the data are to it, and the rows."""
    listing = book.results.listing("stopping")
    if listing is None:
        return []
    rows = []
    for line in lines_of(book.results, "stopping"):
        verdict = line.text("VERDICT")
        tone = {"met": "chip alarm", "not met": "chip"}.get(verdict, "chip caution")
        first = f" of the first {line.text('OF_FIRST')}" if line.text("OF_FIRST") else ""
        rows.append(
            Row(
                (
                    escaped(
                        f"{line.text('EVENT')} adverse event in {line.text('AT_LEAST')}{first}"
                    ),
                    element("span", {"class": tone}, verdict or "not evaluated"),
                    joined([cell(line, "WITH_EVENT"), " of ", cell(line, "N")]),
                    escaped(line.text("REASON") or "no words were recorded"),
                    element("code", {"class": "place"}, line.text("EVIDENCE") or "no such event"),
                ),
                data_id=line.id,
            )
        )
    heads = (
        Head("Stop at"),
        Head("Verdict"),
        Head("So far", is_number=True),
        Head("Why"),
        Head("Evidence"),
    )
    lead = "Stopping rules of the study file, over all arms together: for people to act on."
    table = Table(listing.title, heads, tuple(rows), listing.notes, book.source(listing))
    return [Heading("Stopping rules", "stopping"), Prose(lead), table]


_EVENT_SHOWS = (
    Show("USUBJID", "Subject"),
    Show("GROUP", "Group"),
    Show("DAY", "Day", is_number=True),
    Show("TERM", "Event"),
    Show("GRADE", "Grade", is_number=True),
    Show("SERIOUS", "Serious"),
    Show("RELATED", "Related"),
)


def _events(book: Book) -> list[Block | None]:
    listing = book.results.listing("adverse_events")
    lines = lines_of(book.results, "adverse_events")
    if listing is None:
        return []
    if not lines:
        return [Prose("No adverse event is recorded. That is not proof that none occurred.")]
    serious = [row for row in lines if row.is_set("SERIOUS")]
    blocks: list[Block | None] = [
        _by_group(book, lines, book.source(listing)),
        _by_grade(book, lines),
        Heading("Serious events", "serious"),
    ]
    if serious:
        blocks.append(
            table_of(
                book,
                "adverse_events",
                _EVENT_SHOWS,
                caption=f"Serious adverse events ({len(serious)})",
                lines=serious,
            )
        )
    else:
        blocks.append(
            Prose(
                "No serious adverse event is recorded. With few subjects a rare one can be missed."
            )
        )
    table = table_of(book, "adverse_events", _EVENT_SHOWS)
    if table:
        blocks.append(Fold(f"Every adverse event ({len(lines)})", (table,)))
    return blocks


def _deaths(book: Book) -> list[Block | None]:
    """Return who died, by cause class, from the marks: a death need not be an adverse event."""
    died = [row for row in lines_of(book.results, "marks") if row.text("KIND") == "DEATH"]
    if not died:
        return []
    people = {row.text("USUBJID") for row in died}
    days = [day for row in died if (day := row.number("DAY")) is not None]
    when = f", on days {min(days):g} to {max(days):g}" if days else ""
    words = Prose(
        f"Deaths from any cause, during all of follow-up: {plural(len(people), 'subject')}{when}. "
        "They come from the events and are counted as adverse events only where a site recorded "
        "them so."
    )
    return [words, _cause_classes(book, died)]


def _cause_classes(book: Book, died: Sequence[Line]) -> Table | None:
    """Return deaths by class: what came first decides, beside it the cause that a site recorded."""
    outcomes = lines_of(book.results, "outcomes")
    first = {
        code: {
            row.text("USUBJID")
            for row in outcomes
            if row.text("PARAMCD") == code and row.number("CNSR") == 0
        }
        for code in ("NRM", "RELAPSE")
    }
    if not any(row.text("PARAMCD") in first for row in outcomes):
        return None
    classes: dict[str, list[Line]] = {
        "without relapse before it (non-relapse mortality)": [],
        "after relapse or loss of the graft": [],
        "not classified": [],
    }
    without, after, unknown = classes.values()
    for row in died:
        who = row.text("USUBJID")
        (without if who in first["NRM"] else after if who in first["RELAPSE"] else unknown).append(
            row
        )
    rows = tuple(
        Row((escaped(name), _people(own), escaped(_said(own))))
        for name, own in classes.items()
        if own or name != "not classified"
    )
    heads = (Head("Death"), Head("Subjects", is_number=True), Head("Cause that the site recorded"))
    listing = book.results.listing("marks")
    note = "The class follows from the dates of relapse and death; a recorded cause may differ."
    source = book.source(listing) if listing else ""
    return Table(f"Deaths by class ({len(died)})", heads, rows, (note,), source)


def _people(own: Sequence[Line]) -> Html:
    title = ", ".join(row.text("USUBJID") for row in own) or "nobody"
    return element("span", {"title": title}, str(len({row.text("USUBJID") for row in own})))


def _said(own: Sequence[Line]) -> str:
    counted = Counter(row.text("DETAIL") or "none recorded" for row in own)
    return ", ".join(f"{words}: {n}" for words, n in counted.most_common()) or "\u2013"


def _by_group(book: Book, lines: list[Line], source: Html) -> Table:
    groups = list(book.results.groups)
    terms = Counter(row.text("TERM") for row in lines)
    rows = []
    for term, _ in sorted(terms.items(), key=lambda item: (-item[1], item[0])):
        own = [row for row in lines if row.text("TERM") == term]
        worst = max((row.number("GRADE") or 0.0 for row in own), default=0.0)
        cells = [_event_count([r for r in own if r.text("GROUP") == code]) for code in groups]
        rows.append(
            Row((escaped(term), *cells, escaped(f"{worst:g}" if worst else "not recorded")))
        )
    heads = (
        Head("Event"),
        *(Head(_group(book, code), is_number=True) for code in groups),
        Head("Worst grade", is_number=True),
    )
    note = "Subjects with the event (number of events), counted from the listing's rows."
    return Table("Adverse events by group", heads, tuple(rows), (note,), source)


def _group(book: Book, code: str) -> str:
    return book.short(code) if len(book.results.groups) > 1 else "Subjects"


def _event_count(own: list[Line]) -> Html:
    people = len({row.text("USUBJID") for row in own})
    rows = ", ".join(row.id for row in own)
    attributes = {"title": f"rows: {rows}" if rows else "no row", "data-id": "adverse_events"}
    return element("span", attributes, f"{people} ({len(own)})")


def _by_grade(book: Book, lines: list[Line]) -> Table:
    """Return subjects by the worst grade of their events, and the events, by group."""
    groups = list(book.results.groups)
    rows = []
    for grade in (*_GRADES, None):
        cells = []
        for code in groups:
            own = [row for row in lines if row.text("GROUP") == code]
            worst: dict[str, float] = {}
            for row in own:
                who = row.text("USUBJID")
                worst[who] = max(worst.get(who, 0.0), row.number("GRADE") or 0.0)
            events = [row for row in own if row.number("GRADE") == grade]
            people = [who for who, highest in worst.items() if highest == (grade or 0)]
            attributes = {"title": ", ".join(people) or "nobody", "data-id": "adverse_events"}
            cells.append(element("span", attributes, f"{len(people)} ({len(events)})"))
        if grade or any(row.number("GRADE") is None for row in lines):
            rows.append(Row((escaped(f"grade {grade}" if grade else "not graded"), *cells)))
    heads = (Head("Worst grade"), *(Head(_group(book, code), is_number=True) for code in groups))
    note = "Subjects by their worst grade (in brackets: events of that grade). Grade 5 is a death."
    return Table("Adverse events by grade", heads, tuple(rows), (note,))
