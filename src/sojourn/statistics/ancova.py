"""Analysis of covariance: arms compared at one visit, adjusted for the baseline."""

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._contrasts import (
    CellMeans,
    cell_means,
    choose_pair,
    contrast_estimate,
    unbounded_estimate,
)
from sojourn.statistics._spread import NO_SPREAD_ABOUT
from sojourn.statistics._visits import VisitRows, check_rows, visit_rows
from sojourn.statistics.mixed.least_squares import LeastSquares, fit_least_squares


class Settings(BaseModel):
    """How arms are compared at a visit.

    `visit`: the AVISIT; may be left out where rows have one visit. `response` must be named, since
    an outcome may hold a change already: "value" is AVAL as it stands, "change" is AVAL - BASE; the
    difference of arms is the same in both where `adjust_for_base`. `covariates`: further columns of
    numbers. `groups`: which minus which. `unit`, `level`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visit: str | None = None
    response: Literal["change", "value"]
    adjust_for_base: bool = True
    covariates: tuple[str, ...] = ()
    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


METHOD = "analysis of covariance (least squares)"


def estimate_ancova(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    r"""Return adjusted means of each group and their difference at one visit.

    .. math:: y_i = \mu_{g(i)} + \beta (b_i - \bar b) + \gamma' (c_i - \bar c) + e_i

    Groups share the slope and the residual variance. Complete cases at the visit.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT; BASE the baseline.
    settings
        visit, response, covariates, groups, unit, level.

    Returns
    -------
        one adjusted mean for each group, then the difference ``A-B`` with its p value; an estimate
        that is None says why.

    Raises
    ------
    DataError
        if rows have several visits and none is named, a covariate is no column, or there are more
        than two groups and none are named.

    References
    ----------
    Vickers and Altman, BMJ 323 (2001) 1123. EMA/CHMP/295050/2013 (adjustment for baseline).
    """
    check_rows(outcomes)
    visit = _one_visit(outcomes, settings.visit)
    if not outcomes.height:
        return []
    uses_base = settings.adjust_for_base or settings.response == "change"
    rows = visit_rows(
        outcomes,
        visits=visit,
        groups=settings.groups or (),
        needed=[*(["BASE"] if uses_base else []), *settings.covariates],
    )
    base = ["BASE"] if settings.adjust_for_base else []
    design = cell_means(rows, common=[*base, *settings.covariates])
    values = rows.column("AVAL")
    if settings.response == "change":
        values = values - rows.column("BASE")
    fit = _fit(values, design, rows)
    made = [_mean(fit, design, rows, group, settings) for group in rows.groups]
    return [*made, _difference(fit, design, rows, settings)]


def _one_visit(outcomes: pl.DataFrame, named: str | None) -> tuple[str, ...]:
    if named is not None:
        return (named,)
    if (known := outcomes["AVISIT"].unique().sort().to_list())[1:]:
        names = ", ".join(map(str, known))
        raise DataError(f"an analysis of covariance is at one visit; found {names}; name one")
    return ()


def _fit(values: NDArray[np.float64], design: CellMeans, rows: VisitRows) -> LeastSquares | str:
    if not len(values):
        return rows.nothing
    try:
        return fit_least_squares(values, design.columns)
    except DataError as error:
        return str(error)


def _mean(
    fit: LeastSquares | str, design: CellMeans, rows: VisitRows, group: str, settings: Settings
) -> GroupEstimate:
    weights = design.mean(group, 0)
    n = int((rows.rows["GROUP"] == group).sum())
    label = f"adjusted mean {settings.response}"
    if isinstance(fit, str) or weights is None:
        reason = fit if isinstance(fit, str) else "nobody could be evaluated"
        return GroupEstimate(group, "adjusted_mean", label, None, n, reason=reason)
    estimate, _ = _estimate(fit, weights, rows, settings)
    return GroupEstimate(group, "adjusted_mean", label, estimate, n)


def _difference(
    fit: LeastSquares | str, design: CellMeans, rows: VisitRows, settings: Settings
) -> GroupEstimate:
    pair = choose_pair(rows.groups, settings.groups)
    if pair is None:
        only = ", ".join(rows.groups)
        reason = f"one group only: nobody to compare {only} with" if only else "nobody to compare"
        return GroupEstimate("difference", "difference", "difference", None, rows.n, reason=reason)
    name, label = "-".join(pair), f"adjusted mean of {pair[0]} minus {pair[1]}"
    weights = design.difference(*pair, 0)
    if isinstance(fit, str) or weights is None:
        reason = fit if isinstance(fit, str) else "a group is empty"
        return GroupEstimate(name, "difference", label, None, rows.n, reason=reason)
    estimate, p_value = _estimate(fit, weights, rows, settings)
    return GroupEstimate(name, "difference", label, estimate, rows.n, p_value)


def _estimate(
    fit: LeastSquares, weights: NDArray[np.float64], rows: VisitRows, settings: Settings
) -> tuple[Estimate, float | None]:
    unit, level, notes = settings.unit, settings.level, rows.notes
    made = fit.contrast(weights)
    if made is None:
        value = float(weights @ fit.coefficients)
        why = NO_SPREAD_ABOUT if fit.degrees else "no degree of freedom is left: no spread known"
        return unbounded_estimate(
            value, unit=unit, level=level, method=METHOD, n=rows.n, notes=(why, *notes)
        ), None
    estimate = contrast_estimate(made, unit=unit, level=level, method=METHOD, n=rows.n, notes=notes)
    return estimate, made.p_value


ANALYSIS = Analysis(
    label="Analysis of covariance at one visit", settings=Settings, estimate=estimate_ancova
)
