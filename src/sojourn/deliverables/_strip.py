"""The per-patient strip: counts, treatments and events of one subject on one time axis."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sojourn.core.results import Cell
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line
from sojourn.deliverables._markup import Html, joined
from sojourn.deliverables._numbers import display, format_number
from sojourn.deliverables._scales import Scale, linear, logarithmic
from sojourn.deliverables._svg import dots, drawing, line, marker, path, text

_LEFT, _RIGHT = 84.0, 548.0
_LANE, _PANEL = 17.0, 88.0
_LONGEST_GAP_DAYS = 4.0
_FIRST_DAY, _LAST_DAY = -14.0, 100.0


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of marks above the counts: its label, the kinds of `marks`, shape and color."""

    label: str
    kinds: tuple[str, ...]
    shape: str
    color: str


LANES = (
    Lane("MSC dose", ("DOSE",), "diamond", "first"),
    Lane("growth factor", ("G-CSF", "TPO-RA", "EPO"), "tick", "fourth"),
    Lane("red cells", ("RBC",), "tick", "alarm"),
    Lane("platelets", ("PLT",), "tick", "second"),
)
KINDS = {"PLTCR": "CR", "PLTPR": "PR"}
"""Classes of platelet response, by parameter."""

_DRAWN = {kind for lane in LANES for kind in lane.kinds}


@dataclass(frozen=True, slots=True)
class Count:
    """One kind of count: its column, how its axis runs, its default thresholds and outcomes."""

    column: str
    label: str
    color: str
    params: tuple[str, ...]


COUNTS = (
    Count("ANC", "neutrophils, 10\u2079/L, log", "first", ("ANCREC",)),
    Count("PLT", "platelets, 10\u2079/L, log", "second", ("PLTCR", "PLTPR")),
    Count("HGB", "hemoglobin, g/L", "alarm", ("HGBREC",)),
)
_DEFAULTS: Mapping[str, tuple[float, ...]] = {"ANC": (0.5e9,), "PLT": (20e9, 50e9), "HGB": (70.0,)}
_STAGES = {"ANC": "neutrophil_recovery", "PLT": "platelet_response", "HGB": "hemoglobin_recovery"}


def thresholds(book: Book) -> Mapping[str, tuple[float, ...]]:
    """Return the thresholds drawn for each count: the rules of the run, else the registered ones.

    A rule's thresholds are the numbers of its parameters whose name starts or ends with the word
    threshold, or that end in ``_per_l`` or ``_g_per_l``.
    """
    found = dict(_DEFAULTS)
    for column, stage in _STAGES.items():
        for step in book.results.steps:
            rule = step.parameters.get("rule")
            if step.label.endswith(stage) and isinstance(rule, Mapping):
                values = [
                    float(v)
                    for k, v in sorted(rule.items())
                    if k.endswith("per_l") and isinstance(v, int | float)
                ]
                found[column] = tuple(sorted(values)) or found[column]
    return found


@dataclass(frozen=True, slots=True)
class Patient:
    """All rows of one subject."""

    name: str
    group: Cell
    counts: tuple[Line, ...]
    marks: tuple[Line, ...]
    outcomes: tuple[Line, ...]


def patients(lines: Mapping[str, Sequence[Line]]) -> list[Patient]:
    """Return every subject of the listings `counts`, `marks`, `outcomes`, in order of name."""
    names = {row.text("USUBJID") for rows in lines.values() for row in rows}
    split: dict[str, dict[str, list[Line]]] = {name: {} for name in sorted(names)}
    for kind, rows in lines.items():
        for row in rows:
            split[row.text("USUBJID")].setdefault(kind, []).append(row)
    made = []
    for name, kinds in split.items():
        outcomes = tuple(kinds.get("outcomes", ()))
        group = outcomes[0].values.get("GROUP") if outcomes else None
        made.append(
            Patient(
                name, group, tuple(kinds.get("counts", ())), tuple(kinds.get("marks", ())), outcomes
            )
        )
    return made


def day_axis(people: Sequence[Patient]) -> tuple[float, float]:
    """Return the first and last day drawn, the same for everybody: where counts are dense."""
    taken = [d for p in people for row in p.counts if (d := row.number("DAY")) is not None]
    return (max(_FIRST_DAY, min([-7.0, *taken])), min(_LAST_DAY, max([56.0, *taken])))


