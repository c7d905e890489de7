"""Sections of the transplant study: recovery, survival, and the strip of every patient."""

from collections.abc import Sequence

from sojourn.deliverables._blocks import Block, Fold, Head, Prose, Raw, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, Show, cell, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._strip import (
    KINDS,
    Patient,
    axes_of,
    day_axis,
    is_affected,
    met_days,
    other_events,
    patients,
    strip_figure,
)
from sojourn.deliverables._survival import survival_figure
from sojourn.deliverables._swimmer import swimmer_figure

PARAMETERS = {
    "ANCREC": "Neutrophils",
    "HGBREC": "Hemoglobin",
    "PLTCR": "Platelets, complete response",
    "PLTPR": "Platelets, partial response",
    "PLTRSP40": "Platelet response by day 40",
    "PLTRSP56": "Platelet response by day 56",
    "ANCREC40": "Neutrophils recovered by day 40",
    "HGBREC40": "Hemoglobin recovered by day 40",
    "PLTREC40": "Platelets recovered by day 40",
    "OVERALL": "Overall response",
    "COMPLETE": "Complete response",
    "INFN": "Infections, episodes",
    "INFDAYS": "Days at risk of infection",
    "INFG2": "First infection of grade 2 or more",
    "AGVHDMAX": "Acute GVHD, highest grade",
    "AGVHD2": "Acute GVHD of grade II or more",
    "CGVHDMAX": "Chronic GVHD, highest severity",
    "CGVHD1": "Chronic GVHD",
    "OS": "Overall survival",
    "DFS": "Disease-free survival",
    "RELAPSE": "Relapse",
    "NRM": "Death without relapse",
    "GRFS": "Survival without severe GVHD and relapse",
    "PGF": "Poor graft function at the first dose",
    "PGFTYPE": "Kind of poor graft function",
    "GRFTFAIL": "Primary graft failure",
    "CD4REC": "CD4 cells enough",
}
"""Names of the parameters of ``endpoints``; another keeps its code."""


_CLASSES = {"Y": "yes", "N": "no"}
_SHORT = (
    ("neutrophils", "ANC", ("ANCREC",)),
    ("hemoglobin", "HGB", ("HGBREC",)),
    ("platelets", "PLT", ("PLTCR", "PLTPR")),
)


def all_patients(book: Book) -> list[Patient]:
    """Return every patient of the listings."""
    kinds = ("counts", "marks", "outcomes")
    return patients({kind: lines_of(book.results, kind) for kind in kinds})


def overview_blocks(book: Book) -> list[Block | None]:
    """Return the overview of recoveries."""
    if not book.has("counts"):
        return []
    people = all_patients(book)
    return [swimmer_figure(book, people, day_axis(people)[1])]


def survival_blocks(book: Book) -> list[Block | None]:
    """Return every Kaplan-Meier figure."""
    curves = [item.id for item in book.results.listings if item.id.startswith("km_") and item.rows]
    return [survival_figure(book, name) for name in curves]


def strips_section(book: Book) -> Section | None:
    """Return the strips, one fold for each patient, with what met or denied each rule."""
    if not book.has("counts"):
        return None
    people = all_patients(book)
    days, scales = day_axis(people), axes_of(book, people)
    blocks: list[Block] = [
        Prose(
            "One strip per patient, closed until you open it; all share the same axes. Below each "
            "strip stands, rule by rule, the day on which it was met or what denied it."
        ),
        Raw(_index(people)),
    ]
    for i, patient in enumerate(people, start=1):
        figure = strip_figure(book, patient, i, days, scales)
        inner = [figure, *_rules(patient), _events(patient)]
        blocks.append(
            Fold(
                _summary(patient),
                tuple(block for block in inner if block is not None),
                id=f"patient-{i}",
                is_open=i == 1,
            )
        )
    return Section("patients", "Patient by patient", tuple(blocks))


def _index(people: list[Patient]) -> Html:
    links = [
        element("a", {"href": f"#patient-{i}"}, person.name) for i, person in enumerate(people, 1)
    ]
    return element("p", {"class": "jump"}, joined(links, " "))


