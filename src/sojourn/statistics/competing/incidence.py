"""Cumulative incidence of competing causes by Aalen and Johansen, with left truncation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError

CENSORED = 0
"""Code of a subject who left without any event, as in R; causes are 1 and above."""


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """The steps of all causes together: at each time a subject left, whatever the cause.

    `times`, shape (times,), ascending. `at_risk` and `censored`, shape (times,), and `events`,
    shape (times, causes): subjects under observation just before a time, and what happened at it.
    `incidence`, shape (times, causes), the probability of having had each cause by that time;
    `event_free`, shape (times,), of having had none: at every time they sum to 1.
    `causes` are the codes behind the columns. By subject: `entry` into observation
    (minus infinity: from the origin), the steps `first` to `last` at which it was at risk, and
    its cause's `column` (-1: censored).
    """

    causes: tuple[int, ...]
    times: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    incidence: NDArray[np.float64]
    event_free: NDArray[np.float64]
    entry: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    column: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("times", "at_risk", "events", "censored", "incidence", "event_free"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for name in ("entry", "first", "last", "column"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def n(self) -> int:
        """Return the number of subjects."""
        return len(self.first)

    def step(self, time: float) -> int:
        """Return the step that holds at `time`, -1 before the first; an event at `time` counts."""
        return int(np.searchsorted(self.times, time, side="right")) - 1

    def at_risk_at(self, time: float) -> int:
        """Return how many subjects were under observation just before `time`."""
        return int(((self.entry < time) & (self.times[self.last] >= time)).sum())

    def is_known_at(self, time: float) -> bool:
        """Tell whether anybody was followed to `time`, or nobody is left to have an event."""
        if not len(self.times):
            return False
        return bool(time <= self.times[-1] or self.event_free[-1] <= 0)


def cumulative_incidence(
    times: ArrayLike,
    causes: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    codes: Sequence[int] | None = None,
) -> CumulativeIncidence:
    r"""Return the cumulative incidence of every cause.

    .. math:: \hat F_k(t) = \sum_{t_i \le t} \hat S(t_i^-) \frac{d_{ki}}{n_i}, \qquad
              \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{\sum_k d_{ki}}{n_i}\right)

    Times are equal if and only if their numbers are: nothing is rounded and no tie is broken. Who
    is censored at a time is at risk for the events of that time.

    Parameters
    ----------
    times
        when each subject left, 0 or more, shape (subjects,), any unit.
    causes
        why, shape (subjects,): 0 censored, 1, 2, ... the cause of the event.
    entry
        since when each subject was under observation, shape (subjects,), before its time; None, or
        minus infinity for a subject: from the origin of the clock.
    codes
        the causes that there can be, each a column of the result; None: those that happened.

    Returns
    -------
        one step for each distinct time; no step without a subject.

    Raises
    ------
    DataError
        if lengths differ, a time is negative or no number, an entry is not before its time, or a
        cause is no code.

    References
    ----------
    Aalen and Johansen, Scand. J. Stat. 5 (1978) 141. Kalbfleisch and Prentice, The Statistical
    Analysis of Failure Time Data, 2nd edition, 8.2.

    Examples
    --------
    >>> curve = cumulative_incidence([1.0, 2.0, 3.0, 4.0], [1, 2, 0, 1])
    >>> curve.incidence[:, 0].tolist()
    [0.25, 0.25, 0.25, 0.75]
    """
    left, why, entered = checked_times(times, causes, entry)
    known = tuple(sorted({int(c) for c in why} - {CENSORED})) if codes is None else tuple(codes)
    if strange := sorted({int(c) for c in why} - {CENSORED, *known}):
        raise DataError(
            f"unknown cause {strange[0]}; expected {CENSORED} for censored or one of "
            f"{', '.join(map(str, known)) or 'none'}"
        )
    distinct, last = np.unique(left, return_inverse=True)
    first = np.searchsorted(distinct, entered, side="right")
    column = np.full(len(left), -1)
    for k, code in enumerate(known):
        column[why == code] = k
    counts = np.zeros((len(distinct), len(known) + 1), dtype=np.int64)
    np.add.at(counts, (last, column), 1)  # column -1, the last, holds the censored
    events = counts[:, : len(known)]
    at_risk = np.cumsum(np.bincount(first, minlength=len(distinct))[: len(distinct)])
    at_risk = at_risk - np.concatenate([[0], np.cumsum(counts.sum(axis=1))[:-1]])[: len(distinct)]
    event_free = np.cumprod((at_risk - events.sum(axis=1)) / at_risk)
    before = np.concatenate([[1.0], event_free[:-1]])[: len(distinct)]
    return CumulativeIncidence(
        causes=known,
        times=distinct,
        at_risk=at_risk.astype(np.int64),
        events=events,
        censored=counts[:, -1],
        incidence=np.cumsum((before / at_risk)[:, None] * events, axis=0),
        event_free=event_free,
        entry=entered,
        first=first.astype(np.int64),
        last=last.astype(np.int64),
        column=column.astype(np.int64),
    )


def checked_times(
    times: ArrayLike, causes: ArrayLike, entry: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return times, causes and entries (minus infinity: from the origin) as arrays.

    Raises
    ------
    DataError
        as `cumulative_incidence`, naming the first subject (counted from 0) that does not fit.
    """
    left = np.asarray(times, dtype=np.float64)
    why = np.asarray(causes, dtype=np.float64)
    none = np.full(left.shape, -np.inf)
    entered = none if entry is None else np.asarray(entry, dtype=np.float64)
    if left.ndim != 1 or why.shape != left.shape or entered.shape != left.shape:
        raise DataError(
            f"times have shape {left.shape}, causes {why.shape}, entries {entered.shape}; "
            "expected one of each for every subject"
        )
    _refuse(~(np.isfinite(left) & (left >= 0)), left, "time", "expected 0 or more")
    _refuse(~(np.isfinite(why) & (why >= 0) & (why == np.floor(why))), why, "cause",
            "expected 0 for censored, 1, 2, ... for a cause")  # fmt: skip
    _refuse(~(entered < left), entered, "entry", "expected before the time of leaving")
    return left, why.astype(np.int64), entered


def _refuse(
    wrong: NDArray[np.bool_], values: NDArray[np.float64], what: str, expected: str
) -> None:
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"subject {i} (from 0) has {what} {values[i]:g}; {expected}")
