"""A mean with its t interval."""

import math
from dataclasses import replace

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import student_quantile
from sojourn.statistics._groups import split_groups
from sojourn.statistics._spread import NO_SPREAD, is_constant, standard_error


class Settings(BaseModel):
    """`unit` of AVAL, as shown; `level` of the interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_means(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    r"""Return the mean AVAL of each group.

    .. math:: \bar x \pm t_{(1+\gamma)/2,\,n-1}\; s / \sqrt n

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVAL is left out and counted.
    settings
        unit, level.

    Returns
    -------
        one estimate for each group; None where nobody could be evaluated, unbounded for one value
        and where all are equal.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group.

    References
    ----------
    Student, Biometrika 6 (1908) 1.
    """
    estimates = []
    for group in split_groups(outcomes, "AVAL"):
        values = group.rows["AVAL"].to_list()
        if not values:
            made = GroupEstimate(group.name, "mean", "mean", None, 0, reason=group.nothing)
            estimates.append(made)
            continue
        estimate = estimate_mean(values, unit=settings.unit, level=settings.level)
        estimate = replace(estimate, notes=(*estimate.notes, *group.missing_note))
        estimates.append(GroupEstimate(group.name, "mean", "mean", estimate, len(values)))
    return estimates


def estimate_mean(values: list[float], *, unit: str = "1", level: float = 0.95) -> Estimate:
    """Return the mean of `values` (at least one) with its t interval.

    One value has no spread, nor have equal ones: the interval is unbounded.
    """
    n = len(values)
    mean = math.fsum(values) / n
    if is_constant(values):
        note = "one value: its spread is not known" if n == 1 else NO_SPREAD
        return Estimate(mean, unit, -math.inf, math.inf, level, "t interval", n, notes=(note,))
    error = standard_error(values)
    half = student_quantile((1 + level) / 2, n - 1) * error
    return Estimate(
        mean,
        unit,
        mean - half,
        mean + half,
        level,
        "t interval",
        n,
        components={"standard error": error},
        notes=(_spread(error * math.sqrt(n), unit),),
    )


def _spread(deviation: float, unit: str) -> str:
    """Return the standard deviation in words; that of shares in percentage points."""
    if unit == "share":
        return f"standard deviation {100 * deviation:.3g} percentage points"
    return f"standard deviation {deviation:.4g}{'' if unit == '1' else f' {unit}'}"


ANALYSIS = Analysis(label="Mean with t interval", settings=Settings, estimate=estimate_means)
