"""Delimited tables against a declared schema: strict in, atomic out, units in the header."""

import csv
import io
import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import polars as pl

from sojourn.core.errors import DataError, SojournWarning, UnitsError
from sojourn.core.tables import ROW, Column, Table
from sojourn.core.units import conversion_factor
from sojourn.formats._csv_cells import CellError, Value, nearest, parser_of
from sojourn.formats._csv_header import Field, Sidecar, find_fields

MAX_BYTES = 64 * 2**20
"""A larger file is refused before it is read."""


def read_table(path: Path, table: Table) -> pl.DataFrame:
    """Return the table in `path`, every column of its declared type and unit.

    The file is UTF-8, comma-separated, with one header line whose cells read ``NAME`` or
    ``NAME [unit]``; units may stand in a sidecar ``<stem>.toml`` under ``[units]`` instead. Empty
    cells are null. ``<x`` is refused unless the sidecar says ``below_limit = "half"``.

    Parameters
    ----------
    path
        the file.
    table
        its schema; `sojourn.core.tables`.

    Returns
    -------
        `ROW` (line of the file, header = 1) and every column of `table`, one row for each line in
        the file's order; an optional column that the file lacks is null.

    Raises
    ------
    UnitsError
        if a quantity has no unit, an unknown one, or one of another dimension.
    DataError
        if the file breaks the schema, naming row, subject, column, what was found and expected.

    Warns
    -----
    SojournWarning
        if the file has further columns (left out), or results below the limit were halved.
    """
    path = Path(path)
    return parse_table(_read_text(path), path.name, table, read_sidecar(path.with_suffix(".toml")))


def parse_table(text: str, name: str, table: Table, sidecar: Sidecar | None = None) -> pl.DataFrame:
    """Return the table in `text`; `name` stands for the file in messages. See `read_table`.

    Raises
    ------
    UnitsError
        if a quantity has no unit, an unknown one, or one of another dimension.
    DataError
        if the text breaks the schema.
    """
    lines = _split(text, name)
    header, rows = lines[0][1], lines[1:]
    fields = find_fields(header, name, table, sidecar or Sidecar())
    for row, cells in rows:
        if len(cells) != len(header):
            raise DataError(
                f"{name}, row {row}: found {len(cells)} cells, expected {len(header)} as in the "
                "header; a cell that holds a comma must stand in double quotes"
            )
    subject = next((f.position for f in fields if f.column.name == "USUBJID"), None)
    columns: dict[str, list[Value | None]] = {}
    halved: list[str] = []
    for f in fields:
        columns[f.column.name] = _parse_column(f, rows, name, subject, sidecar, halved)
    if halved:
        warnings.warn(
            f"{name}: {len(halved)} results below the limit stand as half of it: "
            f"{', '.join(halved[:20])}{' ...' if len(halved) > 20 else ''}",
            SojournWarning,
            stacklevel=3,
        )
    height = len(rows)
    frame = pl.DataFrame(
        {
            ROW: [row for row, _ in rows],
            **{c.name: columns.get(c.name, [None] * height) for c in table.columns},
        },
        schema=table.schema,
    )
    _check_key(frame, name, table)
    return frame


def read_columns(path: Path, names: Iterable[str]) -> dict[str, list[str]]:
    """Return some columns of a CSV file without a schema, as text, and `ROW` as text besides.

    Parameters
    ----------
    path
        UTF-8, comma-separated, one header line; cells are stripped of blanks.
    names
        columns to read, as the header spells them.

    Raises
    ------
    DataError
        if the file cannot be read, a column is absent or stands twice, or a row has other cells.
    """
    path = Path(path)
    lines = _split(_read_text(path), path.name)
    header, rows = lines[0][1], lines[1:]
    for row, cells in rows:
        if len(cells) != len(header):
            raise DataError(
                f"{path.name}, row {row}: found {len(cells)} cells, expected {len(header)}"
            )
    found = {ROW: [str(row) for row, _ in rows]}
    for name in names:
        if header.count(name) != 1:
            times = "twice" if header.count(name) else "not at all"
            raise DataError(
                f"{path.name}: column {name!r} stands {times} in the header "
                f"({', '.join(header[:30])}){nearest(name, tuple(header))}"
            )
        found[name] = [cells[header.index(name)] for _, cells in rows]
    return found


