"""Sections of every trial: flow, primary, secondary, safety, product."""

from collections import Counter

from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._flow import flow_figure
from sojourn.deliverables._lines import Line, Show, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped
from sojourn.deliverables._numbers import plural
from sojourn.deliverables._sections_clinical import (
    has_clinical,
    incidence_blocks,
    series_blocks,
    shift_blocks,
)
from sojourn.deliverables._sections_hsct import outcomes_fold, overview_blocks, survival_blocks
from sojourn.deliverables._sections_numbers import (
    estimate_figures,
    estimates_table,
    without_none,
)
from sojourn.deliverables._sections_oa import (
    companion_blocks,
    other_models,
    retention_blocks,
    score_blocks,
)


def flow_section(book: Book) -> Section | None:
    """Return the participant flow and, folded, the eligibility criteria."""
    if not book.has("flow", "criteria"):
        return None
    figure = flow_figure(book) if book.has("flow") else None
    blocks = without_none([figure, _criteria(book)])
    return Section("flow", "Participant flow", blocks)


def _criteria(book: Book) -> Block | None:
    listing = book.results.listing("criteria")
    if listing is None:
        return None
    shows = (
        Show("ID", "Criterion"),
        Show("KIND", "Kind"),
        Show("TEXT", "What it asks"),
        Show("STATUS", "How it is decided"),
        Show("N_MET", "Met", is_number=True),
        Show("N_FAILED", "Failed", is_number=True),
        Show("N_UNKNOWN", "Unknown", is_number=True),
    )
    table = table_of(book, "criteria", shows)
    return Fold(f"Eligibility criteria ({len(listing.rows)})", (table,)) if table else None


def primary_section(book: Book) -> Section | None:
    """Return the primary endpoint, and beside it every sensitivity analysis."""
    primary = book.with_role("primary")
    if not primary and not book.has("retention"):
        return None
    blocks: list[Block | None] = []
    if primary:
        blocks.append(estimates_table(book, primary, "Primary estimates"))
        if not book.has("retention"):
            blocks += estimate_figures(
                book,
                primary,
                name="primary",
                title="Primary estimates",
                shows="Each primary estimate with its interval.",
                worry="Intervals so wide that success and failure both fit; a bar with a small n.",
            )
    blocks += retention_blocks(book)
    blocks += overview_blocks(book)
    blocks.append(Heading("Sensitivity analyses", "sensitivity"))
    blocks += _sensitivity(book)
    blocks.append(other_models(book))
    blocks += companion_blocks(book)
    return Section("primary", "Primary endpoint", without_none(blocks))


def _sensitivity(book: Book) -> list[Block | None]:
    sensitivity = book.with_role("sensitivity")
    if not sensitivity:
        return [Prose("No sensitivity analysis was run.", "caution")]
    beside = [*book.with_role("primary"), *sensitivity]
    figures = estimate_figures(
        book,
        beside,
        name="sensitivity",
        title="Primary and sensitivity analyses, side by side",
        shows="The primary estimates first, then the same question under other assumptions.",
        worry="An answer that changes its meaning when one assumption changes.",
    )
    return [
        Prose("The same question under other assumptions; the primary estimate stays the answer."),
        *figures,
        estimates_table(book, sensitivity, "Sensitivity analyses"),
    ]


def secondary_section(book: Book) -> Section | None:
    """Return every secondary and exploratory endpoint."""
    secondary, exploratory = book.with_role("secondary"), book.with_role("exploratory")
    listed = has_clinical(book) or any(i.id.startswith("km_") for i in book.results.listings)
    if not (secondary or exploratory or listed or book.has("womac", "pain_vas")):
        return None
    blocks: list[Block | None] = []
    for results, name, word in (
        (secondary, "secondary", "Secondary estimates"),
        (exploratory, "exploratory", "Exploratory estimates"),
    ):
        if results:
            blocks.append(estimates_table(book, results, word))
            blocks += estimate_figures(
                book,
                results,
                name=name,
                title=word,
                shows=f"{word} with their intervals, each unit on its own axis.",
                worry="Picking the one interval that excludes no effect out of many.",
            )
    blocks += score_blocks(book)
    blocks += survival_blocks(book)
    blocks += incidence_blocks(book)
    blocks += series_blocks(book)
    blocks.append(outcomes_fold(book))
    return Section("secondary", "Secondary endpoints", without_none(blocks))


