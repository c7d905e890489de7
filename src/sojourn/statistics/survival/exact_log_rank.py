"""The two-group log-rank test by permutation: exact, without any approximation of tails."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import Times, check_times
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.product_limit import product_limit

MAX_SUBJECTS = 40
"""Most subjects in both groups together: 2^20 subsets of each half are kept in memory."""

TOLERANCE = 1e-9
"""Statistics that differ by less are the same: sums of the same scores in another order."""


@dataclass(frozen=True, slots=True)
class ExactLogRank:
    """Two-sided p-values of observed minus expected in the first group.

    `p_value` is the share of all splits of the subjects into groups of these sizes with at least
    the observed ``|O - E|``. `p_scores` is the permutation test of log-rank scores (R's
    ``coin::logrank_test``): the same number, since O - E is the sum of a group's scores; it is
    given under both names because both are asked for. `chisq` and `p_asymptotic` are the usual
    test's, None where its variance is 0.
    """

    p_value: float
    p_scores: float
    statistic: float
    n_splits: int
    chisq: float | None
    p_asymptotic: float | None


@dataclass(frozen=True, slots=True)
class SampledLogRank:
    """A p-value from random splits: ``(count + 1) / (splits + 1)``, never 0.

    `standard_error` is that of the sampling, not of the data.
    """

    p_value: float
    standard_error: float
    statistic: float
    n_sampled: int


def log_rank_scores(times: ArrayLike, is_event: ArrayLike) -> NDArray[np.float64]:
    """Return each subject's log-rank score: event (1 or 0) minus cumulative hazard at its time.

    The sum over a group is its observed minus expected events, for any split into groups.

    Parameters
    ----------
    times, is_event
        as for `kaplan_meier`, shape (subjects,); no late entry.

    Raises
    ------
    DataError
        if a time or a status is not valid, naming its index.

    References
    ----------
    Peto and Peto, J. R. Stat. Soc. A 135 (1972) 185.

    Examples
    --------
    >>> log_rank_scores([1, 2, 3], [1, 1, 0]).round(4).tolist()
    [0.6667, 0.1667, -0.8333]
    """
    return _scores(check_times(times, is_event))


def exact_log_rank(
    times_a: ArrayLike, events_a: ArrayLike, times_b: ArrayLike, events_b: ArrayLike
) -> ExactLogRank:
    """Return the exact permutation log-rank test of two groups.

    All splits are counted, without listing them: the subsets of each half of the subjects are
    sorted by their sums, and matched (meet in the middle). Valid where censoring does not depend
    on the group, which the permutation takes as given.

    Parameters
    ----------
    times_a, events_a
        times and statuses of the first group, as for `kaplan_meier`.
    times_b, events_b
        those of the second.

    Raises
    ------
    DataError
        if a group is empty, there are more than `MAX_SUBJECTS` subjects (use `sampled_log_rank`),
        or a time or a status is not valid.

    References
    ----------
    Heinze, Gnant and Schemper, Biometrics 59 (2003) 1151. Counting: Horowitz and Sahni, J. ACM
    21 (1974) 277.

    Examples
    --------
    >>> made = exact_log_rank([6, 7, 10, 15, 19], [1, 1, 0, 1, 0], [1, 3, 4, 8, 9], [1, 1, 1, 1, 0])
    >>> made.n_splits, round(made.p_value, 6)
    (252, 0.198413)
    """
    people, n_a = _pool(times_a, events_a, times_b, events_b)
    if len(people) > MAX_SUBJECTS:
        raise DataError(
            f"{len(people)} subjects are too many for all splits (at most {MAX_SUBJECTS}); use "
            "sampled_log_rank, which draws them with a seed"
        )
    scores = _scores(people)
    observed = float(scores[:n_a].sum())
    # In order of the scores, so that the order of the subjects cannot move a single bit.
    count = _count_extreme(np.sort(scores), n_a, abs(observed) - TOLERANCE)
    n_splits = math.comb(len(people), n_a)
    usual = log_rank(people.exit, people.is_event, np.arange(len(people)) >= n_a)
    asymptotic = None if usual.chisq is None else float(chdtrc(1, usual.chisq))
    p_value = count / n_splits
    return ExactLogRank(p_value, p_value, observed, n_splits, usual.chisq, asymptotic)


def sampled_log_rank(
    times_a: ArrayLike,
    events_a: ArrayLike,
    times_b: ArrayLike,
    events_b: ArrayLike,
    *,
    n_sampled: int,
    rng: np.random.Generator,
) -> SampledLogRank:
    """Return the permutation log-rank test of two groups from random splits (Monte Carlo).

    For more subjects than `exact_log_rank` takes. The p-value is valid (never too small on
    average) for any number of splits; the more, the less it depends on the seed.

    Parameters
    ----------
    times_a, events_a, times_b, events_b
        as for `exact_log_rank`.
    n_sampled
        number of random splits.
    rng
        source of the splits.

    Raises
    ------
    DataError
        if a group is empty, `n_sampled` is below 1, or a time or a status is not valid.

    References
    ----------
    Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
    """
    if n_sampled < 1:
        raise DataError(f"{n_sampled} random splits are none; expected 1 or more")
    people, n_a = _pool(times_a, events_a, times_b, events_b)
    scores = _scores(people)
    observed = float(scores[:n_a].sum())
    ordered = np.sort(scores)
    count = 0
    for _ in range(n_sampled):
        count += abs(rng.permutation(ordered)[:n_a].sum()) >= abs(observed) - TOLERANCE
    p_value = (count + 1) / (n_sampled + 1)
    error = math.sqrt(p_value * (1 - p_value) / n_sampled)
    return SampledLogRank(p_value, error, observed, n_sampled)


def _pool(
    times_a: ArrayLike, events_a: ArrayLike, times_b: ArrayLike, events_b: ArrayLike
) -> tuple[Times, int]:
    a, b = check_times(times_a, events_a), check_times(times_b, events_b)
    if not len(a) or not len(b):
        raise DataError(f"groups of {len(a)} and {len(b)} subjects; expected at least one in each")
    pooled = check_times(np.concatenate([a.exit, b.exit]), np.concatenate([a.is_event, b.is_event]))
    return pooled, len(a)


def _scores(people: Times) -> NDArray[np.float64]:
    curve = product_limit(people)
    hazard = np.cumsum(curve.events / curve.at_risk)
    return people.is_event - hazard[np.searchsorted(curve.times, people.exit)]


def _count_extreme(scores: NDArray[np.float64], size: int, threshold: float) -> int:
    """Return how many subsets of `size` have a sum whose absolute value reaches `threshold`."""
    half = len(scores) // 2
    left, right = _sums_by_size(scores[:half]), _sums_by_size(scores[half:])
    count = 0
    for k, sums in left.items():
        if (others := right.get(size - k)) is None:
            continue
        n_above = len(others) - np.searchsorted(others, threshold - sums, side="left")
        n_below = np.searchsorted(others, -threshold - sums, side="right")
        # Below a threshold of 0 the two tails overlap: every subset counts once.
        both = n_above + n_below
        count += int(np.minimum(both, len(others)).sum())
    return count


def _sums_by_size(scores: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
    """Return the sorted sums of all subsets, by number of members."""
    sums, sizes = np.zeros(1), np.zeros(1, np.int64)
    for score in scores:
        sums, sizes = np.concatenate([sums, sums + score]), np.concatenate([sizes, sizes + 1])
    return {k: np.sort(sums[sizes == k]) for k in range(len(scores) + 1)}
