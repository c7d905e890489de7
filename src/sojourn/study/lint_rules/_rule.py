"""What a lint rule is, and what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sojourn.formats.registry_record import RegistryRecord

Severity = Literal["error", "warning", "note"]
Hit = tuple[str, str]
"""JSON path and message."""


class Finding(BaseModel):
    """One thing found in a record: where, what is wrong, and what the study file must decide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    path: str
    message: str
    decision: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code, how grave a hit is, the decision it asks for, and how it looks.

    An error means that an endpoint cannot be computed, or that the record contradicts itself; a
    warning, that something promised or needed is not stated; a note, that a person should know.
    """

    code: str
    severity: Severity
    decision: str
    find: Callable[[RegistryRecord], Iterable[Hit]]
