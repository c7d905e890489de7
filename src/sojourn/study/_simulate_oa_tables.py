"""People, doses, scores and adverse events of a simulated knee trial."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.provenance import digest
from sojourn.study._simulated import Row, age_limits
from sojourn.study.definition import Arm, Study

_LOT_SUBJECTS = 4
"""Subjects in a row who share a lot of cells [assumption]."""

_WOMAC_ITEMS = [*(f"P{i}" for i in range(1, 6)), "S1", "S2", *(f"F{i}" for i in range(1, 18))]

_ADVERSE_EVENTS = (
    ("knee swelling", 1, "POSSIBLY"),
    ("knee pain after injection", 1, "RELATED"),
    ("knee stiffness", 1, "POSSIBLY"),
    ("joint effusion", 2, "POSSIBLY"),
    ("headache", 1, "NOT RELATED"),
    ("common cold", 1, "NOT RELATED"),
    ("skin discoloration at the injection site", 1, "RELATED"),
)


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot with the iron per cell it truly has, pg, and what its certificate says."""

    row: Row
    iron_per_cell_pg: float


@dataclass(frozen=True, slots=True)
class Injection:
    """A dose with the iron that truly left the syringe, ug, and what the records say."""

    row: Row
    injected_ug: float
    iron_per_cell_pg: float


def lot_name(arm: Arm, index: int) -> str:
    """Return the lot that the subject with `index` (0 first) of `arm` gets.

    The code alone does not tell the arm.
    """
    code = digest(f"{arm.code} {index // _LOT_SUBJECTS}".encode())[:6].upper()
    return f"SIM-LOT-{code}"


def draw_lot(rng: np.random.Generator, arm: Arm, index: int) -> Lot:
    """Return a lot's certificate and truth.

    Iron per cell: the study's dose of iron over its dose of cells, with a log standard deviation
    of 0.2 between lots; the assay's standard uncertainty is 8 % [assumption]. Viability at release
    80 to 96 % [assumption]. Tracer without cells has neither.
    """
    row: Row = {"EXLOT": lot_name(arm, index)}
    row["CUSTODY"] = f"released {8 + int(rng.integers(0, 2)):02d}:10, in the syringe by 11:00, 21 C"
    if not arm.dose_cells:
        return Lot(row | {"PRODUCT": "tracer solution"}, 0.0)
    nominal = 1e6 * (arm.dose_iron_ug or 275.0) / arm.dose_cells
    true = nominal * float(np.exp(0.2 * rng.standard_normal()))
    assayed = true * (1 + 0.08 * rng.standard_normal())
    row |= {
        "PRODUCT": "labelled cells",
        "VIABILITY": round(float(rng.uniform(0.80, 0.96)), 3),
        "IRON_PER_CELL": round(assayed, 2),
        "IRON_PER_CELL_SD": round(0.08 * assayed, 2),
    }
    return Lot(row, true)


def draw_injection(
    rng: np.random.Generator, subject: str, date: dt.date, arm: Arm, lot: Lot
) -> Injection:
    """Return a dose: cells within the registered range, or tracer matched by iron.

    The syringe's iron is assayed with 4 % standard uncertainty, 1 to 4 % stay in it [assumption].
    """
    low, high = arm.dose_cells_range if len(arm.dose_cells_range) == 2 else (0.95, 1.05)
    scale = 1.0 if len(arm.dose_cells_range) == 2 else (arm.dose_cells or 0.0)
    cells = round(float(rng.uniform(low, high)) * scale, -5) if arm.dose_cells else 0.0
    nominal = (arm.dose_iron_ug or 275.0) * (1 + 0.03 * rng.standard_normal())
    drawn = 1e-6 * cells * lot.iron_per_cell_pg if arm.dose_cells else nominal
    residual = drawn * float(rng.uniform(0.01, 0.04))
    assayed = drawn * (1 + 0.04 * rng.standard_normal())
    row: Row = {
        "USUBJID": subject,
        "ADT": date,
        "EXLOT": lot.row["EXLOT"],
        "CELLS": cells,
        "WEIGHT": round(float(np.clip(68 + 11 * rng.standard_normal(), 45, 100)), 1),
        "IRON": round(assayed, 1),
        "IRON_SD": round(0.04 * assayed, 1),
        "RESIDUAL": round(residual, 1),
    }
    return Injection(row, drawn - residual, lot.iron_per_cell_pg)


