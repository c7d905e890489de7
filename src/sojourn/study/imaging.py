"""The imaging part of a trial: every subject's scans to amounts, retention and decay."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from sojourn.core.files import write_bytes, write_text
from sojourn.core.provenance import Provenance
from sojourn.core.results import Listing, Problem, Step
from sojourn.deliverables.report import ScanPanel
from sojourn.endpoints.cavity_retention import RETENTION
from sojourn.formats.mdf import read_system_matrix
from sojourn.study import imaging_listings
from sojourn.study.folder import TrialFolder
from sojourn.study.groups import Groups
from sojourn.study.imaging_subject import image_subject
from sojourn.study.imaging_values import MATRIX, ScanRow, SubjectImaged, SubjectTask
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.listings import day_zeros
from sojourn.study.reconstructing import parameters_path
from sojourn.study.store import Store


@dataclass(frozen=True, slots=True)
class Imaged:
    """What the imaging part gave; empty for a trial without scans."""

    tables: dict[str, Keyed] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    panels: dict[tuple[str, str], ScanPanel] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[tuple[str, str, str | None, str]] = field(default_factory=list)
    flow: list[tuple[str, list[str], str]] = field(default_factory=list)
    images: dict[str, tuple[Path, Step]] = field(default_factory=dict)
    n_made: int = 0
    n_asked: int = 0

    def copy_images(self, folder: Path) -> None:
        """Put every stored image and, as JSON, what made it into `folder`, by subject and visit.

        Images of an earlier run that this one does not have are removed.
        """
        if self.images:
            folder.mkdir(parents=True, exist_ok=True)
        for name, (source, step) in sorted(self.images.items()):
            write_bytes(folder / name, source.read_bytes())
            text = step.model_dump_json(indent=1) + "\n"
            write_text(parameters_path(folder / name), text)
        own = {*self.images, *(parameters_path(folder / name).name for name in self.images)}
        for stale in [*folder.glob("*.nii.gz"), *folder.glob("*.json")]:
            if stale.name not in own:
                stale.unlink()


def run_imaging(
    trial: TrialFolder,
    groups: Groups,
    store: Store,
    ledger: Ledger,
    *,
    jobs: int,
    progress: Callable[[str], None],
) -> Imaged:
    """Return amounts, retention and decay of every subject that the register of scans names.

    Subjects are independent of each other: what is wrong with one scan is a problem of that scan,
    told with its reason, and stops nobody else.

    Raises
    ------
    DataError
        if a scan needs the calibration and that cannot be read.
    """
    imaging = trial.study.imaging
    if imaging is None or "scans" not in trial.tables:
        return Imaged()
    if "A" in trial.tables["scans"].table["GRADE"]:
        ledger.file(MATRIX)
        read_system_matrix(trial.root / MATRIX)  # no subject's fault: it stops the run
    tasks = list(_tasks(trial, groups, store, dict(ledger.steps)))
    done: dict[str, SubjectImaged] = {}
    for number, made in enumerate(_walk(tasks, jobs), start=1):
        done[made.subject] = made
        progress(f"imaging: {made.subject} ({number} of {len(tasks)})")
        ledger.merge(made.steps)
    subjects = [done[task.subject] for task in tasks]
    retention = _retention_table(trial, subjects, store, ledger)
    return Imaged(
        tables={"retention": retention},
        listings=imaging_listings.make_listings(
            subjects, trial.tables["scans"].key, groups, day_zeros(trial.tables)
        ),
        panels={
            (made.subject, visit): panel
            for made in subjects
            for visit, panel in made.panels.items()
        },
        problems=[problem for made in subjects for problem in made.problems],
        missing=[row for made in subjects for row in made.missing],
        flow=_flow(trial, subjects),
        images={
            name: (path, made.steps[key])
            for made in subjects
            for name, (path, key) in made.images.items()
        },
        n_made=sum(made.n_made for made in subjects),
        n_asked=sum(made.n_asked for made in subjects),
    )


def _tasks(
    trial: TrialFolder, groups: Groups, store: Store, steps: Mapping[str, Step]
) -> Iterator[SubjectTask]:
    """Yield one task for each subject, in the order of subject codes."""
    imaging = trial.study.imaging
    assert imaging is not None
    register = trial.tables["scans"].table
    doses = _doses(trial)
    settings = imaging.model_dump(
        mode="json", exclude={"from_", "cites", "reason", "assumes", "binds"}
    )
    for subject in sorted(register["USUBJID"].unique().to_list()):
        rows = register.filter(pl.col("USUBJID") == subject).sort("ROW").iter_rows(named=True)
        yield SubjectTask(
            root=trial.root,
            store=store.root,
            subject=subject,
            scans=tuple(ScanRow.from_row(row) for row in rows),
            imaging=settings,
            dose=doses.get(subject),
            is_blinded=groups.is_blinded,
            is_simulated=trial.study.data_status == "SIMULATED",
            register=trial.tables["scans"].key,
            steps=steps,
        )


def _doses(trial: TrialFolder) -> dict[str, dict[str, Any]]:
    """Return each subject's dose with its lot's iron per cell, as plain values."""
    if "doses" not in trial.tables:
        return {}
    lots: Mapping[str, Mapping[str, Any]] = {}
    if "lots" in trial.tables:
        lots = {row["EXLOT"]: row for row in trial.tables["lots"].table.iter_rows(named=True)}
    keys = [trial.tables[name].key for name in ("doses", "lots") if name in trial.tables]
    made: dict[str, dict[str, Any]] = {}
    for row in trial.tables["doses"].table.sort("ADT", descending=True).iter_rows(named=True):
        lot = lots.get(row["EXLOT"], {})
        made[row["USUBJID"]] = {
            "iron_ug": row["IRON"],
            "iron_sd_ug": row["IRON_SD"],
            "residual_ug": row["RESIDUAL"],
            "cells": row["CELLS"],
            "iron_per_cell_pg": lot.get("IRON_PER_CELL"),
            "iron_per_cell_sd_pg": lot.get("IRON_PER_CELL_SD"),
            "keys": keys,
            "date": row["ADT"].isoformat(),
        }
    return made


def _walk(tasks: Sequence[SubjectTask], jobs: int) -> Iterator[SubjectImaged]:
    if jobs <= 1 or len(tasks) < 2:
        yield from map(image_subject, tasks)
        return
    # Spawned, not forked: threads of numpy and polars do not survive a fork.
    workers = min(jobs, len(tasks))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(image_subject, tasks)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _retention_table(
    trial: TrialFolder, subjects: Sequence[SubjectImaged], store: Store, ledger: Ledger
) -> Keyed:
    """Return the table that the endpoint reads; a subject without a share is in it too."""
    imaging = trial.study.imaging
    assert imaging is not None
    zeros = day_zeros(trial.tables)
    rows = [
        (
            made.subject,
            scan.visit,
            scan.when,
            _day(scan.when, zeros.get(made.subject)),
            scan.grade,
            *_share(made.retention.get(scan.visit)),
            scan.is_flagged,
            scan.reason,
            f"scans:{scan.row}",
        )
        for made in subjects
        for scan in made.scans
        if scan.visit != imaging.baseline
    ]
    keys = [key for made in subjects for key in sorted(made.retention_keys.values())]
    provenance = Provenance("retention of all subjects", (trial.tables["scans"].key, *keys))
    frame = store.table(provenance, lambda: pl.DataFrame(rows, schema=RETENTION, orient="row"))
    return Keyed(frame, ledger.stage(provenance))


def _share(document: Mapping[str, Any] | None) -> tuple[float | None, float | None, float | None]:
    if document is None:
        return None, None, None
    return document["value"], document["lower"], document["upper"]


def _day(when: date | None, zero: date | None) -> int | None:
    return None if when is None or zero is None else (when - zero).days


def _flow(
    trial: TrialFolder, subjects: Sequence[SubjectImaged]
) -> list[tuple[str, list[str], str]]:
    imaging = trial.study.imaging
    assert imaging is not None
    steps: list[tuple[str, list[str], str]] = []
    for visit in (imaging.denominator_visit, *(v for v in imaging.visits)):
        step = f"scan usable at {visit}"
        if all(known[0] != step for known in steps):
            usable = [made.subject for made in subjects if visit in made.retention]
            steps.append((step, usable, "the scan gave an amount in the cavity"))
    return steps


__all__ = ["MATRIX", "Imaged", "run_imaging"]
