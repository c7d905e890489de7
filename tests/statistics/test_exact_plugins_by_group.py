"""Analyses of one group. EXTERNAL: R 4.2.2 binom.test, exactci; Fisher 1935; R wilcox.test."""

import math

import polars as pl
import pytest

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.binomial_test import ANALYSIS as BINOMIAL
from sojourn.statistics.poisson_rate import ANALYSIS as RATE
from sojourn.statistics.proportion import ANALYSIS as PROPORTION
from sojourn.statistics.sign_flip import ANALYSIS as FLIP
from sojourn.statistics.spearman import ANALYSIS as SPEARMAN

X10 = [62.1, 55.4, 71.9, 48.3, 66, 12.2, 8.9, 20.4, 15.1, 5.7]
Y10 = [-18.0, -25.0, -31.0, -10.0, -22.0, -6.0, -12.0, 2.0, -9.0, -3.0]
NINE_OF_TEN = list("YYYYYYYYYN")


@pytest.mark.parametrize(
    ("interval", "bounds"),
    [
        # R 4.2.2: prop.test, exactci, qbeta; 9 of 10
        ("clopper_pearson", (0.554983882971805, 0.997471421455538)),
        ("wilson", (0.595849973204762, 0.982123786904927)),
        ("wilson_corrected", (0.541153983843344, 0.994757698430322)),
        ("jeffreys", (0.618685228933384, 0.988988326236839)),
        ("blaker", (0.55555291394, 0.99488380311)),
        ("agresti_coull", (0.574032262605168, 1.00394149750452)),
        ("agresti_coull_clipped", (0.574032262605168, 1.0)),
        ("mid_p", (0.59652, 0.99502)),
    ],
)
def test_the_interval_of_a_proportion_can_be_chosen(interval, bounds):
    (made,) = PROPORTION(outcomes(avalc=NINE_OF_TEN), settings={"interval": interval})
    tolerance = 3e-5 if interval == "mid_p" else 1e-9  # where R's search stops
    assert (made.estimate.lower, made.estimate.upper) == pytest.approx(bounds, abs=tolerance)
    assert made.estimate.value == 0.9


def test_the_default_of_a_proportion_and_of_a_rate_is_the_exact_interval():
    (made,) = PROPORTION(outcomes(avalc=NINE_OF_TEN))
    assert made.estimate.method == "exact binomial (Clopper-Pearson)"
    (rate,) = RATE(outcomes(aval=[3.0], day=[2039]))
    assert rate.estimate.method == "exact Poisson (Garwood)"
    (mid,) = RATE(outcomes(aval=[3.0], day=[2039]), settings={"interval": "mid_p"})
    # exactci: 0.37406 to 4.0022 for each 1000 days
    assert mid.estimate.lower == pytest.approx(0.37406, abs=5e-5)
    assert mid.estimate.upper == pytest.approx(4.0022, abs=5e-5)


def test_an_interval_that_leaves_out_the_proportion_is_extended_and_says_so():
    rows = outcomes(avalc=["Y", *"N" * 67])
    (made,) = PROPORTION(rows, settings={"interval": "jeffreys", "level": 0.01})
    assert made.estimate.lower == made.estimate.value
    assert "is extended to the estimate itself" in made.estimate.notes[1]


@pytest.mark.parametrize(
    ("settings", "p", "bounds"),
    [
        pytest.param({}, 22 / 1024, (0.554983882971805, 0.997471421455538), id="minlike"),
        pytest.param({"test": "central"}, 22 / 1024, (0.554984, 0.997471), id="central"),
        pytest.param({"test": "mid_p"}, 12 / 1024, (0.59652, 0.99500), id="mid-p"),
        pytest.param({"test": "blaker"}, 22 / 1024, (0.555553, 0.994884), id="blaker"),
        pytest.param({"alternative": "greater"}, 11 / 1024, (0.605836697563495, 1), id="greater"),
        pytest.param({"alternative": "less"}, 1023 / 1024, (0, 1 - 0.05 / 10), id="less"),
        pytest.param(
            {"alternative": "greater", "test": "mid_p"}, 6 / 1024, (0.65048, 1), id="mid-p-greater"
        ),
    ],
)
def test_9_of_10_against_one_half(settings, p, bounds):
    (made,) = BINOMIAL(outcomes(avalc=NINE_OF_TEN), settings={"p0": 0.5, **settings})
    assert made.p_value == pytest.approx(p)
    tolerance = 3e-4 if settings.get("alternative") else 1e-5
    assert (made.estimate.lower, made.estimate.upper) == pytest.approx(bounds, abs=tolerance)
    assert made.estimate.value == 0.9


def test_a_binomial_test_needs_its_null_and_blaker_two_sides():
    with pytest.raises(DataError, match="p0"):
        BINOMIAL(outcomes(avalc=["Y"]))
    with pytest.raises(DataError, match="Blaker's test is two-sided"):
        BINOMIAL(
            outcomes(avalc=["Y"]), settings={"p0": 0.5, "test": "blaker", "alternative": "less"}
        )
    assert BINOMIAL(empty(), settings={"p0": 0.5}) == []
    (made,) = BINOMIAL(outcomes(avalc=[None]), settings={"p0": 0.5})
    assert (made.estimate, made.n, made.p_value) == (None, 0, None)
    # at level 0.4 a one-sided bound by a two-sided interval does not exist: it is the end
    settings = {"p0": 0.5, "alternative": "greater", "level": 0.4}
    (made,) = BINOMIAL(outcomes(avalc=["Y", "N"]), settings=settings)
    assert (made.estimate.lower, made.estimate.upper) == (0.0, 1.0)


