"""EXTERNAL: R 4.2.2 `binom.test` (its help page's example), scipy.stats; closed forms."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import clopper_pearson, mid_p
from sojourn.statistics.exact.binomial_tests import (
    binomial_probabilities,
    p_central,
    p_greater,
    p_less,
    p_mid,
    p_mid_greater,
    p_mid_less,
    p_minlike,
)

EVERY = [p_minlike, p_central, p_greater, p_less, p_mid, p_mid_greater, p_mid_less]
counts = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
nulls = st.floats(0.01, 0.99)


def test_the_example_of_r():
    # binom.test(682, 925, p = 0.75): p-value 0.382491559575
    assert p_minlike(682, 925, 0.75) == pytest.approx(0.382491559575, abs=1e-11)


@settings(deadline=None)
@given(count=counts, p0=nulls)
def test_as_scipy(count, p0):
    x, n = count
    for function, side in ((p_minlike, "two-sided"), (p_greater, "greater"), (p_less, "less")):
        expected = stats.binomtest(x, n, p0, alternative=side).pvalue
        assert function(x, n, p0) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None)
@given(count=counts, p0=nulls)
def test_central_and_mid_p_reject_what_their_intervals_leave_out(count, p0):
    x, n = count
    for p_value, interval in ((p_central, clopper_pearson), (p_mid, mid_p)):
        lower, upper = interval(x, n)
        p = p_value(x, n, p0)
        if abs(p - 0.05) > 1e-6:
            assert (p < 0.05) == (p0 < lower or p0 > upper)


@settings(deadline=None)
@given(count=counts, p0=nulls)
def test_half_of_the_observed_count_is_in_each_mid_tail(count, p0):
    x, n = count
    assert p_mid_greater(x, n, p0) + p_mid_less(x, n, p0) == pytest.approx(1)
    half = binomial_probabilities(n, p0)[x] / 2
    assert p_mid_greater(x, n, p0) == pytest.approx(p_greater(x, n, p0) - half, abs=1e-12)
    assert p_mid(x, n, p0) == pytest.approx(
        min(1, 2 * min(p_mid_greater(x, n, p0), p_mid_less(x, n, p0)))
    )


def test_counts_as_likely_up_to_rounding_are_both_in_the_tail():
    # 2 and 8 of 10 at 1/2 have one probability: 2 * (1 + 10 + 45) / 1024
    assert p_minlike(2, 10, 0.5) == pytest.approx(112 / 1024, abs=1e-15)
    # P(3 of 5) = P(2 of 5) at 1/2, so every count but none is left out
    assert p_minlike(3, 5, 0.5) == 1.0


@pytest.mark.parametrize(("x", "p0", "p"), [(0, 0, 1), (1, 0, 0), (5, 1, 1), (4, 1, 0)])
def test_a_certain_null_is_met_or_not(x, p0, p):
    assert p_minlike(x, 5, p0) == p


def test_probabilities_sum_to_one_and_are_the_binomial_ones():
    law = binomial_probabilities(4, 0.5)
    assert law == pytest.approx([math.comb(4, k) / 16 for k in range(5)], abs=1e-15)
    assert binomial_probabilities(3, 0.0) == pytest.approx([1, 0, 0, 0])
    assert binomial_probabilities(3, 1.0) == pytest.approx([0, 0, 0, 1])


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("count", [(-1, 5), (6, 5), (0, 0), (math.nan, 5)])
def test_counts_that_cannot_be_are_refused(function, count):
    with pytest.raises(DataError, match="expected 0 <= successes <= n"):
        function(*count, 0.5)


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("p0", [-0.1, 1.1, math.nan])
def test_a_null_that_is_no_proportion_is_refused(function, p0):
    with pytest.raises(DataError, match="p0"):
        function(1, 5, p0)
