"""Gray's test that the incidence of one cause is equal in several groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from sojourn.core.errors import DataError
from sojourn.statistics.competing.incidence import checked_times

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GrayTest:
    """`statistic` is chi-squared with `degrees` degrees of freedom under equal incidences.

    `statistic` and `p_value` are None, with the `reason`, where the data allow no test.
    """

    statistic: float | None
    degrees: int
    p_value: float | None
    reason: str = ""


def gray_test(
    times: ArrayLike,
    causes: ArrayLike,
    groups: ArrayLike,
    *,
    cause: int = 1,
    rho: float = 0.0,
    strata: ArrayLike | None = None,
) -> GrayTest:
    r"""Return Gray's k-sample test of the cumulative incidence of one cause.

    With n_k at risk and event-free share S_k in group k, :math:`h_k = n_k / S_k(t^-)` and
    :math:`R_k = h_k (1 - F_k(t^-))`, the score of group k is

    .. math:: z_k = \sum_t (1 - F(t^-))^\rho \left(d_k(t) - d(t) \frac{R_k(t)}{R(t)}\right),

    a letter without index being the sum over groups, and F the sum of :math:`d/h`. Its covariance
    sums squared influences of both kinds of event in every group, with the same ties' correction
    as the variance of the incidence (`aalen_variance`).

    Parameters
    ----------
    times
        when each subject left, 0 or more, shape (subjects,), any unit.
    causes
        0 censored, 1, 2, ... the cause of the event, shape (subjects,).
    groups
        of each subject, any labels, shape (subjects,).
    cause
        the cause that is compared.
    rho
        0 weighs all times alike; above 0 early ones more.
    strata
        any labels, shape (subjects,): groups are compared within strata only; None: one.

    Returns
    -------
        the test; not made with fewer than two groups or no event of the cause, or where groups were
        never at risk together.

    Raises
    ------
    DataError
        if lengths differ, a time is negative or no number, or a cause is no code.

    References
    ----------
    Gray, Ann. Stat. 16 (1988) 1141.

    Examples
    --------
    >>> made = gray_test([1, 2, 3, 4, 5, 6], [1, 1, 2, 0, 1, 0], [0, 0, 0, 1, 1, 1])
    >>> made.degrees
    1
    """
    left, why, _ = checked_times(times, causes, None)
    names, group = _labels(groups, left.shape, "groups")
    layers, stratum = _labels(np.zeros(left.shape) if strata is None else strata, left.shape,
                              "strata")  # fmt: skip
    if len(names) < 2:
        return GrayTest(None, 0, None, f"{len(names)} group: nobody to compare with")
    if not (why == cause).any():
        return GrayTest(None, len(names) - 1, None, f"no event of cause {cause}")
    score, covariance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for layer in range(len(layers)):
        inside = stratum == layer
        parts = _scores(left[inside], why[inside], group[inside], len(names), cause, rho)
        score, covariance = score + parts[0], covariance + parts[1]
    return _chi_squared(score, covariance)


def _chi_squared(score: Floats, covariance: Floats) -> GrayTest:
    """Return the quadratic form of all scores but the last, which the others determine."""
    degrees = len(score) - 1
    z, v = score[:-1], covariance[:-1, :-1]
    if np.linalg.matrix_rank(v, hermitian=True) < degrees:
        return GrayTest(None, degrees, None, "some groups were never at risk together")
    statistic = float(z @ np.linalg.solve(v, z))
    return GrayTest(statistic, degrees, float(chdtrc(degrees, statistic)))


def _labels(
    values: ArrayLike, shape: tuple[int, ...], what: str
) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    labels = np.asarray(values)
    if labels.shape != shape:
        raise DataError(f"{what} have shape {labels.shape}, times {shape}; expected one each")
    names, index = np.unique(labels, return_inverse=True)
    return names, index


def _scores(
    left: Floats,
    why: NDArray[np.int64],
    group: NDArray[np.intp],
    n_groups: int,
    cause: int,
    rho: float,
) -> tuple[Floats, Floats]:
    """Return one stratum's scores, shape (groups,), and their covariance, (groups, groups)."""
    if not (why > 0).any():
        return np.zeros(n_groups), np.zeros((n_groups, n_groups))
    n, own, other = _counts(left, why, group, n_groups, cause)
    after = np.cumprod(np.where(n > 0, (n - own - other) / np.maximum(n, 1), 1.0), axis=0)
    before = np.vstack([np.ones(n_groups), after[:-1]])
    present = n > 0
    h = np.where(present, n / np.where(present, before, 1.0), 0.0)
    incidence = np.cumsum(own / np.where(present, h, 1.0), axis=0)
    incidence_before = np.vstack([np.zeros(n_groups), incidence[:-1]])
    r = h * (1 - incidence_before)
    d = own.sum(axis=1)
    pooled = np.cumsum(d / h.sum(axis=1))
    free_before = 1 - np.concatenate([[0.0], pooled[:-1]])
    weight = free_before**rho
    score = (weight[:, None] * (own - d[:, None] * r / r.sum(axis=1, keepdims=True))).sum(axis=0)
    # One group alone has nothing to be compared with, and the pooled share may then pass 1.
    compared = present.sum(axis=1) > 1
    hazard = np.divide(d, h.sum(axis=1) * free_before, out=np.zeros_like(d), where=compared)
    jump = weight[:, None, None] * _centered(h)
    rest = np.cumsum(jump * hazard[:, None, None], axis=0)
    rest = rest[-1] - rest
    alive = after > 0
    odds = np.where(alive, (1 - pooled)[:, None] / np.where(alive, after, 1.0), 0.0)
    # A subject lost to the cause, and one lost to another: what each moves, by (time, i, group k).
    own_slope = np.where(alive, 1 - odds, 1.0)
    ours = jump + own_slope[:, None, :] * rest
    theirs = odds[:, None, :] * rest
    spread = _spread(n, before, d, h, other, alive)
    covariance = np.einsum("tik,tjk,tk->ij", ours, ours, spread[0], optimize=True)
    covariance += np.einsum("tik,tjk,tk->ij", theirs, theirs, spread[1], optimize=True)
    return score, covariance


