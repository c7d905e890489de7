"""How fast moments turn (Brown, Neel), and the Debye model: each harmonic delayed and damped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import GAUSS_HERMITE_NODES, CoreSizes, core_sizes
from sojourn.physics.langevin import BOLTZMANN, VACUUM_PERMEABILITY, langevin_magnetization
from sojourn.physics.particle_models import check_periodic_field
from sojourn.physics.particles import BODY_TEMPERATURE, TracerParticles

WATER_VISCOSITY_37_C = 0.692e-3
"""Pa s: water at 37 degrees Celsius (IAPWS 2008, rounded)."""

THICKEST_SHELL = 1e-6
"""m. Thicker is no coating of a core but a number in nm."""

ATTEMPT_TIME = 1e-9
"""s: prefactor of the Neel time, commonly 1e-9 to 1e-10 s [assumption]."""

_LARGEST_EXPONENT = 700.0


def brown_time(
    hydrodynamic_diameters: NDArray[np.float64],
    *,
    viscosity: float,
    temperature: float = BODY_TEMPERATURE,
) -> NDArray[np.float64]:
    r"""Return the time in which a particle loses its orientation by turning as a whole.

    .. math:: \tau_B = 3 \eta V_h / (k_B T)

    Parameters
    ----------
    hydrodynamic_diameters
        of core and shell, m, any shape.
    viscosity
        of the surroundings, Pa s; infinite for particles that cannot turn.
    temperature
        in K.

    Returns
    -------
        shape of `hydrodynamic_diameters`, s.

    Raises
    ------
    DataError
        if a number is not positive.

    References
    ----------
    Brown, Phys. Rev. 130 (1963) 1677; Rosensweig, Ferrohydrodynamics 1985, section 2.

    Examples
    --------
    >>> float(brown_time(np.array([30e-9]), viscosity=1e-3, temperature=300.0)[0]) * 1e6
    10.239...
    """
    _check_positive(diameters=hydrodynamic_diameters, viscosity=viscosity, temperature=temperature)
    times: NDArray[np.float64] = (
        viscosity * np.pi * hydrodynamic_diameters**3 / (2 * BOLTZMANN * temperature)
    )
    return times


def neel_time(
    diameters: NDArray[np.float64],
    *,
    anisotropy: float,
    attempt_time: float = ATTEMPT_TIME,
    temperature: float = BODY_TEMPERATURE,
) -> NDArray[np.float64]:
    r"""Return the time in which a moment leaves its easy direction inside the core, without field.

    .. math:: \tau_N = \tau_0 \exp \frac{K V}{k_B T}

    The Arrhenius form with a fixed prefactor. `sojourn.physics.fokker_planck.NeelFokkerPlanck`
    has the prefactor from the damping and holds in a field, too.

    Parameters
    ----------
    diameters
        of the magnetic core, m, any shape.
    anisotropy
        energy density K of a uniaxial core, J/m^3, not negative; infinite for a blocked moment.
    attempt_time
        tau_0, s.
    temperature
        in K.

    Returns
    -------
        shape of `diameters`, s; infinite above exp(700).

    Raises
    ------
    DataError
        if a number is out of range.

    References
    ----------
    Neel, Ann. Geophys. 5 (1949) 99.

    Examples
    --------
    >>> neel_time(np.array([10e-9]), anisotropy=0.0)
    array([1.e-09])
    """
    _check_positive(diameters=diameters, attempt_time=attempt_time, temperature=temperature)
    if not anisotropy >= 0:
        raise DataError(f"anisotropy {anisotropy} J/m^3 must not be negative")
    barrier = anisotropy * np.pi * diameters**3 / (6 * BOLTZMANN * temperature)
    times: NDArray[np.float64] = np.where(
        barrier > _LARGEST_EXPONENT,
        np.inf,
        attempt_time * np.exp(np.minimum(barrier, _LARGEST_EXPONENT)),
    )
    return times


def combined_time(brown: NDArray[np.float64], neel: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return the relaxation time of moments that turn both ways at once.

    .. math:: 1/\tau = 1/\tau_B + 1/\tau_N

    Exact for independent exponential decays in a vanishing field, else an approximation.

    Parameters
    ----------
    brown, neel
        of one shape, s, positive; may be infinite.

    Returns
    -------
        of that shape, s.

    Raises
    ------
    DataError
        if a time is not positive.

    References
    ----------
    Shliomis, Sov. Phys. Usp. 17 (1974) 153.

    Examples
    --------
    >>> combined_time(np.array([2e-6, 1e-6]), np.array([2e-6, np.inf]))
    array([1.e-06, 1.e-06])
    """
    _check_positive(brown=brown, neel=neel)
    rates = 1 / np.asarray(brown) + 1 / np.asarray(neel)
    times = np.full(rates.shape, np.inf)
    np.divide(1.0, rates, out=times, where=rates > 0)
    return times


def _check_positive(**values: float | NDArray[np.float64]) -> None:
    for name, value in values.items():
        if not np.all(np.asarray(value) > 0):
            raise DataError(f"{name} {value} must be positive")


