"""Arms compared at a visit after multiple imputation, at random or by reference to an arm."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.random import named_generator
from sojourn.statistics._contrasts import Floats, choose_pair
from sojourn.statistics._imputed import (
    Completed,
    Plan,
    Wide,
    complete_visit,
    pooled_effect,
    wide_rows,
)


class Settings(BaseModel):
    """What is assumed of missing visits.

    `visit`: where arms are compared; the last where none is named. `visits`: those of the model, in
    order; all by their days where empty. `assumption`: at random, or by reference to the arm
    `reference`. `response`: "value" is AVAL as it stands (which may be a change already), "change"
    is AVAL - BASE; it must be named. `imputations`, `seed`; `burn_in` and `thin`: steps of the data
    augmentation. `groups`: which minus which. `unit`, `level`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visit: str | None = None
    visits: tuple[str, ...] = ()
    assumption: Literal[
        "missing_at_random", "jump_to_reference", "copy_increments", "copy_reference"
    ] = "missing_at_random"
    reference: str | None = None
    response: Literal["change", "value"]
    imputations: int = Field(default=100, ge=2, le=10_000)
    seed: int = Field(default=0, ge=0)
    burn_in: int = Field(default=200, ge=1)
    thin: int = Field(default=10, ge=1)
    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)

    @model_validator(mode="after")
    def _names_a_reference(self) -> "Settings":
        if self.assumption != "missing_at_random" and self.reference is None:
            raise ValueError(f"{self.assumption} needs the arm `reference`")
        return self


WORDS = {
    "missing_at_random": "missing at random",
    "jump_to_reference": "jump to reference",
    "copy_increments": "copy increments in reference",
    "copy_reference": "copy reference",
}


def estimate_multiple_imputation(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's adjusted mean at a visit and their difference, after imputation.

    Visits are imputed by a multivariate normal model of all visits on arm and baseline, with one
    covariance for all arms; each completed copy is analysed by an analysis of covariance, and the
    results are pooled. Subjects with a baseline but no visit are imputed too.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT; BASE the baseline.
    settings
        visits, assumption, number of imputations, seed, groups, unit, level.

    Returns
    -------
        one mean for each group, then the difference ``A-B`` with its p value; an estimate that is
        None says why.

    Raises
    ------
    DataError
        if a subject has a visit twice or two baselines, or there are more than two groups and none
        are named.

    References
    ----------
    Rubin, Multiple Imputation for Nonresponse in Surveys, Wiley 1987. Carpenter, Roger and Kenward,
    J. Biopharm. Stat. 23 (2013) 1352. Barnard and Rubin, Biometrika 86 (1999) 948.
    """
    wide = wide_rows(outcomes, visits=settings.visits, groups=settings.groups or ())
    if not outcomes.height:
        return []
    completed = _complete(wide, settings)
    unit = np.eye(len(wide.groups) + 1)
    made = []
    for i, group in enumerate(wide.groups):
        label = f"adjusted mean {settings.response}, missing values imputed"
        made.append(_estimate(wide, completed, settings, group, "adjusted_mean", label, unit[i]))
    if (pair := choose_pair(wide.groups, settings.groups)) is not None:
        first, second = (wide.groups.index(name) for name in pair)
        label = f"adjusted mean of {pair[0]} minus {pair[1]}, missing values imputed"
        weights = unit[first] - unit[second]
        name = "-".join(pair)
        made.append(_estimate(wide, completed, settings, name, "difference", label, weights))
    if not made:
        reason = f"nobody has a baseline: {'; '.join(wide.notes)}"
        made.append(GroupEstimate("difference", "difference", "", None, 0, reason=reason))
    return made


def _complete(wide: Wide, settings: Settings) -> Completed | str:
    """Return the completed visit, or why there is none."""
    if not wide.visits or np.isnan(wide.values).all():
        return f"nobody could be evaluated ({len(wide.base)} left out)"
    if settings.visit is not None and settings.visit not in wide.visits:
        return f"nobody has a value at {settings.visit}"
    visit = wide.visits.index(settings.visit) if settings.visit else len(wide.visits) - 1
    plan = Plan(
        settings.assumption,
        settings.reference,
        settings.imputations,
        settings.burn_in,
        settings.thin,
    )
    rng = named_generator(settings.seed, "multiple imputation", settings.assumption)
    try:
        return complete_visit(wide, visit, plan, rng=rng)
    except DataError as error:
        return str(error)


def _estimate(
    wide: Wide,
    completed: Completed | str,
    settings: Settings,
    group: str,
    operation: str,
    label: str,
    weights: Floats,
) -> GroupEstimate:
    arm = [name == group or operation == "difference" for name in wide.arms]
    n = sum(arm)
    if isinstance(completed, str):
        return GroupEstimate(group, operation, label, None, n, reason=completed)
    copies = completed.copies
    if settings.response == "change":
        copies = copies - wide.base
    try:
        pooled = pooled_effect(copies, completed.design, weights[: completed.design.shape[1]])
    except DataError as error:
        return GroupEstimate(group, operation, label, None, n, reason=str(error))
    lower, upper = pooled.interval(settings.level)
    gone = int((completed.was_missing & np.array(arm)).sum())
    estimate = Estimate(
        value=pooled.value,
        unit=settings.unit,
        lower=lower,
        upper=upper,
        level=settings.level,
        method=f"multiple imputation ({WORDS[settings.assumption]}), analysis of covariance",
        n=n,
        components={"standard error": pooled.standard_error},
        notes=(
            f"{gone} of {n} values imputed, {settings.imputations} times, seed {settings.seed}",
            f"{pooled.degrees:.4g} degrees of freedom (Barnard-Rubin), "
            f"{pooled.fraction_missing:.0%} of the variance from what is missing",
            *wide.notes,
        ),
    )
    p_value = pooled.p_value if operation == "difference" else None
    return GroupEstimate(group, operation, label, estimate, n, p_value)


ANALYSIS = Analysis(
    label="Multiple imputation, at random or reference-based",
    settings=Settings,
    estimate=estimate_multiple_imputation,
    imputes=True,
)
