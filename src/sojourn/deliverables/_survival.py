"""Kaplan-Meier curves with their intervals and the numbers at risk."""

from collections.abc import Sequence
from itertools import pairwise

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Attribute, Html, coordinate, element, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._palette import color
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._svg import axes, drawing, path, text

COLUMNS = ("GROUP", "TIME", "AT_RISK", "EVENTS", "CENSORED", "SURVIVAL", "LOWER", "UPPER")

_LATE = (
    " Subjects came under observation after the origin and count as at risk only from then on "
    "(left truncation): the number at risk grows before it falls, and the curve starts where the "
    "first of them was seen. It is survival of those who lived to enter."
)

_ENDED = (
    " The curve ends where all who were at risk had the event while others came under observation "
    "later: from there on nothing is estimable."
)


def _steps(rows: Sequence[Line], column: str, x: Scale, y: Scale) -> list[tuple[float, float]]:
    """Return the corners of a step curve that starts at 1 and holds to the last row.

    It starts on day 0, or where the first subject came under observation, and ends where nothing
    is estimable any more (a row without the number).
    """
    level = 1.0
    seen = [row for row in rows if is_observed(row)]
    start = first_observed(rows)
    points = [(x.at(start), y.at(100))]
    for row in seen:
        place = x.at(row.number("TIME") or 0.0)
        points.append((place, y.at(100 * level)))
        value = row.number(column)
        if value is None:
            break
        level = value
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


def is_observed(row: Line) -> bool:
    """Tell whether anybody was at risk at a row's time."""
    return (row.number("AT_RISK") or 0) > 0 or (row.number("EVENTS") or 0) > 0


def first_observed(rows: Sequence[Line]) -> float:
    """Return the time at which a curve starts: 0, or later where all were first seen later."""
    if not rows or is_observed(rows[0]):
        return 0.0
    seen = [row.number("TIME") or 0.0 for row in rows if is_observed(row)]
    return min(seen, default=0.0)


def is_late(rows: Sequence[Line]) -> bool:
    """Tell whether anybody came under observation after the origin: the number at risk rises."""
    sizes = [row.number("AT_RISK") or 0.0 for row in rows]
    return any(after > before for before, after in pairwise(sizes))


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
    late = any(is_late(rows) for rows in groups.values())
    label = "days since the origin that its rule names" if late else "days since day 0"
    parts: list[str] = [axes(x, y, labels=(label, "% event-free"), write=write)]
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
            + (_LATE if late else "")
            + (_ENDED if any(row.number("SURVIVAL") is None for row in lines) else "")
        ),
        worry=(
            "A curve that is read where few are still at risk. Many early end-of-follow-up marks: "
            "they are assumed to be like those who stayed."
        ),
        n=(
            f"{events} events; at most {followed} subjects at risk at one time"
            if late
            else f"{followed} subjects, {events} events"
        ),
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
