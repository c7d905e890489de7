"""One analysis of one CSV file: what `sojourn estimate` does."""

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.provenance import numeric_versions
from sojourn.core.results import bound
from sojourn.core.tables import ROW
from sojourn.formats.csv import read_columns
from sojourn.study._column_cells import MISSING, is_number, read_last_days, read_numbers
from sojourn.study._setting_text import parse_settings
from sojourn.study.groups import EVERYBODY
from sojourn.study.outcomes import analyses

OF_VALUES = (
    *("mean", "mean_difference", "hodges_lehmann", "permutation_test", "sign_flip", "ancova"),
    *("spearman", "mixed_model", "mmrm", "multiple_imputation", "delta_adjustment"),
)
"""Methods that would take a censored time for a value."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file mean what; each is a name in its header.

    Either `time` and `status` (0 censored, 1 the event, 2 and above competing events), with `entry`
    where subjects come under observation late; or `value`, with `exposure`, the whole days at risk,
    where it counts events. `baseline`, `visit` and `subject` where a method needs them;
    `covariates` hold numbers, `strata` text. `event` and `censored` are no columns but the codes of
    `status`, where they are not 1 and 0 or the file alone does not tell.
    """

    time: str | None = None
    status: str | None = None
    event: int | None = None
    censored: int | None = None
    entry: str | None = None
    value: str | None = None
    exposure: str | None = None
    group: str | None = None
    subject: str | None = None
    visit: str | None = None
    baseline: str | None = None
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.time is None) != (self.status is None):
            raise DataError("a time needs its status and a status its time: give both, or a value")
        if (self.time is None) == (self.value is None):
            raise DataError(
                "expected either --time and --status (survival methods) or --value (the others)"
            )
        if (self.event is not None or self.censored is not None) and self.status is None:
            raise DataError("--event and --censored are codes of --status: give that column too")
        if self.codes[0] == self.codes[1]:
            raise DataError(f"status {self.codes[0]} cannot be both the event and censored")
        if self.entry is not None and self.time is None:
            raise DataError("--entry belongs to --time and --status")
        if self.exposure is not None and self.value is None:
            raise DataError("--exposure belongs to --value, the number of events")
        if twice := {c for c in self.covariates if c in self.strata}:
            raise DataError(f"{', '.join(sorted(twice))}: both a covariate and a stratum")

    @property
    def codes(self) -> tuple[int, int]:
        """Return the status of the event and that of who is censored."""
        event = 1 if self.event is None else self.event
        return event, 0 if self.censored is None else self.censored

    def names(self) -> list[str]:
        """Return every column that is read, each once."""
        single = (self.time, self.status, self.entry, self.value, self.group, self.subject)
        others = (self.exposure, self.visit, self.baseline)
        named = [n for n in (*single, *others) if n is not None]
        return list(dict.fromkeys([*named, *self.covariates, *self.strata]))


