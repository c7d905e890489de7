"""Organs, infections, lymphocytes, donor cells and grafts of a simulated graft trial.

Each table tells in detail what the events tell in short: one truth, two records of it.
"""

import datetime as dt
from collections.abc import Callable, Mapping

import numpy as np

from sojourn.endpoints._gvhd_stages import HIGHEST_STAGE, magic_grade
from sojourn.endpoints.chronic_gvhd import ORGANS, nih_severity
from sojourn.study._simulate_hsct_events import Event, Outlook
from sojourn.study._simulated import Row

ACUTE_DAYS = (0, 14, 28, 42, 56, 70, 100)
"""Days of planned assessments of acute disease [assumption]."""

CHRONIC_DAYS = (100, 180, 270, 365)
"""Days of planned assessments of chronic disease [assumption]."""

LYMPHOCYTE_DAYS = (-3, 28, 58, 98, 178, 370)
"""Days near which lymphocytes are counted [assumption]."""

MEDIANS: Mapping[str, tuple[float, float]] = {
    "CD3": (0.30e9, 1.10e9),
    "CD4": (0.07e9, 0.35e9),
    "CD8": (0.20e9, 0.65e9),
    "CD19": (0.01e9, 0.15e9),
    "CD56": (0.10e9, 0.22e9),
}
"""Counts in 1/L at the first infusion and a year later, medians [assumption]."""

MakeRng = Callable[..., np.random.Generator]
"""From the words of a purpose to a generator of its own."""


def draw_tables(
    rng: MakeRng,
    subject: str,
    day_zero: dt.date,
    events: list[Event],
    outlook: Outlook,
) -> dict[str, list[Row]]:
    """Return the rows of one subject for each of the six tables.

    Parameters
    ----------
    rng
        makes the generator of a purpose; none of these purposes is another table's.
    subject, day_zero
        who, and the date of the first infusion.
    events, outlook
        what happened, and until when the subject was seen.
    """

    def dated(day: int) -> Row:
        return {"USUBJID": subject, "ADT": day_zero + dt.timedelta(days=day)}

    end = outlook.last_contact
    acute = [e for e in events if e.code == "ACUTE_GVHD"]
    chronic = [e for e in events if e.code == "CHRONIC_GVHD"]
    return {
        "gvhd_stages": [
            dated(day) | row for day, row in draw_acute(rng("organ stages"), acute, end)
        ],
        "chronic_gvhd": [
            dated(day) | row for day, row in draw_chronic(rng("organ scores"), chronic, end)
        ],
        "infections": _infections(rng("resolution"), dated, day_zero, events, end),
        "lymphocytes": [dated(day) | row for day, row in _lymphocytes(rng("lymphocytes"), end)],
        "chimerism": _chimerism(rng("chimerism"), dated, outlook),
        "grafts": [{"USUBJID": subject} | _graft(rng("graft"))],
    }


def draw_acute(
    rng: np.random.Generator, events: list[Event], end: int
) -> list[tuple[int, dict[str, int]]]:
    """Return days and organ stages: none before each event, its grade on its day, less later.

    A fortnight after its event every organ is at most where it was, four weeks after it clear.
    """
    found: dict[int, dict[str, int]] = {}
    for event in events:
        found[event.day] = _stages_of(rng, event.grade or 0)
    for day in ACUTE_DAYS:
        last = max((e.day for e in events if e.day < day), default=None)
        if day >= end or day in found:
            continue
        fresh = last is not None and day - last < 28
        before = found[last] if last is not None and fresh else dict.fromkeys(HIGHEST_STAGE, 0)
        found[day] = {organ: int(rng.integers(0, stage + 1)) for organ, stage in before.items()}
    return sorted(found.items())


def draw_chronic(
    rng: np.random.Generator, events: list[Event], end: int
) -> list[tuple[int, dict[str, int]]]:
    """Return days and organ scores: none before each event, its severity on its day, less later."""
    found: dict[int, dict[str, int]] = {}
    for event in events:
        found[event.day] = _scores_of(rng, event.grade or 0)
    for day in CHRONIC_DAYS:
        if day >= end or day in found:
            continue
        last = max((e.day for e in events if e.day < day), default=None)
        before = dict.fromkeys(ORGANS, 0) if last is None else found[last]
        found[day] = {organ: int(rng.integers(0, score + 1)) for organ, score in before.items()}
    return sorted(found.items())


