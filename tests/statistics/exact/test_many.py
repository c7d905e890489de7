"""Each kernel for many trials equals its single function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_intervals import clopper_pearson
from sojourn.statistics.exact.many import (
    clopper_pearson_table,
    permutation_p_values,
    split_weights,
)
from sojourn.statistics.exact.permutation import permutation_test


@settings(deadline=None)
@given(
    st.sampled_from([(5, 5), (6, 4), (1, 3), (2, 2), (1, 1)]),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3),
)
def test_p_values_equal_those_of_single_trials(sizes, trials, seed, decimals):
    rng = np.random.default_rng(seed)
    x, y = (np.round(rng.normal(0, 2, size=(trials, n)), decimals) for n in sizes)
    many = permutation_p_values(x, y)
    single = [permutation_test(a, b).p_two_sided for a, b in zip(x, y, strict=True)]
    assert many.tolist() == pytest.approx(single, abs=1e-15)


def test_blocks_do_not_change_the_numbers():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5000, 5)), rng.normal(size=(5000, 5))
    whole = permutation_p_values(x, y)
    parts = [permutation_p_values(x[i : i + 7], y[i : i + 7]) for i in range(0, 5000, 7)]
    assert whole.tolist() == np.concatenate(parts).tolist()
    # 12 of 252 splits are at most 5 %: the exact level is 0.0476, four standard errors 0.012
    assert np.mean(whole <= 0.05) == pytest.approx(12 / 252, abs=0.012)


def test_half_of_the_splits_do_for_groups_of_one_size():
    assert split_weights(5, 5).shape == (10, 126)
    assert split_weights(6, 4).shape == (10, 210)
    assert split_weights(6, 4)[:, 0].tolist() == [1 / 6] * 6 + [-1 / 4] * 4


@settings(deadline=None)
@given(st.integers(1, 150), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_table_equals_the_single_interval(n, level):
    table = clopper_pearson_table(n, level=level)
    for x in range(n + 1):
        assert tuple(table[x]) == clopper_pearson(x, n, level=level)


def test_no_trial_gives_no_p_value():
    assert permutation_p_values(np.empty((0, 5)), np.empty((0, 5))).shape == (0,)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros(5), np.zeros(5)),
        (np.zeros((2, 5)), np.zeros((3, 5))),
        (np.zeros((2, 0)), np.zeros((2, 5))),
        (np.full((2, 5), np.nan), np.zeros((2, 5))),
        (np.zeros((1, 34)), np.zeros((1, 34))),
    ],
)
def test_hostile_input_is_refused(x, y):
    with pytest.raises(DataError):
        permutation_p_values(x, y)


def test_a_table_of_no_trial_is_refused():
    with pytest.raises(DataError, match="n >= 1"):
        clopper_pearson_table(0)
    with pytest.raises(DataError, match="one subject or more"):
        split_weights(0, 5)
