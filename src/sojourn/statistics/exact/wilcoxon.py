"""Exact Wilcoxon rank-sum test (Mann-Whitney), with ties: conditional on the ranks observed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import Values, check_values
from sojourn.statistics.exact.ranks import double_midranks, subset_sum_law

LARGEST_GROUPS = 150
"""Subjects of both groups together, at most: memory grows with the cube of their number."""


@dataclass(frozen=True, slots=True)
class RankSumTest:
    """Exact rank-sum test.

    `w` counts pairs in which x is larger, ties as one half (R's W). `p_two_sided` counts splits
    whose W lies at least as far from its mean (coin, exactRankTests); `p_doubled` is twice the
    smaller tail (R's wilcox.test). They agree without ties.
    """

    w: float
    p_two_sided: float
    p_doubled: float
    p_greater: float
    p_less: float
    tied: bool


def rank_sum_test(x: Values, y: Values) -> RankSumTest:
    """Return the exact rank-sum test of two groups.

    Parameters
    ----------
    x, y
        values of two groups, any unit; one or more each.

    Raises
    ------
    DataError
        if a group is empty, a value is not finite, or both hold more than `LARGEST_GROUPS`.

    References
    ----------
    Wilcoxon, Biom. Bull. 1 (1945) 80; Mann and Whitney, Ann. Math. Stat. 18 (1947) 50; Hothorn et
    al., Am. Stat. 60 (2006) 257 (conditional inference with ties).

    Examples
    --------
    >>> round(rank_sum_test([6.0, 7.0, 8.0, 9.0], [1.0, 2.0, 3.0, 4.0]).p_two_sided, 6)
    0.028571
    """
    x, y = check_values(x, "x"), check_values(y, "y")
    check_size(len(x) + len(y))
    doubled = double_midranks(np.concatenate([x, y]))
    law = RankSumLaw(doubled, len(x))
    observed = int(doubled[: len(x)].sum())
    greater, less = law.at_least(observed), law.at_most(observed)
    return RankSumTest(
        w=observed / 2 - len(x) * (len(x) + 1) / 2,
        p_two_sided=law.as_far(observed),
        p_doubled=min(1.0, 2 * min(greater, less)),
        p_greater=greater,
        p_less=less,
        tied=len(np.unique(doubled)) < len(doubled),
    )


def check_size(n: int) -> None:
    """Check that `n` subjects are not too many for the exact law.

    Raises
    ------
    DataError
        if they are.
    """
    if n > LARGEST_GROUPS:
        raise DataError(
            f"{n} subjects: the exact law of ranks is computed for {LARGEST_GROUPS} or fewer; "
            "no asymptotic p-value is put in its place"
        )


class RankSumLaw:
    """The exact law of the doubled rank sum of `size` of the subjects with `doubled` midranks."""

    def __init__(self, doubled: NDArray[np.int64], size: int) -> None:
        self.mean = size * int(doubled.sum()) / len(doubled)
        self._unit = int(np.gcd.reduce(doubled))  # 2 without ties
        ranks = tuple(sorted(int(rank) // self._unit for rank in doubled))
        self._law = subset_sum_law(ranks, size)

    def at_least(self, total: float) -> float:
        """Return P(doubled rank sum >= total)."""
        return min(1.0, float(self._law[max(0, int(np.ceil(total / self._unit))) :].sum()))

    def at_most(self, total: float) -> float:
        """Return P(doubled rank sum <= total)."""
        return min(1.0, float(self._law[: max(0, int(np.floor(total / self._unit)) + 1)].sum()))

    def as_far(self, total: float) -> float:
        """Return P(the doubled rank sum lies at least as far from its mean as `total`)."""
        distance = abs(total - self.mean) - 1e-9
        if distance <= 0:
            return 1.0
        below, above = self.mean - distance, self.mean + distance
        return min(1.0, self.at_most(below) + self.at_least(above))

    def rejected(self, tail: float) -> tuple[int, int]:
        """Return the largest total rejected below and the smallest above, each of tail <= `tail`.

        Totals between those that have probability go with their outer neighbor. Where even the
        outermost total is likelier than `tail`, it is rejected all the same: the widest test.
        """
        below = self._last(self._law, tail)
        above = len(self._law) - 1 - self._last(self._law[::-1], tail)
        return (below + 1) * self._unit - 1, (above - 1) * self._unit + 1

    @staticmethod
    def _last(law: NDArray[np.float64], tail: float) -> int:
        kept = np.flatnonzero(np.cumsum(law) > tail * (1 + 1e-9))
        possible = np.flatnonzero(law > 0)
        outermost = int(possible[0])
        # up to just before the first total that is kept
        return max(outermost, int(kept[0]) - 1)
