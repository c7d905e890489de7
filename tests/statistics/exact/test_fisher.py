"""EXTERNAL: Fisher's tea tasting (The design of experiments, 1935); scipy.stats; closed forms."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.fisher import ConditionalTable, fisher

cells = st.integers(0, 12)
tables = st.tuples(st.tuples(cells, cells), st.tuples(cells, cells))


def test_the_lady_tasting_tea():
    # all four right: 1 of 70; three right: 17 of 70 one-sided, 34 of 70 two-sided
    assert fisher([[4, 0], [0, 4]]).p_greater == pytest.approx(1 / 70)
    found = fisher([[3, 1], [1, 3]])
    assert found.p_greater == pytest.approx(17 / 70)
    assert found.p_minlike == pytest.approx(34 / 70)
    # R: fisher.test gives the conditional odds ratio 6.408309
    assert found.odds_ratio == pytest.approx(6.408309, abs=5e-5)


@settings(deadline=None, max_examples=50)
@given(tables)
def test_p_values_as_scipy(table):
    found = fisher(table)
    for p, side in (
        (found.p_minlike, "two-sided"),
        (found.p_greater, "greater"),
        (found.p_less, "less"),
    ):
        assert p == pytest.approx(stats.fisher_exact(table, alternative=side).pvalue, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(tables)
def test_odds_ratio_and_interval_as_scipy(table):
    margins = [sum(table[0]), sum(table[1]), table[0][0] + table[1][0], table[0][1] + table[1][1]]
    found = fisher(table)
    if not all(margins):
        assert math.isnan(found.odds_ratio)
        assert (found.lower, found.upper, found.p_minlike) == (0.0, math.inf, 1.0)
        return
    expected = stats.contingency.odds_ratio(table)
    interval = expected.confidence_interval()
    assert found.odds_ratio == pytest.approx(expected.statistic, rel=1e-4)
    # scipy stops at a fixed tolerance; ours meets the tails to the last bits, see below
    assert found.lower == pytest.approx(interval.low, rel=1e-3, abs=1e-6)
    assert found.upper == pytest.approx(interval.high, rel=1e-3)


@settings(deadline=None, max_examples=50)
@given(tables)
def test_each_tail_at_a_bound_is_half_of_what_the_level_leaves(table):
    found, law = fisher(table), ConditionalTable(table)
    if found.lower > 0:
        _, equal, more = law.tails(math.log(found.lower))
        assert equal + more == pytest.approx(0.025, abs=1e-10)
    if found.upper < math.inf:
        less, equal, _ = law.tails(math.log(found.upper))
        assert less + equal == pytest.approx(0.025, abs=1e-10)
    if found.mid_p_interval[0] > 0:
        _, equal, more = law.tails(math.log(found.mid_p_interval[0]))
        assert equal / 2 + more == pytest.approx(0.025, abs=1e-10)
    assert found.lower <= found.mid_p_interval[0] <= found.mid_p_interval[1] <= found.upper


@settings(deadline=None, max_examples=50)
@given(tables)
def test_swapping_rows_inverts_the_ratio_and_keeps_the_p_values(table):
    one, other = fisher(table), fisher(table[::-1])
    for name in ("p_minlike", "p_central", "p_mid"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)
    if 0 < one.odds_ratio < math.inf:
        assert other.odds_ratio == pytest.approx(1 / one.odds_ratio, rel=1e-8)


def test_a_zero_cell_gives_an_infinite_ratio_with_a_finite_lower_bound():
    # 5 of 5 against 0 of 5: P = psi^5... at the lower bound psi: 1/252 of the weight is 0.025
    found = fisher([[5, 0], [0, 5]])
    assert (found.odds_ratio, found.upper) == (math.inf, math.inf)
    law = ConditionalTable([[5, 0], [0, 5]])
    assert law.probabilities(math.log(found.lower))[-1] == pytest.approx(0.025, abs=1e-12)
    assert fisher([[0, 5], [5, 0]]).odds_ratio == 0.0


def test_central_and_mid_p_by_hand():
    # 4 1 / 1 4: P(X >= 4) = 26/252; mid-p: 1/252 + 25/504
    found = fisher([[4, 1], [1, 4]])
    assert found.p_central == pytest.approx(52 / 252)
    assert found.p_mid == pytest.approx(2 * (1 + 12.5) / 252)


@pytest.mark.parametrize(
    "table",
    [[[1, 2]], [[1, 2], [3]], [[-1, 2], [3, 4]], [[1.5, 2], [3, 4]], [[math.nan, 2], [3, 4]]],
)
def test_what_is_no_table_of_counts_is_refused(table):
    with pytest.raises(DataError, match=r"two rows of two counts|whole number"):
        fisher(table)
