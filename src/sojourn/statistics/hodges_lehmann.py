"""Hodges-Lehmann shift of two groups with the exact rank-sum test."""

import math
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._levels import stated_level
from sojourn.statistics._pairs import Pair, compare_pair
from sojourn.statistics._spread import NO_SPREAD_WITHIN, is_constant
from sojourn.statistics.exact.hodges_lehmann import (
    ShiftEstimate,
    hodges_lehmann,
    hodges_lehmann_conditional,
)
from sojourn.statistics.exact.wilcoxon import LARGEST_GROUPS, rank_sum_test

MOST_PAIRS = 10_000_000
"""Differences of two subjects whose median is taken at most: 80 MB of them."""

INTERVALS = {"inversion": hodges_lehmann, "conditional": hodges_lehmann_conditional}


class Settings(BaseModel):
    """How two groups are compared.

    `groups`: which of them minus which; the first two by name where none are given. `unit` of AVAL,
    as shown. `level` asked of the interval; the estimate states the level attained. `interval`:
    inversion (every shift tested under its own ties: the level holds) or conditional (as R's coin,
    under the ties observed); without ties they agree.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)
    interval: Literal["inversion", "conditional"] = "inversion"


def estimate_shift(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the median difference of two groups, with exact interval and rank-sum p-value.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVAL is left out and counted.
    settings
        groups, unit, level, which interval.

    Returns
    -------
        one estimate, group ``A-B``, whose level is the one attained; unbounded and without a
        p-value, saying so, where there are too many subjects for the exact law. Unbounded where the
        values of each group are equal.

    Raises
    ------
    DataError
        if there are more than two groups and none is named, a named one is not there, or the
        groups make more than `MOST_PAIRS` pairs.

    References
    ----------
    Hodges and Lehmann, Ann. Math. Stat. 34 (1963) 598; R `wilcox.test`, coin `wilcox_test`.
    """
    label = "median difference, {first} minus {second}"

    def estimate(pair: Pair, label: str) -> GroupEstimate:
        return _shift(pair, label, settings)

    return compare_pair(outcomes, "AVAL", settings.groups, "shift", label, estimate)


def _shift(pair: Pair, label: str, settings: Settings) -> GroupEstimate:
    x, y = pair.values()
    if pair.n > LARGEST_GROUPS:
        middle = _median_difference(x, y)
        found = ShiftEstimate(middle, -math.inf, math.inf, 1.0, tied=False)
        p_value, notes = None, [f"no exact test: more than {LARGEST_GROUPS} subjects"]
    else:
        found = INTERVALS[settings.interval](x, y, level=settings.level)
        test = rank_sum_test(x, y)
        p_value = test.p_two_sided
        notes = [
            f"W = {test.w:g}",
            f"one-sided p: greater {test.p_greater:.6g}, less {test.p_less:.6g}",
        ]
        if test.tied:
            notes.append(f"ties: p-value and {settings.interval} interval conditional on them")
    level, note = stated_level(found.attained_level, settings.level)
    lower, upper = min(found.lower, found.shift), max(found.upper, found.shift)
    if pair.n > 2 and is_constant(x, y):
        lower, upper, level, note = -math.inf, math.inf, settings.level, (NO_SPREAD_WITHIN,)
    estimate = Estimate(
        value=found.shift,
        unit=settings.unit,
        lower=lower,
        upper=upper,
        level=level,
        method="Hodges-Lehmann, exact rank-sum interval",
        n=pair.n,
        notes=(*notes, *note, *pair.missing_notes),
    )
    return GroupEstimate(pair.name, "shift", label, estimate, pair.n, p_value)


def _median_difference(x: list[float], y: list[float]) -> float:
    """Return the median of all differences of one of `x` and one of `y`."""
    if len(x) * len(y) > MOST_PAIRS:
        raise DataError(
            f"groups of {len(x)} and {len(y)} make {len(x) * len(y)} pairs, more than the "
            f"{MOST_PAIRS} whose median difference is taken; so many subjects need none: use "
            "mean_difference"
        )
    return float(np.median(np.subtract.outer(x, y)))


ANALYSIS = Analysis(
    label="Hodges-Lehmann shift, exact rank-sum test", settings=Settings, estimate=estimate_shift
)
