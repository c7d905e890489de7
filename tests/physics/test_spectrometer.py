import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import TracerParticles
from sojourn.physics.relaxation import DebyeRelaxation, Mobility
from sojourn.physics.spectrometer import Spectrum, simulate_harmonics

TRUTH = TracerParticles((1.0,), (18e-9,), (0.25,))
AMPLITUDES = np.array([2e-3, 5e-3, 10e-3, 20e-3])
HARMONICS = np.array([3, 5, 7])


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
