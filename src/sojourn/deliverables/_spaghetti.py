"""One line for each subject over time, and the median of each group."""

from collections.abc import Mapping, Sequence
from statistics import median

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._numbers import display, format_number
from sojourn.deliverables._retention import legend
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._svg import Point, axes, drawing, marker, path, text

COLUMNS = ("USUBJID", "GROUP", "VISIT", "DAY", "VALUE", "NOTE")


def spaghetti_figure(
    book: Book, listing_id: str, *, name: str, unit: str, direction: str = ""
) -> Figure:
    """Return the figure of VALUE over DAY in one listing, a row for each subject and visit.

    The thick line joins the median of each group at each planned VISIT, drawn at the median day;
    it stands where at least two subjects have a value. Missing values break a subject's line.

    Parameters
    ----------
    book, listing_id
        results and the listing (`COLUMNS`).
    name, unit
        what is drawn.
    direction
        what is better, in words, such as "higher is better".
    """
    lines = lines_of(book.results, listing_id)
    factor, symbol = display(unit)
    known = [r for r in lines if r.number("VALUE") is not None and r.number("DAY") is not None]
    days = [r.number("DAY") or 0.0 for r in known]
    values = [factor * (r.number("VALUE") or 0.0) for r in known]
    x = linear(min([0.0, *days]), max([1.0, *days]), 48, 348, is_tight=True)
    y = linear(min([0.0, *values]), max([*values, 1e-9]), 240, 56)
    subjects = {r.text("USUBJID") for r in known}
    label = f"{name}, {symbol}" if symbol else name
    parts: list[str] = [
        legend(book),
        axes(x, y, labels=("days since day 0", label), write=(format_number, format_number)),
        *_subjects(book, lines, factor, x, y),
        *_medians(book, known, factor, x, y),
    ]
    if direction:
        parts.append(text((48, 290), direction, style="axis"))
    return Figure(
        id=f"{listing_id.replace('_', '-')}-spaghetti",
        title=f"{name} over time",
        shows=f"{name} of every subject at every visit, and the median of each group.",
        reading=(
            "Thin lines are subjects, broken where a visit has no value. The thick line joins "
            "group medians of whoever was seen at that visit."
        ),
        worry=(
            "A median that moves because those who did badly are no longer seen: compare the "
            "number of lines from left to right."
        ),
        n=f"{len(subjects)} subjects, {len(known)} values; {len(lines) - len(known)} missing",
        drawing=drawing(
            f"{listing_id}-spaghetti",
            (360, 300),
            f"{name} over time",
            f"{len(subjects)} subjects; medians: {_spoken(book, known, factor)}",
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=("ID", *COLUMNS),
        rows=tuple((row.id, *(row.values.get(c) for c in COLUMNS)) for row in lines),
        row_ids=tuple(row.id for row in lines),
        is_simulated=book.is_simulated,
    )


def _subjects(book: Book, lines: Sequence[Line], factor: float, x: Scale, y: Scale) -> list[str]:
    parts: list[str] = []
    runs: dict[str, list[list[Point]]] = {}
    groups: dict[str, object] = {}
    ordered = sorted(lines, key=lambda r: (r.text("USUBJID"), r.number("DAY") or 0.0))
    for row in ordered:
        own = runs.setdefault(row.text("USUBJID"), [[]])
        groups[row.text("USUBJID")] = row.values.get("GROUP")
        day, value = row.number("DAY"), row.number("VALUE")
        if value is None or day is None:
            own.append([])
        else:
            own[-1].append((x.at(day), y.at(factor * value)))
    for subject, pieces in runs.items():
        style = book.style(str(groups[subject]))
        for points in (piece for piece in pieces if piece):
            if len(points) > 1:
                parts.append(path(points, style.color, 0.9, dash=style.dash))
            parts += [marker(point, style.marker, style.color, 2.2) for point in points]
    return parts


def _medians(book: Book, known: Sequence[Line], factor: float, x: Scale, y: Scale) -> list[str]:
    parts: list[str] = []
    for group, points in medians(known).items():
        style = book.style(group)
        placed = [(x.at(day), y.at(factor * value)) for day, value, n in points if n > 1]
        if len(placed) > 1:
            parts.append(path(placed, style.color, 3.4, dash=style.dash))
        parts += [marker(point, style.marker, style.color, 5.0) for point in placed]
    return parts


def medians(known: Sequence[Line]) -> Mapping[str, list[tuple[float, float, int]]]:
    """Return median day, median value and number of subjects by group and visit, in time."""
    cells: dict[str, dict[str, list[Line]]] = {}
    for row in known:
        cells.setdefault(row.text("GROUP"), {}).setdefault(row.text("VISIT"), []).append(row)
    made: dict[str, list[tuple[float, float, int]]] = {}
    for group, visits in cells.items():
        made[group] = sorted(
            (
                median(row.number("DAY") or 0.0 for row in rows),
                median(row.number("VALUE") or 0.0 for row in rows),
                len(rows),
            )
            for rows in visits.values()
        )
    return made


def _spoken(book: Book, known: Sequence[Line], factor: float) -> str:
    return "; ".join(
        f"{book.group(group)}: "
        + ", ".join(f"day {day:g} {format_number(factor * value)}" for day, value, _ in points)
        for group, points in medians(known).items()
    )
