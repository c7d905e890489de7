"""How much worse missing values must have been for a difference of arms to be lost."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

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
from sojourn.statistics.missing.rubin import Pooled
from sojourn.statistics.missing.tipping import TippingDelta, find_tipping_delta


class Settings(BaseModel):
    """Which shifts are tried.

    `visit`: where arms are compared; the last where none is named. `visits`: those of the model, in
    order; all by their days where empty. `deltas`: the shifts shown, in the unit of AVAL, added to
    imputed values of the group `shifted` (the first of `groups` where none is named). `farthest`:
    the size up to which the tipping point is searched, in the direction `direction` (1 or -1).
    `imputations`, `seed`; `burn_in` and `thin` steps. `groups`: which minus which. `unit`, `level`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visit: str | None = None
    visits: tuple[str, ...] = ()
    deltas: tuple[float, ...] = (0.0,)
    shifted: str | None = None
    farthest: float = Field(default=100.0, gt=0, allow_inf_nan=False)
    direction: Literal[-1, 1] = 1
    imputations: int = Field(default=100, ge=2, le=10_000)
    seed: int = Field(default=0, ge=0)
    burn_in: int = Field(default=200, ge=1)
    thin: int = Field(default=10, ge=1)
    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


METHOD = "multiple imputation (missing at random, shifted), analysis of covariance"


def estimate_delta_adjustment(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the difference of arms for each shift of imputed values, and the tipping points.

    The values are imputed once, as missing at random; every shift uses the same draws, so that the
    table has no noise of its own from row to row.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT; BASE the baseline.
    settings
        visits, shifts, number of imputations, seed, groups, unit, level.

    Returns
    -------
        "difference_delta_D" for each shift with its p value; then "delta_that_loses_significance"
        and "delta_that_loses_the_sign", whose reasons say so where no shift does.

    Raises
    ------
    DataError
        if a subject has a visit twice or two baselines, or there are more than two groups and none
        are named.

    References
    ----------
    Yan, Lee and Li, J. Biopharm. Stat. 19 (2009) 1085. Ratitch et al., Pharm. Stat. 12 (2013) 337.
    """
    if not outcomes.height:
        return []
    wide = wide_rows(outcomes, visits=settings.visits, groups=settings.groups or ())
    pair = choose_pair(wide.groups, settings.groups)
    if pair is None:
        return [_nothing("difference", "difference", wide, "fewer than two groups to compare")]
    name = "-".join(pair)
    shifted = settings.shifted or pair[0]
    try:
        effect = _Effect(wide, settings, pair, shifted)
    except DataError as error:
        return [_nothing(name, "difference", wide, str(error))]
    label = f"adjusted mean of {pair[0]} minus {pair[1]}, imputed values of {shifted} shifted"
    made = [_row(effect, name, label, delta, settings) for delta in settings.deltas]
    found = find_tipping_delta(
        effect,
        direction=settings.direction,
        farthest=settings.farthest,
        level=settings.level,
    )
    for what, one in zip(("significance", "the sign"), found, strict=True):
        made.append(_tipping(effect, name, what, one, settings))
    return made


class _Effect:
    """The pooled difference as a function of the shift."""

    def __init__(self, wide: Wide, settings: Settings, pair: tuple[str, str], shifted: str) -> None:
        if shifted not in wide.groups:
            raise DataError(f"group {shifted!r} is not there; found {', '.join(wide.groups)}")
        if np.isnan(wide.values).all():
            raise DataError(f"nobody could be evaluated ({len(wide.base)} left out)")
        if settings.visit is not None and settings.visit not in wide.visits:
            raise DataError(f"nobody has a value at {settings.visit}")
        visit = wide.visits.index(settings.visit) if settings.visit else len(wide.visits) - 1
        plan = Plan(
            "missing_at_random", None, settings.imputations, settings.burn_in, settings.thin
        )
        rng = named_generator(settings.seed, "multiple imputation", plan.assumption)
        self.wide = wide
        self.completed: Completed = complete_visit(wide, visit, plan, rng=rng)
        places = [wide.groups.index(name) for name in pair]
        self.weights: Floats = np.zeros(self.completed.design.shape[1])
        self.weights[places] = 1, -1
        in_arm = np.array([arm == shifted for arm in wide.arms])
        self.moved = self.completed.was_missing & in_arm
        self(0.0)

    def __call__(self, delta: float) -> Pooled:
        """Return the pooled difference with `delta` added to what was imputed."""
        copies = self.completed.copies - self.wide.base + delta * self.moved
        return pooled_effect(copies, self.completed.design, self.weights)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many values the shift moves."""
        moved, gone = int(self.moved.sum()), int(self.completed.was_missing.sum())
        return (f"{moved} values shifted of {gone} imputed", *self.wide.notes)


def _row(effect: _Effect, name: str, label: str, delta: float, settings: Settings) -> GroupEstimate:
    pooled = effect(delta)
    lower, upper = pooled.interval(settings.level)
    n = len(effect.wide.base)
    estimate = Estimate(
        value=pooled.value,
        unit=settings.unit,
        lower=lower,
        upper=upper,
        level=settings.level,
        method=METHOD,
        n=n,
        components={"standard error": pooled.standard_error},
        notes=(f"{pooled.degrees:.4g} degrees of freedom (Barnard-Rubin)", *effect.notes),
    )
    return GroupEstimate(name, f"difference_delta_{delta:g}", label, estimate, n, pooled.p_value)


def _tipping(
    effect: _Effect, name: str, what: str, found: TippingDelta, settings: Settings
) -> GroupEstimate:
    operation, n = f"delta_that_loses_{what.replace(' ', '_')}", len(effect.wide.base)
    label = f"least shift of imputed values that loses {what} of the difference"
    if found.delta is None or (found.delta == 0 and what == "significance"):
        reason = f"no shift up to {found.searched:g} loses {what}"
        if found.delta == 0:
            reason = "the difference is not significant without any shift"
        return GroupEstimate(name, operation, label, None, n, reason=reason)
    estimate = Estimate(
        value=found.delta,
        unit=settings.unit,
        lower=found.delta,
        upper=found.delta,
        level=settings.level,
        method="search of the shift, the same draws throughout",
        n=n,
        notes=effect.notes,
    )
    return GroupEstimate(name, operation, label, estimate, n)


def _nothing(group: str, operation: str, wide: Wide, reason: str) -> GroupEstimate:
    n, said = len(wide.base), "; ".join((reason, *wide.notes, f"{len(wide.base)} with a baseline"))
    return GroupEstimate(group, operation, "difference of arms", None, n, reason=said)


ANALYSIS = Analysis(
    label="Delta-adjusted imputation with tipping points",
    settings=Settings,
    estimate=estimate_delta_adjustment,
    imputes=True,
)
