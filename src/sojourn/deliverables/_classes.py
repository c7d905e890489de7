"""Classes of an outcome by group: responders, grades, verdicts, counted with their denominators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sojourn.deliverables._blocks import Block, Head, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, lines_of
from sojourn.deliverables._markup import Html, element, escaped


@dataclass(frozen=True, slots=True)
class Classes:
    """One outcome that falls into classes: its parameter, caption, words of classes, a note."""

    param: str
    caption: str
    words: Mapping[str, str]
    note: str = ""
    unknown: str = "not evaluable"


_YES = {"Y": "yes", "N": "no"}
_GRADES = {"0": "none"} | {str(n): f"grade {n}" for n in range(1, 5)}
_SEVERITY = {"0": "none", "1": "mild", "2": "moderate", "3": "severe"}

CLASSES = (
    Classes(
        "OARSIRSP",
        "Responders by OMERACT-OARSI, the two-domain variant (pain and function)",
        {"RESPONDER": "responder", "NONRESPONDER": "no responder"},
        "The two-domain variant leaves out the patient's global assessment, which was not taken: "
        "its shares are not those of the three-domain criteria.",
    ),
    Classes("KLGRADE", "Kellgren-Lawrence grade, target knee", {str(n): str(n) for n in range(5)}),
    Classes(
        "PGF",
        "Poor graft function at the first infusion, by a published definition",
        _YES,
        "It describes who was enrolled and excludes nobody.",
    ),
    Classes(
        "PGFTYPE",
        "Poor graft function: primary or secondary",
        {"PRIMARY": "primary", "SECONDARY": "secondary"},
        "Primary: a poor lineage never recovered after the graft.",
        "definition not met, or not evaluable",
    ),
    Classes(
        "PLTRSP40",
        "Platelet response by day 40",
        {"CR": "complete", "PR": "partial", "no CR/PR": "neither", "NE": "not evaluable"},
        "Everybody, also who was not affected at baseline; the shares above have a denominator "
        "of their own.",
    ),
    Classes("AGVHDMAX", "Acute graft-versus-host disease: highest grade", _GRADES),
    Classes("CGVHDMAX", "Chronic graft-versus-host disease: highest severity", _SEVERITY),
)
"""Outcomes whose classes are counted, in the order in which they are shown."""


def class_tables(book: Book) -> list[Block | None]:
    """Return one table for each outcome of `CLASSES` that was derived, by group."""
    lines = lines_of(book.results, "outcomes")
    made: list[Block | None] = []
    for kind in CLASSES:
        own = [row for row in lines if row.text("PARAMCD") == kind.param]
        if own:
            first = own[0].text("ENDPOINT")
            made.append(_table(book, kind, [r for r in own if r.text("ENDPOINT") == first]))
    return made


def _table(book: Book, kind: Classes, lines: Sequence[Line]) -> Table:
    found = {_class(row) for row in lines}
    order = [code for code in kind.words if code in found or len(kind.words) == 2]
    order += sorted(code for code in found if code and code not in kind.words)
    groups = list(book.results.groups)
    of = {code: [r for r in lines if r.text("GROUP") == code] for code in groups}
    rows = [
        Row((escaped(kind.words.get(name, name)), *(_count(of[c], name) for c in groups)))
        for name in order
    ]
    if "" in found:
        rows.append(Row((escaped(kind.unknown), *(_count(of[c], "") for c in groups))))
    heads = (
        Head("Class"),
        *(
            Head(f"{book.short(c) if len(groups) > 1 else 'Subjects'}, of {len(of[c])}", True)
            for c in groups
        ),
    )
    listing = book.results.listing("outcomes")
    endpoint = f"Outcome {lines[0].text('ENDPOINT')} {kind.param}, subjects counted."
    notes = tuple(note for note in (kind.note, endpoint) if note)
    return Table(kind.caption, heads, tuple(rows), notes, book.source(listing) if listing else "")


def _class(row: Line) -> str:
    value = row.number("AVAL")
    return row.text("AVALC") or ("" if value is None else f"{value:g}")


def _count(own: Sequence[Line], name: str) -> Html:
    people = [row.text("USUBJID") for row in own if _class(row) == name]
    return element("span", {"title": ", ".join(people) or "nobody"}, str(len(people)))
