"""A table with what made it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Keyed:
    """A table with the key of the stage that made it."""

    table: pl.DataFrame
    key: str


Tables = Mapping[str, Keyed]
"""Tables of a trial folder by name."""
