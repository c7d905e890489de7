"""The log-rank test for any number of groups, by strata, with weights of survival."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import Times, check_labels, check_times
from sojourn.statistics.survival.product_limit import product_limit


@dataclass(frozen=True, slots=True)
class LogRank:
    """Observed against expected, by group (and stratum), and the chi-square test.

    `observed`, `expected`: shape (groups,), weighted if `rho` is not 0. `variance` is that of
    observed minus expected, shape (groups, groups). Groups expected to have no event at all are
    in no comparison: `degrees` is the number of the others less one. `p_value` and `chisq` are
    None, with a `reason`, where the data allow no test.
    """

    groups: tuple[str, ...]
    n: NDArray[np.int64]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    variance: NDArray[np.float64]
    rho: float
    degrees: int
    chisq: float | None
    p_value: float | None
    reason: str = ""


def log_rank(
    times: ArrayLike,
    is_event: ArrayLike,
    groups: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    rho: float = 0.0,
) -> LogRank:
    r"""Compare the hazards of several groups.

    At each time of an event, with :math:`d` events among :math:`n` at risk, :math:`n_g` of them
    in group g, :math:`d n_g / n` events are expected in it; the covariance is that of the
    multivariate hypergeometric distribution. Differences are weighted by :math:`S(t-)^\rho`, S
    the Kaplan-Meier curve of the stratum, and summed over times and strata.

    Parameters
    ----------
    times, is_event, entry
        as for `kaplan_meier`, shape (subjects,).
    groups
        label of each subject's group, shape (subjects,).
    strata
        label of each subject's stratum, shape (subjects,): subjects are compared within it.
    rho
        weight: 0 the log-rank test, 1 Peto and Peto's modification of the Gehan-Wilcoxon test.

    Raises
    ------
    DataError
        if a time, status, entry or label is not valid, or `rho` is negative.

    References
    ----------
    Harrington and Fleming, Biometrika 69 (1982) 553; R survival 3.5-3, ``survdiff``, which has
    no late entry: with it, the score test of a Cox model with exact ties.

    Examples
    --------
    >>> made = log_rank([6, 7, 10, 15, 19, 1, 3, 4, 8, 9], [1, 1, 0, 1, 0, 1, 1, 1, 1, 0],
    ...                 ["A"] * 5 + ["B"] * 5)
    >>> round(made.chisq, 5), made.degrees, round(made.p_value, 5)
    (1.97526, 1, 0.15989)
    """
    people = check_times(times, is_event, entry=entry)
    if not (np.isfinite(rho) and rho >= 0):
        raise DataError(f"rho is {rho}; expected 0 (log-rank), 1 (Peto-Peto) or another weight > 0")
    of, names = check_labels(groups, "groups", len(people))
    stratum = np.zeros(len(people), np.int64)
    if strata is not None:
        stratum, _ = check_labels(strata, "strata", len(people))
    observed, expected = np.zeros(len(names)), np.zeros(len(names))
    variance = np.zeros((len(names), len(names)))
    for each in np.unique(stratum):
        inside = stratum == each
        part = _compare(people.select(inside), of[inside], len(names), rho)
        observed, expected, variance = (
            total + new for total, new in zip((observed, expected, variance), part, strict=True)
        )
    n = np.bincount(of, minlength=len(names)).astype(np.int64)
    degrees, chisq, reason = _quadratic(observed - expected, expected, variance)
    p_value = None if chisq is None else float(chdtrc(degrees, chisq))
    return LogRank(names, n, observed, expected, variance, rho, degrees, chisq, p_value, reason)


def _compare(
    people: Times, of: NDArray[np.int64], n_groups: int, rho: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return weighted observed, expected and covariance within one stratum."""
    curve = product_limit(people)
    has_event = curve.events > 0
    at, d, n = curve.times[has_event], curve.events[has_event], curve.at_risk[has_event]
    before = np.concatenate([[1.0], curve.survival])[:-1][has_event]
    weight = before**rho
    members = np.zeros((n_groups, len(at)))
    events = np.zeros((n_groups, len(at)))
    for g in range(n_groups):
        own = people.select(of == g)
        entered = np.searchsorted(np.sort(own.entry), at, side="left")
        members[g] = entered - np.searchsorted(np.sort(own.exit), at, side="left")
        own_events = np.sort(own.exit[own.is_event])
        events[g] = np.searchsorted(own_events, at, side="right")
        events[g] -= np.searchsorted(own_events, at, side="left")
    share = members / n
    # One subject at risk has no variance: the factor (n - d) / (n - 1) is then 0 / 0.
    factor = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag((factor * share).sum(axis=1)) - (factor * share) @ share.T
    return (weight * events).sum(axis=1), (weight * d * share).sum(axis=1), variance


def _quadratic(
    difference: NDArray[np.float64], expected: NDArray[np.float64], variance: NDArray[np.float64]
) -> tuple[int, float | None, str]:
    """Return degrees of freedom and the quadratic form of the differences, or why there is none."""
    compared = np.flatnonzero(expected > 0)
    if len(compared) < 2:
        return 0, None, "fewer than two groups had anybody at risk at the time of an event"
    kept = compared[1:]
    matrix, vector = variance[np.ix_(kept, kept)], difference[kept]
    if np.linalg.matrix_rank(matrix, hermitian=True) < len(kept):
        return len(kept), None, "the groups were never at risk together, or all fell at once"
    return len(kept), float(vector @ np.linalg.solve(matrix, vector)), ""
