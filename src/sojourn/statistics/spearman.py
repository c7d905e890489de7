"""Spearman's correlation of the outcome with a covariate: exact p-value, named interval."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import split_groups
from sojourn.statistics.exact.correlation import bonett_wright, fieller, fisher_z
from sojourn.statistics.exact.spearman import spearman_rho, spearman_test

INTERVALS = {
    "bonett_wright": (bonett_wright, "Bonett-Wright"),
    "fieller": (fieller, "Fieller"),
    "fisher_z": (fisher_z, "Fisher z"),
}
FEWEST = 3


class Settings(BaseModel):
    """What the outcome is correlated with.

    `covariates`: names of columns of numbers beside the outcome's own (BASE is one); one estimate
    each. `level` of the interval; `interval`: bonett_wright, fieller or fisher_z, all approximate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    covariates: tuple[str, ...] = Field(min_length=1)
    level: float = Field(default=0.95, gt=0, lt=1)
    interval: Literal["bonett_wright", "fieller", "fisher_z"] = "bonett_wright"


def estimate_correlations(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return Spearman's rho of AVAL and each covariate, by group.

    Parameters
    ----------
    outcomes
        `OUTCOME`, GROUP and the covariates, one row for each subject; a pair with a null is left
        out and counted.
    settings
        covariates, level, which interval.

    Returns
    -------
        one estimate for each group and covariate; None for fewer than 3 pairs or where one side
        does not vary. No p-value, saying so, where the exact law is too large: no approximation
        takes its place.

    Raises
    ------
    DataError
        if a covariate is no column of numbers, or the rows are not one for each subject.

    References
    ----------
    Bonett and Wright, Psychometrika 65 (2000) 23; Kendall, Kendall and Smith, Biometrika 30 (1939)
    251.
    """
    made = []
    for name in settings.covariates:
        if name not in outcomes.columns or not outcomes.schema[name].is_numeric():
            numbers = [c for c, kind in outcomes.schema.items() if kind.is_numeric()]
            raise DataError(
                f"covariate {name!r} is no column of numbers; columns of numbers: "
                f"{', '.join(numbers)}"
            )
        either = pl.when(pl.col(name).is_not_null()).then(pl.col("AVAL"))
        for group in split_groups(outcomes.with_columns(AVAL=either), "AVAL"):
            y, x = group.rows["AVAL"].to_list(), group.rows[name].cast(pl.Float64).to_list()
            made.append(_correlate(group.name, name, x, y, group.missing_note, settings))
    return made


def _correlate(
    group: str,
    covariate: str,
    x: list[float],
    y: list[float],
    missing: tuple[str, ...],
    settings: Settings,
) -> GroupEstimate:
    operation, n = f"rho_with_{covariate}", len(x)
    label = f"Spearman correlation with {covariate}"
    if n < FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        why = f"{n} pairs, {FEWEST} are needed" if n < FEWEST else "one side does not vary"
        reason = "; ".join((f"no correlation: {why}", *missing))
        return GroupEstimate(group, operation, label, None, n, reason=reason)
    rho = spearman_rho(x, y)
    p_value, notes = _exact_p(x, y)
    bounds, name = INTERVALS[settings.interval]
    lower, upper = bounds(rho, n, level=settings.level)
    if (lower, upper) == (-1.0, 1.0):
        notes.append("no interval: fewer than 4 pairs, or perfect correlation")
    estimate = Estimate(
        value=rho,
        unit="1",
        lower=lower,
        upper=upper,
        level=settings.level,
        method=f"Spearman, exact p-value, {name} interval (approximate)",
        n=n,
        notes=(*notes, *missing),
    )
    return GroupEstimate(group, operation, label, estimate, n, p_value)


def _exact_p(x: list[float], y: list[float]) -> tuple[float | None, list[str]]:
    try:
        test = spearman_test(x, y)
    except DataError as error:
        return None, [f"no exact p-value: {error}"]
    one_sided = f"one-sided p: greater {test.p_greater:.6g}, less {test.p_less:.6g}"
    return test.p_two_sided, [one_sided, *(["ties: conditional on them"] if test.tied else [])]


ANALYSIS = Analysis(
    label="Spearman correlation with exact p-value",
    settings=Settings,
    estimate=estimate_correlations,
)
