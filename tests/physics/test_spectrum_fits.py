import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import core_sizes
from sojourn.physics.curve_fits import fit_curve
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import TracerParticles
from sojourn.physics.relaxation import DebyeRelaxation, Mobility
from sojourn.physics.spectrometer import Spectrum, simulate_spectrum
from sojourn.physics.spectrum_fits import (
    PARAMETERS,
    SmallCores,
    SpectrumFitSettings,
    fit_spectrum,
    spectrum_residuals,
)
from sojourn.physics.tracers import tracer_ensemble

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
            names=PARAMETERS[:3],
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


def test_unknown_parameters_are_refused():
    found = fit_spectrum(simulated(1e-3))
    with pytest.raises(DataError, match="median_diameter"):
        found.estimate("weight")


FERUMOXYTOL_CORES = SpectrumFitSettings(small_cores=SmallCores(median_diameter_nm=6.7, spread=0.25))


def bimodal(name, error, harmonics):
    particles = tracer_ensemble(name).members[0].particles
    amplitudes = np.array([1.5e-3, 3e-3, 6e-3, 12e-3, 20e-3])
    model = Equilibrium(core_sizes(particles, nodes=12))
    return simulated(error, model=model, amplitudes=amplitudes, harmonics=np.array(harmonics))


def twelve_nodes(particles):
    return Equilibrium(core_sizes(particles, nodes=12))


@pytest.mark.parametrize(
    ("name", "diameter", "share"),
    [
        ("ferumoxytol", 18e-9, 0.102),
        ("ferumoxytol_15nm", 15e-9, 0.173),
        ("ferumoxytol_20nm", 20e-9, 0.083),
    ],
)
def test_a_batch_measured_at_several_amplitudes_tells_its_tail(name, diameter, share):
    spectrum = bimodal(name, 1e-5, [1, 3, 5, 7])
    found = fit_spectrum(spectrum, make_model=twelve_nodes, settings=FERUMOXYTOL_CORES)
    assert found.is_identifiable
    tail = found.estimate("median_diameter")
    assert tail.covers(diameter)
    # Narrow enough to exclude the other two tails.
    assert tail.upper - tail.lower < 1e-9
    assert found.estimate("iron").covers(share * IRON)
    assert found.estimate("small_iron").covers((1 - share) * IRON)
    assert found.particles.iron_shares == pytest.approx((share, 1 - share), rel=0.05)
    assert found.particles.diameters[1] == pytest.approx(6.7e-9)


def test_ferumoxytol_taken_for_one_lognormal_is_flagged_and_too_small():
    found = fit_spectrum(bimodal("ferumoxytol", 1e-5, [3, 5, 7]), make_model=twelve_nodes)
    assert "fit is poor" in found.warnings[0]
    # 6.7 nm cores add to the third harmonic: the tail seems smaller than its 18 nm.
    assert found.estimate("median_diameter").upper < 17e-9
