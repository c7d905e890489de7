"""EXTERNAL: Newcombe, Stat. Med. 17 (1998) 857, table I; R 4.2.2 qbeta; closed forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import (
    agresti_coull,
    agresti_coull_clipped,
    clopper_pearson,
    clopper_pearson_lower,
    clopper_pearson_upper,
    jeffreys,
    mid_p,
    mid_tails,
    wilson,
    wilson_corrected,
)
from sojourn.statistics.exact.blaker import blaker

EVERY = [
    clopper_pearson,
    wilson,
    wilson_corrected,
    agresti_coull,
    agresti_coull_clipped,
    jeffreys,
    mid_p,
    blaker,
]
NEWCOMBE = {
    (81, 263): [(0.2553, 0.3662), (0.2535, 0.3682), (0.2527, 0.3676), (0.2544, 0.3658)],
    (15, 148): [(0.0624, 0.1605), (0.0598, 0.1644), (0.0578, 0.1617), (0.0601, 0.1581)],
    (0, 20): [(0.0, 0.1611), (0.0, 0.2005), (0.0, 0.1684), (0.0, 0.1391)],
    (1, 29): [(0.0061, 0.1718), (0.0018, 0.1963), (0.0009, 0.1776), (0.0017, 0.1585)],
}
counts = st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("count", "published"), NEWCOMBE.items(), ids=str)
def test_the_four_intervals_that_newcombe_tabulates(count, published):
    functions = (wilson, wilson_corrected, clopper_pearson, mid_p)
    for function, bounds in zip(functions, published, strict=True):
        assert function(*count) == pytest.approx(bounds, abs=5e-5)


def test_jeffreys_of_3_of_10_as_r_qbeta():
    expected = (0.0926945939381532, 0.6058183181488712)
    assert jeffreys(3, 10) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", EVERY)
@settings(deadline=None)
@given(count=counts)
def test_failures_mirror_successes(function, count):
    x, n = count
    lower, upper = function(x, n)
    assert function(n - x, n) == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@pytest.mark.parametrize("function", EVERY)
@settings(deadline=None)
@given(count=counts)
def test_every_interval_holds_the_proportion_and_widens_with_its_level(function, count):
    x, n = count
    lower, upper = function(x, n)
    assert lower <= x / n + 1e-12
    assert x / n <= upper + 1e-12
    if function is agresti_coull:  # its midpoint moves with the level: beyond 0 and 1 it may shrink
        return
    wider = function(x, n, level=0.99)
    assert wider[0] <= lower + 1e-12
    assert wider[1] >= upper - 1e-12


@settings(deadline=None)
@given(count=counts)
def test_mid_p_and_blaker_lie_inside_clopper_pearson(count):
    outer = clopper_pearson(*count)
    for lower, upper in (mid_p(*count), blaker(*count)):
        assert outer[0] - 1e-12 <= lower <= upper <= outer[1] + 1e-12


@settings(deadline=None)
@given(count=counts)
def test_one_sided_bounds_are_those_of_the_interval_with_twice_the_tail(count):
    lower, upper = clopper_pearson(*count, level=0.9)
    assert clopper_pearson_lower(*count) == pytest.approx(lower, abs=1e-12)
    assert clopper_pearson_upper(*count) == pytest.approx(upper, abs=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.37, 0.5, 0.92])
@pytest.mark.parametrize("n", [5, 10, 68])
def test_clopper_pearson_and_blaker_cover_at_least_95_percent(n, p):
    chances = stats.binom.pmf(range(n + 1), n, p)
    for function in (clopper_pearson, blaker):
        held = [lower <= p <= upper for lower, upper in (function(x, n) for x in range(n + 1))]
        assert sum(c for c, h in zip(chances, held, strict=True) if h) >= 0.95


def test_the_correction_vanishes_at_one_half_only():
    assert wilson_corrected(34, 68) == wilson(34, 68)
    assert wilson_corrected(33, 68)[0] < wilson(33, 68)[0]
    # 2 of 5 lies 1/2 from 5/2: the whole correction
    assert wilson_corrected(2, 5)[0] < wilson(2, 5)[0]


def test_agresti_coull_may_leave_0_to_1_unless_it_is_cut():
    assert agresti_coull(0, 68)[0] < 0
    assert agresti_coull_clipped(0, 68) == (0.0, agresti_coull(0, 68)[1])
    assert agresti_coull_clipped(68, 68)[1] == 1.0


def test_mid_tails_are_one_together():
    assert sum(mid_tails(3, 10, 0.3)) == pytest.approx(1)
    assert mid_tails(0, 4, 0.5) == pytest.approx((1 / 32, 31 / 32))
    assert mid_tails(4, 4, 0.5) == pytest.approx((31 / 32, 1 / 32))


@pytest.mark.parametrize("function", [*EVERY, clopper_pearson_lower, clopper_pearson_upper])
@pytest.mark.parametrize("count", [(-1, 5), (6, 5), (0, 0), (0.5, 5), (float("nan"), 5), (1, 2.5)])
def test_counts_that_cannot_be_are_refused(function, count):
    with pytest.raises(DataError, match="expected 0 <= successes <= n"):
        function(*count)


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_a_level_that_is_none_is_refused(function, level):
    with pytest.raises(DataError, match="level"):
        function(1, 5, level=level)
