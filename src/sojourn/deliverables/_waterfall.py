"""A waterfall: every subject's change, from the largest improvement to the largest worsening."""

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import element
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._palette import color
from sojourn.deliverables._retention import legend
from sojourn.deliverables._scales import linear
from sojourn.deliverables._svg import drawing, line, text

COLUMNS = ("USUBJID", "GROUP", "CHANGE", "NOTE")


def waterfall_figure(
    book: Book,
    listing_id: str,
    *,
    name: str,
    unit: str,
    threshold: float | None = None,
    source: str = "",
) -> Figure:
    """Return the figure of CHANGE in one listing, sorted; lower is better.

    Parameters
    ----------
    book, listing_id
        results and the listing with USUBJID, GROUP, CHANGE.
    name, unit
        of the score.
    threshold
        change (negative: an improvement) at which a line is drawn, or None. The line helps to see
        single subjects; nobody is counted against it.
    source
        where the threshold was published.
    """
    lines = lines_of(book.results, listing_id)
    known = [row for row in lines if row.number("CHANGE") is not None]
    known.sort(key=lambda row: (row.number("CHANGE") or 0.0, row.text("USUBJID")))
    title = f"{name}: change of each subject"
    parts = _picture(book, known, unit, threshold)
    absent = len(lines) - len(known)
    return Figure(
        id=f"{listing_id.replace('_', '-')}-waterfall",
        title=title,
        shows=f"The change of {name} from baseline to follow-up, one bar for each subject.",
        reading=(
            "Bars below zero are improvements. Bars are sorted, so their order says nothing about "
            "time or enrollment; color and pattern tell the group."
            + (
                f" The dashed line at {format_number(threshold)} {unit} is a published smallest "
                f"change that patients notice{f' ({source})' if source else ''}; with so few "
                "subjects nobody is counted against it."
                if threshold is not None
                else ""
            )
        ),
        worry="Missing bars: whoever has no follow-up is not in the picture.",
        n=f"{len(known)} of {len(lines)} subjects; {absent} without a change",
        drawing=drawing(
            f"{listing_id}-waterfall",
            (360, 300),
            title,
            "; ".join(
                f"{row.text('USUBJID')}: {format_number(row.number('CHANGE') or 0.0)}"
                for row in known
            ),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=("ID", *COLUMNS),
        rows=tuple((row.id, *(row.values.get(c) for c in COLUMNS)) for row in lines),
        row_ids=tuple(row.id for row in lines),
        is_simulated=book.is_simulated,
    )


def _last(row: Line) -> str:
    """Return what tells a subject from the others: its code after the last hyphen, 4 at most."""
    return row.text("USUBJID").rpartition("-")[2][-4:]


def _picture(book: Book, known: list[Line], unit: str, threshold: float | None) -> list[str]:
    values = [row.number("CHANGE") or 0.0 for row in known]
    ends = [0.0, *values, *([threshold] if threshold is not None else [])]
    y = linear(min(ends), max(ends), 250, 56)
    parts: list[str] = [legend(book), text((8, 44), f"change, {unit}", style="axis")]
    for tick in y.ticks:
        parts.append(line((44, y.at(tick)), (350, y.at(tick)), "grid"))
        parts.append(text((38, y.at(tick) + 4), format_number(tick), anchor="end", style="tick"))
    width = 300 / max(1, len(known))
    for i, (row, value) in enumerate(zip(known, values, strict=True)):
        left = 48 + i * width
        high, low = sorted((y.at(0), y.at(value)))
        style = book.style(row.values.get("GROUP"))
        parts.append(
            element(
                "rect",
                {
                    "x": left + 0.1 * width,
                    "y": high,
                    "width": 0.8 * width,
                    "height": max(0.8, low - high),
                    "fill": color(style.color),
                    "fill-opacity": 0.25 if style.dash else 0.85,
                    "stroke": color(style.color),
                    "stroke-dasharray": style.dash,
                },
            )
        )
        if len(known) <= 12:
            parts.append(text((left + width / 2, 268), _last(row), anchor="middle"))
    parts.append(line((44, y.at(0)), (350, y.at(0)), "neutral", 1.4))
    if threshold is not None:
        parts.append(
            line((44, y.at(threshold)), (350, y.at(threshold)), "caution", 1.4, dash="4 3")
        )
    if not known:
        parts.append(text((100, 150), "no subject has a change", fill="alarm"))
    return parts
