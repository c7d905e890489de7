"""The root of a monotone function, to the last bits."""

from collections.abc import Callable


def find_root(
    function: Callable[[float], float], lower: float, upper: float, *, width: float = 0.0
) -> float:
    """Return where a monotone `function` changes its sign between `lower` and `upper`.

    Bisection until no float lies between: slower than a secant, never caught by a flat tail.

    Parameters
    ----------
    function
        continuous and monotone on the interval; its unit does not matter.
    lower, upper
        finite ends; where both have one sign, the end whose value is nearer to 0 is returned.
    width
        stop at a bracket as narrow as this; 0: not before the last bit, which takes long about 0.

    Returns
    -------
        the root, in the unit of `lower`.

    References
    ----------
    Brent, Algorithms for minimization without derivatives, 1973, chapter 4 (bisection).

    Examples
    --------
    >>> find_root(lambda x: x * x - 2, 0, 2)
    1.414213562373095
    """
    at_lower, at_upper = function(lower), function(upper)
    if at_lower == 0 or at_upper == 0 or (at_lower > 0) == (at_upper > 0):
        return lower if abs(at_lower) <= abs(at_upper) else upper
    rising = at_upper > 0
    while True:
        middle = lower + (upper - lower) / 2
        if not lower < middle < upper or upper - lower <= width:
            return lower
        if (function(middle) > 0) == rising:
            upper = middle
        else:
            lower = middle
