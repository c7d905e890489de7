"""What travels between the processes of the imaging part: plain values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sojourn.core.results import Problem, Step
from sojourn.deliverables.report import ScanPanel

MATRIX = "calibration/system_matrix.mdf"
"""Where a trial folder keeps its calibration."""


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One row of the register of scans, and what became of it."""

    visit: str
    when: date | None
    grade: str
    file: str | None
    mask: str | None
    amount_ug: float | None
    amount_sd_ug: float | None
    note: str
    row: int
    is_flagged: bool = False
    reason: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ScanRow":
        """Return the row of the table ``scans`` as a value."""
        return cls(
            visit=row["VISIT"],
            when=row["ADT"],
            grade=row["GRADE"],
            file=row["FILE"],
            mask=row["MASK"],
            amount_ug=row["AMOUNT"],
            amount_sd_ug=row["AMOUNT_SD"],
            note=row["NOTE"] or "",
            row=row["ROW"],
        )


@dataclass(frozen=True, slots=True)
class SubjectTask:
    """What one process needs to work on one subject; plain values only."""

    root: Path
    store: Path
    subject: str
    scans: tuple[ScanRow, ...]
    imaging: Mapping[str, Any]
    dose: Mapping[str, Any] | None
    is_blinded: bool
    is_simulated: bool
    register: str
    steps: Mapping[str, Step]


@dataclass(slots=True)
class SubjectImaged:
    """What one subject's scans gave; documents are plain values by visit."""

    subject: str
    scans: list[ScanRow] = field(default_factory=list)
    amounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    amount_keys: dict[str, str] = field(default_factory=dict)
    retention: dict[str, dict[str, Any]] = field(default_factory=dict)
    retention_keys: dict[str, str] = field(default_factory=dict)
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    cell_keys: dict[str, str] = field(default_factory=dict)
    decay: dict[str, Any] | None = None
    decay_key: str = ""
    quality: dict[str, dict[str, Any]] = field(default_factory=dict)
    panels: dict[str, ScanPanel] = field(default_factory=dict)
    images: dict[str, tuple[Path, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[tuple[str, str, str | None, str]] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    n_made: int = 0
    n_asked: int = 0
