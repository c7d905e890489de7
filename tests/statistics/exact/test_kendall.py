"""EXTERNAL: R 4.2.2 `cor.test` (help page); published critical values of S; scipy.stats exact."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.kendall import LARGEST, kendall_normal_p, kendall_test

# Hollander and Wolfe's tuna, R help page of cor.test: T = 26, tau 0.4444, p 0.1194
HUNTER = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1]
PANEL = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8]
CRITICAL = {5: 10, 6: 13, 7: 15, 8: 18, 9: 20, 10: 23}


def test_hollander_and_wolfe_tuna():
    found = kendall_test(HUNTER, PANEL)
    assert found.tau == pytest.approx(0.444444444444445, abs=1e-12)
    assert found.p_two_sided == pytest.approx(0.119438932981, abs=1e-11)


@pytest.mark.parametrize(("n", "critical"), CRITICAL.items())
def test_the_published_critical_values_of_s(n, critical):
    """S = concordant minus discordant; two-sided 0.05. Orders with a given S by moving one down."""
    p_values = {}
    for score in range(n * (n - 1) // 2, -1, -2):
        order, swaps = list(range(n)), (n * (n - 1) // 2 - score) // 2
        for place in range(n - 1, 0, -1):
            moved = min(swaps, place)
            order.insert(place - moved, order.pop(place))
            swaps -= moved
        p_values[score] = kendall_test(range(n), order).p_two_sided
    assert min(score for score, p in p_values.items() if p <= 0.05) == critical


@settings(deadline=None)
@given(st.permutations(range(7)))
def test_without_ties_as_scipy_exact(order):
    found = kendall_test(range(7), order)
    expected = stats.kendalltau(range(7), order, method="exact")
    assert found.p_two_sided == pytest.approx(expected.pvalue, abs=1e-12)


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=5)


@settings(deadline=None, max_examples=25)
@given(pairs.filter(lambda p: all(len({q[i] for q in p}) > 1 for i in (0, 1))))
def test_with_ties_every_order_is_counted(pairs):
    x, y = ([p[i] for p in pairs] for i in (0, 1))
    taus = np.array([stats.kendalltau(x, order).statistic for order in permutations(y)])
    found = kendall_test(x, y)
    assert found.tau == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert found.p_greater == pytest.approx(np.mean(taus >= found.tau - 1e-9))
    assert found.p_less == pytest.approx(np.mean(taus <= found.tau + 1e-9))
    expected = stats.kendalltau(x, y, method="asymptotic").pvalue
    assert kendall_normal_p(x, y) == pytest.approx(expected, abs=1e-9)


def test_what_is_too_large_is_refused_and_not_approximated():
    tied = [*range(9), 8]
    with pytest.raises(DataError, match="9 or fewer"):
        kendall_test(tied, range(10))
    with pytest.raises(DataError, match=f"{LARGEST} or fewer"):
        kendall_test(range(LARGEST + 1), range(LARGEST + 1))
    assert kendall_test(range(LARGEST), range(LARGEST)).tau == 1.0


def test_hostile_pairs_are_refused():
    with pytest.raises(DataError, match="no correlation is defined"):
        kendall_test([1, 1, 1], [1, 2, 3])
    with pytest.raises(DataError, match="expected pairs"):
        kendall_normal_p([1, 2, 3], [1, 2, 3, 4])
