"""Discrete core sizes: what a lognormal population becomes in a sum, and what a user may state."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.physics.langevin import VACUUM_PERMEABILITY, langevin_magnetization
from sojourn.physics.particles import (
    BODY_TEMPERATURE,
    IRON_SHARE_OF_CORE,
    LARGEST_CORE,
    MAGNETITE_DENSITY,
    TracerParticles,
    check_saturation,
)

GAUSS_HERMITE_NODES = 24
"""As many as `sojourn.physics.particles.mean_magnetization` takes."""


@dataclass(frozen=True, slots=True, eq=False)
class CoreSizes:
    """Iron in cores of n sizes: a discrete distribution, **weighted by iron mass**.

    `diameters` (n,), m. `iron_shares` (n,): the share of the iron in cores of each size, sum 1;
    a share may be 0. `saturation`: magnetization of the core material, A/m.

    Raises
    ------
    DataError
        if the lengths differ, the shares do not sum to 1 or a number is out of range.
    """

    diameters: NDArray[np.float64]
    iron_shares: NDArray[np.float64]
    saturation: float = 380e3

    def __post_init__(self) -> None:
        diameters = np.asarray(self.diameters, dtype=np.float64)
        shares = np.asarray(self.iron_shares, dtype=np.float64)
        if diameters.ndim != 1 or diameters.shape != shares.shape or not diameters.size:
            raise DataError(
                f"diameters {diameters.shape} and iron_shares {shares.shape} need one length"
            )
        if not (np.all(diameters > 0) and np.all(np.isfinite(diameters)) and self.saturation > 0):
            raise DataError(
                f"diameters {diameters} m and saturation {self.saturation} A/m must be positive"
            )
        if float(diameters.min()) > LARGEST_CORE:
            raise DataError(
                f"diameters {diameters} m are no cores; expected metres, 1e-8 for 10 nm"
            )
        check_saturation(self.saturation)
        if not (np.all(shares >= 0) and abs(float(shares.sum()) - 1) <= 1e-9):
            raise DataError(f"iron_shares {shares} must not be negative and must sum to 1")
        object.__setattr__(self, "diameters", frozen(diameters))
        object.__setattr__(self, "iron_shares", frozen(shares))

    @property
    def moment_per_iron(self) -> float:
        """Saturation moment of 1 kg of iron, in A m^2/kg."""
        return self.saturation / (MAGNETITE_DENSITY * IRON_SHARE_OF_CORE)

    @property
    def volumes(self) -> NDArray[np.float64]:
        """Core volumes (n,), m^3."""
        volumes: NDArray[np.float64] = np.pi * self.diameters**3 / 6
        return volumes

    @property
    def moments(self) -> NDArray[np.float64]:
        """Moments of one core of each size (n,), A m^2."""
        moments: NDArray[np.float64] = self.saturation * self.volumes
        return moments


def core_sizes(
    particles: TracerParticles | CoreSizes, *, nodes: int = GAUSS_HERMITE_NODES
) -> CoreSizes:
    """Return the sizes at which an average over the cores is summed.

    Lognormal populations give Gauss-Hermite nodes in the logarithm of the diameter; sizes that
    are discrete already stay as they are.

    Parameters
    ----------
    particles
        lognormal populations or sizes.
    nodes
        of each population, positive.

    Returns
    -------
        `nodes` sizes for each population, shares summing to 1.

    Raises
    ------
    DataError
        if `nodes` is not positive.

    References
    ----------
    Press et al., Numerical Recipes, 3rd edition 2007, section 4.6 (Gauss-Hermite quadrature).

    Examples
    --------
    >>> core_sizes(TracerParticles((1.0,), (20e-9,), (0.1,)), nodes=1).diameters
    array([2.e-08])
    """
    if isinstance(particles, CoreSizes):
        return particles
    if nodes < 1:
        raise DataError(f"nodes {nodes} must be positive")
    points, weights = np.polynomial.hermite.hermgauss(nodes)
    medians = np.asarray(particles.diameters)[:, None]
    spreads = np.asarray(particles.spreads)[:, None]
    diameters = medians * np.exp(np.sqrt(2.0) * spreads * points)
    shares = np.asarray(particles.iron_shares)[:, None] * (weights / weights.sum())
    return CoreSizes(diameters.ravel(), shares.ravel(), particles.saturation)


def discrete_magnetization(
    flux_density: NDArray[np.float64],
    sizes: CoreSizes,
    *,
    temperature: float = BODY_TEMPERATURE,
) -> NDArray[np.float64]:
    """Return the equilibrium magnetization of cores of discrete sizes, relative to saturation.

    Parameters
    ----------
    flux_density
        field strength times mu0, in T, any shape.
    sizes
        the cores.
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
    """
    field = np.asarray(flux_density, dtype=np.float64) / VACUUM_PERMEABILITY
    total = np.zeros(field.shape)
    for moment, share in zip(sizes.moments, sizes.iron_shares, strict=True):
        curve = langevin_magnetization(field, moment=float(moment), temperature=temperature)
        total += share * curve
    return total
