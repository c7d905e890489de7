"""The header of a delimited table: which column stands where, in which unit."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.core.errors import DataError, SojournWarning, UnitsError
from sojourn.core.tables import Column, Table
from sojourn.core.units import UNITS, conversion_factor
from sojourn.formats._csv_cells import nearest

HEADER_CELL = re.compile(r"(?P<name>[^\[\]]*?)\s*(\[(?P<unit>[^\[\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What ``<stem>.toml`` says of its table: units by column, and results below the limit."""

    name: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    is_half_limit: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the file: where it stands and what takes it to the schema's unit."""

    column: Column
    position: int
    factor: float


def find_fields(header: list[str], name: str, table: Table, sidecar: Sidecar) -> list[Field]:
    """Return the columns of `table` that `header` holds, with their place and their factor.

    Raises
    ------
    UnitsError
        if a quantity has no unit, an unknown one, or two.
    DataError
        if a column is missing, misspelt or there twice, or commas do not separate the cells.

    Warns
    -----
    SojournWarning
        if there are columns that the schema does not know.
    """
    _check_delimiter(header, name)
    declared = {column.name: column for column in table.columns}
    units: dict[str, str | None] = {}
    positions: dict[str, int] = {}
    for position, cell in enumerate(header):
        match = HEADER_CELL.fullmatch(cell)
        if match is None or not match["name"]:
            raise DataError(
                f"{name}, row 1: found the header cell {cell!r} in column {position + 1}; expected "
                "NAME or NAME [unit]"
            )
        if match["name"] in positions:
            raise DataError(f"{name}, row 1: the column {match['name']} stands there twice")
        positions[match["name"]], units[match["name"]] = position, match["unit"]
    _check_names(positions, declared, name, sidecar)
    return [
        Field(column, positions[column.name], _factor(column, units[column.name], name, sidecar))
        for column in table.columns
        if column.name in positions
    ]


def _check_delimiter(header: list[str], name: str) -> None:
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise DataError(
                f"{name}, row 1: the columns are separated by {word}, expected commas; save the "
                "file as comma-separated, with decimal points"
            )


def _check_names(
    positions: Mapping[str, int], declared: Mapping[str, Column], name: str, sidecar: Sidecar
) -> None:
    absent = tuple(c for c in declared if c not in positions)
    extra = [c for c in positions if c not in declared]
    for found in extra:
        if hint := nearest(found, absent, cutoff=0.75):
            raise DataError(f"{name}, row 1: unknown column {found!r}{hint}")
    if missing := [c for c in absent if not declared[c].is_optional]:
        raise DataError(
            f"{name}, row 1: the columns {', '.join(missing)} are missing; found: "
            f"{', '.join(positions)}"
        )
    if strange := sorted(sidecar.units.keys() - declared.keys()):
        raise DataError(
            f"{sidecar.name}: [units] names {', '.join(strange)}, no column of {name}"
            f"{nearest(strange[0], tuple(declared))}"
        )
    if extra:
        warnings.warn(
            f"{name}: columns left out, because the schema does not know them: {', '.join(extra)}",
            SojournWarning,
            stacklevel=5,
        )


def _factor(column: Column, in_header: str | None, name: str, sidecar: Sidecar) -> float:
    in_sidecar = sidecar.units.get(column.name)
    if in_header and in_sidecar and in_header != in_sidecar:
        raise UnitsError(
            f"{name}: column {column.name} is in {in_header!r} by its header, in {in_sidecar!r} by "
            f"{sidecar.name}; correct one of them"
        )
    unit = in_header or in_sidecar
    if column.unit is None or column.dimension is None:
        if unit is not None:
            raise UnitsError(f"{name}: column {column.name} has no unit, found {unit!r}; remove it")
        return 1.0
    accepted = ", ".join(u for u, known in UNITS.items() if known.dimension == column.dimension)
    advice = (
        f"accepted: {accepted}. Name the unit in the column's header, as {column.name} "
        f"[{column.unit}], or in the table's sidecar (.toml) under [units]"
    )
    if not unit:
        raise UnitsError(f"{name}: column {column.name} ({column.dimension}) has no unit; {advice}")
    try:
        factor = conversion_factor(unit, column.unit, dimension=column.dimension)
    except UnitsError as error:
        raise UnitsError(f"{name}: column {column.name}: found {unit!r}; {advice}") from error
    whole = round(factor)
    return float(whole) if abs(factor - whole) < 1e-9 * factor else factor
