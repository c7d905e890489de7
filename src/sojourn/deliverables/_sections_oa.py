"""Sections of the knee study: retention, its companions, scores, imaging quality."""

import re
from collections.abc import Mapping

from sojourn.deliverables._blocks import Block, Figure, Fold, Head, Prose, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._change import change_figure
from sojourn.deliverables._forest import entry_of, forest_figure, subject_entry
from sojourn.deliverables._lines import Line, Show, absent, cell, code, estimate, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._mip import ScanPanel, mip_figure
from sojourn.deliverables._numbers import plural
from sojourn.deliverables._retention import (
    by_subject,
    curves_figure,
    main_lines,
    overlay_figure,
    planned_days,
)
from sojourn.deliverables._waterfall import waterfall_figure

SIGNAL = (
    "Signal is not iron, and iron is not living cells. Retention is a share of the signal found "
    "right after injection (day 0). Amounts are calibration-sample equivalents: the iron that, in "
    "the state of the calibration sample, would give this signal. Free tracer gives signal too."
)


def _squeezed(words: str) -> str:
    return re.sub(r"[^a-z0-9]", "", words.lower())


def primary_visit(book: Book) -> str:
    """Return the visit that the primary analysis names in its id or label, or an empty text."""
    if book.primary is None:
        return ""
    days = {r.text("VISIT"): r.number("DAY") or 0.0 for r in lines_of(book.results, "retention")}
    for named in (book.primary.analysisId, book.primary.label):
        words = _squeezed(named)
        found = [v for v in days if re.search(_squeezed(v) + r"(?!\d)", words)]
        if found:
            return max(found, key=lambda visit: days[visit])
    return ""


def visit_figure(book: Book) -> Figure | None:
    """Return every subject's interval at the primary visit, under the groups' estimates."""
    visit = primary_visit(book)
    rows = [row for row in main_lines(book) if row.text("VISIT") == visit]
    if not rows or book.primary is None:
        return None
    groups = [
        entry_of(book, r, r.operationId.replace("_", " ").capitalize())
        for r in book.with_role("primary")
        if r.analysisId == book.primary.analysisId
        and book.unit(r) == book.unit(book.primary)
        and not book.is_contrast(r)
    ]
    subjects = sorted(rows, key=lambda row: (row.text("GROUP"), row.text("USUBJID")))
    return forest_figure(
        book,
        "retention-at-visit",
        [*groups, *(subject_entry(book, row, row.text("USUBJID")) for row in subjects)],
        title=f"Share of the day-0 signal at {visit}: groups, then every subject",
        shows=(
            "The estimate that answers the primary question, and below it each subject's own "
            "share with its own interval."
        ),
        worry=(
            "A group estimate that rests on one subject; intervals of subjects much wider than "
            "their spread (then the measurement, not the biology, limits the answer)."
        ),
        n=f"{sum(r.number('VALUE') is not None for r in rows)} of {plural(len(rows), 'subject')}",
    )


def subject_table(book: Book) -> Table | None:
    """Return each subject's share at each visit, with interval and flag."""
    listing = book.results.listing("retention")
    lines = main_lines(book)
    if listing is None:
        return None
    visits = list(planned_days(lines))
    rows = []
    for who, own in by_subject(lines):
        at = {row.text("VISIT"): row for row in own}
        cells = [_visit_cell(at.get(visit)) for visit in visits]
        group = escaped(book.short(own[0].values.get("GROUP")))
        rows.append(Row((code(who), group, *cells)))
    heads = (Head("Subject"), Head("Group"), *(Head(v, is_number=True) for v in visits))
    model = next((r.text("MODEL") for r in lines if r.text("MODEL")), "not recorded")
    notes = (f"Source model: {model}. Interval of each subject in brackets.", *listing.notes)
    return Table(
        "Share of the day-0 signal per subject and visit",
        heads,
        tuple(rows),
        notes,
        book.source(listing),
    )


