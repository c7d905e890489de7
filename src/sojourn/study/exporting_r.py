"""The R program of one run: its numbers, and the rows that they were made from, written for R."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.results import Result, Results
from sojourn.deliverables.r_program import NUMBER_COLUMNS, RAnalysis, number_rows, r_script
from sojourn.study.analysis_rows import FILE, read_analysis_rows
from sojourn.study.explaining import read_results
from sojourn.study.outcomes import analyses as methods

_STAGE = "estimate "


@dataclass(frozen=True, slots=True)
class ExportedR:
    """What was written: the script, the folder of its tables, and how many numbers it checks.

    `without` holds, by analysis, why R does not recompute it.
    """

    script: Path
    data: Path
    n_numbers: int
    without: Mapping[str, str]


def export_r(out: Path, script: Path) -> ExportedR:
    """Write an R program, and its tables beside it, that recompute the numbers of a run.

    Parameters
    ----------
    out
        folder that `sojourn run` wrote; a blinded one stays blinded: the program holds what the
        folder holds.
    script
        file to write, such as ``check.R``; the tables go to a folder ``check_data`` beside it.

    Returns
    -------
        what was written. Equal runs give equal bytes.

    Raises
    ------
    DataError
        if `out` holds no results, or no rows of its analyses, or the script would lie in a folder
        that is not there.
    """
    results = read_results(out)
    rows = _read_rows(out)
    if script.suffix.lower() != ".r":
        raise DataError(f"{script}: an R program ends in .R; name the file so")
    if not script.parent.is_dir():
        raise DataError(f"{script.parent} is no folder; make it first")
    found = _analyses(results)
    missing = [a.id for a in found if a.id not in rows and not a.reason]
    if missing:
        raise DataError(f"{out / FILE} has no rows of {', '.join(missing)}; run the study again")
    data = script.with_name(f"{script.stem}_data")
    data.mkdir(exist_ok=True)
    write_text(data / "numbers.csv", _csv(NUMBER_COLUMNS, number_rows(found)))
    for analysis in found:
        if not analysis.reason:
            table = rows[analysis.id]
            write_text(data / f"{analysis.id}.csv", _csv(table.columns, table.iter_rows()))
    text = r_script(
        found,
        name=script.name,
        data=data.name,
        title=f"{results.studyId}: {results.title}",
        status=results.dataStatus or "not stated",
    )
    write_text(script, text)
    without = {a.id: a.reason for a in found if a.reason}
    return ExportedR(script, data, sum(len(a.numbers) for a in found), without)


def _read_rows(out: Path) -> dict[str, pl.DataFrame]:
    """Return the rows of each analysis, every cell as text, columns that it does not use left out.

    Raises
    ------
    DataError
        if there are none.
    """
    path = out / FILE
    try:
        table = read_analysis_rows(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); run the study again"
        ) from error
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: no table of rows ({error}); run the study again") from error
    if "ANALYSIS" not in table.columns:
        raise DataError(f"{path}: no column ANALYSIS; run the study again")
    parts = table.partition_by("ANALYSIS", as_dict=True, include_key=False)
    return {str(name): part for (name,), part in parts.items()}


def _analyses(results: Results) -> list[RAnalysis]:
    """Return the analyses behind the numbers, in their order."""
    by_id: dict[str, list[Result]] = {}
    for number in results.results:
        by_id.setdefault(number.analysisId, []).append(number)
    steps = {step.key: step for step in results.steps}
    found = []
    for name, numbers in by_id.items():
        step = steps.get(numbers[0].provenance)
        if step is None or not step.label.startswith(_STAGE):
            raise DataError(
                f"results.json does not say how {name} was estimated (step "
                f"{numbers[0].provenance[:12]}); run the study again"
            )
        use = step.label.removeprefix(_STAGE)
        settings = _settings(name, use, step.parameters.get("settings", {}))
        found.append(RAnalysis(name, use, settings, tuple(numbers)))
    return found


def _settings(name: str, use: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an analysis with every default filled in."""
    if use not in methods.names():
        return dict(given)
    try:
        return methods.get(use).settings.model_validate(dict(given)).model_dump()
    except ValidationError as error:
        raise DataError(
            f"results.json: settings of {name} are not those of this version's {use}; run the "
            "study again"
        ) from error


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue()
