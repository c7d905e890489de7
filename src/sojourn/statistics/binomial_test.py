"""Exact test of a proportion against a fixed one."""

from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics.exact.binomial_intervals import clopper_pearson, mid_p
from sojourn.statistics.exact.binomial_tests import (
    p_central,
    p_greater,
    p_less,
    p_mid,
    p_mid_greater,
    p_mid_less,
    p_minlike,
)
from sojourn.statistics.exact.blaker import acceptability, blaker
from sojourn.statistics.exact.checks import extended_note

PValue = Callable[[int, int, float], float]
Bounds = Callable[..., tuple[float, float]]
TWO_SIDED: Mapping[str, tuple[PValue, Bounds, str]] = {
    "minlike": (p_minlike, clopper_pearson, "exact binomial test (no likelier counts)"),
    "central": (p_central, clopper_pearson, "exact binomial test (twice the smaller tail)"),
    "mid_p": (p_mid, mid_p, "mid-p binomial test"),
    "blaker": (acceptability, blaker, "exact binomial test (Blaker)"),
}
ONE_SIDED: Mapping[tuple[str, str], PValue] = {
    ("exact", "greater"): p_greater,
    ("exact", "less"): p_less,
    ("mid_p", "greater"): p_mid_greater,
    ("mid_p", "less"): p_mid_less,
}


class Settings(BaseModel):
    """A proportion and the one it is tested against.

    `p0`: the proportion tested, such as that of a historical control; it has no default. `success`:
    the values of AVALC that count. `alternative`: two_sided, greater or less. `test`: minlike (R's
    binom.test), central, mid_p, blaker; the interval is the one that belongs to it (for minlike
    Clopper and Pearson's, as in R). `level` of the interval, one-sided where the test is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    p0: float = Field(gt=0, lt=1)
    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    alternative: Literal["two_sided", "greater", "less"] = "two_sided"
    test: Literal["minlike", "central", "mid_p", "blaker"] = "minlike"
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_tests(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the proportion of each group, with the exact p-value of `p0`.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVALC is not in the denominator.
    settings
        the proportion tested, what counts, which test, level.

    Returns
    -------
        one estimate for each group, unit 1; None where nobody could be evaluated.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or a one-sided
        Blaker test is asked for.

    References
    ----------
    R `binom.test`; Blaker, Can. J. Stat. 28 (2000) 783.
    """
    if settings.test == "blaker" and settings.alternative != "two_sided":
        raise DataError("Blaker's test is two-sided; for one side choose minlike or mid_p")
    return [_estimate(group, settings) for group in split_groups(outcomes, "AVALC")]


def _estimate(group: Group, settings: Settings) -> GroupEstimate:
    n = group.rows.height
    label = f"proportion with {' or '.join(settings.success)} against {settings.p0:g}"
    if n == 0:
        return GroupEstimate(group.name, "proportion", label, None, 0, reason=group.nothing)
    successes = int(group.rows["AVALC"].is_in(settings.success).sum())
    p_value, (lower, upper), method = _infer(successes, n, settings)
    value = successes / n
    estimate = Estimate(
        value=value,
        unit="1",
        lower=min(lower, value),
        upper=max(upper, value),
        level=settings.level,
        method=method,
        n=n,
        notes=(
            f"{successes} of {n}",
            f"p-value of a proportion of {settings.p0:g}, {settings.alternative}",
            *extended_note(lower, value, upper),
            *group.missing_note,
        ),
    )
    return GroupEstimate(group.name, "proportion", label, estimate, n, p_value)


def _infer(successes: int, n: int, settings: Settings) -> tuple[float, tuple[float, float], str]:
    level, side = settings.level, settings.alternative
    p_of, bounds, method = TWO_SIDED[settings.test]
    if side == "two_sided":
        return p_of(successes, n, settings.p0), bounds(successes, n, level=level), method
    kind = "mid_p" if settings.test == "mid_p" else "exact"
    # a one-sided bound is that of the two-sided interval which leaves as much on each side
    tail = 1 - level
    lower, upper = (0.0, 1.0) if tail >= 0.5 else bounds(successes, n, level=1 - 2 * tail)
    one_sided = (lower, 1.0) if side == "greater" else (0.0, upper)
    name = "mid-p binomial test" if kind == "mid_p" else "exact binomial test"
    return ONE_SIDED[kind, side](successes, n, settings.p0), one_sided, f"{name}, one-sided"


ANALYSIS = Analysis(
    label="Proportion against a fixed one, exact", settings=Settings, estimate=estimate_tests
)
