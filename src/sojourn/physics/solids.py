"""Solids of known volume: what phantoms are made of."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.field_sources import checked_positions


class Solid(Protocol):
    """A body in space."""

    @property
    def volume(self) -> float:
        """Volume, m^3."""
        ...

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Lowest and highest corner of a box around it, shape (2, 3), LPS, m."""
        ...

    def distance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance to the surface, negative inside, shape (n,), m.

        Never more than the true one, so that a ball of that radius lies on one side.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Sphere:
    """A ball: `center` (3,), LPS, m; `radius`, m."""

    center: NDArray[np.float64]
    radius: float

    def __post_init__(self) -> None:
        _check_sizes(radius=self.radius)
        object.__setattr__(self, "center", _point(self.center))

    @property
    def volume(self) -> float:
        """4/3 pi r^3, m^3."""
        return 4.0 / 3.0 * np.pi * self.radius**3

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Box around it, shape (2, 3), m."""
        return np.stack((self.center - self.radius, self.center + self.radius))

    def distance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance to the surface, shape (n,), m."""
        offset = checked_positions(positions) - self.center
        return np.asarray(np.linalg.norm(offset, axis=1) - self.radius, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A cuboid along the axes: `center` (3,), LPS, m; `edges` (3,), m."""

    center: NDArray[np.float64]
    edges: NDArray[np.float64]

    def __post_init__(self) -> None:
        edges = _point(self.edges)
        _check_sizes(edge=float(edges.min()))
        object.__setattr__(self, "center", _point(self.center))
        object.__setattr__(self, "edges", edges)

    @property
    def volume(self) -> float:
        """Product of the edges, m^3."""
        return float(np.prod(self.edges))

    @property
    def bounds(self) -> NDArray[np.float64]:
        """The box itself, shape (2, 3), m."""
        return np.stack((self.center - self.edges / 2, self.center + self.edges / 2))

    def distance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance to the surface, shape (n,), m."""
        beyond = np.abs(checked_positions(positions) - self.center) - self.edges / 2
        outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=1)
        return np.asarray(outside + np.minimum(beyond.max(axis=1), 0.0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Frustum:
    """A cone with a flat tip; with equal radii a tube.

    `start` and `end` (3,), LPS, m: centres of the two faces. `start_radius`, `end_radius`, m: one
    of them may be 0.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    start_radius: float
    end_radius: float

    def __post_init__(self) -> None:
        start, end = _point(self.start), _point(self.end)
        _check_sizes(
            radius=max(self.start_radius, self.end_radius),
            length=float(np.linalg.norm(end - start)),
        )
        if min(self.start_radius, self.end_radius) < 0:
            raise DataError(
                f"radii {self.start_radius} and {self.end_radius} m must not be below 0"
            )
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    @property
    def length(self) -> float:
        """Distance between the faces, m."""
        return float(np.linalg.norm(self.end - self.start))

    @property
    def volume(self) -> float:
        """Return pi h / 3 (a^2 + a b + b^2), m^3."""
        a, b = self.start_radius, self.end_radius
        return np.pi * self.length / 3.0 * (a**2 + a * b + b**2)

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Box around it, shape (2, 3), m."""
        axis = (self.end - self.start) / self.length
        reach = np.sqrt(np.maximum(1.0 - axis**2, 0.0))
        faces = ((self.start, self.start_radius), (self.end, self.end_radius))
        low = np.min([c - r * reach for c, r in faces], axis=0)
        high = np.max([c + r * reach for c, r in faces], axis=0)
        return np.stack((low, high))

    def distance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance to the surface, shape (n,), m.

        In the half-plane of axis and radius the solid is a trapezium: the nearest of its three
        sides that are surface.
        """
        length = self.length
        axis = (self.end - self.start) / length
        offset = checked_positions(positions) - self.start
        height = offset @ axis
        radius = np.linalg.norm(offset - height[:, None] * axis, axis=1)
        a, b = self.start_radius, self.end_radius
        cone = _to_segment(radius, height, (a, 0.0), (b, length))
        low = _to_segment(radius, height, (0.0, 0.0), (a, 0.0))
        high = _to_segment(radius, height, (0.0, length), (b, length))
        nearest = np.minimum(cone, np.minimum(low, high))
        within = (height > 0) & (height < length) & (radius < a + (b - a) * height / length)
        return np.where(within, -nearest, nearest)


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """Solids that may overlap, as one."""

    parts: tuple[Solid, ...]
    _counted: list[float] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.parts:
            raise DataError("a union has at least one part")

    @property
    def volume(self) -> float:
        """Volume, m^3: counted once, to about 3e-4 (see `measured_volume`)."""
        from sojourn.physics.voxelization import measured_volume

        if not self._counted:
            self._counted.append(measured_volume(self))
        return self._counted[0]

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Box around all, shape (2, 3), m."""
        boxes = np.stack([part.bounds for part in self.parts])
        return np.stack((boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)))

    def distance(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signed distance, shape (n,), m: exact outside, a bound inside."""
        distances = np.stack([part.distance(positions) for part in self.parts])
        return np.asarray(distances.min(axis=0), dtype=np.float64)


def tube(start: NDArray[np.float64], end: NDArray[np.float64], *, radius: float) -> Frustum:
    """Return a straight tube between two face centres `start` and `end` (3,), LPS, m."""
    return Frustum(start, end, radius, radius)


def _to_segment(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
) -> NDArray[np.float64]:
    """Return the distance of points in a plane to a segment, shape (n,)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = dx**2 + dy**2
    along = ((x - start[0]) * dx + (y - start[1]) * dy) / square if square > 0 else np.zeros_like(x)
    part = np.clip(along, 0.0, 1.0)
    return np.hypot(x - start[0] - part * dx, y - start[1] - part * dy)


def _point(values: NDArray[np.float64]) -> NDArray[np.float64]:
    point = np.asarray(values, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise DataError(f"expected three finite numbers, m, got {point.tolist()}")
    return frozen(point)


def _check_sizes(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise DataError(f"the {name} of a solid must be positive, got {size} m")
