"""EXTERNAL: formulas of the papers; R 4.2.2 in the golden walk; scipy.stats."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.correlation import (
    bonett_wright,
    check_pairs,
    fieller,
    fisher_z,
    pearson_test,
)

EVERY = [bonett_wright, fieller, fisher_z]
Z = 1.959963984540054


@settings(deadline=None)
@given(st.floats(-0.99, 0.99), st.integers(4, 100))
def test_intervals_by_their_formulas(rho, n):
    variances = [(1 + rho**2 / 2) / (n - 3), 1.06 / (n - 3), 1 / (n - 3)]
    for function, variance in zip(EVERY, variances, strict=True):
        half = Z * math.sqrt(variance)
        expected = (math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half))
        assert function(rho, n) == pytest.approx(expected, abs=1e-12)


def test_bonett_wright_is_the_widest_for_strong_correlations():
    # 1 + rho^2 / 2 exceeds 1.06 from |rho| = 0.346 on
    assert bonett_wright(0.34, 10)[0] > fieller(0.34, 10)[0]
    assert bonett_wright(0.35, 10)[0] < fieller(0.35, 10)[0]
    assert fieller(0.35, 10)[0] < fisher_z(0.35, 10)[0]


@pytest.mark.parametrize("function", EVERY)
def test_perfect_or_tiny_says_nothing(function):
    assert function(1.0, 10) == function(-1.0, 10) == function(0.5, 3) == (-1.0, 1.0)
    assert function(0.5, 4) != (-1.0, 1.0)
    with pytest.raises(DataError, match=r"correlation 1\.1"):
        function(1.1, 10)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=9))
def test_pearson_as_scipy(pairs):
    x, y = ([float(p[i]) for p in pairs] for i in (0, 1))
    if len(set(x)) == 1 or len(set(y)) == 1:
        with pytest.raises(DataError, match="no correlation is defined"):
            pearson_test(x, y)
        return
    found, expected = pearson_test(x, y), stats.pearsonr(x, y)
    assert found.r == pytest.approx(expected.statistic, abs=1e-12)
    if abs(found.r) < 1 - 1e-9:
        assert found.p_two_sided == pytest.approx(expected.pvalue, abs=1e-9)
        interval = expected.confidence_interval()
        assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_perfect_pearson():
    found = pearson_test([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert found.r == pytest.approx(1.0, abs=1e-15)
    assert found.p_two_sided == pytest.approx(0.0, abs=1e-12)


def test_hostile_pairs_are_refused():
    with pytest.raises(DataError, match="expected pairs"):
        check_pairs([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(DataError, match="expected 3 or more"):
        check_pairs([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(DataError, match=r"y\[1\] is nan"):
        check_pairs([1.0, 2.0, 3.0], [1.0, math.nan, 3.0])
