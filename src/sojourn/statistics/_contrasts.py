"""From rows of visits to the design of group means, and from contrasts to estimates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._visits import VisitRows
from sojourn.statistics.mixed.inference import Contrast

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CellMeans:
    """A design (N, p) whose first columns are the means of (group, visit) at average covariates."""

    columns: Floats
    cells: Mapping[tuple[str, int], int]

    def mean(self, group: str, visit: int) -> Floats | None:
        """Return the weights of a cell's mean, None where nobody is in the cell."""
        if (group, visit) not in self.cells:
            return None
        weights = np.zeros(self.columns.shape[1])
        weights[self.cells[group, visit]] = 1
        return weights

    def difference(self, first: str, second: str, visit: int) -> Floats | None:
        """Return the weights of first minus second at a visit, None where a cell is empty."""
        one, other = self.mean(first, visit), self.mean(second, visit)
        return None if one is None or other is None else one - other


def cell_means(
    rows: VisitRows, *, by_visit: Sequence[str] = (), common: Sequence[str] = ()
) -> CellMeans:
    """Return the design of one mean for each group and visit, adjusted for covariates.

    Covariates are centered at their mean over subjects, so that a cell's coefficient is its
    adjusted mean. `by_visit` have a slope at each visit, `common` one for all.
    """
    groups = rows.rows[GROUP].to_numpy()
    visits = rows.rows["VISIT"].to_numpy()
    cells: dict[tuple[str, int], int] = {}
    columns: list[Floats] = []
    for visit in range(len(rows.visits)):
        for group in rows.groups:
            inside = (groups == group) & (visits == visit)
            if inside.any():
                cells[group, visit] = len(columns)
                columns.append(inside.astype(np.float64))
    for name in by_visit:
        away = centered(rows, name)
        made = [visit for visit in range(len(rows.visits)) if (visits == visit).any()]
        columns += [np.where(visits == visit, away, 0.0) for visit in made]
    columns += [centered(rows, name) for name in common]
    size = rows.rows.height
    return CellMeans(np.column_stack(columns) if columns else np.zeros((size, 0)), cells)


def centered(rows: VisitRows, name: str) -> Floats:
    """Return a covariate minus its mean over subjects, each counted once."""
    each = rows.rows.group_by("USUBJID", maintain_order=True).agg(
        pl.col(name).cast(pl.Float64).mean()
    )
    mean = math.fsum(each[name].to_list()) / max(each.height, 1)
    return rows.column(name) - mean


def choose_pair(names: Sequence[str], chosen: tuple[str, str] | None) -> tuple[str, str] | None:
    """Return which group minus which, the first two by name where none are chosen.

    None where one group alone is there: early in a trial an arm may have nobody yet.

    Raises
    ------
    DataError
        if there are more than two groups and none is chosen, or a chosen one is not there.
    """
    if len(names) < 2:
        return None
    pair = chosen or tuple(names)
    if len(pair) != 2 or not set(pair) <= set(names):
        raise DataError(
            f"a difference needs two groups; found {', '.join(names)}; name two of them in "
            "settings.groups"
        )
    return (pair[0], pair[1])


def contrast_estimate(
    made: Contrast, *, unit: str, level: float, method: str, n: int, notes: Sequence[str] = ()
) -> Estimate:
    """Return a contrast as an estimate, its degrees of freedom among the notes."""
    lower, upper = made.interval(level)
    return Estimate(
        value=made.value,
        unit=unit,
        lower=lower,
        upper=upper,
        level=level,
        method=method,
        n=n,
        components={"standard error": made.standard_error},
        notes=(f"{made.degrees:.4g} degrees of freedom", *notes),
    )


def unbounded_estimate(
    value: float, *, unit: str, level: float, method: str, n: int, notes: Sequence[str] = ()
) -> Estimate:
    """Return a value whose spread the data do not show; the first of `notes` should say why."""
    return Estimate(value, unit, -math.inf, math.inf, level, method, n, notes=tuple(notes))
