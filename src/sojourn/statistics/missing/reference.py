"""Means that are assumed for a subject after its last visit, by reference to another arm."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError

Floats = NDArray[np.float64]

Assumption = Literal["missing_at_random", "jump_to_reference", "copy_increments", "copy_reference"]

ASSUMPTIONS = (
    "missing_at_random",
    "jump_to_reference",
    "copy_increments",
    "copy_reference",
)
"""Names of the assumptions that `assumed_means` knows."""


def last_observed(values: ArrayLike) -> NDArray[np.int64]:
    """Return the index of the last visit with a value of each row (n), -1 where there is none."""
    there = ~np.isnan(np.asarray(values, dtype=np.float64))
    m = there.shape[1]
    return np.where(there.any(axis=1), m - 1 - np.argmax(there[:, ::-1], axis=1), -1)


def assumed_means(
    own: ArrayLike, reference: ArrayLike, last: ArrayLike, *, assumption: Assumption
) -> Floats:
    """Return the mean (n, m) from which each subject's missing visits are drawn.

    Parameters
    ----------
    own
        (n, m), the mean of each subject in its own arm.
    reference
        (n, m), its mean if it were in the reference arm.
    last
        (n), index of the last visit with a value; -1 where there is none.
    assumption
        "missing_at_random": as in the own arm. "jump_to_reference": as in the reference arm after
        the last visit, own before. "copy_increments": own up to the last visit, then the reference
        arm's changes from there (from baseline, where no visit has a value). "copy_reference": as
        in the reference arm throughout.

    Returns
    -------
        (n, m).

    Raises
    ------
    DataError
        if shapes differ or the assumption is unknown.

    References
    ----------
    Carpenter, Roger and Kenward, J. Biopharm. Stat. 23 (2013) 1352.

    Examples
    --------
    >>> assumed_means([[5, 3, 1]], [[6, 6, 7]], [0], assumption="jump_to_reference").tolist()
    [[5.0, 6.0, 7.0]]
    >>> assumed_means([[5, 3, 1]], [[6, 6, 7]], [0], assumption="copy_increments").tolist()
    [[5.0, 5.0, 6.0]]
    """
    mine, other = np.array(own, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    at = np.asarray(last, dtype=np.int64)
    if mine.ndim != 2 or mine.shape != other.shape or at.shape != mine.shape[:1]:
        raise DataError(f"means have shapes {mine.shape} and {other.shape}, last {at.shape}")
    if assumption == "missing_at_random":
        return mine
    if assumption == "copy_reference":
        return other.copy()
    after = np.arange(mine.shape[1]) > at[:, None]
    if assumption == "jump_to_reference":
        return np.where(after, other, mine)
    if assumption == "copy_increments":
        place = np.maximum(at, 0)[:, None]
        shift = np.take_along_axis(mine - other, place, axis=1)
        return np.where(after, other + np.where(at[:, None] < 0, 0.0, shift), mine)
    raise DataError(f"assumption {assumption!r} is unknown; known: {', '.join(ASSUMPTIONS)}")
