"""Simulated trial of labelled cells in the knee: scans, masks and tables with known truth."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sojourn.core.errors import DataError
from sojourn.core.images import Mask
from sojourn.core.random import named_generator
from sojourn.core.signals import Scan
from sojourn.physics.knee_scans import (
    INJECTED_PARTICLES,
    knee_response,
    relative_signal,
    simulate_knee_scan,
)
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.phantoms import KneePhantom, simulate_knee
from sojourn.physics.system_matrix import simulate_calibration
from sojourn.study._simulate_kinetics import KneeKinetics, draw_kinetics
from sojourn.study._simulate_oa_reported import draw_reported, visit_dates
from sojourn.study._simulate_oa_tables import (
    Injection,
    draw_adverse_events,
    draw_injection,
    draw_lot,
    draw_person,
    draw_scores,
    lot_name,
)
from sojourn.study._simulate_safety import complete_events
from sojourn.study._simulated import (
    EPOCH,
    Row,
    SimulatedCohort,
    make_frames,
    permuted_blocks,
    subject_ids,
)
from sojourn.study.definition import Arm, Study, Visit

UG = 1e-9
"""kg in a microgram."""

SESSION_GAIN_SD = 0.03
"""Relative standard deviation of the scanner's gain from session to session [assumption]: device
drift of 2 to 5 % is the range of published uncertainty budgets."""

_HYPERSENSITIVITY = 0.04
"""Share of injections followed by a reaction coded as hypersensitivity [assumption]."""

_EARLY_SUBJECTS = 4
"""Special findings fall on one of the first subjects, so that a longer list moves none."""

UNITS: Mapping[str, Mapping[str, str]] = {
    "doses": {"CELLS": "10^6 cells", "IRON": "ug", "IRON_SD": "ug", "RESIDUAL": "ug"},
    "lots": {"VIABILITY": "%", "IRON_PER_CELL": "pg", "IRON_PER_CELL_SD": "pg"},
}
"""Units that the simulated site writes."""


@dataclass(frozen=True, slots=True)
class _Findings:
    """Index of the subject with a missing scan, a typed-in number, a serious event; the visit."""

    missing: int
    missing_visit: str
    typed: int
    typed_visit: str
    serious: int


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """Everything that one simulated subject adds to the cohort."""

    rows: Mapping[str, list[Row]]
    scans: Mapping[str, Scan]
    mask: Mask
    truth: Mapping[str, Any]


def simulate_oa_cohort(
    study: Study,
    *,
    seed: int,
    n_subjects: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> SimulatedCohort:
    """Return a simulated trial of labelled cells in the knee, in memory.

    Parameters
    ----------
    study
        arms with cells and iron, visits that collect scans and scores, imaging.
    seed
        of everything; each subject's numbers depend on the seed and its own code alone.
    n_subjects
        the study's enrolment unless stated.
    progress
        called with a line for each subject.

    Returns
    -------
        tables, scans, masks, calibration; truth apart. Exactly one scan is missing and one is a
        number typed in, where there are at least four subjects.

    Raises
    ------
    DataError
        if the study has no imaging or fewer than two arms.
    """
    if study.imaging is None or len(study.arms) < 2:
        raise DataError(f"{study.id}: simulating knees needs [imaging] and two arms")
    n_subjects = n_subjects or (study.design.enrollment if study.design else None) or 10
    arms = {arm.code: arm for arm in study.arms}
    allocated = permuted_blocks(study, seed, n_subjects)
    findings = _draw_findings(study, seed)
    ratio = relative_signal(INJECTED_PARTICLES, FERUMOXYTOL)
    subjects: dict[str, _Subject] = {}
    for index, subject in enumerate(subject_ids("KNEE", n_subjects)):
        if progress is not None:
            progress(f"SIMULATED subject {subject} ({index + 1} of {n_subjects})")
        arm = arms[allocated[index]]
        subjects[subject] = _simulate_subject(study, seed, subject, index, arm, findings, ratio)
    return _assemble(study, seed, subjects, ratio)


def _draw_findings(study: Study, seed: int) -> _Findings:
    rng = named_generator(seed, study.id, "findings")
    first, second, third = (int(i) for i in rng.permutation(_EARLY_SUBJECTS)[:3])
    late = [v.name for v in _scan_visits(study) if v.day in (3, 30)]
    early = [v.name for v in _scan_visits(study) if v.day == 1]
    return _Findings(
        missing=first,
        missing_visit=str(rng.choice(late)) if late else "",
        typed=second,
        typed_visit=early[0] if early else "",
        serious=third,
    )


def _scan_visits(study: Study) -> list[Visit]:
    return [visit for visit in study.visits if "scans" in visit.collects]


def _simulate_subject(
    study: Study,
    seed: int,
    subject: str,
    index: int,
    arm: Arm,
    findings: _Findings,
    ratio: float,
) -> _Subject:
    def rng(*purpose: str) -> np.random.Generator:
        return named_generator(seed, study.id, subject, *purpose)

    has_cells = bool(arm.dose_cells)
    schedule = rng("schedule")
    day_zero = EPOCH + dt.timedelta(days=14 * index + int(schedule.integers(0, 5)))
    days = {visit.name: _visit_day(visit, schedule) for visit in study.visits}
    lot = draw_lot(named_generator(seed, study.id, lot_name(arm, index), "lot"), arm, index)
    injection = draw_injection(rng("dose"), subject, day_zero, arm, lot)
    kinetics = draw_kinetics(rng("kinetics"), has_cells=has_cells)
    knee = simulate_knee(rng("knee"))
    placed = {
        visit.name: {}
        if visit.name == _blank(study)
        else kinetics.iron_at(days[visit.name], injection.injected_ug)
        for visit in _scan_visits(study)
    }
    iron = {name: _by_region(amounts) for name, amounts in placed.items()}
    register = _register(rng("typed"), subject, index, day_zero, days, iron, findings, ratio)
    scores = draw_scores(rng("scores"), study, subject, day_zero, days, has_cells=has_cells)
    person, grade = draw_person(rng("person"), study, subject)
    last = day_zero + dt.timedelta(days=max(days.values()) + 14)
    dates = visit_dates(study, day_zero, days, scores)
    events = draw_adverse_events(
        rng("adverse events"), subject, day_zero, is_serious=index == findings.serious
    )
    rows: dict[str, list[Row]] = {
        "subjects": [person],
        "allocation": [{"USUBJID": subject, "ARMCD": arm.code}],
        "doses": [injection.row],
        "lots": [lot.row],
        "scans": list(register.values()),
        **scores,
        **draw_reported(rng("questionnaires"), study, subject, scores["womac"], dates, grade=grade),
        "adverse_events": complete_events(
            rng("ends of events"),
            subject,
            events,
            [day_zero],
            last,
            p_hypersensitivity=_HYPERSENSITIVITY,
        ),
        "follow_up": [{"USUBJID": subject, "ADT": last}],
    }
    gains = {
        visit: 1.0 + SESSION_GAIN_SD * float(rng("session gain", visit).standard_normal())
        for visit in register
    }
    scans = _simulate_scans(knee, placed, register, days, gains, rng)
    truth = _subject_truth(arm, injection, kinetics, days, iron, ratio, _blank(study))
    truth["session_gain"] = gains
    return _Subject(rows, scans, knee.mask, truth)


def _register(
    rng: np.random.Generator,
    subject: str,
    index: int,
    day_zero: dt.date,
    days: Mapping[str, int],
    iron: Mapping[str, Mapping[str, float]],
    findings: _Findings,
    ratio: float,
) -> dict[str, Row]:
    """Return the register's row of each visit: a file, a number typed in, or nothing."""
    register: dict[str, Row] = {}
    for visit, regions in iron.items():
        row = _scan_row(subject, visit, day_zero + dt.timedelta(days=days[visit]))
        if index == findings.missing and visit == findings.missing_visit:
            row |= {"ADT": None, "GRADE": "MISSING", "FILE": None, "MASK": None}
            row["NOTE"] = "scanner out of order"
        elif index == findings.typed and visit == findings.typed_visit:
            row |= _typed_amount(rng, ratio * regions["joint_cavity"])
        register[visit] = row
    return register


