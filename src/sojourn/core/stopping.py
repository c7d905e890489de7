"""What a stopping rule for safety is."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SafetyKind = Literal["any", "serious", "related", "serious_related", "grade3", "hypersensitivity"]

SAFETY_PARAMS: Mapping[SafetyKind, str] = {
    "any": "TEAE",
    "serious": "TESER",
    "related": "TEREL",
    "serious_related": "TESERREL",
    "grade3": "TEGR3",
    "hypersensitivity": "TEHYPER",
}
"""The PARAMCD of the endpoint adverse_events that tells who had an event of each kind."""


class StoppingRule(BaseModel):
    """Dosing stops when enough subjects had an event of a kind.

    `what`: the kind of event; all are treatment-emergent. `at_least`: so many subjects. `of_first`:
    among so many subjects in the order of their first doses; all of them where it is not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: SafetyKind
    at_least: int = Field(ge=1)
    of_first: int | None = Field(default=None, ge=1)
