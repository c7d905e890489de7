"""ClinicalTrials.gov study records (API v2, JSON): typed, lossless, tolerant of what is new.

Reading keeps every key and value. What the schema does not know (a new key, a new code) is kept
and named in one warning; what breaks the schema's structure is refused.

References
----------
OpenAPI description of the ClinicalTrials.gov API, version 2.0.5, schema `Study`.
"""

import json
import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import ValidationError

from sojourn.core.errors import DataError, SojournWarning
from sojourn.formats._registry_base import RegistryModel, Shape, Vocabulary
from sojourn.formats._registry_eligibility import Criterion, Eligibility, parse_eligibility
from sojourn.formats._registry_posting import AnnotationSection, DerivedSection, DocumentSection
from sojourn.formats._registry_protocol import ArmGroup, Intervention, Outcome, ProtocolSection
from sojourn.formats._registry_results import ResultsSection
from sojourn.formats._registry_text import unescape_markdown
from sojourn.formats._registry_time import TimeFrame, Unparsed, parse_time_frame

__all__ = [
    "ArmGroup",
    "Criterion",
    "Eligibility",
    "Intervention",
    "Outcome",
    "RegistryRecord",
    "RegistryWarning",
    "TimeFrame",
    "Unparsed",
    "outcomes",
    "parse_eligibility",
    "parse_registry_record",
    "parse_time_frame",
    "read_registry_record",
    "unescape_markdown",
    "unknown_keys",
    "unknown_values",
]

MAX_BYTES = 32 * 1024 * 1024
"""Largest file accepted; the largest records with results have a few MiB."""

MAX_DEPTH = 64
"""Deepest nesting accepted; the schema itself nests to 12."""

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "model_type": "an object",
    "string_type": "a string",
    "tuple_type": "an array",
}


class RegistryWarning(SojournWarning):
    """A record holds keys or codes that the schema does not list; they are kept."""


