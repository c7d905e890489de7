"""Listings of the imaging part: amounts, retention, decay, cell equivalents, quality."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sojourn.core.results import Listing
from sojourn.study.groups import Groups
from sojourn.study.imaging_values import ScanRow, SubjectImaged
from sojourn.study.measuring import UG_PER_KG
from sojourn.study.reconstructing import image_name

Zeros = Mapping[str, date]


def make_listings(
    subjects: Sequence[SubjectImaged], register: str, groups: Groups, zeros: Zeros
) -> list[Listing]:
    """Return the listings of every subject's scans, one row for each number.

    `register` is the key of the table of scans: the provenance of a row without a number.
    """
    made = [
        _retention(subjects, register, groups, zeros),
        _amounts(subjects, register, groups, zeros),
        _decay(subjects, register, groups),
        _imaging(subjects, register),
    ]
    if not groups.is_blinded:
        made.append(_cells(subjects, register, groups))
    return [listing for listing in made if listing.rows]


def _scans(subjects: Sequence[SubjectImaged]) -> Iterator[tuple[SubjectImaged, ScanRow]]:
    for made in subjects:
        for scan in made.scans:
            yield made, scan


def _day(scan: ScanRow, subject: str, zeros: Zeros) -> int | None:
    zero = zeros.get(subject)
    return None if scan.when is None or zero is None else (scan.when - zero).days


def _listing(
    listing_id: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, tuple[Any, ...]]],
    register: str,
    *,
    keys: Sequence[str],
    notes: Sequence[str] = (),
) -> Listing:
    return Listing(
        id=listing_id,
        title=title,
        columns=tuple(columns),
        rows=tuple(row for _, row in rows),
        provenance=register,
        rowProvenance=tuple(key for key, _ in rows),
        keys=tuple(keys),
        notes=tuple(notes),
    )


def _retention(
    subjects: Sequence[SubjectImaged], register: str, groups: Groups, zeros: Zeros
) -> Listing:
    rows = []
    for made, scan in _scans(subjects):
        if scan.visit in made.amounts and scan.visit not in made.retention:
            continue
        share = made.retention.get(scan.visit, {})
        amount = made.amounts.get(scan.visit, {})
        cells = (
            made.subject,
            groups.of.get(made.subject),
            scan.visit,
            _day(scan, made.subject, zeros),
            scan.grade,
            amount.get("source_model"),
            share.get("value"),
            share.get("lower"),
            share.get("upper"),
            scan.is_flagged,
            "; ".join(_own_notes(share)) or scan.reason,
            f"scans:{scan.row}",
        )
        rows.append((made.retention_keys.get(scan.visit, register), cells))
    columns = ("USUBJID", "GROUP", "VISIT", "DAY", "GRADE", "MODEL", "VALUE", "LOWER", "UPPER")
    return _listing(
        "retention",
        "Share of the post-injection signal in the joint cavity",
        (*columns, "FLAGGED", "NOTE", "EVIDENCE"),
        rows,
        register,
        keys=("USUBJID", "VISIT"),
        notes=("A share of tracer signal; not of iron in another state, not of living cells.",),
    )


def _own_notes(document: Mapping[str, Any]) -> list[str]:
    """Return notes that concern this number alone: those in capitals or on its range."""
    return [
        note
        for note in document.get("notes", ())
        if note.startswith(("MISFIT", "estimate ", "grades", "the denominator", "source models"))
    ]


def _amounts(
    subjects: Sequence[SubjectImaged], register: str, groups: Groups, zeros: Zeros
) -> Listing:
    rows = []
    for made, scan in _scans(subjects):
        amount = made.amounts.get(scan.visit)
        if amount is None:
            continue
        misfit = amount["misfit"] or {}
        parts = {**amount["by_compartment"]}
        if len(parts) != 1:
            parts["total"] = amount["estimate"]
        for region, part in parts.items():
            naive = amount["naive_sum"] if region == "total" or len(parts) == 1 else None
            cells = (
                made.subject,
                groups.of.get(made.subject),
                scan.visit,
                _day(scan, made.subject, zeros),
                region,
                amount["grade"],
                amount["source_model"],
                _ug(part["value"]),
                _ug(part["lower"]),
                _ug(part["upper"]),
                _ug(naive),
                misfit.get("p_value"),
                scan.is_flagged,
                _limit_note(amount, region),
                f"scans:{scan.row}",
            )
            rows.append((made.amount_keys[scan.visit], cells))
    columns = ("USUBJID", "GROUP", "VISIT", "DAY", "REGION", "GRADE", "MODEL", "VALUE", "LOWER")
    return _listing(
        "amounts",
        "Tracer in the knee, ug of iron in the calibration sample's state",
        (*columns, "UPPER", "NAIVE_SUM", "MISFIT_P", "FLAGGED", "NOTE", "EVIDENCE"),
        rows,
        register,
        keys=("USUBJID", "VISIT", "REGION"),
        notes=(
            "Signal expressed as iron of the calibration sample: iron in another state gives "
            "another signal. NAIVE_SUM is the sum over the picture: shown, never used.",
        ),
    )


def _ug(kilograms: float | None) -> float | None:
    return None if kilograms is None else kilograms * UG_PER_KG


def _limit_note(amount: Mapping[str, Any], region: str) -> str:
    limit = amount["detection_limit"]
    if limit is None or region != "total":
        return ""
    below = "below " if amount["estimate"]["value"] < limit else ""
    return f"{below}detection limit {limit * UG_PER_KG:.3g} ug"


def _decay(subjects: Sequence[SubjectImaged], register: str, groups: Groups) -> Listing:
    rows = [
        (
            made.decay_key or register,
            (
                made.subject,
                groups.of.get(made.subject),
                made.decay["value"],
                made.decay.get("lower"),
                made.decay.get("upper"),
                "; ".join(made.decay["notes"]),
            ),
        )
        for made in subjects
        if made.decay is not None
    ]
    return _listing(
        "decay",
        "Half-life of the signal in the joint cavity (days)",
        ("USUBJID", "GROUP", "HALF_LIFE", "LOWER", "UPPER", "NOTE"),
        rows,
        register,
        keys=("USUBJID",),
        notes=("Half-life of tracer signal: clearance and change of the tracer, not cell death.",),
    )


def _cells(subjects: Sequence[SubjectImaged], register: str, groups: Groups) -> Listing:
    rows = [
        (
            made.cell_keys[scan.visit],
            (
                made.subject,
                groups.of.get(made.subject),
                scan.visit,
                made.cells[scan.visit]["value"],
                made.cells[scan.visit]["lower"],
                made.cells[scan.visit]["upper"],
                "",
            ),
        )
        for made, scan in _scans(subjects)
        if scan.visit in made.cells
    ]
    return _listing(
        "cells",
        "Labelled-cell equivalents in the joint cavity, at the iron per cell of injection",
        ("USUBJID", "GROUP", "VISIT", "VALUE", "LOWER", "UPPER", "NOTE"),
        rows,
        register,
        keys=("USUBJID", "VISIT"),
        notes=("Not a count of cells, and not of living ones: dead cells and free tracer signal.",),
    )


def _imaging(subjects: Sequence[SubjectImaged], register: str) -> Listing:
    rows = []
    for made, scan in _scans(subjects):
        quality = made.quality.get(scan.visit, {})
        misfit = (made.amounts.get(scan.visit) or {}).get("misfit") or {}
        image = image_name(made.subject, scan.visit)
        cells = (
            made.subject,
            scan.visit,
            scan.grade,
            f"images/{image}" if image in made.images else None,
            quality.get("peak"),
            quality.get("frames"),
            quality.get("background_frames"),
            quality.get("snr"),
            misfit.get("p_value"),
            scan.is_flagged,
            scan.reason or scan.note,
        )
        rows.append((made.amount_keys.get(scan.visit, register), cells))
    columns = ("USUBJID", "VISIT", "GRADE", "IMAGE", "PEAK", "FRAMES", "BACKGROUND_FRAMES", "SNR")
    return _listing(
        "imaging",
        "Quality of every scan",
        (*columns, "MISFIT_P", "FLAGGED", "NOTE"),
        rows,
        register,
        keys=("USUBJID", "VISIT"),
    )
