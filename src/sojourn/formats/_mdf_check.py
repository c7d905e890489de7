"""Where an MDF file departs from the specification: names, presence, types, shapes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.formats._mdf_layout import (
    ACCEPTED_KINDS,
    ALIASES,
    EXTRAS,
    FIELDS,
    REQUIRED_GROUPS,
    Field,
    group_of,
    is_extension,
)
from sojourn.formats._mdf_legacy import DATA, DATA_1, NAMES_1, Item, is_version_1
from sojourn.formats._mdf_tree import Tree

Severity = Literal["deviation", "extension", "note"]
CONVENTIONS = "general conventions"
TYPES: Mapping[str, tuple[str, ...]] = {
    "int": ("int64",),
    "flag": ("int8",),
    "float": ("float64",),
    "complex": ("complex128",),
    "number": ("float64", "float32", "complex128", "complex64", "int8", "int16", "int32", "int64"),
    "integer": ("int8", "int16", "int32", "int64"),
}
TYPE_NAMES = {"int": "Int64", "flag": "Int8", "float": "Float64", "complex": "Complex128"}
INDICES = "/measurement/subsamplingIndices"
FUNCTION = "/acquisition/receiver/transferFunction"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One place where a file differs from MDF 2.1.0.

    `severity` is "deviation" for what breaks the specification, "extension" for additions that it
    allows, "note" for what is allowed and yet worth knowing. `section` is the group of the
    specification that asks for `expected`.
    """

    dataset: str
    found: str
    expected: str
    severity: Severity = "deviation"
    section: str = CONVENTIONS

    def __str__(self) -> str:
        return f"{self.severity}: {self.dataset}: {self.found}; expected {self.expected}"


