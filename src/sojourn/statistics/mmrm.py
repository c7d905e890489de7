"""Mixed model for repeated measures: arms compared at each visit, missing visits allowed."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.statistics._contrasts import (
    CellMeans,
    Floats,
    cell_means,
    choose_pair,
    contrast_estimate,
)
from sojourn.statistics._visits import VisitRows, visit_rows
from sojourn.statistics.mixed.inference import kenward_roger, satterthwaite
from sojourn.statistics.mixed.repeated import WORDS, Repeated, fit_repeated

Covariance = Literal["unstructured", "ar1", "compound_symmetry"]


class Settings(BaseModel):
    """How repeated values are modelled.

    `visits`: which, in order; all by their days where empty. `response`: "value" is AVAL as
    it stands (which may be a change already), "change" is AVAL - BASE; it must be named.
    `base`: the baseline's slope is one for each visit, one for all, or there is none.
    `covariances`: tried in this order, the first that the data carry is used and named. `degrees`
    of freedom. `covariates`: further columns of numbers. `groups`: which minus which. `unit`,
    `level`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visits: tuple[str, ...] = ()
    response: Literal["change", "value"]
    base: Literal["by_visit", "common", "none"] = "by_visit"
    covariances: tuple[Covariance, ...] = Field(
        default=("unstructured", "ar1", "compound_symmetry"), min_length=1
    )
    degrees: Literal["kenward_roger", "satterthwaite"] = "kenward_roger"
    covariates: tuple[str, ...] = ()
    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


DEGREES = {"kenward_roger": "Kenward-Roger", "satterthwaite": "Satterthwaite"}


def estimate_mmrm(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return adjusted means of each group at each visit, and their differences.

    One mean for each group and visit, the baseline's slope by visit, a covariance over visits
    fitted by REML. Visits that were not made are taken as missing at random.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT; BASE the baseline.
    settings
        visits, response, baseline, covariances, degrees of freedom, groups, unit, level.

    Returns
    -------
        for each visit one mean for each group and the difference ``A-B`` with its p value. The
        method names the covariance that was used, the notes say why those before it were not.

    Raises
    ------
    DataError
        if a subject has a visit twice, a covariate is no column, or there are more than two groups
        and none are named.

    References
    ----------
    Mallinckrodt et al., Drug Inf. J. 42 (2008) 303. Kenward and Roger, Biometrics 53 (1997) 983.
    """
    uses_base = settings.response == "change" or settings.base != "none"
    needed = [*(["BASE"] if uses_base else []), *settings.covariates]
    rows = visit_rows(outcomes, visits=settings.visits, groups=settings.groups or (), needed=needed)
    if not outcomes.height:
        return []
    pair = choose_pair(rows.groups, settings.groups)
    base = ("BASE",)
    design = cell_means(
        rows,
        by_visit=base if settings.base == "by_visit" else (),
        common=[*(base if settings.base == "common" else ()), *settings.covariates],
    )
    fitted = _fit(rows, design, settings)
    made = []
    for visit, name in enumerate(rows.visits):
        for group in rows.groups:
            weights = design.mean(group, visit)
            label = f"adjusted mean {settings.response} at {name}"
            n = rows.at(visit).filter(pl.col(GROUP) == group).height
            made.append((group, f"mean_at_{_code(name)}", label, weights, n))
        if pair is not None:
            label = f"adjusted mean of {pair[0]} minus {pair[1]} at {name}"
            weights = design.difference(*pair, visit)
            made.append(("-".join(pair), f"difference_at_{_code(name)}", label, weights, rows.n))
    return [_estimate(fitted, rows, settings, *each) for each in made]


def _fit(rows: VisitRows, design: CellMeans, settings: Settings) -> Repeated | str:
    if not rows.n:
        return rows.nothing
    values = rows.column("AVAL")
    if settings.response == "change":
        values = values - rows.column("BASE")
    visits = rows.rows["VISIT"].rank("dense").to_numpy() - 1
    subjects = rows.rows["USUBJID"].to_numpy()
    try:
        made = fit_repeated(
            values, design.columns, subjects, visits, covariances=settings.covariances
        )
    except DataError as error:
        return str(error)
    if made.fit is None:
        return "; ".join(made.notes)
    return made


def _code(visit: str) -> str:
    """Return a visit's name as part of an operation's id: no blanks."""
    return "_".join(visit.split())


def _estimate(
    fitted: Repeated | str,
    rows: VisitRows,
    settings: Settings,
    group: str,
    operation: str,
    label: str,
    weights: Floats | None,
    n: int,
) -> GroupEstimate:
    if isinstance(fitted, str) or fitted.fit is None or weights is None:
        reason = fitted if isinstance(fitted, str) else "a group has no value at this visit"
        return GroupEstimate(group, operation, label, None, n, reason=reason)
    test = kenward_roger if settings.degrees == "kenward_roger" else satterthwaite
    made = test(fitted.fit, weights)
    estimate = contrast_estimate(
        made,
        unit=settings.unit,
        level=settings.level,
        method=f"MMRM by REML, {WORDS[fitted.covariance]}, {DEGREES[settings.degrees]}",
        n=n,
        notes=(*fitted.notes, *rows.notes),
    )
    p_value = made.p_value if operation.startswith("difference") else None
    return GroupEstimate(group, operation, label, estimate, n, p_value)


ANALYSIS = Analysis(
    label="Mixed model for repeated measures (MMRM)", settings=Settings, estimate=estimate_mmrm
)