def _simulate_scans(
    knee: KneePhantom,
    placed: Mapping[str, Mapping[str, float]],
    register: Mapping[str, Row],
    days: Mapping[str, int],
    gains: Mapping[str, float],
    rng: Callable[..., np.random.Generator],
) -> dict[str, Scan]:
    """Return the scan of each visit whose raw signal is kept."""
    response = knee_response(knee)
    scans: dict[str, Scan] = {}
    for visit, row in register.items():
        if row["GRADE"] != "A":
            continue
        subject, day = row["USUBJID"], days[visit]
        scans[visit] = simulate_knee_scan(
            knee,
            {compartment: amount * UG for compartment, amount in placed[visit].items()},
            rng("scan", visit),
            day=float(day),
            response=response,
            session_gain=gains[visit],
            name=f"SIMULATED {subject} {visit}",
            start_time=_start(row["ADT"], after=bool(placed[visit]) and day == 0),
            metadata={"subject": str(subject), "visit": visit, "data": "SIMULATED"},
        )
    return scans


def _blank(study: Study) -> str:
    return study.imaging.baseline if study.imaging else ""


def _visit_day(visit: Visit, rng: np.random.Generator) -> int:
    """Return the day of a visit within its window; mostly the planned one."""
    first, last = visit.window_days
    if visit.day == 0:
        return 0
    return int(rng.integers(first, last + 1)) if rng.random() < 0.4 else visit.day


