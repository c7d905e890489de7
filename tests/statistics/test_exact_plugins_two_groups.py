"""Plug-ins that compare two groups exactly. EXTERNAL: R 4.2.2 poisson.test, fisher.test, coin."""

import math

import polars as pl
import pytest

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.fisher import ANALYSIS as FISHER
from sojourn.statistics.hodges_lehmann import ANALYSIS as SHIFT
from sojourn.statistics.mean_difference import ANALYSIS as MEANS
from sojourn.statistics.permutation_test import ANALYSIS as PERMUTATION
from sojourn.statistics.rate_ratio import ANALYSIS as RATIO

X, Y = [62.1, 55.4, 31.9, 48.3, 66.0], [42.2, 58.9, 20.4, 35.1, 5.7]
TIED_X, TIED_Y = [-18.0, -25.0, -9.0, -12.0, -30.0], [-6.0, -12.0, 2.0, -9.0, -15.0]
EVERY = [FISHER, SHIFT, PERMUTATION, RATIO]


def two(x, y):
    return pl.concat([outcomes("A", aval=x), outcomes("B", aval=y)])


def letters(a, b):
    return pl.concat([outcomes("A", avalc=list(a)), outcomes("B", avalc=list(b))])


def events(counts, last_days):
    groups = zip("AB", counts, last_days, strict=True)
    return pl.concat([outcomes(g, aval=[c], day=[d]) for g, c, d in groups])


def test_a_permutation_test_states_p_interval_and_attained_level():
    (made,) = PERMUTATION(two(X, Y), settings={"unit": "mm"})
    assert (made.group, made.operation, made.n) == ("A-B", "difference", 10)
    assert made.p_value == pytest.approx(28 / 252)
    estimate = made.estimate
    assert (estimate.value, estimate.unit) == (pytest.approx(20.28), "mm")
    assert (estimate.lower, estimate.upper) == pytest.approx((-6.9, 45.7))
    assert estimate.level == pytest.approx(240 / 252)
    assert estimate.notes == (
        "all 252 splits",
        "one-sided p: greater 0.0555556, less 0.952381",
        "attained level 95.2381%, asked for 95%",
    )


def test_the_p_value_is_that_of_the_mean_difference():
    (one,), (other,) = PERMUTATION(two(X, Y)), MEANS(two(X, Y))
    assert one.p_value == other.p_value
    assert one.estimate.value == pytest.approx(other.estimate.value)


def test_too_many_splits_are_announced_and_never_approximated():
    many = [float(v) for v in range(34)]
    (made,) = PERMUTATION(two(many, many))
    assert made.p_value is None
    assert (made.estimate.lower, made.estimate.upper) == (-float("inf"), float("inf"))
    assert "none was drawn" in made.estimate.notes[0]


def test_a_shift_states_the_level_that_r_does_not():
    (made,) = SHIFT(two(X, Y))
    estimate = made.estimate
    assert made.p_value == pytest.approx(0.150793650793651)
    assert estimate.value == pytest.approx(20.3)
    assert (estimate.lower, estimate.upper) == pytest.approx((-10.3, 49.7))
    assert estimate.level == pytest.approx(0.968253968253968)
    assert estimate.notes[0] == "W = 20"


@pytest.mark.parametrize(
    ("interval", "bounds", "level"),
    [
        pytest.param("inversion", (-24, 3), 246 / 252, id="every-shift-under-its-own-ties"),
        pytest.param("conditional", (-21, 0), 240 / 252, id="coin"),
    ],
)
def test_ties_are_said_and_the_interval_can_be_chosen(interval, bounds, level):
    (made,) = SHIFT(two(TIED_X, TIED_Y), settings={"interval": interval})
    assert made.p_value == pytest.approx(24 / 252)
    assert (made.estimate.lower, made.estimate.upper) == bounds
    assert made.estimate.level == pytest.approx(level)
    assert any(f"{interval} interval conditional" in note for note in made.estimate.notes)


def test_a_large_trial_has_a_shift_and_no_exact_p_value():
    (made,) = SHIFT(two([float(v) for v in range(100)], [float(v) for v in range(60)]))
    assert made.estimate.value == 20.0
    assert made.p_value is None
    assert "no exact test" in made.estimate.notes[0]


def test_more_pairs_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr("sojourn.statistics.hodges_lehmann.MOST_PAIRS", 6000)
    sixty = [float(v) for v in range(60)]
    (made,) = SHIFT(two([float(v) for v in range(100)], sixty))
    assert made.estimate.value == 20.0
    with pytest.raises(DataError, match="groups of 101 and 60 make 6060 pairs, more than the 6000"):
        SHIFT(two([float(v) for v in range(101)], sixty))


def test_two_hundred_thousand_subjects_are_refused_or_told_at_once():
    many = two([0.0] * 100_000, [1.0] * 99_999 + [2.0])
    with pytest.raises(DataError, match="make 10000000000 pairs, more than the 10000000"):
        SHIFT(many)
    (made,) = PERMUTATION(many)
    # comb(2 n, n) = 4^n / sqrt(n pi) by Stirling: 10^(60205.999 - 2.749)
    assert made.estimate.notes[0] == (
        "no exact test: about 10^60203 splits, more than 5000000; none was drawn"
    )


