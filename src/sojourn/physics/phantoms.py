"""Simulated knees: where tracer may lie, how it is spread there, and what an MR mask says.

The shapes are ellipsoids and capsules of about human size [assumption]: good enough to put
tracer in a curved, thin cavity and beside it, no anatomy to learn from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance

COMPARTMENTS = ("joint_cavity", "needle_track", "popliteal_fossa")
"""Where simulated tracer lies; the last two are outside: region `periarticular` of the mask."""

MASK_NAMES: Mapping[int, str] = {1: "joint_cavity", 2: "periarticular"}

TRUTH_GRID = Grid.centered((36, 24, 36), (0.01 / 3, 0.01 / 3, 0.01 / 3))
"""One point of tracer at a random place in each voxel: three to a calibration voxel's edge."""

MASK_GRID = Grid.centered((48, 32, 48), (0.0025, 0.0025, 0.0025))
"""2.5 mm, as a segmentation of an MR volume may have."""


_CENTER = np.array([0.0, 0.0, -0.012])
"""The knee's mean place, so that its cavity is centred in the scanner (LPS, m)."""

_BOLUS_LENGTH = 0.06
"""Early tracer thins out with distance from the needle's inlet, m [assumption]."""

_SETTLING_LENGTH = 0.06
"""Late tracer lies denser below, m [assumption]."""