def met_days(patient: Patient, params: Sequence[str]) -> dict[str, float]:
    """Return the day on which each of `params` was met, earliest first; unmet ones are absent.

    Of several rules for one parameter the first in the study file counts: the main one.
    """
    leading = {row.text("PARAMCD"): row for row in reversed(patient.outcomes)}
    days = {
        param: day
        for param in params
        if param in leading
        and leading[param].number("CNSR") == 0
        and (day := leading[param].number("DAY")) is not None
    }
    return dict(sorted(days.items(), key=lambda item: item[1]))


def met_day(patient: Patient, params: Sequence[str]) -> float | None:
    """Return the day on which the first of `params` was met, or None."""
    return next(iter(met_days(patient, params).values()), None)


def is_affected(patient: Patient, column: str) -> bool:
    """Tell whether a lineage was low at baseline, as far as an outcome says that it was not."""
    for row in patient.outcomes:
        if re.fullmatch(f"{column}REC\\d+", row.text("PARAMCD")):
            return bool(row.text("AVALC")) or not row.text("REASON").startswith("not affected")
    return True


def _ends(people: Sequence[Patient], column: str, limits: Sequence[float]) -> tuple[float, float]:
    found = [
        v for p in people for row in p.counts if (v := row.number(column)) is not None and v > 0
    ]
    return min([*found, *limits]), max([*found, *limits])


def axes_of(book: Book, people: Sequence[Patient]) -> list[Scale]:
    """Return the vertical scale of each count, the same for every patient, from 0 up."""
    limits = thresholds(book)
    made = []
    for count in COUNTS:
        low, high = _ends(people, count.column, limits[count.column])
        if count.column == "HGB":
            ends = (min(50.0, low), max(130.0, high))
            made.append(linear(*ends, _PANEL - 16, 0, count=4, is_tight=True))
        else:
            floor, top = (1e7, 1e10) if count.column == "ANC" else (1e9, 1e12)
            ends = (max(low, floor), min(max(high, top / 10), top))
            made.append(logarithmic(*ends, _PANEL - 16, 0))
    return made


