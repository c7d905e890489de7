"""A synthetic trial folder with known truth, as a site would hold one; labelled SIMULATED."""

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from sojourn.core.errors import DataError
from sojourn.core.files import write_bytes, write_text
from sojourn.core.random import named_generator
from sojourn.core.tables import TABLES
from sojourn.core.threads import single_threaded
from sojourn.formats.csv import write_table
from sojourn.formats.mdf import (
    MdfHeader,
    MdfLayout,
    MdfTracer,
    write_scan,
    write_system_matrix,
)
from sojourn.formats.nifti import write_mask
from sojourn.study._simulate_hsct import simulate_hsct_cohort
from sojourn.study._simulate_oa import simulate_oa_cohort
from sojourn.study._simulated import EPOCH, SimulatedCohort, random_uuid
from sojourn.study.bundled import resolve_study
from sojourn.study.definition import Study, read_study, with_data_status

Progress = Callable[[str], None]

NOTICE = """SIMULATED DATA

Everything in this folder was computed by sojourn from the seed {seed} for the study file of {id}.
No person, cell or scanner stands behind any number; nothing here says anything about a treatment.

truth.json holds what was put in. No analysis reads it: deleting it changes no result.
How the data were made, and what they leave out: docs/simulation.md.
"""

_SCAN_LAYOUT = MdfLayout(domain="time", precision="single")
_MATRIX_LAYOUT = MdfLayout(domain="fourier", fast_frame_axis=True, precision="single")

_INJECTED_LITRES = 3e-3
"""Volume of an injection [assumption: 3 mL]."""

_UG = 1e-9


def simulate_cohort(
    study: Study,
    *,
    seed: int,
    n_subjects: int | None = None,
    progress: Progress | None = None,
) -> SimulatedCohort:
    """Return a simulated cohort of `study`, in memory: knees if it has imaging, else blood counts.

    Raises
    ------
    DataError
        if no simulator fits the study, or the seed or the number of subjects is out of range.
    """
    if seed < 0 or (n_subjects is not None and not 1 <= n_subjects <= 999):
        raise DataError(
            f"seed {seed} must not be negative, n_subjects {n_subjects} lie within 1 to 999"
        )
    if study.imaging is not None:
        return simulate_oa_cohort(study, seed=seed, n_subjects=n_subjects, progress=progress)
    if study.arms and study.arms[0].dose_cells_per_kg:
        return simulate_hsct_cohort(study, seed=seed, n_subjects=n_subjects, progress=progress)
    raise DataError(
        f"{study.id}: no simulator fits; there is one for studies with [imaging] and one for "
        "infusions with dose_cells_per_kg"
    )


