"""Settings given as text: ``KEY=VALUE``, the value as a study file writes it."""

import tomllib
from collections.abc import Sequence
from typing import Any

from sojourn.core.errors import DataError


def parse_settings(texts: Sequence[str], *, option: str = "--setting") -> dict[str, Any]:
    """Return the settings in `texts`; a value that is no TOML stands for itself as text.

    Raises
    ------
    DataError
        if a text is not ``KEY=VALUE``, or a key is given twice.

    Examples
    --------
    >>> parse_settings(["level=0.9", "interval=wilson"])
    {'level': 0.9, 'interval': 'wilson'}
    """
    made: dict[str, Any] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise DataError(f"{option} {text!r}: expected KEY=VALUE")
        if key in made:
            raise DataError(f"{option} {key} is given twice")
        try:
            made[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            made[key] = value
    return made
