"""EXTERNAL: R 4.2.2, summary(lm(I(y - b) ~ g + b)), literals below; numpy's lstsq beside."""

import math

import numpy as np
import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.ancova import ANALYSIS
from sojourn.statistics.mixed.least_squares import fit_least_squares
from visit_outcomes import of_change, visit_outcomes

CHANGE = of_change(ANALYSIS)

BASE = {"A": [52.0, 61, 48, 70, 55], "B": [58.0, 49, 66, 60, 51]}
WEEK6 = {"A": [30.0, 45, 28, 50, 41], "B": [49.0, 40, 60, 47, 48]}


def rows(a=WEEK6["A"], b=WEEK6["B"], **extra):
    tables = {"A": a, "B": b}
    return pl.concat(
        visit_outcomes(g, [[v] for v in t], base=BASE[g][: len(t)], visits=["WEEK6"], **extra)
        for g, t in tables.items()
        if t
    )


def test_change_adjusted_for_the_baseline_is_that_of_r():
    a, b, difference = CHANGE(rows(), settings={"groups": ["B", "A"]})
    assert a.estimate.value == pytest.approx(-18.396869851729818, abs=1e-10)
    assert b.estimate.value == pytest.approx(-8.003130148270182, abs=1e-10)
    assert a.estimate.components["standard error"] == pytest.approx(1.682870524251009, abs=1e-10)
    made = difference.estimate
    assert (difference.group, difference.n) == ("B-A", 10)
    assert made.value == pytest.approx(10.3937397034596390, abs=1e-10)
    assert made.components["standard error"] == pytest.approx(2.380428169549905, abs=1e-10)
    assert (made.lower, made.upper) == pytest.approx(
        (4.764921524567312, 16.022557882351965), abs=1e-9
    )
    assert difference.p_value == pytest.approx(0.00328871516622349, abs=1e-12)
    assert made.notes[0] == "7 degrees of freedom"


def test_value_or_change_give_one_difference_but_only_with_the_baseline():
    def difference(**settings):
        return CHANGE(rows(), settings=settings)[-1].estimate.value

    assert difference(response="value") == pytest.approx(difference(), abs=1e-10)
    means = {g: np.mean(np.subtract(WEEK6[g], BASE[g])) for g in "AB"}
    raw = difference(adjust_for_base=False)
    assert raw == pytest.approx(means["A"] - means["B"], abs=1e-10)
    assert raw != pytest.approx(difference(), abs=1e-3)


def test_covariates_are_columns_that_the_settings_name():
    ages = [61.0, 70, 55, 66, 58]
    made = CHANGE(rows(AGE=ages), settings={"covariates": ["AGE"], "response": "value"})[-1]
    y = np.array(WEEK6["A"] + WEEK6["B"])
    x = np.column_stack([np.repeat([1.0, 0], 5), np.ones(10), BASE["A"] + BASE["B"], ages * 2])
    expected = np.linalg.lstsq(x, y, rcond=None)[0][0]
    assert made.estimate.value == pytest.approx(expected, abs=1e-9)
    with pytest.raises(DataError, match="no column SEX"):
        CHANGE(rows(), settings={"covariates": ["SEX"]})


def test_missing_values_and_baselines_are_counted():
    a, _, difference = CHANGE(rows(a=[30.0, None, 28, 50, 41]))
    assert (a.n, difference.n) == (4, 9)
    assert "1 of 10 subjects not evaluable, left out" in difference.estimate.notes
    nobody = rows().with_columns(BASE=pl.lit(None, pl.Float64))
    made = CHANGE(nobody)
    assert {each.reason for each in made} == {"nobody could be evaluated (10 left out)"}


def test_the_visit_is_named_where_there_are_several():
    two = pl.concat([rows(), rows().with_columns(AVISIT=pl.lit("WEEK2"), AVAL=pl.lit(1.0))])
    with pytest.raises(DataError, match="found WEEK2, WEEK6; name one"):
        CHANGE(two)
    made = CHANGE(two, settings={"visit": "WEEK6"})
    assert made == CHANGE(rows())
    assert CHANGE(two, settings={"visit": "WEEK9"})[-1].estimate is None


def test_one_arm_alone_has_a_mean_and_no_difference():
    mean, difference = CHANGE(rows(b=[]))
    assert mean.estimate.value == pytest.approx(np.mean(np.subtract(WEEK6["A"], BASE["A"])))
    assert difference.reason == "one group only: nobody to compare A with"


def test_two_subjects_are_too_few_for_a_slope_three_leave_no_spread():
    made = CHANGE(rows(a=[30.0], b=[49.0]))
    assert {each.reason for each in made} == {
        "some fixed effects cannot be told apart by these rows; leave terms out"
    }
    made = CHANGE(rows(a=[30.0, 45.0], b=[49.0]))[-1]
    assert (made.estimate.lower, made.estimate.upper) == (-math.inf, math.inf)
    assert made.estimate.notes[0] == "no degree of freedom is left: no spread known"
    assert made.p_value is None
    assert CHANGE(rows().clear()) == []


def test_rows_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="has visit 'WEEK6' twice"):
        CHANGE(pl.concat([rows(), rows()[:1]]))
    with pytest.raises(DataError, match="in several groups"):
        CHANGE(pl.concat([rows(), rows()[:1].with_columns(GROUP=pl.lit("B"), AVISIT=pl.lit("X"))]))
    with pytest.raises(DataError, match="not finite"):
        CHANGE(rows(a=[math.inf, 1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(DataError, match="told apart"):
        fit_least_squares([1.0, 2.0], [[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(DataError, match="shape"):
        fit_least_squares([1.0], [[1.0], [2.0]])
    with pytest.raises(DataError, match="not finite"):
        fit_least_squares([1.0, math.nan], [[1.0], [2.0]])


@pytest.mark.parametrize("b", [1.0, 0.1, 3.0])
def test_values_without_spread_about_the_model_have_no_bounds(b):
    # R 4.2.2, summary(lm(...)): "essentially perfect fit: summary may be unreliable"
    mean, _, difference = ANALYSIS(rows([3.0] * 5, [b] * 5), settings={"response": "value"})
    assert mean.estimate.value == pytest.approx(3)
    assert difference.estimate.value == pytest.approx(3 - b)
    for each in (mean.estimate, difference.estimate):
        assert (each.lower, each.upper) == (-math.inf, math.inf)
        assert each.notes[0].startswith("the model meets every value")
    assert difference.p_value is None