def simulate_trial(
    study: str | Path,
    out: Path,
    *,
    seed: int,
    n_subjects: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a synthetic trial folder; equal arguments and versions give equal bytes.

    Parameters
    ----------
    study
        a study file, a folder with one, or the number of a bundled study. The record that it
        names is copied if it lies beside it.
    out
        folder to make; it must not exist, or be empty. It appears whole or not at all.
    seed
        of everything, ids and times in the files included.
    n_subjects
        the study's enrolment unless stated; a longer trial begins like a shorter one.
    progress
        called with a line now and then.

    Raises
    ------
    DataError
        if `out` holds something, the study file is not valid, or no simulator fits it.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: exists and is not empty; name a new folder or empty this one")
    path = resolve_study(study)
    text = with_data_status(path.read_text(encoding="utf-8-sig"), "SIMULATED")
    read = read_study(path)
    with single_threaded():
        cohort = simulate_cohort(read, seed=seed, n_subjects=n_subjects, progress=progress)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        write_text(part / "study.toml", text)
        record = path.with_name(read.record)
        if record.is_file():
            write_bytes(part / read.record, record.read_bytes())
        _write_cohort(part, read, cohort, seed)
        if out.exists():
            out.rmdir()
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_cohort(folder: Path, study: Study, cohort: SimulatedCohort, seed: int) -> None:
    (folder / "tables").mkdir()
    for name, frame in cohort.tables.items():
        units = {
            column: unit
            for column, unit in cohort.units.get(name, {}).items()
            if column in frame.columns
        }
        empty = [c for c in frame.columns if frame[c].null_count() == frame.height]
        kept = [c for c in frame.columns if c not in _droppable(name, empty)]
        shown = {column: unit for column, unit in units.items() if column in kept}
        write_table(
            folder / "tables" / f"{name}.csv", frame.select(kept), TABLES[name], units=shown
        )
    _write_images(folder, study, cohort, seed)
    truth = json.dumps(cohort.truth, indent=1, allow_nan=False, ensure_ascii=False)
    write_text(folder / "truth.json", truth + "\n")
    write_text(folder / "NOTICE.txt", NOTICE.format(seed=seed, id=study.id))


def _droppable(name: str, empty: list[str]) -> set[str]:
    """Return the optional columns without any value: a site would not have them."""
    return {c.name for c in TABLES[name].columns if c.is_optional and c.name in empty}


def _write_images(folder: Path, study: Study, cohort: SimulatedCohort, seed: int) -> None:
    if cohort.calibration is not None:
        (folder / "calibration").mkdir()
        iron = cohort.calibration.sample_iron or 0.0
        write_system_matrix(
            folder / "calibration" / "system_matrix.mdf",
            cohort.calibration,
            _header(study, seed, "calibration", MdfTracer.with_iron(iron, 1e-3, **_TRACER)),
            method="simulation",
            layout=_MATRIX_LAYOUT,
            delta_sample_size=cohort.calibration.grid.spacing,
        )
    for subject, mask in cohort.masks.items():
        (folder / "masks").mkdir(exist_ok=True)
        write_mask(folder / "masks" / f"{subject}.nii.gz", mask, description="SIMULATED")
    recorded = _recorded_iron(cohort.tables["doses"])
    blank = study.imaging.baseline if study.imaging else ""
    for (subject, visit), scan in cohort.scans.items():
        (folder / "scans" / subject).mkdir(parents=True, exist_ok=True)
        iron = recorded[subject] * _UG
        tracer = MdfTracer.with_iron(iron, _INJECTED_LITRES, **_TRACER) if visit != blank else None
        header = _header(study, seed, f"{subject} {visit}", tracer, subject=subject)
        write_scan(folder / "scans" / subject / f"{visit}.mdf", scan, header, layout=_SCAN_LAYOUT)


_TRACER = {"name": "ferumoxytol, SIMULATED", "batch": "n.a."}


def _recorded_iron(doses: pl.DataFrame) -> dict[str, float]:
    """Return what the records say was injected, ug: assayed in the syringe less what stayed."""
    injected = (pl.col("IRON").fill_null(0.0) - pl.col("RESIDUAL").fill_null(0.0)).clip(0.0)
    rows = doses.select("USUBJID", injected.alias("INJECTED")).rows()
    return {str(subject): float(iron) for subject, iron in rows}


def _header(
    study: Study, seed: int, name: str, tracer: MdfTracer | None, *, subject: str = "n.a."
) -> MdfHeader:
    rng = named_generator(seed, study.id, "uuid", name)
    return MdfHeader(
        uuid=random_uuid(rng),
        time=f"{EPOCH + dt.timedelta(days=1000)}T00:00:00.000",
        study_uuid=random_uuid(named_generator(seed, study.id, "uuid", "study")),
        experiment_uuid=random_uuid(rng),
        study_name=study.id,
        study_description="SIMULATED",
        experiment_name=f"SIMULATED {name}",
        experiment_description="SIMULATED: no person and no scanner stands behind this file",
        subject=subject,
        facility="SIMULATED",
        manufacturer="SIMULATED",
        scanner_name="SIMULATED knee scanner with a field-free point",
        operator="SIMULATED",
        topology="FFP",
        tracer=tracer,
    )