def test_one_subject_a_group_has_no_bound():
    for analysis in (PERMUTATION, SHIFT):
        (made,) = analysis(two([3.0], [1.0]))
        assert (made.estimate.value, made.estimate.level, made.p_value) == (2.0, 0.95, 1.0)
        assert made.estimate.upper == float("inf")
        assert "unbounded" in made.estimate.notes[-1]


def test_a_rate_ratio_as_r_gives_it():
    # poisson.test(c(11, 6), c(1420, 1610)); the last day at risk is one less than the days
    (made,) = RATIO(events((11.0, 6.0), (1419, 1609)))
    assert made.estimate.value == pytest.approx(2.07863849765258)
    bounds = (made.estimate.lower, made.estimate.upper)
    assert bounds == pytest.approx((0.704648266188, 6.84524643917831), abs=1e-9)
    assert made.p_value == pytest.approx(0.15263727636615)
    assert made.estimate.notes[0] == "A: 11 events in 1420 days"


def test_a_ratio_that_is_not_finite_is_a_p_value_with_its_reason():
    (made,) = RATIO(events((5.0, 0.0), (9, 9)))
    assert made.estimate is None
    assert made.p_value == pytest.approx(2 / 32)
    assert "the second has no event" in made.reason
    assert "to infinity" in made.reason
    (made,) = RATIO(events((0.0, 0.0), (9, 9)))
    assert (made.estimate, made.p_value) == (None, 1.0)
    assert "neither group has an event" in made.reason
    (made,) = RATIO(events((0.0, 5.0), (9, 9)))
    assert (made.estimate.value, made.estimate.lower) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("test", "p", "lower"),
    [("minlike", 52 / 252, 0.45474), ("central", 52 / 252, 0.45474), ("mid_p", 27 / 252, 0.64115)],
)
def test_an_odds_ratio_by_each_test(test, p, lower):
    (made,) = FISHER(letters("YYYYN", "YNNNN"), settings={"test": test})
    assert made.estimate.value == pytest.approx(10.9073, abs=5e-5)
    assert made.p_value == pytest.approx(p)
    assert made.estimate.lower == pytest.approx(lower, abs=5e-6)
    assert made.estimate.notes == ("A: 4 of 5", "B: 1 of 5")


def test_an_infinite_odds_ratio_is_a_p_value_with_its_interval_in_words():
    (made,) = FISHER(letters("YYYYY", "YNNNN"))
    assert (made.estimate, made.p_value) == (None, pytest.approx(12 / 252))
    assert "95% interval 1.025 to infinity" in made.reason
    (nothing,) = FISHER(letters("NNNNN", "NNNNN"))
    assert (nothing.estimate, nothing.p_value) == (None, 1.0)


@pytest.mark.parametrize("analysis", EVERY)
def test_groups_are_ordered_as_named_and_must_exist(analysis):
    rows = outcomes("A", aval=[1.0, 2.0, 4.0], avalc=list("YNY"), day=[3, 3, 3])
    rows = pl.concat([rows, rows.with_columns(USUBJID=pl.col("USUBJID") + "b", GROUP=pl.lit("B"))])
    (one,) = analysis(rows, settings={"groups": ["B", "A"]})
    assert one.group == "B-A"
    with pytest.raises(DataError, match="name two of them"):
        analysis(rows, settings={"groups": ["B", "C"]})


@pytest.mark.parametrize("analysis", EVERY)
def test_nobody_one_group_and_an_empty_group(analysis):
    assert analysis(empty()) == []
    rows = outcomes("A", aval=[1.0, 2.0], avalc=list("YN"), day=[3, 3])
    (alone,) = analysis(rows)
    assert alone.estimate is None
    assert "nobody to compare A with" in alone.reason
    gone = outcomes("B", aval=[None], avalc=[None])
    (made,) = analysis(pl.concat([rows, gone]))
    assert made.estimate is None
    assert made.reason == "a group is empty: A has 2, B 0 values"


@pytest.mark.parametrize("analysis", [SHIFT, PERMUTATION])
def test_groups_of_equal_values_have_a_p_value_and_no_bounds(analysis):
    (made,) = analysis(two([5.0] * 4, [1.0] * 5))
    assert (made.estimate.value, made.p_value) == (4, pytest.approx(1 / 126))
    assert (made.estimate.lower, made.estimate.upper) == (-math.inf, math.inf)
    assert "within each group all values are equal: their spread is not known" in (
        made.estimate.notes
    )
    (made,) = analysis(two([5.0, 5.0, 5.0, 5.0], [1.0, 1.0, 1.0, 1.0, 2.0]))
    assert math.isfinite(made.estimate.lower)
    assert math.isfinite(made.estimate.upper)
