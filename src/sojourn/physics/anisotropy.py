"""Equilibrium of cores whose moment prefers an axis fixed in space (uniaxial anisotropy)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.particle_models import along_field, check_periodic_field
from sojourn.physics.particles import BODY_TEMPERATURE, TracerParticles

LARGEST_EXPONENT = 2e4
"""Largest m B / kT + |K| V / kT for which the quadrature is accurate (measured, see tests)."""

_AXIS_NODES = 12
_CHUNK = 4096


def uniaxial_mean_moment(
    along: NDArray[np.float64], across: NDArray[np.float64], *, barrier: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the mean moment of a uniaxial core in a field: along its axis and across it.

    .. math:: p(u) \propto \exp(\xi_\parallel c + \xi_\perp s \cos\varphi + \sigma c^2),
        \quad c = \cos\vartheta, \; s = \sin\vartheta

    The azimuth is integrated in closed form (modified Bessel functions), the polar angle by
    Gauss-Legendre quadrature in c.

    Parameters
    ----------
    along, across
        parts of the field xi = m B / kT along the axis (any sign) and across it (not negative),
        dimensionless, of one shape.
    barrier
        sigma = K V / kT, dimensionless; negative for an easy plane.

    Returns
    -------
        two arrays of that shape, relative to saturation.

    Raises
    ------
    DataError
        if |xi| + |sigma| exceeds `LARGEST_EXPONENT`, or `across` is negative.

    References
    ----------
    Chantrell, Ayoub and Popplewell, J. Magn. Magn. Mater. 53 (1985) 199; Maass et al.,
    Int. J. Magn. Part. Imaging 6 (2020) 2009023 (equilibrium model with anisotropy).
    """
    from scipy.special import ive

    reach = float(np.max(np.hypot(along, across), initial=0.0)) + abs(barrier)
    if not reach <= LARGEST_EXPONENT:
        raise DataError(
            f"m B / kT + K V / kT reaches {reach:.4g}, the quadrature holds to "
            f"{LARGEST_EXPONENT:g}: use smaller cores or a weaker field"
        )
    if np.any(across < 0):
        raise DataError("the part of the field across the axis must not be negative")
    cosines, weights = np.polynomial.legendre.leggauss(48 + int(5 * np.sqrt(reach)))
    sines = np.sqrt(1 - cosines**2)
    turned = across[..., None] * sines
    exponent = along[..., None] * cosines + turned + barrier * cosines**2
    density = weights * np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    zeroth, first = density * ive(0, turned), density * ive(1, turned)
    norm = zeroth.sum(axis=-1)
    return (zeroth @ cosines) / norm, (first @ sines) / norm


@dataclass(frozen=True, slots=True)
class AnisotropicEquilibrium:
    """Immobilized cores with one common easy axis, in equilibrium at every instant.

    `particles`; `anisotropy` K of the core material, J/m^3 (negative: easy plane); `easy_axis`,
    a direction in LPS; `temperature`, K; `nodes` of each lognormal population.

    Cores that turn freely in a fluid need no such model: in equilibrium their easy axes follow and
    the magnetization is Langevin's whatever K is. Left out: hysteresis of blocked cores (at
    K V / kT above about 25 a core does not reach equilibrium within seconds).

    Raises
    ------
    DataError
        if a number is out of range.

    References
    ----------
    As `uniaxial_mean_moment`.
    """

    particles: TracerParticles | CoreSizes
    anisotropy: float
    easy_axis: tuple[float, float, float]
    temperature: float = BODY_TEMPERATURE
    nodes: int = _AXIS_NODES

    def __post_init__(self) -> None:
        _check(self.anisotropy, self.temperature, self.nodes)
        if not (np.all(np.isfinite(self.easy_axis)) and np.linalg.norm(self.easy_axis) > 0):
            raise DataError(f"easy_axis {self.easy_axis} must be a direction")

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`; `interval` is checked and not used.
        """
        check_periodic_field(flux_density, interval)
        axis = np.asarray(self.easy_axis) / np.linalg.norm(self.easy_axis)
        flat = flux_density.reshape(-1, 3)
        along = flat @ axis
        rest = flat - along[:, None] * axis
        across = np.sqrt(np.einsum("nc,nc->n", rest, rest))
        unit = rest / np.where(across > 0, across, 1.0)[:, None]
        first, second = self._mean(along, across)
        moments: NDArray[np.float64] = first[:, None] * axis + second[:, None] * unit
        return moments.reshape(flux_density.shape)

    def _mean(
        self, along: NDArray[np.float64], across: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sizes = core_sizes(self.particles, nodes=self.nodes)
        energy = BOLTZMANN * self.temperature
        result = np.zeros((2, along.size))
        for moment, volume, share in zip(
            sizes.moments, sizes.volumes, sizes.iron_shares, strict=True
        ):
            barrier = float(self.anisotropy * volume / energy)
            for start in range(0, along.size, _CHUNK):
                part = slice(start, start + _CHUNK)
                scale = float(moment) / energy
                result[:, part] += share * np.stack(
                    uniaxial_mean_moment(scale * along[part], scale * across[part], barrier=barrier)
                )
        return result[0], result[1]


@dataclass(frozen=True, slots=True)
class RandomAxesEquilibrium:
    """Immobilized cores with easy axes in all directions alike, in equilibrium at every instant.

    `particles`; `anisotropy` K, J/m^3; `temperature`, K; `nodes` of each lognormal population;
    `axes`: directions in the average (Gauss-Legendre in the cosine).

    Averaged over directions, the initial susceptibility is Langevin's whatever K is; the
    approach to saturation is slower. Left out: hysteresis, as in `AnisotropicEquilibrium`.

    Raises
    ------
    DataError
        if a number is out of range.

    References
    ----------
    As `uniaxial_mean_moment`; Garcia-Palacios, Adv. Chem. Phys. 112 (2000) 1.
    """

    particles: TracerParticles | CoreSizes
    anisotropy: float
    temperature: float = BODY_TEMPERATURE
    nodes: int = _AXIS_NODES
    axes: int = 24

    def __post_init__(self) -> None:
        _check(self.anisotropy, self.temperature, min(self.nodes, self.axes))

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def curve(self, flux_density: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the magnetization along a field, relative to saturation; odd, any shape, T."""
        points, weights = np.polynomial.legendre.leggauss(self.axes)
        strength = np.abs(np.asarray(flux_density, dtype=np.float64))
        total = np.zeros(strength.shape)
        for cosine, weight in zip((points + 1) / 2, weights / 2, strict=True):
            sine = float(np.sqrt(1 - cosine**2))
            model = AnisotropicEquilibrium(
                self.particles,
                self.anisotropy,
                (sine, 0.0, float(cosine)),
                self.temperature,
                self.nodes,
            )
            field = np.zeros((strength.size, 3))
            field[:, 2] = strength.ravel()
            found = model.magnetization(field, interval=1.0) if strength.size else field
            total += weight * found[:, 2].reshape(strength.shape)
        return np.copysign(total, flux_density)

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`; `interval` is checked and not used.
        """
        check_periodic_field(flux_density, interval)
        return along_field(flux_density, self)


def _check(anisotropy: float, temperature: float, nodes: int) -> None:
    if not (np.isfinite(anisotropy) and temperature > 0 and nodes >= 1):
        raise DataError(
            f"anisotropy {anisotropy} J/m^3 must be finite, temperature {temperature} K and the "
            f"numbers of nodes ({nodes}) positive"
        )
