import numpy as np
import pytest
from scipy import integrate

from sojourn.core.errors import DataError
from sojourn.physics.particles import FERUMOXYTOL, TracerParticles, mean_magnetization

BOLTZMANN = 1.380649e-23
ONE_SIZE = TracerParticles((1.0,), (20e-9,), (1e-6,))


def langevin(flux_density, diameter, temperature=310.15):
    moment = 380e3 * np.pi * diameter**3 / 6
    xi = moment * flux_density / (BOLTZMANN * temperature)
    return 1 / np.tanh(xi) - 1 / xi


def test_moment_of_iron_is_that_of_maghemite():
    # 380 kA/m / (5200 kg/m^3 * 0.70 kg Fe/kg) = 104.4 A m^2/kg, worked by hand.
    assert FERUMOXYTOL.moment_per_iron == pytest.approx(104.3956, rel=1e-6)


@pytest.mark.parametrize("flux_density", [1e-4, 1e-3, 1e-2, 0.1])
def test_one_size_follows_the_langevin_function(flux_density):
    found = mean_magnetization(np.array([flux_density]), ONE_SIZE)[0]
    assert found == pytest.approx(langevin(flux_density, 20e-9), rel=1e-5)


def test_low_field_grows_as_the_mean_of_the_cubed_diameter():
    # L(xi) -> xi/3; the mean of d^3 of a lognormal is d^3 exp(9 s^2 / 2).
    particles = TracerParticles((1.0,), (15e-9,), (0.3,))
    moment = 380e3 * np.pi * (15e-9) ** 3 / 6 * np.exp(4.5 * 0.3**2)
    expected = moment * 1e-7 / (3 * BOLTZMANN * 310.15)
    assert mean_magnetization(np.array([1e-7]), particles)[0] == pytest.approx(expected, rel=1e-6)


def test_average_over_sizes_agrees_with_adaptive_quadrature():
    def weighted(z, share, median, spread):
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return share * density * langevin(5e-3, median * np.exp(spread * z))

    expected = sum(
        integrate.quad(weighted, -8, 8, args=population, epsabs=1e-12)[0]
        for population in zip(
            FERUMOXYTOL.iron_shares, FERUMOXYTOL.diameters, FERUMOXYTOL.spreads, strict=True
        )
    )
    # 24 nodes: 1e-5 is far below the noise of any simulated scan.
    found = mean_magnetization(np.array([5e-3]), FERUMOXYTOL)[0]
    assert found == pytest.approx(expected, rel=1e-5)


def test_odd_in_the_field_and_weaker_when_warm():
    field = np.array([-2e-3, 2e-3])
    cold, warm = (mean_magnetization(field, FERUMOXYTOL, temperature=t) for t in (295.0, 310.0))
    assert cold[0] == -cold[1]
    assert warm[1] < cold[1]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(((0.5,), (20e-9,), (0.1,)), id="shares-do-not-sum-to-one"),
        pytest.param(((1.0,), (0.0,), (0.1,)), id="no-size"),
        pytest.param(((1.0,), (20e-9,), (0.0,)), id="no-spread"),
        pytest.param(((1.0, 1.0), (20e-9,), (0.1,)), id="lengths-differ"),
        pytest.param(((), (), ()), id="nothing"),
    ],
)
def test_impossible_particles_are_refused(values):
    with pytest.raises(DataError):
        TracerParticles(*values)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, -0.3])
def test_no_number_of_a_population_may_be_out_of_range(wrong):
    good = ((1.0,), (18e-9,), (0.3,), 380e3)
    for place in range(4):
        values = [*good[:place], wrong if place == 3 else (wrong,), *good[place + 1 :]]
        with pytest.raises(DataError, match="must be positive"):
            TracerParticles(*values)


def test_nanometres_taken_for_metres_are_refused():
    assert TracerParticles((1.0,), (1e-6,), (0.3,)).diameters == (1e-6,)
    with pytest.raises(DataError, match="expected metres"):
        TracerParticles((1.0,), (18.0,), (0.3,))
