"""Tracer particles: how much iron sits in cores of which size, and how it magnetizes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.langevin import VACUUM_PERMEABILITY, langevin_magnetization

MAGNETITE_DENSITY = 5200.0
"""kg/m^3 [assumption: magnetite to maghemite, rounded]."""

IRON_SHARE_OF_CORE = 0.70
"""Mass of iron in a mass of core, dimensionless [assumption: maghemite]."""

BODY_TEMPERATURE = 310.15
"""K."""

LARGEST_CORE = 1e-6
"""m; no magnetic core is larger, but a diameter in nm taken for one in m is."""

_NODES = 24


LEAST_SATURATION = 10e3
"""A/m. No core material is so weak; what is less is a number in kA/m (446 kA/m is 446e3 A/m)."""


def check_saturation(saturation: float) -> None:
    """Refuse a magnetization of the core material below `LEAST_SATURATION`, in A/m.

    Raises
    ------
    DataError
        if it is.
    """
    if saturation < LEAST_SATURATION:
        raise DataError(
            f"saturation {saturation} A/m is no core material; expected A/m: 446 kA/m is 446e3"
        )


@dataclass(frozen=True, slots=True)
class TracerParticles:
    """Iron in lognormal populations of magnetic cores.

    `iron_shares` (n,) sum to 1: the share of the iron in each population. `diameters` (n,), m,
    and `spreads` (n,), dimensionless: median and log standard deviation of the core diameter,
    **weighted by iron mass**. `saturation`: magnetization of the core material, A/m.

    Raises
    ------
    DataError
        if the shares do not sum to 1 or any number is not positive.
    """

    iron_shares: tuple[float, ...]
    diameters: tuple[float, ...]
    spreads: tuple[float, ...]
    saturation: float = 380e3

    def __post_init__(self) -> None:
        if not len(self.iron_shares) == len(self.diameters) == len(self.spreads) > 0:
            raise DataError("iron_shares, diameters and spreads need one equal length above 0")
        values = (*self.iron_shares, *self.diameters, *self.spreads, self.saturation)
        if not all(0 < value < np.inf for value in values) or abs(sum(self.iron_shares) - 1) > 1e-9:
            raise DataError(
                f"shares {self.iron_shares} must sum to 1; sizes, spreads and saturation "
                f"must be positive, got {values}"
            )
        if min(self.diameters) > LARGEST_CORE:
            raise DataError(f"diameters {self.diameters} m are no cores; expected metres, not nm")
        check_saturation(self.saturation)

    @property
    def moment_per_iron(self) -> float:
        """Saturation moment of 1 kg of iron, in A m^2/kg (104 for 380 kA/m)."""
        return self.saturation / (MAGNETITE_DENSITY * IRON_SHARE_OF_CORE)


FERUMOXYTOL = TracerParticles((0.102, 0.898), (18e-9, 6.7e-9), (0.30, 0.25))
"""Ferumoxytol as most of its iron in 6.7 nm cores with a tail of larger effective moments.

The tail (10.2 % of the iron, 18 nm, 0.30) makes the third harmonic at 20 mT one quarter of a
ferucarbotran model's, the ratio of equal iron that Nejadnik et al. 2018 (Mol Imaging Biol)
measured. The size of the tail is not known better than that [assumption].
"""


def mean_magnetization(
    flux_density: NDArray[np.float64],
    particles: TracerParticles,
    *,
    temperature: float = BODY_TEMPERATURE,
) -> NDArray[np.float64]:
    """Return the equilibrium magnetization of the tracer, relative to saturation.

    The Langevin function averaged over each population's core sizes by 24-point Gauss-Hermite
    quadrature in the logarithm of the diameter, weighted by iron mass.

    Parameters
    ----------
    flux_density
        field strength times mu0, in T, any shape.
    particles
        the populations.
    temperature
        in K; body temperature by default.

    Returns
    -------
        shape of `flux_density`, within (-1, 1), odd in the field.

    Raises
    ------
    DataError
        if `temperature` is not positive.

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 2.

    Examples
    --------
    >>> bool(mean_magnetization(np.array([10.0]), FERUMOXYTOL)[0] > 0.98)
    True
    """
    nodes, weights = np.polynomial.hermite.hermgauss(_NODES)
    field = np.asarray(flux_density, dtype=np.float64) / VACUUM_PERMEABILITY
    total = np.zeros(field.shape)
    for share, median, spread in zip(
        particles.iron_shares, particles.diameters, particles.spreads, strict=True
    ):
        diameters = median * np.exp(np.sqrt(2.0) * spread * nodes)
        moments = particles.saturation * np.pi * diameters**3 / 6
        for moment, weight in zip(moments, weights / np.sqrt(np.pi), strict=True):
            curve = langevin_magnetization(field, moment=float(moment), temperature=temperature)
            total += share * weight * curve
    return total