def _visit_cell(row: Line | None) -> Html:
    if row is None:
        return absent("not planned")
    parts: list[str] = [estimate(row)]
    if row.text("GRADE") in {"B", "C"}:
        parts.append(element("small", {}, f" grade {row.text('GRADE')}"))
    if row.is_set("FLAGGED"):
        title = row.text("NOTE") or "flagged"
        parts.append(element("span", {"class": "chip alarm", "title": title}, "\u2691 flagged"))
    return joined(parts, " ")


def retention_blocks(book: Book) -> list[Block | None]:
    """Return what the primary section shows of the retention."""
    if not book.has("retention"):
        return []
    return [
        Prose(SIGNAL, "caution"),
        visit_figure(book),
        curves_figure(book),
        overlay_figure(book),
        subject_table(book),
    ]


def other_models(book: Book) -> Block | None:
    """Return the retention under every other source model, folded."""
    main = {row.id for row in main_lines(book)}
    others = [row for row in lines_of(book.results, "retention") if row.id not in main]
    listing = book.results.listing("retention")
    if not others or listing is None:
        return None
    rows = tuple(
        Row(
            (
                code(row.text("USUBJID")),
                escaped(row.text("VISIT")),
                escaped(row.text("MODEL")),
                estimate(row),
            ),
            data_id=row.id,
        )
        for row in others
    )
    heads = (Head("Subject"), Head("Visit"), Head("Source model"), Head("Share", is_number=True))
    table = Table("Retention under other source models", heads, rows, (), book.source(listing))
    return Fold("Retention under other source models, subject by subject", (table,))


_PAIN_SOURCE = "Tubach et al., Ann Rheum Dis 2005;64:29-33"
_PAIN_NOTICED_MM = -19.9
"""Smallest improvement of knee pain that patients notice, 0-100 mm (Tubach et al. 2005)."""


def score_blocks(book: Book) -> list[Block | None]:
    """Return the figures and tables of WOMAC and pain."""
    blocks: list[Block | None] = []
    scores = (
        ("womac", "WOMAC total", 96.0, "points", None),
        ("pain_vas", "Pain", 100.0, "mm", _PAIN_NOTICED_MM),
    )
    for listing_id, name, high, unit, noticed in scores:
        listing = book.results.listing(listing_id)
        if listing is None:
            continue
        shows = (
            Show("USUBJID", "Subject"),
            Show("GROUP", "Group"),
            Show("BASELINE", "Baseline", is_number=True),
            Show("FOLLOW_UP", "Follow-up", is_number=True),
            Show("CHANGE", "Change", is_number=True),
            Show("NOTE", "Note"),
        )
        blocks.append(change_figure(book, listing_id, name=name, high=high, unit=unit))
        blocks.append(
            waterfall_figure(
                book,
                listing_id,
                name=name,
                unit=unit,
                threshold=noticed,
                source="" if noticed is None else _PAIN_SOURCE,
            )
        )
        table = table_of(book, listing_id, shows)
        blocks.append(Fold(f"{listing.title}: every subject", (table,)) if table else None)
    return blocks


def companion_blocks(book: Book) -> list[Block | None]:
    """Return amounts, decay and labelled-cell equivalents, each under its own name."""
    return [
        _amounts(book),
        _estimates(
            book,
            "decay",
            "HALF_LIFE",
            "Half-life of the signal",
            "Loss of signal: tracer that leaves, is degraded or changes its state. It is not the "
            "loss of cells.",
        ),
        _estimates(
            book,
            "cells",
            "VALUE",
            "Labelled-cell equivalents",
            "The number of cells that would hold this iron at the iron per cell of the injected "
            "lot. It is not a count of living cells: iron outlives its cell.",
        ),
    ]


def _amounts(book: Book) -> Block | None:
    listing = book.results.listing("amounts")
    if listing is None:
        return None
    rows = []
    for row in lines_of(book.results, "amounts"):
        flag = "\u2691 " if row.is_set("FLAGGED") else ""
        names = [code(row.text(c)) for c in ("USUBJID", "VISIT", "REGION", "MODEL")]
        words = [escaped(flag + (row.text("NOTE") or "\u2013"))]
        values = [estimate(row), _naive(row), cell(row, "MISFIT_P")]
        rows.append(Row((*names, *values, *words), data_id=row.id))
    heads = (
        *(Head(name) for name in ("Subject", "Visit", "Region", "Source model")),
        *(Head(name, is_number=True) for name in ("Amount", "Summed image", "Misfit p")),
        Head("Note"),
    )
    notes = (
        "The summed image is printed for comparison only: it depends on place and settings.",
        *listing.notes,
    )
    table = Table(
        "Amounts, \u00b5g of iron in calibration-sample equivalents",
        heads,
        tuple(rows),
        notes,
        book.source(listing),
    )
    return Fold(f"Amounts behind the shares ({len(rows)} rows)", (table,))


