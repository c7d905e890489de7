"""Eligibility criteria: one markdown text into a list of criteria."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sojourn.formats._registry_text import unescape_markdown

Kind = Literal["inclusion", "exclusion", "unsorted"]

_HEADING = re.compile(
    r"^\W*(?:\w+\s+){0,3}?(?P<kind>inclusion|exclusion)\s+criteria\W*(?::\s*(?P<rest>.*))?$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^(?P<indent>\s*)(?:[*+•-]|\(?(?:\d{1,2}|[a-z])[.)])\s+(?P<text>.*)$")


class Criterion(BaseModel):
    """One criterion: which list it stands in, its place there (from 1), text and sub-points."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    number: int
    text: str
    details: tuple[str, ...] = ()


class Eligibility(BaseModel):
    """The criteria in their order; `notes` are lines that introduce a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criteria: tuple[Criterion, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def inclusion(self) -> tuple[Criterion, ...]:
        """The inclusion criteria."""
        return tuple(c for c in self.criteria if c.kind == "inclusion")

    @property
    def exclusion(self) -> tuple[Criterion, ...]:
        """The exclusion criteria."""
        return tuple(c for c in self.criteria if c.kind == "exclusion")


def parse_eligibility(text: str | None) -> Eligibility:
    r"""Split the criteria text at its headings and list markers.

    A list item at the margin is a criterion; what is indented under it becomes its details. Lines
    without a marker are notes, unless their section has no list at all: then each is a criterion.
    Text before any heading is of kind `unsorted`. Nothing is dropped.

    Examples
    --------
    >>> text = "Inclusion Criteria:\n\n* age \\> 18\n* consent\n\nExclusion Criteria:\n\n1. fever"
    >>> [(c.kind, c.number, c.text) for c in parse_eligibility(text).criteria]
    [('inclusion', 1, 'age > 18'), ('inclusion', 2, 'consent'), ('exclusion', 1, 'fever')]
    """
    criteria: list[Criterion] = []
    notes: list[str] = []
    for kind, lines in _sections(text or ""):
        first = 1 + sum(c.kind == kind for c in criteria)
        items, loose = _items(lines)
        if not items:
            items, loose = [(line, []) for line in loose], []
        criteria += [
            Criterion(kind=kind, number=first + i, text=head, details=tuple(details))
            for i, (head, details) in enumerate(items)
        ]
        notes += loose
    return Eligibility(criteria=tuple(criteria), notes=tuple(notes))


def _sections(text: str) -> list[tuple[Kind, list[str]]]:
    sections: list[tuple[Kind, list[str]]] = [("unsorted", [])]
    for line in text.splitlines():
        heading = None if _ITEM.match(line) else _HEADING.match(line)
        if heading:
            kind: Kind = "inclusion" if heading["kind"].lower() == "inclusion" else "exclusion"
            sections.append((kind, [heading["rest"] or ""]))
        else:
            sections[-1][1].append(line)
    return sections


def _items(lines: list[str]) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return the list items with their indented lines, and the lines outside any item."""
    items: list[tuple[str, list[str]]] = []
    loose: list[str] = []
    for line in filter(str.strip, lines):
        found = _ITEM.match(line)
        text = unescape_markdown(found["text"] if found else line).strip()
        if found and not found["indent"]:
            items.append((text, []))
        elif items and line[0].isspace():
            items[-1][1].append(text)
        else:
            loose.append(text)
    return items, loose
