"""Scanners by name: the parameters that are published, and assumptions where none are."""

from collections.abc import Callable, Mapping

import numpy as np

from sojourn.core.errors import DataError
from sojourn.physics.coils import Coil, GradiometerPair
from sojourn.physics.field_sources import (
    HomogeneousField,
    field_free_line_source,
    field_free_point_source,
)
from sojourn.physics.fields import KneeScanner
from sojourn.physics.receive import transfer_function
from sojourn.physics.scanners import Scanner
from sojourn.physics.selection_pairs import field_free_state
from sojourn.physics.sequences import (
    Sequence,
    cartesian_sequence,
    field_free_line_sequence,
    lissajous_sequence,
    single_sided_sequence,
)

RECEIVE_SENSITIVITY = 1e-3
"""T/A of an ideal receive coil along its axis [assumption: some ten turns around a mouse]."""


def preclinical(
    *,
    gradient: float = 2.0,
    amplitude: float = 12e-3,
    dividers: tuple[int, int, int] = (102, 96, 99),
) -> Scanner:
    """Return a bore for mice with a 3-D Lissajous trajectory, as those of Hamburg and of OpenMPI.

    Parameters
    ----------
    gradient
        along z, T/m; half of it, negative, along x and y.
    amplitude
        of each drive channel, T.
    dividers
        of 2.5 MHz; the receiver takes 2.5 MS/s, so that their least common multiple is the
        number of samples of a period (53,856).

    References
    ----------
    Knopp, Szwargulski, Griese and Graeser, OpenMPIData, Data in Brief 28 (2020) 104971.
    """
    sequence = lissajous_sequence(np.full(3, amplitude), np.array(dividers))
    source = field_free_point_source(np.array([-0.5, -0.5, 1.0]) * gradient)
    return Scanner(source, _axes(), _axes(RECEIVE_SENSITIVITY), sequence, name="preclinical")


def cartesian(
    *, gradient: float = 2.0, amplitude: float = 12e-3, lines: tuple[int, int] = (32, 16)
) -> Scanner:
    """Return the preclinical bore with a fast line along z, shifted slowly along x, then y.

    Parameters
    ----------
    gradient, amplitude
        as `preclinical`.
    lines
        fast cycles in a cycle along x, cycles along x in one along y.
    """
    sequence = cartesian_sequence(np.full(3, amplitude), divider=96, lines=lines)
    source = field_free_point_source(np.array([-0.5, -0.5, 1.0]) * gradient)
    drive = tuple(HomogeneousField(np.eye(3)[axis]) for axis in (2, 0, 1))
    return Scanner(source, drive, _axes(RECEIVE_SENSITIVITY), sequence, name="cartesian")


