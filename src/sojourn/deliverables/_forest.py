"""Estimates on one axis: a marker for the value, a bar for its interval, words for both."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from sojourn.core.results import Result
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._numbers import decimals_of, display, format_number, is_share
from sojourn.deliverables._palette import GroupStyle
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._svg import drawing, line, marker, text

_WIDTH, _LEFT, _RIGHT, _TOP = 360.0, 8.0, 352.0, 14.0
_LINE, _BELOW = 15.0, 40.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the drawing; `note` says why a value or bound is absent."""

    id: str
    label: str
    group: str
    unit: str
    value: float | None
    lower: float | None
    upper: float | None
    style: GroupStyle
    n: int | None = None
    note: str = ""
    is_flagged: bool = False

    def words(self) -> str:
        """Return value and interval as words."""
        if self.value is None:
            return f"not estimable: {self.note or 'no reason was recorded'}"
        decimals = decimals_of(self.lower, self.upper, self.unit)
        value = format_number(self.value, self.unit, decimals)
        if self.lower is None and self.upper is None:
            return f"{value}, no interval"
        low = high = "unbounded"
        if self.lower is not None:
            is_bare = self.upper is not None
            low = format_number(self.lower, self.unit, decimals, is_bare=is_bare)
        if self.upper is not None:
            high = format_number(self.upper, self.unit, decimals)
        return f"{value} ({low} to {high})"


def entry_of(book: Book, result: Result, label: str = "") -> Entry:
    """Return a result as a row of the drawing."""
    return Entry(
        result.id,
        label or book.label(result),
        book.group(result.groupId),
        book.unit(result),
        result.rawValue,
        result.lower,
        result.upper,
        book.style(result.groupId),
        result.n,
        "; ".join(filter(None, (result.boundNote, *result.notes))),
    )


def subject_entry(book: Book, row: Line, label: str) -> Entry:
    """Return one subject's row of a listing as a row of the drawing."""
    return Entry(
        row.id,
        label,
        book.short(row.values.get("GROUP")),
        row.units.get("VALUE", ""),
        row.number("VALUE"),
        row.number("LOWER"),
        row.number("UPPER"),
        book.style(row.values.get("GROUP")),
        None,
        row.text("NOTE"),
        row.is_set("FLAGGED"),
    )


