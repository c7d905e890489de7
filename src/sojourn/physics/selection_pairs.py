"""Two coaxial coils that put a field-free point at a chosen depth, as single-sided probes do."""

from dataclasses import dataclass

import numpy as np

from sojourn.core.errors import DataError
from sojourn.physics.coils import Coil, axial_field, coil_resistance, is_coaxial
from sojourn.physics.field_free import field_jacobian
from sojourn.physics.field_sources import CombinedField


@dataclass(frozen=True, slots=True, eq=False)
class SelectionState:
    """One setting of a pair of selection coils.

    `source`: its field, T. `inner_current`, `outer_current`: A through each wire. `gradient`:
    |dB/dz| on the axis at the field-free point, T/m. `power`: heat in both windings, W.
    """

    source: CombinedField
    inner_current: float
    outer_current: float
    gradient: float
    power: float


def field_free_state(
    inner: Coil, outer: Coil, *, height: float, power: float, fill_factor: float = 0.6
) -> SelectionState:
    r"""Return the currents that put a field-free point on the axis, at a given power.

    .. math:: A_o = -A_i\, b_i(z) / b_o(z), \qquad P = R_i A_i^2 + R_o A_o^2

    Parameters
    ----------
    inner, outer
        coils about one axis.
    height
        z of the field-free point along the axis, m from the inner coil's `center`.
    power
        direct-current heat of both windings, W.
    fill_factor
        conductor's share of the cross-sections (copper at 20 degrees Celsius).

    Returns
    -------
        the inner current positive.

    Raises
    ------
    DataError
        if the coils have no common axis, the outer has no field there, or `power` is not positive.

    References
    ----------
    Bai et al., Frontiers in Bioengineering and Biotechnology 12 (2024) 1327521: the ratio of the
    currents of a concentric pair moves the field-free point in depth.
    """
    if not is_coaxial(inner, outer):
        raise DataError("the two selection coils have no common axis")
    if not power > 0:
        raise DataError(f"power must be positive, got {power} W")
    near, far = axial_field(inner, inner, height), axial_field(outer, inner, height)
    if far == 0:
        raise DataError(f"the outer coil has no field at {height} m")
    ratio = -near / far
    heat = coil_resistance(inner, fill_factor=fill_factor)
    heat += ratio**2 * coil_resistance(outer, fill_factor=fill_factor)
    current = float(np.sqrt(power / heat))
    source = CombinedField((inner, outer), (current, ratio * current))
    place = inner.center + height * inner.axis
    slope = field_jacobian(source, place[None])[0]
    gradient = float(abs(inner.axis @ slope @ inner.axis))
    return SelectionState(source, current, ratio * current, gradient, power)
