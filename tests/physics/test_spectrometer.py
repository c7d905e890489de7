import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes
from sojourn.physics.curve_fits import fit_curve
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import TracerParticles
from sojourn.physics.relaxation import DebyeRelaxation, Mobility
from sojourn.physics.spectrometer import (
    PARAMETERS,
    Spectrum,
    SpectrumFitSettings,
    fit_spectrum,
    simulate_harmonics,
    simulate_spectrum,
    spectrum_residuals,
)

TRUTH = TracerParticles((1.0,), (18e-9,), (0.25,))
IRON = 1e-9
SATURATION = IRON * TRUTH.moment_per_iron
AMPLITUDES = np.array([2e-3, 5e-3, 10e-3, 20e-3])
HARMONICS = np.array([3, 5, 7])


def quick(particles):
    """Equilibrium with few nodes: the same model in data and fit, a third of the time."""
    return Equilibrium(core_sizes(particles, nodes=8))


def template(error, amplitudes=AMPLITUDES, harmonics=HARMONICS):
    shape = (len(amplitudes), len(harmonics))
    return Spectrum(
        amplitudes, 25e3, harmonics, np.zeros(shape, complex), np.full(shape, error * SATURATION)
    )


def simulated(error, seed=7, model=None, **parts):
    rng = np.random.default_rng(seed)
    return simulate_spectrum(
        model or Equilibrium(TRUTH), template(error, **parts), iron=IRON, rng=rng
    )


def test_third_harmonic_of_a_weak_field_is_a_180th_of_xi_cubed():
    one = CoreSizes(np.array([20e-9]), np.array([1.0]))
    amplitude = 0.05 * 1.380649e-23 * 310.15 / one.moments[0]
    found = simulate_harmonics(
        Equilibrium(one), np.array([amplitude]), frequency=1e3, harmonics=np.array([1, 2, 3])
    )
    # Corrections: 0.12 xi^2 of the third, xi^2/20 of the first.
    expected = [0.05 / 3, 0, -(0.05**3) / 180]
    np.testing.assert_allclose(found[0].real, expected, rtol=4e-4, atol=1e-15)


def test_delay_turns_harmonics_backwards():
    lag = Mobility(viscosity=1e-3, anisotropy=np.inf)
    found = simulate_harmonics(
        DebyeRelaxation(TRUTH, lag), np.array([1e-3]), frequency=25e3, harmonics=np.array([1])
    )
    assert -np.pi / 2 < np.angle(found[0, 0]) < 0


def test_simulated_truth_is_recovered_and_bounded():
    found = fit_spectrum(simulated(1e-4))
    assert found.is_identifiable
    assert found.particles.diameters[0] == pytest.approx(18e-9, rel=0.03)
    for name, truth in (("iron", IRON), ("median_diameter", 18e-9), ("spread", 0.25)):
        estimate = found.estimate(name)
        assert estimate.covers(truth)
        assert estimate.upper - estimate.lower < 0.12 * truth


def test_wald_intervals_cover_the_truth_as_often_as_they_say():
    settings = SpectrumFitSettings()
    truth = np.array([np.log(IRON), np.log(18e-9), 0.25])
    hits = np.zeros(3)
    for seed in range(60):
        residuals = spectrum_residuals(simulated(1e-4, seed, quick(TRUTH)), quick, settings)
        fit = fit_curve(
            residuals,
            truth,
            names=PARAMETERS,
            lower=np.full(3, -np.inf),
            upper=np.full(3, np.inf),
            errors_known=True,
        )
        hits += np.abs(fit.values - truth) < 1.96 * fit.standard_errors
    # 57 of 60 expected; 99.9 % of binomial counts are 51 or more.
    assert np.all(hits >= 51)


def test_one_weak_amplitude_tells_neither_size_nor_amount():
    weak = simulated(
        1e-5, model=quick(TRUTH), amplitudes=np.array([1e-3]), harmonics=np.array([3, 5])
    )
    found = fit_spectrum(weak, make_model=quick)
    assert not found.is_identifiable
    assert "nm: measure at more" in found.not_identifiable[0]
    with pytest.raises(DataError, match="not identifiable"):
        _ = found.particles
    diameter = found.estimate("median_diameter")
    assert diameter.upper / diameter.lower > 1.5
    assert diameter.notes[0] == found.not_identifiable[0]


def test_the_wrong_physics_is_flagged_as_a_poor_fit():
    slow = DebyeRelaxation(TRUTH, Mobility(viscosity=1e-3, anisotropy=np.inf))
    found = fit_spectrum(simulated(1e-4, model=slow))
    assert found.p_value < 1e-3
    assert "fit is poor" in found.warnings[0]


def test_the_right_physics_recovers_relaxing_particles():
    lag = Mobility(viscosity=1e-3, anisotropy=np.inf)

    def delayed(particles):
        return DebyeRelaxation(particles, lag, nodes=12)

    found = fit_spectrum(simulated(1e-4, model=delayed(TRUTH)), make_model=delayed)
    assert found.warnings == ()
    assert found.estimate("median_diameter").covers(18e-9)


@pytest.mark.parametrize("harmonics", [[0], [64], [70]])
def test_harmonics_out_of_range_are_refused(harmonics):
    with pytest.raises(DataError, match="from 1 to below 64"):
        simulate_harmonics(
            Equilibrium(TRUTH), np.array([1e-3]), frequency=1e3, harmonics=np.array(harmonics)
        )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"moments": np.zeros((1, 1), complex)}, id="shape"),
        pytest.param({"amplitudes": -AMPLITUDES}, id="negative-amplitude"),
        pytest.param({"frequency": 0.0}, id="no-frequency"),
        pytest.param({"standard_errors": np.zeros((4, 3))}, id="no-errors"),
        pytest.param({"moments": np.full((4, 3), np.nan + 0j)}, id="not-a-number"),
    ],
)
def test_impossible_spectra_are_refused(change):
    values = {
        "amplitudes": AMPLITUDES,
        "frequency": 25e3,
        "harmonics": HARMONICS,
        "moments": np.zeros((4, 3), complex),
        "standard_errors": np.ones((4, 3)),
    }
    with pytest.raises(DataError):
        Spectrum(**(values | change))


def test_unknown_parameters_are_refused():
    found = fit_spectrum(simulated(1e-3))
    with pytest.raises(DataError, match="median_diameter"):
        found.estimate("weight")
