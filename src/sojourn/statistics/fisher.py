"""Odds ratio of two groups with Fisher's exact test."""

import math
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._pairs import Pair, compare_pair
from sojourn.statistics.exact.checks import extended_note
from sojourn.statistics.exact.fisher import FisherTest, fisher

METHODS = {
    "minlike": "Fisher's exact test (no likelier tables), central exact interval",
    "central": "Fisher's exact test (twice the smaller tail), central exact interval",
    "mid_p": "Fisher's mid-p test, mid-p interval",
}


class Settings(BaseModel):
    """Two groups and what counts as a success.

    `success`: the values of AVALC that count. `groups`: the odds of which over those of which; the
    first two by name where none are given. `test`: minlike (R's fisher.test), central or mid_p.
    `level` of the interval of the odds ratio.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    groups: tuple[str, str] | None = None
    test: Literal["minlike", "central", "mid_p"] = "minlike"
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_odds_ratio(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the conditional odds ratio of two groups with Fisher's p-value.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVALC is left out and counted.
    settings
        what counts, groups, test, level.

    Returns
    -------
        one estimate, group ``A-B``, unit 1; None with the p-value where the ratio is not finite (a
        cell of the table is 0): the reason states the interval.

    Raises
    ------
    DataError
        if there are more than two groups and none is named, or a named one is not there.

    References
    ----------
    Fisher, J. R. Stat. Soc. 98 (1935) 39; R `fisher.test`.
    """
    label = f"odds of {' or '.join(settings.success)}, {{first}} over {{second}}"

    def estimate(pair: Pair, label: str) -> GroupEstimate:
        return _odds_ratio(pair, label, settings)

    return compare_pair(outcomes, "AVALC", settings.groups, "odds_ratio", label, estimate)


def _odds_ratio(pair: Pair, label: str, settings: Settings) -> GroupEstimate:
    rows = [group.rows["AVALC"] for group in (pair.first, pair.second)]
    table = [(k := int(r.is_in(settings.success).sum()), len(r) - k) for r in rows]
    found = fisher(table, level=settings.level)
    p_value, (lower, upper) = _chosen(found, settings.test)
    seen = tuple(
        f"{group.name}: {yes} of {yes + no}"
        for group, (yes, no) in zip((pair.first, pair.second), table, strict=True)
    )
    if not math.isfinite(found.odds_ratio):
        reason = (
            f"the odds ratio is not finite ({'; '.join(seen)}); {100 * settings.level:.12g}% "
            f"interval {lower:.4g} to infinity"
        )
        return GroupEstimate(pair.name, "odds_ratio", label, None, pair.n, p_value, reason)
    estimate = Estimate(
        value=found.odds_ratio,
        unit="1",
        lower=min(lower, found.odds_ratio),
        upper=max(upper, found.odds_ratio),
        level=settings.level,
        method=METHODS[settings.test],
        n=pair.n,
        notes=(*seen, *extended_note(lower, found.odds_ratio, upper), *pair.missing_notes),
    )
    return GroupEstimate(pair.name, "odds_ratio", label, estimate, pair.n, p_value)


def _chosen(found: FisherTest, test: str) -> tuple[float, tuple[float, float]]:
    if test == "mid_p":
        return found.p_mid, found.mid_p_interval
    p_value = found.p_minlike if test == "minlike" else found.p_central
    return p_value, (found.lower, found.upper)


ANALYSIS = Analysis(
    label="Odds ratio, Fisher's exact test", settings=Settings, estimate=estimate_odds_ratio
)
