"""Verdicts that may be true, false or not known, and how they join (Kleene's logic)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a definition: `verdict` True, False or None (not known), in words, its rows."""

    verdict: bool | None
    words: str
    rows: Mapping[str, Sequence[int | None]] = field(default_factory=dict)


def all_of(verdicts: Iterable[bool | None]) -> bool | None:
    """Return False if one is False, else None if one is not known, else True.

    Examples
    --------
    >>> all_of([True, None]), all_of([False, None]), all_of([])
    (None, False, True)
    """
    listed = list(verdicts)
    return False if False in listed else None if None in listed else True


def at_least(number: int, verdicts: Iterable[bool | None]) -> bool | None:
    """Tell whether at least `number` are True; None where those not known decide.

    Examples
    --------
    >>> at_least(2, [True, None, False]), at_least(1, [True, None]), at_least(2, [True, False])
    (None, True, False)
    """
    listed = list(verdicts)
    sure = listed.count(True)
    if sure >= number:
        return True
    return None if sure + listed.count(None) >= number else False


def join_rows(items: Iterable[Item]) -> dict[str, list[int | None]]:
    """Return the rows of `items` by table."""
    joined: dict[str, list[int | None]] = {}
    for item in items:
        for table, rows in item.rows.items():
            joined.setdefault(table, []).extend(rows)
    return joined
