"""Difference of two means: Welch's interval, and the exact permutation test beside it."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import student_quantile
from sojourn.statistics._pairs import Pair, compare_pair
from sojourn.statistics._spread import NO_SPREAD_WITHIN, is_constant, standard_error
from sojourn.statistics.exact.permutation import MOST_SPLITS, permutation_test


class Settings(BaseModel):
    """How two groups are compared.

    `groups`: which of them minus which; the first two by name where none are given. `unit` of AVAL,
    as shown. `level` of the interval. `max_splits`: the permutation test is computed if there are
    not more splits; it is never sampled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)
    max_splits: int = Field(default=200_000, ge=1, le=MOST_SPLITS)


def estimate_mean_difference(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the difference of the mean AVAL of two groups, with interval and exact p-value.

    The p-value is two-sided, from all splits of the pooled values into groups of the same sizes. It
    is exact for ten subjects, where no interval's assumptions can be checked.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVAL is left out and counted.
    settings
        groups, unit, level, largest number of splits.

    Returns
    -------
        one estimate, group ``A-B``; None where a group is empty, unbounded where one has a single
        value or the values of each are equal; an empty list where there is no subject at all.

    Raises
    ------
    DataError
        if there are more than two groups and none is named, or a named one is not there.

    References
    ----------
    Welch, Biometrika 34 (1947) 28. Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119.
    """
    label = "mean of {first} minus {second}"

    def estimate(pair: Pair, label: str) -> GroupEstimate:
        return _difference(pair, label, settings)

    return compare_pair(outcomes, "AVAL", settings.groups, "difference", label, estimate)


def _difference(pair: Pair, label: str, settings: Settings) -> GroupEstimate:
    x, y = pair.values()
    p_value, note = permutation_p_value(x, y, max_splits=settings.max_splits)
    notes = (note, *pair.missing_notes)
    lower, upper, error = welch_interval(x, y, level=settings.level)
    if error is None:
        is_single = min(len(x), len(y)) == 1
        why = "a group has one value: no spread known" if is_single else NO_SPREAD_WITHIN
        notes = (why, *notes)
    estimate = Estimate(
        value=_mean(x) - _mean(y),
        unit=settings.unit,
        lower=lower,
        upper=upper,
        level=settings.level,
        method="Welch interval",
        n=pair.n,
        components={} if error is None else {"standard error": error},
        notes=notes,
    )
    return GroupEstimate(pair.name, "difference", label, estimate, pair.n, p_value)


def welch_interval(
    x: list[float], y: list[float], *, level: float = 0.95
) -> tuple[float, float, float | None]:
    """Return bounds and standard error of mean(x) - mean(y), variances not taken as equal.

    Unbounded, with None for the standard error, where a group has one value, or the values of each
    are equal up to rounding.

    Examples
    --------
    >>> lower, upper, error = welch_interval([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    >>> round(lower, 4), round(upper, 4), round(error, 4)
    (-2.267, 2.267, 0.8165)
    """
    if len(x) < 2 or len(y) < 2 or is_constant(x, y):
        return -math.inf, math.inf, None
    difference = _mean(x) - _mean(y)
    parts = [(standard_error(v) ** 2, len(v) - 1) for v in (x, y)]
    variance = sum(part for part, _ in parts)
    degrees = variance**2 / sum(part**2 / freedom for part, freedom in parts)
    half = student_quantile((1 + level) / 2, degrees) * math.sqrt(variance)
    return difference - half, difference + half, math.sqrt(variance)


def permutation_p_value(
    x: list[float], y: list[float], *, max_splits: int
) -> tuple[float | None, str]:
    """Return the exact two-sided p-value of the difference of means, and what it rests on.

    Every split of the pooled values counts whose absolute difference is at least the observed one,
    up to rounding (1e-12 of the largest value). None where there are more than `max_splits`.

    Examples
    --------
    >>> permutation_p_value([3.0, 4.0], [1.0, 2.0], max_splits=100)
    (0.3333333333333333, 'exact permutation test over all 6 splits')
    """
    n_splits = math.comb(len(x) + len(y), len(x))
    if n_splits > max_splits:
        shown = str(n_splits) if n_splits < 10**15 else f"about 1e{math.log10(n_splits):.0f}"
        return None, f"no permutation test: {shown} splits, more than {max_splits}"
    p_value = permutation_test(x, y).p_two_sided
    return p_value, f"exact permutation test over all {n_splits} splits"


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


ANALYSIS = Analysis(
    label="Difference of means, Welch interval and exact permutation test",
    settings=Settings,
    estimate=estimate_mean_difference,
)
