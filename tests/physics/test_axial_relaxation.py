import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics import axial_relaxation
from sojourn.physics.axial_relaxation import axial_moment, axial_moment_numpy, compiled_moment
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.effective_field import EffectiveField
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.relaxation import Mobility

N, F0 = 152, 25.7e3
WAVE = 5e-3 * np.sin(2 * np.pi * np.arange(N) / N)
FIELD = np.array([-6e-3, 0.0, 3e-3])[:, None] + WAVE
INTERVAL = 1 / (F0 * N)


def arguments(time, scale=700.0):
    return {
        "scale": np.array([scale, 2 * scale]),
        "times": np.full(2, time),
        "shares": np.array([0.6, 0.4]),
        "interval": INTERVAL,
    }


def test_without_delay_it_is_langevins_function():
    found = axial_moment(FIELD, **arguments(1e-10))
    expected = 0
    for scale, share in ((700.0, 0.6), (1400.0, 0.4)):
        xi = np.where(FIELD == 0, 1e-9, FIELD * scale)
        expected = expected + share * (1 / np.tanh(xi) - 1 / xi)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_a_weak_field_gives_debyes_delay():
    time = 4e-6
    found = axial_moment(1e-4 * FIELD[1:2] / 5e-3, **arguments(time, scale=100.0))
    spectrum = np.fft.rfft(found[0])[1] / (N / 2)
    weak = 1e-4 * 100 * (0.6 + 0.8) / 3
    expected = -1j * weak / (1 + 2j * np.pi * F0 * time)
    assert spectrum == pytest.approx(expected, rel=2e-3)


def test_it_is_the_effective_field_model_along_an_axis():
    mobility = Mobility(viscosity=1e-3, shell=0.0, anisotropy=np.inf)
    sizes = CoreSizes(np.array([22e-9, 28e-9]), np.array([0.6, 0.4]))
    model = EffectiveField(sizes, mobility, substeps=2)
    field = np.stack([FIELD, 0 * FIELD, 0 * FIELD], axis=-1)
    expected = model.magnetization(field, interval=INTERVAL)[..., 0]
    found = axial_moment(
        FIELD,
        scale=sizes.moments / (BOLTZMANN * model.temperature),
        times=mobility.times(sizes.diameters, temperature=model.temperature),
        shares=sizes.iron_shares,
        interval=INTERVAL,
    )
    # The field between samples is linear here, a Fourier series there: (pi/N)^2/2 of a harmonic.
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)


def test_the_compiled_loop_is_the_numpy_loop(monkeypatch):
    if compiled_moment() is None:
        pytest.skip("numba is not installed")
    fast = axial_moment(FIELD, **arguments(3e-6))
    monkeypatch.setattr(axial_relaxation, "compiled_moment", lambda: None)
    plain = axial_moment(FIELD, **arguments(3e-6))
    np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-10)


def test_two_more_periods_change_nothing():
    values = arguments(6e-6)
    steps = INTERVAL / values["times"]
    few, more = (
        axial_moment_numpy(FIELD, values["scale"], steps, values["shares"], periods, 2)
        for periods in (axial_relaxation.PERIODS, axial_relaxation.PERIODS + 2)
    )
    np.testing.assert_allclose(few, more, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"times": np.zeros(2)}, {"scale": np.zeros(2)}, {"interval": 0.0}, {"shares": np.ones(3)}],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(DataError, match=r"must be positive|need one length"):
        axial_moment(FIELD, **{**arguments(1e-6), **wrong})
