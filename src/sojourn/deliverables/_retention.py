"""Curves of the share of the day-0 signal: one small picture per subject, and all in one."""

import re
from collections.abc import Sequence
from itertools import groupby
from statistics import median

from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, estimate, lines_of
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._scales import Scale, days
from sojourn.deliverables._svg import axes, drawing, line, marker, path, text

COLUMNS = ("ID", "USUBJID", "GROUP", "VISIT", "DAY", "GRADE", "MODEL", "VALUE", "LOWER", "UPPER")
_DAY_AXIS = "days since injection, compressed"


def main_lines(book: Book) -> list[Line]:
    """Return one retention row for each subject and visit: the leading source model's, if any.

    A visit that was imported under another model only (a number typed in) keeps its row.
    """
    lines = lines_of(book.results, "retention")
    first = next((r.text("MODEL") for r in lines if r.text("MODEL")), "")
    chosen: dict[tuple[str, str], Line] = {}
    for row in lines:
        place = row.text("USUBJID"), row.text("VISIT")
        if place not in chosen or (
            row.text("MODEL") == first and chosen[place].text("MODEL") != first
        ):
            chosen[place] = row
    return list(chosen.values())


def by_subject(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Return the rows of each subject, in the order of first appearance."""
    order = {row.text("USUBJID"): i for i, row in reversed(list(enumerate(lines)))}
    ranked = sorted(lines, key=lambda row: order[row.text("USUBJID")])
    return [(who, list(rows)) for who, rows in groupby(ranked, key=lambda r: r.text("USUBJID"))]


def _top(lines: Sequence[Line]) -> float:
    ends = [row.number("UPPER") or row.number("VALUE") or 0.0 for row in lines]
    return min(2.0, max([1.1, *ends])) * 100


def _percent(top: float, start: float, end: float) -> Scale:
    ticks = tuple(float(t) for t in range(0, int(top) + 1, 50 if top > 110 else 25))
    return Scale(0.0, top, start, end, ticks)


def planned_days(lines: Sequence[Line]) -> dict[str, float]:
    """Return the planned day of each visit, in order: the number in its name, else the median."""
    found: dict[str, list[float]] = {}
    for row in lines:
        taken = found.setdefault(row.text("VISIT"), [])
        if (day := row.number("DAY")) is not None:
            taken.append(day)
    days = {v: median(taken) if taken else 0.0 for v, taken in found.items()}
    named = {v: float(n.group()) for v in found if (n := re.search(r"\d+$", v))}
    return dict(sorted((days | named).items(), key=lambda item: item[1]))


def _days(lines: Sequence[Line]) -> list[float]:
    return [day for row in lines if (day := row.number("DAY")) is not None]


def _whisker(row: Line, x: float, y: Scale, tint: str) -> Html:
    low, high = row.number("LOWER"), row.number("UPPER")
    if low is None and high is None:
        return Html("")
    top = y.high if high is None else 100 * high
    a, b = y.at(0.0 if low is None else 100 * low), y.at(top)
    parts = [line((x, a), (x, b), tint, 1.5), line((x - 3, a), (x + 3, a), tint, 1.5)]
    if top > y.high or high is None:
        parts += [line((x - 4, b + 6), (x, b), tint, 1.5), line((x + 4, b + 6), (x, b), tint, 1.5)]
    else:
        parts.append(line((x - 3, b), (x + 3, b), tint, 1.5))
    return joined(parts)


def _curve(book: Book, lines: Sequence[Line], x: Scale, y: Scale, *, has_whiskers: bool) -> Html:
    style = book.style(lines[0].values.get("GROUP"))
    parts: list[str] = []
    for run in _runs(lines):
        points = [
            (x.at(r.number("DAY") or 0.0), y.at(100 * (r.number("VALUE") or 0.0))) for r in run
        ]
        if len(points) > 1:
            parts.append(path(points, style.color, 1.4, dash=style.dash))
        for row, point in zip(run, points, strict=True):
            if has_whiskers:
                parts.append(_whisker(row, point[0], y, style.color))
            hollow = row.is_set("FLAGGED")
            parts.append(marker(point, style.marker, style.color, 2.8, is_hollow=hollow))
    return joined(parts)


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the visits with a value, split where a planned visit has none."""
    runs: list[list[Line]] = [[]]
    planned = planned_days(lines)
    for row in sorted(lines, key=lambda row: row.number("DAY") or planned[row.text("VISIT")]):
        if row.number("VALUE") is None or row.number("DAY") is None:
            runs.append([])
        else:
            runs[-1].append(row)
    return [run for run in runs if run]


def _subject_picture(
    book: Book, name: str, who: str, lines: list[Line], every: Sequence[Line]
) -> Html:
    x, y = (
        days(_days(every), list(planned_days(every).values()), 34, 236),
        _percent(_top(every), 140, 44),
    )
    missing = [row for row in lines if row.number("VALUE") is None]
    parts: list[str] = [
        text((4, 14), f"{who} \u00b7 {book.short(lines[0].values.get('GROUP'))}", style="strong"),
        axes(x, y, labels=("", "% of day-0 signal"), write=(_whole, _whole)),
        line((x.start, y.at(100)), (x.end, y.at(100)), "neutral", dash="3 3"),
        _curve(book, lines, x, y, has_whiskers=True),
    ]
    planned = planned_days(every)
    for row in missing:
        if (day := row.number("DAY") or planned.get(row.text("VISIT"))) is not None:
            parts.append(text((x.at(day), 136), "none", anchor="middle", fill="alarm"))
    return drawing(
        name,
        (244, 164),
        f"Share of the day-0 signal in the cavity, subject {who}",
        "; ".join(_words(row) for row in lines),
        parts,
        is_simulated=book.is_simulated,
        widths=(200, 340),
    )


def _whole(value: float) -> str:
    return format_number(value)


def _words(row: Line) -> str:
    value, low, high = row.number("VALUE"), row.number("LOWER"), row.number("UPPER")
    if value is None:
        return f"{row.text('VISIT')}: no value, {row.text('NOTE') or 'no reason recorded'}"
    ends = [format_number(e, "share", 0) if e is not None else "no bound" for e in (low, high)]
    flag = ", flagged" if row.is_set("FLAGGED") else ""
    return f"{row.text('VISIT')}: {format_number(value, 'share', 0)} ({ends[0]} to {ends[1]}){flag}"


def _rows(
    book: Book, lines: Sequence[Line]
) -> tuple[tuple[str | float | int | bool | None, ...], ...]:
    return tuple(
        (
            row.id,
            row.text("USUBJID"),
            book.group(row.values.get("GROUP")),
            *(row.values.get(c) for c in COLUMNS[3:]),
            row.is_set("FLAGGED"),
            row.text("NOTE"),
        )
        for row in lines
    )


def curves_figure(book: Book) -> Figure:
    """Return the small multiples: each subject's share over time with its intervals."""
    lines = main_lines(book)
    subjects = by_subject(lines)
    pictures = [
        _subject_picture(book, f"curve-{i}", who, rows, lines)
        for i, (who, rows) in enumerate(subjects, start=1)
    ]
    measured = sum(row.number("VALUE") is not None for row in lines)
    return Figure(
        id="retention-by-subject",
        title="Share of the day-0 signal in the joint cavity, subject by subject",
        shows=(
            "How much of the tracer signal found right after injection is still found in the "
            "joint cavity. It is signal: not iron, and not living cells."
        ),
        reading=(
            "One picture per subject, all on the same axes. Bars are the subject's own "
            "intervals (noise, calibration, choice of background, misfit); an arrow goes on past "
            "the axis. The dashed line is 100 %. Hollow points are flagged; \u201cnone\u201d marks "
            "a visit without a value. Days are spaced by log(1 + day), so that early visits stay "
            "apart."
        ),
        worry=(
            "A share that rises from one visit to the next by more than its bars: signal does "
            "not grow by itself. A flagged point that carries the conclusion. Bars so long that "
            "every course would fit."
        ),
        n=f"{len(subjects)} subjects, {measured} of {len(lines)} planned values",
        drawing=joined(pictures),
        columns=(*COLUMNS, "FLAGGED", "NOTE"),
        rows=_rows(book, lines),
        row_ids=tuple(row.id for row in lines),
        layout="grid",
        is_simulated=book.is_simulated,
    )


def overlay_figure(book: Book) -> Figure:
    """Return all subjects' curves on one pair of axes."""
    lines = main_lines(book)
    x = days(_days(lines), list(planned_days(lines).values()), 40, 348)
    y = _percent(max([110.0, *(100 * (r.number("VALUE") or 0.0) for r in lines)]), 216, 50)
    parts: list[str] = [
        axes(x, y, labels=(_DAY_AXIS, "% of day-0 signal"), write=(_whole, _whole)),
        line((x.start, y.at(100)), (x.end, y.at(100)), "neutral", dash="3 3"),
    ]
    subjects = by_subject(lines)
    parts += [_curve(book, rows, x, y, has_whiskers=False) for _, rows in subjects]
    parts.append(_legend(book))
    title = "All subjects in one view"
    return Figure(
        id="retention-all",
        title=title,
        shows="Every subject's course of the signal share, drawn over each other by group.",
        reading=(
            "One line per subject; color, line pattern and marker tell the group. Intervals are "
            "left out here; they stand in the figure before. Lines that cross may well not differ."
        ),
        worry="One subject far from all others; a group whose lines fan out after day 0.",
        n=f"{len(subjects)} subjects",
        drawing=drawing(
            "retention-all",
            (360, 256),
            title,
            "; ".join(f"{who}: " + ", ".join(map(_words, rows)) for who, rows in subjects),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=(*COLUMNS, "FLAGGED", "NOTE"),
        rows=_rows(book, lines),
        row_ids=tuple(row.id for row in lines),
        is_simulated=book.is_simulated,
    )


def _legend(book: Book) -> Html:
    parts: list[str] = []
    place = 14.0
    for code in book.results.groups:
        style, label = book.style(code), book.short(code)
        parts.append(path([(place, 12), (place + 26, 12)], style.color, 1.8, dash=style.dash))
        parts.append(marker((place + 13, 12), style.marker, style.color))
        parts.append(text((place + 32, 16), label))
        place += 44 + 6.4 * len(label)
    return joined(parts)


def legend(book: Book) -> Html:
    """Return a legend of the groups at the top of a drawing."""
    return _legend(book)


__all__ = ["by_subject", "curves_figure", "estimate", "legend", "main_lines", "overlay_figure"]