def draw_person(rng: np.random.Generator, study: Study, subject: str) -> tuple[Row, int]:
    """Return an eligible person, mostly women of about 60 years [assumption], and the true grade.

    The grade is Kellgren and Lawrence's, 2 or 3.
    """
    low, high = age_limits(study)
    grade = "II" if rng.random() < 0.5 else "III"
    row: Row = {
        "USUBJID": subject,
        "SEX": "F" if rng.random() < 0.65 else "M",
        "AGE": int(np.clip(round(60 + 8 * rng.standard_normal()), low, high)),
        "DIAGNOSIS": f"knee osteoarthritis, Kellgren-Lawrence {grade}",
    }
    return row, len(grade)


def draw_scores(
    rng: np.random.Generator,
    study: Study,
    subject: str,
    day_zero: dt.date,
    days: Mapping[str, int],
    *,
    has_cells: bool,
) -> dict[str, list[Row]]:
    """Return WOMAC items (0 to 4) and pain (mm) at every visit that collects them.

    Baseline about 45 of 96 and 58 mm; by week 6 about 30 % better with cells and 20 % without
    [assumption: both arms improve, little apart]. 1 % of the items are left empty.
    """
    severity = float(np.clip(1.9 + 0.4 * rng.standard_normal(), 0.8, 3.2))
    pain = float(np.clip(58 + 10 * rng.standard_normal(), 25, 95))
    relief = float(np.clip((0.30 if has_cells else 0.20) + 0.12 * rng.standard_normal(), -0.2, 0.7))
    screening = int(rng.integers(1, 15))
    trait = 0.6 * rng.standard_normal(len(_WOMAC_ITEMS))
    rows: dict[str, list[Row]] = {"womac": [], "pain_vas": []}
    for visit in study.visits:
        is_baseline = visit.day == 0
        day = -screening if is_baseline else days[visit.name]
        share = 1.0 if is_baseline else 1.0 - relief * min(1.0, visit.day / 42)
        head: Row = {
            "USUBJID": subject,
            "VISIT": visit.name,
            "ADT": day_zero + dt.timedelta(days=day),
        }
        if "womac" in visit.collects:
            rows["womac"].append(head | _draw_items(rng, share * severity + trait))
        if "pain_vas" in visit.collects:
            level = share * pain + 5 * rng.standard_normal()
            rows["pain_vas"].append(head | {"VAS": float(np.clip(round(level), 0, 100))})
    return rows


def _draw_items(rng: np.random.Generator, means: NDArray[np.float64]) -> Row:
    answers = np.clip(np.round(means + 0.5 * rng.standard_normal(means.size)), 0, 4).astype(int)
    is_empty = rng.random(means.size) < 0.01
    return {
        item: None if empty else int(answer)
        for item, answer, empty in zip(_WOMAC_ITEMS, answers, is_empty, strict=True)
    }


def draw_adverse_events(
    rng: np.random.Generator, subject: str, day_zero: dt.date, *, is_serious: bool
) -> list[Row]:
    """Return a subject's adverse events: 1.2 expected, and a serious one where asked for."""
    rows: list[Row] = []
    for kind in sorted(rng.integers(0, len(_ADVERSE_EVENTS), size=rng.poisson(1.2))):
        term, grade, related = _ADVERSE_EVENTS[int(kind)]
        day = int(rng.integers(0, 30))
        rows.append(_event(subject, day_zero, day, term, grade, "N", related))
    if is_serious:
        term = "wrist fracture after a fall, admitted to hospital"
        rows.append(_event(subject, day_zero, 19, term, 3, "Y", "NOT RELATED"))
    return sorted(rows, key=lambda row: str(row["ADT"]))


def _event(
    subject: str, day_zero: dt.date, day: int, term: str, grade: int, serious: str, related: str
) -> Row:
    return {
        "USUBJID": subject,
        "ADT": day_zero + dt.timedelta(days=day),
        "AETERM": term,
        "AETOXGR": grade,
        "AESER": serious,
        "AEREL": related,
    }