def write_table(
    path: Path, frame: pl.DataFrame, table: Table, *, units: Mapping[str, str] | None = None
) -> None:
    """Write `frame` to `path` so that `read_table` accepts it; the same frame gives equal bytes.

    Parameters
    ----------
    path
        the file; replaced as a whole or not at all.
    frame
        columns of `table` in its units; `ROW` is left out, optional columns may be absent.
    table
        its schema.
    units
        unit in the file by column; the schema's unit where none is given.

    Raises
    ------
    UnitsError
        if a unit is unknown or of another dimension.
    DataError
        if a column is missing, strange or of another type, or a value breaks the schema.
    """
    path = Path(path)
    extra = [c for c in frame.columns if c != ROW and c not in table.schema]
    if extra:
        raise DataError(f"{path.name}: {', '.join(extra)}: no column of {table.name}")
    columns = [c for c in table.columns if c.name in frame.columns]
    chosen = dict(units or {})
    if strange := sorted(chosen.keys() - {c.name for c in columns if c.unit}):
        raise UnitsError(f"{path.name}: {', '.join(strange)}: no quantity of this table")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_header_cell(c, chosen.get(c.name, c.unit)) for c in columns])
    texts = [_texts(frame[c.name], c, chosen.get(c.name), path.name) for c in columns]
    writer.writerows(zip(*texts, strict=True))
    parse_table(out.getvalue(), path.name, table)
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(out.getvalue().encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_subjects(tables: Mapping[str, pl.DataFrame]) -> None:
    """Check that every subject of every table stands in the table ``subjects``.

    Raises
    ------
    DataError
        if one does not, naming the table, the row and the subject.
    """
    if "subjects" not in tables:
        raise DataError("no table 'subjects'; it names who is in the trial: add subjects.csv")
    known = tuple(tables["subjects"]["USUBJID"].to_list())
    for name, frame in tables.items():
        if "USUBJID" not in frame.columns:
            continue
        strangers = frame.filter(~pl.col("USUBJID").is_in(known))
        for stranger in strangers.head(1).iter_rows(named=True):
            subject = stranger["USUBJID"]
            raise DataError(
                f"{name}, row {stranger.get(ROW, '?')}: subject {subject!r} is not in the table "
                f"subjects ({len(known)} subjects){nearest(subject, known)}. Correct the code, or "
                "add the subject to subjects.csv"
            )


def read_sidecar(path: Path) -> Sidecar:
    """Return what the sidecar in `path` says; nothing where there is none.

    Raises
    ------
    DataError
        if it is no TOML, or says something that no reader understands.
    """
    if not path.is_file():
        return Sidecar()
    try:
        content = tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path.name}: not TOML: {error}") from error
    if strange := sorted(content.keys() - {"units", "below_limit"}):
        raise DataError(
            f"{path.name}: found the keys {', '.join(strange)}; accepted: [units], below_limit"
            f"{nearest(strange[0], ('units', 'below_limit'))}"
        )
    units = content.get("units", {})
    if not isinstance(units, dict) or not all(isinstance(u, str) for u in units.values()):
        raise DataError(f'{path.name}: [units] must hold lines such as ANC = "10^9/L"')
    if content.get("below_limit", "half") != "half":
        raise DataError(
            f"{path.name}: below_limit is {content['below_limit']!r}; accepted: 'half' (or no line)"
        )
    return Sidecar(path.name, units, "below_limit" in content)


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"{path.name}: no such file in {path.parent.name or 'this folder'}")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise DataError(f"{path.name}: {size} bytes, more than the {MAX_BYTES} that are read")
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path.name}: found UTF-16, expected UTF-8; save it as 'CSV UTF-8'")
    if (at := raw.find(b"\0")) >= 0:
        line = raw.count(b"\n", 0, at) + 1
        raise DataError(f"{path.name}, row {line}: a NUL byte; this is no text file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}, row {line}: byte {raw[error.start]:#04x} is not UTF-8; save the file as "
            "'CSV UTF-8'"
        ) from error


def _split(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Return (line, cells) of every line that holds something, the header first."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) or len(cells) > 1:
                lines.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name}, row {start}: {error}; check the double quotes of this row"
        ) from error
    if not lines:
        raise DataError(f"{name}: the file is empty; expected a header line with column names")
    return lines


def _parse_column(
    f: Field,
    rows: list[tuple[int, list[str]]],
    name: str,
    subject: int | None,
    sidecar: Sidecar | None,
    halved: list[str],
) -> list[Value | None]:
    current = 0

    def seen() -> None:
        halved.append(f"row {current} {f.column.name}")

    takes_half = sidecar is not None and sidecar.is_half_limit and f.column.unit is not None
    below: Callable[[], None] | None = seen if takes_half else None
    parse = parser_of(f.column, f.factor, below_limit=below)
    values: list[Value | None] = []
    for current, cells in rows:
        text = cells[f.position]
        try:
            if not text and f.column.is_required:
                raise CellError("the cell may not be empty: fill it in, or remove the row")
            values.append(parse(text) if text else None)
        except CellError as error:
            who = f"subject {cells[subject]!r}, " if subject is not None and cells[subject] else ""
            raise DataError(
                f"{name}, row {current}: {who}column {f.column.name}: found {text!r}; {error}"
            ) from error
    return values


def _check_key(frame: pl.DataFrame, name: str, table: Table) -> None:
    if not table.key:
        return
    seen: dict[tuple[object, ...], int] = {}
    for row, *key in frame.select(ROW, *table.key).iter_rows():
        first = seen.setdefault(tuple(key), row)
        if first != row:
            pairs = ", ".join(f"{k} {v}" for k, v in zip(table.key, key, strict=True))
            raise DataError(
                f"{name}, rows {first} and {row}: both hold {pairs}; expected one row for each "
                f"{' and '.join(table.key)}: remove or correct one"
            )


def _header_cell(column: Column, unit: str | None) -> str:
    return f"{column.name} [{unit}]" if unit else column.name


def _texts(values: pl.Series, column: Column, unit: str | None, name: str) -> list[str]:
    if values.dtype != column.dtype:
        raise DataError(
            f"{name}: column {column.name} is {values.dtype}, expected {column.dtype.__name__}"
        )
    if unit is None or column.unit is None or column.dimension is None or unit == column.unit:
        return ["" if v is None else str(v) for v in values.to_list()]
    factor = conversion_factor(unit, column.unit, dimension=column.dimension)
    return ["" if v is None else f"{v / factor:.15g}" for v in values.to_list()]
