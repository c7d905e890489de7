"""EXTERNAL: scipy.stats.permutation_test, enumeration by hand. Exact by counting."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact import permutation
from sojourn.statistics.exact.permutation import (
    all_splits,
    check_feasible,
    invert_permutation_test,
    permutation_test,
    rejected_steps,
    sample_permutations,
)

decimals = st.integers(-60, 60).map(lambda k: k / 10)
groups = st.tuples(
    st.lists(decimals, min_size=1, max_size=6), st.lists(decimals, min_size=1, max_size=6)
)


def mean_difference(x, y, axis):
    return np.mean(x, axis=axis) - np.mean(y, axis=axis)


def by_hand(x, y):
    """Return the two-sided p-value in whole numbers: tenths, times both group sizes."""
    pooled = [round(10 * v) for v in [*x, *y]]
    m, n, total = len(x), len(y), sum(pooled)

    def scaled(chosen):
        inside = sum(pooled[i] for i in chosen)
        return abs(n * inside - m * (total - inside))

    observed = scaled(range(m))
    return sum(scaled(c) >= observed for c in combinations(range(m + n), m)) / comb(m + n, m)


@settings(deadline=None)
@given(groups)
def test_ties_of_decimal_data_are_ties(pair):
    assert permutation_test(*pair).p_two_sided == pytest.approx(by_hand(*pair), abs=1e-14)


def test_as_scipy_without_ties():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=5), rng.normal(1, 1, size=4)
    found = permutation_test(x, y)
    for p, side in ((found.p_greater, "greater"), (found.p_less, "less")):
        expected = stats.permutation_test(
            (x, y), mean_difference, n_resamples=np.inf, alternative=side
        )
        assert p == pytest.approx(expected.pvalue, abs=1e-12)


def test_scipy_by_default_doubles_a_tail_and_may_sample():
    # the trap: with 6 against 4 the tail doubled is not the share of splits as far from 0
    x, y = [3.1, 4.7, 2.2, 6.5, 5.9, 4.1], [1.2, 2.9, 0.4, 6.4]
    ours = permutation_test(x, y).p_two_sided
    scipy = stats.permutation_test((x, y), mean_difference, n_resamples=np.inf).pvalue
    assert ours == pytest.approx(by_hand(x, y))
    assert ours != pytest.approx(scipy, abs=1e-3)


@settings(deadline=None)
@given(groups, st.floats(-50, 50), st.floats(0.1, 20))
def test_location_and_unit_do_not_matter(pair, shift, factor):
    x, y = (np.array(side) for side in pair)
    one = permutation_test(x, y)
    other = permutation_test(factor * x + shift, factor * y + shift)
    assert one.p_two_sided == other.p_two_sided
    assert permutation_test(y, x).p_two_sided == one.p_two_sided
    assert permutation_test(-x, -y).p_greater == one.p_less


@settings(deadline=None)
@given(groups)
def test_the_smallest_and_the_largest_p(pair):
    found = permutation_test(*pair)
    assert 1 / found.n_splits <= found.p_two_sided <= 1
    assert found.p_greater + found.p_less >= 1


def test_one_subject_a_group_and_all_equal():
    assert permutation_test([1.0], [2.0]).p_two_sided == 1.0
    assert permutation_test([1.0] * 5, [1.0] * 5).p_two_sided == 1.0
    assert permutation_test([0.0], [0.0]).difference == 0.0


def accepted(x, y, shift, tail):
    """Tell by brute force whether neither one-sided test of a shift rejects."""
    found = permutation_test(np.array(x) - shift, y)
    return found.p_greater > tail + 1e-12 and found.p_less > tail + 1e-12


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(-40, 40), min_size=2, max_size=5, unique=True),
    st.lists(st.integers(-40, 40), min_size=2, max_size=5, unique=True),
    st.sampled_from([0.8, 0.9, 0.95]),
)
def test_the_interval_holds_exactly_the_shifts_that_are_not_rejected(x, y, level):
    found = invert_permutation_test(x, y, level=level)
    tail = rejected_steps(comb(len(x) + len(y), len(x)), level) / comb(len(x) + len(y), len(x))
    edge = 1e-6
    assert accepted(x, y, found.lower + edge, tail) or found.lower + 2 * edge > found.upper
    assert not accepted(x, y, found.lower - edge, tail)
    assert not accepted(x, y, found.upper + edge, tail)
    assert found.attained_level == pytest.approx(1 - 2 * tail)


def test_the_level_is_attained_under_simulation():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        found = invert_permutation_test(rng.exponential(size=5) + 3, rng.exponential(size=5))
        held += found.lower <= 3 <= found.upper
    # 240 of 252 splits: 0.95238; four standard errors of 2000 draws are 0.019
    assert found.attained_level == pytest.approx(240 / 252)
    assert held / 2000 == pytest.approx(240 / 252, abs=0.019)


def test_a_level_out_of_reach_gives_the_widest_interval_and_states_it():
    found = invert_permutation_test([5.0, 6.0], [1.0, 2.0])
    assert (found.lower, found.upper) == (3.0, 5.0)
    assert found.attained_level == pytest.approx(1 - 2 / 6)
    alone = invert_permutation_test([5.0], [1.0])
    assert (alone.lower, alone.upper, alone.attained_level) == (-np.inf, np.inf, 1.0)


def test_large_groups_are_counted_in_pieces(monkeypatch):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=10), rng.normal(0.5, 1, size=11)
    pieces = permutation_test(x, y)
    assert pieces.n_splits == comb(21, 10)
    monkeypatch.setattr(permutation, "_splits", lambda n, m: [all_splits(n, m)])
    assert permutation_test(x, y) == pieces


def test_what_is_too_large_is_refused_and_not_drawn():
    with pytest.raises(DataError, match="no exact permutation test"):
        permutation_test(np.arange(34.0), np.arange(34.0))
    with pytest.raises(DataError, match="no exact permutation test"):
        invert_permutation_test(np.arange(34.0), np.arange(34.0))
    assert check_feasible(12, 12) == 2_704_156
    with pytest.raises(DataError, match="10400600 splits"):
        check_feasible(13, 13)


def test_drawn_splits_agree_with_the_exact_ones_and_repeat_with_their_seed():
    x, y = [62.1, 55.4, 31.9, 48.3, 66.0], [42.2, 58.9, 20.4, 35.1, 5.7]
    one, other = (
        sample_permutations(x, y, draws=20_000, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert one == other
    exact = permutation_test(x, y).p_two_sided
    assert one.lower <= exact <= one.upper
    assert one.upper - one.lower < 0.02
    assert sample_permutations([9.0], [1.0], draws=1, rng=np.random.default_rng(0)).p_two_sided == 1


@pytest.mark.parametrize("wrong", [[], [np.nan], [np.inf], [[1.0]]])
def test_hostile_values_are_refused(wrong):
    for function in (permutation_test, invert_permutation_test):
        with pytest.raises(DataError, match="expected"):
            function(wrong, [1.0])
        with pytest.raises(DataError, match="expected"):
            function([1.0], wrong)
    with pytest.raises(DataError, match="draws"):
        sample_permutations([1.0], [2.0], draws=0, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("n_splits", "text"),
    [
        (10**15 - 1, "999999999999999"),
        (10**15, "about 10^15"),
        pytest.param(2 * 10**5000, "about 10^5000", id="5001-digits"),
    ],
)
def test_a_number_too_long_to_read_is_a_power_of_ten(n_splits, text):
    assert permutation.describe_splits(n_splits) == text


def test_splits_beyond_what_python_writes_out_are_refused_in_words():
    # comb(20000, 10000) = 2^20000 / sqrt(10000 pi) by Stirling: 10^(6020.6 - 2.25).
    with pytest.raises(DataError, match=r"have about 10\^6018 splits, more than the 5000000"):
        permutation.permutation_test([0.0] * 10_000, [1.0] * 10_000)
