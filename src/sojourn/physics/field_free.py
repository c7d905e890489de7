"""Where a selection field vanishes: points and lines, how steep it is there, how sure that is."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.field_sources import FieldSource, checked_positions

FIELD_TOLERANCE = 1e-9
"""T: a thousandth of what a Hall probe resolves; a found point's field is below it."""

_MAX_STEPS = 200
_STENCIL = np.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / 60.0
_OFFSETS = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])


@runtime_checkable
class DifferentiableSource(Protocol):
    """A field source that knows its own Jacobian."""

    def flux_density_jacobian(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return dB_i/dx_j at `positions` (n, 3), LPS, m: shape (n, 3, 3), T/m per unit."""
        ...


@runtime_checkable
class UncertainSource(Protocol):
    """A field source that knows how uncertain it is."""

    def flux_density_covariance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of B at each of `positions` (n, 3): shape (n, 3, 3), T^2."""
        ...

    def jacobian_covariance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of dB_i/dx_j, shape (n, 9, 9), (i, j) in C order, (T/m)^2."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FieldFreePoint:
    """A place where the field is 0.

    `position` (3,), LPS, m. `jacobian` (3, 3), T/m. `residual`: |B| there, T. `covariance`
    (3, 3), m^2, of the position: None where the source does not know its uncertainty.
    """

    position: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    residual: float
    covariance: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FieldFreeLine:
    """A line along which the field vanishes to first order.

    `point` (3,), LPS, m: where |B| = 0 across the line, about nearest to the start of the search.
    `direction` (3,): unit vector; its largest component is positive. `gradient`: mean of the two
    steep slopes' amounts, T/m. `flatness`: |slope along the line| / `gradient`; 0 is ideal.
    `residual`: |B| across the line at `point`, T; `along`: the part of B along it, T.
    `point_covariance` (3, 3), m^2, across the line; `direction_covariance` (3, 3), rad^2; both None
    where the source does not know its uncertainty.
    """

    point: NDArray[np.float64]
    direction: NDArray[np.float64]
    gradient: float
    flatness: float
    residual: float
    along: float
    point_covariance: NDArray[np.float64] | None = None
    direction_covariance: NDArray[np.float64] | None = None


def field_jacobian(
    source: FieldSource, positions: NDArray[np.float64], *, step: float = 1e-4
) -> NDArray[np.float64]:
    """Return how a field changes about each position.

    The source's own `flux_density_jacobian` where it has one, otherwise central differences of
    sixth order.

    Parameters
    ----------
    source
        the field.
    positions
        shape (n, 3), LPS, m.
    step
        of the differences, m: small against the distance to any wire (error about
        (step / distance)^6), large against rounding.

    Returns
    -------
        dB_i/dx_j, shape (n, 3, 3), T/m.

    Raises
    ------
    DataError
        if `step` is not positive.

    References
    ----------
    Fornberg, Mathematics of Computation 51 (1988) 699: the weights of the differences.
    """
    points = checked_positions(positions)
    if isinstance(source, DifferentiableSource):
        return source.flux_density_jacobian(points)
    if not step > 0:
        raise DataError(f"step must be positive, got {step} m")
    shifts = step * _OFFSETS[:, None, None] * np.eye(3)
    places = points[:, None, None, :] + shifts
    values = source.flux_density(places.reshape(-1, 3)).reshape(len(points), 6, 3, 3)
    slopes: NDArray[np.float64] = np.einsum("s,nsji->nij", _STENCIL, values) / step
    return slopes


def find_field_free_point(
    source: FieldSource,
    start: NDArray[np.float64],
    *,
    max_step: float = 5e-3,
    reach: float = 0.2,
    tolerance: float = FIELD_TOLERANCE,
) -> FieldFreePoint:
    """Return the field-free point near `start`.

    Newton's method in a trust region that starts at `max_step` and follows how well the linear
    model predicts |B|, so that it neither leaps over a winding nor stalls.

    Parameters
    ----------
    source
        the field; its uncertainty is carried over where it knows it.
    start
        shape (3,), LPS, m.
    max_step
        longest step, m.
    reach
        how far from `start` to search, m.
    tolerance
        largest |B| that counts as 0, T.

    Returns
    -------
        with the covariance J^-1 cov(B) J^-T to first order.

    Raises
    ------
    DataError
        if there is no field-free point within reach, or it is a line (a slope is 0).
    """
    place = _descend(source, start, 3, max_step=max_step, reach=reach, tolerance=tolerance)
    jacobian = field_jacobian(source, place[None])[0]
    slopes = np.linalg.svd(jacobian, compute_uv=False)
    if slopes[-1] < 1e-6 * slopes[0]:
        raise DataError(
            f"the field vanishes along a line through {place.tolist()} m (slopes "
            f"{slopes.tolist()} T/m); use find_field_free_line"
        )
    residual = float(np.linalg.norm(source.flux_density(place[None])))
    covariance = None
    if isinstance(source, UncertainSource):
        inverse = np.linalg.inv(jacobian)
        covariance = inverse @ source.flux_density_covariance(place[None])[0] @ inverse.T
    return FieldFreePoint(place, jacobian, residual, covariance)


def find_field_free_line(
    source: FieldSource,
    start: NDArray[np.float64],
    *,
    max_step: float = 5e-3,
    reach: float = 0.2,
    tolerance: float = FIELD_TOLERANCE,
    max_flatness: float = 0.2,
) -> FieldFreeLine:
    """Return the field-free line near `start`.

    Newton's method as for a point, but across the line only: along the eigenvector of the
    symmetric Jacobian whose eigenvalue is smallest, nothing is sought.

    Parameters
    ----------
    source, start, max_step, reach, tolerance
        as for `find_field_free_point`.
    max_flatness
        largest slope along the line, over that across, that still is a line.

    Returns
    -------
        direction to first order in the Jacobian's errors: sum over the steep eigenvectors k of
        v_k (v_k . dJ v_0) / (w_0 - w_k).

    Raises
    ------
    DataError
        if nothing vanishes within reach, or the place found is a point, no line.

    References
    ----------
    Golub and Van Loan, Matrix Computations, section 8.1: perturbation of an eigenvector.
    """
    place = _descend(source, start, 2, max_step=max_step, reach=reach, tolerance=tolerance)
    jacobian = field_jacobian(source, place[None])[0]
    slopes, vectors = _eigen(jacobian)
    gradient = float(np.abs(slopes[1:]).mean())
    flatness = float(abs(slopes[0])) / gradient
    if flatness > max_flatness:
        raise DataError(
            f"slopes at {place.tolist()} m are {slopes.tolist()} T/m: a field-free point, no line "
            f"(flatness {flatness:.2g} above {max_flatness}); use find_field_free_point"
        )
    field = vectors.T @ source.flux_density(place[None])[0]
    direction = vectors[:, 0] * np.sign(vectors[np.argmax(np.abs(vectors[:, 0])), 0])
    point_covariance = direction_covariance = None
    if isinstance(source, UncertainSource):
        inverse = (vectors[:, 1:] / slopes[1:]) @ vectors[:, 1:].T
        spread = source.flux_density_covariance(place[None])[0]
        point_covariance = inverse @ spread @ inverse
        turning = (vectors[:, 1:] / (slopes[0] - slopes[1:])) @ vectors[:, 1:].T
        lever = np.einsum("ai,j->aij", turning, direction).reshape(3, 9)
        direction_covariance = lever @ source.jacobian_covariance(place[None])[0] @ lever.T
    return FieldFreeLine(
        place,
        direction,
        gradient,
        flatness,
        float(np.linalg.norm(field[1:])),
        float(abs(field[0])),
        point_covariance,
        direction_covariance,
    )


def _eigen(jacobian: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues and vectors of the symmetric part, the flattest first."""
    values, vectors = np.linalg.eigh((jacobian + jacobian.T) / 2.0)
    order = np.argsort(np.abs(values), kind="stable")
    return values[order], vectors[:, order]


def _descend(
    source: FieldSource,
    start: NDArray[np.float64],
    dimensions: int,
    *,
    max_step: float,
    reach: float,
    tolerance: float,
) -> NDArray[np.float64]:
    """Return where the `dimensions` steepest components of B vanish."""
    origin = checked_positions(np.asarray(start, dtype=np.float64)[None])[0]
    if min(max_step, reach, tolerance) <= 0:
        raise DataError(f"max_step {max_step}, reach {reach}, tolerance {tolerance}: not positive")
    place: NDArray[np.float64] = origin
    radius, best = max_step, np.inf
    field, jacobian = _local(source, place, dimensions)
    for _ in range(_MAX_STEPS):
        size = float(np.linalg.norm(field))
        best = min(best, size)
        step = _bounded_step(field, jacobian, radius)
        if size <= tolerance and float(np.linalg.norm(step)) <= 1e-6 * max_step:
            return place
        if np.linalg.norm(place + step - origin) > reach:
            break
        after = _local(source, place + step, dimensions)
        predicted = size - float(np.linalg.norm(field + jacobian @ step))
        gain = (size - float(np.linalg.norm(after[0]))) / max(predicted, 1e-30)
        if gain > 0 or size <= tolerance:
            place = place + step
            field, jacobian = after
        radius = min(max_step, 2.0 * radius) if gain > 0.75 else radius
        radius = radius / 4.0 if gain < 0.25 else radius
        if radius < 1e-12:
            return _accepted(place, size, tolerance, origin)
    raise DataError(
        f"no field-free place within {reach} m of {origin.tolist()} m: |B| fell to {best:.3g} T "
        f"(sought {tolerance:g} T). Start nearer, or search further"
    )


def _accepted(
    place: NDArray[np.float64], size: float, tolerance: float, origin: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `place` if its field counts as 0; else it is only a minimum."""
    if size <= tolerance:
        return place
    raise DataError(
        f"from {origin.tolist()} m the search ends at {place.tolist()} m, where |B| has a minimum "
        f"of {size:.3g} T, no zero"
    )


def _local(
    source: FieldSource, place: NDArray[np.float64], dimensions: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return field and Jacobian at `place`, only the steepest two directions for a line."""
    field = source.flux_density(place[None])[0]
    jacobian = field_jacobian(source, place[None])[0]
    if dimensions == 3:
        return field, jacobian
    keep = _eigen(jacobian)[1][:, 1:]
    return keep @ (keep.T @ field), keep @ (keep.T @ jacobian @ keep) @ keep.T


def _bounded_step(
    field: NDArray[np.float64], jacobian: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Return Newton's step, shortened to `radius` (m)."""
    step: NDArray[np.float64] = -np.linalg.pinv(jacobian, rcond=1e-9) @ field
    length = float(np.linalg.norm(step))
    return step * min(1.0, radius / max(length, 1e-300))