def _stages_of(rng: np.random.Generator, grade: int) -> dict[str, int]:
    """Return stages of the MAGIC grade; skin is affected most often [assumption]."""
    while True:
        affected = rng.random(4) < (0.8, 0.25, 0.3, 0.4)
        stages = {
            organ: int(rng.integers(0, highest + 1)) if is_affected else 0
            for (organ, highest), is_affected in zip(HIGHEST_STAGE.items(), affected, strict=True)
        }
        if magic_grade(*stages.values()) == grade:
            return stages


def _scores_of(rng: np.random.Generator, severity: int) -> dict[str, int]:
    """Return organ scores of the NIH severity [assumption: a third of the organs affected]."""
    while True:
        affected = rng.random(len(ORGANS)) < 0.33
        scores = {
            organ: int(rng.integers(1, 4)) if is_affected else 0
            for organ, is_affected in zip(ORGANS, affected, strict=True)
        }
        if nih_severity(scores) == severity:
            return scores


def _infections(
    rng: np.random.Generator,
    dated: Callable[[int], Row],
    day_zero: dt.date,
    events: list[Event],
    end: int,
) -> list[Row]:
    """Return each infection with its resolution: 9 days later by the median [assumption].

    One that lasts beyond the last contact has no resolution.
    """
    rows: list[Row] = []
    for event in events:
        if event.code != "INFECTION":
            continue
        last = event.day + max(2, round(9 * float(np.exp(0.5 * rng.standard_normal()))))
        organism, _, site = (event.detail or "").rpartition("; ")
        row = dated(event.day) | {"ORGANISM": organism, "SITE": site, "GRADE": event.grade}
        resolved = day_zero + dt.timedelta(days=last) if last < end else None
        rows.append(row | {"AENDT": resolved})
    return rows


def _lymphocytes(rng: np.random.Generator, end: int) -> list[tuple[int, dict[str, float | None]]]:
    """Return days and counts: from low to a year's medians, 5 % of the values missing."""
    level = np.exp(0.5 * rng.standard_normal(len(MEDIANS)))
    speed = float(np.exp(0.4 * rng.standard_normal()))
    rows: list[tuple[int, dict[str, float | None]]] = []
    for planned in LYMPHOCYTE_DAYS:
        day = planned + int(rng.integers(-3, 4))
        noise = np.exp(0.2 * rng.standard_normal(len(MEDIANS)))
        missing = rng.random(len(MEDIANS)) < 0.05
        if day >= end:
            continue
        share = 1 - np.exp(-max(day, 0) * speed / 150)
        row: dict[str, float | None] = {}
        for i, (subset, (low, high)) in enumerate(MEDIANS.items()):
            count = low * (high / low) ** share * level[i] * noise[i]
            row[subset] = None if missing[i] else round(float(count) / 1e9, 3) * 1e9
        rows.append((day, row))
    return rows


def _chimerism(
    rng: np.random.Generator, dated: Callable[[int], Row], outlook: Outlook
) -> list[Row]:
    """Return donor cells before the first infusion and near day 100, less after a relapse.

    Full (above 95 %) in 95 % of the subjects at first [assumption].
    """
    rows: list[Row] = []
    is_full = bool(rng.random() < 0.95)
    for planned in (-5, 100):
        day = planned + int(rng.integers(-3, 4))
        shares = rng.uniform(96.0, 100.0, size=2) if is_full else rng.uniform(70.0, 94.0, size=2)
        if outlook.relapse is not None and day > outlook.relapse:
            shares = shares * rng.uniform(0.3, 0.8)
        if day < outlook.last_contact:
            for lineage, share in zip(("WHOLE", "CD3"), shares, strict=True):
                row = dated(day) | {"LINEAGE": lineage, "DONOR_PERCENT": round(float(share), 1)}
                rows.append(row)
    return rows


def _graft(rng: np.random.Generator) -> Row:
    """Return the graft's record; one item in twenty is not recorded [assumption]."""
    drawn: Row = {
        "SOURCE": str(rng.choice(["PBSC", "BM", "UCB"], p=[0.65, 0.25, 0.10])),
        "ANC_RECOVERED": "Y" if rng.random() < 0.6 else "N",
        "HGB_RECOVERED": "Y" if rng.random() < 0.4 else "N",
        "PLT_RECOVERED": "Y" if rng.random() < 0.3 else "N",
        "CELLULARITY": "REDUCED" if rng.random() < 0.95 else "NORMAL",
        "OTHER_CAUSE": "N" if rng.random() < 0.97 else "Y",
        "DIAGNOSED": "Y",
    }
    missing = rng.random(len(drawn)) < 0.05
    return {
        name: None if is_missing and name != "DIAGNOSED" else value
        for (name, value), is_missing in zip(drawn.items(), missing, strict=True)
    }
