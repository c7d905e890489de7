"""What a file format is: how to know it, read it, write it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Format:
    """One file format, a module in `formats/`; each such module's `FORMAT`.

    `sniff` tells from a file's first 512 bytes whether it can be this format; `suffixes` are
    lower-case endings. `write` takes the path, the value and what the format asks besides.
    """

    label: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    read: Callable[[Path], Any]
    write: Callable[..., None]
