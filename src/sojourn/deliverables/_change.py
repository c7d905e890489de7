"""A score before and after: one line per subject."""

from collections.abc import Sequence
from itertools import pairwise

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._retention import legend
from sojourn.deliverables._scales import linear
from sojourn.deliverables._svg import drawing, line, marker, path, text

_COLUMNS = ("USUBJID", "BASELINE", "FOLLOW_UP", "CHANGE", "NOTE")
_LEFT, _RIGHT = 84.0, 240.0


def _spread(levels: Sequence[float], gap: float = 13.0) -> list[float]:
    """Return label positions near `levels`, in their order, at least `gap` apart."""
    order = sorted(range(len(levels)), key=lambda i: levels[i])
    placed = list(levels)
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    shift = sum(p - level for p, level in zip(placed, levels, strict=True)) / max(1, len(levels))
    return [p - shift for p in placed]


def change_figure(book: Book, listing_id: str, *, name: str, high: float, unit: str) -> Figure:
    """Return the figure of a score from baseline to follow-up; lower is better."""
    lines = lines_of(book.results, listing_id)
    drawn = [
        (row, before, after)
        for row in lines
        if (before := row.number("BASELINE")) is not None
        and (after := row.number("FOLLOW_UP")) is not None
    ]
    parts = _picture(book, drawn, high)
    if not drawn:
        parts.append(text((100, 200), "no subject has both values", fill="alarm"))
    left_out = len(lines) - len(drawn)
    title = f"{name}: baseline to follow-up, subject by subject"
    return Figure(
        id=f"{listing_id.replace('_', '-')}-change",
        title=title,
        shows=f"Each subject's {name} before and after treatment, 0 (best) to {high:g} {unit}.",
        reading=(
            "A line that falls is an improvement. Lines are subjects; color, pattern and marker "
            "tell the group. A subject without both values has no line and stands in the table."
        ),
        worry=(
            "Improvement in both groups alike: scores fall without any treatment as well. "
            "Missing follow-up in those who did badly."
        ),
        n=f"{len(drawn)} of {len(lines)} subjects have both values; {left_out} left out",
        drawing=drawing(
            f"{listing_id}-change",
            (360, 358),
            title,
            "; ".join(
                f"{r.text('USUBJID')}: {format_number(b)} to {format_number(a)}"
                for r, b, a in drawn
            ),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=("ID", "USUBJID", "GROUP", *_COLUMNS[1:]),
        rows=tuple(_row(book, row) for row in lines),
        row_ids=tuple(row.id for row in lines),
        is_simulated=book.is_simulated,
    )


def _picture(book: Book, drawn: Sequence[tuple[Line, float, float]], high: float) -> list[str]:
    y = linear(0, high, 330, 56, is_tight=True)
    parts: list[str] = [legend(book)]
    for at, label in ((_LEFT, "baseline"), (_RIGHT, "follow-up")):
        parts.append(line((at, y.start), (at, y.end), "rule"))
        parts.append(text((at, 44), label, anchor="middle", style="axis"))
    parts += [
        text((30, y.at(t) + 4), format_number(t), anchor="end", style="tick") for t in y.ticks
    ]
    parts += [line((36, y.at(t)), (_RIGHT + 8, y.at(t)), "grid") for t in y.ticks]
    places = _spread([y.at(after) for _, _, after in drawn])
    for (row, before, after), place in zip(drawn, places, strict=True):
        style = book.style(row.values.get("GROUP"))
        ends = [(_LEFT, y.at(before)), (_RIGHT, y.at(after))]
        parts.append(path(ends, style.color, 1.6, dash=style.dash))
        parts += [marker(end, style.marker, style.color, 3.6) for end in ends]
        parts.append(line((_RIGHT + 6, ends[1][1]), (_RIGHT + 30, place), "rule"))
        parts.append(text((_RIGHT + 34, place + 4), row.text("USUBJID"), fill=style.color))
    parts.append(text((36, 350), "lower is better", style="axis"))
    return parts


def _row(book: Book, row: Line) -> tuple[str | float | int | bool | None, ...]:
    values = (row.values.get(column) for column in _COLUMNS[1:])
    return (row.id, row.text("USUBJID"), book.group(row.values.get("GROUP")), *values)
