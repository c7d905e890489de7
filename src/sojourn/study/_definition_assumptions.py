"""Every statement of a study that no record or protocol settles, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sojourn.study._definition_base import Entry
from sojourn.study._definition_checks import unstated_defaults
from sojourn.study._definition_entries import Answer, CriterionRule, Study, StudyEndpoint
from sojourn.study._definition_plan import IntercurrentEvent, StudyAnalysis

_GROUNDS = frozenset({"from", "cites", "reason", "assumes", "binds"})
_NAMES = ("id", "code", "name", "finding")
_SPANS = ("window_days", "dose_cells_range")
_KINDS = {
    "arms": "Arm",
    "visits": "Visit",
    "endpoints": "Endpoint",
    "analyses": "Analysis",
    "criteria": "Criterion",
    "answers": "Answer to",
    "intercurrent_events": "Intercurrent event",
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """One statement that no source settles: its place, the statement, its origin, why.

    `from_` is "assumption", or "default" where the file is silent and the program's value holds.
    """

    where: str
    statement: str
    from_: str
    grounds: str


def assumptions(study: Study) -> list[Assumption]:
    """Return every statement of `study` that no record or protocol settles, in file order.

    Entries from "assumption" come whole, assumed keys of any entry one by one, and last the
    settings that the file does not state, so that the program's defaults hold.
    """
    found: list[Assumption] = []
    for where, entry in study.entries():
        if entry.from_ == "assumption":
            statement = _sentence(where, _difference(study, entry))
            found.append(Assumption(where, statement, "assumption", entry.reason or ""))
        for key, grounds in entry.assumes.items():
            statement = f"{_subject(where, entry)}: {_stated(key, _value(entry, key))}."
            found.append(Assumption(f"{where}.{key}", statement, "assumption", grounds))
    for where, key, value in unstated_defaults(study):
        statement = f"{_words(where)}: {_stated(key, value)}."
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


def _changes(base: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in rule.items():
        before = base.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := _changes(before, value):
                changed[key] = inner
        elif key not in base or before != value:
            changed[key] = value
    return changed


def _subject(where: str, entry: Entry) -> str:
    table = where.partition("[")[0]
    name = next((getattr(entry, key) for key in _NAMES if hasattr(entry, key)), "")
    return f"{_KINDS.get(table, _words(table).capitalize())} {name}".strip()


def _sentence(where: str, entry: Entry) -> str:
    subject = _subject(where, entry)
    if isinstance(entry, Answer):
        return f"{subject}: {entry.decision}."
    if isinstance(entry, IntercurrentEvent):
        return f"{subject}, {entry.event}: {entry.handling} ({_words(entry.strategy)})."
    if isinstance(entry, StudyAnalysis):
        groups = "by arm" if entry.by == "arm" else "all subjects together"
        return f"{subject}: {entry.label}; {_words(entry.use)}, {groups}, {entry.role}."
    values = entry.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    skipped = _GROUNDS | {*_NAMES, "label"} | entry.assumes.keys()
    stated = [_phrase(k, v) for k, v in values.items() if k not in skipped and v not in ((), {})]
    return f"{subject}: {'; '.join(stated)}."


def _value(entry: Entry, key: str) -> object:
    first, *others = key.split(".")
    for inner in (getattr(entry, "rule", None), getattr(entry, "settings", None)):
        if isinstance(inner, dict) and first in inner:
            value = inner[first]
            for part in others:
                value = value[part]
            return value
        if isinstance(inner, CriterionRule) and key in CriterionRule.model_fields:
            return getattr(inner, key)
    return getattr(entry, key)


def _stated(key: str, value: object) -> str:
    return f"{_words(key)} = {_shown(key, value)}"


def _phrase(key: str, value: object) -> str:
    return f"{_words(key)} {_shown(key, value)}"


def _words(key: str) -> str:
    return key.replace("_", " ").replace(".", " ")


def _shown(key: str, value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_phrase(str(k), v) for k, v in value.items())
    if isinstance(value, list | tuple):
        between = " to " if key.endswith(_SPANS) else ", "
        return between.join(_shown("", member) for member in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}".replace("e+0", "e").replace("e+", "e")
    return str(value)
