"""EXTERNAL: R 4.2.2 `poisson.test`, the examples of its help page; closed forms."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.poisson import (
    compare_rates,
    poisson_interval,
    poisson_mid_p,
    poisson_mid_tails,
)


def test_the_examples_of_r():
    assert poisson_interval(137, 24.19893) == pytest.approx(
        (4.75312480484875, 6.69270933417607), abs=1e-10
    )
    found = compare_rates((11, 6 + 8 + 7), (800, 1083 + 1050 + 878))
    assert found.ratio == pytest.approx(1.9714880952381, abs=1e-12)
    assert found.p_two_sided == pytest.approx(0.0796686330333, abs=1e-12)
    bounds = (0.858426403391639, 4.277265943654071)
    assert (found.lower, found.upper) == pytest.approx(bounds, abs=1e-11)


def test_no_event_has_closed_forms():
    assert poisson_interval(0, 2.0)[1] == pytest.approx(-math.log(0.025) / 2, abs=1e-14)
    assert poisson_mid_p(0, 2.0) == pytest.approx((0.0, -math.log(0.05) / 2), abs=1e-14)


@settings(deadline=None)
@given(events=st.integers(0, 300), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_tails_at_the_bounds_are_half_of_what_the_level_leaves(events, level):
    lower, upper = poisson_interval(events, 1.0, level=level)
    tail = (1 - level) / 2
    assert stats.poisson.cdf(events, upper) == pytest.approx(tail, abs=1e-9)
    if events:
        assert stats.poisson.sf(events - 1, lower) == pytest.approx(tail, abs=1e-9)
    inside = poisson_mid_p(events, 1.0, level=level)
    assert poisson_mid_tails(events, inside[1])[0] == pytest.approx(tail, abs=1e-12)
    if events:
        assert poisson_mid_tails(events, inside[0])[1] == pytest.approx(tail, abs=1e-12)
    assert lower <= inside[0] <= events <= inside[1] <= upper


@settings(deadline=None)
@given(
    events=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    times=st.tuples(st.floats(0.5, 500), st.floats(0.5, 500)),
)
def test_swapping_the_groups_inverts_the_ratio(events, times):
    one, other = compare_rates(events, times), compare_rates(events[::-1], times[::-1])
    assert one.p_two_sided == pytest.approx(other.p_two_sided, abs=1e-9)
    assert one.p_greater == pytest.approx(other.p_less, abs=1e-9)
    if one.upper < math.inf:
        assert other.lower == pytest.approx(1 / one.upper, rel=1e-9)
    if 0 < one.ratio < math.inf:
        assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-9)


@settings(deadline=None)
@given(events=st.tuples(st.integers(0, 20), st.integers(0, 20)), scale=st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(events, scale):
    one, other = compare_rates(events, (3.0, 7.0)), compare_rates(events, (3 * scale, 7 * scale))
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), rel=1e-6)


def test_no_event_in_one_group_or_in_both():
    only_first = compare_rates((5, 0), (10.0, 10.0))
    assert (only_first.ratio, only_first.upper) == (math.inf, math.inf)
    assert only_first.lower > 0
    only_second = compare_rates((0, 5), (10.0, 10.0))
    assert (only_second.ratio, only_second.lower) == (0.0, 0.0)
    neither = compare_rates((0, 0), (10.0, 10.0))
    assert math.isnan(neither.ratio)
    assert (neither.lower, neither.upper, neither.p_two_sided) == (0.0, math.inf, 1.0)


@pytest.mark.parametrize("wrong", [(-1, 1.0), (1.5, 1.0), (1, 0.0), (1, -2.0), (math.nan, 1.0)])
def test_counts_and_times_that_cannot_be_are_refused(wrong):
    events, time = wrong
    for function in (poisson_interval, poisson_mid_p):
        with pytest.raises(DataError, match=">= 0 events in positive time"):
            function(events, time)
    with pytest.raises(DataError, match=">= 0 events in positive time"):
        compare_rates((1, events), (1.0, time))