class RegistryRecord(RegistryModel):
    """One study record. Absent objects and arrays are empty, absent values None."""

    protocol_section: ProtocolSection = ProtocolSection()
    results_section: ResultsSection = ResultsSection()
    annotation_section: AnnotationSection = AnnotationSection()
    document_section: DocumentSection = DocumentSection()
    derived_section: DerivedSection = DerivedSection()
    has_results: bool | None = None

    @property
    def nct_id(self) -> str:
        """The study's registry number; every record that was read has one."""
        return self.protocol_section.identification_module.nct_id or ""

    def to_json_dict(self) -> dict[str, Any]:
        """Return exactly what was read: the same keys and values, nothing filled in."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def read_registry_record(path: str | Path) -> RegistryRecord:
    """Read one ClinicalTrials.gov study record.

    Parameters
    ----------
    path
        JSON file of one study as the API's version 2 gives it; a byte order mark is accepted.

    Returns
    -------
        the record; `to_json_dict()` gives back exactly what the file holds.

    Raises
    ------
    DataError
        if the file cannot be read, is larger than `MAX_BYTES`, is not UTF-8 JSON (NaN and
        duplicate keys are refused too), nests deeper than `MAX_DEPTH`, or is no study record.

    Warns
    -----
    RegistryWarning
        once, naming every key and code that the schema does not list.
    """
    path = Path(path)
    return _checked(_json(_text(path), path.name), path.name, stacklevel=3)


def parse_registry_record(document: object, *, source: str = "record") -> RegistryRecord:
    """Return a record from parsed JSON; `source` names it in messages.

    Raises
    ------
    DataError
        if `document` is no study record.

    Warns
    -----
    RegistryWarning
        once, naming every key and code that the schema does not list.
    """
    _check_json_value(document, source)
    return _checked(document, source, stacklevel=3)


def unknown_keys(record: RegistryRecord) -> tuple[str, ...]:
    """Return the JSON path of every key that the schema (API 2.0.5) does not list."""
    return tuple(path for path, value in _oddities(record, "") if value is None)


def unknown_values(record: RegistryRecord) -> dict[str, str]:
    """Return, by JSON path, every code, date or age that the schema does not allow."""
    return {path: value for path, value in _oddities(record, "") if value is not None}


def outcomes(record: RegistryRecord) -> dict[str, Outcome]:
    """Return every registered outcome by its JSON path, primary ones first."""
    module = record.protocol_section.outcomes_module
    ranks = {
        "primaryOutcomes": module.primary_outcomes,
        "secondaryOutcomes": module.secondary_outcomes,
        "otherOutcomes": module.other_outcomes,
    }
    return {
        f"protocolSection.outcomesModule.{rank}[{i}]": outcome
        for rank, members in ranks.items()
        for i, outcome in enumerate(members)
    }


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"{path.name} has {size} bytes; a study record has at most {MAX_BYTES}. "
                "Give the JSON file of one study, not a download of many"
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}, byte {error.start}: not UTF-8 text") from error


def _json(text: str, source: str) -> object:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(items)) < len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{source}: key {twice!r} stands twice in one object; keep one")
        return found

    def constant(name: str) -> NoReturn:
        raise DataError(f"{source}: {name} is not JSON; write null or leave the key out")

    try:
        document: object = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except RecursionError as error:
        raise DataError(f"{source}: nested deeper than {MAX_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{source}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})"
        ) from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{source}: not JSON ({error})") from error
    _check_json_value(document, source)
    return document


def _check_json_value(document: object, source: str) -> None:
    """Refuse what JSON text could not hold safely: too deep, endless numbers, broken text."""
    stack = [(document, 1)]
    while stack:
        value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise DataError(f"{source}: nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            stack += [(member, depth + 1) for pair in value.items() for member in pair]
        elif isinstance(value, list):
            stack += [(member, depth + 1) for member in value]
        elif isinstance(value, float) and value - value != 0:
            raise DataError(f"{source}: a number is not finite; write null or leave the key out")
        elif isinstance(value, str) and not value.isascii():
            _check_text(value, source)


def _check_text(value: str, source: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{source}: half a character (surrogate) in {value[:40]!a}") from error


def _checked(document: object, source: str, *, stacklevel: int) -> RegistryRecord:
    if not isinstance(document, dict):
        kind = "an array" if isinstance(document, list) else type(document).__name__
        raise DataError(
            f"{source}: the root is {kind}; expected the object of one study, with protocolSection"
        )
    try:
        record = RegistryRecord.model_validate(document)
    except ValidationError as error:
        raise DataError(f"{source}: {_explained(error)}") from error
    path = "protocolSection.identificationModule.nctId"
    if not re.fullmatch(r"NCT\d{8}", record.nct_id):
        found = repr(record.nct_id) if record.nct_id else "missing"
        raise DataError(f"{source}: {path} is {found}; expected NCT and eight digits")
    _warn_of_oddities(record, source, stacklevel + 1)
    return record


def _explained(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False)
    loc = [part for part in first["loc"] if part not in ("int", "float")]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)[1:]
    expected = _EXPECTED.get(first["type"], first["msg"])
    found = type(first["input"]).__name__
    more = f" ({len(others)} more such)" if others else ""
    return f"{path} is {first['input']!r:.60} ({found}); the schema asks for {expected}{more}"


def _warn_of_oddities(record: RegistryRecord, source: str, stacklevel: int) -> None:
    found = []
    if keys := unknown_keys(record):
        found.append(f"unknown keys {', '.join(keys)}")
    if values := unknown_values(record):
        listed = ", ".join(f"{path} = {value!r}" for path, value in values.items())
        found.append(f"values outside the schema {listed}")
    if found:
        message = f"{source}: {'; '.join(found)} (kept; schema: API 2.0.5)"
        warnings.warn(message, RegistryWarning, stacklevel=stacklevel)


def _oddities(model: RegistryModel, path: str) -> Iterator[tuple[str, str | None]]:
    """Yield (path, None) of each unknown key and (path, text) of each unknown value."""
    prefix = f"{path}." if path else ""
    for name in model.model_extra or ():
        yield f"{prefix}{name}", None
    rules = _rules(type(model))
    for name in model.model_fields_set:
        if name not in rules:
            continue
        alias, rule = rules[name]
        value = getattr(model, name)
        several = isinstance(value, tuple)
        for i, member in enumerate(value if several else (value,)):
            here = f"{prefix}{alias}[{i}]" if several else f"{prefix}{alias}"
            if isinstance(member, RegistryModel):
                yield from _oddities(member, here)
            elif rule is not None and isinstance(member, str) and not rule.accepts(member):
                yield here, member


@cache
def _rules(kind: type[RegistryModel]) -> dict[str, tuple[str, Vocabulary | Shape | None]]:
    return {
        name: (field.alias or name, _rule((field.annotation, *field.metadata)))
        for name, field in kind.model_fields.items()
    }


def _rule(hints: tuple[Any, ...]) -> Vocabulary | Shape | None:
    """Return the vocabulary or shape named anywhere in a field's type."""
    for hint in hints:
        if isinstance(hint, Vocabulary | Shape):
            return hint
        if (found := _rule(get_args(hint))) is not None:
            return found
    return None
