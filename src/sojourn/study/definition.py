"""A study as a file: what is measured, when, in whom, and where each statement comes from."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.study._definition_checks import check_study_file, unstated_defaults
from sojourn.study._definition_entries import (
    ANALYSIS_SETS,
    Answer,
    Arm,
    CriterionRule,
    DayZero,
    Design,
    Entry,
    Imaging,
    IntercurrentEvent,
    Open,
    Sharing,
    Study,
    StudyAnalysis,
    StudyCriterion,
    StudyEndpoint,
    Visit,
)
from sojourn.study._definition_errors import explained

__all__ = [
    "ANALYSIS_SETS",
    "Answer",
    "Arm",
    "Assumption",
    "CriterionRule",
    "DayZero",
    "Design",
    "Entry",
    "Imaging",
    "IntercurrentEvent",
    "Open",
    "Sharing",
    "Study",
    "StudyAnalysis",
    "StudyCriterion",
    "StudyEndpoint",
    "Visit",
    "assumptions",
    "parse_study",
    "read_study",
    "with_data_status",
]

MAX_BYTES = 4 * 1024 * 1024
"""Largest study file accepted; ours have some 30 KiB."""

_GROUNDS = frozenset({"from", "cites", "reason", "assumes", "binds"})


@dataclass(frozen=True, slots=True)
class Assumption:
    """One statement that no source settles: its place, the statement, its origin, why.

    `from_` is "assumption", or "default" where the file is silent and the program's value holds.
    """

    where: str
    statement: str
    from_: str
    grounds: str


def read_study(path: str | Path) -> Study:
    """Read a study file and check that it holds together.

    Parameters
    ----------
    path
        TOML file, UTF-8, at most `MAX_BYTES`.

    Returns
    -------
        the study; every endpoint and statistic it names exists and accepts its settings.

    Raises
    ------
    DataError
        if the file cannot be read or is no TOML (with the line), if a key is unknown (with the
        nearest accepted one), a value does not fit, an entry lacks its origin, or entries do not
        fit each other or the plug-ins.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name} is larger than {MAX_BYTES} bytes: no study file")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name}: byte {error.start} is not UTF-8; save it as UTF-8"
        ) from error
    return parse_study(text, source=path.name)


def parse_study(text: str, *, source: str = "study.toml") -> Study:
    """Return the study that the TOML `text` defines; `source` names it in messages.

    Raises
    ------
    DataError
        as `read_study`.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(f"{source}: not TOML: {error}") from error
    try:
        study = Study.model_validate(document)
    except ValidationError as error:
        raise DataError(f"{source}: {explained(error, document, Study)}") from error
    try:
        check_study_file(study)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    return study


def with_data_status(text: str, status: str) -> str:
    """Return the study file `text` with its `data_status` set to `status`, all else unchanged.

    Raises
    ------
    DataError
        if the result is no valid study file.
    """
    line = f'data_status = "{status}"'
    found = re.search(r"(?m)^\s*\[", text)
    end_of_head = found.start() if found else len(text)
    head, tables = text[:end_of_head], text[end_of_head:]
    changed, n_lines = re.subn(r"(?m)^data_status\s*=.*$", line, head)
    result = (changed if n_lines else f"{line}\n{head}") + tables
    if parse_study(result).data_status != status:
        raise DataError(f"the file sets data_status in a way that cannot be changed to {status!r}")
    return result


def assumptions(study: Study) -> list[Assumption]:
    """Return every statement of `study` that no record or protocol settles, in file order.

    Entries from "assumption" come whole, single assumed keys of other entries one by one, and
    last the settings that the file does not state, so that the program's defaults hold.
    """
    found: list[Assumption] = []
    for where, entry in study.entries():
        if entry.from_ == "assumption":
            grounds = entry.reason or ""
            statement = _sentence(where, _difference(study, entry))
            found.append(Assumption(where, statement, "assumption", grounds))
        for key, grounds in entry.assumes.items():
            statement = f"{_subject(where, entry)}: {_words(key)} is {_shown(_value(entry, key))}."
            found.append(Assumption(f"{where}.{key}", statement, "assumption", grounds))
    for where, key, value in unstated_defaults(study):
        statement = f"{_words(where)}: {_words(key)} is {_shown(value)}."
        found.append(
            Assumption(f"{where}.{key}", statement, "default", "not stated in the study file")
        )
    return found


def _difference(study: Study, entry: Entry) -> Entry:
    """Return an endpoint that has a base with only those parts of its rule that differ."""
    if not isinstance(entry, StudyEndpoint) or entry.base is None:
        return entry
    base = next(endpoint.rule for endpoint in study.endpoints if endpoint.id == entry.base)
    return entry.model_copy(update={"rule": _changes(base, entry.rule)})


def _changes(base: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in rule.items():
        before = base.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := _changes(before, value):
                changed[key] = inner
        elif key not in base or before != value:
            changed[key] = value
    return changed


def _subject(where: str, entry: Entry) -> str:
    name = next(
        (
            getattr(entry, k)
            for k in ("id", "code", "name", "finding", "event")
            if hasattr(entry, k)
        ),
        "",
    )
    kind = _words(where.partition("[")[0]).capitalize()
    return f"{_SINGULAR.get(kind, kind)} {name}".strip()


_SINGULAR = {
    "Arms": "Arm",
    "Visits": "Visit",
    "Endpoints": "Endpoint",
    "Analyses": "Analysis",
    "Criteria": "Criterion",
    "Answers": "Answer to",
    "Intercurrent events": "Intercurrent event",
}


def _sentence(where: str, entry: Entry) -> str:
    if isinstance(entry, Answer):
        return f"{_subject(where, entry)}: {entry.decision}"
    if isinstance(entry, IntercurrentEvent):
        return f"{_subject(where, entry)}: {entry.handling} ({_words(entry.strategy)})"
    values = entry.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    skipped = _GROUNDS | {"id", "code", "name", "label"}
    stated = [f"{_words(k)} {_shown(v)}" for k, v in values.items() if k not in skipped and v != ()]
    return f"{_subject(where, entry)}: {', '.join(stated)}."


def _value(entry: Entry, key: str) -> object:
    for inner in (getattr(entry, "rule", None), getattr(entry, "settings", None)):
        if isinstance(inner, dict) and key.partition(".")[0] in inner:
            for part in key.split("."):
                inner = inner[part]
            return inner
        if isinstance(inner, CriterionRule) and key in CriterionRule.model_fields:
            return getattr(inner, key)
    return getattr(entry, key)


def _words(key: str) -> str:
    return key.replace("_", " ").replace(".", " ")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(str(k))} {_shown(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return " and ".join(_shown(v) for v in value) if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
