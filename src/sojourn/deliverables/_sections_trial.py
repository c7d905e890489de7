"""Sections of every trial: flow, primary, secondary, product."""

from sojourn.deliverables._blocks import Block, Fold, Heading, Prose, Section
from sojourn.deliverables._book import Book
from sojourn.deliverables._classes import class_tables
from sojourn.deliverables._flow import flow_figure
from sojourn.deliverables._lines import Show, table_of
from sojourn.deliverables._onset import onset_blocks
from sojourn.deliverables._scores import scale_blocks
from sojourn.deliverables._sections_clinical import (
    has_clinical,
    incidence_blocks,
    series_blocks,
)
from sojourn.deliverables._sections_complications import complication_blocks
from sojourn.deliverables._sections_hsct import outcomes_fold, overview_blocks, survival_blocks
from sojourn.deliverables._sections_numbers import (
    estimate_figures,
    estimates_blocks,
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
        blocks += estimates_blocks(book, primary, "Primary estimates")
        blocks += onset_blocks(book)
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
    sensitivity = [r for r in book.with_role("sensitivity") if book.is_of_primary(r)]
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
        *estimates_blocks(book, sensitivity, "Sensitivity analyses"),
    ]


def secondary_section(book: Book) -> Section | None:
    """Return every secondary and exploratory endpoint."""
    secondary, exploratory = book.with_role("secondary"), book.with_role("exploratory")
    others = tuple(r for r in book.with_role("sensitivity") if not book.is_of_primary(r))
    listed = has_clinical(book) or any(i.id.startswith("km_") for i in book.results.listings)
    if not (secondary or exploratory or others or listed or book.has("womac", "pain_vas")):
        return None
    blocks: list[Block | None] = []
    for results, name, word in (
        (secondary, "secondary", "Secondary estimates"),
        (others, "secondary-sensitivity", "Secondary questions under other assumptions"),
        (exploratory, "exploratory", "Exploratory estimates"),
    ):
        if results:
            blocks += estimates_blocks(book, results, word)
            blocks += estimate_figures(
                book,
                results,
                name=name,
                title=word,
                shows=(
                    f"{word} with their intervals, each unit on its own axis: of each analysis "
                    "its main number, at its last day. The table above holds the others."
                ),
                worry="Picking the one interval that excludes no effect out of many.",
            )
    blocks += score_blocks(book)
    blocks += scale_blocks(book)
    blocks += survival_blocks(book)
    blocks += incidence_blocks(book)
    if classes := class_tables(book):
        blocks += [Heading("Classes of response and of disease", "classes"), *classes]
    blocks += complication_blocks(book)
    blocks += series_blocks(book)
    blocks.append(outcomes_fold(book))
    return Section("secondary", "Secondary endpoints", without_none(blocks))


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
