"""A study as a file: what is measured, when, in whom, and where each statement comes from."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.study._definition_assumptions import Assumption, assumptions
from sojourn.study._definition_base import Entry
from sojourn.study._definition_checks import check_study_file
from sojourn.study._definition_entries import (
    Answer,
    Arm,
    CriterionRule,
    Design,
    Imaging,
    Open,
    Sharing,
    Study,
    StudyCriterion,
    StudyEndpoint,
    Visit,
)
from sojourn.study._definition_errors import explained
from sojourn.study._definition_plan import (
    ANALYSIS_SETS,
    POPULATION_KINDS,
    DayZero,
    Estimand,
    IntercurrentEvent,
    Multiplicity,
    Population,
    StudyAnalysis,
)

__all__ = [
    "ANALYSIS_SETS",
    "POPULATION_KINDS",
    "Answer",
    "Arm",
    "Assumption",
    "CriterionRule",
    "DayZero",
    "Design",
    "Entry",
    "Estimand",
    "Imaging",
    "IntercurrentEvent",
    "Multiplicity",
    "Open",
    "Population",
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
