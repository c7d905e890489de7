"""Groups of outcome rows. Oracles: by hand (OURS)."""

import polars as pl
import pytest

from outcome_rows import outcomes
from sojourn.core.errors import DataError
from sojourn.statistics._groups import plural, split_groups
from sojourn.statistics.mean import ANALYSIS as MEAN
from sojourn.statistics.permutation_test import ANALYSIS as PERMUTATION


@pytest.mark.parametrize("analysis", [MEAN, PERMUTATION])
@pytest.mark.parametrize("value", [1.01e100, -1e308, 1.7e308])
def test_a_value_that_no_unit_makes_that_large_is_refused(analysis, value):
    rows = pl.concat([outcomes("A", aval=[1.0, value]), outcomes("B", aval=[2.0, 3.0])])
    with pytest.raises(DataError, match=r"subject .* has AVAL .*; expected 1e\+100 at most"):
        analysis(rows)


@pytest.mark.parametrize("value", [1e100, -1e100])
def test_the_largest_value_has_a_finite_mean_and_interval(value):
    (made,) = MEAN(outcomes(aval=[0.0, value]))
    assert made.estimate.value == value / 2
    assert abs(made.estimate.lower) < 1e102


def test_what_is_not_finite_is_left_to_the_analysis():
    (group,) = split_groups(outcomes(aval=[1.0, float("inf"), float("nan")]), "AVAL")
    assert group.rows.height == 3


@pytest.mark.parametrize(("count", "text"), [(0, "0 events"), (1, "1 event"), (2, "2 events")])
def test_one_is_no_plural(count, text):
    assert plural(count, "event") == text
