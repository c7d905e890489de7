"""Complete the visits of every subject under an assumption, and compare the arms in each copy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError
from sojourn.statistics._spread import NO_SPREAD_ABOUT, ROUNDING
from sojourn.statistics._visits import VisitRows, check_rows, visit_rows
from sojourn.statistics.missing.multivariate_normal import complete, draw_parameters
from sojourn.statistics.missing.reference import Assumption, assumed_means, last_observed
from sojourn.statistics.missing.rubin import Pooled, pool

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """One row for each subject: `values` (n, m) with NaN, baseline (n), arm, by subject's name."""

    values: Floats
    base: Floats
    arms: tuple[str, ...]
    visits: tuple[str, ...]
    groups: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def in_arm(self) -> Floats:
        """Return ones (n, arms) at each subject's arm."""
        names = np.array(self.arms, dtype=object)
        return np.column_stack([(names == group).astype(np.float64) for group in self.groups])


def wide_rows(outcomes: pl.DataFrame, *, visits: Sequence[str], groups: Sequence[str]) -> Wide:
    """Return every subject with a baseline, also those without any visit.

    Raises
    ------
    DataError
        as `visit_rows`.
    """
    check_rows(outcomes)
    long: VisitRows = visit_rows(outcomes, visits=visits, groups=groups)
    kept = outcomes.filter(pl.col(GROUP).is_in(list(groups))) if groups else outcomes
    if kept.group_by("USUBJID").agg(pl.col("BASE").drop_nulls().n_unique())["BASE"].max() == 2:
        raise DataError("a subject has two baselines; expected one BASE in all its rows")
    each = kept.group_by("USUBJID").agg(pl.col(GROUP).first(), pl.col("BASE").drop_nulls().first())
    known = each.drop_nulls("BASE").sort("USUBJID")
    place = {subject: i for i, subject in enumerate(known["USUBJID"].to_list())}
    values = np.full((known.height, len(long.visits)), np.nan)
    for subject, visit, value in long.rows.select("USUBJID", "VISIT", "AVAL").iter_rows():
        if subject in place:
            values[place[subject], visit] = value
    notes = []
    if lost := each.height - known.height:
        notes.append(f"{lost} of {each.height} subjects without a baseline, left out")
    return Wide(
        values,
        known["BASE"].to_numpy().astype(np.float64),
        tuple(known[GROUP].to_list()),
        long.visits,
        tuple(known[GROUP].unique().sort().to_list()),
        tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is assumed, and how often and how it is drawn; `reference` is an arm's name."""

    assumption: Assumption
    reference: str | None
    imputations: int
    burn_in: int
    thin: int


@dataclass(frozen=True, slots=True, eq=False)
class Completed:
    """Copies (k, n) of one visit's values without gaps; `was_missing` (n); `design` (n, p).

    The first columns of the design are the arms' means at the average baseline.
    """

    copies: Floats
    was_missing: NDArray[np.bool_]
    design: Floats


def complete_visit(wide: Wide, visit: int, plan: Plan, *, rng: np.random.Generator) -> Completed:
    """Return the values at `visit` completed `plan.imputations` times.

    Parameters are drawn for arms with one covariance; subjects of the reference arm are completed
    as missing at random.

    Raises
    ------
    DataError
        if the reference arm is not there, or as `draw_parameters`.
    """
    if plan.assumption != "missing_at_random" and plan.reference not in wide.groups:
        raise DataError(f"reference {plan.reference!r} is no arm; found {', '.join(wide.groups)}")
    design = np.column_stack([wide.in_arm, wide.base - wide.base.mean()])
    if len(wide.base) and np.ptp(wide.base) == 0:
        design = wide.in_arm
    was_missing = np.isnan(wide.values[:, visit])
    if not was_missing.any():
        return Completed(np.tile(wide.values[:, visit], (2, 1)), was_missing, design)
    moved = design.copy()
    if plan.reference is not None:
        moved[:, : len(wide.groups)] = np.array(wide.groups) == plan.reference
    last = last_observed(wide.values)
    drawn = draw_parameters(
        wide.values,
        design,
        draws=plan.imputations,
        rng=rng,
        burn_in=plan.burn_in,
        thin=plan.thin,
    )
    copies = []
    for one in drawn:
        own, other = design @ one.coefficients, moved @ one.coefficients
        means = assumed_means(own, other, last, assumption=plan.assumption)
        copies.append(complete(wide.values, means, one.covariance, rng=rng)[:, visit])
    return Completed(np.array(copies), was_missing, design)


def pooled_effect(copies: Floats, design: Floats, weights: Floats) -> Pooled:
    """Return `weights` of the least-squares coefficients of each copy, pooled.

    Raises
    ------
    DataError
        if the design has not full rank, no degree of freedom is left, or the values show no spread.
    """
    n, p = design.shape
    if n <= p or np.linalg.matrix_rank(design) < p:
        raise DataError(f"{n} subjects for {p} fixed effects that must be told apart")
    basis, upper = np.linalg.qr(design)
    row = np.linalg.solve(upper.T, weights)
    fitted = copies @ basis
    squares = np.sum((copies - fitted @ basis.T) ** 2, axis=1)
    if np.all(np.sqrt(squares / (n - p)) <= ROUNDING * np.abs(copies).max(axis=1)):
        raise DataError(NO_SPREAD_ABOUT)
    variances = squares / (n - p) * float(row @ row)
    made = pool(fitted @ row, variances, complete_degrees=n - p)
    # Nothing imputed is a complete analysis, whose degrees of freedom are exact.
    return replace(made, degrees=float(n - p)) if made.between == 0 else made
