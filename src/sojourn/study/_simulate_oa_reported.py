"""SF-36, global assessment and readings of the knee film in a simulated trial."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.study._simulated import Row
from sojourn.study.definition import Study

_PHYSICAL = (1, 2, *range(3, 17), 20, 21, 22, 33, 34, 35, 36)
"""SF-36 items that follow the knee; the others follow mood [assumption]."""

_FALLING = (1, 20, 21, 22, 23, 26, 27, 30, 34, 36)
"""SF-36 items whose lowest answer is the best."""

_MISREADING = 0.12
"""Probability that a reader's grade is one off [assumption]."""


def reported_tables(study: Study) -> tuple[str, ...]:
    """Return which of these tables the study collects at some visit."""
    collected = {name for visit in study.visits for name in visit.collects}
    return tuple(n for n in ("sf36", "patient_global", "kl_readings") if n in collected)


def visit_dates(
    study: Study,
    day_zero: dt.date,
    days: Mapping[str, int],
    scores: Mapping[str, Sequence[Row]],
) -> dict[str, dt.date]:
    """Return the date on which each visit's forms are filled in: that of WOMAC or pain, if any."""
    dates = {visit.name: day_zero + dt.timedelta(days=days[visit.name]) for visit in study.visits}
    for listed in scores.values():
        for row in listed:
            if isinstance(date := row["ADT"], dt.date):
                dates[str(row["VISIT"])] = date
    return dates


def draw_reported(
    rng: np.random.Generator,
    study: Study,
    subject: str,
    womac: Sequence[Row],
    dates: Mapping[str, dt.date],
    *,
    grade: int,
) -> dict[str, list[Row]]:
    """Return a subject's SF-36 (version 2), global assessments and readings of the knee film.

    Parameters
    ----------
    rng
        of this purpose alone.
    study
        its visits say what they collect.
    subject
        code.
    womac
        the subject's WOMAC rows: the worse the knee, the worse these answers.
    dates
        the date of each visit.
    grade
        true Kellgren-Lawrence grade.

    Returns
    -------
        rows by table; only tables that the study collects.
    """
    burdens = {str(row["VISIT"]): _burden(row) for row in womac}
    first = next(iter(burdens.values()), 0.5)
    mood = float(np.clip(0.72 + 0.1 * rng.standard_normal(), 0.3, 0.95))
    traits = 0.12 * rng.standard_normal(37)
    rows: dict[str, list[Row]] = {name: [] for name in reported_tables(study)}
    for visit in study.visits:
        head: Row = {"USUBJID": subject, "VISIT": visit.name, "ADT": dates[visit.name]}
        burden = burdens.get(visit.name, first)
        if "sf36" in visit.collects:
            rows["sf36"].append(head | _draw_form(rng, burden, mood, traits))
        if "patient_global" in visit.collects:
            level = 100 * burden + 8 + 6 * rng.standard_normal()
            rows["patient_global"].append(head | {"PGA": float(np.clip(round(level), 0, 100))})
        if "kl_readings" in visit.collects:
            rows["kl_readings"] += [head | reading for reading in _draw_readings(rng, grade)]
    return rows


def _burden(row: Row) -> float:
    """Return the mean WOMAC answer as a share of the worst one."""
    answers = [v for k, v in row.items() if k[0] in "PSF" and isinstance(v, int)]
    return sum(answers) / (4 * len(answers)) if answers else 0.5


def _draw_form(
    rng: np.random.Generator, burden: float, mood: float, traits: NDArray[np.float64]
) -> Row:
    """Return 36 answers; 1 % of them are left empty."""
    noise, is_empty = 0.08 * rng.standard_normal(37), rng.random(37) < 0.01
    answers: Row = {}
    for item in range(1, 37):
        health = 1 - 0.95 * burden if item in _PHYSICAL else mood - 0.2 * (burden - 0.4)
        share = float(np.clip(health + traits[item] + noise[item], 0, 1))
        top = _options(item)
        step = round(share * (top - 1))
        answer = top - step if item in _FALLING else 1 + step
        answers[f"Q{item}"] = None if is_empty[item] else answer
    return answers


def _options(item: int) -> int:
    """Return how many answers an item of version 2 offers."""
    return 3 if 3 <= item <= 12 else 6 if item == 21 else 5


def _draw_readings(rng: np.random.Generator, grade: int) -> list[Row]:
    """Return two readings of one film, and an adjudication where they differ."""
    slips = rng.random(2) < _MISREADING
    sides = rng.choice([-1, 1], size=2)
    read = [int(np.clip(grade + s * slip, 0, 4)) for s, slip in zip(sides, slips, strict=True)]
    listed = [("READER-1", "READER", read[0]), ("READER-2", "READER", read[1])]
    if read[0] != read[1]:
        listed.append(("READER-3", "ADJUDICATOR", grade))
    return [
        {"READER": reader, "ROLE": role, "VIEW": "FIXED_FLEXION", "KLGRADE": value}
        for reader, role, value in listed
    ]