def _naive(row: Line) -> Html:
    """Return the summed image; it exists for the whole picture, not for one region."""
    if row.number("NAIVE_SUM") is None and row.text("REGION") != "total":
        return escaped("\u2013")
    return cell(row, "NAIVE_SUM")


def _estimates(book: Book, listing_id: str, value: str, title: str, warning: str) -> Block | None:
    listing = book.results.listing(listing_id)
    if listing is None:
        return None
    has_visit = "VISIT" in listing.columns
    rows = tuple(
        Row(
            (
                code(row.text("USUBJID")),
                *((escaped(row.text("VISIT")),) if has_visit else ()),
                escaped(book.short(row.values.get("GROUP"))),
                estimate(row, (value, "LOWER", "UPPER")),
                escaped(row.text("NOTE") or "\u2013"),
            ),
            data_id=row.id,
        )
        for row in lines_of(book.results, listing_id)
    )
    heads = (
        Head("Subject"),
        *((Head("Visit"),) if has_visit else ()),
        Head("Group"),
        Head(title, is_number=True),
        Head("Note"),
    )
    table = Table(listing.title, heads, rows, listing.notes, book.source(listing))
    return Fold(f"{title} ({len(rows)} rows)", (Prose(warning, "caution"), table))


def imaging_section(book: Book, panels: Mapping[tuple[str, str], ScanPanel]) -> Section | None:
    """Return imaging quality per subject and visit, flagged scans first."""
    listing = book.results.listing("imaging")
    if listing is None:
        return None
    numbered = list(enumerate(lines_of(book.results, "imaging"), start=1))
    flagged = [(i, row) for i, row in numbered if row.is_set("FLAGGED")]
    blocks: list[Block | None] = [Prose(SIGNAL, "caution"), _quality_table(book)]
    if flagged:
        blocks.append(
            mip_figure(book, flagged, panels, name="imaging-flagged", title="Flagged scans, first")
        )
    else:
        blocks.append(Prose("No scan was flagged."))
    for i, (who, rows) in enumerate(by_subject([row for _, row in numbered]), start=1):
        own = [(k, row) for k, row in numbered if row in rows and not row.is_set("FLAGGED")]
        if not own:
            continue
        figure = mip_figure(
            book, own, panels, name=f"imaging-{i}", title=f"Scans of subject {who}, not flagged"
        )
        blocks.append(Fold(f"Subject {who}: {plural(len(own), 'scan')}", (figure,)))
    made = tuple(block for block in blocks if block is not None)
    return Section("imaging", "Imaging quality", made)


def _quality_table(book: Book) -> Block | None:
    listing = book.results.listing("imaging")
    lines = lines_of(book.results, "imaging")
    shows = (
        Show("USUBJID", "Subject"),
        Show("VISIT", "Visit"),
        Show("GRADE", "Grade"),
        Show("SNR", "SNR", is_number=True),
        Show("MISFIT_P", "Misfit p", is_number=True),
        Show("FRAMES", "Frames", is_number=True),
        Show("BACKGROUND_FRAMES", "Background", is_number=True),
        Show("FLAGGED", "Flagged"),
        Show("NOTE", "Note"),
    )
    ranked = sorted(lines, key=lambda row: not row.is_set("FLAGGED"))
    if listing is None:
        return None
    table = table_of(book, "imaging", shows, lines=ranked)
    n = sum(row.is_set("FLAGGED") for row in lines)
    summary = f"All {len(lines)} scans as a table; {n} flagged, first"
    return Fold(summary, (table,)) if table else None
