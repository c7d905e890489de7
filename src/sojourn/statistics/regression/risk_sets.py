"""Who is at risk when events happen: rows of a counting process, in strata, sorted once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.statistics.survival.inputs import check_labels, check_times

Array = NDArray[np.float64]
CELLS = 4_000_000
"""Of the mask of rows at risk by event times, made at once where subjects enter late."""


@dataclass(frozen=True, slots=True, eq=False)
class CountingProcess:
    """Rows (entry, exit] in which a subject is under observation, and which end in an event.

    All of shape (rows,). `entry` is -infinity for a row that is observed from the origin of the
    clock, so that an event at time 0 counts. `stratum` numbers the strata from 0.
    """

    entry: Array
    exit: Array
    is_event: NDArray[np.bool_]
    stratum: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("entry", "exit", "is_event", "stratum"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def n_events(self) -> int:
        """Return the number of events."""
        return int(self.is_event.sum())


def counting_process(
    exit: Array,  # noqa: A002 - the field's own word, beside entry
    is_event: NDArray[np.bool_],
    *,
    entry: Array | None = None,
    strata: NDArray[Any] | None = None,
) -> CountingProcess:
    """Return checked rows of a counting process.

    Parameters
    ----------
    exit
        time of the event or of the end of observation, 0 or more, any unit, shape (rows,).
    is_event
        True where the row ends in the event, shape (rows,).
    entry
        time after which the row is at risk, 0 or more and before `exit`, or -infinity; None: from
        the origin of the clock for all.
    strata
        label of each row's stratum, shape (rows,); None: one stratum.

    Raises
    ------
    DataError
        if shapes differ, a time is negative or not finite, or an entry is not before its exit.
    """
    times = check_times(exit, is_event, entry=entry)
    stratum = np.zeros(len(times), dtype=np.int64)
    if strata is not None:
        stratum, _ = check_labels(strata, "strata", len(times))
    return CountingProcess(times.entry, times.exit, times.is_event, stratum)


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """One stratum's distinct event times and who is at risk at each.

    `rows` index the stratum's rows in the counting process, by exit; `entry` theirs, or None if
    all are observed from the origin. `times` and `deaths` have shape (times,): each distinct event
    time and its number of events. `first` is, for each time, the first of `rows` whose exit is not
    earlier. `dying` are the positions in `rows` of those with an event, `at` the time of each.
    """

    rows: NDArray[np.int64]
    entry: Array | None
    times: Array
    deaths: NDArray[np.int64]
    first: NDArray[np.int64]
    dying: NDArray[np.int64]
    at: NDArray[np.int64]

    def members(self, k: int) -> NDArray[np.int64]:
        """Return the positions in `rows` of those at risk at the `k`-th time."""
        found = np.arange(self.first[k], len(self.rows))
        return found if self.entry is None else found[self.entry[found] < self.times[k]]

    def highest(self, values: Array) -> Array:
        """Return the largest of `values` (rows,) of those at risk at each time, (times,)."""
        if self.entry is None:
            from_the_end: Array = np.maximum.accumulate(values[::-1])[::-1]
            return from_the_end[self.first]
        return np.array([values[self.members(k)].max() for k in range(len(self.times))])

    def sums(self, values: Array) -> Array:
        """Return the sums of `values` (rows, k) over those at risk at each time, (times, k)."""
        if self.entry is None:
            from_the_end: Array = np.cumsum(values[::-1], axis=0)[::-1]
            return from_the_end[self.first]
        # Sums over a mask: a running sum from which those not yet in are subtracted would lose
        # all digits where one subject outweighs the others.
        made = np.empty((len(self.times), values.shape[1]))
        chunk = max(1, CELLS // max(1, len(self.rows)))
        for i in range(0, len(self.times), chunk):
            part = slice(i, i + chunk)
            mask = self.entry[None, :] < self.times[part, None]
            mask &= np.arange(len(self.rows))[None, :] >= self.first[part, None]
            made[part] = mask.astype(np.float64) @ values
        return made

    def sums_of_dying(self, values: Array) -> Array:
        """Return the sums of `values` (rows, k) over those with an event, by time, (times, k)."""
        made = np.zeros((len(self.times), values.shape[1]))
        np.add.at(made, self.at, values[self.dying])
        return made


def risk_sets(process: CountingProcess) -> list[RiskSets]:
    """Return the risk sets of each stratum in which an event happens."""
    made = []
    for stratum in np.unique(process.stratum[process.is_event]).tolist():
        rows = np.flatnonzero(process.stratum == stratum)
        rows = rows[np.argsort(process.exit[rows], kind="stable")]
        exits, events = process.exit[rows], process.is_event[rows]
        times, deaths = np.unique(exits[events], return_counts=True)
        entry = process.entry[rows]
        made.append(
            RiskSets(
                rows=rows,
                entry=None if np.isneginf(entry).all() else entry,
                times=times,
                deaths=deaths,
                first=np.searchsorted(exits, times, side="left"),
                dying=np.flatnonzero(events),
                at=np.searchsorted(times, exits[events]),
            )
        )
    return made
