"""Tables against scipy's exact interval, searches against roots known by hand."""

import math

import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.missing.rubin import Pooled
from sojourn.statistics.missing.tipping import assumed_successes, find_tipping_delta


def test_every_number_of_assumed_successes_has_its_exact_interval():
    table = assumed_successes(34, 60, 8)
    assert [row.assumed for row in table] == list(range(9))
    for row in table:
        expected = stats.binomtest(34 + row.assumed, 68).proportion_ci(method="exact")
        assert (row.lower, row.upper) == pytest.approx((expected.low, expected.high), abs=1e-10)
        assert (row.successes, row.n) == (34 + row.assumed, 68)
        assert row.proportion == (34 + row.assumed) / 68


def test_nobody_missing_is_one_row_and_nobody_at_all_none():
    assert len(assumed_successes(3, 5, 0)) == 1
    assert assumed_successes(0, 0, 0) == ()
    assert len(assumed_successes(0, 0, 2)) == 3


@pytest.mark.parametrize("counts", [(3, 2, 0), (-1, 2, 0), (1, 2, -1)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(DataError, match="cannot be"):
        assumed_successes(*counts)


def line(value, slope, error=1.0):
    """Return an effect that moves by `slope` for each unit of delta, normal with `error`."""
    return lambda delta: Pooled(value + slope * delta, error**2, error**2, 0.0, math.inf, 0.0)


@pytest.mark.parametrize(
    ("value", "slope", "direction"),
    [(-5.0, 0.5, 1), (5.0, 0.5, -1), (5.0, -0.5, 1)],
)
def test_significance_is_lost_before_the_sign(value, slope, direction):
    z = stats.norm.ppf(0.975)
    significance, sign = find_tipping_delta(line(value, slope), direction=direction, farthest=40)
    assert significance.delta == pytest.approx(direction * (5 - z) / 0.5, abs=1e-6)
    assert sign.delta == pytest.approx(direction * 10, abs=1e-6)


def test_a_conclusion_that_no_shift_loses():
    significance, sign = find_tipping_delta(line(-5.0, 0.5), direction=-1, farthest=40)
    assert (significance.delta, sign.delta) == (None, None)
    assert significance.searched == 40
    _, sign = find_tipping_delta(line(-5.0, 0.5), direction=1, farthest=9.9)
    assert sign.delta is None


def test_nothing_to_lose_is_lost_at_once():
    significance, sign = find_tipping_delta(line(-1.0, 0.5), direction=1, farthest=40)
    assert significance.delta == 0.0
    assert sign.delta == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize(("direction", "farthest"), [(0, 1.0), (1, 0.0), (1, math.inf)])
def test_a_search_without_bounds_is_refused(direction, farthest):
    with pytest.raises(DataError, match="farthest"):
        find_tipping_delta(line(1.0, 1.0), direction=direction, farthest=farthest)
