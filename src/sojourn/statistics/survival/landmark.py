"""Who is still at risk at a landmark, and what was known of each by then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import Times, check_times


@dataclass(frozen=True, slots=True)
class Landmark:
    """The subjects at risk just after the landmark, and how many were not, by cause.

    `chosen` is shape (subjects,). `n_event` had the event by the landmark (on its day too),
    `n_censored` were last seen by then, `n_not_entered` came under observation after it.
    """

    chosen: NDArray[np.bool_]
    n_event: int
    n_censored: int
    n_not_entered: int


def select_at_landmark(
    times: ArrayLike, is_event: ArrayLike, *, landmark: float, entry: ArrayLike | None = None
) -> Landmark:
    """Return who was event-free and under observation at the landmark.

    Parameters
    ----------
    times, is_event, entry
        as for `kaplan_meier`, shape (subjects,).
    landmark
        time of the landmark, in the unit of the times, 0 or more. A subject whose time is the
        landmark's is not at risk after it.

    Raises
    ------
    DataError
        if the landmark is negative or not finite, or a time, status or entry is not valid.

    References
    ----------
    Anderson, Cain and Gelber, J. Clin. Oncol. 1 (1983) 710.

    Examples
    --------
    >>> made = select_at_landmark([5, 30, 60, 90], [1, 0, 1, 0], landmark=30)
    >>> made.chosen.tolist(), made.n_event, made.n_censored
    ([False, False, True, True], 1, 1)
    """
    if not (np.isfinite(landmark) and landmark >= 0):
        raise DataError(f"the landmark is {landmark}; expected a time, 0 or more")
    people = check_times(times, is_event, entry=entry)
    left = people.exit <= landmark
    absent = ~left & (people.entry > landmark)
    return Landmark(
        chosen=~left & ~absent,
        n_event=int((left & people.is_event).sum()),
        n_censored=int((left & ~people.is_event).sum()),
        n_not_entered=int(absent.sum()),
    )


def start_at_landmark(people: Times, found: Landmark, *, landmark: float) -> Times:
    """Return the chosen subjects, at risk from the landmark on, on the old clock."""
    chosen = people.select(found.chosen)
    return Times(chosen.exit, chosen.is_event, np.full(len(chosen), float(landmark)))


def find_status(reached_on: ArrayLike, times: ArrayLike, *, landmark: float) -> NDArray[np.bool_]:
    """Return who had reached a status by the landmark; what came later is not used.

    Parameters
    ----------
    reached_on
        time at which each subject reached the status (a response, say), NaN for never, shape
        (subjects,).
    times
        each subject's time of event or censoring: a status after it cannot have been seen.
    landmark
        time of the landmark.

    Returns
    -------
        True where ``reached_on <= landmark``, shape (subjects,).

    Raises
    ------
    DataError
        if shapes differ, or a status was reached after the subject's own event or censoring;
        the message names the index.
    """
    reached, exits = np.asarray(reached_on, float), np.asarray(times, float)
    if reached.shape != exits.shape:
        raise DataError(f"{reached.shape} statuses for {exits.shape} times; expected one for each")
    after = reached > exits
    if after.any():
        i = int(np.argmax(after))
        raise DataError(
            f"index {i}: the status was reached at {reached[i]:g}, after the subject's own event "
            f"or censoring at {exits[i]:g}"
        )
    return reached <= landmark


def check_known(known_on: ArrayLike, *, landmark: float) -> None:
    """Refuse groups that were settled only after the landmark.

    Whoever responds on day 60 has survived to day 60. To call that subject a responder from day
    30 on gives its group 30 days in which nobody could die (immortal time).

    Parameters
    ----------
    known_on
        time at which each compared subject's group became known, shape (subjects,).
    landmark
        time of the landmark.

    Raises
    ------
    DataError
        if one is missing or later than the landmark, naming the index.

    References
    ----------
    Anderson, Cain and Gelber, J. Clin. Oncol. 1 (1983) 710.
    """
    known = np.asarray(known_on, float)
    if np.isnan(known).any():
        i = int(np.argmax(np.isnan(known)))
        raise DataError(f"index {i}: it is not stated when the group became known")
    late = known > landmark
    if late.any():
        i = int(np.argmax(late))
        raise DataError(
            f"index {i}: the group became known at {known[i]:g}, after the landmark "
            f"{landmark:g}; classify by what was known at the landmark"
        )
