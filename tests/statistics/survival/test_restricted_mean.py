"""Restricted means against areas by hand, and against the mean itself without censoring."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.survival.product_limit import kaplan_meier
from sojourn.statistics.survival.restricted_mean import restricted_mean


def test_area_and_error_by_hand():
    # S = 3/4 from 1, 3/8 from 3 (2 at risk): area to 4 = 1 + 2 * 3/4 + 3/8.
    curve = kaplan_meier([1, 2, 3, 5], [1, 0, 1, 0])
    made = restricted_mean(curve, tau=4)
    assert made.value == pytest.approx(1 + 1.5 + 0.375, abs=1e-15)
    variance = (1.5 + 0.375) ** 2 / 12 + 0.375**2 / 2
    assert made.standard_error == pytest.approx(math.sqrt(variance), abs=1e-15)


@pytest.mark.parametrize(("tau", "value"), [(0.5, 0.5), (1, 1.0), (2, 1.75), (10, 6.25)])
def test_the_horizon_cuts_the_area_and_the_last_value_is_carried_on(tau, value):
    # 6.25 = 1 + 1 * 3/4 + ... at 10: S = 3/4 up to 3, then 3/8 up to 10 (as R carries on).
    curve = kaplan_meier([1, 2, 3, 5], [1, 0, 1, 0])
    expected = value if tau < 10 else 1 + 2 * 0.75 + 7 * 0.375
    assert restricted_mean(curve, tau=tau).value == pytest.approx(expected, abs=1e-14)


def test_an_event_at_the_horizon_moves_neither_mean_nor_error():
    with_event = restricted_mean(kaplan_meier([1, 4, 6], [1, 1, 0]), tau=4)
    without = restricted_mean(kaplan_meier([1, 4, 6], [1, 0, 0]), tau=4)
    assert with_event.value == without.value
    assert with_event.standard_error == without.standard_error


def test_no_event_gives_the_horizon_without_a_spread():
    made = restricted_mean(kaplan_meier([5, 6], [0, 0]), tau=4)
    assert (made.value, made.standard_error) == (4.0, 0.0)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=20))
def test_without_censoring_it_is_the_mean_of_the_times_cut_at_the_horizon(values):
    times = np.array(values, float)
    for tau in (7.5, 20.0):
        made = restricted_mean(kaplan_meier(times, np.ones(len(times))), tau=tau)
        cut = np.minimum(times, tau)
        assert made.value == pytest.approx(cut.mean(), rel=1e-12)
        # The error is then that of a mean, with n in the place of n - 1.
        assert made.standard_error == pytest.approx(cut.std() / math.sqrt(len(cut)), abs=1e-9)


@pytest.mark.parametrize("tau", [0, -1, math.nan, math.inf])
def test_a_horizon_that_is_no_positive_number_is_refused(tau):
    with pytest.raises(DataError, match="positive"):
        restricted_mean(kaplan_meier([1], [1]), tau=tau)


def test_nobody_has_no_mean():
    with pytest.raises(DataError, match="without subjects"):
        restricted_mean(kaplan_meier([], []), tau=1)
