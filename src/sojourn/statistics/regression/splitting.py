"""Covariates that change: a subject's time cut into rows of a counting process."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.regression.risk_sets import counting_process

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SplitRows:
    """Rows (entry, exit] after a split, in the order of the subjects, all of shape (rows,).

    `subject` is the index of the row's subject in the arrays that were split: a covariate that
    does not change is ``covariate[rows.subject]``. `has_changed` is the time-dependent covariate.
    """

    subject: NDArray[np.int64]
    entry: Array
    exit: Array
    is_event: NDArray[np.bool_]
    has_changed: NDArray[np.bool_]


def split_at(
    exit: Array,  # noqa: A002 - the field's own word, beside entry
    is_event: NDArray[np.bool_],
    change: Array,
    *,
    entry: Array | None = None,
) -> SplitRows:
    """Cut each subject's time where something changes, for instance at platelet recovery.

    What happens after day 0 is no covariate of day 0: who recovers at day 40 has survived to day
    40, and a comparison from day 0 on gives the recovered those days as a gift (immortal time).
    After the cut a subject counts as not recovered until the change, as recovered afterwards.

    Parameters
    ----------
    exit
        time of event or end of observation, 0 or more, any unit, shape (subjects,).
    is_event
        True where it is the event, shape (subjects,).
    change
        time of the change, shape (subjects,); NaN for never. A change at `exit` or later is not
        seen: an event on the day of the change counts as before it.
    entry
        start of observation, before `exit`, shape (subjects,); None: the origin. Who changed at
        `entry` or before is changed from the start.

    Returns
    -------
        one row for each subject, two for those who change under observation; `fit_cox` takes them.

    Raises
    ------
    DataError
        if the rows are not a counting process, or a change is negative or infinite.

    References
    ----------
    Andersen and Gill, Ann. Stat. 10 (1982) 1100. Anderson, Cain and Gelber, J. Clin. Oncol. 1
    (1983) 710 (responders against non-responders).

    Examples
    --------
    >>> import numpy as np
    >>> rows = split_at(np.array([9.0, 5.0]), np.array([True, True]), np.array([4.0, np.nan]))
    >>> rows.entry.tolist(), rows.exit.tolist()
    ([0.0, 4.0, 0.0], [4.0, 9.0, 5.0])
    >>> rows.is_event.tolist(), rows.has_changed.tolist()
    ([False, True, True], [False, True, False])
    """
    process = counting_process(exit, is_event, entry=entry)
    # From the origin on is from 0, unless the row is but the origin.
    start = np.where(process.exit > 0, np.maximum(process.entry, 0.0), process.entry)
    changes = np.asarray(change, dtype=np.float64)
    if changes.shape != process.exit.shape:
        raise DataError(f"change has shape {changes.shape}; expected {process.exit.shape}")
    wrong = np.isinf(changes) | (changes < 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"row {row} changes at {changes[row]:g}; expected a time >= 0, or NaN")
    is_cut = (changes > start) & (changes < process.exit)
    subject = np.repeat(np.arange(len(changes)), 1 + is_cut)
    is_second = np.concatenate([[False], subject[1:] == subject[:-1]])[: len(subject)]
    is_first = is_cut[subject] & ~is_second
    return SplitRows(
        subject=subject,
        entry=np.where(is_second, changes[subject], start[subject]),
        exit=np.where(is_first, changes[subject], process.exit[subject]),
        is_event=process.is_event[subject] & ~is_first,
        has_changed=is_second | (changes <= start)[subject],
    )
