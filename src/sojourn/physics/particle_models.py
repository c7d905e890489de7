"""How particles answer a periodic field: the protocol of every particle model, and equilibrium.

The magnetization of every model is relative to saturation; times `moment_per_iron` and the iron
in kg it is a moment in A m^2.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, discrete_magnetization
from sojourn.physics.particles import BODY_TEMPERATURE, TracerParticles, mean_magnetization


class ParticleModel(Protocol):
    """What every particle model offers."""

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        ...

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, in the periodic steady state.

        Parameters
        ----------
        flux_density
            one period of a periodic field, shape (..., sample, 3), T (times 1/mu0).
        interval
            between two samples, s; memoryless models do not depend on it.

        Returns
        -------
            shape of `flux_density`, of length within [0, 1].

        Raises
        ------
        DataError
            if the shape, a number or `interval` is out of range, or the model does not apply.
        """
        ...


@runtime_checkable
class MemorylessModel(ParticleModel, Protocol):
    """An isotropic model without delay: its magnetization is `curve(|B|)` along B.

    A simulation may tabulate `curve` once instead of calling `magnetization` for every voxel.
    """

    def curve(self, flux_density: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the magnetization along a field, relative to saturation; odd, any shape, T."""
        ...


def check_periodic_field(flux_density: NDArray[np.float64], interval: float) -> None:
    """Check that a model can take `flux_density` as one period of a field.

    Parameters
    ----------
    flux_density
        shape (..., sample, 3), T.
    interval
        between two samples, s.

    Raises
    ------
    DataError
        if the last axis is not 3, there is no sample, a number is not finite or `interval` is not
        positive.
    """
    shape = flux_density.shape
    if len(shape) < 2 or shape[-1] != 3 or shape[-2] < 1:
        raise DataError(f"flux_density has shape {shape}, expected (..., sample, 3), in T")
    if not (interval > 0 and np.isfinite(interval)):
        raise DataError(f"interval {interval} s must be positive")
    if not np.all(np.isfinite(flux_density)):
        raise DataError("flux_density holds numbers that are not finite")


def along_field(flux_density: NDArray[np.float64], model: MemorylessModel) -> NDArray[np.float64]:
    """Return the magnetization of a memoryless isotropic model, relative to saturation.

    Parameters
    ----------
    flux_density
        shape (..., 3), T.
    model
        whose `curve` gives the length.

    Returns
    -------
        shape of `flux_density`; zero where the field is.
    """
    strength = np.sqrt(np.einsum("...c,...c->...", flux_density, flux_density))
    length = model.curve(strength)
    safe = np.where(strength > 0, strength, 1.0)
    result: NDArray[np.float64] = flux_density / safe[..., None] * length[..., None]
    return result


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """Cores in thermal equilibrium with the field at every instant: Langevin, no delay.

    `particles`: lognormal populations or discrete sizes. `temperature` in K.

    Left out: relaxation (so harmonics of large cores are too strong), anisotropy and interaction
    between cores.

    Raises
    ------
    DataError
        if `temperature` is not positive.

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 2.
    """

    particles: TracerParticles | CoreSizes
    temperature: float = BODY_TEMPERATURE

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise DataError(f"temperature {self.temperature} K must be positive")

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def curve(self, flux_density: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the magnetization along a field, relative to saturation; odd, any shape, T."""
        if isinstance(self.particles, CoreSizes):
            return discrete_magnetization(
                flux_density, self.particles, temperature=self.temperature
            )
        return mean_magnetization(flux_density, self.particles, temperature=self.temperature)

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`; `interval` is checked and not used.
        """
        check_periodic_field(flux_density, interval)
        return along_field(flux_density, self)
