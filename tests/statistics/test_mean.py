import math

import pytest

from outcome_rows import empty, outcomes
from sojourn.statistics.mean import ANALYSIS, estimate_mean


def test_mean_and_t_interval_of_the_golden_file(shared):
    from blood_counts import golden

    for case in golden(shared, "ss_two_sample")["one_sample"]:
        (made,) = ANALYSIS(outcomes(aval=case["d"]), settings={"unit": "points"})
        interval = (made.estimate.lower, made.estimate.upper)
        assert interval == pytest.approx(case["t"]["ci"], abs=1e-8)  # SOURCES.md: intervals
        assert made.estimate.unit == "points"


def test_worked_example_by_hand():
    # mean 5, variance 2.5 of 3 4 5 6 7; t(0.975, 4) = 2.776445 (printed tables)
    (made,) = ANALYSIS(outcomes(aval=[3.0, 4.0, 5.0, 6.0, 7.0]))
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert made.estimate.value == 5
    assert (made.estimate.lower, made.estimate.upper) == pytest.approx(
        (5 - half, 5 + half), abs=1e-6
    )
    assert made.estimate.components["standard error"] == pytest.approx(math.sqrt(0.5))
    assert made.estimate.notes == ("standard deviation 1.581",)


def test_the_spread_of_shares_is_told_in_percentage_points():
    assert estimate_mean([0.7, 0.8, 0.9], unit="share").notes == (
        "standard deviation 10 percentage points",
    )
    assert estimate_mean([3.0, 5.0], unit="mm").notes == ("standard deviation 1.414 mm",)


def test_one_value_has_no_bounds():
    (made,) = ANALYSIS(outcomes(aval=[3.0]))
    assert (made.estimate.value, made.estimate.lower, made.estimate.upper) == (
        3.0,
        -math.inf,
        math.inf,
    )
    assert made.estimate.notes == ("one value: its spread is not known",)


@pytest.mark.parametrize("value", [2.0, 0.0, -0.1, 1e99])
def test_equal_values_have_no_bounds(value):
    # t.test of R stops: "data are essentially constant"
    (made,) = ANALYSIS(outcomes(aval=[value] * 3))
    estimate = made.estimate
    assert estimate.value == pytest.approx(value)
    assert (estimate.lower, estimate.upper) == (-math.inf, math.inf)
    assert estimate.notes == ("all values are equal: their spread is not known",)
    assert estimate.components == {}


@pytest.mark.parametrize(("off", "is_bounded"), [(4e-15, False), (5e-15, True)])
def test_a_standard_error_of_ten_rounding_errors_is_none(off, is_bounded):
    # R: stderr < 10 * 2.22e-16 * |mean|; that of 1 and 1 + d is d / 2
    estimate = estimate_mean([1.0, 1.0 + off])
    assert math.isfinite(estimate.lower) == math.isfinite(estimate.upper) == is_bounded


def test_missing_values_are_counted_and_nobody_gives_a_reason():
    (made,) = ANALYSIS(outcomes(aval=[1.0, None, 3.0]))
    assert (made.n, made.estimate.value) == (2, 2.0)
    assert made.estimate.notes[-1] == "1 of 3 not evaluable, left out"
    (made,) = ANALYSIS(outcomes(aval=[None]))
    assert (made.estimate, made.reason) == (None, "nobody could be evaluated (1 left out)")
    assert ANALYSIS(empty()) == []


def test_a_higher_level_is_wider():
    rows = outcomes(aval=[1.0, 2.0, 4.0])
    (narrow,), (wide,) = ANALYSIS(rows, settings={"level": 0.9}), ANALYSIS(rows)
    assert wide.estimate.lower < narrow.estimate.lower < narrow.estimate.upper
    assert narrow.estimate.upper < wide.estimate.upper
