"""A trial folder: the study file, the record, and the tables, each with its digest."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sojourn.core.errors import DataError, SojournWarning
from sojourn.core.provenance import Provenance
from sojourn.core.results import Problem
from sojourn.core.tables import TABLES, Table
from sojourn.formats.csv import check_subjects, read_table
from sojourn.study.day_zero import counted_doses
from sojourn.study.definition import Study, read_study
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.store import Store


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """What a site holds of one trial; `tables` by name, each with the key of its reading."""

    root: Path
    study: Study
    study_key: str
    tables: dict[str, Keyed]
    problems: tuple[Problem, ...]


def check_folder(root: Path) -> None:
    """Check that `root` is a trial folder.

    Raises
    ------
    DataError
        if it holds no study file.
    """
    if not (root / "study.toml").is_file():
        raise DataError(
            f"{root}: no study.toml here, so this is no trial folder; `sojourn simulate` makes one"
        )


def read_folder(
    root: Path, store: Store, ledger: Ledger, progress: Callable[[str], None]
) -> TrialFolder:
    """Read study file and tables of the trial folder `root`.

    Raises
    ------
    DataError
        if `root` is no trial folder, or the study file or a table breaks a rule.
    """
    check_folder(root)
    study = read_study(root / "study.toml")
    study_key = ledger.file("study.toml")
    tables: dict[str, Keyed] = {}
    problems: list[Problem] = []
    for path in sorted((root / "tables").glob("*.csv")):
        if (table := TABLES.get(path.stem)) is None:
            message = f"is no table of this version and was not read; known: {', '.join(TABLES)}"
            where = f"tables/{path.name}"
            problems.append(Problem(severity="warning", where=where, message=message))
            continue
        progress(f"table {path.stem}")
        tables[table.name], found = _read(path, table, store, ledger)
        problems += found
    if "subjects" not in tables:
        raise DataError(f"{root}: tables/subjects.csv is missing; it lists who is in the trial")
    check_subjects({name: keyed.table for name, keyed in tables.items()})
    tables |= counted_doses(study.day_zero, tables, store, ledger)
    return TrialFolder(root, study, study_key, tables, tuple(problems))


def _read(path: Path, table: Table, store: Store, ledger: Ledger) -> tuple[Keyed, list[Problem]]:
    name = f"tables/{path.name}"
    inputs = [ledger.file(name)]
    if path.with_suffix(".toml").is_file():
        inputs.append(ledger.file(f"tables/{path.stem}.toml"))
    noted: list[str] = []

    def make() -> pl.DataFrame:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SojournWarning)
            frame = read_table(path, table)
        noted.extend(str(w.message) for w in caught if issubclass(w.category, SojournWarning))
        return frame

    # The warnings are stored before the table: a run that is cut off between both reads again.
    said = Provenance(f"warnings of table {table.name}", tuple(inputs))
    read = Provenance(f"read table {table.name}", tuple(inputs))
    fresh: list[pl.DataFrame] = []

    def say() -> list[str]:
        fresh.append(make())
        return noted

    messages: list[str] = store.document(said, say)
    frame = store.table(read, lambda: fresh[0] if fresh else make())
    problems = [Problem(severity="warning", where=name, message=text) for text in messages]
    return Keyed(frame, ledger.stage(read)), problems
