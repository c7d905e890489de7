"""A golden file walked leaf by leaf: whatever no test looked at fails.

A leaf is compared (`check`), read as an input of the computation (`read`), or left out with a
reason (`leave_out`). `finish` fails where a leaf is none of these.
"""

import json
import math
from pathlib import Path
from typing import Any

Key = str | int
Where = tuple[Key, ...]

SOFTWARE = "names the program and its version, not a result"


class Golden:
    """One golden document and the leaves that nobody looked at yet."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.left = set(_leaves(self.document, ()))
        self.compared: set[Where] = set()
        self.excluded: dict[Where, str] = {}

    def at(self, *where: Key) -> Any:
        """Return the value at `where`; looking is not visiting."""
        value = self.document
        for key in where:
            value = value[key]
        return value

    def read(self, *where: Key) -> Any:
        """Return the value at `where`, an input of the computation; its leaves are visited."""
        value = self.at(*where)
        self.left -= set(_leaves(value, where))
        return value

    def leave_out(self, *where: Key, reason: str) -> None:
        """Leave out the leaves at `where`, for a reason that the test report can list."""
        assert reason
        for leaf in _leaves(self.at(*where), where):
            self.left.discard(leaf)
            self.excluded[leaf] = reason

    def check(self, actual: Any, *where: Key, tolerance: float = 0.0) -> None:
        """Assert that `actual` agrees with the value at `where`; its leaves are visited.

        `tolerance` is absolute for numbers up to 1 and relative above. Mappings and sequences are
        compared member by member: keys that `actual` lacks stay unvisited, keys that the document
        lacks fail. A null of the document must be met by None or NaN.
        """
        self._compare(actual, self.at(*where), where, tolerance)

    def finish(self) -> None:
        """Fail if any leaf was neither compared, nor read, nor left out."""
        shown = ["/".join(map(str, leaf)) for leaf in sorted(self.left, key=str)[:20]]
        assert not self.left, f"{self.name}: {len(self.left)} leaves unvisited, as {shown}"
        assert self.compared, f"{self.name}: nothing was compared"

    def _compare(self, actual: Any, golden: Any, where: Where, tolerance: float) -> None:
        place = f"{self.name}: {'/'.join(map(str, where))}"
        if isinstance(golden, dict):
            assert set(actual) <= set(golden), f"{place}: {sorted(set(actual) - set(golden))}"
            for key, value in actual.items():
                self._compare(value, golden[key], (*where, key), tolerance)
            return
        if isinstance(golden, list):
            assert len(actual) == len(golden), f"{place}: {len(actual)} values, not {len(golden)}"
            for i, value in enumerate(actual):
                self._compare(value, golden[i], (*where, i), tolerance)
            return
        assert agrees(actual, golden, tolerance), f"{place}: {actual!r}, golden {golden!r}"
        self.left.discard(where)
        self.compared.add(where)


def agrees(actual: Any, golden: Any, tolerance: float) -> bool:
    """Tell whether two leaves agree."""
    if golden is None:
        return actual is None or (isinstance(actual, float) and math.isnan(actual))
    if isinstance(golden, bool | str) or actual is None:
        return type(actual) is type(golden) and actual == golden
    return abs(float(actual) - golden) <= tolerance * max(1.0, abs(golden))


def _leaves(value: Any, where: Where) -> list[Where]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*where, key))]
    if isinstance(value, list):
        return [leaf for i, inner in enumerate(value) for leaf in _leaves(inner, (*where, i))]
    return [where]