def safety_section(book: Book) -> Section | None:
    """Return adverse events by group, the serious ones listed."""
    results = book.with_role("safety")
    listing = book.results.listing("adverse_events")
    if listing is None and not results:
        return None
    blocks: list[Block | None] = []
    if results:
        blocks.append(estimates_table(book, results, "Safety estimates"))
    if listing is not None:
        blocks += _events(book)
    blocks.append(_deaths(book))
    blocks += shift_blocks(book)
    return Section("safety", "Safety", without_none(blocks))


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


def _deaths(book: Book) -> Prose | None:
    """Return how many subjects died, from the marks: a death need not be an adverse event."""
    if not book.has("marks"):
        return None
    died = [row for row in lines_of(book.results, "marks") if row.text("KIND") == "DEATH"]
    if not died:
        return None
    people = {row.text("USUBJID") for row in died}
    days = [day for row in died if (day := row.number("DAY")) is not None]
    when = f", on days {min(days):g} to {max(days):g}" if days else ""
    return Prose(
        f"Deaths from any cause, during all of follow-up: {plural(len(people), 'subject')}{when}. "
        "They come from the events and are counted as adverse events only where a site recorded "
        "them so."
    )


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
        *(Head(book.group(code), is_number=True) for code in groups),
        Head("Worst grade", is_number=True),
    )
    note = "Subjects with the event (number of events), counted from the listing's rows."
    return Table("Adverse events by group", heads, tuple(rows), (note,), source)


def _event_count(own: list[Line]) -> Html:
    people = len({row.text("USUBJID") for row in own})
    rows = ", ".join(row.id for row in own)
    attributes = {"title": f"rows: {rows}" if rows else "no row", "data-id": "adverse_events"}
    return element("span", attributes, f"{people} ({len(own)})")


def product_section(book: Book) -> Section | None:
    """Return the product: lots with viability, iron per cell and custody; doses given."""
    if not book.has("lots", "doses"):
        return None
    lots = (
        Show("EXLOT", "Lot"),
        Show("PRODUCT", "Product"),
        Show("VIABILITY", "Viability at release", is_number=True),
        Show("IRON_PER_CELL", "Iron per cell", is_number=True),
        Show("IRON_PER_CELL_SD", "its SD", is_number=True),
        Show("CUSTODY", "Custody"),
    )
    doses = (
        Show("USUBJID", "Subject"),
        Show("GROUP", "Group"),
        Show("DAY", "Day", is_number=True),
        Show("LOT", "Lot"),
        Show("CELLS", "Cells", is_number=True),
        Show("WEIGHT", "Weight", is_number=True),
        Show("CELLS_PER_KG", "Cells per kg", is_number=True),
        Show("IRON", "Iron drawn up", is_number=True),
        Show("RESIDUAL", "Left in syringe", is_number=True),
    )
    blocks: list[Block | None] = [Prose("Viability is measured at release, not in the patient.")]
    for listing_id, shows in (("lots", lots), ("doses", doses)):
        listing = book.results.listing(listing_id)
        if listing is None:
            continue
        table = table_of(book, listing_id, shows)
        if table is not None and len(table.rows) > 30:
            blocks.append(
                Fold(
                    f"{listing.title} ({len(table.rows)} rows)",
                    (table,),
                    is_bulk=len(table.rows) > 100,
                )
            )
        else:
            blocks.append(table)
    return Section("product", "Product", without_none(blocks))
