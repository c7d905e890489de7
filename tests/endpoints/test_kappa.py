"""Weighted kappa. Oracles: closed forms of a 2 x 2 table, a table worked by hand (OURS), and the
identity with the intraclass correlation (Fleiss and Cohen 1973)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.endpoints._kappa import (
    agreement_table,
    linear_weights,
    quadratic_weights,
    weighted_kappa,
)

GRADES = [0, 1, 2, 3, 4]
READINGS = [(2, 2), (2, 3), (3, 3), (1, 2), (2, 2), (3, 3), (4, 3), (2, 2), (0, 0), (3, 1)]


def table(pairs, grades=GRADES):
    return agreement_table([a for a, _ in pairs], [b for _, b in pairs], grades=grades)


def test_two_grades_are_cohen_s_kappa():
    # a 20, b 5, c 10, d 15: observed 0.7, expected (25 x 30 + 25 x 20) / 2500 = 0.5.
    counts = np.array([[20.0, 5.0], [10.0, 15.0]])
    for weights in (linear_weights(2), quadratic_weights(2)):
        assert weighted_kappa(counts, weights) == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_a_table_worked_by_hand():
    # Readers' totals: 0:1,1 1:1,1 2:4,4 3:3,4 4:1,0. Distances observed: 1 + 1 + 1 + 2 = 5,
    # squared 7. By chance, sum of n_i. n_.j |i - j| / 10:
    linear = (
        1 * (1 * 1 + 4 * 2 + 4 * 3)
        + 1 * (1 * 1 + 4 * 1 + 4 * 2)
        + 4 * (1 * 2 + 1 * 1 + 4 * 1)
        + 3 * (1 * 3 + 1 * 2 + 4 * 1)
        + 1 * (1 * 4 + 1 * 3 + 4 * 2 + 4 * 1)
    ) / 10
    squared = (
        1 * (1 * 1 + 4 * 4 + 4 * 9)
        + 1 * (1 * 1 + 4 * 1 + 4 * 4)
        + 4 * (1 * 4 + 1 * 1 + 4 * 1)
        + 3 * (1 * 9 + 1 * 4 + 4 * 1)
        + 1 * (1 * 16 + 1 * 9 + 4 * 4 + 4 * 1)
    ) / 10
    assert weighted_kappa(table(READINGS), linear_weights(5)) == pytest.approx(1 - 5 / linear)
    assert weighted_kappa(table(READINGS), quadratic_weights(5)) == pytest.approx(1 - 7 / squared)


pairs = st.lists(st.tuples(st.sampled_from(GRADES), st.sampled_from(GRADES)), min_size=2)


@given(pairs)
def test_squared_distances_give_the_intraclass_correlation(read):
    first, second = np.array(read, dtype=float).T
    # 2 cov / (var + var + squared difference of means), all over n: Fleiss and Cohen 1973.
    spread = first.var() + second.var() + (first.mean() - second.mean()) ** 2
    got = weighted_kappa(table(read), quadratic_weights(5))
    if spread < 1e-12:
        assert got is None
    else:
        covariance = ((first - first.mean()) * (second - second.mean())).mean()
        assert got == pytest.approx(2 * covariance / spread, abs=1e-9)


@given(pairs)
def test_the_readers_may_change_places_and_perfect_is_1(read):
    for weights in (linear_weights(5), quadratic_weights(5)):
        got = weighted_kappa(table(read), weights)
        turned = weighted_kappa(table(read).T, weights)
        assert got == (None if turned is None else pytest.approx(turned, abs=1e-9))
        same = weighted_kappa(table([(a, a) for a, _ in read]), weights)
        assert same in (None, 1.0)


def test_without_films_or_with_one_grade_there_is_no_kappa():
    assert weighted_kappa(np.zeros((5, 5)), linear_weights(5)) is None
    assert weighted_kappa(table([(2, 2)] * 7), linear_weights(5)) is None


def test_what_is_no_pair_of_grades_is_refused():
    with pytest.raises(DataError, match="2 first and 1 second"):
        agreement_table([1, 2], [1], grades=GRADES)
    with pytest.raises(DataError, match=r"found the grades \[5\]"):
        agreement_table([1, 5], [1, 1], grades=GRADES)
    for shape in ((4, 4), (5, 4)):
        with pytest.raises(DataError, match="must be one square"):
            weighted_kappa(np.zeros(shape), linear_weights(5))
