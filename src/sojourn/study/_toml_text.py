"""TOML as text: the standard library reads it but does not write it.

References
----------
TOML v1.0.0, https://toml.io/en/v1.0.0.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence

Value = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"]

_LONGEST_LINE = 100
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f]')


def toml_string(text: str) -> str:
    r"""Return `text` as a basic string.

    Examples
    --------
    >>> print(toml_string('C:\\new "x"'))
    "C:\\new \"x\""
    """
    escaped = _SPECIAL.sub(lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04x}"), text)
    return f'"{escaped}"'


def toml_value(value: Value) -> str:
    """Return `value` on one line: string, number, boolean, array or inline table.

    Raises
    ------
    ValueError
        if a number is not finite: a study file has no such number.
    """
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot stand in a study file")
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(toml_value(member) for member in value) + "]"


def toml_table(header: str, values: Mapping[str, Value]) -> str:
    """Return a table under `header` (``[design]``, ``[[arms]]``), long arrays a line a member."""
    return "\n".join([header, *(_line(key, value) for key, value in values.items())]) + "\n"


def toml_root(values: Mapping[str, Value]) -> str:
    """Return the keys before the first table."""
    return "\n".join(_line(key, value) for key, value in values.items()) + "\n"


def toml_comment(text: str) -> str:
    """Return `text` as comment lines; characters that TOML forbids there become spaces."""
    lines = [re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", " ", line) for line in text.split("\n")]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _line(key: str, value: Value) -> str:
    line = f"{_key(key)} = {toml_value(value)}"
    if len(line) <= _LONGEST_LINE or isinstance(value, str) or not isinstance(value, Sequence):
        return line
    members = "".join(f"  {toml_value(member)},\n" for member in value)
    return f"{_key(key)} = [\n{members}]"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_string(key)