@dataclass(frozen=True, slots=True)
class FileEstimates:
    """The numbers of one analysis of one file, and what it took to make them."""

    method: str
    label: str
    file: str
    columns: Mapping[str, Any]
    settings: Mapping[str, Any]
    estimates: tuple[GroupEstimate, ...]
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the document as JSON; an unbounded side is null."""
        document = {
            "method": self.method,
            "label": self.label,
            "file": self.file,
            "columns": dict(self.columns),
            "settings": dict(self.settings),
            "estimates": [_document(each) for each in self.estimates],
            "versions": dict(self.versions),
        }
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_text(self) -> str:
        """Return one line for each number, with its notes below."""
        lines: list[str] = []
        for each in self.estimates:
            named = each.operation if each.group == EVERYBODY else f"{each.group}: {each.operation}"
            shown = f"no estimate: {each.reason}" if each.estimate is None else _line(each.estimate)
            p_value = "" if each.p_value is None else f", p = {each.p_value:.4g}"
            lines.append(f"{named}  {shown}{p_value}  (n = {each.n})")
            if each.estimate is not None:
                lines.append(f"    {each.estimate.method}")
                lines += [f"    {note}" for note in each.estimate.notes]
        return "\n".join(lines) + "\n"


def estimate_file(
    method: str,
    path: Path,
    columns: Columns,
    *,
    at: Sequence[float] = (),
    settings: Sequence[str] = (),
) -> FileEstimates:
    """Return the estimates of `method` from the columns of a CSV file.

    Parameters
    ----------
    method
        name of a plug-in of `sojourn.statistics`.
    path
        CSV with a header; empty cells and NA are missing: a subject without a time or a value is
        counted and left out, never read as good or bad.
    columns
        what its columns mean; times in any unit, the estimates' own.
    at
        times of the estimates, for methods that have such a setting.
    settings
        ``KEY=VALUE``, values as in a study file (TOML).

    Raises
    ------
    PluginError
        if no method has that name.
    DataError
        if the file, a column, a cell or a setting cannot be used; it names the row.
    """
    analysis = analyses.get(method)
    chosen = _settings(analysis, columns, at, settings)
    rows = read_outcomes(path, columns)
    if rows.is_empty():
        raise DataError(f"{path.name}: a header and no row; expected a row for each subject")
    _check_kind(method, columns, rows)
    _check_values(analysis, columns, rows)
    _check_success(analysis, chosen, rows)
    made = analysis(rows, settings=chosen)
    valid = analysis.settings.model_validate(chosen)
    return FileEstimates(
        method,
        analysis.label,
        path.name,
        {name: value for name, value in asdict(columns).items() if value not in (None, ())},
        valid.model_dump(mode="json"),
        tuple(made),
        {
            "sojourn": metadata.version("sojourn"),
            "python": platform.python_version(),
            **numeric_versions(),
        },
    )


def read_outcomes(path: Path, columns: Columns) -> pl.DataFrame:
    """Return the rows of a CSV file as outcome rows with their group.

    A row's subject is its `columns.subject`, else ``row N``, its line in the file.

    Raises
    ------
    DataError
        if a column is absent, a cell is no number, a status is unknown, or a group is empty.
    """
    text = read_columns(path, columns.names())
    where = [f"{path.name}, row {row}" for row in text[ROW]]
    size = len(where)
    made: dict[str, list[Any]] = {name: [None] * size for name in OUTCOME}
    made["USUBJID"] = _subjects(text, columns, where)
    made["PARAMCD"] = ["VALUE"] * size
    made["REASON"] = [f"row {row}" for row in text[ROW]]
    made["EVIDENCE"] = [""] * size
    made[GROUP] = _groups(text, columns, where)
    if columns.time is not None and columns.status is not None:
        made["AVAL"] = read_numbers(text[columns.time], columns.time, where)
        codes = _statuses(text[columns.status], columns, where)
        made["CNSR"] = codes
        made["AVAL"] = [None if c is None else t for t, c in zip(made["AVAL"], codes, strict=True)]
    elif columns.value is not None:
        made["AVALC"] = [None if cell in MISSING else cell for cell in text[columns.value]]
        if all(is_number(cell) for cell in made["AVALC"] if cell is not None):
            made["AVAL"] = read_numbers(text[columns.value], columns.value, where)
    for name, column in (("ENTRY", columns.entry), ("BASE", columns.baseline)):
        if column is not None:
            made[name] = read_numbers(text[column], column, where)
    if columns.exposure is not None:
        made["DAY"] = read_last_days(text[columns.exposure], columns.exposure, where)
    if columns.visit is not None:
        made["AVISIT"] = [None if cell in MISSING else cell for cell in text[columns.visit]]
    extra: dict[str, Any] = {}
    for column in columns.covariates:
        made[column], extra[column] = read_numbers(text[column], column, where), pl.Float64
    for column in columns.strata:
        made[column] = [None if cell in MISSING else cell for cell in text[column]]
        extra[column] = pl.String
    return pl.DataFrame(made, schema={**OUTCOME, GROUP: pl.String, **extra})


def _line(estimate: Estimate) -> str:
    unit = "" if estimate.unit == "1" else f" {estimate.unit}"
    return (
        f"{estimate.value:.6g}{unit} ({100 * estimate.level:.4g}% CI {estimate.lower:.6g} to "
        f"{estimate.upper:.6g})"
    )


def _settings(
    analysis: Analysis, columns: Columns, at: Sequence[float], settings: Sequence[str]
) -> dict[str, Any]:
    chosen = parse_settings(settings)
    known = analysis.settings.model_fields
    # A column that a setting names (a day of response, say) is read, and is no covariate.
    named = {value for value in chosen.values() if isinstance(value, str)}
    if any(not (math.isfinite(time) and time >= 0) for time in at):
        raise DataError(f"--at {', '.join(f'{t:g}' for t in at)}: expected times of 0 or more")
    given: dict[str, Any] = {"at": list(at)}
    given["covariates"] = [column for column in columns.covariates if column not in named]
    given["strata"] = list(columns.strata)
    for name, value in given.items():
        if value and name not in known:
            raise DataError(f"{analysis.label} has no {name}; its settings: {', '.join(known)}")
        if value and name in chosen:
            raise DataError(f"{name} is given twice, as an option and as a setting")
        if value:
            chosen[name] = value
    return chosen


def _check_kind(method: str, columns: Columns, rows: pl.DataFrame) -> None:
    """Refuse times where values are meant, and status 1 and 2 where R means 0 and 1."""
    if columns.time is not None and method in OF_VALUES:
        raise DataError(f"{method} takes a --value; the time of who is censored is none")
    codes = rows["CNSR"].drop_nulls().to_list()
    is_told = columns.event is not None or columns.censored is not None
    if 2 in codes and set(codes) <= {0, 2} and not is_told:
        raise DataError(
            f"column {columns.status} holds 1 ({codes.count(0)} times) and 2 ({codes.count(2)}), "
            "never 0: if 1 is censored and 2 the event, as R also takes it, add --event 2 "
            "--censored 1; if 1 is the event, 2 a competing event and nobody censored, add "
            "--event 1 --censored 0"
        )


def _check_values(analysis: Analysis, columns: Columns, rows: pl.DataFrame) -> None:
    """Refuse a cell that is no number where a number is analysed: one would empty the column."""
    if columns.value is None or "success" in analysis.settings.model_fields:
        return
    for cell, place in zip(rows["AVALC"], rows["REASON"], strict=True):
        if cell is not None and not is_number(cell):
            raise DataError(
                f"{place}, column {columns.value}: {cell!r} is no finite number; missing is an "
                "empty cell"
            )


def _check_success(analysis: Analysis, chosen: Mapping[str, Any], rows: pl.DataFrame) -> None:
    """Refuse to guess which values count as a success, and values that differ in case alone."""
    if "success" not in analysis.settings.model_fields:
        return
    found = sorted(rows["AVALC"].drop_nulls().unique().to_list())
    wanted = chosen.get("success", ["Y"])
    named = [str(w) for w in (wanted if isinstance(wanted, list) else [wanted])]
    _check_case([*found, *named], "values")
    if "success" in chosen:
        return
    if not set(found) <= {"Y", "N"}:
        raise DataError(
            f"the values are {', '.join(found[:10])}; say which count as a success, for instance "
            f"--setting 'success=[\"{found[-1]}\"]'"
        )


def _check_case(words: Sequence[str], what: str) -> None:
    """Refuse words that differ in case alone: one of them would be counted as another."""
    seen: dict[str, str] = {}
    for word in words:
        first = seen.setdefault(word.casefold(), word)
        if first != word:
            raise DataError(
                f"the {what} {first!r} and {word!r} differ in case alone; write them alike"
            )


def _subjects(text: Mapping[str, list[str]], columns: Columns, where: list[str]) -> list[str]:
    if columns.subject is None:
        return [f"row {row}" for row in text[ROW]]
    for cell, place in zip(text[columns.subject], where, strict=True):
        if cell in MISSING:
            raise DataError(f"{place}: no subject in column {columns.subject}; fill it in")
    return text[columns.subject]


def _groups(text: Mapping[str, list[str]], columns: Columns, where: list[str]) -> list[str]:
    if columns.group is None:
        return [EVERYBODY] * len(where)
    for cell, place in zip(text[columns.group], where, strict=True):
        if cell in MISSING:
            raise DataError(f"{place}: no group in column {columns.group}; fill it in or remove it")
    _check_case(list(dict.fromkeys(text[columns.group])), "groups")
    return text[columns.group]


def _statuses(cells: list[str], columns: Columns, where: list[str]) -> list[int | None]:
    """Return CNSR (0 event, 1 censored) from status, its codes of both; above 1 others agree."""
    codes = event, censored = columns.codes
    made: list[int | None] = []
    for cell, place in zip(cells, where, strict=True):
        if cell in MISSING:
            made.append(None)
        elif cell.isascii() and cell.isdecimal() and int(cell) in codes:
            made.append(0 if int(cell) == event else 1)
        elif cell.isascii() and cell.isdecimal() and int(cell) > 1:
            made.append(int(cell))
        else:
            raise DataError(
                f"{place}, column {columns.status}: status {cell!r}; expected {censored} censored, "
                f"{event} the event, others of 2 and above competing events: recode the column, or "
                "name its codes by --event and --censored"
            )
    return made


def _document(each: GroupEstimate) -> dict[str, Any]:
    estimate = each.estimate
    document: dict[str, Any] = {
        "group": each.group,
        "operation": each.operation,
        "label": each.label,
        "n": each.n,
        "pValue": each.p_value,
        "reason": each.reason,
    }
    if estimate is None:
        return document | {"value": None}
    return document | {
        "value": bound(estimate.value),
        "unit": estimate.unit,
        "lower": bound(estimate.lower),
        "upper": bound(estimate.upper),
        "level": estimate.level,
        "method": estimate.method,
        "components": dict(estimate.components),
        "notes": list(estimate.notes),
    }