def test_fishers_sign_flip_of_darwins_plants():
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    (made,) = FLIP(outcomes(aval=[v / 8 for v in darwin]), settings={"unit": "in"})
    assert made.p_value == pytest.approx(1726 / 32768)
    assert made.estimate.value == pytest.approx(314 / 120)
    assert made.estimate.lower < 0 < made.estimate.upper  # p is above 0.05
    assert made.estimate.level == pytest.approx(1 - 2 * 819 / 32768)
    assert made.estimate.notes[0] == "all 32768 patterns of signs"


def test_the_change_from_baseline_can_be_what_is_tested():
    rows = outcomes(aval=[3.0, 5.0, 4.0, 9.0]).with_columns(
        BASE=pl.Series([1.0, 1.0, None, 3.0], dtype=pl.Float64)
    )
    (made,) = FLIP(rows, settings={"from_base": True})
    assert (made.estimate.value, made.n) == (4.0, 3)
    assert made.p_value == 2 / 8
    assert made.estimate.notes[-1] == "1 of 4 not evaluable, left out"
    assert made.label == "mean change from baseline"


def test_a_large_group_has_no_exact_sign_flip_and_says_so():
    (made,) = FLIP(outcomes(aval=[float(v) for v in range(68)]))
    assert made.p_value is None
    assert "no exact test: 2^68 patterns" in made.estimate.notes[0]
    (one,) = FLIP(outcomes(aval=[2.0]))
    assert (one.estimate.lower, one.p_value) == (-float("inf"), 1.0)


def correlated(x, y, group="ALL"):
    return outcomes(group, aval=y).with_columns(AGE=pl.Series(x, dtype=pl.Float64))


def test_spearman_of_ten_subjects_is_exact():
    (made,) = SPEARMAN(correlated(X10, Y10), settings={"covariates": ["AGE"]})
    assert (made.operation, made.n) == ("rho_with_AGE", 10)
    assert made.p_value == pytest.approx(0.0149294532627866)  # R by counting; cor.test: 0.0159
    assert made.estimate.value == pytest.approx(-0.757575757575757)
    bounds = (made.estimate.lower, made.estimate.upper)
    assert bounds == pytest.approx((-0.949913295297359, -0.148991786240719))
    for interval, lower in (("fieller", -0.94173837899721), ("fisher_z", -0.93920907619469)):
        settings = {"covariates": ["AGE"], "interval": interval}
        (made,) = SPEARMAN(correlated(X10, Y10), settings=settings)
        assert made.estimate.lower == pytest.approx(lower)


def test_spearman_by_covariate_and_group_leaves_out_incomplete_pairs():
    rows = pl.concat(
        [
            correlated([1.0, 2.0, None, 4.0], [4.0, 3.0, 2.0, 1.0]),
            correlated([1.0, 1.0, 1.0], [4.0, 3.0, 2.0], group="B"),
        ]
    ).with_columns(DOSE=pl.col("AGE") * -1)
    made = SPEARMAN(rows, settings={"covariates": ["AGE", "DOSE"]})
    names = [(m.group, m.operation) for m in made]
    assert names == [(g, f"rho_with_{c}") for c in ("AGE", "DOSE") for g in ("ALL", "B")]
    age, constant, dose, _ = made
    assert (age.estimate.value, age.n, dose.estimate.value) == (-1.0, 3, 1.0)
    assert age.estimate.notes[-1] == "1 of 4 not evaluable, left out"
    assert (age.estimate.lower, age.estimate.upper) == (-1.0, 1.0)
    assert constant.reason == "no correlation: one side does not vary"


def test_spearman_of_many_subjects_has_no_p_value_and_says_so():
    x = [float((7 * k) % 31) for k in range(30)]
    (made,) = SPEARMAN(correlated(x, sorted(x)), settings={"covariates": ["AGE"]})
    assert made.p_value is None
    assert made.estimate.notes[0].startswith("no exact p-value: 30 subjects")


def test_a_covariate_must_be_a_column_of_numbers():
    with pytest.raises(DataError, match="covariate 'BMI' is no column of numbers"):
        SPEARMAN(correlated(X10, Y10), settings={"covariates": ["BMI"]})
    with pytest.raises(DataError, match="covariate 'REASON' is no column of numbers"):
        SPEARMAN(correlated(X10, Y10), settings={"covariates": ["REASON"]})
    with pytest.raises(DataError, match="covariates"):
        SPEARMAN(correlated(X10, Y10))


@pytest.mark.parametrize(("values", "is_bounded"), [([3.0] * 7, False), ([3.0] * 6 + [4.0], True)])
def test_signs_of_equal_changes_have_a_p_value_and_no_bounds(values, is_bounded):
    (made,) = FLIP(outcomes(aval=values))
    assert made.p_value == 2 / 2**7
    estimate = made.estimate
    assert [math.isfinite(each) for each in (estimate.lower, estimate.upper)] == [is_bounded] * 2
    told = "all values are equal: their spread is not known" in estimate.notes
    assert told != is_bounded
    assert estimate.lower < estimate.value < estimate.upper
