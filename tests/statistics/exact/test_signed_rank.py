"""EXTERNAL: published critical values (two-sided 0.05); R 4.2.2 help page; scipy.stats exact."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.ranks import sign_sum_law
from sojourn.statistics.exact.signed_rank import (
    pseudo_median,
    signed_rank_test,
    signed_rank_test_pratt,
)

CRITICAL = {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89}
tied = st.lists(st.integers(-5, 5), min_size=1, max_size=7)


@pytest.mark.parametrize(("n", "critical"), CRITICAL.items())
def test_the_published_critical_values_of_t(n, critical):
    law = sign_sum_law(tuple(range(1, n + 1)))
    assert law[: critical + 1].sum() <= 0.025
    assert law[: critical + 2].sum() > 0.025


def test_hollander_and_wolfe_depression():
    # R help page of wilcox.test: V = 40, p = 0.01953 for "greater"
    x = np.array([1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    y = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    found = signed_rank_test(x - y)
    assert found.v == 40
    assert found.p_greater == pytest.approx(0.01953125, abs=1e-12)


def by_enumeration(ranks, positive):
    totals = np.array([np.dot(ranks, signs) for signs in product((0, 1), repeat=len(ranks))])
    observed = ranks[positive].sum()
    greater, less = np.mean(totals >= observed - 1e-9), np.mean(totals <= observed + 1e-9)
    return min(1.0, 2 * min(greater, less))


@settings(deadline=None)
@given(tied)
def test_zeros_and_ties_are_enumerated(d):
    values = np.array(d, dtype=float)
    kept = values[values != 0]
    ranks = stats.rankdata(np.abs(kept))
    found = signed_rank_test(values)
    assert found.p_two_sided == pytest.approx(by_enumeration(ranks, kept > 0), abs=1e-12)
    assert found.n_zero == d.count(0)
    every = stats.rankdata(np.abs(values))[values != 0]
    pratt = signed_rank_test_pratt(values)
    assert pratt.p_two_sided == pytest.approx(by_enumeration(every, kept > 0), abs=1e-12)


def test_pratt_and_wilcoxon_differ_where_there_are_zeros():
    # ranks 1 2 3 without the zeros; 3 4 5 with two of them: 3 + 5 against 4 is 1 + 3 against 2
    values = [0.0, 0.0, 1.0, -2.0, 3.0]
    assert signed_rank_test(values).v == 4.0
    assert signed_rank_test_pratt(values).v == 8.0


@settings(deadline=None)
@given(st.permutations(range(1, 9)), st.integers(0, 255))
def test_without_ties_as_scipy_exact(order, signs):
    d = [float(v if signs >> i & 1 else -v) for i, v in enumerate(order)]
    expected = stats.wilcoxon(d, method="exact").pvalue
    assert signed_rank_test(d).p_two_sided == pytest.approx(expected, abs=1e-12)


def accepted(d, center, level):
    found = signed_rank_test(np.array(d) - center)
    tail = (1 - level) / 2 + 1e-12
    return found.p_greater > tail and found.p_less > tail


@settings(deadline=None, max_examples=60)
@given(tied, st.sampled_from([0.6, 0.8, 0.9]))
def test_the_interval_is_the_hull_of_the_centers_that_are_not_rejected(d, level):
    found = pseudo_median(d, level=level)
    # Walsh averages are halves: look between them
    grid = np.arange(-5.875, 6, 0.25)
    inside = grid[[accepted(d, center, level) for center in grid]]
    if found.attained_level >= level and np.isfinite(found.lower) and len(inside):
        assert found.lower <= inside[0] <= found.lower + 0.26
        assert found.upper - 0.26 <= inside[-1] <= found.upper


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=7), st.integers(-9, 9))
def test_shift_and_mirror(d, by):
    one, moved = pseudo_median(d), pseudo_median([v + by for v in d])
    assert (moved.shift, moved.lower, moved.upper) == pytest.approx(
        (one.shift + by, one.lower + by, one.upper + by)
    )
    mirrored = pseudo_median([-v for v in d])
    assert (mirrored.lower, mirrored.upper) == (-one.upper, -one.lower)
    assert signed_rank_test([-v for v in d]).p_greater == signed_rank_test(d).p_less


def test_the_level_asked_for_may_be_out_of_reach():
    # five subjects: 1 - 2 / 32 is the most that a finite interval has
    found = pseudo_median([3.0, 1.0, 4.0, 1.5, 9.0])
    assert (found.lower, found.upper, found.attained_level) == (1.0, 9.0, 0.9375)
    assert pseudo_median([2.0]).attained_level == 1.0
    assert np.isinf(pseudo_median([2.0]).lower)


def test_all_zero_says_nothing():
    found = signed_rank_test([0.0, 0.0, 0.0])
    assert (found.v, found.p_two_sided, found.n_zero) == (0.0, 1.0, 3)
    assert pseudo_median([0.0] * 8).shift == 0.0


@pytest.mark.parametrize("function", [signed_rank_test, signed_rank_test_pratt, pseudo_median])
@pytest.mark.parametrize("wrong", [[], [np.nan], [1.0, np.inf]])
def test_hostile_values_are_refused(function, wrong):
    with pytest.raises(DataError, match="expected"):
        function(wrong)


def test_too_many_subjects_are_refused_and_not_approximated():
    with pytest.raises(DataError, match="no asymptotic p-value"):
        signed_rank_test(np.arange(1, 202))
