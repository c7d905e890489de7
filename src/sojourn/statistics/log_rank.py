"""Log-rank test of groups, asymptotic, and exact by permutation for two small ones."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.statistics._groups import Group, plural, split_groups
from sojourn.statistics.survival.exact_log_rank import MAX_SUBJECTS, exact_log_rank
from sojourn.statistics.survival.log_rank import LogRank, log_rank
from sojourn.statistics.survival.rows import count_competing, take_strata, take_times

RHO = {"log-rank": 0.0, "peto-peto": 1.0}


class Settings(BaseModel):
    """What is compared, and how.

    `groups`: the groups compared; all where none are named. `weight`: ``log-rank``, or
    ``peto-peto``, which weighs early events more. `strata`: columns within whose values subjects
    are compared. `max_exact`: the exact test of two groups is computed if there are not more
    subjects; it is never sampled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, ...] = ()
    weight: Literal["log-rank", "peto-peto"] = "log-rank"
    strata: tuple[str, ...] = ()
    max_exact: int = Field(default=MAX_SUBJECTS, ge=0, le=MAX_SUBJECTS)


def estimate_log_rank(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return p-values for the equality of the groups' hazards.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject, as for `kaplan_meier`; ``ENTRY`` is honored,
        a null ``AVAL`` is left out and counted. A group must be known at day 0 (an arm):
        responders against non-responders belong to `landmark`, since a response takes time, in
        which responders cannot die.
    settings
        groups, weight, strata.

    Returns
    -------
        operation ``log_rank`` (or ``peto_peto``), with the asymptotic p-value: a test has no
        estimate, and its reason holds chi-squared, observed and expected events. For two groups of
        few subjects, without strata, weights and late entry, also ``exact_log_rank``: the share of
        all splits with at least the observed difference. An empty list where there is no subject.

    Raises
    ------
    DataError
        if the rows hold no times, a group that is named is not there, or a stratum is missing.

    References
    ----------
    Harrington and Fleming, Biometrika 69 (1982) 553. Heinze, Gnant and Schemper, Biometrics 59
    (2003) 1151.
    """
    found = list(split_groups(outcomes, "AVAL"))
    if not found:
        return []
    known = {group.name: group for group in found}
    if absent := [name for name in settings.groups if name not in known]:
        raise DataError(f"no group {', '.join(absent)}; found {', '.join(known)}")
    # Sorted by subject, so that the order of the rows cannot move a bit of a sum.
    groups = [known[name] for name in settings.groups] or found
    rows = pl.concat([group.rows for group in groups]).sort("USUBJID")
    people = take_times(rows)
    strata = take_strata(rows, settings.strata)
    made = log_rank(
        people.exit,
        people.is_event,
        rows["GROUP"].to_numpy(),
        strata=strata,
        entry=people.entry,
        rho=RHO[settings.weight],
    )
    tests = [_asymptotic(made, groups, rows, settings)]
    is_plain = not settings.strata and settings.weight == "log-rank" and not people.is_truncated
    present = [group for group in groups if group.rows.height]
    if is_plain and len(present) == 2 and len(people) <= settings.max_exact:
        tests.append(_exact(present, len(people)))
    return tests


def _asymptotic(
    made: LogRank, groups: list[Group], rows: pl.DataFrame, settings: Settings
) -> GroupEstimate:
    operation = settings.weight.replace("-", "_")
    within = f" within {', '.join(settings.strata)}" if settings.strata else ""
    label = f"{settings.weight} test of {len(groups)} groups{within}"
    counts = "; ".join(
        f"{name}: {plural(n, 'subject')}, {observed:.4g} event{'' if observed == 1 else 's'} for "
        f"{expected:.4g} expected"
        for name, n, observed, expected in zip(
            made.groups, made.n, made.observed, made.expected, strict=True
        )
    )
    weighted = " (weighted)" if made.rho else ""
    if made.chisq is None:
        reason = f"no test: {made.reason}; {counts}{weighted}".rstrip("; ")
    else:
        freedom = f"{made.degrees} degree{'s' if made.degrees > 1 else ''} of freedom"
        reason = f"chi-squared {made.chisq:.6g} on {freedom}; {counts}{weighted}"
    competing = count_competing(rows)
    said = []
    if competing:
        verb = "is" if competing == 1 else "are"
        said = [f"{plural(competing, 'competing event')} {verb} censored"]
    reason = "; ".join([reason, *said, *(f"{g.name}: {m}" for g in groups for m in g.missing_note)])
    return GroupEstimate(_name(groups), operation, label, None, rows.height, made.p_value, reason)


def _exact(groups: list[Group], n: int) -> GroupEstimate:
    first, second = (take_times(group.rows) for group in groups)
    label = "log-rank test, exact by permutation"
    if not (first.is_event.any() or second.is_event.any()):
        reason = "no test: no event in either group"
        return GroupEstimate(_name(groups), "exact_log_rank", label, None, n, reason=reason)
    made = exact_log_rank(first.exit, first.is_event, second.exit, second.is_event)
    reason = (
        f"observed minus expected {made.statistic:.6g} in {groups[0].name}; all {made.n_splits} "
        "splits"
    )
    return GroupEstimate(_name(groups), "exact_log_rank", label, None, n, made.p_value, reason)


def _name(groups: list[Group]) -> str:
    return "-".join(group.name for group in groups)


ANALYSIS = Analysis(label="Log-rank test", settings=Settings, estimate=estimate_log_rank)
