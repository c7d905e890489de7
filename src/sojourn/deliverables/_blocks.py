"""What a section is made of: prose, tables, figures, folds; the template sets each."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from sojourn.core.results import Cell
from sojourn.deliverables._markup import Html

Tone = Literal["plain", "caution", "alarm", "quiet"]


@dataclass(frozen=True, slots=True)
class Prose:
    """One paragraph; the tone decides its frame."""

    text: str
    tone: Tone = "plain"
    kind: str = "prose"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str
    id: str
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: what it says, and whether its cells are numbers."""

    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A table row; `id` is its anchor, `data_id` names it where cells carry no id of their own.

    A row with `is_head` has one cell, which heads the rows below it; one that `is_alone` belongs to
    no head.
    """

    cells: tuple[str, ...]
    id: str = ""
    data_id: str = ""
    is_head: bool = False
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `source` says which listing and step it shows."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and all that a reader needs to judge it.

    `columns` and `rows` are the numbers drawn; `row_ids` name each row's source.
    """

    id: str
    title: str
    shows: str
    reading: str
    worry: str
    n: str
    drawing: Html
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_ids: tuple[str, ...] = ()
    layout: str = "single"
    number: int = 0
    is_simulated: bool = False
    kind: str = "figure"

    @property
    def file_name(self) -> str:
        """The name under which its numbers are saved."""
        return f"{'SIMULATED_' if self.is_simulated else ''}{self.id}.csv"

    @property
    def download(self) -> str:
        """Its numbers as a data URI, so that saving them needs no network."""
        return "data:text/csv;charset=utf-8," + quote(self.csv)

    @property
    def csv(self) -> str:
        """Its numbers as CSV; simulated ones say so in every row."""
        extra = ("DATA_STATUS",) if self.is_simulated else ()
        mark = ("SIMULATED",) if self.is_simulated else ()
        sheet = io.StringIO()
        writer = csv.writer(sheet, lineterminator="\r\n")
        writer.writerow((*self.columns, *extra))
        writer.writerows((*map(_csv_cell, row), *mark) for row in self.rows)
        return sheet.getvalue()


def _csv_cell(cell: Cell) -> str:
    """Return a cell for CSV; a text that a spreadsheet would run as a formula is quoted."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell
    return repr(cell) if isinstance(cell, float) else str(cell)


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks behind a summary line, closed until asked for; open in print unless `is_bulk`."""

    summary: str
    blocks: tuple["Block", ...]
    id: str = ""
    is_open: bool = False
    is_bulk: bool = False
    kind: str = "fold"


@dataclass(frozen=True, slots=True)
class Raw:
    """Markup of a section's own."""

    html: Html
    kind: str = "raw"


Block = Prose | Heading | Table | Figure | Fold | Raw


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the report, with its anchor and heading."""

    id: str
    title: str
    blocks: tuple[Block, ...]


def numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return the sections with their figures numbered in reading order."""
    counter = iter(range(1, 1_000_000))
    return tuple(replace(s, blocks=tuple(_numbered(s.blocks, counter))) for s in sections)


def _numbered(blocks: Sequence[Block], counter: Iterator[int]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Figure):
            yield replace(block, number=next(counter))
        elif isinstance(block, Fold):
            yield replace(block, blocks=tuple(_numbered(block.blocks, counter)))
        else:
            yield block
