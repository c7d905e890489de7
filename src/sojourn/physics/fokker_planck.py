"""Rotation of moments under thermal agitation, without closure: Fokker-Planck by Legendre series.

Exact to stated tolerances: the oracle of the faster models. Only fields along one axis.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.particle_models import check_periodic_field
from sojourn.physics.particles import BODY_TEMPERATURE, TracerParticles
from sojourn.physics.relaxation import WATER_VISCOSITY_37_C, brown_time

GYROMAGNETIC_RATIO = 1.76085963e11
"""rad/(s T): of the electron, CODATA 2018; of iron oxide within a few per cent."""

_GAMMA = 1 - 1 / np.sqrt(2.0)
_NODES = 8
_TRUNCATION = 1e-7
_RESIDUAL = 1e-8
_OFF_AXIS = 1e-9
_OVERSHOOT = 1e-4
_MAX_DEGREE = 1000


def neel_diffusion_time(
    moments: NDArray[np.float64], *, damping: float, temperature: float = BODY_TEMPERATURE
) -> NDArray[np.float64]:
    r"""Return the time in which a moment without anisotropy loses its direction in the core.

    .. math:: \tau_N = \frac{m (1 + \alpha^2)}{2 \alpha \gamma k_B T}

    Parameters
    ----------
    moments
        of the cores, A m^2, any shape.
    damping
        alpha of Landau, Lifshitz and Gilbert, dimensionless, commonly 0.01 to 1.
    temperature
        in K.

    Returns
    -------
        shape of `moments`, s.

    Raises
    ------
    DataError
        if a number is not positive.

    References
    ----------
    Brown, Phys. Rev. 130 (1963) 1677; Coffey and Kalmykov, J. Appl. Phys. 112 (2012) 121301.
    """
    if not (np.all(moments > 0) and damping > 0 and temperature > 0):
        raise DataError(f"moments {moments}, damping {damping}, {temperature} K must be positive")
    times: NDArray[np.float64] = (
        moments * (1 + damping**2) / (2 * damping * GYROMAGNETIC_RATIO * BOLTZMANN * temperature)
    )
    return times


def legendre_operator(
    degree: int, *, field: float, barrier: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the equation of motion of the mean Legendre polynomials of an axial problem.

    .. math:: \tau \, \dot f = A f + b, \qquad f_n = \langle P_n(\cos\vartheta) \rangle, \; f_0 = 1

    .. math:: \frac{2 \tau}{n(n+1)} \dot f_n =
        -\Big[1 - \frac{2\sigma}{(2n-1)(2n+3)}\Big] f_n
        + \frac{\xi}{2n+1} (f_{n-1} - f_{n+1})
        + 2\sigma \Big[\frac{(n-1) f_{n-2}}{(2n-1)(2n+1)} - \frac{(n+2) f_{n+2}}{(2n+1)(2n+3)}\Big]

    Parameters
    ----------
    degree
        the highest n kept, at least 2.
    field
        xi = m B / kT along the axis, dimensionless.
    barrier
        sigma = K V / kT of an easy axis along the field; 0 for Brownian rotation.

    Returns
    -------
        A in the banded form of `scipy.linalg.solve_banded` for (2, 2), shape (5, degree), and b,
        shape (degree,).

    References
    ----------
    Coffey and Kalmykov, The Langevin Equation, 3rd edition 2012, chapters 7 and 8.
    """
    n = np.arange(1, degree + 1, dtype=np.float64)
    rate = n * (n + 1) / 2
    bands = np.zeros((5, degree))
    bands[2] = -rate * (1 - 2 * barrier / ((2 * n - 1) * (2 * n + 3)))
    coupling = rate * field / (2 * n + 1)
    bands[1, 1:] = -coupling[:-1]
    bands[3, :-1] = coupling[1:]
    bands[0, 2:] = -(rate * 2 * barrier * (n + 2) / ((2 * n + 1) * (2 * n + 3)))[:-2]
    lower = rate * 2 * barrier * (n - 1) / ((2 * n - 1) * (2 * n + 1))
    bands[4, :-2] = lower[2:]
    source = np.zeros(degree)
    source[0] = coupling[0]
    source[1] = lower[1]
    return bands, source


