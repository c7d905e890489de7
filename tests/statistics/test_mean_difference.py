import math

import polars as pl
import pytest
from scipy import stats

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.mean_difference import ANALYSIS, permutation_p_value, welch_interval

SEPARATE = ([62.1, 55.4, 71.9, 48.3, 66.0], [12.2, 8.9, 20.4, 15.1, 5.7])
OVERLAP = ([62.1, 55.4, 31.9, 48.3, 66.0], [42.2, 58.9, 20.4, 35.1, 5.7])
TIES = ([-18.0, -25, -9, -12, -30], [-6.0, -12, 2, -9, -15])
SIX_FOUR = ([3.1, 4.7, 2.2, 6.5, 5.9, 4.1], [1.2, 2.9, 0.4, 3.6])
CASES = pytest.mark.parametrize("case", [SEPARATE, OVERLAP, TIES, SIX_FOUR])


def compare(x, y, **settings):
    rows = pl.concat([outcomes("A", aval=x), outcomes("B", aval=y)])
    (made,) = ANALYSIS(rows, settings=settings)
    return made


@CASES
def test_welch_interval_is_that_of_another_program(case):
    x, y = case
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    lower, upper, _ = welch_interval(x, y)
    assert (lower, upper) == pytest.approx((expected.low, expected.high), abs=1e-8)


@CASES
def test_permutation_p_value_is_that_of_another_program(case):
    x, y = case
    expected = stats.permutation_test(
        (x, y),
        lambda a, b, axis: abs(a.mean(axis=axis) - b.mean(axis=axis)),
        alternative="greater",
        vectorized=True,
        n_resamples=math.inf,
    ).pvalue
    assert permutation_p_value(x, y, max_splits=1000)[0] == pytest.approx(expected, abs=1e-12)


def test_complete_separation_of_five_and_five_is_two_of_252():
    made = compare(*SEPARATE)
    assert made.p_value == 2 / 252
    assert made.estimate.value == pytest.approx(60.74 - 12.46)
    assert (made.group, made.n, made.operation) == ("A-B", 10, "difference")
    assert "exact permutation test over all 252 splits" in made.estimate.notes


@pytest.mark.parametrize(("most", "is_computed"), [(252, True), (251, False)])
def test_the_permutation_test_is_exact_or_absent(most, is_computed):
    made = compare(*SEPARATE, max_splits=most)
    assert (made.p_value is not None) == is_computed
    if not is_computed:
        assert "no permutation test: 252 splits, more than 251" in made.estimate.notes


def test_ties_with_the_observed_difference_count_despite_rounding():
    # each of the 3 splits of {0.1, 0.2, 0.3} with 0.3 or 0.1 alone is as extreme: 2 of 3
    assert permutation_p_value([0.3], [0.1, 0.2], max_splits=9)[0] == pytest.approx(2 / 3)
    assert permutation_p_value([1.0, 1.0], [1.0], max_splits=9)[0] == 1.0


def test_which_minus_which_is_a_setting():
    made = compare(*SEPARATE, groups=["B", "A"])
    assert made.group == "B-A"
    assert made.estimate.value == pytest.approx(12.46 - 60.74)
    with pytest.raises(DataError, match="found A, B"):
        compare(*SEPARATE, groups=["A", "C"])


def test_one_group_alone_has_no_difference_and_stops_no_report():
    (made,) = ANALYSIS(outcomes("A", aval=[1.0, 2.0]))
    assert (made.estimate, made.n) == (None, 2)
    assert made.reason == "one group only: nobody to compare A with"


def test_three_groups_without_a_choice_are_refused():
    rows = pl.concat([outcomes(g, aval=[1.0, 2.0]) for g in "ABC"])
    with pytest.raises(DataError, match="found A, B, C"):
        ANALYSIS(rows)


def test_one_value_in_a_group_gives_no_bounds():
    made = compare([5.0], [1.0, 2.0])
    assert (made.estimate.lower, made.estimate.upper) == (-math.inf, math.inf)
    assert made.p_value == pytest.approx(1 / 3)
    assert made.estimate.notes[0] == "a group has one value: no spread known"


@pytest.mark.parametrize("low", [1.0, 5.0, 0.1])
def test_no_spread_within_groups_gives_no_bounds(low):
    # t.test of R stops: "data are essentially constant"
    made = compare([5.0, 5.0], [low, low])
    estimate = made.estimate
    assert (estimate.value, estimate.lower, estimate.upper) == (5 - low, -math.inf, math.inf)
    assert estimate.notes[0] == "within each group all values are equal: their spread is not known"
    assert estimate.components == {}
    assert made.p_value == pytest.approx(1 if low == 5 else 1 / 3)


def test_spread_in_one_group_is_enough_for_bounds():
    # the variance is that of 1, 3: 2 / 2, with 1 degree of freedom; t(0.975, 1) = 12.7062
    lower, upper, error = welch_interval([5.0, 5.0], [1.0, 3.0])
    assert (lower, upper) == pytest.approx((3 - 12.7062, 3 + 12.7062), abs=1e-4)
    assert error == pytest.approx(1)


def test_missing_values_and_empty_groups_are_stated():
    made = compare([1.0, None, 2.0], [3.0, 4.0])
    assert made.n == 4
    assert "A: 1 of 3 not evaluable, left out" in made.estimate.notes
    made = compare([None], [3.0, 4.0])
    assert made.estimate is None
    assert made.reason == "a group is empty: A has 0, B 2 values"
    assert ANALYSIS(empty()) == []


def test_splits_of_thousands_of_digits_are_counted_in_powers_of_ten():
    p_value, note = permutation_p_value([0.0] * 10_000, [1.0] * 10_000, max_splits=9)
    assert p_value is None
    assert "about 1e6018 splits" in note
