"""Cumulative incidence with competing events, with intervals and the numbers at risk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Html, coordinate, element, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._palette import GroupStyle, color, group_style
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._survival import at_risk
from sojourn.deliverables._svg import Point, axes, drawing, line, path, text

COLUMNS = ("GROUP", "CAUSE", "NAME", "TIME", "AT_RISK", "EVENTS", "CIF", "LOWER", "UPPER")

_BEYOND = 2.5
"""How far beyond the last day that was asked for a curve is drawn, in multiples of that day."""

Curves = Mapping[tuple[str, str], list[Line]]


def incidence_figure(book: Book, listing_id: str) -> Figure:
    """Return the figure of one listing ``cif_<analysis>``: the event and what competes with it.

    The band is drawn for the event of interest (CAUSE 0) only, so that curves stay apart.
    """
    listing = book.results.listing(listing_id)
    title = listing.title if listing else listing_id
    lines = lines_of(book.results, listing_id)
    curves = _curves(lines)
    asked = _asked(book, listing_id)
    end = max([row.number("TIME") or 0.0 for row in lines], default=1.0)
    last = min(end, _BEYOND * max(asked, default=end))
    drawn = [row for row in lines if (row.number("TIME") or 0.0) <= last]
    top = max([row.number("UPPER") or row.number("CIF") or 0.0 for row in drawn], default=0.0)
    x = linear(0, max(1.0, last), 40, 344, is_tight=True)
    y = linear(0, min(100.0, max(10.0, 100 * top)), 206, 30)
    write = (format_number, format_number)
    parts: list[str] = [axes(x, y, labels=("days since day 0", "% with the event"), write=write)]
    parts += [
        line((x.at(day), y.start), (x.at(day), y.end), "neutral", dash="2 4") for day in asked
    ]
    for i, ((_, cause), every) in enumerate(curves.items()):
        style = group_style(i)
        rows = _until(every, last)
        if cause == "0":
            parts.append(_band(rows, x, y, style))
        parts.append(path(_steps(rows, "CIF", x, y), style.color, 2, dash=style.dash))
    parts += _legend(book, curves)
    below = 262 + 16 * len(curves)
    n_groups = len({group for group, _ in curves})
    parts.append(_risk_table(book, curves, x, below))
    return Figure(
        id=listing_id.replace("_", "-"),
        title=title,
        shows=(
            "The share of subjects who have had the event by each day, in the presence of the "
            "events that compete with it (Aalen-Johansen)."
        ),
        reading=(
            "Each step up is an event. Curves of one group add up to the share with any event. "
            "The band is the pointwise 95 % interval of the event of interest. The counts below "
            "say how many were still without any event just before each day. Dotted upright lines "
            "are the days that the analysis asks for."
            + (f" Drawn to day {last:g}; later days are in its numbers." if last < end else "")
        ),
        worry=(
            "A curve of the event read without that of its competitor: whoever died can no longer "
            "have the event. Few still at risk at the right end."
        ),
        n=_sizes(book, curves),
        drawing=drawing(
            listing_id,
            (360, below + 22 + (30 * n_groups if n_groups > 1 else 0)),
            title,
            "; ".join(f"{_named(book, key, rows)}: {_last(rows)}" for key, rows in curves.items()),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=("ID", *COLUMNS),
        rows=tuple((r.id, *(r.values.get(c) for c in COLUMNS)) for r in lines),
        row_ids=tuple(r.id for r in lines),
        is_simulated=book.is_simulated,
    )


def _curves(lines: Sequence[Line]) -> dict[tuple[str, str], list[Line]]:
    curves: dict[tuple[str, str], list[Line]] = {}
    for row in sorted(lines, key=lambda r: r.number("TIME") or 0.0):
        curves.setdefault((row.text("GROUP"), row.text("CAUSE")), []).append(row)
    return dict(sorted(curves.items()))


def _steps(rows: Sequence[Line], column: str, x: Scale, y: Scale) -> list[Point]:
    """Return the corners of a step curve that starts at 0 on day 0 and holds to the last row."""
    level = 0.0
    points = [(x.at(0), y.at(0))]
    for row in rows:
        place = x.at(row.number("TIME") or 0.0)
        points.append((place, y.at(100 * level)))
        value = row.number(column)
        level = level if value is None else value
        points.append((place, y.at(100 * level)))
    return points


def _band(rows: Sequence[Line], x: Scale, y: Scale, style: GroupStyle) -> Html:
    known = [r for r in rows if r.number("LOWER") is not None and r.number("UPPER") is not None]
    if not known:
        return Html("")
    first = x.at(known[0].number("TIME") or 0.0)
    upper, lower = _steps(known, "UPPER", x, y), _steps(known, "LOWER", x, y)
    outline = [p for p in (*upper, *reversed(lower)) if p[0] >= first]
    d = "M" + "L".join(f"{coordinate(a)} {coordinate(b)}" for a, b in outline) + "Z"
    return element("path", {"d": d, "fill": color(style.color), "fill-opacity": 0.13})


def _legend(book: Book, curves: Curves) -> list[Html]:
    parts: list[Html] = []
    for i, (key, rows) in enumerate(curves.items()):
        style, level = group_style(i), 256 + 16 * i
        parts.append(path([(8, level - 4), (38, level - 4)], style.color, 2, dash=style.dash))
        parts.append(text((46, level), _named(book, key, rows)))
    return parts


def _named(book: Book, key: tuple[str, str], rows: Sequence[Line]) -> str:
    group, cause = key
    name = rows[0].text("NAME") or ("the event" if cause == "0" else f"competing event {cause}")
    return name if group == "ALL" else f"{book.short(group)}, {name}"


def _risk_table(book: Book, curves: Curves, x: Scale, top: float) -> Html:
    parts: list[str] = [text((8, top), "Number at risk", style="strong")]
    groups = list(dict.fromkeys(group for group, _ in curves))
    for i, group in enumerate(groups):
        rows = next(rows for (code, _), rows in curves.items() if code == group)
        level = top + 16 + 30 * i
        if len(groups) > 1:
            parts.append(text((8, level), book.short(group)))
        shift = 13 if len(groups) > 1 else 0
        parts += [
            text((x.at(t), level + shift), str(at_risk(rows, t)), anchor="middle") for t in x.ticks
        ]
    return joined(parts)


def _sizes(book: Book, curves: Curves) -> str:
    """Return how many subjects there are, and how many events of each cause, by name."""
    followed = {
        group: max([int(r.number("AT_RISK") or 0) for r in rows], default=0)
        for (group, _), rows in curves.items()
    }
    events = [
        f"{sum(int(r.number('EVENTS') or 0) for r in rows)} {_named(book, key, rows)}"
        for key, rows in curves.items()
    ]
    return f"{sum(followed.values())} subjects: {', '.join(events)}"


def _asked(book: Book, listing_id: str) -> list[float]:
    """Return the days for which the analysis of a listing gives numbers."""
    name = listing_id.removeprefix("cif_")
    own = [r.operationId for r in book.results.results if r.analysisId == name]
    found = [re.fullmatch(r"incidence_at_([0-9.]+)", operation) for operation in own]
    return sorted({float(match[1]) for match in found if match})


def _until(rows: Sequence[Line], last: float) -> list[Line]:
    """Return the rows up to a day, the last of them repeated there so that the curve reaches it."""
    kept = [row for row in rows if (row.number("TIME") or 0.0) <= last]
    if not kept or kept[-1] is rows[-1]:
        return kept
    return [*kept, replace(kept[-1], values={**kept[-1].values, "TIME": last})]


def _last(rows: Sequence[Line]) -> str:
    value = rows[-1].number("CIF")
    level = "not estimable" if value is None else format_number(value, "share", 0)
    return f"{level} by day {rows[-1].text('TIME')}"