@dataclass(frozen=True, slots=True)
class Mobility:
    """What moments can turn against.

    `viscosity` of the surroundings, Pa s (infinite: immobilized). `shell`: nonmagnetic coating
    on each side of the core, m. `anisotropy` of the core, J/m^3 (infinite: Brownian only).
    `attempt_time`: tau_0 of the Neel time, s.

    Raises
    ------
    DataError
        if a number is out of range, or no moment could turn at all.
    """

    viscosity: float = WATER_VISCOSITY_37_C
    shell: float = 5e-9
    anisotropy: float = 11e3
    attempt_time: float = ATTEMPT_TIME

    def __post_init__(self) -> None:
        _check_positive(viscosity=self.viscosity, attempt_time=self.attempt_time)
        if not (self.shell >= 0 and self.anisotropy >= 0 and np.isfinite(self.shell)):
            raise DataError(
                f"shell {self.shell} m and anisotropy {self.anisotropy} J/m^3 must not be negative"
            )
        if self.shell > THICKEST_SHELL:
            raise DataError(f"shell {self.shell} m is no coating; expected metres, 5e-9 for 5 nm")
        if np.isinf(self.viscosity) and np.isinf(self.anisotropy):
            raise DataError("viscosity and anisotropy are both infinite: no moment can turn")

    def brown_times(
        self, diameters: NDArray[np.float64], *, temperature: float
    ) -> NDArray[np.float64]:
        """Return the Brown times of cores of these diameters (m), s."""
        outer = np.asarray(diameters) + 2 * self.shell
        return brown_time(outer, viscosity=self.viscosity, temperature=temperature)

    def neel_times(
        self, diameters: NDArray[np.float64], *, temperature: float
    ) -> NDArray[np.float64]:
        """Return the Neel times of cores of these diameters (m), s."""
        return neel_time(
            np.asarray(diameters),
            anisotropy=self.anisotropy,
            attempt_time=self.attempt_time,
            temperature=temperature,
        )

    def times(self, diameters: NDArray[np.float64], *, temperature: float) -> NDArray[np.float64]:
        """Return the combined relaxation times of cores of these diameters (m), s."""
        return combined_time(
            self.brown_times(diameters, temperature=temperature),
            self.neel_times(diameters, temperature=temperature),
        )


def debye_response(
    frequencies: NDArray[np.float64], times: NDArray[np.float64]
) -> NDArray[np.complex128]:
    r"""Return what relaxation leaves of a sine, relative to no relaxation.

    .. math:: \frac{1}{1 + i \omega \tau}

    with time dependence exp(+i omega t), that of numpy's transforms.

    Parameters
    ----------
    frequencies
        shape (k,), Hz, not negative.
    times
        shape (n,), s; may be infinite.

    Returns
    -------
        shape (n, k).

    References
    ----------
    Debye, Polar Molecules, 1929.
    """
    finite = np.where(np.isinf(times), 0.0, times)[:, None]
    blocked = np.isinf(times)[:, None] & (frequencies[None, :] > 0)
    lag = 2 * np.pi * frequencies[None, :] * finite
    response: NDArray[np.complex128] = np.where(blocked, 0.0, 1 / (1 + 1j * lag))
    return response


@dataclass(frozen=True, slots=True)
class DebyeRelaxation:
    """Langevin equilibrium of each core size, every harmonic k times 1 / (1 + i k w tau).

    `particles`, `mobility`, `temperature` in K; `nodes` of each lognormal population.

    Exact for weak fields only: where xi = m B / kT is about 1 or more, moments turn faster in the
    field than tau says, and the model damps high harmonics too little or too much: see
    `docs/particles.md` for how much. Left out: anisotropy (but in tau), interaction.

    Raises
    ------
    DataError
        if `temperature` or `nodes` is not positive.

    References
    ----------
    Debye, Polar Molecules, 1929; Knopp and Buzug, Magnetic Particle Imaging, 2012, chapter 2.
    """

    particles: TracerParticles | CoreSizes
    mobility: Mobility
    temperature: float = BODY_TEMPERATURE
    nodes: int = GAUSS_HERMITE_NODES

    def __post_init__(self) -> None:
        _check_positive(temperature=self.temperature, nodes=self.nodes)

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`. Sample the field so densely that the equilibrium
        magnetization has no power at half the sampling frequency.
        """
        check_periodic_field(flux_density, interval)
        samples = flux_density.shape[-2]
        sizes = core_sizes(self.particles, nodes=self.nodes)
        times = self.mobility.times(sizes.diameters, temperature=self.temperature)
        frequencies: NDArray[np.float64] = np.fft.rfftfreq(samples, interval).astype(np.float64)
        response = debye_response(frequencies, times)
        strength = np.sqrt(np.einsum("...c,...c->...", flux_density, flux_density))
        direction = flux_density / np.where(strength > 0, strength, 1.0)[..., None]
        spectrum = np.zeros((*flux_density.shape[:-2], response.shape[1], 3), dtype=np.complex128)
        for moment, share, damping in zip(sizes.moments, sizes.iron_shares, response, strict=True):
            length = langevin_magnetization(
                strength / VACUUM_PERMEABILITY,
                moment=float(moment),
                temperature=self.temperature,
            )
            equilibrium = np.fft.rfft(direction * length[..., None], axis=-2)
            spectrum += share * damping[:, None] * equilibrium
        result: NDArray[np.float64] = np.fft.irfft(spectrum, n=samples, axis=-2)
        return result
