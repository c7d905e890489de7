"""SIMULATED phantoms of exactly known iron: the three of OpenMPIData, points, tubes and balls."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap
from sojourn.core.provenance import Provenance
from sojourn.physics.sequences import rotation_about
from sojourn.physics.solids import Box, Frustum, Solid, Sphere, Union, tube
from sojourn.physics.voxelization import filled_fractions

IRON_MOLAR_MASS = 0.055845
"""kg/mol (IUPAC 2021: 55.845 g/mol)."""

OPENMPI_CONCENTRATION = 50.0
"""mol/m^3 (mmol/L) of iron in the shape and the resolution phantom."""

CHAMBER_CONCENTRATIONS: Mapping[int, float] = {
    1: 44.4, 2: 100.0, 3: 29.6, 4: 8.77, 5: 19.7, 6: 66.6, 7: 13.1, 8: 5.85,
}  # fmt: skip
"""mol/m^3 of iron by the number of the chamber, of the concentration phantom."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A solid full of tracer; `concentration` of iron, kg/m^3; `name`, such as `chamber 2`."""

    solid: Solid
    concentration: float
    name: str

    @property
    def iron(self) -> float:
        """Iron in it, kg."""
        return self.concentration * self.solid.volume


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """Solids of tracer that do not overlap, and points. SIMULATED.

    `fillings`: the solids. `points` (n, 3), LPS, m, with `point_iron` (n,), kg: samples so small
    that their extent does not count.

    Raises
    ------
    DataError
        if there is nothing in it, or an amount is negative.
    """

    name: str
    fillings: tuple[Filling, ...] = ()
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    point_iron: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.point_iron), 3):
            raise DataError(
                f"{self.name}: points {self.points.shape} and point_iron {self.point_iron.shape}"
            )
        if not self.fillings and not len(self.points):
            raise DataError(f"{self.name}: a phantom holds something")
        amounts = [*self.point_iron, *(part.concentration for part in self.fillings)]
        if not (np.isfinite(amounts).all() and min(amounts) >= 0):
            raise DataError(f"{self.name}: iron must not be negative, got {amounts}")

    @property
    def volume(self) -> float:
        """Volume of all fillings, m^3."""
        return sum(part.solid.volume for part in self.fillings)

    @property
    def iron(self) -> float:
        """All iron, kg."""
        return sum(part.iron for part in self.fillings) + float(self.point_iron.sum())


def voxelize_phantom(phantom: Phantom, grid: Grid, *, subdivision: int = 8) -> IronMap:
    """Return a phantom's iron concentration averaged over every voxel.

    Parameters
    ----------
    phantom
        what to draw.
    grid
        of the image. What lies outside is lost.
    subdivision
        as for `filled_fractions`; a point's iron goes wholly into the voxel that holds it.

    Returns
    -------
        SIMULATED; times the voxel's volume it sums to the phantom's iron, within the accuracy of
        `filled_fractions`, if the phantom lies within the grid.

    Raises
    ------
    DataError
        if `subdivision` is no power of 2.
    """
    values = np.zeros(grid.shape)
    for part in phantom.fillings:
        values += part.concentration * filled_fractions(part.solid, grid, subdivision=subdivision)
    inverse = np.linalg.inv(grid.affine)
    index = np.floor(phantom.points @ inverse[:3, :3].T + inverse[:3, 3] + 0.5).astype(int)
    inside = ((index >= 0) & (index < grid.shape)).all(axis=1)
    np.add.at(values, tuple(index[inside].T), phantom.point_iron[inside] / grid.voxel_volume)
    provenance = Provenance(
        "simulated_phantom", parameters={"data": "SIMULATED", "phantom": phantom.name}
    )
    return IronMap(values, grid, provenance)