def periodic_mean_cosine(
    field: NDArray[np.float64], *, step: float, barrier: float = 0.0, degree: int | None = None
) -> NDArray[np.float64]:
    """Return the mean cosine of moments in a periodic axial field, in its periodic steady state.

    The equation is linear in the distribution, so one period is an affine map; its fixed point is
    solved for, not iterated to. In time: the two-stage L-stable SDIRK method of order 2.

    Parameters
    ----------
    field
        xi(t) = m B / kT at equidistant times of one period, shape (sample,), dimensionless;
        interpolated by its Fourier series.
    step
        between two samples, in units of the diffusion time (tau_B, or `neel_diffusion_time`).
    barrier
        sigma = K V / kT of an easy axis along the field; 0 for Brownian rotation.
    degree
        of the Legendre series, 2 to 1000; chosen from `field` and `barrier` unless stated.

    Returns
    -------
        shape (sample,), within [-1, 1]; entry k belongs to the time of field[k].

    Raises
    ------
    DataError
        if the series is too short (last coefficient above 1e-7) or too long, the samples too far
        apart (a cosine above 1 by 1e-4), or the moments blocked after 10^8 periods.

    References
    ----------
    Alexander, SIAM J. Numer. Anal. 14 (1977) 1006 (SDIRK); `legendre_operator`.
    """
    if not (step > 0 and np.isfinite(step)):
        raise DataError(f"step {step} (interval by diffusion time) must be positive and finite")
    peak = float(np.max(np.abs(field), initial=0.0)) + 2 * abs(barrier)
    degree = 12 + int(min(np.sqrt(60 * peak), 1e9)) if degree is None else degree
    if not 2 <= degree <= _MAX_DEGREE:
        raise DataError(
            f"a Legendre series of degree {degree} for a field of up to {peak:.4g} kT; expected a "
            f"degree of 2 to {_MAX_DEGREE}: such strong fields saturate, use Equilibrium"
        )
    stages = np.stack((_shifted(field, _GAMMA), np.roll(field, -1)), axis=1)
    state = np.zeros((degree, degree + 1))
    state[:, :degree] = np.eye(degree)
    kept = np.empty((2, len(field), degree + 1))
    for sample, (first, second) in enumerate(stages):
        state = _advance(state, float(first), float(second), barrier, step)
        kept[:, sample] = state[[0, -1]]
    start = _fixed_point(state)
    cosines, last = kept[..., :-1] @ start + kept[..., -1]
    if (tail := float(np.max(np.abs(last)))) > _TRUNCATION:
        raise DataError(
            f"the Legendre series is cut off at degree {degree} where its coefficient is "
            f"still {tail:.2g}: raise the degree"
        )
    if (largest := float(np.max(np.abs(cosines)))) > 1 + _OVERSHOOT:
        raise DataError(
            f"{len(field)} samples of a period are too few for a field of up to {peak:.4g} kT: a "
            f"mean cosine came out as {largest:.6g}"
        )
    return np.roll(np.clip(cosines, -1.0, 1.0), 1)


