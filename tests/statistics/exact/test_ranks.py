"""EXTERNAL: scipy.stats.rankdata; enumeration."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.statistics.exact.ranks import double_midranks, sign_sum_law, subset_sum_law

scores = st.lists(st.integers(0, 9), min_size=1, max_size=7)


@settings(deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_twice_the_midranks(values):
    doubled = double_midranks(np.array(values, dtype=float))
    assert doubled.tolist() == (2 * stats.rankdata(values)).tolist()


def test_a_tolerance_ties_what_rounding_split():
    values = np.array([0.1 + 0.2, 0.3, 0.5])
    assert double_midranks(values).tolist() == [4, 2, 6]
    assert double_midranks(values, tolerance=1e-12).tolist() == [3, 3, 6]
    assert double_midranks(np.array([])).tolist() == []


@settings(deadline=None)
@given(scores, st.integers(0, 7))
def test_the_law_of_drawn_sums(scores, size):
    size = min(size, len(scores))
    law = subset_sum_law(tuple(scores), size)
    sums = [sum(chosen) for chosen in combinations(scores, size)]
    for total in range(len(law)):
        assert law[total] == pytest.approx(sums.count(total) / comb(len(scores), size), abs=1e-14)
    assert law.sum() == pytest.approx(1)


@settings(deadline=None)
@given(scores)
def test_the_law_of_signed_sums(scores):
    law = sign_sum_law(tuple(scores))
    sums = [np.dot(scores, on) for on in product((0, 1), repeat=len(scores))]
    for total in range(len(law)):
        assert law[total] == pytest.approx(sums.count(total) / 2 ** len(scores), abs=1e-14)
