"""What every entry of a study file is: frozen, typed strictly, with its origin."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

T = TypeVar("T")

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array; lax only in that a list becomes a tuple."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
Origin = Literal["record", "protocol", "assumption"]
Role = Literal["primary", "secondary", "sensitivity", "exploratory", "safety"]


class Part(BaseModel):
    """A part of a study file: frozen, strictly typed, no key but its own."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, defer_build=True
    )


class Entry(Part):
    """What every entry carries: its origin, with a citation or a reason.

    `assumes` gives, for single keys of an entry, the reason of a value that the cited source does
    not state. `binds` are the record's paths that the entry accounts for.
    """

    from_: Origin = Field(alias="from")
    cites: Text | None = None
    reason: Text | None = None
    assumes: dict[str, Text] = Field(default_factory=dict)
    binds: Many[Text] = ()

    @model_validator(mode="after")
    def _has_grounds(self) -> "Entry":
        if self.from_ == "assumption" and self.reason is None:
            raise ValueError('from = "assumption" needs a reason: say why, in one sentence')
        if self.from_ != "assumption" and self.cites is None:
            raise ValueError(f'from = "{self.from_}" needs cites: where does it stand?')
        return self
