"""What simulated trials share: dates, identities, rows, and the value a cohort is."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from sojourn.core.images import Mask
from sojourn.core.random import named_generator
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.core.tables import ROW, TABLES
from sojourn.study.definition import Study

EPOCH = dt.date(2030, 1, 7)
"""Day 0 of the first simulated subject may fall in this week: a date that is no one's."""

Row = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCohort:
    """A simulated trial in memory: what a site would hold, and the truth beside it.

    `tables` by name in their schema's units; `units` are those a site writes instead. `scans` by
    subject and visit, `masks` by subject. `truth` holds plain JSON values.
    """

    tables: Mapping[str, pl.DataFrame]
    truth: Mapping[str, Any]
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibration: SystemMatrix | None = None
    scans: Mapping[tuple[str, str], Scan] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)


def subject_ids(prefix: str, n_subjects: int) -> list[str]:
    """Return the codes of simulated subjects: ``SIM-KNEE-001`` and so on."""
    return [f"SIM-{prefix}-{i:03d}" for i in range(1, n_subjects + 1)]


def random_uuid(rng: np.random.Generator) -> str:
    """Return a version 4 UUID whose bits come from `rng` (RFC 4122)."""
    return str(uuid.UUID(bytes=rng.bytes(16), version=4))


def make_frames(rows: Mapping[str, Iterable[Row]]) -> dict[str, pl.DataFrame]:
    """Return each table's rows as a frame of its schema without `ROW`, columns not given null."""
    frames = {}
    for name, listed in rows.items():
        schema = {k: v for k, v in TABLES[name].schema.items() if k != ROW}
        frames[name] = pl.DataFrame(list(listed), schema=schema, orient="row")
    return frames


def age_limits(study: Study) -> tuple[int, int]:
    """Return the inclusive bounds of AGE, years, among the study's inclusion criteria.

    Without such a criterion 18 to 75 [assumption].
    """
    for criterion in study.criteria:
        rule = criterion.rule
        if criterion.kind == "inclusion" and rule is not None and rule.item == "AGE":
            return int(rule.min or 18), int(rule.max or 75)
    return 18, 75


def permuted_blocks(study: Study, seed: int, n_subjects: int) -> list[str]:
    """Return the arm of each subject in order of entry, equal arms, by permuted blocks.

    Block sizes are drawn from the study's, so that blocks end with the planned enrolment; each
    block has a generator of its own, so that a longer list begins like a shorter one. Nobody
    conceals this list: it shows what an allocation looks like, it makes none.

    Parameters
    ----------
    study
        arms, `design.block_sizes` (multiples of the number of arms) and `design.enrollment`.
    seed
        of the study.
    n_subjects
        length of the list.

    Returns
    -------
        arm codes, shape (n_subjects,).
    """
    arms = [arm.code for arm in study.arms]
    sizes = sorted(study.design.block_sizes) if study.design and study.design.block_sizes else []
    sizes = [size for size in sizes if size % len(arms) == 0] or [2 * len(arms)]
    planned = (study.design.enrollment if study.design else None) or 0
    allocated: list[str] = []
    block = 0
    while len(allocated) < n_subjects:
        rng = named_generator(seed, study.id, f"block {block}", "allocation")
        rest = planned - len(allocated)
        fitting = [size for size in sizes if size <= rest] or sizes
        size = int(rng.choice(fitting))
        allocated += [str(code) for code in rng.permutation(np.repeat(arms, size // len(arms)))]
        block += 1
    return allocated[:n_subjects]
