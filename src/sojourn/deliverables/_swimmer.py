"""All patients at a glance: one line per subject with the days on which each rule was met."""

from collections.abc import Sequence

from sojourn.core.results import Cell
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._strip import COUNTS, Count, Patient, is_affected, met_day
from sojourn.deliverables._svg import drawing, line, marker, text

_LEFT, _RIGHT, _ROW, _TOP = 84.0, 348.0, 16.0, 52.0
_SHAPES = {"ANC": ("circle", "first"), "PLT": ("square", "second"), "HGB": ("triangle", "third")}
_NAMES = {"ANC": "neutrophils", "PLT": "platelets (CR or PR)", "HGB": "hemoglobin"}


def _key() -> Html:
    parts: list[str] = []
    for i, (column, (shape, tint)) in enumerate(_SHAPES.items()):
        x, y = 12 + 130 * i if i < 2 else 12, 12 if i < 2 else 30
        parts.append(marker((x, y), shape, tint, 4))
        parts.append(text((x + 9, y + 4), f"{_NAMES[column]} met"))
    parts.append(marker((142, 30), "cross", "ink", 4))
    parts.append(text((151, 34), "death"))
    parts.append(marker((202, 30), "tick", "neutral", 4))
    parts.append(text((210, 34), "last count"))
    return joined(parts)


def _row(patient: Patient, x: Scale, y: float) -> Html:
    taken = [d for row in patient.counts if (d := row.number("DAY")) is not None]
    last = min(max(taken, default=0.0), x.high)
    parts: list[str] = [
        text((_LEFT - 8, y + 4), patient.name[:12], anchor="end", style="tick"),
        line((x.at(0), y), (x.at(last), y), "rule", 1.5),
    ]
    if max(taken, default=0.0) <= x.high:
        parts.append(marker((x.at(last), y), "tick", "neutral", 3.4))
    for row in patient.marks:
        day = row.number("DAY")
        if row.text("KIND") == "DEATH" and day is not None and x.holds(day):
            parts.append(marker((x.at(day), y), "cross", "ink", 3.6))
    for shift, count in zip((-4.2, 0.0, 4.2), COUNTS, strict=True):
        day = met_day(patient, count.params)
        if day is not None and x.holds(day):
            shape, tint = _SHAPES[count.column]
            hollow = not is_affected(patient, count.column)
            at = (x.at(day), y + shift)
            parts.append(marker(at, shape, tint, 2.6 if hollow else 2.9, is_hollow=hollow))
    return joined(parts)


def swimmer_figure(book: Book, people: Sequence[Patient], last_day: float) -> Figure:
    """Return the overview of all patients; nobody is left out."""
    x = linear(0, last_day, _LEFT, _RIGHT, count=6, is_tight=True)
    bottom = _TOP + _ROW * len(people) + 2
    parts: list[str] = [_key()]
    for tick in x.ticks:
        parts.append(line((x.at(tick), _TOP - 6), (x.at(tick), bottom), "grid"))
        parts.append(
            text((x.at(tick), bottom + 14), format_number(tick), anchor="middle", style="tick")
        )
    parts.append(
        text((_RIGHT, bottom + 30), "days since the first MSC dose", anchor="end", style="axis")
    )
    parts += [_row(patient, x, _TOP + 6 + _ROW * i) for i, patient in enumerate(people)]
    title = "When each patient met each rule"
    return Figure(
        id="recovery-overview",
        title=title,
        shows="One line per patient from first MSC dose to last count, with the days of recovery.",
        reading=(
            "A marker stands on the day on which the rule was met; a line without a marker of a "
            "kind never met that rule. A hollow marker is a lineage that was not low at baseline: "
            "it is no recovery and enters no denominator. A line that reaches the right edge goes "
            "on; later days are in the "
            "table. Within a line neutrophils stand above, platelets on it, hemoglobin below."
        ),
        worry="Lines that end early without a death; recoveries only in those with few counts.",
        n=f"{len(people)} patients; "
        + "; ".join(_tally(people, count) for count in COUNTS)
        + " (on any day)",
        drawing=drawing(
            "recovery-overview",
            (360, bottom + 38),
            title,
            "; ".join(f"{p.name}: " + ", ".join(_day(p, c.column) for c in COUNTS) for p in people),
            parts,
            is_simulated=book.is_simulated,
        ),
        columns=(
            "USUBJID",
            "GROUP",
            *(f"{c.column}_DAY" for c in COUNTS),
            *(f"{c.column}_AFFECTED" for c in COUNTS),
        ),
        rows=tuple(_numbers(book, patient) for patient in people),
        is_simulated=book.is_simulated,
    )


def _tally(people: Sequence[Patient], count: Count) -> str:
    low = [person for person in people if is_affected(person, count.column)]
    met = sum(met_day(person, count.params) is not None for person in low)
    return f"{_NAMES[count.column]} met in {met} of {len(low)} affected"


def _day(patient: Patient, column: str) -> str:
    count = next(c for c in COUNTS if c.column == column)
    day = met_day(patient, count.params)
    return f"{column} {'not met' if day is None else f'day {day:g}'}"


def _numbers(book: Book, patient: Patient) -> tuple[Cell, ...]:
    met = (met_day(patient, count.params) for count in COUNTS)
    low = (is_affected(patient, count.column) for count in COUNTS)
    return (patient.name, book.group(patient.group), *met, *low)
