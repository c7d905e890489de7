"""Kaplan-Meier curves with their intervals and the numbers at risk."""

from collections.abc import Sequence

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Attribute, Html, coordinate, element, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._palette import color
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._svg import axes, drawing, path, text

COLUMNS = ("GROUP", "TIME", "AT_RISK", "EVENTS", "CENSORED", "SURVIVAL", "LOWER", "UPPER")


def _steps(rows: Sequence[Line], column: str, x: Scale, y: Scale) -> list[tuple[float, float]]:
    """Return the corners of a step curve that starts at 1 on day 0 and holds to the last row."""
    level = 1.0
    points = [(x.at(0), y.at(100))]
    for row in rows:
        place = x.at(row.number("TIME") or 0.0)
        points.append((place, y.at(100 * level)))
        value = row.number(column)
        level = level if value is None else value
        points.append((place, y.at(100 * level)))
    return points


def _band(rows: Sequence[Line], x: Scale, y: Scale, tint: str) -> Html:
    known = [r for r in rows if r.number("LOWER") is not None and r.number("UPPER") is not None]
    if not known:
        return Html("")
    upper, lower = _steps(known, "UPPER", x, y), _steps(known, "LOWER", x, y)
    outline = [*upper, *reversed(lower)]
    d = "M" + "L".join(f"{coordinate(a)} {coordinate(b)}" for a, b in outline) + "Z"
    return element("path", {"d": d, "fill": color(tint), "fill-opacity": 0.13})


def _censored(rows: Sequence[Line], x: Scale, y: Scale, tint: str) -> Html:
    marks: list[str] = []
    for row in rows:
        survival = row.number("SURVIVAL")
        if row.number("CENSORED") and survival is not None:
            place, level = x.at(row.number("TIME") or 0.0), y.at(100 * survival)
            marks.append(f"M{coordinate(place)} {coordinate(level - 4)}v8")
    pen: dict[str, Attribute] = {"d": "".join(marks), "stroke": color(tint), "stroke-width": 1.3}
    return element("path", pen) if marks else Html("")


def at_risk(rows: Sequence[Line], time: float) -> int:
    """Return how many were still followed just before `time`."""
    ahead = [row for row in rows if (row.number("TIME") or 0.0) >= time]
    return int(ahead[0].number("AT_RISK") or 0) if ahead else 0


def _risk_table(book: Book, groups: dict[str, list[Line]], x: Scale) -> Html:
    parts: list[str] = [text((8, 262), "Number at risk", style="strong")]
    for i, (code, rows) in enumerate(groups.items()):
        y = 278 + 30 * i
        if len(groups) > 1:
            parts.append(text((8, y), book.short(code), fill=book.style(code).color))
        parts += [
            text(
                (x.at(t), y + (13 if len(groups) > 1 else 0)),
                str(at_risk(rows, t)),
                anchor="middle",
            )
            for t in x.ticks
        ]
    return joined(parts)


def survival_figure(book: Book, listing_id: str) -> Figure:
    """Return the Kaplan-Meier figure of one listing ``km_<analysis>``."""
    listing = book.results.listing(listing_id)
    title = listing.title if listing else listing_id
    lines = lines_of(book.results, listing_id)
    groups: dict[str, list[Line]] = {}
    for row in sorted(lines, key=lambda r: r.number("TIME") or 0.0):
        groups.setdefault(row.text("GROUP"), []).append(row)
    last = max([row.number("TIME") or 0.0 for row in lines], default=1.0)
    x, y = linear(0, max(1.0, last), 40, 344, is_tight=True), linear(0, 100, 206, 30)
    write = (format_number, format_number)
    parts: list[str] = [axes(x, y, labels=("days since day 0", "% event-free"), write=write)]
    for code, rows in groups.items():
        style = book.style(code)
        parts.append(_band(rows, x, y, style.color))
        parts.append(path(_steps(rows, "SURVIVAL", x, y), style.color, 2, dash=style.dash))
        parts.append(_censored(rows, x, y, style.color))
    parts.append(_risk_table(book, groups, x))
    events = sum(int(row.number("EVENTS") or 0) for row in lines)
    followed = sum(
        max([int(r.number("AT_RISK") or 0) for r in rows], default=0) for rows in groups.values()
    )
    return Figure(
        id=listing_id.replace("_", "-"),
        title=title,
        shows="The estimated share of subjects without the event, day by day (Kaplan-Meier).",
        reading=(
            "Each step down is an event. The band is the pointwise 95 % interval where the data "
            "give one. Small upright marks are subjects whose follow-up ended without the event. "
            "The counts below say how many were still followed just before each day."
        ),
        worry=(
            "A curve that is read where few are still at risk. Many early end-of-follow-up marks: "
            "they are assumed to be like those who stayed."
        ),
        n=f"{followed} subjects, {events} events",
        drawing=drawing(
            listing_id,
            (360, 270 + 30 * len(groups) if len(groups) > 1 else 288),
            title,
            "; ".join(_last_words(book, code, rows) for code, rows in groups.items()),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=("ID", *COLUMNS),
        rows=tuple((r.id, *(r.values.get(c) for c in COLUMNS)) for r in lines),
        row_ids=tuple(r.id for r in lines),
        is_simulated=book.is_simulated,
    )


def _last_words(book: Book, code: str, rows: Sequence[Line]) -> str:
    final = rows[-1]
    value = final.number("SURVIVAL")
    level = "not estimable" if value is None else format_number(value, "share", 0)
    return f"{book.group(code)}: {level} event-free at day {final.text('TIME')}"
