"""One MDF file as its child process described it: typed look-ups and deviations by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.formats._isolation import Limits, ask
from sojourn.formats._mdf_layout import (
    ACCEPTED_KINDS,
    ALIASES,
    EXTRAS,
    FIELDS,
    REQUIRED_GROUPS,
    VERSION,
    group_of,
    is_extension,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One dataset: kind, HDF5 type, shape, why it cannot be read, and its values if small."""

    kind: str
    type: str
    shape: tuple[int, ...]
    blocked: str
    value: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The datasets of one file by path, under their names of version 2.1.

    `stamp` is the file's size and time of change when opened; `renamed` are the paths that it
    keeps under names of version 2.0.
    """

    path: Path
    stamp: tuple[int, int]
    items: Mapping[str, Item]
    renamed: tuple[str, ...]
    limits: Limits

    @property
    def name(self) -> str:
        """The file's name, as messages give it."""
        return self.path.name

    def has(self, name: str) -> bool:
        """Tell whether the dataset, or anything in the group, called `name` exists."""
        return name in self.items or any(key.startswith(f"{name}/") for key in self.items)

    def error(self, name: str, found: object, expected: str) -> DataError:
        """Return the error for a dataset that breaks a rule."""
        return DataError(f"{self.name}: {name} is {found}; expected {expected}")

    def get(self, name: str) -> Item:
        """Return the dataset at `name`; its kind fits the specification."""
        item = self.items.get(name)
        if item is None:
            raise self.error(name, "missing", f"a {FIELDS[name].kind} dataset")
        if item.blocked:
            raise self.error(name, f"not readable, {item.blocked}", "plain data")
        if item.kind not in ACCEPTED_KINDS[FIELDS[name].kind]:
            raise self.error(name, f"of type {item.type}", FIELDS[name].kind)
        return item

    def values(self, name: str) -> NDArray[Any]:
        """Return a numeric dataset as an array of its shape; all finite."""
        item = self.get(name)
        if item.kind == "string":
            raise self.error(name, "text", "numbers")
        if item.value is None:
            request = {"ask": "array", "path": str(self.path), "stamp": self.stamp, "name": name}
            found = ask(request, name=self.name, limits=self.limits).values
            if found is None or found.shape != item.shape:
                raise self.error(name, "not readable", f"an array of shape {item.shape}")
        else:
            found = np.array(item.value, dtype=np.float64 if item.kind == "complex" else None)
            found = (found.view(np.complex128) if item.kind == "complex" else found).reshape(
                item.shape
            )
        if not np.isfinite(found).all():
            raise self.error(name, "not finite (NaN or infinity)", "finite numbers")
        return found

    def number(self, name: str) -> float:
        """Return a single number."""
        values = self.values(name)
        if values.size != 1 or np.iscomplexobj(values):
            raise self.error(name, f"of shape {values.shape}", "a single number")
        return float(values.ravel()[0])

    def integer(self, name: str, *, least: int = 0) -> int:
        """Return a single integer of at least `least`."""
        value = self.number(name)
        if value != int(value) or value < least:
            raise self.error(name, value, f"an integer of at least {least}")
        return int(value)

    def flag(self, name: str) -> bool:
        """Return a truth, 0 or 1."""
        value = self.number(name)
        if value not in (0, 1):
            raise self.error(name, value, "0 or 1")
        return value == 1

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings of a dataset, flat."""
        item = self.get(name)
        if item.kind != "string" or item.value is None:
            raise self.error(name, f"of type {item.type}", "text")
        return tuple(str(v) for v in item.value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a single string; `default` where the dataset is missing."""
        if default is not None and name not in self.items:
            return default
        found = self.texts(name)
        if len(found) != 1:
            raise self.error(name, f"{len(found)} strings", "one")
        return found[0]

    def array(self, name: str, shape: Sequence[int]) -> NDArray[np.float64]:
        """Return real numbers of exactly `shape`."""
        values = self.values(name)
        if values.shape != tuple(shape) or np.iscomplexobj(values):
            raise self.error(name, f"of shape {values.shape}", f"real of shape {tuple(shape)}")
        return values.astype(np.float64)


def check_file(path: Path) -> None:
    """Refuse a path that is no readable file.

    Raises
    ------
    DataError
        if it does not exist, is no regular file, or may not be read.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error


def open_tree(path: Path, *, limits: Limits) -> Tree:
    """Return the description of the HDF5 file at `path`, made in a child process.

    Raises
    ------
    DataError
        if the file is unreadable, not HDF5, reaches outside itself, or exceeds `limits`.
    """
    check_file(path)
    path = path.absolute()
    reply = ask({"ask": "describe", "path": str(path)}, name=path.name, limits=limits)
    items = {
        ALIASES.get(str(name), str(name)): Item(
            kind=str(item["kind"]),
            type=str(item["type"]),
            shape=tuple(int(n) for n in item["shape"]),
            blocked=str(item["blocked"]),
            value=None if item.get("value") is None else tuple(item["value"]),
        )
        for name, item in reply.head["items"].items()
    }
    size, changed = reply.head["stamp"]
    renamed = tuple(sorted(set(reply.head["items"]) & set(ALIASES)))
    return Tree(path, (int(size), int(changed)), items, renamed, limits)


def missing_fields(tree: Tree) -> tuple[str, ...]:
    """Return the datasets that the specification requires and the file lacks, by path."""
    needed = []
    for name, field in FIELDS.items():
        group = group_of(name)
        present = group == "/" or group in REQUIRED_GROUPS or tree.has(group)
        if field.need.startswith("is"):
            flag = f"{group}/{field.need}"
            present = present and flag in tree.items and tree.items[flag].value in ((1,), (True,))
        if present and field.need != "O" and name not in tree.items:
            needed.append(name)
    return tuple(needed)


def deviations(tree: Tree) -> tuple[str, ...]:
    """Return what the file does otherwise than MDF 2.1.0, besides what it lacks."""
    found = [f"{name}: name of version 2.0 for {ALIASES[name]}" for name in tree.renamed]
    version = tree.items.get("/version")
    if version is not None and version.value and version.value != (VERSION,):
        found.insert(0, f"/version: {version.value[0]} instead of {VERSION}")
    for name, item in sorted(tree.items.items()):
        field = FIELDS.get(name)
        if field is None:
            if not is_extension(name):
                common = "an addition of the Julia packages" if name in EXTRAS else "unknown"
                found.append(f"{name}: {common}; additions to MDF start with _")
        elif item.blocked:
            found.append(f"{name}: not readable, {item.blocked}")
        elif item.kind not in ACCEPTED_KINDS[field.kind]:
            found.append(f"{name}: type {item.type} instead of {field.kind}")
        elif not _shape_fits(item.shape, field.shape):
            wanted = " x ".join(str(n) for n in field.shape) or "1"
            found.append(f"{name}: shape {item.shape} instead of {wanted}")
    return tuple(found)


def _shape_fits(shape: tuple[int, ...], wanted: tuple[str | int, ...]) -> bool:
    if wanted in ((), ("A",)) and shape in ((), (1,)):
        return True
    return len(shape) == len(wanted) and all(
        not isinstance(w, int) or n == w for n, w in zip(shape, wanted, strict=True)
    )
