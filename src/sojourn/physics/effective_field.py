"""Relaxation in any field without solving for the distribution: the effective-field closure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.particle_models import check_periodic_field
from sojourn.physics.particles import BODY_TEMPERATURE, TracerParticles
from sojourn.physics.relaxation import Mobility

PERIODIC_TOLERANCE = 1e-9
"""Largest change of the magnetization over a period that counts as steady, of saturation."""

LONGEST_TIME = 1e6
"""Longest relaxation time, in periods, for which the periodic state is sought."""

_SETTLED = 30.0
_NEWTON_STEPS = 30
_SMALL = 0.1
_NODES = 8
_VALUES_AT_ONCE = 200_000


def langevin_and_slope(
    argument: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return :math:`L(x)/x` and :math:`L'(x)` of the Langevin function.

    Parameters
    ----------
    argument
        x, dimensionless, any shape, not negative.

    Returns
    -------
        two arrays of that shape, within (0, 1/3]; relative error below 1e-11.

    References
    ----------
    Abramowitz and Stegun 1972, 4.5.67 (series of coth).
    """
    small = argument < _SMALL
    x = np.where(small, 1.0, argument)
    square = np.where(small, argument, 0.0) ** 2
    decay = np.exp(-2 * x)
    ratio = ((1 + decay) / (1 - decay) - 1 / x) / x
    slope = 1 / x**2 - 4 * decay / (1 - decay) ** 2
    ratio_series = 1 / 3 - square * (
        1 / 45 - square * (2 / 945 - square * (1 / 4725 - square * 2 / 93555))
    )
    slope_series = 1 / 3 - square * (
        1 / 15 - square * (2 / 189 - square * (1 / 675 - square * 2 / 10395))
    )
    return np.where(small, ratio_series, ratio), np.where(small, slope_series, slope)


def effective_field_step(
    effective: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    step: NDArray[np.float64],
) -> NDArray[np.float64]:
    r"""Return the effective field one step later.

    The closure assumes that the orientations are distributed as in equilibrium with an effective
    field :math:`\xi_e`. Then, with e along it,

    .. math::
        \tau \, \dot\xi_e = \frac{L}{\xi_e L'} (\xi - \xi_e)_\parallel
        + \frac12 \Big( \frac{\xi_e}{L} - 1 \Big) (\xi - \xi_e)_\perp

    A step solves this exactly for frozen coefficients and a field that is linear in time; the
    coefficients are those of the middle. Second order, stable for any step.

    Parameters
    ----------
    effective
        effective field at the start, m B / kT, shape (..., 3).
    before, after
        field at the start and the end, of shapes that broadcast with `effective`.
    step
        duration by relaxation time, shape (...) broadcasting with that of `effective`.

    Returns
    -------
        shape of `effective`.

    References
    ----------
    Martsenyuk, Raikher and Shliomis, Sov. Phys. JETP 38 (1974) 413; Shliomis, Phys. Rev. E 64
    (2001) 060501.
    """
    guess = _frozen_step(effective, before, after, step, effective)
    return _frozen_step(effective, before, after, step, (effective + guess) / 2)


def _frozen_step(
    effective: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    step: NDArray[np.float64],
    at: NDArray[np.float64],
) -> NDArray[np.float64]:
    length = np.sqrt(np.einsum("...c,...c->...", at, at))
    direction = at / np.where(length > 0, length, 1.0)[..., None]
    ratio, slope = langevin_and_slope(length)
    along, across = step * ratio / slope, step * (1 / ratio - 1) / 2
    lag, change = effective - before, after - before
    kept = _split(lag, direction, np.exp(-along), np.exp(-across))
    added = _split(change, direction, -np.expm1(-along) / along, -np.expm1(-across) / across)
    result: NDArray[np.float64] = after + kept - added
    return result


