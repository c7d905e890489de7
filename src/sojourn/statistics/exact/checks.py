"""What exact methods refuse: numbers that cannot be counts, levels or measured values."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError

Values = Sequence[float] | NDArray[np.float64]


def check_count(value: float, name: str) -> int:
    """Return `value` as a whole number of 0 or more.

    Raises
    ------
    DataError
        if it is negative, fractional or not a number.
    """
    if not np.isfinite(value) or value != int(value) or value < 0:
        raise DataError(f"{name} is {value}: expected a whole number, 0 or more")
    return int(value)


def check_successes(successes: float, n: float) -> tuple[int, int]:
    """Return successes and trials as whole numbers, 0 <= successes <= n and n >= 1.

    Raises
    ------
    DataError
        if the counts cannot be.
    """
    wrong = f"{successes} successes of {n}: expected 0 <= successes <= n and n >= 1"
    if not (np.isfinite(successes) and np.isfinite(n)):
        raise DataError(wrong)
    if not 0 <= successes <= n or n < 1 or successes != int(successes) or n != int(n):
        raise DataError(wrong)
    return int(successes), int(n)


def check_level(level: float) -> float:
    """Return `level`, strictly between 0 and 1.

    Raises
    ------
    DataError
        if it is not.
    """
    if not 0 < level < 1:
        raise DataError(f"level {level}: expected more than 0 and less than 1, such as 0.95")
    return level


def check_probability(value: float, name: str) -> float:
    """Return `value`, between 0 and 1.

    Raises
    ------
    DataError
        if it is not.
    """
    if not 0 <= value <= 1:
        raise DataError(f"{name} is {value}: expected a probability, 0 to 1")
    return value


def check_values(values: Values, name: str, *, at_least: int = 1) -> NDArray[np.float64]:
    """Return `values` as a vector of finite numbers.

    Raises
    ------
    DataError
        if one is not finite (naming the first), the shape is no vector, or there are too few.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}: expected one value a subject")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise DataError(
            f"{name}[{bad[0]}] is {array[bad[0]]}: expected finite numbers; leave out subjects "
            "whose value is missing, and count them"
        )
    if array.size < at_least:
        raise DataError(f"{name} has {array.size} values: expected {at_least} or more")
    return array


def tie_tolerance(values: NDArray[np.float64]) -> float:
    """Return the difference up to which sums of `values` are taken as equal.

    1e-12 of the largest absolute value: some thousand roundings, so that ties of decimal data stay
    ties, whatever the order of summation.
    """
    return 1e-12 * float(np.abs(values).max(initial=0.0))


def extended_note(lower: float, value: float, upper: float) -> tuple[str, ...]:
    """Return the statement on an interval that leaves out the estimate itself, or nothing.

    Intervals of a very low level may; an `Estimate` is then given with the wider of both.
    """
    if lower <= value <= upper:
        return ()
    return (f"the interval, {lower:.6g} to {upper:.6g}, is extended to the estimate itself",)
