"""Deaths, relapses, graft-versus-host disease and infections of a simulated graft trial."""

from dataclasses import dataclass

import numpy as np

_ORGANISMS = (
    ("bacterial; blood", 0.30),
    ("bacterial; lung", 0.20),
    ("viral, CMV; blood", 0.25),
    ("viral; airways", 0.10),
    ("fungal; lung", 0.10),
    ("bacterial; skin", 0.05),
)

PLANNED_FOLLOW_UP = 380
"""Days from the first infusion until which everybody is to be followed [assumption]."""


@dataclass(frozen=True, slots=True)
class Event:
    """A dated event: `day` from the first infusion, its code, grade and detail."""

    day: int
    code: str
    grade: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a subject's year goes: last day of contact, day of death and relapse or None."""

    last_contact: int
    death: int | None
    relapse: int | None


def draw_outlook(rng: np.random.Generator, *, is_malignant: bool, n_poor: int) -> Outlook:
    """Return death, relapse and last contact.

    Death without relapse at a rate of 0.20 a year, times 1.6 for each lineage that never
    recovers; relapse of malignant disease at 0.20 a year, death after it with a mean of 120 days;
    5 % are lost between day 60 and 360; the others are seen last on day 380 to 500 [assumption].
    """
    waits = rng.exponential(size=3)
    lost = int(rng.integers(60, 360)) if rng.random() < 0.05 else None
    last = lost or int(rng.integers(PLANNED_FOLLOW_UP, 501))
    relapse = waits[1] * 365 / 0.20 if is_malignant else np.inf
    relapse = max(relapse, 20.0)
    death = waits[0] * 365 / (0.20 * 1.6**n_poor)
    if relapse < min(death, last):
        death = min(death, relapse + 5 + 120 * waits[2])
    died = int(death) if death <= last else None
    end = last if died is None else max(died, 1)
    relapsed = int(relapse) if relapse < end else None
    return Outlook(end, None if died is None else end, relapsed)


def draw_events(rng: np.random.Generator, outlook: Outlook) -> list[Event]:
    """Return a subject's events in order of time, none after the last contact.

    Infections: 10 for each 1000 days until day 100, 2 later, half of them of grade 2.
    Acute graft-versus-host disease in 35 % (grades 1 to 4: 35, 35, 20, 10 %), chronic in 20 % of
    those alive then. Graft rejection, second graft and donor lymphocytes in 2 % each
    [assumption].
    """
    found = _draw_infections(rng) + _draw_gvhd(rng) + _draw_graft_events(rng)
    if outlook.relapse is not None:
        found.append(Event(outlook.relapse, "RELAPSE"))
    found = [event for event in found if event.day < outlook.last_contact]
    if outlook.death is not None:
        cause = "relapse" if outlook.relapse is not None else "not relapse"
        found.append(Event(outlook.death, "DEATH", None, cause))
    return sorted(found, key=lambda event: event.day)


def _draw_infections(rng: np.random.Generator) -> list[Event]:
    early = rng.integers(0, 101, size=rng.poisson(10 * 101 / 1000))
    late = rng.integers(101, 400, size=rng.poisson(2 * 299 / 1000))
    names, shares = zip(*_ORGANISMS, strict=True)
    events: list[Event] = []
    for day in sorted(int(d) for d in (*early, *late)):
        detail = str(rng.choice(names, p=shares))
        grade = int(rng.choice([1, 2, 3, 4], p=[0.25, 0.5, 0.2, 0.05]))
        events.append(Event(day, "INFECTION", grade, detail))
    return events


def _draw_gvhd(rng: np.random.Generator) -> list[Event]:
    acute, chronic = rng.random(2) < (0.35, 0.20)
    day, late = int(rng.integers(5, 90)), int(rng.integers(100, 300))
    grade = int(rng.choice([1, 2, 3, 4], p=[0.35, 0.35, 0.20, 0.10]))
    severity = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    words = ("mild", "moderate", "severe")[severity - 1]
    events = [Event(day, "ACUTE_GVHD", grade, "MAGIC")] if acute else []
    return events + ([Event(late, "CHRONIC_GVHD", severity, words)] if chronic else [])


def _draw_graft_events(rng: np.random.Generator) -> list[Event]:
    codes = ("GRAFT_REJECTION", "SECOND_GRAFT", "DLI")
    happens = rng.random(3) < 0.02
    days = rng.integers(25, 200, size=3)
    return [Event(int(d), c) for d, c, h in zip(days, codes, happens, strict=True) if h]
