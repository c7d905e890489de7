"""Blocks on clinical outcomes over time: incidence with competitors, values by visit, shifts."""

from collections.abc import Mapping

from sojourn.deliverables._blocks import Block, Fold, Heading, Prose
from sojourn.deliverables._book import Book
from sojourn.deliverables._incidence import incidence_figure
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._shift import shift_table
from sojourn.deliverables._spaghetti import spaghetti_figure

_UNITS: Mapping[str, str] = {"CD3": "1/L", "CD4": "1/L", "CD8": "1/L", "CD19": "1/L", "CD56": "1/L"}
"""Units of parameters that have a row for each visit, by their code."""


def has_clinical(book: Book) -> bool:
    """Tell whether any listing is drawn by `incidence_blocks` or `series_blocks`."""
    return any(item.id.startswith(("cif_", "series_")) for item in book.results.listings)


def incidence_blocks(book: Book) -> list[Block | None]:
    """Return every figure of cumulative incidence."""
    found = [i.id for i in book.results.listings if i.id.startswith("cif_") and i.rows]
    return [incidence_figure(book, name) for name in found]


def series_blocks(book: Book) -> list[Block | None]:
    """Return the figures of values by visit, folded where there are many."""
    figures: list[Block] = []
    for listing in book.results.listings:
        if not listing.id.startswith("series_"):
            continue
        param = listing.id.rpartition("_")[2]
        known = [r for r in lines_of(book.results, listing.id) if r.number("VALUE") is not None]
        if not known:
            figures.append(Prose(f"{listing.title}: nobody has a value.", "caution"))
            continue
        figures.append(
            spaghetti_figure(book, listing.id, name=listing.title, unit=_UNITS.get(param, "1"))
        )
    if len(figures) > 3:
        return [Fold(f"Values by visit ({len(figures)} figures)", tuple(figures))]
    return list(figures)


def shift_blocks(book: Book) -> list[Block | None]:
    """Return the shift tables of laboratory grades."""
    blocks: list[Block | None] = []
    for listing in book.results.listings:
        if not listing.id.startswith("shift_"):
            continue
        tests = list(dict.fromkeys(r.text("TEST") for r in lines_of(book.results, listing.id)))
        if tests:
            blocks.append(Heading("Laboratory grades: shifts", listing.id.replace("_", "-")))
        blocks += [shift_table(book, listing.id, test) for test in tests]
    return blocks
