"""What a study file's imaging table means for the science: one function for each stage.

`imaging` is that table as plain values, so that it travels between processes and into keys.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap, Mask
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.core.units import conversion_factor, to_si
from sojourn.quantification.amount import (
    Amount,
    AmountSettings,
    PreparedAmount,
    PreparedCalibration,
    prepare_calibration,
)
from sojourn.quantification.calibration import CalibrationRepeatability, estimate_labelled_cells
from sojourn.quantification.decay import estimate_decay
from sojourn.quantification.imported import (
    ImageQuality,
    accept_typed_amount,
    measure_iron_in_image,
)
from sojourn.quantification.retention import Denominator, estimate_retention
from sojourn.quantification.source_models import (
    CompactSource,
    Compartments,
    SourceModel,
    UnknownDistribution,
)
from sojourn.quantification.uncertainty import normal_quantile
from sojourn.reconstruction._background import Background
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.study.amount_documents import estimate_document

Document = dict[str, Any]
Table = Mapping[str, Any]

UG_PER_KG = conversion_factor("kg", "ug", dimension="mass")


AS_FILE = "as_file"
"""Nothing where the calibration's file is already corrected, else its own blank frames."""


def _calibration_background(imaging: Table) -> Background | None:
    stated = imaging["calibration_background"]
    return None if stated == AS_FILE else Background(stated)


def reconstruction_settings(imaging: Table) -> Document:
    """Return the settings of the image that people look at, as plain values."""
    calibration = _calibration_background(imaging)
    return {
        "background": imaging["background"],
        "matrix_background": None if calibration is None else calibration.value,
        "iterations": imaging["iterations"],
        "regularization": imaging["regularization"],
        "min_snr": imaging["min_snr"],
        "min_frequency": imaging["min_frequency_hz"],
    }


_AMOUNT_KEYS = (
    "source_model",
    "cavity",
    "regions",
    "background",
    "calibration_background",
    "misfit_level",
    "max_unexplained_percent",
    "min_snr",
    "min_frequency_hz",
    "iterations",
    "regularization",
    "texture_lengths_mm",
    "texture_sizes",
    "calibration_repeatability_percent",
    "calibration_row_percent",
    "calibration_tilt_percent",
    "calibration_delay_ns",
    "calibration_iron_percent",
    "calibration_source",
    "level",
)


def amount_parameters(imaging: Table) -> Document:
    """Return the entries of the imaging table that an amount depends on."""
    return {key: imaging[key] for key in _AMOUNT_KEYS}


def retention_parameters(imaging: Table) -> Document:
    """Return the entries of the imaging table that a retained share depends on."""
    keys = ("cavity", "denominator", "denominator_visit", "denominator_regions", "level")
    return {key: imaging[key] for key in keys}


def amount_settings(imaging: Table) -> AmountSettings:
    """Return the settings of an amount; percents become shares, nanoseconds seconds."""
    repeatability = CalibrationRepeatability(
        gain=imaging["calibration_repeatability_percent"] / 100,
        row=imaging["calibration_row_percent"] / 100,
        tilt=imaging["calibration_tilt_percent"] / 100,
        delay=imaging["calibration_delay_ns"] * 1e-9,
        sample_iron=imaging["calibration_iron_percent"] / 100,
        source=imaging["calibration_source"],
    )
    return AmountSettings(
        background=Background(imaging["background"]),
        matrix_background=_calibration_background(imaging),
        misfit_level=imaging["misfit_level"],
        max_unexplained=imaging["max_unexplained_percent"] / 100,
        repeatability=repeatability,
        min_snr=imaging["min_snr"],
        min_frequency=imaging["min_frequency_hz"],
        level=imaging["level"],
        naive_iterations=imaging["iterations"],
        naive_regularization=imaging["regularization"],
    )


def _source(imaging: Table, mask: Mask) -> SourceModel:
    if imaging["source_model"] == "compact":
        return CompactSource()
    if imaging["source_model"] == "unknown_distribution":
        return UnknownDistribution()
    return Compartments(
        mask,
        tuple(imaging["regions"]),
        texture_lengths=tuple(
            to_si(length, "mm", dimension="length") for length in imaging["texture_lengths_mm"]
        ),
        texture_sizes=tuple(imaging["texture_sizes"]),
    )