def _shifted(field: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Values `share` of a sample later, of the Fourier series through `field`."""
    spectrum = np.fft.rfft(field)
    turn = np.exp(2j * np.pi * share * np.fft.rfftfreq(len(field)))
    values: NDArray[np.float64] = np.fft.irfft(spectrum * turn, n=len(field))
    return values


def _advance(
    state: NDArray[np.float64], first: float, second: float, barrier: float, step: float
) -> NDArray[np.float64]:
    """One SDIRK step of columns of f; the last column is that with the source."""
    middle = _stage(state, first, barrier, step)
    slope = (middle - state) / _GAMMA
    return _stage(state + (1 - _GAMMA) * slope, second, barrier, step)


def _stage(
    right: NDArray[np.float64], field: float, barrier: float, step: float
) -> NDArray[np.float64]:
    from scipy.linalg import solve_banded

    bands, source = legendre_operator(len(right), field=field, barrier=barrier)
    bands *= -_GAMMA * step
    bands[2] += 1
    right = right.copy()
    right[:, -1] += _GAMMA * step * source
    width = 2 if barrier else 1
    chosen = bands if barrier else bands[1:4]
    solved: NDArray[np.float64] = solve_banded(
        (width, width), chosen, right, overwrite_b=True, check_finite=False
    )
    return solved


def _fixed_point(state: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix, source = state[:, :-1], state[:, -1]
    system = np.eye(len(source)) - matrix
    smallest = float(np.linalg.svd(system, compute_uv=False)[-1])
    if not smallest > _RESIDUAL:
        raise DataError(
            "moments are blocked: their state after 10^8 periods still depends on how they began"
        )
    return np.asarray(np.linalg.solve(system, source), dtype=np.float64)


def field_along_axis(
    flux_density: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the strength of a field along its one axis, and the axis.

    Parameters
    ----------
    flux_density
        shape (sample, 3), T.

    Returns
    -------
        signed strength (sample,), T, and unit axis (3,); (1, 0, 0) where the field is zero.

    Raises
    ------
    DataError
        if the field leaves its axis by more than 1e-9 of its largest strength.
    """
    strength = np.linalg.norm(flux_density, axis=-1)
    peak = float(strength.max())
    if peak == 0:
        return strength, np.array([1.0, 0.0, 0.0])
    axis = flux_density[int(strength.argmax())] / peak
    along = flux_density @ axis
    off = float(np.max(np.linalg.norm(flux_density - along[:, None] * axis, axis=-1)))
    if off > _OFF_AXIS * peak:
        raise DataError(
            f"the field leaves its axis by {off / peak:.2g} of its peak: this model takes fields "
            "along one axis; use EffectiveField for others"
        )
    return along, axis


@dataclass(frozen=True, slots=True)
class BrownFokkerPlanck:
    """Particles that turn as a whole, moments fixed in their cores; fields along one axis only.

    `particles`; `viscosity` of the fluid, Pa s; `shell` on each side of the core, m;
    `temperature`, K; `nodes` of each lognormal population; `degree` of the Legendre series, or
    None to choose it.

    Left out: Neel rotation (right for large, hard cores), interaction, inertia, and fields that
    are not along one axis. Time error: second order in the interval.

    Raises
    ------
    DataError
        if a number is not positive.

    References
    ----------
    `periodic_mean_cosine`.
    """

    particles: TracerParticles | CoreSizes
    viscosity: float = WATER_VISCOSITY_37_C
    shell: float = 5e-9
    temperature: float = BODY_TEMPERATURE
    nodes: int = _NODES
    degree: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.viscosity < np.inf and self.shell >= 0 and self.temperature > 0):
            raise DataError(
                f"viscosity {self.viscosity} Pa s and temperature {self.temperature} K must be "
                f"positive and finite, shell {self.shell} m not negative"
            )

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`.
        """
        sizes = core_sizes(self.particles, nodes=self.nodes)
        times = brown_time(
            sizes.diameters + 2 * self.shell,
            viscosity=self.viscosity,
            temperature=self.temperature,
        )
        barriers = np.zeros(len(times))
        return _average(
            flux_density, interval, sizes, times, barriers, self.temperature, self.degree
        )


@dataclass(frozen=True, slots=True)
class NeelFokkerPlanck:
    """Immobilized cores whose moment turns inside; easy axes along the field.

    `particles`; `anisotropy` K, J/m^3, not negative; `damping` alpha; `temperature`, K; `nodes` of
    each lognormal population; `degree` of the Legendre series, or None to choose it.

    With the easy axis along the field the problem is axial and precession drops out. Left out:
    easy axes at an angle to the field (then transverse modes and precession matter), rotation of
    the whole particle, interaction. `damping` is poorly known [assumption].

    Raises
    ------
    DataError
        if a number is out of range.

    References
    ----------
    Coffey and Kalmykov, J. Appl. Phys. 112 (2012) 121301; `periodic_mean_cosine`.
    """

    particles: TracerParticles | CoreSizes
    anisotropy: float
    damping: float = 0.1
    temperature: float = BODY_TEMPERATURE
    nodes: int = _NODES
    degree: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.anisotropy < np.inf and self.damping > 0 and self.temperature > 0):
            raise DataError(
                f"anisotropy {self.anisotropy} J/m^3 must be finite and not negative, damping "
                f"{self.damping} and temperature {self.temperature} K positive"
            )

    @property
    def moment_per_iron(self) -> float:
        """Moment of 1 kg of iron at saturation, A m^2/kg."""
        return self.particles.moment_per_iron

    def magnetization(
        self, flux_density: NDArray[np.float64], *, interval: float
    ) -> NDArray[np.float64]:
        """Return the magnetization relative to saturation, shape of `flux_density`.

        As `ParticleModel.magnetization`.
        """
        sizes = core_sizes(self.particles, nodes=self.nodes)
        times = neel_diffusion_time(
            sizes.moments, damping=self.damping, temperature=self.temperature
        )
        barriers = self.anisotropy * sizes.volumes / (BOLTZMANN * self.temperature)
        return _average(
            flux_density, interval, sizes, times, barriers, self.temperature, self.degree
        )


def _average(
    flux_density: NDArray[np.float64],
    interval: float,
    sizes: CoreSizes,
    times: NDArray[np.float64],
    barriers: NDArray[np.float64],
    temperature: float,
    degree: int | None,
) -> NDArray[np.float64]:
    check_periodic_field(flux_density, interval)
    flat = flux_density.reshape(-1, *flux_density.shape[-2:])
    result = np.zeros(flat.shape)
    factors = sizes.moments / (BOLTZMANN * temperature)
    for place, field in enumerate(flat):
        along, axis = field_along_axis(field)
        total = np.zeros(len(along))
        for share, factor, time, barrier in zip(
            sizes.iron_shares, factors, times, barriers, strict=True
        ):
            total += share * periodic_mean_cosine(
                float(factor) * along,
                step=interval / float(time),
                barrier=float(barrier),
                degree=degree,
            )
        result[place] = total[:, None] * axis
    return result.reshape(flux_density.shape)
