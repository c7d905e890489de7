"""Analysis results: one table of numbers, the single source of the report.

Names follow the CDISC Analysis Results Standard: an analysis, by a method's operation, on an
analysis set, for a group, gives one raw value.
"""

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Cell = str | int | float | bool | None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Result(_Frozen):
    """One number of the report.

    `id` is stable between runs: ``<analysisId>/<groupId>/<operationId>``. A bound that the data do
    not give is None with `boundNote` saying why. `provenance` is the key of the stage that made it.
    """

    id: str
    analysisId: str = Field(min_length=1)  # noqa: N815, names of the standard
    groupId: str  # noqa: N815
    operationId: str  # noqa: N815
    analysisSetId: str  # noqa: N815
    methodId: str  # noqa: N815
    label: str
    role: str = ""
    rawValue: float | None  # noqa: N815
    unit: str
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    boundNote: str = ""  # noqa: N815
    pValue: float | None = None  # noqa: N815
    n: int | None = None
    provenance: str
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> "Result":
        if self.id != f"{self.analysisId}/{self.groupId}/{self.operationId}":
            raise ValueError(f"id {self.id!r} is not analysisId/groupId/operationId")
        if (self.lower is not None or self.upper is not None) and self.level is None:
            raise ValueError(f"{self.id}: an interval needs its level")
        return self


class Listing(_Frozen):
    """A table of rows that the report shows or draws; values keep their types.

    `keys` are the columns that name a row; a row's id is ``<id>/<value>/<value>``.
    `rowProvenance`, if given, holds one key for each row, else `provenance` stands for all.
    """

    id: str
    title: str
    columns: tuple[str, ...]
    units: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...]
    provenance: str
    notes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    rowProvenance: tuple[str, ...] = ()  # noqa: N815

    @model_validator(mode="after")
    def _is_rectangular(self) -> "Listing":
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.id}: a row has {len(row)} cells, not {len(self.columns)}")
        if strange := [key for key in self.keys if key not in self.columns]:
            raise ValueError(f"{self.id}: keys {', '.join(strange)} are no columns")
        if self.rowProvenance and len(self.rowProvenance) != len(self.rows):
            raise ValueError(f"{self.id}: {len(self.rowProvenance)} keys for {len(self.rows)} rows")
        return self

    def row_ids(self) -> list[str]:
        """Return the id of every row; empty strings where the listing names no keys."""
        if not self.keys:
            return [""] * len(self.rows)
        index = [self.columns.index(key) for key in self.keys]
        return ["/".join([self.id, *(str(row[i]) for i in index)]) for row in self.rows]

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows as dictionaries by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Step(_Frozen):
    """One node of the provenance graph: what it takes to make a value again.

    `kind` "file": `label` is the path within the trial folder, `key` its SHA-256. `kind` "stage":
    `inputs` are keys of other steps.
    """

    key: str
    kind: Literal["file", "stage"]
    label: str
    inputs: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    code: str = ""


class Problem(_Frozen):
    """Something that kept data out of the analysis, or that a reader must know."""

    severity: Literal["error", "warning", "note"]
    where: str
    message: str


class Results(_Frozen):
    """Everything a report is made from."""

    studyId: str  # noqa: N815
    title: str
    isSimulated: bool  # noqa: N815
    isBlinded: bool  # noqa: N815
    dataStatus: str = ""  # noqa: N815
    groups: dict[str, str]
    primaryResultId: str  # noqa: N815
    answer: str
    results: tuple[Result, ...]
    listings: tuple[Listing, ...] = ()
    problems: tuple[Problem, ...] = ()
    steps: tuple[Step, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)

    def result(self, number_id: str) -> Result | None:
        """Return the result called `number_id`, or None."""
        return next((result for result in self.results if result.id == number_id), None)

    def listing(self, listing_id: str) -> Listing | None:
        """Return the listing called `listing_id`, or None."""
        return next((listing for listing in self.listings if listing.id == listing_id), None)


def bound(value: float) -> float | None:
    """Return `value`, or None where it is infinite: JSON has no infinity."""
    return value if math.isfinite(value) else None