def prepare_scanner(matrix: SystemMatrix, imaging: Table) -> PreparedCalibration:
    """Return a calibration ready for the masks of all subjects.

    Raises
    ------
    DataError
        as `prepare_calibration`; also if the calibration does not state its sample's iron.
    """
    if matrix.sample_iron is None:
        raise DataError(
            f"{matrix.name}: the calibration does not state its sample's iron (tracer "
            "concentration and volume), so that signal cannot be expressed as iron"
        )
    return prepare_calibration(matrix, amount_settings(imaging))


def prepare_signal(scanner: PreparedCalibration, mask: Mask, imaging: Table) -> PreparedAmount:
    """Return a calibration seen through one subject's mask, ready for that subject's scans.

    Raises
    ------
    DataError
        if a region reaches beyond the calibrated field of view.
    """
    return scanner.under(_source(imaging, mask))


def measure_image(
    values: NDArray[np.float64], grid: Grid, mask: Mask, imaging: Table, *, path: Path
) -> Amount:
    """Return the amount in a vendor's volume (grade B), from its quality sidecar.

    The sidecar ``<name>.quality.json`` states ``voxel_noise_mg_per_ml``, ``noise_length_mm``,
    ``scale_sd_percent``, ``blur_mm`` (or null) and ``source``.

    Raises
    ------
    DataError
        if there is no such sidecar, a key is wrong, or as `measure_iron_in_image`.
    """
    quality = _image_quality(path)
    image = IronMap(values, grid, Provenance("volume of a vendor"))
    return measure_iron_in_image(
        image, mask, region=imaging["cavity"], quality=quality, level=imaging["level"]
    )


