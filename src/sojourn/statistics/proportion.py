"""A proportion with its interval, exact unless another is asked for."""

from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import split_groups
from sojourn.statistics.exact.binomial_intervals import (
    agresti_coull,
    agresti_coull_clipped,
    clopper_pearson,
    jeffreys,
    mid_p,
    wilson,
    wilson_corrected,
)
from sojourn.statistics.exact.blaker import blaker
from sojourn.statistics.exact.checks import extended_note

Interval = Literal[
    "clopper_pearson",
    "wilson",
    "wilson_corrected",
    "mid_p",
    "blaker",
    "jeffreys",
    "agresti_coull",
    "agresti_coull_clipped",
]
INTERVALS: Mapping[str, tuple[Callable[..., tuple[float, float]], str]] = {
    "clopper_pearson": (clopper_pearson, "exact binomial (Clopper-Pearson)"),
    "wilson": (wilson, "score (Wilson), approximate"),
    "wilson_corrected": (wilson_corrected, "score with continuity correction, approximate"),
    "mid_p": (mid_p, "mid-p binomial, level not guaranteed"),
    "blaker": (blaker, "exact binomial (Blaker)"),
    "jeffreys": (jeffreys, "Jeffreys, approximate"),
    "agresti_coull": (agresti_coull, "Agresti-Coull, approximate"),
    "agresti_coull_clipped": (agresti_coull_clipped, "Agresti-Coull cut at 0 and 1, approximate"),
}
"""Each interval by its name in the settings: function, and method as reported."""


class Settings(BaseModel):
    """`success`: the values of AVALC that count; `level` of the interval; `interval`: which one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    level: float = Field(default=0.95, gt=0, lt=1)
    interval: Interval = "clopper_pearson"


def estimate_proportions(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the proportion of each group whose AVALC is a success.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVALC is not in the denominator.
    settings
        what counts, level.

    Returns
    -------
        one estimate for each group, unit 1; None where nobody could be evaluated.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group.
    """
    estimates = []
    label = f"proportion with {' or '.join(settings.success)}"
    for group in split_groups(outcomes, "AVALC"):
        n = group.rows.height
        if n == 0:
            made = GroupEstimate(group.name, "proportion", label, None, 0, reason=group.nothing)
            estimates.append(made)
            continue
        successes = int(group.rows["AVALC"].is_in(settings.success).sum())
        bounds, method = INTERVALS[settings.interval]
        value = successes / n
        lower, upper = bounds(successes, n, level=settings.level)
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
                *extended_note(lower, value, upper),
                *group.missing_note,
            ),
        )
        estimates.append(GroupEstimate(group.name, "proportion", label, estimate, n))
    return estimates


ANALYSIS = Analysis(
    label="Proportion with exact interval", settings=Settings, estimate=estimate_proportions
)