def _counts(
    left: Floats, why: NDArray[np.int64], group: NDArray[np.intp], n_groups: int, cause: int
) -> tuple[Floats, Floats, Floats]:
    """Return at risk, events of the cause and other events by event time and group."""
    times = np.unique(left[why > 0])
    own, other = np.zeros((len(times), n_groups)), np.zeros((len(times), n_groups))
    where = np.searchsorted(times, left)
    is_own, is_other = why == cause, (why > 0) & (why != cause)
    np.add.at(own, (where[is_own], group[is_own]), 1)
    np.add.at(other, (where[is_other], group[is_other]), 1)
    n = np.stack(
        [
            (group == k).sum() - np.searchsorted(np.sort(left[group == k]), times)
            for k in range(n_groups)
        ],
        axis=1,
    )
    return n.astype(np.float64), own, other


def _centered(h: Floats) -> Floats:
    """Return diag(h) - h h' / sum(h) for every time, shape (times, groups, groups)."""
    total = h.sum(axis=1)
    return np.asarray(
        np.einsum("ti,ik->tik", h, np.eye(h.shape[1]))
        - h[:, :, None] * h[:, None, :] / total[:, None, None]
    )


def _spread(
    n: Floats, before: Floats, d: Floats, h: Floats, other: Floats, alive: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return the variances of one group's incidence of the cause, and of other causes, by time.

    The cause's events are expected ones, as under equal incidences; the others are observed ones.
    """
    total = h.sum(axis=1, keepdims=True)
    safe = np.maximum(n, 1)
    expected_ties = np.where(
        (d > 1)[:, None], 1 - (d - 1)[:, None] / np.maximum(total * before - 1, 1e-300), 1.0
    )
    own = np.where(n > 0, expected_ties * before * d[:, None] / (total * safe), 0.0)
    ties = np.where(other > 1, 1 - (other - 1) / np.maximum(n - 1, 1), 1.0)
    return own, np.where(alive, ties * before**2 * other / safe**2, 0.0)
