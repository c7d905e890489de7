import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes
from sojourn.physics.particle_models import Equilibrium, MemorylessModel
from sojourn.physics.particles import FERUMOXYTOL, mean_magnetization

vectors = arrays(np.float64, (4, 3), elements=st.floats(-0.1, 0.1))


def test_along_an_axis_equilibrium_is_the_mean_magnetization_to_the_bit():
    axis = np.linspace(-20e-3, 20e-3, 41)
    field = np.zeros((41, 3))
    field[:, 1] = axis
    found = Equilibrium(FERUMOXYTOL).magnetization(field, interval=1e-6)
    np.testing.assert_array_equal(found[:, 1], mean_magnetization(axis, FERUMOXYTOL))
    assert not found[:, [0, 2]].any()


@settings(max_examples=30, deadline=None)
@given(vectors)
def test_equilibrium_is_odd_bounded_and_along_the_field(field):
    model = Equilibrium(CoreSizes(np.array([8e-9, 25e-9]), np.array([0.6, 0.4])))
    found = model.magnetization(field, interval=1.0)
    np.testing.assert_array_equal(found, -model.magnetization(-field, interval=1.0))
    assert np.all(np.linalg.norm(found, axis=-1) < 1)
    np.testing.assert_allclose(np.cross(found, field), 0, atol=1e-15)
    assert np.all(np.einsum("nc,nc->n", found, field) >= 0)


def test_turning_the_field_turns_the_magnetization():
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    field = np.array([[1e-3, 2e-3, -3e-3]])
    model = Equilibrium(FERUMOXYTOL, 300.0)
    straight = model.magnetization(field, interval=1.0)
    turned = model.magnetization(field @ turn.T, interval=1.0)
    np.testing.assert_allclose(turned, straight @ turn.T, rtol=1e-14)


def test_equilibrium_can_be_tabulated():
    assert isinstance(Equilibrium(FERUMOXYTOL), MemorylessModel)


def test_discrete_sizes_magnetize_as_their_lognormal():
    field = np.linspace(0, 50e-3, 7)
    sizes = Equilibrium(core_sizes(FERUMOXYTOL))
    np.testing.assert_allclose(
        sizes.curve(field), mean_magnetization(field, FERUMOXYTOL), rtol=1e-12
    )
    assert sizes.moment_per_iron == FERUMOXYTOL.moment_per_iron


@pytest.mark.parametrize(
    ("field", "interval", "message"),
    [
        pytest.param(np.zeros((4, 2)), 1e-6, "expected", id="two-components"),
        pytest.param(np.zeros(3), 1e-6, "expected", id="no-sample-axis"),
        pytest.param(np.zeros((0, 3)), 1e-6, "expected", id="no-samples"),
        pytest.param(np.zeros((4, 3)), 0.0, "interval", id="no-interval"),
        pytest.param(np.full((4, 3), np.nan), 1e-6, "finite", id="not-a-number"),
    ],
)
def test_impossible_fields_are_refused(field, interval, message):
    with pytest.raises(DataError, match=message):
        Equilibrium(FERUMOXYTOL).magnetization(field, interval=interval)


def test_absolute_zero_is_refused():
    with pytest.raises(DataError, match="temperature"):
        Equilibrium(FERUMOXYTOL, 0.0)


def test_third_harmonic_of_a_weak_field_is_a_180th_of_xi_cubed():
    # L(xi) = xi/3 - xi^3/45 + ... and cos^3 = (3 cos + cos 3)/4: amplitude xi^3/180.
    one = CoreSizes(np.array([20e-9]), np.array([1.0]))
    xi = 0.05
    amplitude = xi * 1.380649e-23 * 310.15 / one.moments[0]
    field = np.zeros((64, 3))
    field[:, 2] = amplitude * np.cos(2 * np.pi * np.arange(64) / 64)
    found = Equilibrium(one).magnetization(field, interval=1.0)[:, 2]
    third = 2 * np.fft.rfft(found)[3].real / 64
    # The next term of the series is smaller by 180 * (2/945) * (5/16) xi^2 = 0.12 xi^2.
    assert third == pytest.approx(-(xi**3) / 180, rel=4e-4)