def phantom_points(
    phantom: Phantom, *, spacing: float, subdivision: int = 4
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a phantom as many small samples, for a simulation on its own, finer grid.

    Parameters
    ----------
    phantom
        what to sample.
    spacing
        edge of the cubes whose iron a point stands for, m.
    subdivision
        as for `filled_fractions`.

    Returns
    -------
        positions (n, 3), LPS, m, and iron (n,), kg. The iron of every filling is scaled to sum to
        its own exactly.

    Raises
    ------
    DataError
        if `spacing` is not positive.
    """
    if not (np.isfinite(spacing) and spacing > 0):
        raise DataError(f"spacing must be positive, got {spacing} m")
    positions, iron = [phantom.points], [phantom.point_iron]
    for part in phantom.fillings:
        low, high = part.solid.bounds
        counts = np.ceil((high - low) / spacing).astype(int) + 1
        center = (low + high) / 2
        grid = Grid.centered(
            (int(counts[0]), int(counts[1]), int(counts[2])),
            (spacing, spacing, spacing),
            (float(center[0]), float(center[1]), float(center[2])),
        )
        share = filled_fractions(part.solid, grid, subdivision=subdivision).ravel(order="F")
        held = share > 0
        positions.append(grid.centers()[held])
        iron.append(part.iron * share[held] / share.sum())
    return np.concatenate(positions), np.concatenate(iron)


def shape_phantom(*, center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Phantom:
    """Return OpenMPIData's shape phantom: a cone with a flat tip of 1 mm radius.

    22 mm long; its surface is inclined by 10 degrees to the axis (the half-angle: only so is the
    volume the published 683.9 uL); 50 mmol/L of iron. The axis is x, the tip at the negative end
    [assumption: the direction is not stated in words].

    Parameters
    ----------
    center
        of the cone's axis, LPS, m.

    References
    ----------
    Knopp, Szwargulski, Griese and Graeser, OpenMPIData, Data in Brief 28 (2020) 104971;
    documentation of the data, section Phantoms.

    Examples
    --------
    >>> round(1e9 * shape_phantom().volume, 1)  # uL
    683.9
    """
    half = np.array([0.011, 0.0, 0.0])
    wide = 1e-3 + 22e-3 * np.tan(np.radians(10.0))
    cone = Frustum(np.array(center) - half, np.array(center) + half, 1e-3, float(wide))
    concentration = OPENMPI_CONCENTRATION * IRON_MOLAR_MASS
    return Phantom("SIMULATED OpenMPI shape phantom", (Filling(cone, concentration, "cone"),))


def resolution_phantom(*, origin: tuple[float, float, float] = (-0.01, 0.0, 0.0)) -> Phantom:
    """Return OpenMPIData's resolution phantom: five tubes from one origin.

    One along x, two in the xy plane (20 degrees towards +y, 30 degrees towards -y), two in the xz
    plane (15 degrees towards +z, 10 degrees towards -z); the documentation calls the latter the YZ
    plane. Radius 0.5 mm (from the construction file), 20 mm along x [assumption]; which angle lies
    on which side [assumption]. 50 mmol/L of iron. The tubes overlap near the origin, so that their
    volume is counted, not written down (see `Union`).

    Parameters
    ----------
    origin
        where the tubes meet, LPS, m.

    References
    ----------
    As for `shape_phantom`; radius and straight tube: its file Phantom1_Resolution.STEP.
    """
    start, along = np.array(origin), np.array([0.020, 0.0, 0.0])
    turns = ((2, 20.0), (2, -30.0), (1, -15.0), (1, 10.0))
    ends = [along]
    for axis, angle in turns:
        turned = rotation_about(np.eye(3)[axis], np.radians(angle)) @ along
        ends.append(turned / np.cos(np.radians(angle)))
    tubes = Union(tuple(tube(start, start + end, radius=0.5e-3) for end in ends))
    concentration = OPENMPI_CONCENTRATION * IRON_MOLAR_MASS
    return Phantom(
        "SIMULATED OpenMPI resolution phantom", (Filling(tubes, concentration, "five tubes"),)
    )


def concentration_phantom(*, center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Phantom:
    """Return OpenMPIData's concentration phantom: eight cubes of 8 uL in a dilution series.

    Edges of 2 mm, centres 12 mm apart in x and y and 6 mm in z. Chambers 1 to 4 lie above (+z), 5
    to 8 below; 1 and 5 at positive x and y, on from there clockwise seen from above [assumption:
    the documentation says clockwise, not seen from where].

    Parameters
    ----------
    center
        of all eight, LPS, m.

    References
    ----------
    As for `shape_phantom`.
    """
    corners = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    fillings = []
    for number, concentration in CHAMBER_CONCENTRATIONS.items():
        x, y = corners[(number - 1) % 4]
        z = 1 if number <= 4 else -1
        place = np.array(center) + np.array([6e-3 * x, 6e-3 * y, 3e-3 * z])
        cube = Box(place, np.full(3, 2e-3))
        fillings.append(Filling(cube, concentration * IRON_MOLAR_MASS, f"chamber {number}"))
    return Phantom("SIMULATED OpenMPI concentration phantom", tuple(fillings))


def points_phantom(positions: NDArray[np.float64], iron: NDArray[np.float64]) -> Phantom:
    """Return point samples.

    Parameters
    ----------
    positions
        shape (n, 3), LPS, m.
    iron
        shape (n,), kg.
    """
    return Phantom(
        "SIMULATED points",
        points=np.array(positions, dtype=np.float64),
        point_iron=np.array(iron, dtype=np.float64),
    )


def sphere_phantom(
    *, radius: float, concentration: float, center: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Phantom:
    """Return a ball of `radius` (m), `concentration` of iron in kg/m^3, around `center` (m)."""
    ball = Sphere(np.array(center), radius)
    return Phantom("SIMULATED ball", (Filling(ball, concentration, "ball"),))


def tube_phantom(
    start: NDArray[np.float64], end: NDArray[np.float64], *, radius: float, concentration: float
) -> Phantom:
    """Return a tube of `radius` (m) from `start` to `end` (3,), m; iron in kg/m^3."""
    solid = tube(start, end, radius=radius)
    return Phantom("SIMULATED tube", (Filling(solid, concentration, "tube"),))
