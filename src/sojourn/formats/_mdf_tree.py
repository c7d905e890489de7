"""One MDF file as its child process described it: typed look-ups and deviations by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.formats._isolation import Limits, Reply, ask
from sojourn.formats._mdf_layout import ACCEPTED_KINDS, FIELDS
from sojourn.formats._mdf_legacy import Item, StoredData, modernized


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The datasets of one file by path, under their names of version 2.1.

    `stamp` is the file's size and time of change when opened. `raw` holds the datasets under the
    names that the file uses, `stored` how the measured data stand there. `groups` are all groups,
    `attributed` what carries HDF5 attributes, `notes` what was filled in for an older version.
    `fetched` keeps larger datasets that were asked for.
    """

    path: Path
    stamp: tuple[int, int]
    items: Mapping[str, Item]
    raw: Mapping[str, Item]
    stored: StoredData
    groups: tuple[str, ...]
    attributed: tuple[str, ...]
    notes: tuple[str, ...]
    limits: Limits
    fetched: dict[str, NDArray[Any]] = field(default_factory=dict)

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
        if name in FIELDS and item.kind not in ACCEPTED_KINDS[FIELDS[name].kind]:
            raise self.error(name, f"of type {item.type}", FIELDS[name].kind)
        return item

    def values(self, name: str, *, is_finite: bool = True) -> NDArray[Any]:
        """Return a numeric dataset as an array of its shape; all finite, if not told otherwise."""
        item = self.get(name)
        if item.kind == "string":
            raise self.error(name, "text", "numbers")
        found: NDArray[Any] | None
        if name in self.fetched:
            found = self.fetched[name]
        elif item.value is None:
            found = self._ask_array(name).values
            if found is None or found.shape != item.shape:
                raise self.error(name, "not readable", f"an array of shape {item.shape}")
            self.fetched[name] = found
        else:
            found = np.array(item.value, dtype=np.float64 if item.kind == "complex" else None)
            found = (found.view(np.complex128) if item.kind == "complex" else found).reshape(
                item.shape
            )
        if is_finite and not np.isfinite(found).all():
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
        if item.kind != "string":
            raise self.error(name, f"of type {item.type}", "text")
        found = self._ask_array(name).head.get("texts") if item.value is None else item.value
        if not isinstance(found, list | tuple):
            raise self.error(name, f"of shape {item.shape}", "fewer texts")
        return tuple(str(v) for v in found)

    def _ask_array(self, name: str) -> Reply:
        """Return a dataset that was too large to come with the description."""
        request = {"ask": "array", "path": str(self.path), "stamp": self.stamp, "name": name}
        return ask(request, name=self.name, limits=self.limits)

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
    raw = {
        str(name): Item(
            kind=str(item["kind"]),
            type=str(item["type"]),
            shape=tuple(int(n) for n in item["shape"]),
            blocked=str(item["blocked"]),
            value=None if item.get("value") is None else tuple(item["value"]),
        )
        for name, item in reply.head["items"].items()
    }
    items, stored, notes = modernized(raw)
    size, changed = reply.head["stamp"]
    groups, attributed = (tuple(map(str, reply.head[key])) for key in ("groups", "attributed"))
    stamp = (int(size), int(changed))
    return Tree(path, stamp, items, raw, stored, groups, attributed, notes, limits)