def quality_path(path: Path) -> Path:
    """Return where the quality of the volume at `path` is stated."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    return path.with_name(f"{stem}.quality.json")


def _image_quality(path: Path) -> ImageQuality | None:
    sidecar = quality_path(path)
    if not sidecar.is_file():
        return None
    try:
        stated = json.loads(sidecar.read_text(encoding="utf-8"))
        blur = stated["blur_mm"]
        return ImageQuality(
            voxel_noise=to_si(
                float(stated["voxel_noise_mg_per_ml"]), "mg/mL", dimension="mass concentration"
            ),
            noise_length=to_si(float(stated["noise_length_mm"]), "mm", dimension="length"),
            scale_sd=to_si(float(stated["scale_sd_percent"]), "%", dimension="fraction"),
            blur=None if blur is None else to_si(float(blur), "mm", dimension="length"),
            source=stated["source"],
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{sidecar.name}: {where} is {first['input']!r}: {first['msg']}") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{sidecar.name}: expected voxel_noise_mg_per_ml, noise_length_mm, scale_sd_percent, "
            f"blur_mm (number or null) and source; {type(error).__name__}: {error}"
        ) from error


def take_number(
    amount_ug: float | None, sd_ug: float | None, imaging: Table, *, where: str
) -> Amount:
    """Return a typed-in number (grade C) as an amount of the cavity.

    Raises
    ------
    DataError
        if there is no number, or no standard uncertainty.
    """
    if amount_ug is None:
        raise DataError(f"{where}: grade C needs AMOUNT and AMOUNT_SD; AMOUNT is empty")
    return accept_typed_amount(
        amount_ug / UG_PER_KG,
        None if sd_ug is None else sd_ug / UG_PER_KG,
        region=imaging["cavity"],
        source=where,
        level=imaging["level"],
    )


def retain(
    follow_up: Amount, baseline: Amount | None, imaging: Table, *, dose: Table | None
) -> Document:
    """Return the retained share of one visit as a document.

    Raises
    ------
    DataError
        as `estimate_retention`.
    """
    denominator = Denominator(imaging["denominator"])
    given: Amount | Estimate
    given = baseline if baseline is not None else _syringe(dose or {}, imaging["level"])
    return estimate_document(
        estimate_retention(
            follow_up,
            given,
            region=imaging["cavity"],
            denominator=denominator,
            denominator_regions=(
                tuple(imaging["denominator_regions"]) if baseline is not None else ()
            ),
            level=imaging["level"],
        )
    )


def _syringe(dose: Table, level: float) -> Estimate:
    """Return the assayed iron less what was left in the syringe, in kg."""
    iron, sd = dose["iron_ug"] / UG_PER_KG, dose["iron_sd_ug"] / UG_PER_KG
    residual = (dose["residual_ug"] or 0.0) / UG_PER_KG
    value, reach = iron - residual, normal_quantile(level) * sd
    return Estimate(
        value=value,
        unit="kg",
        lower=value - reach,
        upper=value + reach,
        level=level,
        method="iron assay of the syringe less its residual",
    )


def count_cells(amount: Amount, imaging: Table, dose: Table) -> Document:
    """Return labelled-cell equivalents of the cavity's amount; not living cells.

    Raises
    ------
    DataError
        if the amount has no cavity, or the iron per cell has no standard uncertainty.
    """
    if (sd := dose["iron_per_cell_sd_pg"]) is None:
        raise DataError(
            "lots.csv: IRON_PER_CELL needs IRON_PER_CELL_SD before cells are derived from it"
        )
    pg = to_si(1.0, "pg", dimension="mass")
    return estimate_document(
        estimate_labelled_cells(
            cavity(amount, imaging),
            iron_per_cell=dose["iron_per_cell_pg"] * pg,
            iron_per_cell_sd=sd * pg,
        )
    )


def cavity(amount: Amount, imaging: Table) -> Estimate:
    """Return the estimate of the cavity: its compartment, or the total where there is none."""
    return amount.by_compartment.get(imaging["cavity"], amount.estimate)


def fit_decay(days: Mapping[str, int], amounts: Mapping[str, Amount], imaging: Table) -> Document:
    """Return the half-life of the cavity's signal as a document; `value` is None if it has none.

    Visits below the detection limit cannot stand on a log scale: they are left out and named.
    """
    used = {v: cavity(amounts[v], imaging) for v in days if cavity(amounts[v], imaging).value > 0}
    used = {v: e for v, e in used.items() if amounts[v].is_detected is not False}
    left_out = sorted(set(days) - set(used))
    notes = [f"left out, below the detection limit: {', '.join(left_out)}"] if left_out else []
    try:
        decay = estimate_decay(
            [float(days[visit]) for visit in used], list(used.values()), level=imaging["level"]
        )
    except DataError as error:
        return {"value": None, "notes": [*notes, str(error)]}
    half_life = decay.half_life
    notes = [*half_life.notes, *notes]
    if decay.p_value is not None and decay.p_value < 0.01:
        notes.append(
            f"one exponential does not describe these days (p = {decay.p_value:.1g}); the interval "
            "is widened by the scatter"
        )
    return {
        "value": half_life.value if np.isfinite(half_life.value) else None,
        "lower": half_life.lower if np.isfinite(half_life.lower) else None,
        "upper": half_life.upper if np.isfinite(half_life.upper) else None,
        "level": half_life.level,
        "unit": half_life.unit,
        "method": half_life.method,
        "is_identified": decay.is_identified,
        "p_value": decay.p_value,
        "n": half_life.n,
        "notes": notes,
    }


def scan_quality(scan: Scan, prepared: PreparedMethod) -> Document:
    """Return frames, background frames and the signal-to-noise ratio of a scan.

    The ratio is that of the strongest selected row: mean foreground minus mean background, over
    the standard deviation of a background frame; None without background frames.
    """
    from sojourn.reconstruction._selection import load_rows

    rows = load_rows(scan, prepared.rows.selection)
    empty, full = rows[scan.is_background], rows[~scan.is_background]
    document: Document = {
        "frames": int(np.sum(~scan.is_background)),
        "background_frames": int(np.sum(scan.is_background)),
        "snr": None,
    }
    if len(empty) > 1 and len(full):
        noise = np.sqrt((np.abs(empty - empty.mean(axis=0)) ** 2).sum(axis=0) / (len(empty) - 1))
        ratio = np.abs(full.mean(axis=0) - empty.mean(axis=0)) / np.where(noise > 0, noise, np.inf)
        document["snr"] = float(ratio.max())
    return document
