"""One subject's scans: images, amounts, retention, decay; runs in a process of its own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sojourn.core.errors import DataError, SojournError
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance
from sojourn.core.results import Problem
from sojourn.core.signals import SystemMatrix
from sojourn.core.threads import single_threaded
from sojourn.formats.mdf import read_scan, read_system_matrix
from sojourn.formats.nifti import read_image, read_mask, write_image
from sojourn.quantification.amount import Amount, PreparedAmount, PreparedCalibration
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.study import measuring
from sojourn.study.amount_documents import amount_document, read_amount
from sojourn.study.imaging_values import MATRIX, ScanRow, SubjectImaged, SubjectTask
from sojourn.study.ledger import Ledger
from sojourn.study.panels import make_panel
from sojourn.study.reconstructing import image_name, kaczmarz_settings
from sojourn.study.store import Store


def image_subject(task: SubjectTask) -> SubjectImaged:
    """Return everything that the scans of one subject give; never raises for bad scans."""
    made = SubjectImaged(task.subject)
    store, ledger = Store(task.store), Ledger(task.root, dict(task.steps))
    with single_threaded():
        for scan in task.scans:
            made.scans.append(_take_in(task, scan, made, store, ledger))
        _derive(task, made, store, ledger)
    made.steps = ledger.steps
    made.n_made, made.n_asked = len(store.made), len(store.asked)
    return made


def _take_in(
    task: SubjectTask, scan: ScanRow, made: SubjectImaged, store: Store, ledger: Ledger
) -> ScanRow:
    """Measure one scan; what is wrong with it becomes a problem of this scan."""
    where = f"{task.subject} {scan.visit}"
    if scan.grade == "MISSING":
        made.missing.append(("scan", task.subject, scan.visit, scan.note or "no reason given"))
        return replace(scan, reason=scan.note or "scan missing")
    try:
        amount = _amount(task, scan, made, store, ledger)
    except (SojournError, np.linalg.LinAlgError) as error:
        made.problems.append(Problem(severity="error", where=where, message=str(error)))
        made.missing.append(("amount", task.subject, scan.visit, str(error)))
        return replace(scan, reason=str(error))
    flagged = bool(amount.misfit and amount.misfit.is_flagged)
    if flagged:
        message = "the source model does not explain the signal beyond noise; see its misfit"
        made.problems.append(Problem(severity="warning", where=where, message=message))
    reason = "; ".join(note for note in amount.notes if note.startswith("MISFIT"))
    return replace(scan, is_flagged=flagged, reason=reason)


def _amount(
    task: SubjectTask, scan: ScanRow, made: SubjectImaged, store: Store, ledger: Ledger
) -> Amount:
    ways: dict[str, Callable[[], Amount]] = {
        "A": lambda: _from_signal(task, scan, made, store, ledger),
        "B": lambda: _from_image(task, scan, made, store, ledger),
        "C": lambda: _from_number(task, scan, made, store, ledger),
    }
    return ways[scan.grade]()


def _keep(
    made: SubjectImaged,
    scan: ScanRow,
    provenance: Provenance,
    store: Store,
    ledger: Ledger,
    measure: Callable[[], Amount],
) -> Amount:
    """Measure or fetch an amount, and note it under its visit."""
    made.amount_keys[scan.visit] = ledger.stage(provenance)
    document = store.document(provenance, lambda: amount_document(measure()))
    made.amounts[scan.visit] = document
    return read_amount(document)


def _named(value: str | None, what: str, scan: ScanRow) -> str:
    if not value:
        raise DataError(
            f"scans.csv, row {scan.row}: a scan of grade {scan.grade} needs a {what}; fill the "
            "column, or set the grade to MISSING with a note"
        )
    return value


def _mask_inputs(name: str, ledger: Ledger) -> tuple[str, str]:
    stem = name.removesuffix(".gz").removesuffix(".nii")
    return ledger.file(name), ledger.file(f"{stem}.labels.json")


def _from_signal(
    task: SubjectTask, scan: ScanRow, made: SubjectImaged, store: Store, ledger: Ledger
) -> Amount:
    name, mask_name = _named(scan.file, "FILE", scan), _named(scan.mask, "MASK", scan)
    scan_key, matrix_key = ledger.file(name), ledger.file(MATRIX)
    mask_keys = _mask_inputs(mask_name, ledger)
    mask = read_mask(task.root / mask_name)
    settings = measuring.reconstruction_settings(task.imaging)
    image = Provenance("reconstruct kaczmarz", (scan_key, matrix_key), settings)
    image_key = ledger.stage(image)

    def write(part: Path) -> None:
        prepared = _prepared(str(task.root / MATRIX), matrix_key, _frozen(settings))
        result = prepared.reconstruct(read_scan(task.root / name))
        label = "SIMULATED " if task.is_simulated else ""
        write_image(part, result.values, result.grid, description=f"{label}sojourn iron kg/m3")

    path = store.file(image, ".nii.gz", write)
    made.images[image_name(task.subject, scan.visit)] = (path, image_key)
    values, grid = read_image(path)
    caption = f"{task.subject}, {scan.visit}"
    made.panels[scan.visit] = make_panel(values, grid, mask, task.imaging["cavity"], caption)
    chosen = measuring.amount_parameters(task.imaging)
    provenance = Provenance("measure amount", (scan_key, matrix_key, *mask_keys), chosen)

    def measure() -> Amount:
        ready = _seen_through(
            str(task.root / MATRIX),
            matrix_key,
            str(task.root / mask_name),
            mask_keys,
            json.dumps(dict(task.imaging), sort_keys=True),
        )
        return ready.measure(read_scan(task.root / name))

    amount = _keep(made, scan, provenance, store, ledger, measure)
    made.quality[scan.visit] = _quality(task, name, values.max(), scan_key, store, ledger)
    return amount


def _quality(
    task: SubjectTask, name: str, peak: float, scan_key: str, store: Store, ledger: Ledger
) -> dict[str, Any]:
    """Return frames and signal-to-noise ratio of a scan, for the report."""
    matrix_key = ledger.file(MATRIX)
    settings = measuring.reconstruction_settings(task.imaging)
    provenance = Provenance("scan quality", (scan_key, matrix_key), settings)
    ledger.stage(provenance)

    def make() -> dict[str, Any]:
        prepared = _prepared(str(task.root / MATRIX), matrix_key, _frozen(settings))
        return measuring.scan_quality(read_scan(task.root / name), prepared)

    document: dict[str, Any] = store.document(provenance, make)
    return {**document, "peak": float(peak)}


def _from_image(
    task: SubjectTask, scan: ScanRow, made: SubjectImaged, store: Store, ledger: Ledger
) -> Amount:
    name, mask_name = _named(scan.file, "FILE", scan), _named(scan.mask, "MASK", scan)
    keys: tuple[str, ...] = (ledger.file(name), *_mask_inputs(mask_name, ledger))
    sidecar = measuring.quality_path(Path(name))
    if (task.root / sidecar).is_file():
        keys = (*keys, ledger.file(sidecar.as_posix()))
    parameters = {**measuring.amount_parameters(task.imaging), "grade": "B"}
    values, grid = read_image(task.root / name)
    mask: Mask = read_mask(task.root / mask_name)
    made.panels[scan.visit] = make_panel(
        values, grid, mask, task.imaging["cavity"], f"{task.subject}, {scan.visit}, grade B"
    )
    return _keep(
        made,
        scan,
        Provenance("measure amount in image", keys, parameters),
        store,
        ledger,
        lambda: measuring.measure_image(values, grid, mask, task.imaging, path=task.root / name),
    )


def _from_number(
    task: SubjectTask, scan: ScanRow, made: SubjectImaged, store: Store, ledger: Ledger
) -> Amount:
    provenance = Provenance(
        "amount typed in",
        (task.register,),
        {"row": scan.row, "amount_ug": scan.amount_ug, "amount_sd_ug": scan.amount_sd_ug},
    )
    return _keep(
        made,
        scan,
        provenance,
        store,
        ledger,
        lambda: measuring.take_number(
            scan.amount_ug, scan.amount_sd_ug, task.imaging, where=f"scans.csv, row {scan.row}"
        ),
    )


def _derive(task: SubjectTask, made: SubjectImaged, store: Store, ledger: Ledger) -> None:
    """Derive retention, labelled-cell equivalents and decay from the amounts."""
    denominator = _denominator(task, made)
    for scan in made.scans:
        if scan.visit not in made.amounts or scan.visit == task.imaging["baseline"]:
            continue
        where = f"{task.subject} {scan.visit}"
        try:
            if denominator is not None:
                _retain(task, made, scan, denominator, store, ledger)
            _count_cells(task, made, scan, store, ledger)
        except SojournError as error:
            made.problems.append(Problem(severity="error", where=where, message=str(error)))
            made.missing.append(("retention", task.subject, scan.visit, str(error)))
    if denominator is None:
        why = f"no usable denominator ({task.imaging['denominator']})"
        made.missing.append(("retention", task.subject, None, why))
    _fit_decay(task, made, store, ledger)


def _denominator(task: SubjectTask, made: SubjectImaged) -> tuple[Amount | None, str] | None:
    """Return the amount that shares are taken of, with its key; None where there is none."""
    if task.imaging["denominator"] == "syringe_assay":
        dose = task.dose
        usable = dose is not None and dose["iron_ug"] is not None and dose["iron_sd_ug"] is not None
        return (None, dose["keys"][0]) if usable and dose is not None else None
    visit = task.imaging["denominator_visit"]
    if visit not in made.amounts:
        return None
    return read_amount(made.amounts[visit]), made.amount_keys[visit]


def _retain(
    task: SubjectTask,
    made: SubjectImaged,
    scan: ScanRow,
    denominator: tuple[Amount | None, str],
    store: Store,
    ledger: Ledger,
) -> None:
    amount, key = denominator
    parameters = measuring.retention_parameters(task.imaging)
    provenance = Provenance("estimate retention", (made.amount_keys[scan.visit], key), parameters)
    made.retention_keys[scan.visit] = ledger.stage(provenance)
    made.retention[scan.visit] = store.document(
        provenance,
        lambda: measuring.retain(
            amount
            if amount is not None and key == made.amount_keys[scan.visit]
            else read_amount(made.amounts[scan.visit]),
            amount,
            task.imaging,
            dose=task.dose,
        ),
    )


def _count_cells(
    task: SubjectTask, made: SubjectImaged, scan: ScanRow, store: Store, ledger: Ledger
) -> None:
    dose = task.dose
    if task.is_blinded or dose is None or not dose["cells"] or not dose["iron_per_cell_pg"]:
        return  # while blinded, that a subject has this step would tell its arm
    provenance = Provenance(
        "labelled-cell equivalents",
        (made.amount_keys[scan.visit], *dose["keys"]),
        {name: dose[name] for name in ("iron_per_cell_pg", "iron_per_cell_sd_pg")},
    )
    made.cell_keys[scan.visit] = ledger.stage(provenance)
    made.cells[scan.visit] = store.document(
        provenance,
        lambda: measuring.count_cells(read_amount(made.amounts[scan.visit]), task.imaging, dose),
    )


def _fit_decay(task: SubjectTask, made: SubjectImaged, store: Store, ledger: Ledger) -> None:
    zero = task.dose["date"] if task.dose else None
    if zero is None:
        return
    days = {
        scan.visit: (scan.when - date.fromisoformat(zero)).days
        for scan in made.scans
        if scan.visit in made.amounts and scan.when and scan.visit != task.imaging["baseline"]
    }
    if not days:
        return
    provenance = Provenance(
        "estimate decay",
        tuple(made.amount_keys[visit] for visit in days),
        {"days": days, "region": task.imaging["cavity"], "level": task.imaging["level"]},
    )
    amounts = {visit: read_amount(made.amounts[visit]) for visit in days}
    made.decay_key = ledger.stage(provenance)
    made.decay = store.document(
        provenance, lambda: measuring.fit_decay(days, amounts, task.imaging)
    )


def _frozen(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(settings.items()))


@lru_cache(maxsize=2)
def _matrix(path: str, key: str) -> SystemMatrix:
    """Return the calibration; `key` is its digest, so that another content is read anew."""
    del key
    return read_system_matrix(Path(path))


@lru_cache(maxsize=1)
def _seen_through(
    path: str, key: str, mask: str, mask_keys: tuple[str, str], imaging: str
) -> PreparedAmount:
    """Return the calibration through one mask; the keys are digests of both files' content."""
    del mask_keys
    scanner = _scanner(path, key, imaging)
    return measuring.prepare_signal(scanner, read_mask(Path(mask)), json.loads(imaging))


@lru_cache(maxsize=1)
def _scanner(path: str, key: str, imaging: str) -> PreparedCalibration:
    return measuring.prepare_scanner(_matrix(path, key), json.loads(imaging))


@lru_cache(maxsize=2)
def _prepared(path: str, key: str, settings: tuple[tuple[str, Any], ...]) -> PreparedMethod:
    return kaczmarz_settings(dict(settings)).prepare(_matrix(path, key))
