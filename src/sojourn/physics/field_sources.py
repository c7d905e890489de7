"""Sources of magnetic field: what every coil and magnet offers, and the ideal ones."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError

_TOLERANCE = 1e-9


class FieldSource(Protocol):
    """A static field, or that of a coil per unit of current.

    T for a selection field; T/A for a coil; dimensionless (T per T of drive strength) for an ideal
    homogeneous drive coil.
    """

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density at `positions` (n, 3), LPS, m: shape (n, 3)."""
        ...


def checked_positions(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `positions` as float64, or refuse what is no list of points.

    Raises
    ------
    DataError
        if the shape is not (n, 3).
    """
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise DataError(f"positions have shape {points.shape}, expected (n, 3), LPS, m")
    return points


@dataclass(frozen=True, slots=True, eq=False)
class HomogeneousField:
    """The same field everywhere.

    `direction` (3,): flux density, T per unit; a unit vector for a drive or receive coil whose
    strength is stated in T.
    """

    direction: NDArray[np.float64]

    def __post_init__(self) -> None:
        direction = np.asarray(self.direction, dtype=np.float64)
        if direction.shape != (3,) or not np.isfinite(direction).all():
            raise DataError(f"direction must be three numbers, got {direction.tolist()}")
        object.__setattr__(self, "direction", frozen(direction))

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density at `positions` (n, 3), LPS, m: shape (n, 3), T per unit."""
        return np.tile(self.direction, (len(checked_positions(positions)), 1))


@dataclass(frozen=True, slots=True, eq=False)
class LinearField:
    r"""An ideal gradient field, 0 at `center`.

    .. math:: B(r) = J (r - r_0)

    `jacobian` (3, 3), T/m: without trace (div B = 0) and symmetric (no current where one images,
    curl B = 0). `center` (3,), LPS, m. One zero eigenvalue makes a field-free line.

    Raises
    ------
    DataError
        if Maxwell's equations forbid the Jacobian.
    """

    jacobian: NDArray[np.float64]
    center: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        jacobian = np.asarray(self.jacobian, dtype=np.float64)
        center = np.asarray(self.center, dtype=np.float64)
        if jacobian.shape != (3, 3) or center.shape != (3,):
            raise DataError(f"expected (3, 3) and (3,), got {jacobian.shape}, {center.shape}")
        if not (np.isfinite(jacobian).all() and np.isfinite(center).all()):
            raise DataError("jacobian and center must be finite")
        scale = float(np.abs(jacobian).max())
        trace, skew = float(np.trace(jacobian)), float(np.abs(jacobian - jacobian.T).max())
        if abs(trace) > _TOLERANCE * scale or skew > _TOLERANCE * scale:
            raise DataError(
                f"a static field without currents has a symmetric Jacobian of trace 0, got trace "
                f"{trace:g} T/m and asymmetry {skew:g} T/m"
            )
        object.__setattr__(self, "jacobian", frozen(jacobian))
        object.__setattr__(self, "center", frozen(center))

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density at `positions` (n, 3), LPS, m: shape (n, 3), T."""
        points = checked_positions(positions)
        return np.asarray((points - self.center) @ self.jacobian, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CombinedField:
    """Several sources at once, each times its weight (a current where it is a coil)."""

    sources: tuple[FieldSource, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.weights) or not self.sources:
            raise DataError(f"{len(self.sources)} sources need as many weights, at least one")

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted sum at `positions` (n, 3), LPS, m: shape (n, 3)."""
        total = np.zeros(checked_positions(positions).shape)
        for source, weight in zip(self.sources, self.weights, strict=True):
            total += weight * source.flux_density(positions)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class MovedField:
    r"""A source turned about the origin, then shifted.

    .. math:: B'(r) = R\, B(R^T (r - t))

    `rotation` (3, 3), a proper rotation. `shift` (3,), m.

    Raises
    ------
    DataError
        if `rotation` is no rotation.
    """

    source: FieldSource
    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    shift: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        rotation = checked_rotation(self.rotation)
        shift = np.asarray(self.shift, dtype=np.float64)
        if shift.shape != (3,) or not np.isfinite(shift).all():
            raise DataError(f"shift must be three finite numbers, m, got {shift.tolist()}")
        object.__setattr__(self, "rotation", frozen(rotation))
        object.__setattr__(self, "shift", frozen(shift))

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the moved source's field at `positions` (n, 3), LPS, m: shape (n, 3)."""
        inside = (checked_positions(positions) - self.shift) @ self.rotation
        return np.asarray(self.source.flux_density(inside) @ self.rotation.T, dtype=np.float64)


def checked_rotation(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `rotation` as float64, or refuse what is no proper rotation.

    Raises
    ------
    DataError
        if it is not (3, 3), orthogonal within 1e-9, of determinant 1.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise DataError(f"a rotation is a finite (3, 3) matrix, got shape {matrix.shape}")
    error = float(np.abs(matrix @ matrix.T - np.eye(3)).max())
    if error > _TOLERANCE or np.linalg.det(matrix) < 0:
        raise DataError(f"no proper rotation: {matrix.tolist()}")
    return matrix


def field_free_point_source(
    gradient: NDArray[np.float64], *, center: NDArray[np.float64] | None = None
) -> LinearField:
    """Return an ideal field-free point.

    Parameters
    ----------
    gradient
        shape (3,), T/m (times 1/mu0), along (L, P, S); its sum is 0.
    center
        shape (3,), LPS, m: where it lies; the isocentre unless stated.

    Raises
    ------
    DataError
        if the gradient has a divergence, or is 0 along an axis (then it is no point).

    Examples
    --------
    >>> source = field_free_point_source(np.array([-1.0, -1.0, 2.0]))
    >>> source.flux_density(np.array([[0.0, 0.0, 1e-3]]))[0, 2]
    np.float64(0.002)
    """
    slopes = np.asarray(gradient, dtype=np.float64)
    if slopes.shape != (3,) or not slopes.all():
        raise DataError(f"a field-free point has three slopes that are not 0, got {slopes} T/m")
    return LinearField(np.diag(slopes), np.zeros(3) if center is None else center)


def field_free_line_source(
    gradient: float,
    *,
    direction: NDArray[np.float64],
    normal: NDArray[np.float64],
    center: NDArray[np.float64] | None = None,
) -> LinearField:
    """Return an ideal field-free line.

    Parameters
    ----------
    gradient
        slope along `normal`, T/m (times 1/mu0); that across both is its negative.
    direction
        shape (3,), along the line.
    normal
        shape (3,), at right angles to it.
    center
        shape (3,), LPS, m: a point of the line; the isocentre unless stated.

    Raises
    ------
    DataError
        if `gradient` is 0, or the directions are no pair at right angles (within 1e-9).

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 3 (field-free line).
    """
    along, across = (np.asarray(v, dtype=np.float64) for v in (direction, normal))
    lengths = float(np.linalg.norm(along)) * float(np.linalg.norm(across))
    if gradient == 0 or lengths == 0 or abs(along @ across) > _TOLERANCE * lengths:
        raise DataError(
            f"a field-free line needs a slope (got {gradient}) and two directions at right "
            f"angles (got {along.tolist()}, {across.tolist()})"
        )
    across = across / np.linalg.norm(across)
    third = np.cross(along / np.linalg.norm(along), across)
    jacobian = gradient * (np.outer(across, across) - np.outer(third, third))
    return LinearField(jacobian, np.zeros(3) if center is None else center)
