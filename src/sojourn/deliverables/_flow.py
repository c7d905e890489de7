"""Participant flow: a chart of boxes from the listing `flow`."""

import textwrap
from dataclasses import dataclass

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._svg import drawing, line, rectangle, text

_COLUMNS = ("STEP", "GROUP", "N", "DETAIL")
_GAP = 24.0


@dataclass(frozen=True, slots=True)
class _Box:
    """One box: what it says in bold, and what below."""

    head: str
    details: tuple[str, ...]


def _stages(book: Book, lines: list[Line]) -> list[list[_Box]]:
    """Return the boxes of each step; where groups are counted, their sum needs no box."""
    stages: dict[str, dict[str | None, list[Line]]] = {}
    for row in lines:
        group = row.text("GROUP") or None
        code = None if group == "ALL" or group not in book.results.groups else group
        stages.setdefault(row.text("STEP"), {}).setdefault(code, []).append(row)
    made = []
    for step, groups in stages.items():
        shown = {code: rows for code, rows in groups.items() if code is not None} or groups
        whole, parts = groups.get(None, []), [rows[0].number("N") or 0.0 for rows in shown.values()]
        details = tuple(dict.fromkeys(row.text("DETAIL") for row in whole if row.text("DETAIL")))
        if shown is not groups and len(whole) == 1 and whole[0].number("N") != sum(parts):
            made.append([_Box(f"{step}, n = {_count(whole[0])}", details)])
        made.append(_unrepeated([_box_of(book, step, c, rows) for c, rows in shown.items()]))
    return made


def _unrepeated(boxes: list[_Box]) -> list[_Box]:
    """Return boxes side by side; a detail that all of them share stands in the table only."""
    is_shared = len(boxes) > 1 and len({box.details for box in boxes}) == 1
    return [_Box(box.head, ()) for box in boxes] if is_shared else boxes


def _box_of(book: Book, step: str, code: str | None, rows: list[Line]) -> _Box:
    name = "" if code is None or len(book.results.groups) == 1 else f"{_group(book, step, code)}: "
    if len(rows) == 1:
        return _Box(f"{name}{step}, n = {_count(rows[0])}", (rows[0].text("DETAIL"),))
    return _Box(f"{name}{step}", tuple(f"{row.text('DETAIL')}: n = {_count(row)}" for row in rows))


def _group(book: Book, step: str, code: str) -> str:
    """Return a group's name in a box: the first step that splits also says what its code means."""
    lines = lines_of(book.results, "flow")
    first = next((row.text("STEP") for row in lines if row.values.get("GROUP") is not None), step)
    label, short = book.group(code), book.short(code)
    return short if step != first or short == label else f"{label} ({short})"


def _count(row: Line) -> str:
    return row.text("N") or "not recorded"


def _words(box: _Box, width: float) -> tuple[list[str], list[str]]:
    details = [part for words in box.details for part in textwrap.wrap(words, int(width / 6.4))]
    return textwrap.wrap(box.head, int(width / 7.2)), details


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


def _draw(stages: list[list[_Box]]) -> tuple[list[str], float]:
    parts: list[str] = []
    y = 4.0
    before: list[float] = []
    for rows in stages:
        width = (352 - 10 * (len(rows) - 1)) / len(rows) if len(rows) > 1 else 300.0
        lefts = [4 + (width + 10) * i for i in range(len(rows))] if len(rows) > 1 else [30.0]
        words = [_words(box, width - 12) for box in rows]
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
    parts, height = _draw(_stages(book, lines))
    title = "From enrolment to analysis"
    enrolled = lines[0].text("N") if lines else "0"
    described = "; ".join(f"{r.text('STEP')}, {_name(book, r)}: {_count(r)}" for r in lines)
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
                _name(book, r),
                *(r.values.get(c) for c in _COLUMNS[2:]),
            )
            for r in lines
        ),
        row_ids=tuple(r.id for r in lines),
        is_simulated=book.is_simulated,
    )


def _name(book: Book, row: Line) -> str:
    group = row.values.get("GROUP")
    return "all" if group in {None, "ALL"} else book.group(group)