@dataclass(frozen=True, slots=True)
class KneeVariation:
    """How knees differ, and how well their masks fit; lengths in m [assumption].

    `size`: log standard deviation of each bone's and recess's size. `center`: of the knee's place.
    `texture`: log standard deviation of the tracer's density at `texture_length`; `fine_texture`:
    of point to point. `registration`: of the mask's shift along each axis (1 mm target error over
    three axes). `spreading_days`: time constant with which tracer leaves the injection's pattern.
    """

    size: float = 0.06
    center: float = 0.003
    texture: float = 0.4
    texture_length: float = 0.01
    fine_texture: float = 0.3
    registration: float = 0.0006
    spreading_days: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class KneeShape:
    """A knee as implicit shapes; positions are LPS from the isocentre, in m.

    `bones` and `recesses` (n, 2, 3): centre and semi-axes of ellipsoids. `thickness`: of the cavity
    around the bones. `needle` (2, 3): where the needle enters the skin and the cavity.
    `popliteal` (2, 3): an ellipsoid behind the knee. `track_radius`.
    """

    center: NDArray[np.float64]
    bones: NDArray[np.float64]
    recesses: NDArray[np.float64]
    thickness: float
    needle: NDArray[np.float64]
    popliteal: NDArray[np.float64]
    track_radius: float = 0.006

    def compartment(self, positions: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return each position's index in `COMPARTMENTS`, or -1 outside all, shape (n,)."""
        local = positions - self.center
        bone = np.min([_distance(local, bone) for bone in self.bones], axis=0)
        front = local[:, 1] < 0.018
        level = (local[:, 2] > -0.016) & (local[:, 2] < 0.034)
        shell = (bone < self.thickness) & front & level
        recess = np.min([_distance(local, recess) for recess in self.recesses], axis=0) < 0
        cavity = (shell | recess) & (bone >= 0)
        track = _distance_to_segment(local, self.needle) < self.track_radius
        behind = _distance(local, self.popliteal) < 0
        outside = ~cavity & (bone >= 0)
        found = np.full(len(positions), -1, dtype=np.int64)
        found[outside & behind] = 2
        found[outside & track] = 1
        found[cavity] = 0
        return found


@dataclass(frozen=True, slots=True, eq=False)
class KneePhantom:
    """A knee's points of tracer and its mask.

    `positions` (n, 3), LPS, m. `compartment` (n,), index in `COMPARTMENTS`. `early` and `late`
    (n,): share of its compartment's tracer at each point just after injection and long after; both
    sum to 1 in each compartment.
    """

    shape: KneeShape
    positions: NDArray[np.float64]
    compartment: NDArray[np.int64]
    early: NDArray[np.float64]
    late: NDArray[np.float64]
    mask: Mask
    spreading_days: float

    def __post_init__(self) -> None:
        for name in ("positions", "compartment", "early", "late"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def place_iron(self, iron: Mapping[str, float], *, day: float) -> NDArray[np.float64]:
        """Return the iron at each position, shape (n,), kg, `day` days after injection.

        `iron` gives kg by compartment; a compartment not named holds none.

        Raises
        ------
        DataError
            if a compartment is unknown, or an amount or the day is negative.
        """
        if unknown := sorted(set(iron) - set(COMPARTMENTS)):
            raise DataError(f"unknown compartments {unknown}; known: {', '.join(COMPARTMENTS)}")
        if min((day, *iron.values())) < 0:
            raise DataError(f"iron {dict(iron)} kg and day {day} must not be negative")
        amounts = np.array([iron.get(name, 0.0) for name in COMPARTMENTS])
        spread = 1.0 - np.exp(-day / self.spreading_days)
        shares = (1.0 - spread) * self.early + spread * self.late
        placed: NDArray[np.float64] = amounts[self.compartment] * shares
        return placed


def simulate_knee(
    rng: np.random.Generator, *, variation: KneeVariation | None = None
) -> KneePhantom:
    """Return a knee with its own size, texture and imperfect mask.

    Parameters
    ----------
    rng
        source of the knee.
    variation
        how knees differ; the standard `KneeVariation` unless stated.

    Returns
    -------
        about 2000 points of tracer and a mask of 2.5 mm voxels with regions `joint_cavity` and
        `periarticular` (needle track and popliteal fossa), shifted by a registration error.
    """
    variation = variation or KneeVariation()
    shape = _draw_shape(rng, variation)
    jitter = rng.uniform(-0.5, 0.5, (TRUTH_GRID.n_voxels, 3)) * TRUTH_GRID.spacing
    candidates = TRUTH_GRID.centers() + jitter
    found = shape.compartment(candidates)
    positions, compartment = candidates[found >= 0], found[found >= 0]
    inlet = shape.center + shape.needle[1]
    near = np.exp(-np.linalg.norm(positions - inlet, axis=1) / _BOLUS_LENGTH)
    early = near * _texture(positions, rng, variation)
    sunk = np.exp(-positions[:, 2] / _SETTLING_LENGTH)
    late = sunk * _texture(positions, rng, variation)
    return KneePhantom(
        shape=shape,
        positions=positions,
        compartment=compartment,
        early=_normalized(early, compartment),
        late=_normalized(late, compartment),
        mask=_draw_mask(shape, rng, variation),
        spreading_days=variation.spreading_days,
    )


def _draw_shape(rng: np.random.Generator, variation: KneeVariation) -> KneeShape:
    def sized(*ellipsoids: tuple[float, ...]) -> NDArray[np.float64]:
        values = np.array(ellipsoids).reshape(-1, 2, 3)
        return values * np.exp(variation.size * rng.standard_normal(values.shape))

    bones = sized((0, 0.005, 0.018, 0.034, 0.024, 0.024), (0, 0.005, -0.026, 0.036, 0.024, 0.021))
    recesses = sized(
        (0, -0.019, 0.044, 0.024, 0.008, 0.013),
        (0.034, 0.0, 0.016, 0.006, 0.014, 0.016),
        (-0.034, 0.0, 0.016, 0.006, 0.014, 0.016),
    )
    popliteal = sized((0.002, 0.031, -0.018, 0.014, 0.006, 0.016))[0]
    side = float(rng.choice([-1.0, 1.0]))
    skin = np.array([side * 0.054, -0.016, 0.040]) + 0.003 * rng.standard_normal(3)
    inlet = recesses[0, 0] + np.array([side * 0.8 * recesses[0, 1, 0], 0.0, 0.0])
    return KneeShape(
        center=_CENTER + variation.center * rng.standard_normal(3),
        bones=bones,
        recesses=recesses,
        thickness=float(rng.uniform(0.004, 0.006)),
        needle=np.stack((skin, inlet)),
        popliteal=popliteal,
    )


def _draw_mask(shape: KneeShape, rng: np.random.Generator, variation: KneeVariation) -> Mask:
    shift = variation.registration * rng.standard_normal(3)
    labels = np.array([1, 2, 2, 0])[shape.compartment(MASK_GRID.centers() + shift)]
    return Mask(
        labels=labels.astype(np.int32).reshape(MASK_GRID.shape, order="F"),
        grid=MASK_GRID,
        names=MASK_NAMES,
        provenance=Provenance("simulated_mask", parameters={"data": "SIMULATED"}),
    )


def _distance(
    positions: NDArray[np.float64], ellipsoid: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return about how far outside an ellipsoid (first order), negative within, m."""
    center, axes = ellipsoid
    offset = positions - center
    level = np.linalg.norm(offset / axes, axis=1)
    slope = np.linalg.norm(offset / axes**2, axis=1)
    distance: NDArray[np.float64] = (level - 1.0) * level / np.maximum(slope, 1e-9)
    return distance


def _distance_to_segment(
    positions: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    start, along = ends[0], ends[1] - ends[0]
    part = np.clip((positions - start) @ along / (along @ along), 0.0, 1.0)
    distance: NDArray[np.float64] = np.linalg.norm(
        positions - start - part[:, None] * along, axis=1
    )
    return distance


def _texture(
    positions: NDArray[np.float64], rng: np.random.Generator, variation: KneeVariation
) -> NDArray[np.float64]:
    """Return a positive lognormal random field at `positions`, (n,), by random cosines."""
    n_waves = 128
    waves = rng.standard_normal((3, n_waves)) / variation.texture_length
    phases = rng.uniform(0.0, 2 * np.pi, n_waves)
    smooth = np.cos(positions @ waves + phases).sum(axis=1) * np.sqrt(2.0 / n_waves)
    fine = rng.standard_normal(len(positions))
    field: NDArray[np.float64] = np.exp(variation.texture * smooth + variation.fine_texture * fine)
    return field


def _normalized(
    weights: NDArray[np.float64], compartment: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return `weights` divided by their sum within each compartment."""
    sums = np.bincount(compartment, weights=weights, minlength=len(COMPARTMENTS))
    if (empty := np.flatnonzero(sums == 0)).size:
        names = ", ".join(COMPARTMENTS[i] for i in empty)
        raise DataError(f"the simulated knee has no room for {names}; draw smaller variations")
    shares: NDArray[np.float64] = weights / sums[compartment]
    return shares
