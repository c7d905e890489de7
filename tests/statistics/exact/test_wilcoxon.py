"""EXTERNAL: published critical values (two-sided 0.05), scipy.stats exact, R 4.2.2 with coin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.ranks import double_midranks
from sojourn.statistics.exact.wilcoxon import LARGEST_GROUPS, RankSumLaw, rank_sum_test

values = st.lists(st.integers(0, 6), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("m", "n", "critical"),
    [
        (5, 5, 2),
        (6, 6, 5),
        (7, 7, 8),
        (8, 8, 13),
        (9, 9, 17),
        (10, 10, 23),
        (4, 6, 2),
        (3, 7, 1),
        (20, 20, 127),
    ],
)
def test_the_published_critical_values_of_u(m, n, critical):
    law = RankSumLaw(double_midranks(np.arange(m + n, dtype=float)), m)
    least = m * (m + 1)  # twice the smallest rank sum
    assert law.at_most(least + 2 * critical) <= 0.025
    assert law.at_most(least + 2 * critical + 2) > 0.025
    assert law.rejected(0.025)[0] == least + 2 * critical + 1  # up to below the next total


def test_hollander_and_wolfe_permeability():
    # R help page of wilcox.test: W = 35, p = 0.1272 for "greater"
    x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    y = [1.15, 0.88, 0.90, 0.74, 1.21]
    found = rank_sum_test(x, y)
    assert found.w == 35
    assert found.p_greater == pytest.approx(0.1272, abs=5e-5)


def by_enumeration(x, y):
    """Return both definitions of the two-sided p-value with ties, through scipy's midranks."""
    ranks = stats.rankdata([*x, *y])
    from itertools import combinations

    sums = np.array([ranks[list(c)].sum() for c in combinations(range(len(ranks)), len(x))])
    observed, mean = ranks[: len(x)].sum(), len(x) * ranks.mean()
    far = np.mean(np.abs(sums - mean) >= abs(observed - mean) - 1e-9)
    doubled = 2 * min(np.mean(sums >= observed - 1e-9), np.mean(sums <= observed + 1e-9))
    return far, min(1.0, doubled)


@settings(deadline=None)
@given(values, values)
def test_with_ties_every_split_of_the_midranks_is_counted(x, y):
    found = rank_sum_test(x, y)
    assert (found.p_two_sided, found.p_doubled) == pytest.approx(by_enumeration(x, y), abs=1e-12)
    assert found.tied == (len({*x, *y}) < len(x) + len(y))


@settings(deadline=None)
@given(st.permutations(range(9)))
def test_without_ties_as_scipy_exact(order):
    x, y = [float(v) for v in order[:4]], [float(v) for v in order[4:]]
    expected = stats.mannwhitneyu(x, y, method="exact")
    found = rank_sum_test(x, y)
    assert found.w == expected.statistic
    assert found.p_two_sided == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.p_doubled == pytest.approx(found.p_two_sided, abs=1e-12)


def test_scipy_goes_asymptotic_with_ties_and_does_not_say_so():
    # the trap: method "auto" with ties is the normal approximation; the exact p is 0.0952
    x, y = [-18, -25, -9, -12, -30], [-6, -12, 2, -9, -15]
    assert rank_sum_test(x, y).p_two_sided == pytest.approx(24 / 252)
    scipy = stats.mannwhitneyu(x, y).pvalue
    assert scipy == stats.mannwhitneyu(x, y, method="asymptotic").pvalue
    assert abs(scipy - 24 / 252) > 2e-3


@settings(deadline=None)
@given(values, values)
def test_swapping_groups_and_a_rising_map_keep_the_p_values(x, y):
    one, other = rank_sum_test(x, y), rank_sum_test(y, x)
    assert one.p_two_sided == pytest.approx(other.p_two_sided, abs=1e-12)
    assert one.w + other.w == len(x) * len(y)
    assert rank_sum_test(np.exp(x), np.exp(y)) == one


@settings(deadline=None, max_examples=5)
@given(st.integers(30, 60))
def test_the_law_of_many_subjects_sums_to_one(n):
    law = RankSumLaw(double_midranks(np.arange(n, dtype=float)), n // 2)
    assert law.at_least(0) == pytest.approx(1, abs=1e-12)
    assert law.at_least(law.mean) == pytest.approx(law.at_most(law.mean), abs=1e-9)


def test_all_equal_and_single_values():
    assert rank_sum_test([1.0] * 5, [1.0] * 5).p_two_sided == 1.0
    assert rank_sum_test([1.0], [2.0]).p_two_sided == 1.0
    assert rank_sum_test([1.0], [2.0]).p_less == 0.5


@pytest.mark.parametrize("wrong", [[], [np.nan], [np.inf]])
def test_hostile_values_are_refused(wrong):
    with pytest.raises(DataError, match="expected"):
        rank_sum_test(wrong, [1.0])


def test_too_many_subjects_are_refused_and_not_approximated():
    half = LARGEST_GROUPS // 2
    assert rank_sum_test(np.arange(half), np.arange(half)).p_two_sided == pytest.approx(1.0)
    with pytest.raises(DataError, match="no asymptotic p-value"):
        rank_sum_test(np.arange(half + 1), np.arange(half))
