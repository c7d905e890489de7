"""Fisher's exact test of a 2x2 table, and its conditional odds ratio."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_tests import RELATIVE_TIE
from sojourn.statistics.exact.checks import check_count, check_level
from sojourn.statistics.exact.roots import find_root

LARGEST_LOG_ODDS = 700.0


@dataclass(frozen=True, slots=True)
class FisherTest:
    """What the table, given its margins, says of the odds ratio.

    `odds_ratio` is the conditional maximum-likelihood estimate: NaN where the margins allow one
    table only, 0 or infinite at the ends. `lower` and `upper` are central and exact, those of
    `mid_p` closer to their level. p-values of odds ratio 1: `p_minlike` (R's fisher.test),
    `p_central` (twice the smaller tail), `p_mid` (the same with half of the observed table).
    """

    odds_ratio: float
    lower: float
    upper: float
    mid_p_interval: tuple[float, float]
    level: float
    p_minlike: float
    p_central: float
    p_mid: float
    p_greater: float
    p_less: float


class ConditionalTable:
    """The distribution of the first cell of a 2x2 table, given its margins.

    Parameters
    ----------
    table
        two rows of two counts.

    Raises
    ------
    DataError
        if it is not of that shape or holds what is no count.
    """

    def __init__(self, table: Sequence[Sequence[int]]) -> None:
        if len(table) != 2 or any(len(row) != 2 for row in table):
            raise DataError(f"table {table}: expected two rows of two counts")
        (a, b), (c, d) = (
            [check_count(cell, f"a cell of {table}") for cell in row] for row in table
        )
        first, second, column = a + b, c + d, a + c
        self.observed = a
        self.lowest, self.highest = max(0, column - second), min(first, column)
        self.support = np.arange(self.lowest, self.highest + 1)
        self._log_ways = _log_choose(first, self.support) + _log_choose(
            second, column - self.support
        )

    def probabilities(self, log_odds: float = 0.0) -> NDArray[np.float64]:
        """Return the probability of each value of `support`, given the log odds ratio."""
        weights = self._log_ways + log_odds * self.support
        scaled = np.exp(weights - weights.max())
        law: NDArray[np.float64] = scaled / scaled.sum()
        return law

    def tails(self, log_odds: float = 0.0) -> tuple[float, float, float]:
        """Return P(X < x), P(X = x) and P(X > x), given the log odds ratio."""
        each = self.probabilities(log_odds)
        at = self.observed - self.lowest
        return float(each[:at].sum()), float(each[at]), float(each[at + 1 :].sum())

    def mean(self, log_odds: float) -> float:
        """Return the expected first cell, given the log odds ratio."""
        return float(self.probabilities(log_odds) @ self.support)


def fisher(table: Sequence[Sequence[int]], *, level: float = 0.95) -> FisherTest:
    """Return Fisher's exact test and the conditional odds ratio of a 2x2 table.

    Parameters
    ----------
    table
        ((a, b), (c, d)): rows are groups, the first column counts successes.
    level
        coverage of the central interval, at least.

    Raises
    ------
    DataError
        if the table is no 2x2 table of counts.

    References
    ----------
    Fisher, J. R. Stat. Soc. 98 (1935) 39; Agresti, Stat. Sci. 7 (1992) 131; R `fisher.test`;
    Fay, R Journal 2 (2010) 53 (central and mid-p).

    Examples
    --------
    >>> round(fisher([[3, 1], [1, 3]]).p_minlike, 6)
    0.485714
    """
    law = ConditionalTable(table)
    tail = (1 - check_level(level)) / 2
    less, equal, more = law.tails()
    each = law.probabilities()
    central = min(1.0, 2 * min(less + equal, equal + more))
    lower, upper = _interval(law, tail, 1.0)
    return FisherTest(
        odds_ratio=_odds_ratio(law),
        lower=lower,
        upper=upper,
        mid_p_interval=_interval(law, tail, 0.5),
        level=level,
        p_minlike=min(1.0, float(each[each <= equal * RELATIVE_TIE].sum())),
        p_central=central,
        p_mid=min(1.0, 2 * min(less + equal / 2, equal / 2 + more)),
        p_greater=min(1.0, equal + more),
        p_less=min(1.0, less + equal),
    )


def _odds_ratio(law: ConditionalTable) -> float:
    if law.lowest == law.highest:
        return math.nan
    if law.observed == law.lowest:
        return 0.0
    if law.observed == law.highest:
        return math.inf
    return _root(lambda log_odds: law.mean(log_odds) - law.observed)


def _interval(law: ConditionalTable, tail: float, share: float) -> tuple[float, float]:
    """Return where the tails, with `share` of the observed table, have probability `tail`."""

    def above(log_odds: float) -> float:
        _, equal, more = law.tails(log_odds)
        return share * equal + more - tail

    def below(log_odds: float) -> float:
        less, equal, _ = law.tails(log_odds)
        return share * equal + less - tail

    lower = 0.0 if law.observed == law.lowest else _root(above)
    upper = math.inf if law.observed == law.highest else _root(below)
    return lower, upper


def _root(function: Callable[[float], float]) -> float:
    return math.exp(find_root(function, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS, width=1e-15))


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return result
