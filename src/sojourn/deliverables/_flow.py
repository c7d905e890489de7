"""Participant flow: a chart of boxes from the listing `flow`."""

import textwrap

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._svg import drawing, line, rectangle, text

_COLUMNS = ("STEP", "GROUP", "N", "DETAIL")
_GAP = 24.0


def _stages(lines: list[Line]) -> list[tuple[str, list[Line]]]:
    stages: dict[str, list[Line]] = {}
    for row in lines:
        stages.setdefault(row.text("STEP"), []).append(row)
    return list(stages.items())


def _words(book: Book, row: Line, width: float, *, is_split: bool) -> tuple[list[str], list[str]]:
    count = row.text("N") or "not recorded"
    name = f"{book.group(row.values.get('GROUP'))}: " if is_split else ""
    head = textwrap.wrap(f"{name}{row.text('STEP')}, n = {count}", int(width / 7.2))
    return head, textwrap.wrap(row.text("DETAIL"), int(width / 6.4))


def _box(
    head: list[str], detail: list[str], corner: tuple[float, float], size: tuple[float, float]
) -> Html:
    x, y = corner
    parts: list[str] = [rectangle(corner, size, "accent-soft", stroke="accent")]
    middle = x + size[0] / 2
    for i, words in enumerate(head):
        parts.append(text((middle, y + 18 + 15 * i), words, anchor="middle", style="strong"))
    top = y + 18 + 15 * len(head)
    for i, words in enumerate(detail):
        parts.append(text((middle, top + 14 * i), words, anchor="middle", fill="muted"))
    return joined(parts)


def _draw(book: Book, stages: list[tuple[str, list[Line]]]) -> tuple[list[str], float]:
    parts: list[str] = []
    y = 4.0
    before: list[float] = []
    for _, rows in stages:
        width = (352 - 10 * (len(rows) - 1)) / len(rows) if len(rows) > 1 else 300.0
        lefts = [4 + (width + 10) * i for i in range(len(rows))] if len(rows) > 1 else [30.0]
        words = [_words(book, row, width - 12, is_split=len(rows) > 1) for row in rows]
        height = max(14 + 15 * len(h) + 14 * len(d) for h, d in words)
        centers = [left + width / 2 for left in lefts]
        if before:
            parts.append(_arrows(before, centers, y))
        parts += [
            _box(h, d, (left, y), (width, height))
            for left, (h, d) in zip(lefts, words, strict=True)
        ]
        before, y = centers, y + height + _GAP
    return parts, y - _GAP + 6


def _arrows(before: list[float], after: list[float], y: float) -> Html:
    if len(before) == len(after):
        pairs = list(zip(before, after, strict=True))
    else:
        pairs = [(a, b) for a in before for b in after]
    parts: list[str] = []
    for a, b in pairs:
        bend = y - _GAP / 2
        parts.append(line((a, y - _GAP), (a, bend), "neutral", 1.2))
        if a != b:
            parts.append(line((a, bend), (b, bend), "neutral", 1.2))
        parts.append(line((b, bend), (b, y), "neutral", 1.2))
        parts.append(line((b - 4, y - 6), (b, y), "neutral", 1.2))
        parts.append(line((b + 4, y - 6), (b, y), "neutral", 1.2))
    return joined(parts)


def flow_figure(book: Book) -> Figure:
    """Return the flow chart; a step with one row per group splits into columns."""
    lines = lines_of(book.results, "flow")
    stages = _stages(lines)
    parts, height = _draw(book, stages)
    title = "From enrolment to analysis"
    enrolled = lines[0].text("N") if lines else "0"
    described = "; ".join(
        f"{r.text('STEP')}, {book.group(r.values.get('GROUP'))}: {r.text('N') or 'not recorded'}"
        for r in lines
    )
    return Figure(
        id="participant-flow",
        title=title,
        shows="How many subjects reached each step, from enrolment to analysis.",
        reading="Read from top to bottom; a step that splits shows each group in its own box.",
        worry="Subjects who disappear between two boxes without a reason, or more in one group.",
        n=f"{enrolled} at the first step",
        drawing=drawing(
            "flow", (360, height), title, described, parts, is_simulated=book.is_simulated
        ),
        columns=("ID", *_COLUMNS),
        rows=tuple(
            (
                r.id,
                r.text("STEP"),
                book.group(r.values.get("GROUP")),
                *(r.values.get(c) for c in _COLUMNS[2:]),
            )
            for r in lines
        ),
        row_ids=tuple(r.id for r in lines),
        is_simulated=book.is_simulated,
    )
