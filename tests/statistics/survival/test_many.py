"""Many replicates at once: bit for bit those of one at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.many import survival_at
from sojourn.statistics.survival.product_limit import count_events, find_survival, kaplan_meier
from sojourn.statistics.survival.risk_sets import count_at_risk

shapes = st.tuples(st.integers(1, 4), st.integers(1, 12))


@given(st.data(), shapes)
def test_every_replicate_equals_its_own_curve_bit_for_bit(data, shape):
    times = data.draw(arrays.arrays(np.float64, shape, elements=st.integers(0, 6)))
    events = data.draw(arrays.arrays(np.bool_, shape))
    at = np.array([[0.0, 2.0, 2.5], [3.0, 6.0, 9.0]])
    made = survival_at(times, events, at)
    assert made.survival.shape == (shape[0], 2, 3)
    for i in range(shape[0]):
        curve = kaplan_meier(times[i], events[i])
        survival, variance = find_survival(curve, at)
        assert (made.survival[i] == survival).all()
        assert (made.variance[i] == variance).all()
        assert (made.n_events[i] == count_events(curve, at)).all()
        people = check_times(times[i], events[i])
        assert (made.at_risk[i] == count_at_risk(people, at)).all()
        followed = (at <= times[i].max()) | (curve.survival[-1] == 0)
        assert (made.is_followed[i] == followed).all()


def test_bits_agree_for_times_that_are_no_whole_numbers_too():
    rng = np.random.default_rng(3)
    times, events = rng.exponential(200, (50, 68)), rng.random((50, 68)) < 0.6
    made = survival_at(times, events, 365)
    for i in range(50):
        survival, variance = find_survival(kaplan_meier(times[i], events[i]), 365)
        assert (made.survival[i], made.variance[i]) == (survival, variance)


def test_worked_example_by_hand():
    made = survival_at([[1, 2, 3, 3, 4], [4, 4, 4, 4, 4]], [[1, 0, 1, 0, 1], [0, 0, 1, 1, 1]], 3)
    assert made.survival == pytest.approx([8 / 15, 1.0], abs=1e-15)
    assert made.variance == pytest.approx([1 / 20 + 1 / 6, 0.0], abs=1e-15)
    assert (made.at_risk.tolist(), made.n_events.tolist()) == ([3, 5], [2, 0])


def test_where_nobody_survives_the_variance_is_infinite():
    made = survival_at([[1, 2]], [[1, 1]], [2, 5])
    assert made.survival.tolist() == [[0, 0]]
    assert made.variance.tolist() == [[math.inf, math.inf]]
    assert made.is_followed.all()


def test_nobody_and_no_replicate_are_defined():
    nobody = survival_at(np.zeros((2, 0)), np.zeros((2, 0), bool), 5)
    assert (nobody.survival.tolist(), nobody.is_followed.tolist()) == ([1, 1], [False, False])
    assert survival_at(np.zeros((0, 3)), np.zeros((0, 3), bool), [5]).survival.shape == (0, 1)
    assert survival_at([[1.0]], [[1]], []).survival.shape == (1, 0)


@pytest.mark.parametrize(
    ("times", "events", "at", "message"),
    [
        ([[1, -1]], [[1, 1]], 5, "replicate 0, subject 1: time is -1"),
        ([[1, math.nan]], [[1, 1]], 5, "time is nan"),
        ([[1, 2]], [[1, 2]], 5, "neither 0"),
        ([[1, 2]], [[1]], 5, "shape"),
        ([1, 2], [1, 1], 5, "shape"),
        ([[1, 2]], [[1, 1]], math.nan, "NaN"),
    ],
)
def test_hostile_arrays_are_refused(times, events, at, message):
    with pytest.raises(DataError, match=message):
        survival_at(times, events, at)