def _verdict(row: Line) -> str:
    words, censored = row.text("AVALC"), row.number("CNSR")
    if censored is None:
        value = row.number("AVAL")
        plain = "not evaluated" if value is None else format_number(value)
        return _CLASSES.get(words, words) or plain
    day = row.text("DAY") or "not recorded"
    if words in {"", "Y", "N"}:
        return f"met day {day}" if censored == 0 else f"not met by day {day}"
    return f"{words.lower()}, day {day}"


def _summary(patient: Patient) -> Html:
    known = {row.text("PARAMCD") for row in patient.outcomes}
    shown = []
    for word, column, codes in _SHORT:
        days = met_days(patient, codes)
        if not is_affected(patient, column):
            shown.append(f"{word} not affected")
        elif days:
            named = (f"{KINDS.get(code, '')} day {day:g}".strip() for code, day in days.items())
            shown.append(f"{word} {', '.join(named)}")
        elif known & set(codes):
            shown.append(f"{word} not met")
    words = element("span", {"class": "quiet"}, "; ".join(shown) or "no outcome was derived")
    return joined([patient.name, words], " ")


def _rules(patient: Patient) -> list[Block]:
    """Return the main rule of each parameter; the others, variants of it, folded."""
    if not patient.outcomes:
        return [Prose(f"No outcome was derived for {patient.name}.", "caution")]
    main = {row.text("PARAMCD"): row for row in reversed(patient.outcomes)}
    leading = [row for row in patient.outcomes if main[row.text("PARAMCD")] is row]
    others = [row for row in patient.outcomes if main[row.text("PARAMCD")] is not row]
    blocks: list[Block] = [_rule_table(f"Rules, {patient.name}", leading)]
    if others:
        table = _rule_table(f"Variants of the rules, {patient.name}", others)
        summary = f"Variants of the rules ({len(others)} rows)"
        blocks.append(Fold(summary, (table,), is_bulk=True))
    return blocks


def _rule_table(caption: str, outcomes: Sequence[Line]) -> Table:
    rows = tuple(
        Row(
            (
                _rule_name(row),
                _verdict_cell(row),
                escaped(row.text("REASON") or "no words were recorded"),
                element("code", {"class": "place"}, row.text("EVIDENCE") or "none"),
            ),
            data_id=row.id,
        )
        for row in outcomes
    )
    heads = (Head("Rule"), Head("Verdict"), Head("What met or denied it"), Head("Evidence"))
    return Table(caption, heads, rows)


def _rule_name(row: Line) -> Html:
    code = row.text("PARAMCD")
    endpoint = element("small", {"class": "note"}, f"{row.text('ENDPOINT')} {code}")
    return joined([PARAMETERS.get(code, code), endpoint])


def _verdict_cell(row: Line) -> Html:
    value = row.values.get("DAY")
    attributes = {
        "data-id": row.id,
        "data-field": "DAY",
        "data-value": None if value is None else str(value),
        "title": f"id {row.id}",
    }
    return element("span", attributes, _verdict(row))


def _events(patient: Patient) -> Block | None:
    events = other_events(patient)
    if not events:
        return None
    rows = tuple(
        Row(
            (
                escaped(str(number)),
                cell(row, "DAY"),
                escaped(row.text("KIND").replace("_", " ").lower()),
                escaped(row.text("DETAIL") or "\u2013"),
            ),
            data_id=row.id,
        )
        for number, row in enumerate(events, start=1)
    )
    heads = (Head("No."), Head("Day", is_number=True), Head("Event"), Head("Detail"))
    return Table(f"Events, {patient.name}", heads, rows)


def outcomes_fold(book: Book) -> Block | None:
    """Return every derived outcome as one folded table."""
    listing = book.results.listing("outcomes")
    if listing is None or book.has("counts"):
        return None
    shows = (
        Show("USUBJID", "Subject"),
        Show("GROUP", "Group"),
        Show("PARAMCD", "Parameter"),
        Show("DAY", "Day", is_number=True),
        Show("AVAL", "Value", is_number=True),
        Show("AVALC", "Class"),
        Show("REASON", "What met or denied it"),
        Show("EVIDENCE", "Evidence"),
    )
    table = table_of(book, "outcomes", shows)
    if table is None:
        return None
    return Fold(f"Every derived outcome ({len(table.rows)} rows)", (table,), is_bulk=True)
