import numpy as np
import pytest
from scipy import io

from sojourn.core.errors import DataError
from sojourn.physics.hysteresis import measure_hysteresis

DOWN = np.linspace(0.5, -0.5, 401)
FIELD = np.concatenate((DOWN, DOWN[::-1]))
SIDE = np.concatenate((np.ones(401), -np.ones(401)))


def loop(coercivity, offset=0.0, noise=0.0):
    values = 40 * np.tanh((FIELD + SIDE * coercivity - offset) / 0.1)
    return values + noise * np.random.default_rng(1).normal(size=len(FIELD))


def test_figures_of_a_known_loop():
    found = measure_hysteresis(FIELD, loop(4e-3, offset=1e-3), window=0.02)
    # tanh is straight within (0.025/0.1)^2 / 3 = 2 % here.
    assert found.coercivity == pytest.approx(4e-3, rel=0.02)
    assert found.field_offset == pytest.approx(1e-3, rel=0.02)
    assert found.remanence == pytest.approx(40 * np.tanh(0.04), rel=0.02)
    # Two branches 2 Hc apart between saturations of +-40: area 2 * 40 * 2 Hc.
    assert found.loss == pytest.approx(2 * 40 * 2 * 4e-3, rel=0.01)
    assert not found.is_closed


def test_a_loop_measured_upwards_first_has_the_same_figures():
    there = measure_hysteresis(FIELD, loop(4e-3), window=0.02)
    back = measure_hysteresis(-FIELD, -loop(4e-3), window=0.02)
    assert back.coercivity == pytest.approx(there.coercivity)
    assert back.remanence == pytest.approx(there.remanence)


@pytest.mark.parametrize(("coercivity", "is_closed"), [(0.0, True), (1e-3, False)])
def test_a_loop_is_closed_where_its_coercivity_is_within_the_scatter(coercivity, is_closed):
    found = measure_hysteresis(FIELD, loop(coercivity, noise=0.2), window=0.01)
    # Scatter 0.2, slope 400 / T, 9 points a branch: 0.2 / 400 / sqrt(9) / sqrt(2) = 1.2e-4 T.
    assert found.coercivity_error == pytest.approx(1.2e-4, rel=0.4)
    assert found.is_closed is is_closed


def test_adembeads_have_a_narrow_loop(shared):
    table = io.loadmat(shared / "data/mpi/particles/Adembeads_0321.mat")
    field, magnetization = table["f"].ravel() * 1e-4, table["M"].ravel()
    found = measure_hysteresis(field, magnetization, window=5e-3)
    # Outside witness: linear interpolation of the table at the two sign changes.
    turn = int(field.argmin())
    down = np.interp(0, -magnetization[:turn], field[:turn])
    up = np.interp(0, magnetization[turn:], field[turn:])
    assert found.coercivity == pytest.approx((up - down) / 2, rel=0.05)
    assert 1.7e-3 < found.coercivity < 2.1e-3
    assert not found.is_closed


@pytest.mark.parametrize(
    ("field", "values", "window", "message"),
    [
        pytest.param(DOWN, DOWN, 0.1, "and back", id="one-way"),
        pytest.param(FIELD, FIELD[:-1], 0.1, "magnetization", id="lengths-differ"),
        pytest.param(FIELD, FIELD, 0.0, "window", id="no-window"),
        pytest.param(FIELD, FIELD, 1e-4, "points within", id="window-too-narrow"),
        pytest.param(FIELD, -FIELD, 0.1, "does not rise", id="diamagnet"),
        pytest.param(FIELD, FIELD * np.nan, 0.1, "finite", id="not-a-number"),
    ],
)
def test_unusable_loops_are_refused(field, values, window, message):
    with pytest.raises(DataError, match=message):
        measure_hysteresis(field, values, window=window)