def _split(
    vector: NDArray[np.float64],
    direction: NDArray[np.float64],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Part along `direction` times `along`, the rest times `across`."""
    part = np.einsum("...c,...c->...", vector, direction)
    result: NDArray[np.float64] = (
        across[..., None] * vector + ((along - across) * part)[..., None] * direction
    )
    return result


def mean_moment(effective: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean moment, relative to saturation, in equilibrium with a field.

    Parameters
    ----------
    effective
        m B / kT, shape (..., 3).

    Returns
    -------
        shape of `effective`, of length below 1.

    References
    ----------
    `langevin_and_slope`.
    """
    length = np.sqrt(np.einsum("...c,...c->...", effective, effective))
    moment: NDArray[np.float64] = effective * langevin_and_slope(length)[0][..., None]
    return moment


def refine_periodic(field: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return a periodic field at `factor` times as many times, by its Fourier series.

    Parameters
    ----------
    field
        one period, shape (..., sample, 3).
    factor
        positive.

    Returns
    -------
        shape (..., sample * factor, 3); every `factor`-th sample is one of `field`.
    """
    samples = field.shape[-2]
    if factor == 1:
        return field
    spectrum = np.fft.rfft(field, axis=-2)
    if samples % 2 == 0:
        spectrum[..., -1, :] /= 2
    refined: NDArray[np.float64] = factor * np.fft.irfft(spectrum, n=samples * factor, axis=-2)
    return refined


@dataclass(frozen=True, slots=True)
class EffectiveField:
    """Relaxation in a field of any strength and direction: Martsenyuk, Raikher and Shliomis.

    `particles`; `mobility`; `temperature`, K; `nodes` of each lognormal population; `substeps` of
    each interval, the field between being its Fourier series.

    Derived for Brownian rotation of spheres: with a finite `mobility.anisotropy` the combined time
    1/tau = 1/tau_B + 1/tau_N takes its place, which is a guess [assumption] (a field lowers Neel
    barriers, which tau_N does not know). In `docs/particles.md`: how far it is from
    Fokker-Planck. Left out: interaction, inertia.

    Raises
    ------
    DataError
        if `temperature`, `nodes` or `substeps` is not positive.

    References
    ----------
    As `effective_field_step`.
    """

    particles: TracerParticles | CoreSizes
    mobility: Mobility
    temperature: float = BODY_TEMPERATURE
    nodes: int = _NODES
    substeps: int = 1

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.nodes >= 1 and self.substeps >= 1):
            raise DataError(
                f"temperature {self.temperature} K, nodes {self.nodes} and substeps "
                f"{self.substeps} must be positive"
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
        check_periodic_field(flux_density, interval)
        sizes = core_sizes(self.particles, nodes=self.nodes)
        times = self.mobility.times(sizes.diameters, temperature=self.temperature)
        samples = flux_density.shape[-2]
        if float(times.max()) > LONGEST_TIME * samples * interval:
            raise DataError(
                f"cores of {sizes.diameters[times.argmax()] * 1e9:.1f} nm relax in "
                f"{times.max():.3g} s, over {LONGEST_TIME:g} periods: they are blocked, and this "
                "model does not hold; state a finite viscosity, a smaller anisotropy or fewer nodes"
            )
        flat = flux_density.reshape(-1, samples, 3)
        result = np.empty(flat.shape)
        scale = sizes.moments / (BOLTZMANN * self.temperature)
        steps = interval / (self.substeps * times)
        chunk = max(1, _VALUES_AT_ONCE // (12 * len(times)))
        for begin in range(0, len(flat), chunk):
            field = refine_periodic(flat[begin : begin + chunk], self.substeps)
            moments = _periodic_moment(field, scale, steps, sizes.iron_shares)
            result[begin : begin + chunk] = moments[:, :: self.substeps]
        return result.reshape(flux_density.shape)


def _periodic_moment(
    field: NDArray[np.float64],
    scale: NDArray[np.float64],
    steps: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean moment (voxel, sample, 3) in the periodic steady state of `field` (voxel, sample, 3)."""
    state = _steady_start(field, scale, steps)
    moments = np.empty(field.shape)
    for sample in range(field.shape[1]):
        moments[:, sample] = np.einsum("n,vnc->vc", shares, mean_moment(state))
        state = _advance(state, field, sample, scale, steps)
    return moments


def _advance(
    state: NDArray[np.float64],
    field: NDArray[np.float64],
    sample: int,
    scale: NDArray[np.float64],
    steps: NDArray[np.float64],
) -> NDArray[np.float64]:
    before = field[:, None, sample] * scale[:, None]
    after = field[:, None, (sample + 1) % field.shape[1]] * scale[:, None]
    return effective_field_step(state, before, after, steps)


def _period(
    state: NDArray[np.float64],
    field: NDArray[np.float64],
    scale: NDArray[np.float64],
    steps: NDArray[np.float64],
) -> NDArray[np.float64]:
    for sample in range(field.shape[1]):
        state = _advance(state, field, sample, scale, steps)
    return state


def _steady_start(
    field: NDArray[np.float64], scale: NDArray[np.float64], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Effective field (voxel, size, 3) at sample 0 that one period gives back.

    Where every size forgets its past within a period, one period suffices; else Newton's method on
    the map of a period, its Jacobian by differences.
    """
    state = _delayed_field(field, scale, steps)
    if float(steps.min()) * field.shape[1] > _SETTLED:
        return _period(state, field, scale, steps)
    for _ in range(_NEWTON_STEPS):
        shift = 1e-6 * (1 + np.linalg.norm(state, axis=-1))
        trial = np.concatenate((state[None], state + shift[..., None] * np.eye(3)[:, None, None]))
        after = _period(trial, field, scale, steps)
        jacobian = np.moveaxis((after[1:] - after[0]) / shift[..., None], 0, -1)
        correction = np.linalg.solve(np.eye(3) - jacobian, (after[0] - state)[..., None])[..., 0]
        change = mean_moment(state + correction) - mean_moment(state)
        state = state + correction
        if float(np.max(np.abs(change))) < PERIODIC_TOLERANCE:
            return state
    raise DataError(
        f"no periodic state within {PERIODIC_TOLERANCE:g} of saturation after {_NEWTON_STEPS} "
        "Newton steps: sample the field more densely"
    )


def _delayed_field(
    field: NDArray[np.float64], scale: NDArray[np.float64], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """First guess (voxel, size, 3): the field at sample 0 as Debye relaxation would delay it."""
    samples = field.shape[1]
    spectrum = np.fft.fft(field, axis=1) / samples
    turn = 2j * np.pi * np.fft.fftfreq(samples)[:, None]
    response = 1 / (1 + turn / steps)
    delayed: NDArray[np.float64] = np.einsum("vkc,kn->vnc", spectrum, response).real
    return delayed * scale[:, None]
