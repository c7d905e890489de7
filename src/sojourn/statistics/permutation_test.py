"""Difference of two means with its exact permutation test, and the interval that inverts it."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._levels import stated_level
from sojourn.statistics._pairs import Pair, compare_pair
from sojourn.statistics._spread import NO_SPREAD_WITHIN, is_constant
from sojourn.statistics.exact.permutation import (
    MOST_SPLITS,
    ShiftInterval,
    describe_splits,
    invert_permutation_test,
    permutation_test,
)

METHOD = "exact permutation test of the means, inverted"


class Settings(BaseModel):
    """How two groups are compared.

    `groups`: which of them minus which; the first two by name where none are given. `unit` of AVAL,
    as shown. `level` asked of the interval; the estimate states the level attained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_difference(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the difference of the mean AVAL of two groups, exact p-value and exact interval.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVAL is left out and counted.
    settings
        groups, unit, level.

    Returns
    -------
        one estimate, group ``A-B``, whose level is the one attained; unbounded and without a
        p-value, saying so, where the splits are too many to enumerate: none is drawn. Unbounded
        where the values of each group are equal.

    Raises
    ------
    DataError
        if there are more than two groups and none is named, or a named one is not there.

    References
    ----------
    Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119; Garthwaite, Biometrics 52 (1996) 1387.
    """
    label = "mean of {first} minus {second}"

    def estimate(pair: Pair, label: str) -> GroupEstimate:
        return _difference(pair, label, settings)

    return compare_pair(outcomes, "AVAL", settings.groups, "difference", label, estimate)


def _difference(pair: Pair, label: str, settings: Settings) -> GroupEstimate:
    x, y = pair.values()
    value = math.fsum(x) / len(x) - math.fsum(y) / len(y)
    n_splits = math.comb(pair.n, len(x))
    if n_splits > MOST_SPLITS:
        p_value, interval = None, ShiftInterval(-math.inf, math.inf, 1.0)
        shown = describe_splits(n_splits)
        notes = [f"no exact test: {shown} splits, more than {MOST_SPLITS}; none was drawn"]
    else:
        test = permutation_test(x, y)
        p_value, interval = test.p_two_sided, invert_permutation_test(x, y, level=settings.level)
        notes = [
            f"all {n_splits} splits",
            f"one-sided p: greater {test.p_greater:.6g}, less {test.p_less:.6g}",
        ]
    level, note = stated_level(interval.attained_level, settings.level)
    if pair.n > 2 and is_constant(x, y):
        interval, level = ShiftInterval(-math.inf, math.inf, 1.0), settings.level
        note = (NO_SPREAD_WITHIN,)
    estimate = Estimate(
        value=value,
        unit=settings.unit,
        lower=min(interval.lower, value),
        upper=max(interval.upper, value),
        level=level,
        method=METHOD,
        n=pair.n,
        notes=(*notes, *note, *pair.missing_notes),
    )
    return GroupEstimate(pair.name, "difference", label, estimate, pair.n, p_value)


ANALYSIS = Analysis(
    label="Difference of means, exact permutation test and interval",
    settings=Settings,
    estimate=estimate_difference,
)
