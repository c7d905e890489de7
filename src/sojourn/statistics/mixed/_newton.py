"""Newton's method with a line search, for smooth functions of a few parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = Callable[[Floats], tuple[float, Floats, Floats]]
"""Value, gradient and Hessian at a point; the value is infinite outside the domain."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the search ended; `is_converged` only if no step promises any descent."""

    point: Floats
    value: float
    hessian: Floats
    iterations: int
    is_converged: bool


def minimize(
    curve: Curve,
    start: Floats,
    *,
    height: Callable[[Floats], float] | None = None,
    max_iterations: int = 200,
    tolerance: float = 1e-12,
) -> Minimum:
    """Return the minimum that descent from `start` reaches.

    Directions of negative curvature are turned around, so that every step goes down; a step is
    halved until the value falls by a share of what its slope promises. `tolerance` bounds what one
    more step would promise at the end; `height` is the value alone, where that costs less.
    Nothing is raised: see `is_converged`.

    References
    ----------
    Nocedal and Wright, Numerical Optimization, 2nd ed., sections 3.1 and 3.4.

    Examples
    --------
    >>> end = minimize(lambda x: (float(x @ x), 2 * x, 2 * np.eye(1)), np.array([3.0]))
    >>> end.is_converged, abs(float(end.point[0])) < 1e-9
    (True, True)
    """
    if height is None:

        def height(x: Floats) -> float:
            return curve(x)[0]

    point = np.asarray(start, dtype=np.float64)
    value, gradient, hessian = curve(point)
    iterations = 0
    while iterations < max_iterations and np.isfinite(value):
        step = _descent(gradient, hessian)
        promised = float(gradient @ step)
        if promised > -1e-18 * (1 + abs(value)):
            break
        iterations += 1
        found = _search(height, point, step, value, promised)
        if found is None:
            break
        point = found
        value, gradient, hessian = curve(point)
    flat = bool(np.isfinite(value)) and -float(gradient @ _descent(gradient, hessian)) <= tolerance
    return Minimum(point, value, hessian, iterations, flat)


def _descent(gradient: Floats, hessian: Floats) -> Floats:
    """Return the Newton step with the curvature taken as positive, at most 2 long."""
    curvature, axes = np.linalg.eigh(hessian)
    size = np.abs(curvature)
    size = np.maximum(size, max(1e-10 * float(size.max()), 1e-12))
    step: Floats = -axes @ ((axes.T @ gradient) / size)
    length = float(np.linalg.norm(step))
    return step if length <= 2 else step * (2 / length)


def _search(
    height: Callable[[Floats], float], point: Floats, step: Floats, value: float, promised: float
) -> Floats | None:
    """Return a lower point along `step`, or None where rounding hides any descent."""
    share = 1.0
    rounding = 1e-14 * (1 + abs(value))
    for _ in range(50):
        tried: Floats = point + share * step
        if height(tried) <= value + 1e-4 * share * promised + rounding:
            return tried
        share /= 2
    return None
