"""Coils as windings of rectangular cross-section, and pairs of coils that cancel a drive field."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.field_sources import FieldSource
from sojourn.physics.loops import LoopFrame, coaxial_field, coaxial_potential, loop_frame

COPPER_RESISTIVITY = 1.72e-8
"""Ohm m, annealed copper at 20 degrees Celsius (IEC 60028: 1/58 ohm mm^2/m)."""

_CHUNK = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Coil:
    """A winding about an axis, its cross-section a rectangle of even current density.

    A `FieldSource`, per ampere of the wire. `inner_radius`, `outer_radius`, m; equal: a solenoid of
    one layer. `lower`, `upper`: ends of the winding along the axis from `center`, m; equal: a flat
    coil. `turns` of wire. `center` (3,), LPS, m; `axis` (3,), about which the current runs
    right-handed. `nodes`: Gauss-Legendre loops across the radii and along the axis.

    Raises
    ------
    DataError
        if the winding has no place, no turns or no axis.
    """

    inner_radius: float
    outer_radius: float
    lower: float
    upper: float
    turns: float
    center: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    axis: NDArray[np.float64] = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    nodes: tuple[int, int] = (8, 10)

    def __post_init__(self) -> None:
        numbers = (self.inner_radius, self.outer_radius, self.lower, self.upper, self.turns)
        if not np.isfinite(numbers).all():
            raise DataError(f"a coil's dimensions and turns must be finite, got {numbers}")
        if not (0 < self.inner_radius <= self.outer_radius and self.lower <= self.upper):
            raise DataError(
                f"radii {self.inner_radius} to {self.outer_radius} m and ends {self.lower} to "
                f"{self.upper} m must ascend, radii from above 0"
            )
        if self.turns == 0 or min(self.nodes) < 1:
            raise DataError(f"a coil needs turns ({self.turns}) and nodes ({self.nodes})")
        frame = loop_frame(np.zeros((1, 3)), self.center, self.axis)
        object.__setattr__(self, "center", frozen(np.asarray(self.center, dtype=np.float64)))
        object.__setattr__(self, "axis", frozen(frame.axis))

    @property
    def cross_section(self) -> float:
        """Area of the winding's cross-section, m^2; 0 for one layer."""
        return (self.outer_radius - self.inner_radius) * (self.upper - self.lower)

    @property
    def wire_length(self) -> float:
        """Length of the wire, m: turns of the mean circumference."""
        return abs(self.turns) * np.pi * (self.inner_radius + self.outer_radius)

    def loops(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return radius (m), height along the axis (m) and turns of every loop, shape (loop,)."""
        radii, radial = _nodes(self.inner_radius, self.outer_radius, self.nodes[0])
        heights, axial = _nodes(self.lower, self.upper, self.nodes[1])
        radius, height = (v.ravel() for v in np.meshgrid(radii, heights, indexing="ij"))
        return radius, height, self.turns * np.outer(radial, axial).ravel()

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density per ampere.

        Parameters
        ----------
        positions
            shape (n, 3), LPS, m, outside the winding.

        Returns
        -------
            shape (n, 3), T/A.

        Raises
        ------
        DataError
            if a position lies within the winding, where a sum of loops is no field.
        """
        frame = loop_frame(positions, self.center, self.axis)
        radial, axial = np.zeros(len(frame.height)), np.zeros(len(frame.height))
        for part, shape in self._parts(frame):
            slope, along = coaxial_field(*shape[:3])
            radial[part] = slope @ shape[3]
            axial[part] = along @ shape[3]
        total: NDArray[np.float64] = radial[:, None] * frame.across + axial[:, None] * frame.axis
        return total

    def vector_potential(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the vector potential at `positions` (n, 3), LPS, m: shape (n, 3), T m/A.

        Raises
        ------
        DataError
            if a position lies within the winding.
        """
        frame = loop_frame(positions, self.center, self.axis)
        ratio = np.zeros(len(frame.height))
        for part, shape in self._parts(frame):
            ratio[part] = coaxial_potential(*shape[:3]) @ shape[3]
        return np.asarray(ratio[:, None] * np.cross(frame.axis, frame.across), dtype=np.float64)

    def _parts(self, frame: LoopFrame) -> list[tuple[slice, tuple[NDArray[np.float64], ...]]]:
        """Return (positions, arguments of a loop's formulas and its turns), part by part."""
        distance = frame.distance
        across = (distance > self.inner_radius) & (distance < self.outer_radius)
        inside = across & (frame.height > self.lower) & (frame.height < self.upper)
        if inside.any():
            place = (frame.across + frame.height[:, None] * frame.axis)[inside][0] + self.center
            raise DataError(
                f"{inside.sum()} positions lie within a winding, {place.tolist()} m first; its "
                "loops give the field outside only"
            )
        radius, height, turns = self.loops()
        step = max(1, _CHUNK // len(radius))
        parts = [slice(start, start + step) for start in range(0, len(distance), step)]
        return [
            (p, (distance[p, None], frame.height[p, None] - height, radius, turns)) for p in parts
        ]

    def mirrored(self, height: float) -> "Coil":
        """Return the mirror image in the plane across the axis at `height` (m from `center`).

        The mirrored coil's field is the mirror image in the sense that its axial part is even:
        both carry current the same way round.
        """
        return replace(self, lower=2 * height - self.upper, upper=2 * height - self.lower)


def _nodes(start: float, end: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss-Legendre nodes in [start, end] and weights that sum to 1."""
    if start == end:
        return np.array([start]), np.array([1.0])
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.5 * (start + end) + 0.5 * (end - start) * nodes, weights / 2.0


def coil_resistance(
    coil: Coil, *, fill_factor: float = 0.6, resistivity: float = COPPER_RESISTIVITY
) -> float:
    r"""Return the direct-current resistance of a coil.

    .. math:: R = \rho N^2 \pi (a_1 + a_2) / (f S)

    Parameters
    ----------
    coil
        with a cross-section above 0.
    fill_factor
        f: share of the cross-section S that is conductor, within (0, 1]; 0.6 [assumption].
    resistivity
        rho of the conductor, ohm m.

    Returns
    -------
        in ohm; skin and proximity effects are not in it.

    Raises
    ------
    DataError
        if the coil has no cross-section or a number is not possible.
    """
    if not (0 < fill_factor <= 1 and resistivity > 0 and coil.cross_section > 0):
        raise DataError(
            f"fill_factor {fill_factor}, resistivity {resistivity} ohm m and cross-section "
            f"{coil.cross_section} m^2 must be positive, the first at most 1"
        )
    wire = fill_factor * coil.cross_section / abs(coil.turns)
    return resistivity * coil.wire_length / wire


def mutual_inductance(first: Coil, second: Coil, *, n_angles: int = 64) -> float:
    r"""Return the mutual inductance of two coils.

    .. math:: M = \sum_{\text{turns of 2}} \oint A_1 / I_1 \cdot dl

    The line integral is the trapezoidal rule over the angle, which converges exponentially and
    is exact at one point on a common axis.

    Parameters
    ----------
    first, second
        coils whose windings do not overlap.
    n_angles
        points on every loop of `second` where there is no common axis.

    Returns
    -------
        in H; positive where a rising current in one induces the opposite sense in the other.

    Raises
    ------
    DataError
        if the windings overlap.

    References
    ----------
    Grover, Inductance Calculations, Dover 2004 (Neumann's formula).
    """
    n_points = 1 if is_coaxial(first, second) else n_angles
    angles = 2 * np.pi * np.arange(n_points) / n_points
    helper = np.eye(3)[int(np.argmin(np.abs(second.axis)))]
    u = np.cross(second.axis, helper)
    u /= np.linalg.norm(u)
    v = np.cross(second.axis, u)
    out = np.cos(angles)[:, None] * u + np.sin(angles)[:, None] * v
    along = -np.sin(angles)[:, None] * u + np.cos(angles)[:, None] * v
    radius, height, turns = second.loops()
    base = second.center + height[:, None] * second.axis
    points = base[:, None, :] + radius[:, None, None] * out
    potential = first.vector_potential(points.reshape(-1, 3)).reshape(points.shape)
    mean = np.einsum("lac,ac->l", potential, along) / n_points
    return float(np.sum(turns * 2 * np.pi * radius * mean))


def is_coaxial(first: Coil, second: Coil, *, tolerance: float = 1e-9) -> bool:
    """Tell whether two coils share an axis, within `tolerance` (m, and rad)."""
    offset = second.center - first.center
    beside = offset - (offset @ first.axis) * first.axis
    turned = np.linalg.norm(np.cross(first.axis, second.axis))
    return bool(np.linalg.norm(beside) <= tolerance and turned <= tolerance)


@dataclass(frozen=True, slots=True, eq=False)
class GradiometerPair:
    """A receive coil and a compensating coil in series opposition: a `FieldSource`, T/A.

    `ratio`: how often the compensating coil counts; 1 for a mirrored twin.
    """

    coil: Coil
    compensation: Coil
    ratio: float = 1.0

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pair's sensitivity at `positions` (n, 3), LPS, m: shape (n, 3), T/A."""
        near = self.coil.flux_density(positions)
        return near - self.ratio * self.compensation.flux_density(positions)

    def coupling(self, drive: tuple[Coil, ...]) -> float:
        """Return the mutual inductance with drive coils in series, H."""
        return sum(
            mutual_inductance(part, self.coil)
            - self.ratio * mutual_inductance(part, self.compensation)
            for part in drive
        )

    def suppression(self, drive: tuple[Coil, ...]) -> float:
        """Return |coupling| of the pair over that of its receive coil alone, dimensionless.

        1e-3 is -60 dB of feed-through.
        """
        alone = sum(mutual_inductance(part, self.coil) for part in drive)
        return abs(self.coupling(drive) / alone)

    def balanced(self, drive: tuple[Coil, ...]) -> "GradiometerPair":
        """Return the pair with the `ratio` that couples to nothing of `drive`.

        Raises
        ------
        DataError
            if the compensating coil sees less than 1e-9 of what the receive coil sees.
        """
        near = sum(mutual_inductance(part, self.coil) for part in drive)
        far = sum(mutual_inductance(part, self.compensation) for part in drive)
        if abs(far) < 1e-9 * abs(near) or far == 0:
            raise DataError("the compensating coil couples to nothing of the drive coils")
        return replace(self, ratio=near / far)


def axial_field(source: FieldSource, coil: Coil, height: float) -> float:
    """Return the part along `coil`'s axis of `source`'s field on that axis, T per unit.

    `height`: m along the axis from the coil's center.
    """
    place = coil.center + height * coil.axis
    return float(source.flux_density(place[None])[0] @ coil.axis)