def _start(date: object, *, after: bool) -> str:
    return f"{date}T{'11' if after else '09'}:30:00.000"


def _scan_row(subject: str, visit: str, date: dt.date) -> Row:
    return {
        "USUBJID": subject,
        "VISIT": visit,
        "ADT": date,
        "GRADE": "A",
        "FILE": f"scans/{subject}/{visit}.mdf",
        "MASK": f"masks/{subject}.nii.gz",
        "NOTE": None,
    }


def _typed_amount(rng: np.random.Generator, amount_ug: float) -> Row:
    """Return what the site typed in: its software's number, 8 % off [assumption], with its SD."""
    spread = 0.08
    typed = amount_ug * (1 + spread * rng.standard_normal())
    return {
        "GRADE": "C",
        "FILE": None,
        "MASK": None,
        "AMOUNT": round(typed, 1),
        "AMOUNT_SD": round(spread * typed, 1),
        "NOTE": "raw data lost; joint cavity as the console showed it",
    }


def _by_region(placed: Mapping[str, float]) -> dict[str, float]:
    cavity = placed.get("joint_cavity", 0.0)
    outside = placed.get("needle_track", 0.0) + placed.get("popliteal_fossa", 0.0)
    return {"joint_cavity": cavity, "periarticular": outside}


def _subject_truth(
    arm: Arm,
    injection: Injection,
    kinetics: KneeKinetics,
    days: Mapping[str, int],
    iron: Mapping[str, Mapping[str, float]],
    ratio: float,
    blank: str,
) -> dict[str, Any]:
    """Return a subject's truth: retention is iron in the cavity over all iron of the day-0 knee."""
    after = [name for name in iron if name != blank]
    total = injection.injected_ug
    return {
        "arm": arm.code,
        "retention": {name: iron[name]["joint_cavity"] / total for name in after},
        "iron_ug": {name: dict(regions) for name, regions in iron.items()},
        "calibration_equivalent_ug": {
            name: {region: ratio * amount for region, amount in regions.items()}
            for name, regions in iron.items()
        },
        "injected_ug": total,
        "iron_per_cell_pg": injection.iron_per_cell_pg,
        "day": {name: days[name] for name in iron},
        "kinetics": asdict(kinetics),
    }


def _assemble(
    study: Study, seed: int, subjects: Mapping[str, _Subject], ratio: float
) -> SimulatedCohort:
    rows: dict[str, list[Row]] = {}
    for simulated in subjects.values():
        for name, listed in simulated.rows.items():
            rows.setdefault(name, []).extend(listed)
    rows["lots"] = list({str(row["EXLOT"]): row for row in rows["lots"]}.values())
    truth = {
        "data": "SIMULATED",
        "seed": seed,
        "studyId": study.id,
        "parameters": {
            "injected_particles": asdict(INJECTED_PARTICLES),
            "calibration_particles": asdict(FERUMOXYTOL),
            "calibration_equivalent_per_iron": ratio,
            "session_gain_sd": SESSION_GAIN_SD,
            "retention": "iron in the joint cavity / all iron in the knee after injection; "
            "the share of signal is the same, as the tracer keeps its state",
        },
        "subjects": {subject: simulated.truth for subject, simulated in subjects.items()},
    }
    return SimulatedCohort(
        tables=make_frames(rows),
        truth=truth,
        units=UNITS,
        calibration=simulate_calibration(
            named_generator(seed, study.id, "calibration"),
            start_time=f"{EPOCH - dt.timedelta(days=3)}T08:00:00.000",
        ),
        scans={(s, v): scan for s, one in subjects.items() for v, scan in one.scans.items()},
        masks={subject: simulated.mask for subject, simulated in subjects.items()},
    )
