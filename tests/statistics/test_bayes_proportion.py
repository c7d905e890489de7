"""Closed forms of the beta (scipy)."""

import polars as pl
import pytest
from scipy import stats

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.bayes_proportion import ANALYSIS
from sojourn.testing import check_analysis

ASH = {"successes": 14, "n": 27}


def rows(yes, no, missing=0, group="ALL"):
    return outcomes(group, avalc=["Y"] * yes + ["N"] * no + [None] * missing)


def test_a_flat_prior_gives_the_beta_of_successes_and_failures():
    mean, above = ANALYSIS(rows(9, 3), settings={"p0": 0.6, "level": 0.9})
    known = stats.beta(10, 4)
    assert mean.estimate.value == pytest.approx(10 / 14)
    assert (mean.estimate.lower, mean.estimate.upper) == pytest.approx(
        known.interval(0.9), abs=1e-10
    )
    assert mean.estimate.components["posterior deviation"] == pytest.approx(known.std())
    assert mean.estimate.notes[0] == "9 of 12"
    assert mean.estimate.notes[2] == "prior worth 2 subjects: Beta(1, 1)"
    assert above.estimate.value == pytest.approx(known.sf(0.6), abs=1e-12)
    assert above.estimate.method == "probability under prior and data, no interval"


def test_a_historical_control_is_stated_with_its_weight_before_and_after():
    mean = ANALYSIS(rows(35, 33), settings={"control": ASH})[0].estimate
    alone = ANALYSIS(rows(35, 33))[0].estimate
    assert mean.components["posterior deviation"] < alone.components["posterior deviation"]
    assert "0.8 Beta(15, 14) + 0.2 Beta(1, 1)" in mean.notes[2]
    assert mean.notes[3].startswith("posterior 0.9")
    with pytest.raises(DataError, match="successes <= n"):
        ANALYSIS(rows(3, 3), settings={"control": {"successes": 5, "n": 4}})


@pytest.mark.parametrize(("planned", "there"), [(12, True), (11, False)])
def test_the_predictive_probability_needs_as_many_as_are_there(planned, there):
    made = ANALYSIS(rows(9, 3), settings={"planned": planned, "p0": 0.3, "threshold": 0.9})[-1]
    assert made.operation == "predictive_probability"
    assert (made.estimate is not None) == there
    if there:
        assert made.estimate.value == 1.0
    else:
        assert made.reason == "12 subjects are there already, 11 were planned"


def test_a_prior_alone_is_no_result():
    made = ANALYSIS(rows(0, 0, 3), settings={"planned": 68, "control": ASH})
    assert {each.reason for each in made} == {"nobody could be evaluated (3 left out)"}
    assert len(made) == 3
    assert ANALYSIS(empty()) == []


def test_bounds_hold_the_mean_at_any_level():
    mean = ANALYSIS(rows(0, 10), settings={"level": 0.05})[0].estimate
    assert mean.lower <= mean.value <= mean.upper


def test_promises():
    both = pl.concat([rows(3, 2, 1, "A"), rows(2, 4, 0, "B")])
    check_analysis(ANALYSIS, both, settings={"planned": 10, "control": ASH})
    with pytest.raises(DataError, match="expected weight"):
        ANALYSIS(both, settings={"prior": [0, 1]})