class Examined:
    """A file's datasets and dimensions, as far as they can be known."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.renamed = {**ALIASES, **(NAMES_1 if is_version_1(tree.raw) else {})}
        self.items: Mapping[str, Item] = {
            self.renamed.get(name, name): item for name, item in tree.raw.items()
        }
        self.folders = {
            "/".join(parts[:depth])
            for parts in (key.split("/") for key in self.items)
            for depth in range(2, len(parts))
        }
        self.dims = self._dimensions()

    def has(self, name: str) -> bool:
        """Tell whether the file has the dataset, or anything in the group, of this name."""
        return name in self.items or name in self.folders

    def values(self, name: str) -> NDArray[Any] | None:
        """Return a numeric dataset as it is, or None where there is none that can be read."""
        item = self.items.get(name)
        if item is None or item.kind not in ("int", "float", "complex"):
            return None
        try:
            return self.tree.values(name, is_finite=False)
        except DataError:
            return None

    def number(self, name: str) -> float | None:
        """Return a single real number, or None."""
        values = self.values(name)
        if values is None or values.size != 1 or np.iscomplexobj(values):
            return None
        value = float(values.ravel()[0])
        return value if np.isfinite(value) else None

    def flag(self, name: str) -> bool:
        """Tell whether a flag is set."""
        return self.number(name) == 1

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a dataset; none where there is none that can be read."""
        item = self.items.get(name)
        if item is None or item.kind != "string" or item.blocked:
            return ()
        try:
            return self.tree.texts(name)
        except DataError:
            return ()

    def _dimensions(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for symbol, name in (
            ("J", "/acquisition/numPeriodsPerFrame"),
            ("N", "/acquisition/numFrames"),
            ("C", "/acquisition/receiver/numChannels"),
            ("D", "/acquisition/drivefield/numChannels"),
            ("V", "/acquisition/receiver/numSamplingPoints"),
        ):
            value = self.number(name)
            if value is not None and value == int(value) and value > 0:
                found[symbol] = int(value)
        self._axis(found, "F", "/acquisition/drivefield/divider", 2, 1)
        self._axis(found, "Y", "/acquisition/gradient", 4, 1)
        self._axis(found, "Y", "/acquisition/offsetField", 3, 1)
        for name in (name for name in FIELDS if name.startswith("/tracer/")):
            self._axis(found, "A", name, 1, 0)
        for place, symbol in enumerate("QPS"):
            self._axis(found, symbol, "/reconstruction/data", 3, place)
        background = self.values("/measurement/isBackgroundFrame")
        if "N" in found and background is not None:
            found["E"] = int(np.sum(background.ravel() != 0))
            found["O"] = found["N"] - found["E"]
        self._frequencies(found)
        return found

    def _frequencies(self, found: dict[str, int]) -> None:
        if "V" in found:
            found["K"] = found["V"] // 2 + 1
        selection = self.items.get("/measurement/frequencySelection")
        if self.flag("/measurement/isFrequencySelection"):
            found.pop("K", None)
            if selection is not None:
                found["K"] = int(np.prod(selection.shape, dtype=object))

    def _axis(self, found: dict[str, int], symbol: str, name: str, rank: int, axis: int) -> None:
        item = self.items.get(name)
        if symbol not in found and item is not None and len(item.shape) == rank:
            found[symbol] = item.shape[axis]


def printable(text: str) -> str:
    """Return a name or value from a file, fit for a terminal."""
    if text.isprintable():
        return text[:200]
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def structure(examined: Examined) -> Iterator[Deviation]:
    """Yield what differs in names, presence, types and shapes."""
    yield from _names(examined)
    yield from _missing(examined)
    for name, item in examined.items.items():
        if name in FIELDS:
            yield from _form(examined, name, item)


def _names(examined: Examined) -> Iterator[Deviation]:
    tree = examined.tree
    for name in tree.attributed:
        yield Deviation(printable(name), "has HDF5 attributes", "datasets only, no attributes")
    for name in sorted(tree.raw):
        shown = printable(name)
        if name in FIELDS:
            continue
        if name in examined.renamed or (name in DATA_1 and is_version_1(tree.raw)):
            new = examined.renamed.get(name, DATA)
            yield Deviation(shown, "a name of an older version", new, section=group_of(new))
        elif is_extension(name):
            yield Deviation(shown, "an addition", "no more than a leading underscore", "extension")
        else:
            origin = "an addition of the Julia packages" if name in EXTRAS else "an unknown name"
            yield Deviation(shown, origin, "a leading underscore for what is added")
    groups = {name.rsplit("/", depth)[0] for name in FIELDS for depth in (1, 2)} | {"/", ""}
    for name in tree.groups:
        is_empty = not any(key.startswith(f"{name}/") for key in tree.raw)
        if name not in groups and is_empty and not is_extension(name):
            yield Deviation(printable(name), "an unknown group", "a leading underscore")


def _missing(examined: Examined) -> Iterator[Deviation]:
    for name, field in FIELDS.items():
        if name in examined.items or field.need == "O":
            continue
        group = group_of(name)
        is_present = group == "/" or group in REQUIRED_GROUPS or examined.has(group)
        reason = f"a {field.kind} dataset"
        if field.need.startswith("is"):
            is_present = is_present and examined.flag(f"{group}/{field.need}")
            reason = f"required where {field.need} is 1"
        if is_present and not (name == DATA and any(n in examined.tree.raw for n in DATA_1)):
            yield Deviation(name, "missing", reason, section=group)
    has_data = examined.has("/measurement") or any(n in examined.tree.raw for n in DATA_1)
    if examined.has("/calibration") and not has_data:
        expected = "the data of a calibration"
        yield Deviation("/measurement", "missing", expected, section="/calibration")


def _form(examined: Examined, name: str, item: Item) -> Iterator[Deviation]:
    field, section = FIELDS[name], group_of(name)
    if item.blocked:
        yield Deviation(name, f"not readable, {item.blocked}", "plain data", section=section)
        return
    kind = "integer" if name == INDICES else field.kind
    if item.kind not in ACCEPTED_KINDS[field.kind]:
        yield Deviation(name, f"type {printable(item.type)}", _type_name(kind), section=section)
    elif kind in TYPES and item.type not in TYPES[kind]:
        wanted = f"{_type_name(kind)}, little-endian"
        yield Deviation(name, f"type {printable(item.type)}", wanted, section=section)
    wanted_shape = _wanted_shape(examined, name, field)
    if not _fits(item.shape, wanted_shape, examined.dims):
        symbols = " x ".join(str(n) for n in wanted_shape) or "1"
        sizes = [examined.dims.get(n) if isinstance(n, str) else n for n in wanted_shape]
        known = ", ".join("any" if n is None else str(n) for n in sizes)
        expected = f"{symbols} = ({known})" if wanted_shape else "a single value"
        yield Deviation(name, f"shape {item.shape}", expected, section=section)


def _type_name(kind: str) -> str:
    return TYPE_NAMES.get(kind, {"string": "String", "integer": "Integer"}.get(kind, "Number"))


def _wanted_shape(examined: Examined, name: str, field: Field) -> tuple[str | int, ...]:
    """Return the shape with its dimensions; that of the data by its flags."""
    if name == DATA:
        return _data_shape(examined)
    if name == "/calibration/snr":
        return ("J", "C", "K")
    if name == INDICES:
        return ("J", "C", "K", "B")
    if name == FUNCTION:
        item = examined.items[name]
        every = examined.dims.get("V", 0) // 2 + 1
        return ("C", every if item.shape[1:] == (every,) else "K")
    return field.shape


def _data_shape(examined: Examined) -> tuple[str | int, ...]:
    is_fourier = examined.flag("/measurement/isFourierTransformed")
    rows: str | int = "K" if is_fourier else "W"
    if examined.flag("/measurement/isSparsityTransformed"):
        kept = examined.items.get(INDICES)
        empty = examined.dims.get("E")
        if kept is None or len(kept.shape) != 4 or empty is None:
            return ("J", "C", rows, "B+E")
        return ("J", "C", rows, kept.shape[3] + empty)
    if examined.flag("/measurement/isFastFrameAxis"):
        return ("J", "C", rows, "N")
    return ("N", "J", "C", rows)


def _fits(shape: tuple[int, ...], wanted: tuple[str | int, ...], dims: Mapping[str, int]) -> bool:
    if wanted == ():
        return shape in ((), (1,))
    return len(shape) == len(wanted) and all(
        found == (dims.get(w, found) if isinstance(w, str) else w)
        for found, w in zip(shape, wanted, strict=True)
    )
