"""When recovery began: how many lineages recovered before the product could have done anything."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sojourn.deliverables._blocks import Block, Head, Prose, Row, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._markup import escaped
from sojourn.deliverables._strip import Patient, met_day, patients

_LINEAGES = (
    ("Neutrophils", "ANC", ("ANCREC",)),
    ("Hemoglobin", "HGB", ("HGBREC",)),
    ("Platelets", "PLT", ("PLTCR", "PLTPR")),
)
"""Name, beginning of the outcome "recovered by a day", and the times to recovery, of each."""

_SPANS = ((0, 0), (1, 6), (7, 20), (21, 40))
_FIRST = "First lineage of a patient"
_CAUTION = (
    "An onset in the first days cannot be an effect of infusions that had not been given; nothing "
    "here tells what recovered by itself from what the product did."
)


@dataclass(frozen=True, slots=True)
class Onsets:
    """Onsets of recovery of one lineage among those affected, in days; None where none is known."""

    name: str
    days: tuple[float | None, ...]

    def within(self, first: float, last: float) -> int:
        """Return how many began on a day from `first` to `last`, both included."""
        return sum(day is not None and first <= day <= last for day in self.days)


def onsets(people: Sequence[Patient]) -> list[Onsets]:
    """Return the onsets of each affected lineage, and of each patient's first.

    A lineage is affected if the main endpoint's outcome (the first in the study file) has a class;
    its onset is that outcome's day, or a later day on which its time to recovery ended with the
    event.
    """
    found: list[list[float | None]] = [[] for _ in _LINEAGES]
    firsts: list[float | None] = []
    for patient in people:
        own: list[float | None] = []
        for kept, (_, stem, times) in zip(found, _LINEAGES, strict=True):
            known = _onset(patient, stem, times)
            kept += known
            own += known
        if own:
            firsts.append(min((day for day in own if day is not None), default=None))
    made = [Onsets(name, tuple(d)) for (name, *_), d in zip(_LINEAGES, found, strict=True)]
    return [each for each in (*made, Onsets(_FIRST, tuple(firsts))) if each.days]


def _onset(patient: Patient, stem: str, times: Sequence[str]) -> list[float | None]:
    """Return the onset of one lineage in a list; an empty one where it is not known as affected."""
    for row in patient.outcomes:
        named = re.fullmatch(f"{stem}REC(\\d+)", row.text("PARAMCD"))
        if named is None:
            continue
        if row.text("AVALC") == "Y":
            return [row.number("DAY")]
        later = met_day(patient, times)
        is_later = later is not None and later > int(named[1])
        return [later if is_later else None] if row.text("AVALC") == "N" else []
    return []


def onset_blocks(book: Book) -> list[Block | None]:
    """Return the count beside the primary numbers, and the table of onsets; none without any."""
    made = _found(book)
    if not made:
        return []
    listing = book.results.listing("outcomes")
    heads = ("Day 0", "Days 1\u20136", "Days 7\u201320", "Days 21\u201340", "Later")
    table = Table(
        "When recovery began, days after the first infusion",
        (
            Head("Affected lineage"),
            Head("n", is_number=True),
            *(Head(words, is_number=True) for words in heads),
            Head("Never, or not known", is_number=True),
        ),
        tuple(_row(each) for each in made),
        (
            "n are those affected at baseline, of all groups together; the onset is the first day "
            "of the counts that met the rule.",
        ),
        source=book.source(listing) if listing else "",
    )
    return [Prose(_said(made), "caution"), table]


def first_days(book: Book) -> str:
    """Return in how many patients recovery had begun in the first days, for the answer's box."""
    for each in _found(book):
        if each.name == _FIRST and each.within(0, 6):
            return (
                f"In {each.within(0, 0)} of {len(each.days)} patients the first recovery began on "
                f"day 0, the day of the first infusion, in {each.within(0, 6)} by day 6."
            )
    return ""


def _found(book: Book) -> list[Onsets]:
    return onsets(patients({"outcomes": lines_of(book.results, "outcomes")}))


def _row(each: Onsets) -> Row:
    spans = (*_SPANS, (_SPANS[-1][1] + 1, float("inf")))
    counts = [each.within(first, last) for first, last in spans]
    cells = (len(each.days), *counts, len(each.days) - sum(counts))
    return Row((escaped(each.name), *(escaped(str(count)) for count in cells)))


def _said(made: Sequence[Onsets]) -> str:
    parts = [
        f"{each.name.lower()} {each.within(0, 0)} of {len(each.days)} on day 0, "
        f"{each.within(0, 6)} by day 6"
        for each in made
    ]
    return (
        "The primary numbers count every recovery by their day, whenever it began, also on the day "
        f"of the first infusion: {'; '.join(parts)}. {_CAUTION}"
    )
