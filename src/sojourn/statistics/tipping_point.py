"""A proportion under every assumption on those without a result."""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics.missing.tipping import AssumedSuccesses, assumed_successes


class Settings(BaseModel):
    """Which conclusion is tried.

    `success`: the values of AVALC that count. `exceeds`: the conclusion is that the lower bound of
    the exact interval lies above this proportion. `level` of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    exceeds: float = Field(default=0.5, ge=0, lt=1)
    level: float = Field(default=0.95, gt=0, lt=1)


METHOD = "exact binomial (Clopper-Pearson), missing results assumed"


def estimate_tipping_point(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's proportion for every number of successes among those without a result.

    Nothing is modelled: with m results missing there are m + 1 rows, and the tipping point is the
    least number of assumed successes with which the lower bound exceeds `exceeds`.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVALC is a missing result.
    settings
        what counts, the proportion to exceed, level.

    Returns
    -------
        for each group "success_assumed_of_k_of_m_missing" for k = 0 to m, then "tipping_point" (a
        number of subjects), whose reason says so where every or no assumption reaches the
        conclusion.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group.

    References
    ----------
    Yan, Lee and Li, J. Biopharm. Stat. 19 (2009) 1085.
    """
    return [
        each for group in split_groups(outcomes, "AVALC") for each in _of_group(group, settings)
    ]


def _of_group(group: Group, settings: Settings) -> list[GroupEstimate]:
    successes = int(group.rows["AVALC"].is_in(settings.success).sum())
    observed, missing = group.rows.height, group.n_missing
    table = assumed_successes(successes, observed, missing, level=settings.level)
    label = f"proportion with {' or '.join(settings.success)}, missing results assumed"
    made = []
    for row in table:
        estimate = Estimate(
            value=row.proportion,
            unit="1",
            lower=row.lower,
            upper=row.upper,
            level=settings.level,
            method=METHOD,
            n=row.n,
            notes=(f"{row.successes} of {row.n}", f"{successes} of {observed} observed"),
        )
        operation = f"success_assumed_of_{row.assumed}_of_{missing}_missing"
        made.append(GroupEstimate(group.name, operation, label, estimate, row.n))
    return [*made, _tipping_point(group, table, settings)]


def _tipping_point(
    group: Group, table: tuple[AssumedSuccesses, ...], settings: Settings
) -> GroupEstimate:
    label = f"least assumed successes with which the lower bound exceeds {settings.exceeds:g}"
    n, missing = group.rows.height + group.n_missing, group.n_missing
    holds = [row for row in table if row.lower > settings.exceeds]
    if len(holds) == len(table) or not holds:
        reason = (
            f"whatever is assumed of {missing} missing, the lower bound "
            f"{'exceeds' if holds else 'does not exceed'} {settings.exceeds:g}"
        )
        return GroupEstimate(group.name, "tipping_point", label, None, n, reason=reason)
    first = float(holds[0].assumed)
    share = "nothing" if group.rows.is_empty() else f"{table[0].successes}/{group.rows.height}"
    estimate = Estimate(
        value=first,
        unit="subjects",
        lower=first,
        upper=first,
        level=settings.level,
        method="enumeration of every assumption",
        n=n,
        notes=(f"{holds[0].assumed} of {missing} missing; observed: {share}",),
    )
    return GroupEstimate(group.name, "tipping_point", label, estimate, n)


ANALYSIS = Analysis(
    label="Proportion under every assumption on missing results (tipping point)",
    settings=Settings,
    estimate=estimate_tipping_point,
    imputes=True,
)