def _runs(rows: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = []
    for day, value in rows:
        if runs and day - runs[-1][-1][0] <= _LONGEST_GAP_DAYS:
            runs[-1].append((day, value))
        else:
            runs.append([(day, value)])
    return runs


def _panel(
    patient: Patient, count: Count, limits: Sequence[float], x: Scale, y: Scale, top: float
) -> Html:
    factor = display("1/L")[0] if count.column != "HGB" else 1.0
    day = met_day(patient, count.params)
    is_right = day is not None and x.at(day) < _LEFT + 165
    label = text((_RIGHT, top - 4), count.label, anchor="end", style="axis")
    parts: list[str] = [label if is_right else text((_LEFT, top - 4), count.label, style="axis")]
    for tick in y.ticks:
        level = top + y.at(tick)
        parts.append(line((_LEFT, level), (_RIGHT, level), "grid"))
        parts.append(
            text((_LEFT - 6, level + 4), format_number(tick * factor), anchor="end", style="tick")
        )
    for limit in limits:
        level = top + y.at(limit)
        parts.append(line((_LEFT, level), (_RIGHT, level), "ink", 1, dash="5 3"))
    measured = sorted(
        (day, value)
        for row in patient.counts
        if (day := row.number("DAY")) is not None
        and (value := row.number(count.column)) is not None
        and x.holds(day)
    )
    for run in _runs(measured):
        points = [(x.at(day), top + y.at(value)) for day, value in run]
        if len(points) > 1:
            parts.append(path(points, count.color, 1.2))
        parts.append(dots(points, count.color, 3.4))
    if not measured:
        parts.append(text((_LEFT + 8, top + 30), "no count was recorded", fill="alarm"))
    return joined([*parts, _met(patient, count, x, top, y)])


def _met(patient: Patient, count: Count, x: Scale, top: float, y: Scale) -> Html:
    days = {p: d for p, d in met_days(patient, count.params).items() if x.holds(d)}
    if not days:
        return Html("")
    named = [f"{KINDS.get(param, 'met')} day {day:g}" for param, day in days.items()]
    words = ", ".join(named)
    if not is_affected(patient, count.column):
        words = f"not low at baseline; {words}"
    place = x.at(min(days.values()))
    anchor = "end" if place > _RIGHT - 7 * len(words) else "start"
    shift = -4 if anchor == "end" else 4
    lines = [line((x.at(d), top - 12), (x.at(d), top + y.start), "ink", 1.6) for d in days.values()]
    return joined([*lines, text((place + shift, top - 4), words, anchor=anchor, style="strong")])


def _lane(lane: Lane, patient: Patient, x: Scale, top: float) -> Html:
    parts: list[str] = [
        text((_LEFT - 6, top + 4), lane.label, anchor="end", style="tick"),
        line((_LEFT, top), (_RIGHT, top), "grid"),
    ]
    for row in patient.marks:
        day = row.number("DAY")
        if row.text("KIND") in lane.kinds and day is not None and x.holds(day):
            parts.append(marker((x.at(day), top), lane.shape, lane.color, 4.2))
    return joined(parts)


def other_events(patient: Patient) -> list[Line]:
    """Return the marks that no lane draws: deaths, relapses, infections, and so on."""
    return [row for row in patient.marks if row.text("KIND") not in _DRAWN]


def _events(patient: Patient, x: Scale, top: float) -> Html:
    parts: list[str] = [
        text((_LEFT - 6, top + 4), "events", anchor="end", style="tick"),
        line((_LEFT, top), (_RIGHT, top), "grid"),
    ]
    for number, row in enumerate(other_events(patient), start=1):
        day = row.number("DAY")
        if day is not None and x.holds(day):
            shape = "cross" if row.text("KIND") == "DEATH" else "triangle"
            parts.append(marker((x.at(day), top), shape, "ink", 3.6))
            parts.append(text((x.at(day) + 6, top + 4), str(number), style="tick"))
    return joined(parts)


def strip_figure(
    book: Book, patient: Patient, index: int, days: tuple[float, float], scales: Sequence[Scale]
) -> Figure:
    """Return one subject's strip; `scales` are shared by all subjects."""
    x = linear(days[0], days[1], _LEFT, _RIGHT, count=9, is_tight=True)
    parts: list[str] = []
    bottom = 12 + _LANE * (len(LANES) + 1) + (_PANEL + 14) * len(COUNTS) + 4
    for tick in x.ticks:
        place = x.at(tick)
        parts.append(line((place, 4), (place, bottom), "neutral" if tick == 0 else "grid"))
        parts.append(text((place, bottom + 15), format_number(tick), anchor="middle", style="tick"))
    parts.append(
        text((_RIGHT, bottom + 31), "days since the first MSC dose", anchor="end", style="axis")
    )
    for i, lane in enumerate(LANES):
        parts.append(_lane(lane, patient, x, 12 + _LANE * i))
    parts.append(_events(patient, x, 12 + _LANE * len(LANES)))
    limits = thresholds(book)
    top = 12 + _LANE * (len(LANES) + 1) + 12
    for count, y in zip(COUNTS, scales, strict=True):
        parts.append(_panel(patient, count, limits[count.column], x, y, top))
        top += _PANEL + 14
    title = f"Counts and treatment of subject {patient.name}"
    return Figure(
        id=f"strip-{index}",
        title=title,
        shows="Every count as measured, with what was given and what happened, on one time axis.",
        reading=(
            "Dots are measurements; lines join those at most 4 days apart, so a gap is a gap in "
            "measuring. Dashed lines are the rule's thresholds. Counts beyond an axis lie on "
            "its edge. A black upright line is the day on which a rule was met. "
            "Numbers at events refer to the list below; later days stand there and in the table."
        ),
        worry="A level held only by transfusions or growth factor; a recovery inside a gap.",
        n=f"{len(patient.counts)} days with counts, {len(patient.marks)} marks",
        drawing=drawing(
            f"strip-{index}",
            (560, bottom + 38),
            title,
            _described(patient),
            parts,
            is_simulated=book.is_simulated,
            widths=(520, 760),
        ),
        columns=("ID", "USUBJID", "DAY", "ANC", "HGB", "PLT", "KIND", "DETAIL"),
        rows=_rows(patient),
        row_ids=tuple(row.id for row in (*patient.counts, *patient.marks)),
        layout="wide",
        is_simulated=book.is_simulated,
    )


def _rows(patient: Patient) -> tuple[tuple[Cell, ...], ...]:
    columns = ("USUBJID", "DAY", "ANC", "HGB", "PLT", "KIND", "DETAIL")
    every = (*patient.counts, *patient.marks)
    return tuple((row.id, *(row.values.get(column) for column in columns)) for row in every)


def _described(patient: Patient) -> str:
    met = [
        f"{count.column} rule {'not met' if day is None else f'met on day {day:g}'}"
        for count in COUNTS
        for day in [met_day(patient, count.params)]
    ]
    doses = sum(row.text("KIND") == "DOSE" for row in patient.marks)
    transfusions = sum(row.text("KIND") in {"RBC", "PLT"} for row in patient.marks)
    return f"{'; '.join(met)}. {doses} MSC doses, {transfusions} transfusions."
