"""EXTERNAL: R 4.2.2 wilcox.test, coin, exactRankTests (golden walk); enumeration of the test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.exact.hodges_lehmann import (
    hodges_lehmann,
    hodges_lehmann_conditional,
    shift_between_steps,
)
from sojourn.statistics.exact.wilcoxon import rank_sum_test

tied = st.lists(st.integers(-6, 6), min_size=2, max_size=5)
BOTH = [hodges_lehmann, hodges_lehmann_conditional]


def accepted(x, y, shift, level):
    found = rank_sum_test(np.array(x) - shift, y)
    tail = (1 - level) / 2 + 1e-12
    return found.p_greater > tail and found.p_less > tail


@settings(deadline=None, max_examples=60)
@given(tied, tied, st.sampled_from([0.6, 0.8, 0.9]))
def test_the_interval_is_the_hull_of_the_shifts_that_are_not_rejected(x, y, level):
    found = hodges_lehmann(x, y, level=level)
    # differences are whole numbers: quarters look at every step and between them
    grid = np.arange(-14, 14.01, 0.25)
    inside = grid[[accepted(x, y, shift, level) for shift in grid]]
    if found.attained_level >= level and len(inside):
        assert found.lower <= inside[0] <= found.lower + 0.26
        assert found.upper - 0.26 <= inside[-1] <= found.upper


@settings(deadline=None)
@given(tied, tied)
def test_the_stated_level_is_what_the_tails_outside_leave(x, y):
    found = hodges_lehmann(x, y)
    if found.attained_level == 1.0:
        return
    differences = {a - b for a in x for b in y}
    below, above = found.lower - 0.01, found.upper + 0.01
    tails = rank_sum_test(np.array(x) - below, y).p_greater
    tails += rank_sum_test(np.array(x) - above, y).p_less
    assert {found.lower, found.upper} <= differences
    assert found.attained_level <= 1 - tails + 1e-12


def test_r_example_by_hand():
    # 3 against 3: 9 differences, R takes the outermost; 1 - 2 / 20 below the level asked for
    found = hodges_lehmann([10.0, 12.0, 17.0], [1.0, 2.0, 4.0])
    assert (found.shift, found.lower, found.upper) == (10.0, 6.0, 16.0)
    assert found.attained_level == pytest.approx(0.9)


@settings(deadline=None)
@given(tied, tied, st.integers(-20, 20), st.sampled_from(BOTH))
def test_shift_and_mirror(x, y, by, function):
    one, moved = function(x, y), function([v + by for v in x], y)
    assert moved.shift == one.shift + by
    if function is hodges_lehmann:
        assert (moved.lower, moved.upper) == (one.lower + by, one.upper + by)
        assert moved.attained_level == pytest.approx(one.attained_level, abs=1e-9)
    mirrored = function(y, x)
    assert (mirrored.lower, mirrored.upper) == (-one.upper, -one.lower)


@settings(deadline=None)
@given(st.lists(st.integers(-99_999, 99_999), min_size=6, max_size=9, unique=True))
def test_without_ties_both_intervals_agree(values):
    x, y = [v / 100 for v in values[:3]], [v / 100 for v in values[3:]]
    one, other = (function(x, y) for function in BOTH)
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), rel=1e-9)
    assert one.attained_level == pytest.approx(other.attained_level, abs=1e-9)
    assert one.shift == shift_between_steps(x, y)


def test_an_interval_conditional_on_the_ties_may_leave_out_what_the_test_accepts():
    x, y = [-18, -25, -9, -12, -30], [-6, -12, 2, -9, -15]
    conditional, inverted = hodges_lehmann_conditional(x, y), hodges_lehmann(x, y)
    assert (conditional.lower, conditional.upper) == (-21, 0)  # R coin
    assert (inverted.lower, inverted.upper) == (-24, 3)
    assert accepted(x, y, 1.0, 0.95)
    assert conditional.attained_level == pytest.approx(1 - 12 / 252)


@pytest.mark.parametrize("function", BOTH)
def test_single_values_and_all_equal(function):
    alone = function([3.0], [1.0])
    assert (alone.shift, alone.lower, alone.upper) == (2.0, -np.inf, np.inf)
    assert alone.attained_level == 1.0
    same = function([1.0] * 4, [1.0] * 4)
    assert same.shift == same.lower == same.upper == 0.0 or same.attained_level == 1.0


@pytest.mark.parametrize("function", [*BOTH, shift_between_steps])
@pytest.mark.parametrize("wrong", [[], [np.nan]])
def test_hostile_values_are_refused(function, wrong):
    with pytest.raises(DataError, match="expected"):
        function([1.0], wrong)
