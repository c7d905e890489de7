"""Standard errors of means, and values that show none."""

import math
import sys
from collections.abc import Sequence

NO_SPREAD = "all values are equal: their spread is not known"
NO_SPREAD_WITHIN = "within each group all values are equal: their spread is not known"
NO_SPREAD_ABOUT = "the model meets every value: their spread about it is not known"
ROUNDING = 10 * sys.float_info.epsilon
"""Of the largest mean: a standard error up to it is rounding (R's `t.test` has the same bound)."""


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of two or more `values`."""
    mean = math.fsum(values) / len(values)
    squares = math.fsum((v - mean) ** 2 for v in values)
    return math.sqrt(squares / (len(values) - 1) / len(values))


def is_constant(*groups: Sequence[float]) -> bool:
    """Tell whether the values of each group are equal, up to rounding; one value is.

    An interval of no width would claim to know the mean; R's `t.test` stops there.

    Examples
    --------
    >>> is_constant([3.0, 3.0, 3.0]), is_constant([3.0, 3.0], [1.0, 1.0])
    (True, True)
    >>> is_constant([3.0, 3.0], [1.0, 2.0])
    False
    """
    errors = [standard_error(values) if len(values) > 1 else 0.0 for values in groups]
    largest = max(abs(math.fsum(values) / len(values)) for values in groups)
    return math.hypot(*errors) <= ROUNDING * largest
