"""Who is at risk when, with late entry; and where a risk set is empty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.survival.inputs import Times


def count_at_risk(people: Times, at: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many are at risk just before each time of `at`: entry < t <= exit.

    Parameters
    ----------
    people
        checked times, shape (subjects,).
    at
        times, any shape.

    Returns
    -------
        counts, shape of `at`.
    """
    entered = np.searchsorted(np.sort(people.entry), at, side="left")
    gone = np.searchsorted(np.sort(people.exit), at, side="left")
    return (entered - gone).astype(np.int64)


def count_fewest_at_risk(people: Times, at: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the smallest number ever at risk from the first entry up to each time of `at`.

    Without late entry that is the number at risk just before the time. With it, a large risk set
    of late entrants says nothing on an earlier stretch that few were watched through.

    Parameters
    ----------
    people
        checked times, shape (subjects,).
    at
        times, any shape.

    Returns
    -------
        counts, shape of `at`; 0 where nobody was at risk at some time in between.
    """
    changes, after = _levels(people)
    if len(changes) == 0:
        return np.zeros(np.shape(at), dtype=np.int64)
    before_all = int((people.entry == -np.inf).sum())
    levels = np.concatenate([[before_all], after])
    started = np.concatenate([[before_all > 0], changes >= people.entry.min()])
    lowest = np.minimum.accumulate(np.where(started, levels, len(people)))
    index = np.searchsorted(changes, at, side="left")
    return np.where(started[index], lowest[index], 0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Truncation:
    """What late entry did to the risk sets; times in the unit of the data.

    `first_entry`: nobody was under observation before it (0 if somebody was from the origin).
    `gaps`: stretches within follow-up with nobody at risk, though some entered later.
    `exhausted`: where all that were at risk had the event and others entered later, so that the
    product would stay 0 whatever they do; else None. `n_later` entered at or after that time.
    """

    n_late: int
    first_entry: float
    gaps: tuple[tuple[float, float], ...]
    exhausted: float | None
    n_later: int

    def describe(self, n: int) -> tuple[str, ...]:
        """Return statements that a reader of the estimate must see, for `n` subjects."""
        if self.n_late == 0:
            return ()
        notes = [f"{self.n_late} of {n} came under observation after the origin (left truncation)"]
        if self.first_entry > 0:
            notes.append(
                f"nobody was under observation up to day {self.first_entry:g}: this is survival of "
                "those event-free then"
            )
        if self.exhausted is not None:
            notes.append(
                f"all who were at risk on day {self.exhausted:g} had the event, and {self.n_later} "
                "came under observation later: from that day on nothing is estimable"
            )
        for start, end in self.gaps:
            notes.append(
                f"nobody was at risk between day {start:g} and day {end:g}: no event there could "
                "be seen, and survival holds its value"
            )
        return tuple(notes)


def find_truncation(people: Times) -> Truncation:
    """Return where late entry left the risk set empty, or ended the curve at 0 too early.

    Parameters
    ----------
    people
        checked times, shape (subjects,).
    """
    n_late = int((people.entry > 0).sum())
    if n_late == 0:
        return Truncation(0, 0.0, (), None, 0)
    changes, after = _levels(people)
    last_entry = float(people.entry.max())
    first_entry = max(float(people.entry.min()), 0.0)
    is_gap = (after == 0) & (changes < last_entry)
    nexts = people.entry[people.entry > -np.inf]
    gaps = tuple((float(t), float(nexts[nexts >= t].min())) for t in changes[is_gap])
    exhausted = _find_exhaustion(people)
    n_later = 0 if exhausted is None else int((people.entry >= exhausted).sum())
    if n_later == 0:
        exhausted = None
    before = tuple(gap for gap in gaps if exhausted is None or gap[0] < exhausted)
    return Truncation(n_late, first_entry, before, exhausted, n_later)


def _find_exhaustion(people: Times) -> float | None:
    """Return the first time at which everybody at risk has the event, or None."""
    times, events = np.unique(people.exit[people.is_event], return_counts=True)
    everybody = count_at_risk(people, times) == events
    return float(times[np.argmax(everybody)]) if everybody.any() else None


def _levels(people: Times) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the times of any entry or exit, and the number at risk just after each."""
    entered = people.entry[people.entry > -np.inf]
    changes = np.unique(np.concatenate([entered, people.exit]))
    inside = np.searchsorted(np.sort(people.entry), changes, side="right")
    gone = np.searchsorted(np.sort(people.exit), changes, side="right")
    return changes, (inside - gone).astype(np.int64)
