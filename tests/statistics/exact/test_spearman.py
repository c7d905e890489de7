"""EXTERNAL: published critical values (Zar, two-sided 0.05); R 4.2.2 in the golden walk."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.spearman import product_sum_counts, spearman_rho, spearman_test

CRITICAL = {5: 1.0, 6: 0.886, 7: 0.786, 8: 0.738, 9: 0.700, 10: 0.648, 11: 0.618, 12: 0.587}
X10 = [62.1, 55.4, 71.9, 48.3, 66, 12.2, 8.9, 20.4, 15.1, 5.7]
Y10 = [-18, -25, -31, -10, -22, -6, -12, 2, -9, -3]


@pytest.mark.parametrize(("n", "critical"), CRITICAL.items())
def test_the_published_critical_values(n, critical):
    counts = product_sum_counts(tuple(range(n)), tuple(range(n)))
    sums = np.arange(len(counts))
    rho = 12 * (sums - n * (n - 1) ** 2 / 4) / (n * (n * n - 1))
    tails = np.cumsum(counts[::-1])[::-1] / math.factorial(n)
    smallest = rho[tails <= 0.025].min()
    assert round(smallest, 3) == critical


def test_n_10_is_exact_where_r_and_scipy_approximate():
    exact = spearman_test(X10, Y10).p_two_sided
    assert exact == pytest.approx(0.0149294532627866, abs=1e-12)
    # scipy: Student's t, without a word; R: Edgeworth series, 0.0159
    assert stats.spearmanr(X10, Y10).pvalue == pytest.approx(0.01114, abs=5e-6)
    assert abs(exact - 0.0159208292880929) > 9e-4


pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=6)


def varied(pairs):
    return all(len({p[i] for p in pairs}) > 1 for i in (0, 1))


@settings(deadline=None)
@given(pairs.filter(varied))
def test_with_ties_every_order_is_counted(pairs):
    x, y = ([float(p[i]) for p in pairs] for i in (0, 1))
    a, b = (stats.rankdata(side) - (len(x) + 1) / 2 for side in (x, y))
    orders = np.array([a @ b[list(order)] for order in permutations(range(len(x)))])
    observed = a @ b
    found = spearman_test(x, y)
    assert found.p_two_sided == pytest.approx(np.mean(np.abs(orders) >= abs(observed) - 1e-9))
    assert found.p_greater == pytest.approx(np.mean(orders >= observed - 1e-9))
    assert found.p_less == pytest.approx(np.mean(orders <= observed + 1e-9))
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.tied == (len(set(x)) < len(x) or len(set(y)) < len(y))


@settings(deadline=None)
@given(pairs.filter(varied), st.randoms(use_true_random=False))
def test_order_of_subjects_sides_and_rising_maps_do_not_matter(pairs, random):
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    x, y = ([float(p[i]) for p in pairs] for i in (0, 1))
    one = spearman_test(x, y)
    assert spearman_test(*([float(p[i]) for p in shuffled] for i in (0, 1))) == one
    swapped = spearman_test(np.exp(y), x)
    assert (swapped.rho, swapped.p_two_sided) == (one.rho, one.p_two_sided)
    falling = spearman_test(x, [-v for v in y])
    assert (falling.rho, falling.p_greater) == (-one.rho, one.p_less)


def test_perfect_order_has_the_smallest_p():
    for n in (5, 10):
        found = spearman_test(range(n), range(n))
        assert (found.rho, found.p_two_sided) == (1.0, 2 / math.factorial(n))


def test_all_orders_are_counted_once():
    for n in (3, 8, 13):
        assert product_sum_counts(tuple(range(n)), tuple(range(n))).sum() == math.factorial(n)


def test_16_subjects_are_exact_and_17_are_refused_not_approximated():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=17), rng.normal(size=17)
    found = spearman_test(x[:16], y[:16])
    # Student's t is close at n = 16, and not the same
    assert found.p_two_sided == pytest.approx(stats.spearmanr(x[:16], y[:16]).pvalue, abs=0.01)
    with pytest.raises(DataError, match="no approximation is put in its place"):
        spearman_test(x, y)
    assert spearman_rho(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y"),
    [([1.0, 2.0], [1.0, 2.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([1, 2, 3], [1, 2, np.nan])],
)
def test_hostile_pairs_are_refused(x, y):
    with pytest.raises(DataError, match=r"expected|no correlation"):
        spearman_test(x, y)
