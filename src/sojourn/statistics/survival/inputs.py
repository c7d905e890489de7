"""Arrays of times to an event, checked: one clear error, naming the index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Times:
    """Checked times of some subjects, arrays of shape (subjects,).

    A subject is at risk on (entry, exit]. `entry` is -inf for who was under observation from the
    origin, so that an event at time 0 is one.
    """

    exit: NDArray[np.float64]
    is_event: NDArray[np.bool_]
    entry: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.exit)

    @property
    def is_truncated(self) -> bool:
        """Tell whether somebody came under observation after the origin."""
        return bool((self.entry > 0).any())

    def select(self, chosen: NDArray[np.bool_]) -> "Times":
        """Return the subjects where `chosen`, shape (subjects,), is True."""
        return Times(self.exit[chosen], self.is_event[chosen], self.entry[chosen])


def check_times(times: ArrayLike, is_event: ArrayLike, *, entry: ArrayLike | None = None) -> Times:
    """Return the arrays as `Times`.

    Parameters
    ----------
    times
        time of each subject's event or censoring, 0 or more, in any unit, shape (subjects,).
    is_event
        True (or 1) for an event, False (or 0) for a censored time, shape (subjects,).
    entry
        time from which each subject was under observation (left truncation), shape (subjects,);
        0 or -inf, as None for all, from the origin on.

    Returns
    -------
        the same numbers as arrays of one length. Times are tied if and only if they are equal
        as floats: nothing is rounded and nothing is jittered.

    Raises
    ------
    DataError
        if shapes differ, a time is negative or not finite, a status is neither 0 nor 1, or an
        entry is NaN, negative, or not before the exit; the message names the index.
    """
    exits = _as_vector(times, "times")
    status = _as_vector(is_event, "is_event")
    entries = np.full(exits.shape, -np.inf) if entry is None else _as_vector(entry, "entry")
    if not len(exits) == len(status) == len(entries):
        raise DataError(
            f"{len(exits)} times, {len(status)} statuses and {len(entries)} entries; expected one "
            "of each for every subject"
        )
    _refuse(~np.isfinite(exits) | (exits < 0), "time", exits, "a finite number, 0 or more")
    _refuse((status != 0) & (status != 1), "status", status, "0 (censored) or 1 (event)")
    wrong = np.isnan(entries) | ((entries < 0) & (entries != -np.inf))
    _refuse(wrong, "entry", entries, "0 or more, or -inf for the origin")
    late = entries >= exits
    if late.any():
        i = int(np.argmax(late))
        raise DataError(
            f"index {i}: entry {entries[i]:g} is not before the exit {exits[i]:g}; a subject is at "
            "risk after entry, up to and including exit"
        )
    return Times(exits, status == 1, np.where(entries > 0, entries, -np.inf))


def check_labels(labels: ArrayLike, name: str, n: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the index of each subject's label among the labels in order, and these as text.

    Numbers are ordered as numbers, text as text.

    Raises
    ------
    DataError
        if there is not one label for each of the `n` subjects, or one is missing.
    """
    given = np.asarray(labels)
    if given.shape != (n,):
        raise DataError(f"{name} have shape {given.shape}; expected one for each of {n} subjects")
    if given.dtype.kind == "f":
        _refuse(~np.isfinite(given), name, given, "a label for each subject")
    elif given.dtype.kind == "O":
        _refuse(np.array([g is None for g in given], bool), name, given, "a label for each subject")
        given = given.astype(str)
    distinct, where = np.unique(given, return_inverse=True)
    return where.reshape(-1).astype(np.int64), tuple(str(each) for each in distinct.tolist())


def _as_vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers, one for each subject") from error
    if array.ndim != 1:
        raise DataError(f"{name} have shape {array.shape}; expected (subjects,)")
    return array


def _refuse(
    wrong: NDArray[np.bool_], name: str, values: NDArray[np.generic], expected: str
) -> None:
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"index {i}: {name} is {values[i]}; expected {expected}")