def _axis(entries: Sequence[Entry]) -> Scale:
    factor = display(entries[0].unit)[0]
    ends = [factor * v for e in entries for v in (e.value, e.lower, e.upper) if v is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    if is_share(entries[0].unit):
        high = max(high, 100.0)
    return linear(low, min(high, 400.0) if is_share(entries[0].unit) else high, _LEFT, _RIGHT)


def _bar(entry: Entry, scale: Scale, y: float) -> Html:
    factor = display(entry.unit)[0]
    if entry.value is None:
        return line((scale.start, y), (scale.end, y), "rule", 1, dash="1 4")
    low = scale.low if entry.lower is None else entry.lower * factor
    high = scale.high if entry.upper is None else entry.upper * factor
    parts: list[str] = []
    if entry.lower is not None or entry.upper is not None:
        a, b = scale.at(low), scale.at(high)
        parts.append(line((a, y), (b, y), entry.style.color, 3))
        parts.append(_end(a, y, entry, is_open=entry.lower is None or low < scale.low, sign=-1))
        parts.append(_end(b, y, entry, is_open=entry.upper is None or high > scale.high, sign=1))
    at = (scale.at(entry.value * factor), y)
    parts.append(marker(at, entry.style.marker, entry.style.color, 5.5, is_hollow=entry.is_flagged))
    return joined(parts)


def _end(x: float, y: float, entry: Entry, *, is_open: bool, sign: int) -> Html:
    color = entry.style.color
    if not is_open:
        return line((x, y - 5), (x, y + 5), color, 1.5)
    back = x - sign * 6
    return joined([line((back, y - 5), (x, y), color, 2), line((back, y + 5), (x, y), color, 2)])


def _labels(entries: Sequence[Entry]) -> list[list[str]]:
    """Return each entry's label in lines; what all entries share is not repeated."""
    has_one_label = len({e.label for e in entries}) == 1 and len(entries) > 1
    has_one_group = len({e.group for e in entries}) == 1
    made = []
    for entry in entries:
        words = [] if has_one_label and not has_one_group else [entry.label]
        words += [] if has_one_group or not entry.group else [entry.group]
        made.append(_balanced(" \u00b7 ".join(words)) or [entry.label])
    return made


def _balanced(words: str, limit: int = 48) -> list[str]:
    """Return words in as few lines as fit, of like length, so that no line holds one word."""
    n_lines = len(textwrap.wrap(words, limit))
    widths = range(max(1, len(words) // max(1, n_lines)), limit + 1)
    return next((w for n in widths if len(w := textwrap.wrap(words, n)) == n_lines), [])


def forest_drawing(
    name: str, entries: Sequence[Entry], title: str, *, is_simulated: bool, least: int = 280
) -> Html:
    """Return the drawing of `entries`, which share one unit, top to bottom."""
    scale, labels = _axis(entries), _labels(entries)
    tops = [_TOP]
    for words in labels:
        tops.append(tops[-1] + _LINE * len(words) + _BELOW)
    parts = [_grid(scale, tops[-1] - 10, display(entries[0].unit)[1])]
    for entry, words, y in zip(entries, labels, tops, strict=False):
        parts += [
            text((_LEFT, y + 4 + _LINE * i), part, style="strong") for i, part in enumerate(words)
        ]
        below = y + 4 + _LINE * len(words)
        tone = "muted" if entry.value is not None else "alarm"
        parts.append(text((_LEFT, below), _short(entry.words()), fill=tone))
        parts.append(_bar(entry, scale, below + 12))
    described = "; ".join(f"{e.label}, {e.group}: {e.words()}" for e in entries)
    return drawing(
        name,
        (_WIDTH, tops[-1] + 28),
        title,
        f"Estimates with intervals. {described}.",
        parts,
        is_simulated=is_simulated,
        widths=(least, 470),
    )


def _grid(scale: Scale, bottom: float, symbol: str) -> Html:
    parts: list[str] = []
    for tick in scale.ticks:
        x = scale.at(tick)
        strong = tick == 0 and scale.low < 0
        parts.append(line((x, _TOP - 8), (x, bottom), "neutral" if strong else "grid"))
        anchor = "start" if x <= _LEFT else "end" if x >= _RIGHT else "middle"
        parts.append(text((x, bottom + 15), format_number(tick), anchor=anchor, style="tick"))
    parts.append(text((_RIGHT, bottom + 31), symbol, anchor="end", style="axis"))
    return joined(parts)


def _short(words: str, limit: int = 56) -> str:
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "\u2026"


def forest_figure(
    book: Book,
    name: str,
    entries: Sequence[Entry],
    *,
    title: str,
    shows: str,
    worry: str,
    n: str,
) -> Figure:
    """Return a figure of `entries`, which share one unit, with its numbers."""
    return Figure(
        id=name,
        title=title,
        shows=shows,
        reading=(
            "The marker is the estimate; the bar is its confidence interval: values outside it "
            "fit the data poorly. An arrow means that the interval goes on past the axis or "
            "has no bound on that side. A hollow marker is flagged. Wide bars mean that little "
            "is known, not that nothing happened."
        ),
        worry=worry,
        n=n,
        drawing=forest_drawing(name, entries, title, is_simulated=book.is_simulated),
        columns=("ID", "LABEL", "GROUP", "UNIT", "VALUE", "LOWER", "UPPER", "N", "NOTE"),
        rows=tuple(
            (e.id, e.label, e.group, e.unit, e.value, e.lower, e.upper, e.n, e.note)
            for e in entries
        ),
        row_ids=tuple(e.id for e in entries),
        is_simulated=book.is_simulated,
    )
