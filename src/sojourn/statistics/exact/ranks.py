"""Midranks as whole numbers, and the exact laws of sums of them."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.int64]


def double_midranks(values: NDArray[np.float64], *, tolerance: float = 0.0) -> Ranks:
    """Return twice the midranks of `values`, whole numbers; the shape of `values`.

    Values of neighbouring rank no further apart than `tolerance` are tied.

    Examples
    --------
    >>> double_midranks(np.array([5.0, 1.0, 5.0])).tolist()
    [5, 2, 5]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.concatenate([[True], np.diff(ordered) > tolerance])[: len(values)]
    group = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(values)) - 1
    doubled = np.empty(len(values), dtype=np.int64)
    doubled[order] = (first + last + 2)[group] if len(values) else 0
    return doubled


@lru_cache(maxsize=256)
def subset_sum_law(scores: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """Return P(sum = s) of `size` of the `scores` drawn without replacement, s = 0, 1, ...

    Counted by dynamic programming over the scores.

    Parameters
    ----------
    scores
        whole numbers, 0 or more.
    size
        how many are drawn.

    References
    ----------
    Streitberg and Roehmel, Stat. Softw. Newsl. 12 (1986) 10 (the shift algorithm).

    Examples
    --------
    >>> subset_sum_law((1, 2, 3), 2).round(6).tolist()
    [0.0, 0.0, 0.0, 0.333333, 0.333333, 0.333333]
    """
    ordered = sorted(scores)
    most = [0, *np.cumsum(ordered[::-1]).tolist()]  # the largest sum of k scores
    # ways[k, s]: choices of k of the scores seen so far with sum s; floats, exact up to 2^53
    ways = np.zeros((size + 1, most[size] + 1))
    ways[0, 0] = 1.0
    reached = np.cumsum([0, *ordered]).tolist()
    for seen, score in enumerate(ordered):
        rows = min(seen + 1, size)
        stop = min(reached[seen], most[size] - score) + 1
        ways[1 : rows + 1, score : score + stop] += ways[:rows, :stop].copy()
    result: NDArray[np.float64] = ways[size] / math.comb(len(scores), size)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=256)
def sign_sum_law(scores: tuple[int, ...]) -> NDArray[np.float64]:
    """Return P(sum = s) where each of the `scores` counts with probability 1/2, s = 0, 1, ...

    Examples
    --------
    >>> sign_sum_law((1, 2)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    law = np.zeros(sum(scores) + 1)
    law[0] = 1.0
    for score in scores:
        shifted = np.zeros_like(law)
        shifted[score:] = law[: len(law) - score]
        law = (law + shifted) / 2
    law.flags.writeable = False
    return law
