"""Two groups to compare: which they are, and what to say where one is not there."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from sojourn.core.analyses import GroupEstimate
from sojourn.core.errors import DataError
from sojourn.statistics._groups import Group, split_groups


@dataclass(frozen=True, slots=True)
class Pair:
    """The first group and the second, each with one row or more that can be analysed."""

    first: Group
    second: Group

    @property
    def name(self) -> str:
        """Return the name of the contrast, ``A-B``."""
        return f"{self.first.name}-{self.second.name}"

    @property
    def n(self) -> int:
        """Return the number of subjects analysed."""
        return self.first.rows.height + self.second.rows.height

    @property
    def missing_notes(self) -> tuple[str, ...]:
        """Return the statements on subjects left out, by group."""
        both = (self.first, self.second)
        return tuple(f"{group.name}: {note}" for group in both for note in group.missing_note)

    def values(self) -> tuple[list[float], list[float]]:
        """Return AVAL of both groups."""
        return self.first.rows["AVAL"].to_list(), self.second.rows["AVAL"].to_list()


def compare_pair(
    outcomes: pl.DataFrame,
    column: str,
    chosen: tuple[str, str] | None,
    operation: str,
    label: str,
    estimate: Callable[[Pair, str], GroupEstimate],
) -> list[GroupEstimate]:
    """Return the estimate of two groups of `outcomes`; one without a number where one is empty.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; rows whose `column` is null are left out.
    column
        what is analysed, AVAL or AVALC.
    chosen
        the two groups, first and second; the two there are, by name, where None.
    operation
        name of the number.
    label
        of the number, with ``{first}`` and ``{second}`` for the names.
    estimate
        what to do with two groups that both have subjects; it gets the label filled in.

    Raises
    ------
    DataError
        if there are more than two groups and none is chosen, or a chosen one is not there.
    """
    groups = {group.name: group for group in split_groups(outcomes, column)}
    if not groups:
        return []
    if len(groups) == 1:
        # Early in a trial one arm may have nobody yet: that is no error of the settings.
        (only,) = groups.values()
        reason = f"one group only: nobody to compare {only.name} with"
        n = only.rows.height
        return [GroupEstimate(only.name, operation, operation, None, n, reason=reason)]
    names = chosen or tuple(groups)
    if len(names) != 2 or not set(names) <= groups.keys():
        raise DataError(
            f"a difference needs two groups; found {', '.join(groups)}; name two of them in "
            "settings.groups"
        )
    pair = Pair(groups[names[0]], groups[names[1]])
    filled = label.format(first=pair.first.name, second=pair.second.name)
    sizes = pair.first.rows.height, pair.second.rows.height
    if not all(sizes):
        reason = (
            f"a group is empty: {pair.first.name} has {sizes[0]}, "
            f"{pair.second.name} {sizes[1]} values"
        )
        return [GroupEstimate(pair.name, operation, filled, None, pair.n, reason=reason)]
    return [estimate(pair, filled)]
