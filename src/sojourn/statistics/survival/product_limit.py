"""The product-limit estimate of survival, with late entry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.statistics.survival.inputs import Times, check_times
from sojourn.statistics.survival.risk_sets import count_at_risk


@dataclass(frozen=True, slots=True)
class Survival:
    """The steps of one curve, shape (times,), times ascending.

    `variance` is Greenwood's sum: the variance of the logarithm of survival.
    """

    times: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    survival: NDArray[np.float64]
    variance: NDArray[np.float64]


def kaplan_meier(
    times: ArrayLike, is_event: ArrayLike, *, entry: ArrayLike | None = None
) -> Survival:
    r"""Return the product-limit estimate of survival.

    .. math:: \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right), \qquad
              V(t) = \sum_{t_i \le t} \frac{d_i}{n_i (n_i - d_i)}

    Parameters
    ----------
    times
        time of each subject, 0 or more, shape (subjects,).
    is_event
        True for an event, False for a censored time, shape (subjects,). A subject censored at a
        time is at risk for the events of that time.
    entry
        time from which each was under observation, shape (subjects,): at risk on (entry, time].
        None, or -inf, is from the origin on.

    Returns
    -------
        one step for each distinct time; `variance` is infinite once nobody survives. Where late
        entry leaves a risk set that dies out, survival is 0 from there, whoever enters later
        (`risk_sets.find_truncation` tells).

    Raises
    ------
    DataError
        if a time, a status or an entry is not valid, naming its index.

    References
    ----------
    Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457. Greenwood 1926. Late entry: Klein and
    Moeschberger, Survival Analysis, 2nd ed., 4.6.

    Examples
    --------
    >>> kaplan_meier([1, 2, 3, 3, 4], [1, 0, 1, 0, 1]).survival.round(4).tolist()
    [0.8, 0.8, 0.5333, 0.0]
    >>> kaplan_meier([1, 2, 3, 3, 4], [1, 0, 1, 0, 1], entry=[0, 0, 2, 0, 0]).at_risk.tolist()
    [4, 3, 3, 1]
    """
    return product_limit(check_times(times, is_event, entry=entry))


def product_limit(people: Times) -> Survival:
    """Return the product-limit estimate of checked times; see `kaplan_meier`."""
    distinct, where = np.unique(people.exit, return_inverse=True)
    events = np.bincount(where, weights=people.is_event, minlength=len(distinct)).astype(np.int64)
    leaving = np.bincount(where, minlength=len(distinct)).astype(np.int64)
    at_risk = count_at_risk(people, distinct)
    surviving = at_risk - events
    with np.errstate(divide="ignore"):
        terms = np.where(events > 0, events / (at_risk * surviving), 0.0)
    return Survival(
        times=distinct,
        at_risk=at_risk,
        events=events,
        censored=leaving - events,
        survival=np.cumprod(surviving / at_risk, dtype=np.float64),
        variance=np.cumsum(terms),
    )


def find_survival(
    curve: Survival, at: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return survival and its Greenwood sum at some times; an event on the very time counts.

    Parameters
    ----------
    curve
        the steps.
    at
        times, any shape. Beyond the last step its value is carried on; whether that is
        acceptable is for the caller to decide.

    Returns
    -------
        survival and the variance of its logarithm, shape of `at`; 1 and 0 before the first step.
    """
    index = np.searchsorted(curve.times, np.asarray(at, dtype=np.float64), side="right")
    survival = np.concatenate([[1.0], curve.survival])[index]
    variance = np.concatenate([[0.0], curve.variance])[index]
    return survival, variance


def count_events(curve: Survival, at: ArrayLike) -> NDArray[np.int64]:
    """Return the number of events up to and including each time of `at`, in its shape.

    Events after survival has reached 0 (late entry alone makes them) are not counted: they no
    longer bear on the curve.
    """
    ended = np.concatenate([[False], curve.survival[:-1] == 0]) if len(curve.times) else False
    so_far = np.concatenate([[0], np.cumsum(np.where(ended, 0, curve.events))])
    index = np.searchsorted(curve.times, np.asarray(at, dtype=np.float64), side="right")
    return so_far[index].astype(np.int64)
