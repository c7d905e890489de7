"""Mean change of a group with its exact sign-flip test, and the interval that inverts it."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics._levels import stated_level
from sojourn.statistics._spread import NO_SPREAD, is_constant
from sojourn.statistics.exact.permutation import ShiftInterval
from sojourn.statistics.exact.sign_flip import (
    MOST_SUBJECTS,
    invert_sign_flip_test,
    sign_flip_test,
)


class Settings(BaseModel):
    """What is tested against a mean of 0.

    `unit` of AVAL, as shown. `level` asked of the interval; the estimate states the level attained.
    `from_base`: AVAL minus BASE is analysed, not AVAL; who has no BASE is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)
    from_base: bool = False


def estimate_mean_changes(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the mean of each group, with the exact p-value of symmetry about 0.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: AVAL is the change, unless `from_base`. A
        null is left out and counted.
    settings
        unit, level, which change.

    Returns
    -------
        one estimate for each group, whose level is the one attained; None where nobody could be
        evaluated; unbounded and without a p-value, saying so, where the patterns of signs are too
        many to enumerate: none is drawn. Unbounded where several values are all equal.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group.

    References
    ----------
    Fisher, The design of experiments, 1935, section 21; Hartigan, J. Am. Stat. Assoc. 64 (1969)
    1303.
    """
    if settings.from_base:
        outcomes = outcomes.with_columns(AVAL=pl.col("AVAL") - pl.col("BASE"))
    return [_estimate(group, settings) for group in split_groups(outcomes, "AVAL")]


def _estimate(group: Group, settings: Settings) -> GroupEstimate:
    label = "mean change from baseline" if settings.from_base else "mean"
    values = group.rows["AVAL"].to_list()
    n = len(values)
    if n == 0:
        return GroupEstimate(group.name, "mean", label, None, 0, reason=group.nothing)
    value = math.fsum(values) / n
    if n > MOST_SUBJECTS:
        p_value, interval = None, ShiftInterval(-math.inf, math.inf, 1.0)
        notes = [f"no exact test: 2^{n} patterns of signs, more than 2^{MOST_SUBJECTS}"]
    else:
        test = sign_flip_test(values)
        p_value, interval = test.p_two_sided, invert_sign_flip_test(values, level=settings.level)
        notes = [
            f"all {test.n_patterns} patterns of signs",
            f"one-sided p: greater {test.p_greater:.6g}, less {test.p_less:.6g}",
        ]
    level, note = stated_level(interval.attained_level, settings.level)
    if n > 1 and is_constant(values):
        interval, level, note = (
            ShiftInterval(-math.inf, math.inf, 1.0),
            settings.level,
            (NO_SPREAD,),
        )
    estimate = Estimate(
        value=value,
        unit=settings.unit,
        lower=min(interval.lower, value),
        upper=max(interval.upper, value),
        level=level,
        method="exact sign-flip test of the mean, inverted",
        n=n,
        notes=(*notes, *note, *group.missing_note),
    )
    return GroupEstimate(group.name, "mean", label, estimate, n, p_value)


ANALYSIS = Analysis(
    label="Mean against 0, exact sign-flip test and interval",
    settings=Settings,
    estimate=estimate_mean_changes,
)
