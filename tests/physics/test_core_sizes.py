import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes, core_sizes, discrete_magnetization
from sojourn.physics.particles import FERUMOXYTOL, TracerParticles


def test_lognormal_nodes_keep_the_moments_of_the_distribution():
    # mean of d^3 of a lognormal: d^3 exp(9 s^2 / 2); shares mix linearly.
    sizes = core_sizes(TracerParticles((0.25, 0.75), (20e-9, 6e-9), (0.2, 0.3)))
    expected = 0.25 * 8e-24 * np.exp(4.5 * 0.04) + 0.75 * 2.16e-25 * np.exp(4.5 * 0.09)
    assert float(sizes.iron_shares @ sizes.diameters**3) == pytest.approx(expected, rel=1e-12)
    assert core_sizes(sizes) is sizes


@pytest.mark.parametrize(
    ("diameters", "shares", "saturation"),
    [
        pytest.param([1e-8], [0.9], 380e3, id="shares-below-one"),
        pytest.param([1e-8, 2e-8], [1.5, -0.5], 380e3, id="negative-share"),
        pytest.param([0.0], [1.0], 380e3, id="no-size"),
        pytest.param([np.inf], [1.0], 380e3, id="infinite-size"),
        pytest.param([1e-8], [1.0], 0.0, id="no-saturation"),
        pytest.param([1e-8, 2e-8], [1.0], 380e3, id="lengths-differ"),
        pytest.param([], [], 380e3, id="nothing"),
    ],
)
def test_impossible_sizes_are_refused(diameters, shares, saturation):
    with pytest.raises(DataError):
        CoreSizes(np.array(diameters), np.array(shares), saturation)


def test_no_nodes_are_refused():
    with pytest.raises(DataError, match="nodes"):
        core_sizes(FERUMOXYTOL, nodes=0)


def test_sizes_add_up_by_their_share_of_the_iron():
    # 20 nm at 1 mT and 310.15 K: xi = 380e3 pi/6 8e-24 * 1e-3 / (k 310.15), L by hand.
    sizes = CoreSizes(np.array([20e-9, 1e-9]), np.array([0.3, 0.7]))
    xi = sizes.moments * 1e-3 / (1.380649e-23 * 310.15)
    expected = 0.3 * (1 / np.tanh(xi[0]) - 1 / xi[0]) + 0.7 * xi[1] / 3
    found = discrete_magnetization(np.array([1e-3]), sizes)[0]
    assert found == pytest.approx(expected, rel=1e-9)
    # 4.18879e-24 m^3 of 20 nm, by hand.
    assert sizes.volumes[0] == pytest.approx(4.18879e-24, rel=1e-6)
    assert sizes.moments[0] == pytest.approx(380e3 * 4.18879e-24, rel=1e-6)


def test_nanometres_taken_for_metres_are_refused():
    # the largest of many nodes of a wide population may be any size, the smallest not
    assert CoreSizes(np.array([1e-8, 20.0]), np.array([0.5, 0.5])).diameters[1] == 20
    with pytest.raises(DataError, match="expected metres"):
        CoreSizes(np.array([20.0]), np.array([1.0]))


def one_size(saturation):
    return CoreSizes(np.array([20e-9]), np.array([1.0]), saturation)


def one_population(saturation):
    return TracerParticles((1.0,), (20e-9,), (0.1,), saturation)


@pytest.mark.parametrize("make", [one_size, one_population])
def test_a_saturation_in_kilo_amperes_is_refused(make):
    make(446e3)
    make(10e3)
    with pytest.raises(DataError, match="446 kA/m is 446e3"):
        make(446.0)