def human_head(
    *,
    gradient: float = 0.11,
    amplitude: float = 5e-3,
    center: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Scanner:
    """Return a 1-D head scanner: one sine along x at 25.699 kHz, 152 samples a period.

    Drive frequency, sampling and nominal amplitude are those of the human-head scanner of
    Hamburg in 2018. No file of it states a gradient: 0.11 T/m is what its calibration shows if the
    nominal amplitude is true (`docs/model-based.md`).

    Parameters
    ----------
    gradient
        of the selection field along x, T/m; half of it, negative, along y and z.
    amplitude
        of the drive field, T.
    center
        of the selection field, LPS, m.

    References
    ----------
    Graeser et al., Human-sized magnetic particle imaging for brain applications, Nature
    Communications 10 (2019) 1936.
    """
    sequence = lissajous_sequence(
        np.array([amplitude]), np.array([4864]), base_frequency=125e6, bandwidth=1.953125e6
    )
    slopes = gradient * np.array([1.0, -0.5, -0.5])
    source = field_free_point_source(slopes, center=np.asarray(center, dtype=np.float64))
    return Scanner(source, _axes(n=1), _axes(RECEIVE_SENSITIVITY, 1), sequence, name="human_head")


def field_free_line(
    *, gradient: float = 2.0, amplitude: float = 12e-3, n_angles: int = 16
) -> Scanner:
    """Return a field-free line along y, driven along x and turned about z, one patch an angle.

    Parameters
    ----------
    gradient
        across the line, T/m.
    amplitude
        of the one drive channel, T.
    n_angles
        over half a turn.

    References
    ----------
    Knopp, Erbe et al., Medical Physics 37 (2010) 3486.
    """
    source = field_free_line_source(
        gradient, direction=np.array([0.0, 1.0, 0.0]), normal=np.array([1.0, 0.0, 0.0])
    )
    sequence = field_free_line_sequence(amplitude, divider=100, n_angles=n_angles)
    receive = _axes(RECEIVE_SENSITIVITY, 2)
    return Scanner(source, _axes(n=1), receive, sequence, name="field_free_line")


def single_sided(
    *,
    depths: tuple[float, ...] = (8e-3, 14e-3, 20e-3, 28e-3),
    power: float = 150.0,
    ampere_turns: float = 600.0,
) -> Scanner:
    """Return a handheld probe, its face at z = 0, +z into the body.

    A concentric pair of selection coils (windings 24-34 and 52-66 mm wide, 25 to 5 mm behind the
    face), a drive coil (16-22 mm, 25 to 4 mm behind) at 25 kHz and a receive coil (9-14 mm, 10 to
    3 mm behind, 300 turns) with a mirrored twin behind. One patch without selection field and one
    for each depth of the field-free point.

    Parameters
    ----------
    depths
        of the field-free point on the axis, m.
    power
        heat of both selection windings, W.
    ampere_turns
        peak, of the drive coil: one turn stands for all.

    References
    ----------
    Bai et al., Frontiers in Bioengineering and Biotechnology 12 (2024) 1327521 (topology); the
    dimensions are a design of this package [assumption].
    """
    inner = Coil(24e-3, 34e-3, -25e-3, -5e-3, 120)
    outer = Coil(52e-3, 66e-3, -25e-3, -5e-3, 120)
    drive = Coil(16e-3, 22e-3, -25e-3, -4e-3, 1)
    pair = GradiometerPair(
        Coil(9e-3, 14e-3, -10e-3, -3e-3, 300), Coil(9e-3, 14e-3, -47e-3, -40e-3, 300)
    )
    states = [field_free_state(inner, outer, height=z, power=power) for z in depths]
    sequence = single_sided_sequence(
        ampere_turns, (None, *(state.source for state in states)), bandwidth=1e6
    )
    selection = states[0].source if states else inner
    return Scanner(selection, (drive,), (pair,), sequence, name="single_sided")


def knee(scanner: KneeScanner | None = None) -> Scanner:
    """Return the idealized knee scanner of the demonstration trial.

    Parameters
    ----------
    scanner
        the standard `KneeScanner` unless stated.
    """
    chosen = scanner or KneeScanner()
    induced = -2j * np.pi * chosen.frequencies() * chosen.sensitivity
    transfer = np.zeros((3, chosen.n_bins), dtype=np.complex128)
    transfer[:, 1:] = transfer_function(chosen)[:, 1:] / induced[1:]
    sequence = Sequence(chosen.drive_field, chosen.n_samples, chosen.bandwidth)
    source = field_free_point_source(chosen.gradient)
    return Scanner(source, _axes(), _axes(chosen.sensitivity), sequence, transfer, "knee")


PRESETS: Mapping[str, Callable[[], Scanner]] = {
    "preclinical": preclinical,
    "cartesian": cartesian,
    "human_head": human_head,
    "field_free_line": field_free_line,
    "single_sided": single_sided,
    "knee": knee,
}
"""Every preset by its name, with its standard parameters."""


def preset(name: str) -> Scanner:
    """Return a preset by its name.

    Raises
    ------
    DataError
        if there is none of that name; the message lists all.
    """
    if name not in PRESETS:
        raise DataError(f"no scanner preset {name!r}; known: {', '.join(PRESETS)}")
    return PRESETS[name]()


def _axes(scale: float = 1.0, n: int = 3) -> tuple[HomogeneousField, ...]:
    """Return homogeneous coils along the first `n` of x, y, z."""
    return tuple(HomogeneousField(scale * axis) for axis in np.eye(3)[:n])
