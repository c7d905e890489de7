"""What pydantic found wrong, said in the words of the study file."""

import difflib
from collections.abc import Iterable, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table {key = value}",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "a table",
    "string_type": "a text in quotes",
    "tuple_type": "a list [...]",
}


def explained(error: ValidationError, document: object, model: type[BaseModel]) -> str:
    """Return the first thing wrong: place, what was found, what is accepted, what to do.

    Parameters
    ----------
    error
        what pydantic raised when it validated `document` as `model`.
    document
        the parsed file or part; only used to name entries by their id.
    model
        the model whose keys are accepted at the root.
    """
    errors = error.errors(include_url=False)
    first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    loc = [part for part in first["loc"] if part not in ("str", "int", "float")]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "extra_forbidden":
        return _unknown_key(loc, document, model) + more
    where = place(loc, document)
    if first["type"] == "missing":
        accepted = ", ".join(keys_of(_model_at(model, loc[:-1])))
        return f"{where} is missing; keys of this entry: {accepted}{more}"
    expected = _EXPECTED.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "value_error":
        return f"{where}: {expected}{more}"
    return f"{where} is {first['input']!r:.60}; expected: {expected}{more}"


def place(loc: Sequence[str | int], document: object) -> str:
    """Return a place in the file, ``endpoints[2] (anc).rule.threshold``, entries named if known."""
    text, here = "", document
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
        here = _inside(here, part)
        if isinstance(part, int) and (name := _name_of(here)):
            text += f" ({name})"
    return text or "the file"


def suggestion(found: str, accepted: Iterable[str]) -> str:
    """Return the nearest accepted word as a question, and every accepted word."""
    words = list(accepted)
    near = difflib.get_close_matches(found, words, n=1)
    question = f"; did you mean {near[0]!r}?" if near else ""
    return f"{question}; accepted: {', '.join(words) or 'none'}"


def keys_of(model: type[BaseModel] | None) -> list[str]:
    """Return the keys that `model` accepts, as written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _unknown_key(loc: Sequence[str | int], document: object, model: type[BaseModel]) -> str:
    key = str(loc[-1])
    hint = suggestion(key, keys_of(_model_at(model, loc[:-1])))
    return f"{place(loc[:-1], document)}: unknown key {key!r}{hint}"


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    here: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, int) or here is None:
            continue
        fields = {field.alias or name: field for name, field in here.model_fields.items()}
        here = _model_in(fields[part].annotation) if part in fields else None
    return here


def _model_in(hint: object) -> type[BaseModel] | None:
    """Return the first model named anywhere in a field's type."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((found for part in get_args(hint) if (found := _model_in(part))), None)


def _inside(here: object, part: str | int) -> object:
    if isinstance(here, dict):
        return here.get(part)
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return None


def _name_of(entry: object) -> str | None:
    if not isinstance(entry, dict):
        return None
    names = (entry.get(key) for key in ("id", "code", "name", "finding"))
    return next((name for name in names if isinstance(name, str)), None)
