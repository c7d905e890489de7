"""Exact methods for many small trials at once; each equals its single function."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import check_level, check_successes
from sojourn.statistics.exact.permutation import all_splits, check_feasible

Array = NDArray[np.float64]
CELLS = 1 << 17
"""Numbers of one block, which stays in the cache of a core."""


def permutation_p_values(x: Array, y: Array) -> Array:
    """Return the exact two-sided permutation p-value of the difference of means, trial by trial.

    One matrix product gives the difference of every split of every trial; of groups of one size
    half of the splits do, for the other half has the signs reversed.

    Parameters
    ----------
    x, y
        values of both groups, axes (trial, subject), any unit.

    Returns
    -------
        shape (trial,), as `permutation_test(...).p_two_sided` of each trial.

    Raises
    ------
    DataError
        if the shapes do not fit, a value is not finite or there are too many splits.

    References
    ----------
    Pitman, Suppl. J. R. Stat. Soc. 4 (1937) 119.

    Examples
    --------
    >>> permutation_p_values(np.array([[3.0, 4.0]]), np.array([[1.0, 2.0]]))
    array([0.33333333])
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not (x.shape[1] and y.shape[1]):
        raise DataError(f"shapes {x.shape} and {y.shape}: expected (trial, subject) in both")
    pooled = np.concatenate([x, y], axis=1)
    finite = np.isfinite(pooled).all(axis=1)
    if not finite.all():
        raise DataError(f"trial {np.flatnonzero(~finite)[0]} has a value that is not finite")
    weights = split_weights(x.shape[1], y.shape[1])
    n_splits = weights.shape[1]
    p_values = np.empty(len(x))
    size = max(1, CELLS // n_splits)
    for start in range(0, len(x), size):
        block = pooled[start : start + size]
        differences = np.abs(block @ weights)
        least = differences[:, 0] - 1e-12 * np.abs(block).max(axis=1)  # split 0: as observed
        extreme = np.count_nonzero(differences >= least[:, None], axis=1)
        p_values[start : start + size] = extreme / n_splits
    return p_values


def split_weights(m: int, n: int) -> Array:
    """Return the weights of every split's difference of means, axes (subject, split).

    Split 0 is the one observed. Groups of one size: of each split and its mirror image, one.

    Raises
    ------
    DataError
        if a group is empty or there are too many splits.
    """
    if m < 1 or n < 1:
        raise DataError(f"groups of {m} and {n}: expected one subject or more in each")
    check_feasible(m, n)
    splits = all_splits(m + n, m)
    if m == n:
        splits = splits[splits[:, 0] == 0]
    weights = np.full((m + n, len(splits)), -1.0 / n)
    weights[splits, np.arange(len(splits))[:, None]] = 1.0 / m
    return weights


def clopper_pearson_table(n: int, *, level: float = 0.95) -> Array:
    """Return the Clopper-Pearson intervals of 0 to n successes, shape (n + 1, 2).

    Parameters
    ----------
    n
        trials, 1 or more.
    level
        coverage, at least.

    Raises
    ------
    DataError
        if `n` or `level` cannot be.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404.

    Examples
    --------
    >>> clopper_pearson_table(1)
    array([[0.   , 0.975],
           [0.025, 1.   ]])
    """
    _, n = check_successes(0, n)
    tail = (1 - check_level(level)) / 2
    table = np.empty((n + 1, 2))
    x = np.arange(n + 1)
    table[0, 0], table[n, 1] = 0.0, 1.0
    table[1:, 0] = betaincinv(x[1:], n - x[1:] + 1, tail)
    table[:n, 1] = betaincinv(x[:n] + 1, n - x[:n], 1 - tail)
    return table
