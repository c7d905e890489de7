"""A proportion with its exact interval."""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._distributions import beta_quantile
from sojourn.statistics._groups import split_groups


class Settings(BaseModel):
    """`success`: the values of AVALC that count; `level` of the interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    level: float = Field(default=0.95, gt=0, lt=1)


def clopper_pearson(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (central, conservative) interval of a binomial proportion.

    Parameters
    ----------
    successes, n
        0 <= `successes` <= `n`, `n` >= 1.
    level
        coverage, at least.

    Returns
    -------
        lower and upper bound, within 0 to 1.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404.

    Examples
    --------
    >>> lower, upper = clopper_pearson(0, 10)
    >>> lower, round(upper, 6)
    (0.0, 0.308497)
    """
    if not 0 <= successes <= n or n < 1:
        raise DataError(f"{successes} successes of {n}: expected 0 <= successes <= n and n >= 1")
    tail = (1 - level) / 2
    lower = beta_quantile(tail, successes, n - successes + 1) if successes > 0 else 0.0
    upper = beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return lower, upper


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
        lower, upper = clopper_pearson(successes, n, level=settings.level)
        estimate = Estimate(
            value=successes / n,
            unit="1",
            lower=lower,
            upper=upper,
            level=settings.level,
            method="exact binomial (Clopper-Pearson)",
            n=n,
            notes=(f"{successes} of {n}", *group.missing_note),
        )
        estimates.append(GroupEstimate(group.name, "proportion", label, estimate, n))
    return estimates


ANALYSIS = Analysis(
    label="Proportion with exact interval", settings=Settings, estimate=estimate_proportions
)
