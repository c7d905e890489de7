"""Magnetic field and vector potential of circular current loops."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipe, ellipkm1

from sojourn.core.errors import DataError
from sojourn.physics.field_sources import checked_positions
from sojourn.physics.langevin import VACUUM_PERMEABILITY

_SERIES_BOUND = 0.15
_SERIES_LENGTH = 19


def _hypergeometric(a: float, b: float, c: float) -> NDArray[np.float64]:
    """Return the coefficients of 2F1(a, b; c; m), lowest power first."""
    n = np.arange(_SERIES_LENGTH - 1)
    ratios = (a + n) * (b + n) / ((c + n) * (1 + n))
    return np.concatenate(([1.0], np.cumprod(ratios)))


_FIELD_SERIES = 3 * np.pi / 16 * _hypergeometric(0.5, 1.5, 3.0)
_POTENTIAL_SERIES = np.pi / 16 * _hypergeometric(1.5, 1.5, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class LoopIntegrals:
    """What field and potential of a loop are made of.

    Shape of the geometry that was given. `first_kind`: K(m). `second_kind`: E(m). `field`: G(m).
    `potential`: C(m).
    """

    first_kind: NDArray[np.float64]
    second_kind: NDArray[np.float64]
    field: NDArray[np.float64]
    potential: NDArray[np.float64]


def loop_integrals(
    parameter: NDArray[np.float64], complement: NDArray[np.float64]
) -> LoopIntegrals:
    r"""Return the complete elliptic integrals of a loop.

    .. math::

        G = \frac{(2-m)E - 2(1-m)K}{m^2}, \qquad C = \frac{(2-m)K - 2E}{m^2}

    For m < 0.15 both differences cancel, so their series are used instead:
    G = 3 pi/16 2F1(1/2, 3/2; 3; m) and C = pi/16 2F1(3/2, 3/2; 3; m).

    Parameters
    ----------
    parameter
        m = k^2 within [0, 1), any shape.
    complement
        1 - m, above 0, the same shape; given apart because it carries the digits near the wire.

    References
    ----------
    Byrd and Friedman, Handbook of Elliptic Integrals, Springer 1971 (C and its relatives);
    DLMF section 19.5 for the series (Euler's transformation gives the form of G).
    """
    m, rest = np.asarray(parameter), np.asarray(complement)
    first = ellipkm1(rest)
    second = np.asarray(ellipe(m), dtype=np.float64)
    square = np.where(m < _SERIES_BOUND, 1.0, m) ** 2
    field = np.asarray(((2 - m) * second - 2 * rest * first) / square)
    potential = np.asarray(((2 - m) * first - 2 * second) / square)
    small = m < _SERIES_BOUND
    if small.any():
        field[small] = np.polynomial.polynomial.polyval(m[small], _FIELD_SERIES)
        potential[small] = np.polynomial.polynomial.polyval(m[small], _POTENTIAL_SERIES)
    return LoopIntegrals(np.asarray(first), second, field, potential)


def coaxial_field(
    distance: NDArray[np.float64], height: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the field of a loop in cylinder coordinates about its axis, per ampere.

    .. math::

        B_z = \frac{\mu_0 I a^2}{\pi \beta \alpha^2}
              \left[E - \frac{4 r^2}{\beta^2} G\right]
            = \frac{\mu_0 I}{2 \pi \beta \alpha^2}
              \left[(a^2 - r^2 - \zeta^2) E + \alpha^2 K\right], \qquad
        \frac{B_r}{r} = \frac{\mu_0 I a^2}{\pi \beta \alpha^2} \frac{4 \zeta}{\beta^2} G

    with alpha^2 = (a - r)^2 + zeta^2, beta^2 = (a + r)^2 + zeta^2, 1 - m = alpha^2 / beta^2. The
    first form of B_z cancels neither near the axis nor far away, the second (the textbook's) not
    near the wire, where m > 1/2.

    Parameters
    ----------
    distance
        r from the axis, m.
    height
        zeta above the loop's plane, m.
    radius
        a of the loop, m; the three are broadcast together.

    Returns
    -------
        B_r / r in T/(A m) (finite on the axis) and B_z in T/A.

    Raises
    ------
    DataError
        if a position lies on the wire.

    References
    ----------
    Simpson et al., Simple analytic expressions for the magnetic field of a circular current loop,
    NASA/TM-2013-217919, for the textbook formulas.
    """
    near, far, integrals = _geometry(distance, height, radius)
    scale = VACUUM_PERMEABILITY * radius**2 / (np.pi * np.sqrt(far) * near)
    pull = 4.0 * integrals.field / far
    radial = scale * height * pull
    pulled = integrals.second_kind - distance**2 * pull
    excess = (radius - distance) * (radius + distance) - height**2
    textbook = (excess * integrals.second_kind + near * integrals.first_kind) / (2 * radius**2)
    axial = scale * np.where(2 * near < far, textbook, pulled)
    return np.asarray(radial), np.asarray(axial)


def coaxial_potential(
    distance: NDArray[np.float64], height: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Return the vector potential of a loop over the distance from its axis, per ampere.

    .. math:: A_\phi / r = \frac{4 \mu_0 I a^2}{\pi \beta^3} C(m)

    Parameters
    ----------
    distance, height, radius
        as for `coaxial_field`.

    Returns
    -------
        A_phi / r in T/A, finite on the axis.

    Raises
    ------
    DataError
        if a position lies on the wire.
    """
    _, far, integrals = _geometry(distance, height, radius)
    value = 4 * VACUUM_PERMEABILITY * radius**2 * integrals.potential / (np.pi * far**1.5)
    return np.asarray(value)


def _geometry(
    distance: NDArray[np.float64], height: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], LoopIntegrals]:
    """Return alpha^2, beta^2 and the integrals, broadcast."""
    near = np.asarray((radius - distance) ** 2 + height**2)
    far = np.asarray((radius + distance) ** 2 + height**2)
    if not near.all():
        raise DataError("a position lies on the wire of a loop, where the field has no value")
    return near, far, loop_integrals(np.asarray(4 * radius * distance / far), near / far)


@dataclass(frozen=True, slots=True, eq=False)
class LoopFrame:
    """Positions seen from a loop's axis.

    `across` (n, 3): the part of each offset at right angles to the axis, m. `height` (n,): the
    part along it, m. `axis` (3,): unit vector.
    """

    across: NDArray[np.float64]
    height: NDArray[np.float64]
    axis: NDArray[np.float64]

    @property
    def distance(self) -> NDArray[np.float64]:
        """Distance from the axis, shape (n,), m."""
        return np.asarray(np.linalg.norm(self.across, axis=1), dtype=np.float64)


def loop_frame(
    positions: NDArray[np.float64], center: NDArray[np.float64], axis: NDArray[np.float64]
) -> LoopFrame:
    """Return `positions` (n, 3) seen from an axis through `center` (3,) along `axis` (3,).

    Raises
    ------
    DataError
        if `axis` has no direction or a shape is wrong.
    """
    points = checked_positions(positions)
    normal = np.asarray(axis, dtype=np.float64)
    origin = np.asarray(center, dtype=np.float64)
    length = float(np.linalg.norm(normal)) if normal.shape == (3,) else 0.0
    if not (np.isfinite(length) and length > 0) or origin.shape != (3,):
        raise DataError(f"center {origin.tolist()} or axis {normal.tolist()} is no place or axis")
    normal = normal / length
    offset = points - origin
    height = np.asarray(offset @ normal)
    return LoopFrame(offset - height[:, None] * normal, height, normal)


def current_loop_field(
    positions: NDArray[np.float64],
    *,
    radius: float,
    center: NDArray[np.float64],
    axis: NDArray[np.float64],
    current: float = 1.0,
) -> NDArray[np.float64]:
    """Return the flux density of a circular loop of thin wire.

    Parameters
    ----------
    positions
        shape (n, 3), LPS, m.
    radius
        of the loop, m; positive.
    center, axis
        shape (3,): where it lies, m, and its normal; the current runs right-handed about it.
    current
        in A.

    Returns
    -------
        shape (n, 3), T; better than 1e-12 of the vector's length near the axis, near the wire and
        far away alike (see docs/physics-fields.md).

    Raises
    ------
    DataError
        if a position lies on the wire, or the radius is not positive.

    Examples
    --------
    >>> center, axis = np.zeros(3), np.array([0.0, 0.0, 1.0])
    >>> at_center = current_loop_field(center[None], radius=0.1, center=center, axis=axis)
    >>> float(round(at_center[0, 2] * 1e6, 4))  # mu0 / (2 a)
    6.2832
    """
    frame = loop_frame(positions, center, axis)
    radial, axial = coaxial_field(frame.distance, frame.height, _checked_radius(radius))
    field: NDArray[np.float64] = current * (
        radial[:, None] * frame.across + axial[:, None] * frame.axis
    )
    return field


def current_loop_potential(
    positions: NDArray[np.float64],
    *,
    radius: float,
    center: NDArray[np.float64],
    axis: NDArray[np.float64],
    current: float = 1.0,
) -> NDArray[np.float64]:
    """Return the vector potential of a circular loop of thin wire (Coulomb gauge).

    Parameters
    ----------
    positions, radius, center, axis, current
        as for `current_loop_field`.

    Returns
    -------
        shape (n, 3), T m. An alternating current's electric field far from other conductors is
        -dA/dt.

    Raises
    ------
    DataError
        if a position lies on the wire, or the radius is not positive.
    """
    frame = loop_frame(positions, center, axis)
    ratio = coaxial_potential(frame.distance, frame.height, _checked_radius(radius))
    potential: NDArray[np.float64] = current * ratio[:, None] * np.cross(frame.axis, frame.across)
    return potential


def _checked_radius(radius: float) -> NDArray[np.float64]:
    if not (np.isfinite(radius) and radius > 0):
        raise DataError(f"the radius of a loop must be positive, got {radius} m")
    return np.array(radius)


@dataclass(frozen=True, slots=True, eq=False)
class CurrentLoop:
    """A circular loop of thin wire: a `FieldSource`, T/A.

    `radius`, m; `center` (3,), m; `axis` (3,), its normal.
    """

    radius: float
    center: NDArray[np.float64]
    axis: NDArray[np.float64]

    def flux_density(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the flux density at `positions` (n, 3), LPS, m: shape (n, 3), T/A."""
        return current_loop_field(positions, radius=self.radius, center=self.center, axis=self.axis)
