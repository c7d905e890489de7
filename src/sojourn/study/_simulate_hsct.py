"""Simulated trial of cells for poor graft function: counts, support and events with known truth."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sojourn.core.errors import DataError
from sojourn.core.random import named_generator
from sojourn.study._simulate_counts import (
    NEVER,
    DailyBlood,
    GraftCourse,
    draw_course,
    draw_sampling,
    simulate_blood,
)
from sojourn.study._simulate_hsct_events import Event, Outlook, draw_events, draw_outlook
from sojourn.study._simulate_hsct_tables import MEDIANS, draw_tables
from sojourn.study._simulate_safety import complete_events
from sojourn.study._simulated import (
    EPOCH,
    Row,
    SimulatedCohort,
    age_limits,
    make_frames,
    subject_ids,
)
from sojourn.study.definition import Arm, Study

FIRST_DAY = -7
"""Counts start a week before the first infusion."""

LAST_COUNT_DAY = 400
"""No counts later [assumption]."""

UNITS: Mapping[str, Mapping[str, str]] = {
    "counts": {"ANC": "10^9/L", "HGB": "g/dL", "PLT": "10^9/L"},
    "doses": {"CELLS": "10^6 cells"},
    "lymphocytes": dict.fromkeys(MEDIANS, "10^9/L"),
    "lots": {"VIABILITY": "%"},
}
"""Units that the simulated site writes."""

_DISEASES = (
    ("acute myeloid leukemia", "Y", 0.40),
    ("acute lymphoblastic leukemia", "Y", 0.20),
    ("myelodysplastic syndrome", "Y", 0.15),
    ("severe aplastic anemia", "N", 0.20),
    ("thalassemia", "N", 0.05),
)

_SIDE_EFFECTS = (
    ("fever after infusion", 1, "RELATED"),
    ("chills", 1, "POSSIBLY"),
    ("nausea", 1, "NOT RELATED"),
    ("rash", 2, "POSSIBLY"),
    ("alanine aminotransferase raised", 2, "NOT RELATED"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """Everything that one simulated subject adds to the cohort."""

    rows: Mapping[str, list[Row]]
    truth: Mapping[str, Any]


def simulate_hsct_cohort(
    study: Study,
    *,
    seed: int,
    n_subjects: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> SimulatedCohort:
    """Return a simulated trial of cells for poor graft function, in memory.

    Parameters
    ----------
    study
        one arm with cells per kg and days of infusion.
    seed
        of everything; each subject's numbers depend on the seed and its own code alone.
    n_subjects
        the study's enrolment unless stated.
    progress
        called now and then with a line.

    Returns
    -------
        tables in their schema's units with the units a site writes; truth apart.

    Raises
    ------
    DataError
        if the study has no arm with cells per kg.
    """
    if not study.arms or not study.arms[0].dose_cells_per_kg or not study.arms[0].days:
        raise DataError(f"{study.id}: simulating infusions needs an arm with cells per kg and days")
    n_subjects = n_subjects or (study.design.enrollment if study.design else None) or 68
    rows: dict[str, list[Row]] = {}
    truth: dict[str, Any] = {}
    for index, subject in enumerate(subject_ids("HSCT", n_subjects)):
        if progress is not None and index % 10 == 0:
            progress(f"SIMULATED subject {subject} ({index + 1} of {n_subjects})")
        simulated = _simulate_subject(study, seed, subject, index)
        truth[subject] = simulated.truth
        for name, listed in simulated.rows.items():
            rows.setdefault(name, []).extend(listed)
    rows["lots"] = list({str(row["EXLOT"]): row for row in rows["lots"]}.values())
    document = {"data": "SIMULATED", "seed": seed, "studyId": study.id, "subjects": truth}
    return SimulatedCohort(tables=make_frames(rows), truth=document, units=UNITS)


def _simulate_subject(study: Study, seed: int, subject: str, index: int) -> _Subject:
    def rng(*purpose: str) -> np.random.Generator:
        return named_generator(seed, study.id, subject, *purpose)

    arm = study.arms[0]
    day_zero = EPOCH + dt.timedelta(days=5 * index + int(rng("schedule").integers(0, 5)))
    person = _draw_person(rng("person"), study, subject, day_zero)
    course = draw_course(rng("course"))
    lineages = {"ANC": course.anc, "HGB": course.hgb, "PLT": course.plt}
    n_poor = sum(lineage.recovery == NEVER for lineage in lineages.values())
    outlook = draw_outlook(rng("outlook"), is_malignant=person["MALIGNANT"] == "Y", n_poor=n_poor)
    events = draw_events(rng("events"), outlook)
    last = min(outlook.last_contact - (outlook.death is not None), LAST_COUNT_DAY)
    blood = simulate_blood(course, FIRST_DAY, last, rng("blood"))
    doses = _draw_doses(rng("doses"), arm, subject, index, day_zero, outlook)
    rows: dict[str, list[Row]] = {
        "subjects": [person],
        "doses": doses,
        "lots": [_lot(study, seed, index)],
        "counts": _count_rows(rng("sampling"), subject, day_zero, blood),
        **_support_rows(rng("support"), subject, day_zero, blood),
        "events": [_event_row(subject, day_zero, event) for event in events],
        "adverse_events": complete_events(
            rng("ends of events"),
            subject,
            _draw_adverse_events(rng("adverse events"), subject, day_zero, doses, events, outlook),
            [],
            day_zero + dt.timedelta(days=outlook.last_contact),
        ),
        "follow_up": [_dated(subject, day_zero, outlook.last_contact)],
        **draw_tables(rng, subject, day_zero, events, outlook),
    }
    return _Subject(rows, _subject_truth(arm, course, outlook, events))


def _dated(subject: str, day_zero: dt.date, day: int) -> Row:
    return {"USUBJID": subject, "ADT": day_zero + dt.timedelta(days=day)}


def _draw_person(rng: np.random.Generator, study: Study, subject: str, day_zero: dt.date) -> Row:
    """Return a person of an eligible age whose graft is 5 to 17 weeks old [assumption]."""
    low, high = age_limits(study)
    disease = int(rng.choice(len(_DISEASES), p=[share for _, _, share in _DISEASES]))
    name, malignant, _ = _DISEASES[disease]
    return {
        "USUBJID": subject,
        "SEX": "F" if rng.random() < 0.45 else "M",
        "AGE": int(np.clip(round(38 + 11 * rng.standard_normal()), low, high)),
        "DIAGNOSIS": name,
        "MALIGNANT": malignant,
        "HSCTDT": day_zero - dt.timedelta(days=int(rng.integers(35, 120))),
    }


def _draw_doses(
    rng: np.random.Generator,
    arm: Arm,
    subject: str,
    index: int,
    day_zero: dt.date,
    outlook: Outlook,
) -> list[Row]:
    """Return the infusions given: 5 % of the later ones are left out [assumption].

    Each within the arm's window and within 5 % of the planned cells; none after a relapse, or
    later than the day before death.
    """
    weight = float(np.clip(62 + 11 * rng.standard_normal(), 38, 110))
    end = min(outlook.last_contact, outlook.relapse or outlook.last_contact)
    rows: list[Row] = []
    window = arm.dose_window_days
    for planned in arm.days:
        weight += 0.4 * rng.standard_normal()
        late = int(rng.integers(-window, window + 1)) if planned else 0
        is_given = planned == 0 or rng.random() >= 0.05
        cells = (arm.dose_cells_per_kg or 0.0) * weight * (1 + 0.02 * rng.standard_normal())
        if is_given and planned + late < end:
            row = _dated(subject, day_zero, planned + late)
            row |= {"EXLOT": _lot_name(index), "CELLS": round(cells, -5)}
            rows.append(row | {"WEIGHT": round(weight, 1)})
    return rows


def _lot_name(index: int) -> str:
    return f"SIM-LOT-{index // 12 + 1:02d}"


def _lot(study: Study, seed: int, index: int) -> Row:
    rng = named_generator(seed, study.id, _lot_name(index), "lot")
    return {
        "EXLOT": _lot_name(index),
        "PRODUCT": "umbilical cord stromal cells",
        "VIABILITY": round(float(rng.uniform(0.80, 0.96)), 3),
        "CUSTODY": f"thawed {8 + int(rng.integers(0, 2)):02d}:20, infused by 11:00, 20 C",
    }


def _count_rows(
    rng: np.random.Generator, subject: str, day_zero: dt.date, blood: DailyBlood
) -> list[Row]:
    """Return the counts taken, 3 % of the values missing; a second count differs by 5 %."""
    rows: list[Row] = []
    previous = -1
    for i in draw_sampling(blood.days, rng):
        factor = float(np.exp(0.05 * rng.standard_normal())) if i == previous else 1.0
        missing = rng.random(3) < 0.03
        row = _dated(subject, day_zero, int(blood.days[i]))
        row["ANC"] = None if missing[0] else round(blood.anc[i] * factor / 1e9, 2) * 1e9
        row["HGB"] = None if missing[1] else float(round(blood.hgb[i] * factor))
        row["PLT"] = None if missing[2] else float(round(blood.plt[i] * factor / 1e9)) * 1e9
        rows.append(row)
        previous = int(i)
    return rows


def _support_rows(
    rng: np.random.Generator, subject: str, day_zero: dt.date, blood: DailyBlood
) -> dict[str, list[Row]]:
    """Return transfusions and growth factors; a tenth of the subjects get TPO-RA weekly."""
    given = sorted([(d, "RBC") for d in blood.red_cells] + [(d, "PLT") for d in blood.platelets])
    agents = [(d, "G-CSF") for d in blood.growth_factor]
    if rng.random() < 0.10:
        start = int(rng.integers(0, 15))
        last = int(blood.days[-1])
        agents += [(d, "TPO-RA") for d in range(start, min(start + 57, last), 7)]
    return {
        "transfusions": [_dated(subject, day_zero, d) | {"PRODUCT": p} for d, p in given],
        "growth_factors": [_dated(subject, day_zero, d) | {"AGENT": a} for d, a in sorted(agents)],
    }


def _event_row(subject: str, day_zero: dt.date, event: Event) -> Row:
    row = _dated(subject, day_zero, event.day)
    return row | {"EVENT": event.code, "GRADE": event.grade, "DETAIL": event.detail}


def _draw_adverse_events(
    rng: np.random.Generator,
    subject: str,
    day_zero: dt.date,
    doses: list[Row],
    events: list[Event],
    outlook: Outlook,
) -> list[Row]:
    """Return side effects after infusions, and each infection of grade 3 or 4 as serious."""
    rows: list[Row] = []
    last_date = day_zero + dt.timedelta(days=outlook.last_contact - 1)
    for dose in doses:
        if rng.random() < 0.25:
            term, grade, related = _SIDE_EFFECTS[int(rng.integers(0, len(_SIDE_EFFECTS)))]
            row: Row = {"USUBJID": subject, "ADT": dose["ADT"], "AETERM": term}
            rows.append(row | {"AETOXGR": grade, "AESER": "N", "AEREL": related})
    for event in events:
        if event.code == "INFECTION" and (event.grade or 0) >= 3 and event.day <= 100:
            row = _dated(subject, day_zero, event.day)
            row |= {"AETERM": f"infection, {event.detail}", "AETOXGR": event.grade}
            rows.append(row | {"AESER": "Y", "AEREL": "NOT RELATED"})
    kept = [row for row in rows if row["ADT"] <= last_date]  # type: ignore[operator]
    return sorted(kept, key=lambda row: str(row["ADT"]))


def _subject_truth(
    arm: Arm, course: GraftCourse, outlook: Outlook, events: list[Event]
) -> dict[str, Any]:
    """Return what the generator intended: JSON knows no infinity, so never is null."""
    days = {"ANC": course.anc.recovery, "HGB": course.hgb.recovery, "PLT": course.plt.recovery}
    return {
        "arm": arm.code,
        "affected": {name: day > 0 for name, day in days.items()},
        "recovery_day": {name: day if 0 < day < NEVER else None for name, day in days.items()},
        "platelet_plateau_per_l": course.plt.high,
        "death_day": outlook.death,
        "relapse_day": outlook.relapse,
        "last_contact_day": outlook.last_contact,
        "events": [[event.day, event.code, event.grade, event.detail] for event in events],
    }
